"""This project's package, on whichever ONNX Runtime is installed."""

import platform

import numpy as np
import onnxruntime
import onnxseq
from onnxseq.compiler import targets

from .surface import Surface

keras = Surface(onnxseq)


def use_provider(name):
    targets.use(name)


def fresh():
    keras.backend.clear_session()
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)
    keras.backend.set_image_data_format("channels_last")


def release():
    """Nothing is held between cases."""


def versions():
    return {"python": platform.python_version(), "numpy": np.__version__, "onnxruntime": onnxruntime.__version__}
