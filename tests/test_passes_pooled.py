"""Batch normalization after pooling: the same values and gradients, whatever gamma's sign; what must not be touched."""

import numpy as np
import pytest

from onnxseq.compiler import pipeline
from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, normalization, pool, reduction
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import Variable, placeholder

RNG = np.random.default_rng(11)
BLOCK = current().block or 16

pytestmark = pytest.mark.skipif(not current().has("nchwc"), reason="this processor has no blocked convolutions")


def layer(padding="same", gamma="mixed", size=2, spatial=8, channels=3, second_reader=False):
    """A convolution, its normalization and pooling, and everything that training asks of them."""
    x = placeholder("float32", ("batch", spatial, spatial, channels), "x")
    w = Variable(RNG.standard_normal((3, 3, channels, BLOCK)).astype("float32"), "w")
    scale = {
        "mixed": RNG.standard_normal(BLOCK),
        "zero": np.where(np.arange(BLOCK) % 2, 0.0, -1.5),
        "ones": np.ones(BLOCK),
    }[gamma]
    g = Variable(scale.astype("float32"), "gamma")
    b = Variable(RNG.standard_normal(BLOCK).astype("float32"), "beta")
    y, mean, variance = normalization.batch_norm_training(conv.conv(x, w, padding=padding), g, b)
    pooled = pool.max_pool(math.relu(y), size)
    weight = placeholder("float32", pooled.dims, "weight")
    loss = reduction.sum(pooled * weight) + (reduction.sum(y * y) if second_reader else 0)
    asked = [x, w, g, b] if channels >= BLOCK else [w, g, b]
    return [x, weight], [loss, pooled, mean, variance, *gradients(loss, asked)]


def feeds(inputs, ties=False):
    arrays = [RNG.standard_normal((3, *x.dims[1:])).astype("float32") for x in inputs]
    if ties:
        arrays[0][:, 2:] = 0.5  # a blank area, where whole windows are equal
    return arrays


def without(monkeypatch):
    all_passes = pipeline.passes
    name = "NormalizeAfterPooling"
    monkeypatch.setattr(pipeline, "passes", lambda *a: [p for p in all_passes(*a) if type(p).__name__ != name])


CASES = [
    {},
    {"channels": BLOCK},
    {"gamma": "ones"},
    {"gamma": "zero"},
    {"padding": "valid", "spatial": 10},
    {"padding": "valid", "spatial": 10, "channels": BLOCK, "gamma": "zero"},
]


@pytest.mark.parametrize("rule", CASES, ids=str)
@pytest.mark.parametrize("ties", [False, True])
def test_values_and_gradients_stay(rule, ties, monkeypatch):
    inputs, outputs = layer(**rule)
    arrays = feeds(inputs, ties)
    found = Function(inputs, outputs)(arrays)
    without(monkeypatch)
    for a, b in zip(found, Function(inputs, outputs)(arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def rewritten(inputs, outputs, target):
    graph = pipeline.compile(inputs, outputs, (), 1, target).model.graph
    return any("GreaterOrEqual" in (node.name or "") for node in graph)  # only the sign of gamma needs one


@pytest.mark.parametrize("rule", CASES, ids=str)
def test_these_are_rewritten(rule):
    assert rewritten(*layer(**rule), current())


@pytest.mark.parametrize("rule", [{"size": 4}, {"spatial": 9, "padding": "same"}, {"second_reader": True}], ids=str)
def test_these_are_left_alone(rule):
    assert not rewritten(*layer(**rule), current())


def test_portable_graphs_are_left_alone():
    assert not rewritten(*layer(), PORTABLE)
