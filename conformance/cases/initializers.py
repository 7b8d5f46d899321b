"""Family `initializers`: moments and bounds of every distribution by shape, seeds, errors, use in layers."""

import numpy as np

from ..case import EXACT, FORWARD, Tolerance, as_text, case, register
from .helpers import sequential
from .page_properties import told

DRAWN = Tolerance(0.04, 0.0, "different generators: the deviation of 20,000 draws is sure to 0.005 of it, eight times")
CENTRE = Tolerance(0.0, 0.04, "different generators: the mean of 20,000 draws is sure to 0.007 deviations, five times")
REACH = Tolerance(0.03, 0.0, "different generators: the furthest of 20,000 draws from a bounded distribution")
FIELDS = {"mean_in_deviations": CENTRE, "deviation": DRAWN, "furthest_in_deviations": REACH, "*": EXACT}
SHAPES = (
    ("dense", (100, 200)),
    ("wide", (20, 1000)),
    ("tall", (1000, 20)),
    ("conv1d", (4, 50, 100)),
    ("conv2d", (5, 4, 20, 50)),
    ("conv3d", (2, 5, 2, 20, 50)),
    ("vector", (20000,)),
)


def moments(drawn, bounded):
    """Mean, deviation and, where the distribution has an end, the furthest value; all by number."""
    spread = float(drawn.std())
    fields = {
        "shape": np.array(drawn.shape),
        "mean_in_deviations": float(drawn.mean()) / spread,
        "deviation": spread,
        "type": str(drawn.dtype),
    }
    if bounded:
        fields["furthest_in_deviations"] = float(abs(drawn - drawn.mean()).max()) / spread
    return fields


def _drawn(make, shape, bounded):
    return lambda keras, random: moments(keras.backend.eval(make(keras.initializers)(shape)), bounded)


for _mode in ("fan_in", "fan_out", "fan_avg"):
    for _distribution in ("normal", "uniform"):
        for _label, _shape in SHAPES:
            register(
                "initializers/variance_scaling_{}_{}_{}".format(_mode, _distribution, _label),
                _drawn(lambda I, m=_mode, d=_distribution: I.VarianceScaling(1.5, m, d), _shape, True),
                FIELDS,
            )

for _name in ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform"):
    for _label, _shape in (SHAPES[1], SHAPES[4]):
        register(
            "initializers/{}_{}".format(_name, _label),
            _drawn(lambda I, n=_name: getattr(I, n)(), _shape, True),
            FIELDS,
        )

for _label, _make, _bounded in (
    ("random_normal_moved", lambda I: I.RandomNormal(0.7, 0.5), False),
    ("random_uniform_default", lambda I: I.RandomUniform(), True),
    ("random_uniform_moved", lambda I: I.RandomUniform(-1.0, 3.0), True),
    ("truncated_normal_default", lambda I: I.TruncatedNormal(), True),
    ("truncated_normal_moved", lambda I: I.TruncatedNormal(0.4, 0.2), True),
):
    register("initializers/" + _label, _drawn(_make, (100, 200), _bounded), FIELDS)

SEEDED = (
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "glorot_uniform",
    "glorot_normal", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform",
)  # fmt: skip


def _seeds(name):
    """The same seed draws the same values, another one others, none others each time; the seed is in the config."""

    def function(keras, random):
        make, K = getattr(keras.initializers, name), keras.backend
        drawn = [K.eval(make(seed=seed)((6, 5))) for seed in (3, 3, 4, None, None)]
        return {
            "same": bool((drawn[0] == drawn[1]).all()),
            "other": bool((drawn[0] == drawn[2]).any()),
            "unseeded": bool((drawn[3] == drawn[4]).any()),
            "config": as_text([make(seed=3).get_config()["seed"], make().get_config()["seed"]]),
        }

    return function


for _name in SEEDED:
    register("initializers/seed_{}".format(_name), _seeds(_name), EXACT)


@case("initializers/seed_called_twice", EXACT)
def seed_called_twice(keras, random):
    """One seeded object called twice."""
    K, I = keras.backend, keras.initializers
    found = {}
    for name in ("RandomNormal", "RandomUniform", "TruncatedNormal", "glorot_uniform"):
        initializer = getattr(I, name)(seed=5)
        found[name] = bool((K.eval(initializer((4, 3))) == K.eval(initializer((4, 3)))).all())
    return {"equal": as_text(found)}


@case("initializers/truncated_normal_bounds", EXACT)
def truncated_normal_bounds(keras, random):
    """No value is further than two deviations from the mean, and some come near."""
    drawn = keras.backend.eval(keras.initializers.TruncatedNormal(1.0, 0.5)((200, 300)))
    return {"within": bool(abs(drawn - 1.0).max() <= 1.0), "near": bool(abs(drawn - 1.0).max() > 0.99)}


@case("initializers/random_uniform_bounds", EXACT)
def random_uniform_bounds(keras, random):
    drawn = keras.backend.eval(keras.initializers.RandomUniform(-0.3, 0.1)((200, 300)))
    return {
        "within": bool(drawn.min() >= -0.3 and drawn.max() < 0.1),
        "near": bool(drawn.min() < -0.299 and drawn.max() > 0.099),
    }


def _orthogonal(shape, gain):
    """Rows, or columns where those are fewer, of the flattened matrix are orthogonal and of the gain's length."""

    def function(keras, random):
        drawn = keras.backend.eval(keras.initializers.Orthogonal(gain=gain, seed=2)(shape))
        flat = drawn.reshape(-1, shape[-1])
        product = flat.T.dot(flat) if flat.shape[0] >= flat.shape[1] else flat.dot(flat.T)
        return {"shape": np.array(drawn.shape), "product": product}

    return function


for _label, _shape, _gain in (
    ("square", (6, 6), 1.0),
    ("tall", (9, 4), 1.0),
    ("wide", (4, 9), 1.0),
    ("gain", (5, 5), 0.3),
    ("conv1d", (3, 4, 5), 1.0),
    ("conv2d", (2, 3, 4, 5), 1.5),
    ("column", (7, 1), 1.0),
):
    register("initializers/orthogonal_" + _label, _orthogonal(_shape, _gain), {"product": FORWARD, "shape": EXACT})


@case("initializers/constants", EXACT)
def constants(keras, random):
    """Zeros, Ones, Constant and Identity for several shapes, and their types."""
    I, K = keras.initializers, keras.backend
    fields = {
        "identity_square": K.eval(I.Identity()((4, 4))),
        "identity_gain": K.eval(I.Identity(gain=0.5)((3, 3))),
        "constant_number": K.eval(I.Constant(-1.5)((2, 3))),
        "zeros": K.eval(I.Zeros()((2, 1, 3))),
        "ones": K.eval(I.Ones()((5,))),
    }
    fields["types"] = as_text({name: str(value.dtype) for name, value in fields.items()})
    return fields


@case("initializers/dtype", EXACT)
def dtype(keras, random):
    """A dtype given to the call."""
    I, K = keras.initializers, keras.backend
    found = {}
    for name in ("Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
                 "Orthogonal", "Identity", "glorot_uniform"):  # fmt: skip
        found[name] = told(lambda n=name: str(K.eval(getattr(I, n)()((3, 3), dtype="float64")).dtype))
    return found


@case("initializers/errors", EXACT)
def errors(keras, random):
    I = keras.initializers
    return {
        "scale_zero": told(I.VarianceScaling, scale=0.0),
        "scale_negative": told(I.VarianceScaling, scale=-1.0),
        "mode": told(I.VarianceScaling, mode="fan_none"),
        "distribution": told(I.VarianceScaling, distribution="flat"),
        "orthogonal_vector": told(lambda: I.Orthogonal()((4,)) is None),
        "identity_vector": told(lambda: I.Identity()((4,)) is None),
        "identity_cube": told(lambda: I.Identity()((2, 2, 2)) is None),
        "argument": told(I.RandomNormal, none_such=3),
        "name": told(I.get, "none_such"),
        "config": told(I.deserialize, {"class_name": "NoneSuch", "config": {}}),
    }


@case("initializers/in_layers", EXACT)
def in_layers(keras, random):
    """Where the weights of a new layer lie: kernels within glorot's bounds, biases zero, statistics zero and one."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv2D(8, 3, input_shape=(8, 8, 4)),
            L.BatchNormalization(),
            L.Flatten(),
            L.Dense(40),
            L.Dense(2, kernel_initializer="ones", bias_initializer=keras.initializers.Constant(3.0)),
        ],
    )
    values = model.get_weights()
    bounds = [np.sqrt(6.0 / (3 * 3 * 4 + 3 * 3 * 8)), np.sqrt(6.0 / (288 + 40))]
    found = [bool(0.9 * bound < abs(value).max() <= bound) for bound, value in zip(bounds, (values[0], values[6]))]
    fields = {"weight_{:02d}".format(index): values[index] for index in (1, 2, 3, 4, 5, 7, 8, 9)}
    return dict(fields, within=as_text(found))


@case("initializers/in_embedding", EXACT)
def in_embedding(keras, random):
    """An Embedding begins uniformly within 0.05."""
    values = sequential(keras, [keras.layers.Embedding(300, 40, input_length=2)]).get_weights()[0]
    return {"within": bool(abs(values).max() <= 0.05), "near": bool(abs(values).max() > 0.0499)}


@case("initializers/of_the_users", EXACT)
def of_the_users(keras, random):
    """A function of shape and dtype, a class of the user's, a dictionary and a class's name."""
    L, I, K = keras.layers, keras.initializers, keras.backend

    def ramp(shape, dtype=None, partition_info=None):
        return K.constant(np.arange(np.prod(shape)).reshape(shape), dtype=dtype or "float32")

    class Twos(I.Initializer):
        def __call__(self, shape, dtype=None, partition_info=None):
            return K.constant(2.0, dtype=dtype or "float32", shape=shape)

    fields = {}
    for label, given in (
        ("function", ramp),
        ("object", Twos()),
        ("dictionary", {"class_name": "Constant", "config": {"value": 4.0}}),
        ("name", "Ones"),
    ):
        model = sequential(keras, [L.Dense(3, kernel_initializer=given, input_shape=(2,))])
        fields[label] = model.get_weights()[0]
    return fields
