"""Kernels of convolutions as older versions and other backends laid them out."""

from onnxseq.layers import Conv1D, Conv2D
from onnxseq.network import Network

_SAME_LAYOUT = (None, "tensorflow", "cntk", "jax", "torch")


class _Converter:
    """Turns the arrays of one layer of a file into those of ours.

    Keras 1 kept the kernels of Conv1D as those of images of height 1, and with ``channels_first`` all kernels as
    (filters, channels, rows, columns). Theano computes true convolutions, so that its kernels are mirrored.
    """

    def __init__(self, is_old, is_mirrored):
        self.is_old = is_old
        self.is_mirrored = is_mirrored

    def applies(self, layer):
        """Tell whether a layer's arrays may have to be changed."""
        if isinstance(layer, Network):
            return any(self.applies(inner) for inner in layer.layers)
        return isinstance(layer, (Conv1D, Conv2D))

    def __call__(self, layer, arrays):
        """Return the arrays as our layer has them; those that fit nothing are returned as they are."""
        if isinstance(layer, Network):
            return self._of_network(layer, arrays)
        if not isinstance(layer, (Conv1D, Conv2D)) or not arrays:
            return arrays
        kernel, *rest = arrays
        if self.is_old:
            kernel = _old_kernel(layer, kernel)
        if self.is_mirrored:
            sizes = slice(None, None, -1)
            kernel = kernel[(sizes,) * len(layer.kernel_size)]
        return [kernel, *rest]

    def _of_network(self, network, arrays):
        """A nested model's arrays: the trainable ones of all layers in order, then the others."""
        taken = {}
        for get in (lambda layer: layer.trainable_weights, lambda layer: layer.non_trainable_weights):
            for layer in network.layers:
                count = len(get(layer))
                taken.setdefault(id(layer), []).extend(arrays[:count])
                arrays = arrays[count:]
        converted = {id(layer): self(layer, taken[id(layer)]) for layer in network.layers}
        first = [a for layer in network.layers for a in converted[id(layer)][: len(layer.trainable_weights)]]
        last = [a for layer in network.layers for a in converted[id(layer)][len(layer.trainable_weights) :]]
        return [*first, *last, *arrays]


def _old_kernel(layer, kernel):
    if isinstance(layer, Conv1D):
        if kernel.ndim != 4:
            return kernel
        if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)  # before 1.1: (filters, channels, length, 1)
        return kernel[:, 0] if kernel.shape[1] == 1 else kernel
    if kernel.ndim == 4 and layer.data_format == "channels_first":
        return kernel.transpose(2, 3, 1, 0)
    return kernel


def converter(version, backend):
    """Return what turns arrays of a version and a backend into ours, or None where nothing is to be done."""
    is_old, is_mirrored = version.startswith("1"), backend not in _SAME_LAYOUT
    return _Converter(is_old, is_mirrored) if is_old or is_mirrored else None
