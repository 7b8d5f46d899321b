"""Ops that only gradients and layouts record, by themselves."""

import numpy as np
import pytest

from onnxseq.compiler.ops import conv, math, normalization, pool
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import BLOCKED, FIRST, LAST
from tests.op_check import Case, Feed, check, name_of, variants
from tests.window_reference import convolve, max_pool, max_pool_grad

IMAGE, SIZE, STRIDES, PADS = (2, 7, 6, 3), (3, 2), (2, 2), (1, 0, 1, 0)
WINDOWS = {"size": SIZE, "strides": STRIDES, "pads": PADS}
POOLED = (2, 4, 3, 3)
EPSILON = 1e-3


def gathered(x, g):
    """Pick g where the maxima stand: what adding there is transposed to, one unit cotangent at a time."""
    found = np.zeros(POOLED)
    for place in np.ndindex(*POOLED):
        unit = np.zeros(POOLED)
        unit[place] = 1
        found[place] = np.sum(max_pool_grad(x, unit, SIZE, STRIDES, PADS) * g)
    return found


def shared(dy):
    """Give each window's elements equal shares, those of the padding not counted."""
    dx = np.zeros(IMAGE)
    for batch, row, column, channel in np.ndindex(*dy.shape):
        rows = slice(max(row * 2 - 1, 0), min(row * 2 + 2, 7))
        seen = dx[batch, rows, column * 2 : column * 2 + 2, channel]
        seen += dy[batch, row, column, channel] / seen.size
    return dx


def normalized_gradient(x, dy, gamma, mean, variance):
    inverse = 1 / np.sqrt(variance + EPSILON)
    hat = (x - mean) * inverse
    d_gamma, d_beta, count = (dy * hat).sum((0, 1)), dy.sum((0, 1)), x.shape[0] * x.shape[1]
    return [gamma * inverse * (dy - d_beta / count - hat * d_gamma / count), d_gamma, d_beta]


def row(op, build, reference, *feeds, **more):
    return Case(op, build, feeds, reference, free=False, **more)


CASES = [
    row(
        "onnxseq::MaxPoolGrad",
        lambda x, dy: pool.max_pool_grad_op(x, pool.max_pool_op(x, **WINDOWS), dy, **WINDOWS),
        lambda x, dy: max_pool_grad(x, dy, SIZE, STRIDES, PADS),
        Feed(IMAGE, apart=0.05),
        Feed(POOLED),
    ),
    row(
        "onnxseq::MaxPoolGather",
        lambda x, g: pool.max_pool_gather_op(x, pool.max_pool_op(x, **WINDOWS), g, **WINDOWS),
        gathered,
        Feed(IMAGE, apart=0.05),
        Feed(IMAGE),
    ),
    row(
        "onnxseq::AveragePoolGrad",
        lambda dy: pool.average_pool_grad_op(dy * dy, spatial=IMAGE[1:3], **WINDOWS),
        lambda dy: shared(dy * dy),
        Feed(POOLED),
    ),
    row(
        "onnxseq::BatchNormTrainingGrad",
        lambda *inputs: normalization.batch_norm_training_grad_op.all(*inputs, epsilon=EPSILON),
        normalized_gradient,
        Feed((3, 2, 3)),
        Feed((3, 2, 3)),
        Feed((3,)),
        Feed((3,)),
        Feed((3,), 0.5, 2.0),
        loose=1e-4,
    ),
    *[
        row(
            "onnxseq::Relayout",
            lambda x, there=there, back=back: relayout(relayout(x * x, LAST, there, 16) * 2, there, back, 16),
            lambda x, back=back: 2 * (x * x if back == LAST else np.moveaxis(x * x, -1, 1)),
            Feed((2, 3, 4, 32)),
            label=f"{there} {back}",
        )
        for there, back in ((FIRST, LAST), (BLOCKED, LAST), (BLOCKED, FIRST))
    ],
    row(
        "onnxseq::MaxPool",
        lambda x, w: pool.max_pool(math.relu(conv.conv(x, w, padding="same")), 2),
        lambda x, w: max_pool(np.maximum(convolve(x, w, (1, 1), (1, 1), (1, 1, 1, 1)), 0), (2, 2), (2, 2), (0,) * 4),
        Feed((2, 6, 4, 16)),
        Feed((3, 3, 16, 32)),
        label="behind a convolution of many channels",
        order=1,
        loose=2e-4,
    ),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)
