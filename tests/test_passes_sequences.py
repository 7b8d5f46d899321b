"""Rewrites around maxima and one-dimensional convolutions: what the graph holds after them, and that values stay."""

import numpy as np
import pytest

from onnxseq.compiler import pipeline
from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, reduction
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import Variable, placeholder

RNG = np.random.default_rng(5)


def sequence_model(strides=1, padding="valid", dilations=1, axes=(1,), keepdims=False):
    """A text model's middle: convolution, bias, relu, maximum over the steps; its loss and gradients."""
    x = placeholder("float32", ("batch", 9, 3), "x")
    w = Variable(RNG.standard_normal((3, 3, 4)).astype("float32"), "w")
    b = Variable(RNG.standard_normal(4).astype("float32"), "b")
    h = math.relu(conv.conv(x, w, strides=strides, padding=padding, dilations=dilations) + b)
    y = reduction.max(h, axes, keepdims=keepdims)
    loss = reduction.sum(y * y)
    return x, [loss, *gradients(loss, [x, w, b])]


def op_types(x, outputs, target, sizes=None):
    graph = pipeline.compile([x], outputs, (), 1, target, sizes=sizes).model.graph
    return [node.op_type for node in graph]


CASES = [
    {},
    {"keepdims": True},
    {"axes": (1, 2)},
    {"padding": "same"},
    {"padding": "causal", "dilations": 2},
    {"strides": 2},
    {"strides": 2, "padding": "same"},
]


@pytest.mark.parametrize("rule", CASES, ids=str)
@pytest.mark.parametrize("ties", [False, True])
def test_sequences_train_as_without_the_rewrites(rule, ties, monkeypatch):
    x, outputs = sequence_model(**rule)
    batch = RNG.standard_normal((5, 9, 3)).astype("float32")
    if ties:
        batch = np.round(batch)
        batch[:, 4:] = batch[:, :1]
    found = Function([x], outputs)([batch])
    skipped = ("SinkBelowMaxima", "Columns")
    all_passes = pipeline.passes
    monkeypatch.setattr(pipeline, "passes", lambda *a: [p for p in all_passes(*a) if type(p).__name__ not in skipped])
    for a, b in zip(found, Function([x], outputs)([batch]), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_bias_and_relu_run_on_the_maxima():
    x, outputs = sequence_model()
    found = op_types(x, outputs, current(), {"batch": 5})
    assert found.index("ReduceMax") < found.index("Relu")
    assert "Conv" not in found and "ConvTranspose" not in found


def test_portable_graphs_without_gradients_keep_their_convolution():
    x, outputs = sequence_model()
    assert "Conv" in op_types(x, outputs[:1], PORTABLE)


def test_what_something_else_reads_stays_above_the_maximum():
    x = placeholder("float32", ("batch", 9, 3), "x")
    h = math.relu(x)
    found = op_types(x, [reduction.max(h, (1,)), h], current())
    assert found.index("Relu") < found.index("ReduceMax")
