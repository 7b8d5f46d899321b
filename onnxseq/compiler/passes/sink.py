"""Sink what keeps the order of elements below a maximum over whole axes, where there is less to compute.

1. ``max(relu(x))`` is ``relu(max(x))``, forward and backward.
2. ``max(x + v)`` is ``max(x) + v`` for a v that is the same along the axes, such as a bias.
3. The sum over those axes of a maximum's gradient is the sum of its cotangent, all of which it hands on; likewise
   for pooling, over images and pixels.

It must not touch a tensor that anything else reads, since that would be computed twice.
"""

from collections.abc import Callable

import onnx_ir as ir

from onnxseq.compiler.ops import law, math, reduction, shape, windows
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import Tensor, attribute

Moved = tuple[Tensor, Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]


class SinkBelowMaxima(ir.passes.InPlacePass):
    """Apply the module's numbered rules."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph, changed = model.graph, False
        for node in list(graph):
            if node.graph is not None and node.op_type == "Relu" and not node.domain:
                changed |= _sink(graph, node, _relu)
        for node in list(graph):
            if node.graph is not None and node.op_type == "Add" and not node.domain:
                changed |= _sink(graph, node, _offset)
        changed |= bool(rewrite.apply(graph, _sum_of_gradient))
        return ir.passes.PassResult(model, changed)


def _sink(graph: ir.Graph, node: ir.Node, rule: Callable[[ir.Node, ir.Node], Moved | None]) -> bool:
    """Move a node below the maximum that reads it; ``rule`` tells its input, and how results and cotangents change."""
    y = node.outputs[0]
    users = {user for user, _ in y.uses()}
    maxima = [u for u in users if u.op_type == "ReduceMax" and not u.domain]
    if len(maxima) != 1 or y.is_graph_output():
        return False
    (maximum,) = maxima
    gradients = [u for u in users if u.op_type == "ReduceMaxGrad" and _attains(u, y, maximum)]
    gates = [u for u in users if u.op_type == "ReluGate" and u.inputs[1] is y and u.inputs[0].producer() in gradients]
    if len(users) != 1 + len(gradients) + len(gates) or (node.op_type != "Relu" and gates):
        return False
    if any(g.inputs[2].dims != _kept_dims(maximum) for g in gradients):
        return False
    if gates and any({user for user, _ in g.outputs[0].uses()} - set(gates) for g in gradients):
        return False
    moved = rule(node, maximum)
    if moved is None:
        return False
    x, forward, backward = moved
    kept = law.of(maximum)(x, maximum.inputs[1], keepdims=1)
    result = forward(kept)
    top = result if attribute(maximum, "keepdims") else shape.squeeze(result, reduction.reduced_axes(maximum))
    rewrite.replace(graph, maximum, shape.with_dims(top, maximum.outputs[0].dims))
    for gradient in gradients:
        axes = attribute(gradient, "axes")
        new = reduction.max_grad_op(x, kept, backward(gradient.inputs[2], result), axes=list(axes))
        for gate in [u for u, _ in gradient.outputs[0].uses() if u in gates]:
            rewrite.replace(graph, gate, new)
        rewrite.replace(graph, gradient, new)
    graph.remove(node, safe=True)
    return True


def _attains(gradient: ir.Node, y: Tensor, maximum: ir.Node) -> bool:
    top = gradient.inputs[1]
    if law.is_node(top, "Unsqueeze"):
        top = top.producer().inputs[0]
    return gradient.inputs[0] is y and top is maximum.outputs[0]


def _kept_dims(maximum: ir.Node) -> tuple:
    axes = reduction.reduced_axes(maximum)
    return tuple(1 if i in axes else d for i, d in enumerate(maximum.inputs[0].dims))


def _relu(node: ir.Node, maximum: ir.Node) -> Moved:
    """Rule 1."""
    return node.inputs[0], math.relu, math.relu_gate


def _offset(node: ir.Node, maximum: ir.Node) -> Moved | None:
    """Rule 2."""
    axes, rank = reduction.reduced_axes(maximum), node.outputs[0].rank
    for x, v in (node.inputs, node.inputs[::-1]):
        own = [i - (rank - v.rank) for i in axes]
        if x.dims == node.outputs[0].dims and all(i < 0 or v.dims[i] == 1 for i in own):
            return x, lambda kept, v=v: kept + v, lambda g, _: g
    return None


def _sum_of_gradient(node: ir.Node) -> Tensor | None:
    """Rule 3."""
    if node.op_type != "ReduceSum" or node.domain:
        return None
    gradient = node.inputs[0].producer()
    if gradient is None or gradient.domain != law.COMPOUND or gradient.op_type not in ("ReduceMaxGrad", "MaxPoolGrad"):
        return None
    g, x, axes = gradient.inputs[2], gradient.inputs[0], set(reduction.reduced_axes(node))
    if gradient.op_type == "MaxPoolGrad":
        within = set(range(1, x.rank - 1)) if windows.node_layout(gradient)[0] == windows.LAST else None
    else:
        within = set(attribute(gradient, "axes"))
    if within is None or not within <= axes or g.rank != x.rank:
        return None
    return shape.with_dims(law.of(node)(g, node.inputs[1], keepdims=attribute(node, "keepdims")), node.outputs[0].dims)
