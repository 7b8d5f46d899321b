"""Metrics: values against NumPy, ties, names, messages."""

import numpy as np
import pytest
from test_losses import VALUES as LOSS_VALUES
from test_losses import make_pair

from onnxseq import backend as K
from onnxseq import losses, metrics, registry, utils
from tests.value_check import check_values, compute


def _top(classes, p, k):
    chosen = np.take_along_axis(p, classes.astype(int)[:, None], -1)
    return np.mean(np.sum(p > chosen, -1) < k)


# name -> (NumPy formula, what targets it takes)
VALUES = {
    "binary_accuracy": (lambda t, p: np.mean(t == np.round(p), -1), "one-hot"),
    "categorical_accuracy": (lambda t, p: (t.argmax(-1) == p.argmax(-1)).astype(float), "one-hot"),
    "sparse_categorical_accuracy": (lambda t, p: (t.max(-1) == p.argmax(-1)).astype(float), "classes"),
    "top_k_categorical_accuracy": (lambda t, p: _top(t.argmax(-1), p, 5), "one-hot"),
    "sparse_top_k_categorical_accuracy": (lambda t, p: _top(t.max(-1), p, 5), "classes"),
}
ONLY_MATRICES = {"top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"}

# losses that serve as metrics too
SHARED = {
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "squared_hinge", "hinge", "logcosh", "categorical_crossentropy", "sparse_categorical_crossentropy",
    "binary_crossentropy", "kullback_leibler_divergence", "poisson", "cosine_proximity",
}
ALIASES = {
    "mse": "mean_squared_error", "MSE": "mean_squared_error",
    "mae": "mean_absolute_error", "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "MSLE": "mean_squared_logarithmic_error",
    "cosine": "cosine_proximity",
}

EYE = np.eye(3)
# call, targets, predictions, what real Keras gives
EDGES = [
    (metrics.binary_accuracy, [[1], [0], [1], [0]], [[0.5], [0.5], [0.51], [1.7]], [0, 1, 1, 0]),
    (metrics.categorical_accuracy, EYE, np.ones((3, 3)), [1, 0, 0]),
    (lambda t, p: metrics.top_k_categorical_accuracy(t, p, k=1), EYE, np.ones((3, 3)), 1.0),
    (lambda t, p: metrics.top_k_categorical_accuracy(t, p, k=2), EYE, [[3, 2, 1]] * 3, 2 / 3),
    (lambda t, p: metrics.sparse_top_k_categorical_accuracy(t, p, 2), [[0], [1], [2]], [[3, 2, 1]] * 3, 2 / 3),
    (metrics.top_k_categorical_accuracy, EYE, np.ones((3, 3)), 1.0),
    (metrics.sparse_categorical_accuracy, [[2], [0]], [[0, 0, 1], [0, 1, 0]], [1, 0]),
]

RAISED = [
    (lambda: metrics.get("binary_acuracy"), ValueError,
     "metric: unknown name 'binary_acuracy'; expected the name of a known metric. Did you mean 'binary_accuracy'?"),
    (lambda: metrics.get(None), ValueError,
     "metric: None; expected the name of a metric or a function (y_true, y_pred)."),
    (lambda: metrics.serialize(3), AttributeError, "metric: 3; expected a function with a name."),
]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(40, 8), (6, 5, 8)], ids=str)
@pytest.mark.parametrize("name", VALUES)
def test_values(name, shape, dtype):
    if len(shape) == 2 or name not in ONLY_MATRICES:
        reference, targets = VALUES[name]
        check_values(metrics.get(name), reference, make_pair(targets, shape), dtype)


@pytest.mark.parametrize("name", sorted(SHARED))
def test_losses_as_metrics(name):
    assert metrics.get(name) is losses.get(name)
    reference, targets = LOSS_VALUES[name]
    check_values(metrics.get(name), reference, make_pair(targets, (6, 4)))


@pytest.mark.parametrize("function, y_true, y_pred, want", EDGES)
def test_edges(function, y_true, y_pred, want):
    np.testing.assert_allclose(compute(function, y_true, y_pred), want, rtol=1e-6)


def test_every_metric_has_a_row():
    assert set(registry.names("metric")) == set(VALUES) | SHARED | set(ALIASES)


def test_by_name_by_alias_and_by_object():
    for name in VALUES:
        function = getattr(metrics, name)
        assert metrics.get(name) is function
        assert metrics.get(function) is function
        assert metrics.deserialize(metrics.serialize(function)) is function
    for alias, name in ALIASES.items():
        assert metrics.get(alias) is getattr(metrics, name)
        assert getattr(metrics, alias) is getattr(metrics, name)


def test_the_users_own():
    def bias(y_true, y_pred):
        return K.mean(y_pred - y_true)

    with utils.custom_object_scope({"bias": bias}):
        assert metrics.get("bias") is bias
    check_values(metrics.get(bias), lambda t, p: np.mean(p - t), make_pair("real", (6, 4)))


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
