"""How the gradient of a convolution by its kernel runs in the blocked layout.

It correlates the input with the cotangent over images and pixels. What fits depends on the sizes (3x3 where not said,
two AVX-512 cores, ms, stock runtime / training build; with the changes of layout):

=====================================  ===================  ================  =======================
case                                   images as channels   matrix of shifts  channels beside columns
=====================================  ===================  ================  =======================
32 images 4x4 padded, C 256 -> 256     4.0 / 4.0                              23 / 27
32 images 16x16, C 32 -> 32, 5x5       2.4 / 1.7                              3.3 / 3.4
80 images 15x15, C 48 -> 32            2.2 / 2.1                              2.8 / 3.0
64 images 8x8 padded, C 64 -> 128      3.5 / 3.5                              4.2 / 4.5
64 images 16x16 padded, C 32 -> 64     4.0 / 3.9                              3.9 / 4.1
64 images 28x28, C 32 -> 64, stride 2  5.9 / 5.9                              4.6 / 7.6
128 images 26x26, C 32 -> 64           18.6 / 24                              18.1 / 25
224 images 32x32, C 3 -> 16            2.5 / 2.6            5.3 / 5.5
64 images 32x32 padded, C 3 -> 32      2.5                  1.7
128 images 28x28, C 1 -> 32            1.6                  1.0
=====================================  ===================  ================  =======================

Channels beside columns is the standard form of ``conv_kernel_grad``.
"""

from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import blocked, index, linalg, reduction, shape, windows
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST
from onnxseq.compiler.tensor import Tensor, attribute

_PIXELS = 256  # up to so many pixels in an image, images are best taken for channels


def lower(node: ir.Node, target: Any) -> Tensor | None:
    """Return the gradient in the form that its sizes call for; None where the standard form is best."""
    x, dy = node.inputs
    if not blocked.is_blocked(node) or not shapes.is_static(dy.dims[1:]):
        return None
    height, width, depth, filters = node.outputs[0].dims
    few, places = attribute(node, "stem"), height * width  # type: ignore[operator]
    if shapes.is_static(x.dims) and x.dims[0] % attribute(node, "block") == 0 and places > 1:  # type: ignore[operator]
        if places * depth > filters if few else x.dims[2] * x.dims[3] <= _PIXELS:  # type: ignore[operator]
            return _images_as_channels(node, x, dy)
    return _of_few_channels(node, x, dy) if few else None


def _images_as_channels(node: ir.Node, x: Tensor, dy: Tensor) -> Tensor:
    """The convolution of x with dy as its kernel: channels of x are the images, and images are the channels.

    Its kernel [M/b, N/b, *windows, b of N, b of M] comes from dy [N/b, b of N, M/b * windows, b of M] by a change of
    layout, from blocks to channels last, which takes ``b of N`` for blocks of channels. Borders are padded before: rows
    of three results, the outer two over borders, run at half the speed.
    """
    kernel, strides, dilations, pads = (attribute(node, n) for n in ("kernel", "strides", "dilations", "pads"))
    block = attribute(node, "block")
    images, divided, rows, columns, _ = dy.dims
    groups, filters = images // block, divided * block  # type: ignore[operator]
    borders = [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)]
    x = shape.pad(x, borders[: x.rank])  # in blocks, where rows are long runs of memory
    x = x if attribute(node, "stem") else relayout(x, BLOCKED, FIRST, block)
    x = shape.transpose(x, (1, 0, 2, 3))
    channels, _, height, width = x.dims
    together = shape.reshape(dy, (groups, block, divided * rows * columns, 1, block))  # type: ignore[operator]
    apart = relayout(together, BLOCKED, LAST, block)
    if divided != 1:
        apart = shape.transpose(shape.reshape(apart, (groups, divided, -1)), (1, 0, 2))
    y = blocked.conv_op(
        blocked.wide(relayout(x, FIRST, BLOCKED, block)),
        shape.reshape(apart, (filters, images, rows, columns)),
        kernel_shape=(rows, columns),
        strides=dilations,
        dilations=strides,
        pads=(0, 0, 0, 0),
        group=1,
    )
    # What strides leave behind the last window gives further results, which go.
    found = windows.window_dims((height, width), (rows, columns), dilations, strides, (0, 0, 0, 0))  # type: ignore[arg-type]
    y = blocked.narrow(y, (channels, divided, *found, block))
    if found != tuple(kernel):
        y = index.slice(y, [0, 0], kernel, [2, 3])
    places = shape.reshape(y, (channels, divided, kernel[0] * kernel[1], block))
    return shape.reshape(shape.transpose(places, (2, 0, 1, 3)), node.outputs[0].dims)


def _of_few_channels(node: ir.Node, x: Tensor, dy: Tensor) -> Tensor:
    """What each place of the window sees, as the rows of a matrix, times dy as it lies: x [N, C, H, W], dy blocked."""
    rule = [attribute(node, name) for name in ("kernel", "strides", "dilations", "pads")]
    kernel, strides, dilations, pads = rule
    batch, channels = x.dims[:2]
    _, divided, height, width, block = dy.dims
    padded = shape.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])]) if any(pads) else x

    def shifted(v: Tensor, axis: int, place: int, size: int) -> Tensor:
        start, stride = place * dilations[axis - 2], strides[axis - 2]
        return index.slice(v, [start], [start + (size - 1) * stride + 1], [axis], [stride])

    # Columns first: the rows of what remains are then long runs of memory.
    columns = [shifted(padded, 3, j, width) for j in range(kernel[1])]  # type: ignore[arg-type]
    pixels = height * width  # type: ignore[operator]
    seen = [
        shape.reshape(shifted(column, 2, i, height), (batch, 1, channels, pixels))  # type: ignore[arg-type]
        for i in range(kernel[0])
        for column in columns
    ]
    places = kernel[0] * kernel[1] * channels
    products = linalg.matmul(shape.concat(seen, 2), shape.reshape(dy, (batch, divided, pixels, block)))
    total = reduction.sum(shape.reshape(products, (batch, divided * places * block)), [0])
    apart = shape.transpose(shape.reshape(total, (divided, places, block)), (1, 0, 2))
    return shape.reshape(apart, node.outputs[0].dims)
