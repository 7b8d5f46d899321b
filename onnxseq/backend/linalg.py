"""Products of tensors."""

from onnxseq.backend.tensors import int_shape, require_tensor
from onnxseq.compiler.ops import linalg, reduction
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.errors import text


def dot(x, y):
    """Return the product over the last axis of x and the last but one of y.

    Shapes: ``[*a, n]`` and ``[*b, n, m]`` give ``[*a, *b, m]``.

    Arguments:
        x, y: tensors of rank 2 or more.

    Raises:
        ValueError: for ranks below 2, or sizes that differ.
    """
    require_tensor("dot", x), require_tensor("dot", y)
    if x.rank < 2 or y.rank < 2:
        raise ValueError(
            text(
                "dot",
                f"shapes {int_shape(x)} and {int_shape(y)} arrived",
                "ranks of at least 2",
                "Use K.expand_dims().",
            )
        )
    if _differ(x.dims[-1], y.dims[-2]):
        raise ValueError(
            text("dot", f"shapes {int_shape(x)} and {int_shape(y)} arrived",
                 "the last size of the first to be the last but one of the second")
        )  # fmt: skip
    return linalg.dot(x, y)


def batch_dot(x, y, axes=None):
    """Return the products of the samples of two batches.

    For two matrices (one vector per sample) it is ``sum(x * y, axis, keepdims=True)``. Otherwise it is a product of
    matrices for every index of the other axes: the last two axes of x and y, a missing one being added behind with a
    size of 1 and taken away from the result.

    Shapes: ``[n, *a, k]`` and ``[n, k, *b]`` give ``[n, *a, *b]``, and ``[n, 1]`` where that would be ``[n]``.

    Arguments:
        x, y: tensors of rank 2 or more.
        axes: the axis of x and the axis of y to sum over, or one number for both. Needed where both are of rank 2.

    Raises:
        TypeError: where axes are needed and missing.
        ValueError: for shapes that do not fit.
    """
    require_tensor("batch_dot", x), require_tensor("batch_dot", y)
    arrived = f"shapes {int_shape(x)} and {int_shape(y)} with axes={axes!r} arrived"
    if x.rank < 2 or y.rank < 2:
        raise ValueError(text("batch_dot", arrived, "ranks of at least 2"))
    if axes is None and x.rank == y.rank == 2:
        raise TypeError(text("batch_dot", arrived, "axes for two tensors of rank 2", "Give axes=1."))
    axes = (axes, axes) if isinstance(axes, int) else axes
    added = abs(x.rank - y.rank)
    behind = y.rank if x.rank > y.rank else x.rank - 1
    rank = max(x.rank, y.rank)
    a, b = (shape_ops.unsqueeze(t, range(t.rank, rank)) for t in (x, y))
    try:
        if rank == 2:
            product = _vectors(a, b, axes)
        else:
            if axes is not None and axes[0] != rank - 1:
                a = _swap_last(a)
            if axes is not None and axes[1] == rank - 1:
                b = _swap_last(b)
            product = _matrices(a, b)
        product = shape_ops.squeeze(product, range(behind, behind + added))
    except ValueError as fault:
        raise ValueError(text("batch_dot", arrived, "shapes that fit: equal sizes on the summed axes and on the others "
                              "of both")) from fault  # fmt: skip
    return shape_ops.unsqueeze(product, [1]) if product.rank == 1 else product


def _vectors(a, b, axes):
    if axes[0] == axes[1]:
        return reduction.sum(a * b, axes[0])
    return reduction.sum(shape_ops.transpose(a) * b, axes[1])


def _matrices(a, b):
    # The product of runtimes would broadcast batches of size 1, which is no batch_dot.
    if _differ(a.dims[-1], b.dims[-2]) or any(_differ(c, d) for c, d in zip(a.dims[:-2], b.dims[:-2], strict=True)):
        raise ValueError("sizes differ")
    return linalg.matmul(a, b)


def _swap_last(x):
    return shape_ops.transpose(x, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


def _differ(a, b):
    return isinstance(a, int) and isinstance(b, int) and a != b
