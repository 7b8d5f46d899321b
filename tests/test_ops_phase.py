"""The learning phase: what is chosen, and that gradients follow the choice."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import phase, reduction
from onnxseq.compiler.tensor import constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

X = Feed((2, 3))


# A function built for testing, which the check makes, takes the second value.
CASES = [
    Case("onnxseq::PhaseSelect", lambda a, b: phase.select(phase.phase(), a * a, b**3), [X, X], lambda a, b: b**3),
    Case("onnxseq::PhaseGate", lambda x: phase.gate(phase.phase(), x * x, when=0), [X], np.square, label="open"),
    Case("onnxseq::PhaseGate", lambda x: phase.gate(phase.phase(), x, when=1), [X], np.zeros_like, label="closed"),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


@pytest.mark.parametrize("training, factor", [(0, 3.0), (1, 2.0)])
def test_the_gradient_follows_the_phase(training, factor):
    x = placeholder("float32", (2,), "x")
    y = reduction.sum(phase.select(phase.phase(), x * 2, x * 3))
    values = np.array([1.0, -1.0], "float32")
    gradient = autodiff.gradients(y, [x])
    assert Function([x], gradient, learning_phase=training)([values])[0].tolist() == [factor, factor]
    fed = Function([x, phase.phase()], gradient)
    assert fed([values, training])[0].tolist() == [factor, factor]


def test_nothing_of_the_other_phase_is_left():
    x = placeholder("float32", (2,), "x")
    y = phase.select(phase.phase(), x * 2, x + 5)
    gradient = autodiff.gradients(reduction.sum(y), [x])
    nodes = [n.op_type for n in Function([x], [y, *gradient]).onnx_model().graph.node]
    assert "Mul" not in nodes and "Where" not in nodes


def test_values_of_different_ranks():
    with pytest.raises(ValueError) as caught:
        phase.select(phase.phase(), constant([1.0]), constant(1.0))
    assert str(caught.value) == (
        "PhaseSelect: the values for training and testing have shapes (1,) and (); expected one rank."
    )
