"""Sums with a scaled part: what becomes one op, what stays, and that values stay."""

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler.extract import extract
from onnxseq.compiler.function import Function
from onnxseq.compiler.passes.gated import GateSums
from onnxseq.compiler.targets import PORTABLE, Target, current
from onnxseq.compiler.tensor import placeholder

GATED = Target(features=frozenset({"onnx", "gated_add"}))


MATRIX, NUMBER = (128, 96), ()

# label -> dims of the inputs, what is computed, the ops that it becomes
CASES = {
    "x + s * y": ([MATRIX, MATRIX, NUMBER], lambda x, y, s: x + s * y, ["Expand", "GatedAdd"]),
    "y * s + x": ([MATRIX, MATRIX, NUMBER], lambda x, y, s: y * s + x, ["Expand", "GatedAdd"]),
    "x - s * y": ([MATRIX, MATRIX, NUMBER], lambda x, y, s: x - s * y, ["Neg", "Expand", "GatedAdd"]),
    "s * x + t * y": (
        [MATRIX, MATRIX, NUMBER, NUMBER], lambda x, y, s, t: s * x + t * y, ["Mul", "Expand", "GatedAdd"]),
    "x - s * y / z": (
        [MATRIX, MATRIX, MATRIX, NUMBER], lambda x, y, z, s: x - s * y / z, ["Neg", "Div", "Expand", "GatedAdd"]),
    "a constant factor": ([MATRIX, MATRIX], lambda x, y: x + 0.5 * y, ["Expand", "GatedAdd"]),
    "a kernel": (
        [(3, 3, 32, 64), (3, 3, 32, 64), NUMBER], lambda x, y, s: x - s * y, ["Neg", "Expand", "GatedAdd"]),
    "no factor stays": ([MATRIX, MATRIX], lambda x, y: x + y, ["Add"]),
    "a row of factors stays": ([MATRIX, MATRIX, (96,)], lambda x, y, row: x + row * y, ["Mul", "Add"]),
    "s * y - x stays": ([MATRIX, MATRIX, NUMBER], lambda x, y, s: s * y - x, ["Mul", "Sub"]),
    "a sum over rows stays": ([MATRIX, (96,), NUMBER], lambda x, row, s: x + s * row, ["Mul", "Add"]),
    "free sizes stay": ([("batch", 96), ("batch", 96), NUMBER], lambda x, y, s: x + s * y, ["Mul", "Add"]),
    "small ones stay": ([(8, 96), (8, 96), NUMBER], lambda x, y, s: x + s * y, ["Mul", "Add"]),
}


def build(case):
    dims, compute, expected = CASES[case]
    inputs = [placeholder("float32", size, f"x{i}") for i, size in enumerate(dims)]
    return inputs, compute(*inputs), expected


def ops_after(target, inputs, output):
    model = GateSums(target)(extract(inputs, [output], ()).model).model
    ir.passes.common.RemoveUnusedNodesPass()(model)
    once = [node.op_type for node in model.graph]
    GateSums(target)(model)
    assert [node.op_type for node in model.graph] == once
    return once


@pytest.mark.parametrize("case", CASES)
def test_what_becomes_one_op(case):
    inputs, output, expected = build(case)
    assert sorted(ops_after(GATED, inputs, output)) == sorted(expected)


@pytest.mark.parametrize("case", CASES)
def test_a_target_without_the_op_is_left_alone(case):
    inputs, output, _ = build(case)
    assert "GatedAdd" not in ops_after(PORTABLE, inputs, output)


def test_a_product_that_is_read_twice_stays():
    x, y, s = (placeholder("float32", dims, name) for dims, name in ((MATRIX, "x"), (MATRIX, "y"), (NUMBER, "s")))
    product = s * y
    assert ops_after(GATED, [x, y, s], (x + product) * product) == ["Mul", "Add", "Mul"]


def test_float64_stays():
    x, y = placeholder("float64", MATRIX, "x"), placeholder("float64", MATRIX, "y")
    assert ops_after(GATED, [x, y], x + y * 0.5) == ["Mul", "Add"]


@pytest.mark.parametrize("case", CASES)
def test_values_stay(case):
    inputs, output, expected = build(case)
    random = np.random.RandomState(0)
    values = [random.uniform(0.5, 2.0, [d if isinstance(d, int) else 200 for d in x.dims]) for x in inputs]
    function = Function(inputs, [output])
    got = function([np.asarray(v, "float32") for v in values])[0]
    np.testing.assert_allclose(got, CASES[case][1](*values), rtol=1e-5, atol=1e-6)
    if current().has("gated_add") and "GatedAdd" in expected:
        assert "GatedAdd" in [node.op_type for node in function.onnx_model().graph.node]
