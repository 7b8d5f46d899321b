"""Where tensors of layers come from: nodes, masks, and what layers attach to particular inputs."""

from onnxseq import backend as K


def to_list(value):
    """Return a list or tuple as a list, and anything else as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [value]


def unpack(values):
    """Return the one element of a list of one, and any other list as it is."""
    return values[0] if len(values) == 1 else values


def unique(values):
    """Return values without those that are there already, the first kept."""
    return list({id(value): value for value in values}.values())


def masks_of(inputs):
    """Return the mask of a tensor, or the list of masks of a list, as the layers before left them."""
    return unpack([getattr(tensor, "_keras_mask", None) for tensor in to_list(inputs)])


def has_history(tensors):
    """Tell whether every tensor comes from a layer."""
    return all(hasattr(tensor, "_keras_history") for tensor in tensors)


class Node:
    """One call of a layer: which tensors of which layers went in, and which came out.

    A node is appended to the inbound nodes of the layer that was called and to the outbound nodes of the
    layers that its inputs come from. The layer, the index of its node and the index within the node's
    outputs are a tensor's history (``tensor._keras_history``).

    Arguments:
        outbound_layer: the layer that was called.
        inbound_layers: for each input, the layer that it comes from.
        node_indices: for each input, the index of the node of that layer.
        tensor_indices: for each input, its index among that node's outputs.
        input_tensors: the inputs.
        output_tensors: the outputs.
        arguments: keyword arguments of the call, None where there were none.
    """

    def __init__(
        self, outbound_layer, inbound_layers, node_indices, tensor_indices, input_tensors, output_tensors,
        arguments=None,
    ):
        if isinstance(outbound_layer, list):
            raise ValueError(
                f"Node: a list of {len(outbound_layer)} arrived as outbound_layer; expected one layer. Pass the layer."
            )
        self.outbound_layer = outbound_layer
        self.inbound_layers = inbound_layers
        self.node_indices = node_indices
        self.tensor_indices = tensor_indices
        self.input_tensors = input_tensors
        self.output_tensors = output_tensors
        self.input_shapes = [tuple(K.int_shape(tensor)) for tensor in input_tensors]
        self.output_shapes = [tuple(K.int_shape(tensor)) for tensor in output_tensors]
        self.arguments = arguments
        for layer in inbound_layers:
            if layer is not None:
                layer._outbound_nodes.append(self)
        outbound_layer._inbound_nodes.append(self)

    def get_config(self):
        """Return the node's coordinates with layers by name."""
        return {
            "outbound_layer": self.outbound_layer.name,
            "inbound_layers": [layer.name if layer else None for layer in self.inbound_layers],
            "node_indices": self.node_indices,
            "tensor_indices": self.tensor_indices,
        }


class Attachments:
    """Losses or updates that a layer made, each with the inputs it depends on.

    Inputs are compared by identity, and kept, so that a new tensor is never mistaken for an old one.
    """

    def __init__(self):
        self._entries = []

    def add(self, items, inputs=None):
        """Attach items to inputs; None or an empty list attaches them to none in particular."""
        self._entries.extend((self._key(inputs), item) for item in items)

    def all(self):
        """Return every item, in the order in which they were added."""
        return [item for _, item in self._entries]

    def get(self, inputs=None):
        """Return the items attached to just these inputs."""
        wanted = self._key(inputs)
        return [item for key, item in self._entries if key == wanted]

    @staticmethod
    def _key(inputs):
        # Tensors compare by identity, and the key keeps them alive.
        return tuple(to_list(inputs)) if inputs is not None and to_list(inputs) else None
