"""Give free dimensions the sizes that they have in one program.

1. A dimension whose size follows from the given ones becomes that number, in every value and in attributes of sizes.

It must not touch a dimension that the given sizes do not tell.
"""

from collections.abc import Mapping

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import shape, windows
from onnxseq.compiler.tensor import Tensor, attribute
from onnxseq.shapes import Dims


class Bind(ir.passes.InPlacePass):
    """Replace names of dimensions by sizes; see the module's numbered rule."""

    def __init__(self, sizes: Mapping[str, int]):
        super().__init__()
        self.sizes = dict(sizes)

    def _bound(self, dims: Dims) -> Dims:
        return tuple(d if (size := shapes.evaluate(d, self.sizes)) is None else size for d in dims)

    def _bind(self, value: Tensor) -> None:
        if not shapes.is_static(value.dims):
            shape.with_dims(value, self._bound(value.dims))

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        for value in model.graph.inputs:
            self._bind(value)
        for node in model.graph:
            for value in node.outputs:
                self._bind(value)
            spatial = attribute(node, "spatial")
            if spatial is not None:
                encoded = windows.encode_dims(self._bound(windows.decode_dims(spatial)))
                (node.attributes["spatial"],) = ir.convenience.convert_attributes({"spatial": encoded})
        return ir.passes.PassResult(model, bool(self.sizes))
