"""What convolutions take along: biases and activations; sums of blocked tensors. Every value stays."""

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.extract import extract
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, reduction
from onnxseq.compiler.passes.convolutions import FuseConvolutions
from onnxseq.compiler.passes.fold import Fold
from onnxseq.compiler.passes.layout import Layout
from onnxseq.compiler.passes.lower import Lower
from onnxseq.compiler.targets import PORTABLE, Target, current
from onnxseq.compiler.tensor import Variable, placeholder

BLOCKED = Target(features=frozenset({"onnx", "nchwc"}), block=16)
RNG = np.random.RandomState(2)
X = placeholder("float32", ("batch", 6, 6, 16), "x")
W = Variable(RNG.randn(3, 3, 16, 32).astype("float32"), "kernel")
B = Variable(RNG.randn(32).astype("float32"), "bias")
BLOCKS = current().block == BLOCKED.block


def lowered(y, target):
    """Return the graph in which the pass finds its work, and the op types after the pass."""
    model = extract([X], [y], ()).model
    for step in (Fold(), Layout(target), Lower(target), Fold()):
        model = step(model).model
    before = kinds(model)
    step = FuseConvolutions(target)
    step(model)
    once = kinds(model)
    assert not step(model).modified and kinds(model) == once
    return before, once, model


def kinds(model):
    ir.passes.common.RemoveUnusedNodesPass()(model)
    return [node.op_type for node in model.graph]


@pytest.mark.parametrize("target", [PORTABLE, BLOCKED], ids=["first", "blocked"])
def test_a_bias_becomes_the_convolution_s(target):
    before, after, model = lowered(conv.conv(X, W) + B, target)
    assert before.count("Add") == 1 and after.count("Add") == 0
    assert [len(node.inputs) for node in model.graph if node.op_type == "Conv"] == [3]


def test_a_relu_becomes_a_blocked_convolution_s():
    before, after, model = lowered(math.relu(conv.conv(X, W) + B), BLOCKED)
    assert before.count("Relu") == 1 and after.count("Relu") == 0
    assert [node.attributes["activation"].value for node in model.graph if node.op_type == "Conv"] == ["Relu"]


@pytest.mark.parametrize("target", [PORTABLE, BLOCKED], ids=["first", "blocked"])
def test_a_result_that_is_read_elsewhere_stays(target):
    y = conv.conv(X, W)
    before, after, _ = lowered((y + B) * y, target)
    assert before.count("Add") == after.count("Add") == 1


@pytest.mark.parametrize("target", [PORTABLE, BLOCKED], ids=["first", "blocked"])
def test_a_sum_of_two_convolutions_stays(target):
    before, after, _ = lowered(conv.conv(X, W) + conv.conv(X * 2.0, W), target)
    assert before.count("Add") == after.count("Add") == 1


def test_channel_sums_are_averages():
    before, after, _ = lowered(reduction.sum(conv.conv(X, W), (0, 1, 2)), BLOCKED)
    assert "GlobalAveragePool" not in before and "GlobalAveragePool" in after


@pytest.mark.skipif(not BLOCKS, reason="the pass works on blocks of another size here")
def test_values_and_gradients_stay():
    w, b = placeholder("float32", W.dims, "w"), placeholder("float32", B.dims, "b")
    y = math.relu(conv.conv(X, w) + b)
    outputs = [y, *gradients(reduction.sum(y * y), [X, w, b])]
    arrays = [RNG.randn(3, 6, 6, 16), RNG.randn(*W.dims), RNG.randn(*B.dims)]
    found = Function([X, w, b], outputs, target=current())(arrays)
    expected = Function([X, w, b], outputs, target=PORTABLE)(arrays)
    for a, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-5 * np.abs(e).max())
