"""Slices, and indexing as Python writes it."""

import builtins
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import known, math, shape
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.tensor import OPERATORS, Tensor, constant_value
from onnxseq.shapes import Dim

INT64 = ir.DataType.INT64
INTEGERS = frozenset({INT64, ir.DataType.INT32})
END = int(np.iinfo(np.int64).max)  # as the end of a slice: up to and with the last element
START = -END  # as the end of a slice that runs backwards: down to and with the first element

# -- Slice ----------------------------------------------------------------------------------------------------


def _slice_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x = inputs[0]
    axes, steps = (constant_value(v) for v in inputs[3:])
    if axes is None or steps is None:
        raise ValueError("the axes or the steps are not constant; expected known ones.")
    starts, ends = (known.entries(v) or (None,) * len(axes) for v in inputs[1:3])
    dims: list[Dim] = list(x.dims)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        dims[axis] = _length(x.dims[axis], start, end, int(step))
    return [(x.element_type, tuple(dims))]


def _length(dim: Dim, start: Dim | None, end: Dim | None, step: int) -> Dim:
    """Return the size of ``range(dim)[start:end:step]``; a name of its own where it cannot be told."""
    if isinstance(dim, int) and isinstance(start, int) and isinstance(end, int):
        return len(range(dim)[builtins.slice(start, None if end == START else end, step)])
    extent = _extent(dim, start, end, step)
    if extent is None:
        return shapes.fresh_name("slice")
    return extent if abs(step) == 1 else shapes.add(shapes.floor_divide(shapes.add(extent, -1), abs(step)), 1)


def _extent(dim: Dim, start: Dim | None, end: Dim | None, step: int) -> Dim | None:
    """Return how many elements lie between two ends of a free axis, provided it is long enough to hold them."""
    if step < 0:
        whole = start in (-1, END) and end == START
        return dim if whole else None
    if start == 0 and end is not None and (isinstance(end, str) or end == END):
        return dim if end == END else end
    if not isinstance(start, int):
        return None
    if end == END:
        return -start if start < 0 else shapes.add(dim, -start)
    if isinstance(end, int) and end < 0:
        return end - start if start < 0 else shapes.add(dim, end - start)
    return shapes.add(end, -start) if isinstance(end, str) and start >= 0 else None


def _slice_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    x = node.inputs[0]
    pads: list[tuple[Size, Size]] = [(0, 0)] * x.rank
    axes, steps = (constant_value(v) for v in node.inputs[3:])
    for i, (axis, step) in enumerate(zip(axes, steps, strict=True)):  # type: ignore[arg-type]
        axis, step = int(axis), int(step)
        start, end = (_entry(v, i) for v in node.inputs[1:3])
        if step < 0:
            g = reverse(g, [axis])
        g = _spread(g, axis, abs(step))
        pads[axis] = _margins(x, g, axis, start, end, step)
    return [_fitted(shape.pad(g, pads), x), None, None, None, None]


def _entry(x: Tensor, i: int) -> Size:
    """Return one element of a vector: as a number where known, else as a vector of one element."""
    found = known.entries(x)
    if found is not None and isinstance(found[i], int):
        return found[i]  # type: ignore[return-value]
    return slice(x, [i], [i + 1], [0])


def _fitted(g: Tensor, x: Tensor) -> Tensor:
    """A padded cotangent has the shape of x though its sizes may have been worked out with other names."""
    return g if g.dims == x.dims else shape.with_dims(g, x.dims)


def _spread(g: Tensor, axis: int, step: int) -> Tensor:
    """Put ``step - 1`` zeros behind each element along an axis."""
    if step == 1:
        return g
    apart = shape.unsqueeze(g, [axis + 1])
    apart = shape.pad(apart, [(0, step - 1 if i == axis + 1 else 0) for i in range(apart.rank)])
    sizes: list[Size] = [d if isinstance(d, int) else shape.dim_of(g, i) for i, d in enumerate(g.dims)]
    sizes[axis] = sizes[axis] * step
    return shape.reshape(apart, sizes)


def _margins(x: Tensor, g: Tensor, axis: int, start: Size, end: Size, step: int) -> tuple[Size, Size]:
    """Return how many elements of x lie before and after those that a spread, ascending cotangent covers."""
    dim, length = x.dims[axis], g.dims[axis]
    if isinstance(dim, int) and isinstance(start, int) and isinstance(length, int) and isinstance(end, int):
        picked = range(dim)[builtins.slice(start, None if end == START else end, step)]
        before = min(picked[0], picked[-1]) if picked else 0
        return before, dim - before - length
    if step == 1 and isinstance(start, int) and isinstance(end, int) and start >= 0 and (end < 0 or end == END):
        return start, 0 if end == END else -end
    size = shape.dim_of(x, axis)
    before = _from_front(start, size) if step > 0 else _lowest(x, g, axis, start, size, step)
    return before, size - before - shape.dim_of(g, axis)


def _from_front(start: Size, size: Tensor) -> Size:
    """Return where a slice starts, counted from the front and kept within the axis."""
    if isinstance(start, int):
        counted = math.maximum(size + start, 0) if start < 0 else shape.ints([start])
    else:
        counted = math.where(math.less(start, 0), math.maximum(start + size, 0), start)
    return math.minimum(counted, size)


def _lowest(x: Tensor, g: Tensor, axis: int, start: Size, size: Tensor, step: int) -> Tensor:
    """Return the lowest element that a descending slice picks, from the number of those that it picked."""
    highest = math.minimum(size - 1, size + start if isinstance(start, int) and start < 0 else start)
    return math.maximum(highest - (shape.dim_of(g, axis) + step), 0)


slice_op = Op("Slice", _slice_types, _slice_vjp, zero=(0,))


def slice(
    x: Tensor,
    starts: Sequence[Size],
    ends: Sequence[Size],
    axes: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
) -> Tensor:
    """Return ``x[start:end:step]`` along each of the axes (the first ones by default).

    Negative positions count from the back; ``END`` stands for the end of an axis, and ``START``, as the end of a
    descending slice, for its beginning.
    """
    axes = [shapes.normalize_axis(a, x.rank, "Slice") for a in (range(len(starts)) if axes is None else axes)]
    steps = [1] * len(axes) if steps is None else list(steps)
    whole = [s == 0 and e == END and t == 1 for s, e, t in zip(starts, ends, steps, strict=True)]
    if all(whole):
        return x
    return slice_op(x, shape.vector(starts), shape.vector(ends), shape.ints(axes), shape.ints(steps))


def reverse(x: Tensor, axes: Sequence[int]) -> Tensor:
    """Return x with the order of elements turned around along the axes."""
    count = len(axes)
    return slice(x, [-1] * count, [START] * count, axes, [-1] * count) if count else x


def reversed_axis(x: Tensor) -> int | None:
    """Return the one axis along which a tensor is another one turned around, and nothing else; None elsewhere."""
    node = x.producer()
    if node is None or node.op_type != "Slice" or node.domain:
        return None
    starts, ends, axes, steps = (None if (v := constant_value(a)) is None else v.tolist() for a in node.inputs[1:])
    return int(axes[0]) if axes and (starts, ends, steps) == ([-1], [START], [-1]) else None


# -- x[...] ---------------------------------------------------------------------------------------------------


def getitem(x: Tensor, key: Any) -> Tensor:
    """Return ``x[key]`` for integers, slices, None and Ellipsis; positions may be integer tensors of one element."""
    keys = list(key) if isinstance(key, tuple) else [key]
    used = [k for k in keys if k is not None and k is not Ellipsis]
    if len(used) > x.rank:
        raise IndexError(f"getitem: {len(used)} positions for a tensor of rank {x.rank}; expected at most {x.rank}.")
    if Ellipsis in [k if k is Ellipsis else None for k in keys]:
        place = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[place : place + 1] = [builtins.slice(None)] * (x.rank - len(used))
    else:
        keys += [builtins.slice(None)] * (x.rank - len(used))
    if any(k is Ellipsis for k in keys):
        raise IndexError("getitem: more than one Ellipsis; expected at most one.")
    starts: list[Size] = []
    ends: list[Size] = []
    steps: list[int] = []
    dropped: list[int] = []
    added: list[int] = []
    for k in keys:
        axis = len(starts)
        if k is None:
            added.append(axis - len(dropped) + len(added))
            continue
        if isinstance(k, builtins.slice):
            start, end, step = _bounds(k)
        else:
            start, end, step = *_single(k, x, axis), 1
            dropped.append(axis)
        starts.append(start)
        ends.append(end)
        steps.append(step)
    moved = [i for i, bounds in enumerate(zip(starts, ends, steps, strict=True)) if _moves(*bounds)]
    picked = slice(x, [starts[i] for i in moved], [ends[i] for i in moved], moved, [steps[i] for i in moved])
    return shape.unsqueeze(shape.squeeze(picked, dropped), added)


def _moves(start: Size, end: Size, step: int) -> bool:
    return not (isinstance(start, int) and start == 0 and isinstance(end, int) and end == END and step == 1)


def _position(value: Any) -> Size:
    """Return a position as a number or an integer tensor; TypeError for anything else."""
    if isinstance(value, Tensor):
        if value.element_type not in INTEGERS:
            raise TypeError(f"getitem: a position has dtype {value.dtype_name}; expected int32 or int64.")
        return value
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"getitem: {value!r} is not a position; expected integers, slices, None or Ellipsis. Use K.gather()."
        ) from None


def _bounds(k: builtins.slice) -> tuple[Size, Size, int]:
    step = 1 if k.step is None else operator.index(k.step)
    if step == 0:
        raise ValueError("getitem: a slice has step 0; expected another step.")
    first, last = (0, END) if step > 0 else (-1, START)
    return (
        first if k.start is None else _position(k.start),
        last if k.stop is None else _position(k.stop),
        step,
    )


def _single(k: Any, x: Tensor, axis: int) -> tuple[Size, Size]:
    position, dim = _position(k), x.dims[axis]
    if not isinstance(position, Tensor):
        if isinstance(dim, int) and not -dim <= position < dim:
            raise IndexError(f"getitem: position {position} on an axis of size {dim}; expected {-dim} to {dim - 1}.")
        return position, END if position == -1 else position + 1
    position = shape.vector([position])
    # One behind the last element counts as 0 from the front, so it is moved to the end.
    return position, math.where(math.equal(position, -1), shape.ints([END]), position + 1)


OPERATORS["getitem"] = getitem
