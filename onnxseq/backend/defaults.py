"""The package-wide defaults: float type, fuzz factor and order of image axes."""

import numpy as np

from onnxseq.errors import text

_FLOATS = ("float16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")


class _Defaults:
    floatx = "float32"
    epsilon = 1e-7
    image_data_format = "channels_last"


_defaults = _Defaults()


def floatx():
    """Return the default float type, such as 'float32'."""
    return _defaults.floatx


def set_floatx(value):
    """Set the default float type of variables, placeholders and constants made from now on.

    Arguments:
        value: 'float16', 'float32' or 'float64'.

    Raises:
        ValueError: for anything else.
    """
    if value not in _FLOATS:
        raise ValueError(text("set_floatx", f"{value!r} arrived", f"one of {', '.join(_FLOATS)}"))
    _defaults.floatx = str(value)


def epsilon():
    """Return the small number that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _defaults.epsilon


def set_epsilon(value):
    """Set the small number that keeps divisions and logarithms finite.

    Arguments:
        value: a number.
    """
    _defaults.epsilon = value


def image_data_format():
    """Return the default order of image axes: 'channels_last' unless set."""
    return _defaults.image_data_format


def set_image_data_format(data_format):
    """Set the default order of image axes.

    Arguments:
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        ValueError: for anything else.
    """
    if data_format not in _FORMATS:
        raise ValueError(text("set_image_data_format", f"{data_format!r} arrived", f"one of {', '.join(_FORMATS)}"))
    _defaults.image_data_format = str(data_format)


def resolve_data_format(who, data_format):
    """Return a data format, the default one for None; ValueError for one that is unknown."""
    if data_format is None:
        return image_data_format()
    if data_format not in _FORMATS:
        raise ValueError(text(who, f"data_format is {data_format!r}", f"one of {', '.join(_FORMATS)}"))
    return str(data_format)


def cast_to_floatx(x):
    """Return an array in the default float type.

    Arguments:
        x: an array, a number or nested lists of numbers.

    Returns:
        A NumPy array.
    """
    return np.asarray(x, dtype=floatx())


def backend():
    """Return the name of what computes: 'onnxruntime'."""
    return "onnxruntime"
