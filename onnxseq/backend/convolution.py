"""Convolutions and the adding of biases, in both orders of axes."""

from onnxseq import shapes
from onnxseq.backend.defaults import resolve_data_format
from onnxseq.backend.spatial import check_padding, check_rank, from_last, per_axis, to_last, windowed
from onnxseq.backend.tensors import as_tensor, int_shape
from onnxseq.compiler.ops import conv, index, windows
from onnxseq.compiler.ops import math as math_ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import text

# -- convolution ----------------------------------------------------------------------------------------------


def conv1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Return the convolution of sequences.

    Shapes: x ``[batch, steps, channels]``, kernel ``[size, channels, filters]``; the result
    ``[batch, new_steps, filters]``. With 'channels_first' the channels stand before the steps.

    Arguments:
        x: a tensor of rank 3.
        kernel: a tensor of rank 3.
        strides: steps from one window to the next.
        padding: 'valid', 'same', or 'causal' (no output looks ahead).
        data_format: 'channels_last' or 'channels_first'; None for the default one.
        dilation_rate: steps from one element of a window to the next.

    Raises:
        ValueError: for unknown words, shapes that do not fit, or strides together with dilation.
    """
    return _conv("conv1d", x, kernel, strides, padding, data_format, dilation_rate, 1)


def conv2d(x, kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Return the convolution of images.

    Shapes: x ``[batch, rows, columns, channels]``, kernel ``[height, width, channels, filters]``; the result
    ``[batch, new_rows, new_columns, filters]``. With 'channels_first' the channels stand before the rows.

    Arguments:
        x: a tensor of rank 4.
        kernel: a tensor of rank 4.
        strides: rows and columns from one window to the next.
        padding: 'valid' or 'same'.
        data_format: 'channels_last' or 'channels_first'; None for the default one.
        dilation_rate: rows and columns from one element of a window to the next.

    Raises:
        ValueError: for unknown words, shapes that do not fit, or strides together with dilation.
    """
    return _conv("conv2d", x, kernel, strides, padding, data_format, dilation_rate, 2)


def conv3d(x, kernel, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1)):
    """Return the convolution of volumes: like ``conv2d`` with three axes."""
    return _conv("conv3d", x, kernel, strides, padding, data_format, dilation_rate, 3)


def separable_conv2d(
    x, depthwise_kernel, pointwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)
):
    """Return the convolution of each channel on its own, followed by one that mixes channels.

    Shapes: x ``[batch, rows, columns, channels]``, depthwise_kernel ``[height, width, channels, multiplier]``,
    pointwise_kernel ``[1, 1, channels * multiplier, filters]``.

    Arguments:
        x: a tensor of rank 4.
        depthwise_kernel, pointwise_kernel: the two kernels.
        strides, padding, data_format, dilation_rate: as for ``conv2d``.

    Raises:
        ValueError: as ``conv2d`` does.
    """
    y = _depthwise("separable_conv2d", x, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return _conv("separable_conv2d", y, pointwise_kernel, 1, "valid", data_format, 1, 2)


def depthwise_conv2d(x, depthwise_kernel, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1)):
    """Return the convolution of each channel on its own, by as many filters as the kernel has for it.

    Shapes: x ``[batch, rows, columns, channels]``, depthwise_kernel ``[height, width, channels, multiplier]``; the
    result ``[batch, new_rows, new_columns, channels * multiplier]``, the filters of one channel side by side.

    Arguments:
        x: a tensor of rank 4.
        depthwise_kernel: a tensor of rank 4.
        strides, padding, data_format, dilation_rate: as for ``conv2d``.

    Raises:
        ValueError: as ``conv2d`` does.
    """
    return _depthwise("depthwise_conv2d", x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(x, kernel, output_shape, strides=(1, 1), padding="valid", data_format=None):
    """Return the transposed convolution of images: the gradient of ``conv2d`` by its input.

    Shapes: x ``[batch, rows, columns, channels]``, kernel ``[height, width, filters, channels]``.

    Arguments:
        x: a tensor of rank 4.
        kernel: a tensor of rank 4.
        output_shape: the shape of the result, its batch axis included: numbers or scalar tensors; None for a size
            that follows from that of x, ``length * stride``, with 'valid' padding and a kernel beyond the stride
            ``length * stride + kernel - stride``.
        strides, padding, data_format: those of the convolution whose gradient this is.

    Raises:
        ValueError: for unknown words or shapes that do not fit.
    """
    return _transposed("conv2d_transpose", x, kernel, output_shape, strides, padding, data_format, 2)


def conv3d_transpose(x, kernel, output_shape, strides=(1, 1, 1), padding="valid", data_format=None):
    """Return the transposed convolution of volumes: like ``conv2d_transpose`` with three axes."""
    return _transposed("conv3d_transpose", x, kernel, output_shape, strides, padding, data_format, 3)


def _transposed(who, x, kernel, output_shape, strides, padding, data_format, rank):
    check_padding(who, padding)
    data_format = resolve_data_format(who, data_format)
    x, kernel = as_tensor(x), as_tensor(kernel)
    check_rank(who, x, rank)
    if isinstance(output_shape, Tensor):
        output_shape = [index.getitem(output_shape, i) for i in range(x.rank)]
    spatial = list(output_shape)[2:] if data_format == "channels_first" else list(output_shape)[1:-1]
    strides, x = per_axis(strides, rank), to_last(x, data_format)
    if None in spatial:
        y = _transposed_whole(x, kernel, strides, padding)
        wanted = [d if s is None else s for d, s in zip(y.dims[1:-1], spatial, strict=True)]
        windows.check_same(y.dims[1:-1], wanted)
        return from_last(y, data_format)
    if padding == "same" and any(isinstance(size, Tensor) for size in spatial):
        return from_last(_transposed_to(x, kernel, spatial, strides), data_format)
    return from_last(conv.conv_transpose(x, kernel, spatial, strides, 1, padding), data_format)


def _transposed_whole(x, kernel, strides, padding):
    """Return the transposed convolution of the size that follows from that of its input."""
    rules = list(zip(x.dims[1:-1], kernel.dims[:-2], strides, strict=True))
    excess = [max(size - stride, 0) for _, size, stride in rules]
    pads = [(e // 2, e - e // 2) if padding == "same" else (0, 0) for e in excess]
    # Where strides reach beyond the kernel what follows the last window is all zero, and is added after.
    spatial = [
        shapes.add(shapes.multiply(shapes.add(dim, -1), stride), size - sum(pad))
        for (dim, size, stride), pad in zip(rules, pads, strict=True)
    ]
    y = conv.conv_transpose(x, kernel, spatial, strides, 1, pads)
    rest = [max(stride - size, 0) for _, size, stride in rules]
    if any(rest):
        y = shape_ops.pad(y, [(0, 0), *((0, r) for r in rest), (0, 0)])
    sizes = [
        shapes.add(shapes.multiply(dim, stride), 0 if padding == "same" else e)
        for (dim, _, stride), e in zip(rules, excess, strict=True)
    ]
    return shape_ops.with_dims(y, (x.dims[0], *sizes, y.dims[-1]))


def _transposed_to(x, kernel, spatial, strides):
    """Return the transposed convolution under 'same' padding to sizes which are known when the model runs alone."""
    full, starts, ends = [], [], []
    for axis, (size, reach, stride) in enumerate(zip(spatial, kernel.dims[:-2], strides, strict=True), start=1):
        size = shape_ops.vector([size])
        needed = (shape_ops.dim_of(x, axis) - 1) * stride + reach
        amount = math_ops.maximum(needed - size, 0)
        before = math_ops.floor_divide(amount, 2)
        full.append(size + amount)
        starts.append(before)
        ends.append(before + size)
    y = conv.conv_transpose(x, kernel, full, strides, 1, "valid")
    cut = index.slice(y, shape_ops.concat(starts, 0), shape_ops.concat(ends, 0), range(1, y.rank - 1))
    return cut


def _depthwise(who, x, kernel, strides, padding, data_format, dilations):
    kernel = as_tensor(kernel)
    if kernel.rank != 4:
        raise ValueError(text(who, f"a depthwise kernel of shape {int_shape(kernel)} arrived", "rank 4"))
    height, width, channels, multiplier = kernel.dims
    apart = shape_ops.reshape(kernel, [height, width, 1, channels * multiplier])
    return _conv(who, x, apart, strides, padding, data_format, dilations, 2, channels)


def _conv(who, x, kernel, strides, padding, data_format, dilations, rank, groups=1):
    x, kernel = as_tensor(x), as_tensor(kernel)
    check_padding(who, padding, causal=rank == 1)
    data_format = resolve_data_format(who, data_format)
    check_rank(who, x, rank)
    if kernel.rank != rank + 2:
        raise ValueError(text(who, f"a kernel of shape {int_shape(kernel)} arrived", f"rank {rank + 2}"))
    strides, dilations = per_axis(strides, rank), per_axis(dilations, rank)
    if max(strides) > 1 and max(dilations) > 1:
        raise ValueError(
            text(who, f"strides {strides} and dilation_rate {dilations} arrived", "one of them to be all 1")
        )
    y = windowed(
        to_last(x, data_format), kernel.dims[:-2], strides, dilations, padding,
        lambda x, padding: conv.conv(x, kernel, strides, dilations, padding, groups),
    )  # fmt: skip
    return from_last(y, data_format)


# -- biases ---------------------------------------------------------------------------------------------------


def bias_add(x, bias, data_format=None):
    """Return x with a bias added to every sample.

    Shapes: the bias has one number per channel, or one per element of a sample (channels last, laid out anew for
    'channels_first').

    Arguments:
        x: a tensor.
        bias: a tensor of rank 1, or of one axis less than x.
        data_format: 'channels_last' or 'channels_first'; None for the default one. It matters for ranks 3 to 5.

    Raises:
        ValueError: for an unknown data format, another rank of the bias, or sizes that differ.
    """
    data_format = resolve_data_format("bias_add", data_format)
    x = as_tensor(x)
    bias = as_tensor(bias, x)
    if bias.rank not in (1, x.rank - 1):
        expected = "a bias of rank 1" if x.rank <= 2 else f"a bias of rank 1 or {x.rank - 1}"
        raise ValueError(text("bias_add", f"shapes {int_shape(x)} and {int_shape(bias)} arrived", expected))
    first = data_format == "channels_first" and x.rank in (3, 4, 5)
    if bias.rank > 1:
        sizes = (bias.dims[-1], *bias.dims[:-1]) if first else bias.dims
    else:
        sizes = (*bias.dims, *[1] * (x.rank - 2)) if first else bias.dims
    expected = x.dims[1:] if bias.rank > 1 else x.dims[1:2] if first else x.dims[-1:]
    arrived = sizes if bias.rank > 1 else bias.dims
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(arrived, expected, strict=True)):
        raise ValueError(
            text("bias_add", f"shapes {int_shape(x)} and {int_shape(bias)} arrived",
                 f"one number for each channel, with {data_format!r}")
        )  # fmt: skip
    return x + (shape_ops.reshape(bias, list(sizes)) if first else bias)
