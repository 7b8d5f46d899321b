"""Shapes: reading them, and rearranging elements without changing them."""

import math as numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import known, math
from onnxseq.compiler.ops.law import COMPOUND, Op, no_gradient, same_dtype
from onnxseq.compiler.tensor import Tensor, attribute, constant, constant_value
from onnxseq.shapes import Dim, Dims

INT64 = ir.DataType.INT64

Size = int | Tensor  # one entry of a shape: a number or an integer tensor of one element


def _same_type(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(inputs[0].element_type, inputs[0].dims)]


def ints(values: Iterable[int]) -> Tensor:
    """Return a constant int64 vector."""
    return constant(np.array(list(values), np.int64))


def with_dims(x: Tensor, dims: Dims) -> Tensor:
    """Give a freshly recorded tensor the static shape that its maker knows better than the type rule."""
    x.dims = dims
    x.shape = ir.Shape([d if isinstance(d, int) else ir.SymbolicDim(d) for d in dims])
    return x


# -- reading a shape ------------------------------------------------------------------------------------------


def _shape_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    dims = inputs[0].dims[attributes.get("start", 0) : attributes.get("end")]
    return [(INT64, (len(dims),))]


shape_op = Op("Shape", _shape_types, no_gradient)
size_op = Op("Size", lambda inputs, attributes: [(INT64, ())], no_gradient)


def shape_of(x: Tensor) -> Tensor:
    """Return the shape as an int64 vector; a constant where every size is known."""
    return ints(x.dims) if shapes.is_static(x.dims) else shape_op(x)  # type: ignore[arg-type]


def dim_of(x: Tensor, axis: int) -> Tensor:
    """Return one size as an int64 vector of one element."""
    axis = shapes.normalize_axis(axis, x.rank)
    dim = x.dims[axis]
    return ints([dim]) if isinstance(dim, int) else shape_op(x, start=axis, end=axis + 1)


def size_of(x: Tensor) -> Tensor:
    """Return the number of elements as an int64 scalar."""
    total = shapes.product(x.dims)
    return constant(np.array(total, np.int64)) if isinstance(total, int) else size_op(x)


def vector(entries: Sequence[Size]) -> Tensor:
    """Return numbers and one-element tensors as one int64 vector."""
    parts: list[Tensor] = []
    run: list[int] = []
    for entry in entries:
        found = number(entry)
        if found is not None:
            run.append(found)
            continue
        if run:
            parts.append(ints(run))
            run = []
        parts.append(_as_vector(entry))  # type: ignore[arg-type]
    if run or not parts:
        parts.append(ints(run))
    return concat(parts, 0)


def _as_vector(x: Tensor) -> Tensor:
    if x.rank > 1 or (x.rank == 1 and x.dims != (1,)):
        raise ValueError(f"a size is a tensor of shape {shapes.to_keras(x.dims)}; expected one element.")
    x = math.cast(x, INT64)
    return x if x.rank else unsqueeze(x, [0])


def number(entry: Size) -> int | None:
    """Return the number that an entry is known to be, or None."""
    if not isinstance(entry, Tensor):
        return int(entry)
    found = known.entries(entry)
    return found[0] if found and isinstance(found[0], int) else None


def _name(entry: Size) -> Dim | None:
    """Return the size or the free dimension's name that an entry stands for, if that is known."""
    if not isinstance(entry, Tensor):
        return int(entry)
    found = known.entries(entry)
    return found[0] if found else None


# -- Reshape --------------------------------------------------------------------------------------------------


def _reshape_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, target = inputs
    entries = known.entries(target)
    if target.rank != 1 or entries is None:
        raise ValueError(f"the new shape is a tensor of shape {shapes.to_keras(target.dims)}; expected a known length.")
    dims = [
        x.dims[i] if d == 0 and not attributes.get("allowzero") and i < x.rank else d for i, d in enumerate(entries)
    ]
    return [(x.element_type, _complete(x, dims))]


def _complete(x: Tensor, dims: Sequence[Dim | None]) -> Dims:
    """Work out the one -1 and name what stays free; ValueError where the sizes cannot fit."""
    others = [d for d in dims if d != -1]
    if len(others) < len(dims) - 1:
        raise ValueError(f"the new shape {tuple(dims)} has more than one -1; expected at most one.")
    if len(others) == len(dims):
        fits = known.same_size(x.dims, tuple(dims)) if None not in dims else None  # type: ignore[arg-type]
        rest: Dim | None = None
    else:
        rest = known.quotient(x.dims, others) if None not in others else None  # type: ignore[arg-type]
        fits = not (rest is None and shapes.is_static(x.dims) and all(isinstance(d, int) for d in others))
    if fits is False:
        shown = tuple(d if isinstance(d, int) else None for d in dims)
        raise ValueError(
            f"the input has shape {shapes.to_keras(x.dims)}, the new shape is {shown}; "
            f"expected a shape of {numbers.prod(x.dims)} elements."  # type: ignore[arg-type]
        )
    result = [rest if d == -1 else d for d in dims]
    return tuple(shapes.fresh_name() if d is None else d for d in result)


reshape_op = Op("Reshape", _reshape_types, lambda node, g: [reshape_like(g, node.inputs[0]), None], zero=(0,))


def reshape(x: Tensor, target: Tensor | Sequence[Size | str | None]) -> Tensor:
    """Return x with another shape.

    Arguments:
        x: any tensor.
        target: an int64 vector, or one entry per axis: a number, -1 (once: whatever remains), None (the size that x
            has on that axis), the name of a free dimension of x, or an integer tensor of one element.
    """
    if isinstance(target, Tensor):
        entries = known.entries(target)
        if entries is None or not all(isinstance(d, int) for d in entries):
            return reshape_op(x, math.cast(target, INT64))
        target = [d for d in entries if isinstance(d, int)]
    for i, entry in enumerate(target):
        if entry is None and i >= x.rank:
            raise ValueError(f"Reshape: entry {i} is None but the input has rank {x.rank}; expected a size.")
    sizes = [x.dims[i] if entry is None else entry for i, entry in enumerate(target)]
    dims = _complete_named(x, sizes)
    if dims == x.dims:
        return x
    return with_dims(_record_reshape(x, sizes, dims), dims)


def _complete_named(x: Tensor, sizes: Sequence[Size | str]) -> Dims:
    try:
        return _complete(x, [size if isinstance(size, str) else _name(size) for size in sizes])
    except ValueError as fault:
        raise ValueError(f"Reshape: {fault}") from fault


def _record_reshape(x: Tensor, sizes: Sequence[Size | str], dims: Dims) -> Tensor:
    free = [i for i, d in enumerate(dims) if not isinstance(d, int)]
    if len(free) <= 1 and 0 not in dims:
        # One free size is always left to -1: that also holds for an empty batch, which 0 ("copy") does not.
        return reshape_op(x, ints(-1 if i in free else d for i, d in enumerate(dims)))  # type: ignore[misc]
    if not free:
        return reshape_op(x, ints(dims), allowzero=1)  # type: ignore[arg-type]
    copied = {i for i in free if i < x.rank and x.dims[i] == dims[i]}
    computed = [i for i in free if i not in copied]
    # What -1 stands for: the entry given so, else one that cannot be read off the input.
    asked = [i for i in computed if sizes[i] == -1]
    unread = [i for i in computed if not isinstance(sizes[i], Tensor) and dims[i] not in x.dims]
    rest = next(iter([*asked, *unread, *computed]), None)
    entries: list[Size] = []
    for i, (size, dim) in enumerate(zip(sizes, dims, strict=True)):
        if i in copied:
            entries.append(0)
        elif i == rest:
            entries.append(-1)
        elif isinstance(size, Tensor) or isinstance(dim, int):
            entries.append(size if isinstance(size, Tensor) else dim)  # type: ignore[arg-type]
        elif dim in x.dims:
            entries.append(dim_of(x, x.dims.index(dim)))
        else:
            raise ValueError(f"Reshape: {dim!r} names no free dimension of the input; expected one of {x.dims}.")
    return reshape_op(x, vector(entries))


def reshape_like(g: Tensor, x: Tensor) -> Tensor:
    """Return g, which has as many elements as x, in the shape of x."""
    return reshape(g, [d if isinstance(d, int) else dim_of(x, i) for i, d in enumerate(x.dims)])


def flatten(x: Tensor, axis: int = 1) -> Tensor:
    """Return x with the axes from ``axis`` on made one."""
    return reshape(x, [*([None] * axis), -1])


# -- Transpose, Squeeze, Unsqueeze ----------------------------------------------------------------------------


def _transpose_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    (x,) = inputs
    perm = tuple(attributes["perm"])
    if sorted(perm) != list(range(x.rank)):
        raise ValueError(f"the input has rank {x.rank}, the order is {perm}; expected each axis once.")
    return [(x.element_type, tuple(x.dims[i] for i in perm))]


def _transpose_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    return [transpose(g, [int(i) for i in np.argsort(attribute(node, "perm"))])]


transpose_op = Op("Transpose", _transpose_types, _transpose_vjp, zero=(0,))


def transpose(x: Tensor, perm: Sequence[int] | None = None) -> Tensor:
    """Return x with its axes in another order, reversed by default; x itself where the order is its own."""
    perm = list(range(x.rank))[::-1] if perm is None else [int(i) for i in perm]
    if perm == list(range(x.rank)):
        return x
    return transpose_op(x, perm=perm)


def _axes(tensor: Tensor, rank: int) -> tuple[int, ...]:
    value = constant_value(tensor)
    if value is None:
        raise ValueError("the axes are not constant; expected known axes.")
    return shapes.normalize_axes(tuple(int(a) for a in value), rank)


def _squeeze_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, axes = inputs[0], _axes(inputs[1], inputs[0].rank)
    for axis in axes:
        if isinstance(x.dims[axis], int) and x.dims[axis] != 1:
            raise ValueError(f"the input has shape {shapes.to_keras(x.dims)}; expected a size of 1 on axis {axis}.")
    return [(x.element_type, tuple(d for i, d in enumerate(x.dims) if i not in axes))]


def _unsqueeze_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x = inputs[0]
    rank = x.rank + constant_value(inputs[1]).size  # type: ignore[union-attr]
    axes, rest = _axes(inputs[1], rank), iter(x.dims)
    return [(x.element_type, tuple(1 if i in axes else next(rest) for i in range(rank)))]


squeeze_op = Op("Squeeze", _squeeze_types, lambda node, g: [unsqueeze_op(g, node.inputs[1]), None], zero=(0,))
unsqueeze_op: Op = Op("Unsqueeze", _unsqueeze_types, lambda node, g: [squeeze_op(g, node.inputs[1]), None], zero=(0,))


def squeeze(x: Tensor, axes: Iterable[int]) -> Tensor:
    """Return x without the given axes, whose size is 1."""
    found = shapes.normalize_axes(tuple(axes), x.rank, "Squeeze")
    return squeeze_op(x, ints(found)) if found else x


def unsqueeze(x: Tensor, axes: Iterable[int]) -> Tensor:
    """Return x with axes of size 1 put in; the positions are those of the result."""
    places = tuple(axes)
    found = shapes.normalize_axes(places, x.rank + len(places), "Unsqueeze")
    return unsqueeze_op(x, ints(found)) if found else x


# -- Expand, constants like a tensor --------------------------------------------------------------------------


def _expand_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, target = inputs
    entries = known.entries(target)
    if entries is None:
        raise ValueError(f"the target shape has {shapes.to_keras(target.dims)} entries; expected a known length.")
    named = tuple(shapes.fresh_name() if d is None else d for d in entries)
    return [(x.element_type, shapes.broadcast(x.dims, named))]


expand_op = Op("Expand", _expand_types, lambda node, g: [g, None], zero=(0,))


def expand(x: Tensor, target: Tensor | Sequence[Size]) -> Tensor:
    """Return x broadcast together with a shape."""
    return expand_op(x, target if isinstance(target, Tensor) else vector(target))


def expand_like(g: Tensor, x: Tensor) -> Tensor:
    """Return g broadcast to the shape of x."""
    return g if g.dims == x.dims else with_dims(expand_op(g, shape_of(x)), x.dims)


zeros_op = Op(
    "Zeros",  # zeros in the shape of the input, which is not read; a name of its own so that passes see zero gradients
    _same_type,
    no_gradient,
    domain=COMPOUND,
    expand=lambda node: _filled(0, node.inputs[0]),
    elementwise=True,
)


def _filled(value: float, x: Tensor) -> Tensor:
    return expand_like(math.scalar(value, x), x)


def zeros_like(x: Tensor) -> Tensor:
    """Return zeros of the shape and dtype of x."""
    return zeros_op(x)


def ones_like(x: Tensor) -> Tensor:
    """Return ones of the shape and dtype of x."""
    return _filled(1, x)


identity = Op("Identity", _same_type, lambda node, g: [g], zero=(0,), elementwise=True)

# -- Concat, Split --------------------------------------------------------------------------------------------


def _concat_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    first, axis = inputs[0], attributes["axis"]
    shapes.normalize_axis(axis, first.rank)
    arrived = ", ".join(str(shapes.to_keras(x.dims)) for x in inputs)
    dims: list[Dim] = list(first.dims)
    for x in inputs:
        if x.rank != first.rank:
            raise ValueError(f"inputs have shapes {arrived}; expected one rank.")
        for i, dim in enumerate(x.dims):
            if i == axis or dim == dims[i]:
                continue
            if isinstance(dim, int) and isinstance(dims[i], int):
                raise ValueError(f"inputs have shapes {arrived}; expected equal sizes on every axis but {axis}.")
            dims[i] = dim if isinstance(dim, int) else dims[i]
    dims[axis] = shapes.total(x.dims[axis] for x in inputs)
    return [(same_dtype(inputs), tuple(dims))]


def _concat_vjp(node: ir.Node, g: Tensor) -> Sequence[Tensor]:
    axis = attribute(node, "axis")
    sizes: list[Size] = [
        x.dims[axis] if isinstance(x.dims[axis], int) else dim_of(x, axis)  # type: ignore[misc]
        for x in node.inputs
    ]
    return split(g, sizes, axis)


concat_op = Op("Concat", _concat_types, _concat_vjp)


def concat(tensors: Sequence[Tensor], axis: int = -1) -> Tensor:
    """Return tensors joined along an axis; a single tensor as it is."""
    axis = shapes.normalize_axis(axis, tensors[0].rank, "Concat")
    return tensors[0] if len(tensors) == 1 else concat_op(*tensors, axis=axis)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Return tensors of one shape joined along a new axis."""
    axis = shapes.normalize_axis(axis, tensors[0].rank + 1, "Concat")
    return concat([unsqueeze(x, [axis]) for x in tensors], axis)


def _split_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, axis = inputs[0], attributes["axis"]
    sizes = known.entries(inputs[1])
    if sizes is None:
        raise ValueError("the sizes have no known number; expected one size per part.")
    if None not in sizes and isinstance(x.dims[axis], int):
        total = shapes.total(sizes)  # type: ignore[arg-type]
        if isinstance(total, int) and total != x.dims[axis]:
            raise ValueError(
                f"the input has shape {shapes.to_keras(x.dims)}, the sizes are {sizes}; "
                f"expected sizes whose sum is {x.dims[axis]}."
            )
    return [
        (x.element_type, (*x.dims[:axis], shapes.fresh_name() if d is None else d, *x.dims[axis + 1 :])) for d in sizes
    ]


def _split_vjp(node: ir.Node, *cotangents: Tensor | None) -> list[Tensor | None]:
    parts = [zeros_like(y) if g is None else g for y, g in zip(node.outputs, cotangents, strict=True)]
    return [concat(parts, attribute(node, "axis")), None]


split_op = Op("Split", _split_types, _split_vjp, zero=(0,))


def split(x: Tensor, sizes: Sequence[Size], axis: int = -1) -> list[Tensor]:
    """Return x cut along an axis into parts of the given sizes."""
    axis = shapes.normalize_axis(axis, x.rank, "Split")
    return [x] if len(sizes) == 1 else list(split_op.all(x, vector(sizes), axis=axis))


# -- Pad ------------------------------------------------------------------------------------------------------


def _pad_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, pads = inputs[0], known.entries(inputs[1])
    if pads is None or len(pads) != 2 * x.rank:
        raise ValueError(f"the input has rank {x.rank}, the pads are {pads}; expected two per axis.")
    dims = []
    for dim, before, after in zip(x.dims, pads[: x.rank], pads[x.rank :], strict=True):
        size: Dim | None = None
        if isinstance(before, int) and isinstance(after, int):
            size = shapes.add(dim, before + after)
        if isinstance(size, int) and size < 0:
            raise ValueError(f"the input has shape {shapes.to_keras(x.dims)}, the pads are {pads}; expected a rest.")
        dims.append(shapes.fresh_name() if size is None else size)
    return [(x.element_type, tuple(dims))]


def _negated(x: Tensor) -> Tensor:
    value = constant_value(x)
    return math.neg(x) if value is None else constant(-value)


def _pad_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    cut = with_dims(zero_pad_op(g, _negated(node.inputs[1])), node.inputs[0].dims)
    return [cut, *[None] * (len(node.inputs) - 1)]


pad_op = Op("Pad", _pad_types, _pad_vjp)
zero_pad_op = Op(
    "ZeroPad",  # Pad with zeros: apart from Pad since it is linear
    _pad_types,
    _pad_vjp,
    domain=COMPOUND,
    expand=lambda node: with_dims(pad_op(*node.inputs), node.outputs[0].dims),
    zero=(0,),
)


def pad(x: Tensor, pads: Sequence[tuple[Size, Size]], value: float = 0) -> Tensor:
    """Return x with a border: (before, after) for each axis; a negative width crops."""
    if not any(isinstance(v, Tensor) or v for both in pads for v in both):
        return x
    widths = vector([before for before, _ in pads] + [after for _, after in pads])
    return pad_op(x, widths, math.scalar(value, x)) if value else zero_pad_op(x, widths)


# -- new tensors of integers ----------------------------------------------------------------------------------


def _range_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    start, limit, delta = ((known.entries(x) or (None,))[0] for x in inputs)
    dtype = same_dtype(inputs)
    if (start, delta) == (0, 1) and limit is not None:
        return [(dtype, (limit,))]
    return [(dtype, (shapes.fresh_name("range"),))]


range_op = Op("Range", _range_types, no_gradient)


def arange(start: Size | float, stop: Size | float | None = None, step: Size | float = 1, dtype: Any = None) -> Tensor:
    """Return the numbers from start (0 where only one is given) up to, but without, stop."""
    if stop is None:
        start, stop = 0, start
    given = [v for v in (start, stop, step) if isinstance(v, Tensor)]
    if not given:
        return constant(np.arange(start, stop, step), dtype)
    parts = [squeeze(v, range(v.rank)) for v in (math.like(v, given[0]) for v in (start, stop, step))]
    numbers_ = range_op(*parts)
    return numbers_ if dtype is None else math.cast(numbers_, dtype)
