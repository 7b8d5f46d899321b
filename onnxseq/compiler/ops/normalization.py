"""Batch normalization: with the statistics of the batch, and with given ones.

Per channel, over the N elements of all other axes::

    mean = sum(x) / N        variance = sum((x - mean)^2) / N
    y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

The gradient, with xhat = (x - mean) / sqrt(variance + epsilon)::

    dbeta = sum(dy)          dgamma = sum(dy * xhat)
    dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / N - xhat * dgamma / N)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import blocked, index, math, reduction, shape, windows
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST
from onnxseq.compiler.tensor import Tensor, attribute, constant, numpy_dtype
from onnxseq.shapes import Dim

FLOAT, DOUBLE = ir.DataType.FLOAT, ir.DataType.DOUBLE


def _check_channels(x: Tensor, parameters: Sequence[Tensor], attributes: Mapping[str, Any]) -> int:
    windows.check_floating(x)
    _, _, channels = windows.split(x.dims, *windows.layout_of(attributes))
    if not isinstance(channels, int):
        raise ValueError(
            f"the input has shape {shapes.to_keras(x.dims)}; expected a known number of channels."
        )
    for p in parameters:
        if p.dims != (channels,):
            raise ValueError(
                f"a parameter has shape {shapes.to_keras(p.dims)}; expected {(channels,)}, one number per channel."
            )
    return channels


def _training_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, gamma, beta = inputs
    channels = _check_channels(x, (gamma, beta), attributes)
    dtype = same_dtype(inputs)
    return [(dtype, x.dims), (dtype, (channels,)), (dtype, (channels,))]


def _grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, _, *parameters = inputs
    channels = _check_channels(x, parameters, attributes)
    dtype = same_dtype(inputs)
    return [(dtype, x.dims), (dtype, (channels,)), (dtype, (channels,))]


# -- per channel -----------------------------------------------------------------------------------------------


def _other_axes(rank: int, layout: str) -> list[int]:
    return [0, *windows.spatial_axes(rank, layout)]


def _spread(v: Tensor, rank: int, layout: str, block: int) -> Tensor:
    """Return a vector of one number per channel so that it broadcasts to a tensor in a layout."""
    if layout == LAST:
        return v
    if layout == FIRST:
        return shape.reshape(v, (v.dims[0], *(1,) * (rank - 2)))
    return shape.reshape(v, (v.dims[0] // block, 1, 1, block))  # type: ignore[operator]


def _sum(x: Tensor, layout: str) -> Tensor:
    """Return the sum over all axes but the channels'."""
    if layout == FIRST and x.rank > 2:
        # Two sums over whole rows are faster than one over two separate axes.
        inner = reduction.sum(shape.reshape(x, (x.dims[0], x.dims[1], -1)), [2])
        return reduction.sum(inner, [0])
    if layout == LAST:
        return reduction.sum(shape.reshape(x, (-1, x.dims[-1])), [0])
    return shape.reshape(reduction.sum(x, _other_axes(x.rank, layout)), (-1,))


def _share(x: Tensor, layout: str) -> Tensor:
    """Return 1 / N as a scalar of the dtype of x."""
    axes = _other_axes(x.rank, layout)
    count = shapes.product(x.dims[a] for a in axes)
    if isinstance(count, int):
        return math.scalar(1 / max(count, 1), x)
    wide = DOUBLE if x.element_type == DOUBLE else FLOAT  # a count may exceed what float16 holds
    return math.cast(math.reciprocal(math.cast(reduction.count_of(x, axes), wide)), x.element_type)


def _filled(value: float, x: Tensor, channels: Dim) -> Tensor:
    return constant(np.full(channels, value, numpy_dtype(x.element_type)))


# -- the training op -------------------------------------------------------------------------------------------


def _expand_training(node: ir.Node) -> list[Tensor]:
    x, gamma, beta = node.inputs
    layout, block = windows.node_layout(node)

    def spread(v: Tensor) -> Tensor:
        return _spread(v, x.rank, layout, block)

    share = _share(x, layout)
    mean = _sum(x, layout) * share
    centred = x - spread(mean)
    variance = _sum(centred * centred, layout) * share
    scale = math.reciprocal(math.sqrt(variance + attribute(node, "epsilon")))
    y = centred * spread(scale * gamma) + spread(beta)
    return [y, mean, variance]


def _scratch(x: Tensor, gamma: Tensor, beta: Tensor) -> list[Tensor]:
    """Return two vectors that the runtime may overwrite: it writes the statistics into the buffers of the old ones.

    Their values do not count (momentum is 0), their identity does. Constants would be one buffer for all nodes that
    hold the same numbers, gamma and beta among them, and would keep a NaN for ever; so they are computed from x, and
    are the same for two nodes only where x, gamma and beta are.
    """
    first = index.slice(shape.reshape(x, (-1,)), [0], [1], [0])
    return [first + beta + gamma, first + beta - gamma]


def _training_lowering(node: ir.Node, target: Any) -> list[Tensor] | None:
    """ONNX's BatchNormalization, whose running statistics with momentum 0 are those of the batch."""
    x, gamma, beta = node.inputs
    layout, block = windows.node_layout(node)
    if x.element_type not in (FLOAT, DOUBLE) or layout == LAST:
        return None
    if layout == BLOCKED:
        moved = batch_norm_training_op.all(
            relayout(x, layout, FIRST, block), gamma, beta, layout=FIRST, epsilon=attribute(node, "epsilon")
        )
        return [relayout(moved[0], FIRST, layout, block), *moved[1:]]
    results = onnx_batch_norm.all(
        x,
        gamma,
        beta,
        *_scratch(x, gamma, beta),
        epsilon=attribute(node, "epsilon"),
        momentum=0.0,
        training_mode=1,
    )
    return list(results)


def _training_vjp(
    node: ir.Node, g: Tensor | None, g_mean: Tensor | None, g_variance: Tensor | None
) -> list[Tensor | None]:
    x, gamma, _ = node.inputs
    _, mean, variance = node.outputs
    layout, block = windows.node_layout(node)
    parts: list[Tensor] = []
    d_gamma = d_beta = None
    if g is not None:
        rule = windows.attributes_of(node, "epsilon")
        dx, d_gamma, d_beta = batch_norm_training_grad_op.all(x, g, gamma, mean, variance, **rule)
        parts.append(dx)
    if g_mean is not None:
        parts.append(_spread(g_mean * _share(x, layout), x.rank, layout, block))
    if g_variance is not None:
        slope = _spread(g_variance * (_share(x, layout) * 2), x.rank, layout, block)
        parts.append((x - _spread(mean, x.rank, layout, block)) * slope)
    total = parts[0] if parts else None
    for part in parts[1:]:
        total = total + part  # type: ignore[operator]
    return [total, d_gamma, d_beta]


def _expand_grad(node: ir.Node) -> list[Tensor]:
    x, dy, gamma, mean, variance = node.inputs
    layout, block = windows.node_layout(node)

    def spread(v: Tensor) -> Tensor:
        return _spread(v, x.rank, layout, block)

    inverse = math.reciprocal(math.sqrt(variance + attribute(node, "epsilon")))
    # Centred first: sum(dy * x) - mean * sum(dy) would cancel where the mean is large beside the deviation.
    centred = x - spread(mean)
    d_beta = _sum(dy, layout)
    d_gamma = _sum(dy * centred, layout) * inverse
    share = _share(x, layout)
    factor = inverse * gamma
    on_x = math.neg(factor * inverse * d_gamma) * share
    offset = math.neg(factor * d_beta) * share
    dx = dy * spread(factor) + centred * spread(on_x) + spread(offset)
    return [dx, d_gamma, d_beta]


onnx_batch_norm = Op(
    "BatchNormalization",  # of lowered graphs alone, in its training form
    lambda inputs, attributes: [(x.element_type, x.dims) for x in (inputs[0], inputs[1], inputs[1])],
)
batch_norm_training_op = Op(
    "BatchNormTraining",  # (x, gamma, beta) -> y, mean, variance (not corrected for the sample size)
    _training_types,
    _training_vjp,
    domain=COMPOUND,
    expand=_expand_training,
    lowerings={"nchwc": blocked.lower_batch_norm, "onnx": _training_lowering},
)
batch_norm_training_grad_op = Op(
    "BatchNormTrainingGrad",  # (x, dy, gamma, mean, variance) -> dx, dgamma, dbeta
    _grad_types,
    domain=COMPOUND,
    expand=_expand_grad,
    lowerings={"nchwc": blocked.lower_batch_norm_grad},
    zero=(1,),
)


# -- constructors ----------------------------------------------------------------------------------------------


def batch_norm_training(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, axis: int = -1, epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """Return x normalized per channel with its own statistics, and their mean and variance.

    Shapes: x of any rank from 2 on; gamma, beta, mean, variance [C], C the size of the axis.

    Arguments:
        gamma, beta: scale and offset; None for 1 and 0.
        axis: where the channels are.
        epsilon: added to the variance.
    """
    axis = shapes.normalize_axis(axis, x.rank, "BatchNormTraining")
    rank = x.rank
    to_last = [*(i for i in range(rank) if i != axis), axis]
    moved = shape.transpose(x, to_last)
    gamma = _filled(1, x, x.dims[axis]) if gamma is None else gamma
    beta = _filled(0, x, x.dims[axis]) if beta is None else beta
    if rank == 2:
        # No spatial axes to lay out differently.
        y, mean, variance = batch_norm_training_op.all(
            shape.unsqueeze(moved, [1]), gamma, beta, epsilon=float(epsilon), layout=LAST
        )
        y = shape.squeeze(y, [1])
    else:
        y, mean, variance = batch_norm_training_op.all(moved, gamma, beta, epsilon=float(epsilon))
    return shape.transpose(y, [int(i) for i in np.argsort(to_last)]), mean, variance


def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    beta: Tensor | None = None,
    gamma: Tensor | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Return gamma * (x - mean) / sqrt(variance + epsilon) + beta, everything broadcast together."""
    scale = math.reciprocal(math.sqrt(variance + epsilon))
    scale = scale if gamma is None else scale * gamma
    offset = math.neg(mean * scale) if beta is None else beta - mean * scale
    return x * scale + offset
