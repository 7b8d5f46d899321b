"""Pooling, in both orders of axes."""

from onnxseq.backend.defaults import resolve_data_format
from onnxseq.backend.spatial import check_padding, check_rank, from_last, per_axis, to_last
from onnxseq.backend.tensors import as_tensor
from onnxseq.compiler.ops import pool
from onnxseq.errors import text


def pool2d(x, pool_size, strides=(1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Return the largest element or the mean of each window of images.

    Shapes: x ``[batch, rows, columns, channels]``; with 'channels_first' the channels stand before the rows.

    Arguments:
        x: a tensor of rank 4.
        pool_size: rows and columns of a window.
        strides: rows and columns from one window to the next.
        padding: 'valid' or 'same'; what is padded counts in no mean.
        data_format: 'channels_last' or 'channels_first'; None for the default one.
        pool_mode: 'max' or 'avg'.

    Raises:
        ValueError: for unknown words or a window larger than the image.
    """
    return _pool("pool2d", x, pool_size, strides, padding, data_format, pool_mode, 2)


def pool3d(x, pool_size, strides=(1, 1, 1), padding="valid", data_format=None, pool_mode="max"):
    """Return the largest element or the mean of each window of volumes: like ``pool2d`` with three axes."""
    return _pool("pool3d", x, pool_size, strides, padding, data_format, pool_mode, 3)


def _pool(who, x, size, strides, padding, data_format, mode, rank):
    x = as_tensor(x)
    check_padding(who, padding)
    data_format = resolve_data_format(who, data_format)
    check_rank(who, x, rank)
    if mode not in ("max", "avg"):
        raise ValueError(text(who, f"pool_mode is {mode!r}", "'max' or 'avg'"))
    pooling = pool.max_pool if mode == "max" else pool.average_pool
    y = pooling(to_last(x, data_format), per_axis(size, rank), per_axis(strides, rank), padding)
    return from_last(y, data_format)
