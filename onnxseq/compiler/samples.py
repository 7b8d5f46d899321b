"""Where the samples of a batch lie in what a step computes, as far as each sample goes its own way.

A value *holds samples* where its part for a sample depends on nothing of the other samples, and is a *sum* where it
adds up what each sample gives. The rules below follow that from the inputs through recorded nodes. What no rule knows
is *mixed*, and so is whatever depends on it, but for small values computed from the inputs alone, such as the number
of samples with a weight, which can be had before all else. The rest is *common* to all samples, such as a weight.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.extract import reachable
from onnxseq.compiler.ops import index, law, reduction
from onnxseq.compiler.ops.body import body_of
from onnxseq.compiler.tensor import Tensor, attribute, constant_value


@dataclass(frozen=True)
class Samples:
    """Where a value holds samples: along one axis, whose elements are numbered [outer, sample, inner]."""

    axis: int
    outer: int = 1
    inner: int = 1

    @property
    def is_first(self) -> bool:
        """Whether what belongs to a part of the batch lies in one piece of memory."""
        return self.axis == 0 and self.outer == 1


COMMON, MIXED, SUM = "common", "mixed", "sum"
SHAPE = "shape"  # a vector of sizes, the batch's among them

_SMALL = 1024  # elements of what is computed before all else

Place = Samples | str
Rule = Callable[[ir.Node, Sequence[Place], "Places"], Place | None]

# What makes shapes for a part of the batch of shapes of a part.
READING_SHAPES = ("Reshape", "Expand", "Concat")

# What keeps a sum a sum without becoming larger.
_OF_SUMS = ("ReduceSum", "Reshape", "Squeeze", "Transpose")

# What is too much to compute it before all else.
_HEAVY = ("Loop", "MatMul", "Conv", "ConvInputGrad", "ConvKernelGrad", "Dropout")

# Every image or volume by itself; weights, where there are any, come second.
_PER_SAMPLE = ("Conv", "ConvInputGrad", "MaxPool", "MaxPoolGrad", "MaxPoolGather", "AveragePool", "AveragePoolGrad")


class Places:
    """The place of every value that recorded nodes compute.

    Attributes:
        early: mixed values that are computed from inputs alone, whose place is that of common ones.

    Arguments:
        known: places of values from which the nodes are followed; others that no node computes are common.
        sizes: the sizes of free dimensions.
        batch: how many samples there are.
        phase: the learning phase.
        inputs: what there is before all else.
        in_loop: whether the nodes are those of a loop's body.
    """

    def __init__(
        self,
        known: Mapping[Tensor, Place],
        sizes: Mapping[str, int],
        batch: int,
        phase: int,
        inputs: Iterable[Tensor] = (),
        in_loop: bool = False,
    ):
        self.sizes, self.batch, self.phase, self.in_loop = dict(sizes), batch, phase, in_loop
        self.early: set[Tensor] = set()
        self._places: dict[Tensor, Place] = dict(known)
        self._light: set[Tensor] = set(inputs)

    def __getitem__(self, value: Tensor) -> Place:
        return self._places.get(value, COMMON)

    def follow(self, nodes: Iterable[ir.Node]) -> None:
        """Find the places of what nodes give, in their order."""
        for node in nodes:
            if node.outputs[0] not in self._places:
                found = self._of(node)
                if self._is_light(node):
                    self._light.update(node.outputs)
                    found = [self._before(y, place) for y, place in zip(node.outputs, found, strict=True)]
                self._places.update(zip(node.outputs, found, strict=True))

    def _is_light(self, node: ir.Node) -> bool:
        known = all(x is None or x in self._light or x.is_constant for x in node.inputs)  # type: ignore[union-attr]
        return known and bool(self._light) and node.op_type not in _HEAVY and not law.of(node).random

    def _before(self, value: Tensor, place: Place) -> Place:
        size = shapes.product(value.dims)
        if place not in (MIXED, SUM) or not isinstance(size, int) or size > _SMALL:
            return place
        self.early.add(value)
        return COMMON

    def dims(self, value: Tensor) -> tuple[int, ...] | None:
        """Return the shape with all sizes known, or None."""
        found = [shapes.evaluate(d, self.sizes) for d in value.dims]
        return None if None in found else tuple(found)  # type: ignore[arg-type]

    def _of(self, node: ir.Node) -> Sequence[Place]:
        arrived = [COMMON if x is None else self[x] for x in node.inputs]  # type: ignore[index]
        count = len(node.outputs)
        if node.op_type in ("PhaseSelect", "PhaseGate"):
            return [arrived[1 if node.op_type == "PhaseGate" or self.phase else 2]]
        if node.op_type not in READING_SHAPES and not self.in_loop:
            # To all others it is numbers, which are put into the graph: those of the whole batch.
            whole = [place == SHAPE and law.is_node(x, "Shape") for x, place in zip(node.inputs, arrived, strict=True)]
            arrived = [COMMON if number else place for number, place in zip(whole, arrived, strict=True)]
        if law.of(node).random:
            return [_dropped(node, arrived[0]) if node.op_type == "Dropout" else MIXED] * count
        if all(place == COMMON for place in arrived):
            return [COMMON] * count
        if MIXED in arrived:
            return [MIXED] * count
        if SUM in arrived:
            return [self._of_sums(node, arrived)] * count
        if node.op_type == "Loop":
            return self._loop(node, arrived)
        if node.op_type == "Slice":
            self._learn(node)
        if any(self.dims(x) is None for x in (*node.inputs, *node.outputs) if x is not None):
            return [MIXED] * count
        if node.op_type in ("Shape", "Size"):
            # Into the body of a loop no numbers are put.
            return [SHAPE if node.op_type == "Shape" else MIXED if self.in_loop else COMMON]
        rule = RULES.get(node.op_type) or (_broadcast if law.of(node).elementwise else None)
        if rule is not None:
            return [rule(node, arrived, self) or MIXED] * count
        return self._meant(node) if law.of(node).expand is not None else [MIXED] * count

    def _learn(self, node: ir.Node) -> None:
        """Find the lengths of a slice that could not be told before the sizes were known."""
        x, *rest = node.inputs
        before, spans = self.dims(x), [constant_value(v) for v in rest]  # type: ignore[arg-type]
        if before is None or any(span is None for span in spans):
            return
        for start, end, axis, step in zip(*spans, strict=True):  # type: ignore[arg-type]
            dim = node.outputs[0].dims[axis]  # type: ignore[attr-defined]
            if isinstance(dim, str) and shapes.evaluate(dim, self.sizes) is None:
                stop = None if end == index.START else end
                self.sizes[dim] = len(range(before[axis])[start:stop:step])

    def _of_sums(self, node: ir.Node, arrived: Sequence[Place]) -> Place:
        """Return whether an op is linear in the one input, or in the two terms, that are sums."""
        if not self.in_loop and node.op_type not in _OF_SUMS:
            return MIXED
        if node.op_type == "Add" and not node.domain and all(place == SUM for place in arrived):
            return SUM
        others = [place for i, place in enumerate(arrived) if place != SUM or i not in law.of(node).zero]
        return SUM if others == [COMMON] * (len(arrived) - 1) else MIXED

    def _meant(self, node: ir.Node) -> Sequence[Place]:
        """Follow what a compound op stands for."""
        given = law.of(node).expand(node)  # type: ignore[misc]
        values: list[Tensor] = [given] if isinstance(given, Tensor) else list(given)  # type: ignore[arg-type]
        known = {x: self[x] for x in node.inputs if x is not None}  # type: ignore[index]
        inside, _ = reachable(values, set(known))
        # These are seen by nobody who would have to tell the sizes of the whole from those of a part.
        if any(n.op_type in ("Shape", "Size") and self[n.inputs[0]] != COMMON for n in inside):
            return [MIXED] * len(values)
        places = Places(known, self.sizes, self.batch, self.phase, in_loop=self.in_loop)
        places.follow(inside)
        return [places[v] for v in values]

    def _loop(self, node: ir.Node, arrived: Sequence[Place]) -> Sequence[Place]:
        body = body_of(node)
        count = len(body.states)
        known: dict[Tensor, Place] = dict(zip((*body.states, *body.elements, *body.outers), arrived, strict=True))
        for element in body.elements:
            place = known[element]
            if isinstance(place, Samples):
                known[element] = replace(place, axis=place.axis - 1) if place.axis else MIXED
        inside = Places(known, self.sizes, self.batch, self.phase, in_loop=True)
        inside.follow(body.nodes)
        steps = [inside[v] for v in body.values]
        same = all(inside[new] == inside[state] for state, new in zip(body.states, body.new_states, strict=True))
        if not same or any(place in (MIXED, SHAPE) for place in (*known.values(), *steps)) or SUM in known.values():
            return [MIXED] * len(node.outputs)
        stacked = [replace(p, axis=p.axis + 1) if isinstance(p, Samples) else p for p in steps]
        return [*arrived[:count], *stacked]


# -- rules: what a node makes of the places of its inputs, one of which at least holds samples; None where that is mixed


def _broadcast(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    return _aligned(node.inputs, arrived, node.outputs[0].rank, places)


def _aligned(values: Sequence[Tensor | None], arrived: Sequence[Place], rank: int, places: Places) -> Place | None:
    """Return the place of what is computed element by element from values that are broadcast together."""
    found = None
    for x, place in zip(values, arrived, strict=True):
        if isinstance(place, Samples):
            own = replace(place, axis=rank - x.rank + place.axis)  # type: ignore[union-attr]
            if found not in (None, own):
                return None
            found = own
    for x, place in zip(values, arrived, strict=True):
        if x is not None and found is not None and not isinstance(place, Samples):
            axis = found.axis - rank + x.rank
            if place != COMMON or (axis >= 0 and places.dims(x)[axis] != 1):  # type: ignore[index]
                return None
    return found


def _rearranged(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    """Elements stay in their order."""
    place, (x, target), y = arrived[0], node.inputs, node.outputs[0]
    if not isinstance(place, Samples) or not _is_local(target, arrived[1]):
        return None
    before, after = places.dims(x), places.dims(y)  # type: ignore[arg-type]
    outer = math.prod(before[: place.axis]) * place.outer  # type: ignore[index]
    inner = math.prod(before[place.axis + 1 :]) * place.inner  # type: ignore[index]
    for axis, size in enumerate(after):  # type: ignore[arg-type]
        front, back = math.prod(after[:axis]), math.prod(after[axis + 1 :])  # type: ignore[index]
        if front and back and not outer % front and not inner % back:
            own = Samples(axis, outer // front, inner // back)
            # Where the graph names a number, it does not become that of a part.
            if size == own.outer * places.batch * own.inner and isinstance(y.dims[axis], str):
                return own
    return None


def _is_local(target: Tensor, place: Place) -> bool:
    """Tell whether a vector of sizes, computed from a part of the batch, is right for the part."""
    return place == SHAPE or constant_value(target) is not None


def _transposed(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    place = arrived[0]
    return replace(place, axis=attribute(node, "perm").index(place.axis)) if isinstance(place, Samples) else None


def _reduced(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    place, axes = arrived[0], reduction.reduced_axes(node)
    if not isinstance(place, Samples):
        return None
    if place.axis in axes:
        return SUM if node.op_type == "ReduceSum" else None
    kept = attribute(node, "keepdims", 1)
    return place if kept else replace(place, axis=place.axis - sum(a < place.axis for a in axes))


def _multiplied(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    a, b = arrived
    (x, w), rank = node.inputs, node.outputs[0].rank
    by_row = isinstance(a, Samples) and a.axis == x.rank - 2
    by_column = isinstance(b, Samples) and b.axis == w.rank - 1
    if by_row or by_column:
        return replace(a if by_row else b, axis=rank - 2 if by_row else rank - 1) if COMMON in (a, b) else None  # type: ignore
    if isinstance(a, Samples) and a.axis == x.rank - 1:
        alike = isinstance(b, Samples) and b.axis == 0 and (a.outer, a.inner) == (b.outer, b.inner)
        return SUM if alike and x.rank == w.rank == 2 else None
    if isinstance(b, Samples) and b.axis == w.rank - 2:
        return None
    return _aligned(node.inputs, arrived, rank, places)


def _gathered(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    (data, indices), (x, positions) = arrived, node.inputs
    axis = attribute(node, "axis", 0) % x.rank
    if data == COMMON and isinstance(indices, Samples):
        return replace(indices, axis=axis + indices.axis)
    if isinstance(data, Samples) and indices == COMMON and data.axis != axis:
        return data if data.axis < axis else replace(data, axis=data.axis - 1 + positions.rank)
    return None


def _per_sample(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    place, others = arrived[0], arrived[1:]
    if not isinstance(place, Samples) or place.axis:
        return None
    if node.op_type in ("Conv", "ConvInputGrad") and others[0] != COMMON:
        return None
    return place if all(other in (place, COMMON) for other in others) else None


def _kernel_grad(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    place = arrived[0]
    return SUM if isinstance(place, Samples) and place.axis == 0 and arrived[1] == place else None


def _along(axes: Callable[[ir.Node], Iterable[int] | None]) -> Rule:
    """Return the rule of an op that mixes what lies along some axes and keeps all axes in their order."""

    def rule(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
        place, rank, found = arrived[0], node.inputs[0].rank, axes(node)
        holds = isinstance(place, Samples) and found is not None and place.axis not in {a % rank for a in found}
        return place if holds and all(p == COMMON for p in arrived[1:]) else None

    return rule


def _one_each(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    """Positions along one axis, of an element each."""
    place, axis = arrived[0], attribute(node, "axis") % node.inputs[0].rank
    alike = all(other == place for other in arrived)
    return place if alike and isinstance(place, Samples) and place.axis != axis else None


def _joined(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    place, axis = arrived[0], attribute(node, "axis") % node.outputs[0].rank
    if SHAPE in arrived:
        return SHAPE if all(map(_is_local, node.inputs, arrived)) else None  # type: ignore[arg-type]
    alike = all(other == place for other in arrived)
    return place if alike and isinstance(place, Samples) and place.axis != axis else None


def _expanded(node: ir.Node, arrived: Sequence[Place], places: Places) -> Place | None:
    (x, target), y, sizes = node.inputs, node.outputs[0], places.dims(node.outputs[0])
    if not _is_local(target, arrived[1]):
        return None
    if isinstance(arrived[0], Samples):
        place = replace(arrived[0], axis=y.rank - x.rank + arrived[0].axis)
        is_kept = sizes[place.axis] == places.dims(x)[arrived[0].axis]  # type: ignore[index]
        return place if is_kept and isinstance(y.dims[place.axis], str) else None
    shaped = target.producer()
    if not law.is_node(target, "Shape") or shaped.attributes or shaped.inputs[0].rank != y.rank:
        return None
    return _aligned((x, shaped.inputs[0]), (COMMON, places[shaped.inputs[0]]), y.rank, places)


def _dropped(node: ir.Node, place: Place) -> Place:
    """A mask is drawn for the whole batch, and each part reads its own."""
    is_own = isinstance(place, Samples) and place.is_first and isinstance(node.outputs[1].dims[0], str)
    return place if is_own else MIXED


def _constants(position: int) -> Callable[[ir.Node], Iterable[int] | None]:
    def found(node: ir.Node) -> Iterable[int] | None:
        if len(node.inputs) <= position:
            return range(node.inputs[0].rank)
        value = constant_value(node.inputs[position])
        return None if value is None else [int(a) for a in value.ravel()]

    return found


def _padded_axes(node: ir.Node) -> Iterable[int] | None:
    pads = constant_value(node.inputs[1])
    if pads is None or len(node.inputs) > 3:
        return None
    rank = node.inputs[0].rank
    return [axis for axis in range(rank) if pads[axis] or pads[axis + rank]]


def _repeated_axes(node: ir.Node) -> Iterable[int] | None:
    repeats = constant_value(node.inputs[1])
    return None if repeats is None else [axis for axis, times in enumerate(repeats) if times != 1]


def _axis(default: int) -> Callable[[ir.Node], Iterable[int]]:
    return lambda node: [attribute(node, "axis", default)]


RULES: dict[str, Rule] = {
    "MatMul": _multiplied,
    "Transpose": _transposed,
    "Reshape": _rearranged,
    "Squeeze": _rearranged,
    "Unsqueeze": _rearranged,
    "Gather": _gathered,
    "GatherGrad": lambda node, arrived, places: None,
    "GatherElements": _one_each,
    "ScatterElements": _one_each,
    "Concat": _joined,
    "Split": _along(_axis(0)),
    "Slice": _along(_constants(3)),
    "CumSum": _along(_constants(1)),
    "Pad": _along(_padded_axes),
    "Tile": _along(_repeated_axes),
    "Softmax": _along(_axis(-1)),
    "LogSoftmax": _along(_axis(-1)),
    "Expand": _expanded,
    "DropoutGrad": _broadcast,
    "ConvKernelGrad": _kernel_grad,
    **dict.fromkeys(_PER_SAMPLE, _per_sample),
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"), _reduced),
}
