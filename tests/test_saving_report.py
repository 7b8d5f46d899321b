"""``onnxseq check``: what it says of good files and of bad ones."""

import h5py
import numpy as np
import pytest

from onnxseq.cli import main
from onnxseq.layers import Dense, Lambda
from onnxseq.models import Sequential
from onnxseq.saving.report import report


def model():
    found = Sequential([Dense(4, input_shape=(3,), name="first"), Dense(2, use_bias=False, name="second")])
    found.compile("sgd", "mse", metrics=["mae"])
    found.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    return found


def save(change=None):
    model().save("model.h5")
    if change:
        with h5py.File("model.h5", "r+") as file:
            change(file)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


WEIGHTS = ["weights: 24 numbers in 2 layers", "  first: 3x4 float32, 4 float32", "  second: 4x2 float32"]
LAYERS = ["model: Sequential", "  first: Dense, input [None, 3]", "  second: Dense"]
WRITTEN = "written by: Keras 2.0.8-tf on tensorflow"


def lines(path="model.h5"):
    return report(path).lines[1:]  # the first tells the size


def test_a_model(capsys):
    save()
    assert lines() == [
        WRITTEN, *LAYERS, *WEIGHTS, "training: optimizer SGD, loss 'mse', metrics ['mae']",
        "optimizer state: 25 numbers in 4 arrays", "safe: yes",
    ]  # fmt: skip
    assert main(["check", "model.h5"]) == 0
    assert capsys.readouterr().out.splitlines() == report("model.h5").lines


def test_weights():
    model().save_weights("model.h5")
    assert lines() == [WRITTEN, "model: none, weights only", *WEIGHTS, "training: none", "safe: yes"]


def test_bytecode(capsys):
    Sequential([Dense(2, input_shape=(3,), name="first"), Lambda(lambda x: x, name="evil")]).save("model.h5")
    assert lines() == [
        WRITTEN,
        "model: REFUSED. check: layer 'evil': its function is bytecode, which is not run; expected the function "
        "itself. Pass custom_objects={'evil': function}; or safe_mode=False, which runs the code of the file, if you "
        "would run the file as a program.",
        "model: Sequential", "  first: Dense, input [None, 3]", "  evil: Lambda",
        "weights: 8 numbers in 1 layers", "  first: 3x2 float32, 2 float32", "training: none",
        "safe: NO, load_model refuses it as it is",
    ]  # fmt: skip
    assert main(["check", "model.h5"]) == 1
    capsys.readouterr()


def test_a_link():
    def link(file):
        del file["model_weights/first/first"]
        file["model_weights/first/first"] = h5py.ExternalLink("/etc/passwd", "x")

    save(link)
    assert ("weights: REFUSED. check: 'model.h5': '/model_weights/first/first' is an external link; expected groups "
            "and arrays of the file itself. Links are refused: they lead to places that the file should not choose."
            ) in lines()


def test_commands_for_the_terminal_are_shown():
    def name(file):
        file["model_weights"].attrs["keras_version"] = "2\x1b[2J"

    save(name)
    assert lines()[0] == r"written by: Keras 2\x1b[2J on tensorflow"


def test_no_file(capsys):
    assert main(["check", "none.h5"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "file: REFUSED. [Errno 2] No such file or directory: 'none.h5'", "safe: NO, load_model refuses it as it is",
    ]  # fmt: skip


def test_no_hdf5(folder):
    (folder / "model.h5").write_text("a text")
    assert lines() == [
        "file: REFUSED. check: 'model.h5': not an HDF5 file; expected a file that begins as HDF5 files do. Pass a file "
        "that save() or save_weights() wrote.", "safe: NO, load_model refuses it as it is",
    ]  # fmt: skip
