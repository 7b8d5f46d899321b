"""Slices, indexing and gathering against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import gather, index, reduction, shape
from onnxseq.compiler.tensor import constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants

X = Feed((5, 3, 4))
END, START = index.END, index.START


def picked(label, key, feed=X, op="Slice", **more):
    """A row that compares ``x[key]`` with NumPy's; squared, so that its gradient depends on x."""
    return Case(op, lambda x: (x * x)[key], [feed], lambda x: (x * x)[key], label=label, **more)


def at(feed, values, dtype="int64"):
    return [feed, Feed(values=values, dtype=dtype)]


def put(shape_, axis):
    """NumPy's way of adding rows at positions."""

    def reference(g, indices):
        result = np.zeros(shape_)
        moved = np.moveaxis(result, axis, 0)
        flat = np.moveaxis(g.reshape(*g.shape[:axis], -1, *g.shape[axis + indices.ndim :]), axis, 0)
        np.add.at(moved, indices.reshape(-1), flat)
        return result

    return reference


def put_along(x, indices, updates, axis, add):
    result = x.copy()
    for place in np.ndindex(*indices.shape):
        target = list(place)
        target[axis] = indices[place]
        result[tuple(target)] = updates[place] + (result[tuple(target)] if add else 0)
    return result


def grad_row(feed, values, shape_, axis, **more):
    return Case(
        "onnxseq::GatherGrad",
        lambda g, i: gather.gather_grad_op(g, i, shape.ints(shape_), axis=axis),
        at(feed, values),
        put(shape_, axis),
        **more,
    )


REPEATED = [[3, 0], [3, 3], [1, 0]]
SORTABLE = Feed((3, 5), apart=0.2)

CASES = [
    picked("int", 1, free=False),
    picked("last", -1),
    picked("ints", (slice(None), 2, -2)),
    picked("range", slice(1, 3)),
    picked("from the back", slice(-3, -1)),
    picked("to the back", (slice(1, -1), slice(None, -2))),
    picked("beyond", slice(2, 99)),
    picked("before", slice(-99, 2)),
    picked("nothing", slice(3, 3), order=1),
    picked("steps", slice(None, None, 2)),
    picked("steps from 1", (slice(1, None, 3), slice(1, None, 2))),
    picked("steps to the back", slice(0, -1, 2)),
    picked("backwards", slice(None, None, -1)),
    picked("backwards in steps", (slice(None, None, -2), slice(2, None, -1))),
    picked("backwards between", slice(3, 0, -2)),
    picked("backwards from the back", slice(-2, -5, -1)),
    picked("ellipsis", (Ellipsis, 1)),
    picked("ellipsis inside", (0, Ellipsis, slice(1, 3))),
    picked("new axes", (None, slice(1, 2), Ellipsis, None)),
    picked("new axis between", (1, None, 2)),
    Case("Slice", lambda x, i: (x * x)[i], at(X, 3), lambda x, i: x[i] ** 2, label="by a tensor"),
    Case("Slice", lambda x, i: (x * x)[i], at(X, -1, "int32"), lambda x, i: x[i] ** 2, label="by a negative tensor"),
    Case(
        "Slice",
        lambda x, i: (x * x)[:, 1 : i[0]],
        at(Feed((5, 4)), [3]),
        lambda x, i: x[:, 1:3] ** 2,
        label="to a tensor",
    ),
    Case(
        "Slice", lambda x, i: (x * x)[i[0] :], at(Feed((5, 4)), [-2]), lambda x, i: x[-2:] ** 2, label="from a tensor"
    ),
    Case("Slice", lambda x: index.reverse(x * x, [0, 2]), [X], lambda x: (x * x)[::-1, :, ::-1], label="reverse"),
    Case(
        "Slice",
        lambda x: index.slice(x, [1], [END], [-1], [2]),
        [Feed((2, 6))],
        lambda x: x[:, 1::2],
        label="END",
        order=1,
    ),
    # Gather
    Case("Gather", lambda x, i: gather.gather(x * x, i), at(X, [4, 0, 4, 2]), lambda x, i: (x * x)[i]),
    Case(
        "Gather", lambda x, i: gather.gather(x * x, i), at(X, REPEATED, "int32"), lambda x, i: (x * x)[i], label="table"
    ),
    Case(
        "Gather",
        lambda x, i: gather.gather(x * x, i, 1),
        at(X, [2, 2, 0]),
        lambda x, i: (x * x)[:, i],
        label="inner axis",
    ),
    Case(
        "Gather",
        lambda x, i: gather.gather(x * x, i, -1),
        at(X, REPEATED),
        lambda x, i: (x * x)[..., i],
        label="last axis",
    ),
    Case("Gather", lambda x, i: gather.gather(x * x, i), at(X, 2), lambda x, i: (x * x)[i], label="scalar position"),
    Case(
        "Gather",
        lambda x, i: gather.gather(x * x, i),
        at(Feed((5,)), [-1, 1, -1]),
        lambda x, i: (x * x)[i],
        label="vector",
    ),
    Case(
        "Gather",
        lambda x, i: gather.gather(x, i),
        [X, Feed(values=[1.0, 3.0], dtype="float32")],
        lambda x, i: x[i.astype(int)],
        label="float positions",
        order=0,
        dtypes=(),
    ),
    grad_row(Feed((3, 2, 4)), REPEATED, (5, 4), 0, dtypes=("float32", "float16")),
    grad_row(Feed((2, 3)), [4, 4, 1][:2], (5, 3), 0, label="row"),
    grad_row(Feed((2, 3, 2, 5)), REPEATED, (2, 4, 5), 1, label="inner axis"),
    grad_row(Feed((2, 2, 3)), [0, 2, 0], (2, 2, 4), 2, label="last axis"),
    grad_row(Feed((3,)), [1, 1, 1], (4,), 0, label="vector"),
    grad_row(Feed((3, 2, 512)), REPEATED, (512, 512), 0, label="large table"),
    Case(
        "Gather",
        lambda x, i: gather.gather_nd(x * x, i),
        at(X, [[0, 1], [4, -1], [0, 1]]),
        lambda x, i: (x * x)[i[:, 0], i[:, 1]],
        label="coordinates",
        free=False,
    ),
    # one position per element
    Case(
        "GatherElements",
        lambda x, i: gather.gather_elements(x * x, i, 1),
        at(Feed((3, 4)), [[0, 3], [2, 2], [1, 0]]),
        lambda x, i: np.take_along_axis(x * x, i, 1),
    ),
    Case(
        "GatherElements",
        lambda x, i: gather.gather_elements(x * x, i, 0),
        at(Feed((3, 2)), [[0, 2], [2, 2]]),
        lambda x, i: np.take_along_axis(x * x, i, 0),
        label="first axis",
    ),
    Case(
        "ScatterElements",
        lambda x, u, i: gather.scatter_elements(x * x, i, u * u, 1),
        [Feed((3, 4)), Feed((3, 2)), Feed(values=[[0, 3], [2, 1], [1, 0]], dtype="int64")],
        lambda x, u, i: put_along(x * x, i, u * u, 1, False),
    ),
    Case(
        "ScatterElements",
        lambda x, u, i: gather.scatter_elements(x * x, i, u * u, 0, add=True),
        [Feed((3, 2)), Feed((4, 2)), Feed(values=[[0, 1], [2, 1], [0, 0], [0, -1]], dtype="int64")],
        lambda x, u, i: put_along(x * x, i, u * u, 0, True),
        label="add",
        dtypes=("float32", "float16"),
    ),
    # TopK, one-hot vectors
    Case(
        "TopK",
        lambda x: gather.top_k(x**3, 2),
        [SORTABLE],
        lambda x: [np.sort(x**3, 1)[:, :-3:-1], np.argsort(x, 1)[:, :-3:-1]],
    ),
    Case(
        "TopK",
        lambda x: gather.top_k(x, 2, 0, largest=False)[0],
        [SORTABLE],
        lambda x: np.sort(x, 0)[:2],
        label="smallest",
        order=1,
    ),
    Case(
        "Equal",
        lambda i: gather.one_hot(i, 3),
        [Feed(values=[[0, 2, 1], [-1, 3, 2]], dtype="int32")],
        lambda i: (i[..., None] == np.arange(3)).astype("float32"),
        label="one-hot",
        order=0,
    ),
    Case(
        "Range",
        lambda i, n: gather.one_hot(i, n),
        [Feed(values=[0, 2], dtype="int64"), Feed(values=4, dtype="int32")],
        lambda i, n: np.eye(4)[i],
        label="one-hot by a tensor",
        order=0,
    ),
    Case(
        "GatherElements",
        lambda x, i: gather.in_top_k(x, i, 1),
        [
            Feed(values=[[0.1, 0.5, 0.5], [np.nan, 0.5, 0.2], [0.1, np.inf, 0.2], [0.3, 0.3, 0.3]]),
            Feed(values=[2, 1, 1, 0], dtype="int64"),
        ],
        lambda x, i: np.array([True, False, False, True]),
        label="in top k",
        order=0,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


STATIC = [
    (lambda x: x[:, 0], ("batch", "steps")),
    (lambda x: x[..., 1:], ("batch", 4, "steps-1")),
    (lambda x: x[..., 1:-2], ("batch", 4, "steps-3")),
    (lambda x: x[..., -1:], ("batch", 4, 1)),
    (lambda x: x[..., -3:-1], ("batch", 4, 2)),
    (lambda x: x[..., ::2], ("batch", 4, "((steps-1)//2)+1")),
    (lambda x: x[::-1, ::2, None], ("batch", 2, 1, "steps")),
    (lambda x: x[..., : shape.dim_of(x, 0)], ("batch", 4, "batch")),
    (lambda x: gather.gather(x, constant([[0, 1, 2]], "int64"), 1), ("batch", 1, 3, "steps")),
]


@pytest.mark.parametrize("build, dims", STATIC, ids=range(len(STATIC)))
def test_static_shape(build, dims):
    assert build(placeholder("float32", ("batch", 4, "steps"), "x")).dims == dims


def test_a_slice_that_may_be_shorter_has_a_size_of_its_own():
    x = placeholder("float32", ("steps", 2), "x")
    first = x[:5]
    assert first.dims[0] not in (5, "steps")
    (gradient,) = autodiff.gradients(reduction.sum(first * first), [x])
    function = Function([x], [first, gradient])
    for size in (3, 5, 8):
        values, slope = function([np.ones((size, 2))])
        assert values.shape == (min(size, 5), 2)
        assert slope.tolist() == [[2.0, 2.0]] * min(size, 5) + [[0.0, 0.0]] * max(size - 5, 0)


def test_whole_slices_record_nothing():
    x = placeholder("float32", ("batch", 4), "x")
    assert x[:] is x and x[...] is x and x[:, :] is x


def test_rows_that_repeat_are_all_added():
    """Many equal positions at once, where a scatter that loses updates would show."""
    generator = np.random.default_rng(0)
    table, ids = placeholder("float32", (50, 64), "table"), placeholder("int32", ("n",), "ids")
    rows = gather.gather(table, ids)
    weights = placeholder("float32", ("n", 64), "weights")
    (gradient,) = autodiff.gradients(reduction.sum(rows * weights), [table])
    function = Function([table, ids, weights], [gradient])
    for _ in range(3):
        positions, factors = generator.integers(0, 50, 3000), generator.normal(size=(3000, 64)).astype("float32")
        expected = np.zeros((50, 64))
        np.add.at(expected, positions, factors)
        assert np.allclose(function([np.zeros((50, 64)), positions, factors])[0], expected, atol=1e-4)


def zeros(*dims):
    return constant(np.zeros(dims))


MESSAGES = [
    (lambda: zeros(3)[5], IndexError, "getitem: position 5 on an axis of size 3; expected -3 to 2."),
    (lambda: zeros(3)[0, 0], IndexError, "getitem: 2 positions for a tensor of rank 1; expected at most 1."),
    (lambda: zeros(3)[..., ...], IndexError, "getitem: more than one Ellipsis; expected at most one."),
    (
        lambda: zeros(3)["a"],
        TypeError,
        "getitem: 'a' is not a position; expected integers, slices, None or Ellipsis. Use K.gather().",
    ),
    (lambda: zeros(3)[zeros()], TypeError, "getitem: a position has dtype float64; expected int32 or int64."),
    (lambda: zeros(3)[::0], ValueError, "getitem: a slice has step 0; expected another step."),
    (
        lambda: gather.gather_op(zeros(3), zeros(2), axis=0),
        TypeError,
        "Gather: the positions have dtype float64; expected int32 or int64. Use K.cast().",
    ),
    (
        lambda: gather.gather(zeros(3), 0, 1),
        ValueError,
        "Gather: axis 1 is outside a tensor of rank 1; expected -1 to 0.",
    ),
    (
        lambda: gather.gather_elements(zeros(3), [[1]]),
        ValueError,
        "GatherElements: the input has rank 1, the positions have rank 2; expected one rank.",
    ),
    (lambda: gather.top_k(zeros(2, 3), 4), ValueError, "TopK: k is 4 but the axis has size 3; expected at most that."),
    (
        lambda: gather.gather_nd(zeros(2, 3), [[0, 0, 0]]),
        ValueError,
        "GatherND: positions have 3 coordinates; expected 1 to 2.",
    ),
]


@pytest.mark.parametrize("call, kind, text", MESSAGES, ids=range(len(MESSAGES)))
def test_message(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text
