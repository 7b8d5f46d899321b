"""A backend without a Keras, and cases that print, hang and die: what the runner must live through."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np

from conformance.case import Absent, outcome_of, register
from conformance.worker import MARK

keras = None


def fresh():
    """Nothing is kept from case to case."""


def release():
    """Nothing is held."""


def versions():
    return {"odd": "1"}


def _plain(keras, random):
    return {"value": np.arange(3.0), "drawn": random.normal(size=2), "text": "two\nlines"}


def _noise(keras, random):
    """Prints from Python, from below it and from a child, also what looks like an answer."""
    print("to standard output", flush=True)
    print(MARK + '{"done": "odd/plain", "seconds": 0}', flush=True)
    os.write(1, b"without an end of line " * 20000)
    os.write(2, b"\xff\xfe no text")
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return {"value": np.ones(1)}


def _reads(keras, random):
    return {"read": "nothing" if sys.stdin.read() == "" else "something"}


def _dies(keras, random):
    os.write(2, b"the last words")
    os._exit(3)


def _aborts(keras, random):
    os.kill(os.getpid(), signal.SIGSEGV)


def _exits(keras, random):
    sys.exit("enough")


def _sleeps(keras, random):
    """Takes every exception for an outcome."""
    pid_file = os.environ.get("ODD_PID_FILE")
    if pid_file:
        pathlib.Path(pid_file).write_text(str(os.getpid()))
    return {"raises": outcome_of(time.sleep, 600)}


def _stuck(keras, random):
    """Does not hear the alarm."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(600)


def _leaves_a_child(keras, random):
    """Dies with a child that holds its pipes."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)


def _raises(keras, random):
    raise ValueError("no such thing")


def _lacks(keras, random):
    raise Absent("layers.Abacus")


def _no_numbers(keras, random):
    return {"value": [None]}


def _kept_name(keras, random):
    return {"failed": np.ones(1)}


for _function in (
    _plain,
    _noise,
    _reads,
    _dies,
    _aborts,
    _exits,
    _sleeps,
    _stuck,
    _leaves_a_child,
    _raises,
    _lacks,
    _no_numbers,
    _kept_name,
):
    register("odd/" + _function.__name__[1:], _function)
