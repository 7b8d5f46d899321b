"""Recurrent layers of CuDNN in files of Keras 2 and tf.keras 1: the equations of ours, laid out as CuDNN takes them.

Each gate's kernel lies there as CuDNN multiplies by it, transposed: in memory the kernel of one gate, (n, units), is a
matrix of (units, n). A gate has two biases, one beside each kernel: an LSTM sums them, a GRU keeps both.
"""

import warnings

import numpy as np

from onnxseq import activations
from onnxseq import backend as K
from onnxseq.layers import GRU, LSTM, Bidirectional, Wrapper
from onnxseq.network import Network

_CLASSES = {
    "CuDNNLSTM": ("LSTM", {"recurrent_activation": "sigmoid"}),
    "CuDNNGRU": ("GRU", {"recurrent_activation": "sigmoid", "reset_after": True}),
}
_GATES = {LSTM: 4, GRU: 3}


def layer(config):
    """Return the configuration of a layer of CuDNN as that of ours which computes the same; others as they are."""
    if config.get("class_name") not in _CLASSES or not isinstance(config.get("config"), dict):
        return config
    name, arguments = _CLASSES[config["class_name"]]
    return {**config, "class_name": name, "config": {**config["config"], **arguments}}


def shapes(layer, stored):
    """Return the shapes of a layer's stored arrays once `convert` has turned those of CuDNN into ours.

    Arguments:
        layer: A layer, a nested model or a wrapper.
        stored: The shapes in the file, in the order of the layer's weights.
    """
    found = [tuple(shape) for shape in stored]
    for leaf, places in _parts(layer, found):
        for place, variable in zip(places, leaf.weights, strict=True):
            found[place] = tuple(K.int_shape(variable))
    return found


def convert(layer, arrays):
    """Return a layer's arrays with those of CuDNN turned into ours."""
    found = list(arrays)
    for leaf, (kernel, recurrent, bias) in _parts(layer, [array.shape for array in arrays]):
        gates = _GATES[_kind(leaf)]
        rows = found[bias].reshape(2, -1)
        found[kernel] = _transposed(found[kernel], gates)
        found[recurrent] = _transposed(found[recurrent], gates)
        found[bias] = rows if isinstance(leaf, GRU) else rows[0] + rows[1]
    return found


def warn(who, layer, stored):
    """Warn of layers that are given arrays of CuDNN, of these shapes, and compute something else than CuDNN does."""
    for leaf, _ in _parts(layer, stored):
        if leaf.activation is not activations.tanh or leaf.recurrent_activation is not activations.sigmoid:
            warnings.warn(
                f"{who}: {leaf._who}: the file's weights are of CuDNN, which computes activation='tanh' and "
                "recurrent_activation='sigmoid'; this layer computes others: outputs will differ. Make the layer with "
                "these.",
                stacklevel=6,
            )


def _kind(layer):
    return next((kind for kind in _GATES if isinstance(layer, kind)), None)


def _leaves(layer):
    if isinstance(layer, Network):
        for inner in layer.layers:
            yield from _leaves(inner)
    elif isinstance(layer, Bidirectional):
        yield from (layer.forward_layer, layer.backward_layer)
    elif isinstance(layer, Wrapper):
        yield from _leaves(layer.layer)
    else:
        yield layer


def _parts(layer, stored):
    """Return each layer within that the file holds in CuDNN's layout, with the places of its three arrays.

    The bias tells: it has twice the elements of that of an LSTM, and one axis where that of a GRU has two.
    """
    places = {id(variable): place for place, variable in enumerate(layer.weights)}
    found = []
    for leaf in _leaves(layer):
        if _kind(leaf) is None or leaf.bias is None or len(stored) != len(places):
            continue
        own = [places[id(variable)] for variable in leaf.weights]
        *kernels, bias = (tuple(K.int_shape(variable)) for variable in leaf.weights)
        if isinstance(leaf, GRU) and not leaf.reset_after:
            continue  # it has no place for the second bias
        if [tuple(stored[place]) for place in own] == [*kernels, (2 * _GATES[_kind(leaf)] * leaf.units,)]:
            found.append((leaf, own))
    return found


def _transposed(kernel, gates):
    """Return the kernels of all gates, each of them laid out the other way around."""
    parts = np.split(kernel, gates, axis=1)
    return np.concatenate([part.reshape(part.shape[::-1]).T for part in parts], axis=1)
