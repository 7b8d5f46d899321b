"""What goes into networks for ImageNet and what comes out: images brought to their range, classes by name."""

import json

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.utils import get_file

CLASS_INDEX = "https://s3.amazonaws.com/deep-learning-models/image-models/imagenet_class_index.json"
CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"
NUM_CLASSES = 1000

# The means of ImageNet's blue, green and red, which the first of these networks were trained without.
MEANS = (103.939, 116.779, 123.68)


def as_floats(x):
    """Return an array itself where it holds floats, else one of floats; ValueError for what is no array."""
    if not isinstance(x, np.ndarray):
        raise ValueError(text("preprocess_input", describe(x), "an array of images", "Use np.array() of it."))
    return x if x.dtype.kind == "f" else x.astype(K.floatx())


def centered(x, data_format=None):
    """Return images of colours from 0 to 255 with channels in the order blue, green, red, less ImageNet's means.

    An array of floats is changed in place.

    Shapes:
        (rows, columns, 3) or (batch, rows, columns, 3); the 3 comes before rows under 'channels_first'.

    Arguments:
        x: an array.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: for an unknown data format.
    """
    data_format = K.image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        expected = "'channels_last' or 'channels_first'"
        raise ValueError(text("preprocess_input", f"data_format={data_format!r}", expected))
    x = as_floats(x)
    turned = np.moveaxis(x, -3, -1) if data_format == "channels_first" else x
    turned = turned[..., ::-1]
    for channel, average in enumerate(MEANS):
        turned[..., channel] -= average
    return np.moveaxis(turned, -1, -3) if data_format == "channels_first" else turned


def scaled(x):
    """Return images of colours from 0 to 255 with colours from -1 to 1; an array of floats is changed in place.

    Arguments:
        x: an array.
    """
    x = as_floats(x)
    x /= 127.5
    x -= 1.0
    return x


def decode_predictions(preds, top=5):
    """Return, for each sample, the classes of ImageNet that a network thinks the likeliest.

    The names come from a list that is fetched once and kept.

    Arguments:
        preds: an array (batch, 1000), as ``predict`` returns it.
        top: how many classes to name.

    Returns:
        For each sample a list of (identity in WordNet, name, score), the likeliest first.

    Raises:
        ValueError: for an array of another shape.
        OSError: where the list cannot be fetched.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != NUM_CLASSES:
        raise ValueError(
            text("decode_predictions", f"an array of shape {preds.shape}", f"(batch, {NUM_CLASSES})",
                 "Use what predict() of a network with include_top=True and 1000 classes returns.")
        )  # fmt: skip
    path = get_file("imagenet_class_index.json", CLASS_INDEX, cache_subdir="models", file_hash=CLASS_INDEX_HASH)
    with open(path, encoding="utf-8") as file:
        names = json.load(file)
    return [
        [(*names[str(index)], float(row[index])) for index in np.argsort(-row, kind="stable")[:top]] for row in preds
    ]
