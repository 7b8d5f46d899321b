"""BatchNormalization while training: which statistics it keeps, and when."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models
from tests.layer_check import drawn

# Which estimate of the variance is kept: the unbiased one for images along a channel axis, unless something stops it.
MOVING = [
    ("vectors", (6, 3), {}, False),
    ("sequences", (2, 5, 3), {}, False),
    ("images", (2, 5, 4, 3), {}, True),
    ("images channels first", (2, 3, 5, 4), {"axis": 1}, True),
    ("images along rows", (2, 3, 5, 4), {"axis": 2}, False),
    ("images not fused", (2, 5, 4, 3), {"fused": False}, False),
    ("images regularized", (2, 5, 4, 3), {"gamma_regularizer": "l2"}, False),
    ("one element", (1, 1, 1, 3), {}, True),
]


@pytest.mark.parametrize("name, shape, arguments, unbiased", MOVING, ids=[row[0] for row in MOVING])
def test_moving_statistics(name, shape, arguments, unbiased):
    layer = L.BatchNormalization(momentum=0.75, **arguments)
    x = L.Input(batch_shape=(None, *shape[1:]))
    y = layer(x)
    data = drawn(*shape) * 3 + 1
    axis = arguments.get("axis", -1) % len(shape)
    axes = tuple(a for a in range(len(shape)) if a != axis)
    count = data.size // shape[axis]
    step = K.function([x, K.learning_phase()], [y], updates=layer.updates)
    mean, variance = np.zeros(shape[axis]), np.ones(shape[axis])
    for phase in (1, 0, 1):
        step([data, phase])
        if phase:
            estimate = data.var(axes, dtype=np.float64) * (count / max(count - 1, 1) if unbiased else 1)
            mean = mean * 0.75 + data.mean(axes, dtype=np.float64) * 0.25
            variance = variance * 0.75 + estimate * 0.25
        np.testing.assert_allclose(K.get_value(layer.moving_mean), mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(K.get_value(layer.moving_variance), variance, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training, updates", [(True, 2), (1, 2), (False, 0), (0, 0), (None, 2)])
def test_training_argument(training, updates):
    layer, x = L.BatchNormalization(), L.Input((3,))
    y = layer(x, training=training)
    assert len(layer.updates) == len(layer.get_updates_for(x)) == updates
    data = drawn(8, 3) * 4 + 2
    normalized = K.function([x], [y])([data])[0]
    is_training = bool(training)
    expected = (data - data.mean(0)) / np.sqrt(data.var(0) + 1e-3) if is_training else data / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(normalized, expected, rtol=1e-4, atol=1e-5)


def test_weights_and_their_order():
    layer = L.BatchNormalization()
    layer(L.Input((3,)))
    assert [w.name for w in layer.weights] == [
        f"batch_normalization/{name}:0" for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]
    assert [value.tolist() for value in layer.get_weights()] == [[1.0] * 3, [0.0] * 3, [0.0] * 3, [1.0] * 3]
    assert layer.trainable_weights == [layer.gamma, layer.beta]
    bare = L.BatchNormalization(scale=False, center=False)
    bare(L.Input((3,)))
    assert bare.gamma is None and bare.beta is None and len(bare.weights) == 2


def test_fused_has_a_least_epsilon():
    x = L.Input((2, 2, 3))
    data = drawn(2, 2, 2, 3) * 1e-3
    for fused, epsilon in ((None, 1.001e-5), (False, 1e-7)):
        y = L.BatchNormalization(epsilon=1e-7, fused=fused)(x)
        found = K.function([x], [y], learning_phase=1)([data])[0]
        expected = (data - data.mean((0, 1, 2))) / np.sqrt(data.var((0, 1, 2)) + epsilon)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_renorm():
    layer = L.BatchNormalization(renorm=True, momentum=0.5, renorm_momentum=0.75, epsilon=0.5,
                                 renorm_clipping={"rmax": 1.5, "rmin": 0.5, "dmax": 0.25})  # fmt: skip
    x = L.Input((3,))
    y = layer(x)
    assert [w.name.partition("/")[2] for w in layer.non_trainable_weights] == [
        "moving_mean:0", "moving_variance:0", "renorm_mean:0", "renorm_mean_weight:0", "renorm_stddev:0",
        "renorm_stddev_weight:0",
    ]  # fmt: skip
    step = K.function([x], [y], updates=layer.updates, learning_phase=1)
    mean, variance = np.zeros(3), np.ones(3)
    kept_mean, kept_stddev, weight = np.zeros(3), np.zeros(3), 0.0
    for seed in range(3):
        data = drawn(6, 3, seed=seed).astype(np.float64) * 4 + seed
        found = step([data])[0]
        batch_mean, batch_stddev = data.mean(0), np.sqrt(data.var(0) + 0.5)
        expected_mean = kept_mean + (1 - weight) * batch_mean
        expected_stddev = kept_stddev + (1 - weight) * batch_stddev
        r = np.clip(batch_stddev / expected_stddev, 0.5, 1.5)
        d = np.clip((batch_mean - expected_mean) / expected_stddev, -0.25, 0.25)
        np.testing.assert_allclose(found, (data - batch_mean) / batch_stddev * r + d, rtol=1e-4, atol=1e-5)
        kept_mean = kept_mean * 0.75 + batch_mean * 0.25
        kept_stddev = kept_stddev * 0.75 + batch_stddev * 0.25
        weight = weight * 0.75 + 0.25
        mean = mean * 0.5 + kept_mean / weight * 0.5
        variance = variance * 0.5 + ((kept_stddev / weight) ** 2 - 0.5) * 0.5
        np.testing.assert_allclose(K.get_value(layer.moving_mean), mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(K.get_value(layer.moving_variance), variance, rtol=1e-4, atol=1e-5)
    config = layer.get_config()
    assert L.BatchNormalization.from_config(config).get_config() == config


def test_a_frozen_layer_still_keeps_its_statistics():
    layer = L.BatchNormalization(input_shape=(3,), momentum=0.5)
    layer.trainable = False
    model = models.Sequential([layer, L.Dense(1)])
    model.compile("sgd", "mse")
    data = drawn(8, 3) * 4 + 2
    model.train_on_batch(data, np.ones((8, 1)))
    gamma, beta, mean, variance = layer.get_weights()
    assert gamma.tolist() == [1.0] * 3 and beta.tolist() == [0.0] * 3
    np.testing.assert_allclose(mean, data.mean(0) * 0.5, rtol=1e-5)
    np.testing.assert_allclose(variance, 0.5 + data.var(0) * 0.5, rtol=1e-5)


def test_testing_and_predicting_keep_no_statistics():
    model = models.Sequential([L.BatchNormalization(input_shape=(3,))])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.test_on_batch(drawn(8, 3), drawn(8, 3))
    model.predict(drawn(8, 3))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("phase", [0, 1])
def test_a_fixed_learning_phase(phase):
    K.set_learning_phase(phase)
    try:
        layer, x = L.BatchNormalization(), L.Input((3,))
        y = layer(x)
        dropped = L.Dropout(0.5)(L.Input((3,)))
    finally:
        K.clear_session()
    assert len(layer.updates) == 2 * phase and not y._uses_learning_phase and not dropped._uses_learning_phase
    data = drawn(8, 3) * 4 + 2
    expected = (data - data.mean(0)) / np.sqrt(data.var(0) + 1e-3) if phase else data / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(K.function([x], [y])([data])[0], expected, rtol=1e-4, atol=1e-5)


def test_a_layer_on_several_branches_moves_by_all_of_them():
    layer = L.BatchNormalization(momentum=0.75)
    inputs = [L.Input(shape=(3,)) for _ in range(3)]
    outputs = [layer(x) for x in inputs]
    data = [drawn(8, 3) * scale + scale for scale in (1, 2, 4)]
    step = K.function([*inputs, K.learning_phase()], outputs, updates=layer.updates)
    step([*data, 0])
    step([*data, 1])
    mean, variance = (K.get_value(weight) for weight in (layer.moving_mean, layer.moving_variance))
    np.testing.assert_allclose(mean, sum(0.25 * x.mean(0) for x in data), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, 1 - sum(0.25 * (1 - x.var(0)) for x in data), rtol=1e-5, atol=1e-6)


def test_of_several_new_values_the_last_counts():
    variable = K.variable(2.0)
    K.function([], [], updates=[K.update(variable, K.constant(5.0)), K.update(variable, K.constant(7.0))])([])
    assert K.get_value(variable) == 7.0
