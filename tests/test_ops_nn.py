"""Convolution, pooling, batch normalization, softmax, activations and dropout against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import conv, nn, normalization, pool, reduction, shape
from onnxseq.compiler.ops.law import COMPOUND
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST, resolve_padding
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import attribute, constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants
from tests.window_reference import average_pool, convolve, convolve_transposed, max_pool, max_pool_grad

# -- convolution ----------------------------------------------------------------------------------------------


def conv_row(label, x, w, strides=1, dilations=1, padding="valid", groups=1, **more):
    rank = len(x) - 2
    strides, dilations = ((v,) * rank if isinstance(v, int) else v for v in (strides, dilations))
    pads = resolve_padding(padding, x[1:-1], w[:rank], strides, dilations)
    return Case(
        "onnxseq::Conv",
        lambda x, w: conv.conv(x, w, strides, dilations, padding, groups),
        [Feed(x), Feed(w)],
        lambda x, w: convolve(x, w, strides, dilations, pads, groups),
        label=label,
        free=False,
        **more,
    )


def transposed_row(label, x, w, spatial, strides=1, padding="valid"):
    rank = len(x) - 2
    strides = (strides,) * rank if isinstance(strides, int) else strides
    pads = resolve_padding(padding, spatial, w[:rank], strides, (1,) * rank)
    return Case(
        "onnxseq::ConvInputGrad",
        lambda x, w: conv.conv_transpose(x, w, spatial, strides, padding=padding),
        [Feed(x), Feed(w)],
        lambda x, w: convolve_transposed(x, w, spatial, strides, pads),
        label=label,
        free=False,
    )


def kernel_row(label, x, dy, kernel, strides):
    """The third of the three ops, which no constructor records first."""
    rule = {"strides": strides, "dilations": (1,) * len(strides), "pads": (0,) * 2 * len(strides), "groups": 1}

    def reference(x, dy):
        result = np.zeros((*kernel, x.shape[-1], dy.shape[-1]))
        for place in np.ndindex(*result.shape):
            one = np.zeros(result.shape)
            one[place] = 1
            result[place] = np.sum(convolve(x, one, strides, rule["dilations"], rule["pads"]) * dy)
        return result

    return Case(
        "onnxseq::ConvKernelGrad",
        lambda x, dy: conv.conv_kernel_grad_op(x, dy, kernel=kernel, **rule),
        [Feed(x), Feed(dy)],
        reference,
        label=label,
        free=False,
    )


CONVOLUTIONS = [
    conv_row("valid", (2, 7, 6, 3), (3, 2, 3, 4), dtypes=("float32", "float16")),
    conv_row("same", (2, 7, 6, 3), (3, 2, 3, 4), padding="same"),
    conv_row("same, strides", (2, 7, 6, 9), (3, 2, 9, 4), (2, 3), padding="same"),
    conv_row("same, strides beyond the kernel", (1, 8, 7, 2), (2, 1, 2, 3), (3, 2), padding="same"),
    conv_row("strides that leave a rest", (2, 8, 7, 9), (3, 3, 9, 4), (2, 3)),
    conv_row("dilations", (2, 8, 9, 8), (3, 3, 8, 2), dilations=(2, 3), padding="same"),
    conv_row("explicit pads", (2, 5, 4, 3), (3, 3, 3, 2), padding=[(2, 0), (1, 3)]),
    conv_row("two groups", (2, 8, 6, 4), (3, 3, 2, 6), (2, 1), padding="same", groups=2),
    conv_row("depthwise", (2, 6, 5, 4), (3, 2, 1, 4), groups=4),
    conv_row("depthwise, two filters each", (2, 6, 5, 3), (2, 2, 1, 6), groups=3),
    conv_row("depthwise, blocks of 16", (2, 6, 5, 32), (3, 2, 1, 32), padding="same", groups=32),
    conv_row("depthwise, blocks of 16, strides", (2, 7, 6, 16), (3, 3, 1, 16), 2, padding="same", groups=16),
    conv_row("depthwise, blocks of 16, strides beyond", (1, 8, 7, 16), (2, 1, 1, 16), (3, 2), groups=16),
    conv_row("depthwise, blocks of 16, dilations", (2, 7, 6, 16), (2, 3, 1, 16), 1, (3, 2), "same", groups=16),
    conv_row("depthwise, blocks of 16, a rest", (2, 8, 6, 16), (3, 3, 1, 16), 2, groups=16),
    conv_row("points", (2, 5, 4, 8), (1, 1, 8, 3)),
    conv_row("points, strides", (2, 5, 4, 8), (1, 1, 8, 3), 2),
    conv_row("one channel", (3, 6, 5, 1), (3, 3, 1, 4)),
    conv_row("blocks of 16", (2, 6, 5, 16), (3, 3, 16, 32), padding="same"),
    conv_row("blocks of 16, strides", (2, 6, 8, 16), (3, 3, 16, 16), 2, padding="same"),
    conv_row("blocks of 16, strides that leave a rest", (1, 7, 8, 16), (2, 3, 16, 16), 2),
    conv_row("blocks of 16, points, strides", (2, 5, 6, 16), (1, 1, 16, 16), 2),
    conv_row("1-D", (2, 9, 10), (4, 10, 3), 2),
    conv_row("1-D causal", (2, 9, 10), (3, 10, 4), dilations=2, padding="causal"),
    conv_row("3-D", (2, 4, 5, 6, 8), (2, 3, 2, 8, 2), (1, 2, 1), padding="same"),
    conv_row("3-D, strides that leave a rest", (1, 6, 5, 6, 8), (3, 2, 2, 8, 2), (2, 1, 3)),
    conv_row("3-D, dilations", (1, 6, 5, 6, 8), (2, 3, 2, 8, 2), 1, (3, 1, 2), "same"),
    transposed_row("valid", (2, 3, 4, 3), (3, 2, 2, 3), (5, 5)),
    transposed_row("3-D", (2, 2, 3, 2, 3), (2, 2, 3, 2, 3), (5, 4, 6), (2, 1, 2)),
    transposed_row("strides that leave a rest", (2, 3, 4, 3), (3, 2, 2, 3), (8, 8), 2),
    transposed_row("same", (2, 3, 4, 3), (3, 3, 2, 3), (6, 8), 2, "same"),
    transposed_row("blocks of 16, same", (2, 3, 4, 16), (5, 4, 16, 16), (6, 8), 2, "same"),
    transposed_row("blocks of 16, strides of one axis", (2, 4, 3, 16), (2, 3, 16, 16), (5, 7), (1, 2)),
    transposed_row("blocks of 16, a rest", (1, 3, 3, 16), (3, 3, 16, 16), (8, 7), 2),
    transposed_row("blocks of 16, pads beyond", (1, 5, 5, 16), (2, 3, 16, 16), (6, 7), 2, [(3, 1), (2, 2)]),
    kernel_row("kernel", (2, 5, 6, 3), (2, 4, 2, 2), (2, 2), (1, 3)),
]

# -- pooling --------------------------------------------------------------------------------------------------

TIED = np.random.default_rng(3).integers(-1, 2, (2, 7, 9, 3))


def pool_row(kind, label, x, size, strides=None, padding="valid", values=None, **more):
    rank = len(x) - 2
    size = (size,) * rank if isinstance(size, int) else size
    strides = size if strides is None else (strides,) * rank if isinstance(strides, int) else strides
    pads = resolve_padding(padding, x[1:-1], size, strides, (1,) * rank)
    rule = (size, strides, pads)
    if kind == "max":
        build, reference = pool.max_pool, max_pool
        more["gradient"] = lambda x, dy: max_pool_grad(x, dy, *rule)
    else:
        build, reference = pool.average_pool, average_pool
    return Case(
        "onnxseq::MaxPool" if kind == "max" else "onnxseq::AveragePool",
        lambda x: build(x, size, strides, padding),
        [Feed(x, apart=0.05) if values is None else Feed(values=values)],
        lambda x: reference(x, *rule),
        label=label,
        free=False,
        **more,
    )


POOLS = [
    pool_row("max", "2x2", (2, 6, 8, 3), 2, dtypes=("float32", "float16")),
    pool_row("max", "2x2 with a rest", (2, 7, 9, 3), 2),
    pool_row("max", "ties", (2, 7, 9, 3), 2, values=TIED),
    pool_row("max", "ties where windows overlap", (2, 7, 9, 3), 3, 2, "same", values=TIED),
    pool_row("max", "ties, windows side by side, padding", (2, 7, 9, 3), (2, 3), None, "same", values=TIED),
    pool_row("max", "overlap", (2, 7, 9, 3), (2, 3), (2, 1)),
    pool_row("max", "strides beyond the window", (2, 7, 9, 3), (2, 3), (4, 5), "same"),
    pool_row("max", "16 channels", (2, 6, 8, 16), 2),
    pool_row("max", "16 channels without a gradient", (2, 6, 8, 16), 2, order=0),
    pool_row("max", "16 channels, padding", (2, 7, 5, 16), 2, None, "same"),
    pool_row("max", "1-D", (2, 9, 3), 3, 2),
    pool_row("max", "3-D", (2, 4, 5, 6, 2), 2, None, "same"),
    pool_row("average", "2x2", (2, 6, 8, 3), 2, dtypes=("float32", "float16")),
    pool_row("average", "2x2 with a rest", (2, 7, 9, 3), 2),
    pool_row("average", "overlap, padding", (2, 7, 9, 3), 3, 2, "same"),
    pool_row("average", "overlap", (2, 7, 9, 3), (2, 3), (2, 1)),
    pool_row("average", "strides beyond the window", (2, 7, 9, 3), (2, 3), (4, 5), "same"),
    pool_row("average", "16 channels", (2, 6, 8, 16), 2),
    pool_row("average", "1-D", (2, 9, 3), 3, 2, "same"),
    pool_row("average", "3-D", (2, 4, 5, 6, 2), 2, None, "same"),
]



def padded_row(kind, build, reference, size, pads):
    """Zeros before a pooling are elements as any, unlike the pooling's own padding."""
    rule = ((size, size), (1, 1), (*pads, *pads))
    return Case(
        f"onnxseq::{kind}Pool",
        lambda x: build(shape.pad(x, [(0, 0), (2, 1), (1, 0), (0, 0)]), size, 1, [(p, p) for p in pads]),
        [Feed((2, 4, 5, 3), -3, -1)],
        lambda x: reference(np.pad(x, [(0, 0), (2, 1), (1, 0), (0, 0)]), *rule),
        label=f"after zeros, window {size}, padding {pads}",
        order=1 if kind == "Average" else 0,
        free=False,
    )


POOLS += [
    padded_row(kind, build, reference, size, pads)
    for kind, build, reference in (("Max", pool.max_pool, max_pool), ("Average", pool.average_pool, average_pool))
    for size, pads in ((2, (1, 1)), (3, (0, 0)), (3, (1, 0)))
]

# -- batch normalization --------------------------------------------------------------------------------------


def normalize(axis, epsilon):
    def reference(x, gamma, beta):
        over = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
        shape = [1] * x.ndim
        shape[axis] = -1
        mean, variance = x.mean(over), x.var(over)
        y = (x - mean.reshape(shape)) / np.sqrt(variance + epsilon).reshape(shape)
        return [y * gamma.reshape(shape) + beta.reshape(shape), mean, variance]

    return reference


def norm_row(label, x, axis=-1, epsilon=1e-3):
    channels = (x[axis],)
    return Case(
        "onnxseq::BatchNormTraining",
        lambda x, gamma, beta: normalization.batch_norm_training(x, gamma, beta, axis, epsilon),
        [Feed(x), Feed(channels), Feed(channels)],
        normalize(axis, epsilon),
        label=label,
        free=False,
        loose=1e-4,
    )


NORMALIZATIONS = [
    norm_row("last axis", (3, 4, 5, 2)),
    norm_row("first axis behind the batch", (3, 4, 5, 2), 1),
    norm_row("inner axis", (3, 4, 5, 2), 2, 0.1),
    norm_row("matrix", (7, 3)),
    norm_row("sequence", (4, 6, 3)),
    norm_row("16 channels", (3, 4, 5, 16)),
    Case(
        "onnxseq::BatchNormTraining",
        lambda x: normalization.batch_norm_training(x, None, None),
        [Feed((5, 4, 3))],
        lambda x: normalize(-1, 1e-3)(x, np.ones(3), np.zeros(3)),
        label="without parameters",
        free=False,
        loose=1e-4,
    ),
    Case(
        "Mul",
        lambda x, mean, variance, beta, gamma: normalization.batch_norm(x, mean, variance, beta, gamma, 0.01),
        [Feed((4, 3, 2)), Feed((2,)), Feed((2,), 0.5, 2.0), Feed((2,)), Feed((2,))],
        lambda x, mean, variance, beta, gamma: gamma * (x - mean) / np.sqrt(variance + 0.01) + beta,
        label="batch norm with given statistics",
    ),
]

# -- softmax, activations, dropout ----------------------------------------------------------------------------


def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def elementwise(name, build, reference, **more):
    return Case(name, build, [Feed((3, 5), apart=0.11)], reference, **more)


OTHERS = [
    Case("Softmax", nn.softmax, [Feed((3, 4))], softmax, dtypes=("float32", "float16")),
    Case("Softmax", lambda x: nn.softmax(x, 1), [Feed((2, 5, 3))], lambda x: softmax(x, 1), label="inner axis"),
    Case("LogSoftmax", nn.log_softmax, [Feed((3, 4))], lambda x: np.log(softmax(x))),
    Case(
        "LogSoftmax",
        nn.softmax_cross_entropy,
        [Feed((3, 4), 0, 1), Feed((3, 4))],
        lambda labels, logits: -(labels * np.log(softmax(logits))).sum(-1),
        label="cross-entropy",
    ),
    Case(
        "onnxseq::Softplus",
        nn.sigmoid_cross_entropy,
        [Feed((3, 5), 0, 1), Feed((3, 5), apart=0.11)],
        lambda z, x: -z * np.log(1 / (1 + np.exp(-x))) - (1 - z) * np.log(1 / (1 + np.exp(x))),
        label="cross-entropy",
    ),
    elementwise("onnxseq::Elu", nn.elu, lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    *[
        elementwise(
            "onnxseq::Elu",
            lambda x, alpha=alpha: nn.elu(x, alpha),
            lambda x, alpha=alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
            label=str(alpha),
        )
        for alpha in (0.7, -0.7)
    ],
    elementwise(
        "onnxseq::Elu",
        nn.selu,
        lambda x: nn.SELU_SCALE * np.where(x > 0, x, nn.SELU_ALPHA * (np.exp(x) - 1)),
        label="scaled",
    ),
    elementwise("onnxseq::LeakyRelu", lambda x: nn.leaky_relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    elementwise(
        "onnxseq::LeakyRelu", lambda x: nn.leaky_relu(x, 1.5), lambda x: np.where(x > 0, x, 1.5 * x), label="1.5"
    ),
    elementwise("onnxseq::LeakyRelu", lambda x: nn.leaky_relu(x, -1), abs, label="-1"),
    elementwise("Div", nn.softsign, lambda x: x / (1 + abs(x)), label="softsign"),
    Case("onnxseq::Dropout", lambda x: nn.dropout(x, 0.0, 5), [Feed((3, 4))], lambda x: x, label="nothing dropped"),
    Case(
        "onnxseq::DropoutGrad",
        lambda g, mask: nn.dropout_grad_op(g, mask, rate=0.75),
        [Feed((3, 4)), Feed(values=np.eye(3, 4) > 0, dtype="bool")],
        lambda g, mask: 4 * g * mask,
    ),
]

CASES = [*CONVOLUTIONS, *POOLS, *NORMALIZATIONS, *OTHERS]
RUNS = variants(CASES)


@pytest.mark.parametrize("run", RUNS, ids=[name_of(r) for r in RUNS])
def test_row(run):
    check(*run)


# -- free sizes, layouts --------------------------------------------------------------------------------------

FREE = [
    ("conv valid", (2, 8, 7, 3), lambda x, w: conv.conv(x, w, 2), (3, 2, 3, 4)),
    ("conv of few channels to a block", (2, 8, 7, 3), lambda x, w: conv.conv(x, w), (3, 2, 3, 16)),
    ("conv same", (2, 8, 7, 9), lambda x, w: conv.conv(x, w, padding="same"), (3, 2, 9, 4)),
    ("conv points", (2, 8, 7, 9), lambda x, w: conv.conv(x, w, padding="same"), (1, 1, 9, 4)),
    ("conv explicit", (2, 8, 7, 9), lambda x, w: conv.conv(x, w, 2, padding=[(1, 1), (0, 2)]), (3, 2, 9, 4)),
    ("max pool", (2, 7, 9, 3), lambda x, w: pool.max_pool(x, 2) * w, (3,)),
    ("max pool overlap", (2, 7, 9, 3), lambda x, w: pool.max_pool(x, 3, 1, "same") * w, (3,)),
    ("average pool", (2, 7, 9, 3), lambda x, w: pool.average_pool(x, 3, 2) * w, (3,)),
    ("average pool same", (2, 7, 9, 3), lambda x, w: pool.average_pool(x, 3, 1, "same") * w, (3,)),
    ("batch norm", (2, 7, 9, 3), lambda x, w: normalization.batch_norm_training(x, w, w)[0], (3,)),
]


def values_and_gradients(build, dims, w_dims, arrays, dtype):
    x, w = placeholder(dtype, dims), placeholder(dtype, w_dims)
    y = build(x, w)
    return y, Function([x, w], [y, *autodiff.gradients(reduction.sum(y * y * 0.5), [x, w])])(arrays)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", FREE, ids=[row[0] for row in FREE])
def test_free_sizes_give_what_known_sizes_give(row, dtype):
    _, dims, build, w_dims = row
    generator = np.random.default_rng(0)
    arrays = [generator.standard_normal(dims), generator.standard_normal(w_dims)]
    known, expected = values_and_gradients(build, dims, w_dims, arrays, dtype)
    free, found = values_and_gradients(build, ["batch", "rows", "columns", dims[-1]], w_dims, arrays, dtype)
    assert free.dims[0] == "batch" and free.dims[-1] == known.dims[-1]
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())


def test_a_free_size_keeps_its_name_where_it_is_kept():
    x = placeholder("float32", ["batch", "steps", 4])
    w = placeholder("float32", [3, 4, 5])
    assert conv.conv(x, w, padding="same").dims == ("batch", "steps", 5)
    assert conv.conv(x, w).dims == ("batch", "steps-2", 5)
    assert autodiff.gradients(conv.conv(x, w), [x])[0].dims == x.dims
    assert pool.max_pool(x, 2, 1, "same").dims == x.dims


# The layout in which a row's op is recorded, and the least number of channels that it takes.
LAYOUTS = [(FIRST, PORTABLE), (BLOCKED, PORTABLE), (BLOCKED, current())]
OPS = {
    "onnxseq::Conv": conv.conv_op,
    "onnxseq::MaxPool": pool.max_pool_op,
    "onnxseq::AveragePool": pool.average_pool_op,
    "onnxseq::BatchNormTraining": normalization.batch_norm_training_op,
}
SPATIAL_ROWS = [row for row in CASES if row.op in OPS and row.label not in ("matrix", "without parameters")]


def run_in(layout, target, row, arrays):
    """Run a row's op and its gradients in a layout, between changes of layout; None where it does not fit."""
    inputs = [placeholder("float32", a.shape) for a in arrays]
    node = nn_node(row.build(*inputs))
    rule = {name: attribute(node, name) for name in node.attributes}
    x, block = node.inputs[0], target.block or 16
    if layout == BLOCKED:
        filters = node.inputs[1].dims[-1] if row.op == "onnxseq::Conv" else x.dims[-1]
        if x.rank != 4 or x.dims[-1] % block or filters % block or rule.get("groups", 1) > 1:
            return None
        rule["block"] = block
    if layout != LAST:
        rule["layout"] = layout
    y = OPS[row.op](relayout(x, LAST, layout, block), *node.inputs[1:], **rule)
    y = relayout(y, layout, LAST, block)
    weights = np.cos(np.arange(np.prod(y.dims))).reshape(y.dims)
    loss = reduction.sum(y * y * constant(weights, "float32"))
    first = autodiff.gradients(loss, inputs)
    second = autodiff.gradients(reduction.sum(first[0] * first[0]), inputs)
    outputs = [y, *first, *(g for g in second if g is not None)]
    return Function(inputs, outputs, target=target)(arrays)


def nn_node(y):
    """Return the compound node behind what a row builds."""
    node = (y[0] if isinstance(y, tuple) else y).producer()
    while node.domain != COMPOUND:
        node = node.inputs[0].producer()
    return node


@pytest.mark.parametrize("row", SPATIAL_ROWS, ids=[str(row).replace(" ", "-") for row in SPATIAL_ROWS])
@pytest.mark.parametrize("layout, target", LAYOUTS, ids=["first", "blocked", "blocked by the runtime"])
def test_layouts_agree(layout, target, row):
    arrays = [feed.draw(np.random.default_rng(4)) for feed in row.feeds]
    found = run_in(layout, target, row, arrays)
    if found is None:
        return
    expected = run_in(LAST, PORTABLE, row, arrays)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * np.abs(b).max())


# -- dropout --------------------------------------------------------------------------------------------------


def dropped(x, seed, shared=(), rate=0.25):
    """Return the values of a dropout of ones and the gradient of half the sum of their squares."""
    ones = placeholder("float32", x)
    y = nn.dropout(ones, rate, seed, shared)
    gradient = autodiff.gradients(reduction.sum(y * y) * 0.5, [ones])[0]
    return Function([ones], [y, gradient], target=PORTABLE)([np.ones([d if isinstance(d, int) else 64 for d in x])])


def test_dropout_keeps_its_share_and_scales_it():
    y, gradient = dropped(["batch", 500], 1)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(np.mean(y > 0) - 0.75) < 0.01
    np.testing.assert_allclose(gradient, y / 0.75, rtol=1e-6)


def test_dropout_axes_that_share_one_fate():
    y, gradient = dropped(["batch", 7, 500], 1, [1])
    assert (y == y[:, :1]).all() and abs(np.mean(y > 0) - 0.75) < 0.01
    np.testing.assert_allclose(gradient, y / 0.75, rtol=1e-6)


def test_dropout_follows_its_seed():
    first, again, other = (dropped([9, 50], seed)[0] for seed in (3, 3, 4))
    assert (first == again).all() and (first != other).any()


# -- messages -------------------------------------------------------------------------------------------------

IMAGE, WORDS = placeholder("float32", ["batch", 5, 5, 3]), placeholder("int32", ["batch", 5, 3])
FREE_IMAGE = placeholder("float32", ["batch", "rows", 5, 3])
KERNEL = placeholder("float32", [3, 3, 3, 4])
MESSAGES = [
    (
        lambda: conv.conv(IMAGE, placeholder("float32", [3, 3, 2, 4])),
        ValueError,
        "Conv: the input has 3 channels; expected 2, as the kernel has.",
    ),
    (
        lambda: conv.conv(IMAGE, placeholder("float32", [6, 3, 3, 4])),
        ValueError,
        "Conv: the input has spatial shape (5, 5); expected at least 6 on axis 0 for a window of (6, 3). "
        "Use padding 'same', a smaller window or a larger input.",
    ),
    (
        lambda: conv.conv(FREE_IMAGE, KERNEL, 2, padding="same"),
        ValueError,
        "Conv: padding 'same' with stride 2 met a free size; expected a known size, on which the padding depends. "
        "Give the input its full shape or use padding 'valid'.",
    ),
    (
        lambda: conv.conv(IMAGE, KERNEL, padding="full"),
        ValueError,
        "Conv: padding is 'full'; expected 'valid', 'same' or 'causal'.",
    ),
    (
        lambda: conv.conv(IMAGE, placeholder("float32", [3, 3, 4])),
        ValueError,
        "Conv: the kernel has shape (3, 3, 4); expected 4 known sizes: spatial ones, input channels in a group, "
        "output channels.",
    ),
    (
        lambda: conv.conv(IMAGE, KERNEL, 0),
        ValueError,
        "Conv: the window is (3, 3), strides (0, 0), dilations (1, 1); expected numbers of at least 1.",
    ),
    (
        lambda: conv.conv(IMAGE, KERNEL, (1, 1, 1)),
        ValueError,
        "Conv: the input has 2 spatial axes, the window (3, 3), strides (1, 1, 1), dilations (1, 1) and pads "
        "(0, 0, 0, 0); expected one of each per axis (two pads).",
    ),
    (
        lambda: pool.max_pool(IMAGE, 7),
        ValueError,
        "MaxPool: the input has spatial shape (5, 5); expected at least 7 on axis 0 for a window of (7, 7). "
        "Use padding 'same', a smaller window or a larger input.",
    ),
    (
        lambda: pool.average_pool(WORDS, 2),
        TypeError,
        "AveragePool: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
    (
        lambda: normalization.batch_norm_training(IMAGE, placeholder("float32", [4]), None),
        ValueError,
        "BatchNormTraining: a parameter has shape (4,); expected (3,), one number per channel.",
    ),
    (
        lambda: nn.dropout(IMAGE, 1.0, 0),
        ValueError,
        "Dropout: the rate is 1.0; expected 0 <= rate < 1.",
    ),
    (
        lambda: nn.softmax(WORDS),
        TypeError,
        "Softmax: the input has dtype int32; expected a floating dtype. Use K.cast().",
    ),
]


@pytest.mark.parametrize("record, kind, message", MESSAGES)
def test_messages(record, kind, message):
    with pytest.raises(kind) as caught:
        record()
    assert str(caught.value) == message
