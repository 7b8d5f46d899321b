"""Convolution with a kernel of its own for each window: one batch of matrix products over all windows.

Windows are gathered with the spatial axes in front, so that every slice is a few long runs of memory and each window's
samples already stand as the rows of a matrix. One axis at a time is gathered: as many slices as the sizes of the
kernel add up to, where its places number their product.
"""

from collections.abc import Sequence

from onnxseq import shapes
from onnxseq.compiler.ops import index, linalg, shape
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import place


def local(x: Tensor, w: Tensor, kernel: Sequence[int], strides: Sequence[int], channels_first: bool = False) -> Tensor:
    """Return each window's elements times the window's own matrix.

    Shapes: x [N, *spatial, C], w [windows, elements of a window, M] -> [N, *windows, M].

    Arguments:
        kernel, strides: one number per spatial axis.
        channels_first: whether the rows of a matrix run over [C, *kernel] instead of [*kernel, C].

    Raises:
        ValueError: a spatial size or the number of channels is free, or the matrices are not as the windows need them.
    """
    with place("Local"):
        counts = _counts(x, w, kernel, strides)
    rank = x.rank - 2
    seen = shape.transpose(x, (*range(1, rank + 1), 0, rank + 1))
    # The last axis first: the places of the others are then put before its own.
    for axis in reversed(range(rank)):
        ends = [i + (counts[axis] - 1) * strides[axis] + 1 for i in range(kernel[axis])]
        parts = [index.slice(seen, [i], [end], [axis], [strides[axis]]) for i, end in enumerate(ends)]
        if channels_first:
            parts = [shape.unsqueeze(part, [rank + 2]) for part in parts]
        seen = shape.concat(parts, rank + 2 if channels_first else rank + 1) if len(parts) > 1 else parts[0]
    rows = shape.reshape(seen, (w.dims[0], x.dims[0], w.dims[1]))
    y = shape.reshape(linalg.matmul(rows, w), (*counts, x.dims[0], w.dims[2]))
    return shape.transpose(y, (rank, *range(rank), rank + 1))


def _counts(x: Tensor, w: Tensor, kernel: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return how many windows there are on each axis."""
    if not len(kernel) == len(strides) == x.rank - 2:
        raise ValueError(
            f"the input has shape {shapes.to_keras(x.dims)}, the window {tuple(kernel)}, strides {tuple(strides)}; "
            f"expected one of each per spatial axis."
        )
    if not shapes.is_static(x.dims[1:]):
        raise ValueError(
            f"the input has shape {shapes.to_keras(x.dims)}; expected known sizes behind the batch, since each window "
            f"has weights of its own."
        )
    counts = [int(shapes.window(d, k, s, 1)) for d, k, s in zip(x.dims[1:-1], kernel, strides, strict=True)]
    elements = shapes.product((*kernel, x.dims[-1]))
    if min(counts) < 1 or w.rank != 3 or w.dims[:2] != (shapes.product(counts), elements):
        raise ValueError(
            f"the input has shape {shapes.to_keras(x.dims)}, the kernel {shapes.to_keras(w.dims)}; expected a kernel "
            f"of shape ({' * '.join(str(c) for c in counts)}, {elements}, filters) for windows of {tuple(kernel)}."
        )
    return counts
