"""Changing the memory layout of a tensor with spatial axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import blocked, shape, windows
from onnxseq.compiler.ops.law import COMPOUND, Op
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST
from onnxseq.compiler.tensor import Tensor, attribute
from onnxseq.shapes import Dims


def _types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    (x,) = inputs
    block = attributes.get("block", 0)
    parts = windows.split(x.dims, attributes["source"], block)
    return [(x.element_type, windows.join(*parts, attributes["to"], block))]


def _vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    return [relayout(g, attribute(node, "to"), attribute(node, "source"), attribute(node, "block", 0))]


def _expand(node: ir.Node) -> Tensor:
    (x,) = node.inputs
    source, to, block = attribute(node, "source"), attribute(node, "to"), attribute(node, "block", 0)
    rank = x.rank - (3 if source == BLOCKED else 2)
    if rank == 3 and BLOCKED in (source, to):
        return _by_planes(x, source, to, block, node.outputs[0].dims)
    spatial = range(rank)
    if source == BLOCKED:  # [N, C/b, *spatial, b]
        order = {
            LAST: (0, *(i + 2 for i in spatial), 1, rank + 2),
            FIRST: (0, 1, rank + 2, *(i + 2 for i in spatial)),
        }
        y = shape.transpose(x, order[to])
    elif to == BLOCKED:
        batch, sizes, channels = windows.split(x.dims, source)
        divided = (channels // block, block)
        y = shape.reshape(x, (batch, *sizes, *divided) if source == LAST else (batch, *divided, *sizes))
        order = {
            LAST: (0, rank + 1, *(i + 1 for i in spatial), rank + 2),
            FIRST: (0, 1, *(i + 3 for i in spatial), 2),
        }
        return shape.transpose(y, order[source])
    else:
        return _plain(x, source, rank)
    return shape.reshape(y, node.outputs[0].dims)


def _by_planes(x: Tensor, source: str, to: str, block: int, dims: Dims) -> Tensor:
    """Volumes into blocks and back, plane by plane."""
    apart = (0, 2, 1, 3, 4)  # between channels before planes and planes before channels
    x = shape.transpose(x, apart) if source == FIRST else x
    y = relayout(shape.reshape(x, (shapes.product(x.dims[:2]), *x.dims[2:])), source, to, block)
    y = shape.reshape(y, (*x.dims[:2], *y.dims[1:]))
    return shape.with_dims(shape.transpose(y, apart) if to == FIRST else y, dims)


def _plain(x: Tensor, source: str, rank: int) -> Tensor:
    here, there = (rank + 1, 1) if source == LAST else (1, rank + 1)
    if x.dims[here] == 1:  # a single channel moves for free
        return shape.unsqueeze(shape.squeeze(x, [here]), [there])
    order = (0, rank + 1, *range(1, rank + 1)) if source == LAST else (0, *range(2, rank + 2), 1)
    return shape.transpose(x, order)


relayout_op = Op(
    "Relayout",
    _types,
    _vjp,
    domain=COMPOUND,
    expand=_expand,
    lowerings={"nchwc": blocked.lower_relayout},
    zero=(0,),
)


def relayout(x: Tensor, source: str, to: str, block: int = 0) -> Tensor:
    """Return a tensor in another layout; x itself where it is in that one already."""
    if source == to:
        return x
    used = block if BLOCKED in (source, to) else None
    return relayout_op(x, source=source, to=to, block=used)
