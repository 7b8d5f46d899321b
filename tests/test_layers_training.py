"""What training does to layers: frozen weights, constraints, regularizers, float types."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models
from tests.layer_check import drawn

DATA, TARGET = drawn(8, 5), drawn(8, 2, seed=1) * 4


def trained(model, steps=1):
    model.compile("sgd", "mse")
    for _ in range(steps):
        model.train_on_batch(DATA, TARGET)
    return model


def test_frozen_weights_stay():
    model = models.Sequential([L.Dense(3, input_shape=(5,), trainable=False), L.Dense(2)])
    before = model.get_weights()
    after = trained(model).get_weights()
    assert [bool(np.any(old != new)) for old, new in zip(before, after, strict=True)] == [False, False, True, True]


def test_freezing_counts_from_the_next_compile():
    model = models.Sequential([L.Dense(2, input_shape=(5,))])
    model.compile("sgd", "mse")
    model.layers[0].trainable = False
    before = model.get_weights()
    model.train_on_batch(DATA, TARGET)
    assert np.any(before[0] != model.get_weights()[0])
    before = model.get_weights()
    trained(model)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_a_frozen_model_in_a_model_stays():
    inner = models.Sequential([L.Dense(3, input_shape=(4,))])
    inner.trainable = False
    model = models.Sequential([L.Dense(4, input_shape=(5,)), inner, L.Dense(2)])
    before = inner.get_weights()
    trained(model)
    np.testing.assert_array_equal(before[0], inner.get_weights()[0])
    assert len(model.trainable_weights) == 4 and len(model.non_trainable_weights) == 2


@pytest.mark.parametrize("constraint", ["non_neg", lambda w: K.clip(w, 0.0, 0.5)], ids=["name", "function"])
def test_constraints_hold_after_each_step(constraint):
    model = models.Sequential([L.Dense(2, input_shape=(5,), kernel_constraint=constraint)])
    kernel, bias = trained(model, 3).get_weights()
    assert kernel.min() >= 0 and bias.min() < 0


def test_regularizers_pull():
    arguments = {"kernel_regularizer": "l2", "bias_regularizer": lambda b: 3.0 * K.sum(b), "activity_regularizer": "l1"}
    model = models.Sequential([L.Dense(2, input_shape=(5,), **arguments)])
    kernel, bias = (value.astype(np.float64) for value in model.get_weights())
    output = DATA @ kernel + bias
    slope = 2 * (output - TARGET) / output.size + 0.01 * np.sign(output)
    new_kernel, new_bias = trained(model).get_weights()
    np.testing.assert_allclose(new_kernel, kernel - 0.01 * (DATA.T @ slope + 0.02 * kernel), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(new_bias, bias - 0.01 * (slope.sum(0) + 3.0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("floatx, tolerance", [("float64", 1e-12), ("float16", 5e-3)])
def test_every_float_type(floatx, tolerance):
    K.set_floatx(floatx)
    try:
        stack = [
            L.Conv2D(3, 3, padding="same", input_shape=(6, 6, 2)), L.BatchNormalization(), L.Activation("relu"),
            L.MaxPooling2D(), L.AveragePooling2D(2, 1), L.Dropout(0.5), L.Flatten(), L.Dense(4, activation="softmax"),
        ]  # fmt: skip
        model = models.Sequential(stack)
        assert {weight.dtype for weight in model.get_weights()} == {np.dtype(floatx)}
        images = drawn(4, 6, 6, 2)
        found = model.predict(images)
        assert found.dtype == np.dtype(floatx)
        weights = model.get_weights()
        model.compile("sgd", "mse")
        assert np.isfinite(model.train_on_batch(images, np.full((4, 4), 0.25)))
        assert np.any(model.get_weights()[0] != weights[0])
    finally:
        K.set_floatx("float32")
    twin = models.Sequential([type(layer).from_config({**layer.get_config(), "dtype": "float32"}) for layer in stack])
    twin.set_weights([value.astype(np.float32) for value in weights])
    np.testing.assert_allclose(found, twin.predict(images), atol=max(tolerance, 1e-6))
