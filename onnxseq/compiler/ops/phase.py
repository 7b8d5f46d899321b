"""The learning phase: recorded as a choice, resolved when a function is built."""

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import math
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.tensor import Tensor, attribute


class _Phase(Tensor):
    """A placeholder for all graphs, which keeps none of them alive: it does not remember who reads it."""

    def _add_usage(self, use: ir.Node, index: int) -> None:
        pass

    def _remove_usage(self, use: ir.Node, index: int) -> None:
        pass


_PHASE = _Phase(ir.DataType.BOOL, (), name="learning_phase")


def phase() -> Tensor:
    """Return the learning phase: a scalar bool, True while training."""
    return _PHASE


def _select_types(inputs: tuple[Tensor, ...], attributes: dict) -> list:
    _, train, test = inputs
    if train.rank != test.rank:
        raise ValueError(
            f"the values for training and testing have shapes {shapes.to_keras(train.dims)} and "
            f"{shapes.to_keras(test.dims)}; expected one rank."
        )
    dims = tuple(a if a == b else shapes.fresh_name() for a, b in zip(train.dims, test.dims, strict=True))
    return [(same_dtype((train, test)), dims)]


def _select_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    chosen = node.inputs[0]
    return [None, gate(chosen, g, when=1), gate(chosen, g, when=0)]


select = Op(
    "PhaseSelect",  # the second input while training, else the third
    _select_types,
    _select_vjp,
    domain=COMPOUND,
    expand=lambda node: math.where(*node.inputs),
)

gate: Op = Op(
    "PhaseGate",  # the second input in the phase `when`, else zeros
    lambda inputs, attributes: [(inputs[1].element_type, inputs[1].dims)],
    lambda node, g: [None, gate(node.inputs[0], g, when=attribute(node, "when"))],
    domain=COMPOUND,
    expand=lambda node: node.inputs[1]
    * math.cast(
        node.inputs[0] if attribute(node, "when") else math.logical_not(node.inputs[0]), node.inputs[1].element_type
    ),
    zero=(1,),
)
