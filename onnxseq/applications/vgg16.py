"""VGG16: 16 layers of weights, of which 3 are dense."""

from onnxseq.applications.images import centered as preprocess_input
from onnxseq.applications.images import decode_predictions
from onnxseq.applications.vgg import vgg

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

_FILES = (
    ("v0.1", "vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    ("v0.1", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
)


def VGG16(include_top=True, weights="imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000):
    """Return the network VGG16.

    Shapes:
        input (batch, rows, columns, channels), images as ``preprocess_input`` returns them; output (batch, classes).
        Without the top: 512 channels for each 32 rows and columns, or (batch, 512) where pooled.

    Arguments:
        include_top: whether the three dense layers, which classify, are part of it.
        weights: None for newly drawn ones, 'imagenet' for those trained on ImageNet, which are fetched once and kept,
            or the path of a file of weights.
        input_tensor: a tensor of Input() to begin with.
        input_shape: the shape of the images, 48 rows and columns at least; (224, 224, 3) with the top where None.
        pooling: without the top, 'avg' or 'max' for one value for each channel.
        classes: the number of classes.

    Returns:
        A Model.

    Raises:
        ValueError: for weights that are unknown or for other inputs or classes, or an input shape that it cannot take.

    Source:
        Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014.
    """
    return vgg(
        "VGG16", "vgg16", (2, 2, 3, 3, 3), _FILES, include_top, weights, input_tensor, input_shape, pooling,
        classes,
    )  # fmt: skip
