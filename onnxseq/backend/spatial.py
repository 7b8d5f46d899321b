"""What convolution and pooling share, and the padding and resizing of images, in both orders of axes.

The compiler computes channels last; channels-first tensors are turned around before and after, and the compiler cancels
what it can.
"""

import operator

from onnxseq import shapes
from onnxseq.backend.defaults import resolve_data_format
from onnxseq.backend.shape import pad_axes
from onnxseq.backend.tensors import as_tensor, int_shape
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.ops import tiling
from onnxseq.errors import text

# -- what they share ------------------------------------------------------------------------------------------


def check_padding(who, padding, causal=False):
    """Refuse a padding that is none of the known words."""
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    if padding not in known:
        raise ValueError(text(who, f"padding is {padding!r}", f"one of {', '.join(known)}"))


def check_rank(who, x, spatial):
    """Refuse a tensor that has not a batch axis, so many spatial ones and a channel axis."""
    if x.rank != spatial + 2:
        raise ValueError(text(who, f"a tensor of shape {int_shape(x)} arrived", f"rank {spatial + 2}"))


def per_axis(value, rank):
    """Return one size per spatial axis, from a number or a sequence."""
    sizes = (value,) * rank if isinstance(value, int) else tuple(operator.index(v) for v in value)
    return sizes * rank if len(sizes) == 1 else sizes


def to_last(x, data_format):
    """Return a tensor of a data format with its channels last."""
    return x if data_format == "channels_last" else shape_ops.transpose(x, [0, *range(2, x.rank), 1])


def from_last(x, data_format):
    """Return a channels-last tensor in a data format."""
    return x if data_format == "channels_last" else shape_ops.transpose(x, [0, x.rank - 1, *range(1, x.rank - 1)])


def windowed(x, kernel, strides, dilations, padding, compute, fill=0.0):
    """Return what ``compute(x, padding)`` makes of the windows of a channels-last tensor.

    How much 'same' pads depends on the size of the input where strides are not 1. For a size that is free it is worked
    out when the model runs, and ``compute`` is given a padded tensor instead.
    """
    spatial = x.dims[1:-1]
    if padding != "same" or not pads_by_size(x, kernel, strides):
        return compute(x, padding)
    pads = [(0, 0)]
    for axis, rule in enumerate(zip(spatial, kernel, strides, dilations, strict=True), start=1):
        pads.append(shapes.same_padding(*rule) if isinstance(rule[0], int) else _free_pads(x, axis, *rule[1:]))
    y = compute(shape_ops.pad(x, [*pads, (0, 0)], fill), "valid")
    sizes = [shapes.same_window(d, s) for d, s in zip(spatial, strides, strict=True)]
    return shape_ops.with_dims(y, (x.dims[0], *sizes, y.dims[-1]))


def pads_by_size(x, kernel, strides):
    """Tell whether 'same' padding of a channels-last tensor depends on a size that is free."""
    axes = zip(x.dims[1:-1], kernel, strides, strict=True)
    return any(not isinstance(dim, int) and size > 1 and stride > 1 for dim, size, stride in axes)


def _free_pads(x, axis, kernel, stride, dilation):
    size = shape_ops.dim_of(x, axis)
    count = ops.floor_divide(size + (stride - 1), stride)
    total = ops.maximum((count - 1) * stride + (dilation * (kernel - 1) + 1) - size, 0)
    before = ops.floor_divide(total, 2)
    return before, total - before


# -- resizing and padding -------------------------------------------------------------------------------------


def resize_images(x, height_factor, width_factor, data_format):
    """Return images with each row and column repeated.

    Arguments:
        x: a tensor of rank 4.
        height_factor, width_factor: how often each row and each column stands in the result.
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        ValueError: for an unknown data format or another rank.
    """
    return _resize("resize_images", x, [height_factor, width_factor], data_format)


def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Return volumes with each plane, row and column repeated: like ``resize_images`` with three axes."""
    return _resize("resize_volumes", x, [depth_factor, height_factor, width_factor], data_format)


def _resize(who, x, factors, data_format):
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(text(who, f"data_format is {data_format!r}", "'channels_last' or 'channels_first'"))
    x, factors = as_tensor(x), [operator.index(f) for f in factors]
    check_rank(who, x, len(factors))
    return tiling.upsample(x, [1, *factors, 1] if data_format == "channels_last" else [1, 1, *factors])


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Return images with zeros around them.

    Arguments:
        x: a tensor of rank 4.
        padding: (before, after) for rows and for columns.
        data_format: 'channels_last' or 'channels_first'; None for the default one.

    Raises:
        ValueError: for an unknown data format, another rank, or anything but two pairs.
    """
    return _pad("spatial_2d_padding", x, padding, data_format)


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Return volumes with zeros around them: like ``spatial_2d_padding`` with three axes."""
    return _pad("spatial_3d_padding", x, padding, data_format)


def _pad(who, x, padding, data_format):
    rank = 2 if who == "spatial_2d_padding" else 3
    first = 2 if resolve_data_format(who, data_format) == "channels_first" else 1
    return pad_axes(who, x, padding, range(first, first + rank), rank + 2)
