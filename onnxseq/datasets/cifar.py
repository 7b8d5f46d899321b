"""What the two CIFAR data sets share: their batches."""

import os

import numpy as np

from onnxseq import backend as K
from onnxseq.datasets import closed_pickle
from onnxseq.errors import text
from onnxseq.utils.data_utils import get_file

ORIGIN = "https://www.cs.toronto.edu/~kriz/"


def folder_of(path, name, archive, file_hash):
    """Return the folder of the batches: the user's own, or the cached or fetched one."""
    return path if path is not None else get_file(name, ORIGIN + archive, untar=True, file_hash=file_hash)


def load_batch(fpath, label_key="labels"):
    """Return the pictures and labels of one batch.

    Arguments:
        fpath: The file.
        label_key: What the labels are called in it.

    Returns: (x, y): x uint8 of shape (samples, 3, 32, 32), y integers.

    Raises:
        ValueError: The file is broken, or is none of these.
    """
    who = f"load_batch: {os.fspath(fpath)!r}"
    with open(fpath, "rb") as file:
        found = closed_pickle.read(who, file.read(), encoding="bytes")
    if isinstance(found, dict):
        found = {key.decode("ascii") if isinstance(key, bytes) else key: value for key, value in found.items()}
        x, y = found.get("data"), found.get(label_key)
        if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.shape[1:] == (3072,) and len(x) == len(y or ()):
            return x.reshape(-1, 3, 32, 32), np.array(y)
    raise ValueError(text(who, "it holds something else", f"pictures under 'data' and as many {label_key!r}"))


def arranged(x_train, y_train, x_test, y_test):
    """Return a data set with labels in a column and its pictures in the default order of axes."""
    if K.image_data_format() == "channels_last":
        x_train, x_test = x_train.transpose(0, 2, 3, 1), x_test.transpose(0, 2, 3, 1)
    return (x_train, y_train.reshape(-1, 1)), (x_test, y_test.reshape(-1, 1))
