"""Files are written whole or not at all, and every way to fail says what is wrong and leaves what was there."""

import errno
import os
import stat

import pytest

from onnxseq.layers import Dense
from onnxseq.models import Sequential
from onnxseq.saving import atomic

WHAT_WAS_THERE = "What was there is left as it was."


def model():
    return Sequential([Dense(2, input_shape=(3,), name="only")], name="m")


def cannot(name, number):
    return (f"[Errno {number}] Sequential 'm'.save: {name!r} cannot be written ({os.strerror(number)}); expected a "
            f"file that can be replaced, on a disk with room for it. {WHAT_WAS_THERE}")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_refused(call, message, kind=OSError):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_a_path_that_is_a_folder(folder):
    (folder / "model.h5").mkdir()
    check_refused(lambda: model().save("model.h5"), cannot("model.h5", errno.EISDIR), IsADirectoryError)
    assert os.listdir(folder) == ["model.h5"]


def test_no_such_folder(folder):
    check_refused(lambda: model().save("none/model.h5"), cannot("none/model.h5", errno.ENOENT), FileNotFoundError)
    assert os.listdir(folder) == []


def test_a_device():
    check_refused(lambda: model().save("/dev/null"), cannot("/dev/null", errno.EINVAL))


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_full_disk(step, folder, monkeypatch):
    model().save("model.h5")
    before = (folder / "model.h5").read_bytes()

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, step, fail)
    check_refused(lambda: model().save("model.h5"), cannot("model.h5", errno.ENOSPC))
    monkeypatch.undo()
    assert os.listdir(folder) == ["model.h5"]
    assert (folder / "model.h5").read_bytes() == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="Nothing is forbidden to this user.")
def test_without_permission(folder):
    model().save("model.h5")
    (folder / "model.h5").chmod(0o444)
    check_refused(lambda: model().save("model.h5"), cannot("model.h5", errno.EACCES), PermissionError)
    (folder / "model.h5").chmod(0o644)
    folder.chmod(0o555)
    try:
        check_refused(lambda: model().save("model.h5"), cannot("model.h5", errno.EACCES), PermissionError)
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="Symbolic links and modes of files.")
def test_links_and_modes_stay(folder):
    model().save("real.h5")
    (folder / "real.h5").chmod(0o640)
    (folder / "model.h5").symlink_to("real.h5")
    model().save("model.h5")
    assert (folder / "model.h5").is_symlink()
    assert stat.S_IMODE(os.stat("real.h5").st_mode) == 0o640
    assert sorted(os.listdir(folder)) == ["model.h5", "real.h5"]


@pytest.mark.parametrize("method", ["save", "save_weights"])
@pytest.mark.parametrize("answers, writes", [("y", True), ("n", False), ("?yes y", True)])
def test_overwrite_asks(method, answers, writes, folder, monkeypatch):
    (folder / "model.h5").write_text("old")
    replies = iter(answers.split())
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or next(replies))
    getattr(model(), method)("model.h5", overwrite=False)
    assert ((folder / "model.h5").read_bytes() != b"old") == writes
    assert asked[0] == "model.h5 exists. Overwrite it? [y/n] "
    assert asked[1:] == ["Please answer y (overwrite it) or n (keep it): "] * (len(answers.split()) - 1)


def test_nothing_is_asked_where_nothing_is(folder):
    model().save("model.h5", overwrite=False)
    assert os.listdir(folder) == ["model.h5"]


def test_only_json(folder):
    class Odd(Dense):
        def get_config(self):
            return {**super().get_config(), "odd": object}

    class Odder(Dense):
        def get_config(self):
            return {**super().get_config(), "odd": {1, 2}}

    Sequential([Odd(2, input_shape=(3,))]).save("model.h5")
    check_refused(
        lambda: Sequential([Odder(2, input_shape=(3,))], name="m").save("other.h5"),
        "Sequential 'm'.save: configuration: {1, 2}; expected numbers, texts, lists, dicts, functions or classes.",
        TypeError,
    )
    assert os.listdir(folder) == ["model.h5"]
