"""Maximum and average pooling over any number of spatial axes, and their gradients.

A maximum belongs to the first element in its window (in row-major order) that attains it: the gradient goes to that
one alone, as in TensorFlow. An average counts only elements of the input, never padding.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import pool_lowerings, windows
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import place
from onnxseq.shapes import Dims

GEOMETRY = ("size", "strides", "pads")


def _pooled(x: Tensor, attributes: Mapping[str, Any]) -> Dims:
    layout = windows.layout_of(attributes)
    batch, spatial, channels = windows.split(x.dims, *layout)
    ones = (1,) * len(spatial)
    out = windows.window_dims(spatial, attributes["size"], attributes["strides"], ones, attributes["pads"])
    return windows.join(batch, out, channels, *layout)


def _pool_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    windows.check_floating(inputs[0])
    return [(inputs[0].element_type, _pooled(inputs[0], attributes))]


def _max_grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, y, dy = inputs
    windows.check_same(y.dims, _pooled(x, attributes))
    windows.check_same(dy.dims, _pooled(x, attributes))
    return [(same_dtype(inputs), x.dims)]


def _max_gather_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, y, g = inputs
    windows.check_same(y.dims, _pooled(x, attributes))
    windows.check_same(g.dims, x.dims)
    return [(same_dtype(inputs), y.dims)]


def _geometry(node: ir.Node) -> dict[str, Any]:
    return windows.attributes_of(node, *GEOMETRY)


max_pool_op = Op(
    "MaxPool",
    _pool_types,
    lambda node, g: [max_pool_grad_op(node.inputs[0], node.outputs[0], g, **_geometry(node))],
    domain=COMPOUND,
    lowerings=pool_lowerings.MAX_POOL,
)
max_pool_grad_op: Op = Op(
    "MaxPoolGrad",  # (x, y, dy): dy where the maxima stand in x, added up where windows overlap
    _max_grad_types,
    lambda node, g: [None, None, max_pool_gather_op(*node.inputs[:2], g, **_geometry(node))],
    domain=COMPOUND,
    lowerings=pool_lowerings.MAX_POOL_GRAD,
    zero=(2,),
)
max_pool_gather_op: Op = Op(
    "MaxPoolGather",  # (x, y, g): the elements of g that stand where the maxima stand in x
    _max_gather_types,
    lambda node, g: [None, None, max_pool_grad_op(*node.inputs[:2], g, **_geometry(node))],
    domain=COMPOUND,
    lowerings=pool_lowerings.MAX_POOL_GATHER,
    zero=(2,),
)


def _average_grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    dy, layout = inputs[0], windows.layout_of(attributes)
    batch, arrived, channels = windows.split(dy.dims, *layout)
    spatial = windows.decode_dims(attributes["spatial"])
    ones = (1,) * len(spatial)
    expected = windows.window_dims(spatial, attributes["size"], attributes["strides"], ones, attributes["pads"])
    windows.check_same(arrived, expected)
    return [(dy.element_type, windows.join(batch, spatial, channels, *layout))]


def _average_pool_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    x, layout = node.inputs[0], windows.node_layout(node)
    spatial = windows.split(x.dims, *layout)[1]
    sizes = [] if shapes.is_static(spatial) else [windows.spatial_sizes(x, layout[0])]
    return [average_pool_grad_op(g, *sizes, spatial=windows.encode_dims(spatial), **_geometry(node))]


average_pool_op = Op(
    "AveragePool",
    _pool_types,
    _average_pool_vjp,
    domain=COMPOUND,
    expand=pool_lowerings.expand_average_pool,
    lowerings=pool_lowerings.AVERAGE_POOL,
    zero=(0,),
)
average_pool_grad_op = Op(
    "AveragePoolGrad",  # (dy, the spatial sizes where free): dy in equal shares to each window's elements
    _average_grad_types,
    lambda node, g: [average_pool_op(g, **_geometry(node)), None][: len(node.inputs)],
    domain=COMPOUND,
    expand=pool_lowerings.expand_average_pool_grad,
    zero=(0,),
)


def _pool(op: Op, x: Tensor, size: Any, strides: Any, padding: Any) -> Tensor:
    rank = x.rank - 2
    size = windows.per_axis(size, rank)
    strides = size if strides is None else windows.per_axis(strides, rank)
    with place(op.name):
        pads = windows.resolve_padding(padding, x.dims[1:-1], size, strides, (1,) * rank)
    return op(x, size=size, strides=strides, pads=pads)


def max_pool(x: Tensor, size: int | Sequence[int], strides: Any = None, padding: Any = "valid") -> Tensor:
    """Return the largest element of each window: [N, *spatial, C] -> [N, *windows, C]."""
    return _pool(max_pool_op, x, size, strides, padding)


def average_pool(x: Tensor, size: int | Sequence[int], strides: Any = None, padding: Any = "valid") -> Tensor:
    """Return the mean of each window's elements, padding not counted: [N, *spatial, C] -> [N, *windows, C]."""
    return _pool(average_pool_op, x, size, strides, padding)
