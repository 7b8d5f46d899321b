"""Activations that are more than one elementwise op, softmax, cross-entropies on logits, and dropout."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math, reduction, shape
from onnxseq.compiler.ops.law import COMPOUND, Op
from onnxseq.compiler.tensor import FLOATS, Tensor, attribute, constant

BOOL = ir.DataType.BOOL
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _same_floating(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    (x,) = inputs
    if x.element_type not in FLOATS:
        raise TypeError(f"the input has dtype {x.dtype_name}; expected a floating dtype. Use K.cast().")
    return [(x.element_type, x.dims)]


# -- softmax ---------------------------------------------------------------------------------------------------


def _softmax_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    y, axis = node.outputs[0], attribute(node, "axis")
    return [(g - reduction.sum(g * y, [axis], keepdims=True)) * y]


def _log_softmax_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    x, axis = node.inputs[0], attribute(node, "axis")
    return [g - softmax_op(x, axis=axis) * reduction.sum(g, [axis], keepdims=True)]


softmax_op = Op("Softmax", _same_floating, _softmax_vjp)
log_softmax_op = Op("LogSoftmax", _same_floating, _log_softmax_vjp)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return exp(x) / sum(exp(x)) along an axis."""
    return softmax_op(x, axis=shapes.normalize_axis(axis, x.rank, "Softmax"))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return log(softmax(x)), exact also where the softmax underflows."""
    return log_softmax_op(x, axis=shapes.normalize_axis(axis, x.rank, "LogSoftmax"))


def softmax_cross_entropy(labels: Tensor, logits: Tensor, axis: int = -1) -> Tensor:
    """Return -sum(labels * log_softmax(logits)) along an axis, which the result lacks."""
    return math.neg(reduction.sum(labels * log_softmax(logits, axis), [axis]))


def sigmoid_cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of labels and sigmoid(logits), elementwise, exact for logits of any size."""
    return math.softplus(logits) - labels * logits


# -- elementwise activations -----------------------------------------------------------------------------------


def _elu_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    """The slope is 1 above 0 and alpha*exp(x) = y + alpha at and below it."""
    x, y, alpha = node.inputs[0], node.outputs[0], attribute(node, "alpha", 1.0)
    if alpha == 1.0:
        return [g * (math.minimum(y, 0) + 1)]
    below = g * (math.exp(math.minimum(x, 0)) * alpha)
    return [below + math.relu_gate(g, x) * (1 - alpha)]


elu_op = Op(
    "Elu",  # x above 0, alpha * (exp(x) - 1) below
    _same_floating,
    _elu_vjp,
    domain=COMPOUND,
    # The runtime's own Elu is twice as slow as its parts.
    expand=lambda node: math.relu(node.inputs[0])
    + (math.exp(math.minimum(node.inputs[0], 0)) - 1) * attribute(node, "alpha", 1.0),
    elementwise=True,
)


def _leaky_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    """At 0 the slope is 0, as that of relu(x) - alpha * relu(-x)."""
    x = node.inputs[0]
    return [math.relu_gate(g, x) + math.relu_gate(g, math.neg(x)) * attribute(node, "alpha")]


def _leaky_lowering(node: ir.Node, target: Any) -> Tensor | None:
    """For 0 <= alpha <= 1 the larger of x and alpha * x."""
    x, alpha = node.inputs[0], attribute(node, "alpha")
    return math.maximum(x, x * alpha) if 0 <= alpha <= 1 else None


leaky_relu_op = Op(
    "LeakyRelu",  # x above 0, alpha * x below
    _same_floating,
    _leaky_vjp,
    domain=COMPOUND,
    expand=lambda node: math.relu(node.inputs[0]) - math.relu(math.neg(node.inputs[0])) * attribute(node, "alpha"),
    lowerings={"onnx": _leaky_lowering},
    zero=(0,),
    elementwise=True,
)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where it is above 0, else alpha * (exp(x) - 1)."""
    return elu_op(x, alpha=float(alpha))


def selu(x: Tensor) -> Tensor:
    """Return the scaled elu that keeps mean 0 and variance 1 through layers."""
    return elu(x, SELU_ALPHA) * SELU_SCALE


def leaky_relu(x: Tensor, alpha: float) -> Tensor:
    """Return x where it is above 0, else alpha * x."""
    return leaky_relu_op(x, alpha=float(alpha))


def softsign(x: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    return x / (1 + math.absolute(x))


# -- dropout ---------------------------------------------------------------------------------------------------


def _check_rate(rate: float) -> None:
    if not 0 <= rate < 1:
        raise ValueError(f"the rate is {rate!r}; expected 0 <= rate < 1.")


def _dropout_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    (x,) = inputs
    types = _same_floating(inputs, attributes)
    _check_rate(attributes["rate"])
    shared = attributes.get("shared") or ()
    return [*types, (BOOL, tuple(1 if i in shared else d for i, d in enumerate(x.dims)))]


def _dropout_vjp(node: ir.Node, g: Tensor | None, _: Tensor | None) -> list[Tensor | None]:
    return [None if g is None else dropout_grad_op(g, node.outputs[1], rate=attribute(node, "rate"))]


def _dropout_grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    g, mask = inputs
    if mask.element_type != BOOL:
        raise TypeError(f"the mask has dtype {mask.dtype_name}; expected bool.")
    return [(g.element_type, shapes.broadcast(g.dims, mask.dims))]


def _expand_dropout_grad(node: ir.Node) -> Tensor:
    g, mask = node.inputs
    return g * (math.cast(mask, g.element_type) * (1 / (1 - attribute(node, "rate"))))


def _dropout_lowering(node: ir.Node, target: Any) -> list[Tensor]:
    """ONNX's Dropout on the input, or, where the mask has shared axes, on ones of the mask's shape."""
    x, rate, seed = node.inputs[0], attribute(node, "rate"), attribute(node, "seed")
    shared = attribute(node, "shared", ())
    training = (math.scalar(rate, x), constant(np.array(True)))
    if not shared:
        y, mask = onnx_dropout.all(x, *training, seed=seed)
        return [y, mask]
    sizes = [1 if i in shared else d if isinstance(d, int) else shape.dim_of(x, i) for i, d in enumerate(x.dims)]
    ones = shape.with_dims(shape.expand(math.scalar(1, x), sizes), node.outputs[1].dims)
    factor, mask = onnx_dropout.all(ones, *training, seed=seed)
    return [x * factor, mask]


onnx_dropout = Op(
    "Dropout",
    lambda inputs, attributes: [(inputs[0].element_type, inputs[0].dims), (BOOL, inputs[0].dims)],
    random=True,
)
dropout_op = Op(
    "Dropout",  # x -> x with a share of its elements set to 0 and the others scaled up, and which were kept
    _dropout_types,
    _dropout_vjp,
    domain=COMPOUND,
    lowerings={"onnx": _dropout_lowering},
    random=True,
)
dropout_grad_op: Op = Op(
    "DropoutGrad",  # (g, mask): g where it was kept, scaled up
    _dropout_grad_types,
    lambda node, g: [dropout_grad_op(g, node.inputs[1], rate=attribute(node, "rate")), None],
    domain=COMPOUND,
    expand=_expand_dropout_grad,
    zero=(0,),
)


def dropout(x: Tensor, rate: float, seed: int, shared: Sequence[int] = ()) -> Tensor:
    """Return x with each element set to 0 with probability ``rate`` and else divided by ``1 - rate``.

    Arguments:
        rate: the share to drop, from 0 up to, but without, 1.
        seed: where the sequence of masks starts; equal seeds give equal masks.
        shared: axes along which all elements share one fate.

    Raises:
        ValueError: for a rate outside [0, 1).
    """
    axes = [shapes.normalize_axis(a, x.rank, "Dropout") for a in shared]
    return dropout_op(x, rate=float(rate), seed=int(seed), shared=sorted(axes) or None)
