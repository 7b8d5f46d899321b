"""How many threads a model is worth: small steps of loops on cores far from one another, and everything else."""

import onnx_ir as ir
import pytest

from onnxseq.compiler import pipeline, threads
from onnxseq.compiler.ops import linalg, math
from onnxseq.compiler.targets import PORTABLE
from onnxseq.compiler.tensor import constant
from onnxseq.compiler.tensor import placeholder as tensor

NEAR, FAR = 0.1, 0.6  # microseconds for a thousand elements, as threads.handoff gives


def gates(rows, units):
    return threads._gates(50, rows, units).graph


def alone(*outputs, inputs):
    return pipeline.compile(inputs, outputs, [], 0, PORTABLE).model


@pytest.mark.parametrize(("rows", "units", "cost", "helps"), [
    (64, 64, 0.0, True),
    (64, 64, FAR, False),
    (128, 256, NEAR, True),
    (128, 256, FAR, True),  # what is multiplied outweighs what is moved
    (32, 32, 0.0, None),  # the runtime does not share so small a product
    (32, 32, FAR, None),
])  # fmt: skip
def test_a_second_thread_for_a_loop(rows, units, cost, helps):
    saved = threads.saved(gates(rows, units), cost)
    assert saved == 0 if helps is None else (saved > 0) == helps


def test_what_is_saved_grows_with_the_steps_and_falls_with_the_cost():
    one, two = (threads.saved(threads._gates(steps, 64, 64).graph, FAR) for steps in (10, 20))
    assert two == pytest.approx(2 * one)
    assert threads.saved(gates(64, 64), NEAR) > threads.saved(gates(64, 64), FAR)


def test_large_work_outside_of_loops_is_counted_and_small_is_not():
    for rows, helps in ((4096, True), (64, False)):
        x = tensor(ir.DataType.FLOAT, (rows, 64))
        model = alone(linalg.matmul(x, constant([[1.0] * 64] * 64)), inputs=[x])
        assert (threads.saved(model.graph, FAR) > 0) == helps


def test_an_if_counts_as_the_way_on_which_a_second_thread_helps_least():
    ways = {"then_branch": gates(32, 32), "else_branch": gates(64, 64)}
    either = ir.Node("", "If", [tensor(ir.DataType.BOOL, ())], [ir.AttrGraph(name, way) for name, way in ways.items()])
    expected = threads.saved(gates(64, 64), FAR)
    assert threads.saved(ir.Graph([], either.outputs, nodes=[either]), FAR) == expected < 0


def test_a_model_without_loops_or_on_another_provider_has_all_threads():
    x = tensor(ir.DataType.FLOAT, (64, 64))
    assert threads.worth(alone(math.tanh(x), inputs=[x]), "CPUExecutionProvider") == 0
    assert threads.worth(threads._gates(50, 64, 64), "CUDAExecutionProvider") == 0


def test_the_machine_is_asked_once():
    assert threads.handoff() >= 0
    assert threads.handoff() == threads.handoff()
    assert threads.worth(threads._gates(50, 64, 64), "CPUExecutionProvider") in (0, 1)
