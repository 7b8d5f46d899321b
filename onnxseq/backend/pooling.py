"""Pooling, in both orders of axes."""

import numpy as np

from onnxseq.backend.defaults import resolve_data_format
from onnxseq.backend.spatial import check_padding, check_rank, from_last, pads_by_size, per_axis, to_last, windowed
from onnxseq.backend.tensors import as_tensor
from onnxseq.compiler.ops import pool
from onnxseq.compiler.ops import shape as shape_ops
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
    size, strides = per_axis(size, rank), per_axis(strides, rank)
    x = to_last(x, data_format)
    if mode == "max":
        y = windowed(x, size, strides, (1,) * rank, padding, lambda x, p: pool.max_pool(x, size, strides, p), -np.inf)
        return from_last(y, data_format)

    def average(x):
        return windowed(x, size, strides, (1,) * rank, padding, lambda x, p: pool.average_pool(x, size, strides, p))

    y = average(x)
    if padding == "same" and pads_by_size(x, size, strides):
        # The zeros padded before counted as elements; the mean of ones is the share of those that are none.
        y = y / average(shape_ops.ones_like(x))
    return from_last(y, data_format)
