"""Convolutions whose kernel differs from window to window."""

from onnxseq.backend.defaults import resolve_data_format
from onnxseq.backend.spatial import check_rank, from_last, per_axis, to_last
from onnxseq.backend.tensors import as_tensor
from onnxseq.compiler.ops import local


def local_conv1d(inputs, kernel, kernel_size, strides, data_format=None):
    """Return the convolution of sequences by a kernel of its own for each window.

    Shapes: inputs ``[batch, steps, channels]``, kernel ``[windows, size * channels, filters]``; the result
    ``[batch, windows, filters]``.

    Arguments:
        inputs: a tensor of rank 3.
        kernel: a tensor of rank 3.
        kernel_size, strides: tuples of one integer.
        data_format: 'channels_last' or 'channels_first', checked and otherwise of no effect: channels stand last.

    Raises:
        ValueError: for an unknown data format or shapes that do not fit.
    """
    resolve_data_format("local_conv1d", data_format)
    inputs = as_tensor(inputs)
    check_rank("local_conv1d", inputs, 1)
    return local.local(inputs, as_tensor(kernel), per_axis(kernel_size, 1), per_axis(strides, 1))


def local_conv2d(inputs, kernel, kernel_size, strides, output_shape, data_format=None):
    """Return the convolution of images by a kernel of its own for each window.

    Shapes: inputs ``[batch, rows, columns, channels]``, kernel ``[windows, height * width * channels, filters]``, whose
    second axis runs over channels first under 'channels_first'; the result ``[batch, *output_shape, filters]``. With
    'channels_first' the channels stand before the rows.

    Arguments:
        inputs: a tensor of rank 4.
        kernel: a tensor of rank 3.
        kernel_size, strides: tuples of two integers.
        output_shape: how many rows and columns of windows there are; it follows from the other arguments.
        data_format: 'channels_last' or 'channels_first'; None for the default one.

    Raises:
        ValueError: for an unknown data format or shapes that do not fit.
    """
    data_format = resolve_data_format("local_conv2d", data_format)
    inputs = as_tensor(inputs)
    check_rank("local_conv2d", inputs, 2)
    first = data_format == "channels_first"
    x, size, strides = to_last(inputs, data_format), per_axis(kernel_size, 2), per_axis(strides, 2)
    return from_last(local.local(x, as_tensor(kernel), size, strides, first), data_format)
