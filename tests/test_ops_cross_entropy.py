"""Cross-entropies of softmax and sigmoid against NumPy, and against the chain of ops that they stand for."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.compiler.ops import cross_entropy
from tests.op_check import Case, Feed, check, name_of, variants


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def of_softmax(x, t):
    return -(t * np.log(np.clip(softmax(x), 1e-3, 1 - 1e-3))).sum(-1)


def of_sigmoid(x, t):
    x = np.clip(x, -4, 3)
    return np.log1p(np.exp(x)) - t * x


CASES = [
    Case(
        "onnxseq::SoftmaxCrossEntropy",
        lambda x, t: cross_entropy.of_softmax(x, t, 1e-3, 1 - 1e-3),
        [Feed(dims), Feed(dims, 0, 1)],
        of_softmax,
        label=f"rank {len(dims)}",
    )
    for dims in ((4,), (3, 4), (2, 3, 4))
] + [
    Case(
        "onnxseq::SoftmaxCrossEntropy",
        lambda x, t: cross_entropy.of_softmax(x, t, 1e-3, 1 - 1e-3),
        [Feed(values=[[0.0, 9.0, -1.0], [9.0, 1.0, 0.5]]), Feed((2, 3), 0, 1)],
        of_softmax,
        label="outside the limits",
    ),
    Case(
        "onnxseq::SigmoidCrossEntropy",
        lambda x, t: cross_entropy.of_sigmoid(x, t, -4.0, 3.0),
        [Feed((3, 5)), Feed((3, 5), 0, 1)],
        of_sigmoid,
    ),
    Case(
        "onnxseq::SigmoidCrossEntropy",
        lambda x, t: cross_entropy.of_sigmoid(x, t, -4.0, 3.0),
        [Feed(values=[[-9.0, -3.5, 9.0], [2.5, 4.0, -5.0]]), Feed((1, 3), 0, 1)],
        of_sigmoid,
        label="outside the limits",
    ),
    Case(
        "onnxseq::SigmoidCrossEntropy",
        lambda x, t: cross_entropy.of_sigmoid(x, t, -np.inf, np.inf),
        [Feed(values=[[-300.0, -3.5, 300.0]]), Feed((1, 3), 0, 1)],
        lambda x, t: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0) - t * x,
        label="no limits",
        order=0,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_an_op(run):
    check(*run)


@pytest.mark.parametrize(
    ("activation", "loss", "op"),
    [
        (K.softmax, K.categorical_crossentropy, "SoftmaxCrossEntropy"),
        (K.sigmoid, K.binary_crossentropy, "SigmoidCrossEntropy"),
    ],
)
# Probabilities near 1 are rounded in float32 before the chain takes 1 - p: only in float64 may some be at the limits.
@pytest.mark.parametrize(("dtype", "scale"), [("float32", 2), ("float64", 20)])
def test_it_stands_for_the_chain(activation, loss, op, dtype, scale):
    """Values and gradients are those of the activation and the loss recorded one by one."""
    rng = np.random.RandomState(0)
    x = K.variable(rng.randn(6, 5) * scale, dtype=dtype)
    target = K.constant(softmax(rng.randn(6, 5)), dtype=dtype)
    one = loss(target, K.identity(activation(x)))
    chain = loss(target, activation(x) * 1.0)
    assert (one.producer().op_type, chain.producer().op_type == op) == (op, False)
    of_one, of_chain = (K.eval(K.gradients(y, x)[0]) for y in (one, chain))
    tolerance = {"float32": 1e-4, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(K.eval(one), K.eval(chain), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(of_one, of_chain, rtol=tolerance, atol=tolerance)


def test_a_softmax_over_another_axis_is_left_alone():
    x = K.placeholder((2, 3, 4))
    over_rows = K.permute_dimensions(K.softmax(K.permute_dimensions(x, (0, 2, 1))), (0, 2, 1))
    assert K.categorical_crossentropy(x, over_rows).producer().op_type == "Neg"
