"""Training goes on from the files of real versions of Keras as it went on there, for each optimizer.

The files, and the losses and weights that followed, are made by files/keras_versions/make.py, of which each assignment
waits for all that a step computes: TensorFlow 1 leaves the order to chance.
"""

import zipfile

import numpy as np
import pytest

from onnxseq.models import load_model
from tests.test_saving_versions import FOLDER

LOSSES, WEIGHTS = 1e-5, 2e-6
"""The losses may differ by so much of themselves, the weights by so much."""

VERSIONS = sorted(path.parent.name for path in FOLDER.glob("*/optimizers.zip"))


def names(version):
    with zipfile.ZipFile(FOLDER / version / "optimizers.zip") as archive:
        return archive.namelist()


ROWS = [(version, name) for version in VERSIONS for name in names(version)]

# Files that do not hold how many steps were made, on which the rate depends: it begins anew, as in their writers.
WITHOUT_STEPS = [(version, "rmsprop_decay.h5") for version in (
    "keras-1.2.2", "keras-2.0.8", "keras-2.1.6", "keras-2.2.4", "tf.keras-1.4")]  # fmt: skip

# What computes another step there, and says so: tests/test_saving_differences.py.
OTHERWISE = [
    *((version, f"{name}.{kind}") for name in ("rmsprop", "rmsprop_decay") for version, kind in (
        ("keras-3", "keras"), ("keras-3-h5", "h5"), ("tf.keras-2.15", "h5"), ("tf_keras-2.21", "h5"))),
    ("tf.keras-2.15", "nadam.h5"), ("tf_keras-2.21", "nadam.h5"),
]  # fmt: skip


def follow(version, name, folder):
    """Return the largest differences in losses and in weights over the steps that follow from a file."""
    with zipfile.ZipFile(FOLDER / version / "optimizers.zip") as archive:
        path = archive.extract(name, folder)
    with np.load(FOLDER / version / "optimizers.npz") as arrays:
        found = {key.rpartition("/")[2]: arrays[key] for key in arrays.files
                 if "/" not in key or key.startswith(name.rpartition(".")[0] + "/")}  # fmt: skip
    model = load_model(path)
    losses = np.array([model.train_on_batch(found["x"], found["y"]) for _ in found["losses"]])
    weights = [np.abs(value - found[f"weight_{index}"]).max() for index, value in enumerate(model.get_weights())]
    return np.abs(losses / found["losses"] - 1).max(), max(weights)


@pytest.mark.parametrize("version, name", [row for row in ROWS if row not in WITHOUT_STEPS + OTHERWISE])
def test_training_goes_on(version, name, tmp_path):
    losses, weights = follow(version, name, tmp_path)
    assert losses < LOSSES and weights < WEIGHTS


@pytest.mark.parametrize("version, name", [row for row in ROWS if row in WITHOUT_STEPS])
def test_a_rate_that_begins_anew(version, name, tmp_path):
    assert follow(version, name, tmp_path)[0] > LOSSES


@pytest.mark.parametrize("version, name", [row for row in ROWS if row in OTHERWISE])
def test_steps_that_differ_are_said_to(version, name, tmp_path):
    with pytest.warns(UserWarning, match="steps that differ"):
        assert follow(version, name, tmp_path)[1] > WEIGHTS
