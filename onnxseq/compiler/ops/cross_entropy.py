"""Cross-entropies of probabilities that are a softmax or a sigmoid, kept away from 0 and 1.

Written over what the softmax or the sigmoid was given, their gradient is one difference instead of the product
of two chains, which divide by probabilities and multiply by them again::

    p = softmax(z), q = limit(p):   loss = -sum(t * log(q))       dz = p * sum(t') - t'   t' = t where q == p, else 0
    p = sigmoid(z), y = limit(z):   loss = softplus(y) - t * y    dz = p - t              where y == z, else 0
"""

from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math, nn, reduction, shape
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.tensor import Tensor, constant_value


def _limited(x: Tensor, node: ir.Node) -> Tensor:
    return math.clip(x, node.inputs[2], node.inputs[3])


def _inside(x: Tensor, node: ir.Node) -> Tensor:
    """Return 1 where the limits leave x as it is, else 0."""
    return math.cast(math.equal(x, _limited(x, node)), x.element_type)


# -- softmax ---------------------------------------------------------------------------------------------------


def _softmax_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    logits, target = inputs[:2]
    dims = shapes.broadcast(logits.dims, target.dims)
    if not logits.rank or dims[-1] != logits.dims[-1]:
        raise ValueError(
            f"the target has shape {shapes.to_keras(target.dims)}, the logits {shapes.to_keras(logits.dims)}; "
            f"expected one shape."
        )
    return [(same_dtype(inputs), dims[:-1])]


def _softmax_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    logits, target = node.inputs[:2]
    p, along = nn.softmax(logits), shape.unsqueeze(g, [g.rank])
    kept = target * _inside(p, node)
    by_logits = along * (p * reduction.sum(kept, -1, keepdims=True) - kept)
    return [by_logits, along * math.neg(math.log(_limited(p, node))), None, None]


softmax_cross_entropy_op = Op(
    "SoftmaxCrossEntropy",  # (logits, target, low, high): of the probabilities between low and high
    _softmax_types,
    _softmax_vjp,
    domain=COMPOUND,
    expand=lambda node: math.neg(
        reduction.sum(node.inputs[1] * math.log(_limited(nn.softmax(node.inputs[0]), node)), -1)
    ),
)


def of_softmax(logits: Tensor, target: Tensor, low: Any, high: Any) -> Tensor:
    """Return the cross-entropy of a target and softmax(logits) limited to [low, high], over the last axis."""
    return softmax_cross_entropy_op(logits, target, math.like(low, logits), math.like(high, logits))


# -- sigmoid ---------------------------------------------------------------------------------------------------


def _sigmoid_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(same_dtype(inputs), shapes.broadcast(inputs[0].dims, inputs[1].dims))]


def _sigmoid_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    logits, target = node.inputs[:2]
    by_logits = g * ((math.sigmoid(logits) - target) * _inside(logits, node))
    return [by_logits, g * math.neg(_limited(logits, node)), None, None]


def _expand_sigmoid(node: ir.Node) -> Tensor:
    limited, high = _limited(node.inputs[0], node), constant_value(node.inputs[3])
    # Where no exponential can overflow the softplus needs no care; it is as exact.
    is_tame = limited.element_type in (ir.DataType.FLOAT, ir.DataType.DOUBLE) and high is not None and high <= 80
    softplus = math.log(math.add(math.exp(limited), 1)) if is_tame else math.softplus(limited)
    return softplus - node.inputs[1] * limited


sigmoid_cross_entropy_op = Op(
    "SigmoidCrossEntropy",  # (logits, target, low, high): of the sigmoid of the logits between low and high
    _sigmoid_types,
    _sigmoid_vjp,
    domain=COMPOUND,
    expand=_expand_sigmoid,
    elementwise=True,
)


def of_sigmoid(logits: Tensor, target: Tensor, low: Any, high: Any) -> Tensor:
    """Return the cross-entropy of a target and the sigmoid of logits limited to [low, high], elementwise."""
    return sigmoid_cross_entropy_op(logits, target, math.like(low, logits), math.like(high, logits))
