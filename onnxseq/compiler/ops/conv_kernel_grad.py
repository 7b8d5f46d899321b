"""How the gradient of a convolution by its kernel runs.

It correlates the input with the cotangent over images and pixels. Which form is fastest depends on the channels C of
the input (3x3, two AVX-512 cores, ms; channels first, with the changes of layout):

=============================  ==========================  =========================  ================
case                           channels beside columns     matrix of shifted inputs   other known forms
=============================  ==========================  =========================  ================
128 images 26x26, C 32 -> 64   15.7 (27 for a free batch)  39                         swapped roles 80
64 images 16x16, C 32 -> 64    6.9 (7.6)                   10 to 16
64 images 8x8, C 64 -> 128     6.9 (6.6)                   9 to 11
128 images 28x28, C 1 -> 32    4 to 6                      1.8                        swapped roles 5
16 of 7x15x15, C 16 -> 32      3.5, plane by plane         11
=============================  ==========================  =========================  ================
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import index, law, linalg, reduction, shape, windows
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import FIRST, LAST
from onnxseq.compiler.tensor import Tensor, attribute

_FEW = 8  # channels below which the shifted inputs are put into a matrix


def lower(node: ir.Node, conv: law.Op) -> Tensor | None:
    """Return the gradient by the runtime's convolution ``conv`` and products; None where no form fits."""
    if attribute(node, "groups") > 1:
        return None
    kernel, channels = attribute(node, "kernel"), node.outputs[0].dims[-2]
    if set(kernel) == {1} and not any(attribute(node, "pads")):
        return _of_points(node)
    if len(kernel) == 3 and channels >= _FEW and all(shapes.is_static(x.dims) for x in node.inputs):  # type: ignore[operator]
        return _by_planes(node)
    if len(kernel) > 2 or channels < _FEW:  # type: ignore[operator]
        return _by_matrix(node)
    return _by_convolution(node, conv)


def _held(node: ir.Node, position: int, layout: str) -> Tensor:
    """Return the input (0) or the cotangent (1) in a layout."""
    own, block = windows.held_layout(node, position)
    return relayout(node.inputs[position], own, layout, block)


def _over_images(x: Tensor) -> Tensor:
    """Return the sum over the first axis."""
    flat = reduction.sum(shape.reshape(x, (x.dims[0], -1)), [0])
    return shape.reshape(flat, x.dims[1:])


def _of_points(node: ir.Node) -> Tensor:
    """A window of one pixel: the product of two matrices, whose rows are pixels."""
    strides, dims = attribute(node, "strides"), node.outputs[0].dims
    axes = range(1, 1 + len(strides))
    if windows.node_layout(node)[0] == LAST:
        x, dy = node.inputs
        seen = _every(x, axes, strides)
        product = linalg.matmul(
            shape.transpose(shape.reshape(seen, (-1, dims[-2]))), shape.reshape(dy, (-1, dims[-1]))
        )
    else:
        x, dy = _held(node, 0, FIRST), _held(node, 1, FIRST)
        seen = _every(x, [a + 1 for a in axes], strides)
        product = _over_images(_product(seen, dy))
    return shape.reshape(product, dims)


def _every(x: Tensor, axes: Sequence[int], strides: Sequence[int]) -> Tensor:
    if set(strides) == {1}:
        return x
    return index.slice(x, [0] * len(strides), [index.END] * len(strides), axes, strides)


def _product(x: Tensor, dy: Tensor) -> Tensor:
    """Return [N, C, *pixels] times [N, M, *pixels], summed over the pixels of each image: [N, C, M]."""
    flat = [shape.reshape(v, (*v.dims[:2], -1)) for v in (x, dy)]
    return linalg.matmul(flat[0], shape.transpose(flat[1], (0, 2, 1)))


def _by_matrix(node: ir.Node) -> Tensor:
    """What each place of the window sees, [N, places * C, pixels], times the cotangent."""
    x, dy = _held(node, 0, FIRST), _held(node, 1, FIRST)
    kernel, pads = attribute(node, "kernel"), attribute(node, "pads")
    rank, rule = len(kernel), list(zip(kernel, attribute(node, "strides"), attribute(node, "dilations"), strict=True))
    borders = list(zip(pads[:rank], pads[rank:], strict=True))
    seen = {(): shape.pad(x, [(0, 0), (0, 0), *borders])}
    # The last axis first: what remains of the others is then copied in long runs.
    for axis, (size, stride, dilation) in reversed(list(enumerate(rule))):
        seen = {
            (place, *rest): _shifted(part, axis + 2, place * dilation, (size - 1 - place) * dilation, stride)  # type: ignore[misc]
            for place in range(size)
            for rest, part in seen.items()
        }
    parts = [seen[place] for place in np.ndindex(*kernel)]
    flat = [shape.reshape(part, (*part.dims[:2], -1)) for part in parts]
    return shape.reshape(_over_images(_product(shape.concat(flat, 1), dy)), node.outputs[0].dims)


def _shifted(x: Tensor, axis: int, before: int, after: int, stride: int) -> Tensor:
    return index.slice(x, [before], [-after if after else index.END], [axis], [stride])


def _by_planes(node: ir.Node) -> Tensor:
    """Volumes as images: each place of the window along the first axis pairs planes of x with the planes of dy."""
    x, dy = _held(node, 0, LAST), _held(node, 1, LAST)
    names = ("kernel", "strides", "dilations")
    (size, *kernel), (stride, *strides), (dilation, *dilations) = (attribute(node, name) for name in names)
    before, rows, columns, after, *ends = attribute(node, "pads")
    rule = {"kernel": kernel, "strides": strides, "dilations": dilations, "pads": (rows, columns, *ends), "groups": 1}
    x = shape.pad(x, [(0, 0), (before, after), *[(0, 0)] * 3])
    count, images = dy.dims[1], dy.dims[0] * dy.dims[1]  # type: ignore[operator]
    cotangents, parts = shape.reshape(dy, (images, *dy.dims[2:])), []
    for start in range(0, size * dilation, dilation):
        planes = index.slice(x, [start], [start + (count - 1) * stride + 1], [1], [stride])  # type: ignore[operator]
        part = law.of(node)(shape.reshape(planes, (images, *x.dims[2:])), cotangents, **rule)
        parts.append(shape.unsqueeze(part, [0]))
    return shape.concat(parts, 0)


def _by_convolution(node: ir.Node, conv: law.Op) -> Tensor:
    """Correlate with the cotangent as window, each image a group, the channels of x lying beside one another.

    In x as [1, N, rows, columns * C] neighbours in a window are ``C`` apart, so that C results lie between two of them:
    those of the C channels. Images are summed afterwards; where their number is free they cannot be groups, and are
    the channels of the convolution instead.
    """
    x, dy = _held(node, 0, LAST), _held(node, 1, FIRST)
    kernel, (depth, filters) = attribute(node, "kernel"), node.outputs[0].dims[-2:]
    strides, dilations, pads = (attribute(node, name) for name in ("strides", "dilations", "pads"))
    rank, batch = len(kernel), x.dims[0]
    wide = shape.reshape(x, (1, *x.dims[:rank], -1))
    known = isinstance(batch, int)
    if known:
        window = shape.reshape(dy, (shapes.multiply(filters, batch), 1, *dy.dims[2:]))  # type: ignore[arg-type]
    else:
        window = shape.transpose(dy, (1, 0, *range(2, rank + 2)))

    def beside(numbers: Sequence[int]) -> tuple[int, ...]:
        return (*numbers[:-1], numbers[-1] * depth)

    y = conv(
        wide,
        window,
        strides=(*dilations[:-1], 1),
        dilations=beside(strides),
        pads=(*beside(pads[:rank]), *beside(pads[rank:])),
        group=batch if known else 1,
    )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    # What strides left behind the last window gives further results, which go.
    rest = [
        n if not isinstance(n, int) else n + pads[i] + pads[rank + i] - strides[i] * (o - 1) - reach[i]  # type: ignore[operator]
        for i, (n, o) in enumerate(zip(x.dims[1:-1], dy.dims[2:], strict=True))
    ]
    sizes = (*kernel[:-1], reach[-1] * depth)
    y = shape.with_dims(y, (1, window.dims[0], *(shapes.fresh_name() for _ in kernel)))
    if any(rest):
        y = index.slice(y, [0] * rank, sizes, range(2, rank + 2))
    y = shape.with_dims(y, (1, window.dims[0], *sizes))
    y = shape.reshape(y, (batch if known else 1, filters, *kernel[:-1], reach[-1], depth))
    y = _over_images(y) if known else shape.squeeze(y, [0])
    if dilations[-1] > 1:
        y = index.slice(y, [0], [index.END], [rank], [dilations[-1]])
    return shape.transpose(y, (*range(1, rank + 2), 0))
