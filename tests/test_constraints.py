"""Constraints: values against NumPy, configs, names, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import constraints, registry, utils
from tests.value_check import check_values

EPSILON = 1e-7
RANDOM = np.random.RandomState(0)
MATRIX = RANDOM.randn(4, 3) * np.array([3.0, 0.2, 1.0])
KERNEL = RANDOM.randn(3, 2, 4, 5)
ZEROS = np.zeros((2, 2))


def _norm(w, axis):
    return np.sqrt(np.sum(w**2, axis=axis, keepdims=True))


def max_norm(w, max_value=2, axis=0):
    norm = _norm(w, axis)
    return w * np.clip(norm, 0, max_value) / (EPSILON + norm)


def unit_norm(w, axis=0):
    return w / (EPSILON + _norm(w, axis))


def min_max_norm(w, low=0.0, high=1.0, rate=1.0, axis=0):
    norm = _norm(w, axis)
    return w * (rate * np.clip(norm, low, high) + (1 - rate) * norm) / (EPSILON + norm)


# class, arguments, weight, NumPy formula
VALUES = [
    ("MaxNorm", {}, MATRIX, max_norm),
    ("MaxNorm", {}, ZEROS, max_norm),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}, MATRIX, lambda w: max_norm(w, 0.5, 1)),
    ("MaxNorm", {"axis": [0, 1, 2]}, KERNEL, lambda w: max_norm(w, 2, (0, 1, 2))),
    ("UnitNorm", {}, MATRIX, unit_norm),
    ("UnitNorm", {}, ZEROS, unit_norm),
    ("UnitNorm", {"axis": [0, 1]}, MATRIX, lambda w: unit_norm(w, (0, 1))),
    ("MinMaxNorm", {}, MATRIX, min_max_norm),
    ("MinMaxNorm", {"min_value": 0.5, "rate": 0.7}, MATRIX, lambda w: min_max_norm(w, 0.5, 1, 0.7)),
    ("MinMaxNorm", {"min_value": 0.5}, ZEROS, min_max_norm),
    ("NonNeg", {}, MATRIX, lambda w: np.maximum(w, 0)),
]

CONFIGS = {
    "MaxNorm": {"max_value": 2, "axis": 0},
    "MinMaxNorm": {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0},
    "NonNeg": {},
    "UnitNorm": {"axis": 0},
}
ALIASES = {"max_norm": "MaxNorm", "min_max_norm": "MinMaxNorm", "non_neg": "NonNeg", "unit_norm": "UnitNorm"}

RAISED = [
    (lambda: constraints.get("maxnorm"), ValueError,
     "constraint: unknown name 'maxnorm'; expected the name of a known constraint. Did you mean 'MaxNorm'?"),
    (lambda: constraints.get(4), ValueError,
     "constraint: 4; expected the name of a constraint, a config or a callable."),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, arguments, weight, reference", VALUES)
def test_values(name, arguments, weight, reference, dtype):
    check_values(getattr(constraints, name)(**arguments), reference, [weight], dtype)


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name):
    cls = getattr(constraints, name)
    written = {"class_name": name, "config": CONFIGS[name]}
    assert constraints.serialize(cls()) == written
    for identifier in (name, cls, cls(), written):
        assert constraints.serialize(constraints.get(identifier)) == written


def test_every_constraint_has_a_row():
    assert set(registry.names("constraint")) == set(CONFIGS) | set(ALIASES)
    assert {row[0] for row in VALUES} == set(CONFIGS)


def test_aliases():
    for alias, name in ALIASES.items():
        assert getattr(constraints, alias) is getattr(constraints, name)
        assert type(constraints.get(alias)) is getattr(constraints, name)
    assert constraints.get(None) is None
    assert constraints.serialize(None) is None


def test_the_users_own():
    def at_most_one(w):
        return K.minimum(w, 1.0)

    class AtMost(constraints.Constraint):
        def __init__(self, limit):
            self.limit = limit

        def __call__(self, w):
            return K.minimum(w, self.limit)

        def get_config(self):
            return {"limit": self.limit}

    with utils.custom_object_scope({"at_most_one": at_most_one, "AtMost": AtMost}):
        assert constraints.get("at_most_one") is at_most_one
        assert constraints.get(constraints.serialize(AtMost(3))).limit == 3
    check_values(constraints.get(AtMost(0.5)), lambda w: np.minimum(w, 0.5), [MATRIX])
    check_values(constraints.Constraint(), lambda w: w, [MATRIX])
    assert constraints.Constraint().get_config() == {}


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
