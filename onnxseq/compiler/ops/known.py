"""What is statically known of integer tensors that describe shapes.

A shape computed in the graph (``Concat(Shape(x)[0:1], [4, 5])``) is followed back to constants and to the named
dimensions of tensors, so that reshaping to it keeps static sizes and names.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.tensor import Tensor, attribute, constant_value
from onnxseq.shapes import Dim, Dims

# Each entry is a size, the name of a free one, or None where nothing is known.
Known = tuple[Dim | None, ...]

_MOST = 1024  # longer integer tensors are data, not shapes
_SAME = frozenset({"Cast", "Squeeze", "Unsqueeze", "Reshape", "Identity", "StopGradient"})


def entries(tensor: Tensor) -> Known | None:
    """Return what is known of each element of an integer tensor, in row-major order; None where its size is free."""
    value = constant_value(tensor)
    if value is not None:
        return tuple(int(v) for v in value.reshape(-1)) if value.dtype.kind in "iu" and value.size <= _MOST else None
    size = shapes.product(tensor.dims)
    if not isinstance(size, int) or size > _MOST:
        return None
    node = tensor.producer()
    found = _of_node(node) if node is not None else None
    return found if found is not None and len(found) == size else (None,) * size


def _of_node(node: ir.Node) -> Known | None:
    kind, inputs = node.op_type, node.inputs
    if kind == "Shape":
        return inputs[0].dims[attribute(node, "start", 0) : attribute(node, "end")]
    if kind == "Size":
        return (shapes.product(inputs[0].dims),)
    if kind in _SAME:
        return entries(inputs[0])
    if kind == "Concat" and attribute(node, "axis") == 0:
        parts = [entries(x) for x in inputs]
        return None if None in parts else tuple(v for part in parts if part is not None for v in part)
    if kind in ("Gather", "Slice") and inputs[0].rank == 1:
        return _picked(kind, inputs)
    if kind in ("ReduceProd", "ReduceSum"):
        values = entries(inputs[0])
        if values is None or (node.outputs[0].rank and node.outputs[0].dims != (1,)):
            return None
        dims = [v for v in values if v is not None]
        whole = shapes.product(dims) if kind == "ReduceProd" else shapes.total(dims)
        return (whole,) if len(dims) == len(values) else None
    if kind in _ARITHMETIC:
        return _elementwise(kind, inputs)
    return None


def _picked(kind: str, inputs: Sequence[Tensor]) -> Known | None:
    values = entries(inputs[0])
    arguments = [a for a in map(constant_value, inputs[1:]) if a is not None]
    if values is None or len(arguments) < len(inputs) - 1:
        return None
    if kind == "Gather":
        return tuple(values[i] for i in arguments[0].reshape(-1))
    start, end = (int(a[0]) for a in arguments[:2])
    step = int(arguments[3][0]) if len(arguments) > 3 else 1
    return values[slice(start, None if step < 0 and end < -len(values) else end, step)]


def _elementwise(kind: str, inputs: Sequence[Tensor]) -> Known | None:
    a, b = entries(inputs[0]), entries(inputs[1])
    if a is None or b is None or (len(a) != len(b) and 1 not in (len(a), len(b))):
        return None
    size = max(len(a), len(b))
    a, b = (v * size if len(v) == 1 else v for v in (a, b))
    return tuple(None if x is None or y is None else _ARITHMETIC[kind](x, y) for x, y in zip(a, b, strict=True))


def _add(a: Dim, b: Dim) -> Dim | None:
    return shapes.total((a, b))


def _subtract(a: Dim, b: Dim) -> Dim | None:
    if a == b:
        return 0
    return shapes.add(a, -b) if isinstance(b, int) else None


def _divide(a: Dim, b: Dim) -> Dim | None:
    if isinstance(a, int) and isinstance(b, int):
        return int(np.trunc(a / b)) if b else None
    return shapes.floor_divide(a, b) if isinstance(b, int) and b > 0 else quotient((a,), (b,))


def _remainder(a: Dim, b: Dim) -> Dim | None:
    if isinstance(a, int) and isinstance(b, int):
        return a % b if b else None
    return None if quotient((a,), (b,)) is None else 0


def _largest(a: Dim, b: Dim) -> Dim | None:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else a if a == b else None


def _smallest(a: Dim, b: Dim) -> Dim | None:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else a if a == b else None


_ARITHMETIC = {
    "Add": _add,
    "Sub": _subtract,
    "Mul": lambda a, b: shapes.product((a, b)),
    "Div": _divide,
    "Mod": _remainder,
    "Max": _largest,
    "Min": _smallest,
}


def _parts(dim: str) -> list[str]:
    """Split an expression at its outermost multiplications; a sum or a rounded quotient has no parts."""
    depth, parts = 0, [""]
    for character in dim:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth and character in "+-/":
            return []
        if not depth and character == "*":
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _factors(dims: Iterable[Dim]) -> tuple[int, Counter[str]]:
    """Return a product as its whole-number factor and the free factors it is made of."""
    number, names, pending = 1, Counter[str](), list(dims)
    while pending:
        dim = pending.pop()
        if isinstance(dim, int) or dim.isdigit():
            number *= int(dim)
        elif len(parts := _parts(dim)) > 1:
            pending.extend(parts)
        elif parts and dim.startswith("("):
            pending.append(dim[1:-1])
        else:
            names[dim] += 1
    return number, names


def quotient(dims: Iterable[Dim], divisors: Iterable[Dim]) -> Dim | None:
    """Return the product of dims over that of divisors where it is known to be whole; None elsewhere."""
    number, names = _factors(dims)
    divisor, cancelled = _factors(divisors)
    if cancelled - names or not divisor or number % divisor:
        return None
    left = sorted((names - cancelled).elements())
    return shapes.product([*left, number // divisor]) if left else number // divisor


def same_size(a: Dims, b: Dims) -> bool | None:
    """Tell whether two shapes hold equally many elements; None where that is not known."""
    if shapes.is_static(a) and shapes.is_static(b):
        return math.prod(a) == math.prod(b)  # type: ignore[arg-type]
    return True if _factors(a) == _factors(b) else None


# -- tensors of one value -------------------------------------------------------------------------------------

_SPREAD = frozenset({"Expand", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice"})
_DEEPEST = 8  # nodes


def uniform(x: Tensor, depth: int = _DEEPEST) -> float | None:
    """Return the one value that all elements of a tensor have, or None where it is not known to be so.

    Arguments:
        depth: how many nodes to look behind.
    """
    value, node = constant_value(x), x.producer()
    if value is not None:
        if not value.size or value.dtype.kind not in "fiu":
            return None
        first = value.flat[0]
        return float(first) if value.size == 1 or (value == first).all() else None
    if node is None or not depth or node.domain:
        return None
    if node.op_type in _SPREAD:
        return uniform(node.inputs[0], depth - 1)
    if node.op_type == "Mul":
        a, b = (uniform(y, depth - 1) for y in node.inputs)
        return None if a is None or b is None else a * b
    return None
