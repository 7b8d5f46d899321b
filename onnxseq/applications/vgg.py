"""The networks of the Visual Geometry Group: blocks of small convolutions, each block closed by pooling."""

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.applications.building import (
    check_weights,
    input_of,
    input_shape_of,
    load_weights,
    model_of,
    pooled,
)

FILTERS = (64, 128, 256, 512, 512)


def vgg(who, name, depths, files, include_top, weights, input_tensor, input_shape, pooling, classes):
    """Return a network of this kind.

    Arguments:
        who: how messages name it.
        name: the model's name.
        depths: the number of convolutions in each of the five blocks.
        files: the published weights, as ``load_weights`` takes them.
        The others are those of VGG16.
    """
    check_weights(who, weights, include_top, classes)
    shape = input_shape_of(who, input_shape, 224, 48, K.image_data_format(), include_top, weights)
    start = x = input_of(input_tensor, shape)
    for block, (filters, depth) in enumerate(zip(FILTERS, depths, strict=True), start=1):
        for index in range(1, depth + 1):
            x = L.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{index}")(x)
        x = L.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if include_top:
        x = L.Flatten(name="flatten")(x)
        x = L.Dense(4096, activation="relu", name="fc1")(x)
        x = L.Dense(4096, activation="relu", name="fc2")(x)
        x = L.Dense(classes, activation="softmax", name="predictions")(x)
    else:
        x = pooled(x, pooling)
    model = model_of(input_tensor, start, x, name)
    load_weights(model, weights, include_top, files)
    return model
