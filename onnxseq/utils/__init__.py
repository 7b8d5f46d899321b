"""Helpers around training: data sets, queues, the progress bar, custom objects."""

from onnxseq.registry import CustomObjectScope, custom_object_scope, get_custom_objects
from onnxseq.utils.enqueuers import GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer
from onnxseq.utils.generic_utils import deserialize_keras_object, serialize_keras_object
from onnxseq.utils.np_utils import normalize, to_categorical
from onnxseq.utils.progbar import Progbar
from onnxseq.utils.sequence import Sequence

__all__ = [
    "CustomObjectScope",
    "GeneratorEnqueuer",
    "OrderedEnqueuer",
    "Progbar",
    "Sequence",
    "SequenceEnqueuer",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "normalize",
    "serialize_keras_object",
    "to_categorical",
]
