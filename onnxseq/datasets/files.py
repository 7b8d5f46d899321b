"""Where the files of the data sets are, and how they are read: no pickle in them is ever run."""

import json
import os
import zipfile

import numpy as np

from onnxseq.datasets import closed_pickle
from onnxseq.errors import text
from onnxseq.utils.data_utils import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def located(path, name, file_hash, origin=ORIGIN):
    """Return where a data set's file is: one of the user's own that is there, else the cached or fetched one.

    Arguments:
        path: The file; a name alone is one in the cache.
        name: Its name at the origin.
        file_hash: Its hash, which a fetched or cached file must have. A file of the user's own may have any.
        origin: Address of its folder.
    """
    if os.path.isabs(path) and os.path.exists(path):
        return path
    return get_file(path, origin + name, file_hash=file_hash)


def read_arrays(who, path, names):
    """Return arrays of an .npz file; of objects, such as lists of numbers, too.

    Raises:
        ValueError: One is missing, or the file is broken or holds anything but arrays and plain containers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_read_array(f"{who}: {name!r} of {path!r}", archive, name) for name in names]
    except (KeyError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(
            text(who, f"{path!r} cannot be read ({error})", f"an .npz file with the arrays {', '.join(names)}")
        ) from error


def _read_array(who, archive, name):
    with archive.open(f"{name}.npy") as file:
        header = HEADERS.get(np.lib.format.read_magic(file))
        shape, in_columns, dtype = header(file) if header else (None, None, np.dtype("f8"))
        if dtype.hasobject:
            found = closed_pickle.read(who, file.read())
            if not isinstance(found, np.ndarray) or found.dtype != object or found.shape != tuple(shape):
                raise ValueError(text(who, "it holds something else than it says", f"an array of shape {shape}"))
            return found
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_words(who, path):
    """Return what a JSON file maps words to.

    Raises:
        ValueError: It is no such file.
    """
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    if not isinstance(found, dict):
        raise ValueError(text(who, f"{path!r} holds a {type(found).__name__}", "words and their numbers"))
    return found
