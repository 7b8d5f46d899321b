"""Rearranging, joining, repeating and picking elements."""

import operator

import numpy as np

from onnxseq import shapes
from onnxseq.backend.reductions import axes_of
from onnxseq.backend.tensors import as_tensor, int_shape, is_sparse, mark_sparse
from onnxseq.compiler.ops import gather as gather_ops
from onnxseq.compiler.ops import index, tiling
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import text

_INDICES = ("int32", "int64")


def reshape(x, shape):
    """Return x with its elements, in their order, laid out in another shape.

    Arguments:
        x: a tensor.
        shape: a size for each axis: numbers or scalar tensors, one of them -1 for what remains; or an integer vector.

    Raises:
        ValueError: where the number of elements cannot fit.
        TypeError: for a size that is None.
    """
    x = as_tensor(x)
    if isinstance(shape, Tensor):
        return shape_ops.reshape(x, shape)
    sizes = [shape] if isinstance(shape, int | np.integer) else list(np.asarray(shape) if _is_array(shape) else shape)
    if any(size is None for size in sizes):
        raise TypeError(
            text("reshape", f"the shape {tuple(sizes)} arrived", "sizes", "Use -1 for the one that is free.")
        )
    return shape_ops.reshape(x, [size if isinstance(size, Tensor) else operator.index(size) for size in sizes])


def _is_array(shape):
    return isinstance(shape, np.ndarray)


def flatten(x):
    """Return x as a vector."""
    return shape_ops.reshape(as_tensor(x), [-1])


def batch_flatten(x):
    """Return x as a matrix: all axes but the first made one."""
    x = as_tensor(x)
    return shape_ops.unsqueeze(x, [1]) if x.rank == 1 else shape_ops.flatten(x, 1)


def transpose(x):
    """Return x with its axes in reverse order."""
    return shape_ops.transpose(as_tensor(x))


def permute_dimensions(x, pattern):
    """Return x with its axes in another order.

    Arguments:
        x: a tensor.
        pattern: for each axis of the result the axis of x that it is, such as ``(0, 2, 1)``.

    Raises:
        ValueError: where the pattern does not hold each axis once.
    """
    return shape_ops.transpose(as_tensor(x), axes_of(pattern))


def expand_dims(x, axis=-1):
    """Return x with a new axis of size 1.

    Arguments:
        x: a tensor.
        axis: its place in the result.
    """
    return shape_ops.unsqueeze(as_tensor(x), [operator.index(axis)])


def squeeze(x, axis):
    """Return x without an axis of size 1 (or several); ValueError where the size is another one."""
    axes = axes_of(axis)
    return shape_ops.squeeze(as_tensor(x), axes if isinstance(axes, list) else [axes])


def concatenate(tensors, axis=-1):
    """Return tensors joined along an axis; sparse ones alone give a sparse one.

    Arguments:
        tensors: a list of tensors of one dtype, with equal sizes on all other axes.
        axis: the axis to join along.

    Raises:
        ValueError: for shapes that do not fit.
        TypeError: for dtypes that differ.
    """
    joined = shape_ops.concat([as_tensor(x) for x in tensors], operator.index(axis))
    return mark_sparse(joined) if all(map(is_sparse, tensors)) else joined


def stack(x, axis=0):
    """Return tensors of one shape joined along a new axis.

    Arguments:
        x: a list of tensors.
        axis: the place of the new axis in the result.
    """
    return shape_ops.stack([as_tensor(entry) for entry in x], operator.index(axis))


def repeat(x, n):
    """Return a matrix repeated along a new axis in the middle: ``[batch, d]`` becomes ``[batch, n, d]``.

    Arguments:
        x: a tensor of rank 2.
        n: how often, a number or a scalar tensor.

    Raises:
        ValueError: for another rank.
    """
    x = as_tensor(x)
    if x.rank != 2:
        raise ValueError(
            text("repeat", f"a tensor of shape {int_shape(x)} arrived", "rank 2", "Use K.repeat_elements().")
        )
    return tiling.tile(shape_ops.unsqueeze(x, [1]), [1, n, 1])


def repeat_elements(x, rep, axis):
    """Return x with each element along an axis standing ``rep`` times in a row, as ``np.repeat``.

    Arguments:
        x: a tensor.
        rep: how often, a number.
        axis: the axis.
    """
    return tiling.repeat_elements(as_tensor(x), operator.index(rep), operator.index(axis))


def reverse(x, axes):
    """Return x with the order of elements along axes turned around.

    Arguments:
        x: a tensor.
        axes: an axis, or several.
    """
    x, axes = as_tensor(x), axes_of(axes)
    places = [shapes.normalize_axis(a, x.rank, "reverse") for a in (axes if isinstance(axes, list) else [axes])]
    return index.reverse(x, places)


def arange(start, stop=None, step=1, dtype="int32"):
    """Return the numbers from start up to, but without, stop; from 0 up to start where no stop is given.

    Arguments:
        start, stop, step: numbers or scalar tensors. A negative start without stop gives no numbers.
        dtype: the dtype of the result. Floats among the numbers make 'int32', the default, 'float32'.
    """
    if stop is None and not isinstance(start, Tensor) and start < 0:
        start = 0
    if not any(isinstance(v, Tensor) for v in (start, stop, step)):
        start, stop = (0, start) if stop is None else (start, stop)
        values = np.arange(start, stop, step)
        return as_tensor(values.astype("float32" if dtype == "int32" and values.dtype.kind == "f" else dtype))
    return shape_ops.arange(start, stop, step, dtype)


def gather(reference, indices):
    """Return the slices of the first axis at given positions.

    Shapes: ``[n, *a]`` and ``[*b]`` give ``[*b, *a]``.

    Arguments:
        reference: a tensor.
        indices: an integer tensor, or a list of positions.

    Raises:
        TypeError: for positions that are no integers.
        RuntimeError: when it is computed, for a position below zero or beyond the last.
    """
    reference, indices = as_tensor(reference), _integers("gather", indices)
    # ONNX counts a position below zero from the back; as one beyond the last it is refused like any other of these.
    beyond = reference.dims[0]
    if not isinstance(beyond, int):
        beyond = ops.cast(shape_ops.squeeze(shape_ops.dim_of(reference, 0), [0]), indices.element_type)
    return gather_ops.gather(reference, ops.where(ops.less(indices, 0), ops.like(beyond, indices), indices), 0)


def one_hot(indices, num_classes):
    """Return a new last axis of zeros with a one at each index; all zeros for an index outside.

    Shapes: ``[*a]`` gives ``[*a, num_classes]``, in float32.

    Arguments:
        indices: an integer tensor.
        num_classes: the size of the new axis.

    Raises:
        TypeError: for indices that are no integers.
    """
    classes = num_classes if isinstance(num_classes, Tensor) else operator.index(num_classes)
    return gather_ops.one_hot(_integers("one_hot", indices), classes)


def _integers(who, indices):
    indices = as_tensor(indices)
    if indices.dtype_name not in (*_INDICES, "uint8"):
        raise TypeError(
            text(who, f"indices of dtype {indices.dtype_name!r} arrived", "'int32' or 'int64'", "Use K.cast().")
        )
    return indices if indices.dtype_name in _INDICES else ops.cast(indices, "int32")


def temporal_padding(x, padding=(1, 1)):
    """Return x with zeros before and after its middle axis.

    Shapes: ``[batch, steps, features]``.

    Arguments:
        x: a tensor of rank 3.
        padding: how many zeros before and after.

    Raises:
        ValueError: for another rank, or anything but two numbers.
    """
    return pad_axes("temporal_padding", x, [padding], [1], 3)


def pad_axes(who, x, pairs, axes, rank):
    """Return x with zeros before and after the given axes; ValueError for another rank."""
    x = as_tensor(x)
    if x.rank != rank:
        raise ValueError(text(who, f"a tensor of shape {int_shape(x)} arrived", f"rank {rank}"))
    if len(pairs) != len(axes) or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            text(who, f"padding is {tuple(pairs)!r}", f"a pair (before, after) for each of {len(axes)} axes")
        )
    pads = [(0, 0)] * rank
    for axis, (before, after) in zip(axes, pairs, strict=True):
        pads[axis] = (operator.index(before), operator.index(after))
    return shape_ops.pad(x, pads)
