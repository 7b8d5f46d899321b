"""Convolutions and pooling of volumes: values and gradients of float32, in blocks and out of them, are float64's."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff, pipeline
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, math, normalization, pool, reduction
from onnxseq.compiler.ops.blocked import DOMAIN
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import placeholder

BLOCK = current().block or 16
TARGETS = pytest.mark.parametrize("target", [PORTABLE, current()], ids=["portable", "here"])

# Name, shape of x, shape of w, what is built of both; the last says whether blocks are expected where there are such.
CASES = [
    ("valid", (BLOCK, 5, 6, 5, BLOCK), (3, 3, 3, BLOCK, BLOCK), lambda x, w: conv.conv(x, w), True),
    ("same", (2, 5, 6, 5, BLOCK), (3, 3, 3, BLOCK, 2 * BLOCK), lambda x, w: conv.conv(x, w, padding="same"), True),
    ("a plane", (2, 5, 6, 5, BLOCK), (1, 3, 2, BLOCK, BLOCK), lambda x, w: conv.conv(x, w), True),
    ("a point", (2, 5, 6, 5, BLOCK), (1, 1, 1, BLOCK, BLOCK), lambda x, w: conv.conv(x, w), True),
    ("strides", (BLOCK, 7, 6, 7, BLOCK), (3, 2, 3, BLOCK, BLOCK), lambda x, w: conv.conv(x, w, (2, 2, 2)), True),
    ("planes skipped", (2, 7, 6, 5, BLOCK), (2, 3, 3, BLOCK, BLOCK), lambda x, w: conv.conv(x, w, (3, 1, 1)), True),
    ("dilated", (2, 7, 8, 7, BLOCK), (3, 2, 3, BLOCK, BLOCK), lambda x, w: conv.conv(x, w, 1, (2, 3, 2), "same"), True),
    (
        "dilated with strides",
        (BLOCK, 9, 9, 8, BLOCK),
        (2, 2, 3, BLOCK, BLOCK),
        lambda x, w: conv.conv(x, w, (2, 1, 2), (2, 1, 2), [(1, 2), (0, 1), (2, 1)]),
        True,
    ),
    ("few channels", (BLOCK, 4, 5, 6, 2), (3, 3, 3, 2, BLOCK), lambda x, w: conv.conv(x, w, padding="same"), True),
    ("a channel", (2, 5, 6, 5, 1), (3, 3, 3, 1, BLOCK), lambda x, w: conv.conv(x, w, (1, 2, 1)), True),
    ("other channels", (2, 5, 6, 5, 9), (3, 3, 3, 9, 4), lambda x, w: conv.conv(x, w, (2, 1, 2)), False),
    ("groups", (2, 5, 6, 5, 4), (3, 3, 3, 2, 4), lambda x, w: conv.conv(x, w, groups=2), False),
    (
        "transposed",
        (2, 3, 4, 3, BLOCK),
        (3, 3, 3, BLOCK, BLOCK),
        lambda x, w: conv.conv_transpose(x, w, (7, 9, 7), 2),
        False,
    ),
    (
        "transposed in planes",
        (2, 3, 4, 3, BLOCK),
        (3, 3, 3, BLOCK, BLOCK),
        lambda x, w: conv.conv_transpose(x, w, (6, 4, 3), (2, 1, 1), padding="same"),
        True,
    ),
    ("pool", (2, 4, 6, 4, BLOCK), (BLOCK,), lambda x, w: pool.max_pool(x * w, 2), True),
    ("pool leaves a rest", (2, 5, 7, 5, BLOCK), (BLOCK,), lambda x, w: pool.max_pool(x * w, 2), True),
    ("pool in planes", (2, 3, 4, 5, 2 * BLOCK), (2 * BLOCK,), lambda x, w: pool.max_pool(x * w, (1, 2, 2)), True),
    ("pool that overlaps", (2, 5, 6, 5, BLOCK), (BLOCK,), lambda x, w: pool.max_pool(x * w, 3, 2, "same"), True),
    ("batch norm", (3, 4, 5, 3, BLOCK), (BLOCK,), lambda x, w: normalization.batch_norm_training(x, w, w)[0], True),
]
IDS = [case[0].replace(" ", "-") for case in CASES]


def built(x_dims, w_dims, build, dtype):
    x, w = placeholder(dtype, x_dims), placeholder(dtype, w_dims)
    y = math.relu(build(x, w) + 0.25)
    return [x, w], [y, *autodiff.gradients(reduction.sum(y * y), [x, w])]


def drawn(x_dims, w_dims):
    generator = np.random.default_rng(3)
    x, w = generator.standard_normal(x_dims), generator.standard_normal(w_dims)
    x[:, :, 2:4] = x[:, :1, 2:3]  # whole windows of equal elements
    return [x, w]


def agree(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max())


@TARGETS
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients_are_those_of_float64(case, target):
    _, x_dims, w_dims, build, _ = case
    arrays = drawn(x_dims, w_dims)
    expected = Function(*built(x_dims, w_dims, build, "float64"), target=PORTABLE)(arrays)
    agree(Function(*built(x_dims, w_dims, build, "float32"), target=target)(arrays), expected)


@TARGETS
@pytest.mark.parametrize("free", [("batch",), ("batch", 0, "rows", "columns"), ("batch", "planes")], ids=str)
@pytest.mark.parametrize("name", ["valid", "a channel", "pool", "batch norm"])
def test_free_sizes_give_the_same(name, free, target):
    x_dims, w_dims, build = next(case[1:4] for case in CASES if case[0] == name)
    arrays = drawn(x_dims, w_dims)
    dims = tuple(f or d for f, d in zip((*free, 0, 0, 0, 0), x_dims, strict=False))
    expected = Function(*built(x_dims, w_dims, build, "float32"), target=PORTABLE)(arrays)
    agree(Function(*built(dims, w_dims, build, "float32"), target=target)(arrays), expected)


@pytest.mark.skipif(not current().has("nchwc"), reason="this processor has no blocked convolutions")
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_runs_in_blocks(case):
    _, x_dims, w_dims, build, blocks = case
    inputs, outputs = built(x_dims, w_dims, build, "float32")
    graph = pipeline.compile(inputs, outputs[:1], (), 1, current()).model.graph
    assert any(node.domain == DOMAIN for node in graph) == blocks


WINDOWS = [(2, 2, "valid"), (3, 2, "same"), ((1, 2, 3), 1, "same"), ((3, 1, 2), (1, 2, 1), "valid")]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_pooling_without_a_gradient(window):
    x = placeholder("float32", ("batch", 5, 6, 7, BLOCK))
    y = pool.max_pool(x, *window)
    array = drawn((2, 5, 6, 7, BLOCK), (1,))[0]
    agree(Function([x], [y], target=current())([array]), Function([x], [y], target=PORTABLE)([array]))
