"""What is the same at every step of a loop stands before it; what is not stays."""

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler import autodiff, pipeline
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, law, linalg, loop, math, random, reduction, shape
from onnxseq.compiler.passes.hoist import Hoist
from onnxseq.compiler.tensor import Variable, placeholder

STEPS = 7
DRAW = np.random.RandomState(0)
W = Variable(DRAW.randn(3, 3).astype("float32"), "w")
KERNEL = Variable(DRAW.randn(3, 3, 2, 2).astype("float32"), "kernel")


def turned(state, element):
    return math.tanh(linalg.matmul(state, shape.transpose(W)) * 0.5 + element)


def halved(state, element):
    return math.tanh(linalg.matmul(state, math.exp(W * W) * 0.1) + element)


def convolved(state, element):
    return math.tanh(conv.conv(state, KERNEL, padding="same") * 0.3 + element)


def noisy(state, element):
    return state * 0.5 + element + random.uniform(W.dims, 0.0, 1.0, seed=3)


# name: (a step, the state's shape)
LOOPS = {"turned": (turned, (3, 3)), "halved": (halved, (3, 3)), "convolved": (convolved, (1, 4, 4, 2))}


def recorded(step, dims):
    """Return the inputs and the outputs of a loop, and the gradient of their sum by the first state."""
    x, first = placeholder("float32", (STEPS, *dims), "x"), placeholder("float32", dims, "first")
    element, state = placeholder("float32", dims), placeholder("float32", dims)
    new = step(state, element)
    finals, outputs, _ = loop.loop([(state, first)], [(element, x)], [new], [new])
    total = reduction.sum(finals[0] * finals[0]) + reduction.sum(outputs[0])
    return [x, first], [finals[0], outputs[0], *autodiff.gradients(total, [first])]


def same_at_every_step(model):
    """Return the ops in the loops of a lowered model that read nothing of a step."""
    found = []
    for scan in [node for node in model.graph.node if node.op_type == "Scan"]:
        body = next(a.g for a in scan.attribute if a.name == "body")
        varying, outputs = {x.name for x in body.input}, {y.name for y in body.output}
        for node in body.node:
            if varying & {*node.input} or outputs & {*node.output} or law.TABLE[node.domain, node.op_type].random:
                varying.update(node.output)
            else:
                found.append(node.op_type)
    return found


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_computes_nothing_twice(name):
    inputs, outputs = recorded(*LOOPS[name])
    model = Function(inputs, outputs).onnx_model()
    assert "Scan" in [node.op_type for node in model.graph.node]
    assert same_at_every_step(model) == []


@pytest.mark.parametrize("name", LOOPS)
def test_values_stay(name, monkeypatch):
    inputs, outputs = recorded(*LOOPS[name])
    arrays = [DRAW.randn(*x.dims).astype("float32") for x in inputs]
    found = Function(inputs, outputs)(arrays)
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "Hoist", Kept)
        inside = Function(inputs, outputs)
        wanted = inside(arrays)
        # The same check finds what the pass is there for.
        assert bool(same_at_every_step(inside.onnx_model())) == (name == "convolved")
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Kept(Hoist):
    """The pass without its rule."""

    def call(self, model):
        return ir.passes.PassResult(model, False)


def test_what_is_drawn_is_drawn_at_every_step():
    inputs, outputs = recorded(noisy, (3, 3))
    (_, sequence, _) = Function(inputs, outputs)([np.zeros(x.dims, "float32") for x in inputs])
    drawn = sequence[1:] - 0.5 * sequence[:-1]
    assert len({step.tobytes() for step in drawn}) == STEPS - 1
