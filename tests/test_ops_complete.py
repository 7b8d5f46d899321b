"""Every op has rows in the tables, and the laws' flags hold."""

import functools
import importlib
import pathlib

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import law, reduction
from onnxseq.compiler.targets import current
from onnxseq.compiler.tensor import FLOATS
from tests.op_check import Case, alone, draw, nodes_behind, placeholders

TABLES = sorted(p.stem for p in pathlib.Path(__file__).parent.glob("test_ops_*.py") if p.stem != "test_ops_complete")
FAMILIES = sorted(p.stem for p in pathlib.Path(law.__file__).parent.glob("*.py") if p.stem != "__init__")
BLOCKED = "com.microsoft.nchwc"


def all_cases() -> list[Case]:
    for family in FAMILIES:
        importlib.import_module(f"onnxseq.compiler.ops.{family}")
    return [case for name in TABLES for case in importlib.import_module(f"tests.{name}").CASES]


CASES = all_cases()
OPS = sorted(law.TABLE)


def named(key: tuple[str, str]) -> str:
    return "::".join(part for part in key if part)


@functools.cache
def lowered() -> set[tuple[str, str]]:
    """Return the ops in the models which rows of compound ops, with their gradients, become in float32."""
    found = set()
    for case in CASES:
        if case.key[0] != law.COMPOUND or "float32" not in case.dtypes:
            continue
        inputs = placeholders(case, draw(case), "float32", False)
        built = case.build(*inputs)
        outputs = list(built) if isinstance(built, list | tuple) else [built]
        floating = [x for x in inputs if x.element_type in FLOATS]
        sums = [reduction.sum(y) for y in outputs if y.element_type in FLOATS]
        gradients = [g for y in sums for g in autodiff.gradients(y, floating) if g is not None] if case.order else []
        for values in [outputs, outputs + gradients]:  # some ops are only taken where no gradient follows
            graph = Function(inputs, values).onnx_model().graph
            found |= {(node.domain, node.op_type) for node in graph.node}
    return found


@functools.cache
def reached() -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return the ops whose values, and those whose gradients, are checked as parts of the gradients of rows."""
    values, gradients = set(), set()
    for case in CASES:
        if not case.order:
            continue
        inputs = placeholders(case, draw(case), "float64", False)
        built = case.build(*inputs)
        floating = [x for x in inputs if x.element_type in FLOATS]
        sums = [
            reduction.sum(y)
            for y in (built if isinstance(built, list | tuple) else [built])
            if y.element_type in FLOATS
        ]
        behind = nodes_behind([g for y in sums for g in autodiff.gradients(y, floating) if g is not None])
        values |= behind
        if case.order > 1 and case.gradient is None:
            gradients |= behind
    return values, gradients


def is_final(key: tuple[str, str]) -> bool:
    """Tell whether an op only ever stands in lowered models, so that its rows are those of what is lowered to it."""
    return key[0] != law.COMPOUND and law.TABLE[key].vjp is None


@pytest.mark.parametrize("key", OPS, ids=named)
def test_an_op_has_a_row_for_its_values(key):
    if key[0] == BLOCKED and not current().has("nchwc"):
        pytest.skip("this processor has no blocked convolutions")
    has_row = any(case.key == key for case in CASES) or key in reached()[0]
    assert has_row or (is_final(key) and key in lowered())


@pytest.mark.parametrize("key", [k for k in OPS if law.TABLE[k].vjp is not law.no_gradient], ids=named)
def test_an_op_has_a_row_for_its_gradient(key):
    assert is_final(key) or any(case.key == key and case.order for case in CASES) or key in reached()[1]


def test_a_table_has_no_row_twice():
    names = [str(case) for case in CASES]
    assert sorted({n for n in names if names.count(n) > 1}) == []


FLAGGED = [case for case in CASES if case.key in law.TABLE and law.TABLE[case.key].zero]


@pytest.mark.parametrize("case", FLAGGED, ids=str)
def test_zeros_in_a_linear_input_give_zeros(case):
    op = law.TABLE[case.key]
    function, values, places = alone(case) or (None, [], [])
    for i, place in enumerate(places):
        if place in op.zero:
            outputs = function([np.zeros_like(v) if j == i else v for j, v in enumerate(values)])
            assert not any(np.any(y) for y in outputs), f"{op} is not zero where input {place} is"


def test_each_op_with_a_zero_flag_is_checked():
    flagged = {key for key in OPS if law.TABLE[key].zero and not is_final(key)}
    assert sorted(flagged - {case.key for case in FLAGGED}) == []


ELEMENTWISE = [case for case in CASES if case.key in law.TABLE and law.TABLE[case.key].elementwise]


@pytest.mark.parametrize("case", ELEMENTWISE, ids=str)
def test_an_elementwise_op_commutes_with_a_turn(case):
    function, values, _ = alone(case) or (None, [], [])
    if len({v.shape for v in values}) != 1 or not values[0].ndim:
        return  # only inputs of one shape can be turned together
    turned = function([np.roll(v, 1, axis=0) for v in values])[0]
    np.testing.assert_allclose(turned, np.roll(function(values)[0], 1, axis=0), rtol=1e-12)
