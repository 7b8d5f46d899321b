"""Remove nodes that nothing reads.

1. onnx_ir's own pass does the work.
2. It takes a BatchNormalization in training form whose statistics nobody reads for one in inference form, which
   means something else; that form is given back.
"""

import onnx_ir as ir
from onnx_ir.passes import common


class RemoveUnused(ir.passes.InPlacePass):
    """Remove unused nodes; see the module's numbered rules."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        forms = [
            (node, node.attributes["training_mode"])
            for node in model.graph
            if node.op_type == "BatchNormalization" and "training_mode" in node.attributes
        ]
        result = common.RemoveUnusedNodesPass()(model)
        for node, form in forms:
            if node.graph is not None:
                node.attributes["training_mode"] = form
        return result
