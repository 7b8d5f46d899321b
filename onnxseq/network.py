"""Network: a graph of layers used as one layer. No training here."""

import copy
import json
import warnings

from onnxseq import backend as K
from onnxseq import config as configuration
from onnxseq.errors import place
from onnxseq.layers.base import Layer, Node, has_argument, to_list
from onnxseq.layers.graph import LayerGraph
from onnxseq.layers.node import masks_of, unique, unpack
from onnxseq.layers.spec import check_inputs
from onnxseq.layers.weights import assign_weights


class Network(Layer):
    """A graph of layers, from input tensors to output tensors, which is itself a layer.

    Arguments:
        inputs: the input tensor, made by Input(), or a list of them.
        outputs: the output tensor, or a list of them.
        name: the network's name.

    Raises:
        ValueError: where an output does not follow from the inputs, a tensor comes from no layer, an input
            is listed twice, or two layers have one name.
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        self._scope, self._dtype = self.name, None
        self._set_graph(inputs, outputs)

    def _set_graph(self, inputs, outputs):
        """Become the graph between these tensors."""
        self.inputs, self.outputs = to_list(inputs), to_list(outputs)
        self._check_ends()
        self._input_coordinates = [tensor._keras_history for tensor in self.inputs]
        self._output_coordinates = [tensor._keras_history for tensor in self.outputs]
        self._input_layers = [layer for layer, _, _ in self._input_coordinates]
        self._output_layers = [layer for layer, _, _ in self._output_coordinates]
        graph = LayerGraph(self._who, self.inputs, self.outputs)
        self.layers = graph.layers
        self._nodes_by_depth = graph.nodes_by_depth
        self._layers_by_depth = graph.layers_by_depth
        self._network_nodes = set(graph.nodes)
        self._replays = {}  # (inputs, masks) -> (outputs, masks): the tensors of the key stay alive with it
        self._name_ends()
        self._forget_calls()
        self.built = True
        Node(self, [], [], [], self.inputs, self.outputs)

    def _check_ends(self):
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError(
                f"{self._who}: the inputs are {self.inputs}; expected every tensor once. Drop the repeated one."
            )
        for what, tensors in (("input", self.inputs), ("output", self.outputs)):
            for tensor in tensors:
                if not hasattr(tensor, "_keras_history"):
                    raise ValueError(
                        f"{self._who}: {what} {tensor!r} comes from no layer; expected "
                        f"{'a tensor made by Input()' if what == 'input' else 'the output of a layer'}. "
                        f"{'Make it by Input(tensor=…).' if what == 'input' else 'Wrap the computation in Lambda().'}"
                    )

    def _name_ends(self):
        self.input_names = [layer.name for layer in self._input_layers]
        self.output_names = [layer.name for layer in self._output_layers]
        fed = [
            (layer.name, tensor) for layer, tensor in zip(self._input_layers, self.inputs, strict=True)
            if getattr(layer, "is_placeholder", False)
        ]  # fmt: skip
        self._feed_input_names = [name for name, _ in fed]
        self._feed_inputs = [tensor for _, tensor in fed]
        self._feed_input_shapes = [tuple(K.int_shape(tensor)) for _, tensor in fed]
        self.internal_input_shapes = [tuple(K.int_shape(tensor)) for tensor in self.inputs]
        self.internal_output_shapes = [tuple(K.int_shape(tensor)) for tensor in self.outputs]

    # Layers and what they hold.

    def get_layer(self, name=None, index=None):
        """Return a layer by its name or by its index among the layers; the index counts where both are given.

        Raises:
            ValueError: where there is none.
        """
        if index is not None:
            if index >= len(self.layers):
                raise ValueError(
                    f"{self._who}: layer {index!r} was asked for; expected an index below {len(self.layers)}, the "
                    f"number of layers. See summary()."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"{self._who}: layer {name!r} was asked for; expected a name or an index of one of its layers: "
            f"{', '.join(layer.name for layer in self.layers)}. Check the name."
        )

    @property
    def trainable_weights(self):
        """The variables which training changes; none while the network is not trainable."""
        return unique(w for layer in self.layers for w in layer.trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The variables which training leaves alone or which layers update themselves."""
        frozen = [] if self.trainable else [w for layer in self.layers for w in layer.trainable_weights]
        return unique([*frozen, *(w for layer in self.layers for w in layer.non_trainable_weights)])

    def get_weights(self):
        """Return the values of the weights, layer by layer, a list of arrays."""
        return K.batch_get_value([weight for layer in self.layers for weight in layer.weights])

    def set_weights(self, weights):
        """Set the values of the weights, in the order of ``get_weights``.

        Raises:
            ValueError: where their number or a shape differs; nothing is changed then.
        """
        assign_weights(self._who, [weight for layer in self.layers for weight in layer.weights], weights)

    @property
    def losses(self):
        """The loss tensors that the layers add in this graph, weight regularization included."""
        return unique([*self._of_layers(lambda layer, inputs: layer.get_losses_for(inputs)), *self._losses.get(None)])

    @property
    def updates(self):
        """The updates that the layers make in this graph at each training step."""
        return unique([*self._of_layers(lambda layer, inputs: layer.get_updates_for(inputs)), *self._updates.get(None)])

    def _of_layers(self, get):
        for layer in self.layers:
            for node in layer._inbound_nodes:
                if node in self._network_nodes:
                    yield from get(layer, node.input_tensors)
            yield from get(layer, None)

    def get_losses_for(self, inputs):
        """Return the losses added for these inputs; those that depend on none for None."""
        own = self._losses.get(inputs)
        if inputs is None:
            return unique([*(loss for layer in self.layers for loss in layer.get_losses_for(None)), *own])
        return own

    def get_updates_for(self, inputs):
        """Return the updates added for these inputs; those that depend on none for None."""
        own = self._updates.get(inputs)
        if inputs is None:
            return unique([*(update for layer in self.layers for update in layer.get_updates_for(None)), *own])
        return own

    @property
    def uses_learning_phase(self):
        """Whether an output differs between training and testing."""
        return any(getattr(tensor, "_uses_learning_phase", False) for tensor in self.outputs)

    @property
    def stateful(self):
        """Whether a layer carries state from batch to batch."""
        return any(getattr(layer, "stateful", False) for layer in self.layers)

    @property
    def state_updates(self):
        """The updates of stateful layers, which testing and predicting make too."""
        return [update for layer in self.layers if getattr(layer, "stateful", False) for update in layer.updates]

    def reset_states(self):
        """Set the states of stateful layers to zeros."""
        for layer in self.layers:
            if hasattr(layer, "reset_states") and getattr(layer, "stateful", False):
                layer.reset_states()

    @property
    def input_spec(self):
        """What the input layers accept: one spec, or the list of them."""
        return unpack([None if not layer.input_spec else to_list(layer.input_spec)[0] for layer in self._input_layers])

    @input_spec.setter
    def input_spec(self, spec):
        # Layer's __init__ sets None; a network has no spec but that of its input layers.
        if spec is not None:
            raise AttributeError(f"{self._who}: input_spec cannot be set. It follows from the input layers.")

    # Replay on other tensors.

    def call(self, inputs, mask=None):
        """Return the outputs for other inputs: every layer of the graph is called anew."""
        return self._replay(inputs, mask)[0]

    def compute_mask(self, inputs, mask=None):
        """Return the masks of the outputs for other inputs."""
        return self._replay(inputs, mask)[1]

    def _replay(self, inputs, mask):
        inputs = to_list(inputs)
        masks = [None] * len(inputs) if mask is None else to_list(mask)
        if len(inputs) != len(self.inputs):
            raise ValueError(
                f"{self._who}: {len(inputs)} input tensors arrived; expected {len(self.inputs)}. "
                f"Pass one for each of {', '.join(self.input_names)}."
            )
        if inputs == self.inputs and masks == to_list(masks_of(self.inputs)):
            # These are recorded already: calling the layers anew would add their losses and updates once more.
            return unpack(self.outputs), masks_of(self.outputs)
        key = (tuple(inputs), tuple(masks))
        if key not in self._replays:
            self._replays[key] = self._record_replay(inputs, masks)
        return self._replays[key]

    def _record_replay(self, inputs, masks):
        known = {tensor: pair for tensor, pair in zip(self.inputs, zip(inputs, masks, strict=True), strict=True)}
        for _, nodes in sorted(self._nodes_by_depth.items(), reverse=True):
            for node in nodes:
                if node.inbound_layers and all(tensor in known for tensor in node.input_tensors):
                    arrived = [known[tensor] for tensor in node.input_tensors]
                    tensors = [tensor for tensor, _ in arrived]
                    outputs, output_masks = self._replay_node(node, tensors, [mask for _, mask in arrived])
                    self._updates.add(node.outbound_layer.get_updates_for(tensors), inputs)
                    self._losses.add(node.outbound_layer.get_losses_for(tensors), inputs)
                    known.update(zip(node.output_tensors, zip(outputs, output_masks, strict=True), strict=True))
        pairs = [known[tensor] for tensor in self.outputs]
        return unpack([tensor for tensor, _ in pairs]), unpack([mask for _, mask in pairs])

    @staticmethod
    def _replay_node(node, tensors, masks):
        layer, arguments = node.outbound_layer, dict(node.arguments or {})
        check_inputs(layer._who, layer.input_spec, tensors)
        if "mask" not in arguments and any(mask is not None for mask in masks) and has_argument(layer.call, "mask"):
            arguments["mask"] = unpack(masks)
        with K.node_scope(layer.name), place(layer._who):
            outputs = to_list(layer.call(unpack(tensors), **arguments))
            layer._regularize_activity(outputs, tensors)
            output_masks = layer.compute_mask(unpack(tensors), unpack(masks))
        return outputs, [None] * len(outputs) if output_masks is None else to_list(output_masks)

    def _compute_output_shape(self, input_shape):
        """Return the shape (or the list of them) of the outputs for inputs of a shape (or a list of them)."""
        shapes = list(input_shape) if isinstance(input_shape, list) else [input_shape]
        if len(shapes) != len(self.inputs):
            raise ValueError(
                f"{self._who}: input_shape {input_shape!r} holds {len(shapes)} shapes; expected {len(self.inputs)}, "
                f"one for each input. Pass a list of them."
            )
        known = {tensor: tuple(shape) for tensor, shape in zip(self.inputs, shapes, strict=True)}
        for _, nodes in sorted(self._nodes_by_depth.items(), reverse=True):
            for node in nodes:
                if node.inbound_layers:
                    shape = unpack([known[tensor] for tensor in node.input_tensors])
                    found = node.outbound_layer._compute_output_shape(shape)
                    known.update(zip(node.output_tensors, found if isinstance(found, list) else [found], strict=True))
        return unpack([tuple(known[tensor]) for tensor in self.outputs])

    # Configuration.

    def get_config(self):
        """Return the layers' configs and how the layers are connected, without weights."""
        nodes, inputs, outputs = self._connections(_written_arguments)
        layers = [
            {
                "name": layer.name, "class_name": type(layer).__name__, "config": layer.get_config(),
                "inbound_nodes": nodes[layer.name],
            }
            for layer in self.layers
        ]  # fmt: skip
        return copy.deepcopy({"name": self.name, "layers": layers, "input_layers": inputs, "output_layers": outputs})

    def _connections(self, arguments_of):
        """Return each layer's inbound nodes by its name, the inputs and the outputs, all as a config has them."""
        index_of = self._kept_node_indices()
        nodes = {
            layer.name: [
                _node_config(node, index_of, arguments_of(node))
                for node in layer._inbound_nodes
                if node in self._network_nodes and node.inbound_layers
            ]
            for layer in self.layers
        }
        inputs = [_coordinates(origin, index_of) for origin in self._input_coordinates]
        return nodes, inputs, [_coordinates(origin, index_of) for origin in self._output_coordinates]

    def _kept_node_indices(self):
        """Return, for each node of the graph, the index that it has once only the graph's nodes are kept."""
        indices = {}
        for layer in self.layers:
            first = 1 if isinstance(layer, Network) else 0  # a network's node 0 is its own graph
            kept = [node for node in layer._inbound_nodes if node in self._network_nodes]
            indices.update((node, first + index) for index, node in enumerate(kept))
        return indices

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a network made from what ``get_config`` returned.

        Arguments:
            config: the dictionary.
            custom_objects: classes and functions of the caller's own by name.

        Raises:
            ValueError: where the config names an unknown layer, or its connections cannot be followed.
        """
        layers = {
            data["name"]: configuration.deserialize(
                "layer", {"class_name": data["class_name"], "config": data["config"]}, custom_objects=custom_objects
            )
            for data in config["layers"]
        }
        nodes = {data["name"]: data["inbound_nodes"] for data in config["layers"]}
        return cls._connected(layers, nodes, config["input_layers"], config["output_layers"], config.get("name"))

    @classmethod
    def _connected(cls, layers, nodes, input_coordinates, output_coordinates, name):
        """Return a network of layers, by name, that are called as the nodes of a config say."""
        waiting = {name: list(calls) for name, calls in nodes.items()}
        while any(waiting.values()):
            progressed = False
            for layer_name, calls in waiting.items():
                # A layer's calls are made in order, so that each gets the index that others name it by.
                while calls and _connect(layers, layer_name, calls[0]):
                    calls.pop(0)
                    progressed = True
            if not progressed:
                stuck = ", ".join(layer_name for layer_name, calls in waiting.items() if calls)
                raise ValueError(
                    f"{cls.__name__}.from_config: the inputs of {stuck} are never made; expected every inbound "
                    f"node to name a layer of the config. Check 'inbound_nodes'."
                )
        inputs = [_tensor_at(cls, layers, *coordinates) for coordinates in input_coordinates]
        outputs = [_tensor_at(cls, layers, *coordinates) for coordinates in output_coordinates]
        return cls(inputs=inputs, outputs=outputs, name=name)

    def __deepcopy__(self, memo):
        """Return a network of copies of the layers, with weights of their own of equal values, connected alike."""
        layers = {layer.name: copy.deepcopy(layer, memo) for layer in self.layers}
        connections = self._connections(lambda node: node.arguments or {})
        twin = memo[id(self)] = type(self)._connected(layers, *connections, self.name)
        twin.trainable = self.trainable
        return twin


def _node_config(node, index_of, arguments):
    origins = zip(node.inbound_layers, node.node_indices, node.tensor_indices, strict=True)
    return [[*_coordinates(origin, index_of), arguments] for origin in origins]


def _written_arguments(node):
    arguments = node.arguments or {}
    try:
        json.dumps(arguments)
    except TypeError:
        warnings.warn(
            f"{node.outbound_layer._who}: was called with arguments {arguments!r}, which JSON cannot hold. "
            f"The config leaves them out.",
            stacklevel=4,
        )
        return {}
    return arguments


def _coordinates(origin, index_of):
    layer, node_index, tensor_index = origin
    return [layer.name, index_of.get(layer._inbound_nodes[node_index], 0), tensor_index]


def _connect(layers, name, node_data):
    """Call a layer as a node of a config says; False where an input has not been made yet."""
    tensors, arguments = [], {}
    for inbound_name, node_index, tensor_index, *rest in node_data:
        arguments = rest[0] if rest else {}
        if inbound_name not in layers or node_index >= len(layers[inbound_name]._inbound_nodes):
            return False
        tensors.append(layers[inbound_name]._inbound_nodes[node_index].output_tensors[tensor_index])
    if tensors:
        layers[name](unpack(tensors), **arguments)
    return True


def _tensor_at(cls, layers, name, node_index, tensor_index):
    if name not in layers or node_index >= len(layers[name]._inbound_nodes):
        raise ValueError(
            f"{cls.__name__}.from_config: node {node_index!r} of layer {name!r} is an end of the graph but is not in "
            f"it; expected a layer of the config. Check 'input_layers' and 'output_layers'."
        )
    return layers[name]._inbound_nodes[node_index].output_tensors[tensor_index]
