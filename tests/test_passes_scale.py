"""Numbers per channel: they act on kernels behind a convolution, and in one pass elsewhere; values stay."""

import numpy as np
import pytest

from onnxseq.compiler import pipeline
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, pool
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import constant, placeholder

RNG = np.random.default_rng(3)


def numbers(*dims):
    return constant(RNG.standard_normal(dims).astype("float32"))


def convolved(channels=16, filters=32):
    x = placeholder("float32", ("batch", 6, 6, channels), "x")
    return x, conv.conv(x, numbers(3, 3, channels, filters), padding="same")


def scaled_convolution():
    x, y = convolved()
    return x, y * numbers(32) + numbers(32)


def scaled_few_channels():
    x, y = convolved(channels=3)
    return x, math.relu(y * numbers(32) + numbers(32))


def scaled_odd_filters():
    x, y = convolved(filters=5)
    return x, y * numbers(5)


def scaled_before_and_after_pooling():
    x, y = convolved()
    pooled = pool.max_pool(math.tanh(y * numbers(32)), 2)
    return x, pooled * numbers(32) + numbers(32)


def scaled_by_pixels():
    x, y = convolved()
    return x, y * numbers(6, 1) + numbers(6, 1)


def read_twice():
    x, y = convolved()
    return x, y * numbers(32) + y


BUILDS = [scaled_convolution, scaled_few_channels, scaled_odd_filters, scaled_before_and_after_pooling,
          scaled_by_pixels, read_twice]  # fmt: skip


@pytest.mark.parametrize("target", [PORTABLE, current()], ids=["portable", "installed"])
@pytest.mark.parametrize("build", BUILDS)
def test_values_stay(build, target, monkeypatch):
    x, y = build()
    batch = RNG.standard_normal((3, *x.dims[1:])).astype("float32")
    (found,) = Function([x], [y], target=target)([batch])
    all_passes = pipeline.passes
    monkeypatch.setattr(pipeline, "passes", lambda *a: [p for p in all_passes(*a) if type(p).__name__ != "Scales"])
    (expected,) = Function([x], [y], target=target)([batch])
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def large_products(x, y, target):
    graph = pipeline.compile([x], [y], (), 0, target).model.graph
    return [n.op_type for n in graph if n.op_type in ("Mul", "Add") and n.outputs[0].dims[0] == "batch"]


@pytest.mark.parametrize("build", [scaled_convolution, scaled_few_channels, scaled_odd_filters])
def test_nothing_is_multiplied_behind_a_convolution(build):
    assert "Mul" not in large_products(*build(), PORTABLE)


@pytest.mark.skipif(not current().has("nchwc"), reason="this processor has no blocked convolutions")
def test_on_blocks_a_factor_and_an_offset_are_one_convolution():
    assert large_products(*scaled_before_and_after_pooling(), current()) == []


def test_a_result_that_is_read_twice_stays():
    assert "Mul" in large_products(*read_twice(), PORTABLE)
