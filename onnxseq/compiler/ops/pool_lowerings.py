"""How pooling and its gradients run.

A maximum's place is the flat position that ONNX's MaxPool tells beside it; the gradient is scattered to those
places. An average is a convolution with ones over single channels, divided by how many elements each window sees.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import blocked, conv, gather, index, math, shape, windows
from onnxseq.compiler.ops.conv_lowerings import FLOAT, HALVES, dims_first, in_float32, to_first, wrapped
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.ops.windows import FIRST
from onnxseq.compiler.tensor import Tensor, attribute, constant, numpy_dtype, record
from onnxseq.shapes import Dims

INT64 = ir.DataType.INT64


def _pooled_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    dims = (*inputs[0].dims[:2], *(shapes.fresh_name() for _ in inputs[0].dims[2:]))
    return [(inputs[0].element_type, dims), (INT64, dims)]


onnx_max_pool = Op("MaxPool", _pooled_types)  # of lowered graphs alone, as are the next two
onnx_average_pool = Op("AveragePool", lambda inputs, attributes: _pooled_types(inputs, attributes)[:1])
onnx_max_unpool = Op("MaxUnpool", lambda inputs, attributes: _pooled_types(inputs, attributes)[:1])


# -- maximum ---------------------------------------------------------------------------------------------------


def _rule(node: ir.Node) -> dict[str, Any]:
    return {
        "kernel_shape": attribute(node, "size"),
        "strides": attribute(node, "strides"),
        # Left out where there are none: 1.19 takes a Pad node before a pooling with pads, even of 0, for more of them.
        "pads": attribute(node, "pads") if any(attribute(node, "pads")) else None,
    }


def _wants_places(node: ir.Node) -> bool:
    """Tell whether the graph asks where the maxima stand, so that one node can tell both."""
    users = [user for value in (node.inputs[0], node.outputs[0]) for user, _ in value.uses()]
    return any(u.op_type in ("MaxPoolGrad", "MaxPoolGather") and u.domain == node.domain for u in users)


def _lower_max_pool(node: ir.Node, target: Any) -> Tensor:
    if node.outputs[0].element_type in HALVES:
        return in_float32(node)
    x = to_first(node.inputs[0], *windows.node_layout(node))
    types = _pooled_types([x], {})
    y = record("", "MaxPool", [x], _rule(node), types if _wants_places(node) else types[:1])[0]
    return wrapped(node, shape.with_dims(y, dims_first(node)))


def _places(node: ir.Node) -> Tensor:
    """Return the flat place in x, in layout first, of each maximum."""
    x, y = (to_first(v, *windows.node_layout(node)) for v in node.inputs[:2])
    return shape.with_dims(onnx_max_pool.all(x, **_rule(node))[1], y.dims)


def _lower_max_pool_grad(node: ir.Node, target: Any) -> Tensor:
    if node.outputs[0].element_type in HALVES:
        return in_float32(node)
    x, dy = (to_first(v, *windows.node_layout(node)) for v in (node.inputs[0], node.inputs[2]))
    places = _places(node)
    apart = all(k <= s for k, s in zip(attribute(node, "size"), attribute(node, "strides"), strict=True))
    if apart and x.element_type == FLOAT:
        dx = shape.with_dims(onnx_max_unpool(dy, places, shape.shape_of(x), **_rule(node)), x.dims)
    else:
        zeros = shape.expand(math.scalar(0, x), shape.unsqueeze(shape.size_of(x), [0]))
        flat = gather.scatter_elements(
            zeros, shape.reshape(places, (-1,)), shape.reshape(dy, (-1,)), axis=0, add=True
        )
        dx = shape.reshape_like(flat, x)
    return wrapped(node, dx)


def _lower_max_pool_gather(node: ir.Node, target: Any) -> Tensor:
    if node.outputs[0].element_type in HALVES:
        return in_float32(node)
    g = to_first(node.inputs[2], *windows.node_layout(node))
    return wrapped(node, gather.gather(shape.reshape(g, (-1,)), _places(node)))


# -- average ---------------------------------------------------------------------------------------------------


def _ones(node: ir.Node, channels: int) -> Tensor:
    """Return the kernel that sums the window of each channel."""
    dims = (*attribute(node, "size"), 1, channels)
    return constant(np.ones(dims, numpy_dtype(node.outputs[0].element_type)))


def _summing(node: ir.Node, groups: int) -> dict[str, Any]:
    strides = attribute(node, "strides")
    return {
        "strides": strides,
        "dilations": (1,) * len(strides),
        "pads": attribute(node, "pads"),
        "groups": groups,
    }


def _shares(node: ir.Node, spatial: Dims, sizes: Callable[[], list[Size]]) -> Tensor:
    """Return 1 over the number of elements in each window, so that it broadcasts to the pooled tensor."""
    size, pads, out = attribute(node, "size"), attribute(node, "pads"), node.outputs[0]
    if not any(pads):
        return math.scalar(1 / int(np.prod(size)), out)
    layout, _ = windows.node_layout(node)
    dims = spatial
    if shapes.is_static(dims):
        counts = np.ones((), np.float64)
        for n, k, s, before in zip(dims, size, attribute(node, "strides"), pads[: len(size)], strict=True):
            after = pads[len(size) + (counts.ndim)]
            starts = np.arange(0, n + before + after - k + 1, s) - before
            seen = np.minimum(starts + k, n) - np.maximum(starts, 0)
            counts = counts[..., None] * seen
        shares = constant((1 / counts).astype(numpy_dtype(out.element_type)))
    else:
        ones = shape.with_dims(shape.expand(math.scalar(1, out), [1, *sizes(), 1]), (1, *dims, 1))
        counted = conv.conv_op(ones, _ones(node, 1), **_summing(node, 1))
        shares = math.reciprocal(shape.squeeze(counted, [0, counted.rank - 1]))
    return shares if layout == FIRST else shape.unsqueeze(shares, [shares.rank])


def expand_average_pool(node: ir.Node) -> Tensor:
    """Average pooling as a convolution that sums, times the share of each element."""
    x, layout = node.inputs[0], windows.node_layout(node)
    _, spatial, channels = windows.split(x.dims, *layout)
    rule = windows.attributes_of(node)
    sums = conv.conv_op(x, _ones(node, channels), **_summing(node, channels), **rule)  # type: ignore[arg-type]
    return sums * _shares(node, spatial, lambda: windows.sizes_of(x, layout[0]))


def _lower_average_pool(node: ir.Node, target: Any) -> Tensor | None:
    if node.outputs[0].element_type in HALVES:
        return in_float32(node)
    if node.outputs[0].element_type != FLOAT:
        return None
    y = onnx_average_pool(to_first(node.inputs[0], *windows.node_layout(node)), **_rule(node), count_include_pad=0)
    return wrapped(node, shape.with_dims(y, dims_first(node)))


def expand_average_pool_grad(node: ir.Node) -> Tensor:
    """The gradient of average pooling, by the convolution that sums."""
    dy, layout = node.inputs[0], windows.node_layout(node)
    _, _, channels = windows.split(dy.dims, *layout)
    encoded = attribute(node, "spatial")
    spatial = windows.decode_dims(encoded)

    def sizes() -> list[Size]:
        return [index.slice(node.inputs[1], [i], [i + 1], [0]) for i in range(len(spatial))]

    shared = dy * _shares(node, spatial, sizes)
    rule = windows.attributes_of(node)
    return conv.conv_input_grad_op(
        shared, _ones(node, channels), *node.inputs[1:], spatial=encoded, **_summing(node, channels), **rule  # type: ignore[arg-type]
    )


MAX_POOL = {"nchwc": lambda node, target: blocked.lower_max_pool(node, _wants_places(node)), "onnx": _lower_max_pool}
MAX_POOL_GRAD = {"nchwc": blocked.lower_max_pool_grad, "onnx": _lower_max_pool_grad}
MAX_POOL_GATHER = {"onnx": _lower_max_pool_gather}
AVERAGE_POOL = {"onnx": _lower_average_pool}
