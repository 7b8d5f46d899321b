"""Compute both directions of a recurrent layer in one op.

1. Two equal recurrent ops of which one reads a sequence from its beginning and the other from its end become one op, if
   neither reads what the other gives.

It must not join ops of which one has biases or first states and the other has none.
"""

import onnx_ir as ir

from onnxseq.compiler.ops import law, shape
from onnxseq.compiler.ops.recurrent import CELLS
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import Tensor, attribute

_KINDS = frozenset(cell.op.name for cell in CELLS)


class JoinDirections(ir.passes.InPlacePass):
    """Apply the module's numbered rule."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph, changed = model.graph, False
        found = [node for node in graph if node.op_type in _KINDS and not node.domain]
        for ahead in [node for node in found if _direction(node) == "forward"]:
            for back in found:
                if back.graph is not None and _direction(back) == "reverse" and _fit(ahead, back):
                    _join(graph, *((ahead, back) if found.index(ahead) < found.index(back) else (back, ahead)))
                    changed = True
                    break
        if changed:
            graph.sort()  # what reads the first of two now comes behind the second
        return ir.passes.PassResult(model, changed)


def _direction(node: ir.Node) -> str:
    return attribute(node, "direction", "forward")


def _rule(node: ir.Node) -> dict:
    rule = {name: attribute(node, name) for name in node.attributes if name != "direction"}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in rule.items()}


def _fit(a: ir.Node, b: ir.Node) -> bool:
    if a.op_type != b.op_type or a.inputs[0] is not b.inputs[0] or _rule(a) != _rule(b):
        return False
    if [x is None for x in a.inputs] != [x is None for x in b.inputs]:
        return False
    return not _reads(a, b) and not _reads(b, a)


def _reads(a: ir.Node, b: ir.Node) -> bool:
    """Tell whether a node depends on another one."""
    seen: set[ir.Node] = set()
    stack = [a]
    while stack:
        for x in stack.pop().inputs:
            node = x.producer() if x is not None else None
            if node is b:
                return True
            if node is not None and node not in seen:
                seen.add(node)
                stack.append(node)
    return False


def _join(graph: ir.Graph, first: ir.Node, second: ir.Node) -> None:
    """Put one op in the place of two, of which the second comes later in the graph."""
    ahead, back = (first, second) if _direction(first) == "forward" else (second, first)
    rule = {name: v * 2 if isinstance(v, list) else v for name, v in _rule(ahead).items()}
    with rewrite.scope_of(second):
        pairs = list(zip(ahead.inputs, back.inputs, strict=True))[1:]
        weights = [None if a is None else shape.concat([a, b], 0) for a, b in pairs]
        every, *last = law.of(ahead).all(ahead.inputs[0], *weights, direction="bidirectional", **rule)
        halves = [shape.split(every, [1, 1], 1), *(shape.split(y, [1, 1], 0) for y in last)]
    values: dict[ir.Node, list[Tensor]] = {ahead: [a for a, _ in halves], back: [b for _, b in halves]}
    rewrite.replace(graph, second, values[second])
    rewrite.replace(graph, first, values[first])
