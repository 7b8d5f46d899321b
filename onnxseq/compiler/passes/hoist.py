"""Compute before a loop what is the same at each of its steps.

1. A node of a Scan's graph that reads nothing of the step stands before the Scan: a kernel is put in the order of the
   runtime's convolutions once, not at every step.

It must not move what is drawn at random, what is a graph's output, or nodes that hold graphs.
"""

import onnx_ir as ir

from onnxseq.compiler.ops import law
from onnxseq.compiler.passes import rewrite


class Hoist(ir.passes.InPlacePass):
    """Apply the module's numbered rule, from the innermost loops outwards."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for graph in reversed(list(rewrite.graphs(model.graph))):
            for node in list(graph):
                if node.op_type == "Scan" and not node.domain:
                    changed |= _hoist(graph, node)
        return ir.passes.PassResult(model, changed)


def _hoist(graph: ir.Graph, scan: ir.Node) -> bool:
    body = scan.attributes["body"].as_graph()
    within, found = set(body.inputs), []
    for node in body:
        stays = any(x in within for x in node.inputs) or any(y.is_graph_output() for y in node.outputs)
        if stays or law.of(node).random or any(a.type == ir.AttributeType.GRAPH for a in node.attributes.values()):
            within.update(node.outputs)
        else:
            found.append(node)
    body.remove(found)
    graph.insert_before(scan, found)
    return bool(found)
