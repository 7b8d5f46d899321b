"""Recurrent models as ONNX files: the standard op where its equations are the layer's, any number of steps and rows."""

import numpy as np
import onnx
import pytest

from onnxseq import layers as L
from onnxseq.compiler.session import Session
from onnxseq.models import Model, Sequential
from tests.test_layers_recurrent import both, gru, logistic, lstm, simple

FEATURES, UNITS = 4, 3


def of(*layers):
    """A chain of layers behind an input of any length."""

    def build():
        x = L.Input((None, FEATURES))
        y = x
        for layer in layers:
            y = layer()(y)
        return Model(x, y)

    return build


def text(*layers, mask_zero=False):
    return lambda: Sequential([L.Embedding(9, FEATURES, mask_zero=mask_zero), *(layer() for layer in layers)])


def with_states(layer, count):
    """A layer whose first states are fed, and which gives its last ones."""

    def build():
        x, states = L.Input((None, FEATURES)), [L.Input((UNITS,)) for _ in range(count)]
        return Model([x, *states], layer(UNITS, return_state=True)(x, initial_state=states))

    return build


def directions(layer, inner=(), **how):
    return lambda: L.Bidirectional(layer(UNITS, **dict(inner)), **how)


def plain(layer, *args, **how):
    return lambda: layer(UNITS, *args, **how)


# What is exported, the ops that are left of its loops, and the layer in NumPy where it is one with bias and weights.
MODELS = {
    "SimpleRNN": (of(plain(L.SimpleRNN)), ["RNN"], simple()),
    "SimpleRNN of relu": (of(plain(L.SimpleRNN, "relu", return_sequences=True)), ["RNN"], simple(True, name="relu")),
    "SimpleRNN of softmax": (of(plain(L.SimpleRNN, "softmax")), ["Scan"], None),
    "SimpleRNN of selu": (of(plain(L.SimpleRNN, "selu")), ["Scan"], None),
    "SimpleRNN backwards": (
        of(plain(L.SimpleRNN, go_backwards=True, return_sequences=True)),
        ["RNN"],
        simple(True, True),
    ),
    "SimpleRNN without bias": (of(plain(L.SimpleRNN, use_bias=False)), ["RNN"], simple()),
    "GRU": (of(plain(L.GRU)), ["GRU"], gru()),
    "GRU of sigmoid": (of(plain(L.GRU, recurrent_activation="sigmoid")), ["GRU"], gru(gate=logistic)),
    "GRU with dropout": (of(plain(L.GRU, dropout=0.5, recurrent_dropout=0.5)), ["GRU"], gru()),
    "GRU reset after": (of(plain(L.GRU, reset_after=True, return_sequences=True)), ["GRU"], None),
    "GRU with states": (with_states(L.GRU, 1), ["GRU"], None),
    "LSTM": (of(plain(L.LSTM)), ["LSTM"], lstm()),
    "LSTM of sigmoid": (of(plain(L.LSTM, recurrent_activation="sigmoid")), ["LSTM"], lstm(gate=logistic)),
    "LSTM backwards": (of(plain(L.LSTM, go_backwards=True)), ["LSTM"], lstm(False, True)),
    "LSTM with dropout": (of(plain(L.LSTM, dropout=0.5, recurrent_dropout=0.5)), ["LSTM"], lstm()),
    "LSTM with one mask": (of(plain(L.LSTM, implementation=2, recurrent_dropout=0.5)), ["LSTM"], lstm()),
    "LSTM with states": (with_states(L.LSTM, 2), ["LSTM"], None),
    "Bidirectional LSTM": (
        of(directions(L.LSTM, inner={"return_sequences": True})),
        ["LSTM bidirectional"],
        both(lstm),
    ),
    "Bidirectional last": (of(directions(L.LSTM)), ["LSTM bidirectional"], None),
    "Bidirectional sum": (
        of(directions(L.GRU, merge_mode="sum", inner={"return_sequences": True})),
        ["GRU bidirectional"],
        both(gru, lambda halves, axis: halves[0] + halves[1]),
    ),
    "two layers": (of(plain(L.LSTM, return_sequences=True), plain(L.GRU)), ["LSTM", "GRU"], None),
    "two in both directions": (
        of(directions(L.GRU, inner={"return_sequences": True}), directions(L.GRU)),
        ["GRU bidirectional", "GRU bidirectional"],
        None,
    ),
    "Dense at every step": (
        of(lambda: L.TimeDistributed(L.Dense(5, "relu")), plain(L.LSTM), lambda: L.Dense(2)),
        ["LSTM"],
        None,
    ),
    "words": (text(plain(L.LSTM), lambda: L.Dense(1, activation="sigmoid")), ["LSTM"], None),
    "words with a mask": (text(plain(L.LSTM), mask_zero=True), ["Scan"], None),
    "one unit": (of(lambda: L.GRU(1)), ["GRU"], gru()),
    "one feature": (
        lambda: Sequential([L.LSTM(UNITS, input_shape=(None, 1))]),
        ["LSTM"],
        lstm(),
    ),
    "Masking": (of(L.Masking, plain(L.GRU)), ["Scan"], gru()),
}


def left(proto):
    """The ops that loops have become, with their directions where they have both."""
    found = []
    for node in proto.graph.node:
        if node.op_type in ("RNN", "GRU", "LSTM", "Scan", "Loop", "If"):
            direction = [a.s.decode() for a in node.attribute if a.name == "direction" and a.s != b"reverse"]
            found.append(" ".join([node.op_type, *direction]))
    return found


@pytest.mark.parametrize("opset", [None, 21])
@pytest.mark.parametrize("name", MODELS)
def test_an_export_has_the_standard_op_and_the_layers_numbers(name, opset, tmp_path):
    build, expected, reference = MODELS[name]
    model = build()
    random = np.random.RandomState(0)
    model.set_weights([w + random.uniform(-0.2, 0.2, w.shape) for w in model.get_weights()])
    path = tmp_path / "model.onnx"
    model.export(path, opset_version=opset)
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert left(proto) == expected and {node.domain for node in proto.graph.node} == {""}
    session = Session(path.read_bytes(), "CPUExecutionProvider")
    for steps, rows in ((6, 5), (11, 2), (1, 1)):
        fed = [drawn(random, x, rows, steps) for x in model.inputs]
        exported = session.run({entry.name: a for entry, a in zip(proto.graph.input, fed, strict=True)})
        predicted = model.predict(fed if len(fed) > 1 else fed[0])
        for a, b in zip(exported, predicted if isinstance(predicted, list) else [predicted], strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        if reference is not None:
            exact = reference(fed[0].astype("float64"), *(w.astype("float64") for w in model.get_weights()))
            np.testing.assert_allclose(exported[0], exact, atol=2e-6)


def drawn(random, x, rows, steps):
    shape = (rows, *(steps if not isinstance(d, int) else d for d in x.dims[1:]))
    if len(shape) == 2 and x.dims[-1] != UNITS:
        return random.randint(0, 9, shape).astype("float32")
    return random.uniform(-1, 1, shape).astype("float32")


def test_a_stateful_layer_is_exported_with_the_states_that_it_has(tmp_path):
    x = np.random.RandomState(0).uniform(-1, 1, (2, 5, FEATURES)).astype("float32")
    model = Sequential([L.LSTM(UNITS, stateful=True, batch_input_shape=(2, 5, FEATURES))])
    model.predict(x)
    model.export(tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    assert left(proto) == ["LSTM"]
    session = Session((tmp_path / "model.onnx").read_bytes(), "CPUExecutionProvider")
    exported = [session.run({proto.graph.input[0].name: x})[0] for _ in range(2)]
    np.testing.assert_array_equal(exported[0], exported[1])
    np.testing.assert_allclose(exported[0], model.predict(x), atol=1e-6)
