"""Elementwise arithmetic: constructors, type rules and VJPs."""

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops.law import COMPOUND, Op, no_gradient, same_dtype
from onnxseq.compiler.tensor import (
    FLOATS,
    OPERATORS,
    Tensor,
    as_dtype,
    attribute,
    constant,
    constant_value,
    numpy_dtype,
)

BOOL = ir.DataType.BOOL


def like(value: Any, tensor: Tensor) -> Tensor:
    """Return a number or array as a constant of a tensor's dtype; a tensor as it is.

    Raises:
        TypeError: where floats would lose their fraction.
    """
    if isinstance(value, Tensor):
        return value
    if tensor.element_type not in FLOATS and np.asarray(value).dtype.kind == "f":
        raise TypeError(
            f"arithmetic: {value!r} arrived beside a tensor of dtype {tensor.dtype_name}; expected integers. "
            f"Use K.cast()."
        )
    return constant(value, tensor.element_type)


def scalar(value: float, tensor: Tensor) -> Tensor:
    """Return a 0-d constant of a tensor's dtype."""
    return constant(np.array(value, numpy_dtype(tensor.element_type)))


def pair(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Return two operands as tensors; a number or an array takes the dtype of the tensor beside it."""
    if isinstance(a, Tensor):
        return a, like(b, a)
    if isinstance(b, Tensor):
        return like(a, b), b
    return constant(a), constant(b)


# -- families -------------------------------------------------------------------------------------------------


def _floating(inputs: Sequence[Tensor]) -> None:
    if inputs[0].element_type not in FLOATS:
        raise TypeError(f"the input has dtype {inputs[0].dtype_name}; expected a floating dtype. Use K.cast().")


def _unary(name: str, derivative: Callable[..., Tensor | None] | None, floating: bool = True, **law: Any) -> Op:
    """An op of one input, with ``derivative(g, y, x)``: the cotangent of x."""

    def types(inputs: Sequence[Tensor], attributes: Any) -> list:
        if floating:
            _floating(inputs)
        return [(inputs[0].element_type, inputs[0].dims)]

    def vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
        return [derivative(g, node.outputs[0], node.inputs[0])] if derivative else [None]

    return Op(name, types, vjp if derivative else no_gradient, elementwise=True, **law)


def _binary_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(same_dtype(inputs), shapes.broadcast(*(x.dims for x in inputs)))]


def _binary(name: str, derivative: Callable[..., Sequence[Tensor | None]] | None, **law: Any) -> Op:
    """An op of two broadcast inputs, with ``derivative(g, y, a, b)``: the cotangents of a and b."""

    def vjp(node: ir.Node, g: Tensor) -> Sequence[Tensor | None]:
        return derivative(g, node.outputs[0], *node.inputs) if derivative else [None, None]

    return Op(name, _binary_types, vjp if derivative else no_gradient, elementwise=True, **law)


def _comparison(name: str) -> Op:
    def types(inputs: Sequence[Tensor], attributes: Any) -> list:
        same_dtype(inputs)
        return [(BOOL, shapes.broadcast(*(x.dims for x in inputs)))]

    return Op(name, types, no_gradient, elementwise=True)


def _logical(name: str, count: int) -> Op:
    def types(inputs: Sequence[Tensor], attributes: Any) -> list:
        for x in inputs:
            if x.element_type != BOOL:
                raise TypeError(f"an input has dtype {x.dtype_name}; expected bool.")
        return [(BOOL, shapes.broadcast(*(x.dims for x in inputs)))]

    return Op(name, types, no_gradient, elementwise=True)


# -- arithmetic -----------------------------------------------------------------------------------------------

add_op = _binary("Add", lambda g, y, a, b: (g, g))
sub_op = _binary("Sub", lambda g, y, a, b: (g, neg(g)))
mul_op = _binary("Mul", lambda g, y, a, b: (g * b, g * a), zero=(0, 1))
div_op = _binary("Div", lambda g, y, a, b: (g / b, neg(g * y / b)), zero=(0,))
pow_op = _binary("Pow", lambda g, y, a, b: (g * b * pow(a, b - 1), g * y * log(_positive(a))))
max_op = _binary("Max", lambda g, y, a, b: _winner(g, a, b, greater_equal))
min_op = _binary("Min", lambda g, y, a, b: _winner(g, a, b, less_equal))
neg: Op = _unary("Neg", lambda g, y, x: neg(g), floating=False, zero=(0,))


def _positive(a: Tensor) -> Tensor:
    """Return a where it is positive and 1 elsewhere, so that log(a) is 0 where 0**b has no slope in b."""
    return where(greater(a, 0), a, scalar(1, a))


def _winner(g: Tensor, a: Tensor, b: Tensor, wins: Callable) -> tuple[Tensor, Tensor]:
    """Give the cotangent to the larger (smaller) operand; the first one where they tie."""
    mask = cast(wins(a, b), g.element_type)
    first = g * mask
    return first, g - first


def _promoting(op: Op) -> Callable[[Any, Any], Tensor]:
    def constructor(a: Any, b: Any) -> Tensor:
        return op(*pair(a, b))

    constructor.__name__ = op.name.lower()
    constructor.__doc__ = f"Return {op.name} of two tensors or numbers, broadcast together."
    return constructor


add, sub, mul, div = _promoting(add_op), _promoting(sub_op), _promoting(mul_op), _promoting(div_op)
maximum, minimum = _promoting(max_op), _promoting(min_op)


def pow(a: Any, b: Any) -> Tensor:
    """Return a**b; small whole exponents become products, which runtimes compute many times faster."""
    if isinstance(a, Tensor) and a.element_type in FLOATS:
        exponent = constant_value(b) if isinstance(b, Tensor) else b
        if np.ndim(exponent) == 0 and exponent is not None:
            if exponent == 2:
                return a * a
            if exponent == 1:
                return a
            if exponent == 0.5:
                return sqrt(a)
    return pow_op(*pair(a, b))


mod_op = _binary("Mod", None)  # of integers; remainder() composes that of floats


def true_divide(a: Any, b: Any) -> Tensor:
    """Return a / b, as Python's operator has it: integers are divided as floats, those of 8 and 16 bits as float32."""
    a, b = pair(a, b)
    if a.element_type in FLOATS:
        return div(a, b)
    wider = "float32" if numpy_dtype(a.element_type).itemsize < 4 else "float64"
    return div(cast(a, wider), cast(b, wider))


def floor_divide(a: Any, b: Any) -> Tensor:
    """Return a divided by b, rounded down."""
    a, b = pair(a, b)
    if a.element_type in FLOATS:
        return floor(div(a, b))
    return div(a - remainder(a, b), b)


def remainder(a: Any, b: Any) -> Tensor:
    """Return a - b*floor(a/b), which has the sign of b, as Python's %."""
    a, b = pair(a, b)
    return a - b * floor(div(a, b)) if a.element_type in FLOATS else mod_op(a, b)


# -- functions ------------------------------------------------------------------------------------------------

sqrt = _unary("Sqrt", lambda g, y, x: g * 0.5 / y, zero=(0,))
exp = _unary("Exp", lambda g, y, x: g * y)
log: Op = _unary("Log", lambda g, y, x: g / x)
sin = _unary("Sin", lambda g, y, x: g * cos(x), zero=(0,))
cos_op = _unary("Cos", lambda g, y, x: neg(g * sin(x)))
tanh = _unary("Tanh", lambda g, y, x: g * (1 - y * y), zero=(0,))
sigmoid = _unary("Sigmoid", lambda g, y, x: g * (y * (1 - y)))
reciprocal = _unary("Reciprocal", lambda g, y, x: neg(g * y * y))
absolute = _unary("Abs", lambda g, y, x: g * sign(x), floating=False, zero=(0,))
sign: Op = _unary("Sign", None, floating=False, zero=(0,))
floor = _unary("Floor", None, zero=(0,))
ceil = _unary("Ceil", None, zero=(0,))
round = _unary("Round", None, zero=(0,))  # to even at halves, as NumPy
relu = _unary("Relu", lambda g, y, x: relu_gate(g, y), zero=(0,))


def cos(x: Tensor) -> Tensor:
    """Return the cosine, of float64 as a shifted sine: the training build has no cosine for it."""
    return sin(add(x, np.pi / 2)) if x.element_type == ir.DataType.DOUBLE else cos_op(x)


def _relu_gate_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    return [(same_dtype(inputs), inputs[0].dims)]


def _relu_gate_lowering(node: ir.Node, target: Any) -> Tensor:
    """g * HardSigmoid(y; alpha=3e38): exactly 0 or 1, and ten times faster than a comparison and a Where."""
    g, y = node.inputs
    if g.element_type not in (ir.DataType.FLOAT, ir.DataType.DOUBLE):
        return g * cast(greater(y, 0), g.element_type)
    return g * hard_sigmoid(y, alpha=3e38, beta=0.0)


relu_gate: Op = Op(
    "ReluGate",  # g where y > 0, else 0
    _relu_gate_types,
    lambda node, g: (relu_gate(g, node.inputs[1]), None),
    domain=COMPOUND,
    expand=lambda node: node.inputs[0] * cast(greater(node.inputs[1], 0), node.inputs[0].element_type),
    lowerings={"onnx": _relu_gate_lowering},
    zero=(0,),
    elementwise=True,
)


def _hard_sigmoid_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    x, alpha, beta = node.inputs[0], attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
    line = x * alpha + beta
    inside = logical_and(greater_equal(line, 0), less_equal(line, 1))  # both ends pass, as with clip
    return [g * cast(inside, x.element_type) * alpha]


hard_sigmoid = Op(
    "HardSigmoid",
    lambda inputs, attributes: [(inputs[0].element_type, inputs[0].dims)],
    _hard_sigmoid_vjp,
    elementwise=True,
)

softplus = Op(
    "Softplus",
    lambda inputs, attributes: [(inputs[0].element_type, inputs[0].dims)],
    lambda node, g: [g * sigmoid(node.inputs[0])],
    domain=COMPOUND,
    # The runtime's own Softplus is twice as slow as its parts.
    expand=lambda node: relu(node.inputs[0]) + log(add(1, exp(neg(absolute(node.inputs[0]))))),
    elementwise=True,
)


def clip(x: Tensor, low: Any, high: Any) -> Tensor:
    """Return x limited to [low, high]. The gradient passes where low <= x <= high."""
    return clip_op(x, like(low, x), like(high, x))


def _clip_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    # Inside the limits, and only there, x is left as it is; one comparison takes half as long as two and an And.
    return [g * cast(equal(node.inputs[0], node.outputs[0]), g.element_type), None, None]


clip_op = Op("Clip", lambda inputs, attributes: [(same_dtype(inputs), inputs[0].dims)], _clip_vjp, elementwise=True)

# -- conditions and casts -------------------------------------------------------------------------------------

equal_op, greater_op, less_op = _comparison("Equal"), _comparison("Greater"), _comparison("Less")
greater_equal_op, less_equal_op = _comparison("GreaterOrEqual"), _comparison("LessOrEqual")
and_op, or_op, logical_not = _logical("And", 2), _logical("Or", 2), _logical("Not", 1)
equal, less = _promoting(equal_op), _promoting(less_op)
greater: Callable[[Any, Any], Tensor] = _promoting(greater_op)
greater_equal: Callable[[Any, Any], Tensor] = _promoting(greater_equal_op)
less_equal: Callable[[Any, Any], Tensor] = _promoting(less_equal_op)
logical_and, logical_or = _promoting(and_op), _promoting(or_op)
is_nan = Op("IsNaN", lambda inputs, attributes: [(BOOL, inputs[0].dims)], no_gradient, elementwise=True)


def not_equal(a: Any, b: Any) -> Tensor:
    """Return whether two tensors differ, elementwise."""
    return logical_not(equal(a, b))


def _where_types(inputs: Sequence[Tensor], attributes: Any) -> list:
    condition, a, b = inputs
    if condition.element_type != BOOL:
        raise TypeError(f"the condition has dtype {condition.dtype_name}; expected bool.")
    return [(same_dtype((a, b)), shapes.broadcast(condition.dims, a.dims, b.dims))]


def _where_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    zero = scalar(0, g)
    return [None, where_op(node.inputs[0], g, zero), where_op(node.inputs[0], zero, g)]


where_op = Op("Where", _where_types, _where_vjp, elementwise=True)


def where(condition: Tensor, a: Any, b: Any) -> Tensor:
    """Return a where the condition holds, else b."""
    return where_op(condition, *pair(a, b))


def _cast_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    x = node.inputs[0]
    return [cast(g, x.element_type) if x.element_type in FLOATS else None]


cast_op = Op(
    "Cast",
    lambda inputs, attributes: [(ir.DataType(attributes["to"]), inputs[0].dims)],
    _cast_vjp,
    zero=(0,),
    elementwise=True,
)


def cast(x: Tensor, dtype: Any) -> Tensor:
    """Return x in another dtype; x itself where it has it already."""
    dtype = as_dtype(dtype)
    return x if x.element_type == dtype else cast_op(x, to=builtins.int(dtype))


def stop_gradient(x: Tensor) -> Tensor:
    """Return x, through which no gradient flows."""
    return stop_op(x)


stop_op = Op(
    "StopGradient",
    lambda inputs, attributes: [(inputs[0].element_type, inputs[0].dims)],
    no_gradient,
    domain=COMPOUND,
    expand=lambda node: node.inputs[0],
    elementwise=True,
)

OPERATORS.update(
    {
        "add": add, "sub": sub, "mul": mul, "truediv": true_divide, "floordiv": floor_divide,
        "mod": remainder, "pow": pow,
        "neg": neg, "abs": absolute, "lt": less, "le": less_equal, "gt": greater, "ge": greater_equal,
        "and": logical_and, "or": logical_or, "invert": logical_not,
    }
)  # fmt: skip
