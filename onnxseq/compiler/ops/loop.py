"""The recurrent loop: one step, recorded once, for every element of sequences; states go from step to step.

A loop is recorded from a *body*: tensors recorded once, of one step. What of the body depends on no state is done for
all steps at once before the loop, and what no state depends on after it (lift.py); the rest is the node ``Loop``.
Its outputs are the last states and then, stacked along the first axis, every value of the body: those that nothing
reads are left out when it is lowered. So what a gradient needs of the way forward is there without a second run.

The gradient is a loop too, run the other way round, over the cotangents of the states. What becomes of weights is
summed over the steps after it, as one large product.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import factors, law, lift, shape
from onnxseq.compiler.ops.body import Body, Handle, behind, body_of
from onnxseq.compiler.ops.law import COMPOUND, Op
from onnxseq.compiler.ops.recurrent import as_recurrent
from onnxseq.compiler.ops.scan import as_scan, written_out
from onnxseq.compiler.tensor import Tensor, attribute, placeholder

Walk = Callable[..., list[Tensor | None]]


# -- recording ------------------------------------------------------------------------------------------------


def loop(
    states: Sequence[tuple[Tensor, Tensor]],
    elements: Sequence[tuple[Tensor, Tensor]],
    new_states: Sequence[Tensor],
    outputs: Sequence[Tensor],
    totals: Sequence[Tensor] = (),
    backwards: bool = False,
) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Record a loop over the first axis of sequences.

    Arguments:
        states: pairs of the tensor that stands for a state in the body, and the state before the first step.
        elements: pairs of the tensor that stands for an element in the body, and the sequence of elements.
        new_states: what the body makes of the states.
        outputs: values of the body to be had of every step.
        totals: values of the body to be had summed over all steps.
        backwards: whether the last elements come first. Outputs lie where their elements do.

    Returns:
        The states after the last step; the outputs, stacked along the first axis; the totals.

    Raises:
        ValueError: where a new state is not like the state, or there are no sequences.
    """
    _check(states, elements, new_states)
    sequences = dict(elements)
    num_steps = shape.dim_of(elements[0][1], 0)
    ends = {*sequences, *(s for s, _ in states)}
    nodes = _varying([*new_states, *outputs, *totals], ends)
    varying = ends | {y for node in nodes for y in node.outputs}
    plans = [lift.total(value, varying, ends) for value in totals]
    late: set[Tensor] = {s for s, _ in states}
    after = []
    for node in nodes:
        if lift.can_lift(node, varying) and not any(x in late for x in node.inputs):
            sequences.update(zip(node.outputs, lift.lift(node, varying, sequences.__getitem__), strict=True))
        else:
            late.update(node.outputs)
            after.append(node)
    core = _core(after, new_states, late, varying)
    finals = []
    if core or states:
        finals = _record(states, core, new_states, sequences, varying, late, num_steps, backwards)
    wanted = [*outputs, *(part for plan in plans for part in plan.parts)]
    for node in behind(wanted, [n for n in after if n not in core], sequences):
        sequences.update(zip(node.outputs, lift.lift(node, varying, sequences.__getitem__), strict=True))

    def sequence(value: Tensor) -> Tensor:
        return sequences[value] if value in sequences else lift.constant_sequence(value, num_steps)

    return finals, [sequence(y) for y in outputs], [plan.build(sequence) for plan in plans]


def _check(
    states: Sequence[tuple[Tensor, Tensor]], elements: Sequence[tuple[Tensor, Tensor]], new_states: Sequence[Tensor]
) -> None:
    if not elements:
        raise ValueError("Loop: no sequences arrived; expected one at least, whose length is the number of steps.")
    for index, ((_, first), new) in enumerate(zip(states, new_states, strict=True)):
        differs = any(
            isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(first.dims, new.dims, strict=False)
        )
        if first.rank != new.rank or first.element_type != new.element_type or differs:
            raise ValueError(
                f"Loop: state {index} has shape {shapes.to_keras(first.dims)} and dtype {first.dtype_name} before a "
                f"step, {shapes.to_keras(new.dims)} and {new.dtype_name} after it; expected no change."
            )


def _varying(values: Sequence[Tensor], ends: set[Tensor]) -> list[ir.Node]:
    """Return the nodes behind values which vary from step to step, in an order in which they can run.

    They depend on the ends, or on chance and were recorded in the body; what was drawn before it holds for all steps.
    """
    begun = min((x.serial for x in ends if x.producer() is None), default=0)
    depends: dict[Tensor, bool] = {}
    found: set[ir.Node] = set()
    stack: list[tuple[Tensor, bool]] = [(v, False) for v in values]
    while stack:
        value, leaving = stack.pop()
        node = value.producer()
        if value in depends and not leaving:
            continue
        if value in ends or node is None:
            depends[value] = value in ends
        elif not leaving:
            stack.append((value, True))
            stack.extend((x, False) for x in node.inputs if x is not None and x not in depends)
        else:
            drawn = law.of(node).random and node.outputs[0].serial > begun
            varies = drawn or any(x is not None and depends[x] for x in node.inputs)
            depends.update(dict.fromkeys(node.outputs, varies))
            if varies:
                found.add(node)
    return sorted(found, key=lambda n: n.outputs[0].serial)


def _core(nodes: list[ir.Node], new_states: Sequence[Tensor], late: set[Tensor], varying: set[Tensor]) -> set[ir.Node]:
    """Return the nodes that must stay in the loop: states depend on them, or what cannot be lifted does."""
    needed = {s for s in new_states if s in late}
    core = set()
    for node in reversed(nodes):
        if any(y in needed for y in node.outputs) or not lift.can_lift(node, varying):
            core.add(node)
            needed.update(x for x in node.inputs if x in late)
    return core


def _record(
    states: Sequence[tuple[Tensor, Tensor]],
    core: set[ir.Node],
    new_states: Sequence[Tensor],
    sequences: dict[Tensor, Tensor],
    varying: set[Tensor],
    late: set[Tensor],
    num_steps: Tensor,
    backwards: bool,
) -> list[Tensor]:
    """Record the node; return its last states and add its values to the sequences."""
    nodes = sorted(core, key=lambda n: n.outputs[0].serial)
    read = dict.fromkeys([x for node in nodes for x in node.inputs if x is not None] + list(new_states))
    elements = [x for x in read if x in varying and x not in late]
    if not elements:
        elements = [next(iter(sequences))]
    outers = [x for x in read if x not in varying and not x.is_constant]
    body = Body(
        tuple(s for s, _ in states),
        tuple(elements),
        tuple(outers),
        tuple(nodes),
        tuple(new_states),
        (*(s for s, _ in states), *(y for node in nodes for y in node.outputs)),
    )
    found = loop_op.all(
        *(first for _, first in states),
        *(sequences[x] for x in elements),
        *outers,
        body=Handle(body),
        backwards=int(backwards),
    )
    sequences.update(zip(body.values, found[len(states) :], strict=True))
    return list(found[: len(states)])


# -- the op ---------------------------------------------------------------------------------------------------


def _types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    body = attributes["body"].body
    count = len(body.states)
    steps = inputs[count].dims[0]
    finals = [(x.element_type, x.dims) for x in inputs[:count]]
    return finals + [(v.element_type, (steps, *v.dims)) for v in body.values]


def _vjp(node: ir.Node, walk: Walk, *cotangents: Tensor | None) -> list[Tensor | None]:
    body, count = body_of(node), len(body_of(node).states)
    initial, given = node.inputs[:count], node.inputs[count : count + len(body.elements)]
    floating = [i for i in range(count) if lift.is_float(body.states[i])]
    forward = dict(zip(body.elements, given, strict=True)) | dict(zip(body.values, node.outputs[count:], strict=True))
    arrived = [(value, g) for value, g in zip(body.values, cotangents[count:], strict=True) if g is not None]
    bars = [placeholder(body.new_states[i].element_type, body.states[i].dims) for i in floating]
    seeds = [placeholder(value.element_type, value.dims) for value, _ in arrived]
    params = [*body.states, *body.elements, *body.outers]
    targets = [*(body.new_states[i] for i in floating), *(value for value, _ in arrived)]
    grads = walk(targets, [*bars, *seeds], params, params)
    grads = factors.regrouped(grads, _varying([g for g in grads if g is not None], {*bars}), bars)
    of_states, of_elements = grads[:count], grads[count : count + len(body.elements)]
    of_outers = grads[count + len(body.elements) :]
    begin = [
        (bar, shape.zeros_like(initial[i]) if (g := cotangents[i]) is None else g)
        for i, bar in zip(floating, bars, strict=True)
    ]
    # What of the way forward nothing reads is no element of the loop back.
    sequences = [*((s, g) for s, (_, g) in zip(seeds, arrived, strict=True)), *forward.items()]
    new_bars = [
        shape.zeros_like(bar) if (g := of_states[i]) is None else g for i, bar in zip(floating, bars, strict=True)
    ]
    finals, outputs, totals = loop(
        begin,
        sequences,
        new_bars,
        [g for g in of_elements if g is not None],
        [g for g in of_outers if g is not None],
        backwards=not attribute(node, "backwards"),
    )
    begun = dict(zip(floating, finals, strict=True))
    stacked, summed = iter(outputs), iter(totals)
    return [
        *(begun.get(i) for i in range(count)),
        *(None if g is None else next(stacked) for g in of_elements),
        *(None if g is None else next(summed) for g in of_outers),
    ]


loop_op = Op(
    "Loop",
    _types,
    _vjp,
    domain=COMPOUND,
    lowerings={"recurrent": as_recurrent, "onnx": written_out},
    expand=as_scan,
    nested=True,
)
