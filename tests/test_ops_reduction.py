"""Reductions against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import math, reduction
from onnxseq.compiler.tensor import constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

X = Feed((2, 3, 4))
APART = Feed((2, 3, 4), apart=0.1)
POSITIVE = Feed((2, 3, 4), 0.5, 2.0)
TIES = Feed(values=[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, 0.0, -2.0]])
HALF = ("float32", "float16")


def rows(op, build, reference, feed=X, what="", **more):
    """Rows of a reduction: all axes, one, some, kept."""

    def over(axes, keepdims):
        return (lambda x: build(x, axes, keepdims)), (lambda x: reference(x, axis=axes, keepdims=keepdims))

    choices = {
        "all": (None, False),
        "last": (-1, False),
        "first": (0, True),
        "some": ((0, 2), False),
        "kept": (None, True),
    }
    return [Case(op, *both(over(*choice), feed), label=f"{what}{label}", **more) for label, choice in choices.items()]


def both(functions, feed):
    return functions[0], [feed], functions[1]


def logsumexp(x, axis, keepdims):
    top = np.max(x, axis=axis, keepdims=True)
    found = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return found if keepdims else np.squeeze(found, axis)


def shared(reduce):
    """Ties share the cotangent in equal parts."""

    def gradient(x, g):
        winners = x == reduce(x, axis=1, keepdims=True)
        return winners / winners.sum(axis=1, keepdims=True) * g[:, None]

    return gradient


def others(x, g):
    return g[:, None] * np.array([[np.prod(np.delete(row, i)) for i in range(len(row))] for row in x])


CASES = [
    *rows("ReduceSum", reduction.sum, np.sum, dtypes=HALF),
    *rows("ReduceMean", reduction.mean, np.mean, dtypes=HALF),
    *rows("ReduceMax", reduction.max, np.max, APART),
    *rows("ReduceMin", reduction.min, np.min, APART),
    *rows("onnxseq::DoubleProd", reduction.prod, np.prod, POSITIVE),
    Case(
        "ReduceProd",
        lambda x: math.cast(reduction.prod(math.cast(x, "float32"), 1), "float64"),
        [POSITIVE],
        lambda x: x.prod(1),
        gradient=lambda x, g: g[:, None] * x.prod(1, keepdims=True) / x,
        dtypes=(),
        tolerance=1e-6,
    ),
    *rows("ReduceLogSumExp", reduction.logsumexp, logsumexp),
    *rows(
        "ReduceMean",
        reduction.variance,
        lambda x, axis, keepdims: np.var(x, axis=axis, keepdims=keepdims),
        what="variance ",
        tolerance=1e-6,
    ),
    Case("ReduceSum", lambda x: reduction.sum(x * x, 1), [X], lambda x: (x * x).sum(1), label="of squares"),
    Case(
        "ReduceMean", lambda x: reduction.mean(x * x, [0, 1]), [X], lambda x: (x * x).mean((0, 1)), label="of squares"
    ),
    Case("ReduceSum", lambda x: reduction.sum(x, 0), [Feed((0, 3))], lambda x: x.sum(0), label="empty", order=1),
    Case(
        "ReduceSum",
        lambda x: reduction.sum(x),
        [Feed((2, 3), -9, 9, dtype="int32")],
        lambda x: np.sum(x, dtype="int32"),
        label="integers",
        order=0,
    ),
    Case(
        "ReduceProd",
        lambda x: reduction.prod(x, 0),
        [Feed((3, 2), -9, 9, dtype="int64")],
        lambda x: np.prod(x, 0),
        label="integers",
        order=0,
    ),
    Case("ReduceMax", lambda x: reduction.max(x, 1), [TIES], lambda x: x.max(1), label="ties", gradient=shared(np.max)),
    Case("ReduceMin", lambda x: reduction.min(x, 1), [TIES], lambda x: x.min(1), label="ties", gradient=shared(np.min)),
    Case(
        "onnxseq::ReduceMaxGrad",
        lambda x, g: reduction.max_grad_op(x, reduction.max(x, 1, keepdims=True), g, axes=[1]),
        [Feed((4, 3), apart=0.1), Feed((4, 1))],
        lambda x, g: g * (x == x.max(1, keepdims=True)),
    ),
    Case(
        "onnxseq::DoubleProd",
        lambda x: reduction.prod(x, 1),
        [Feed(values=[[2.0, 0.0, 3.0], [0.0, 0.0, 4.0], [1.0, 2.0, 5.0]])],
        lambda x: x.prod(1),
        label="zeros",
        gradient=others,
    ),
    Case(
        "ReduceLogSumExp",
        lambda x: reduction.logsumexp(x, 1),
        [Feed(values=[[1000.0, 1000.0], [-1000.0, -1000.0], [0.0, 5.0]])],
        lambda x: np.logaddexp(x[:, 0], x[:, 1]),
        label="far out",
        dtypes=HALF,
    ),
    Case(
        "ReduceMin",
        lambda x: reduction.all(x, 0),
        [Feed((2, 9), 0, 2, dtype="bool")],
        lambda x: x.all(0),
        label="of bools",
        order=0,
    ),
    Case(
        "ReduceMax",
        lambda x: reduction.any(x, 0),
        [Feed((2, 9), 0, 2, dtype="bool")],
        lambda x: x.any(0),
        label="of bools",
        order=0,
    ),
    Case("ArgMax", lambda x: reduction.argmax(x, 1), [TIES], lambda x: x.argmax(1), order=0),
    Case(
        "ArgMax",
        lambda x: reduction.argmax(x, 0, keepdims=True),
        [X],
        lambda x: x.argmax(0)[None],
        label="kept",
        order=0,
    ),
    Case("ArgMin", lambda x: reduction.argmin(x), [TIES], lambda x: x.argmin(-1), order=0),
    Case("CumSum", lambda x: reduction.cumsum(x, 1), [X], lambda x: x.cumsum(1), order=1),
    Case("CumSum", lambda x: reduction.cumsum(x * x, -1), [X], lambda x: (x * x).cumsum(-1), label="of squares"),
    Case(
        "onnxseq::DoubleProd",
        lambda x: reduction.prod(reduction.cumprod(x, 1), [0, 1]),
        [Feed((2, 3), 0.5, 2.0)],
        lambda x: x.cumprod(1).prod(),
        label="of running products",
        free=False,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


@pytest.mark.parametrize("axes, count", [(None, 24), ([1], 3), ([0, 2], 8), ([2], 4)])
def test_count(axes, count):
    x = placeholder("float32", ("a", 3, "b"), "x")
    assert Function([x], [reduction.count_of(x, axes)])([np.zeros((2, 3, 4))])[0] == count


def test_a_mean_of_more_elements_than_float16_counts():
    x = placeholder("float16", ("a",), "x")
    mean = reduction.mean(x)
    size = 70000
    gradient = Function([x], autodiff.gradients(mean, [x]))([np.ones(size)])[0]
    assert np.allclose(gradient.astype("float64"), 1 / size, rtol=1e-2)


def test_nothing_is_recorded_over_no_axes():
    x = constant([1.0, 2.0])
    assert reduction.sum(x, []) is x


def test_axis_outside_the_rank():
    with pytest.raises(ValueError) as caught:
        reduction.sum(constant(np.zeros((2, 3))), 2)
    assert str(caught.value) == "ReduceSum: axis 2 is outside a tensor of rank 2; expected -2 to 1."
