"""Layers of noise: nothing without training, and in training noise of the moments that the formulas say."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models
from tests.layer_check import Case, check_layer, drawn

ROWS, IMAGES = drawn(3, 7, 4), drawn(2, 4, 3, 5)
VOLUMES = drawn(2, 3, 2, 3, 4)

# Of rates and deviations that leave the input alone in training too.
CASES = [
    Case("GaussianNoise", lambda: L.GaussianNoise(0.0), ROWS, lambda x: x),
    Case("GaussianDropout", lambda: L.GaussianDropout(0.0), ROWS, lambda x: x),
    Case("AlphaDropout", lambda: L.AlphaDropout(0.0, noise_shape=(None, 1, 4), seed=3), ROWS, lambda x: x),
    Case("SpatialDropout1D", lambda: L.SpatialDropout1D(0.0), ROWS, lambda x: x),
    Case("SpatialDropout2D", lambda: L.SpatialDropout2D(0.0, data_format="channels_first"), IMAGES, lambda x: x),
    Case("SpatialDropout3D", lambda: L.SpatialDropout3D(0.0), VOLUMES, lambda x: x),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_layer(case):
    check_layer(case)


def phases(layer, x):
    """Return a layer's output for x in the test phase and twice in the training phase."""
    tensor = L.Input(x.shape[1:])
    run = K.function([tensor, K.learning_phase()], [layer(tensor)])
    return [run([x, phase])[0] for phase in (0, 1, 1)]


X = drawn(40, 50, 30) + np.float32(2.0)
NOISE = [
    ("GaussianNoise", lambda: L.GaussianNoise(0.5), lambda y: y - X, 0.0, 0.5),
    ("GaussianDropout", lambda: L.GaussianDropout(0.2), lambda y: y / X, 1.0, 0.5),
]


@pytest.mark.parametrize(("make", "noise", "mean", "deviation"), [row[1:] for row in NOISE], ids=[r[0] for r in NOISE])
def test_gaussian(make, noise, mean, deviation):
    testing, training, again = phases(make(), X)
    np.testing.assert_array_equal(testing, X)
    found = noise(training)
    assert abs(found.mean() - mean) < 0.01 and abs(found.std() - deviation) < 0.01
    assert not np.array_equal(training, again)


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.RandomState(0).normal(size=(300, 400)).astype("float32")
    testing, training, again = phases(L.AlphaDropout(0.3), x)
    np.testing.assert_array_equal(testing, x)
    assert abs(training.mean()) < 0.02 and abs(training.std() - 1.0) < 0.02
    values, counts = np.unique(training.round(4), return_counts=True)
    assert abs(counts.max() / x.size - 0.3) < 0.02 and values[counts.argmax()] < -0.5
    assert not np.array_equal(training, again)


SPATIAL = [
    ("SpatialDropout1D", lambda: L.SpatialDropout1D(0.4), (60, 4, 40), (1,)),
    ("SpatialDropout2D", lambda: L.SpatialDropout2D(0.4), (60, 3, 2, 40), (1, 2)),
    ("SpatialDropout2D channels first", lambda: L.SpatialDropout2D(0.4, "channels_first"), (60, 40, 3, 2), (2, 3)),
    ("SpatialDropout3D", lambda: L.SpatialDropout3D(0.4), (60, 2, 2, 2, 40), (1, 2, 3)),
]


@pytest.mark.parametrize(("make", "shape", "axes"), [row[1:] for row in SPATIAL], ids=[row[0] for row in SPATIAL])
def test_spatial_dropout_drops_whole_maps(make, shape, axes):
    testing, training, again = phases(make(), np.ones(shape, "float32"))
    assert (testing == 1.0).all()
    np.testing.assert_allclose(np.unique(training), [0.0, 1 / 0.6], rtol=1e-6)
    assert (training.min(axes) == training.max(axes)).all()
    assert abs((training == 0).mean() - 0.4) < 0.06
    assert not np.array_equal(training, again)


def test_equal_seeds_draw_alike():
    for make in (lambda: L.AlphaDropout(0.5, seed=7), lambda: L.SpatialDropout1D(0.5, seed=7)):
        np.testing.assert_array_equal(phases(make(), X)[1], phases(make(), X)[1])
    drawn_twice = []
    for _ in range(2):
        np.random.seed(3)
        drawn_twice.append(phases(L.GaussianNoise(1.0), X)[1])
    np.testing.assert_array_equal(*drawn_twice)


def test_configs_keep_what_was_given():
    config = L.AlphaDropout(0.5, noise_shape=(None, 1), seed=3).get_config()
    assert (config["noise_shape"], config["seed"]) == ((None, 1), 3)
    assert L.AlphaDropout.from_config(config).get_config() == config
    assert L.SpatialDropout2D(0.5, "channels_first").get_config()["data_format"] == "channels_first"
    assert "data_format" not in L.SpatialDropout2D(0.5).get_config()


def test_trains_behind_a_masked_embedding():
    layers = [L.Embedding(5, 4, mask_zero=True, input_length=6), L.SpatialDropout1D(0.2), L.GaussianNoise(0.1),
              L.TimeDistributed(L.Dense(2)), L.AlphaDropout(0.1)]  # fmt: skip
    model = models.Sequential(layers)
    model.compile("adam", "mse")
    words = np.random.RandomState(0).randint(5, size=(8, 6))
    losses = [model.train_on_batch(words, np.zeros((8, 6, 2), "float32")) for _ in range(5)]
    assert np.isfinite(losses).all() and losses[0] > 0


MESSAGES = [
    (lambda: L.SpatialDropout2D(0.5, data_format="middle", name="s"), ValueError,
     "SpatialDropout2D 's': data_format='middle'; expected 'channels_first' or 'channels_last'."),
    (lambda: L.SpatialDropout1D(0.5, name="s")(L.Input((4, 3, 2))), ValueError,
     "SpatialDropout1D 's': input 0 has shape (None, 4, 3, 2), which is rank 4; expected rank 3, the batch axis "
     "included. Put Flatten() or Reshape() before it."),
    (lambda: L.PReLU(shared_axes=[3], name="p")(L.Input((4, 3))), IndexError,
     "PReLU 'p': shared_axes=[3] and an input of shape (None, 4, 3); expected axes from 1 to 2. The batch axis, 0, is "
     "always shared."),
    (lambda: L.PReLU(name="p")(L.Input((None, 3))), ValueError,
     "PReLU 'p': input has shape (None, None, 3); expected a known size on axis 1, the slopes, which shared_axes "
     "leaves out, since the weights' shape follows from it. Give the input's shape in full."),
    (lambda: L.Cropping2D((1, 2, 3), name="c"), ValueError,
     "Cropping2D 'c': cropping=(1, 2, 3); expected an integer, 2 integers (rows, columns) or 2 pairs ((top, bottom), "
     "(left, right))."),
    (lambda: L.Cropping3D(None, name="c"), ValueError,
     "Cropping3D 'c': cropping=None; expected an integer, 3 integers (planes, rows, columns) or 3 pairs ((front, "
     "back), (top, bottom), (left, right))."),
    (lambda: L.ZeroPadding3D(((1, 2, 3), 1, 1), name="z"), ValueError,
     "ZeroPadding3D 'z': padding=(1, 2, 3); expected an integer or a tuple of 2 integers, each 0 or more."),
    (lambda: L.UpSampling3D(2, name="u")(L.Input((4, 3, 2))), ValueError,
     "UpSampling3D 'u': resize_volumes: a tensor of shape (None, 4, 3, 2) arrived; expected rank 5."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), MESSAGES)
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert str(error.value) == message
