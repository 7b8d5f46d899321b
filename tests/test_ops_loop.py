"""Loops: values, gradients of the first and second order, both directions, few and many steps, masks, no states."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import linalg, loop, math, reduction, shape
from onnxseq.compiler.tensor import Tensor, placeholder
from tests.op_check import Case, Feed, check, name_of, variants


def element(sequence: Tensor) -> Tensor:
    return placeholder(sequence.element_type, sequence.dims[1:])


def like(x: Tensor) -> Tensor:
    return placeholder(x.element_type, x.dims)


def dense(backwards):
    """The last state and the doubled states of all steps of a small recurrent net."""

    def build(x, h, w, u, b):
        xt, state = element(x), like(h)
        new = math.tanh(linalg.matmul(xt, w) + linalg.matmul(state, u) + b)
        finals, outputs, _ = loop.loop([(state, h)], [(xt, x)], [new], [new * 2.0], backwards=backwards)
        return [finals[0], outputs[0]]

    def reference(x, h, w, u, b):
        outputs = [None] * len(x)
        for t in reversed(range(len(x))) if backwards else range(len(x)):
            h = np.tanh(x[t] @ w + h @ u + b)
            outputs[t] = 2 * h
        return [h, np.array(outputs)]

    return build, reference


def gated(x, h, c, u):
    """Two states; columns of one product, split."""
    xt, state, cell = element(x), like(h), like(c)
    z = xt + linalg.matmul(state, u)
    gate, update = shape.split(z, [2, 2], 1)
    kept = math.sigmoid(gate)
    new_cell = kept * cell + (1.0 - kept) * math.tanh(update)
    new_state = kept * math.tanh(new_cell)
    finals, outputs, _ = loop.loop(
        [(state, h), (cell, c)], [(xt, x)], [new_state, new_cell], [new_state, reduction.sum(new_cell, [1])]
    )
    return [*finals, *outputs]


def gated_reference(x, h, c, u):
    states, sums = [], []
    for xt in x:
        z = xt + h @ u
        kept = 1 / (1 + np.exp(-z[:, :2]))
        c = kept * c + (1 - kept) * np.tanh(z[:, 2:])
        h = kept * np.tanh(c)
        states.append(h)
        sums.append(c.sum(1))
    return [h, c, np.array(states), np.array(sums)]


def masked(x, keep, h):
    xt, kept, state = element(x), element(keep), like(h)
    new = math.where(kept, state * 0.5 + xt, state)
    return loop.loop([(state, h)], [(xt, x), (kept, keep)], [new], [new])[1][0]


def masked_reference(x, keep, h):
    found = []
    for xt, kept in zip(x, keep, strict=True):
        h = np.where(kept, 0.5 * h + xt, h)
        found.append(h)
    return np.array(found)


def without_states(x):
    xt = element(x)
    return loop.loop([], [(xt, x)], [], [reduction.prod(xt, [0]) * 3.0])[1][0]


def scores(x, h):
    """A state that is a vector, a sum with a new axis: values of several ranks in one body."""
    xt, state = element(x), like(h)
    best = reduction.logsumexp(shape.unsqueeze(state, [1]) + xt, [0])
    return loop.loop([(state, h)], [(xt, x)], [best], [])[0][0]


def scores_reference(x, h):
    for xt in x:
        h = np.log(np.exp(h[:, None] + xt).sum(0))
    return h


CASES = [
    *(
        Case(
            "onnxseq::Loop",
            dense(back)[0],
            [Feed((steps, 2, 3)), Feed((2, 3)), Feed((3, 3)), Feed((3, 3)), Feed((3,))],
            dense(back)[1],
            label=f"{label} {steps} steps",
        )
        for steps in (1, 3, 6)
        for back, label in ((False, "forwards"), (True, "backwards"))
    ),
    Case(
        "onnxseq::Loop",
        gated,
        [Feed((7, 3, 4)), Feed((3, 2)), Feed((3, 2)), Feed((2, 4))],
        gated_reference,
        label="gates",
    ),
    Case(
        "onnxseq::Loop",
        masked,
        [Feed((6, 2, 3)), Feed(values=np.arange(12).reshape(6, 2, 1) % 3 > 0, dtype="bool"), Feed((2, 3))],
        masked_reference,
        label="masked",
    ),
    Case(
        "onnxseq::Loop", without_states, [Feed((6, 3), low=0.5)], lambda x: 3 * x.prod(1), label="no states", free=False
    ),
    Case("onnxseq::Loop", scores, [Feed((5, 3, 3)), Feed((3,))], scores_reference, label="scores", order=1),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_row(run):
    check(*run)


def recorded(steps):
    x, h, u = (placeholder("float32", dims) for dims in ((steps, "batch", 4), ("batch", 4), (4, 4)))
    xt, state = element(x), like(h)
    new = math.tanh(xt + linalg.matmul(state, u))
    (last,), _, _ = loop.loop([(state, h)], [(xt, x)], [new], [])
    return [x, h, u], last


def kinds(function):
    return [node.op_type for node in function.onnx_model().graph.node]


@pytest.mark.parametrize("steps, is_scan", [(1, False), (4, False), (5, True), ("steps", True)])
def test_few_steps_are_written_out_and_many_are_a_scan(steps, is_scan):
    inputs, last = recorded(steps)
    assert ("Scan" in kinds(Function(inputs, [last]))) is is_scan


def test_the_gradient_of_a_weight_is_one_product_behind_the_loop():
    inputs, last = recorded("steps")
    gradient = autodiff.gradients(reduction.sum(last), [inputs[2]])
    model = Function(inputs, gradient).onnx_model()
    assert [n.op_type for n in model.graph.node].count("Scan") == 2
    assert [n.op_type for n in model.graph.node if n.op_type in ("Gemm", "MatMul")] == ["Gemm"]
    backward = [n for n in model.graph.node if n.op_type == "Scan"][1].attribute[0].g
    assert [n.op_type for n in backward.node if n.op_type in ("Gemm", "MatMul")] == ["Gemm"]


def test_a_thousand_steps():
    inputs, last = recorded("steps")
    gradients = autodiff.gradients(reduction.sum(last), inputs)
    generator = np.random.default_rng(0)
    arrays = [generator.standard_normal(s).astype("float32") for s in ((1000, 2, 4), (2, 4), (4, 4))]
    values = Function(inputs, gradients)(arrays)
    assert values[0].shape == (1000, 2, 4) and all(np.isfinite(v).all() for v in values)


def all_kinds(graph):
    found = []
    for node in graph.node:
        found += [node.op_type, *(kind for a in node.attribute if a.HasField("g") for kind in all_kinds(a.g))]
    return found


@pytest.mark.parametrize("with_gradients", [False, True])
def test_the_graph_does_not_grow_with_the_steps(with_gradients):
    sizes = []
    for steps in (10, 1000):
        inputs, last = recorded(steps)
        outputs = autodiff.gradients(reduction.sum(last), inputs) if with_gradients else [last]
        sizes.append(sorted(all_kinds(Function(inputs, outputs).onnx_model().graph)))
    assert sizes[0] == sizes[1]


def test_no_step_leaves_the_states():
    inputs, last = recorded(0)
    x, h, u = np.zeros((0, 2, 4)), np.ones((2, 4)), np.ones((4, 4))
    np.testing.assert_array_equal(Function(inputs, [last])([x, h, u])[0], h)


def test_a_state_that_changes_its_shape():
    x, h = placeholder("float32", (5, 2, 3)), placeholder("float32", (2, 4))
    with pytest.raises(ValueError) as raised:
        xt = element(x)
        loop.loop([(like(h), h)], [(xt, x)], [xt], [])
    assert str(raised.value) == (
        "Loop: state 0 has shape (2, 4) and dtype float32 before a step, (2, 3) and float32 after it; "
        "expected no change."
    )


def test_no_sequences():
    h = placeholder("float32", (2, 4))
    with pytest.raises(ValueError) as raised:
        loop.loop([(like(h), h)], [], [h], [])
    assert str(raised.value) == (
        "Loop: no sequences arrived; expected one at least, whose length is the number of steps."
    )
