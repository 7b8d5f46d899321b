"""Processes killed while they save: the file is the old one or the new one, whole, and nothing piles up beside it.

    python -m tests.crash_saving --kills 200 [--seed 1]

A process saves a model again and again, all of its weights the number of the save, and is killed at a random moment;
then the file is loaded. The next process goes on in the same folder.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from onnxseq.models import load_model

NAME = "model.h5"

SAVES = """
import os, sys
import numpy as np
from onnxseq.layers import Dense
from onnxseq.models import Sequential

def save(start):
    model = Sequential([Dense(300, input_shape=(300,))])
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((1, 300)), np.zeros((1, 300)))
    values = [np.zeros((300, 300), "float32"), np.zeros(300, "float32")]
    print("saving", os.getpid(), flush=True)
    for number in range(start, start + 100000):
        model.set_weights([value + number for value in values])
        model.save("model.h5", include_optimizer=number % 2 == 0)
        os.write(1, b"%d\\n" % number)  # at once: an unbuffered print can be killed before the end of its line

for line in sys.stdin:
    child = os.fork()
    if not child:
        save(int(line))
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


class Saver:
    """Processes that save, one after the other, used in a ``with`` block; they are forked, as importing takes long."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SAVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder,
            text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        self._child = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child is not None:
            self.stop()
        self._process.communicate()

    def start(self, number):
        """Start saving, from a number on."""
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        word, _, child = self._process.stdout.readline().partition(" ")
        assert word == "saving", "the process ended by itself"
        self._child = int(child)

    def wait(self):
        """Return the number of a save once it is done."""
        return int(self._process.stdout.readline())

    def stop(self):
        """Kill the process; return the numbers of the saves that it said were done, those waited for left out."""
        os.kill(self._child, signal.SIGKILL)
        self._child, told = None, []
        while (line := self._process.stdout.readline()) != "ended\n":
            told.append(int(line))
        return told


def number_of(path):
    """Return the number of the save that a file is of; AssertionError where it is not all of one save."""
    kernel, bias = load_model(path, compile=False).get_weights()
    assert kernel.shape == (300, 300)
    assert (kernel == bias[0]).all() and (bias == bias[0]).all(), "weights of different saves in one file"
    return int(bias[0])


def kill(saver, folder, number, random):
    """Kill a process while it saves; return the number of the next save, and how many files were left behind."""
    saver.start(number)
    time.sleep(random.rand() * 0.08)
    told = saver.stop()
    path = pathlib.Path(folder) / NAME
    if not path.exists():
        assert not told, f"save {told[-1]} was reported as done, and there is no file"
        return number, 0
    found = number_of(path)
    assert found >= max(told, default=0), f"save {told[-1]} was reported as done, and the file is of save {found}"
    beside = sorted(set(os.listdir(folder)) - {NAME})
    assert len(beside) <= 1, f"left behind: {beside}"
    return found + 1, len(beside)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.crash_saving", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many processes are killed (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    options = parser.parse_args(arguments)
    random = np.random.RandomState(options.seed)
    number, in_write = 1, 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Saver(folder) as saver:
        for _ in range(options.kills):
            number, left = kill(saver, folder, number, random)
            in_write += left
    print(f"{options.kills} processes killed in {time.monotonic() - start:.0f} s, {in_write} of them while they wrote: "
          f"{number - 1} saves, every file whole")
    return 0


if __name__ == "__main__":
    sys.exit(main())
