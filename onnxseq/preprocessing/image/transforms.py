"""Transforms of one picture, an array of rank 3 whose rows, columns and channels stand on given axes."""

import numpy as np

from onnxseq.errors import describe, text

FILL_MODES = ("nearest", "constant", "reflect", "wrap", "mirror")


def random_rotation(x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Turn a picture by a random angle.

    Arguments:
        x: The picture, of rank 3.
        rg: Largest angle in degrees, to either side.
        row_axis, col_axis, channel_axis: Which axis is which.
        fill_mode: 'nearest', 'constant', 'reflect', 'wrap' or 'mirror': what lies beyond the edges.
        cval: What lies there in mode 'constant'.

    Returns: A picture of the shape and dtype of `x`.

    Raises:
        RuntimeError: The mode is unknown.
    """
    matrix = rotation(np.pi / 180 * np.random.uniform(-rg, rg))
    return _centred(x, matrix, row_axis, col_axis, channel_axis, fill_mode, cval)


def random_shift(x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Shift a picture by random shares of its width, up to `wrg`, and height, up to `hrg`; else as random_rotation."""
    rows, columns = x.shape[row_axis], x.shape[col_axis]
    down = np.random.uniform(-hrg, hrg) * rows
    right = np.random.uniform(-wrg, wrg) * columns
    return apply_transform(x, shift(down, right), channel_axis, fill_mode, cval)


def random_shear(x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Shear a picture by a random angle of up to `intensity` radians, to either side; else as random_rotation."""
    matrix = shear(np.random.uniform(-intensity, intensity))
    return _centred(x, matrix, row_axis, col_axis, channel_axis, fill_mode, cval)


def random_zoom(x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Zoom a picture by random factors, one for each axis; else as random_rotation.

    Arguments:
        zoom_range: The least and the largest factor; above 1 shows more than the picture.

    Raises:
        TypeError, ValueError: `zoom_range` is no list, or no pair.
    """
    if not hasattr(zoom_range, "__len__") or len(zoom_range) != 2:
        kind = ValueError if hasattr(zoom_range, "__len__") else TypeError
        raise kind(text("random_zoom", f"zoom_range is {describe(zoom_range)}", "a pair of numbers"))
    matrix = zoom(*draw_zoom(zoom_range))
    return _centred(x, matrix, row_axis, col_axis, channel_axis, fill_mode, cval)


def draw_zoom(zoom_range):
    """Return two random factors; where the range is 1 to 1 nothing is drawn."""
    if zoom_range[0] == 1 and zoom_range[1] == 1:
        return 1, 1
    return np.random.uniform(zoom_range[0], zoom_range[1], 2)


def random_channel_shift(x, intensity, channel_axis=0):
    """Add to each channel a random number of up to `intensity`, either way; values stay within those of the picture."""
    low, high = np.min(x), np.max(x)
    channels = [
        np.clip(channel + np.random.uniform(-intensity, intensity), low, high)
        for channel in np.moveaxis(x, channel_axis, 0)
    ]
    return np.stack(channels, axis=channel_axis).astype(x.dtype, copy=False)


def flip_axis(x, axis):
    """Turn an array around along an axis."""
    return np.flip(np.asarray(x), axis)


def apply_transform(x, transform_matrix, channel_axis=0, fill_mode="nearest", cval=0.0):
    """Read a picture through a matrix: out[row, column] = x[matrix · (row, column, 1)], at the nearest place.

    Arguments:
        x: The picture, of rank 3.
        transform_matrix: Of shape (3, 3).
        channel_axis: Axis of the channels; the other two are rows and columns, in this order.
        fill_mode, cval: As random_rotation takes them.

    Returns: A picture of the shape and dtype of `x`.

    Raises:
        RuntimeError: The mode is unknown.
    """
    if fill_mode not in FILL_MODES:
        raise RuntimeError(
            text("apply_transform", f"fill_mode is {fill_mode!r}", f"one of {', '.join(map(repr, FILL_MODES))}")
        )
    channels = np.moveaxis(x, channel_axis, 0)
    num_rows, num_columns = channels.shape[1:]
    rows, columns = np.arange(num_rows)[:, np.newaxis], np.arange(num_columns)[np.newaxis]
    (a, b, down), (c, d, right) = np.asarray(transform_matrix, dtype="float64")[:2]
    row, no_row = _places((down + rows * a) + columns * b, num_rows, fill_mode)
    column, no_column = _places((right + rows * c) + columns * d, num_columns, fill_mode)
    found = channels[:, row, column]
    if fill_mode == "constant":
        found[:, no_row | no_column] = cval
    return np.moveaxis(found, 0, channel_axis)


def _places(at, size, fill_mode):
    """Return the index that is read for each coordinate along an axis, and which coordinates lie off the picture."""
    last = size - 1
    off = (at < 0) | (at > last)
    if last == 0:
        at = np.zeros_like(at)
    elif fill_mode in ("nearest", "constant"):
        at = np.clip(at, 0, last)
    elif fill_mode == "wrap":  # the first and the last pixel are one
        at = np.where(at < 0, at + last * (np.trunc(-at / last) + 1), at)
        at = np.where(at > last, at - last * np.trunc(at / last), at)
    elif fill_mode == "mirror":
        at = np.abs(at) % (2 * last)
        at = np.where(at > last, 2 * last - at, at)
    else:
        # The picture turned around begins half a pixel before the first one; what is nearer than that to it is given
        # to the second one below, as SciPy had it then.
        before = np.where(at < -2 * size, at + 2 * size * np.trunc(-at / (2 * size)), at)
        before = np.where(before < -size, before + 2 * size, -before - 1)
        behind = at - 2 * size * np.trunc(at / (2 * size))
        behind = np.where(behind >= size, 2 * size - behind - 1, behind)
        at = np.where(at < 0, before, np.where(at > last, behind, at))
    index = np.abs(np.floor(at + 0.5).astype("int64"))
    return np.where(index > last, max(2 * last, 0) - index, index), off


# The transforms as matrices of (row, column, 1).


def rotation(angle):
    """The matrix that turns by an angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def shift(down, right):
    """The matrix that moves by pixels."""
    return np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])


def shear(angle):
    """The matrix that shears by an angle in radians."""
    return np.array([[1, -np.sin(angle), 0], [0, np.cos(angle), 0], [0, 0, 1]])


def zoom(rows, columns):
    """The matrix that zooms by factors."""
    return np.array([[rows, 0, 0], [0, columns, 0], [0, 0, 1]])


def centre(matrix, num_rows, num_columns):
    """Return a matrix that does about the middle of a picture what the given one does about its corner."""
    row, column = num_rows / 2 + 0.5, num_columns / 2 + 0.5
    return shift(row, column) @ matrix @ shift(-row, -column)


def _centred(x, matrix, row_axis, col_axis, channel_axis, fill_mode, cval):
    matrix = centre(matrix, x.shape[row_axis], x.shape[col_axis])
    return apply_transform(x, matrix, channel_axis, fill_mode, cval)
