"""From recorded nodes to a graph: clone what some outputs reach, with readable unique names."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import onnx_ir as ir

from onnxseq.compiler import state
from onnxseq.compiler.targets import DOMAINS, OPSET
from onnxseq.compiler.tensor import Tensor, Variable, record
from onnxseq.shapes import Dims


@dataclass(frozen=True)
class Mask:
    """A bool graph input, true with a probability of ``1 - rate``, drawn anew before every run."""

    name: str
    dims: Dims
    rate: float
    seed: int


@dataclass
class Extract:
    """A cloned graph and how its inputs and outputs belong to the recorded tensors.

    Attributes:
        model: the graph; its inputs are the fed tensors, then the variables read.
        fed: names of the graph inputs for the tensors fed, in order; None for one that nothing reads.
        reads: the variables read, with the names of their graph inputs.
        outputs: names of the graph outputs, in order.
        writes: the variables written, with the names of the graph outputs that hold their new values.
        before: graph outputs that lie where a variable's new value will, which is made of them.
        masks: inputs to be filled with random truth values before every run.
    """

    model: ir.Model
    fed: list[str | None] = field(default_factory=list)
    reads: list[tuple[Variable, str]] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    writes: list[tuple[Variable, str]] = field(default_factory=list)
    before: list[tuple[Variable, str]] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)

    def drop_unread(self) -> None:
        """Forget the inputs that passes have dropped since nothing reads them."""
        present = {x.name for x in self.model.graph.inputs}
        self.fed = [name if name in present else None for name in self.fed]
        self.reads = [(variable, name) for variable, name in self.reads if name in present]
        self.masks = [mask for mask in self.masks if mask.name in present]


class _Names:
    """Gives each name once; a second bearer gets a number."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def unique(self, wanted: str) -> str:
        while True:
            count = self._taken.get(wanted, 0)
            self._taken[wanted] = count + 1
            if count == 0:
                return wanted
            wanted = f"{wanted}_{count}"


def extract(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    frozen: bool = False,
    name: str = "function",
) -> Extract:
    """Clone what outputs and updates reach into a model.

    Arguments:
        inputs: tensors to be fed; any tensor may be fed, also one that nodes compute.
        outputs: tensors to compute.
        updates: pairs of a variable and its new value.
        frozen: whether variables become constants with their present values.

    Raises:
        ValueError: where something that must be fed is not among the inputs.
    """
    fed = dict.fromkeys(inputs)
    names = _Names()
    clones: dict[Tensor, Tensor] = {}
    graph_inputs: list[Tensor] = []
    result = Extract(model=None)  # type: ignore[arg-type]

    for tensor in fed:
        clone = Tensor(tensor.element_type, tensor.dims, name=names.unique(tensor.name or "input"))
        clones[tensor] = clone
        graph_inputs.append(clone)
        # What is fed is not computed, so nothing behind it is looked at.
    nodes, sources = reachable([*outputs, *(v for _, v in updates)], set(fed))
    for source in sources:
        if isinstance(source, Variable):
            variable_name = names.unique(source.name or "variable")
            clone = Tensor(source.element_type, source.dims, name=variable_name)
            if frozen:
                clone.const_value = ir.Tensor(state.read(source))
            else:
                graph_inputs.append(clone)
                result.reads.append((source, variable_name))
            clones[source] = clone
        elif source.const_value is not None:
            values = ir.Tensor(source.const_value.numpy())
            clones[source] = Tensor(source.element_type, source.dims, name=source.name, const_value=values)
        elif source.name == "learning_phase":
            clones[source] = Tensor(source.element_type, source.dims, name="learning_phase")
            graph_inputs.append(clones[source])
        else:
            raise ValueError(
                f"function {name!r}: the outputs depend on {source!r}, which is not fed; expected it among the inputs."
            )
    cloned = []
    for node in nodes:
        copies = [Tensor(y.element_type, y.dims) for y in node.outputs]
        for copy, y in zip(copies, node.outputs, strict=True):
            copy.serial = y.serial
        cloned.append(
            ir.Node(
                node.domain,
                node.op_type,
                [None if x is None else clones[x] for x in node.inputs],
                attributes=node.attributes,
                outputs=copies,
                name=node.name,
            )
        )
        # A node of which one output is fed computes the others.
        clones.update((y, copy) for y, copy in zip(node.outputs, copies, strict=True) if y not in fed)
    graph_outputs: list[Tensor] = []

    def publish(tensor: Tensor, wanted: str) -> str:
        clone = clones[tensor]
        if clone.producer() is None or clone in graph_outputs:
            # A graph's outputs are distinct values which nodes produce.
            clone = record("", "Identity", [clone], {}, [(clone.element_type, clone.dims)])[0]
            cloned.append(clone.producer())
        clone.name = names.unique(wanted)
        graph_outputs.append(clone)
        return clone.name

    for tensor in outputs:
        result.outputs.append(publish(tensor, _output_name(tensor)))
    for variable, tensor in updates:
        result.writes.append((variable, publish(tensor, f"{variable.name}/updated")))
    result.fed = [clones[t].name for t in inputs]
    result.model = ir.Model(
        ir.Graph(
            graph_inputs,
            graph_outputs,
            nodes=cloned,
            opset_imports={"": OPSET, "onnxseq": 1, **DOMAINS},
            name=name,
        ),
        ir_version=9,
        producer_name="onnxseq",
    )
    return result


def _output_name(tensor: Tensor) -> str:
    if tensor.name:
        return tensor.name
    node = tensor.producer()
    return (node.name if node is not None else None) or "output"


def reachable(values: Sequence[Tensor], ends: set[Tensor]) -> tuple[list[ir.Node], list[Tensor]]:
    """Return the nodes that values depend on, in an order in which they can run, and what no node computes."""
    nodes: dict[ir.Node, None] = {}
    sources: dict[Tensor, None] = {}
    stack = [v for v in values if v not in ends]
    while stack:
        value = stack.pop()
        node = value.producer()
        if node is None:
            sources[value] = None
        elif node not in nodes:
            nodes[node] = None
            stack.extend(x for x in node.inputs if x is not None and x not in ends)
    return (
        sorted(nodes, key=lambda n: n.outputs[0].serial),
        sorted(sources, key=lambda v: v.serial),
    )
