"""Initializers: the distributions they promise, seeds, configs, names, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import initializers, registry, utils
from tests.value_check import floatx


def draw(initializer, shape, **kwargs):
    return K.eval(initializer(shape, **kwargs))


def _truncated(stddev):
    """Return what a truncated normal of a standard deviation must look like: its own, and its bound."""
    return 0.8796 * stddev, 2 * stddev


def _uniform(limit):
    return limit / np.sqrt(3), limit


# name -> (config without dtype, how to check it)
CONFIGS = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 0},
    "RandomUniform": {"minval": 0, "maxval": None, "seed": None},
    "RandomNormal": {"mean": 0.0, "stddev": 1.0, "seed": None},
    "TruncatedNormal": {"mean": 0.0, "stddev": 1.0, "seed": None},
    "VarianceScaling": {"scale": 1.0, "mode": "fan_in", "distribution": "normal", "seed": None},
    "Orthogonal": {"gain": 1.0, "seed": None},
    "Identity": {"gain": 1.0},
}

BUILT = {
    "glorot_normal": {"scale": 1.0, "mode": "fan_avg", "distribution": "normal"},
    "glorot_uniform": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
    "he_normal": {"scale": 2.0, "mode": "fan_in", "distribution": "normal"},
    "he_uniform": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"},
    "lecun_normal": {"scale": 1.0, "mode": "fan_in", "distribution": "normal"},
    "lecun_uniform": {"scale": 1.0, "mode": "fan_in", "distribution": "uniform"},
}

ALIASES = {
    "zero": "Zeros", "zeros": "Zeros", "one": "Ones", "ones": "Ones", "constant": "Constant",
    "uniform": "RandomUniform", "random_uniform": "RandomUniform", "normal": "RandomNormal",
    "random_normal": "RandomNormal", "truncated_normal": "TruncatedNormal", "identity": "Identity",
    "orthogonal": "Orthogonal",
}

# initializer, shape -> mean, standard deviation, lower bound, upper bound
SPREADS = [
    (initializers.RandomNormal(1.0, 2.0, seed=1), (300, 200), 1.0, 2.0, -np.inf, np.inf),
    (initializers.TruncatedNormal(1.0, 2.0, seed=1), (300, 200), 1.0, 0.8796 * 2, -3.0, 5.0),
    (initializers.RandomUniform(-1.0, 3.0, seed=1), (300, 200), 1.0, 4 / np.sqrt(12), -1.0, 3.0),
    (initializers.RandomUniform(seed=1), (300, 200), 0.5, 1 / np.sqrt(12), 0.0, 1.0),
]

# scale, mode, distribution, shape -> standard deviation, bound
SCALED = [
    (2.0, "fan_in", "normal", (300, 700), *_truncated(np.sqrt(2 / 300))),
    (2.0, "fan_out", "normal", (300, 700), *_truncated(np.sqrt(2 / 700))),
    (1.0, "fan_avg", "normal", (300, 700), *_truncated(np.sqrt(1 / 500))),
    (1.0, "fan_in", "uniform", (300, 700), *_uniform(np.sqrt(3 / 300))),
    (1.0, "fan_avg", "uniform", (3, 3, 40, 160), *_uniform(np.sqrt(3 / 900))),
    (2.0, "fan_in", "normal", (3, 3, 40, 160), *_truncated(np.sqrt(2 / 360))),
    (2.0, "fan_out", "normal", (5, 40, 160), *_truncated(np.sqrt(2 / 800))),
    (1.0, "fan_in", "uniform", (60000,), *_uniform(np.sqrt(3 / 60000))),
]

RAISED = [
    (lambda: initializers.get("xavier"), ValueError,
     "initializer: unknown name 'xavier'; expected the name of a known initializer. "
     "Pass your own initializer in custom_objects."),
    (lambda: initializers.get(3), ValueError,
     "initializer: 3; expected the name of an initializer, a config or a callable."),
    (lambda: initializers.get(None), ValueError,
     "initializer: None; expected the name of an initializer, a config or a callable."),
    (lambda: initializers.Zeros("foo"), TypeError,
     "initializer: dtype 'foo'; expected the dtype of a tensor, such as 'float32'."),
    (lambda: initializers.Zeros(None), TypeError,
     "initializer: dtype None; expected the dtype of a tensor, such as 'float32'."),
    (lambda: initializers.VarianceScaling(scale=0), ValueError,
     "VarianceScaling: scale 0; expected a positive number."),
    (lambda: initializers.VarianceScaling(mode="fan"), ValueError,
     "VarianceScaling: mode 'fan'; expected 'fan_in', 'fan_out' or 'fan_avg'."),
    (lambda: initializers.VarianceScaling(distribution="gauss"), ValueError,
     "VarianceScaling: distribution 'gauss'; expected 'normal' or 'uniform'."),
    (lambda: initializers.Identity()((2, 3, 4)), ValueError,
     "Identity: shape (2, 3, 4); expected the shape of a matrix."),
    (lambda: initializers.Orthogonal()((2,)), ValueError, "Orthogonal: shape (2,); expected two axes or more."),
    (lambda: initializers.RandomUniform()((2,), dtype="int32"), ValueError,
     "RandomUniform: maxval None for dtype 'int32'; expected an upper bound."),
    (lambda: initializers.RandomNormal()((2,), dtype="int32"), TypeError,
     "RandomNormal: dtype 'int32'; expected a floating-point dtype."),
    (lambda: initializers.Constant([1, 2, 3])((2,)), ValueError,
     "Constant: 3 values; expected 1 to 2 of them for shape (2,)."),
    (lambda: initializers.Constant([])((2,)), ValueError,
     "Constant: 0 values; expected 1 to 2 of them for shape (2,)."),
    (lambda: initializers.Constant("a")((2,)), TypeError,
     "Constant: value 'a'; expected a number or a list of numbers."),
    (lambda: initializers.Constant([1, 2], verify_shape=True)((2, 2)), TypeError,
     "Constant: a value of shape (2,); expected shape (2, 2)."),
    (lambda: initializers.Initializer()((2,)), NotImplementedError,
     "Initializer: a call of an initializer without __call__; expected __call__(shape, dtype=None) to be defined."),
]


@pytest.mark.parametrize("initializer, shape, mean, stddev, low, high", SPREADS)
def test_spread(initializer, shape, mean, stddev, low, high):
    values = draw(initializer, shape)
    assert values.shape == shape
    np.testing.assert_allclose([values.mean(), values.std()], [mean, stddev], rtol=0.02)
    assert values.min() >= low
    assert values.max() <= high


@pytest.mark.parametrize("scale, mode, distribution, shape, stddev, bound", SCALED)
def test_variance_scaling(scale, mode, distribution, shape, stddev, bound):
    values = draw(initializers.VarianceScaling(scale, mode, distribution, seed=1), shape)
    assert abs(values.mean()) < 0.02 * bound
    np.testing.assert_allclose(values.std(), stddev, rtol=0.02)
    np.testing.assert_allclose(np.abs(values).max(), bound, rtol=0.005)


def test_variance_scaling_of_a_scalar_counts_one_unit():
    assert abs(draw(initializers.VarianceScaling(distribution="uniform"), ())) <= np.sqrt(3)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (4, 4), (2, 2, 3), (3, 1, 2, 20)], ids=str)
def test_orthogonal(shape):
    matrix = draw(initializers.Orthogonal(gain=2.0), shape).reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


FIXED = [
    (initializers.Zeros(), (2, 2), [[0, 0], [0, 0]]),
    (initializers.Ones(), (2,), [1, 1]),
    (initializers.Constant(), (2,), [0, 0]),
    (initializers.Constant(2.5), (), 2.5),
    (initializers.Constant([1, 2, 3]), (2, 3), [[1, 2, 3], [3, 3, 3]]),
    (initializers.Constant([[1, 2], [3, 4]], verify_shape=True), (2, 2), [[1, 2], [3, 4]]),
    (initializers.Identity(2.0), (2, 3), [[2, 0, 0], [0, 2, 0]]),
]


@pytest.mark.parametrize("initializer, shape, want", FIXED)
def test_fixed_values(initializer, shape, want):
    np.testing.assert_array_equal(draw(initializer, shape), np.asarray(want, "float32"))


def every():
    return [getattr(initializers, name)() for name in [*CONFIGS, *BUILT]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("initializer", every(), ids=[*CONFIGS, *BUILT])
def test_dtype_of_the_call_goes_before_that_of_the_initializer(initializer, dtype):
    assert draw(initializer, (3, 4)).dtype == "float32"
    assert draw(initializer, (3, 4), dtype=dtype).dtype == dtype
    own = type(initializer).from_config({**initializer.get_config(), "dtype": dtype})
    assert draw(own, (3, 4)).dtype == dtype


def test_integers():
    values = draw(initializers.RandomUniform(2, 5), (100,), dtype="int32")
    assert values.dtype == "int32"
    assert set(values) == {2, 3, 4}
    assert draw(initializers.Ones(), (2,), dtype="bool").all()


@pytest.mark.parametrize("name", ["RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling", "Orthogonal"])
def test_seeds(name):
    initializer = getattr(initializers, name)
    seeded = initializer(seed=3)
    np.testing.assert_array_equal(draw(seeded, (4, 5)), draw(seeded, (4, 5)))
    unseeded = initializer()
    first = draw(unseeded, (4, 5))
    assert (first != draw(unseeded, (4, 5))).any()
    np.random.seed(7)
    second = draw(unseeded, (4, 5))
    np.random.seed(7)
    np.testing.assert_array_equal(second, draw(initializer(), (4, 5)))


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name):
    initializer = getattr(initializers, name)()
    written = initializers.serialize(initializer)
    assert written == {"class_name": name, "config": {**CONFIGS[name], "dtype": "float32"}}
    assert initializers.serialize(initializers.get(written)) == written
    assert list(initializer.get_config()) == [*CONFIGS[name], "dtype"]


@pytest.mark.parametrize("name", BUILT)
def test_built_configs(name):
    config = {**BUILT[name], "seed": 3, "dtype": "float32"}
    assert initializers.serialize(getattr(initializers, name)(seed=3)) == {
        "class_name": "VarianceScaling", "config": config}
    assert initializers.get(name).get_config() == {**config, "seed": None}
    assert initializers.get({"class_name": name, "config": {"seed": 3}}).get_config() == config
    assert initializers.get(getattr(initializers, name)).get_config() == {**config, "seed": None}


def test_configs_of_arrays_are_lists():
    assert initializers.Constant(np.array([1, 2])).get_config() == {"value": [1, 2], "dtype": "float32"}
    assert initializers.Constant(np.float32(0.5)).get_config() == {"value": 0.5, "dtype": "float32"}


def test_every_initializer_has_a_row():
    assert set(registry.names("initializer")) == set(CONFIGS) | set(BUILT) | set(ALIASES)


def test_by_name_by_alias_by_class_and_by_object():
    for name in CONFIGS:
        cls = getattr(initializers, name)
        assert type(initializers.get(name)) is cls
        assert type(initializers.get(cls)) is cls
        own = cls()
        assert initializers.get(own) is own
    for alias, name in ALIASES.items():
        assert type(initializers.get(alias)) is getattr(initializers, name)
        assert getattr(initializers, alias) is getattr(initializers, name)


def test_the_users_own():
    def halves(shape, dtype=None):
        return K.constant(np.full(shape, 0.5), dtype=dtype)

    class Thirds(initializers.Initializer):
        def __call__(self, shape, dtype=None, partition_info=None):
            return K.constant(np.full(shape, 1 / 3), dtype=dtype)

    assert initializers.get(halves) is halves
    with utils.custom_object_scope({"halves": halves, "Thirds": Thirds}):
        assert initializers.get("halves") is halves
        assert type(initializers.get("Thirds")) is Thirds
        assert type(initializers.get(initializers.serialize(Thirds()))) is Thirds
        assert initializers.get(initializers.serialize(halves)) is halves
    np.testing.assert_array_equal(draw(initializers.get(halves), (2,), dtype="float32"), [0.5, 0.5])


def test_variables_start_from_what_is_drawn():
    with floatx("float64"):
        variable = K.variable(initializers.Ones()((2, 3), dtype=K.floatx()))
        assert K.dtype(variable) == "float64"
        np.testing.assert_array_equal(K.get_value(variable), np.ones((2, 3)))


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
