"""What the networks share: which inputs they take, how they end, where their weights come from."""

import os

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.applications.images import NUM_CLASSES
from onnxseq.errors import describe, text
from onnxseq.layers.graph import get_source_inputs
from onnxseq.models import Model
from onnxseq.utils import get_file

RELEASES = "https://github.com/fchollet/deep-learning-models/releases/download"


def check_weights(who, weights, include_top, classes):
    """Raise ValueError where weights are neither None, 'imagenet' nor a file, or the classes are not ImageNet's."""
    if weights is not None and weights != "imagenet" and not (isinstance(weights, str) and os.path.exists(weights)):
        raise ValueError(text(who, f"weights={describe(weights)}", "None, 'imagenet' or the path of a file of weights"))
    if weights == "imagenet" and include_top and classes != NUM_CLASSES:
        raise ValueError(
            text(who, f"weights='imagenet' and classes={classes!r}", f"{NUM_CLASSES} classes",
                 "Take include_top=False and put a Dense of your own on top.")
        )  # fmt: skip


def input_shape_of(who, input_shape, default, least, data_format, fixed, weights):
    """Return the shape of a network's input, without the batch axis.

    Arguments:
        who: how messages name the network.
        input_shape: what the user gave, or None.
        default: the rows and columns of the images that it was made for.
        least: the fewest rows and columns that it takes.
        data_format: where the channels are.
        fixed: whether the top demands a known size; it then is ``default`` where none is given.
        weights: what the weights are to be.

    Raises:
        ValueError: for a shape that the network, or its weights, cannot take.
    """

    def ordered(rows, columns, channels):
        return (channels, rows, columns) if data_format == "channels_first" else (rows, columns, channels)

    if input_shape is None:
        return ordered(default, default, 3) if fixed else ordered(None, None, 3)
    shape = tuple(input_shape)
    if len(shape) != 3:
        raise ValueError(text(who, f"input_shape={shape}", f"three sizes, such as {ordered(default, default, 3)}"))
    channels, *sizes = shape if data_format == "channels_first" else (shape[-1], *shape[:-1])
    if weights == "imagenet" and (channels != 3 or (fixed and shape != ordered(default, default, 3))):
        expected = f"{ordered(default, default, 3)}, which the weights of ImageNet are for"
        if not fixed:
            expected = "3 channels, which the weights of ImageNet are for"
        raise ValueError(text(who, f"input_shape={shape}", expected, "Give include_top=False or weights=None."))
    if any(size is not None and size < least for size in sizes):
        raise ValueError(text(who, f"input_shape={shape}", f"{least} rows and columns at least"))
    if fixed and None in shape:
        raise ValueError(
            text(who, f"input_shape={shape}", "known sizes, since include_top=True", "Give include_top=False.")
        )
    return shape


def input_of(input_tensor, shape):
    """Return the tensor that a network begins with: the user's, or a new one of a shape."""
    if input_tensor is None:
        return L.Input(shape=shape)
    return L.Input(tensor=input_tensor, shape=shape)


def pooled(x, pooling, data_format=None):
    """Return the end of a network without its top: pooled over all places by 'avg' or 'max', or as it is."""
    if pooling == "avg":
        return L.GlobalAveragePooling2D(data_format=data_format)(x)
    if pooling == "max":
        return L.GlobalMaxPooling2D(data_format=data_format)(x)
    return x


def model_of(input_tensor, start, output, name):
    """Return the model from the source of the user's tensor, or from the new input, to the output."""
    return Model(start if input_tensor is None else get_source_inputs(input_tensor), output, name=name)


def channel_axis():
    """Return the axis of channels under the default data format, counted from 0."""
    return 1 if K.image_data_format() == "channels_first" else 3


def load_weights(model, weights, include_top, files):
    """Give a model its weights.

    Arguments:
        model: the network.
        weights: None, 'imagenet', or the path of a file.
        include_top: whether the network has its top.
        files: the published files with the top and without: for each (release, file name, MD5 or None).
    """
    if weights is None:
        return
    path = weights
    if weights == "imagenet":
        release, file_name, file_hash = files[0 if include_top else 1]
        path = get_file(file_name, f"{RELEASES}/{release}/{file_name}", cache_subdir="models", file_hash=file_hash)
    model.load_weights(path)
