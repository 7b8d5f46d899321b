"""Weights as Keras 3 lays them out: groups named by class and count, arrays by number."""

from onnxseq.errors import text
from onnxseq.layers.base import snake_case
from onnxseq.network import Network
from onnxseq.saving.stored import StoredLayer

_PARTS = ("cell", "cells", "forward_layer", "backward_layer", "layer")


def is_store(group):
    """Tell whether a group is laid out as Keras 3 lays out the weights of a model."""
    return "layers" in group and "layer_names" not in group.attributes()


def pairs(who, group, network):
    """Return each layer of a network that has weights, with what a group of Keras 3's holds of it.

    Raises:
        ValueError: There is nothing for a layer.
    """
    found, counts = [], {}
    places = group.group("layers")
    for layer in network.layers:
        is_network = isinstance(layer, Network)
        kind = "functional" if is_network and not layer.is_sequential else snake_case(type(layer).__name__)
        number = counts[kind] = counts.get(kind, -1) + 1
        if not layer.weights:
            continue
        name = f"{kind}_{number}" if number else kind
        if name not in places:
            raise ValueError(text(f"{who}: {layer._who}", f"the file holds no {name!r}", "the weights of the layer",
                                  "Load into the model that was saved."))
        place = places.group(name)
        if is_network:
            found += pairs(who, place, layer)
        else:
            found.append((layer, StoredLayer(name, _arrays(place))))
    return found


def _arrays(group):
    found = numbered(group.group("vars")) if "vars" in group else []
    for part in _PARTS:
        if part in group:
            found += _arrays(group.group(part))
    return found


def numbered(group):
    """Return the arrays of a group that are named by their numbers, in order."""
    return [group.array(str(number)) for number in range(len(group.names()))]


def size(group):
    """Return how many bytes the arrays below a group take.

    Raises:
        OSError: They are more than the file holds, or without end.
    """
    return group.size()
