"""Small coloured pictures of a hundred kinds of things in twenty groups: 60,000 of 32x32 pixels."""

import os

from onnxseq.datasets.cifar import arranged, folder_of, load_batch
from onnxseq.errors import describe, text

HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode="fine", path=None):
    """Return the data set, fetched at the first time.

    Arguments:
        label_mode: 'fine' for the kinds, 'coarse' for their groups.
        path: A folder of one's own with the files train and test; the cached one where None.

    Returns: ``(x_train, y_train), (x_test, y_test)``: x as cifar10.load_data has it, y from 0 to 99, or to 19.

    Raises:
        ValueError: The mode is unknown, or a file is broken or not the one meant.
        OSError: It cannot be fetched.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(text("cifar100.load_data", f"label_mode is {describe(label_mode)}", "'fine' or 'coarse'"))
    folder = folder_of(path, "cifar-100-python", "cifar-100-python.tar.gz", HASH)
    parts = [load_batch(os.path.join(folder, name), f"{label_mode}_labels") for name in ("train", "test")]
    return arranged(*parts[0], *parts[1])
