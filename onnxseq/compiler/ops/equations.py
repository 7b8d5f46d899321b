"""What a loop's step computes, as equations that can be compared with others.

A ``Term`` is what some columns of a value are made of. Sums and products are flat, columns of a sum are sums of
columns, and the products with the inputs that were done for all steps at once before the loop are part of the step
again. So two bodies that compute the same have equal terms, however their gates lie side by side.

A pattern is a term with holes; ``match`` finds what fills them.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnxseq.compiler.ops import known
from onnxseq.compiler.ops.scan import Instance
from onnxseq.compiler.tensor import Tensor, attribute, constant_value


class Unreadable(Exception):
    """Raised for a step which computes what no term tells."""


@dataclass(frozen=True)
class Columns:
    """Columns ``first`` to ``last``, that one not counted, of a tensor outside the loop."""

    tensor: Tensor
    first: int
    last: int

    @property
    def are_all(self) -> bool:
        return (self.first, self.last) == (0, self.tensor.dims[-1])


@dataclass(frozen=True)
class Term:
    """What a value is made of.

    Attributes:
        kind: "State", "Given" (columns of a tensor from outside), "Number", "Sum", "Product", "Dot" (a product with
            columns of a matrix), "Complement" (one minus the part), or ONNX's name of an activation function.
        parts: the terms that it is made of.
        detail: which state, which columns, which number, or the activation's alpha and beta.
    """

    kind: str
    parts: tuple["Term", ...] = ()
    detail: Any = None

    @property
    def sees_states(self) -> bool:
        return self.kind == "State" or any(part.sees_states for part in self.parts)


# The activation functions that ONNX's recurrent ops know, and the attributes that they have.
ACTIVATIONS: dict[str, dict[str, float]] = {
    "Sigmoid": {},
    "Tanh": {},
    "Relu": {},
    "Softplus": {},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "Elu": {"alpha": 1.0},
    "LeakyRelu": {"alpha": 0.01},
}
IDENTITY = ("Affine", (1.0, 0.0))  # what a term without an activation is


class Reader:
    """Reads the terms of a loop's step.

    Arguments:
        it: the loop.
        places: for each of its states the number that the terms give it.
    """

    def __init__(self, it: Instance, places: Sequence[int]):
        self._states = {s: Term("State", detail=i) for s, i in zip(it.body.states, places, strict=True)}
        self._outers = it.outers
        self._given = {**dict(it.elements), **it.outers}
        self._found: dict[Columns, Term] = {}

    def term(self, x: Tensor) -> Term:
        """Return what a value of the body is made of; Unreadable where no term tells it."""
        return self._columns(Columns(x, 0, _width(x)))

    def _columns(self, of: Columns) -> Term:
        if of not in self._found:
            self._found[of] = self._read(of)
        return self._found[of]

    def _read(self, of: Columns) -> Term:
        x, node = of.tensor, of.tensor.producer()
        if x in self._states:
            if not of.are_all:
                raise Unreadable
            return self._states[x]
        if x in self._given or node is None:
            return _given(Columns(self._given.get(x, x), of.first, of.last))
        inner = _within(of)
        if inner is not None:
            return self._columns(inner)
        if node.op_type in ("Add", "Mul"):
            return _flat("Sum" if node.op_type == "Add" else "Product", [self._operand(a, of) for a in node.inputs])
        if node.op_type == "Sub" and self._operand(node.inputs[0], of) == Term("Number", detail=1.0):
            return Term("Complement", (self._operand(node.inputs[1], of),))
        if node.op_type == "MatMul":
            a, b = node.inputs
            if b.rank == 2 and (b in self._outers or b.is_constant):
                return _dot(self.term(a), Columns(self._outers.get(b, b), of.first, of.last))
        if node.op_type in ACTIVATIONS:
            detail = tuple(attribute(node, k, default) for k, default in ACTIVATIONS[node.op_type].items())
            return Term(node.op_type, (self._operand(node.inputs[0], of),), detail)
        if node.op_type == "Div":  # softsign: x / (1 + abs(x))
            above, below = (self._operand(a, of) for a in node.inputs)
            if below == _flat("Sum", [Term("Number", detail=1.0), Term("Abs", (above,))]):
                return Term("Softsign", (above,), ())
        if node.op_type == "Abs":
            return Term("Abs", (self._operand(node.inputs[0], of),))
        raise Unreadable

    def _operand(self, x: Tensor, of: Columns) -> Term:
        """Return what an operand brings to columns of a result, along which it may be broadcast."""
        number = known.uniform(self._given.get(x, x))
        if number is not None:
            return Term("Number", detail=number)
        if not x.rank or x.dims[-1] != of.tensor.dims[-1]:
            raise Unreadable
        return self._columns(Columns(x, of.first, of.last))


def _width(x: Tensor) -> int:
    if not x.rank or not isinstance(x.dims[-1], int):
        raise Unreadable
    return x.dims[-1]


def _within(of: Columns) -> Columns | None:
    """Return the columns of another tensor which columns are by the way in which they were cut."""
    x, node = of.tensor, of.tensor.producer()
    if node is None or node.domain:
        return None
    if node.op_type == "Identity":
        return Columns(node.inputs[0], of.first, of.last)
    before = None
    if node.op_type == "Split" and attribute(node, "axis") % x.rank == x.rank - 1:
        before = sum(_width(y) for y in node.outputs[: x.index()])  # type: ignore[arg-type]
    elif node.op_type == "Slice":
        bounds = [constant_value(a) for a in node.inputs[1:]]
        starts, _, axes, steps = (None if b is None else [int(v) for v in b] for b in bounds)
        if axes == [x.rank - 1] and steps == [1] and starts is not None and starts[0] >= 0:
            before = starts[0]
    return None if before is None else Columns(node.inputs[0], before + of.first, before + of.last)


def _given(of: Columns) -> Term:
    """Return what columns of a tensor outside are made of: of products with inputs, if it is told."""
    number = known.uniform(of.tensor)
    if number is not None:
        return Term("Number", detail=number)
    node, inner = of.tensor.producer(), _within(of)
    if inner is not None:
        return _given(inner)
    if node is not None and not node.domain and of.tensor.rank in (2, 3):
        if node.op_type == "Reshape" and node.inputs[0].rank in (2, 3) and node.inputs[0].dims[-1] == _width(of.tensor):
            return _given(Columns(node.inputs[0], of.first, of.last))
        if node.op_type == "Add" and all(x.rank and x.dims[-1] == of.tensor.dims[-1] for x in node.inputs):
            return _flat("Sum", [_given(Columns(x, of.first, of.last)) for x in node.inputs])
        if node.op_type == "MatMul" and node.inputs[1].rank == 2:
            rows = node.inputs[0]
            if rows.rank == 2 and rows.producer() is not None and rows.producer().op_type == "Reshape":
                rows = rows.producer().inputs[0]
            every = Columns(rows, 0, _width(rows))
            return _dot(Term("Given", detail=every), Columns(node.inputs[1], of.first, of.last))
    return Term("Given", detail=of)


def _dot(term: Term, matrix: Columns) -> Term:
    while (inner := _within(matrix)) is not None:
        matrix = inner
    return Term("Dot", (term,), matrix)


def _flat(kind: str, terms: Sequence[Term]) -> Term:
    """Return a sum or a product without what changes nothing in it, and without sums of sums."""
    neutral = Term("Number", detail=0.0 if kind == "Sum" else 1.0)
    parts = [part for term in terms for part in (term.parts if term.kind == kind else (term,)) if part != neutral]
    return parts[0] if len(parts) == 1 else Term(kind, tuple(parts)) if parts else neutral


# -- patterns -------------------------------------------------------------------------------------------------

Bound = Mapping[str, Any]


@dataclass(frozen=True)
class Applied:
    """An activation function, which the hole takes, of something."""

    hole: str
    inside: "Pattern"


@dataclass(frozen=True)
class Gate:
    """A sum with one part that sees states; the hole takes the other parts."""

    hole: str
    seeing: "Pattern"


@dataclass(frozen=True)
class Dot:
    """Something's product with columns, which the hole takes, of a matrix."""

    hole: str
    inside: "Pattern"


@dataclass(frozen=True)
class Of:
    """A sum, a product or a complement of patterns, in any order."""

    kind: str
    parts: tuple["Pattern", ...]


Pattern = Term | Applied | Gate | Dot | Of


def match(pairs: Sequence[tuple[Pattern, Term]], bound: Bound) -> Iterator[Bound]:
    """Yield every way to fill the holes of patterns, given what fills some, so that each of them is its term."""
    if not pairs:
        yield bound
        return
    (pattern, term), rest = pairs[0], list(pairs[1:])

    def bind(hole: str, value: Any) -> Bound | None:
        return {**bound, hole: value} if bound.get(hole, value) == value else None

    ways: list[tuple[Bound | None, list[tuple[Pattern, Term]]]] = []
    if isinstance(pattern, Term):
        ways = [(bound, [])] if pattern == term else []
    elif isinstance(pattern, Applied):
        ways = [(bind(pattern.hole, IDENTITY), [(pattern.inside, term)])]
        if term.kind in ACTIVATIONS or term.kind == "Softsign":
            ways.append((bind(pattern.hole, (term.kind, term.detail)), [(pattern.inside, term.parts[0])]))
    elif isinstance(pattern, Gate):
        parts = term.parts if term.kind == "Sum" else (term,)
        seeing = [part for part in parts if part.sees_states]
        if len(seeing) == 1:
            others = tuple(part for part in parts if part is not seeing[0])
            ways = [(bind(pattern.hole, others), [(pattern.seeing, seeing[0])])]
    elif isinstance(pattern, Dot):
        if term.kind == "Dot":
            ways = [(bind(pattern.hole, term.detail), [(pattern.inside, term.parts[0])])]
    elif term.kind == pattern.kind and len(term.parts) == len(pattern.parts):
        orders = itertools.permutations(term.parts)
        ways = [(bound, list(zip(pattern.parts, order, strict=True))) for order in orders]
    for filled, deeper in ways:
        if filled is not None:
            yield from match([*deeper, *rest], filled)
