"""Activation functions, by name or by object."""

from collections.abc import Callable
from typing import Any

from onnxseq import backend as K
from onnxseq import config, registry
from onnxseq.errors import describe, text

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@registry.register("activation")
def softmax(x: Any, axis: int = -1) -> Any:
    """Turn scores into probabilities: ``exp(x) / sum(exp(x), axis)``.

    Arguments:
        x: tensor of rank 2 or more.
        axis: the axis that sums to one. A matrix is always normalized along its last axis, whatever is given.

    Returns:
        Tensor of the shape of ``x``.

    Raises:
        ValueError: ``x`` has rank 0 or 1.

    Source: ONNX Softmax.
    """
    rank = K.ndim(x)
    if rank < 2:
        raise ValueError(text("softmax", f"a tensor of shape {K.int_shape(x)}", "rank 2 or more",
                              "Keep the batch axis in front."))
    if rank == 2 or axis in (-1, rank - 1):
        return K.softmax(x)
    powers = K.exp(x - K.max(x, axis=axis, keepdims=True))
    return powers / K.sum(powers, axis=axis, keepdims=True)


@registry.register("activation")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: ``x`` above zero, ``alpha * (exp(x) - 1)`` below.

    Arguments:
        x: tensor.
        alpha: minus the limit for very negative ``x``.

    Returns:
        Tensor of the shape of ``x``.

    Source: Clevert et al. 2015, https://arxiv.org/abs/1511.07289
    """
    return K.elu(x, alpha)


@registry.register("activation")
def selu(x: Any) -> Any:
    """Scaled exponential linear unit: ``1.0507 * elu(x, 1.6733)``, which keeps mean 0 and variance 1.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``.

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515
    """
    return _SELU_SCALE * K.elu(x, _SELU_ALPHA)


@registry.register("activation")
def softplus(x: Any) -> Any:
    """Smooth rectifier: ``log(exp(x) + 1)``.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``.
    """
    return K.softplus(x)


@registry.register("activation")
def softsign(x: Any) -> Any:
    """Squash to (-1, 1): ``x / (abs(x) + 1)``.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``.
    """
    return K.softsign(x)


@registry.register("activation")
def relu(x: Any, alpha: float = 0.0, max_value: float | None = None) -> Any:
    """Rectified linear unit: ``min(x, max_value)`` above zero, ``alpha * x`` below.

    Arguments:
        x: tensor.
        alpha: slope below zero.
        max_value: upper limit of the result; None for no limit.

    Returns:
        Tensor of the shape of ``x``.
    """
    return K.relu(x, alpha=alpha, max_value=max_value)


@registry.register("activation")
def tanh(x: Any) -> Any:
    """Hyperbolic tangent.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``, values in (-1, 1).
    """
    return K.tanh(x)


@registry.register("activation")
def sigmoid(x: Any) -> Any:
    """Logistic function: ``1 / (1 + exp(-x))``.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``, values in (0, 1).
    """
    return K.sigmoid(x)


@registry.register("activation")
def hard_sigmoid(x: Any) -> Any:
    """Piecewise linear sigmoid: ``clip(0.2 * x + 0.5, 0, 1)``.

    Arguments:
        x: tensor.

    Returns:
        Tensor of the shape of ``x``, values in [0, 1].
    """
    return K.hard_sigmoid(x)


@registry.register("activation")
def linear(x: Any) -> Any:
    """Return the input as it is.

    Arguments:
        x: tensor.

    Returns:
        ``x``.
    """
    return x


def serialize(activation: Callable[..., Any]) -> str:
    """Return the name of an activation function.

    Arguments:
        activation: a function.

    Returns:
        Its ``__name__``.

    Raises:
        AttributeError: it has no name.
    """
    return config.name_of("activation", activation)


def deserialize(name: str, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Return the activation function of a name.

    Arguments:
        name: a documented name, or one of the user's own.
        custom_objects: the user's own functions, by name.

    Returns:
        The function.

    Raises:
        ValueError: the name is unknown.
    """
    return config.deserialize("activation", name, custom_objects)


def get(identifier: Any) -> Callable[..., Any]:
    """Return the activation function that an argument stands for.

    Arguments:
        identifier: a name, a callable, or None for ``linear``.

    Returns:
        A function from tensor to tensor.

    Raises:
        ValueError: it is none of these.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(text("activation", describe(identifier), "the name of an activation, a callable or None"))
