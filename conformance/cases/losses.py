"""Family `losses`: value and gradient of each loss by itself, and how identifiers are read."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, register
from .helpers import normal, probabilities
from .trajectories_losses import LOSSES, NUM_CLASSES

FIELDS = {"gradient": GRADIENT, "*": FORWARD}
ALIASES = ("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "kld", "KLD", "cosine")


def value_and_gradient(keras, function, y_true, y_pred):
    K = keras.backend
    target, source = K.placeholder(shape=y_true.shape), K.placeholder(shape=y_pred.shape)
    value = function(target, source)
    output, gradient = K.function([target, source], [value, K.gradients(K.sum(value), [source])[0]])([y_true, y_pred])
    return {"value": output, "gradient": gradient}


def predictions(random, activation, *shape):
    """Random values of the range that the activation leaves."""
    values = normal(random, *shape)
    if activation == "softmax":
        return probabilities(random, *shape)
    return {"tanh": np.tanh(values), "sigmoid": 1 / (1 + np.exp(-values)), "softplus": np.log1p(np.exp(values))}.get(
        activation, values
    )


def _loss(name, activation, targets, shape):
    return lambda keras, random: value_and_gradient(
        keras, getattr(keras.losses, name), targets(random, *shape), predictions(random, activation, *shape)
    )


for _name, _activation, _targets in LOSSES:
    register("losses/" + _name, _loss(_name, _activation, _targets, (6, NUM_CLASSES)), FIELDS)
    register("losses/{}_rank_3".format(_name), _loss(_name, _activation, _targets, (3, 5, NUM_CLASSES)), FIELDS)


def _saturated(name):
    """Predictions of exactly zero and one, which the clipped losses must survive."""

    def function(keras, random):
        y_true = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], "float32")
        y_pred = np.array([[1, 0], [1, 0], [1e-9, 1 - 1e-9], [0.5, 0.5]], "float32")
        return value_and_gradient(keras, getattr(keras.losses, name), y_true, y_pred)

    return function


for _name in (
    "categorical_crossentropy",
    "binary_crossentropy",
    "kullback_leibler_divergence",
    "poisson",
    "mean_squared_logarithmic_error",
):
    register("losses/{}_saturated".format(_name), _saturated(_name), FIELDS)


@case("losses/mean_absolute_percentage_error_zeros", FORWARD)
def percentage_of_zeros(keras, random):
    y_true = np.array([[0, 1e-9], [1, 0]], "float32")
    return {
        "value": value_and_gradient(keras, keras.losses.mean_absolute_percentage_error, y_true, normal(random, 2, 2))[
            "value"
        ]
    }


@case("losses/cosine_proximity_zeros", FORWARD)
def cosine_of_zeros(keras, random):
    y_true = np.array([[0, 0], [1, 0]], "float32")
    return {"value": value_and_gradient(keras, keras.losses.cosine_proximity, y_true, normal(random, 2, 2))["value"]}


@case("losses/get", EXACT)
def get(keras, random):
    """Names and aliases, what serialize calls them, and what nothing and a function come to."""
    losses = keras.losses
    return {
        "names": as_text([losses.serialize(losses.get(name)) for name, _, _ in LOSSES]),
        "aliases": as_text([losses.serialize(losses.get(name)) for name in ALIASES]),
        "deserialized": as_text(losses.serialize(losses.deserialize("hinge"))),
        "of_none": losses.get(None) is None,
        "function_kept": losses.get(losses.hinge) is losses.hinge,
    }
