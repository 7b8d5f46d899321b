"""Initializers: the first values of weights, drawn with NumPy.

A seed of None takes a fresh one from NumPy's global generator at each call, so ``np.random.seed`` makes a whole
run reproducible; a given seed draws the same values at each call.
"""

import math
from typing import Any

import numpy as np

from onnxseq import backend as K
from onnxseq import config as configs
from onnxseq import registry
from onnxseq.errors import describe, text


class Initializer:
    """What maps a shape to the first value of a weight. Subclasses define ``__call__`` and ``get_config``."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        raise NotImplementedError(text(type(self).__name__, "a call of an initializer without __call__",
                                       "__call__(shape, dtype=None) to be defined"))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Initializer":
        """Return an initializer with the arguments of a config."""
        return cls(**config)


class _Drawn(Initializer):
    """What all of ours share: the dtype, the config, and the constant around the values that a subclass draws."""

    arguments: tuple[str, ...] = ()
    only_floating = False

    def __init__(self, dtype: Any) -> None:
        self.dtype = _as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """Return a constant tensor.

        Arguments:
            shape: sizes of the weight.
            dtype: dtype of the weight; None takes that of the initializer.
            partition_info: not used; there for callers that pass it.

        Raises:
            TypeError: the dtype is no tensor's, or an integer one where values are continuous.
            ValueError: the shape or a bound does not suit this initializer.
        """
        dtype = self.dtype if dtype is None else _as_dtype(dtype)
        if self.only_floating and dtype.kind in "biu":
            raise TypeError(text(type(self).__name__, f"dtype {dtype.name!r}", "a floating-point dtype"))
        values = self._values(tuple(int(size) for size in shape), dtype)
        return K.constant(values.astype(dtype), dtype=dtype.name)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same initializer."""
        return {**{name: getattr(self, name) for name in self.arguments}, "dtype": self.dtype.name}

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        raise NotImplementedError


def _as_dtype(dtype: Any) -> np.dtype:
    try:
        if dtype is not None:
            return np.dtype(dtype)
    except TypeError:
        pass
    raise TypeError(text("initializer", f"dtype {dtype!r}", "the dtype of a tensor, such as 'float32'"))


def _generator(seed: int | None) -> np.random.RandomState:
    return np.random.RandomState(K.next_seed() if seed is None else seed)


def _truncated(generator: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Draw standard normal values, again and again where they lie beyond 2."""
    flat = generator.standard_normal(math.prod(shape))
    beyond = np.flatnonzero(np.abs(flat) > 2.0)
    while beyond.size:
        flat[beyond] = generator.standard_normal(beyond.size)
        beyond = beyond[np.abs(flat[beyond]) > 2.0]
    return flat.reshape(shape)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs and outputs meet in a unit: the last two axes, times the receptive field before them."""
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


@registry.register("initializer", "zeros", "zero")
class Zeros(_Drawn):
    """All zero.

    Arguments:
        dtype: dtype of the values where the call names none.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        super().__init__(dtype)

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.zeros(shape, dtype)


@registry.register("initializer", "ones", "one")
class Ones(_Drawn):
    """All one.

    Arguments:
        dtype: dtype of the values where the call names none.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        super().__init__(dtype)

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return np.ones(shape, dtype)


@registry.register("initializer", "constant")
class Constant(_Drawn):
    """Given values; a list shorter than the weight goes on with its last value.

    Arguments:
        value: a number, or a (nested) list of numbers that is laid out row by row.
        dtype: dtype of the values where the call names none.
        verify_shape: whether the value must have the very shape of the weight.
    """

    def __init__(self, value: Any = 0, dtype: Any = np.float32, verify_shape: bool = False) -> None:
        super().__init__(dtype)
        self.value = value
        self.verify_shape = verify_shape

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None,
                 verify_shape: bool | None = None) -> Any:
        """Return a constant tensor.

        Arguments:
            shape: sizes of the weight.
            dtype: dtype of the weight; None takes that of the initializer.
            partition_info: not used; there for callers that pass it.
            verify_shape: whether the value must have this very shape; None takes the initializer's own answer.

        Raises:
            TypeError: the value is no number, or has another shape than ``verify_shape`` asks for.
            ValueError: there are more values than the shape holds, or none.
        """
        given, expected = np.shape(self.value), tuple(int(size) for size in shape)
        if (self.verify_shape if verify_shape is None else verify_shape) and given != expected:
            raise TypeError(text("Constant", f"a value of shape {given}", f"shape {expected}"))
        return super().__call__(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same initializer; arrays as lists, which JSON can hold."""
        is_numpy = isinstance(self.value, (np.ndarray, np.generic))
        return {"value": self.value.tolist() if is_numpy else self.value, "dtype": self.dtype.name}

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        given, room = np.asarray(self.value), math.prod(shape)
        if given.dtype.kind not in "biuf":
            raise TypeError(text("Constant", f"value {describe(self.value)}", "a number or a list of numbers"))
        if not 0 < given.size <= max(room, 1):
            raise ValueError(text("Constant", f"{given.size} values", f"1 to {room} of them for shape {shape}"))
        return np.append(given, np.full(room, given.reshape(-1)[-1]))[:room].reshape(shape)


@registry.register("initializer", "uniform", "random_uniform")
class RandomUniform(_Drawn):
    """Uniform values in [minval, maxval).

    Arguments:
        minval: lower bound.
        maxval: upper bound; None means 1 for floating-point values.
        seed: seed of the generator; None takes one from NumPy's global generator.
        dtype: dtype of the values where the call names none.
    """

    arguments = ("minval", "maxval", "seed")

    def __init__(self, minval: float = 0, maxval: float | None = None, seed: int | None = None,
                 dtype: Any = np.float32) -> None:
        super().__init__(dtype)
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if dtype.kind not in "iu":
            return _generator(self.seed).uniform(self.minval, 1.0 if self.maxval is None else self.maxval, shape)
        if self.maxval is None:
            raise ValueError(text("RandomUniform", f"maxval None for dtype {dtype.name!r}", "an upper bound"))
        return _generator(self.seed).randint(self.minval, self.maxval, shape)


@registry.register("initializer", "normal", "random_normal")
class RandomNormal(_Drawn):
    """Normal values.

    Arguments:
        mean: their mean.
        stddev: their standard deviation.
        seed: seed of the generator; None takes one from NumPy's global generator.
        dtype: dtype of the values where the call names none.
    """

    arguments = ("mean", "stddev", "seed")
    only_floating = True

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: int | None = None,
                 dtype: Any = np.float32) -> None:
        super().__init__(dtype)
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return _generator(self.seed).standard_normal(shape) * self.stddev + self.mean


@registry.register("initializer", "truncated_normal")
class TruncatedNormal(RandomNormal):
    """Normal values, those beyond two standard deviations drawn again.

    Arguments:
        mean: mean of the whole distribution.
        stddev: standard deviation of the whole distribution; what is drawn has 0.88 times it.
        seed: seed of the generator; None takes one from NumPy's global generator.
        dtype: dtype of the values where the call names none.
    """

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return _truncated(_generator(self.seed), shape) * self.stddev + self.mean


@registry.register("initializer")
class VarianceScaling(_Drawn):
    """Values whose spread follows from how many units meet: variance ``scale / n``, n by ``mode``.

    'normal' draws truncated normal values of standard deviation ``sqrt(scale / n)`` before truncation, 'uniform' values
    in ``[-limit, limit)`` with ``limit = sqrt(3 * scale / n)``.

    Arguments:
        scale: positive factor of the variance.
        mode: 'fan_in' (n inputs), 'fan_out' (n outputs) or 'fan_avg' (their mean).
        distribution: 'normal' or 'uniform'.
        seed: seed of the generator; None takes one from NumPy's global generator.
        dtype: dtype of the values where the call names none.

    Raises:
        ValueError: one of the first three is none of these.
    """

    arguments = ("scale", "mode", "distribution", "seed")
    only_floating = True

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "normal",
                 seed: int | None = None, dtype: Any = np.float32) -> None:
        super().__init__(dtype)
        self.scale = scale
        self.mode = mode
        self.distribution = str(distribution).lower()
        self.seed = seed
        if scale <= 0.0:
            raise ValueError(text("VarianceScaling", f"scale {scale!r}", "a positive number"))
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(text("VarianceScaling", f"mode {mode!r}", "'fan_in', 'fan_out' or 'fan_avg'"))
        if self.distribution not in ("normal", "uniform"):
            raise ValueError(text("VarianceScaling", f"distribution {distribution!r}", "'normal' or 'uniform'"))

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        fan_in, fan_out = _fans(shape)
        meeting = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, meeting)
        if self.distribution == "normal":
            return _truncated(_generator(self.seed), shape) * math.sqrt(variance)
        limit = math.sqrt(3.0 * variance)
        return _generator(self.seed).uniform(-limit, limit, shape)


@registry.register("initializer", "orthogonal")
class Orthogonal(_Drawn):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain``.

    A weight of more than two axes is a matrix of its last axis against all the others.

    Arguments:
        gain: factor.
        seed: seed of the generator; None takes one from NumPy's global generator.
        dtype: dtype of the values where the call names none.

    Source: Saxe et al. 2013, https://arxiv.org/abs/1312.6120
    """

    arguments = ("gain", "seed")
    only_floating = True

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = np.float32) -> None:
        super().__init__(dtype)
        self.gain = gain
        self.seed = seed

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(text("Orthogonal", f"shape {shape}", "two axes or more"))
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = _generator(self.seed).standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(drawn)
        q = q * np.sign(np.diag(r))  # else the signs, and with them the distribution, would be the factorization's
        return self.gain * (q.T if rows < columns else q).reshape(shape)


@registry.register("initializer", "identity")
class Identity(_Drawn):
    """The identity matrix times ``gain``.

    Arguments:
        gain: factor.
        dtype: dtype of the values where the call names none.
    """

    arguments = ("gain",)

    def __init__(self, gain: float = 1.0, dtype: Any = np.float32) -> None:
        super().__init__(dtype)
        self.gain = gain

    def _values(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(text("Identity", f"shape {shape}", "the shape of a matrix"))
        return self.gain * np.eye(*shape)


@registry.register("initializer")
def glorot_normal(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(1, 'fan_avg', 'normal')``.

    Source: Glorot and Bengio 2010, http://proceedings.mlr.press/v9/glorot10a.html
    """
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="normal", seed=seed)


@registry.register("initializer")
def glorot_uniform(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(1, 'fan_avg', 'uniform')``.

    Source: Glorot and Bengio 2010, http://proceedings.mlr.press/v9/glorot10a.html
    """
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="uniform", seed=seed)


@registry.register("initializer")
def he_normal(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(2, 'fan_in', 'normal')``.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852
    """
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="normal", seed=seed)


@registry.register("initializer")
def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(2, 'fan_in', 'uniform')``.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852
    """
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform", seed=seed)


@registry.register("initializer")
def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(1, 'fan_in', 'normal')``.

    Source: LeCun et al. 1998, Efficient BackProp
    """
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="normal", seed=seed)


@registry.register("initializer")
def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Return ``VarianceScaling(1, 'fan_in', 'uniform')``.

    Source: LeCun et al. 1998, Efficient BackProp
    """
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform", seed=seed)


zero = zeros = Zeros
one = ones = Ones
constant = Constant
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal
identity = Identity
orthogonal = Orthogonal


def serialize(initializer: Any) -> Any:
    """Return the config of an initializer, or the name of a function.

    Raises:
        ValueError: it has neither.
    """
    return configs.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the initializer of a config.

    Arguments:
        config: a dictionary with ``class_name`` and ``config``, or a name.
        custom_objects: the user's own classes and functions, by name.

    Raises:
        ValueError: the config is malformed or names nothing that is known.
    """
    return configs.deserialize("initializer", config, custom_objects)


def get(identifier: Any) -> Any:
    """Return the initializer that an argument stands for.

    Arguments:
        identifier: a name, a config, a class, or a callable ``(shape, dtype=None)``.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    return configs.get("initializer", identifier)
