"""What holds between any two passes, checked after each: a fault is the pass's own and names it.

1. Every node reads graph inputs, constants, initializers or outputs of nodes before it in the same graph.
2. Every value that is read has a dtype and a shape of known rank.
3. The graph's outputs are distinct and are computed by its nodes.
4. All this holds of the graphs inside nodes, which may also read what their node could.
"""

import onnx_ir as ir


class PassFault(RuntimeError):
    """Raised where a pass leaves a graph that does not hold together; it names the pass, the node and the value."""


def verify(model: ir.Model, done: str) -> None:
    """Check a model after the pass named ``done``; PassFault where a numbered rule of this module is broken."""
    _verify(model.graph, set(), done)


def _verify(graph: ir.Graph, outside: set[ir.Value], done: str) -> None:
    known = {*outside, *graph.inputs, *graph.initializers.values()}
    for node in graph:
        who = f"node {node.name!r} ({node.op_type})"
        for x in node.inputs:
            if x is None:
                continue
            if x not in known and x.const_value is None:
                raise PassFault(f"{done}: {who} reads {x.name!r}, which nothing before it computes")
            if x.dtype is None or x.shape is None:
                raise PassFault(f"{done}: {who} reads {x.name!r}, whose type is not known")
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                _verify(attribute.as_graph(), known, done)
        known.update(node.outputs)
    outputs = list(graph.outputs)
    if len({id(y) for y in outputs}) != len(outputs):
        raise PassFault(f"{done}: two outputs of the graph are one value")
    for y in outputs:
        if y not in known or y.producer() is None:
            raise PassFault(f"{done}: output {y.name!r} of the graph is computed by no node of it")
