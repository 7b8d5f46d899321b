"""Repeating elements and whole tensors, and the sums that undo it."""

from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import index, known, math, reduction, shape
from onnxseq.compiler.ops.law import COMPOUND, Op
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.tensor import Tensor, attribute, constant_value

# -- Tile: the whole, side by side ----------------------------------------------------------------------------


def _tile_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, repeats = inputs[0], known.entries(inputs[1])
    if repeats is None or len(repeats) != x.rank:
        arrived = "a free number of" if repeats is None else len(repeats)
        raise ValueError(f"the input has rank {x.rank} but there are {arrived} repeats; expected one per axis.")
    dims = [shapes.fresh_name() if r is None else shapes.product((d, r)) for d, r in zip(x.dims, repeats, strict=True)]
    return [(x.element_type, tuple(dims))]


def _tile_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    x, repeats = node.inputs
    target: list[Size] = []
    summed: list[int] = []
    for i, dim in enumerate(x.dims):
        entry = index.slice(repeats, [i], [i + 1], [0])
        count = shape.number(entry)
        if count != 1:
            summed.append(len(target))
            target.append(entry if count is None else count)
        target.append(dim if isinstance(dim, int) else shape.dim_of(x, i))
    return [reduction.sum(shape.reshape(g, target), summed), None]


tile_op = Op("Tile", _tile_types, _tile_vjp, zero=(0,))


def tile(x: Tensor, repeats: Tensor | Sequence[Size]) -> Tensor:
    """Return x laid side by side with itself, so many times along each axis."""
    repeats = repeats if isinstance(repeats, Tensor) else shape.vector(repeats)
    value = constant_value(repeats)
    return x if value is not None and (value == 1).all() else tile_op(x, math.cast(repeats, "int64"))


# -- RepeatElements: each element several times ---------------------------------------------------------------


def _repeat_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    (x,), factors = inputs, attributes["factors"]
    if len(factors) != x.rank or min(factors) < 1:
        raise ValueError(f"the input has rank {x.rank}, the factors are {tuple(factors)}; expected one each.")
    return [(x.element_type, tuple(shapes.multiply(d, f) for d, f in zip(x.dims, factors, strict=True)))]


def _blocks_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    (x,), factors = inputs, attributes["factors"]
    for dim, factor in zip(x.dims, factors, strict=True):
        if isinstance(dim, int) and dim % factor:
            raise ValueError(f"the input has shape {shapes.to_keras(x.dims)}; expected multiples of {tuple(factors)}.")
    return [(x.element_type, tuple(shapes.floor_divide(d, f) for d, f in zip(x.dims, factors, strict=True)))]


def _sizes(x: Tensor) -> list[Size]:
    return [d if isinstance(d, int) else shape.dim_of(x, i) for i, d in enumerate(x.dims)]


def _expand_repeat(node: ir.Node) -> Tensor:
    """Each axis with a factor gets a neighbour of size 1, which is stretched and then merged."""
    x, factors = node.inputs[0], attribute(node, "factors")
    sizes = _sizes(x)
    split: list[Size] = []
    stretched: list[Size] = []
    for size, factor in zip(sizes, factors, strict=True):
        split += [size] if factor == 1 else [size, 1]
        stretched += [size] if factor == 1 else [size, factor]
    wide = shape.expand(shape.reshape(x, split), stretched)
    merged = [size * factor if factor != 1 else size for size, factor in zip(sizes, factors, strict=True)]
    return shape.with_dims(shape.reshape(wide, merged), node.outputs[0].dims)


def _expand_blocks(node: ir.Node) -> Tensor:
    g, y, factors = node.inputs[0], node.outputs[0], attribute(node, "factors")
    split: list[Size] = []
    summed: list[int] = []
    for i, factor in enumerate(factors):
        dim = y.dims[i]
        if factor == 1:
            split.append(dim if isinstance(dim, int) else shape.dim_of(g, i))
            continue
        split += [dim if isinstance(dim, int) else shape.dim_of(g, i) // factor, factor]
        summed.append(len(split) - 1)
    return shape.with_dims(reduction.sum(shape.reshape(g, split), summed), y.dims)


repeat_op = Op(
    "RepeatElements",
    _repeat_types,
    lambda node, g: [shape.with_dims(blocks_op(g, factors=list(attribute(node, "factors"))), node.inputs[0].dims)],
    domain=COMPOUND,
    expand=_expand_repeat,
    zero=(0,),
)
blocks_op = Op(
    "SumBlocks",  # the sum over each block of so many neighbours
    _blocks_types,
    lambda node, g: [shape.with_dims(repeat_op(g, factors=list(attribute(node, "factors"))), node.inputs[0].dims)],
    domain=COMPOUND,
    expand=_expand_blocks,
    zero=(0,),
)


def upsample(x: Tensor, factors: Sequence[int]) -> Tensor:
    """Return x with each element repeated so many times along each axis."""
    factors = [int(f) for f in factors]
    return x if all(f == 1 for f in factors) else repeat_op(x, factors=factors)


def repeat_elements(x: Tensor, factor: int, axis: int) -> Tensor:
    """Return x with each element repeated ``factor`` times along one axis."""
    axis = shapes.normalize_axis(axis, x.rank, "RepeatElements")
    return upsample(x, [factor if i == axis else 1 for i in range(x.rank)])
