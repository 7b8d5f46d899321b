"""The examples run as they say, on a little of their data."""

import pathlib
import runpy

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent

CHARACTERS = ROOT / "examples" / "characters" / "train.py"


def test_characters(capsys):
    losses = runpy.run_path(str(CHARACTERS))["main"](["--epochs", "3", "--characters", "1500", "--verbose", "0"])
    assert losses[0] > losses[1] > losses[2]
    *lines, written = capsys.readouterr().out.splitlines()
    assert lines == [
        "487 pieces of a text of 30 different characters",
        "loss by epoch: " + " ".join(f"{loss:.4f}" for loss in losses),
    ]
    assert len(written) == 340


def test_characters_begin_with_the_same_weights():
    program = runpy.run_path(str(CHARACTERS))
    x, y = program["windows"]("ab" * 40, ["a", "b"])
    assert x.shape == (14, 40, 2) and y.shape == (14, 2)
    assert (x.argmax(-1)[1] == np.arange(3, 43) % 2).all() and (y.argmax(-1) == np.arange(0, 42, 3) % 2).all()
