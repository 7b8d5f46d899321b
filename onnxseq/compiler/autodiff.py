"""Reverse-mode differentiation of recorded graphs: the walk alone; the maths stands with each op.

Gradients are recorded like any other tensors, so they can be differentiated again.
"""

import heapq
from collections.abc import Iterable, Sequence

import onnx_ir as ir

from onnxseq.compiler.ops import law, math, reduction, shape
from onnxseq.compiler.tensor import FLOATS, Tensor, scope


class NotDifferentiable(ValueError):
    """Raised for an op without a VJP on a path from a loss to what it is differentiated by."""


def gradients(loss: Tensor, params: Sequence[Tensor], seed: Tensor | None = None) -> list[Tensor | None]:
    """Return the gradient of a loss by each parameter: d sum(loss) / d param.

    Arguments:
        loss: a floating tensor of any shape; its elements are summed.
        params: tensors to differentiate by, variables or any others.
        seed: the cotangent of the loss, ones by default.

    Returns:
        For each parameter a tensor of its shape and dtype, or None where the loss does not depend on it.

    Raises:
        NotDifferentiable: where an op on the path has no gradient; it names the op and the parameter.
    """
    return _walk([loss], [shape.ones_like(loss) if seed is None else seed], params, leaves=())


def path_nodes(targets: Iterable[Tensor], sources: Iterable[Tensor], leaves: Iterable[Tensor] = ()) -> set[ir.Node]:
    """Return the nodes through which a target depends on a source, not looking behind the leaves."""
    sources, leaves = set(sources), set(leaves)
    seen: set[ir.Node] = set()
    found: set[ir.Node] = set()
    for target in targets:
        stack: list[tuple[Tensor, bool]] = [(target, False)]
        while stack:
            value, leaving = stack.pop()
            node = value.producer()
            if node is None or value in leaves or (node in seen and not leaving):
                continue
            if not leaving:
                seen.add(node)
                stack.append((value, True))
                stack.extend((x, False) for x in node.inputs if x is not None)
            elif any(
                x is not None and (x in sources or (x not in leaves and x.producer() in found)) for x in node.inputs
            ):
                found.add(node)
    return found


def _walk(
    targets: Sequence[Tensor], seeds: Sequence[Tensor], params: Sequence[Tensor], leaves: Sequence[Tensor]
) -> list[Tensor | None]:
    on_path = path_nodes(targets, params, leaves)
    wanted, ends = set(params), set(leaves)
    cotangents: dict[Tensor, Tensor] = {}
    # Nodes leave the queue last-recorded first, so a node is visited after all its consumers.
    queue: list[int] = []
    queued: dict[int, ir.Node] = {}

    def receive(value: Tensor, cotangent: Tensor) -> None:
        held = cotangents.get(value)
        cotangents[value] = cotangent if held is None else held + cotangent
        node = value.producer()
        if node in on_path and value not in ends and node.outputs[0].serial not in queued:
            queued[node.outputs[0].serial] = node
            heapq.heappush(queue, -node.outputs[0].serial)

    for target, seed in zip(targets, seeds, strict=True):
        receive(target, _fit(seed, target))
    while queue:
        node = queued[-heapq.heappop(queue)]
        arrived = [cotangents.get(y) for y in node.outputs]
        with scope(_gradient_scope(node)):
            for x, g in zip(node.inputs, _vjp(node, arrived, params), strict=True):
                if x is not None and g is not None and (x in wanted or x.producer() in on_path):
                    receive(x, _fit(g, x))
    return [cotangents.get(p) for p in params]


def _gradient_scope(node: ir.Node) -> str:
    path = (node.name or "").rpartition("/")[0].removeprefix("gradients").lstrip("/")
    return f"/gradients/{path}" if path else "/gradients"


def _vjp(node: ir.Node, arrived: list[Tensor | None], params: Sequence[Tensor]) -> Sequence[Tensor | None]:
    op = law.of(node)
    if op.vjp is not None:
        return op.vjp(node, _walk, *arrived) if op.nested else op.vjp(node, *arrived)
    if op.expand is None:
        behind = next((p.name for p in params if node in path_nodes([node.outputs[0]], [p])), "a parameter")
        raise NotDifferentiable(
            f"gradients: op {op.name!r} (recorded as {node.name!r}) lies between the loss and {behind!r} and has no "
            f"gradient; expected ops that can be differentiated. Use another op there or K.stop_gradient()."
        )
    outputs = op.expand(node)
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs or ())
    pairs = [(y, g) for y, g in zip(outputs, arrived, strict=True) if g is not None]
    inputs = [x for x in node.inputs if x is not None]
    found = iter(_walk([y for y, _ in pairs], [g for _, g in pairs], inputs, leaves=inputs))
    return [None if x is None else next(found) for x in node.inputs]


def _fit(g: Tensor, x: Tensor) -> Tensor:
    """Sum a cotangent back to the shape its source had before broadcasting, or spread it over that shape."""
    added = max(g.rank - x.rank, 0)
    aligned = (*[1] * (x.rank - g.rank), *g.dims)
    stretched = [added + i for i in range(x.rank) if x.dims[i] == 1 and aligned[added + i] != 1]
    if stretched and g.rank < x.rank:
        g = shape.unsqueeze(g, range(x.rank - g.rank))
    if added or stretched:
        g = reduction.sum(g, [*range(added), *stretched], keepdims=True)
        if added:
            g = shape.squeeze(g, range(added))
    if g.rank < x.rank or any(a == 1 and b != 1 for a, b in zip(g.dims, x.dims, strict=True)):
        g = shape.expand_like(g, x)
    if g.element_type != x.element_type and x.element_type in FLOATS:
        g = math.cast(g, x.element_type)
    return g
