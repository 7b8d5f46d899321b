"""Factors in which a loop back is linear, drawn together so that each step multiplies once.

A cotangent g passes one product after the other, with factors a and b that depend on no cotangent:

1. ``(g * a) * b`` is ``g * (a * b)``; the product of the factors is made for all steps at once, before the loop.
2. ``-(g * a)`` is ``g * -a``.
3. ``g * a + g * b`` is ``g * (a + b)``, and so for differences.

The step back of an LSTM multiplies 6 times instead of 12: 5.7 -> 4.5 ms for 80 steps of 32 x 128.

It must not regroup a product that something else reads, or factors that are broadcast, but for single numbers. It is
for gradients, whose factors are derivatives and masks, far from where a product overflows; what a user wrote is not
touched.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import onnx_ir as ir

from onnxseq.compiler.ops import law, math
from onnxseq.compiler.tensor import FLOATS, Tensor

# A value, and the factor with which it is to be multiplied.
Product = tuple[Tensor, Tensor | None]


def regrouped(
    values: Sequence[Tensor | None], nodes: Sequence[ir.Node], states: Collection[Tensor]
) -> list[Tensor | None]:
    """Return values of a step with their factors drawn together.

    Arguments:
        nodes: the nodes behind the values that depend on the states, in an order in which they can run.
    """
    late = {*states, *(y for node in nodes for y in node.outputs)}
    reads = Counter([*(x for node in nodes for x in node.inputs), *values])
    products: dict[Tensor, Product] = {}
    anew: dict[Tensor, Tensor] = {}

    def whole(x: Tensor) -> Tensor:
        if x not in anew:
            core, factor = products.get(x, (x, None))
            anew[x] = core if factor is None else math.mul(core, factor)
        return anew[x]

    def parts(x: Tensor) -> Product:
        return products[x] if x in products and reads[x] == 1 else (whole(x), None)

    for node in nodes:
        product = _product(node, late, parts)
        if product is not None:
            products[node.outputs[0]] = product
            continue
        inputs = [whole(x) if x is not None and x in late else x for x in node.inputs]
        if any(new is not old for new, old in zip(inputs, node.inputs, strict=True)):
            anew.update(zip(node.outputs, law.again(node, inputs), strict=True))
    return [whole(v) if v is not None and v in late else v for v in values]


def _product(node: ir.Node, late: Collection[Tensor], parts: Callable[[Tensor], Product]) -> Product | None:
    """Return what an output is a product of, if it is one."""
    y = node.outputs[0]
    if node.domain or y.element_type not in FLOATS or any(x is None or x.dims not in (y.dims, ()) for x in node.inputs):
        return None
    if node.op_type == "Mul":
        for x, other in (node.inputs, node.inputs[::-1]):
            if x in late and x.dims == y.dims and other not in late:
                core, factor = parts(x)
                return core, other if factor is None else math.mul(factor, other)
    if node.op_type == "Neg":
        core, factor = parts(node.inputs[0])
        return None if factor is None else (core, math.neg(factor))
    if node.op_type in ("Add", "Sub") and all(x in late and x.dims == y.dims for x in node.inputs):
        (core, a), (other, b) = (parts(x) for x in node.inputs)
        if core is other and a is not None and b is not None:
            return core, math.add(a, b) if node.op_type == "Add" else math.sub(a, b)
    return None
