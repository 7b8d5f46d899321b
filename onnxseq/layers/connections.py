"""Connections: the nodes of a layer's calls and what can be asked about them."""

from onnxseq.layers.node import Node, masks_of, to_list, unpack


class Connections:
    """Holds the nodes in which a layer takes part. The base of Layer, which has the ``name``."""

    @property
    def _who(self):
        return f"{type(self).__name__} {self.name!r}"

    def _forget_connections(self):
        self._inbound_nodes = []
        self._outbound_nodes = []

    def _add_inbound_node(self, inputs, outputs, arguments=None):
        inputs, outputs = to_list(inputs), to_list(outputs)
        origins = [tensor._keras_history for tensor in inputs]
        layers, node_indices, tensor_indices = (list(column) for column in zip(*origins, strict=True))
        Node(self, layers, node_indices, tensor_indices, inputs, outputs, arguments)
        for index, tensor in enumerate(outputs):
            tensor._keras_history = (self, len(self._inbound_nodes) - 1, index)

    @property
    def inbound_nodes(self):
        """The nodes of the calls of this layer."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self):
        """The nodes of the calls of other layers on this one's outputs."""
        return self._outbound_nodes

    def _at_node(self, node_index, attribute, what):
        if not self._inbound_nodes:
            raise RuntimeError(
                f"{self._who}: has never been called and so has no {what}; expected a connected layer. "
                f"Call it on a tensor first."
            )
        if node_index >= len(self._inbound_nodes):
            raise ValueError(
                f"{self._who}: {what} at node {node_index!r} was asked for; expected a node below "
                f"{len(self._inbound_nodes)}, the number of times it was called."
            )
        return unpack(getattr(self._inbound_nodes[node_index], attribute))

    def get_input_at(self, node_index):
        """Return the input tensor (or the list of them) of one call of the layer."""
        return self._at_node(node_index, "input_tensors", "input")

    def get_output_at(self, node_index):
        """Return the output tensor (or the list of them) of one call of the layer."""
        return self._at_node(node_index, "output_tensors", "output")

    def get_input_shape_at(self, node_index):
        """Return the input shape (or the list of them) of one call of the layer."""
        return self._at_node(node_index, "input_shapes", "input shape")

    def get_output_shape_at(self, node_index):
        """Return the output shape (or the list of them) of one call of the layer."""
        return self._at_node(node_index, "output_shapes", "output shape")

    def get_input_mask_at(self, node_index):
        """Return the input mask (or the list of them) of one call of the layer; None where there is none."""
        return masks_of(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index):
        """Return the output mask (or the list of them) of one call of the layer; None where there is none."""
        return masks_of(self.get_output_at(node_index))

    def _at_only_node(self, attribute, what):
        if not self._inbound_nodes:
            raise AttributeError(
                f"{self._who}: has never been called and so has no {what}; expected a connected layer. "
                f"Call it on a tensor first."
            )
        return unpack(getattr(self._inbound_nodes[0], attribute))

    def _at_any_node(self, attribute, what):
        value = self._at_only_node(attribute, what)
        if len({str(getattr(node, attribute)) for node in self._inbound_nodes}) > 1:
            raise AttributeError(
                f"{self._who}: was called {len(self._inbound_nodes)} times with different shapes; expected one "
                f"{what}. Use get_{what.replace(' ', '_')}_at(node_index)."
            )
        return value

    @property
    def input(self):
        """The input tensor, or the list of them, of the layer's first call."""
        return self._at_only_node("input_tensors", "input")

    @property
    def output(self):
        """The output tensor, or the list of them, of the layer's first call."""
        return self._at_only_node("output_tensors", "output")

    @property
    def input_mask(self):
        """The mask, or the list of them, that came with the input; None where there was none."""
        return masks_of(self.input)

    @property
    def output_mask(self):
        """The mask, or the list of them, of the output; None where there is none."""
        return masks_of(self.output)

    @property
    def input_shape(self):
        """The input's shape as a tuple, or the list of them, None standing for free dimensions."""
        return self._at_any_node("input_shapes", "input shape")

    @property
    def output_shape(self):
        """The output's shape as a tuple, or the list of them, None standing for free dimensions."""
        return self._at_any_node("output_shapes", "output shape")
