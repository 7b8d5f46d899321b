"""The one law per op: type rule, VJP rule and lowerings, found from one table.

An ``Op`` is called like a function to record a node. Ops of the domain ``""`` are ONNX's own; those of the
domain ``COMPOUND`` are ours and are lowered before a model runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq.compiler.tensor import Tensor, attribute, record
from onnxseq.shapes import Dims

COMPOUND = "onnxseq"

Type = tuple[ir.DataType, Dims]
TypeRule = Callable[..., Sequence[Type]]
VjpRule = Callable[..., Sequence[Tensor | None]]
Lowering = Callable[..., Sequence[Tensor] | Tensor | None]

TABLE: dict[tuple[str, str], Op] = {}


class Op:
    """An operator and everything the compiler knows of it.

    Arguments:
        name, domain: how nodes name it.
        types: ``types(inputs, attributes) -> [(dtype, dims), ...]``, one pair per output; it raises
            ValueError or TypeError for inputs that do not fit.
        vjp: ``vjp(node, *cotangents) -> [Tensor | None, ...]``, one per input; a cotangent is None where no
            gradient reaches that output. ``None`` instead of a rule: the op cannot be differentiated.
        expand: ``expand(node) -> outputs``: the op's meaning in simpler ops. A compound op needs it; where it has
            no ``vjp`` its expansion is differentiated, and where no lowering fits it is what runs.
        lowerings: ``{feature: lower(node, target)}``, tried in order: the first whose feature the target has and which
            does not return None is used; the feature ``"onnx"`` every target has.
        zero: indices of inputs in which the op is linear: where one of them is all zero, so is every output.
        random: whether two equal nodes must stay two.
        elementwise: whether output [i] depends on the inputs' [i] alone, after broadcasting.
        nested: whether the op holds nodes of its own; its rule is then ``vjp(node, walk, *cotangents)``, where
            ``walk(targets, seeds, params, leaves)`` differentiates them.
    """

    def __init__(
        self,
        name: str,
        types: TypeRule,
        vjp: VjpRule | None = None,
        *,
        domain: str = "",
        expand: Lowering | None = None,
        lowerings: Mapping[str, Lowering] | None = None,
        zero: Sequence[int] = (),
        random: bool = False,
        elementwise: bool = False,
        nested: bool = False,
    ):
        self.name, self.domain = name, domain
        self.types, self.vjp, self.expand = types, vjp, expand
        self.lowerings = dict(lowerings or {})
        self.zero, self.random, self.elementwise = tuple(zero), random, elementwise
        self.nested = nested
        key = (domain, name)
        if key in TABLE:
            raise ValueError(f"op {domain}::{name} is defined twice")
        TABLE[key] = self

    def all(self, *inputs: Tensor | None, **attributes: Any) -> tuple[Tensor, ...]:
        """Record a node and return all its outputs."""
        for x in inputs:
            if x is not None and not isinstance(x, Tensor):
                raise TypeError(f"{self.name}: an input is {x!r}, a {type(x).__name__}; expected a tensor.")
        try:
            types = self.types(inputs, attributes)
        except (TypeError, ValueError) as fault:
            raise type(fault)(f"{self.name}: {fault}") from fault
        return record(self.domain, self.name, inputs, attributes, types)

    def __call__(self, *inputs: Tensor | None, **attributes: Any) -> Tensor:
        """Record a node and return its first output."""
        return self.all(*inputs, **attributes)[0]

    def __repr__(self) -> str:
        return f"<Op {self.domain + '::' if self.domain else ''}{self.name}>"


def of(node: ir.Node) -> Op:
    """Return the law of a node; KeyError for an op that the table lacks."""
    return TABLE[(node.domain, node.op_type)]


def again(node: ir.Node, inputs: Sequence[Tensor | None], **changes: Any) -> tuple[Tensor, ...]:
    """Record a node once more, for other inputs and with some other attributes."""
    found = {name: attribute(node, name) for name in node.attributes}
    lists = {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}
    return of(node).all(*inputs, **{**lists, **changes})


def is_node(value: Any, name: str, domain: str = "") -> bool:
    """Tell whether a value is an output of the named op."""
    producer = value.producer() if value is not None else None
    return producer is not None and producer.op_type == name and producer.domain == domain


def no_gradient(node: ir.Node, *cotangents: Tensor | None) -> list[Tensor | None]:
    """The VJP of an op through which no gradient flows, such as a comparison."""
    return [None] * len(node.inputs)


def same_dtype(inputs: Sequence[Tensor | None]) -> ir.DataType:
    """Return the one dtype of all inputs; TypeError where they differ."""
    dtypes = {x.element_type: x for x in inputs if x is not None}
    if len(dtypes) != 1:
        arrived = ", ".join(f"{x.name or 'a tensor'} of {x.dtype_name}" for x in dtypes.values())
        raise TypeError(f"inputs have different dtypes ({arrived}); expected one dtype. Use K.cast().")
    return next(iter(dtypes))
