"""Reductions over axes: sums, extremes, moments, truth, positions.

``axis`` is a number, a list or tuple of them, or None for all axes; an empty list reduces nothing.
"""

import operator

from onnxseq.backend import defaults
from onnxseq.backend.math import root, square
from onnxseq.backend.tensors import as_tensor
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import reduction
from onnxseq.compiler.tensor import FLOATS
from onnxseq.errors import text


def axes_of(axis):
    """Return an axis argument as None, a number or a list of numbers."""
    if axis is None or isinstance(axis, list | tuple):
        return axis if axis is None else [operator.index(a) for a in axis]
    return operator.index(axis)


def _number(who, x):
    x = as_tensor(x)
    if x.dtype_name == "bool":
        raise TypeError(text(who, "a tensor of dtype 'bool' arrived", "numbers", "Use K.cast()."))
    return x


def sum(x, axis=None, keepdims=False):
    """Return the sum over axes, in the dtype of x.

    Arguments:
        x: a tensor of numbers.
        axis: the axes to sum over; None for all.
        keepdims: whether summed axes stay, with a size of 1.

    Raises:
        TypeError: for booleans.
        ValueError: for an axis outside the rank.
    """
    return reduction.sum(_number("sum", x), axes_of(axis), keepdims)


def prod(x, axis=None, keepdims=False):
    """Return the product over axes; the arguments are those of ``sum``."""
    return reduction.prod(_number("prod", x), axes_of(axis), keepdims)


def max(x, axis=None, keepdims=False):
    """Return the largest element over axes; the arguments are those of ``sum``."""
    return reduction.max(_number("max", x), axes_of(axis), keepdims)


def min(x, axis=None, keepdims=False):
    """Return the smallest element over axes; the arguments are those of ``sum``."""
    return reduction.min(_number("min", x), axes_of(axis), keepdims)


def mean(x, axis=None, keepdims=False):
    """Return the mean over axes; the arguments are those of ``sum``.

    The mean of booleans is of the default float type; that of integers is an integer, rounded down.
    """
    x = _as_floats(x)
    axes = axes_of(axis)
    if x.element_type in FLOATS:
        return reduction.mean(x, axes, keepdims)
    if axes == []:
        return x
    return ops.floor_divide(reduction.sum(x, axes, keepdims), ops.cast(reduction.count_of(x, axes), x.element_type))


def var(x, axis=None, keepdims=False):
    """Return the mean square distance from the mean over axes; the arguments are those of ``sum``."""
    x = _as_floats(x)
    return mean(square(x - mean(x, axis, keepdims=True)), axis, keepdims)


def std(x, axis=None, keepdims=False):
    """Return the standard deviation, the square root of ``var``."""
    return root(var(x, axis, keepdims))


def any(x, axis=None, keepdims=False):
    """Return whether some element over axes is not 0, as bool; the arguments are those of ``sum``."""
    return reduction.any(ops.cast(as_tensor(x), "bool"), axes_of(axis), keepdims)


def all(x, axis=None, keepdims=False):
    """Return whether every element over axes is not 0, as bool; the arguments are those of ``sum``."""
    return reduction.all(ops.cast(as_tensor(x), "bool"), axes_of(axis), keepdims)


def argmax(x, axis=-1):
    """Return where the largest element stands along an axis, the first of equals, as int64."""
    return reduction.argmax(_number("argmax", x), operator.index(axis))


def argmin(x, axis=-1):
    """Return where the smallest element stands along an axis, the first of equals, as int64."""
    return reduction.argmin(_number("argmin", x), operator.index(axis))


def _as_floats(x):
    x = as_tensor(x)
    return ops.cast(x, defaults.floatx()) if x.dtype_name == "bool" else x
