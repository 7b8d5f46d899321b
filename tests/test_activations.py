"""Activations: values against NumPy in every floating-point type, names, messages."""

import numpy as np
import pytest

from onnxseq import activations, registry, utils
from onnxseq import backend as K
from onnxseq.applications import mobilenet
from tests.value_check import check_values, compute


def _exp_below(x):
    return np.exp(np.minimum(x, 0)) - 1


def _softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _selu(x):
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * _exp_below(x))


# name -> NumPy formula
VALUES = {
    "softmax": _softmax,
    "elu": lambda x: np.where(x > 0, x, _exp_below(x)),
    "selu": _selu,
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "linear": lambda x: x,
}

# call with arguments -> NumPy formula
ARGUMENTS = [
    (lambda x: activations.elu(x, alpha=0.3), lambda x: np.where(x > 0, x, 0.3 * _exp_below(x))),
    (lambda x: activations.relu(x, alpha=0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    (lambda x: activations.relu(x, max_value=2.0), lambda x: np.clip(x, 0, 2)),
    (lambda x: activations.relu(x, max_value=0.0), lambda x: np.clip(x, 0, 0)),
    (lambda x: activations.relu(x, 0.5, 2.0), lambda x: np.where(x > 0, np.minimum(x, 2), 0.5 * x)),
]

RAISED = [
    (lambda: activations.get("rely"), ValueError,
     "activation: unknown name 'rely'; expected the name of a known activation. Did you mean 'relu'?"),
    (lambda: activations.get(3), ValueError,
     "activation: 3; expected the name of an activation, a callable or None."),
    (lambda: activations.get({"class_name": "relu", "config": {}}), ValueError,
     "activation: {'class_name': 'relu', 'config': {}}; expected the name of an activation, a callable or None."),
    (lambda: activations.deserialize("none of them"), ValueError,
     "activation: unknown name 'none of them'; expected the name of a known activation. "
     "Pass your own activation in custom_objects."),
    (lambda: activations.serialize(None), AttributeError, "activation: None; expected a function with a name."),
    (lambda: activations.softmax(K.placeholder(shape=(3,))), ValueError,
     "softmax: a tensor of shape (3,); expected rank 2 or more. Keep the batch axis in front."),
]

X = np.concatenate([np.linspace(-9, 9, 25), [-30.0, -0.0, 0.0, 1e-4, 40.0, 2.5, -2.5]]).reshape(4, 8)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", VALUES)
def test_values(name, dtype):
    check_values(activations.get(name), VALUES[name], [X], dtype)


@pytest.mark.parametrize("function, reference", ARGUMENTS)
def test_arguments(function, reference):
    check_values(function, reference, [X])


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_softmax_along_an_axis(axis):
    check_values(lambda x: activations.softmax(x, axis=axis), lambda x: _softmax(x, axis), [X.reshape(4, 2, 4)])


def test_softmax_of_a_matrix_keeps_to_the_last_axis():
    check_values(lambda x: activations.softmax(x, axis=0), _softmax, [X])


def test_every_activation_has_a_row():
    assert set(registry.names("activation")) == set(VALUES)


def test_by_name_by_object_and_by_none():
    for name in VALUES:
        function = activations.get(name)
        assert function is getattr(activations, name, mobilenet.relu6)
        assert activations.get(function) is function
        assert activations.deserialize(activations.serialize(function)) is function
    assert activations.get(None) is activations.linear


def test_the_users_own():
    def twice(x):
        return 2.0 * x

    assert activations.get(twice) is twice
    assert activations.deserialize("twice", {"twice": twice}) is twice
    with utils.custom_object_scope({"twice": twice}):
        assert activations.get("twice") is twice
    np.testing.assert_array_equal(compute(activations.get(twice), X), (2 * X).astype("float32"))


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_the_check_sees_a_wrong_formula():
    with pytest.raises(AssertionError):
        check_values(activations.tanh, lambda x: np.tanh(x) + 1e-4, [X])
    with pytest.raises(AssertionError):
        check_values(activations.tanh, lambda x: np.tanh(x)[:1], [X])
