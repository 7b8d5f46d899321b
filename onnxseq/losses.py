"""Loss functions: from targets and predictions to one value per sample (or per time step)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from onnxseq import backend as K
from onnxseq import config, registry
from onnxseq.errors import describe, text

_LOG_2 = float(np.log(2.0))


@registry.register("loss", "mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((y_pred - y_true)**2)`` along the last axis.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.square(y_pred - y_true), axis=-1)


@registry.register("loss", "mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(abs(y_pred - y_true))`` along the last axis.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.abs(y_pred - y_true), axis=-1)


@registry.register("loss", "mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(abs(y_true - y_pred) / max(abs(y_true), epsilon))`` along the last axis, in percent.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return 100.0 * K.mean(K.abs((y_true - y_pred) / K.maximum(K.abs(y_true), K.epsilon())), axis=-1)


@registry.register("loss", "msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((log(1 + y_pred) - log(1 + y_true))**2)`` along the last axis, both taken as at least epsilon.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    predicted = K.log(K.maximum(y_pred, K.epsilon()) + 1.0)
    wanted = K.log(K.maximum(y_true, K.epsilon()) + 1.0)
    return K.mean(K.square(predicted - wanted), axis=-1)


@registry.register("loss")
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0)**2)`` along the last axis, for targets of -1 and 1.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.square(K.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


@registry.register("loss")
def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0))`` along the last axis, for targets of -1 and 1.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


@registry.register("loss")
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0)`` along the last axis, for one-hot targets.

    Shapes: ``y_true``, ``y_pred`` (..., classes); result (...).
    """
    positive = K.sum(y_true * y_pred, axis=-1)
    negative = K.max((1.0 - y_true) * y_pred, axis=-1)
    return K.maximum(negative - positive + 1.0, 0.0)


@registry.register("loss")
def logcosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))`` along the last axis: squares near zero, absolute values far from it.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    difference = y_pred - y_true
    # log(cosh(d)) = d + softplus(-2d) - log(2), which doesn't overflow where exp(d) does.
    return K.mean(difference + K.softplus(-2.0 * difference) - _LOG_2, axis=-1)


@registry.register("loss")
def categorical_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """``-sum(y_true * log(y_pred / sum(y_pred)))`` along the last axis, for one-hot targets and probabilities.

    Shapes: ``y_true``, ``y_pred`` (..., classes); result (...).
    """
    return K.categorical_crossentropy(y_true, y_pred)


@registry.register("loss")
def sparse_categorical_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """``-log(y_pred[class])`` with the class of each sample as a number.

    Shapes: ``y_true`` (..., 1) or (...), ``y_pred`` (..., classes); result (...).
    """
    return K.sparse_categorical_crossentropy(y_true, y_pred)


@registry.register("loss")
def binary_crossentropy(y_true: Any, y_pred: Any) -> Any:
    """``mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))`` along the last axis, for probabilities.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.binary_crossentropy(y_true, y_pred), axis=-1)


@registry.register("loss", "kld", "KLD")
def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y_true * log(y_true / y_pred))`` along the last axis, both clipped to [epsilon, 1].

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    wanted = K.clip(y_true, K.epsilon(), 1)
    predicted = K.clip(y_pred, K.epsilon(), 1)
    return K.sum(wanted * K.log(wanted / predicted), axis=-1)


@registry.register("loss")
def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(y_pred - y_true * log(y_pred + epsilon))`` along the last axis.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(y_pred - y_true * K.log(y_pred + K.epsilon()), axis=-1)


@registry.register("loss", "cosine")
def cosine_proximity(y_true: Any, y_pred: Any) -> Any:
    """``-mean(unit(y_true) * unit(y_pred))`` along the last axis: minus the cosine of their angle, divided by n.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return -K.mean(K.l2_normalize(y_true, axis=-1) * K.l2_normalize(y_pred, axis=-1), axis=-1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_proximity


def serialize(loss: Callable[..., Any]) -> str:
    """Return the name of a loss function.

    Raises:
        AttributeError: it has no name.
    """
    return config.name_of("loss", loss)


def deserialize(name: str, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Return the loss function of a name.

    Arguments:
        name: a documented name, or one of the user's own.
        custom_objects: the user's own functions, by name.

    Raises:
        ValueError: the name is unknown.
    """
    return config.deserialize("loss", name, custom_objects)


def get(identifier: Any) -> Callable[..., Any] | None:
    """Return the loss function that an argument stands for.

    Arguments:
        identifier: a name, a callable ``(y_true, y_pred)``, or None.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(text("loss", describe(identifier), "the name of a loss or a function (y_true, y_pred)"))
