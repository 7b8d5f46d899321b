"""Picking elements by tensors of positions, and adding their cotangents back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import index, known, math, reduction, shape
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.tensor import Tensor, attribute, constant
from onnxseq.shapes import Dims

INT64 = ir.DataType.INT64
_HALF = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)


def _integers(indices: Tensor) -> None:
    if indices.element_type not in index.INTEGERS:
        raise TypeError(f"the positions have dtype {indices.dtype_name}; expected int32 or int64. Use K.cast().")


def _positions(indices: Any) -> Tensor:
    """Return positions as a tensor of int32 or int64; whole numbers held as another dtype are cast."""
    indices = indices if isinstance(indices, Tensor) else constant(np.asarray(indices, np.int64))
    return indices if indices.element_type in index.INTEGERS else math.cast(indices, INT64)


# -- Gather ---------------------------------------------------------------------------------------------------


def _gather_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, indices = inputs
    _integers(indices)
    axis = attributes["axis"]
    return [(x.element_type, (*x.dims[:axis], *indices.dims, *x.dims[axis + 1 :]))]


def _gather_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    x, indices = node.inputs
    put = gather_grad_op(g, indices, shape.shape_of(x), axis=attribute(node, "axis"))
    return [shape.with_dims(put, x.dims), None]


gather_op = Op("Gather", _gather_types, _gather_vjp, zero=(0,))


def gather(x: Tensor, indices: Any, axis: int = 0) -> Tensor:
    """Return the slices of x at the given positions along an axis; the axes of ``indices`` take its place."""
    return gather_op(x, _positions(indices), axis=shapes.normalize_axis(axis, x.rank, "Gather"))


def _gather_grad_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    g, indices, target = inputs
    _integers(indices)
    found = known.entries(target)
    if found is None:
        raise ValueError("the shape to scatter to has no known rank; expected one.")
    return [(g.element_type, tuple(shapes.fresh_name() if d is None else d for d in found))]


def _sizes(x: Tensor, axes: Sequence[int]) -> list[Size]:
    return [d if isinstance(d, int) else shape.dim_of(x, i) for i in axes for d in (x.dims[i],)]


def _expand_gather_grad(node: ir.Node) -> Tensor:
    """ScatterElements onto zeros. ScatterND would take rows at once, but loses some where positions repeat."""
    g, indices, target = node.inputs
    axis, dims = attribute(node, "axis"), node.outputs[0].dims
    width = shapes.product(dims[1:])
    if axis == 0 and len(dims) > 1 and isinstance(width, int):
        return _scatter_flat(g, indices, target, width, dims)
    # At most three axes, [before, positions, behind]: the runtime's cost per element grows with the rank.
    before, behind = range(axis), range(axis + indices.rank, g.rank)
    front, back = _folded(g, before), _folded(g, behind)
    as_it_is = indices.rank == 1 and len(before) <= 1 and len(behind) <= 1
    updates = g if as_it_is else shape.reshape(g, [*front, -1, *back])
    size = dims[axis] if isinstance(dims[axis], int) else index.slice(target, [axis], [axis + 1], [0])
    zeros = shape.expand(math.scalar(0, g), [*front, size, *back])
    line = shape.reshape(indices, [*([1] * len(front)), -1, *([1] * len(back))])
    spread = shape.expand_like(line, updates)
    added = _added(zeros, spread, updates, len(front))
    return shape.with_dims(added if added.rank == len(dims) else shape.reshape(added, target), dims)


def _scatter_flat(g: Tensor, indices: Tensor, target: Tensor, width: int, dims: Dims) -> Tensor:
    """Scatter to rows of known width as to one line of numbers.

    12800 rows of 50 into 5000: 2.5 ms against 3 to 8 with two axes; 2560 rows of 128 into 20000: 3 ms either way.
    """
    total = shapes.product(dims)
    length = total if isinstance(total, int) else reduction.prod(target, keepdims=True)
    zeros = shape.expand(math.scalar(0, g), [length])
    line = _places(indices, width, isinstance(total, int) and total < 2**31)
    added = _added(zeros, line, shape.reshape(g, (-1,)), 0)
    return shape.with_dims(shape.reshape(added, target), dims)


def _places(indices: Tensor, width: int, short: bool) -> Tensor:
    """Return for each number of the rows at given positions its place in the line of all numbers of a table.

    A position counted from the back, -1, stays one: its numbers are -width to -1 in the line.
    """
    places = constant(np.arange(width, dtype=np.int32 if short else np.int64)[None])
    first = math.mul(math.cast(shape.reshape(indices, (-1, 1)), places.element_type), width)
    return shape.reshape(math.add(first, places), (-1,))


def add_to_rows(x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    """Return x, whose rows have a known shape, with rows added at positions, which may repeat."""
    size, width = shapes.product(x.dims), shapes.product(x.dims[1:])
    if not isinstance(width, int):
        raise ValueError(f"the rows to add to have shape {x.dims[1:]}; expected known sizes.")
    line = _places(indices, width, isinstance(size, int) and size < 2**31)
    added = _added(shape.reshape(x, (-1,)), line, shape.reshape(updates, (-1,)), 0)
    return shape.with_dims(shape.reshape(added, shape.shape_of(x)), x.dims)


def _folded(g: Tensor, axes: Sequence[int]) -> list[Size]:
    """Return the number of elements over the axes as one size; nothing for no axes."""
    if not axes:
        return []
    size = shapes.product(g.dims[i] for i in axes)
    return [size if isinstance(size, int) else shape.unsqueeze(reduction.count_of(g, axes), [0])]


gather_grad_op = Op(
    "GatherGrad",  # (g, indices, shape of x): zeros of that shape, to which g is added at the positions
    _gather_grad_types,
    lambda node, g: [gather_op(g, node.inputs[1], axis=attribute(node, "axis")), None, None],
    domain=COMPOUND,
    expand=_expand_gather_grad,
    zero=(0,),
)


def gather_nd(x: Tensor, indices: Any) -> Tensor:
    """Return the slices of x whose positions on its first axes lie along the last axis of ``indices``."""
    indices = _positions(indices)
    count = indices.dims[-1]
    if not isinstance(count, int) or not 1 <= count <= x.rank:
        raise ValueError(f"GatherND: positions have {count!r} coordinates; expected 1 to {x.rank}.")
    line: Tensor | None = None
    for axis in range(count):
        coordinate = shape.squeeze(index.slice(indices, [axis], [axis + 1], [-1]), [-1])
        size = math.cast(shape.squeeze(shape.dim_of(x, axis), [0]), indices.element_type)
        coordinate = math.where(math.less(coordinate, 0), coordinate + size, coordinate)
        line = coordinate if line is None else line * size + coordinate
    return gather(shape.reshape(x, [-1, *_sizes(x, range(count, x.rank))]), line)


# -- one position per element ---------------------------------------------------------------------------------


def _gather_elements_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, indices = inputs
    _integers(indices)
    if x.rank != indices.rank:
        raise ValueError(f"the input has rank {x.rank}, the positions have rank {indices.rank}; expected one rank.")
    return [(x.element_type, indices.dims)]


def _gather_elements_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    x, indices = node.inputs
    axis = attribute(node, "axis")
    return [_added(shape.zeros_like(x), indices, g, axis), None]


gather_elements_op = Op("GatherElements", _gather_elements_types, _gather_elements_vjp, zero=(0,))


def gather_elements(x: Tensor, indices: Any, axis: int = -1) -> Tensor:
    """Return, for each position, the element of x that has it on the axis and its own place on all others."""
    return gather_elements_op(x, _positions(indices), axis=shapes.normalize_axis(axis, x.rank, "GatherElements"))


def _scatter_elements_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, indices, updates = inputs
    _integers(indices)
    if not x.rank == indices.rank == updates.rank:
        raise ValueError(f"inputs have ranks {x.rank}, {indices.rank} and {updates.rank}; expected one rank.")
    if attributes.get("reduction", "none") not in ("none", "add"):
        raise ValueError(f"the reduction is {attributes['reduction']!r}; expected 'none' or 'add'.")
    return [(same_dtype((x, updates)), x.dims)]


def _scatter_elements_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    _, indices, updates = node.inputs
    axis = attribute(node, "axis")
    kept = g
    if attribute(node, "reduction", "none") == "none":
        kept = scatter_elements_op(g, indices, shape.zeros_like(updates), axis=axis)
    return [kept, None, gather_elements_op(g, indices, axis=axis)]


scatter_elements_op = Op("ScatterElements", _scatter_elements_types, _scatter_elements_vjp)


def scatter_elements(x: Tensor, indices: Any, updates: Tensor, axis: int = -1, add: bool = False) -> Tensor:
    """Return x with elements replaced by, or increased by, updates at positions along an axis."""
    axis = shapes.normalize_axis(axis, x.rank, "ScatterElements")
    indices = _positions(indices)
    return _added(x, indices, updates, axis) if add else scatter_elements_op(x, indices, updates, axis=axis)


def _added(x: Tensor, indices: Tensor, updates: Tensor, axis: int) -> Tensor:
    """Return x increased by updates; half precision is added up in float32, which the runtime asks for."""
    dtype = x.element_type
    if dtype in _HALF:
        x, updates = math.cast(x, "float32"), math.cast(updates, "float32")
    return math.cast(scatter_elements_op(x, indices, updates, axis=axis, reduction="add"), dtype)


# -- TopK, one-hot vectors ------------------------------------------------------------------------------------


def _top_k_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, axis = inputs[0], attributes["axis"]
    count = (known.entries(inputs[1]) or (None,))[0]
    dim = x.dims[axis]
    if isinstance(count, int) and isinstance(dim, int) and count > dim:
        raise ValueError(f"k is {count} but the axis has size {dim}; expected at most that.")
    dims: Dims = (*x.dims[:axis], shapes.fresh_name() if count is None else count, *x.dims[axis + 1 :])
    return [(x.element_type, dims), (INT64, dims)]


def _top_k_vjp(node: ir.Node, g: Tensor | None, _: Tensor | None = None) -> list[Tensor | None]:
    if g is None:
        return [None, None]
    put = scatter_elements_op(shape.zeros_like(node.inputs[0]), node.outputs[1], g, axis=attribute(node, "axis"))
    return [put, None]


top_k_op = Op("TopK", _top_k_types, _top_k_vjp)


def top_k(x: Tensor, k: Size, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """Return the k largest (or smallest) elements along an axis, sorted, and their positions."""
    axis = shapes.normalize_axis(axis, x.rank, "TopK")
    values, positions = top_k_op.all(x, shape.vector([k]), axis=axis, largest=int(largest), sorted=1)
    return values, positions


def one_hot(indices: Tensor, depth: Size, dtype: Any = "float32") -> Tensor:
    """Return vectors with 1 at each position and 0 elsewhere; all zeros for a position outside 0 to depth - 1."""
    last = shape.squeeze(shape.vector([depth]), [0]) if isinstance(depth, Tensor) else depth
    classes = shape.arange(last, dtype=INT64)
    return math.cast(math.equal(shape.unsqueeze(math.cast(indices, INT64), [indices.rank]), classes), dtype)


def in_top_k(predictions: Tensor, targets: Tensor, k: Size) -> Tensor:
    """Return whether fewer than k classes are predicted above each row's target; false for rows that are not finite."""
    target = gather_elements(predictions, shape.unsqueeze(_positions(targets), [1]), 1)
    above = reduction.sum(math.cast(math.greater(predictions, target), "int32"), [1])
    finite = reduction.all(math.equal(predictions - predictions, 0), [1])
    limit = math.cast(shape.squeeze(shape.vector([k]), [0]), "int32") if isinstance(k, Tensor) else k
    return math.logical_and(math.less(above, limit), finite)
