"""Printing a model as a table; kernels of convolutions turned around."""

import numpy as np

from onnxseq import backend as K
from onnxseq.layers import Conv1D, Conv2D, Conv2DTranspose, Conv3D

SEQUENTIAL_WIDTH, GRAPH_WIDTH = 65, 100
SEQUENTIAL_STOPS, GRAPH_STOPS = (0.45, 0.85, 1.0), (0.33, 0.55, 0.67, 1.0)
SEQUENTIAL_TITLES = ("Layer (type)", "Output Shape", "Param #")
GRAPH_TITLES = (*SEQUENTIAL_TITLES, "Connected to")


def print_summary(model, line_length=None, positions=None, print_fn=None):
    """Print a model's layers, their output shapes, their numbers of parameters and, off a straight line, their inputs.

    Arguments:
        model: The model.
        line_length: Width in characters; 65, or 100 where the layers form no straight line.
        positions: Where the columns end, in characters, or as shares of the width where the last is at most 1.
        print_fn: Takes each line in place of `print`.
    """
    print_fn = print if print_fn is None else print_fn
    straight = is_straight(model)
    width = line_length or (SEQUENTIAL_WIDTH if straight else GRAPH_WIDTH)
    stops = list(positions or (SEQUENTIAL_STOPS if straight else GRAPH_STOPS))
    if stops[-1] <= 1:
        stops = [int(width * stop) for stop in stops]

    print_fn("_" * width)
    print_fn(_row(SEQUENTIAL_TITLES if straight else GRAPH_TITLES, stops))
    print_fn("=" * width)
    layers = model.layers
    for position, layer in enumerate(layers, start=1):
        fields = [f"{layer.name} ({type(layer).__name__})", _output_shape(layer), layer.count_params()]
        origins = [] if straight else _origins(model, layer)
        print_fn(_row(fields if straight else [*fields, origins[0] if origins else ""], stops))
        for origin in origins[1:]:
            print_fn(_row(["", "", "", origin], stops))
        print_fn(("=" if position == len(layers) else "_") * width)
    trainable = count_params(model.trainable_weights)
    frozen = count_params(model.non_trainable_weights)
    print_fn(f"Total params: {trainable + frozen:,}")
    print_fn(f"Trainable params: {trainable:,}")
    print_fn(f"Non-trainable params: {frozen:,}")
    print_fn("_" * width)


def count_params(weights):
    """Number of scalars in weights, each weight counted once."""
    return sum(int(K.count_params(weight)) for weight in dict.fromkeys(weights))


def is_straight(model):
    """Whether the layers form one line, each fed by the one before."""
    if model.is_sequential:
        return True
    return all(len(nodes) == 1 and len(nodes[0].inbound_layers) <= 1 for nodes in model._nodes_by_depth.values())


def _row(fields, stops):
    line = ""
    for i, (field, stop) in enumerate(zip(fields, stops, strict=False)):
        # A column is cut off one short of the next, so that a blank parts them.
        line = (f"{line[:-1]} " if i else "") + str(field)
        line = line[:stop].ljust(stop)
    return line


def _output_shape(layer):
    try:
        return layer.output_shape
    except AttributeError:  # the layer is used at several places with different shapes
        return "multiple"


def _origins(model, layer):
    relevant = {id(node) for nodes in model._nodes_by_depth.values() for node in nodes}
    return [
        f"{inbound.name}[{node_index}][{tensor_index}]"
        for node in layer._inbound_nodes
        if id(node) in relevant
        for inbound, node_index, tensor_index in zip(
            node.inbound_layers, node.node_indices, node.tensor_indices, strict=True
        )
    ]


def convert_all_kernels_in_model(model):
    """Turn the kernels of a model's convolutions around in their spatial axes, in place.

    Weights trained on Theano, which convolves, become those that correlate, as here; twice is once each way. Layers
    inside of a nested model or a wrapper are left alone: call it on those.

    Arguments:
        model: The model.
    """
    for layer in model.layers:
        if isinstance(layer, Conv1D | Conv2D | Conv3D | Conv2DTranspose):
            K.set_value(layer.kernel, turned_around(K.get_value(layer.kernel)))


def turned_around(kernel):
    """Return a kernel of shape (sizes…, channels, filters) turned around in its spatial axes."""
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()
