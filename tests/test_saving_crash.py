"""Saves that are killed, interrupted or out of room, and saves at the same time: the file is always a whole one."""

import errno
import os
import pathlib
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from onnxseq.layers import Dense
from onnxseq.models import Sequential, load_model
from onnxseq.saving import atomic
from tests.crash_saving import NAME, Saver, kill, number_of

POSIX = pytest.mark.skipif(os.name != "posix", reason="Signals, locks and limits of POSIX.")
LEFT = "What was there is left as it was."


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model(value=1.0, units=2):
    made = Sequential([Dense(units, input_shape=(3,), name="only")], name="m")
    made.set_weights([np.full((3, units), value, "float32"), np.full(units, value, "float32")])
    return made


@POSIX
def test_killed_while_saving(folder):
    # python -m tests.crash_saving kills as many as one likes; here a few show that it can.
    random, number = np.random.RandomState(3), 1
    with Saver(folder) as saver:
        for _ in range(15):
            number, _ = kill(saver, folder, number, random)
    model().save(NAME)
    assert os.listdir(folder) == [NAME]  # what the last one left behind is gone


@POSIX
def test_what_a_killed_process_leaves_is_removed_and_nothing_else(folder):
    kept = [".onnxseq-notes", "onnxseq-1.tmp", ".other.tmp"]
    for name in [*kept, ".onnxseq-0123456789abcdef.tmp"]:
        (folder / name).write_text("x")
    (folder / ".onnxseq-folder.tmp").mkdir()
    (folder / ".onnxseq-link.tmp").symlink_to(kept[1])
    os.mkfifo(folder / ".onnxseq-pipe.tmp")
    model().save(NAME)
    assert sorted(os.listdir(folder)) == sorted(
        [*kept, NAME, ".onnxseq-folder.tmp", ".onnxseq-link.tmp", ".onnxseq-pipe.tmp"])


@POSIX
def test_a_file_that_is_being_written_is_left_alone(folder):
    with atomic._new_file(str(folder)) as (beside, file):
        model().save(NAME)
        assert os.path.exists(beside)
        file.write(b"x")
        os.replace(beside, folder / "other")
    assert sorted(os.listdir(folder)) == [NAME, "other"]


class Interrupted(Dense):
    """A layer at whose configuration the user loses patience."""

    def get_config(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_interrupted_while_it_is_written(step, folder, monkeypatch):
    model(1.0).save(NAME)
    before = (folder / NAME).read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    if step == "write":
        monkeypatch.setattr(atomic, "_write", interrupt)
    else:
        monkeypatch.setattr(atomic.os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        model(2.0).save(NAME)
    monkeypatch.undo()
    assert os.listdir(folder) == [NAME]
    assert (folder / NAME).read_bytes() == before


def test_interrupted_while_it_is_made(folder):
    model(1.0).save(NAME)
    before = (folder / NAME).read_bytes()
    with pytest.raises(KeyboardInterrupt):
        Sequential([Interrupted(2, input_shape=(3,))]).save(NAME)
    assert os.listdir(folder) == [NAME]
    assert (folder / NAME).read_bytes() == before


NO_ROOM = """
import errno, os, resource, signal
import numpy as np
from onnxseq.layers import Dense
from onnxseq.models import Sequential
model = Sequential([Dense(200, input_shape=(200,))], name="m")
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
for method in (model.save, model.save_weights):
    try:
        method("model.h5")
    except OSError as error:
        print(error)
"""


@POSIX
def test_no_room_for_the_file(folder):
    # A file may grow to 50,000 bytes: the system writes a part of it, then no more, as on a full disk.
    model(1.0).save(NAME)
    before = (folder / NAME).read_bytes()
    child = subprocess.run([sys.executable, "-c", NO_ROOM], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert child.stdout.splitlines() == [
        f"[Errno {errno.EFBIG}] Sequential 'm'.{method}: 'model.h5' cannot be written ({os.strerror(errno.EFBIG)}); "
        f"expected a file that can be replaced, on a disk with room for it. {LEFT}"
        for method in ("save", "save_weights")]
    assert os.listdir(folder) == [NAME]
    assert (folder / NAME).read_bytes() == before


def test_a_path_through_a_file(folder):
    (folder / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match=re.escape(LEFT)):
        model().save("file/model.h5")
    assert (folder / "file").read_text() == "x"


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="A folder in which nobody makes files.")
def test_a_folder_in_which_nothing_can_be_made():
    with pytest.raises(OSError, match=re.escape("'/sys/kernel/model.h5' cannot be written (")):
        model().save("/sys/kernel/model.h5")


@POSIX
def test_links_that_lead_nowhere_or_in_a_circle(folder):
    (folder / "new").symlink_to("there")
    model(3.0).save("new")
    assert sorted(os.listdir(folder)) == ["new", "there"]
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    with pytest.raises(OSError, match=re.escape(LEFT)):
        model().save("a")
    assert sorted(os.listdir(folder)) == ["a", "b", "new", "there"]


def test_over_the_file_it_came_from():
    model(1.0).save(NAME)
    for value in (2.0, 3.0):
        loaded = load_model(NAME, compile=False)
        loaded.set_weights([weight * 0 + value for weight in loaded.get_weights()])
        loaded.save(NAME)
        loaded.load_weights(NAME)
        assert (load_model(NAME, compile=False).get_weights()[0] == value).all()


def test_paths_of_every_kind(folder):
    model(1.0).save(folder / "path.h5")
    model(1.0).save(str(folder / "ünï.h5"))
    model(1.0).save(os.fsencode(folder / "bytes.h5"))
    assert sorted(os.listdir(folder)) == ["bytes.h5", "path.h5", "ünï.h5"]


def test_threads_that_save_and_load(folder):
    models = [model(float(value), units=300) for value in range(1, 4)]
    models[0].save(NAME)
    failures = []

    def attempt(call):
        try:
            for _ in range(5):
                call()
        except BaseException as error:  # whatever it is, the test is to see it
            failures.append(error)

    def load():
        kernel, bias = load_model(NAME, compile=False).get_weights()
        assert (kernel == bias[0]).all() and bias[0] in (1.0, 2.0, 3.0)

    threads = [threading.Thread(target=attempt, args=(lambda one=one: one.save(NAME),)) for one in models]
    threads += [threading.Thread(target=attempt, args=(load,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(folder) == [NAME]


@POSIX
def test_processes_that_save_while_one_loads(folder):
    with Saver(folder) as first, Saver(folder) as second:
        for saver, number in ((first, 1), (second, 1_000_000)):
            saver.start(number)
            saver.wait()
        found = [number_of(pathlib.Path(NAME)) for _ in range(20)]
    assert all(number > 0 for number in found)
    assert len(set(found)) > 1
    number_of(pathlib.Path(NAME))
    model().save(NAME)
    assert os.listdir(folder) == [NAME]
