"""Matrix products."""

from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math, reduction, shape
from onnxseq.compiler.ops.law import Op, same_dtype
from onnxseq.compiler.tensor import OPERATORS, Tensor, attribute
from onnxseq.shapes import Dim

# -- MatMul ---------------------------------------------------------------------------------------------------


def _inner(a: Dim, b: Dim, arrived: Sequence[Tensor]) -> None:
    if isinstance(a, int) and isinstance(b, int) and a != b:
        raise ValueError(
            f"inputs have shapes {' and '.join(str(shapes.to_keras(x.dims)) for x in arrived)}; "
            f"expected equal sizes on the axes that are summed over, not {a} and {b}."
        )


def _matmul_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    a, b = inputs
    if a.rank < 2 or b.rank < 2:
        raise ValueError(f"inputs have ranks {a.rank} and {b.rank}; expected at least 2 each.")
    _inner(a.dims[-1], b.dims[-2], inputs)
    batch = shapes.broadcast(a.dims[:-2], b.dims[:-2])
    return [(same_dtype(inputs), (*batch, a.dims[-2], b.dims[-1]))]


def _turned(x: Tensor) -> Tensor:
    return shape.transpose(x, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


def _matmul_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    a, b = node.inputs
    if b.rank == 2 and a.rank > 2:
        # One product over all rows, rather than one per batch entry and a sum.
        rows, cotangent_rows = shape.reshape(a, (-1, a.dims[-1])), shape.reshape(g, (-1, g.dims[-1]))
        return [matmul_op(g, _turned(b)), matmul_op(_turned(rows), cotangent_rows)]
    return [matmul_op(g, _turned(b)), matmul_op(_turned(a), g)]


matmul_op = Op("MatMul", _matmul_types, _matmul_vjp, zero=(0, 1))


def matmul(a: Any, b: Any) -> Tensor:
    """Return the matrix product as NumPy's ``@``: a vector counts as a row (left) or a column (right)."""
    a, b = math.pair(a, b)
    row, column = a.rank == 1, b.rank == 1
    if not a.rank or not b.rank:
        raise ValueError("MatMul: an input is a scalar; expected tensors of rank 1 or more. Use * for scaling.")
    product = matmul_op(shape.unsqueeze(a, [0]) if row else a, shape.unsqueeze(b, [1]) if column else b)
    dropped = [-2] * row + [-1] * column
    return shape.squeeze(product, dropped)


# -- Gemm: alpha * a @ b + beta * c, with a and b transposed at will: what 2-D products become when fused -----


def _gemm_types(inputs: Sequence[Tensor | None], attributes: Any) -> list:
    a, b, *c = inputs
    if a.rank != 2 or b.rank != 2:  # type: ignore[union-attr]
        raise ValueError(f"inputs have ranks {a.rank} and {b.rank}; expected matrices.")  # type: ignore[union-attr]
    rows = a.dims[::-1] if attributes.get("transA") else a.dims  # type: ignore[union-attr]
    columns = b.dims[::-1] if attributes.get("transB") else b.dims  # type: ignore[union-attr]
    _inner(rows[1], columns[0], (a, b))  # type: ignore[arg-type]
    dims = (rows[0], columns[1])
    if c and c[0] is not None and len(shapes.broadcast(dims, c[0].dims)) > 2:
        raise ValueError(f"c has shape {shapes.to_keras(c[0].dims)}; expected one that broadcasts to a matrix.")
    return [(same_dtype(inputs), dims)]


def _gemm_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    a, b, *c = node.inputs
    alpha = attribute(node, "alpha", 1.0)
    across_a, across_b = attribute(node, "transA", 0), attribute(node, "transB", 0)
    if across_a:
        left = gemm(b, g, alpha=alpha, transA=across_b, transB=1)
    else:
        left = gemm(g, b, alpha=alpha, transB=1 - across_b)
    if across_b:
        right = gemm(g, a, alpha=alpha, transA=1, transB=across_a)
    else:
        right = gemm(a, g, alpha=alpha, transA=1 - across_a)
    return [left, right, *[g * attribute(node, "beta", 1.0) for _ in c]]


gemm_op = Op("Gemm", _gemm_types, _gemm_vjp)


def gemm(a: Tensor, b: Tensor, c: Tensor | None = None, **attributes: Any) -> Tensor:
    """Return ``alpha * a @ b + beta * c`` of matrices; attributes alpha, beta, transA, transB as ONNX has them."""
    return gemm_op(a, b, *([] if c is None else [c]), **attributes)


# -- Keras's products -----------------------------------------------------------------------------------------


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Sum over the last axis of x and the last but one of y: [*x[:-1], *y[:-2], y[-1]]."""
    if y.rank <= 2 or x.rank == 1:
        return matmul(x, y)
    last_but_one = y.rank - 2
    matrix = shape.transpose(y, [last_but_one, *range(last_but_one), y.rank - 1])
    matrix = shape.reshape(matrix, (y.dims[last_but_one], -1))
    product = matmul(shape.reshape(x, (-1, x.dims[-1])), matrix)
    sizes = [(x, i) for i in range(x.rank - 1)] + [(y, i) for i in range(y.rank) if i != last_but_one]
    return shape.reshape(product, [t.dims[i] if isinstance(t.dims[i], int) else shape.dim_of(t, i) for t, i in sizes])


def batch_dot(x: Tensor, y: Tensor, axes: int | Sequence[int] | None = None) -> Tensor:
    """Multiply entry by entry of the first axis, summing over ``axes[0]`` of x and ``axes[1]`` of y.

    Matrices' last axis (of x) and last but one (of y) are summed over by default. A vector per entry counts as a
    row (x) or a column (y), which the result does not keep; of two vectors per entry the result is [batch, 1].
    """
    of_x, of_y = (axes, axes) if isinstance(axes, int) else axes or (x.rank - 1, max(y.rank - 2, 1))
    if x.rank == y.rank == 2:
        product = x * y if of_x == of_y else shape.transpose(x) * y
        return shape.unsqueeze(reduction.sum(product, [of_y]), [1])
    missing = x.rank - y.rank
    rank = max(x.rank, y.rank)
    left = shape.unsqueeze(x, range(x.rank, rank))
    right = shape.unsqueeze(y, range(y.rank, rank))
    product = matmul_op(left if of_x == rank - 1 else _turned(left), _turned(right) if of_y == rank - 1 else right)
    if missing > 0:
        return shape.squeeze(product, range(rank - missing, rank))
    return shape.squeeze(product, range(rank - 2, rank - 2 - missing)) if missing else product


OPERATORS["matmul"] = matmul
