"""The padding 'half': what Theano made of 'same', kept so that models that were trained on it compute what they did.

A convolution pads half of the kernel's extent on both sides, whatever the stride; a pooling pads all of its window but
one, or two of an odd one, before the input. For odd kernels at stride 1 that is what 'same' is everywhere. It is not
of r1.4: readers of files put it, and a file that says it is refused by a Keras that does not have it.
"""

from onnxseq import backend as K

HALF = "half"
HALF_COUNTED = "half_counted"
"""As 'half', for a mean that counts the zeros around the input, as that of Keras 2 on Theano does."""

_FAR = 3e38
"""Less of it is no number that a pooling would take for the greatest."""


def pads_of_conv(size, dilation=1):
    """Return how much a convolution pads before and after one axis."""
    extent = dilation * (size - 1) + 1
    return extent // 2, (extent - 1) // 2


def pads_of_pooling(size):
    """Return how much a pooling pads before and after one axis."""
    before = size - 2 if size > 2 and size % 2 == 1 else size - 1
    return before, size - 1 - before


def is_same(size, stride, pads):
    """Tell whether such pads are those of 'same', for inputs of any length."""
    return size == 1 or (stride == 1 and pads == ((size - 1) // 2, size // 2))


def padded(x, pads, data_format):
    """Return x with zeros around its spatial axes."""
    if len(pads) == 1:
        return K.temporal_padding(x, pads[0])
    pad = K.spatial_2d_padding if len(pads) == 2 else K.spatial_3d_padding
    return pad(x, tuple(pads), data_format=data_format)


def pooled(pool, x, sizes, mode, data_format, padding=HALF):
    """Return what a pooling of x gives that counts nothing of what is padded, or, where said so, its zeros.

    Arguments:
        pool: Pools a tensor without padding.
        x: The tensor.
        sizes: Those of the window.
        mode: 'max' or 'avg'.
        data_format: Where its channels are.
        padding: Which of both.
    """
    pads = [pads_of_pooling(size) for size in sizes]
    if padding == HALF_COUNTED:
        return pool(padded(x, pads, data_format))
    inside = padded(K.ones_like(x), pads, data_format)
    if mode == "max":
        return pool(padded(x, pads, data_format) + (inside - 1) * _FAR)
    return pool(padded(x, pads, data_format)) / pool(inside)
