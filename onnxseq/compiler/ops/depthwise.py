"""How the convolution of single channels and its gradients run in the blocked layout: one filter for each channel.

The runtime's blocked convolution has a kernel for this, which reads each element once where the standard one builds a
matrix for each channel. Its three uses: as it is; on the spread cotangent with the kernel turned around; and, for the
gradient by the kernel, with every image's channels as channels of one image, whose filters are the cotangent.
"""

from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import blocked, gather, index, reduction, shape, windows
from onnxseq.compiler.tensor import Tensor, attribute, constant


def fits(node: ir.Node, block: int) -> bool:
    """Tell whether a convolution in layout last, or a gradient of one, has a blocked form of single channels."""
    kernel_grad = node.op_type == "ConvKernelGrad"
    *kernel, depth, filters = (node.outputs[0] if kernel_grad else node.inputs[1]).dims
    if depth != 1 or filters != attribute(node, "groups") or filters % block:
        return False
    if kernel_grad:
        return all(shapes.is_static(x.dims) for x in node.inputs)
    if node.op_type == "Conv":
        return True
    dy, dx = node.inputs[0], node.outputs[0]
    known = shapes.is_static(dy.dims[1:]) and shapes.is_static(dx.dims[1:]) and len(node.inputs) == 2
    return known and min(_turned_pads(node, kernel, dy.dims[1:-1], dx.dims[1:-1])) >= 0


def _turned_pads(node: ir.Node, kernel: Any, arrived: Any, wanted: Any) -> list[int]:
    """Return the pads of the convolution of the spread cotangent which is an input gradient."""
    strides, dilations, pads = (attribute(node, name) for name in ("strides", "dilations", "pads"))
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
    before = [r - p for r, p in zip(reach, pads, strict=False)]
    rules = zip(wanted, arrived, strides, reach, before, strict=True)
    return before + [want + r - have * stride - first for want, have, stride, r, first in rules]


def _kernel(w: Tensor, block: int, turned: bool = False) -> Tensor:
    """Turn [kh, kw, 1, C] into the memory [C/b, kh, kw, b], for the input gradient turned around."""
    height, width, _, channels = w.dims
    places = height * width  # type: ignore[operator]
    flat = shape.reshape(w, (places, channels // block, block))  # type: ignore[operator]
    if turned and places > 1:  # type: ignore[operator]
        flat = gather.gather(flat, constant(np.arange(places - 1, -1, -1)), 0)  # type: ignore[operator]
    return shape.reshape(shape.transpose(flat, (1, 0, 2)), (channels, 1, height, width))


def lower_conv(node: ir.Node, target: Any) -> Tensor | None:
    """The runtime's blocked convolution with as many groups as channels."""
    if not blocked.is_blocked(node):
        return None
    x, w = node.inputs
    y = blocked.conv_op(
        blocked.wide(x),
        _kernel(w, attribute(node, "block")),
        kernel_shape=w.dims[:2],
        strides=attribute(node, "strides"),
        dilations=attribute(node, "dilations"),
        pads=attribute(node, "pads"),
        group=w.dims[-1],
    )
    return blocked.narrow(y, node.outputs[0].dims)


def lower_input_grad(node: ir.Node, target: Any) -> Tensor | None:
    """The convolution of the cotangent, spread by the strides, with the kernel turned around."""
    if not blocked.is_blocked(node):
        return None
    dy, w = node.inputs
    pads = _turned_pads(node, w.dims[:2], dy.dims[2:4], node.outputs[0].dims[2:4])
    y = blocked.conv_op(
        blocked.wide(_spread(dy, attribute(node, "strides"))),
        _kernel(w, attribute(node, "block"), turned=True),
        kernel_shape=w.dims[:2],
        strides=(1, 1),
        dilations=attribute(node, "dilations"),
        pads=pads,
        group=w.dims[-1],
    )
    return blocked.narrow(y, node.outputs[0].dims)


def _spread(dy: Tensor, strides: Any) -> Tensor:
    """Put ``stride - 1`` zeros behind each row and column."""
    if set(strides) == {1}:
        return dy
    batch, divided, height, width, block = dy.dims
    rows = shapes.multiply(batch, divided * height)  # type: ignore[operator, arg-type]
    apart = shape.reshape(dy, (rows, 1, width, 1, block))
    apart = shape.pad(apart, [(0, 0), (0, strides[0] - 1), (0, 0), (0, strides[1] - 1), (0, 0)])
    return shape.reshape(apart, (batch, divided, height * strides[0], width * strides[1], block))  # type: ignore[operator]


def lower_kernel_grad(node: ir.Node, target: Any) -> Tensor | None:
    """Each image's channels correlated with its cotangent's, then summed over images."""
    if not blocked.is_blocked(node):
        return None
    x, dy = node.inputs
    kernel, strides, dilations, pads = (attribute(node, n) for n in ("kernel", "strides", "dilations", "pads"))
    batch, divided, height, width, block = x.dims
    images = batch * divided * block  # type: ignore[operator]
    rows, columns = dy.dims[2:4]
    # What strides leave behind the last window gives further results, which go.
    found = windows.window_dims((height, width), (rows, columns), dilations, strides, pads)  # type: ignore[arg-type]
    y = blocked.conv_op(
        shape.reshape(x, (1, images, height, width)),
        shape.reshape(dy, (images, 1, rows, columns)),
        kernel_shape=(rows, columns),
        strides=dilations,
        dilations=strides,
        pads=pads,
        group=images,
    )
    y = blocked.narrow(y, (1, batch * divided, *found, block))  # type: ignore[operator]
    y = index.slice(shape.reshape(y, (batch, divided, *found, block)), [0, 0], kernel, [2, 3])
    total = reduction.sum(shape.reshape(y, (batch, -1)), [0])
    apart = shape.transpose(shape.reshape(total, (divided, kernel[0] * kernel[1], block)), (1, 0, 2))
    return shape.reshape(apart, node.outputs[0].dims)
