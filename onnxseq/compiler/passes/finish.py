"""Make a lowered graph a model to be read: constants and values get names.

1. Every constant that a node reads becomes an initializer.
2. Every node has a unique name, and values are named after the node that computes them.

It must not rename inputs, outputs or variables.
"""

import onnx_ir as ir


class Finish(ir.passes.InPlacePass):
    """Register constants and name everything; see the module's numbered rules."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        taken = {v.name for v in (*graph.inputs, *graph.outputs)}

        def unique(wanted: str) -> str:
            name, count = wanted, 0
            while name in taken:
                count += 1
                name = f"{wanted}_{count}"
            taken.add(name)
            return name

        for value in [*graph.initializers.values()]:
            taken.add(value.name)
        for node in graph:
            node.name = unique(node.name or node.op_type)
            kept = {y.name for y in node.outputs if y.is_graph_output()}
            for i, y in enumerate(node.outputs):
                if not y.is_graph_output():
                    y.name = unique(f"{node.name}:{i}" if len(node.outputs) > 1 else f"{node.name}:0")
            for i, x in enumerate(node.inputs):
                if x is not None and x.const_value is not None and not x.is_initializer():
                    x.name = unique(x.name if x.name and x.name not in kept else f"{node.name}/constant_{i}")
                    x.const_value.name = x.name
                    graph.register_initializer(x)
        for domain in [d for d in graph.opset_imports if d and not any(n.domain == d for n in graph)]:
            del graph.opset_imports[domain]
        return ir.passes.PassResult(model, True)
