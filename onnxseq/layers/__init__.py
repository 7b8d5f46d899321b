"""The layers: each a computation with weights, written in K alone."""

from onnxseq.layers.base import InputSpec, Layer
from onnxseq.layers.input import Input, InputLayer

__all__ = ["Input", "InputLayer", "InputSpec", "Layer"]
