"""Regularizers: values and gradients against NumPy, configs, names, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import registry, regularizers, utils
from tests.value_check import check_values, compute

W = np.array([[1.0, -2.0, 0.5], [3.0, -0.25, 4.0]])

# name -> how to build it, its two factors
FACTORS = {
    "L1L2": (lambda: regularizers.L1L2(0.1, 0.2), 0.1, 0.2),
    "l1": (lambda: regularizers.l1(0.1), 0.1, 0.0),
    "l2": (lambda: regularizers.l2(0.1), 0.0, 0.1),
    "l1_l2": (lambda: regularizers.l1_l2(0.3, 0.4), 0.3, 0.4),
}
DEFAULTS = {"L1L2": (0.0, 0.0), "l1": (0.01, 0.0), "l2": (0.0, 0.01), "l1_l2": (0.01, 0.01)}

RAISED = [
    (lambda: regularizers.get("l3"), ValueError,
     "regularizer: unknown name 'l3'; expected the name of a known regularizer. "
     "Pass your own regularizer in custom_objects."),
    (lambda: regularizers.get(3), ValueError,
     "regularizer: 3; expected the name of a regularizer, a config or a callable."),
]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", FACTORS)
def test_values(name, dtype):
    build, l1, l2 = FACTORS[name]
    check_values(lambda w: build()(w), lambda w: l1 * np.sum(np.abs(w)) + l2 * np.sum(w**2), [W], dtype)


@pytest.mark.parametrize("name", FACTORS)
def test_gradients(name):
    build, l1, l2 = FACTORS[name]
    got = compute(lambda w: K.gradients(build()(w), [w])[0], W)
    np.testing.assert_allclose(got, l1 * np.sign(W) + 2 * l2 * W, rtol=1e-6)


def test_no_factor_is_no_penalty():
    assert K.eval(regularizers.L1L2()(K.constant(W))) == 0
    assert regularizers.Regularizer()(K.constant(W)) == 0


@pytest.mark.parametrize("name", DEFAULTS)
def test_configs(name):
    l1, l2 = (float(np.float32(factor)) for factor in DEFAULTS[name])
    written = {"class_name": "L1L2", "config": {"l1": l1, "l2": l2}}
    factory = getattr(regularizers, name)
    assert regularizers.serialize(factory()) == written
    for identifier in (name, factory, factory(), written):
        assert regularizers.serialize(regularizers.get(identifier)) == written


def test_every_regularizer_has_a_row():
    assert set(registry.names("regularizer")) == set(FACTORS) == set(DEFAULTS)


def test_the_users_own():
    def largest(w):
        return K.max(K.abs(w))

    class Fourth(regularizers.Regularizer):
        def __init__(self, factor=1.0):
            self.factor = factor

        def __call__(self, x):
            return self.factor * K.sum(K.square(K.square(x)))

        def get_config(self):
            return {"factor": self.factor}

    assert regularizers.get(None) is None
    assert regularizers.serialize(None) is None
    assert regularizers.get(largest) is largest
    with utils.custom_object_scope({"largest": largest, "Fourth": Fourth}):
        assert regularizers.get("largest") is largest
        assert regularizers.get(regularizers.serialize(Fourth(0.5))).factor == 0.5
    check_values(Fourth(0.5), lambda w: 0.5 * np.sum(w**4), [W])


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
