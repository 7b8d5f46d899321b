"""Factors of a loop's gradient: how products are regrouped, what stays, that values stay, how little a step does.

The checks find faults: each is planted in the module that is right but for it.
"""

import inspect
import types

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import factors, linalg, loop, math, reduction, shape
from onnxseq.compiler.tensor import placeholder
from tests.op_check import Case, Feed, check

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
    "a difference and behind it": ([(G * A - G * B) * A], ["Mul(g, Mul(Sub(a, b), a))"]),
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


def regrouped(values, by=factors):
    return by.regrouped(values, nodes_of(values), STATES)


def check_form(case, by=factors):
    """Raise AssertionError where products are not what they are to be, or become something else the second time."""
    values, expected = CASES[case]
    once = regrouped(values, by)
    assert [text(v) for v in once] == expected
    assert [text(v) for v in regrouped(once, by)] == expected


def check_values(case, by=factors):
    """Raise AssertionError where a value differs from what it was."""
    values, _ = CASES[case]
    inputs = [G, H, A, B, ROW, NUMBER, SINGLE]
    random = np.random.default_rng(1)
    arrays = [random.uniform(0.5, 2, x.dims).astype("float32") for x in inputs]
    found, wanted = (Function(inputs, list(v))(arrays) for v in (regrouped(values, by), values))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_products_are_regrouped(case):
    check_form(case)


@pytest.mark.parametrize("case", CASES)
def test_values_stay(case):
    check_values(case)


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


# -- gradients, and planted faults ----------------------------------------------------------------------------


def gated(x, k, h, c):
    """Products one after the other, with a sign, in sums of one state and of two, and read twice, in the gradient."""
    xt, kept, state, cell = (placeholder(v.element_type, dims) for v, dims in
                             ((x, x.dims[1:]), (k, k.dims[1:]), (h, h.dims), (c, c.dims)))  # fmt: skip
    z, n = math.sigmoid(xt + state), math.tanh(xt * state)
    new_cell = (cell * kept + xt) * kept + n * (1.0 - kept)
    new_state = z * state + (1.0 - z) * n
    return loop.loop([(state, h), (cell, c)], [(xt, x), (kept, k)], [new_state, new_cell], [])[0]


def gated_reference(x, k, h, c):
    for xt, kept in zip(x, k, strict=True):
        z, n = 1 / (1 + np.exp(-xt - h)), np.tanh(xt * h)
        h, c = z * h + (1 - z) * n, (c * kept + xt) * kept + n * (1 - kept)
    return [h, c]


def check_gradients(dtype="float64"):
    """Raise AssertionError where the loop's gradient is not the slope, or, in float32, not that of float64."""
    feeds = [Feed((6, 2, 3)), Feed((6, 2, 3), 0.2, 0.9), Feed((2, 3)), Feed((2, 3))]
    check(Case("onnxseq::Loop", gated, feeds, gated_reference), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients(dtype):
    check_gradients(dtype)


# label -> what stands in the module, what the fault makes of it, and the case of one step which must find it
VALUE_FAULTS = {
    "a sign is lost": ("(core, math.neg(factor))", "(core, factor)", "a sign"),
    "a sign is lost before another factor": ("(core, math.neg(factor))", "(core, factor)", "a sign between"),
    "factors of different values are added": ("if core is other and a", "if a", "two states stay"),
    "a sum is taken for a difference": ("return core, math.add(a, b)", "return core, math.sub(a, b)", "a sum"),
    "a sum forgets a value": ("return core, math.add(a, b)", "return core, a", "a sum"),
    "factors are added that follow one another": ("math.mul(factor, other)", "math.add(factor, other)", "three"),
    "the first factor is dropped": ("else math.mul(factor, other)", "else other", "one after the other"),
    "the second factor is dropped": ("else math.mul(factor, other)", "else factor", "from the left"),
    "a factor is dropped where a product is read twice": (
        "(whole(x), None)", "(products[x][0] if x in products else whole(x), None)", "read twice stays"),
    "a factor is dropped before another op": ("else math.mul(core, factor)", "else core", "below another op"),
}  # fmt: skip
# The same, of differences: no op's gradient has one between two products.
DIFFERENCE_FAULTS = {
    "a difference is taken for a sum": ("else math.sub(a, b)", "else math.add(a, b)", "a difference"),
    "a difference is turned round": ("else math.sub(a, b)", "else math.sub(b, a)", "a difference and behind it"),
}
# Here values stay, and the steps take longer.
FORM_FAULTS = {
    "a row of factors is regrouped": ("x is None or x.dims not in (y.dims, ())", "x is None", "a row of factors stays"),
    "a product that something else reads is regrouped": (" and reads[x] == 1", "", "read twice stays"),
    "a factor depends on a state": (" and other not in late", "", "a product of states"),
    "products are not found": ("if product is not None:", "if False:", "one after the other"),
}  # fmt: skip


def planted(fault):
    """Return the module with a fault in it."""
    old, new, _ = fault
    source = inspect.getsource(factors)
    assert source.count(old) == 1, f"{old!r} stands in the module {source.count(old)} times; expected once"
    module = types.ModuleType("planted")
    exec(compile(source.replace(old, new), "planted", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("label", [*VALUE_FAULTS, *DIFFERENCE_FAULTS])
def test_a_wrong_value_is_found(label):
    fault = {**VALUE_FAULTS, **DIFFERENCE_FAULTS}[label]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_values(fault[2], planted(fault))


@pytest.mark.parametrize("fault", VALUE_FAULTS.values(), ids=VALUE_FAULTS)
def test_a_wrong_gradient_is_found(fault, monkeypatch):
    monkeypatch.setattr(loop, "factors", planted(fault))
    with pytest.raises(AssertionError, match="slope of order 1 differs"):
        check_gradients()


@pytest.mark.parametrize("fault", FORM_FAULTS.values(), ids=FORM_FAULTS)
def test_a_wrong_form_is_found(fault):
    module = planted(fault)
    check_values(fault[2], module)
    with pytest.raises(AssertionError, match="At index 0 diff"):
        check_form(fault[2], module)
