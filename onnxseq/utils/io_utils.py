"""Data sets in HDF5 files, read as they are needed."""

import numpy as np

from onnxseq.errors import describe, text
from onnxseq.saving.hdf5 import Dataset


class HDF5Matrix:
    """A data set in an HDF5 file in place of an array: its rows are read from the file when they are asked for.

    fit, evaluate and predict take it for inputs and targets.

    Arguments:
        datapath: The file.
        dataset: Path of the data set in it.
        start, end: The rows to take, all by default.
        normalizer: Function of what was read that returns what is handed out, or None.

    Raises:
        ImportError: h5py is not installed.
        OSError: There is no such file.
        KeyError: It has no such data set.
    """

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        self.data = Dataset(datapath, dataset, "HDF5Matrix")
        self.start = start
        self.end = self.data.shape[0] if end is None else end
        self.normalizer = normalizer

    def __len__(self):
        return self.end - self.start

    def __getitem__(self, key):
        """Return rows by a number, a slice, or a list or array of numbers, in any order.

        Raises:
            IndexError: A row is past the end, or the key is none of these.
        """
        if isinstance(key, slice):
            self._check(key.stop)
            rows = self._rows(np.arange(len(self))[key])
        elif isinstance(key, int | np.integer):
            rows = self._rows(np.array([key]))[0]
        elif isinstance(key, list | np.ndarray):
            index = np.asarray(key)
            if index.dtype.kind == "b" and index.shape == (len(self),):
                index = np.flatnonzero(index)
            if index.size and index.dtype.kind not in "iu":
                raise self._fault(key)
            rows = self._rows(index.astype("int64"))
        else:
            raise self._fault(key)
        return rows if self.normalizer is None else self.normalizer(rows)

    def _fault(self, key):
        return IndexError(
            text("HDF5Matrix", f"the rows {describe(key)} were asked for", f"rows below {len(self)}, by a number, a "
                 "slice, a list or an array")
        )  # fmt: skip

    def _check(self, stop):
        if stop is not None and stop > len(self):
            raise self._fault(stop - 1)

    def _rows(self, index):
        size = len(self)
        wrong = (index < -size) | (index >= size)
        if wrong.any():
            raise self._fault(int(index[wrong][0]))
        at = np.where(index < 0, index + size, index) + self.start
        if len(at) and (np.diff(at) == 1).all():
            return self.data.read(slice(int(at[0]), int(at[-1]) + 1))
        # The file reads rows in rising order only, and each once.
        rows, places = np.unique(at, return_inverse=True)
        return self.data.read(rows)[places]

    @property
    def shape(self):
        """Number of rows, then the sizes of the further axes."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self):
        """Of what is read."""
        return self.data.dtype

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.data.shape)

    @property
    def size(self):
        """Number of elements."""
        return int(np.prod(self.shape))
