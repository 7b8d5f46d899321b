"""Normalize after pooling what is pooled after normalization.

1. In ``max_pool(batch_norm(conv(x, w)))``, trained on blocks with windows of 2x2 side by side, the kernel's filters are
   given the sign of their gamma. Normalization then keeps the order of elements, so it works on the maxima, a
   quarter as many; only its statistics and the last sum of its gradient see every element.
2. The quarters that pooling compares are four convolutions where that pays, and so is the kernel's gradient: see the
   rules of ``quarters``.

With three such layers on 64 images of 32x32: 32.9 ms a step as recorded, 28.5 with rule 1, 27.2 with both.
It must not touch a result that anything else reads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import blocked, law, math, reduction, shape
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.passes.quarters import convolved, kernel_grad
from onnxseq.compiler.tensor import Tensor, attribute, scope


class Found(NamedTuple):
    """The nodes of one layer."""

    conv: ir.Node
    norm: ir.Node
    pool: ir.Node
    pool_grad: ir.Node
    norm_grad: ir.Node
    conv_grads: list[ir.Node]


class NormalizeAfterPooling(ir.passes.InPlacePass):
    """Apply the module's numbered rules to a graph of compound ops whose layouts are chosen."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        layers = [found for node in graph if (found := _layer(node)) is not None]
        for layer in layers:
            with scope("/" + (layer.norm.name or "").rpartition("/")[0]):
                _rewrite(graph, layer)
        return ir.passes.PassResult(model, bool(layers))


def _users(x: Tensor) -> list[ir.Node]:
    return list(dict.fromkeys(user for user, _ in x.uses()))


def _only(x: Tensor, kinds: Sequence[str]) -> list[ir.Node] | None:
    """Return the readers of a value, one of each of the kinds in their order; None where there are others."""
    users = _users(x)
    found = [next((u for u in users if u.op_type == kind and u.domain == law.COMPOUND), None) for kind in kinds]
    if x.is_graph_output() or len(users) != len(kinds) or None in found:
        return None
    return found  # type: ignore[return-value]


def _layer(norm: ir.Node) -> Found | None:
    if norm.op_type != "BatchNormTraining" or norm.domain != law.COMPOUND or not blocked.is_blocked(norm):
        return None
    z, y = norm.inputs[0], norm.outputs[0]
    conv = z.producer()
    if conv is None or (conv.domain, conv.op_type, len(conv.inputs)) != (law.COMPOUND, "Conv", 2):
        return None
    if not blocked.is_blocked(conv) or set(attribute(conv, "strides")) != {1}:
        return None
    readers, z_readers = _only(y, ("MaxPool", "MaxPoolGrad")), _only(z, ("BatchNormTraining", "BatchNormTrainingGrad"))
    if readers is None or z_readers is None:
        return None
    (pool, pool_grad), norm_grad = readers, z_readers[1]
    if not blocked.halves(pool) or blocked.covered(pool) != y.dims or blocked.planes_of(pool) != 1:
        return None
    if pool_grad.inputs[1] is not pool.outputs[0] or pool_grad.inputs[0] is not y:
        return None
    if _only(pool_grad.outputs[0], ("BatchNormTrainingGrad",)) != [norm_grad] or norm_grad.inputs[0] is not z:
        return None
    dz = norm_grad.outputs[0]
    conv_grads = _users(dz)
    if dz.is_graph_output() or not all(_reads_as_gradient(node, dz, conv) for node in conv_grads):
        return None
    return Found(conv, norm, pool, pool_grad, norm_grad, conv_grads)


def _reads_as_gradient(node: ir.Node, dz: Tensor, conv: ir.Node) -> bool:
    x, w = conv.inputs
    if node.domain != law.COMPOUND or sum(i is dz for i in node.inputs) != 1:
        return False
    if node.op_type == "ConvKernelGrad":
        return node.inputs[0] is x and node.inputs[1] is dz
    return node.op_type == "ConvInputGrad" and node.inputs[0] is dz and node.inputs[1] is w


def _mean(parts: Sequence[Tensor]) -> Tensor:
    """Return the mean per channel over parts of one size."""
    means = shape.concat([blocked.channel_means(p) for p in parts], 0)
    count = means.dims[0]
    if isinstance(count, int):
        return reduction.sum(means, [0]) * (1 / max(count, 1))
    return reduction.mean(means, [0])


def _rewrite(graph: ir.Graph, layer: Found) -> None:
    x, w = layer.conv.inputs
    _, gamma, beta = layer.norm.inputs
    dtype = gamma.element_type
    sign = math.cast(math.greater_equal(gamma, 0), dtype) * 2 - 1
    kernel, size = w * sign, math.absolute(gamma)
    parts = convolved(layer.conv, x, kernel) or blocked.quarters(law.again(layer.conv, (x, kernel))[0])
    mean = _mean(parts)
    centred = [blocked.affine(p, shape.ones_like(mean), math.neg(mean)) for p in parts]
    variance = _mean([c * c for c in centred])
    inverse = math.reciprocal(math.sqrt(variance + attribute(layer.norm, "epsilon")))
    factor = size * inverse
    a, b, c, d = parts
    top = math.maximum(math.maximum(a, b), math.maximum(c, d))
    y = blocked.affine(top, factor, beta - factor * mean)

    dy = layer.pool_grad.inputs[2]
    share = _share(x, int(np.prod(layer.norm.inputs[0].dims[2:4])))
    # Where gamma is 0 all elements are equal once normalized, and the first of them counts.
    equal = math.cast(math.equal(gamma, 0), dtype)
    winners = blocked.affine(top, 1 - equal, math.neg(mean)) + blocked.affine(a, equal)  # type: ignore[arg-type]
    d_beta, d_scaled = blocked.channel_sum(dy), blocked.channel_sum(dy * winners)
    on_z = math.neg(factor * inverse * inverse * d_scaled * share)
    offset = math.neg(factor * d_beta * share) - on_z * mean
    shares = blocked.shares(blocked.affine(dy, factor), parts)
    shares = [s + blocked.affine(p, on_z, offset) for s, p in zip(shares, parts, strict=True)]

    # What several places read stands before the first of them.
    statistics = [mean * sign, variance]
    graph.insert_before(layer.norm, rewrite.new_nodes([y, *statistics]))
    d_gamma = d_scaled * inverse * sign
    graph.insert_before(layer.norm_grad, rewrite.new_nodes([*shares, d_gamma, d_beta]))
    rewrite.replace(graph, layer.pool, shape.with_dims(y, layer.pool.outputs[0].dims))
    kinds = {node.op_type for node in layer.conv_grads}
    dz = blocked.merged(shares, layer.norm.inputs[0].dims)
    for node in layer.conv_grads:
        if node.op_type == "ConvKernelGrad":
            alone = kernel_grad(node, x, shares) if kinds == {"ConvKernelGrad"} else None
            rewrite.replace(graph, node, (law.again(node, (x, dz))[0] if alone is None else alone) * sign)
        else:
            rewrite.replace(graph, node, law.again(node, (dz, kernel, *node.inputs[2:])))
    rewrite.replace(graph, layer.norm_grad, [None, d_gamma, d_beta])  # type: ignore[list-item]
    graph.remove(layer.pool_grad, safe=True)
    rewrite.replace(graph, layer.norm, [None, *statistics])  # type: ignore[list-item]
    graph.remove(layer.conv, safe=True)


def _share(x: Tensor, pixels: int) -> Tensor:
    """Return 1 over the number of elements per channel."""
    batch = x.dims[0]
    if isinstance(batch, int):
        return math.scalar(1 / max(batch * pixels, 1), x)
    return math.reciprocal(math.cast(shape.squeeze(shape.dim_of(x, 0), [0]), x.element_type) * float(pixels))
