"""The body of a loop: what one step computes."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from onnxseq.compiler.tensor import Tensor, attribute


@dataclass(frozen=True)
class Body:
    """One step: recorded nodes, and what they read and give.

    Attributes:
        states: what stands for a state before the step.
        elements: what stands for the elements of the sequences.
        outers: tensors from outside, the same at every step.
        nodes: what is computed, in an order in which it can run.
        new_states: the states after the step.
        values: what can be had of every step.
    """

    states: tuple[Tensor, ...]
    elements: tuple[Tensor, ...]
    outers: tuple[Tensor, ...]
    nodes: tuple[ir.Node, ...]
    new_states: tuple[Tensor, ...]
    values: tuple[Tensor, ...]


class Handle(str):
    """A body as an attribute: a name, as attributes are compared and copied, which holds the body that it names."""

    body: Body

    def __new__(cls, body: Body) -> "Handle":
        handle = super().__new__(cls, f"body_{id(body)}")
        handle.body = body
        return handle


def body_of(node: ir.Node) -> Body:
    """Return the body of a Loop."""
    return attribute(node, "body").body


def behind(values: Iterable[Tensor], nodes: Sequence[ir.Node], known: Container[Tensor]) -> list[ir.Node]:
    """Return those of some nodes which values not known depend on, in order."""
    needed, found = {v for v in values if v not in known}, []
    for node in reversed(nodes):
        if any(y in needed for y in node.outputs):
            found.append(node)
            needed.update(x for x in node.inputs if x is not None)
    return found[::-1]
