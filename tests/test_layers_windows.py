"""The layers of windows beyond plain convolution, against NumPy: volumes, transposed, separable, locally connected."""

import layer_reference as ref
import numpy as np
import pytest

from onnxseq import layers as L
from onnxseq.shapes import same_padding
from tests.layer_check import Case, check_layer, drawn
from tests.window_reference import convolve_transposed

SEQUENCES, IMAGES, VOLUMES = drawn(3, 7, 4), drawn(2, 4, 5, 3), drawn(2, 4, 5, 3, 2)
FIRST_IMAGES, FIRST_VOLUMES = (np.ascontiguousarray(np.moveaxis(x, -1, 1)) for x in (IMAGES, VOLUMES))


def transposed(strides, kind="valid"):
    """The gradient of a convolution by its input, of the length that TF 1.4 gives it."""

    def reference(x, kernel, bias=0.0):
        rules = list(zip(x.shape[1:-1], kernel.shape[:-2], strides, strict=True))
        same = kind == "same"
        sizes = [n * s + (0 if same else max(k - s, 0)) for n, k, s in rules]
        pairs = [same_padding(size, k, s) if same else (0, 0) for size, (_, k, s) in zip(sizes, rules, strict=True)]
        pads = [before for before, _ in pairs] + [after for _, after in pairs]
        return convolve_transposed(x, kernel, sizes, strides, pads) + bias

    return reference


def separable(strides=(1, 1), kind="valid", dilations=(1, 1)):
    def reference(x, depthwise, pointwise, bias=0.0):
        parts = [
            ref.convolve(x[..., c : c + 1], depthwise[:, :, c : c + 1], 0.0, strides, kind, dilations)
            for c in range(x.shape[-1])
        ]
        return np.concatenate(parts, -1) @ pointwise[0, 0] + bias

    return reference


def local(sizes, strides, first=False):
    """Each window times a matrix of its own, whose rows run over the channels before the places where ``first``."""

    def reference(x, kernel, bias=0.0):
        def seen(window):
            return (np.moveaxis(window, -1, 1) if first else window).reshape(len(x), -1)

        found = ref.windows(x, sizes, strides, "valid", (1,) * len(sizes), 0.0)
        return ref.assemble((p, seen(w) @ matrix) for (p, w), matrix in zip(found, kernel, strict=True)) + bias

    return reference


CASES = [
    Case("Conv3D", lambda: L.Conv3D(3, 2), VOLUMES, ref.convolve),
    Case("Conv3D same strides", lambda: L.Conv3D(3, (2, 3, 2), strides=(1, 2, 2), padding="same"), VOLUMES,
         lambda x, k, b: ref.convolve(x, k, b, (1, 2, 2), "same")),
    Case("Conv3D dilated", lambda: L.Conv3D(3, 2, dilation_rate=(2, 1, 2), activation="tanh"), VOLUMES,
         lambda x, k, b: np.tanh(ref.convolve(x, k, b, dilations=(2, 1, 2)))),
    Case("Conv3D channels first", lambda: L.Conv3D(3, 2, data_format="channels_first", padding="same"), FIRST_VOLUMES,
         ref.channels_first(lambda x, k, b: ref.convolve(x, k, b, kind="same"))),
    Case("Conv3D free strides", lambda: L.Conv3D(3, 3, strides=2, padding="same", use_bias=False), VOLUMES,
         lambda x, k: ref.convolve(x, k, 0.0, (2, 2, 2), "same"), free=(1, 2, 3)),
    Case("Conv3D points", lambda: L.Conv3D(5, 1), VOLUMES, ref.convolve),
    Case("MaxPooling3D", lambda: L.MaxPooling3D(), VOLUMES, lambda x: ref.pool(x, (2, 2, 2))),
    Case("MaxPooling3D overlapping same", lambda: L.MaxPooling3D((3, 2, 1), 2, "same"), VOLUMES,
         lambda x: ref.pool(x, (3, 2, 1), (2, 2, 2), "same")),
    Case("MaxPooling3D channels first", lambda: L.MaxPooling3D(2, 1, data_format="channels_first"), FIRST_VOLUMES,
         ref.channels_first(lambda x: ref.pool(x, (2, 2, 2), (1, 1, 1)))),
    Case("MaxPooling3D free", lambda: L.MaxPooling3D(3, 2, "same"), VOLUMES,
         lambda x: ref.pool(x, (3, 3, 3), (2, 2, 2), "same"), free=(1, 2, 3)),
    Case("AveragePooling3D", lambda: L.AveragePooling3D(), VOLUMES, lambda x: ref.pool(x, (2, 2, 2), mode="avg")),
    Case("AveragePooling3D overlapping same", lambda: L.AveragePooling3D(3, (1, 2, 2), "same"), VOLUMES,
         lambda x: ref.pool(x, (3, 3, 3), (1, 2, 2), "same", "avg")),
    Case("AveragePooling3D channels first", lambda: L.AveragePooling3D((1, 2, 3), data_format="channels_first"),
         FIRST_VOLUMES, ref.channels_first(lambda x: ref.pool(x, (1, 2, 3), mode="avg"))),
    Case("GlobalMaxPooling3D", lambda: L.GlobalMaxPooling3D(), VOLUMES, lambda x: x.max((1, 2, 3))),
    Case("GlobalMaxPooling3D channels first", lambda: L.GlobalMaxPooling3D("channels_first"), FIRST_VOLUMES,
         lambda x: x.max((2, 3, 4)), free=(2, 3)),
    Case("GlobalAveragePooling3D", lambda: L.GlobalAveragePooling3D(), VOLUMES, lambda x: x.mean((1, 2, 3)), free=(1,)),
    Case("GlobalAveragePooling3D channels first", lambda: L.GlobalAveragePooling3D("channels_first"), FIRST_VOLUMES,
         lambda x: x.mean((2, 3, 4))),
    Case("Conv2DTranspose", lambda: L.Conv2DTranspose(4, 3), IMAGES, transposed((1, 1))),
    Case("Conv2DTranspose same strides", lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"), IMAGES,
         transposed((2, 2), "same")),
    Case("Conv2DTranspose rectangle", lambda: L.Conv2DTranspose(2, (2, 4), strides=(1, 3), activation="relu"), IMAGES,
         lambda *a: np.maximum(transposed((1, 3))(*a), 0)),
    Case("Conv2DTranspose gaps", lambda: L.Conv2DTranspose(4, (2, 1), strides=3, use_bias=False), IMAGES,
         transposed((3, 3))),
    Case("Conv2DTranspose gaps same", lambda: L.Conv2DTranspose(4, (2, 4), strides=3, padding="same"), IMAGES,
         transposed((3, 3), "same")),
    Case("Conv2DTranspose channels first",
         lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same", data_format="channels_first"), FIRST_IMAGES,
         ref.channels_first(transposed((2, 2), "same"))),
    Case("Conv2DTranspose free", lambda: L.Conv2DTranspose(2, 3, strides=2), IMAGES, transposed((2, 2)), free=(1, 2)),
    Case("Conv2DTranspose free same", lambda: L.Conv2DTranspose(2, 4, strides=(2, 1), padding="same"), IMAGES,
         transposed((2, 1), "same"), free=(1, 2)),
    Case("Conv2DTranspose free gaps", lambda: L.Conv2DTranspose(2, (2, 3), strides=3, padding="same"), IMAGES,
         transposed((3, 3), "same"), free=(2,)),
    Case("Conv2DTranspose points", lambda: L.Conv2DTranspose(2, 1), IMAGES, transposed((1, 1))),
    Case("Conv3DTranspose", lambda: L.Conv3DTranspose(3, 2), VOLUMES, transposed((1, 1, 1))),
    Case("Conv3DTranspose same strides", lambda: L.Conv3DTranspose(2, (3, 2, 1), strides=(2, 1, 2), padding="same"),
         VOLUMES, transposed((2, 1, 2), "same")),
    Case("Conv3DTranspose channels first", lambda: L.Conv3DTranspose(2, 2, strides=2, data_format="channels_first"),
         FIRST_VOLUMES, ref.channels_first(transposed((2, 2, 2)))),
    Case("Conv3DTranspose free", lambda: L.Conv3DTranspose(2, 2, strides=2, padding="same"), VOLUMES,
         transposed((2, 2, 2), "same"), free=(1, 2, 3)),
    Case("SeparableConv2D", lambda: L.SeparableConv2D(4, 3), IMAGES, separable()),
    Case("SeparableConv2D same strides", lambda: L.SeparableConv2D(4, 3, strides=2, padding="same"), IMAGES,
         separable((2, 2), "same")),
    Case("SeparableConv2D multiplier", lambda: L.SeparableConv2D(4, (3, 2), depth_multiplier=2, activation="tanh"),
         IMAGES, lambda *a: np.tanh(separable()(*a))),
    Case("SeparableConv2D multiplier strides", lambda: L.SeparableConv2D(4, 3, 2, "same", depth_multiplier=3), IMAGES,
         separable((2, 2), "same")),
    Case("SeparableConv2D unequal strides", lambda: L.SeparableConv2D(4, 2, strides=(1, 2), use_bias=False), IMAGES,
         separable((1, 2))),
    Case("SeparableConv2D dilated", lambda: L.SeparableConv2D(4, 2, dilation_rate=(2, 3)), IMAGES,
         separable(dilations=(2, 3))),
    Case("SeparableConv2D channels first", lambda: L.SeparableConv2D(4, 3, data_format="channels_first"), FIRST_IMAGES,
         ref.channels_first(separable())),
    Case("SeparableConv2D free", lambda: L.SeparableConv2D(4, 3, strides=2, padding="same"), IMAGES,
         separable((2, 2), "same"), free=(1, 2)),
    Case("SeparableConv2D blocks", lambda: L.SeparableConv2D(32, 3, padding="same"), drawn(2, 5, 4, 16),
         separable(kind="same")),
    Case("SeparableConv2D one channel", lambda: L.SeparableConv2D(4, 3, depth_multiplier=2), drawn(2, 5, 4, 1),
         separable()),
    Case("SeparableConv2D regularized",
         lambda: L.SeparableConv2D(4, 3, 1, "same", depthwise_regularizer="l2", pointwise_regularizer="l2"), IMAGES,
         separable(kind="same")),
    Case("LocallyConnected1D", lambda: L.LocallyConnected1D(5, 3), SEQUENCES, local((3,), (1,))),
    Case("LocallyConnected1D strides", lambda: L.LocallyConnected1D(5, 2, strides=3, use_bias=False), SEQUENCES,
         local((2,), (3,))),
    Case("LocallyConnected1D whole", lambda: L.LocallyConnected1D(5, 7, data_format="channels_first"), SEQUENCES,
         local((7,), (1,))),
    Case("LocallyConnected2D", lambda: L.LocallyConnected2D(4, 3, activation="tanh"), IMAGES,
         lambda *a: np.tanh(local((3, 3), (1, 1))(*a))),
    Case("LocallyConnected2D strides", lambda: L.LocallyConnected2D(4, (2, 3), strides=(1, 2)), IMAGES,
         local((2, 3), (1, 2))),
    Case("LocallyConnected2D points", lambda: L.LocallyConnected2D(4, 1, kernel_regularizer="l2"), IMAGES,
         local((1, 1), (1, 1))),
    Case("LocallyConnected2D channels first", lambda: L.LocallyConnected2D(4, (2, 3), data_format="channels_first",
         use_bias=False), FIRST_IMAGES, ref.channels_first(local((2, 3), (1, 1), first=True))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_layer(case):
    check_layer(case)
