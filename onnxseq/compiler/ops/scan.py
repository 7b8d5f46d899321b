"""What a loop becomes: few steps one after the other, more of them a Scan."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import shape, windows
from onnxseq.compiler.ops.body import behind, body_of
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.tensor import Tensor, attribute
from onnxseq.shapes import Dim, Dims

# Loops of so few steps are written out: what a Scan costs at its start is more than what it saves.
_FEW = 4


class Instance:
    """A Loop as it is to be lowered: what is read of it, and its sizes as they are known now."""

    def __init__(self, node: ir.Node):
        self.node, self.body = node, body_of(node)
        count = len(self.body.states)
        self.backwards = int(attribute(node, "backwards"))
        self.initial = list(node.inputs[:count])
        self.sequences = list(node.inputs[count : count + len(self.body.elements)])
        self.outers = dict(zip(self.body.outers, node.inputs[count + len(self.body.elements) :], strict=True))
        self.num_steps = self.sequences[0].dims[0]
        self.emitted = [i for i, y in enumerate(node.outputs[count:]) if y.uses() or y.is_graph_output()]
        self.sizes: dict[str, int] = {}
        for inner, outer in (
            *zip(self.body.states, (x.dims for x in self.initial), strict=True),
            *zip(self.body.elements, (x.dims[1:] for x in self.sequences), strict=True),
            *((inner, x.dims) for inner, x in self.outers.items()),
        ):
            pairs = zip(inner.dims, outer, strict=True)
            self.sizes.update({a: b for a, b in pairs if isinstance(a, str) and isinstance(b, int)})
        self.values = [self.body.values[i] for i in self.emitted]
        self.nodes = behind([*self.body.new_states, *self.values], self.body.nodes, ())
        read = {x for node in self.nodes for x in node.inputs} | {*self.body.new_states, *self.values}
        used = [i for i, x in enumerate(self.body.elements) if x in read] or [0]
        self.elements = [(self.body.elements[i], self.sequences[i]) for i in used]

    def bound(self, dims: Dims) -> Dims:
        return tuple(d if (size := shapes.evaluate(d, self.sizes)) is None else size for d in dims)

    def like(self, x: Tensor) -> Tensor:
        return Tensor(x.element_type, self.bound(x.dims))

    def step(self, given: Mapping[Tensor, Tensor]) -> dict[Tensor, Tensor]:
        """Record the nodes once more, for given states and elements; return what became of every value."""
        clones = {**self.outers, **given}
        for node in self.nodes:
            for x in node.inputs:
                if x is not None and x not in clones:
                    clones[x] = _constant_like(x)
            copies = [self.like(y) for y in node.outputs]
            attributes = dict(node.attributes)
            if "spatial" in attributes:
                sizes = windows.encode_dims(self.bound(windows.decode_dims(attribute(node, "spatial"))))
                (attributes["spatial"],) = ir.convenience.convert_attributes({"spatial": sizes})
            ir.Node(
                node.domain,
                node.op_type,
                [None if x is None else clones[x] for x in node.inputs],
                attributes=list(attributes.values()),
                outputs=copies,
                name=node.name,
            )
            clones.update(zip(node.outputs, copies, strict=True))
        for x in (*self.body.new_states, *self.values):
            if x not in clones:
                clones[x] = _constant_like(x)
        return clones

    def results(self, finals: Sequence[Tensor | None], stacked: Sequence[Tensor]) -> list[Tensor | None]:
        found: list[Tensor | None] = [*finals, *[None] * len(self.body.values)]
        for i, y in zip(self.emitted, stacked, strict=True):
            found[len(finals) + i] = y
        return found


def _constant_like(x: Tensor) -> Tensor:
    return Tensor(x.element_type, x.dims, name=x.name, const_value=ir.Tensor(x.const_value.numpy()))


def written_out(node: ir.Node, target: Any) -> Any:
    """Few steps, one after the other in the graph."""
    it = Instance(node)
    if not isinstance(it.num_steps, int) or it.num_steps > _FEW or (not it.num_steps and it.values):
        return None
    pieces = {}
    for inner, sequence in it.elements:
        parts = shape.split(sequence, [1] * it.num_steps, 0) if it.num_steps > 1 else [sequence] * it.num_steps
        pieces[inner] = [shape.squeeze(part, [0]) for part in parts]
    states, kept = it.initial, {}
    order = range(it.num_steps)
    for t in reversed(order) if it.backwards else order:
        given = {inner: parts[t] for inner, parts in pieces.items()}
        clones = it.step({**given, **dict(zip(it.body.states, states, strict=True))})
        states = [clones[s] for s in it.body.new_states]
        kept[t] = [shape.unsqueeze(clones[v], [0]) for v in it.values]
    stacked = [shape.concat([kept[t][i] for t in order], 0) for i in range(len(it.values))]
    return it.results(states, stacked)


def as_scan(node: ir.Node) -> Any:
    """ONNX's Scan, whose graph reads what is the same at every step from outside."""
    it = Instance(node)
    states = [it.like(s) for s in it.body.states]
    elements = [it.like(x) for x, _ in it.elements]
    clones = it.step(dict(zip([*it.body.states, *(x for x, _ in it.elements)], [*states, *elements], strict=True)))
    graph = branch([clones[v] for v in (*it.body.new_states, *it.values)], f"{node.name}/step", [*states, *elements])
    direction = {}
    if it.backwards:
        direction = {"scan_input_directions": [1] * len(elements)}
        if it.values:
            direction["scan_output_directions"] = [1] * len(it.values)
    found = scan_op.all(
        *it.initial, *(s for _, s in it.elements), body=graph, num_scan_inputs=len(elements), **direction
    )
    return it.results(found[: len(states)], found[len(states) :])


def branch(values: Sequence[Tensor], name: str, inputs: Sequence[Tensor] = ()) -> ir.Graph:
    """Return a graph of freshly recorded values, to stand in a node, which may read what is outside of it."""
    # A graph's outputs are distinct values which its nodes produce.
    made = {y for node in _new_nodes(values) for y in node.outputs}
    outputs: list[Tensor] = []
    for y in values:
        outputs.append(y if y in made and y not in outputs else shape.identity(y))
    return ir.Graph(inputs, outputs, nodes=_new_nodes(outputs), name=name)


def _new_nodes(values: Sequence[Tensor]) -> list[ir.Node]:
    found: dict[ir.Node, None] = {}
    stack = [v.producer() for v in values]
    while stack:
        node = stack.pop()
        if node is not None and node.graph is None and node not in found:
            found[node] = None
            stack.extend(x.producer() for x in node.inputs if x is not None)
    return sorted(found, key=lambda n: n.outputs[0].serial)


def _scan_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    outputs = list(attributes["body"].outputs)
    count = len(inputs) - attributes["num_scan_inputs"]
    steps: Dim = inputs[count].dims[0]
    finals = [(x.element_type, x.dims) for x in inputs[:count]]
    return finals + [(y.element_type, (steps, *y.dims)) for y in outputs[count:]]


scan_op = Op("Scan", _scan_types)
