"""MobileNet: a small network of convolutions in two steps, each channel on its own and then all at each place."""

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import registry
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
from onnxseq.errors import text
from onnxseq.layers.depthwise import DepthwiseConv2D

__all__ = ["DepthwiseConv2D", "MobileNet", "decode_predictions", "preprocess_input", "relu6"]

# What weights were trained for, with the text by which the files name the width.
_WIDTHS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
_SIZES = (128, 160, 192, 224)

# Filters and strides of the pairs of convolutions.
_PAIRS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip

_LAST = {"data_format": "channels_last"}


@registry.register("activation")
def relu6(x):
    """Return x limited to [0, 6].

    Arguments:
        x: a tensor.
    """
    return K.relu(x, max_value=6)


def _finished(x, name):
    return L.Activation(relu6, name=f"{name}_relu")(L.BatchNormalization(name=f"{name}_bn")(x))


def _check_published(alpha, depth_multiplier, input_shape):
    """Raise ValueError where no weights were published for a network; return the rows of its images."""
    if depth_multiplier != 1 or alpha not in _WIDTHS:
        raise ValueError(
            text("MobileNet", f"weights='imagenet', alpha={alpha!r} and depth_multiplier={depth_multiplier!r}",
                 f"an alpha of {', '.join(map(str, _WIDTHS))} and a depth_multiplier of 1", "Take weights=None.")
        )  # fmt: skip
    rows, columns = (224, 224) if input_shape is None else (tuple(input_shape) + (None, None))[:2]
    if rows != columns or rows not in _SIZES:
        raise ValueError(
            text("MobileNet", f"weights='imagenet' and input_shape={tuple(input_shape)}",
                 f"as many rows as columns, {', '.join(map(str, _SIZES))}", "Take weights=None.")
        )  # fmt: skip
    return rows


def MobileNet(
    input_shape=None, alpha=1.0, depth_multiplier=1, dropout=1e-3, include_top=True, weights="imagenet",
    input_tensor=None, pooling=None, classes=1000,
):  # fmt: skip
    """Return the network MobileNet. Its images have their channels last, whatever the default data format.

    Shapes:
        input (batch, rows, columns, channels), images as ``preprocess_input`` returns them; output (batch, classes).
        Without the top: 1024 * alpha channels for each 32 rows and columns, or (batch, 1024 * alpha) where pooled.

    Arguments:
        input_shape: the shape of the images, 32 rows and columns at least; (224, 224, 3) with the top where None.
        alpha: the factor of the numbers of filters.
        depth_multiplier: the number of results of each channel before channels are mixed.
        dropout: the share that is dropped before the top.
        include_top: whether the last layer, which classifies, is part of it.
        weights: None for newly drawn ones, 'imagenet' for those trained on ImageNet, which are fetched once and kept,
            or the path of a file of weights.
        input_tensor: a tensor of Input() to begin with.
        pooling: without the top, 'avg' or 'max' for one value for each channel.
        classes: the number of classes.

    Returns:
        A Model.

    Raises:
        ValueError: for weights that are unknown or for other inputs or classes, or an input shape that it cannot take.

    Source:
        Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017.
    """
    check_weights("MobileNet", weights, include_top, classes)
    default = 224
    if weights == "imagenet":
        default = _check_published(alpha, depth_multiplier, input_shape)
    shape = input_shape_of("MobileNet", input_shape, default, 32, "channels_last", include_top, weights)
    start = x = input_of(input_tensor, shape)
    x = L.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1", **_LAST)(x)
    x = _finished(x, "conv1")
    for index, (filters, strides) in enumerate(_PAIRS, start=1):
        x = DepthwiseConv2D(
            3, strides=strides, padding="same", depth_multiplier=depth_multiplier, use_bias=False,
            name=f"conv_dw_{index}", **_LAST,
        )(x)  # fmt: skip
        x = _finished(x, f"conv_dw_{index}")
        x = L.Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{index}", **_LAST)(x)
        x = _finished(x, f"conv_pw_{index}")
    if include_top:
        x = L.GlobalAveragePooling2D(**_LAST)(x)
        x = L.Reshape((1, 1, int(1024 * alpha)), name="reshape_1")(x)
        x = L.Dropout(dropout, name="dropout")(x)
        x = L.Conv2D(classes, 1, padding="same", name="conv_preds", **_LAST)(x)
        x = L.Reshape((classes,), name="reshape_2")(L.Activation("softmax", name="act_softmax")(x))
    else:
        x = pooled(x, pooling, "channels_last")
    model = model_of(input_tensor, start, x, f"mobilenet_{alpha:.2f}_{shape[0]}")
    load_weights(model, weights, include_top, [
        ("v0.6", f"mobilenet_{_WIDTHS.get(alpha)}_{default}_tf{part}.h5", None) for part in ("", "_no_top")
    ])  # fmt: skip
    return model
