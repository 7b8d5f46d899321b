"""The check of ops finds faults: each is planted here, in an op that is right but for it."""

import numpy as np
import pytest

from onnxseq.compiler.ops import law, math
from tests.op_check import Case, Feed, alone, check

X = Feed((3, 4), 0.5, 2.0)


@pytest.fixture
def plant():
    """Return a maker of ops that the table forgets afterwards."""
    planted = []

    def make(vjp=None, expand=lambda node: node.inputs[0] * node.inputs[1], types=None, **flags):
        def same(inputs, attributes):
            return [(inputs[0].element_type, inputs[0].dims)]

        op = law.Op("Planted", types or same, vjp, domain=law.COMPOUND, expand=expand, **flags)
        planted.append((op.domain, op.name))
        return op

    yield make
    for key in planted:
        del law.TABLE[key]


def row(op, reference=np.multiply, **more):
    return Case("onnxseq::Planted", op, [X, X], reference, **more)


def right(node, g):
    a, b = node.inputs
    return [g * b, g * a]


def test_a_right_op_passes(plant):
    op = plant(right)
    for dtype, free in (("float64", False), ("float64", True), ("float32", False), ("float16", False)):
        check(row(op), dtype, free)


def test_an_op_without_a_rule_passes_by_its_expansion(plant):
    check(row(plant()))


GRADIENT_FAULTS = {
    "a factor is missing": lambda node, g: [g * node.inputs[1] * 0.5, g * node.inputs[0]],
    "the cotangent is missing": lambda node, g: [node.inputs[1] + g * 0, g * node.inputs[0]],
    "an input is missing": lambda node, g: [g * node.inputs[1], None],
    "all inputs are missing": lambda node, g: [None, None],
    "the sign is wrong": lambda node, g: [g * node.inputs[1], math.neg(g * node.inputs[0])],
    "the inputs are exchanged": lambda node, g: [g * node.inputs[0], g * node.inputs[1]],
    "a small error": lambda node, g: [g * node.inputs[1] * 1.0001, g * node.inputs[0]],
    "one element is wrong": lambda node, g: [
        g * node.inputs[1] + math.like(np.eye(3, 4) * 1e-4, g),
        g * node.inputs[0],
    ],
}


@pytest.mark.parametrize("vjp", GRADIENT_FAULTS.values(), ids=GRADIENT_FAULTS)
def test_a_wrong_gradient_is_found(plant, vjp):
    op = plant(vjp)
    with pytest.raises(AssertionError, match="slope of order 1 differs"):
        check(row(op))


@pytest.mark.parametrize("vjp", GRADIENT_FAULTS.values(), ids=GRADIENT_FAULTS)
def test_a_wrong_gradient_is_found_by_a_formula(plant, vjp):
    op = plant(vjp)
    with pytest.raises(AssertionError, match="gradient [01] differs"):
        check(row(op, gradient=lambda a, b, g: (g * b, g * a)))


def test_a_gradient_that_is_wrong_in_the_second_order_is_found(plant):
    op = plant(lambda node, g: [g * math.stop_gradient(node.inputs[1]), g * node.inputs[0]])
    check(row(op, order=1))
    with pytest.raises(AssertionError, match="slope of order 2 differs"):
        check(row(op, order=2))


def test_a_gradient_that_is_wrong_in_float32_alone_is_found(plant):
    def vjp(node, g):
        factor = 1.0 if g.dtype_name == "float64" else 1.01
        return [g * node.inputs[1] * factor, g * node.inputs[0]]

    op = plant(vjp)
    check(row(op))
    with pytest.raises(AssertionError, match="gradient 0 in float32 differs"):
        check(row(op), "float32")


def test_a_gradient_of_another_dtype_is_brought_to_the_inputs(plant):
    check(row(plant(lambda node, g: [math.cast(g * node.inputs[1], "float64"), g * node.inputs[0]])), "float32")


VALUE_FAULTS = {
    "a factor is missing": (lambda node: node.inputs[0] * node.inputs[1] * 0.5, "value differs"),
    "a small error": (lambda node: node.inputs[0] * node.inputs[1] + 1e-5, "value differs"),
    "not a number": (lambda node: math.log(node.inputs[0] * -1.0), "value differs"),
}


@pytest.mark.parametrize("fault", VALUE_FAULTS.values(), ids=VALUE_FAULTS)
def test_a_wrong_value_is_found(plant, fault):
    expand, text = fault
    with pytest.raises(AssertionError, match=text):
        check(row(plant(right, expand)))


def test_a_wrong_shape_of_the_reference_is_found(plant):
    with pytest.raises(AssertionError, match=r"value has shape \(3, 4\); expected \(4, 3\)"):
        check(row(plant(right), lambda a, b: (a * b).T))


def test_a_wrong_type_rule_is_found(plant):
    def types(inputs, attributes):
        return [(inputs[0].element_type, inputs[0].dims[::-1])]

    op = plant(right, types=types)
    with pytest.raises(Exception, match="dimensions"):
        check(row(op, order=0))


def test_a_row_for_another_op_is_found(plant):
    plant(right)
    with pytest.raises(AssertionError, match="the graph has no onnxseq::Planted"):
        check(row(math.mul))


def test_a_missing_output_is_found(plant):
    with pytest.raises(AssertionError, match="1 outputs, NumPy has 2"):
        check(row(plant(right), lambda a, b: [a * b, a]))


def test_an_op_can_be_taken_out_of_its_row(plant):
    op = plant(right)
    function, values, places = alone(Case("onnxseq::Planted", lambda a, b: op(a * a, b) + 1, [X, X], None))
    assert places == [0, 1]
    assert np.allclose(function(values)[0], values[0] * values[1])
