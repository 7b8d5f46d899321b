"""Family `activations`: value and derivative of each activation, over the range where float32 tells them apart."""

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, register
from .helpers import normal

NAMES = ("elu", "hard_sigmoid", "linear", "relu", "selu", "sigmoid", "softplus", "softsign", "tanh")
GRID = np.concatenate([[-90.0, -30.0], np.linspace(-6, 6, 49), [30.0, 90.0]]).astype("float32")


def value_and_derivative(keras, function, x):
    K = keras.backend
    source = K.placeholder(shape=x.shape)
    value = function(source)
    output, gradient = K.function([source], [value, K.gradients(K.sum(value * value), [source])[0]])([x])
    return {"value": output, "gradient": gradient}


def _activation(name, options):
    return lambda keras, random: value_and_derivative(
        keras, lambda x: getattr(keras.activations, name)(x, **options), GRID[GRID != 0.0]
    )


for _name in NAMES:
    register("activations/" + _name, _activation(_name, {}), FORWARD)
register("activations/elu_alpha", _activation("elu", {"alpha": 0.3}), FORWARD)
register("activations/relu_alpha", _activation("relu", {"alpha": 0.3}), FORWARD)
register("activations/relu_max_value", _activation("relu", {"max_value": 2.3}), FORWARD)
register("activations/relu_alpha_max_value", _activation("relu", {"alpha": 0.1, "max_value": 2.3}), FORWARD)


def _softmax(shape, options):
    return lambda keras, random: value_and_derivative(
        keras, lambda x: keras.activations.softmax(x, **options), normal(random, *shape) * 3
    )


register("activations/softmax", _softmax((4, 5), {}), FORWARD)
register("activations/softmax_rank_3", _softmax((4, 5, 3), {}), FORWARD)
register("activations/softmax_axis", _softmax((4, 5, 3), {"axis": 1}), FORWARD)


@case("activations/at_zero", FORWARD)
def at_zero(keras, random):
    """Value and derivative at zero itself, where several of them bend."""
    fields = {}
    for name in NAMES:
        function = getattr(keras.activations, name)
        found = value_and_derivative(keras, lambda x, function=function: function(x) + 1.0, np.zeros(1, "float32"))
        fields.update({"{}_{}".format(name, field): value for field, value in found.items()})
    return fields


@case("activations/get", EXACT)
def get(keras, random):
    """A name, nothing and a function as identifiers, and the name that serialize gives back."""
    A = keras.activations
    found = [A.serialize(A.get(name)) for name in NAMES + ("softmax",)]
    return {
        "names": as_text(found),
        "of_none": as_text(A.serialize(A.get(None))),
        "function_kept": A.get(A.relu) is A.relu,
    }
