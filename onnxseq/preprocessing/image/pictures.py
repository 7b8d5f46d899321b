"""Pictures as Pillow has them, and as arrays."""

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.optional import Package

image = Package("PIL.Image", "image", "preprocessing.image")

DATA_FORMATS = ("channels_first", "channels_last")


def resolve(who, data_format):
    """Return the order of the axes, the default one for None; ValueError where it is unknown."""
    data_format = K.image_data_format() if data_format is None else data_format
    if data_format not in DATA_FORMATS:
        raise ValueError(
            text(who, f"data_format is {describe(data_format)}", "'channels_last', 'channels_first' or None")
        )
    return data_format


def array_to_img(x, data_format=None, scale=True):
    """Turn an array into a picture.

    Shapes: (rows, columns, channels), or (channels, rows, columns) for 'channels_first'; 1 channel or 3.

    Arguments:
        x: The array.
        data_format: Order of its axes; the default one for None.
        scale: Whether to bring its values into 0 to 255: what is below 0 is lifted to 0, and the largest is 255.

    Returns: A PIL.Image, grey or in colour.

    Raises:
        ImportError: Pillow is not installed.
        ValueError: The shape is another.
    """
    who = "array_to_img"
    x = np.asarray(x, dtype=K.floatx())
    if x.ndim != 3:
        raise ValueError(text(who, f"x has shape {x.shape}", "three axes, of which one is channels"))
    if resolve(who, data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3):
        raise ValueError(text(who, f"x has {x.shape[2]} channels", "1, a grey picture, or 3, a coloured one"))
    if scale:
        x = x + max(-np.min(x), 0)
        largest = np.max(x)
        if largest != 0:
            x = x / largest
        x = x * 255
    pixels = x.astype("uint8")
    return image.fromarray(pixels if x.shape[2] == 3 else pixels[:, :, 0])


def img_to_array(img, data_format=None):
    """Turn a picture into an array of K.floatx().

    Shapes: the result is (rows, columns, channels), or (channels, rows, columns) for 'channels_first'.

    Arguments:
        img: A PIL.Image, or what NumPy takes for an array of rank 2 or 3.
        data_format: Order of the axes of the result; the default one for None.

    Raises:
        ValueError: The picture has another rank.
    """
    who = "img_to_array"
    channels_first = resolve(who, data_format) == "channels_first"
    x = np.asarray(img, dtype=K.floatx())
    if x.ndim == 2:
        x = x[:, :, np.newaxis]
    if x.ndim != 3:
        raise ValueError(text(who, f"the picture has shape {x.shape}", "two or three axes"))
    return x.transpose(2, 0, 1) if channels_first else x


def load_img(path, grayscale=False, target_size=None):
    """Read a picture from a file.

    Arguments:
        path: The file.
        grayscale: Whether to make it grey; else it is made one of three channels.
        target_size: (rows, columns) to bring it to, or None.

    Returns: A PIL.Image.

    Raises:
        ImportError: Pillow is not installed.
        OSError: There is no such file, or it holds no picture.
    """
    with image.open(path) as found:
        made = found.convert("L" if grayscale else "RGB")
    if target_size:
        rows, columns = target_size
        if made.size != (columns, rows):
            made = made.resize((columns, rows))
    return made
