"""InceptionV3: modules of several branches side by side, the larger convolutions split into smaller ones."""

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
from onnxseq.applications.images import decode_predictions
from onnxseq.applications.images import scaled as preprocess_input

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

_FILES = (
    ("v0.5", "inception_v3_weights_tf_dim_ordering_tf_kernels.h5", "9a0d58056eeedaa3f26cb7ebd46da564"),
    ("v0.5", "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63"),
)


def _chain(x, *parts):
    """Return x after convolutions, each normalized and rectified: (filters, rows, columns), and options where any."""
    for filters, rows, columns, *options in parts:
        arguments = {"padding": "same", **(options[0] if options else {})}
        x = L.Conv2D(filters, (rows, columns), use_bias=False, **arguments)(x)
        x = L.BatchNormalization(axis=channel_axis(), scale=False)(x)
        x = L.Activation("relu")(x)
    return x


_VALID = {"padding": "valid"}
_HALVING = {"padding": "valid", "strides": 2}


def _joined(branches, name=None):
    return L.concatenate(branches, axis=channel_axis(), name=name)


def _averaged(x, filters):
    return _chain(L.AveragePooling2D(3, strides=1, padding="same")(x), (filters, 1, 1))


def _stem(x):
    x = _chain(x, (32, 3, 3, _HALVING), (32, 3, 3, _VALID), (64, 3, 3))
    x = L.MaxPooling2D(3, strides=2)(x)
    x = _chain(x, (80, 1, 1, _VALID), (192, 3, 3, _VALID))
    return L.MaxPooling2D(3, strides=2)(x)


def _module_of_squares(x, pool_filters, name):
    branches = [
        _chain(x, (64, 1, 1)),
        _chain(x, (48, 1, 1), (64, 5, 5)),
        _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        _averaged(x, pool_filters),
    ]
    return _joined(branches, name)


def _first_reduction(x, name):
    branches = [
        _chain(x, (384, 3, 3, _HALVING)),
        _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3, _HALVING)),
        L.MaxPooling2D(3, strides=2)(x),
    ]
    return _joined(branches, name)


def _module_of_lines(x, inner, name):
    branches = [
        _chain(x, (192, 1, 1)),
        _chain(x, (inner, 1, 1), (inner, 1, 7), (192, 7, 1)),
        _chain(x, (inner, 1, 1), (inner, 7, 1), (inner, 1, 7), (inner, 7, 1), (192, 1, 7)),
        _averaged(x, 192),
    ]
    return _joined(branches, name)


def _second_reduction(x, name):
    branches = [
        _chain(x, (192, 1, 1), (320, 3, 3, _HALVING)),
        _chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, _HALVING)),
        L.MaxPooling2D(3, strides=2)(x),
    ]
    return _joined(branches, name)


def _module_of_forks(x, index, name):
    single = _chain(x, (320, 1, 1))
    fork = _chain(x, (384, 1, 1))
    near = _joined([_chain(fork, (384, 1, 3)), _chain(fork, (384, 3, 1))], f"mixed9_{index}")
    fork = _chain(x, (448, 1, 1), (384, 3, 3))
    far = _joined([_chain(fork, (384, 1, 3)), _chain(fork, (384, 3, 1))])
    return _joined([single, near, far, _averaged(x, 192)], name)


def InceptionV3(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """Return the network InceptionV3.

    Shapes:
        input (batch, rows, columns, channels), images as ``preprocess_input`` returns them; output (batch, classes).
        Without the top: 2048 channels for about each 32 rows and columns, or (batch, 2048) where pooled.

    Arguments:
        include_top: whether the dense layer, which classifies, is part of it.
        weights: None for newly drawn ones, 'imagenet' for those trained on ImageNet, which are fetched once and kept,
            or the path of a file of weights.
        input_tensor: a tensor of Input() to begin with.
        input_shape: the shape of the images, 139 rows and columns at least; of any size where None. It was made for
            (299, 299, 3).
        pooling: without the top, 'avg' or 'max' for one value for each channel.
        classes: the number of classes.

    Returns:
        A Model.

    Raises:
        ValueError: for weights that are unknown or for other inputs or classes, or an input shape that it cannot take.

    Source:
        Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015.
    """
    check_weights("InceptionV3", weights, include_top, classes)
    shape = input_shape_of("InceptionV3", input_shape, 299, 139, K.image_data_format(), False, weights)
    start = x = input_of(input_tensor, shape)
    x = _stem(x)
    for index, pool_filters in enumerate((32, 64, 64)):
        x = _module_of_squares(x, pool_filters, f"mixed{index}")
    x = _first_reduction(x, "mixed3")
    for index, inner in enumerate((128, 160, 160, 192), start=4):
        x = _module_of_lines(x, inner, f"mixed{index}")
    x = _second_reduction(x, "mixed8")
    for index in range(2):
        x = _module_of_forks(x, index, f"mixed{9 + index}")
    if include_top:
        x = L.GlobalAveragePooling2D(name="avg_pool")(x)
        x = L.Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling)
    model = model_of(input_tensor, start, x, "inception_v3")
    load_weights(model, weights, include_top, _FILES)
    return model
