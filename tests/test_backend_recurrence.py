"""Loops of K: rnn, foldl, foldr, map_fn: values, masks, lengths, and what they refuse."""

import numpy as np
import pytest

from onnxseq import backend as K

X = np.random.RandomState(0).standard_normal((2, 6, 3)).astype("float32")


def decayed(x, states):
    total = 0.5 * states[0] + x
    return total, [total]


def reference(x, mask=None):
    total, found = np.zeros_like(x[:, 0]), []
    for t in range(x.shape[1]):
        new = 0.5 * total + x[:, t]
        total = new if mask is None else np.where(mask[:, t, None], new, total)
        found.append(total)
    return np.stack(found, 1)


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_rnn(unroll, backwards, masked):
    x = K.placeholder((None, 6, 3))
    mask = np.arange(12).reshape(2, 6) % 3 > 0
    options = {"mask": K.constant(mask, dtype="bool")} if masked else {}
    last, outputs, states = K.rnn(decayed, x, [K.zeros_like(x[:, 0])], go_backwards=backwards, unroll=unroll, **options)
    order = slice(None, None, -1 if backwards else 1)
    expected = reference(X[:, order], mask[:, order] if masked else None)
    for tensor, value in ((last, expected[:, -1]), (outputs, expected), (states[0], expected[:, -1])):
        np.testing.assert_allclose(K.function([x], [tensor])([X])[0], value, atol=1e-6)
    (slope,) = K.gradients(K.sum(last), [x])
    assert K.function([x], [slope])([X])[0].shape == X.shape


def test_rnn_of_any_length():
    x = K.placeholder((None, None, 3))
    function = K.function([x], [K.rnn(decayed, x, [K.zeros_like(x[:, 0])])[1]])
    for steps in (1, 6):
        np.testing.assert_allclose(function([X[:, :steps]])[0], reference(X[:, :steps]), atol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_folds(steps):
    array = np.arange(1.0, steps + 1)
    ahead, back = (fold(lambda total, x: 0.5 * total - x, K.constant(array)) for fold in (K.foldl, K.foldr))
    expected = []
    for row in (array, array[::-1]):
        total = row[0]
        for x in row[1:]:
            total = 0.5 * total - x
        expected.append(total)
    np.testing.assert_allclose([K.eval(ahead), K.eval(back)], expected, rtol=1e-6)


def test_map_fn_of_several():
    a, b = K.constant(X[0]), K.constant(X[1])
    both = K.map_fn(lambda rows: [rows[0] + rows[1], K.sum(rows[0])], [a, b])
    np.testing.assert_allclose(K.eval(both[0]), X[0] + X[1], rtol=1e-6)
    np.testing.assert_allclose(K.eval(both[1]), X[0].sum(1), rtol=1e-5)


def test_split():
    parts = K.split(K.constant(X), 3, 1)
    np.testing.assert_array_equal(np.stack([K.eval(part) for part in parts]), np.stack(np.split(X, 3, 1)))


MESSAGES = [
    (lambda: K.rnn(decayed, K.placeholder((2, 3)), []), ValueError,
     "rnn: inputs have shape (2, 3); expected three axes or more: batch, steps, …."),
    (lambda: K.rnn(decayed, K.placeholder((2, None, 3)), [], unroll=True), ValueError,
     "rnn: unroll=True and inputs of shape (2, None, 3) arrived; expected a known number of steps. Give the input its "
     "length, or leave unroll out."),
    (lambda: K.rnn(decayed, K.placeholder((2, 4, 3)), [], mask=K.placeholder((2, 4))), ValueError,
     "rnn: a mask and no initial states arrived; expected a state, which masked steps give as output."),
    (lambda: K.rnn(lambda x, _: (x, []), K.placeholder((2, 4, 3)), [K.zeros((2, 5))]), ValueError,
     "rnn: step_function returned 0 states; expected 1, as it began."),
    (lambda: K.rnn(lambda x, s: (x, s), K.placeholder((2, 4, 1)), [K.zeros((2, 5))], mask=K.ones((2, 4))), ValueError,
     "rnn: a mask arrived and the output of a step has shape (2, 1); expected (2, 5), the shape of the first state, "
     "which masked steps give as output. Say unroll=True, which repeats the output of the step before instead."),
    (lambda: K.rnn(lambda x, s: (x, s[0]), K.placeholder((2, 4, 3)), [K.zeros((2, 5))]), TypeError,
     "rnn: step_function returned one tensor, of shape (2, 5), for the states; expected a list of tensors."),
    (lambda: K.rnn(decayed, K.placeholder((2, 4, 3)), K.zeros((2, 3))), TypeError,
     "rnn: one tensor, of shape (2, 3), arrived for the initial states; expected a list of tensors."),
    (lambda: K.rnn(decayed, K.placeholder((2, 4, 3)), [X]), AttributeError,
     "rnn: an array of shape (2, 6, 3) and dtype float32 arrived; expected a symbolic initial state. Wrap values in "
     "K.constant()."),
    (lambda: K.foldl(lambda total, x: total, K.constant(1.0)), ValueError,
     "foldl: <Tensor None shape=() dtype=float32> arrived; expected a tensor with an axis to go along."),
    (lambda: K.map_fn(lambda x: K.argmax(x), K.constant(X)), TypeError,
     "map_fn: fn gives int64; expected float32. Say dtype='int64'."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), MESSAGES)
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert str(error.value) == message
