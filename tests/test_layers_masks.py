"""Masks: who makes one, who hands it on, who stops it, who refuses it."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models

STEPS = np.array([[[1, 2], [0, 0], [0, 3]], [[0, 0], [0, 0], [4, 0]]], "float32")
KEPT = np.array([[True, False, True], [False, False, True]])

HANDED_ON = [
    lambda: L.Dense(3), lambda: L.Activation("relu"), lambda: L.Dropout(0.5), lambda: L.BatchNormalization(),
    lambda: L.Dropout(0.0), lambda: L.SpatialDropout1D(0.2), lambda: L.GaussianNoise(0.1),
    lambda: L.GaussianDropout(0.1), lambda: L.AlphaDropout(0.1), lambda: L.GaussianDropout(0.0),
    lambda: L.LeakyReLU(), lambda: L.PReLU(), lambda: L.ELU(), lambda: L.ThresholdedReLU(),
    lambda: L.TimeDistributed(L.Dense(3)), lambda: L.Lambda(lambda x: x * 2.0, mask=lambda x, mask: mask),
]  # fmt: skip
# The last three hand their input itself on: tf.keras loses the mask there.
STOPPED = [
    lambda: L.Lambda(K.exp), lambda: L.Embedding(5, 2), lambda: L.ActivityRegularization(l2=1.0),
    lambda: L.Activation("linear"), lambda: L.Lambda(lambda x: x, mask=lambda x, mask: mask),
]  # fmt: skip
REFUSED = [
    lambda: L.Flatten(), lambda: L.Reshape((6,)), lambda: L.Permute((2, 1)), lambda: L.Conv1D(2, 2),
    lambda: L.MaxPooling1D(), lambda: L.AveragePooling1D(), lambda: L.GlobalMaxPooling1D(),
    lambda: L.GlobalAveragePooling1D(), lambda: L.ZeroPadding1D(), lambda: L.UpSampling1D(), lambda: L.Cropping1D(),
    lambda: L.Layer(),
]  # fmt: skip


def masked():
    return L.Masking()(L.Input((3, 2)))


@pytest.mark.parametrize("make", HANDED_ON, ids=lambda make: type(make()).__name__)
def test_handed_on(make):
    x, layer = masked(), make()
    y = layer(x)
    assert y._keras_mask is x._keras_mask
    assert layer.input_mask is layer.output_mask is layer.get_output_mask_at(0) is layer.get_input_mask_at(0)


@pytest.mark.parametrize("make", STOPPED, ids=lambda make: type(make()).__name__)
def test_stopped(make):
    layer = make()
    assert layer(masked())._keras_mask is None and layer.output_mask is None and layer.input_mask is not None


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: type(make()).__name__)
def test_refused(make):
    layer = make()
    with pytest.raises(TypeError) as error:
        layer(masked())
    assert str(error.value) == (
        f"{type(layer).__name__} {layer.name!r}: a mask arrived with the inputs; expected none, since the layer does "
        f"not support masking. Drop mask_zero=True or Masking() before it, or use layers that support masking."
    )


def test_masking_marks_steps_that_equal_the_value():
    x = L.Input((3, 2))
    for value in (0.0, -1.0):
        layer = L.Masking(value)
        y = layer(x)
        data = STEPS + value
        mask, output = K.function([x], [layer.output_mask, y])([data])
        np.testing.assert_array_equal(mask, KEPT)
        np.testing.assert_array_equal(output, data * KEPT[..., None])


def test_embedding_masks_zero():
    x = L.Input((3,), dtype="int32")
    layer = L.Embedding(5, 2, mask_zero=True)
    layer(x)
    np.testing.assert_array_equal(
        K.function([x], [layer.output_mask])([[[0, 2, 0], [1, 0, 4]]])[0],
        [[False, True, False], [True, False, True]],
    )


def test_a_function_that_takes_a_mask_gets_it():
    x = L.Input((3, 2))
    mean = L.Lambda(
        lambda x, mask: K.sum(x * K.expand_dims(K.cast(mask, "float32")), axis=1)
        / K.sum(K.cast(mask, "float32"), axis=1, keepdims=True)
    )
    y = mean(L.Masking()(x))
    found = K.function([x], [y])([STEPS])[0]
    np.testing.assert_allclose(found, [STEPS[0, [0, 2]].mean(0), STEPS[1, 2]], rtol=1e-6)


def test_masks_go_through_nested_models():
    inner = models.Sequential([L.Masking(input_shape=(3, 2)), L.Dense(4)])
    x = L.Input((3, 2))
    y = inner(x)
    assert y._keras_mask is not None
    np.testing.assert_array_equal(K.function([x], [y._keras_mask])([STEPS])[0], KEPT)
    outer = models.Sequential([L.Masking(input_shape=(3, 2)), models.Sequential([L.Dense(4, input_shape=(3, 2))])])
    assert outer.output_mask is not None
