"""Factors of a loop's gradient: how products are regrouped, what stays, that values stay, how little a step does."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import factors, linalg, loop, math, reduction, shape
from onnxseq.compiler.tensor import placeholder

G, H, A, B = (placeholder("float32", (2, 3), name) for name in "ghab")
ROW = placeholder("float32", (3,), "row")
NUMBER, SINGLE = placeholder("float32", (), "number"), placeholder("float32", (), "single")
STATES = [G, H, SINGLE]


def twice():
    product = G * A
    return [product * B, math.tanh(product)]


# label -> values of a step, and what they are when regrouped
CASES = {
    "one after the other": ([(G * A) * B], ["Mul(g, Mul(a, b))"]),
    "from the left": ([B * (A * G)], ["Mul(g, Mul(a, b))"]),
    "three": ([((G * A) * B) * A], ["Mul(g, Mul(Mul(a, b), a))"]),
    "a sign": ([-(G * A)], ["Mul(g, Neg(a))"]),
    "a sign between": ([(-(G * A)) * B], ["Mul(g, Mul(Neg(a), b))"]),
    "a sum": ([G * A + G * B], ["Mul(g, Add(a, b))"]),
    "a difference": ([G * A - B * G], ["Mul(g, Sub(a, b))"]),
    "a sum and behind it": ([(G * A - G * B) * A], ["Mul(g, Mul(Sub(a, b), a))"]),
    "behind another op": ([(math.tanh(G * A) * A) * B], ["Mul(Tanh(Mul(g, a)), Mul(a, b))"]),
    "below another op": ([math.tanh((G * A) * B)], ["Tanh(Mul(g, Mul(a, b)))"]),
    "a product of states": ([((G * H) * A) * B], ["Mul(Mul(g, h), Mul(a, b))"]),
    "no state stays": ([A * B, G * A], ["Mul(a, b)", "Mul(g, a)"]),
    "read twice stays": (twice(), ["Mul(Mul(g, a), b)", "Tanh(Mul(g, a))"]),
    "a state alone stays": ([G, -G, G + G * A], ["g", "Neg(g)", "Add(g, Mul(g, a))"]),
    "two states stay": ([G * A + H * B], ["Add(Mul(g, a), Mul(h, b))"]),
    "a number": ([(G * NUMBER) * A], ["Mul(g, Mul(number, a))"]),
    "a number behind": ([(G * A) * NUMBER + G * NUMBER], ["Mul(g, Add(Mul(a, number), number))"]),
    "a state that is a number stays": ([(SINGLE * A) * B], ["Mul(Mul(single, a), b)"]),
    "a row of factors stays": ([(G * ROW) * A], ["Mul(Mul(g, row), a)"]),
}


def text(x):
    node = x.producer()
    return x.name if node is None else f"{node.op_type}({', '.join(map(text, node.inputs))})"


def nodes_of(values):
    found = {}

    def visit(x):
        node = x.producer()
        if node is not None and node not in found:
            for y in node.inputs:
                visit(y)
            if any(y in STATES or found.get(y.producer()) for y in node.inputs):
                found[node] = True

    for value in values:
        visit(value)
    return list(found)


def regrouped(values):
    return factors.regrouped(values, nodes_of(values), STATES)


@pytest.mark.parametrize("case", CASES)
def test_products_are_regrouped(case):
    values, expected = CASES[case]
    once = regrouped(values)
    assert [text(v) for v in once] == expected
    assert [text(v) for v in regrouped(once)] == expected


@pytest.mark.parametrize("case", CASES)
def test_values_stay(case):
    values, _ = CASES[case]
    inputs = [G, H, A, B, ROW, NUMBER, SINGLE]
    random = np.random.default_rng(1)
    arrays = [random.uniform(0.5, 2, x.dims).astype("float32") for x in inputs]
    found, wanted = (Function(inputs, list(v))(arrays) for v in (regrouped(values), values))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_absent_values_stay_absent():
    assert factors.regrouped([None, G], [], STATES) == [None, G]


def test_whole_numbers_stay():
    count, by = placeholder("int32", (2,), "count"), placeholder("int32", (2,), "by")
    product = (count * by) * by
    nodes = [product.producer().inputs[0].producer(), product.producer()]
    assert text(factors.regrouped([product], nodes, [count])[0]) == "Mul(Mul(count, by), by)"


def step_back(kind):
    """Return the ops of a step of the gradient of an LSTM or a GRU."""
    x, h, u = (placeholder("float32", dims) for dims in ((9, 2, 16), (2, 4), (4, 16)))
    xt, state = placeholder("float32", (2, 16)), placeholder("float32", (2, 4))
    if kind == "lstm":
        cell = placeholder("float32", (2, 4))
        i, f, c, o = shape.split(xt + linalg.matmul(state, u), [4] * 4, 1)
        new_cell = math.sigmoid(f) * cell + math.sigmoid(i) * math.tanh(c)
        new = math.sigmoid(o) * math.tanh(new_cell)
        finals, _, _ = loop.loop([(state, h), (cell, h)], [(xt, x)], [new, new_cell], [])
    else:
        z, r, n, _ = shape.split(xt, [4] * 4, 1)
        uz, ur, un, _ = shape.split(u, [4] * 4, 1)
        z, r = math.sigmoid(z + linalg.matmul(state, uz)), math.sigmoid(r + linalg.matmul(state, ur))
        n = math.tanh(n + linalg.matmul(r * state, un))
        finals, _, _ = loop.loop([(state, h)], [(xt, x)], [z * state + (1.0 - z) * n], [])
    gradients = autodiff.gradients(reduction.sum(finals[0]), [x, h, u])
    scans = [n for n in Function([x, h, u], gradients).onnx_model().graph.node if n.op_type == "Scan"]
    return [node.op_type for node in scans[-1].attribute[0].g.node]


@pytest.mark.parametrize("kind, products", [("lstm", 6), ("gru", 5)])
def test_a_step_back_multiplies_once_per_value(kind, products):
    ops = step_back(kind)
    assert ops.count("Mul") == products
    assert not {"Neg", "Sub", "Sigmoid", "Tanh"} & set(ops)
