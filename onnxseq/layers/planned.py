"""Limits on the weights of a model that somebody else's text describes.

Where their values come from a file, they are made as zeros, and no larger than the file says it holds.
"""

import contextlib
import contextvars
import math

import numpy as np

_limit = contextvars.ContextVar("how many scalars may be made as weights", default=None)


class _Limit:
    def __init__(self, left, of_what, action, is_filled):
        self.left, self.of_what, self.action, self.is_filled = left, of_what, action, is_filled


def values_to_come(num_scalars):
    """Make weights, inside the block, as zeros, since their values come next, and no more than some scalars of them.

    A configuration says how large its weights are to be; what the file beside it does not hold is not made.
    """
    return _limited(_Limit(num_scalars, "all weights of the file; expected a configuration that its weights fit",
                           "Take a copy that is whole, from where you trust.", True))


def values_up_to(num_scalars, action):
    """Make weights, inside the block, of no more than some scalars; ``action`` tells who needs more what to do."""
    return _limited(_Limit(num_scalars, f"{num_scalars} numbers; expected a smaller model", action, False))


@contextlib.contextmanager
def _limited(limit):
    token = _limit.set(limit)
    try:
        yield
    finally:
        _limit.reset(token)


def first_value(who, name, shape, dtype, draw):
    """Return the first value of a weight: zeros where its value is to come, else what ``draw`` returns.

    Raises:
        ValueError: the weights so far are larger than they may be.
    """
    limit = _limit.get()
    if limit is None:
        return draw()
    limit.left -= math.prod(shape)
    if limit.left < 0:
        raise ValueError(
            f"{who}: weight {name!r} of shape {shape}, with those before it, is larger than {limit.of_what}. "
            f"{limit.action}"
        )
    return np.zeros(shape, dtype) if limit.is_filled else draw()
