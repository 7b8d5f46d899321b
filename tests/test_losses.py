"""Losses: values against NumPy in every floating-point type, shapes, the hard cases, names, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import losses, registry, utils
from tests.value_check import check_values, compute

EPSILON = 1e-7


def _unit(x):
    return x / np.sqrt(np.maximum(np.sum(x**2, -1, keepdims=True), 1e-12))


def _probabilities(p):
    return np.clip(p / p.sum(-1, keepdims=True), EPSILON, 1 - EPSILON)


def _sparse(t, p):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    classes = t.reshape(p.shape[:-1]).astype(int)
    return -np.log(np.take_along_axis(p / p.sum(-1, keepdims=True), classes[..., None], -1))[..., 0]


def _binary(t, p):
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return np.mean(-t * np.log(p) - (1 - t) * np.log(1 - p), -1)


def _divergence(t, p):
    t, p = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
    return np.sum(t * np.log(t / p), -1)


def _log_plus(x):
    return np.log(np.maximum(x, EPSILON) + 1)


# name -> (NumPy formula, what targets it takes)
VALUES = {
    "mean_squared_error": (lambda t, p: np.mean((p - t) ** 2, -1), "real"),
    "mean_absolute_error": (lambda t, p: np.mean(np.abs(p - t), -1), "real"),
    "mean_absolute_percentage_error": (
        lambda t, p: 100 * np.mean(np.abs(t - p) / np.maximum(np.abs(t), EPSILON), -1), "real"),
    "mean_squared_logarithmic_error": (lambda t, p: np.mean((_log_plus(p) - _log_plus(t)) ** 2, -1), "real"),
    "squared_hinge": (lambda t, p: np.mean(np.maximum(1 - t * p, 0) ** 2, -1), "signs"),
    "hinge": (lambda t, p: np.mean(np.maximum(1 - t * p, 0), -1), "signs"),
    "categorical_hinge": (
        lambda t, p: np.maximum(np.max((1 - t) * p, -1) - np.sum(t * p, -1) + 1, 0), "one-hot"),
    "logcosh": (lambda t, p: np.mean(np.log(np.cosh(p - t)), -1), "real"),
    "categorical_crossentropy": (lambda t, p: -np.sum(t * np.log(_probabilities(p)), -1), "one-hot"),
    "sparse_categorical_crossentropy": (_sparse, "classes"),
    "binary_crossentropy": (_binary, "one-hot"),
    "kullback_leibler_divergence": (_divergence, "probabilities"),
    "poisson": (lambda t, p: np.mean(p - t * np.log(p + EPSILON), -1), "counts"),
    "cosine_proximity": (lambda t, p: -np.mean(_unit(t) * _unit(p), -1), "real"),
}

ALIASES = {
    "mse": "mean_squared_error", "MSE": "mean_squared_error",
    "mae": "mean_absolute_error", "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "MSLE": "mean_squared_logarithmic_error",
    "kld": "kullback_leibler_divergence", "KLD": "kullback_leibler_divergence",
    "cosine": "cosine_proximity",
}

# loss, targets, predictions, what real Keras gives
EDGES = [
    ("kullback_leibler_divergence", [[0, 1, 2]], [[0.5, 0, 1]], [16.118093]),
    ("mean_squared_logarithmic_error", [[-1, 1, 2]], [[0.5, -3, 1]], [0.26975223]),
    ("mean_absolute_percentage_error", [[0, 1, 2]], [[0.5, -3, 1]], [1.6666682e8]),
    ("cosine_proximity", [[0, 0, 0]], [[0.5, -3, 1]], [0.0]),
    ("poisson", [[0, 1, 2]], [[0.5, 0, 1]], [5.8726983]),
    ("binary_crossentropy", [[0, 1, 1]], [[0, 0, 1]], [5.3726983]),
    ("categorical_crossentropy", [[0, 1, 1]], [[0, 0, 1]], [16.118095]),
    ("categorical_crossentropy", [[0, 1, 1]], [[3, 2, 1]], [2.8903718]),
    ("sparse_categorical_crossentropy", [[0], [2]], [[0, 0.5, 0.5], [3, 2, 1]], [16.118095, 1.0986123]),
    ("sparse_categorical_crossentropy", [0, 2], [[0, 0.5, 0.5], [3, 2, 1]], [16.118095, 1.0986123]),
    ("hinge", [[0, 1]], [[0.5, 0.5]], [0.75]),
    ("categorical_hinge", [[0, 1, 0], [0, 0, 0]], [[0.5, 0.5, 0.7], [1, 2, 3]], [1.2, 4.0]),
    # Where exp overflows in float32 the log of the hyperbolic cosine is still a line.
    ("logcosh", [[0, 0]], [[200, -200]], [200 - np.log(2)]),
]

RAISED = [
    (lambda: losses.get("mean_square_error"), ValueError,
     "loss: unknown name 'mean_square_error'; expected the name of a known loss. "
     "Did you mean 'mean_squared_error'?"),
    (lambda: losses.get(3), ValueError, "loss: 3; expected the name of a loss or a function (y_true, y_pred)."),
    (lambda: losses.get({"class_name": "mse", "config": {}}), ValueError,
     "loss: {'class_name': 'mse', 'config': {}}; expected the name of a loss or a function (y_true, y_pred)."),
    (lambda: losses.serialize(3), AttributeError, "loss: 3; expected a function with a name."),
]


def make_pair(targets, shape, seed=0):
    """Return targets of a kind, and predictions which that kind of loss can take."""
    random = np.random.RandomState(seed)
    p = random.uniform(0.05, 0.95, shape)
    p /= p.sum(-1, keepdims=True)
    classes = random.randint(0, shape[-1], shape[:-1])
    one_hot = np.eye(shape[-1])[classes]
    return {
        "real": (random.uniform(0.5, 2, shape), p),
        "signs": (random.choice([-1, 1], shape), random.uniform(-2, 2, shape)),
        "one-hot": (one_hot, p),
        "classes": (classes[..., None], p),
        "probabilities": ((one_hot + 0.1) / (one_hot + 0.1).sum(-1, keepdims=True), p),
        "counts": (random.randint(0, 4, shape), p * 3),
    }[targets]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(6, 4), (3, 5, 4)], ids=str)
@pytest.mark.parametrize("name", VALUES)
def test_values(name, shape, dtype):
    reference, targets = VALUES[name]
    check_values(losses.get(name), reference, make_pair(targets, shape), dtype)


@pytest.mark.parametrize("name", VALUES)
def test_float16_gives_finite_values_of_its_own_type(name):
    reference, targets = VALUES[name]
    if name != "mean_absolute_percentage_error":  # hundreds of percent: float16 holds three digits of them
        check_values(losses.get(name), reference, make_pair(targets, (6, 4)), "float16")


@pytest.mark.parametrize("name, y_true, y_pred, want", EDGES)
def test_edges(name, y_true, y_pred, want):
    np.testing.assert_allclose(compute(losses.get(name), y_true, y_pred), want, rtol=2e-6, atol=1e-7)


def test_logcosh_has_a_finite_gradient_where_the_cosine_overflows():
    p = K.placeholder(shape=(None, 2))
    gradient = K.gradients(K.sum(losses.logcosh(K.zeros_like(p), p)), [p])
    got = K.function([p], gradient)([np.array([[200.0, -0.5]], "float32")])[0]
    np.testing.assert_allclose(got, [[0.5, 0.5 * np.tanh(-0.5)]], rtol=1e-6)


def test_every_loss_has_a_row():
    assert set(registry.names("loss")) == set(VALUES) | set(ALIASES)
    assert {loss.__name__ for loss in registry.entries("loss")} == set(VALUES)


def test_by_name_by_alias_by_object_and_by_none():
    for name in VALUES:
        function = getattr(losses, name)
        assert losses.get(name) is function
        assert losses.get(function) is function
        assert losses.deserialize(losses.serialize(function)) is function
    for alias, name in ALIASES.items():
        assert losses.get(alias) is getattr(losses, name)
        assert getattr(losses, alias) is getattr(losses, name)
    assert losses.get(None) is None


def test_the_users_own():
    def cubic(y_true, y_pred):
        return K.mean(K.pow(K.abs(y_pred - y_true), 3), axis=-1)

    assert losses.get(cubic) is cubic
    with utils.custom_object_scope({"cubic": cubic}):
        assert losses.get("cubic") is cubic
    t, p = make_pair("real", (6, 4))
    check_values(cubic, lambda t, p: np.mean(np.abs(p - t) ** 3, -1), [t, p])


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
