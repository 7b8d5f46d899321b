"""DepthwiseConv2D, which MobileNet is made of, against NumPy."""

import numpy as np
import pytest

from onnxseq import models
from onnxseq.applications.mobilenet import DepthwiseConv2D
from tests.layer_check import Case, check_layer, drawn

X = drawn(2, 5, 6, 3)


def apart(x, kernel, bias=0.0):
    """Return 'valid' windows of each channel by its own filters, those of one channel side by side."""
    rows, columns = kernel.shape[:2]
    counts = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    out = np.zeros((len(x), *counts, kernel.shape[2], kernel.shape[3]))
    for row, column in np.ndindex(rows, columns):
        window = x[:, row : row + counts[0], column : column + counts[1], :, None]
        out += window * kernel[row, column]
    return out.reshape(*out.shape[:3], -1) + bias


CASES = [
    Case("DepthwiseConv2D", lambda: DepthwiseConv2D((2, 3), depth_multiplier=2), X, apart),
    Case("DepthwiseConv2D free", lambda: DepthwiseConv2D(3, use_bias=False, activation="tanh"), X,
         lambda x, k: np.tanh(apart(x, k)), free=(1, 2)),
    Case("DepthwiseConv2D regularized", lambda: DepthwiseConv2D(2, depthwise_regularizer="l2"), X, apart),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_layer(case):
    check_layer(case)


def test_strided_depthwise_convolution_of_channels_first():
    layer = DepthwiseConv2D(3, strides=2, padding="same", data_format="channels_first", input_shape=(3, 5, 6))
    last = DepthwiseConv2D(3, strides=2, padding="same", input_shape=(5, 6, 3))
    first, second = models.Sequential([layer]), models.Sequential([last])
    second.set_weights(first.get_weights())
    found = first.predict(np.ascontiguousarray(np.moveaxis(X, -1, 1)))
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), second.predict(X), rtol=1e-5, atol=1e-6)
