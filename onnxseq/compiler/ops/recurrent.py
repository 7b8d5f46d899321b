"""ONNX's recurrent ops, and the loops that they compute.

A loop whose step is one of ONNX's equations, and whose inputs are products of one sequence with matrices, becomes the
op itself, whatever recorded it. Only the step's structure counts; which columns belong to which gate, and which state
is which, is found by comparing.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq.compiler.ops import equations, index, known, math, reduction, shape
from onnxseq.compiler.ops.equations import Applied, Bound, Columns, Dot, Gate, Of, Pattern, Term
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.ops.scan import Instance, as_scan, branch, written_out
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


def _if_types(inputs: Sequence[Tensor | None], attributes: Mapping[str, Any]) -> list:
    return [(y.element_type, y.dims) for y in attributes["then_branch"].outputs]


if_op = Op("If", _if_types)
rnn_op, gru_op, lstm_op = Op("RNN", _types), Op("GRU", _types), Op("LSTM", _lstm_types)


# -- their equations ------------------------------------------------------------------------------------------


_STATE, _CELL = Term("State", detail=0), Term("State", detail=1)


def _gate(name: str, activation: str = "F", seen: Pattern = _STATE) -> Applied:
    return Applied(activation, Gate(name, Dot(name + " seen", seen)))


def _gru(new: Pattern) -> tuple[Pattern, ...]:
    kept = _gate("z")
    return (Of("Sum", (Of("Product", (kept, _STATE)), Of("Product", (Of("Complement", (kept,)), new)))),)


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
    """The runtime's own recurrent op, where the step is one of its equations and it is not slower.

    Where the batch is free, the model looks at its size and chooses.
    """
    it = Instance(node)
    made = next(_fitting(it), None)
    marks = target.has("marks_nan")
    if made is None or not target.has("fast_scan"):
        return None if made is None else made.record(marks)
    most, batch = made.most_rows(), made.x.dims[1]
    if isinstance(batch, int) or most in (0, None):
        return made.record(marks) if most is None or (isinstance(batch, int) and batch <= most) else None
    otherwise = written_out(node, target) or as_scan(node)
    return _either(node, math.less_equal(shape.dim_of(made.x, 1), most), made.record(marks), otherwise)


def _is_read(y: Tensor) -> bool:
    return bool(y.uses()) or y.is_graph_output()


def _either(node: ir.Node, condition: Tensor, *ways: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Return what one of two ways gives for a node's outputs: the first where a condition holds."""
    used = [i for i, y in enumerate(node.outputs) if _is_read(y)]
    graphs = {}
    for name, way in zip(("then_branch", "else_branch"), ways, strict=True):
        graphs[name] = branch([y for y in map(way.__getitem__, used) if y is not None], f"{node.name}/{name}")
    found = dict(zip(used, if_op.all(condition, **graphs), strict=True))
    return [found.get(i) for i in range(len(node.outputs))]


def _fitting(it: Instance) -> Iterator["_Made"]:
    """Yield the ops that a loop is."""
    if it.num_steps == 0 or any(s.element_type != ir.DataType.FLOAT for s in it.body.states):
        return
    for cell, places, bound in _matches(it):
        hidden = it.body.new_states[places.index(0)]
        if all(v is hidden for v in it.values):
            made = _Made.of(it, places, cell, bound)
            if made is not None:
                yield made


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
        it: the loop.
        places: for each of its states which of the op's it is.
        cell: which op.
        units: the number of columns of its states.
        x: the sequence of inputs.
        kernels, recurrent: for each gate columns of a matrix.
        biases: for each gate, behind them for each gate once more of those that are added to products with states,
            rows to be added.
        activations: names of functions with their alpha and beta.
    """

    it: Instance
    places: Sequence[int]
    cell: Cell
    units: int
    x: Tensor
    kernels: list[Columns]
    recurrent: list[Columns]
    biases: list[list[Columns]]
    activations: list[tuple[str, tuple[float, ...]]]

    @classmethod
    def of(cls, it: Instance, places: Sequence[int], cell: Cell, bound: Bound) -> "_Made | None":
        """Return the op for what fills its equations, or None for inputs that it does not have."""
        units: Any = it.initial[0].dims[-1]
        kernels, biases, sources = [], [], set()
        axes = it.sequences[0].dims[:2]
        if any(s.dims != (axes[-1], units) for s in it.initial):
            return None
        for gate in cell.gates:
            products = [term for term in bound[gate] if term.kind == "Dot"]
            rows = _rows([term for term in bound[gate] if term.kind != "Dot"], units)
            if len(products) != 1 or rows is None:
                return None
            (inner,) = products[0].parts
            if inner.kind != "Given" or not inner.detail.are_all:
                return None
            x = inner.detail.tensor
            if x.rank != 3 or x.dims[:2] != axes:
                return None
            sources.add(x)
            kernels.append(products[0].detail)
            biases.append(rows)
        after = _rows(bound.get("after", ()), units)
        if len(sources) != 1 or after is None:
            return None
        biases += [[] for _ in cell.gates[1:]] + [after]
        recurrent = [bound[f"{gate} seen"] for gate in cell.gates]
        activations = [bound[name] for name in cell.activations]
        return cls(it, places, cell, units, sources.pop(), kernels, recurrent, biases, activations)

    def most_rows(self) -> int | None:
        """Return up to how many rows of a batch it is as fast as a Scan, or None for any number.

        Measured on two cores, 20 steps of 32 inputs, time of the op over that of the Scan for 1, 8, 32 and 128 rows:
        LSTM of 8 units 0.1, 0.3, 0.7, 1.4, of 32 0.2, 0.5, 1.0, 1.5, of 128 0.5, 0.9, 0.9, 0.9; GRU of 32 0.1, 0.5,
        1.0, 1.6, of 128 0.4, 1.0, 1.3, 1.5; RNN of 32 0.5, 1.3, 2.7, 4.3, of 128 0.9, 2.6, 3.1, 3.5. Weights that are
        not constant are put in the op's order at every run, which takes 2.6 ns each; a step saves 5 us, and one of an
        LSTM besides 5 ns for each element of its state. A free batch is taken for one of 32 rows, Keras's default.
        """
        steps, batch = self.x.dims[:2]
        weights = [*self.kernels, *self.recurrent]
        if isinstance(steps, int) and not all(of.tensor.is_constant for of in weights):
            sizes = [(of.last - of.first, of.tensor.dims[0]) for of in weights]
            size = sum(n * m for n, m in sizes if isinstance(m, int))
            rows = batch if isinstance(batch, int) else 32
            if 2.6 * size > steps * (5000 + (5 * rows * self.units if self.cell.op is lstm_op else 0)):
                return 0
        if self.cell.op is lstm_op and self.units >= 64:
            return None
        return (128 if self.cell.op is rnn_op else 1024) // self.units

    def record(self, marks_nan: bool = False) -> list[Tensor | None]:
        """Record the op; return what it gives for the loop's outputs.

        Arguments:
            marks_nan: whether to put NaN where it belongs if the op gives numbers there.
        """
        it, places = self.it, self.places
        x, backwards, turned = self.x, bool(it.backwards), index.reversed_axis(self.x) == 0
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
        read = [x, _stacked(self.kernels), _stacked(self.recurrent), *given]
        every, *last = self.cell.op.all(*read, **self._attributes(backwards))
        # What nothing reads is not recorded, so that what it would read is seen to be unused.
        finals = [
            shape.squeeze(last[place], [0]) if _is_read(y) else None
            for place, y in zip(places, it.node.outputs, strict=False)
        ]
        if it.values:
            every = shape.squeeze(every, [1])
        if marks_nan and self._loses_nan():
            finals = [None if y is None else _marked(y, shape.squeeze(_sums(read, (0, 2)), [0])) for y in finals]
            every = _marked(every, reduction.cumsum(_sums(read, (2,)), 0, backwards)) if it.values else every
        if it.values:
            every = index.reverse(every, [0]) if turned else every
        return it.results(finals, [every for _ in it.values])

    def _loses_nan(self) -> bool:
        """Tell whether the runtime's op gives numbers where it reads NaN: the gated ones do, and these activations."""
        return self.cell.op is not rnn_op or self.activations[0][0] in ("Relu", "HardSigmoid")

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


def _sums(read: Sequence[Tensor | None], axes: Sequence[int]) -> Tensor:
    """Return the sums of all that an op reads, by step and row but for the given axes of the sequence."""
    x, w, u, bias, _, *initial = (*read, None, None)[: max(5, len(read))]
    weights = [reduction.sum(each) for each in (w, u, bias) if each is not None]
    begun = [reduction.sum(each, 2, keepdims=True) for each in initial if each is not None]
    if 0 in axes:
        steps, width = x.dims[0], x.dims[2]  # type: ignore[union-attr]
        rows = shape.reshape(x, (steps if isinstance(steps, int) else shape.dim_of(x, 0), -1))  # type: ignore[arg-type]
        x = shape.reshape(reduction.sum(rows, [0]), (1, -1, width))  # type: ignore[arg-type]
    return functools.reduce(math.add, [*weights, *begun, reduction.sum(x, [2], keepdims=True)])  # type: ignore[arg-type]


def _marked(y: Tensor, sums: Tensor) -> Tensor:
    """Return y, but NaN where the sums of what it is made of are: the weights of a model that diverged, a bad input.

    It takes 8 us of 50 for one row of 20 steps by 32 units, 0.05 of 7 ms for 128 rows of 40 steps by 128 units.
    """
    return math.add(y, math.where(math.is_nan(sums), np.float32(np.nan), np.float32(0)))


def _rows(terms: Sequence[Term], units: int) -> list[Columns] | None:
    """Return the rows that are to be added, or None where something else is."""
    found = []
    for term in terms:
        if term.kind == "Number":
            term = Term("Given", detail=Columns(constant(np.full(units, term.detail, np.float32)), 0, units))
        if term.kind != "Given" or term.detail.tensor.rank != 1:
            return None
        found.append(term.detail)
    return found


def _total(rows: Sequence[Columns]) -> Columns:
    """Return the sum of rows."""
    if len(rows) == 1:
        return rows[0]
    return Columns(functools.reduce(math.add, [_joined([row]) for row in rows]), 0, rows[0].last - rows[0].first)


def _joined(parts: Sequence[Columns]) -> Tensor:
    """Return columns side by side."""
    runs: list[Columns] = []
    for part in parts:
        if runs and runs[-1].tensor is part.tensor and runs[-1].last == part.first:
            part = Columns(part.tensor, runs.pop().first, part.last)
        runs.append(part)
    return shape.concat([_cut(run) for run in runs], -1)


def _cut(of: Columns) -> Tensor:
    x = of.tensor
    return x if of.are_all else index.slice(x, [of.first], [of.last], [x.rank - 1], [1])


def _stacked(parts: Sequence[Columns]) -> Tensor:
    """Return the columns of all gates as the op has them: [1, columns, rows]."""
    return shape.unsqueeze(shape.transpose(_joined(parts), [1, 0]), [0])
