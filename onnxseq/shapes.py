"""Static shapes: tuples whose entries are sizes (int) or the names of free dimensions (str).

A free dimension always has a name. The same name means the same size when the model runs; sizes that
follow from a free one are written as expressions over its name (``"steps-2"``), so that equal
sizes keep equal names through a graph.
"""

import ast
import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

Dim = int | str
Dims = tuple[Dim, ...]

_fresh = itertools.count()
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def fresh_name(prefix: str = "dim") -> str:
    """Return a name for a free dimension that nothing else is known about."""
    return f"{prefix}_{next(_fresh)}"


def to_keras(dims: Iterable[Dim]) -> tuple[int | None, ...]:
    """Return the shape as Keras shows it: None for every free dimension."""
    return tuple(d if isinstance(d, int) else None for d in dims)


def is_static(dims: Iterable[Dim]) -> bool:
    """Tell whether every dimension is a known size."""
    return all(isinstance(d, int) for d in dims)


def normalize_axis(axis: int, rank: int, who: str = "axis") -> int:
    """Return ``axis`` counted from the front; ValueError where it lies outside the rank."""
    if not -rank <= axis < rank:
        raise ValueError(f"{who}: axis {axis!r} is outside a tensor of rank {rank}; expected {-rank} to {rank - 1}.")
    return axis % rank


def normalize_axes(axis: int | Sequence[int] | None, rank: int, who: str = "axis") -> tuple[int, ...]:
    """Return sorted axes counted from the front; None means all of them."""
    if axis is None:
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else tuple(int(a) for a in axis)
    return tuple(sorted({normalize_axis(a, rank, who) for a in axes}))


def broadcast_dim(a: Dim, b: Dim) -> Dim | None:
    """Return the size two dimensions broadcast to, or None where they cannot."""
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    if isinstance(a, int):
        return None if isinstance(b, int) else a  # a free size must turn out as 1 or as the known one
    return b if isinstance(b, int) else a


def broadcast(*shapes: Dims) -> Dims:
    """Return the shape which the given ones broadcast to; ValueError where they cannot."""
    result: list[Dim] = []
    for column in itertools.zip_longest(*(reversed(s) for s in shapes), fillvalue=1):
        dim: Dim = 1
        for d in column:
            joined = broadcast_dim(dim, d)
            if joined is None:
                raise ValueError(
                    f"shapes {' and '.join(str(to_keras(s)) for s in shapes)} do not broadcast; "
                    f"expected equal sizes, or 1, on every axis counted from the last."
                )
            dim = joined
        result.append(dim)
    return tuple(reversed(result))


def _term(dim: Dim) -> str:
    text = str(dim)
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def add(dim: Dim, amount: int) -> Dim:
    """Return ``dim + amount``."""
    if isinstance(dim, int):
        return dim + amount
    if amount == 0:
        return dim
    match = re.fullmatch(r"(\w+)([+-]\d+)", dim)
    if match:
        return add(match[1], int(match[2]) + amount)
    return f"{_term(dim)}{amount:+d}"


def multiply(dim: Dim, factor: int) -> Dim:
    """Return ``dim * factor``."""
    if isinstance(dim, int):
        return dim * factor
    return dim if factor == 1 else f"{_term(dim)}*{factor}"


def floor_divide(dim: Dim, divisor: int) -> Dim:
    """Return ``dim // divisor``."""
    if isinstance(dim, int):
        return dim // divisor
    if divisor == 1:
        return dim
    match = re.fullmatch(r"(\w+)\*(\d+)", dim)
    if match and int(match[2]) % divisor == 0:
        return multiply(match[1], int(match[2]) // divisor)
    return f"{_term(dim)}//{divisor}"


def product(dims: Iterable[Dim]) -> Dim:
    """Return the number of elements, as an expression where dimensions are free."""
    dims = tuple(dims)
    free = sorted(_term(d) for d in dims if not isinstance(d, int))
    known = math.prod(d for d in dims if isinstance(d, int))
    if not free:
        return known
    if len(free) == 1:
        return multiply(next(d for d in dims if not isinstance(d, int)), known)
    return "*".join(free) + (f"*{known}" if known != 1 else "")


def total(dims: Iterable[Dim]) -> Dim:
    """Return the sum of dimensions, as along a concatenated axis."""
    dims = tuple(dims)
    free = sorted(_term(d) for d in dims if not isinstance(d, int))
    known = sum(d for d in dims if isinstance(d, int))
    if not free:
        return known
    if len(free) == 1:
        return add(next(d for d in dims if not isinstance(d, int)), known)
    return "+".join(free) + (f"+{known}" if known else "")


def window(dim: Dim, size: int, stride: int, dilation: int, before: int = 0, after: int = 0) -> Dim:
    """Return how many windows fit: ``(dim + before + after - dilation*(size-1) - 1) // stride + 1``."""
    return add(floor_divide(add(dim, before + after - dilation * (size - 1) - 1), stride), 1)


def same_window(dim: Dim, stride: int) -> Dim:
    """Return the number of windows under 'same' padding: the size divided by the stride, rounded up."""
    if stride == 1:
        return dim
    return add(floor_divide(add(dim, -1), stride), 1)


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return the padding before and after of 'same' for a known size; the odd element goes after."""
    out = -(-size // stride)
    amount = max((out - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return amount // 2, amount - amount // 2


def evaluate(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    """Return the size of a dimension where the free ones have the given sizes; None where it is not known."""
    if isinstance(dim, int):
        return dim
    if dim in sizes:
        return sizes[dim]
    return _evaluate(ast.parse(dim, mode="eval").body, sizes)


def _evaluate(tree: ast.expr, sizes: Mapping[str, int]) -> int | None:
    match tree:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return sizes.get(name)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
            a, b = _evaluate(left, sizes), _evaluate(right, sizes)
            return None if a is None or b is None else _ARITHMETIC[type(sign)](a, b)
    return None
