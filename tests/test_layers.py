"""Every layer against NumPy: a row each, and more where it has more ways to work."""

import layer_reference as ref
import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from tests.layer_check import Case, check_layer, drawn

SEQUENCES = drawn(3, 7, 4)
IMAGES = drawn(2, 6, 7, 3)
FIRST = np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))
VECTORS = drawn(4, 5)
STEPS = (np.arange(7) % 3 > 0)[:, None].astype(np.float32)
NUMBERS = np.array([[0, 3, 1], [2, 2, 5]], np.int32)


def double(x):
    return x * 2.0 + 1.0


def powered(x, exponent, offset):
    return x**exponent + offset


CASES = [
    Case("Dense", lambda: L.Dense(3), VECTORS, lambda x, k, b: x @ k + b),
    Case(
        "Dense relu without bias", lambda: L.Dense(6, activation="relu", use_bias=False), VECTORS,
        lambda x, k: np.maximum(x @ k, 0),
    ),
    Case(
        "Dense regularized", lambda: L.Dense(3, "tanh", kernel_regularizer="l2", activity_regularizer="l1"), VECTORS,
        lambda x, k, b: np.tanh(x @ k + b),
    ),
    Case("Dense on sequences", lambda: L.Dense(3), SEQUENCES, lambda x, k, b: x @ k + b),
    Case("Dense on free sequences", lambda: L.Dense(3), SEQUENCES, lambda x, k, b: x @ k + b, free=(1,)),
    Case("Activation", lambda: L.Activation("sigmoid"), VECTORS, lambda x: ref.activation("sigmoid", x)),
    Case("Activation linear", lambda: L.Activation("linear"), VECTORS, lambda x: x),
    Case("Activation of a function", lambda: L.Activation(K.tanh), VECTORS, np.tanh),
    Case("Dropout none", lambda: L.Dropout(0.0), VECTORS, lambda x: x),
    Case("Flatten", lambda: L.Flatten(), IMAGES, lambda x: x.reshape(2, -1)),
    Case("Flatten free", lambda: L.Flatten(), SEQUENCES, lambda x: x.reshape(3, -1), free=(1,)),
    Case("Reshape", lambda: L.Reshape((4, 7)), SEQUENCES, lambda x: x.reshape(3, 4, 7)),
    Case("Reshape rest", lambda: L.Reshape((2, -1, 7)), SEQUENCES, lambda x: x.reshape(3, 2, 2, 7)),
    Case("Reshape free", lambda: L.Reshape((-1, 2)), SEQUENCES, lambda x: x.reshape(3, 14, 2), free=(1,)),
    Case("Permute", lambda: L.Permute((3, 1, 2)), IMAGES, lambda x: x.transpose(0, 3, 1, 2)),
    Case("RepeatVector", lambda: L.RepeatVector(3), VECTORS, lambda x: np.repeat(x[:, None], 3, 1)),
    Case("Lambda", lambda: L.Lambda(double), VECTORS, lambda x: x * 2 + 1),
    Case(
        "Lambda arguments", lambda: L.Lambda(powered, arguments={"exponent": 2, "offset": np.ones(5, "float32")}),
        VECTORS, lambda x: x**2 + 1,
    ),
    Case("Lambda nameless", lambda: L.Lambda(lambda x: K.sum(x, axis=1, keepdims=True)), VECTORS,
         lambda x: x.sum(1, keepdims=True)),
    Case("Masking", lambda: L.Masking(0.0), SEQUENCES * STEPS, lambda x: x * STEPS),
    Case("ActivityRegularization", lambda: L.ActivityRegularization(l1=0.01), VECTORS, lambda x: x),
    Case("Embedding", lambda: L.Embedding(6, 4), NUMBERS, lambda x, e: e[x]),
    Case("Embedding of floats", lambda: L.Embedding(6, 4, input_length=3), NUMBERS.astype("float32"),
         lambda x, e: e[x.astype(int)], discrete=True),
    Case("Embedding free", lambda: L.Embedding(6, 4, embeddings_regularizer="l2"), NUMBERS, lambda x, e: e[x],
         free=(1,)),
    Case("Conv1D", lambda: L.Conv1D(5, 3), SEQUENCES, ref.convolve),
    Case("Conv1D same strides", lambda: L.Conv1D(5, 4, strides=3, padding="same"), SEQUENCES,
         lambda x, k, b: ref.convolve(x, k, b, (3,), "same")),
    Case("Conv1D causal", lambda: L.Conv1D(2, 3, padding="causal", activation="relu"), SEQUENCES,
         lambda x, k, b: np.maximum(ref.convolve(x, k, b, kind="causal"), 0)),
    Case("Conv1D causal dilated", lambda: L.Conv1D(2, 2, padding="causal", dilation_rate=2), SEQUENCES,
         lambda x, k, b: ref.convolve(x, k, b, kind="causal", dilations=(2,))),
    Case("Conv1D dilated free", lambda: L.Conv1D(2, 2, dilation_rate=3, use_bias=False), SEQUENCES,
         lambda x, k: ref.convolve(x, k, dilations=(3,)), free=(1,)),
    Case("Conv2D", lambda: L.Conv2D(4, 3), IMAGES, ref.convolve),
    Case("Conv2D same strides", lambda: L.Conv2D(4, (2, 3), strides=(2, 3), padding="same", activation="tanh"), IMAGES,
         lambda x, k, b: np.tanh(ref.convolve(x, k, b, (2, 3), "same"))),
    Case("Conv2D dilated", lambda: L.Conv2D(4, (2, 3), dilation_rate=(3, 2)), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, dilations=(3, 2))),
    Case("Conv2D dilated same", lambda: L.Conv2D(4, 3, dilation_rate=2, padding="same"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, kind="same", dilations=(2, 2))),
    Case("Conv2D strides valid", lambda: L.Conv2D(4, 2, strides=2, kernel_regularizer="l2"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, (2, 2))),
    Case("Conv2D channels first", lambda: L.Conv2D(4, 3, data_format="channels_first", padding="same"), FIRST,
         ref.channels_first(lambda x, k, b: ref.convolve(x, k, b, kind="same"))),
    Case("Conv2D free", lambda: L.Conv2D(4, 3, padding="same"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, kind="same"), free=(1, 2)),
    Case("Conv2D free strides", lambda: L.Conv2D(4, 3, strides=2, padding="same"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, (2, 2), "same"), free=(1, 2)),
    Case("MaxPooling1D", lambda: L.MaxPooling1D(), SEQUENCES, lambda x: ref.pool(x, (2,))),
    Case("MaxPooling1D overlapping", lambda: L.MaxPooling1D(3, 2, "same"), SEQUENCES,
         lambda x: ref.pool(x, (3,), (2,), "same")),
    Case("AveragePooling1D", lambda: L.AveragePooling1D(3), SEQUENCES, lambda x: ref.pool(x, (3,), mode="avg")),
    Case("AveragePooling1D same", lambda: L.AveragePooling1D(4, 1, "same"), SEQUENCES,
         lambda x: ref.pool(x, (4,), (1,), "same", "avg")),
    Case("MaxPooling2D", lambda: L.MaxPooling2D(), IMAGES, lambda x: ref.pool(x, (2, 2))),
    Case("MaxPooling2D overlapping", lambda: L.MaxPooling2D(3, 2), IMAGES, lambda x: ref.pool(x, (3, 3), (2, 2))),
    Case("MaxPooling2D same", lambda: L.MaxPooling2D((3, 2), (2, 3), "same"), IMAGES,
         lambda x: ref.pool(x, (3, 2), (2, 3), "same")),
    Case("MaxPooling2D channels first", lambda: L.MaxPooling2D(2, data_format="channels_first"), FIRST,
         ref.channels_first(lambda x: ref.pool(x, (2, 2)))),
    Case("MaxPooling2D free", lambda: L.MaxPooling2D(2), IMAGES, lambda x: ref.pool(x, (2, 2)), free=(1, 2)),
    Case("AveragePooling2D", lambda: L.AveragePooling2D(), IMAGES, lambda x: ref.pool(x, (2, 2), mode="avg")),
    Case("AveragePooling2D overlapping same", lambda: L.AveragePooling2D(3, 2, "same"), IMAGES,
         lambda x: ref.pool(x, (3, 3), (2, 2), "same", "avg")),
    Case("AveragePooling2D channels first", lambda: L.AveragePooling2D(3, 1, data_format="channels_first"), FIRST,
         ref.channels_first(lambda x: ref.pool(x, (3, 3), (1, 1), mode="avg"))),
    Case("GlobalMaxPooling1D", lambda: L.GlobalMaxPooling1D(), SEQUENCES, lambda x: x.max(1)),
    Case("GlobalAveragePooling1D", lambda: L.GlobalAveragePooling1D(), SEQUENCES, lambda x: x.mean(1)),
    Case("GlobalAveragePooling1D free", lambda: L.GlobalAveragePooling1D(), SEQUENCES, lambda x: x.mean(1), free=(1,)),
    Case("GlobalMaxPooling2D", lambda: L.GlobalMaxPooling2D(), IMAGES, lambda x: x.max((1, 2))),
    Case("GlobalMaxPooling2D channels first", lambda: L.GlobalMaxPooling2D("channels_first"), FIRST,
         lambda x: x.max((2, 3))),
    Case("GlobalAveragePooling2D", lambda: L.GlobalAveragePooling2D(), IMAGES, lambda x: x.mean((1, 2))),
    Case("GlobalAveragePooling2D channels first", lambda: L.GlobalAveragePooling2D("channels_first"), FIRST,
         lambda x: x.mean((2, 3))),
    Case("ZeroPadding1D", lambda: L.ZeroPadding1D((1, 2)), SEQUENCES,
         lambda x: np.pad(x, [(0, 0), (1, 2), (0, 0)])),
    Case("ZeroPadding2D", lambda: L.ZeroPadding2D(((1, 0), (2, 3))), IMAGES,
         lambda x: np.pad(x, [(0, 0), (1, 0), (2, 3), (0, 0)])),
    Case("ZeroPadding2D channels first", lambda: L.ZeroPadding2D((1, 2), data_format="channels_first"), FIRST,
         lambda x: np.pad(x, [(0, 0), (0, 0), (1, 1), (2, 2)])),
    Case("UpSampling1D", lambda: L.UpSampling1D(3), SEQUENCES, lambda x: x.repeat(3, 1)),
    Case("UpSampling1D free", lambda: L.UpSampling1D(2), SEQUENCES, lambda x: x.repeat(2, 1), free=(1,)),
    Case("UpSampling2D", lambda: L.UpSampling2D((2, 3)), IMAGES, lambda x: x.repeat(2, 1).repeat(3, 2)),
    Case("UpSampling2D channels first", lambda: L.UpSampling2D(2, data_format="channels_first"), FIRST,
         lambda x: x.repeat(2, 2).repeat(2, 3)),
    Case("Conv1D causal strides", lambda: L.Conv1D(2, 3, strides=2, padding="causal"), SEQUENCES,
         lambda x, k, b: ref.convolve(x, k, b, (2,), "causal")),
    Case("Conv2D one by one", lambda: L.Conv2D(5, 1, strides=2, padding="same"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, (2, 2), "same")),
    Case("Conv2D free valid", lambda: L.Conv2D(2, (3, 2), strides=(1, 2)), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, (1, 2)), free=(1, 2)),
    Case("Conv2D half free", lambda: L.Conv2D(2, (3, 4), strides=(2, 3), padding="same"), IMAGES,
         lambda x, k, b: ref.convolve(x, k, b, (2, 3), "same"), free=(2,)),
    Case("MaxPooling1D free overlapping", lambda: L.MaxPooling1D(3, 2, "same"), SEQUENCES,
         lambda x: ref.pool(x, (3,), (2,), "same"), free=(1,)),
    Case("AveragePooling2D free overlapping", lambda: L.AveragePooling2D(3, 2, "same"), IMAGES,
         lambda x: ref.pool(x, (3, 3), (2, 2), "same", "avg"), free=(1, 2)),
    Case("GlobalMaxPooling2D free", lambda: L.GlobalMaxPooling2D(), IMAGES, lambda x: x.max((1, 2)), free=(1, 2)),
    Case("ZeroPadding2D free", lambda: L.ZeroPadding2D(2), IMAGES,
         lambda x: np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)]), free=(1, 2)),
    Case("UpSampling2D free", lambda: L.UpSampling2D(2), IMAGES, lambda x: x.repeat(2, 1).repeat(2, 2), free=(1, 2)),
    Case("Permute free", lambda: L.Permute((2, 1)), SEQUENCES, lambda x: x.transpose(0, 2, 1), free=(1,)),
    Case("BatchNormalization free", lambda: L.BatchNormalization(), IMAGES, ref.normalize,
         lambda x, g, b, *_: ref.normalize_batch(x, g, b), free=(1, 2)),
    Case("BatchNormalization", lambda: L.BatchNormalization(), VECTORS, ref.normalize,
         lambda x, g, b, *_: ref.normalize_batch(x, g, b)),
    Case("BatchNormalization on images", lambda: L.BatchNormalization(epsilon=1e-2), IMAGES,
         lambda x, *w: ref.normalize(x, *w, epsilon=1e-2),
         lambda x, g, b, *_: ref.normalize_batch(x, g, b, epsilon=1e-2)),
    Case("BatchNormalization channels first", lambda: L.BatchNormalization(axis=1), FIRST,
         lambda x, *w: ref.normalize(x, *w, axis=1), lambda x, g, b, *_: ref.normalize_batch(x, g, b, axis=1)),
    Case("BatchNormalization middle axis", lambda: L.BatchNormalization(axis=2), IMAGES,
         lambda x, *w: ref.normalize(x, *w, axis=2), lambda x, g, b, *_: ref.normalize_batch(x, g, b, axis=2)),
    Case("BatchNormalization on sequences, no scale", lambda: L.BatchNormalization(scale=False), SEQUENCES,
         lambda x, b, m, v: ref.normalize(x, 1.0, b, m, v),
         lambda x, b, *_: ref.normalize_batch(x, 1.0, b)),
    Case("BatchNormalization no center, not fused", lambda: L.BatchNormalization(center=False, fused=False), IMAGES,
         lambda x, g, m, v: ref.normalize(x, g, 0.0, m, v),
         lambda x, g, *_: ref.normalize_batch(x, g, 0.0)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_layer(case):
    check_layer(case)
