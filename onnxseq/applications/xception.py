"""Xception: separable convolutions in blocks whose input is added to their output."""

from onnxseq import layers as L
from onnxseq.applications.building import (
    check_weights,
    input_of,
    input_shape_of,
    load_weights,
    model_of,
    pooled,
)
from onnxseq.applications.images import decode_predictions
from onnxseq.applications.images import scaled as preprocess_input

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_FILES = (
    ("v0.4", "xception_weights_tf_dim_ordering_tf_kernels.h5", "0a58e3b7378bc2990ea3b43d5981f1f6"),
    ("v0.4", "xception_weights_tf_dim_ordering_tf_kernels_notop.h5", "b0042744bf5b25fce3cb969f33bebb97"),
)

_LAST = {"data_format": "channels_last"}


def _convolved(x, filters, strides, name):
    x = L.Conv2D(filters, 3, strides=strides, use_bias=False, name=name, **_LAST)(x)
    return L.Activation("relu", name=f"{name}_act")(L.BatchNormalization(name=f"{name}_bn")(x))


def _separated(x, filters, name):
    x = L.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name, **_LAST)(x)
    return L.BatchNormalization(name=f"{name}_bn")(x)


def _reduction(x, label, filters):
    """Return x after a block that halves its rows and columns; the first block's input is rectified already."""
    added = L.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False, **_LAST)(x)
    added = L.BatchNormalization()(added)
    for index, count in enumerate(filters, start=1):
        name = f"{label}_sepconv{index}"
        if label != "block2" or index > 1:
            x = L.Activation("relu", name=f"{name}_act")(x)
        x = _separated(x, count, name)
    x = L.MaxPooling2D(3, strides=2, padding="same", name=f"{label}_pool", **_LAST)(x)
    return L.add([x, added])


def Xception(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """Return the network Xception. Its images have their channels last, whatever the default data format.

    Shapes:
        input (batch, rows, columns, channels), images as ``preprocess_input`` returns them; output (batch, classes).
        Without the top: 2048 channels for each 32 rows and columns, or (batch, 2048) where pooled.

    Arguments:
        include_top: whether the dense layer, which classifies, is part of it.
        weights: None for newly drawn ones, 'imagenet' for those trained on ImageNet, which are fetched once and kept,
            or the path of a file of weights.
        input_tensor: a tensor of Input() to begin with.
        input_shape: the shape of the images, 71 rows and columns at least; of any size where None. It was made for
            (299, 299, 3).
        pooling: without the top, 'avg' or 'max' for one value for each channel.
        classes: the number of classes.

    Returns:
        A Model.

    Raises:
        ValueError: for weights that are unknown or for other inputs or classes, or an input shape that it cannot take.

    Source:
        Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2016.
    """
    check_weights("Xception", weights, include_top, classes)
    shape = input_shape_of("Xception", input_shape, 299, 71, "channels_last", False, weights)
    start = x = input_of(input_tensor, shape)
    x = _convolved(x, 32, 2, "block1_conv1")
    x = _convolved(x, 64, 1, "block1_conv2")
    for block, count in ((2, 128), (3, 256), (4, 728)):
        x = _reduction(x, f"block{block}", (count, count))
    for block in range(5, 13):
        added = x
        for index in (1, 2, 3):
            x = L.Activation("relu", name=f"block{block}_sepconv{index}_act")(x)
            x = _separated(x, 728, f"block{block}_sepconv{index}")
        x = L.add([x, added])
    x = _reduction(x, "block13", (728, 1024))
    for index, count in ((1, 1536), (2, 2048)):
        x = _separated(x, count, f"block14_sepconv{index}")
        x = L.Activation("relu", name=f"block14_sepconv{index}_act")(x)
    if include_top:
        x = L.GlobalAveragePooling2D(name="avg_pool", **_LAST)(x)
        x = L.Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling, "channels_last")
    model = model_of(input_tensor, start, x, "xception")
    load_weights(model, weights, include_top, _FILES)
    return model
