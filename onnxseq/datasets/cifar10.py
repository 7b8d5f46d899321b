"""Small coloured pictures of ten kinds of things: 60,000 of 32x32 pixels."""

import os

import numpy as np

from onnxseq.datasets.cifar import arranged, folder_of, load_batch

HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
NUM_BATCHES = 5


def load_data(path=None):
    """Return the data set, fetched at the first time.

    Arguments:
        path: A folder of one's own with data_batch_1 to data_batch_5 and test_batch; the cached one where None.

    Returns: ``(x_train, y_train), (x_test, y_test)``: x uint8 of shape (samples, 32, 32, 3), or (samples, 3, 32, 32)
        by K.image_data_format(); y from 0 to 9, of shape (samples, 1).

    Raises:
        ValueError: A file is broken or not the one meant.
        OSError: It cannot be fetched.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
    """
    folder = folder_of(path, "cifar-10-batches-py", "cifar-10-python.tar.gz", HASH)
    batches = [load_batch(os.path.join(folder, f"data_batch_{i}")) for i in range(1, NUM_BATCHES + 1)]
    x_train, y_train = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return arranged(x_train, y_train.astype("uint8"), *load_batch(os.path.join(folder, "test_batch")))
