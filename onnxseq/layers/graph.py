"""What lies between tensors: the layers and nodes that lead from inputs to outputs, in order."""

from onnxseq.layers.node import unique


class LayerGraph:
    """Finds the nodes and layers between tensors.

    The depth of either is its greatest distance from an output, so that from the deepest down every tensor is met
    before its use.

    Arguments:
        who: how messages name the network.
        inputs: tensors where the walk back must end.
        outputs: tensors where it starts.

    Attributes:
        nodes: every node after those which it takes its inputs from.
        layers: the layers, the deepest first and as they were met within a depth.
        nodes_by_depth, layers_by_depth: lists by depth.

    Raises:
        ValueError: for a cycle, a tensor that does not follow from the inputs, or two layers of one name.
    """

    def __init__(self, who, inputs, outputs):
        self.who = who
        self.nodes = []
        self._layer_order = {}
        for tensor in outputs:
            layer, node_index, _ = tensor._keras_history
            self._visit(layer._inbound_nodes[node_index])
        self._find_depths()
        self._check_names()
        self._check_connected(inputs)

    def _visit(self, start):
        # An explicit stack: networks may be deeper than Python recurses.
        done, open_nodes, stack = set(self.nodes), set(), [start]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            if node in open_nodes:
                stack.pop()
                open_nodes.discard(node)
                done.add(node)
                self.nodes.append(node)
                continue
            open_nodes.add(node)
            self._layer_order.setdefault(node.outbound_layer, len(self._layer_order))
            sources = _sources(node)
            if any(source in open_nodes for source in sources):
                raise ValueError(
                    f"{self.who}: layer {node.outbound_layer.name!r} is part of a cycle; expected a graph without. "
                    f"Let no output of a layer lead back to its input."
                )
            stack.extend(reversed(sources))

    def _find_depths(self):
        node_depths, layer_depths = {}, {}
        for node in reversed(self.nodes):
            layer = node.outbound_layer
            depth = max(node_depths.get(node, 0), layer_depths.get(layer, 0))
            node_depths[node] = layer_depths[layer] = depth
            for source in _sources(node):
                node_depths[source] = max(depth + 1, node_depths.get(source, 0))
        self.nodes_by_depth = _by_value(node_depths)
        self.layers_by_depth = _by_value(layer_depths)
        for layers in self.layers_by_depth.values():
            layers.sort(key=self._layer_order.__getitem__)
        self.layers = [layer for _, layers in sorted(self.layers_by_depth.items(), reverse=True) for layer in layers]

    def _check_names(self):
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"{self.who}: {names.count(name)} layers are named {name!r}; expected names of their own. "
                    f"Give each its name=."
                )

    def _check_connected(self, inputs):
        computable = set(inputs)
        for _, nodes in sorted(self.nodes_by_depth.items(), reverse=True):
            for node in nodes:
                for tensor in node.input_tensors:
                    if tensor not in computable:
                        raise ValueError(
                            f"{self.who}: tensor {tensor!r}, an input of layer {node.outbound_layer.name!r}, does not "
                            f"follow from the inputs {inputs}; expected a connected graph. "
                            f"Add the Input() that it comes from to the inputs."
                        )
                computable.update(node.output_tensors)


def get_source_inputs(tensor):
    """Return the input tensors that a tensor of a layer was computed from, in the order in which they are met."""
    if not hasattr(tensor, "_keras_history"):
        return [tensor]
    layer, node_index, _ = tensor._keras_history
    pending, seen, found = [layer._inbound_nodes[node_index]], set(), []
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        if not node.inbound_layers:
            found.extend(node.input_tensors)
        pending.extend(reversed(_sources(node)))
    return unique(found)


def _sources(node):
    return [
        layer._inbound_nodes[node_index]
        for layer, node_index in zip(node.inbound_layers, node.node_indices, strict=True)
    ]


def _by_value(depths):
    found = {}
    for key, depth in depths.items():
        found.setdefault(depth, []).append(key)
    return found
