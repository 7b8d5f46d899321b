"""HDF5 files: the one importer of h5py. Models are written here, data sets of the user's own are read.

Files are made in memory and come to the disk as a whole, by `atomic.replace`: an error of the disk then is an
ordinary OSError, and the file that was there before is still there. Models are read in `hdf5_reader`.
"""

import io

import numpy as np

from onnxseq.errors import text
from onnxseq.saving.atomic import replace

try:
    import h5py
except ImportError:
    h5py = None

MAX_ATTRIBUTE = 64512
"""Bytes that an attribute of the oldest format may take; longer lists of names are cut into several."""


def write(path, fill, who):
    """Write an HDF5 file, in the format that TensorFlow 1.4's HDF5 reads too.

    Arguments:
        path: Where to.
        fill: A function that is given the root Group to fill.
        who: Whoever asked, for messages.

    Raises:
        ImportError: h5py is not installed.
        OSError: The file cannot be written; what was there before is left as it was.
    """
    require(who)
    image = io.BytesIO()
    with h5py.File(image, "w", libver=("earliest", "v110")) as file:
        fill(Group(file, who))
    with image.getbuffer() as content:
        replace(path, content, who)


def require(who):
    """Raise ImportError where there is no h5py to write with."""
    if h5py is None:
        raise ImportError(text(who, "h5py is not installed", "the module 'h5py'", "Run: pip install h5py"))


class Group:
    """A group to be filled."""

    def __init__(self, group, who):
        self._group = group
        self._who = who

    def text(self, name, value):
        """Write a text of any length as an attribute."""
        self._group.attrs[name] = value.encode("utf-8")

    def texts(self, name, values):
        """Write a list of texts as an attribute, or as name0, name1, … where one is too small for them."""
        encoded = [value.encode("utf-8") for value in values]
        longest = max(map(len, encoded), default=0)
        if longest > MAX_ATTRIBUTE:
            raise RuntimeError(text(self._who, f"a name of {longest} bytes in {name!r}", f"up to {MAX_ATTRIBUTE}"))
        array = np.array(encoded)
        if array.nbytes <= MAX_ATTRIBUTE:
            self._group.attrs[name] = array
            return
        fit = MAX_ATTRIBUTE // array.itemsize
        for number, start in enumerate(range(0, len(array), fit)):
            self._group.attrs[f"{name}{number}"] = array[start : start + fit]

    def group(self, path):
        """Return the group at a path, made where it is not there."""
        return Group(self._group.require_group(path), self._who)

    def array(self, path, value):
        """Write an array."""
        self._group.create_dataset(path, data=value)


class Dataset:
    """One data set of a file, open for reading.

    Arguments:
        path: The file.
        name: Path of the data set in it.
        who: Whoever asked, for messages.

    Raises:
        ImportError: h5py is not installed.
        OSError: There is no such file, or it is no HDF5 file.
        KeyError: It has no such data set.
    """

    def __init__(self, path, name, who):
        require(who)
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise type(error)(text(who, f"{path!r} cannot be read ({error})", "an HDF5 file")) from error
        found = self._file.get(name)
        if not isinstance(found, h5py.Dataset):
            names = sorted(self._file)
            self._file.close()
            raise KeyError(text(who, f"{path!r} has no data set {name!r}", f"the name of one; there are {names}"))
        self._found = found
        self.shape = found.shape
        self.dtype = found.dtype

    def read(self, rows):
        """Return rows, by a slice or by numbers in rising order, as an array."""
        return self._found[rows]
