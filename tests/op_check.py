"""One check for every op: its shapes, its values and its gradients, against NumPy in float64.

A row of a table is a ``Case``: how to record the op, what to feed, and what NumPy makes of it. ``check`` runs
it through a real ``Function``. The gradient is compared with the difference of values along a random direction;
that of order two with the difference of gradients.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from onnxseq import shapes
from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import law, math, phase, reduction
from onnxseq.compiler.tensor import FLOATS, Tensor, attribute, constant, numpy_dtype, placeholder

STEP = 1e-3  # of the difference; its error is of the fourth power


@dataclass(frozen=True)
class Feed:
    """What an input is fed: an array, or numbers drawn from [low, high).

    Arguments:
        dims: its shape.
        low, high: the range of the numbers; keep kinks and poles further away than the step of the difference.
        values: an array instead of drawn numbers.
        dtype: None for the floating dtype under test.
        apart: the least distance between any two numbers and between a number and 0, for ops with kinks there.
    """

    dims: tuple[int, ...] = ()
    low: float = -2.0
    high: float = 2.0
    values: Any = None
    dtype: str | None = None
    apart: float = 0.0

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        if self.values is not None:
            array = np.asarray(self.values)
            return array.astype(self.dtype or np.float64)
        if self.apart:
            size = int(np.prod(self.dims))
            steps = generator.permutation(np.arange(1, size + 1)) * 2 - size - 0.5
            return (steps * self.apart).reshape(self.dims)
        if self.dtype is not None and np.dtype(self.dtype).kind in "iub":
            return generator.integers(int(self.low), int(self.high), self.dims).astype(self.dtype)
        return generator.uniform(self.low, self.high, self.dims).astype(self.dtype or np.float64)


@dataclass(frozen=True)
class Case:
    """A row: an op with inputs.

    Arguments:
        op: the law's name of the op the row stands for, ``"Add"`` or ``"onnxseq::Zeros"``; the float64
            graph must have it.
        build: records the op from its input tensors; returns a tensor or a list of them.
        feeds: what the inputs are fed.
        reference: the same in NumPy; returns an array or a list of them.
        label: what distinguishes the row from others of its op.
        order: up to which order gradients are checked; 0 for none.
        gradient: ``gradient(*inputs, *cotangents)`` in NumPy, for points where differences say nothing (ties);
            it returns one array, or None, per input.
        free: whether a second run is made with every size but 0 and 1 free.
        dtypes: floating dtypes to run in beside float64; their values and gradients must be near.
        tolerance: relative and absolute, in float64.
        loose: the same in float32; float16 takes a hundred times that.
    """

    op: str
    build: Callable[..., Any]
    feeds: Sequence[Feed]
    reference: Callable[..., Any]
    label: str = ""
    order: int = 2
    gradient: Callable[..., Any] | None = None
    free: bool = True
    dtypes: Sequence[str] = ("float32",)
    tolerance: float = 1e-7
    loose: float = 2e-5
    seed: int = field(default=0)

    def __str__(self) -> str:
        return f"{self.op} {self.label}".strip()

    @property
    def key(self) -> tuple[str, str]:
        domain, _, name = self.op.rpartition("::")
        return domain, name


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


def draw(case: Case) -> list[np.ndarray]:
    generator = np.random.default_rng([case.seed, zlib.crc32(str(case).encode())])
    return [feed.draw(generator) for feed in case.feeds]


def placeholders(case: Case, arrays: Sequence[np.ndarray], dtype: str, free: bool) -> list[Tensor]:
    """Return tensors to feed the arrays to; free sizes are named after themselves, so that equal ones agree."""
    named = [[f"d{d}" if free and d > 1 else d for d in a.shape] for a in arrays]
    return [
        placeholder(feed.dtype or dtype, dims, f"x{i}")
        for i, (feed, dims) in enumerate(zip(case.feeds, named, strict=True))
    ]


def nodes_behind(values: Sequence[Tensor]) -> set[tuple[str, str]]:
    """Return the (domain, name) of every op that the values were recorded with."""
    found, seen, stack = set(), set(), list(values)
    while stack:
        node = stack.pop().producer()
        if node is not None and node not in seen:
            seen.add(node)
            found.add((node.domain, node.op_type))
            stack.extend(x for x in node.inputs if x is not None)
    return found


def check(case: Case, dtype: str = "float64", free: bool = False) -> None:
    """Raise AssertionError where a row does not hold."""
    arrays = draw(case)
    inputs = placeholders(case, arrays, dtype, free)
    outputs = _listed(case.build(*inputs))
    if dtype == "float64":
        assert case.key in nodes_behind(outputs), f"{case}: the graph has no {case.op}"
    tolerance = {"float64": case.tolerance, "float32": case.loose, "float16": 100 * case.loose}[dtype]
    found = Function(inputs, outputs)(arrays)
    sizes = {f"d{size}": size for a in arrays for size in a.shape}
    expected = [np.asarray(e) for e in _listed(case.reference(*arrays))]
    assert len(found) == len(expected), f"{case}: {len(found)} outputs, NumPy has {len(expected)}"
    for output, value, reference in zip(outputs, found, expected, strict=True):
        _check_type(case, output, value, sizes)
        if output.element_type in FLOATS and reference.dtype.kind not in "fc":
            reference = reference.astype(np.float64)
        _near(case, "value", value, reference, tolerance)
    if case.order and dtype == "float64":
        check_gradients(case, arrays, inputs, outputs)
    elif case.order and dtype == "float32":
        _check_against_float64(case, arrays, inputs, outputs, free)


def _check_type(case: Case, output: Tensor, value: np.ndarray, sizes: dict[str, int]) -> None:
    assert value.dtype == numpy_dtype(output.element_type), (
        f"{case}: dtype {value.dtype}, the rule says {output.dtype_name}"
    )
    known = [shapes.evaluate(d, sizes) for d in output.dims]
    fits = len(known) == value.ndim and all(k is None or k == s for k, s in zip(known, value.shape, strict=True))
    assert fits, f"{case}: shape {value.shape}, the rule says {output.dims}"


def _near(case: Case, what: str, found: Any, expected: Any, tolerance: float) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{case}: {what} has shape {found.shape}; expected {expected.shape}"
    if expected.dtype.kind in "iub":
        assert np.array_equal(found, expected), f"{case}: {what} differs: {found} for {expected}"
        return
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    close = np.isclose(found, expected, rtol=tolerance, atol=tolerance * max(1.0, scale), equal_nan=True)
    by = np.max(np.abs(found - expected)[~close], initial=0.0)
    assert close.all(), f"{case}: {what} differs by {by:.3g}: {found} for {expected}"


def _weights(case: Case, outputs: Sequence[Tensor], inputs: Sequence[Tensor], arrays: Sequence[np.ndarray]) -> list:
    """Return random cotangents, one per floating output."""
    generator = np.random.default_rng(1)
    values = Function(inputs, outputs)(arrays)
    return [
        generator.uniform(0.5, 1.5, v.shape) * generator.choice([-1, 1], v.shape) if y.element_type in FLOATS else None
        for y, v in zip(outputs, values, strict=True)
    ]


def _loss(outputs: Sequence[Tensor], weights: Sequence[np.ndarray | None]) -> Tensor:
    """Return the sum of the outputs, each element with its own weight."""
    total: Tensor | None = None
    for y, weight in zip(outputs, weights, strict=True):
        if weight is not None:
            term = reduction.sum(y * constant(weight, y.element_type))
            total = term if total is None else total + term
    if total is None:
        raise AssertionError("no output is floating")
    return total


def check_gradients(case: Case, arrays: list[np.ndarray], inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Compare gradients of each order with differences of the one below, or with the row's own formula."""
    weights = _weights(case, outputs, inputs, arrays)
    floating = [i for i, x in enumerate(inputs) if x.element_type in FLOATS]
    level = _loss(outputs, weights)
    generator = np.random.default_rng(2)
    for order in range(1, case.order + 1):
        gradients = autodiff.gradients(level, [inputs[i] for i in floating])
        wanted = [g for g in gradients if g is not None]
        found = iter(Function(inputs, wanted)(arrays)) if wanted else iter(())
        values = [None if g is None else next(found) for g in gradients]
        for i, g, value in zip(floating, gradients, values, strict=True):
            if g is not None:
                assert g.rank == inputs[i].rank and g.element_type == inputs[i].element_type, f"{case}: gradient type"
                assert value.shape == arrays[i].shape, f"{case}: gradient {i} has shape {value.shape}"
        if order == 1 and case.gradient is not None:
            _compare_formula(case, arrays, weights, floating, values)
            return
        directions = [generator.uniform(-1, 1, arrays[i].shape) for i in floating]
        slope = sum(float(np.sum(v * d)) for v, d in zip(values, directions, strict=True) if v is not None)
        _near(case, f"slope of order {order}", slope, _difference(level, inputs, arrays, floating, directions), 1e-6)
        if order < case.order:
            if not wanted:
                return
            level = _along(gradients, directions, inputs, floating)


def _compare_formula(case: Case, arrays: Any, weights: Any, floating: Sequence[int], values: Sequence[Any]) -> None:
    expected = _listed(case.gradient(*arrays, *[w for w in weights if w is not None]))  # type: ignore[misc]
    for i, value in zip(floating, values, strict=True):
        reference = np.zeros(arrays[i].shape) if expected[i] is None else expected[i]
        _near(case, f"gradient {i}", np.zeros(arrays[i].shape) if value is None else value, reference, case.tolerance)


def _along(gradients: Sequence[Tensor | None], directions: Sequence[np.ndarray], inputs: Any, floating: Any) -> Tensor:
    terms = [
        reduction.sum(g * constant(d, g.element_type))
        for g, d in zip(gradients, directions, strict=True)
        if g is not None
    ]
    total = terms[0]
    for term in terms[1:]:
        total = math.add(total, term)
    return total


def _difference(level: Tensor, inputs: Sequence[Tensor], arrays: Any, floating: Any, directions: Any) -> float:
    """Return the slope along the directions from four values, exact up to the fourth derivative."""
    function = Function(inputs, [level])
    slope = 0.0
    for offset, weight in ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12)):
        moved = list(arrays)
        for i, direction in zip(floating, directions, strict=True):
            moved[i] = arrays[i] + offset * STEP * direction
        slope += weight * float(function(moved)[0]) / STEP
    return slope


def _check_against_float64(
    case: Case, arrays: list[np.ndarray], inputs: Sequence[Tensor], outputs: Sequence[Tensor], free: bool
) -> None:
    """Compare float32 gradients, which take the lowerings that are fast, with those in float64."""
    exact_inputs = placeholders(case, arrays, "float64", free)
    exact_outputs = _listed(case.build(*exact_inputs))
    weights = _weights(case, exact_outputs, exact_inputs, arrays)
    found = []
    for x, y in ((inputs, outputs), (exact_inputs, exact_outputs)):
        wanted = [v for v, feed in zip(x, case.feeds, strict=True) if v.element_type in FLOATS and feed.dtype is None]
        gradients = autodiff.gradients(_loss(y, weights), wanted)
        reached = [g for g in gradients if g is not None]
        found.append(Function(x, reached)(arrays) if reached else [])
    for i, (near, exact) in enumerate(zip(*found, strict=True)):
        _near(case, f"gradient {i} in float32", near, exact, 10 * case.loose)


def variants(cases: Sequence[Case]) -> list[tuple[Case, str, bool]]:
    """Return every run of every row: (case, dtype, whether sizes are free)."""
    runs = []
    for case in cases:
        runs += [(case, dtype, False) for dtype in ("float64", *case.dtypes)]
        if case.free:
            runs.append((case, "float64", True))
    return runs


def name_of(run: tuple[Case, str, bool]) -> str:
    case, dtype, free = run
    return f"{case}{' free' if free else ''} {dtype}".replace(" ", "-")


def recorded_node(case: Case) -> tuple[Any, list[Tensor], list[np.ndarray]] | None:
    """Return a node of the row's op, the row's inputs, and arrays for these; None where the row has none."""
    arrays = draw(case)
    inputs = placeholders(case, arrays, "float64", False)
    stack, seen = _listed(case.build(*inputs)), set()
    while stack:
        node = stack.pop().producer()
        if node is None or node in seen:
            continue
        if (node.domain, node.op_type) == case.key:
            return node, inputs, arrays
        seen.add(node)
        stack.extend(x for x in node.inputs if x is not None)
    return None


def alone(case: Case) -> tuple[Callable[..., list[np.ndarray]], list[np.ndarray], list[int]] | None:
    """Return the row's op by itself: a function of the inputs it has in the row which are not constant, their values
    there, and the places of these inputs; None where it has no such input."""
    found = recorded_node(case)
    if found is None:
        return None
    node, inputs, arrays = found
    places = [i for i, x in enumerate(node.inputs) if x is not None and not x.is_constant and x is not phase.phase()]
    if not places:
        return None
    values = Function(inputs, [node.inputs[i] for i in places])(arrays)
    attributes = {name: attribute(node, name) for name in node.attributes}
    attributes = {name: list(v) if isinstance(v, tuple) else v for name, v in attributes.items()}
    fed = dict(zip(places, values, strict=True))
    fresh = {i: placeholder(node.inputs[i].element_type, v.shape, f"p{i}") for i, v in fed.items()}
    outputs = law.TABLE[case.key].all(*[fresh.get(i, x) for i, x in enumerate(node.inputs)], **attributes)
    return Function(list(fresh.values()), list(outputs)), values, places
