"""Resolve the learning phase.

1. PhaseSelect(phase, train, test) becomes train or test.
2. PhaseGate(phase, g, when) becomes g in its phase, Zeros otherwise.
3. Any other reader of the phase sees a constant.

It must not touch a graph that is built for no phase (both are kept, and the phase is an input).
"""

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import law, shape
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import Tensor, attribute, constant


class ResolvePhase(ir.passes.InPlacePass):
    """Replace the choices by phase; see the module's numbered rules."""

    def __init__(self, phase: int):
        super().__init__()
        self.phase = bool(phase)

    def _rule(self, node: ir.Node) -> Tensor | None:
        if node.domain != law.COMPOUND:
            return None
        if node.op_type == "PhaseSelect":
            return node.inputs[1] if self.phase else node.inputs[2]
        if node.op_type == "PhaseGate":
            g = node.inputs[1]
            return g if self.phase == bool(attribute(node, "when")) else shape.zeros_like(g)
        return None

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        changed = bool(rewrite.apply(graph, self._rule))
        for value in list(graph.inputs):
            if value.name == "learning_phase":
                value.replace_all_uses_with(constant(np.array(self.phase)))
                graph.inputs.remove(value)
                changed = True
        return ir.passes.PassResult(model, changed)
