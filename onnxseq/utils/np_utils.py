"""Small array helpers that training scripts call on their data."""

import numpy as np


def to_categorical(y, num_classes=None):
    """Turn integer class labels into rows of a binary matrix.

    out[i, y[i]] = 1, all else 0.

    Shapes: any shape of n labels -> (n, num_classes).

    Arguments:
        y: Integer labels from 0.
        num_classes: Number of columns; the largest label plus one where None.

    Returns: A float64 array.

    Raises:
        IndexError: A label is outside the number of classes.
    """
    labels = np.array(y, dtype="int").ravel()
    if not num_classes:
        num_classes = int(labels.max()) + 1
    matrix = np.zeros((labels.shape[0], num_classes))
    matrix[np.arange(labels.shape[0]), labels] = 1
    return matrix


def normalize(x, axis=-1, order=2):
    """Divide an array by its norm along an axis.

    out = x / ||x||_order; a norm of zero divides by one.

    Arguments:
        x: The array.
        axis: Axis that gets unit norm.
        order: Order of the norm, as numpy.linalg.norm takes it.

    Returns: An array of the shape of `x`.
    """
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
