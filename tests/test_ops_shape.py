"""Shapes, rearrangement and tiling against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import known, math, shape, tiling
from onnxseq.compiler.tensor import constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

X = Feed((2, 3, 4))
INT64 = np.int64


def moved(op, build, reference, *feeds, **more):
    """A row of an op that only moves elements, whose second derivative is 0."""
    return Case(op, build, feeds or [X], reference, order=more.pop("order", 1), **more)


def square(build):
    """Make the op's gradient depend on its input, so that order two is not 0."""
    return lambda *inputs: build(*(x * x for x in inputs))


def blocks(x, factors):
    split = [n for d, f in zip(x.shape, factors, strict=True) for n in (d // f, f)]
    return x.reshape(split).sum(axis=tuple(range(1, 2 * x.ndim, 2)))


def repeated(x, factors):
    for axis, factor in enumerate(factors):
        x = np.repeat(x, factor, axis)
    return x


CASES = [
    moved("Shape", lambda x: shape.shape_op(x), lambda x: np.array(x.shape, INT64), order=0),
    moved("Shape", lambda x: shape.shape_op(x, start=1, end=2), lambda x: np.array([3], INT64), label="part", order=0),
    moved("Size", shape.size_op, lambda x: np.array(24, INT64), order=0),
    # Reshape
    moved("Reshape", lambda x: shape.reshape(x, (4, 6)), lambda x: x.reshape(4, 6), free=False),
    moved(
        "Reshape", square(lambda x: shape.reshape(x, (-1, 8))), lambda x: x.reshape(-1, 8) ** 2, label="rest", order=2
    ),
    moved("Reshape", lambda x: shape.flatten(x), lambda x: x.reshape(2, -1), label="flatten"),
    moved("Reshape", lambda x: shape.flatten(x, 0), lambda x: x.reshape(-1), label="flatten all"),
    moved(
        "Reshape", lambda x: shape.reshape(x, (shape.dim_of(x, 2), -1)), lambda x: x.reshape(4, -1), label="by a tensor"
    ),
    moved("Reshape", lambda x: shape.reshape(x, (None, -1, 2)), lambda x: x.reshape(2, -1, 2), label="copied"),
    moved(
        "Reshape",
        lambda x: shape.reshape(x, (x.dims[1], x.dims[0], -1)),
        lambda x: x.reshape(3, 2, 4),
        label="by names",
    ),
    moved(
        "Reshape",
        lambda x: shape.reshape_op(x, shape.concat([shape.dim_of(x, 1), shape.ints([-1])], 0)),
        lambda x: x.reshape(3, -1),
        label="by a vector",
    ),
    moved("Reshape", lambda x: shape.reshape(x, ()), lambda x: x.reshape(()), Feed((1, 1)), label="to a scalar"),
    moved("Reshape", lambda x: shape.reshape(x, (1, 1)), lambda x: x.reshape(1, 1), Feed(()), label="of a scalar"),
    moved(
        "Reshape", lambda x: shape.reshape(x, (0, 7)), lambda x: x.reshape(0, 7), Feed((0, 3)), label="empty", order=0
    ),
    moved(
        "Reshape",
        lambda x: shape.reshape(x, (-1, 6)),
        lambda x: x.reshape(-1, 6),
        Feed((0, 2, 3)),
        label="empty rest",
        order=0,
    ),
    # Transpose, Squeeze, Unsqueeze
    moved("Transpose", square(lambda x: shape.transpose(x, (2, 0, 1))), lambda x: x.transpose(2, 0, 1) ** 2, order=2),
    moved("Transpose", shape.transpose, lambda x: x.T, label="reversed", dtypes=("float32", "float16")),
    moved("Squeeze", lambda x: shape.squeeze(x, [0, -1]), lambda x: x.reshape(3), Feed((1, 3, 1))),
    moved("Squeeze", lambda x: shape.squeeze(x, [1]), lambda x: x[:, 0], Feed((2, 1, 3)), label="inside"),
    moved("Unsqueeze", lambda x: shape.unsqueeze(x, [0, -1]), lambda x: x[None, ..., None]),
    moved(
        "Unsqueeze", lambda x: shape.unsqueeze(x, [1, 2]), lambda x: x[:, None, None], Feed((3,)), label="side by side"
    ),
    moved("Unsqueeze", lambda x: shape.unsqueeze(x, [0]), lambda x: x[None], Feed(()), label="of a scalar"),
    # Expand
    moved(
        "Expand",
        lambda x: shape.expand(x, (5, 3, 4)),
        lambda x: np.broadcast_to(x, (5, 3, 4)),
        Feed((3, 1)),
        free=False,
    ),
    moved(
        "Expand",
        square(lambda x: shape.expand(x, (2, 1, 1))),
        lambda x: np.broadcast_to(x * x, (2, 3, 4)),
        Feed((3, 4)),
        label="both ways",
        order=2,
    ),
    moved(
        "Expand",
        lambda x, y: shape.expand_like(x, y),
        lambda x, y: np.broadcast_to(x, y.shape),
        Feed((3, 1)),
        X,
        label="like a tensor",
    ),
    moved(
        "Expand",
        lambda x, y: shape.expand(x, shape.shape_of(y)),
        lambda x, y: np.broadcast_to(x, y.shape),
        Feed((4,)),
        X,
        label="to a vector",
    ),
    moved("Expand", lambda x: shape.ones_like(x) * x, lambda x: x, label="ones"),
    moved("onnxseq::Zeros", lambda x: x * x + shape.zeros_like(x), np.square),
    moved(
        "onnxseq::Zeros", shape.zeros_like, np.zeros_like, Feed((2, 3), 0, 9, dtype="int32"), label="integers", order=0
    ),
    moved("onnxseq::Zeros", shape.zeros_like, np.zeros_like, Feed(()), label="scalar"),
    moved("Identity", square(shape.identity), np.square, order=2),
    # Concat, Split
    moved(
        "Concat",
        lambda *x: shape.concat(x, 1),
        lambda *x: np.concatenate(x, 1),
        Feed((2, 3)),
        Feed((2, 1)),
        Feed((2, 4)),
    ),
    moved(
        "Concat",
        square(lambda *x: shape.concat(x)),
        lambda *x: np.concatenate(x, -1) ** 2,
        Feed((2, 3)),
        Feed((2, 3)),
        label="last axis",
        order=2,
    ),
    moved("Concat", lambda x: shape.concat([x, x]), lambda x: np.concatenate([x, x], -1), label="twice the same"),
    moved("Concat", lambda *x: shape.stack(x, 1), lambda *x: np.stack(x, 1), Feed((2, 3)), Feed((2, 3)), label="stack"),
    moved(
        "Concat",
        lambda *x: shape.concat(x, 0),
        lambda *x: np.concatenate(x, 0),
        Feed((0, 3)),
        Feed((2, 3)),
        label="empty",
    ),
    moved("Split", lambda x: shape.split(x, [1, 2], 1), lambda x: [x[:, :1], x[:, 1:]], Feed((2, 3))),
    moved(
        "Split", square(lambda x: shape.split(x, [2, 1, 1])[1]), lambda x: x[..., 2:3] ** 2, label="one part", order=2
    ),
    moved(
        "Split",
        lambda x: shape.split(x, [shape.dim_of(x, 0), 1], 1),
        lambda x: [x[:, :2], x[:, 2:]],
        Feed((2, 3)),
        label="by a tensor",
    ),
    # Pad
    moved(
        "onnxseq::ZeroPad",
        lambda x: shape.pad(x, [(0, 0), (1, 2), (3, 0)]),
        lambda x: np.pad(x, [(0, 0), (1, 2), (3, 0)]),
    ),
    moved(
        "onnxseq::ZeroPad",
        square(lambda x: shape.pad(x, [(1, -1), (-1, -1), (0, 0)])),
        lambda x: np.pad(x, [(1, 0), (0, 0), (0, 0)])[:2, 1:2] ** 2,
        label="crop",
        order=2,
    ),
    moved(
        "onnxseq::ZeroPad",
        lambda x: shape.pad(x, [(0, shape.dim_of(x, 1)), (0, 0)]),
        lambda x: np.pad(x, [(0, 3), (0, 0)]),
        Feed((2, 3)),
        label="by a tensor",
    ),
    moved(
        "Pad",
        lambda x: shape.pad(x, [(0, 1), (2, 0)], -7.5),
        lambda x: np.pad(x, [(0, 1), (2, 0)], constant_values=-7.5),
        Feed((2, 3)),
        dtypes=("float32", "float16"),
    ),
    # Range
    moved("Range", lambda n: shape.arange(n), np.arange, Feed(values=5, dtype="int64"), order=0),
    moved(
        "Range",
        lambda n: shape.arange(2, n, 3, "float32"),
        lambda n: np.arange(2, n, 3, "float32"),
        Feed(values=11, dtype="int32"),
        label="steps",
        order=0,
    ),
    # Tile, RepeatElements
    moved("Tile", lambda x: tiling.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3))),
    moved(
        "Tile",
        square(lambda x: tiling.tile(x, (1, 2))),
        lambda x: np.tile(x, (1, 2)) ** 2,
        Feed((3, 1)),
        order=2,
        label="row",
    ),
    moved(
        "Tile",
        lambda x, y: tiling.tile(x, [shape.dim_of(y, 0), 1]),
        lambda x, y: np.tile(x, (3, 1)),
        Feed((2, 2)),
        Feed((3,)),
        label="by a tensor",
    ),
    moved("onnxseq::RepeatElements", lambda x: tiling.upsample(x, (1, 2, 3)), lambda x: repeated(x, (1, 2, 3))),
    moved(
        "onnxseq::RepeatElements",
        square(lambda x: tiling.repeat_elements(x, 3, -1)),
        lambda x: repeated(x, (1, 1, 3)) ** 2,
        label="one axis",
        order=2,
    ),
    moved(
        "onnxseq::RepeatElements",
        lambda x: tiling.upsample(x, (1, 2, 2, 1)),
        lambda x: repeated(x, (1, 2, 2, 1)),
        Feed((2, 3, 1, 3)),
        label="image",
    ),
    moved(
        "onnxseq::RepeatElements",
        lambda x: tiling.upsample(x, (1, 2, 3, 1)),
        lambda x: repeated(x, (1, 2, 3, 1)),
        Feed((2, 2, 3, 16)),
        label="many channels",
    ),
    moved(
        "onnxseq::SumBlocks",
        lambda x: tiling.blocks_op(x, factors=[1, 5]),
        lambda x: blocks(x, (1, 5)),
        Feed((2, 10)),
        label="long blocks",
        free=False,
    ),
    moved(
        "onnxseq::SumBlocks",
        lambda x: tiling.blocks_op(x, factors=[1, 3, 2]),
        lambda x: blocks(x, (1, 3, 2)),
        free=False,
    ),
    moved(
        "onnxseq::SumBlocks",
        lambda x: tiling.blocks_op(tiling.upsample(x, (2, 1)) ** 2, factors=[2, 1]),
        lambda x: 2 * x**2,
        Feed((3, 2)),
        label="of repeats",
        order=2,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


BATCH = ("batch", 4, "steps")

STATIC = [
    (lambda x: shape.reshape(x, (-1, "steps")), ("batch*4", "steps")),
    (lambda x: shape.reshape(shape.reshape(x, (-1, "steps")), ("batch", 4, "steps")), BATCH),
    (lambda x: shape.reshape(x, (-1, 2, 2, "steps")), ("batch", 2, 2, "steps")),
    (lambda x: shape.flatten(x), ("batch", "steps*4")),
    (lambda x: shape.reshape(x, shape.shape_op(x)), BATCH),
    (lambda x: shape.transpose(x), ("steps", 4, "batch")),
    (lambda x: shape.concat([x, x], 2), ("batch", 4, "steps+steps")),
    (lambda x: shape.concat([x, constant(np.zeros((1, 4, 3), "float32"))], 2), (1, 4, "steps+3")),
    (lambda x: shape.pad(x, [(0, 0), (1, 1), (2, 3)]), ("batch", 6, "steps+5")),
    (lambda x: shape.pad(shape.pad(x, [(0, 0), (0, 0), (2, 3)]), [(0, 0), (0, 0), (-2, -3)]), BATCH),
    (lambda x: tiling.upsample(x, (1, 2, 2)), ("batch", 8, "steps*2")),
    (lambda x: tiling.blocks_op(tiling.upsample(x, (1, 2, 2)), factors=[1, 2, 2]), BATCH),
    (lambda x: tiling.tile(x, (2, 1, 1)), ("batch*2", 4, "steps")),
    (lambda x: shape.expand(constant(0.0), shape.shape_of(x)), BATCH),
    (lambda x: shape.arange(shape.squeeze(shape.dim_of(x, 2), [0])), ("steps",)),
    (lambda x: shape.split(x, [1, 3], 1)[1], ("batch", 3, "steps")),
    (lambda x: shape.squeeze(shape.unsqueeze(x, [0, 3]), [0, 3]), BATCH),
]


@pytest.mark.parametrize("build, dims", STATIC, ids=range(len(STATIC)))
def test_static_shape(build, dims):
    assert build(placeholder("float32", BATCH, "x")).dims == dims


ENTRIES = [
    (lambda x: shape.dim_of(x, 2) * 3, ("steps*3",)),
    (lambda x: shape.dim_of(x, 2) - 2, ("steps-2",)),
    (lambda x: shape.dim_of(x, 2) - shape.dim_of(x, 2), (0,)),
    (lambda x: shape.dim_of(x, 2) + shape.dim_of(x, 0), ("batch+steps",)),
    (lambda x: shape.dim_of(x, 2) * 4 // 2, ("steps*2",)),
    (lambda x: shape.shape_op(x)[1:], (4, "steps")),
    (lambda x: shape.shape_op(x)[-1], ("steps",)),
    (lambda x: shape.vector([1, shape.dim_of(x, 0), 5]), (1, "batch", 5)),
    (lambda x: math.cast(shape.shape_op(x), "int32"), BATCH),
    (lambda x: shape.size_of(x), ("batch*steps*4",)),
    (lambda x: math.maximum(shape.ints([3]), 7), (7,)),
    (lambda x: shape.ints([-7]) // shape.ints([2]), (-4,)),
    (lambda x: placeholder("int64", (2,)), (None, None)),
    (lambda x: placeholder("int64", ("free",)), None),
]


@pytest.mark.parametrize("build, entries", ENTRIES, ids=range(len(ENTRIES)))
def test_known_entries(build, entries):
    assert known.entries(build(placeholder("float32", BATCH, "x"))) == entries


QUOTIENTS = [
    (("batch", 4), (2,), "batch*2"),
    (("batch*4", "steps"), ("steps", 4), "batch"),
    (("(steps-2)*6",), (3,), "(steps-2)*2"),
    (("(batch*steps)*3",), ("batch", 3), "steps"),
    (("(a)+(b)",), (1,), "(a)+(b)"),
    (("a//2",), ("a//2",), 1),
    ((6,), (4,), None),
    (("batch",), ("steps",), None),
    (("batch",), (0,), None),
]


@pytest.mark.parametrize("dims, divisors, expected", QUOTIENTS)
def test_quotient(dims, divisors, expected):
    assert known.quotient(dims, divisors) == expected


def test_an_empty_batch_passes_through_reshapes():
    x = placeholder("float32", ("batch", 3, 4), "x")
    back = shape.reshape(shape.flatten(x), (None, 3, 4))
    assert Function([x], [back])([np.zeros((0, 3, 4))])[0].shape == (0, 3, 4)


def test_nothing_is_recorded_for_no_change():
    x = placeholder("float32", BATCH, "x")
    unchanged = [
        shape.reshape(x, BATCH),
        shape.transpose(x, (0, 1, 2)),
        shape.squeeze(x, []),
        shape.concat([x]),
        shape.pad(x, [(0, 0)] * 3),
        tiling.tile(x, (1, 1, 1)),
        tiling.upsample(x, (1, 1, 1)),
        shape.split(x, [4], 1)[0],
        shape.expand_like(x, x),
    ]
    assert all(y is x for y in unchanged)


def zeros(*dims):
    return constant(np.zeros(dims))


MESSAGES = [
    (
        lambda: shape.reshape(zeros(2, 3), (4, 2)),
        "Reshape: the input has shape (2, 3), the new shape is (4, 2); expected a shape of 6 elements.",
    ),
    (
        lambda: shape.reshape(zeros(2, 3), (-1, 4)),
        "Reshape: the input has shape (2, 3), the new shape is (-1, 4); expected a shape of 6 elements.",
    ),
    (
        lambda: shape.reshape(zeros(2, 3), (-1, -1)),
        "Reshape: the new shape (-1, -1) has more than one -1; expected at most one.",
    ),
    (
        lambda: shape.reshape(zeros(2), (-1, None)),
        "Reshape: entry 1 is None but the input has rank 1; expected a size.",
    ),
    (
        lambda: shape.transpose(zeros(2, 3), (0, 0)),
        "Transpose: the input has rank 2, the order is (0, 0); expected each axis once.",
    ),
    (lambda: shape.squeeze(zeros(2, 3), [1]), "Squeeze: the input has shape (2, 3); expected a size of 1 on axis 1."),
    (
        lambda: shape.concat([zeros(2, 3), zeros(3, 3)], 1),
        "Concat: inputs have shapes (2, 3), (3, 3); expected equal sizes on every axis but 1.",
    ),
    (lambda: shape.concat([zeros(2, 3), zeros(3)], 0), "Concat: inputs have shapes (2, 3), (3,); expected one rank."),
    (
        lambda: shape.split(zeros(2, 3), [1, 1], 1),
        "Split: the input has shape (2, 3), the sizes are (1, 1); expected sizes whose sum is 3.",
    ),
    (
        lambda: shape.pad(zeros(2), [(-1, -2)]),
        "ZeroPad: the input has shape (2,), the pads are (-1, -2); expected a rest.",
    ),
    (
        lambda: tiling.tile(zeros(2, 3), (2,)),
        "Tile: the input has rank 2 but there are 1 repeats; expected one per axis.",
    ),
    (
        lambda: tiling.upsample(zeros(2, 3), (2, 0)),
        "RepeatElements: the input has rank 2, the factors are (2, 0); expected one each.",
    ),
    (
        lambda: shape.expand(zeros(2, 3), (4, 4)),
        "Expand: shapes (2, 3) and (4, 4) do not broadcast; "
        "expected equal sizes, or 1, on every axis counted from the last.",
    ),
]


@pytest.mark.parametrize("call, text", MESSAGES, ids=range(len(MESSAGES)))
def test_message(call, text):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == text
