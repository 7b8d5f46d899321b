"""What convolutions take along: biases and activations; sums of blocked tensors. Every value stays."""

import pathlib
import types

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.extract import extract
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import blocked, blocked_input_grad, conv, math, reduction
from onnxseq.compiler.passes.convolutions import FuseConvolutions, FuseTransposed
from onnxseq.compiler.passes.fold import Fold
from onnxseq.compiler.passes.layout import Layout
from onnxseq.compiler.passes.lower import Lower
from onnxseq.compiler.targets import PORTABLE, Target, current
from onnxseq.compiler.tensor import Variable, attribute, placeholder

BLOCKED = Target(features=frozenset({"onnx", "nchwc"}), block=16)
RNG = np.random.RandomState(2)
X = placeholder("float32", ("batch", 6, 6, 16), "x")
W = Variable(RNG.randn(3, 3, 16, 32).astype("float32"), "kernel")
UP = placeholder("float32", ("batch", 4, 4, 32), "up")
C = Variable(RNG.randn(16).astype("float32"), "bias")
B = Variable(RNG.randn(32).astype("float32"), "bias")
BLOCKS = current().block == BLOCKED.block


def lowered(y, target):
    """Return the graph in which the pass finds its work, and the op types after the pass."""
    model = extract([X, UP], [y], ()).model
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


def transposed(kernel=5):
    w = Variable(RNG.randn(kernel, kernel, 16, 32).astype("float32"), "kernel")
    return conv.conv_transpose(UP, w, (8, 8), 2, padding="same")


PHASES = {
    "a bias": (lambda: transposed() + C, [3] * 4, [None] * 4),
    "a bias, first": (lambda: C + transposed(), [3] * 4, [None] * 4),
    "an activation": (lambda: math.relu(transposed()), [2] * 4, ["Relu"] * 4),
    "both": (lambda: math.relu(transposed() + C), [3] * 4, ["Relu"] * 4),
    "a bias behind the activation": (lambda: math.relu(transposed()) + C, [2] * 4, ["Relu"] * 4),
    "two biases": (lambda: transposed() + C + C, [3] * 4, [None] * 4),
    "a number for each pixel": (lambda: transposed() + np.ones((8, 8, 16), "float32"), [2] * 4, [None] * 4),
    "itself": (lambda: (y := transposed()) + y, [2] * 4, [None] * 4),
    "a second reader": (lambda: (y := transposed()) * math.relu(y + C), [2] * 4, [None] * 4),
    "pixels that nothing reaches": (lambda: math.relu(transposed(kernel=1) + C), [2], [None]),
}


def with_phases(y):
    model = extract([UP], [y], ()).model
    for step in (Fold(), Layout(BLOCKED), FuseTransposed(), Lower(BLOCKED), Fold()):
        model = step(model).model
        kinds(model)
    return [node for node in model.graph if node.domain == blocked.DOMAIN and node.op_type == "Conv"]


@pytest.mark.parametrize("name", PHASES)
def test_what_the_phases_of_a_transposed_convolution_take_along(name):
    build, inputs, activations = PHASES[name]
    found = with_phases(build())
    assert [len(node.inputs) for node in found] == inputs
    assert [attribute(node, "activation") for node in found] == activations


@pytest.mark.skipif(not BLOCKS, reason="the pass works on blocks of another size here")
@pytest.mark.parametrize("name", PHASES)
def test_values_of_transposed_convolutions_stay(name):
    y = PHASES[name][0]()
    up = RNG.randn(3, 4, 4, 32)
    outputs = [y, *gradients(reduction.sum(y * y), [UP])]
    found, expected = (Function([UP], outputs, target=target)([up]) for target in (current(), PORTABLE))
    for a, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-4, atol=1e-5 * np.abs(e).max())


FAULTS = {
    "the first place": ("first = (offset + before) % stride", "first = offset % stride"),
    "how far ahead": ("- (offset + before - first) // stride", "- offset // stride"),
    "the order of the phases": ("itertools.product(*found)", "[(a, b) for b in found[1] for a in found[0]]"),
    "the kernel as it lies": ("taken[::-1]", "taken"),
}


def plant(monkeypatch, right, wrong):
    source = pathlib.Path(blocked_input_grad.__file__).read_text()
    assert source.count(right) == 1
    faulty = types.ModuleType("faulty")
    exec(source.replace(right, wrong), faulty.__dict__)
    # The layout is chosen by the module itself, the graph made by the other.
    monkeypatch.setattr(blocked_input_grad, "_of_stride", faulty._of_stride)
    monkeypatch.setitem(conv.conv_input_grad_op.lowerings, "nchwc", faulty.lower)


@pytest.mark.skipif(not BLOCKS, reason="the pass works on blocks of another size here")
@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_phase_is_found(name, monkeypatch):
    plant(monkeypatch, *FAULTS[name])
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        test_values_of_transposed_convolutions_stay("both")


@pytest.mark.skipif(not BLOCKS, reason="the pass works on blocks of another size here")
def test_the_planted_module_without_a_fault_is_right(monkeypatch):
    plant(monkeypatch, "itertools.product(*found)", "itertools.product(found[0], found[1])")
    test_values_of_transposed_convolutions_stay("both")


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
