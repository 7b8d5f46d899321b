"""Batch normalization and dropout: what layers do to their inputs while training."""

from onnxseq import shapes
from onnxseq.backend.random import next_seed
from onnxseq.backend.reductions import axes_of, mean, var
from onnxseq.backend.tensors import as_tensor, int_shape
from onnxseq.compiler.ops import known, nn, normalization
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import text


def batch_normalization(x, mean, var, beta, gamma, epsilon=1e-3):
    """Return ``gamma * (x - mean) / sqrt(var + epsilon) + beta``.

    Arguments:
        x: a tensor.
        mean, var: tensors that broadcast to x.
        beta, gamma: the same, or None for 0 and 1.
        epsilon: a small number added to the variance.
    """
    x = as_tensor(x)
    mean, var, beta, gamma = (v if v is None else as_tensor(v, x) for v in (mean, var, beta, gamma))
    return normalization.batch_norm(x, mean, var, beta, gamma, epsilon)


def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """Return x normalized by its own mean and variance over axes, and these two.

    Shapes: gamma, beta, mean and variance have the sizes of the axes that are not reduced.

    Arguments:
        x: a tensor.
        gamma, beta: scale and offset, or None for 1 and 0.
        reduction_axes: the axes that mean and variance are taken over.
        epsilon: a small number added to the variance.

    Returns:
        The normalized tensor, the mean and the variance (the mean square distance from the mean).
    """
    x = as_tensor(x)
    gamma, beta = (v if v is None else as_tensor(v, x) for v in (gamma, beta))
    axes = shapes.normalize_axes(axes_of(reduction_axes), x.rank, "normalize_batch_in_training")
    kept = [axis for axis in range(x.rank) if axis not in axes]
    if len(kept) == 1 and isinstance(x.dims[kept[0]], int) and x.rank > 1:
        return normalization.batch_norm_training(x, gamma, beta, kept[0], epsilon)
    center, spread = mean(x, axes, keepdims=True), var(x, axes, keepdims=True)
    gamma, beta = (v if v is None else shape_ops.unsqueeze(v, axes) for v in (gamma, beta))
    normed = normalization.batch_norm(x, center, spread, beta, gamma, epsilon)
    return normed, shape_ops.squeeze(center, axes), shape_ops.squeeze(spread, axes)


def dropout(x, level, noise_shape=None, seed=None):
    """Return x with a share of its elements set to 0 and the others divided by what remains.

    Arguments:
        x: a tensor.
        level: the share, from 0 up to, but without, 1.
        noise_shape: the shape of what is drawn: a size of 1 (or an axis missing in front) makes all elements along an
            axis share one fate; None stands for the size of x.
        seed: what the stream of masks starts from; from NumPy's generator by default.

    Raises:
        ValueError: for a share outside its limits, or a noise shape that does not broadcast to x.
    """
    x = as_tensor(x)
    if not 0 <= level < 1:
        raise ValueError(text("dropout", f"level {level!r} arrived", "0 <= level < 1"))
    seed = next_seed() if seed is None else seed
    return nn.dropout(x, level, seed, _shared_axes(x, noise_shape)) if level else x


def _shared_axes(x, noise_shape):
    if noise_shape is None:
        return ()
    sizes = known.entries(noise_shape) if isinstance(noise_shape, Tensor) else [_size(s) for s in noise_shape]
    if (
        sizes is None
        or len(sizes) > x.rank
        or any(_unfit(s, d) for s, d in zip(sizes[::-1], x.dims[::-1], strict=False))
    ):
        raise ValueError(
            text("dropout", f"noise_shape {noise_shape!r} arrived for a tensor of shape {int_shape(x)}",
                 "for each axis 1 or the tensor's size")
        )  # fmt: skip
    missing = x.rank - len(sizes)
    return [axis for axis, size in enumerate((1,) * missing + tuple(sizes)) if size == 1 and x.dims[axis] != 1]


def _size(entry):
    if isinstance(entry, Tensor):
        found = known.entries(entry)
        return found[0] if found else None
    return None if entry is None else int(entry)


def _unfit(size, dim):
    return isinstance(size, int) and isinstance(dim, int) and size not in (1, dim)
