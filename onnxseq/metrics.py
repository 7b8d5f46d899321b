"""Metric functions: what fit and evaluate show beside the loss."""

from collections.abc import Callable
from typing import Any

from onnxseq import backend as K
from onnxseq import config, registry
from onnxseq.errors import describe, text
from onnxseq.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    cosine_proximity,
    hinge,
    kullback_leibler_divergence,
    logcosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)


@registry.register("metric")
def binary_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Share of entries along the last axis where the prediction, rounded, equals the target; 0.5 rounds to 0.

    Shapes: ``y_true``, ``y_pred`` (..., n); result (...).
    """
    return K.mean(K.equal(y_true, K.round(y_pred)), axis=-1)


@registry.register("metric")
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the place of the largest target, else 0; the first of equals counts.

    Shapes: ``y_true``, ``y_pred`` (..., classes); result (...).
    """
    return K.cast(K.equal(K.argmax(y_true, axis=-1), K.argmax(y_pred, axis=-1)), K.floatx())


@registry.register("metric")
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the place that the target names, else 0.

    Shapes: ``y_true`` (..., 1), ``y_pred`` (..., classes); result (...).
    """
    wanted = K.max(y_true, axis=-1)
    return K.cast(K.equal(wanted, K.cast(K.argmax(y_pred, axis=-1), K.dtype(wanted))), K.floatx())


@registry.register("metric")
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Share of samples whose class is among the ``k`` largest predictions; ties at the border count as among them.

    Shapes: ``y_true``, ``y_pred`` (batch, classes); result a scalar.
    """
    return K.mean(K.in_top_k(y_pred, K.argmax(y_true, axis=-1), k), axis=-1)


@registry.register("metric")
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Share of samples whose class, given as a number, is among the ``k`` largest predictions.

    Shapes: ``y_true`` (batch, 1), ``y_pred`` (batch, classes); result a scalar.
    """
    return K.mean(K.in_top_k(y_pred, K.cast(K.max(y_true, axis=-1), "int32"), k), axis=-1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
cosine = cosine_proximity

for _function, _aliases in (
    (mean_squared_error, ("mse", "MSE")),
    (mean_absolute_error, ("mae", "MAE")),
    (mean_absolute_percentage_error, ("mape", "MAPE")),
    (mean_squared_logarithmic_error, ("msle", "MSLE")),
    (cosine_proximity, ("cosine",)),
    (squared_hinge, ()),
    (hinge, ()),
    (logcosh, ()),
    (categorical_crossentropy, ()),
    (sparse_categorical_crossentropy, ()),
    (binary_crossentropy, ()),
    (kullback_leibler_divergence, ()),
    (poisson, ()),
):
    registry.register("metric", *_aliases)(_function)


def serialize(metric: Callable[..., Any]) -> str:
    """Return the name of a metric function.

    Raises:
        AttributeError: it has no name.
    """
    return config.name_of("metric", metric)


def deserialize(name: str, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Return the metric function of a name.

    Arguments:
        name: a documented name, or one of the user's own.
        custom_objects: the user's own functions, by name.

    Raises:
        ValueError: the name is unknown.
    """
    return config.deserialize("metric", name, custom_objects)


def get(identifier: Any) -> Callable[..., Any]:
    """Return the metric function that an argument stands for.

    Arguments:
        identifier: a name or a callable ``(y_true, y_pred)``.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    if isinstance(identifier, str):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(text("metric", describe(identifier), "the name of a metric or a function (y_true, y_pred)"))
