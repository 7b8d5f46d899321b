"""Convolutions of what pooling compares: the same values and gradients; what must not be touched."""

import numpy as np
import pytest

from onnxseq.compiler import pipeline
from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, pool, reduction
from onnxseq.compiler.passes.quarters import ConvolveQuarters
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import Variable, placeholder

RNG = np.random.default_rng(5)
BLOCK = current().block or 16

pytestmark = pytest.mark.skipif(not current().has("nchwc"), reason="this processor has no blocked convolutions")


def layer(
    spatial=(10, 8), padding="valid", channels=3, size=2, bias=True, reader=False, asked="w", batch="batch", **rule
):
    """A convolution with a bias, pooled, and everything that training asks of it."""
    x = placeholder("float32", (batch, *spatial, channels), "x")
    w = Variable(RNG.standard_normal((*[3] * len(spatial), channels, BLOCK)).astype("float32"), "w")
    b = Variable(RNG.standard_normal(BLOCK).astype("float32"), "b")
    z = conv.conv(x, w, padding=padding, **rule)
    z = z + b if bias else z
    pooled = math.relu(pool.max_pool(z, size))
    weight = placeholder("float32", pooled.dims, "weight")
    loss = reduction.sum(pooled * pooled * weight) + (reduction.sum(z) if reader else 0)
    sources = {"w": [w, b] if bias else [w], "x": [x, w]}[asked]
    return [x, weight], [loss, pooled, *gradients(loss, sources)]


def feeds(inputs):
    arrays = [RNG.standard_normal((BLOCK, *x.dims[1:])).astype("float32") for x in inputs]
    arrays[0][:, 2:] = 0.5  # a blank area, where whole windows are equal
    return arrays


MOVED = [
    {},
    {"bias": False, "spatial": (6, 8)},
    {"padding": "same"},
    {"padding": "same", "channels": BLOCK},
    {"padding": "same", "channels": BLOCK, "asked": "x"},
    {"padding": "same", "dilations": 2},
    {"spatial": (6, 10, 8), "channels": 1},
    {"spatial": (5, 6, 8), "channels": 2, "size": (1, 2, 2)},
    {"spatial": (4, 6, 8), "padding": "same", "channels": 1, "batch": BLOCK},
    {"spatial": (7, 6, 8), "channels": BLOCK, "padding": "same", "strides": (2, 1, 1), "asked": "x"},
]
LEFT = [
    {"reader": True},
    {"channels": BLOCK},
    {"spatial": (9, 8)},
    {"dilations": 2},
    {"strides": 2, "spatial": (17, 9)},
    {"size": 3, "spatial": (11, 8)},
]


def rewritten(inputs, outputs, target, monkeypatch):
    """Tell whether the pass changed the graph."""
    found, call = [], ConvolveQuarters.call
    monkeypatch.setattr(ConvolveQuarters, "call", lambda self, model: found.append(call(self, model)) or found[-1])
    pipeline.compile(inputs, outputs, (), 1, target)
    monkeypatch.undo()
    return found[0].modified


@pytest.mark.parametrize("rule", [*MOVED, *LEFT], ids=str)
def test_values_and_gradients_stay(rule, monkeypatch):
    inputs, outputs = layer(**rule)
    arrays = feeds(inputs)
    assert rewritten(inputs, outputs, current(), monkeypatch) == (rule in MOVED)
    found = Function(inputs, outputs)(arrays)
    for a, b in zip(found, Function(inputs, outputs, target=PORTABLE)(arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


def test_what_has_no_gradient_is_left_alone(monkeypatch):
    inputs, outputs = layer()
    assert not rewritten(inputs[:1], outputs[1:2], current(), monkeypatch)


def test_portable_graphs_are_left_alone(monkeypatch):
    assert not rewritten(*layer(), PORTABLE, monkeypatch)
