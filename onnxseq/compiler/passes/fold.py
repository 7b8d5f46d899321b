"""Fold what is known before the run.

1. A branch of zeros vanishes: an op that is linear in a zero input gives zeros; ``x + zeros`` is x, ``x - zeros`` is x.
2. Neutral constants vanish: ``x + 0``, ``x - 0``, ``x * 1``, ``x / 1`` are x, if x has the result's shape.
3. Two scalar factors become one: ``(x * a) * b`` is ``x * (a*b)``.
4. An Expand vanishes before an elementwise op that broadcasts its result anyway.
5. Reshape of Reshape, Transpose of Transpose, Cast to the own dtype and Identity become one op or none; so does what is
   turned around twice along one axis, also with a Transpose in between.
6. Nodes of constants alone are computed where the result is small, or holds what the constants hold in another order.
7. The shape of a tensor of known sizes is a constant.

It must not touch outputs' names, random ops, or anything whose shape the rewrite would change.
"""

import functools
from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import index, known, law, math, shape
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.tensor import FLOATS, Tensor, attribute, constant, constant_value

_SMALL = 4096  # elements up to which a constant is computed here; larger ones are left to the runtime
_ARRANGING = frozenset({"Concat", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"})
_NEUTRAL = {"Add": (0, (0, 1)), "Sub": (0, (1,)), "Mul": (1, (0, 1)), "Div": (1, (1,))}


class Fold(ir.passes.InPlacePass):
    """Apply the module's numbered rules until none applies."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        changed = False
        for graph in rewrite.graphs(model.graph):
            for _ in range(20):
                _share_constants(graph)
                if not rewrite.apply(graph, functools.partial(_fold, _zero_values(graph))):
                    break
                changed = True
        return ir.passes.PassResult(model, changed)


def _fold(zeros: set[Tensor], node: ir.Node) -> Tensor | list[Tensor] | None:
    if node.domain != "":
        return None
    rules: list[Callable[[ir.Node], Tensor | list[Tensor] | None]] = [
        functools.partial(_drop_zeros, zeros),
        _drop_neutral,
        _merge_factors,
        _bypass_expand,
        _merge_views,
        _known_shape,
        _compute,
    ]
    for rule in rules:
        values = rule(node)
        if values is not None:
            return values
    return None


# -- 1 --------------------------------------------------------------------------------------------------------


def _zero_values(graph: ir.Graph) -> set[Tensor]:
    found: set[Tensor] = set()
    for node in graph:
        if law.is_node(node.outputs[0], "Zeros", law.COMPOUND):
            found.update(node.outputs)
            continue
        op = law.of(node)
        if any(node.inputs[i] in found for i in op.zero if i < len(node.inputs)):
            found.update(node.outputs)
        elif node.op_type in ("Add", "Sub") and all(x in found for x in node.inputs):
            found.update(node.outputs)
    return found


def _drop_zeros(zeros: set[Tensor], node: ir.Node) -> Tensor | None:
    if node.op_type not in ("Add", "Sub"):
        return None
    a, b = node.inputs
    dims = node.outputs[0].dims
    if b in zeros and a.dims == dims:
        return a
    if a in zeros and b.dims == dims:
        return b if node.op_type == "Add" else math.neg(b)
    return None


# -- 2, 3 -----------------------------------------------------------------------------------------------------


def _drop_neutral(node: ir.Node) -> Tensor | None:
    if node.op_type not in _NEUTRAL:
        return None
    neutral, places = _NEUTRAL[node.op_type]
    for place in places:
        other = node.inputs[1 - place]
        if known.uniform(node.inputs[place]) == neutral and other.dims == node.outputs[0].dims:
            return other
    return None


def _scalar_factor(node: ir.Node | None) -> tuple[Tensor, np.ndarray] | None:
    """Return (x, a) where a node computes x * a with a scalar constant a."""
    if node is None or node.op_type != "Mul" or node.domain:
        return None
    for x, other in (node.inputs, node.inputs[::-1]):
        value = constant_value(other)
        if value is not None and value.size == 1 and x.dims == node.outputs[0].dims:
            return x, value.reshape(())
    return None


def _merge_factors(node: ir.Node) -> Tensor | None:
    outer = _scalar_factor(node)
    if outer is None or outer[0].element_type not in FLOATS:
        return None
    inner = _scalar_factor(outer[0].producer())
    if inner is None or len(outer[0].uses()) > 1:
        return None
    return math.mul(inner[0], constant(np.asarray(inner[1] * outer[1], inner[1].dtype)))


# -- 4, 5 -----------------------------------------------------------------------------------------------------


def _bypass_expand(node: ir.Node) -> Tensor | None:
    op = law.of(node)
    if not op.elementwise or len(node.inputs) < 2:
        return None
    dims = node.outputs[0].dims
    for i, x in enumerate(node.inputs):
        if not law.is_node(x, "Expand"):
            continue
        source = x.producer().inputs[0]
        others = [y.dims for j, y in enumerate(node.inputs) if j != i]
        # A dimension whose size only this Expand tells would be lost.
        if source.rank <= len(dims) and shapes.broadcast(*others) == dims:
            inputs = list(node.inputs)
            inputs[i] = source
            return op(*inputs, **{name: attribute(node, name) for name in node.attributes})
    return None


def _merge_views(node: ir.Node) -> Tensor | None:
    x = node.inputs[0] if node.inputs else None
    if x is None:
        return None
    if node.op_type == "Identity" and not node.outputs[0].is_graph_output():
        return x
    if node.op_type == "Cast" and x.dtype == node.outputs[0].dtype:
        return x
    if node.op_type == "Reshape":
        if x.dims == node.outputs[0].dims:
            return x
        target = constant_value(node.inputs[1])
        if law.is_node(x, "Reshape") and target is not None and (0 not in target or attribute(node, "allowzero")):
            merged = shape.reshape_op(x.producer().inputs[0], node.inputs[1], allowzero=attribute(node, "allowzero"))
            return shape.with_dims(merged, node.outputs[0].dims)
    if node.op_type == "Transpose":
        perm = attribute(node, "perm")
        if perm == tuple(range(len(perm))):
            return x
        if law.is_node(x, "Transpose"):
            inner = attribute(x.producer(), "perm")
            return shape.transpose(x.producer().inputs[0], [inner[i] for i in perm])
    axis = index.reversed_axis(node.outputs[0])
    if axis is not None:
        perm = range(x.rank)
        if law.is_node(x, "Transpose"):
            perm, x = attribute(x.producer(), "perm"), x.producer().inputs[0]
        if index.reversed_axis(x) == perm[axis]:
            return shape.transpose(x.producer().inputs[0], perm)  # type: ignore[union-attr]
    return None


# -- 7 --------------------------------------------------------------------------------------------------------


def _known_shape(node: ir.Node) -> Tensor | None:
    if node.op_type == "Shape":
        dims = node.inputs[0].dims[attribute(node, "start", 0) : attribute(node, "end")]
        return shape.ints(dims) if shapes.is_static(dims) else None
    if node.op_type == "Size" and shapes.is_static(node.inputs[0].dims):
        return shape.size_of(node.inputs[0])
    return None


# -- 6 --------------------------------------------------------------------------------------------------------


def _reducer(function: Callable) -> Callable:
    def compute(node: ir.Node, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
        over = None if axes is None or not axes.size else tuple(int(a) for a in axes)
        return np.asarray(function(x, axis=over, keepdims=bool(attribute(node, "keepdims", 1))), x.dtype)

    return compute


def _quotient(node: ir.Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return a / b
    return (np.sign(a) * np.sign(b) * (abs(a) // abs(b))).astype(a.dtype)  # towards zero, as ONNX has it


def _reshaped(node: ir.Node, a: np.ndarray, target: np.ndarray) -> np.ndarray:
    copied = not attribute(node, "allowzero")
    return a.reshape([a.shape[i] if d == 0 and copied else d for i, d in enumerate(target)])


def _sliced(node: ir.Node, a: np.ndarray, *bounds: np.ndarray) -> np.ndarray:
    picked = [slice(None)] * a.ndim
    for start, end, axis, step in zip(*bounds, strict=True):
        picked[axis] = slice(start, end, step)
    return a[tuple(picked)]


_COMPUTE: dict[str, Callable] = {
    "Add": lambda node, a, b: a + b,
    "Sub": lambda node, a, b: a - b,
    "Mul": lambda node, a, b: a * b,
    "Div": _quotient,
    "Neg": lambda node, a: -a,
    "Sqrt": lambda node, a: np.sqrt(a),
    "Equal": lambda node, a, b: a == b,
    "Greater": lambda node, a, b: a > b,
    "Less": lambda node, a, b: a < b,
    "Not": lambda node, a: ~a,
    "Cast": lambda node, a: a.astype(node.outputs[0].dtype.numpy()),
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Split": lambda node, a, sizes: np.split(a, np.cumsum(sizes)[:-1], attribute(node, "axis")),
    "Transpose": lambda node, a: np.transpose(a, attribute(node, "perm")),
    "Squeeze": lambda node, a, axes=None: np.squeeze(a, None if axes is None else tuple(int(i) for i in axes)),
    "Unsqueeze": lambda node, a, axes: np.expand_dims(a, tuple(int(i) for i in axes)),
    "Concat": lambda node, *parts: np.concatenate(parts, attribute(node, "axis")),
    "Identity": lambda node, a: a,
    "Expand": lambda node, a, target: np.broadcast_to(a, np.broadcast_shapes(a.shape, tuple(int(d) for d in target))),
    "Where": lambda node, c, a, b: np.where(c, a, b),
    "ReduceSum": _reducer(np.sum),
    "ReduceMean": _reducer(np.mean),
    "ReduceMax": _reducer(np.max),
    "ReduceProd": _reducer(np.prod),
}


def _compute(node: ir.Node) -> list[Tensor] | None:
    compute = _COMPUTE.get(node.op_type)
    if compute is None or not node.inputs or any(x is None or not x.is_constant for x in node.inputs):
        return None
    size = shapes.product(node.outputs[0].dims)
    if node.op_type not in _ARRANGING and (not isinstance(size, int) or size > _SMALL):
        return None
    with np.errstate(all="ignore"):
        found = compute(node, *(constant_value(x) for x in node.inputs))
    values = found if node.op_type == "Split" else [found]
    return [constant(np.asarray(v, y.dtype.numpy())) for v, y in zip(values, node.outputs, strict=True)]


def _share_constants(graph: ir.Graph) -> None:
    """Let equal small constants be one, so that equal nodes are seen as equal."""
    first: dict[tuple, Tensor] = {}
    for node in graph:
        for i, x in enumerate(node.inputs):
            if x is None or not x.is_constant or x.is_initializer():
                continue
            value = constant_value(x)
            if value is None or value.size > _SMALL:
                continue
            shared = first.setdefault((value.dtype.str, value.shape, value.tobytes()), x)
            if shared is not x:
                node.replace_input_with(i, shared)
