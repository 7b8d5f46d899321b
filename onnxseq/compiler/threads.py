"""How many threads a model is worth: one where the steps of its loops are too small to be shared between cores.

Half of a product inside a loop is handed to another core at every step, and what it gives lies in that core's cache
when the next ops read it. A bidirectional GRU of 64 units on 50 steps of 64 rows takes 3.6 ms with one thread; with
two 3.1 where the cores are near one another and 6.2 where they are far, its training 12.9, 8.0 and 19.4. So the machine
is asked, once a process and only where a model has loops: 20 ms.

In shards of the batch (shards.py) each core works on its own, but brings all weights of a step into order by itself,
where they share that otherwise. Measured with two cores, beside the better of one thread and two: 0.6 to 0.7 of the
time for a bidirectional GRU of 64 units on 64 rows, 0.85 for an LSTM of 128 on 128 rows and 0.9 on 32, 1.1 for one of
256 on 32 rows, and 0.9 again on 128; 1.2 and more where a step takes less than a millisecond.
"""

import functools
import statistics
import time

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.session import Session, available_cores
from onnxseq.compiler.targets import OPSET

_PRODUCT = 50e3  # multiplications and sums a microsecond, on one core
_ELEMENTWISE = 2.7e3  # elements a microsecond, on one core
_SHARED = 64 * 1024  # the runtime shares a product of so many multiplications
_LEAST = 0.1  # the share of a run that a second thread is to save; without it runs can go side by side
_LARGE = 20.0  # microseconds: work outside of loops from which on a second thread helps
_CACHED = 128 * 1024  # elements that a core's own cache holds; what is beyond lies where all cores have it
_PACKED = 5e3  # weights a microsecond that are brought into the order in which products read them
_FETCHED = 1.7e3  # the same of weights beyond those that a core's own cache holds
_HANDOFF = 0.35  # between what ``handoff`` gives for near cores and for far ones
_FORKED = 300.0  # microseconds that it takes to start shards and to wait for all of them
_FREE = 32  # rows of a free batch, Keras's default


def worth(model: ir.Model, provider: str) -> int:
    """Return how many threads a lowered model is to have: 1, or 0 for one per core."""
    if provider != "CPUExecutionProvider" or available_cores() == 1:
        return 0
    if not any(node.op_type == "Scan" for graph in rewrite.graphs(model.graph) for node in graph):
        return 0
    return 0 if saved(model.graph, handoff()) > _LEAST * sum(map(_work, model.graph)) else 1


def saved(graph: ir.Graph, cost: float) -> float:
    """Return how many microseconds of a run a second thread saves; see ``handoff`` for the cost."""
    return sum(_saved(node, cost) for node in graph)


def _saved(node: ir.Node, cost: float) -> float:
    if node.op_type == "If":
        return min(saved(a.as_graph(), cost) for a in node.attributes.values())
    if node.op_type == "Scan":
        steps = _size(node.inputs[-1].shape, slice(0, 1))  # type: ignore[union-attr]
        body = node.attributes["body"].as_graph()
        return steps * _saved_by_step(body, cost)
    work = _work(node)
    return work / 2 if work > _LARGE else 0.0


def _saved_by_step(body: ir.Graph, cost: float) -> float:
    halves = [_work(node) / 2 for node in body if _multiplied(node) >= _SHARED]
    return sum(halves) - cost * min(_moved(body), _CACHED) / 1000 if halves else 0.0


def worth_shards(model: ir.Model, count: int) -> bool:
    """Tell whether a step is faster in shards, side by side, than in one run with a thread per core.

    What it tells does not depend on how near the cores are: numbers differ by rounding between shards and one run, and
    are to be the same in each run of a program.

    Arguments:
        model: what a shard computes, lowered.
        count: how many shards there are.
    """
    scans = [node for node in model.graph if node.op_type == "Scan"]
    return sum(_saved_by_shards(scan, count, available_cores()) for scan in scans) > _FORKED


def _saved_by_shards(scan: ir.Node, count: int, cores: int) -> float:
    body, idle = scan.attributes["body"].as_graph(), 1 - 1 / cores
    steps = _size(scan.inputs[-1].shape, slice(0, 1))  # type: ignore[union-attr]
    work = sum(map(_work, body))
    shared = sum(count * _work(node) * idle for node in body if count * _multiplied(node) >= _SHARED)
    whole = count * work - max(shared - _HANDOFF * min(count * _moved(body), _CACHED) / 1000, 0.0)
    weights = sum(_size(node.inputs[1].shape) for node in body if _multiplied(node))  # type: ignore[union-attr]
    packing = weights / _PACKED + max(weights - _CACHED, 0) / _FETCHED
    return steps * (whole - work - packing * idle)


def _moved(body: ir.Graph) -> int:
    return sum(_size(y.shape) for y in (*(y for node in body for y in node.outputs), *body.outputs))


def _work(node: ir.Node) -> float:
    """Return about how many microseconds a node takes on one core."""
    if node.op_type in ("If", "Scan"):
        steps = _size(node.inputs[-1].shape, slice(0, 1)) if node.op_type == "Scan" else 1  # type: ignore[union-attr]
        return steps * max(sum(map(_work, a.as_graph())) for a in node.attributes.values() if _is_graph(a))
    if node.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Identity", "Shape"):
        return 0.0
    if multiplied := _multiplied(node):
        return multiplied / _PRODUCT
    return max((_size(y.shape) for y in node.outputs), default=0) / _ELEMENTWISE


def _is_graph(attribute: ir.Attr) -> bool:
    return attribute.type == ir.AttributeType.GRAPH


def _multiplied(node: ir.Node) -> float:
    """Return how many multiplications a product of matrices has, 0 for other ops."""
    if node.op_type not in ("MatMul", "Gemm"):
        return 0.0
    turned = node.op_type == "Gemm" and "transA" in node.attributes and node.attributes["transA"].as_int()
    inner = node.inputs[0].shape  # type: ignore[union-attr]
    return _size(node.outputs[0].shape) * _size(inner, slice(-2, -1) if turned else slice(-1, None))


def _size(shape: ir.Shape | None, axes: slice = slice(None)) -> int:
    sizes = [d if isinstance(d, int) else _FREE for d in (shape or ())]
    return int(np.prod(sizes[axes], dtype=np.int64))


@functools.cache
def handoff() -> float:
    """Return how many microseconds a step of a loop is slowed down where two cores share its products.

    It is for each thousand elements that the step computes: about 0.1 on near cores, 0.6 on far ones.
    """
    steps, rows, units = 50, 64, 64
    model = _gates(steps, rows, units)
    serialized = ir.to_proto(model).SerializeToString()
    feeds = {
        "first": np.zeros((rows, units), np.float32),
        "x": np.ones((steps, rows, units), np.float32),
        "w": np.eye(units, dtype=np.float32),
    }
    took = []
    for count in (1, 2):
        session = Session(serialized, "CPUExecutionProvider", count)
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            session.run(feeds)
            times.append(time.perf_counter() - begin)
        took.append(statistics.median(times) * 1e6)
    # What is saved is linear in the cost.
    free, slowed = saved(model.graph, 0.0), saved(model.graph, 1.0)
    return max((took[1] - took[0] + free) / (free - slowed), 0.0)


def _gates(steps: int, rows: int, units: int) -> ir.Model:
    """Return a model whose loop does at each step what a gated layer does: two products, and elementwise ops."""

    def value(name: str, *shape: int) -> ir.Value:
        return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))

    nodes: list[ir.Node] = []

    def made(kind: str, *inputs: ir.Value) -> ir.Value:
        nodes.append(ir.Node("", kind, inputs, outputs=[value(f"y{len(nodes)}", rows, units)]))
        return nodes[-1].outputs[0]

    state, element = value("state", rows, units), value("element", rows, units)
    first, x, w = value("first", rows, units), value("x", steps, rows, units), value("w", units, units)
    gate = made("Sigmoid", made("Add", made("MatMul", state, w), element))
    new = made("Tanh", made("Add", made("MatMul", made("Mul", gate, state), w), element))
    body = ir.Graph([state, element], [made("Add", made("Mul", gate, state), new)], nodes=nodes, name="step")
    last = value("last", rows, units)
    rule = [ir.AttrGraph("body", body), ir.AttrInt64("num_scan_inputs", 1)]
    scan = ir.Node("", "Scan", [first, x], rule, outputs=[last])
    graph = ir.Graph([first, x, w], [last], nodes=[scan], opset_imports={"": OPSET}, name="probe")
    return ir.Model(graph, ir_version=9)
