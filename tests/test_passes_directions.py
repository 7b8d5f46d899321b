"""Both directions in one op: which pairs are joined, and that their values stay."""

import numpy as np
import pytest

from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import index, linalg, loop, math
from onnxseq.compiler.targets import PORTABLE
from onnxseq.compiler.tensor import Variable, placeholder

DRAW = np.random.RandomState(0).uniform
W, OTHER = (Variable(DRAW(-0.5, 0.5, (3, 3)).astype("float32")) for _ in range(2))
WIDE = [Variable(DRAW(-0.5, 0.5, (n, 5)).astype("float32")) for n in (3, 5)]
ROW = Variable(DRAW(-0.5, 0.5, 3).astype("float32"))
X, H = placeholder("float32", ("steps", "batch", 3), "x"), placeholder("float32", ("batch", 3), "h")


def rnn(x, first, w=W, u=W, bias=None, activation=math.tanh, backwards=False):
    """The last state, and the states of all steps."""
    element, state = (placeholder("float32", v.dims[-2:]) for v in (x, first))
    z = linalg.matmul(element, w) + linalg.matmul(state, u)
    new = activation(z if bias is None else z + bias)
    finals, outputs, _ = loop.loop([(state, first)], [(element, x)], [new], [new], backwards=backwards)
    return finals[0], outputs[0]


def zeros(units):
    return index.getitem(X, 0)[:, :1] * np.zeros((1, units), "float32")


PAIRS = {
    # name: (outputs, whether one op computes them)
    "both ways": (lambda: [*rnn(X, H), *rnn(X, H, OTHER, backwards=True)], True),
    "the second first": (lambda: [*rnn(X, H, backwards=True), *rnn(X, H)], True),
    "a sum in between": (lambda: [rnn(X, H)[0] + rnn(X, H, OTHER, backwards=True)[0]], True),
    "two of the same way": (lambda: [*rnn(X, H), *rnn(X, H, OTHER)], False),
    "of another sequence": (lambda: [*rnn(X, H), *rnn(math.tanh(X), H, backwards=True)], False),
    "of other units": (lambda: [*rnn(X, H), *rnn(X, zeros(5), *WIDE, backwards=True)], False),
    "of another activation": (lambda: [*rnn(X, H), *rnn(X, H, activation=math.sigmoid, backwards=True)], False),
    "one with a bias": (lambda: [*rnn(X, H), *rnn(X, H, bias=ROW, backwards=True)], False),
    "one that begins with the other's end": (lambda: rnn(X, rnn(X, H)[0], backwards=True), False),
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_joined_or_left(name):
    build, joined = PAIRS[name]
    outputs = build()
    function = Function([X, H], outputs, freeze=True, target=PORTABLE)
    kinds = [node.op_type for node in function.onnx_model().graph.node if node.op_type in ("RNN", "Scan")]
    assert kinds == ["RNN"] * (1 if joined else 2)
    arrays = [DRAW(-1, 1, dims).astype("float32") for dims in ((6, 4, 3), (4, 3))]
    alone = [Function([X, H], [y], freeze=True, target=PORTABLE.without("recurrent"))(arrays)[0] for y in outputs]
    for found, expected in zip(function(arrays), alone, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
