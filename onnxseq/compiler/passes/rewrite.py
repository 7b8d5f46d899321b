"""What all passes share: replacing a node by tensors recorded anew, and walking to a fixed point."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import onnx_ir as ir

from onnxseq.compiler.tensor import Tensor, scope

Rule = Callable[[ir.Node], Sequence[Tensor] | Tensor | None]


def graphs(graph: ir.Graph) -> Iterator[ir.Graph]:
    """Yield a graph and the graphs inside its nodes, the outer ones first."""
    yield graph
    for node in graph:
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.GRAPH:
                yield from graphs(attribute.as_graph())


def replace(graph: ir.Graph, node: ir.Node, values: Sequence[Tensor] | Tensor) -> None:
    """Put freshly recorded values in the place of a node's outputs and remove the node.

    Nodes that the values need and that no graph owns yet are inserted before the node. Values keep dtype
    and shape: a mismatch is a fault of the rule that made them and raises ValueError.
    """
    values = [values] if isinstance(values, Tensor) else list(values)
    for old, new in zip(node.outputs, values, strict=True):
        if new is None:
            if old.uses() or old.is_graph_output():
                raise ValueError(f"the rewrite of {node.name!r} gives no value for output {old.index()}, which is used")
            continue
        if new.dtype != old.dtype or len(new.dims) != len(old.dims):
            raise ValueError(
                f"the rewrite of {node.op_type} {node.name!r} gives {new!r} for output {old.index()}; expected "
                f"dtype {old.dtype_name} and shape {old.dims}"
            )
    graph.insert_before(node, new_nodes(v for v in values if v is not None))
    for old, new in zip(node.outputs, values, strict=True):
        if new is None or new is old:
            continue
        if old.is_graph_output() and (new.is_graph_input() or new.is_graph_output() or new.producer() is None):
            # A graph's outputs are distinct values which nodes produce.
            keep = ir.Node("", "Identity", [new], outputs=[Tensor(old.element_type, old.dims)], name=node.name)
            graph.insert_before(node, keep)
            new = keep.outputs[0]
        if old.is_graph_output():
            new.name = old.name
        old.replace_all_uses_with(new, replace_graph_outputs=True)
    graph.remove(node, safe=True)


def new_nodes(values: Iterable[Tensor]) -> list[ir.Node]:
    """Return the nodes behind values which no graph owns, in an order in which they can run."""
    found: dict[ir.Node, None] = {}
    stack = [v.producer() for v in values]
    while stack:
        node = stack.pop()
        if node is not None and node.graph is None and node not in found:
            found[node] = None
            stack.extend(x.producer() for x in node.inputs if x is not None)
    return sorted(found, key=lambda n: n.outputs[0].serial)


def scope_of(node: ir.Node) -> contextlib.AbstractContextManager[None]:
    """Name what is recorded in a node's place as the node is named."""
    return scope("/" + (node.name or "").rpartition("/")[0])


def apply(graph: ir.Graph, rule: Rule) -> int:
    """Offer every node to a rule once, front to back; return how many it replaced."""
    count = 0
    for node in graph:
        if node.graph is None:
            continue
        with scope_of(node):
            values = rule(node)
        if values is not None:
            replace(graph, node, values)
            count += 1
    return count


def apply_until_stable(graph: ir.Graph, rule: Rule, rounds: int = 20) -> bool:
    """Offer all nodes to a rule until it replaces none; return whether it replaced any."""
    for turn in range(rounds):
        if not apply(graph, rule):
            return turn > 0
    return True
