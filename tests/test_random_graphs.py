"""Random graphs of many ops: what passes make of them, and gradients of both orders, against NumPy.

A program is drawn on arrays, so that its shapes fit, and then replayed on tensors.
"""

from collections.abc import Callable

import numpy as np
import pytest

from onnxseq.compiler.ops import index, linalg, math, nn, reduction, shape, tiling
from tests.op_check import Case, Feed, check

LARGEST = 2000  # elements of any value
STEPS = 12


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def padded(x, axis):
    return [(1, 2) if i == axis else (0, 0) for i in range(x.ndim)]


def halves(x, axis):
    return (*[slice(None)] * axis, slice(None, None, 2))


def turned(x):
    return shape.transpose(x, [*range(x.rank - 2), x.rank - 1, x.rank - 2])


# name: (least rank, parameters drawn for an array, on arrays, on tensors)
Draw = Callable[[np.random.Generator, np.ndarray], tuple]
UNARY: dict[str, tuple[int, Draw, Callable, Callable]] = {
    "tanh": (0, lambda r, x: (), np.tanh, math.tanh),
    "exp": (0, lambda r, x: (), lambda x: np.exp(x * 0.3), lambda x: math.exp(x * 0.3)),
    "softplus": (0, lambda r, x: (), lambda x: np.logaddexp(0, x), math.softplus),
    "affine": (0, lambda r, x: (), lambda x: x * 0.5 + 1.0, lambda x: x * 0.5 + 1.0),
    "ratio": (0, lambda r, x: (), lambda x: x / (x * x + 1), lambda x: x / (x * x + 1.0)),
    "softmax": (1, lambda r, x: (), softmax, nn.softmax),
    "sum": (
        1,
        lambda r, x: (int(r.integers(x.ndim)), bool(r.integers(2))),
        lambda x, axis, keep: x.sum(axis, keepdims=keep),
        reduction.sum,
    ),
    "mean": (
        1,
        lambda r, x: (int(r.integers(x.ndim)), bool(r.integers(2))),
        lambda x, axis, keep: x.mean(axis, keepdims=keep),
        reduction.mean,
    ),
    "transpose": (2, lambda r, x: ([int(i) for i in r.permutation(x.ndim)],), np.transpose, shape.transpose),
    "merge": (
        2,
        lambda r, x: (),
        lambda x: x.reshape(-1, *x.shape[2:]),
        lambda x: shape.reshape(x, (-1, *[shape.dim_of(x, i) for i in range(2, x.rank)])),
    ),
    "new axis": (0, lambda r, x: (int(r.integers(x.ndim + 1)),), np.expand_dims, lambda x, i: shape.unsqueeze(x, [i])),
    "concat": (
        1,
        lambda r, x: (int(r.integers(x.ndim)),),
        lambda x, axis: np.concatenate([x, x * 2], axis),
        lambda x, axis: shape.concat([x, x * 2.0], axis),
    ),
    "reverse": (
        1,
        lambda r, x: (int(r.integers(x.ndim)),),
        lambda x, axis: np.flip(x, axis),
        lambda x, axis: index.reverse(x, [axis]),
    ),
    "slice": (
        1,
        lambda r, x: (int(r.integers(x.ndim)),),
        lambda x, axis: x[halves(x, axis)],
        lambda x, axis: x[halves(x, axis)],
    ),
    "pad": (
        1,
        lambda r, x: (padded(x, int(r.integers(x.ndim))),),
        np.pad,
        shape.pad,
    ),
    "repeat": (
        1,
        lambda r, x: (2, int(r.integers(x.ndim))),
        np.repeat,
        tiling.repeat_elements,
    ),
    "outer": (2, lambda r, x: (), lambda x: x @ np.swapaxes(x, -1, -2), lambda x: linalg.matmul(x, turned(x))),
}
BINARY = {"add": (np.add, math.add), "subtract": (np.subtract, math.sub), "multiply": (np.multiply, math.mul)}


def program(seed, arrays):
    """Draw steps that fit the arrays; return them as (name, places of operands, parameters), and the last value."""
    generator = np.random.default_rng(seed)
    values, steps = list(arrays), []
    while len(steps) < STEPS:
        place = int(generator.integers(len(values)))
        x = values[place]
        if generator.random() < 0.35:
            name = str(generator.choice(list(BINARY)))
            # Sizes that happen to be 1 do not broadcast with free ones, so only equal shapes meet.
            places = [place, int(generator.choice([i for i, v in enumerate(values) if v.shape == x.shape]))]
            parameters: tuple = ()
            y = BINARY[name][0](*(values[i] for i in places))
        else:
            name = str(generator.choice(list(UNARY)))
            least, draw, on_arrays, _ = UNARY[name]
            if x.ndim < least:
                continue
            places, parameters = [place], draw(generator, x)
            y = on_arrays(x, *parameters)
        if y.size <= LARGEST and y.ndim <= 5:
            values.append(y)
            steps.append((name, places, parameters))
    return steps, values[-1]


def replay(steps, tensors):
    values = list(tensors)
    for name, places, parameters in steps:
        build = BINARY[name][1] if name in BINARY else UNARY[name][3]
        values.append(build(*(values[i] for i in places), *parameters))
    return values[-1]


def start(seed):
    """Draw what a program begins with."""
    generator = np.random.default_rng(seed)
    dims = [tuple(int(d) for d in generator.integers(2, 5, generator.integers(1, 4))) for _ in range(2)]
    return [generator.uniform(-1, 1, d) for d in dims]


@pytest.mark.parametrize("free", [False, True], ids=["static", "free"])
@pytest.mark.parametrize("seed", range(12))
def test_random_graph(seed, free):
    arrays = start(seed)
    steps, expected = program(seed, arrays)
    case = Case(
        "Add",
        lambda *tensors: math.add(replay(steps, tensors), 1.0),
        [Feed(values=a) for a in arrays],
        lambda *values: expected + 1.0,
        label=" ".join(name for name, _, _ in steps),
        tolerance=1e-6,
    )
    check(case, "float64", free)


def test_every_op_is_drawn():
    drawn = {name for seed in range(12) for name, _, _ in program(seed, start(seed))[0]}
    assert drawn == {*UNARY, *BINARY}
