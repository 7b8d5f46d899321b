"""Pictures: reading and writing them, transforming them at random, and handing them out in batches.

All that is random is drawn from NumPy's global generator, in the order that TensorFlow 1.4 draws it. Files of pictures
take Pillow (the extra 'image'); arrays take nothing but NumPy.
"""

from onnxseq.preprocessing.image.generator import ImageDataGenerator
from onnxseq.preprocessing.image.iterators import DirectoryIterator, Iterator, NumpyArrayIterator
from onnxseq.preprocessing.image.pictures import array_to_img, img_to_array, load_img
from onnxseq.preprocessing.image.transforms import (
    apply_transform,
    flip_axis,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_transform",
    "array_to_img",
    "flip_axis",
    "img_to_array",
    "load_img",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
]
