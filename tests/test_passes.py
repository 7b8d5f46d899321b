"""Passes: what they rewrite, what they leave alone, that they are idempotent and keep every value."""

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler import pipeline
from onnxseq.compiler.autodiff import gradients
from onnxseq.compiler.extract import extract
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, index, linalg, loop, math, nn, pool, reduction, shape
from onnxseq.compiler.ops.phase import phase, select
from onnxseq.compiler.passes.finish import Finish
from onnxseq.compiler.passes.fold import Fold
from onnxseq.compiler.passes.fuse import FuseProducts, SinkRelu
from onnxseq.compiler.passes.layout import Layout
from onnxseq.compiler.passes.lower import Lower
from onnxseq.compiler.passes.masks import HostMasks
from onnxseq.compiler.passes.phase import ResolvePhase
from onnxseq.compiler.passes.verify import PassFault, verify
from onnxseq.compiler.targets import PORTABLE, Target, current
from onnxseq.compiler.tensor import Variable, constant, placeholder


def x(*dims, name="x"):
    return placeholder("float32", ("batch", *dims), name)


def weights(*dims, seed=0):
    return Variable(np.random.RandomState(seed).randn(*dims).astype("float32"), f"w{seed}")


def nodes(model):
    return [node.op_type for node in model.graph]


def after(step, inputs, outputs):
    """Return the op types after one pass, having checked that a second one changes nothing."""
    model = step(extract(inputs, outputs, ()).model).model
    ir.passes.common.RemoveUnusedNodesPass()(model)
    once = nodes(model)
    step(model)
    ir.passes.common.RemoveUnusedNodesPass()(model)
    assert nodes(model) == once
    return once


def folding():
    a, b = x(3), x(3, name="b")
    return {
        "x + 0": (a + 0.0, ["Identity"]),
        "0 + x": (0.0 + a, ["Identity"]),
        "x * 1": (math.exp(a) * 1.0, ["Exp"]),
        "x / 1": (math.exp(a) / 1.0, ["Exp"]),
        "1 - x stays": (1.0 - a, ["Sub"]),
        "0 - x stays": (0.0 - a, ["Sub"]),
        "1 / x stays": (1.0 / a, ["Div"]),
        "a neutral number that widens stays": (
            reduction.sum(a) + constant(np.zeros((2, 2), "f")),
            ["ReduceSum", "Add"],
        ),
        "two factors": (math.exp(a) * 2.0 * 3.0, ["Exp", "Mul"]),
        "zeros added": (a * b + shape.zeros_like(a) * b, ["Mul"]),
        "zeros subtracted": (a * b - shape.zeros_like(a), ["Mul"]),
        "from zeros": (shape.zeros_like(a) - a * b, ["Mul", "Neg"]),
        "expand before a product": (shape.expand_like(reduction.sum(b), a) * a, ["ReduceSum", "Mul"]),
        "expand alone stays": (shape.expand_like(reduction.sum(b), a) * 2.0, ["ReduceSum", "Shape", "Expand", "Mul"]),
        "a factor of ones that are made": (math.exp(a) * (shape.ones_like(a) * 1.0), ["Exp"]),
        "turned around twice": (index.reverse(index.reverse(math.exp(a), [0]), [0]), ["Exp"]),
        "turned around on two axes stays": (
            index.reverse(index.reverse(math.exp(a), [0]), [1]),
            ["Exp", *["Slice"] * 2],
        ),
        "turned around, transposed, turned around": (
            index.reverse(shape.transpose(index.reverse(math.exp(a), [0])), [1]),
            ["Exp", "Transpose"],
        ),
        "turned around, transposed, turned around elsewhere": (
            index.reverse(shape.transpose(index.reverse(math.exp(a), [0])), [0]),
            ["Exp", "Slice", "Transpose", "Slice"],
        ),
        "constants in another order": (
            linalg.matmul(a, shape.concat(shape.split(constant(np.ones((3, 9000), "f")), [4000, 5000], 1)[::-1], 1)),
            ["MatMul"],
        ),
        "transposes": (shape.transpose(shape.transpose(math.exp(a), (1, 0)), (1, 0)), ["Exp"]),
        "casts": (math.cast(math.cast(a, "float64"), "float32"), ["Cast", "Cast"]),
        "constants": (a + (constant([1.0, 2.0, 4.0]) * 2.0 - 1.0), ["Add"]),
    }


@pytest.mark.parametrize("case", folding())
def test_folding(case):
    y, expected = folding()[case]
    inputs = [v for v in extract_inputs(y)]
    assert after(Fold(), inputs, [y]) == expected


def extract_inputs(y):
    found, stack, seen = [], [y], set()
    while stack:
        value = stack.pop()
        if value in seen:
            continue
        seen.add(value)
        node = value.producer()
        if node is None and value.const_value is None and not isinstance(value, Variable):
            found.append(value)
        stack.extend(v for v in (node.inputs if node is not None else ()) if v is not None)
    return found


def test_the_phase_not_taken_leaves_nothing_in_the_gradient():
    a, w = x(3), weights(3, 3)
    hidden = linalg.matmul(a, w)
    y = select(phase(), math.tanh(hidden), math.exp(hidden))
    (g,) = gradients(reduction.sum(y), [w])
    for chosen, kept, gone in ((1, "Tanh", "Exp"), (0, "Exp", "Tanh")):
        model = Function([a], [y, g], learning_phase=chosen).onnx_model()
        found = [n.op_type for n in model.graph.node]
        assert kept in found and gone not in found
    steps = [ResolvePhase(1)]
    assert "PhaseSelect" not in after(steps[0], [a], [y, g])


def small_cnn(last_layer=lambda h: reduction.mean(h * h)):
    image = x(8, 8, 2)
    w1, w2 = weights(3, 3, 2, 32, seed=1), weights(3, 3, 32, 16, seed=2)
    h = pool.max_pool(math.relu(conv.conv(image, w1)), (2, 2), (2, 2), "valid")
    h = math.tanh(conv.conv(h, w2, padding="same") + constant(np.arange(16, dtype="float32") / 16))
    loss = last_layer(h)
    return image, [loss, *gradients(loss, [w1, w2])]


def test_relu_sinks_below_the_pooling_forward_and_backward():
    image, outputs = small_cnn()
    found = after(SinkRelu(), [image], outputs)
    assert found.index("MaxPool") < found.index("Relu")
    assert found.index("ReluGate") < found.index("MaxPoolGrad")


def test_relu_that_something_else_reads_stays():
    image = x(8, 8, 2)
    h = math.relu(image)
    found = after(SinkRelu(), [image], [pool.max_pool(h, (2, 2), (2, 2), "valid"), h])
    assert found.index("Relu") < found.index("MaxPool")


def test_layouts_change_at_the_borders_alone():
    image, outputs = small_cnn()
    model = extract([image], outputs, ()).model
    for step in (Fold(), SinkRelu(), Layout(PORTABLE), Fold(), ir.passes.common.CommonSubexpressionEliminationPass()):
        model = step(model).model
    ir.passes.common.RemoveUnusedNodesPass()(model)
    forward = [n for n in model.graph if not (n.name or "").startswith("gradients")]
    changes = [n for n in model.graph if n.op_type == "Relayout"]
    assert [n.inputs[0].name for n in changes] == ["x"]
    assert all(n.attributes["layout"].value == "first" for n in forward if n.op_type in ("Conv", "MaxPool"))


def test_channels_first_code_runs_without_a_transpose():
    image, w = placeholder("float32", ("batch", 4, 9, 9), "x"), weights(3, 3, 4, 8)
    last = shape.transpose(image, (0, 2, 3, 1))
    y = shape.transpose(math.relu(conv.conv(last, w)), (0, 3, 1, 2))
    model = Function([image], [y], target=PORTABLE, freeze=True).onnx_model()
    moved = [list(n.attribute[0].ints) for n in model.graph.node if n.op_type == "Transpose"]
    assert [0, 2, 3, 1] not in moved and [0, 3, 1, 2] not in moved


@pytest.mark.parametrize("target", [PORTABLE, current()], ids=["portable", "this runtime"])
def test_every_layout_gives_the_values_of_the_plain_lowering(target, monkeypatch):
    image, outputs = small_cnn()
    value = np.random.RandomState(3).rand(5, 8, 8, 2).astype("float32")
    chosen = Function([image], outputs, target=target)([value])
    monkeypatch.setattr("onnxseq.compiler.passes.layout.choose", lambda node, target: {})
    plain = Function([image], outputs, target=PORTABLE)([value])
    for a, b in zip(chosen, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)


def test_products_are_fused():
    a, w, bias = x(5), weights(5, 4), weights(4, seed=1)
    y = linalg.matmul(a, w) + bias
    outputs = [y, *gradients(reduction.sum(y * y), [w, bias])]
    model = Function([a], outputs).onnx_model()
    found = [n.op_type for n in model.graph.node]
    assert found.count("Gemm") == 2 and "Transpose" not in found and found.count("MatMul") == 1
    value = np.random.RandomState(0).rand(3, 5).astype("float32")
    forward = value @ w.state.array + bias.state.array
    expected = [forward, value.T @ (2 * forward), 2 * forward.sum(0)]
    for got, want in zip(Function([a], outputs)([value]), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_a_product_that_something_else_reads_is_not_fused():
    a, w, bias = x(5), weights(5, 4), weights(4, seed=1)
    product = linalg.matmul(a, w)
    assert after(FuseProducts(), [a], [product, product + bias]) == ["MatMul", "Add"]


def row_sums():
    images, matrix = x(6, 7, 4), x(4)
    return {
        "a matrix": (matrix, reduction.sum(matrix, [0]), True),
        "a matrix, its axis kept": (matrix, reduction.sum(matrix, [0], keepdims=True), True),
        "images": (images, reduction.sum(images, [0, 1, 2]), True),
        "images, their axes kept": (images, reduction.sum(images, [0, 1, 2], keepdims=True), True),
        "an axis that stays": (images, reduction.sum(images, [0, 1]), False),
        "the last axis": (matrix, reduction.sum(matrix, [1]), False),
        "everything": (images, reduction.sum(images), False),
        "one column": (v := x(6, 1), reduction.sum(v, [0, 1]), False),
        "a free last axis": (v := x(6, "columns"), reduction.sum(v, [0, 1]), False),
        "float64": (v := placeholder("float64", ("batch", 6, 4)), reduction.sum(v, [0, 1]), False),
    }


@pytest.mark.parametrize("case", row_sums())
def test_sums_over_rows_are_products(case):
    a, y, becomes = row_sums()[case]
    found = after(FuseProducts(), [a], [y])
    assert ("MatMul" in found, "ReduceSum" in found) == (becomes, not becomes)
    sizes = {"batch": 5, "columns": 3}
    given = np.random.RandomState(0).randn(*(sizes.get(d, d) for d in a.dims)).astype(a.dtype.numpy())
    summed = {"a matrix": (0,), "an axis that stays": (0, 1), "the last axis": (1,), "everything": None,
              "a matrix, its axis kept": (0,)}.get(case, tuple(range(a.rank - 1)))
    (result,) = Function([a], [y])([given])
    np.testing.assert_allclose(result, given.sum(summed, keepdims="kept" in case), rtol=1e-5, atol=1e-5)


def test_in_a_loop_sums_of_products_are_one_op():
    w, u = weights(4, 4), weights(4, 4, seed=1)
    h, xt = x(4, name="h"), placeholder("float32", ("batch", 4))
    first = placeholder("float32", ("batch", 4), "first")
    steps = placeholder("float32", (9, "batch", 4), "steps")
    new = math.tanh(linalg.matmul(h, shape.transpose(w)) + linalg.matmul(math.exp(h), shape.transpose(u)) + xt)
    finals, _, _ = loop.loop([(h, first)], [(xt, steps)], [new], [])
    (scan,) = [n for n in Function([first, steps], finals).onnx_model().graph.node if n.op_type == "Scan"]
    (body,) = [a.g for a in scan.attribute if a.name == "body"]
    found = [node.op_type for node in body.node]
    assert (found.count("Gemm"), found.count("Add")) == (2, 1)  # the element is added to both of them


def test_masks_come_from_the_host_and_follow_from_the_seeds():
    a = x(1000)
    y = nn.dropout(a, 0.3, seed=5)
    (g,) = gradients(reduction.sum(y), [a])
    masks = []
    assert "Dropout" not in after(HostMasks(masks), [a], [y, g])
    assert [(m.dims, m.rate, m.seed) for m in masks] == [(("batch", 1000), 0.3, 5)]
    target = Target(features=frozenset({"onnx", "host_masks"}))
    ones = np.ones((50, 1000), "float32")
    first, second = (Function([a], [y, g], learning_phase=1, target=target) for _ in range(2))
    runs = [f([ones]) for f in (first, second, first)]
    for out, slope in runs:
        assert set(np.unique(out)) == {0.0, np.float32(1 / 0.7)}
        np.testing.assert_array_equal(out, slope)
        assert abs((out > 0).mean() - 0.7) < 5 * np.sqrt(0.21 / out.size)
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert (runs[0][0] != runs[2][0]).any()


def test_small_dropouts_are_left_to_the_runtime():
    assert after(HostMasks([]), [a := x(8)], [nn.dropout(a, 0.5, seed=1)]) == ["Dropout"]


def test_lowering_leaves_no_op_of_our_own():
    image, outputs = small_cnn()
    for target in (PORTABLE, current()):
        model = pipeline.compile([image], outputs, (), 1, target).model
        assert "onnxseq" not in {n.domain for n in model.graph}
    portable = pipeline.compile([image], outputs, (), 1, PORTABLE).model
    assert {n.domain for n in portable.graph} == {""}


def test_lowering_without_a_rule_says_so():
    class Nothing(Target):
        def has(self, feature):
            return False

    a = x(100)
    with pytest.raises(NotImplementedError) as fault:
        Lower(Nothing())(extract([a], [nn.dropout(a, 0.5, seed=1)], ()).model)
    assert str(fault.value) == (
        "op 'Dropout' ('Dropout') has no lowering for CPUExecutionProvider; expected one for 'onnx'."
    )


def test_finishing_names_everything_once():
    a, w = x(3), weights(3, 3)
    model = extract([a], [math.exp(linalg.matmul(a, w) * 2.0) * 2.0], ()).model
    Finish()(model)
    names = [v.name for n in model.graph for v in n.outputs] + [n.name for n in model.graph]
    assert len(set(names)) >= len(names) - 1 and None not in names
    assert all(i.name for i in model.graph.initializers.values())


@pytest.mark.parametrize("number", [2, 3, 5])
def test_equal_outputs_are_computed_once(number):
    a = x(3)
    doubled = a * 2.0
    run = Function([a], [math.exp(doubled) for _ in range(number)])
    value = np.ones((2, 3), "float32")
    for found in run([value]):
        np.testing.assert_allclose(found, np.exp(2 * value), rtol=1e-6)
    assert sum(node.op_type == "Exp" for node in run.onnx_model().graph.node) == 1


def breaking(fault):
    """Return a model into which a pass has put a fault."""
    a = x(3)
    model = extract([a], [math.exp(a) * 2.0, math.tanh(a)], ()).model
    graph = model.graph
    first, second = graph[0], graph[1]
    if fault == "order":
        graph.remove(first)
        graph.append(first)
    elif fault == "foreign value":
        second.replace_input_with(0, math.sin(x(3, name="other")))
    elif fault == "untyped value":
        first.outputs[0].shape = None
    elif fault == "one value twice":
        graph.outputs[1] = graph.outputs[0]
    elif fault == "an input as output":
        graph.outputs[1] = graph.inputs[0]
    return model


@pytest.mark.parametrize("fault", ["order", "foreign value", "untyped value", "one value twice", "an input as output"])
def test_a_pass_that_breaks_the_graph_is_named(fault):
    with pytest.raises(PassFault, match="^Breaking: "):
        verify(breaking(fault), "Breaking")
    verify(breaking("none"), "Nothing")
