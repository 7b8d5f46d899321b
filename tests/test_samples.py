"""Where samples lie: what the rules say of every op's row is compared with running it on the parts of a batch."""

import collections

import numpy as np
import onnx_ir as ir
import pytest

from onnxseq.compiler import autodiff, samples
from onnxseq.compiler.extract import reachable
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import gather, index, law, linalg, loop, math, nn, reduction, shape
from onnxseq.compiler.samples import COMMON, MIXED, SHAPE, SUM, Places, Samples
from onnxseq.compiler.tensor import FLOATS, constant, numpy_dtype, placeholder
from tests.op_check import Case, Feed
from tests.test_ops_complete import CASES

BATCH = "batch"

# What the rows of ops do along other axes, along the one of the samples.
ACROSS = [
    Case("CumSum", lambda x: reduction.cumsum(x, 0), [Feed((3, 4))], lambda x: x.cumsum(0), order=0),
    Case("Softmax", lambda x: nn.softmax(x, 0), [Feed((3, 4))], np.exp, order=0),
    Case("ArgMax", lambda x: reduction.argmax(x, 0), [Feed((3, 4))], np.argmax, order=0),
    Case("Concat", lambda x: shape.concat([x, x], 0), [Feed((3, 4))], np.vstack, order=0),
    Case("Gather", lambda x: gather.gather(x, constant([1, 0])), [Feed((3, 4))], np.take, order=0),
    Case("Slice", lambda x: index.reverse(x, [0]), [Feed((3, 4))], np.flip, order=0),
    Case("Transpose", shape.transpose, [Feed((3, 3))], np.transpose, order=0),
]


def halves_of(case, size):
    """Return two draws of a row's inputs, which of them hold samples, and the inputs; None where none can."""
    drawn = [[feed.draw(np.random.default_rng([seed, i])) for i, feed in enumerate(case.feeds)] for seed in (1, 2)]
    divided = [feed.values is None and a.shape[:1] == (size,) for a, feed in zip(drawn[0], case.feeds, strict=True)]
    if not any(divided):
        return None
    for i, is_divided in enumerate(divided):
        if not is_divided:
            drawn[1][i] = drawn[0][i]
    inputs = [
        placeholder(feed.dtype or "float64", [BATCH, *a.shape[1:]] if is_divided else a.shape)
        for feed, a, is_divided in zip(case.feeds, drawn[0], divided, strict=True)
    ]
    return drawn, divided, inputs


def values_of(case, inputs):
    """Return a row's outputs and their gradients, those left out that read how many samples there are."""
    built = case.build(*inputs)
    outputs = list(built) if isinstance(built, list | tuple) else [built]
    floating = [x for x in inputs if x.element_type in FLOATS]
    found = [y for y in outputs if y.element_type in FLOATS]
    if case.order and floating and found:
        weighted = [reduction.sum(math.sin(y + 1.0)) for y in found]
        outputs += [g for y in weighted for g in autodiff.gradients(y, floating) if g is not None]
    return [y for y in outputs if not any(map(reads_numbers, reachable([y], set(inputs))[0]))]


def reads_numbers(node):
    """Tell whether a node reads sizes as numbers, which are those of the whole batch in a step that is cut."""
    reads = any(law.is_node(x, "Shape") for x in node.inputs) and node.op_type not in samples.READING_SHAPES
    return reads or node.op_type == "Size"


def placed(inputs, divided, outputs, size):
    known = {x: Samples(0) if d else COMMON for x, d in zip(inputs, divided, strict=True)}
    places = Places(known, {BATCH: 2 * size}, 2 * size, 1)
    places.follow(reachable(outputs, set(inputs))[0])
    return [places[y] for y in outputs]


def joined(place, parts):
    """Return the whole of what parts of a batch give."""
    if place == SUM:
        return parts[0] + parts[1]
    if place == COMMON:
        np.testing.assert_allclose(parts[0], parts[1], 1e-9, 1e-9)
        return parts[0]
    axis = place.axis
    apart = [p.reshape(*p.shape[:axis], place.outer, -1, place.inner, *p.shape[axis + 1 :]) for p in parts]
    whole = np.concatenate(apart, axis + 1)
    return whole.reshape(*parts[0].shape[:axis], -1, *parts[0].shape[axis + 1 :])


def check(case, size):
    """Compare a row on a batch with the row on its halves; return where the values lie."""
    found = halves_of(case, size)
    if found is None:
        return []
    drawn, divided, inputs = found
    try:
        outputs = values_of(case, inputs)
    except (TypeError, ValueError):  # the row needs a known size
        return []
    places = placed(inputs, divided, outputs, size)
    told = [(y, place) for y, place in zip(outputs, places, strict=True) if place not in (MIXED, SHAPE)]
    if told:
        compute = Function(inputs, [y for y, _ in told], learning_phase=1)
        whole = [np.concatenate(both) if d else both[0] for *both, d in zip(*drawn, divided, strict=True)]
        for (y, place), value, *parts in zip(told, compute(whole), *(compute(half) for half in drawn), strict=True):
            np.testing.assert_allclose(joined(place, parts), value, 1e-7, 1e-9, err_msg=f"{case}: {y!r} at {place}")
    return places


def rows():
    for i, case in enumerate([*CASES, *ACROSS]):
        if not law.TABLE[case.key].random:
            for size in sorted({feed.dims[0] for feed in case.feeds if feed.values is None and feed.dims} - {0, 1}):
                yield pytest.param(case, size, id=f"{i}-{case}-{size}".replace(" ", "-"))


ROWS = list(rows())
SEEN = collections.Counter()


@pytest.mark.parametrize(("case", "size"), ROWS)
def test_samples_of_a_row_lie_where_the_rules_say(case, size):
    SEEN.update(type(place).__name__ if isinstance(place, Samples) else place for place in check(case, size))
    SEEN["rows"] += 1


def test_the_rules_know_many_values():
    if SEEN["rows"] < len(ROWS):
        pytest.skip("not all rows ran")
    assert SEEN["Samples"] > 300
    assert SEEN[SUM] > 30


@pytest.mark.parametrize(("name", "wrong"), [
    ("Transpose", lambda node, arrived, places: arrived[0]),
    ("CumSum", lambda node, arrived, places: arrived[0]),
    ("Softmax", lambda node, arrived, places: arrived[0]),
    ("MatMul", lambda node, arrived, places: samples._aligned(node.inputs, arrived, node.outputs[0].rank, places)),
    ("ReduceMean", lambda node, arrived, places: SUM),
    ("Slice", lambda node, arrived, places: arrived[0]),
    ("Gather", lambda node, arrived, places: arrived[0] if isinstance(arrived[0], Samples) else arrived[1]),
    ("Concat", lambda node, arrived, places: arrived[0]),
])  # fmt: skip
def test_a_wrong_rule_is_found(monkeypatch, name, wrong):
    monkeypatch.setitem(samples.RULES, name, wrong)
    faults = 0
    for row in ROWS:
        case, size = row.values
        if case.op != name:
            continue
        try:
            check(case, size)
        except (AssertionError, ValueError, AttributeError, RuntimeError):
            faults += 1
    assert faults


def place_of(build, dims=(BATCH, 6), phase=1, batch=4):
    x = placeholder("float32", dims)
    y = build(x)
    places = Places({x: Samples(0)}, {BATCH: batch}, batch, phase, [x])
    places.follow(reachable([y], {x})[0])
    return places[y], places, y


@pytest.mark.parametrize(("build", "expected"), [
    (lambda x: shape.reshape(x, (-1,)), Samples(0, 1, 6)),
    (lambda x: shape.reshape(x, (-1, 2, 3)), Samples(0)),
    (lambda x: shape.reshape(shape.transpose(x), (-1,)), Samples(0, 6, 1)),
    (lambda x: shape.reshape(shape.transpose(x), (2, 3, -1)), Samples(2)),
    (lambda x: shape.reshape(shape.transpose(x), (2, -1)), Samples(1, 3, 1)),
    (lambda x: shape.reshape(x, (3, -1)), MIXED),  # a row of it begins in the middle of a sample
    (lambda x: shape.reshape(x, (4, 6)), MIXED),  # a number does not become that of a part
    (lambda x: x + shape.reshape(x, (-1,))[:6], MIXED),
    (lambda x: x * math.cast(shape.size_of(x), "float32"), Samples(0)),
    (lambda x: linalg.matmul(shape.transpose(x), x), SUM),
    (lambda x: shape.transpose(linalg.matmul(shape.transpose(x), x)), SUM),
    (lambda x: linalg.matmul(shape.transpose(x), x) * 2.0, MIXED),  # not smaller: scaled after the shards
    (lambda x: linalg.matmul(x, shape.transpose(x)), MIXED),
])  # fmt: skip
def test_places(build, expected):
    place, places, y = place_of(build)
    assert (MIXED if y in places.early else place) == expected


@pytest.mark.parametrize(("build", "is_early"), [
    (lambda x: reduction.mean(x), True),
    (lambda x: reduction.mean(math.cast(math.not_equal(x, 0.0), "float32"), 0), True),
    (lambda x: reduction.cumsum(x, 0), False),  # as large as the batch
    (lambda x: linalg.matmul(shape.transpose(x), x), False),  # heavy
])  # fmt: skip
def test_small_values_of_inputs_alone_are_early(build, is_early):
    place, places, y = place_of(build)
    assert (y in places.early) == is_early
    assert (place == COMMON) == is_early


def over(x, step):
    """Record a loop over the second axis of x, from zeros, and return its outputs, stacked."""
    state, element = placeholder("float32", (BATCH, 3)), placeholder("float32", (BATCH, 3))
    first = math.mul(x[:, 0], 0.0)
    new = step(state, element)
    return loop.loop([(state, first)], [(element, shape.transpose(x, [1, 0, 2]))], [new], [new])[1][0]


@pytest.mark.parametrize(("step", "expected"), [
    (lambda state, element: math.tanh(state + element), Samples(1)),
    (lambda state, element: math.tanh(state + reduction.mean(element, 0)), MIXED),
    (lambda state, element: reduction.cumsum(state, 0) + element, MIXED),
    (lambda state, element: state + element * math.cast(shape.size_of(element), "float32"), MIXED),
    (lambda state, element: state + element * math.cast(shape.shape_of(element)[0], "float32"), MIXED),
])  # fmt: skip
def test_loops(step, expected):
    assert place_of(lambda x: over(x, step), (BATCH, 5, 3))[0] == expected


def test_a_dtype_of_each_kind_is_followed():
    for dtype in (ir.DataType.FLOAT16, ir.DataType.INT32, ir.DataType.BOOL):
        assert place_of(lambda x, dtype=dtype: math.cast(x, dtype))[0] == Samples(0)
        assert numpy_dtype(dtype).itemsize <= 4
