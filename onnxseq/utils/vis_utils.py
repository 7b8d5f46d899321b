"""Drawing a model."""

import os

from onnxseq.errors import describe, text
from onnxseq.optional import Package

pydot = Package("pydot", "plot", "plot_model")

DIRECTIONS = ("TB", "BT", "LR", "RL")
SOURCES = ("dot", "gv")
"""Suffixes of files that hold the graph itself, for which graphviz is not needed."""


def model_to_dot(model, show_shapes=False, show_layer_names=True, rankdir="TB"):
    """Return the graph of a model's layers as a pydot.Dot.

    Arguments:
        model: The model.
        show_shapes: Whether to show the shapes of inputs and outputs.
        show_layer_names: Whether to show names; else classes alone.
        rankdir: 'TB', 'BT', 'LR' or 'RL': from where to where it runs.

    Raises:
        ImportError: pydot is not installed.
        ValueError: The direction is unknown, or the model has no inputs yet.
    """
    if rankdir not in DIRECTIONS:
        known = ", ".join(map(repr, DIRECTIONS))
        raise ValueError(text("plot_model", f"rankdir is {describe(rankdir)}", f"one of {known}"))
    if not model.inputs:
        raise ValueError(
            text("plot_model", "the model has no inputs yet", "a model with inputs and outputs",
                 "Add layers; give the first an input_shape.")
        )  # fmt: skip
    dot = pydot.Dot(graph_type="digraph", rankdir=rankdir, concentrate="true")
    dot.set_node_defaults(shape="record")
    nodes = [node for _, nodes in sorted(model._nodes_by_depth.items(), reverse=True) for node in nodes]
    names = {}
    for node in nodes:
        layer = node.outbound_layer
        if layer not in names:
            names[layer] = f"layer{len(names)}"
            label = _label(layer, [n for n in nodes if n.outbound_layer is layer], show_shapes, show_layer_names)
            dot.add_node(pydot.Node(names[layer], label=label))
    for node in nodes:
        for inbound in node.inbound_layers:
            dot.add_edge(pydot.Edge(names[inbound], names[node.outbound_layer]))
    return dot


def _label(layer, nodes, show_shapes, show_layer_names):
    inner = getattr(layer, "layer", None)  # what a wrapper wraps
    title = type(layer).__name__ if inner is None else f"{type(layer).__name__}({type(inner).__name__})"
    if show_layer_names:
        title = f"{layer.name}: {title}"
    if not show_shapes:
        return f'"{title}"'
    shapes = [_shapes([shape for node in nodes for shape in getattr(node, ends)]) for ends in
              ("input_shapes", "output_shapes")]  # fmt: skip
    return f'"{title}|{{input:|output:}}|{{{{{shapes[0]}}}|{{{shapes[1]}}}}}"'


def _shapes(shapes):
    return ", ".join(dict.fromkeys(str(shape) for shape in shapes)) or "-"


def plot_model(model, to_file="model.png", show_shapes=False, show_layer_names=True, rankdir="TB"):
    """Draw a model's layers into a file.

    Arguments:
        model: The model.
        to_file: Where to; the suffix says as what: png, svg, pdf, or dot for the graph itself.
        show_shapes, show_layer_names, rankdir: As model_to_dot takes them.

    Raises:
        ImportError: pydot or the program graphviz is not installed.
        ValueError: The direction is unknown, or the model has no inputs yet.
        OSError: The file cannot be written.
    """
    dot = model_to_dot(model, show_shapes, show_layer_names, rankdir)
    suffix = os.path.splitext(to_file)[1].lstrip(".").lower() or "png"
    if suffix in SOURCES:
        content = dot.to_string().encode("utf-8")
    else:
        try:
            content = dot.create(format=suffix)
        except FileNotFoundError as error:
            raise ImportError(
                text("plot_model", "the program 'dot' was not found", "graphviz on the path",
                     "Install graphviz, or write the graph itself: to_file='model.dot'.")
            ) from error  # fmt: skip
    with open(to_file, "wb") as file:
        file.write(content)
