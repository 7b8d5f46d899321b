"""Family `parts`: regularizers, constraints and initializers by themselves, and the identifiers that find them."""

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, register
from .helpers import normal

REGULARIZERS = (
    ("l1", lambda R: R.l1(0.1)),
    ("l2", lambda R: R.l2(0.2)),
    ("l1_l2", lambda R: R.l1_l2(0.1, 0.2)),
    ("l1_default", lambda R: R.l1()),
    ("l2_default", lambda R: R.l2()),
    ("l1_l2_default", lambda R: R.l1_l2()),
    ("class_default", lambda R: R.L1L2()),
    ("class_l1", lambda R: R.L1L2(l1=0.3)),
    ("class_l2", lambda R: R.L1L2(l2=0.3)),
)
CONSTRAINTS = (
    ("max_norm", lambda C: C.max_norm()),
    ("max_norm_axis", lambda C: C.MaxNorm(1.5, axis=1)),
    ("max_norm_axes", lambda C: C.MaxNorm(1.5, axis=[0, 1])),
    ("non_neg", lambda C: C.non_neg()),
    ("unit_norm", lambda C: C.unit_norm()),
    ("unit_norm_axis", lambda C: C.UnitNorm(axis=1)),
    ("min_max_norm", lambda C: C.min_max_norm()),
    ("min_max_norm_values", lambda C: C.MinMaxNorm(1.0, 1.5, 1.0, axis=1)),
    ("min_max_norm_rate", lambda C: C.MinMaxNorm(1.0, 1.5, rate=0.4)),
)
FIXED_INITIALIZERS = (
    ("zeros", lambda I: I.Zeros()),
    ("ones", lambda I: I.Ones()),
    ("constant", lambda I: I.Constant(2.5)),
    ("constant_default", lambda I: I.Constant()),
)
RANDOM_INITIALIZERS = (
    ("random_normal", lambda I: I.RandomNormal()),
    ("random_normal_values", lambda I: I.RandomNormal(mean=2.0, stddev=0.5)),
    ("random_uniform", lambda I: I.RandomUniform(-0.2, 0.6)),
    ("truncated_normal", lambda I: I.TruncatedNormal()),
    ("truncated_normal_values", lambda I: I.TruncatedNormal(mean=1.0, stddev=0.3)),
    ("variance_scaling", lambda I: I.VarianceScaling()),
    ("variance_scaling_fan_out", lambda I: I.VarianceScaling(2.0, "fan_out", "uniform")),
    ("variance_scaling_fan_avg", lambda I: I.VarianceScaling(0.5, "fan_avg", "normal")),
    ("glorot_normal", lambda I: I.glorot_normal()),
    ("glorot_uniform", lambda I: I.glorot_uniform()),
    ("he_normal", lambda I: I.he_normal()),
    ("he_uniform", lambda I: I.he_uniform()),
    ("lecun_normal", lambda I: I.lecun_normal()),
    ("lecun_uniform", lambda I: I.lecun_uniform()),
)


def _regularizer(make):
    def function(keras, random):
        K = keras.backend
        x = K.variable(normal(random, 4, 5))
        penalty = make(keras.regularizers)(x)
        return {"value": K.eval(penalty), "gradient": K.eval(K.gradients(penalty, [x])[0])}

    return function


def _constraint(make, shape):
    def function(keras, random):
        K = keras.backend
        return {"value": K.eval(make(keras.constraints)(K.variable(normal(random, *shape))))}

    return function


def _initializer(make):
    def function(keras, random):
        return {"value": keras.backend.eval(make(keras.initializers)((3, 4)))}

    return function


for _label, _make in REGULARIZERS[:6] + REGULARIZERS[7:]:
    register("parts/regularizer_" + _label, _regularizer(_make), FORWARD)
for _label, _make in CONSTRAINTS:
    register("parts/constraint_" + _label, _constraint(_make, (4, 5)), FORWARD)
for _label, _make in FIXED_INITIALIZERS:
    register("parts/initializer_" + _label, _initializer(_make), EXACT)
register(
    "parts/constraint_max_norm_kernel", _constraint(lambda C: C.MaxNorm(0.5, axis=[0, 1, 2]), (2, 3, 4, 5)), FORWARD
)


@case("parts/initializer_identity", EXACT)
def identity(keras, random):
    I, K = keras.initializers, keras.backend
    return {"plain": K.eval(I.Identity()((3, 3))), "gain": K.eval(I.Identity(gain=2.0)((3, 4)))}


@case("parts/initializer_orthogonal", FORWARD)
def orthogonal(keras, random):
    """What is sure of it: the product with its own transpose, tall, wide and beyond two axes."""
    I, K = keras.initializers, keras.backend
    tall, wide = K.eval(I.Orthogonal(seed=3)((7, 4))), K.eval(I.Orthogonal(gain=2.0, seed=3)((4, 7)))
    deep = K.eval(I.Orthogonal(seed=3)((2, 3, 4))).reshape(6, 4)
    return {"tall": tall.T.dot(tall), "wide": wide.dot(wide.T), "deep": deep.T.dot(deep)}


def _moments(make, shape):
    """Mean, deviation and bounds of many draws, rounded to what their number makes sure."""

    def function(keras, random):
        drawn = keras.backend.eval(make(keras.initializers)(shape))
        spread = drawn.std()
        return {
            "shape": np.array(drawn.shape),
            "mean_in_deviations": np.array(np.round(abs(drawn.mean()) / spread, 1)),
            "deviation": np.array(float("{:.1g}".format(spread * 10)) if spread > 0 else 0.0),
            "reach_in_deviations": np.array(np.round(min(abs(drawn - drawn.mean()).max() / spread, 3.0), 1)),
        }

    return function


MOMENTS = {
    "shape": EXACT,
    "*": FORWARD._replace(
        relative=0.12, absolute=0.11, reason="different generators: moments of 100,000 draws, rounded to a digit"
    ),
}
for _label, _make in RANDOM_INITIALIZERS:
    register("parts/initializer_" + _label, _moments(_make, (250, 400)), MOMENTS)
register("parts/initializer_he_normal_kernel", _moments(lambda I: I.he_normal(), (5, 4, 50, 100)), MOMENTS)


@case("parts/configs", EXACT)
def configs(keras, random):
    """get_config of each part, and the same part from it."""
    found = {}
    for kind, parts in (
        ("regularizers", REGULARIZERS),
        ("constraints", CONSTRAINTS),
        ("initializers", FIXED_INITIALIZERS + RANDOM_INITIALIZERS),
    ):
        module = getattr(keras, kind)
        for label, make in parts:
            part = make(module)
            config = module.serialize(part)
            found["{} {}".format(kind, label)] = config
            found["{} {} again".format(kind, label)] = module.serialize(module.deserialize(config))
    return {"configs": as_text(found)}


@case("parts/identifiers", EXACT)
def identifiers(keras, random):
    """The strings, dictionaries and functions under which parts are found."""
    found = {}
    for kind, names in (
        ("regularizers", ("l1", "l2", "l1_l2", "L1L2")),
        (
            "constraints",
            ("max_norm", "MaxNorm", "non_neg", "NonNeg", "unit_norm", "UnitNorm", "min_max_norm", "MinMaxNorm"),
        ),
        (
            "initializers",
            ("zeros", "Zeros", "ones", "Ones", "constant", "Constant", "random_normal", "RandomNormal",
             "random_uniform", "RandomUniform", "truncated_normal", "TruncatedNormal",
             "orthogonal", "Orthogonal", "identity", "Identity",
             "variance_scaling", "VarianceScaling", "normal", "uniform", "glorot_uniform", "glorot_normal", "he_normal",
             "he_uniform", "lecun_normal", "lecun_uniform", "zero", "one", "glorot_uniform"),
        ),
    ):  # fmt: skip
        module = getattr(keras, kind)
        for name in names:
            try:
                found["{} {}".format(kind, name)] = module.serialize(module.get(name))
            except ValueError:
                found["{} {}".format(kind, name)] = "ValueError"
        try:
            found[kind + " none"] = module.get(None)
        except ValueError:
            found[kind + " none"] = "ValueError"
    return {"found": as_text(found)}
