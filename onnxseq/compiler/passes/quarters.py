"""Convolve where pooling looks.

1. The elements which ``max_pool(conv(x, w) + b)`` compares, in blocks and with windows of 2x2 side by side, are those
   of four convolutions with strides of 2, one for each place in the windows: as fast as one, where padding lets each
   begin at its place or where channels are few, so that zeros before the kernel cost little.
2. The gradient by a kernel is the sum of the four convolutions', if none by x is asked for: what pooling gives back
   then need not be put together.

A net of two such layers on 16 volumes of 16x32x32, of which the first is rewritten: 19.4 ms a step as recorded
(training build 21.7), 18.7 (18.8) with both rules.
It must not touch a result that anything else reads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import blocked, index, law, shape
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import Tensor, attribute

_PLACES = tuple(np.ndindex(2, 2))  # in a window, in the order in which pooling compares


class Found(NamedTuple):
    """The nodes of one layer."""

    conv: ir.Node
    bias: Tensor | None
    pool: ir.Node
    pool_grad: ir.Node


class ConvolveQuarters(ir.passes.InPlacePass):
    """Apply the module's numbered rules to a graph of compound ops whose layouts are chosen."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        layers = [found for node in graph if (found := _layer(node)) is not None]
        return ir.passes.PassResult(model, any([_rewrite(graph, layer) for layer in layers]))


def _doubled(conv: ir.Node) -> tuple[int, ...]:
    *planes, rows, columns = attribute(conv, "strides")
    return (*planes, 2 * rows, 2 * columns)


def convolved(conv: ir.Node, x: Tensor, w: Tensor) -> list[Tensor] | None:
    """Return what the places of 2x2 windows hold of a convolution (rule 1); None where that does not pay."""
    pads, rank = list(attribute(conv, "pads")), len(attribute(conv, "strides"))
    if set(attribute(conv, "strides")[-2:]) != {1}:
        return None
    axes, parts = (rank - 2, rank - 1), list[Tensor]()
    begins = all(pads[a] and pads[a + rank] for a in axes)
    if not begins and (not attribute(conv, "stem") or set(attribute(conv, "dilations")[-2:]) != {1}):
        return None
    for place in _PLACES:
        moved, kernel = list(pads), w
        if begins:
            for axis, i in zip(axes, place, strict=True):
                moved[axis], moved[axis + rank] = pads[axis] - i, pads[axis + rank] - 1 + i
        else:
            kernel = shape.pad(w, [*[(0, 0)] * (rank - 2), *((i, 0) for i in place), (0, 0), (0, 0)])
        parts += law.again(conv, (x, kernel), strides=_doubled(conv), pads=moved)
    return parts


def kernel_grad(node: ir.Node, x: Tensor, parts: Sequence[Tensor]) -> Tensor | None:
    """Return a kernel's gradient from the cotangents at the places of 2x2 windows (rule 2); None where that fits not.

    Each sees a window larger by its place, so that x is the same to all four.
    """
    if set(attribute(node, "strides")[-2:]) != {1} or set(attribute(node, "dilations")[-2:]) != {1}:
        return None
    kernel, total = attribute(node, "kernel"), None
    axes = (len(kernel) - 2, len(kernel) - 1)
    for place, part in zip(_PLACES, parts, strict=True):
        seen = (*kernel[:-2], *(k + i for k, i in zip(kernel[-2:], place, strict=True)))
        (found,) = law.again(node, (x, part), kernel=seen, strides=_doubled(node))
        found = index.slice(found, place, [index.END] * 2, axes)
        total = found if total is None else total + found
    return total


def _layer(pool: ir.Node) -> Found | None:
    if (pool.domain, pool.op_type) != (law.COMPOUND, "MaxPool") or not blocked.is_blocked(pool):
        return None
    z, y = pool.inputs[0], pool.outputs[0]
    readers = {node for node, _ in z.uses()} - {pool}
    if z.is_graph_output() or not blocked.halves(pool) or blocked.covered(pool) != z.dims or len(readers) != 1:
        return None
    (pool_grad,) = readers
    if (pool_grad.domain, pool_grad.op_type) != (law.COMPOUND, "MaxPoolGrad") or pool_grad.inputs[1] is not y:
        return None
    conv, bias = _biased(z)
    if conv is None or (conv.domain, conv.op_type, len(conv.inputs)) != (law.COMPOUND, "Conv", 2):
        return None
    return Found(conv, bias, pool, pool_grad) if attribute(conv, "groups") == 1 else None


def _biased(z: Tensor) -> tuple[ir.Node | None, Tensor | None]:
    """Return the node behind a value, and what was added to each of its channels."""
    node = z.producer()
    if node is None or node.op_type != "Add" or node.domain:
        return node, None
    for x, v in (node.inputs, node.inputs[::-1]):
        if x.dims == z.dims and len(x.uses()) == 1 and not x.is_graph_output() and set(v.dims[-3:-1]) <= {1}:
            return x.producer(), v
    return None, None


def _rewrite(graph: ir.Graph, layer: Found) -> bool:
    conv, bias, pool, pool_grad = layer
    x, z = conv.inputs[0], pool.inputs[0]
    with rewrite.scope_of(conv):
        parts = convolved(conv, *conv.inputs)
        if parts is None:
            return False
        if bias is not None:
            parts = [part + bias for part in parts]
    with rewrite.scope_of(pool):
        planes = blocked.planes_of(pool)
        parts = [blocked.beside(part, planes) for part in parts]
        y = blocked.largest(parts, planes)
    dz = pool_grad.outputs[0]
    readers = list(dict.fromkeys(node for node, _ in dz.uses()))
    with rewrite.scope_of(pool_grad):
        dims = (*z.dims[:-3], *pool.outputs[0].dims[-3:])
        shares = [shape.reshape(s, dims) for s in blocked.shares(pool_grad.inputs[2], parts, planes)]
    rewrite.replace(graph, pool, shape.with_dims(y, pool.outputs[0].dims))
    alone = not dz.is_graph_output() and all(_is_kernel_grad(node, x, dz) for node in readers)
    gradients = [kernel_grad(node, x, shares) if alone else None for node in readers]
    if None in gradients:
        rewrite.replace(graph, pool_grad, blocked.merged(shares, z.dims))
    else:
        for node, gradient in zip(readers, gradients, strict=True):
            rewrite.replace(graph, node, gradient)  # type: ignore[arg-type]
        graph.remove(pool_grad, safe=True)
    if z.producer() is not conv:
        graph.remove(z.producer(), safe=True)
    graph.remove(conv, safe=True)
    return True


def _is_kernel_grad(node: ir.Node, x: Tensor, dz: Tensor) -> bool:
    return (node.domain, node.op_type) == (law.COMPOUND, "ConvKernelGrad") and tuple(node.inputs) == (x, dz)
