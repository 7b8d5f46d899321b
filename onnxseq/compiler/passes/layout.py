"""Choose memory layouts for ops with spatial axes, and move the changes of layout to where they cost least.

1. A transpose between channels-last and channels-first is a change of layout and may vanish with others.
2. Each spatial op (convolution, pooling, batch normalization and their gradients) is rewritten to the layout which
   ``choose`` prefers for the target, between changes of layout on its spatial inputs and outputs.
3. A change of layout after a change of layout is one, or none.
4. A change sinks below an elementwise op: ``f(change(x), y)`` is ``change(f(x, changed back y))``, where most of the
   full-size inputs come through the same change. Broadcast operands are reshaped to the other layout.
5. A change sinks into a reduction over whole axes (sums over pixels, global pooling) and vanishes there.
6. A change sinks below constant padding.
7. The number of elements, or of samples, is read before a change.

It must not touch ops without spatial axes, or dtypes for which the runtime has no convolutions.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import blocked, blocked_input_grad, depthwise, law, reduction, relayout, shape
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.targets import Target
from onnxseq.compiler.tensor import Tensor, attribute, constant_value

# Which inputs and outputs of a compound op have spatial axes.
SPATIAL: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "Conv": ((0,), (0,)),
    "ConvInputGrad": ((0,), (0,)),
    "ConvKernelGrad": ((0, 1), ()),
    "MaxPool": ((0,), (0,)),
    "MaxPoolGrad": ((0, 1, 2), (0,)),
    "AveragePool": ((0,), (0,)),
    "AveragePoolGrad": ((0,), (0,)),
    "BatchNormTraining": ((0,), (0,)),
    "BatchNormTrainingGrad": ((0, 1), (0,)),
}
_REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")
_BLOCKED = ("MaxPool", "MaxPoolGrad", "BatchNormTraining", "BatchNormTrainingGrad")
_SPEED = (LAST, FIRST, BLOCKED)  # from slow to fast
_FLOAT = ir.DataType.FLOAT

Change = tuple[str, str, int]  # source, to, block


def choose(node: ir.Node, target: Target) -> dict[str, Any]:
    """Return the layout in which an op runs fastest on a target, as the attributes that say so."""
    x = node.inputs[0]
    if x.dtype != _FLOAT:
        return {}  # other dtypes run as products of matrices, which want channels last
    if target.has("nchwc") and x.rank in (4, 5):
        fits = _fits_blocks(node, target.block)
        if fits is not None:
            return {"layout": BLOCKED, "block": target.block, **fits}
    return {"layout": FIRST}


def _fits_blocks(node: ir.Node, block: int) -> dict[str, Any] | None:
    """Return what the blocked form of an op needs to be told beyond its layout, or None where there is no such form."""
    if node.op_type in ("Conv", "ConvInputGrad", "ConvKernelGrad"):
        return _convolution_fits(node, block)
    channels = node.inputs[0].dims[-1]
    if not isinstance(channels, int) or channels % block or node.op_type not in _BLOCKED:
        return None
    if node.op_type.startswith("MaxPool") and _is_differentiated(node):
        return {} if blocked.halves(node) else None
    return {} if _counts_planes(node) else None


def _convolution_fits(node: ir.Node, block: int) -> dict[str, Any] | None:
    kernel_grad = node.op_type == "ConvKernelGrad"
    w = node.outputs[0] if kernel_grad else node.inputs[1]
    *kernel, depth, filters = w.dims
    if attribute(node, "groups") != 1:
        return {} if len(kernel) == 2 and depthwise.fits(node, block) else None
    if filters % block or not _counts_planes(node):
        return None
    if node.op_type == "ConvInputGrad":
        plain = len(kernel) == 2 or set(attribute(node, "strides")[-2:]) == {1}
        fits = depth % block == 0 and plain and len(node.inputs) == 2 and blocked_input_grad.phases(node) is not None
        return {} if fits else None
    if depth % block == 0:
        return {}
    return {"stem": 1} if depth * math.prod(kernel[:-2]) < block else None


def _is_differentiated(pool: ir.Node) -> bool:
    if pool.op_type != "MaxPool":
        return True
    return any(user.op_type.startswith("MaxPoolG") for user, _ in pool.outputs[0].uses())


def _counts_planes(node: ir.Node) -> bool:
    """Tell whether the planes of volumes, if a node is over such, are of a known number."""
    carriers, results = SPATIAL[node.op_type]
    held = [*(node.inputs[i] for i in carriers), *(node.outputs[i] for i in results)]
    return all(x.rank == 4 or isinstance(x.dims[1], int) for x in held)


class Layout(ir.passes.InPlacePass):
    """Assign layouts and move changes of layout; see the module's numbered rules."""

    def __init__(self, target: Target):
        super().__init__()
        self.target = target

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        graph = model.graph
        if not any(n.domain == law.COMPOUND and n.op_type in SPATIAL for n in graph):
            return ir.passes.PassResult(model, False)
        rewrite.apply(graph, _name_transpose)
        rewrite.apply(graph, self._assign)
        rewrite.apply_until_stable(graph, _move, rounds=100)
        return ir.passes.PassResult(model, True)

    def _assign(self, node: ir.Node) -> list[Tensor] | None:
        if node.domain != law.COMPOUND or node.op_type not in SPATIAL or "layout" in node.attributes:
            return None
        chosen = choose(node, self.target)
        if not chosen:
            return None
        layout, block = chosen["layout"], chosen.get("block", 0)
        inputs, outputs = SPATIAL[node.op_type]
        attributes = {**{name: attribute(node, name) for name in node.attributes}, **chosen}
        moved = []
        for i, x in enumerate(node.inputs):
            held = FIRST if i == 0 and "stem" in chosen else layout
            moved.append(relayout.relayout(x, LAST, held, block) if i in inputs and x is not None else x)
        results = law.of(node).all(*moved, **attributes)
        return [
            _with_dims(relayout.relayout(y, layout, LAST, block) if i in outputs else y, node.outputs[i])
            for i, y in enumerate(results)
        ]


def _with_dims(new: Tensor, old: Tensor) -> Tensor:
    return shape.with_dims(new, old.dims)


def _name_transpose(node: ir.Node) -> Tensor | None:
    """Rule 1: see a transposition between the two plain layouts as a change of layout."""
    if node.op_type != "Transpose" or node.domain:
        return None
    x, perm = node.inputs[0], attribute(node, "perm")
    spatial = len(perm) - 2
    if spatial < 1:
        return None
    if perm == (0, spatial + 1, *range(1, spatial + 1)):
        return _with_dims(relayout.relayout(x, LAST, FIRST), node.outputs[0])
    if perm == (0, *range(2, spatial + 2), 1):
        return _with_dims(relayout.relayout(x, FIRST, LAST), node.outputs[0])
    return None


def _change(x: Tensor | None) -> Change | None:
    """Return how the layout was changed just before a value, or None."""
    if x is None or not law.is_node(x, "Relayout", law.COMPOUND):
        return None
    node = x.producer()
    return attribute(node, "source"), attribute(node, "to"), attribute(node, "block", 0)


def _move(node: ir.Node) -> Sequence[Tensor] | Tensor | None:
    if law.is_node(node.outputs[0], "Relayout", law.COMPOUND):
        return _merge(node)
    if node.op_type in _REDUCTIONS and not node.domain:
        return _reduce(node)
    if node.op_type == "Pad" and not node.domain:
        return _pad(node)
    if node.op_type in ("Size", "Shape") and not node.domain:
        return _size(node)
    if law.of(node).elementwise:
        return _elementwise(node)
    return None


def _merge(node: ir.Node) -> Tensor | None:
    """Rule 3."""
    inner, outer = _change(node.inputs[0]), _change(node.outputs[0])
    if inner is None or outer is None or inner[1] != outer[0]:
        return None
    source = node.inputs[0].producer().inputs[0]
    merged = relayout.relayout(source, inner[0], outer[1], inner[2] or outer[2])
    return merged if merged is source else _with_dims(merged, node.outputs[0])


def _elementwise(node: ir.Node) -> list[Tensor] | None:
    """Rule 4."""
    changes = [_change(x) for x in node.inputs]
    change = next((c for c in changes if c is not None), None)
    if change is None:
        return None
    source, to, block = change
    dims = node.outputs[0].dims
    full = [i for i, x in enumerate(node.inputs) if x is not None and x.dims == dims]
    through = [i for i in full if changes[i] == change]
    # Where as many inputs speak for a move as against it, it goes to the layout of the faster kernels, so never back.
    inclined = 2 * len(through) - len(full) or _SPEED.index(source) - _SPEED.index(to)
    if not through or inclined < 0 or any(y.dims != dims for y in node.outputs):
        return None
    moved: list[Tensor | None] = []
    for i, x in enumerate(node.inputs):
        if x is None:
            moved.append(None)
        elif i in through:
            moved.append(x.producer().inputs[0])
        elif x.dims == dims:
            moved.append(relayout.relayout(x, to, source, block))
        else:
            small = _small(x, change, len(dims))
            if small is None:
                return None
            moved.append(small)
    attributes = {name: attribute(node, name) for name in node.attributes}
    results = law.of(node).all(*moved, **attributes)
    return [_with_dims(relayout.relayout(y, source, to, block), node.outputs[0]) for y in results]


def _small(x: Tensor, change: Change, rank: int) -> Tensor | None:
    """Return an operand that broadcasts against layout ``to`` so that it broadcasts against ``source``."""
    source, to, block = change
    if all(d == 1 for d in x.dims):
        return shape.reshape(x, []) if x.rank else x
    if x.rank > rank:
        return None
    x = shape.unsqueeze(x, range(rank - x.rank)) if x.rank < rank else x
    if to == BLOCKED:
        return None
    channels = x.dims[-1] if to == LAST else x.dims[1]
    if isinstance(channels, int) and sum(d != 1 for d in x.dims) == 1 != channels:
        ones = [1] * (rank - 2)  # one number per channel lies in memory as it should in every layout
        whole = {LAST: [*ones, channels], FIRST: [channels, *ones]}
        return shape.reshape(x, whole.get(source) or [channels // block, 1, 1, block])
    if BLOCKED not in (source, to):
        return relayout.relayout(x, to, source)
    if channels != 1:
        return relayout.relayout(x, to, source, block)
    last = relayout.relayout(x, to, LAST)
    return shape.unsqueeze(last, [last.rank - 3])


def _axes_in(change: Change, axes: Sequence[int], rank: int) -> tuple[int, ...] | None:
    """Return the axes of layout ``source`` which hold what the given axes of layout ``to`` hold.

    Arguments:
        rank: the number of axes of layout ``to``.
    """
    source, to, _ = change
    if to == BLOCKED:
        return None
    spatial = rank - 2
    roles = {LAST: ["N", *range(spatial), "C"], FIRST: ["N", "C", *range(spatial)]}
    roles[BLOCKED] = ["N", *range(spatial - 2), "C", spatial - 2, spatial - 1, "C"]
    wanted = {roles[to][a] for a in axes}
    return tuple(i for i, role in enumerate(roles[source]) if role in wanted)


def _reduce(node: ir.Node) -> Tensor | None:
    """Rule 5: kept axes must be few enough that their order tells nothing: the batch, the channels, or both."""
    change, x = _change(node.inputs[0]), node.inputs[0]
    if change is None:
        return None
    axes = reduction.reduced_axes(node)
    spatial = range(1, x.rank - 1) if change[1] == LAST else range(2, x.rank)
    if not set(spatial) <= set(axes):
        return None
    moved = _axes_in(change, axes, x.rank)
    if moved is None:
        return None
    op = law.of(node)
    reduced = op(x.producer().inputs[0], shape.ints(moved), keepdims=0)
    return _with_dims(shape.reshape(reduced, node.outputs[0].dims), node.outputs[0])


def _size(node: ir.Node) -> Tensor | None:
    """Rule 7."""
    x = node.inputs[0]
    part = (attribute(node, "start", 0), attribute(node, "end"))
    if _change(x) is None or (node.op_type == "Shape" and part != (0, 1)):
        return None
    source = x.producer().inputs[0]
    return shape.size_of(source) if node.op_type == "Size" else shape.dim_of(source, 0)


def _pad(node: ir.Node) -> Tensor | None:
    """Rule 6."""
    change, x = _change(node.inputs[0]), node.inputs[0]
    pads = constant_value(node.inputs[1]) if len(node.inputs) > 1 else None
    if change is None or pads is None or change[0] == BLOCKED or change[1] == BLOCKED or len(node.inputs) > 3:
        return None
    if attribute(node, "mode", "constant") != "constant":
        return None
    order = [_axes_in(change, [a], x.rank)[0] for a in range(x.rank)]  # type: ignore[index]
    pairs = np.empty((2, x.rank), np.int64)
    pairs[:, order] = pads.reshape(2, x.rank)
    attributes = {name: attribute(node, name) for name in node.attributes}
    padded = law.of(node)(x.producer().inputs[0], shape.ints(pairs.ravel()), *node.inputs[2:], **attributes)
    return _with_dims(relayout.relayout(padded, *change[:2], change[2]), node.outputs[0])
