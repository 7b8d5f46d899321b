"""Random tensors: their distributions, streams and shapes."""

import math as numbers

import numpy as np
import pytest

from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import random, shape
from onnxseq.compiler.tensor import DTYPES, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

SIZE = 40000


DRAWN = [
    # (what, draw(target, seed), mean, standard deviation, least, most)
    ("uniform", lambda t, s: random.uniform(t, seed=s), 0.5, numbers.sqrt(1 / 12), 0, 1),
    ("uniform range", lambda t, s: random.uniform(t, -3, 1, seed=s), -1, 4 * numbers.sqrt(1 / 12), -3, 1),
    ("normal", lambda t, s: random.normal(t, 2.0, 3.0, seed=s), 2, 3, -15, 19),
    ("uniform from above", lambda t, s: random.uniform(t, 1, -3, seed=s), -1, 4 * numbers.sqrt(1 / 12), -3, 1),
    ("normal still", lambda t, s: random.normal(t, 2.0, 0.0, seed=s), 2, 0, 2, 2),
    ("normal negative", lambda t, s: random.normal(t, 2.0, -3.0, seed=s), 2, 3, -15, 19),
    ("truncated", lambda t, s: random.truncated_normal(t, 1.0, 0.5, seed=s), 1, 0.5 * 0.879626, 0, 2),
    ("binomial", lambda t, s: random.binomial(t, 0.9, seed=s), 0.9, 0.3, 0, 1),
    ("uniform double", lambda t, s: random.uniform(t, dtype="float64", seed=s), 0.5, numbers.sqrt(1 / 12), 0, 1),
    ("truncated double", lambda t, s: random.truncated_normal(t, dtype="float64", seed=s), 0, 0.879626, -2, 2),
    ("normal half", lambda t, s: random.normal(t, dtype="float16", seed=s), 0, 1, -6, 6),
]


@pytest.mark.parametrize("free", [False, True], ids=["static", "free"])
@pytest.mark.parametrize("row", DRAWN, ids=[r[0] for r in DRAWN])
def test_distribution(row, free):
    _, draw, mean, deviation, least, most = row
    x = placeholder("float32", ("batch", 100), "x")
    target = [shape.dim_of(x, 0), 100] if free else [SIZE // 100, 100]
    function = Function([x], [draw(target, 7)])
    values = np.concatenate([function([np.zeros((SIZE // 100, 100))])[0] for _ in range(2)]).astype("float64")
    assert values.shape == (2 * SIZE // 100, 100)
    assert abs(values.mean() - mean) <= 5 * deviation / numbers.sqrt(2 * SIZE)
    assert abs(values.std() - deviation) <= 0.02 * deviation
    assert values.min() >= least and values.max() <= most


def test_the_truncated_normal_has_the_right_quantiles():
    values = np.sort(Function([], [random.truncated_normal([SIZE], seed=11)])([])[0])
    for x in (-1.5, -1.0, -0.3, 0.0, 0.7, 1.2, 1.9):
        inside = numbers.erf(numbers.sqrt(2))
        expected = (numbers.erf(x / numbers.sqrt(2)) + inside) / (2 * inside)
        assert abs(np.searchsorted(values, x) / SIZE - expected) < 4 * 0.5 / numbers.sqrt(SIZE)


def test_every_node_has_its_own_stream():
    a, b = random.uniform([50], seed=1), random.uniform([50], seed=2)
    first, second = Function([], [a, b])([])
    assert not np.allclose(first, second)


def test_equal_seeds_give_equal_streams_that_advance():
    runs = [Function([], [random.normal([9], seed=5)]) for _ in range(2)]
    first = [f([])[0] for f in runs]
    assert np.array_equal(*first)
    assert not np.allclose(first[0], runs[0]([])[0])


def test_equal_nodes_stay_two():
    """Two draws in one graph are two nodes, even where their attributes agree."""
    a, b = random.uniform([20], seed=3), random.uniform([20], seed=3)
    nodes = [n for n in Function([], [a + 0.5 * b]).onnx_model().graph.node if n.op_type == "RandomUniform"]
    assert len(nodes) == 2


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 9999999])
def test_small_seeds_do_not_begin_near_zero(seed):
    values = [Function([], [random.uniform([], seed=s)])([])[0] for s in range(seed, seed + 4)]
    assert max(values) > 0.05


DOUBLE = int(DTYPES["float64"])


def hidden(draw):
    """Multiply random numbers away, so that the row has a reference."""
    return lambda x: draw(x) * 0 + x


def row(op, draw):
    return Case(op, hidden(draw), [Feed((2, 3))], lambda x: x, order=0, dtypes=())


LIKE = {"dtype": DOUBLE, "seed": 1.0}
CASES = [
    row("RandomUniform", lambda x: random.uniform_op(shape=[2, 3], low=0.0, high=1.0, **LIKE)),
    row("RandomNormal", lambda x: random.normal_op(shape=[2, 3], mean=0.0, scale=1.0, **LIKE)),
    row("RandomUniformLike", lambda x: random.uniform_like_op(x, low=0.0, high=1.0, **LIKE)),
    row("RandomNormalLike", lambda x: random.normal_like_op(x, mean=0.0, scale=1.0, **LIKE)),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)
