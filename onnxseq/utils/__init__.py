"""Helpers around training: data sets, queues, the progress bar, custom objects."""

import importlib

from onnxseq.registry import CustomObjectScope, custom_object_scope, get_custom_objects
from onnxseq.utils.data_utils import get_file
from onnxseq.utils.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from onnxseq.utils.generic_utils import deserialize_keras_object, serialize_keras_object
from onnxseq.utils.np_utils import normalize, to_categorical
from onnxseq.utils.progbar import Progbar
from onnxseq.utils.sequence import Sequence

__all__ = [
    "CustomObjectScope",
    "GeneratorEnqueuer",
    "HDF5Matrix",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "convert_all_kernels_in_model",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "normalize",
    "plot_model",
    "serialize_keras_object",
    "to_categorical",
]

# These are about models, which stand above this package: they are looked up when they are asked for.
_ABOVE = {
    "HDF5Matrix": "io_utils",
    "convert_all_kernels_in_model": "layer_utils",
    "plot_model": "vis_utils",
}


def __getattr__(name):
    if name not in _ABOVE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ABOVE[name]}"), name)
