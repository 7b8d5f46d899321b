"""Lower compound ops to what a target runs.

1. A compound node is replaced by its first lowering whose feature the target has and which applies.
2. Without one, it is replaced by its expansion.
3. Compound ops which a lowering used are lowered in turn.
4. So are those in the graphs inside nodes.

It must not leave a node of our own domain behind.
"""

from collections.abc import Sequence

import onnx_ir as ir

from onnxseq.compiler.ops import law
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.targets import Target
from onnxseq.compiler.tensor import Tensor


class Lower(ir.passes.InPlacePass):
    """Replace every compound op for one target; see the module's numbered rules."""

    def __init__(self, target: Target):
        super().__init__()
        self.target = target

    def _rule(self, node: ir.Node) -> Sequence[Tensor] | Tensor | None:
        if node.domain != law.COMPOUND:
            return None
        op = law.of(node)
        for feature, lowering in op.lowerings.items():
            if self.target.has(feature):
                values = lowering(node, self.target)
                if values is not None:
                    return values
        if op.expand is None:
            raise NotImplementedError(
                f"op {node.op_type!r} ({node.name!r}) has no lowering for {self.target.provider}; "
                f"expected one for 'onnx'."
            )
        return op.expand(node)

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for graph in rewrite.graphs(model.graph):
            changed |= rewrite.apply_until_stable(graph, self._rule)
        return ir.passes.PassResult(model, changed)
