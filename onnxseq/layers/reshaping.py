"""Layers that only move or repeat elements: Flatten, Reshape, Permute, RepeatVector."""

import math

import numpy as np

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import text
from onnxseq.layers.base import InputSpec, Layer


@registry.register("layer")
class Flatten(Layer):
    """Puts all axes but the batch into one.

    Shapes:
        input (batch, a, b, …), output (batch, a * b * …).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(min_ndim=2)

    def call(self, inputs):
        return K.batch_flatten(inputs)

    def _compute_output_shape(self, input_shape):
        batch, *sizes = input_shape
        return (batch, None if None in sizes else math.prod(sizes))


@registry.register("layer")
class Reshape(Layer):
    """Gives the elements of each sample another shape.

    Shapes:
        input (batch, …), output (batch, *target_shape).

    Arguments:
        target_shape: the shape without the batch axis; one size may be -1, which stands for what is left.

    Raises:
        ValueError: where the numbers of elements differ, or two sizes are -1.
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def _resolve(self, input_shape):
        """Return the target shape with -1 replaced; it stays where the input has free axes."""
        who, target, given = self._who, self.target_shape, tuple(input_shape)[1:]
        if target.count(-1) > 1 or any(size < -1 for size in target):
            raise ValueError(text(who, f"target_shape={target}", "sizes, of which one at most may be -1"))
        if None in given:
            return target
        known, total = math.prod(size for size in target if size != -1), math.prod(given)
        if total != known and (-1 not in target or known == 0 or total % known):
            raise ValueError(
                text(who, f"input of shape {tuple(input_shape)} with {total} elements a sample",
                     f"as many as in target_shape={target}", "Change one of the two shapes.")
            )  # fmt: skip
        return tuple(total // known if size == -1 else size for size in target)

    def call(self, inputs):
        target = self._resolve(K.int_shape(inputs))
        # With a size left open for the runtime, the batch has to be named.
        batch = K.shape(inputs)[0] if -1 in target else -1
        return K.reshape(inputs, (batch, *target))

    def _compute_output_shape(self, input_shape):
        target = self._resolve(tuple(input_shape))
        return (input_shape[0], *(None if size == -1 else size for size in target))

    def get_config(self):
        return {**super().get_config(), "target_shape": self.target_shape}


@registry.register("layer")
class Permute(Layer):
    """Puts the axes of each sample in another order.

    Shapes:
        input (batch, …), output (batch, …) with ``output.shape[i + 1] = input.shape[dims[i]]``.

    Arguments:
        dims: the order of the axes, counted from 1; the batch axis stays first.

    Raises:
        ValueError: where an axis is missing or named twice, or the input has another rank.
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                text(self._who, f"dims={self.dims}", f"each of 1 to {len(self.dims)} once",
                     "Axes are counted from 1; the batch axis is not listed.")
            )  # fmt: skip
        return K.permute_dimensions(inputs, (0, *self.dims))

    def _compute_output_shape(self, input_shape):
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def get_config(self):
        return {**super().get_config(), "dims": self.dims}


@registry.register("layer")
class RepeatVector(Layer):
    """Repeats each sample's vector, as the steps of a sequence.

    Shapes:
        input (batch, features), output (batch, n, features).

    Arguments:
        n: how many times.
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        if isinstance(self.n, bool) or not isinstance(self.n, int | np.integer):
            raise TypeError(text(self._who, f"n={self.n!r}", "a whole number"))
        return K.repeat(inputs, int(self.n))

    def _compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self):
        return {**super().get_config(), "n": self.n}
