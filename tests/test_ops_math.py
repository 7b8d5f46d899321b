"""Elementwise ops against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler.ops import math
from onnxseq.compiler.tensor import constant
from tests.op_check import Case, Feed, check, name_of, variants

X = Feed((3, 4))
AWAY = Feed((3, 4), apart=0.3)  # away from kinks at 0 and from ties
POSITIVE = Feed((3, 4), 0.5, 3.0)
HALF = ("float32", "float16")
INT = Feed((3, 4), -9, 9, dtype="int32")
BOOLS = Feed((3, 4), 0, 2, dtype="bool")


def sigmoid(x):
    return (1 + np.tanh(x / 2)) / 2


def unary(op, build, reference, feed=X, **more):
    return Case(op, build, [feed], reference, **more)


def pairs(op, build, reference, feeds, labels=("same", "row", "column", "scalar", "both"), **more):
    """Rows of a binary op for every way of broadcasting."""
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 3, 4), (3, 1)), ((3, 4), ()), ((3, 1), (1, 4))]
    return [
        Case(op, build, [Feed(s, **f) for s, f in zip(pair, feeds, strict=True)], reference, label=label, **more)
        for label, pair in zip(labels, shapes, strict=True)
    ]


ANY, ABOVE = {}, {"low": 0.5, "high": 3.0}


def winner_gradient(wins):
    def gradient(a, b, g):
        first = g * wins(a, b)
        return first, g - first

    return gradient


TIES = Feed(values=[[1.0, 2.0, 2.0], [0.0, -1.0, 5.0]]), Feed(values=[[1.0, 3.0, 2.0], [0.0, -2.0, 4.0]])

CASES = [
    *pairs("Add", math.add, np.add, (ANY, ANY), dtypes=HALF),
    *pairs("Sub", math.sub, np.subtract, (ANY, ANY), dtypes=HALF),
    *pairs("Mul", math.mul, np.multiply, (ANY, ANY), dtypes=HALF),
    *pairs("Div", math.div, np.divide, (ANY, ABOVE), dtypes=HALF),
    *pairs("Pow", math.pow, np.power, (ABOVE, ANY)),
    Case("Pow", lambda x: math.pow(x, 3), [AWAY], lambda x: x**3, label="negative base"),
    Case("Pow", lambda x: math.pow(x, 1.5), [POSITIVE], lambda x: x**1.5, label="fractional exponent"),
    Case("Pow", lambda x: math.pow(2.0, x), [X], lambda x: 2.0**x, label="constant base"),
    Case("Mul", lambda x: math.pow(x, 2), [X], lambda x: x**2, label="as a square"),
    Case("Sqrt", lambda x: math.pow(x, 0.5), [POSITIVE], np.sqrt, label="as a power"),
    Case("Max", math.maximum, [AWAY, Feed((3, 4), -0.05, 0.05)], np.maximum, order=2),
    Case("Min", math.minimum, [AWAY, Feed((3, 4), -0.05, 0.05)], np.minimum, order=2),
    Case("Max", math.maximum, TIES, np.maximum, label="ties", gradient=winner_gradient(np.greater_equal)),
    Case("Min", math.minimum, TIES, np.minimum, label="ties", gradient=winner_gradient(np.less_equal)),
    Case("Max", lambda x: math.maximum(x, 0.0), [AWAY], lambda x: np.maximum(x, 0), label="scalar"),
    Case("Mod", math.remainder, [INT, Feed((3, 4), 1, 5, dtype="int32")], np.mod, label="integers", order=0),
    Case("Mod", math.remainder, [INT, Feed((3, 4), -5, 0, dtype="int32")], np.mod, label="negative divisor", order=0),
    Case("Div", math.floor_divide, [INT, Feed((3, 4), 1, 5, dtype="int32")], np.floor_divide, label="floor", order=0),
    Case("Floor", math.remainder, [Feed((3, 4), 0.1, 0.9), POSITIVE], np.mod, label="remainder"),
    Case("Floor", math.floor_divide, [X, POSITIVE], np.floor_divide, label="divide", order=0),
    unary("Neg", math.neg, np.negative, dtypes=HALF),
    unary("Neg", math.neg, np.negative, INT, label="integers", order=0),
    unary("Abs", math.absolute, np.abs, AWAY, dtypes=HALF),
    unary("Sign", math.sign, np.sign, AWAY),
    unary("Floor", math.floor, np.floor, AWAY),
    unary("Ceil", math.ceil, np.ceil, AWAY),
    unary("Round", math.round, np.round, AWAY),
    unary("Round", math.round, np.round, Feed(values=[0.5, 1.5, 2.5, -0.5]), label="halves", order=0),
    unary("Sqrt", math.sqrt, np.sqrt, POSITIVE, dtypes=HALF),
    unary("Exp", math.exp, np.exp, dtypes=HALF),
    unary("Log", math.log, np.log, POSITIVE, dtypes=HALF),
    unary("Sin", math.sin, np.sin),
    Case(
        "Cos",
        lambda x: math.cast(math.cos(math.cast(x, "float32")), "float64"),
        [X],
        np.cos,
        order=1,
        gradient=lambda x, g: -g * np.sin(x),
        dtypes=(),
        tolerance=1e-6,
    ),
    unary("Sin", math.cos, np.cos, label="as a cosine", dtypes=()),
    unary("Tanh", math.tanh, np.tanh, dtypes=HALF),
    unary("Sigmoid", math.sigmoid, sigmoid, dtypes=HALF),
    unary("Sigmoid", math.sigmoid, sigmoid, Feed(values=[-800.0, 0.0, 800.0]), label="far out", order=0),
    unary("Reciprocal", math.reciprocal, lambda x: 1 / x, POSITIVE),
    unary("Relu", math.relu, lambda x: np.maximum(x, 0), AWAY, dtypes=HALF),
    unary("Relu", math.relu, lambda x: x, Feed((0, 3)), label="empty", order=0),
    Case(
        "Relu",
        math.relu,
        [Feed(values=[-1.0, 0.0, 1e-30, 2.0])],
        lambda x: np.maximum(x, 0),
        label="at 0",
        gradient=lambda x, g: g * (x > 0),
    ),
    Case("onnxseq::ReluGate", math.relu_gate, [X, AWAY], lambda g, y: g * (y > 0)),
    unary(
        "HardSigmoid", lambda x: math.hard_sigmoid(x, alpha=0.2, beta=0.5), lambda x: np.clip(0.2 * x + 0.5, 0, 1), AWAY
    ),
    unary(
        "HardSigmoid",
        lambda x: math.hard_sigmoid(x, alpha=0.2, beta=0.5),
        lambda x: np.clip(0.2 * x + 0.5, 0, 1),
        Feed((4, 3), apart=1.3),
        label="saturated",
    ),
    unary("onnxseq::Softplus", math.softplus, lambda x: np.logaddexp(0, x), Feed((3, 5), apart=0.7)),
    unary(
        "onnxseq::Softplus",
        math.softplus,
        lambda x: np.logaddexp(0, x),
        Feed(values=[-900.0, 0.0, 900.0]),
        label="far out",
        gradient=lambda x, g: g * np.array([0, 0.5, 1]),
    ),
    unary("Clip", lambda x: math.clip(x, -0.7, 1.0), lambda x: np.clip(x, -0.7, 1.0), AWAY, dtypes=HALF),
    unary(
        "Clip",
        lambda x: math.clip(x, -1.0, 1.0),
        lambda x: np.clip(x, -1, 1),
        Feed(values=[-2.0, -1.0, 0.0, 1.0, 2.0]),
        label="at the bounds",
        gradient=lambda x, g: g * [0, 1, 1, 1, 0],
    ),
    Case("Equal", math.equal, [INT, INT], np.equal, order=0),
    Case("Equal", math.equal, TIES, np.equal, label="floats", order=0),
    Case("Equal", math.equal, [BOOLS, BOOLS], np.equal, label="bools", order=0),
    Case("Not", math.not_equal, TIES, np.not_equal, order=0),
    Case("Greater", math.greater, TIES, np.greater, order=0),
    Case("Less", math.less, TIES, np.less, order=0),
    Case("GreaterOrEqual", math.greater_equal, TIES, np.greater_equal, order=0),
    Case("LessOrEqual", math.less_equal, TIES, np.less_equal, order=0),
    Case("Greater", math.greater, [Feed((2, 3)), Feed((3,))], np.greater, label="broadcast", order=0),
    Case("And", math.logical_and, [BOOLS, Feed((3, 4), 0, 2, dtype="bool")], np.logical_and, order=0),
    Case("Or", math.logical_or, [BOOLS, Feed((4,), 0, 2, dtype="bool")], np.logical_or, order=0),
    unary("Not", math.logical_not, np.logical_not, BOOLS, label="alone", order=0),
    unary("IsNaN", math.is_nan, np.isnan, Feed(values=[np.nan, 1.0, np.inf]), order=0),
    Case("Where", math.where, [BOOLS, X, X], np.where),
    Case(
        "Where",
        lambda c, a: math.where(c, a, 0.0),
        [Feed((3, 1), 0, 2, dtype="bool"), Feed((2, 3, 4))],
        lambda c, a: np.where(c, a, 0),
        label="broadcast",
    ),
    unary("Cast", lambda x: math.cast(x, "int32"), lambda x: x.astype("int32"), AWAY, order=0),
    unary(
        "Cast",
        lambda x: math.cast(math.cast(x, "float32"), "float64"),
        lambda x: x.astype("float32"),
        AWAY,
        label="to float32 and back",
        order=1,
        gradient=lambda x, g: g.astype("float32"),
        dtypes=(),
        tolerance=1e-6,
    ),
    unary("Cast", lambda x: math.cast(x, "float64"), lambda x: x.astype("float64"), BOOLS, label="of bools", order=0),
    unary("onnxseq::StopGradient", lambda x: x * math.stop_gradient(x), np.square, gradient=lambda x, g: g * x),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


MESSAGES = [
    (
        lambda: math.exp(constant([1, 2])),
        TypeError,
        "Exp: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
    (
        lambda: math.add(constant(np.zeros((2, 3))), constant(np.zeros((4,)))),
        ValueError,
        "Add: shapes (2, 3) and (4,) do not broadcast; "
        "expected equal sizes, or 1, on every axis counted from the last.",
    ),
    (
        lambda: math.logical_and(constant([1.0]), constant([1.0])),
        TypeError,
        "And: an input has dtype float32; expected bool.",
    ),
    (
        lambda: math.where_op(constant([1.0]), constant([1.0]), constant([1.0])),
        TypeError,
        "Where: the condition has dtype float32; expected bool.",
    ),
    (lambda: math.add_op(constant([1.0]), 2), TypeError, "Add: an input is 2, a int; expected a tensor."),
    (
        lambda: math.add(constant([1.0], name="a"), constant([1], name="b")),
        TypeError,
        "Add: inputs have different dtypes (a of float32, b of int32); expected one dtype. Use K.cast().",
    ),
]


@pytest.mark.parametrize("call, kind, text", MESSAGES, ids=[m[2][:20] for m in MESSAGES])
def test_message(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text
