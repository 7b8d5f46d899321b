"""ResNet50: 50 layers of weights in blocks whose input is added to their output."""

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.applications.building import (
    channel_axis,
    check_weights,
    input_of,
    input_shape_of,
    load_weights,
    model_of,
    pooled,
)
from onnxseq.applications.images import centered as preprocess_input
from onnxseq.applications.images import decode_predictions

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

_FILES = (
    ("v0.2", "resnet50_weights_tf_dim_ordering_tf_kernels.h5", "a7b3fe01876f51b976af0dea6bc144eb"),
    ("v0.2", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "a268eb855778b3df3c7506639542a6af"),
)

# For each stage: its number, the filters inside a block and at its end, and the number of blocks.
_STAGES = ((2, 64, 256, 3), (3, 128, 512, 4), (4, 256, 1024, 6), (5, 512, 2048, 3))


def _normalized(x, filters, size, label, part, **options):
    x = L.Conv2D(filters, size, name=f"res{label}_branch{part}", **options)(x)
    return L.BatchNormalization(axis=channel_axis(), name=f"bn{label}_branch{part}")(x)


def _block(x, inner, outer, label, strides, changes_shape):
    """Return x after a block; where it changes the shape, what is added goes through a convolution of its own."""
    y = L.Activation("relu")(_normalized(x, inner, 1, label, "2a", strides=strides))
    y = L.Activation("relu")(_normalized(y, inner, 3, label, "2b", padding="same"))
    y = _normalized(y, outer, 1, label, "2c")
    if changes_shape:
        x = _normalized(x, outer, 1, label, "1", strides=strides)
    return L.Activation("relu")(L.add([y, x]))


def ResNet50(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """Return the network ResNet50.

    Shapes:
        input (batch, rows, columns, channels), images as ``preprocess_input`` returns them; output (batch, classes).
        Without the top: 2048 channels after pooling over 7 rows and columns, or (batch, 2048) where pooled.

    Arguments:
        include_top: whether the dense layer, which classifies, is part of it.
        weights: None for newly drawn ones, 'imagenet' for those trained on ImageNet, which are fetched once and kept,
            or the path of a file of weights.
        input_tensor: a tensor of Input() to begin with.
        input_shape: the shape of the images, 197 rows and columns at least; (224, 224, 3) with the top where None.
        pooling: without the top, 'avg' or 'max' for one value for each channel.
        classes: the number of classes.

    Returns:
        A Model.

    Raises:
        ValueError: for weights that are unknown or for other inputs or classes, or an input shape that it cannot take.

    Source:
        He et al., Deep Residual Learning for Image Recognition, 2015.
    """
    check_weights("ResNet50", weights, include_top, classes)
    shape = input_shape_of("ResNet50", input_shape, 224, 197, K.image_data_format(), include_top, weights)
    start = x = input_of(input_tensor, shape)
    x = L.Conv2D(64, 7, strides=2, padding="same", name="conv1")(x)
    x = L.Activation("relu")(L.BatchNormalization(axis=channel_axis(), name="bn_conv1")(x))
    x = L.MaxPooling2D(3, strides=2)(x)
    for stage, inner, outer, count in _STAGES:
        for index in range(count):
            strides = 2 if index == 0 and stage > 2 else 1
            x = _block(x, inner, outer, f"{stage}{'abcdef'[index]}", strides, index == 0)
    x = L.AveragePooling2D(7, name="avg_pool")(x)
    if include_top:
        x = L.Dense(classes, activation="softmax", name="fc1000")(L.Flatten()(x))
    else:
        x = pooled(x, pooling)
    model = model_of(input_tensor, start, x, "resnet50")
    load_weights(model, weights, include_top, _FILES)
    return model
