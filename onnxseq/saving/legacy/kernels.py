"""Weights as older versions and other backends laid them out, turned into ours.

Keras 1 kept the kernels of Conv1D as those of images of width 1, with ``channels_first`` all kernels with the filters
first, and the weights of LSTM and GRU gate by gate. Theano computes true convolutions, so that its kernels are
mirrored.
"""

import numpy as np

from onnxseq import registry
from onnxseq.network import Network

_SAME_LAYOUT = (None, "tensorflow", "cntk", "jax", "torch")

_KERNELS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv2D", "ConvLSTM2D")

_GATES = {"LSTM": (0, 2, 1, 3), "ConvLSTM2D": (0, 2, 1, 3), "GRU": (0, 1, 2)}
"""Which of Keras 1's gates stands where now: those of LSTM were input, cell, forget and output."""


def converter(version, backend):
    """Return what turns arrays of a version and a backend into ours, or None where nothing is to be done."""
    is_old, is_mirrored = version.startswith("1"), backend not in _SAME_LAYOUT
    return _Converter(is_old, is_mirrored) if is_old or is_mirrored else None


def backend_of(stored):
    """Return the backend that a stored model was trained on; Keras 1 does not say it, but names give it away."""
    names = [array.path for layer in stored.layers for array in layer.arrays]
    is_of_theano = stored.version.startswith("1") and names and not any(":" in name for name in names)
    return "theano" if stored.backend is None and is_of_theano else stored.backend


def _is(layer, *names):
    """Tell whether a layer is of one of our classes, of those that are there."""
    return any(isinstance(layer, thing) for name in names if (thing := registry.table("layer").get(name)))


class _Converter:
    def __init__(self, is_old, is_mirrored):
        self.is_old = is_old
        self.is_mirrored = is_mirrored

    def applies(self, layer):
        """Tell whether a layer's arrays may have to be changed."""
        if isinstance(layer, Network):
            return any(self.applies(inner) for inner in layer.layers)
        if _is(layer, "Bidirectional", "TimeDistributed"):
            return True
        return _is(layer, *_KERNELS) or (self.is_old and _is(layer, *_GATES))

    def __call__(self, layer, arrays):
        """Return the arrays as our layer has them; those that fit nothing are returned as they are."""
        if isinstance(layer, Network):
            return self._of_network(layer, arrays)
        if _is(layer, "TimeDistributed"):
            return self(layer.layer, arrays)
        if _is(layer, "Bidirectional"):
            half = len(arrays) // 2
            return [*self(layer.forward_layer, arrays[:half]), *self(layer.backward_layer, arrays[half:])]
        if self.is_old:
            arrays = _joined(layer, arrays)
        if not _is(layer, *_KERNELS) or not arrays:
            return arrays
        count = 2 if _is(layer, "SeparableConv2D", "ConvLSTM2D") else 1
        return [*(self._kernel(layer, kernel) for kernel in arrays[:count]), *arrays[count:]]

    def _kernel(self, layer, kernel):
        if self.is_old:
            kernel = _old_kernel(layer, kernel)
        if self.is_mirrored and kernel.ndim > 2:
            kernel = kernel[(slice(None, None, -1),) * (kernel.ndim - 2)]
        return kernel

    def _of_network(self, network, arrays):
        """A nested model's arrays: the trainable ones of all layers in order, then the others."""
        taken = {}
        for get in (lambda layer: layer.trainable_weights, lambda layer: layer.non_trainable_weights):
            for layer in network.layers:
                count = self._count(layer, get(layer), arrays)
                taken.setdefault(id(layer), []).append(arrays[:count])
                arrays = arrays[count:]
        first, last = [], []
        for layer in network.layers:
            trainable, others = taken[id(layer)]
            converted = self(layer, [*trainable, *others])
            split = len(layer.trainable_weights)
            first += converted[:split]
            last += converted[split:]
        return [*first, *last, *arrays]

    def _count(self, layer, variables, arrays):
        """Return how many of the next arrays are for some variables of a layer."""
        if variables and self.is_old and _is(layer, *_GATES):
            name = next(name for name in _GATES if _is(layer, name))
            return 3 * len(_GATES[name])
        return len(variables)


def _joined(layer, arrays):
    """Return the weights of a recurrent layer, kept gate by gate, as one array for all gates."""
    for name, order in _GATES.items():
        if _is(layer, name) and len(arrays) == 3 * len(order):
            if name == "ConvLSTM2D" and layer.data_format == "channels_first":
                arrays = [array.transpose(2, 3, 1, 0) if array.ndim == 4 else array for array in arrays]
            return [np.concatenate([arrays[3 * gate + part] for gate in order], axis=-1) for part in range(3)]
    return arrays


def _old_kernel(layer, kernel):
    if _is(layer, "Conv1D"):
        if kernel.ndim != 4:
            return kernel
        if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)  # before 1.1: (filters, channels, length, 1)
        return kernel[:, 0] if kernel.shape[1] == 1 else kernel
    if _is(layer, "ConvLSTM2D"):
        return kernel
    if _is(layer, "Conv2DTranspose"):
        order = (2, 3, 0, 1) if layer.data_format == "channels_first" else (0, 1, 3, 2)
        return kernel.transpose(order) if kernel.ndim == 4 else kernel
    if layer.data_format == "channels_first" and kernel.ndim > 3:
        return kernel.transpose(*range(2, kernel.ndim), 1, 0)
    return kernel
