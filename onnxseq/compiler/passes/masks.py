"""Take dropout's randomness from the host.

1. ``Dropout(x)`` of a large x becomes a product with a mask that is an input of the graph: the runner draws it from
   NumPy before every run. The runtime's own generator takes 6 ns per element on one thread: 7 ms against 1.3 at
   128x9216.

It must not touch small dropouts, whose masks cost more to feed than to draw, nor targets other than the CPU.
"""

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.extract import Mask
from onnxseq.compiler.ops import law, nn
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import Tensor, attribute

_LARGE = 64  # elements per sample from which feeding a mask is cheaper


class HostMasks(ir.passes.InPlacePass):
    """Replace large dropouts; ``masks`` receives what is to be fed.

    Arguments:
        least: elements per sample from which a dropout is large.
    """

    def __init__(self, masks: list[Mask], least: int = _LARGE):
        super().__init__()
        self.masks, self.least = masks, least

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph

        def rule(node: ir.Node) -> list[Tensor] | None:
            if node.domain != law.COMPOUND or node.op_type != "Dropout":
                return None
            dims = node.outputs[1].dims
            size = shapes.product(d for d in dims if isinstance(d, int))
            if isinstance(size, int) and size < self.least:
                return None
            name = f"{(node.name or 'Dropout').rpartition('/')[0] or 'dropout'}/mask_{len(self.masks)}"
            mask = Tensor(ir.DataType.BOOL, dims, name=name)
            graph.inputs.append(mask)
            rate = attribute(node, "rate")
            self.masks.append(Mask(name, dims, rate, attribute(node, "seed")))
            return [nn.dropout_grad_op(node.inputs[0], mask, rate=rate), mask]

        return ir.passes.PassResult(model, bool(rewrite.apply(graph, rule)))
