"""Reductions over axes: constructors, type rules and VJPs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math, shape
from onnxseq.compiler.ops.law import COMPOUND, Op, no_gradient
from onnxseq.compiler.tensor import Tensor, attribute, constant, constant_value

INT64 = ir.DataType.INT64

Axes = int | Iterable[int] | None


def reduced_axes(node: ir.Node) -> tuple[int, ...]:
    """Return the axes that a recorded reduction sums over, counted from the front."""
    return _axes(node.inputs)


def _axes(inputs: Sequence[Tensor | None]) -> tuple[int, ...]:
    x, axes = inputs
    value = constant_value(axes)
    if value is None:
        raise ValueError("the axes are not constant; expected known axes.")
    return shapes.normalize_axes(tuple(int(a) for a in value), x.rank)  # type: ignore[union-attr]


def _types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x, axes, keepdims = inputs[0], _axes(inputs), attributes["keepdims"]
    dims = tuple(1 if i in axes else d for i, d in enumerate(x.dims) if keepdims or i not in axes)
    return [(x.element_type, dims)]


def _kept(node: ir.Node, y: Tensor) -> Tensor:
    """Return a result or its cotangent with the reduced axes as 1, so that it broadcasts to the input."""
    return y if attribute(node, "keepdims") else shape.unsqueeze_op(y, node.inputs[1])


def _reduction(name: str, derivative: Callable[..., Tensor], **law: Any) -> Op:
    """A reduction with ``derivative(g, y, x, axes)``: the cotangent of x, g and y having the rank of x."""

    def vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
        x = node.inputs[0]
        return [derivative(_kept(node, g), _kept(node, node.outputs[0]), x, _axes(node.inputs)), None]

    return Op(name, _types, vjp, **law)


def _share(g: Tensor, y: Tensor, x: Tensor, axes: Sequence[int]) -> Tensor:
    """Give the cotangent in equal shares to all elements that attain the result, as TensorFlow does."""
    winners = math.cast(math.equal(x, y), x.element_type)
    return winners * (g / sum(winners, axes, keepdims=True))


def _max_grad_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x = inputs[0]
    return [(x.element_type, x.dims)]


max_grad_op = Op(
    "ReduceMaxGrad",  # (x, y, g): g in equal shares where x attains its largest elements y; y and g have the rank of x
    _max_grad_types,
    domain=COMPOUND,
    expand=lambda node: _share(node.inputs[2], node.inputs[1], node.inputs[0], attribute(node, "axes")),
    zero=(2,),
)


def _product_share(g: Tensor, y: Tensor, x: Tensor, axes: Sequence[int]) -> Tensor:
    """Each element's slope is the product of the others, also where one of them is 0."""
    is_zero = math.equal(x, math.scalar(0, x))
    filled = math.where(is_zero, math.scalar(1, x), x)
    zeros = sum(math.cast(is_zero, x.element_type), axes, keepdims=True)
    rest = prod(filled, axes, keepdims=True)
    alone = math.cast(math.less(zeros, 2), x.element_type) * rest
    without = math.cast(math.less(zeros, 1), x.element_type) * rest / filled
    return g * math.where(is_zero, alone, without)


sum_op = _reduction("ReduceSum", lambda g, y, x, axes: g, zero=(0,))
mean_op = _reduction("ReduceMean", lambda g, y, x, axes: _per_element(g, x, axes), zero=(0,))
max_op = _reduction("ReduceMax", lambda g, y, x, axes: max_grad_op(x, y, g, axes=list(axes)), zero=(0,))
min_op = _reduction("ReduceMin", _share, zero=(0,))
prod_op = _reduction("ReduceProd", _product_share, zero=(0,))


def _expand_double_prod(node: ir.Node) -> Tensor:
    """The product's logarithm is summed; its sign is a product of float32, exactly. Zeros give exp(-inf) = 0."""
    x, axes = node.inputs
    keepdims = attribute(node, "keepdims")
    size = math.exp(sum_op(math.log(math.absolute(x)), axes, keepdims=keepdims))
    return size * math.cast(prod_op(math.cast(math.sign(x), "float32"), axes, keepdims=keepdims), x.element_type)


# The training build multiplies no doubles up.
double_prod_op = _reduction("DoubleProd", _product_share, domain=COMPOUND, expand=_expand_double_prod, zero=(0,))
logsumexp_op = _reduction("ReduceLogSumExp", lambda g, y, x, axes: g * math.exp(x - y))


def _per_element(g: Tensor, x: Tensor, axes: Sequence[int]) -> Tensor:
    """Return g divided by the number of elements reduced into one."""
    count = shapes.product(x.dims[i] for i in axes)
    if isinstance(count, int):
        return math.mul(g, 1.0 / count) if count else g
    # The reciprocal is taken in float32: a count may exceed what float16 holds.
    wide = g.element_type if g.element_type == ir.DataType.DOUBLE else ir.DataType.FLOAT
    return g * math.cast(math.reciprocal(math.cast(count_of(x, axes), wide)), g.element_type)


def count_of(x: Tensor, axes: Axes = None) -> Tensor:
    """Return how many elements a reduction over the axes makes one of, as an int64 scalar."""
    found = _normal(axes, x.rank, "count")
    if len(found) == x.rank:
        return shape.size_of(x)
    if len(found) == 1:
        return shape.squeeze(shape.dim_of(x, found[0]), [0])
    sizes = shape.vector([d if isinstance(d, int) else shape.dim_of(x, i) for i in found for d in (x.dims[i],)])
    return prod(sizes)


def _normal(axes: Axes, rank: int, who: str) -> tuple[int, ...]:
    return shapes.normalize_axes(axes if axes is None or isinstance(axes, int) else tuple(axes), rank, who)


def _constructor(op: Op, what: str) -> Callable[..., Tensor]:
    def constructor(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
        found = _normal(axes, x.rank, op.name)
        return op(x, shape.ints(found), keepdims=int(keepdims)) if found else x

    constructor.__doc__ = f"Return the {what} over axes (all by default)."
    return constructor


sum = _constructor(sum_op, "sum")
mean = _constructor(mean_op, "mean")
max = _constructor(max_op, "largest element")
min = _constructor(min_op, "smallest element")
_logsumexp = _constructor(logsumexp_op, "logarithm of the sum of exponentials")


def prod(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the product over axes (all by default)."""
    found = _normal(axes, x.rank, prod_op.name)
    op = double_prod_op if x.element_type == ir.DataType.DOUBLE else prod_op
    return op(x, shape.ints(found), keepdims=int(keepdims)) if found else x


def logsumexp(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the logarithm of the sum of exponentials, also of numbers whose exponentials are out of range."""
    if x.element_type == ir.DataType.FLOAT16:  # the runtime does not guard it there
        return math.cast(_logsumexp(math.cast(x, "float32"), axes, keepdims), x.element_type)
    return _logsumexp(x, axes, keepdims)


def variance(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the mean square distance from the mean."""
    centred = x - mean(x, axes, keepdims=True)
    return mean(centred * centred, axes, keepdims)


def all(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
    """Return whether every element is true."""
    return math.cast(min(math.cast(x, "int32"), axes, keepdims), "bool")


def any(x: Tensor, axes: Axes = None, keepdims: bool = False) -> Tensor:
    """Return whether some element is true."""
    return math.cast(max(math.cast(x, "int32"), axes, keepdims), "bool")


# -- positions ------------------------------------------------------------------------------------------------


def _arg_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    (x,), axis = inputs, attributes["axis"]
    dims = tuple(1 if i == axis else d for i, d in enumerate(x.dims) if attributes["keepdims"] or i != axis)
    return [(INT64, dims)]


argmax_op = Op("ArgMax", _arg_types, no_gradient)
argmin_op = Op("ArgMin", _arg_types, no_gradient)


def argmax(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """Return where the largest element stands along an axis, the first one where several tie."""
    return argmax_op(x, axis=shapes.normalize_axis(axis, x.rank, "ArgMax"), keepdims=int(keepdims))


def argmin(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """Return where the smallest element stands along an axis, the first one where several tie."""
    return argmin_op(x, axis=shapes.normalize_axis(axis, x.rank, "ArgMin"), keepdims=int(keepdims))


# -- running sums ---------------------------------------------------------------------------------------------


def _cumsum_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    exclusive, reverse = attribute(node, "exclusive", 0), attribute(node, "reverse", 0)
    return [cumsum_op(g, node.inputs[1], exclusive=exclusive, reverse=1 - reverse), None]


cumsum_op = Op("CumSum", lambda inputs, attributes: [(inputs[0].element_type, inputs[0].dims)], _cumsum_vjp, zero=(0,))


def cumsum(x: Tensor, axis: int = 0, backwards: bool = False) -> Tensor:
    """Return the running sums along an axis."""
    axis = shapes.normalize_axis(axis, x.rank, "CumSum")
    return cumsum_op(x, constant(np.array(axis, np.int64)), exclusive=0, reverse=int(backwards))


def cumprod(x: Tensor, axis: int = 0) -> Tensor:
    """Return the running products along an axis of known size, by doubling the distance that products span."""
    axis = shapes.normalize_axis(axis, x.rank, "cumprod")
    size = x.dims[axis]
    if not isinstance(size, int):
        raise ValueError(f"cumprod: axis {axis} of {shapes.to_keras(x.dims)} is free; expected a known size.")
    distance = 1
    while distance < size:
        pads = [(distance, -distance) if i == axis else (0, 0) for i in range(x.rank)]
        x = x * shape.pad(x, pads, 1)
        distance *= 2
    return x
