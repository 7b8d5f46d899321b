"""The gradient of a convolution by its input in the blocked layout: convolutions of dy with the kernel turned around.

With strides, positions of dx that lie a stride apart are reached by the same places of the kernel. So they are a
convolution of their own, of dy with these places, and dx is put together of one for each such phase. Such a gradient
may have a bias and an activation, since a layer that is a transposed convolution is one.

Strides of 2, 3x3 kernels turned at every run, against the runtime's ConvTranspose between changes of layout, ms: 32 of
32x32, C 32 <- 64, 5.8 against 9.9 (training build 4.0, 7.3); 8 of 14x14, 256 <- 512, 14 against 21 (9.4, 18); one of
64x64, 32 <- 64, 0.5 against 0.6 (0.6, 0.9). Strides of 3 gain nothing.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import blocked, gather, index, shape, windows
from onnxseq.compiler.tensor import Tensor, attribute, constant


class Phase(NamedTuple):
    """Positions of dx along one axis that lie a stride apart.

    Attributes:
        places: the places of the kernel that reach them, in their order.
        before, after: how far dy is padded at its ends.
    """

    places: range
    before: int
    after: int


def phases(node: ir.Node) -> list[list[Phase]] | None:
    """Return the phases along each axis; None where no convolution of the runtime gives them.

    A volume's planes are channels of images, however far apart its windows are.
    """
    kernel, pads = node.inputs[1].dims[:-2], attribute(node, "pads")
    axes = []
    for axis, stride in enumerate(attribute(node, "strides")):
        of = _of_stride_1 if stride == 1 or axis < len(kernel) - 2 else _of_stride
        found = of(node, axis, kernel[axis], pads[axis], pads[axis + len(kernel)])
        if found is None or any(phase.before < 0 or phase.after < 0 for phase in found):
            return None
        axes.append(found)
    return axes


def _of_stride_1(node: ir.Node, axis: int, size: int, before: int, after: int) -> list[Phase]:
    reach = attribute(node, "dilations")[axis] * (size - 1)
    return [Phase(range(size), reach - before, reach - after)]


def _of_stride(node: ir.Node, axis: int, size: int, before: int, after: int) -> list[Phase] | None:
    """Place k of the kernel brings to ``stride * i + offset`` what dy has at ``i + (offset + before - k) / stride``."""
    stride, (arrived, wanted) = attribute(node, "strides")[axis], _lengths(node, axis)
    if not isinstance(arrived, int) or not isinstance(wanted, int):
        return None
    if stride > 2 or attribute(node, "dilations")[axis] != 1:
        return None
    found = []
    for offset in range(stride):
        first = (offset + before) % stride
        places = range(first, size, stride)
        ahead = len(places) - 1 - (offset + before - first) // stride
        found.append(Phase(places, ahead, -(-wanted // stride) - arrived - ahead + len(places) - 1))
    return [phase if phase.places else Phase(phase.places, 0, 0) for phase in found]


def _lengths(node: ir.Node, axis: int) -> list:
    """Return the lengths of dy and dx along an axis."""
    held = [(node.inputs[0], windows.held_layout(node)), (node.outputs[0], windows.node_layout(node))]
    return [windows.split(x.dims, *layout)[1][axis] for x, layout in held]


def lower(node: ir.Node, target: Any) -> Tensor | None:
    """Return the gradient of images in blocks; a fourth input is a bias, and ``activation`` is applied to the sum."""
    found = phases(node) if blocked.is_blocked(node) else None
    if found is None:
        return None
    dy, w, *more = node.inputs
    bias = more[1:]  # behind the sizes, which no gradient in blocks needs
    strides, dims = attribute(node, "strides"), node.outputs[0].dims
    *images, divided, height, width, block = dims
    if set(strides) != {1}:
        height, width = (-(-n // stride) for n, stride in zip((height, width), strides, strict=True))  # type: ignore[operator]
    parts: list[Tensor | None] = []
    for rows, columns in itertools.product(*found):
        if not rows.places or not columns.places:
            parts.append(None)
            continue
        y = blocked.conv_op(
            blocked.wide(dy),
            _turned_kernel(w, (rows.places, columns.places), block),  # type: ignore[arg-type]
            *bias,
            kernel_shape=(len(rows.places), len(columns.places)),
            strides=(1, 1),
            dilations=attribute(node, "dilations"),
            pads=(rows.before, columns.before, rows.after, columns.after),
            group=1,
            activation=attribute(node, "activation"),
        )
        parts.append(blocked.narrow(y, (*images, divided, height, width, block)))
    if len(parts) == 1:
        return parts[0]
    # Where the strides are longer than the kernel nothing reaches some positions.
    nothing = shape.zeros_like(next(part for part in parts if part is not None)) if None in parts else None
    whole = (*images, divided, height * strides[0], width * strides[1], block)  # type: ignore[operator]
    dx = blocked.merged([nothing if part is None else part for part in parts], whole, strides)  # type: ignore[misc]
    return dx if whole == dims else index.slice(dx, [0, 0], dims[-3:-1], [dx.rank - 3, dx.rank - 2])  # type: ignore[arg-type]


def _turned_kernel(w: Tensor, places: Sequence[range], block: int) -> Tensor:
    """Return some rows and columns of a kernel turned around, channels and filters exchanged, in blocks."""
    *size, depth, filters = w.dims
    everything = np.arange(size[0] * size[1]).reshape(size)  # type: ignore[arg-type, operator]
    around = everything[np.ix_(*(taken[::-1] for taken in places))]
    flat = shape.reshape(w, (everything.size, depth, filters))
    if everything.size > 1:
        flat = gather.gather(flat, constant(around.reshape(-1)), 0)
    apart = shape.reshape(flat, (*around.shape, depth // block, block, filters // block, block))  # type: ignore[operator]
    return shape.reshape(shape.transpose(apart, (2, 4, 0, 1, 5, 3)), (depth, filters, *around.shape))
