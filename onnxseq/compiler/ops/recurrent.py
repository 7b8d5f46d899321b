"""ONNX's recurrent ops, and the loops that they compute.

A loop whose step is one of ONNX's equations, and whose inputs are products of one sequence with matrices, becomes the op
itself, whatever recorded it. Only the step's structure counts; which columns belong to which gate, and which state
is which, is found by comparing.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import equations, index, known, shape
from onnxseq.compiler.ops.equations import Applied, Bound, Columns, Dot, Gate, Of, Pattern, Term
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.ops.scan import Instance
from onnxseq.compiler.tensor import Tensor, constant

# -- the ops --------------------------------------------------------------------------------------------------


def _types(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> list:
    x, w, units = inputs[0], inputs[1], attributes["hidden_size"]
    steps, batch, _ = x.dims  # type: ignore[union-attr]
    directions, dtype = w.dims[0], x.element_type  # type: ignore[union-attr]
    return [(dtype, (steps, directions, batch, units)), (dtype, (directions, batch, units))]


def _lstm_types(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> list:
    every, last = _types(inputs, attributes)
    return [every, last, last]


rnn_op, gru_op, lstm_op = Op("RNN", _types), Op("GRU", _types), Op("LSTM", _lstm_types)


# -- their equations ------------------------------------------------------------------------------------------


def _gate(name: str, activation: str = "F", seen: Pattern = Term("State", detail=0)) -> Applied:
    return Applied(activation, Gate(name, Dot(name + " seen", seen)))


def _gru(new: Pattern) -> tuple[Pattern, ...]:
    kept = _gate("z")
    return (Of("Sum", (Of("Product", (kept, _STATE)), Of("Product", (Of("Complement", (kept,)), new)))),)


_STATE, _CELL = Term("State", detail=0), Term("State", detail=1)
_RESET = _gate("r")
_NEW_CELL = Of("Sum", (Of("Product", (_gate("f"), _CELL)), Of("Product", (_gate("i"), _gate("c", "G")))))


@dataclass(frozen=True)
class Cell:
    """One of ONNX's recurrent ops.

    Attributes:
        op: the op.
        gates: the names of its gates in its order.
        activations: the names of its activation functions in its order.
        usual: those that it has where none are given.
        equations: what each of its states becomes.
        attributes: attributes that go with these equations.
    """

    op: Op
    gates: str
    activations: str
    usual: tuple[str, ...]
    equations: tuple[Pattern, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


CELLS = (
    Cell(rnn_op, "i", "F", ("Tanh",), (_gate("i"),)),
    Cell(
        lstm_op,
        "iofc",
        "FGH",
        ("Sigmoid", "Tanh", "Tanh"),
        (Of("Product", (_gate("o"), Applied("H", _NEW_CELL))), _NEW_CELL),
    ),
    Cell(gru_op, "zrh", "FG", ("Sigmoid", "Tanh"), _gru(_gate("h", "G", Of("Product", (_RESET, _STATE))))),
    Cell(
        gru_op,
        "zrh",
        "FG",
        ("Sigmoid", "Tanh"),
        _gru(Applied("G", Gate("h", Of("Product", (_RESET, Gate("after", Dot("h seen", _STATE))))))),
        {"linear_before_reset": 1},
    ),
)


# -- from a loop to an op -------------------------------------------------------------------------------------


def as_recurrent(node: ir.Node, target: Any) -> Any:
    """The runtime's own recurrent op, where the step is one of its equations."""
    it = Instance(node)
    if not target.on_cpu or it.num_steps == 0 or any(s.element_type != ir.DataType.FLOAT for s in it.body.states):
        return None
    for cell, places, bound in _matches(it):
        made = _Made.of(cell, bound, it.initial[places.index(0)].dims[-1])
        hidden = it.body.new_states[places.index(0)]
        if made is not None and all(v is hidden for v in it.values):
            return it.results(*made.record(it, places))
    return None


def _matches(it: Instance) -> Iterator[tuple[Cell, tuple[int, ...], Bound]]:
    """Yield the cells that a loop is, the numbers that they give its states, and what fills their equations."""
    for cell in CELLS:
        for places in itertools.permutations(range(len(cell.equations))):
            if len(places) != len(it.body.states):
                continue
            reader = equations.Reader(it, places)
            try:
                terms = [reader.term(new) for new in it.body.new_states]
            except equations.Unreadable:
                return
            pairs = [(cell.equations[place], term) for place, term in zip(places, terms, strict=True)]
            for bound in equations.match(pairs, {}):
                yield cell, places, bound


@dataclass
class _Made:
    """An op to be recorded, in one direction.

    Attributes:
        cell: which.
        units: the number of columns of its states.
        x: the sequence of inputs.
        kernels, recurrent: for each gate columns of a matrix.
        biases: for each gate, behind them for each gate once more of those that are added to products with states,
            rows to be added.
        activations: names of functions with their alpha and beta.
    """

    cell: Cell
    units: int
    x: Tensor
    kernels: list[Columns]
    recurrent: list[Columns]
    biases: list[list[Columns]]
    activations: list[tuple[str, tuple[float, ...]]]

    @classmethod
    def of(cls, cell: Cell, bound: Bound, units: Any) -> "_Made | None":
        """Return the op for what fills its equations, or None for inputs that it does not have."""
        kernels, biases, sources = [], [], set()
        for gate in cell.gates:
            products = [term for term in bound[gate] if term.kind == "Dot"]
            rows = _rows([term for term in bound[gate] if term.kind != "Dot"], units)
            if len(products) != 1 or rows is None:
                return None
            (inner,) = products[0].parts
            if inner.kind != "Given" or inner.detail.tensor.rank != 3 or not inner.detail.are_all:
                return None
            sources.add(inner.detail.tensor)
            kernels.append(products[0].detail)
            biases.append(rows)
        after = _rows(bound.get("after", ()), units)
        if len(sources) != 1 or after is None:
            return None
        biases += [[] for _ in cell.gates[1:]] + [after]
        recurrent = [bound[f"{gate} seen"] for gate in cell.gates]
        activations = [bound[name] for name in cell.activations]
        return cls(cell, units, sources.pop(), kernels, recurrent, biases, activations)

    def record(self, it: Instance, places: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Record the op; return the last states and the stacked outputs."""
        x, backwards, turned = self.x, it.backwards, equations.is_reversed(self.x)
        if turned:
            # The sequence as it was, from its end.
            x, backwards = x.producer().inputs[0], not backwards  # type: ignore[union-attr]
        initial: list[Tensor | None] = [it.initial[places.index(i)] for i in range(len(places))]
        if all(known.uniform(s) == 0 for s in initial if s is not None):
            initial = []
        bias = self._bias()
        given = [bias, None, *(None if s is None else shape.unsqueeze(s, [0]) for s in initial)]
        while given and given[-1] is None:
            given.pop()
        every, *last = self.cell.op.all(
            x, _stacked(self.kernels), _stacked(self.recurrent), *given, **self._attributes(backwards)
        )
        every = shape.squeeze(every, [1])
        every = index.reverse(every, [0]) if turned else every
        finals = [shape.squeeze(y, [0]) for y in last]
        return [finals[place] for place in places], [every for _ in it.values]

    def _bias(self) -> Tensor | None:
        if not any(self.biases):
            return None
        none = Columns(constant(np.zeros(self.units, np.float32)), 0, self.units)
        return shape.unsqueeze(_joined([_total(rows) if rows else none for rows in self.biases]), [0])

    def _attributes(self, backwards: bool) -> dict[str, Any]:
        found: dict[str, Any] = {"hidden_size": self.units, **self.cell.attributes}
        if backwards:
            found["direction"] = "reverse"
        if tuple(name for name, _ in self.activations) != self.cell.usual:
            found["activations"] = [name for name, _ in self.activations]
            for place, which in enumerate(("activation_alpha", "activation_beta")):
                # The values are handed out in order to the functions that have such a one.
                values = [float(detail[place]) for _, detail in self.activations if len(detail) > place]
                found.update({which: values} if values else {})
        return found


def _rows(terms: Sequence[Term], units: int) -> list[Columns] | None:
    """Return the rows that are to be added, or None where something else is."""
    found = []
    for term in terms:
        if term.kind == "Number":
            term = Term("Given", detail=Columns(constant(np.full(units, term.detail, np.float32)), 0, units))
        if term.kind != "Given" or any(d != 1 for d in term.detail.tensor.dims[:-1]):
            return None
        found.append(term.detail)
    return found


def _total(rows: Sequence[Columns]) -> Columns:
    """Return the sum of rows."""
    if len(rows) == 1:
        return rows[0]
    first, *others = (_joined([row]) for row in rows)
    return Columns(sum(others, first), 0, rows[0].last - rows[0].first)


def _joined(parts: Sequence[Columns]) -> Tensor:
    """Return columns side by side: matrices as they are, rows as vectors."""
    runs: list[Columns] = []
    for part in parts:
        if runs and runs[-1].tensor is part.tensor and runs[-1].last == part.first:
            part = Columns(part.tensor, runs.pop().first, part.last)
        runs.append(part)
    return shape.concat([_cut(run) for run in runs], -1)


def _cut(of: Columns) -> Tensor:
    x = of.tensor
    x = x if of.are_all else index.slice(x, [of.first], [of.last], [x.rank - 1], [1])
    return shape.reshape(x, (-1,)) if all(d == 1 for d in x.dims[:-1]) and x.rank > 1 else x


def _stacked(parts: Sequence[Columns]) -> Tensor:
    """Return the columns of all gates as the op has them: [1, columns, rows]."""
    return shape.unsqueeze(shape.transpose(_joined(parts), [1, 0]), [0])
