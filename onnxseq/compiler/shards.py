"""How a step is cut: into what each part of the batch, a shard, computes by itself, and what joins the shards.

A loop's steps are too small for several cores, but a loop over half of the batch is as good as any on one core: each
shard runs on its own, and sums over the batch, such as the gradients of weights, are sums over the shards. What needs
the whole batch, and the update of the weights, comes after them and uses all cores. The few small values that shards
read of the whole batch, such as the sum of its weights, come before them.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.extract import Extract, extract, reachable
from onnxseq.compiler.ops import math
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.samples import COMMON, MIXED, READING_SHAPES, SUM, Places, Samples
from onnxseq.compiler.sharded import Crossing, Wires
from onnxseq.compiler.tensor import Tensor, Variable, constant, numpy_dtype
from onnxseq.shapes import Dim

_LEAST = 4  # samples of a shard


@dataclass(frozen=True)
class Cut:
    """Where a step is cut.

    Attributes:
        batch: the name of the dimension that counts samples.
        count: how many shards there are.
        size: samples of a shard.
        early: small values that shards read of the whole batch, computed before them.
        rows: values that hold samples, which lie side by side.
        sums: values that are to be summed over the shards.
        whole: by their values' serial numbers, the sizes that nodes read of the whole batch.
    """

    batch: str
    count: int
    size: int
    early: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    sums: tuple[Tensor, ...]
    whole: Mapping[int, np.ndarray]


def cut(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    phase: int,
    sizes: Mapping[str, int],
    cores: int,
) -> Cut | None:
    """Return where a step with loops can be cut into shards, or None where it cannot.

    Arguments:
        sizes: the sizes of free dimensions.
        cores: how many shards there may be.
    """
    batch = next((x.dims[0] for x in inputs if x.rank and isinstance(x.dims[0], str)), None)
    samples = sizes.get(batch, 1) if batch is not None else 1  # type: ignore[arg-type]
    count = max(n for n in range(1, cores + 1) if samples % n == 0 and (n == 1 or samples // n >= _LEAST))
    targets = [*outputs, *(value for _, value in updates)]
    nodes, _ = reachable(targets, set(inputs))
    loops = [node for node in nodes if node.op_type == "Loop"]
    if count == 1 or not loops or any(batch in _names(d) for x in inputs for d in x.dims[1:]):
        return None
    fed = {x: Samples(0) if x.rank and x.dims[0] == batch else COMMON for x in inputs}
    places = Places(fed, sizes, samples, phase, inputs)
    places.follow(nodes)
    found = _frontier(targets, inputs, places)
    rows = [value for value in found if isinstance(places[value], Samples)]
    sums = [value for value in found if places[value] == SUM]
    mixed = any(places[y] == MIXED for node in loops for y in node.outputs)
    if mixed or not (rows or sums) or not all(places[x].is_first for x in rows):  # type: ignore[union-attr]
        return None
    early = [x for x in (*found, *_frontier([*rows, *sums], inputs, places, within=True)) if x in places.early]
    whole = {
        node.outputs[0].serial: _number(node, places)  # type: ignore[attr-defined]
        for node in nodes
        if node.op_type in ("Shape", "Size") and isinstance(places[node.inputs[0]], Samples)  # type: ignore[index]
    }
    return Cut(batch, count, samples // count, tuple(dict.fromkeys(early)), tuple(rows), tuple(sums), whole)  # type: ignore[arg-type]


def _names(dim: Dim) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", str(dim)))


def _frontier(targets: Sequence[Tensor], fed: Sequence[Tensor], places: Places, within: bool = False) -> list[Tensor]:
    """Return the early values that targets depend on, and what shards give them where these are not within a shard."""
    found: dict[Tensor, None] = {}
    seen, stack = set(fed), list(targets)
    while stack:
        value = stack.pop()
        node = value.producer()
        if value in seen or node is None:
            continue
        seen.add(value)
        is_given = not within and (places[value] == SUM or isinstance(places[value], Samples))
        if is_given or value in places.early:
            found[value] = None
        elif node.op_type not in ("Shape", "Size"):
            stack.extend(x for x in node.inputs if x is not None)  # type: ignore[misc]
    return list(found)


def _number(node: ir.Node, places: Places) -> np.ndarray:
    dims = places.dims(node.inputs[0])  # type: ignore[arg-type]
    if node.op_type == "Size":
        return np.array(np.prod(dims, dtype=np.int64), np.int64)  # type: ignore[arg-type]
    start, end = (node.attributes[k].as_int() if k in node.attributes else None for k in ("start", "end"))
    return np.array(dims[start:end], np.int64)  # type: ignore[index]


def of_early(found: Cut, inputs: Sequence[Tensor], name: str) -> Extract:
    """Return what is computed of the whole batch before the shards."""
    return extract(inputs, found.early, (), name=name)


def of_shard(found: Cut, inputs: Sequence[Tensor], name: str) -> Extract:
    """Return what a shard computes: the rows and then the sums, of its part of the inputs and of the early values."""
    result = extract([*inputs, *found.early], [*found.rows, *found.sums], (), name=name)
    _read_whole_sizes(result, found, READING_SHAPES)
    return result


def of_join(
    found: Cut,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    name: str,
) -> tuple[Extract, list[list[str]]]:
    """Return what is computed of early values, rows and sums, and the names of its inputs for each of these.

    A sum is an input for each shard.
    """
    result = extract([*inputs, *found.early, *found.rows, *found.sums], outputs, updates, name=name)
    _read_whole_sizes(result, found)
    graph = result.model.graph
    first, values = next(iter(graph)), {x.name: x for x in graph.inputs}
    given = [[own] for own in result.fed[len(inputs) :] if own is not None]
    for names in given[len(given) - len(found.sums) :]:
        summed = values[names[0]]
        names[:] = [f"{names[0]}/{index}" for index in range(found.count)]
        parts = [Tensor(summed.element_type, summed.dims, name=part) for part in names]
        total = functools.reduce(math.add, parts)
        summed.replace_all_uses_with(total)
        graph.inputs.remove(summed)
        graph.inputs.extend(parts)
        graph.insert_before(first, rewrite.new_nodes([total]))
    return result, given


def _read_whole_sizes(result: Extract, found: Cut, except_by: Sequence[str] = ()) -> None:
    """Give the sizes of the whole batch to who reads those of a part of it, except by some ops."""
    for node in result.model.graph:
        number = found.whole.get(node.outputs[0].serial)
        if number is None:
            continue
        for user, position in node.outputs[0].uses():
            if node.op_type == "Size" or user.op_type not in except_by:
                user.replace_input_with(position, constant(number))


def wired(
    found: Cut,
    inputs: Sequence[Tensor],
    sizes: Mapping[str, int],
    stages: Sequence[Extract],
    given: Sequence[Sequence[str]],
) -> tuple[Extract, Wires]:
    """Return the stages as one graph's inputs and outputs, and how these belong to those of the stages.

    Arguments:
        stages: what is computed early, by shards, and of what they give.
        given: the names that early values, rows and sums have in the last stage.
    """
    early, shard, join = stages
    result, wires = Extract(join.model, outputs=join.outputs, writes=join.writes), Wires(found.count)

    def wire(name: str, own: Sequence[str | None], is_divided: bool = False) -> str:
        for names, known in zip(wires.names, own, strict=True):
            if known is not None:
                names[name] = known
        if is_divided:
            wires.divided.add(name)
        return name

    for i, x in enumerate(inputs):
        own = [stage.fed[i] for stage in stages]
        is_divided = x.rank > 0 and x.dims[0] == found.batch
        result.fed.append(wire(f"fed_{i}", own, is_divided) if any(own) else None)
    reads = [dict(stage.reads) for stage in stages]
    for i, variable in enumerate(dict.fromkeys(v for stage in reads for v in stage)):
        name = wire(f"read_{i}", [stage.get(variable) for stage in reads])
        result.reads.append((variable, name))
    for stage in stages:
        for mask in stage.masks:
            own = [mask.name if stage is other else None for other in stages]
            name = wire(f"mask_{len(result.masks)}", own, stage is shard and isinstance(mask.dims[0], str))
            result.masks.append(replace(mask, name=name))
    present = {x.name for x in join.model.graph.inputs}
    crossing = zip((*found.early, *found.rows, *found.sums), (*early.outputs, *shard.outputs), given, strict=True)
    for i, (value, output, names) in enumerate(crossing):
        dims = tuple(shapes.evaluate(d, sizes) or 0 for d in value.dims)
        read = [name if name in present else None for name in names]
        is_early = i < len(found.early)
        of_shard = shard.fed[len(inputs) + i] if is_early else None
        wires.crossings.append(Crossing(output, is_early, dims, numpy_dtype(value.element_type), of_shard, read))
    return result, wires
