"""Recurrent layers against NumPy: a row each, and more where they have more ways to work; states, dropout, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models
from tests.layer_check import Case, check_layer, drawn
from tests.layer_reference import activation

SEQUENCES = drawn(3, 6, 4)
FILMS = drawn(2, 5, 4, 3, 2)


def hard(z):
    return np.clip(0.2 * z + 0.5, 0, 1)


def over_steps(step, x, states, sequences, back=False):
    found = []
    for t in reversed(range(x.shape[1])) if back else range(x.shape[1]):
        states = step(x[:, t], states)
        found.append(states[0])
    return np.stack(found, 1) if sequences else found[-1]


def simple(sequences=False, back=False, name="tanh"):
    def reference(x, w, u, b=0.0):
        zeros = np.zeros((len(x), len(u)))
        return over_steps(lambda x, s: [activation(name, x @ w + s[0] @ u + b)], x, [zeros], sequences, back)

    return reference


def gru(sequences=False, back=False, gate=hard):
    def reference(x, w, u, b):
        n = len(u)

        def step(x, states):
            (h,) = states
            z, r, new = np.split(x @ w + b, 3, 1)
            z, r = gate(z + h @ u[:, :n]), gate(r + h @ u[:, n : 2 * n])
            return [z * h + (1 - z) * np.tanh(new + (r * h) @ u[:, 2 * n :])]

        return over_steps(step, x, [np.zeros((len(x), n))], sequences, back)

    return reference


def lstm(sequences=False, back=False, gate=hard):
    def reference(x, w, u, b):
        def step(x, states):
            h, c = states
            i, f, new, o = np.split(x @ w + h @ u + b, 4, 1)
            c = gate(f) * c + gate(i) * np.tanh(new)
            return [gate(o) * np.tanh(c), c]

        zeros = np.zeros((len(x), len(u)))
        return over_steps(step, x, [zeros, zeros], sequences, back)

    return reference


def places(x, w):
    """A convolution of 1 x 1."""
    return x @ w[0, 0]


def conv_lstm(x, w, u, b):
    def step(x, states):
        h, c = states
        i, f, new, o = np.split(places(x, w) + places(h, u) + b, 4, -1)
        c = hard(f) * c + hard(i) * np.tanh(new)
        return [hard(o) * np.tanh(c), c]

    zeros = np.zeros((*x.shape[:1], *x.shape[2:4], b.size // 4))
    return over_steps(step, x, [zeros, zeros], True)


def both(half, join=np.concatenate):
    def reference(x, *weights):
        count = len(weights) // 2
        ahead, back = half(True)(x, *weights[:count]), half(True, True)(x, *weights[count:])
        return join([ahead, back[:, ::-1]], -1)

    return reference


def logistic(z):
    return activation("sigmoid", z)


CASES = [
    Case("SimpleRNN", lambda: L.SimpleRNN(3), SEQUENCES, simple()),
    Case("SimpleRNN backwards", lambda: L.SimpleRNN(3, go_backwards=True, return_sequences=True), SEQUENCES,
         simple(True, True)),
    Case("SimpleRNN unrolled without bias", lambda: L.SimpleRNN(3, use_bias=False, unroll=True), SEQUENCES, simple()),
    Case("GRU", lambda: L.GRU(3), SEQUENCES, gru()),
    Case("GRU of free length", lambda: L.GRU(3, return_sequences=True), SEQUENCES, gru(True), free=(1,)),
    Case("GRU with one mask", lambda: L.GRU(2, implementation=2, recurrent_activation="sigmoid"), SEQUENCES,
         gru(gate=logistic)),
    Case("LSTM", lambda: L.LSTM(3), SEQUENCES, lstm()),
    Case("LSTM sequences", lambda: L.LSTM(3, return_sequences=True, recurrent_activation="sigmoid"), SEQUENCES,
         lstm(True, gate=logistic)),
    Case("LSTM of free length", lambda: L.LSTM(3, go_backwards=True), SEQUENCES, lstm(False, True), free=(1,)),
    Case("LSTM unrolled", lambda: L.LSTM(2, unroll=True, return_sequences=True), SEQUENCES, lstm(True)),
    Case("ConvLSTM2D", lambda: L.ConvLSTM2D(2, 1, return_sequences=True), FILMS, conv_lstm),
    Case("Bidirectional", lambda: L.Bidirectional(L.LSTM(2, return_sequences=True)), SEQUENCES, both(lstm)),
    Case("Bidirectional sum", lambda: L.Bidirectional(L.GRU(2, return_sequences=True), "sum"), SEQUENCES,
         both(gru, lambda halves, axis: halves[0] + halves[1])),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_layer(case):
    check_layer(case)


@pytest.mark.parametrize("steps", [3, 9, None])
@pytest.mark.parametrize("unroll", [False, True])
def test_dropout_draws_one_mask_for_all_steps(steps, unroll):
    if steps is None and unroll:
        return
    x = L.Input((steps, 16))
    layer = L.SimpleRNN(16, "linear", dropout=0.5, return_sequences=True, unroll=unroll)
    function = K.function([x, K.learning_phase()], [layer(x)])
    layer.set_weights([np.eye(16), np.zeros((16, 16)), np.zeros(16)])
    array = np.ones((2, steps or 9, 16))
    first, second, test = (function([array, phase])[0] for phase in (1, 1, 0))
    assert (first != second).any() and 0 < (first == 0).mean() < 1
    np.testing.assert_array_equal(first, np.repeat(first[:, :1], array.shape[1], 1))
    np.testing.assert_array_equal(test, array)


@pytest.mark.parametrize("name", ["dropout", "recurrent_dropout"])
def test_a_share_of_one_drops_nothing_and_yet_asks_for_the_phase(name):
    x = L.Input((5, 3))
    outputs = L.LSTM(4, **{name: 1.0})(x)
    assert models.Model(x, outputs).uses_learning_phase
    function, array = K.function([x, K.learning_phase()], [outputs]), drawn(2, 5, 3)
    np.testing.assert_array_equal(function([array, 1])[0], function([array, 0])[0])


def test_states_pass_from_batch_to_batch():
    model = models.Sequential([L.LSTM(2, stateful=True, batch_input_shape=(3, 6, 4))])
    whole = models.Sequential([L.LSTM(2, input_shape=(12, 4))])
    whole.set_weights(model.get_weights())
    model.predict(SEQUENCES)
    np.testing.assert_allclose(
        model.predict(SEQUENCES[:, ::-1]), whole.predict(np.concatenate([SEQUENCES, SEQUENCES[:, ::-1]], 1)), atol=1e-6
    )
    model.reset_states()
    np.testing.assert_array_equal(K.get_value(model.layers[0].states[1]), np.zeros((3, 2)))


def test_training_argument_draws():
    x = L.Input((5, 3))
    outputs = L.GRU(8, dropout=0.5)(x, training=True)
    function = K.function([x], [outputs])
    assert (function([np.ones((2, 5, 3))])[0] != function([np.ones((2, 5, 3))])[0]).any()


@pytest.mark.parametrize("rows", [1, 3, 400])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("make", [L.SimpleRNN, L.GRU, L.LSTM])
def test_nan_stays_nan(make, back, rows):
    """What follows from a step or a weight that is no number is none."""
    x = L.Input((6, 4))
    layer = make(3, "relu", return_sequences=True, return_state=True, go_backwards=back)
    model = models.Model(x, layer(x))
    array = np.array(drawn(rows, 6, 4))
    assert all(np.isfinite(y).all() for y in model.predict(array, batch_size=rows))
    array[rows - 1, 2, 1] = np.nan
    sequences, *states = model.predict(array, batch_size=rows)
    expected = np.zeros((rows, 6), bool)
    expected[rows - 1, 3 if back else 2 :] = True
    np.testing.assert_array_equal(np.isnan(sequences), np.repeat(expected[..., None], 3, 2))
    for state in states:
        np.testing.assert_array_equal(np.isnan(state), np.repeat(expected[:, -1:], 3, 1))
    array[rows - 1, 2, 1] = 0
    weights = layer.get_weights()
    for place in range(3):
        layer.set_weights([w * np.nan if index == place else w for index, w in enumerate(weights)])
        assert all(np.isnan(y).all() for y in model.predict(array, batch_size=rows))


def test_an_infinite_step_is_a_number():
    model = models.Sequential([L.LSTM(3, recurrent_activation="sigmoid", input_shape=(6, 1))])
    assert np.isfinite(model.predict(np.full((2, 6, 1), np.inf))).all()


def test_bidirectional_goes_on_with_the_weights_of_a_layer():
    x = L.Input((6, 4))
    cell = L.GRU(3, return_sequences=True, name="cell")
    alone = cell(x)
    both = L.Bidirectional(cell, name="both")
    model = models.Model(x, [alone, both(x)])
    assert [weight.name for weight in both.weights[::3]] == ["cell/kernel:0", "both/cell/kernel:0"]
    assert cell.name == "cell" and both.forward_layer.name == "forward_cell"
    model.compile("sgd", "mse")
    model.train_on_batch(SEQUENCES, [np.ones((3, 6, 3)), np.ones((3, 6, 6))])
    outputs = model.predict(SEQUENCES)
    np.testing.assert_allclose(outputs[0], outputs[1][..., :3], atol=1e-6)


def given(layer, *shapes):
    return lambda: layer(L.Input((5, 3)), initial_state=[L.Input(shape) for shape in shapes])


MESSAGES = [
    (lambda: L.LSTM(2, name="r")(L.Input((None, None))), ValueError,
     "LSTM 'r': input has shape (None, None, None); expected a known number of features on the last axis. Give the "
     "input's shape in full."),
    (lambda: L.GRU(2, implementation=3, name="r")(L.Input((4, 3))), ValueError,
     "GRU 'r': implementation=3; expected 0, 1 or 2."),
    (lambda: L.LSTM(2, dropout="much", name="r"), TypeError,
     "LSTM 'r': dropout='much'; expected a number from 0 to 1."),
    (lambda: L.LSTM(2, unroll=True, name="r")(L.Input((None, 3))), ValueError,
     "LSTM 'r': unroll=True and an input of shape (None, None, 3) arrived; expected a known number of steps. Give the "
     "input its length, or leave unroll out."),
    (given(L.GRU(2, name="r"), (3,)), ValueError,
     "GRU 'r': input 1 has shape (None, 3); expected (None, 2). Change the input's shape."),
    (lambda: L.GRU(2, name="r").reset_states(), AttributeError,
     "GRU 'r': reset_states() of a layer that keeps none; expected stateful=True."),
    (lambda: L.GRU(2, stateful=True, name="r")(L.Input((4, 3))), ValueError,
     "GRU 'r': stateful=True and no batch size arrived; expected a known batch size. Say batch_input_shape=(batch, …), "
     "or Input(batch_shape=(batch, …))."),
    (lambda: L.ConvLSTM2D(2, 2, name="r").reset_states(), RuntimeError,
     "ConvLSTM2D 'r': reset_states() of a layer that keeps none; expected stateful=True."),
    (lambda: L.Bidirectional(L.LSTM(2), "add"), ValueError,
     "Bidirectional: merge_mode='add'; expected 'concat', 'sum', 'mul', 'ave' or None."),
    (lambda: L.Bidirectional(L.GRU(2), name="b")(L.Input((4,))), ValueError,
     "Bidirectional 'b': input 0 has shape (None, 4), which is rank 2; expected rank 3, the batch axis included. Put "
     "Reshape() before it to add the axes that are missing."),
    (lambda: L.Bidirectional(L.LSTM(2, return_state=True), name="b")(L.Input((4, 3))), AttributeError,
     "Bidirectional 'b': the layer returns 3 tensors each way; expected one, the output. Leave return_state out of the "
     "layer."),
    (lambda: L.Bidirectional(L.GRU(2, return_state=True), "ave", name="b")(L.Input((4, 3))), TypeError,
     "Bidirectional 'b': the layer returns 2 tensors each way; expected one, the output. Leave return_state out of the "
     "layer."),
    (lambda: L.GRU(2, name=3), TypeError,
     "GRU: name=3 arrived; expected a string."),
    (lambda: L.GRU(2.5, name="r")(L.Input((4, 3))), TypeError,
     "GRU 'r': units=2.5; expected a whole number from 1 on."),
    (lambda: L.ConvLSTM2D(-2, 2, name="r")(L.Input((4, 3, 3, 1))), ValueError,
     "ConvLSTM2D 'r': filters=-2; expected a whole number from 0 on."),
    (lambda: L.GRU(2, name="r")(L.Input((4, 3)), initial_state=[]), ValueError,
     "GRU 'r': 1 input tensors arrived; expected 2. Call the layer once for each tensor, or merge them into one "
     "first."),
    (lambda: L.TimeDistributed(L.LSTM(2, stateful=True, name="r"), name="t")(L.Input(batch_shape=(2, 5, 4, 3))),
     ValueError,
     "TimeDistributed 't': LSTM 'r' with stateful=True arrived; expected a layer that keeps no states. Leave stateful "
     "out: every step of every sample begins with the same states."),
    (lambda: L.Bidirectional(3), AttributeError,
     "Bidirectional: 3; expected a recurrent layer. Wrap e.g. LSTM(32)."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), MESSAGES)
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert str(error.value) == message
