"""How hostile files are made: a good one, changed by code; and what must hold for each of them."""

import copy
import functools
import json
import pathlib
import tempfile
import time
import tracemalloc

import h5py
import numpy as np
import pytest

from onnxseq.backend import names
from onnxseq.layers import Dense, Input
from onnxseq.models import Model, Sequential, load_model

MOST_SECONDS = 20
"""A bound that shows a hang and nothing finer: a refusal takes milliseconds."""

MOST_BYTES = 50 << 20


def stack():
    """Return the model that the files hold: a stack."""
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,), name="first"), Dense(2, name="second")])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    return model


def graph():
    """Return the model that the files hold: a graph."""
    start = Input((3,), name="start")
    model = Model(start, Dense(2, name="second")(Dense(4, name="first")(start)), name="graph")
    return model


@functools.cache
def saved(model):
    """Return the content of a good file, made once; names are counted anew behind it, as if it had not been made."""
    names.forget_variable_names()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.h5"
        model().save(path)
        content = path.read_bytes()
    names.forget_variable_names()
    return content


def write(path, change, model=stack):
    """Write a good file, then change it as an open HDF5 file."""
    pathlib.Path(path).write_bytes(saved(model))
    with h5py.File(path, "r+") as file:
        change(file)


def with_config(change, attribute="model_config"):
    """Return a change of a file that changes its configuration in place, or returns another one."""

    def change_file(file):
        value = file.attrs[attribute]
        config = json.loads(value)
        changed = change(config)
        file.attrs[attribute] = json.dumps(config if changed is None else changed).encode()

    return change_file


def layers_of(config):
    """Return the layers of a configuration, of either kind of model."""
    inner = config["config"]
    return inner if isinstance(inner, list) else inner["layers"]


def with_layer(index, **arguments):
    """Return a change of a file that changes arguments of one layer."""
    return with_config(lambda config: layers_of(config)[index]["config"].update(copy.deepcopy(arguments)))


def check_refused(path, kind, message, **options):
    """The file is refused, with this very message, soon and with little memory."""
    tracemalloc.start()
    start = time.monotonic()
    try:
        with pytest.raises(kind) as caught:
            load_model(path, **options)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert str(caught.value) == message
    assert type(caught.value) is kind
    assert time.monotonic() - start < MOST_SECONDS
    assert peak < MOST_BYTES + 4 * pathlib.Path(path).stat().st_size
