"""Layers that TensorFlow 1.4 computes otherwise than it documents: loaded, they are the documented ones."""

import warnings

from onnxseq import backend as K
from onnxseq.layers import Conv3DTranspose
from onnxseq.saving.legacy.theano import leaves

VERSION = "2.0.8-tf"
"""What TensorFlow 1.4 calls its Keras."""


def concerns(layers):
    """Whether any of the layers, or of the models among them, is one that TensorFlow 1.4 computes otherwise."""
    return any(type(layer) is Conv3DTranspose for layer in leaves(layers))


def warn(who, stored, layers):
    """Warn of each Conv3DTranspose that got weights of TensorFlow 1.4, where it was a plain Conv3D.

    Its kernel was that of a Conv3D: where filters and channels differ in number it has another shape than ours, and is
    an error before.
    """
    if stored.version != VERSION or stored.is_ours:
        return
    for layer in leaves(layers):
        if type(layer) is Conv3DTranspose and K.int_shape(layer.kernel)[-1] == K.int_shape(layer.kernel)[-2]:
            warnings.warn(
                f"{who}: {layer._who}: TensorFlow 1.4, which wrote the file, computes a plain Conv3D here; this is the "
                "transposed convolution that is documented: outputs will differ. Load the weights into a Conv3D for "
                "what the file's model gave.",
                stacklevel=5,
            )
