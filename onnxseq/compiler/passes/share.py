"""Compute equal subexpressions once.

1. Of nodes that compute the same, the first stays.
2. An output that equals another one is a copy of it: every value stays one of our tensors, whose shape the passes read.
"""

import onnx_ir as ir
from onnx_ir.passes import common

from onnxseq.compiler.tensor import Tensor


class Share(common.CommonSubexpressionEliminationPass):
    """Merge equal nodes; see the module's numbered rules."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        result = super().call(model)
        graph = model.graph
        for copy in [node for node in graph if not isinstance(node.outputs[0], Tensor)]:
            (source,) = copy.inputs
            if not isinstance(source, Tensor):
                raise TypeError(f"{copy.op_type} {copy.name!r} reads {source!r}; expected a tensor")
            old, new = copy.outputs[0], Tensor(source.element_type, source.dims, copy.outputs[0].name)
            graph.insert_before(copy, ir.Node("", "Identity", [source], outputs=[new], name=copy.name))
            for index, output in enumerate(graph.outputs):
                if output is old:
                    graph.outputs[index] = new
            ir.convenience.replace_all_uses_with([old], [new])
            graph.remove(copy, safe=True)
        return result
