"""Weights whose values come from a file: made as zeros, and no larger than the file says it holds."""

import contextlib
import contextvars
import math

import numpy as np

_left = contextvars.ContextVar("scalars that may still be made as weights", default=None)


@contextlib.contextmanager
def values_to_come(num_scalars):
    """Make weights, inside the block, as zeros, since their values come next, and no more than some scalars of them.

    A configuration says how large its weights are to be; what the file beside it does not hold is not made.
    """
    token = _left.set([num_scalars])
    try:
        yield
    finally:
        _left.reset(token)


def first_value(who, name, shape, dtype, draw):
    """Return the first value of a weight: zeros where its value is to come, else what ``draw`` returns.

    Raises:
        ValueError: the weights so far are larger than what is to come.
    """
    left = _left.get()
    if left is None:
        return draw()
    left[0] -= math.prod(shape)
    if left[0] < 0:
        raise ValueError(
            f"{who}: weight {name!r} of shape {shape}, with those before it, is larger than all weights of the file; "
            f"expected a configuration that its weights fit. Take a copy that is whole, from where you trust."
        )
    return np.zeros(shape, dtype)
