"""Make a lowered graph a model to be read: constants and values get names.

1. Every constant that a node reads becomes an initializer.
2. Every node has a unique name, and values are named after the node that computes them.
3. So is what lies in the graphs inside nodes, and no name there is one outside.

It must not rename inputs, outputs or variables.
"""

from collections.abc import Callable

import onnx_ir as ir

from onnxseq.compiler.passes import rewrite


class Finish(ir.passes.InPlacePass):
    """Register constants and name everything; see the module's numbered rules."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        taken = {v.name for v in (*graph.inputs, *graph.outputs)}
        outputs = {v.name for v in graph.outputs}

        def unique(wanted: str) -> str:
            name, count = wanted, 0
            while name in taken:
                count += 1
                name = f"{wanted}_{count}"
            taken.add(name)
            return name

        for value in [*graph.initializers.values()]:
            taken.add(value.name)
        for inner in rewrite.graphs(graph):
            if inner is not graph:
                for value in inner.inputs:
                    value.name = unique(f"{inner.name}/input")
            for node in inner:
                self._name(node, inner is graph, unique)
                for i, x in enumerate(node.inputs):
                    if x is not None and x.const_value is not None and not x.is_initializer():
                        x.name = unique(x.name if x.name and x.name not in outputs else f"{node.name}/constant_{i}")
                        x.const_value.name = x.name
                        graph.register_initializer(x)  # also of a graph inside: it reads what lies outside by name
        used = {node.domain for inner in rewrite.graphs(graph) for node in inner}
        for domain in [d for d in graph.opset_imports if d and d not in used]:
            del graph.opset_imports[domain]
        return ir.passes.PassResult(model, True)

    @staticmethod
    def _name(node: ir.Node, is_outer: bool, unique: Callable[[str], str]) -> None:
        node.name = unique(node.name or node.op_type)
        for i, y in enumerate(node.outputs):
            if not (is_outer and y.is_graph_output()):
                y.name = unique(f"{node.name}:{i}" if len(node.outputs) > 1 else f"{node.name}:0")
