"""Loops that are ONNX's recurrent ops, and loops that are not: what they become, and their values beside a Scan's."""

import functools

import numpy as np
import pytest

from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import index, linalg, loop, math, nn, shape
from onnxseq.compiler.targets import PORTABLE, Target
from onnxseq.compiler.tensor import Variable, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

UNITS = 3


def element(sequence):
    return placeholder(sequence.element_type, sequence.dims[1:])


def recorded(step, x, states, backwards=False):
    """The last states and the first state of every step."""
    xt, inner = element(x), [placeholder(s.element_type, s.dims) for s in states]
    new = step(xt, *inner)
    pairs = list(zip(inner, states, strict=True))
    finals, outputs, _ = loop.loop(pairs, [(xt, x)], new, [new[0]], backwards=backwards)
    return [*finals, *outputs]


def rnn(x, h, w, u, b, activation=math.tanh, **how):
    return recorded(lambda xt, s: [activation(linalg.matmul(xt, w) + linalg.matmul(s, u) + b)], x, [h], **how)


def lstm(x, h, c, w, u, b, gate=math.sigmoid, shown=math.tanh, order=(0, 1, 2, 3), turned=False, **how):
    def step(xt, *states):
        state, cell = states[::-1] if turned else states
        z = shape.split(linalg.matmul(xt, w) + linalg.matmul(state, u) + b, [UNITS] * 4, 1)
        i, o, f, n = (z[k] for k in order)
        new_cell = math.tanh(n) * gate(i) + cell * gate(f)
        new = [gate(o) * shown(new_cell), new_cell]
        return new[::-1] if turned else new

    return recorded(step, x, [c, h] if turned else [h, c], **how)


def gru(x, h, w, u, b, after=None, gate=math.sigmoid, mixed=lambda z, h, n: z * h + (1.0 - z) * n, **how):
    def step(xt, s):
        z, r, n = shape.split(linalg.matmul(xt, w) + b, [UNITS] * 3, 1)
        of_z, of_r, of_n = shape.split(u, [UNITS] * 3, 1)
        z, r = gate(z + linalg.matmul(s, of_z)), gate(r + linalg.matmul(s, of_r))
        if after is None:
            n = math.tanh(n + linalg.matmul(r * s, of_n))
        else:
            n = math.tanh(n + r * (linalg.matmul(s, of_n) + after))
        return [mixed(z, s, n)]

    return recorded(step, x, [h], **how)


# -- the same in NumPy ----------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def hard(z):
    return np.clip(0.2 * z + 0.5, 0, 1)


def stepped(step, x, states, backwards=False):
    every = [None] * len(x)
    for t in reversed(range(len(x))) if backwards else range(len(x)):
        states = step(x[t], *states)
        every[t] = states[0]
    return [*states, np.array(every)]


def rnn_reference(x, h, w, u, b, activation=np.tanh, **how):
    return stepped(lambda xt, s: [activation(xt @ w + s @ u + b)], x, [h], **how)


def lstm_reference(x, h, c, w, u, b, gate=sigmoid, **how):
    def step(xt, h, c):
        i, o, f, n = np.split(xt @ w + h @ u + b, 4, 1)
        c = gate(f) * c + gate(i) * np.tanh(n)
        return [gate(o) * np.tanh(c), c]

    return stepped(step, x, [h, c], **how)


def gru_reference(x, h, w, u, b, after=None, **how):
    def step(xt, h):
        z, r, n = np.split(xt @ w + b, 3, 1)
        z, r = sigmoid(z + h @ u[:, :UNITS]), sigmoid(r + h @ u[:, UNITS : 2 * UNITS])
        seen = (r * h) @ u[:, -UNITS:] if after is None else r * (h @ u[:, -UNITS:] + after)
        return [z * h + (1 - z) * np.tanh(n + seen)]

    return stepped(step, x, [h], **how)


def first_rows(x, count, w, u, b):
    rows = x[:, :count]
    return rnn(rows, rows[0, :, :UNITS], w, u, b)


def feeds(gates, states=1, more=()):
    width = gates * UNITS
    state = [Feed((5, UNITS))] * states
    return [Feed((7, 5, 4)), *state, Feed((4, width)), Feed((UNITS, width)), Feed((width,)), *more]


def hard_gate(x):
    return math.hard_sigmoid(x, alpha=0.2, beta=0.5)


CASES = [
    Case("onnxseq::Loop", rnn, feeds(1), rnn_reference, label="an RNN", order=1),
    Case(
        "onnxseq::Loop",
        first_rows,
        [Feed((7, 5, 4)), Feed(values=3, dtype="int64"), *feeds(1)[2:]],
        lambda x, count, w, u, b: rnn_reference(x[:, :count], x[0, :count, :UNITS], w, u, b),
        label="an RNN of a batch of no known size",
        order=1,
    ),
    Case("onnxseq::Loop", lstm, feeds(4, 2), lstm_reference, label="an LSTM", order=1),
    Case("onnxseq::Loop", gru, feeds(3), gru_reference, label="a GRU", order=1),
    Case(
        "onnxseq::Loop",
        lambda *x: gru(*x, backwards=True),
        feeds(3, more=[Feed((UNITS,))]),
        lambda *x: gru_reference(*x, backwards=True),
        label="a GRU that resets after the product",
        order=1,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_row(run):
    check(*run)


# -- which op -------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "tanh": math.tanh,
    "sigmoid": math.sigmoid,
    "relu": math.relu,
    "hard sigmoid": hard_gate,
    "linear": lambda x: x,
    "softplus": math.softplus,
    "softsign": nn.softsign,
    "elu": lambda x: nn.elu(x, 0.7),
    "leaky relu": lambda x: nn.leaky_relu(x, 0.3),
}


class Tensors:
    """What the loops below are made from, in one dtype: sequences, states, weights."""

    def __init__(self, dtype, batch="batch"):
        draw = np.random.RandomState(0).uniform
        self.x = placeholder(dtype, ("steps", batch, 4), "x")
        self.h, self.c = (placeholder(dtype, (batch, UNITS), name) for name in "hc")
        sizes = {"rnn": 1, "gru": 3, "lstm": 4}
        shapes = {k: ((4, n * UNITS), (UNITS, n * UNITS), (n * UNITS,)) for k, n in sizes.items()}
        for name, dims in shapes.items():
            setattr(self, name, [Variable(draw(-0.6, 0.6, d).astype("float32").astype(dtype)) for d in dims])
        self.row = Variable(draw(-0.6, 0.6, UNITS).astype("float32").astype(dtype))

    def step(self, new):
        return recorded(lambda xt, s: [new(xt, s)], self.x, [self.h])

    def plain(self, xt, s):
        return linalg.matmul(xt, self.rnn[0]) + linalg.matmul(s, self.rnn[1])


def _named(kind, build):
    """One row for each activation, which ``build`` is given."""
    return {f"{kind} of {name}": (functools.partial(build, f), kind) for name, f in ACTIVATIONS.items()}


FORMS = {
    # name: (what is recorded from Tensors, the one op that is left of the loop)
    **_named("RNN", lambda f, t: rnn(t.x, t.h, *t.rnn, activation=f)),
    **_named("LSTM", lambda f, t: lstm(t.x, t.h, t.c, *t.lstm, shown=f)),
    **_named("GRU", lambda f, t: gru(t.x, t.h, *t.gru, gate=f)),
    "LSTM of hard gates": (lambda t: lstm(t.x, t.h, t.c, *t.lstm, gate=hard_gate), "LSTM"),
    "LSTM of another order": (lambda t: lstm(t.x, t.h, t.c, *t.lstm, order=(2, 0, 3, 1)), "LSTM"),
    "LSTM backwards": (lambda t: lstm(t.x, t.h, t.c, *t.lstm, backwards=True), "LSTM"),
    "LSTM with the cell first": (lambda t: lstm(t.x, t.h, t.c, *t.lstm, turned=True)[:2], "LSTM"),
    "LSTM whose cells are asked for": (lambda t: lstm(t.x, t.h, t.c, *t.lstm, turned=True), "Scan"),
    "GRU backwards": (lambda t: gru(t.x, t.h, *t.gru, backwards=True), "GRU"),
    "GRU with a reset after": (lambda t: gru(t.x, t.h, *t.gru, after=t.row), "GRU"),
    "GRU the other way round": (
        lambda t: gru(t.x, t.h, *t.gru, mixed=lambda z, h, n: (1.0 - z) * h + z * n),
        "Scan",
    ),
    "GRU of more than one": (lambda t: gru(t.x, t.h, *t.gru, mixed=lambda z, h, n: z * h + (1.5 - z) * n), "Scan"),
    "GRU that forgets": (lambda t: gru(t.x, t.h, *t.gru, mixed=lambda z, h, n: (1.0 - z) * n), "Scan"),
    "RNN of what was reversed": (lambda t: rnn(index.reverse(t.x, [0]), t.h, *t.rnn), "RNN"),
    "RNN of a clipped tanh": (
        lambda t: rnn(t.x, t.h, *t.rnn, activation=lambda x: math.clip(math.tanh(x), -0.3, 0.3)),
        "Scan",
    ),
    "RNN of relu up to 1": (
        lambda t: rnn(t.x, t.h, *t.rnn, activation=lambda x: math.minimum(math.relu(x), 1)),
        "Scan",
    ),
    "RNN of half a tanh": (lambda t: rnn(t.x, t.h, *t.rnn, activation=lambda x: math.tanh(x) * 0.5), "Scan"),
    "RNN without a bias": (lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt, s))), "RNN"),
    "RNN of two biases": (lambda t: t.step(lambda xt, s: math.tanh(t.row + t.plain(xt, s) + t.rnn[2])), "RNN"),
    "RNN of a number as a bias": (lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt, s) + 0.25)), "RNN"),
    "RNN of a bias for each sample": (lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt, s) + t.c)), "Scan"),
    "RNN that sees its state twice": (lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt, s) + s)), "Scan"),
    "RNN of inputs as they are": (
        lambda t: t.step(lambda xt, s: math.tanh(xt[:, :UNITS] + linalg.matmul(s, t.rnn[1]))),
        "Scan",
    ),
    "RNN of squares": (lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt * xt, s))), "RNN"),
    "RNN of two products": (
        lambda t: t.step(lambda xt, s: math.tanh(t.plain(xt, s) + linalg.matmul(xt * xt, t.rnn[0]))),
        "Scan",
    ),
    "RNN of a matrix that it makes": (
        lambda t: t.step(
            lambda xt, s: math.tanh(t.plain(xt, s) + linalg.matmul(s, linalg.matmul(shape.transpose(s), s)))
        ),
        "Scan",
    ),
}


def kinds(graph):
    """The ops that a loop can become, in a graph and in the graphs inside its nodes."""
    inner = {n.name: [a.g for a in n.attribute if a.type == a.GRAPH] for n in graph.node if n.op_type == "If"}
    found = [n for n in graph.node if n.op_type in ("RNN", "LSTM", "GRU", "Scan", "If", "Loop")]
    return [kind for n in found for kind in [n.op_type, *(k for g in inner.get(n.name, ()) for k in kinds(g))]]


def functions(name, target=PORTABLE, **how):
    """A form in float32, and in float64, in which no loop is a recurrent op."""
    found = []
    for dtype in ("float32", "float64"):
        t = Tensors(dtype, **how)
        found.append(Function([t.x, t.h, t.c], FORMS[name][0](t), freeze=True, target=target))
    return found


def compare(single, double, *sizes):
    draw = np.random.RandomState(1).uniform
    for steps, batch in sizes:
        arrays = [draw(-1, 1, dims).astype("float32") for dims in ((steps, batch, 4), (batch, UNITS), (batch, UNITS))]
        for found, expected in zip(single(arrays), double(arrays), strict=True):
            np.testing.assert_allclose(found, expected, rtol=5e-6, atol=2e-6)


@pytest.mark.parametrize("name", FORMS)
def test_a_loop_is_the_op_of_its_equations_or_a_scan(name):
    single, double = functions(name)
    assert kinds(single.onnx_model().graph) == [FORMS[name][1]] and kinds(double.onnx_model().graph) == ["Scan"]
    compare(single, double, (7, 5), (1, 1), (12, 2))


SIZES = [
    # (form, batch, what the loop is where a Scan is faster from some size on)
    ("LSTM of tanh", 300, ["LSTM"]),
    ("LSTM of tanh", 400, ["Scan"]),
    ("LSTM of tanh", "batch", ["If", "LSTM", "Scan"]),
    ("GRU of tanh", 300, ["GRU"]),
    ("GRU of tanh", 400, ["Scan"]),
    ("GRU of tanh", "batch", ["If", "GRU", "Scan"]),
    ("RNN of tanh", 40, ["RNN"]),
    ("RNN of tanh", 50, ["Scan"]),
    ("RNN of tanh", "batch", ["If", "RNN", "Scan"]),
]


@pytest.mark.parametrize(("name", "batch", "expected"), SIZES)
def test_the_size_of_a_batch_decides(name, batch, expected):
    fast_scan = Target(features=frozenset({"onnx", "recurrent", "fast_scan"}))
    single, double = functions(name, fast_scan, batch=batch)
    assert kinds(single.onnx_model().graph) == expected
    compare(single, double, *((6, size) for size in ([batch] if isinstance(batch, int) else [1, 40, 400])))


@pytest.mark.parametrize("name", ["RNN of tanh", "LSTM of tanh", "GRU of tanh"])
@pytest.mark.parametrize(("steps", "batch"), [(0, 2), (3, 0), (0, 0)])
def test_nothing_to_do_is_an_error_and_not_the_end_of_the_process(name, steps, batch):
    single, _ = functions(name)
    state = np.ones((batch, UNITS))
    with pytest.raises(RuntimeError, match="Dimension 0 is 0"):
        single([np.zeros((steps, batch, 4)), state, state])


def test_weights_that_change_are_put_in_order_where_many_steps_make_up_for_it():
    for steps, expected in ((5, ["Scan"]), (8, ["LSTM"])):
        t = Tensors("float32", 16)
        w, u, b = (Variable(np.zeros(d, "float32")) for d in ((1000, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)))
        x = placeholder("float32", (steps, 16, 1000))
        outputs = lstm(x, t.h, t.c, w, u, b)
        assert kinds(Function([x, t.h, t.c], outputs).onnx_model().graph) == expected
