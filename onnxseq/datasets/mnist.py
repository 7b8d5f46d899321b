"""Handwritten digits: 70,000 grey pictures of 28x28 pixels."""

from onnxseq.datasets.files import located, read_arrays

HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path="mnist.npz"):
    """Return the data set, fetched at the first time.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own with x_train, y_train, x_test and y_test.

    Returns: ``(x_train, y_train), (x_test, y_test)``: uint8, x of shape (60000, 28, 28) and (10000, 28, 28), y from 0
        to 9.

    Raises:
        ValueError: The file is broken or not the one meant.
        OSError: It cannot be fetched.

    Source: LeCun, Cortes, Burges, The MNIST database of handwritten digits.
    """
    names = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = read_arrays("mnist.load_data", located(path, "mnist.npz", HASH), names)
    return (x_train, y_train), (x_test, y_test)
