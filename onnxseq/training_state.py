"""Models copied and pickled: layers, weights, compile's arguments and the optimizer's state all survive.

A pickle refers to classes and functions of the user's own by import, as pickles do; those of this library are named
and looked up in the registry.
"""

import copy

import numpy as np

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.network import Network

KINDS = tuple(registry.KINDS)


def capture(model):
    """Return all that makes up a model, in objects that pickle."""
    return {
        "class": type(model),
        "config": model.get_config(),
        "custom_objects": _custom_objects(model),
        "layers": _capture_layers(model),
        "weights": model.get_weights(),
        "training": _capture_training(model),
    }


def restore(state):
    """Return the model that `capture` took down."""
    model = state["class"].from_config(state["config"], custom_objects=state["custom_objects"])
    model.set_weights(state["weights"])
    _restore_training(model, state["training"], state["layers"])
    return model


def copy_model(model, memo):
    """Return an independent copy of a model, with layers copied rather than made anew from their configurations."""
    twin = model._copy_layers(memo)
    _restore_training(twin, copy.deepcopy(_capture_training(model), memo), _capture_layers(model))
    return twin


def _all_layers(network):
    """The network itself and all layers below it, in an order that a copy has too."""
    found = [network]
    for layer in network.layers:
        found.extend(_all_layers(layer) if isinstance(layer, Network) else [layer])
    return found


def _capture_layers(model):
    """What configurations of models leave out: the names of stacks, and what is frozen."""
    return [(layer.name, layer.trainable) for layer in _all_layers(model)]


def _capture_training(model):
    if model.objective is None:
        return None
    optimizer = model.optimizer
    places = {id(weight): place for place, weight in enumerate(_weights(model))}
    return {
        "arguments": model._compiled_with,
        "optimizer": (type(optimizer), optimizer.get_config()),
        "steps": K.get_value(optimizer.iterations) if hasattr(optimizer, "iterations") else None,
        "state": optimizer.get_weights(),
        "trainable_weights": [places[id(weight)] for weight in model._functions.trainable_weights],
    }


def _restore_training(model, training, captured_layers):
    layers = list(zip(_all_layers(model), captured_layers, strict=True))
    for layer, (name, _) in layers:
        layer._name = name
    if training is not None:
        optimizer_class, config = training["optimizer"]
        model.compile(optimizer_class.from_config(config), **training["arguments"])
        weights = _weights(model)
        model._functions.trainable_weights = [weights[place] for place in training["trainable_weights"]]
    # Set after compile: what was frozen after it is frozen from the next compile on.
    for layer, (_, trainable) in layers:
        layer.trainable = trainable
    if training is not None and training["state"]:
        model._make_train_function()
        model.optimizer.set_weights(training["state"])
    if training is not None and training["steps"] is not None:
        K.set_value(model.optimizer.iterations, training["steps"])


def _weights(model):
    return [weight for layer in model.layers for weight in layer.weights]


def _custom_objects(model):
    """The user's own classes and functions that the configuration of a model names, by name."""
    found = {}
    for layer in _all_layers(model):
        for value in (layer, *vars(layer).values()):
            thing = value if callable(value) and hasattr(value, "__name__") else type(value)
            if not (hasattr(thing, "get_config") or callable(value)) or isinstance(value, np.ndarray):
                continue
            name = thing.__name__
            if any(registry.table(kind).get(name) is thing for kind in KINDS):
                continue
            if thing.__module__.startswith("onnxseq.") or thing.__module__ == "builtins":
                continue
            if found.setdefault(name, thing) is not thing:
                raise ValueError(
                    text(
                        f"{type(model).__name__} {model.name!r}",
                        f"{describe(thing)} and {describe(found[name])} are both named {name!r}",
                        "names of their own, which pickles need",
                    )
                )
    return found
