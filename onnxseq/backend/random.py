"""Random tensors and variables.

Each call draws from a stream of its own. Its seed, where none is given, comes from NumPy's global generator, so that
``np.random.seed()`` decides a whole program.
"""

import numpy as np

from onnxseq.backend import defaults
from onnxseq.backend.tensors import variable
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import random
from onnxseq.compiler.tensor import FLOATS, Tensor, as_dtype
from onnxseq.errors import text


def next_seed():
    """Return a seed from NumPy's global generator."""
    return int(np.random.randint(10e6))


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return a tensor of the normal distribution, drawn anew in every run.

    Arguments:
        shape: a size for each axis, numbers or scalar tensors; or an integer vector.
        mean, stddev: the mean and the standard deviation.
        dtype: the dtype, the default float type by default.
        seed: what the stream starts from; from NumPy's generator by default.

    Raises:
        TypeError: where a size is None.
    """
    return random.normal(_sizes("random_normal", shape), mean, stddev, *_dtype_and_seed(dtype, seed))


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Return a tensor like ``random_normal``, none of whose values lies beyond two standard deviations."""
    return random.truncated_normal(_sizes("truncated_normal", shape), mean, stddev, *_dtype_and_seed(dtype, seed))


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Return a tensor of numbers spread evenly over [minval, maxval), drawn anew in every run.

    Arguments:
        shape: a size for each axis, numbers or scalar tensors; or an integer vector.
        minval, maxval: the limits; whole numbers for an integer dtype.
        dtype: the dtype, the default float type by default.
        seed: what the stream starts from; from NumPy's generator by default.

    Raises:
        TypeError: where a size is None, or a limit of integers is not whole.
    """
    sizes, (dtype, seed) = _sizes("random_uniform", shape), _dtype_and_seed(dtype, seed)
    if as_dtype(dtype) in FLOATS:
        return random.uniform(sizes, minval, maxval, dtype, seed)
    if not all(isinstance(limit, int | np.integer) for limit in (minval, maxval)):
        raise TypeError(
            text("random_uniform", f"the limits are {minval!r} and {maxval!r} for dtype {dtype!r}", "integers")
        )
    return ops.cast(ops.floor(random.uniform(sizes, minval, maxval, "float64", seed)), dtype)


def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """Return a tensor of ones with probability p, else zeros, drawn anew in every run.

    Arguments:
        shape: a size for each axis, numbers or scalar tensors; or an integer vector.
        p: the probability of a one.
        dtype: the dtype, the default float type by default.
        seed: what the stream starts from; from NumPy's generator by default.
    """
    return random.binomial(_sizes("random_binomial", shape), p, *_dtype_and_seed(dtype, seed))


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """Return a variable whose first value is spread evenly over [low, high).

    Arguments:
        shape: known sizes.
        low, high: the limits.
        dtype: the dtype, the default float type by default.
        name: the variable's name.
        seed: what the values are drawn from; from NumPy's generator by default.
    """
    drawn = np.random.RandomState(next_seed() if seed is None else seed).uniform(low, high, tuple(shape))
    return variable(drawn, dtype, name)


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """Return a variable whose first value is of the normal distribution with a mean and a standard deviation."""
    drawn = np.random.RandomState(next_seed() if seed is None else seed).normal(mean, scale, tuple(shape))
    return variable(drawn, dtype, name)


def _dtype_and_seed(dtype, seed):
    return dtype or defaults.floatx(), next_seed() if seed is None else int(seed)


def _sizes(who, shape):
    if isinstance(shape, Tensor):
        return ops.cast(shape, "int64")
    if any(size is None for size in shape):
        raise TypeError(text(who, f"the shape {tuple(shape)} arrived", "known sizes", "Use K.shape() of a tensor."))
    return list(shape)
