"""Elementwise arithmetic and comparisons."""

import numpy as np

from onnxseq.backend.tensors import as_tensor
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.tensor import FLOATS, Tensor, numpy_dtype


def abs(x):
    """Return |x|."""
    return ops.absolute(as_tensor(x))


def square(x):
    """Return x * x."""
    x = as_tensor(x)
    return x * x


def sqrt(x):
    """Return the square root, of 0 where x is negative."""
    x = as_tensor(x)
    return ops.sqrt(clip(x, 0.0, None) if x.element_type in FLOATS else x)


def root(x):
    """Return the square root of numbers that are never negative; where one is, it is not a number.

    It saves the pass over memory in which ``sqrt`` looks for negative ones.
    """
    return ops.sqrt(as_tensor(x))


def exp(x):
    """Return e to the power of x."""
    return ops.exp(as_tensor(x))


def log(x):
    """Return the natural logarithm."""
    return ops.log(as_tensor(x))


def sin(x):
    """Return the sine of x in radians."""
    return ops.sin(as_tensor(x))


def cos(x):
    """Return the cosine of x in radians."""
    return ops.cos(as_tensor(x))


def round(x):
    """Return the nearest whole number, the even one of two as near."""
    x = as_tensor(x)
    return ops.round(x) if x.element_type in FLOATS else x


def sign(x):
    """Return -1, 0 or 1, the sign of x."""
    return ops.sign(as_tensor(x))


def pow(x, a):
    """Return x to the power of a.

    Arguments:
        x: a tensor.
        a: a number or a tensor of the dtype of x.
    """
    return ops.pow(as_tensor(x), a)


def clip(x, min_value, max_value):
    """Return x with values below and above the limits replaced by them.

    Arguments:
        x: a tensor.
        min_value: the least value; None for no limit.
        max_value: the greatest value, at least ``min_value``, to which it is raised where lower; None for no limit.
    """
    x = as_tensor(x)
    if isinstance(min_value, Tensor) or isinstance(max_value, Tensor):
        x = x if min_value is None else ops.maximum(x, min_value)
        return x if max_value is None else ops.minimum(x, max_value)
    if min_value is not None and max_value is not None and max_value < min_value:
        max_value = min_value
    number = numpy_dtype(x.element_type)
    limits = (-np.inf, np.inf) if x.element_type in FLOATS else (np.iinfo(number).min, np.iinfo(number).max)
    return ops.clip(x, *(b if v is None else v for v, b in zip((min_value, max_value), limits, strict=True)))


def maximum(x, y):
    """Return the larger of two tensors, elementwise."""
    return ops.maximum(*_pair(x, y))


def minimum(x, y):
    """Return the smaller of two tensors, elementwise."""
    return ops.minimum(*_pair(x, y))


def equal(x, y):
    """Return whether x == y, elementwise, as bool."""
    return ops.equal(*_pair(x, y))


def not_equal(x, y):
    """Return whether x != y, elementwise, as bool."""
    return ops.not_equal(*_pair(x, y))


def greater(x, y):
    """Return whether x > y, elementwise, as bool."""
    return ops.greater(*_pair(x, y))


def greater_equal(x, y):
    """Return whether x >= y, elementwise, as bool."""
    return ops.greater_equal(*_pair(x, y))


def less(x, y):
    """Return whether x < y, elementwise, as bool."""
    return ops.less(*_pair(x, y))


def less_equal(x, y):
    """Return whether x <= y, elementwise, as bool."""
    return ops.less_equal(*_pair(x, y))


def _pair(x, y):
    """Return two operands as tensors; a number takes the dtype of the tensor beside it."""
    if not isinstance(x, Tensor) and isinstance(y, Tensor):
        return as_tensor(x, y), y
    x = as_tensor(x)
    return x, as_tensor(y, x)
