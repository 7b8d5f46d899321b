"""Family `layers_noise`: layers that are random in training: what they leave alone, whole maps, scales and moments.

Which elements fall out is drawn by each backend's own generator, so what is compared is the structure of the result,
and moments of many draws with the tolerance that their number asks for.
"""

import numpy as np

from ..case import EXACT, FORWARD, Tolerance, as_text, case, register
from .helpers import normal, sequential

MOMENT = Tolerance(0.0, 0.05, "means of some thousand draws and more, each within five of its standard errors")
FIELDS = {"moment_*": MOMENT, "*": FORWARD}


def _of_phase(keras, make, x):
    """A function of (x, phase): output and gradient of its sum; whether the test phase leaves the input as it is."""
    K = keras.backend
    model = sequential(keras, [make(keras.layers, x.shape[1:])])
    gradient = K.gradients(K.sum(model.output), [model.input])
    step = K.function([model.input, K.learning_phase()], [model.output] + gradient)
    output, gradient = step([x, 0])
    fields = {
        "test_is_input": np.array_equal(output, x),
        "test_gradient_is_one": bool((gradient == 1.0).all()),
        "shape": as_text(model.output_shape),
        "predicted": np.array_equal(model.predict(x), x),
    }
    return step, fields


def _dropping(name, make, shape, axes=()):
    """A layer that drops elements, or all along the given axes at once, and scales up what is left."""

    def function(keras, random):
        x = np.sign(normal(random, *shape)) * random.uniform(0.5, 1.5, size=shape).astype("float32")
        step, fields = _of_phase(keras, make, x)
        output, gradient = step([x, 1])
        ratio = np.round(output / x, 4)
        kept = ratio != 0
        fields["ratios"] = np.unique(ratio)
        fields["gradient_is_ratio"] = np.abs(gradient - output / x).max() < 1e-4
        fields["whole"] = bool((kept.all(axis=axes) | ~kept.any(axis=axes)).all())
        fields["one_by_one"] = [
            bool((kept.all(axis=axis) | ~kept.any(axis=axis)).all())
            for axis in range(kept.ndim)
            if kept.shape[axis] > 1
        ]
        # One element stands for the whole that it falls out with.
        single = kept[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(kept.ndim))]
        fields["moment_kept"] = single.mean()
        fields["again_differs"] = not np.array_equal(output, step([x, 1])[0])
        return fields

    register("layers_noise/" + name, function, FIELDS)


for _rate in (0.2, 0.5):
    _label = "{:.0f}_percent".format(_rate * 100)
    _dropping("dropout_" + _label, lambda L, shape, r=_rate: L.Dropout(r, input_shape=shape), (60, 80))
    _dropping(
        "spatial_dropout1d_" + _label,
        lambda L, shape, r=_rate: L.SpatialDropout1D(r, input_shape=shape),
        (60, 4, 80),
        (1,),
    )
    _dropping(
        "spatial_dropout2d_" + _label,
        lambda L, shape, r=_rate: L.SpatialDropout2D(r, input_shape=shape),
        (60, 2, 3, 80),
        (1, 2),
    )
    _dropping(
        "spatial_dropout3d_" + _label,
        lambda L, shape, r=_rate: L.SpatialDropout3D(r, input_shape=shape),
        (60, 2, 3, 2, 80),
        (1, 2, 3),
    )
_dropping(
    "spatial_dropout2d_channels_first",
    lambda L, shape: L.SpatialDropout2D(0.3, data_format="channels_first", input_shape=shape),
    (60, 80, 2, 3),
    (2, 3),
)
_dropping(
    "spatial_dropout3d_channels_first",
    lambda L, shape: L.SpatialDropout3D(0.3, data_format="channels_first", input_shape=shape),
    (60, 80, 2, 3, 2),
    (2, 3, 4),
)
_dropping(
    "dropout_noise_shape_features",
    lambda L, shape: L.Dropout(0.4, noise_shape=(1, 1, 3000), input_shape=shape),
    (3, 2, 3000),
    (0, 1),
)
_dropping(
    "dropout_noise_shape_samples",
    lambda L, shape: L.Dropout(0.4, noise_shape=(1, 50, 80), input_shape=shape),
    (6, 50, 80),
    (0,),
)


def _not_at_all(name, make):
    """A rate at which nothing happens: the output is the input in training too."""

    def function(keras, random):
        x = normal(random, 3, 4, 5)
        model = sequential(keras, [make(keras.layers)])
        K = keras.backend
        output = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]
        return {"output": output, "x": x, "uses_learning_phase": bool(model.uses_learning_phase)}

    register("layers_noise/" + name, function, EXACT)


_not_at_all("spatial_dropout1d_0", lambda L: L.SpatialDropout1D(0.0, input_shape=(4, 5)))
_not_at_all("gaussian_dropout_0", lambda L: L.GaussianDropout(0.0, input_shape=(4, 5)))
_not_at_all("gaussian_dropout_1", lambda L: L.GaussianDropout(1.0, input_shape=(4, 5)))
_not_at_all("alpha_dropout_0", lambda L: L.AlphaDropout(0.0, input_shape=(4, 5)))
_not_at_all("alpha_dropout_1", lambda L: L.AlphaDropout(1.0, input_shape=(4, 5)))
_not_at_all("gaussian_noise_0", lambda L: L.GaussianNoise(0.0, input_shape=(4, 5)))


def _moments(values):
    """Mean, deviation, skewness, kurtosis less three quarters of it: four numbers of one size."""
    values = values.astype("float64")
    mean, deviation = values.mean(), values.std()
    scaled = (values - mean) / deviation
    return np.array([mean, deviation, (scaled**3).mean(), (scaled**4).mean() / 4.0])


def _gaussian(name, make, noise_of):
    def function(keras, random):
        x = np.sign(normal(random, 200, 40, 10)) * random.uniform(0.5, 1.5, size=(200, 40, 10)).astype("float32")
        step, fields = _of_phase(keras, make, x)
        output, gradient = step([x, 1])
        noise = noise_of(output, x)
        fields["moment_all"] = _moments(noise)
        fields["moment_samples_apart"] = np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1] * 0.2
        fields["moment_features_apart"] = np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]
        fields["gradient_is_noise"] = np.abs(gradient - output / x).max() < 1e-4
        fields["gradient_is_one"] = np.abs(gradient - 1.0).max() < 1e-6
        fields["again_differs"] = not np.array_equal(output, step([x, 1])[0])
        return fields

    register("layers_noise/" + name, function, FIELDS)


_gaussian("gaussian_noise_small", lambda L, shape: L.GaussianNoise(0.1, input_shape=shape), lambda y, x: y - x)
_gaussian("gaussian_noise_large", lambda L, shape: L.GaussianNoise(2.0, input_shape=shape), lambda y, x: y - x)
_gaussian("gaussian_dropout_small", lambda L, shape: L.GaussianDropout(0.1, input_shape=shape), lambda y, x: y / x)
_gaussian("gaussian_dropout_large", lambda L, shape: L.GaussianDropout(0.6, input_shape=shape), lambda y, x: y / x)


def _alpha(name, rate):
    """Kept elements under a line, dropped ones at its value of saturation, so that mean and variance stay."""

    def function(keras, random):
        x = normal(random, 200, 300)
        make = lambda L, shape: L.AlphaDropout(rate, input_shape=shape)  # noqa: E731
        step, fields = _of_phase(keras, make, x)
        for value in (0.0, 1.0, -2.0):
            fields["values_of_{:g}".format(value)] = np.unique(step([np.full_like(x, value), 1])[0].round(4))
        output = step([x, 1])[0]
        fields["moment_mean_and_deviation"] = np.array([output.mean(), output.std()])
        dropped = np.abs(output - output.ravel()[np.argmax(_counts_of(output))]) < 1e-4
        fields["moment_dropped"] = dropped.mean()
        fields["again_differs"] = not np.array_equal(output, step([x, 1])[0])
        return fields

    register("layers_noise/" + name, function, FIELDS)


def _counts_of(values):
    """How often each element's value is there, rounded, element by element."""
    _, index, counts = np.unique(values.ravel().round(4), return_inverse=True, return_counts=True)
    return counts[index.ravel()]


_alpha("alpha_dropout_10_percent", 0.1)
_alpha("alpha_dropout_50_percent", 0.5)


@case("layers_noise/alpha_dropout_noise_shape", FIELDS)
def alpha_noise_shape(keras, random):
    """One draw for all steps of a sample."""
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.AlphaDropout(0.4, noise_shape=(60, 1, 80), batch_input_shape=(60, 5, 80))])
    x = np.zeros((60, 5, 80), "float32")
    output = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0].round(4)
    dropped = output == output.min()
    return {
        "values": np.unique(output),
        "whole": bool((output == output[:, :1]).all()),
        "moment_dropped": dropped[:, 0].mean(),
    }


def _seeded(name, make):
    """The same seed gives the same draws in a model made again."""

    def function(keras, random):
        x, found = normal(random, 20, 30), []
        for _ in range(2):
            keras.backend.clear_session()
            K = keras.backend
            model = sequential(keras, [make(keras.layers)])
            found.append(K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0])
        return {"same": np.array_equal(*found), "changed": not np.array_equal(found[0], x)}

    register("layers_noise/" + name, function, EXACT)


_seeded("dropout_seed", lambda L: L.Dropout(0.5, seed=7, input_shape=(30,)))
_seeded("alpha_dropout_seed", lambda L: L.AlphaDropout(0.5, seed=7, input_shape=(30,)))


def _masked(name, make):
    """The mask behind the layer."""

    def function(keras, random):
        L, K = keras.layers, keras.backend
        words = random.randint(3, size=(4, 6))
        model = sequential(keras, [L.Embedding(3, 4, mask_zero=True, input_length=6), make(L)])
        mask = model.output_mask
        return {"mask": np.array([]) if mask is None else K.function([model.input], [mask])([words])[0]}

    register("layers_noise/" + name, function, EXACT)


_masked("gaussian_noise_mask", lambda L: L.GaussianNoise(0.5))
_masked("gaussian_dropout_mask", lambda L: L.GaussianDropout(0.5))
_masked("alpha_dropout_mask", lambda L: L.AlphaDropout(0.5))


@case("layers_noise/spatial_dropout1d_training_argument", EXACT)
def training_argument(keras, random):
    """Called with training=True a layer drops in the test phase too."""
    L, K = keras.layers, keras.backend
    x = np.ones((30, 5, 30), "float32")
    tensor = L.Input(shape=(5, 30))
    found = {}
    for value in (True, False):
        output = L.SpatialDropout1D(0.5)(tensor, training=value)
        found[str(value)] = [bool((each != x).any()) for each in K.function([tensor], [output])([x])]
    return {"dropped": as_text(found)}
