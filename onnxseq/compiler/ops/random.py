"""Random tensors. Each node draws from a stream of its own that starts at its seed.

The runtime's Bernoulli is not used: it draws 1 with the probability of 0.
"""

import math as numbers
from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math, shape
from onnxseq.compiler.ops.law import Op, no_gradient
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.tensor import Tensor, as_dtype, constant

_DRAWN = frozenset({ir.DataType.FLOAT, ir.DataType.DOUBLE})  # what the runtime draws; others are cast


def _static_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(ir.DataType(attributes["dtype"]), tuple(attributes["shape"]))]


def _like_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(ir.DataType(attributes["dtype"]), inputs[0].dims)]


uniform_op = Op("RandomUniform", _static_types, no_gradient, random=True)
normal_op = Op("RandomNormal", _static_types, no_gradient, random=True)
uniform_like_op = Op("RandomUniformLike", _like_types, no_gradient, random=True)
normal_like_op = Op("RandomNormalLike", _like_types, no_gradient, random=True)


def _stream(seed: int) -> float:
    """Return where a seed's stream starts: spread out, as the runtime begins near 0 for every small seed."""
    return float(((int(seed) + 1) * 2654435769 >> 8) % 2**24)


def _draw(static: Op, dynamic: Op, target: Tensor | Sequence[Size], dtype: Any, **attributes: float) -> Tensor:
    dtype = as_dtype(dtype)
    drawn = dtype if dtype in _DRAWN else ir.DataType.FLOAT
    attributes["dtype"] = int(drawn)
    like = shape.expand(constant(0.0, drawn), target)
    if not shapes.is_static(like.dims):
        result = dynamic(like, **attributes)
    else:
        # An attribute cannot be an empty list, so a scalar is drawn as a vector of one.
        result = static(shape=list(like.dims) or [1], **attributes)
        result = result if like.dims else shape.squeeze(result, [0])
    return math.cast(result, dtype)


def uniform(
    target: Tensor | Sequence[Size], low: float = 0.0, high: float = 1.0, dtype: Any = "float32", seed: int = 0
) -> Tensor:
    """Return numbers drawn evenly from [low, high), in a shape that may hold tensors."""
    low, high = sorted((float(low), float(high)))  # the runtime ends the whole process over limits the other way round
    return _draw(uniform_op, uniform_like_op, target, dtype, low=low, high=high, seed=_stream(seed))


def normal(
    target: Tensor | Sequence[Size], mean: float = 0.0, scale: float = 1.0, dtype: Any = "float32", seed: int = 0
) -> Tensor:
    """Return numbers of the normal distribution with a mean and a standard deviation."""
    if not scale:
        # Nothing is left to draw, and the runtime ends the whole process over a deviation of 0 or less.
        return math.cast(shape.expand(constant(float(mean), as_dtype(dtype)), target), dtype)
    scale = abs(float(scale))
    return _draw(normal_op, normal_like_op, target, dtype, mean=float(mean), scale=scale, seed=_stream(seed))


# erfinv(x)/x as a polynomial in -log(1-x*x), fitted for |erfinv(x)| <= sqrt(2); its relative error is 5e-11.
_INVERSE_ERF = (
    0.886226925, 0.232013663, 0.0115493859, -0.00233533192, -0.000127430743,
    4.56792685e-05, 2.87748219e-06, -1.49281453e-06, 1.17765573e-07,
)  # fmt: skip


def truncated_normal(
    target: Tensor | Sequence[Size], mean: float = 0.0, scale: float = 1.0, dtype: Any = "float32", seed: int = 0
) -> Tensor:
    """Return numbers of the normal distribution given that they lie within two standard deviations of the mean.

    That is what drawing again whatever lies outside gives; here the inverse of the distribution function is
    applied to even numbers, so that one draw is enough.
    """
    dtype = as_dtype(dtype)
    bound = numbers.erf(numbers.sqrt(2))
    x = uniform(target, -bound, bound, dtype if dtype in _DRAWN else "float32", seed)
    w = math.neg(math.log(1 - x * x))  # type: ignore[arg-type]
    factor: Tensor | float = _INVERSE_ERF[-1]
    for coefficient in _INVERSE_ERF[-2::-1]:
        factor = factor * w + coefficient
    return math.cast(mean + x * factor * (scale * numbers.sqrt(2)), dtype)  # type: ignore[arg-type]


def binomial(target: Tensor | Sequence[Size], p: float = 0.5, dtype: Any = "float32", seed: int = 0) -> Tensor:
    """Return ones with probability p, else zeros."""
    return math.cast(math.less(uniform(target, 0.0, 1.0, "float32", seed), float(p)), dtype)
