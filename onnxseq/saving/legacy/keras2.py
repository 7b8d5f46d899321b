"""Configurations of Keras 2.0 to 2.15, tf.keras and Keras 3, turned into those of r1.4, layer by layer.

What a later version says beside is dropped where it means what r1.4 does anyway, and is an error where it does not.
"""

import inspect

from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.base import Layer
from onnxseq.network import Network
from onnxseq.saving.legacy import cudnn

# Arguments that r1.4's layers do not have, with the values that mean what r1.4 does.
NEUTRAL = {
    "ragged": (False, None), "optional": (False, None), "sparse": (False, None), "groups": (1,), "keepdims": (False,),
    "interpolation": ("nearest",), "data_format": ("channels_last", None), "dynamic": (False,),
    "virtual_batch_size": (None,), "adjustment": (None,), "synchronized": (False,), "quantization_config": (None,),
    "lora_rank": (None,), "lora_alpha": (None,), "time_major": (False,), "zero_output_for_mask": (False,),
    "use_cudnn": ("auto", False, None), "input_length": (None,), "noise_shape": (None,), "seed": None,
    "autocast": None, "type_spec": (None,), "input_tensor": (None,), "reset_after": (False,),
}  # fmt: skip

_NETWORKS = {"Functional": "Model", "Model": "Model", "Sequential": "Sequential"}

# The first values that later versions name as classes, as the class of r1.4 that draws them.
_SCALING = {
    "GlorotUniform": ("fan_avg", "uniform", 1.0), "GlorotNormal": ("fan_avg", "normal", 1.0),
    "HeUniform": ("fan_in", "uniform", 2.0), "HeNormal": ("fan_in", "normal", 2.0),
    "LecunUniform": ("fan_in", "uniform", 1.0), "LecunNormal": ("fan_in", "normal", 1.0),
}  # fmt: skip


def model(who, config, custom_objects=None):
    """Return the configuration of a model in r1.4's form.

    Raises:
        ValueError: It says something that r1.4 does not have.
    """
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        return config
    if config.get("class_name") not in _NETWORKS:
        return _layer(who, config, custom_objects)
    inner = config["config"]
    found = {**config, "class_name": _NETWORKS[config["class_name"]]}
    if isinstance(inner, list):
        return {**found, "config": [model(who, layer, custom_objects) for layer in inner]}
    layers = inner.get("layers")
    if not isinstance(layers, list):
        return found
    layers = [model(who, layer, custom_objects) for layer in layers]
    if found["class_name"] == "Sequential":
        return {**found, "config": _stack(layers, inner)}
    networks = {layer.get("name") for layer in layers if isinstance(layer, dict) and _is_network(layer)}
    layers = [_with_nodes(who, layer, networks) for layer in layers]
    return {
        **found,
        "config": {**inner, "layers": layers, "input_layers": _ends(inner.get("input_layers")),
                   "output_layers": _ends(inner.get("output_layers"))},
    }  # fmt: skip


def _is_network(layer):
    thing = registry.lookup("layer", layer["class_name"]) if isinstance(layer.get("class_name"), str) else None
    return isinstance(thing, type) and issubclass(thing, Network)


def _stack(layers, inner):
    """Return the layers of a Sequential; where none says the shape of the input, the Sequential itself may."""
    shape = inner.get("build_input_shape")
    first = layers[0] if layers else None
    if isinstance(shape, list) and isinstance(first, dict) and isinstance(first.get("config"), dict):
        if not {"batch_input_shape", "layers"} & set(first["config"]):
            layers[0] = {**first, "config": {**first["config"], "batch_input_shape": shape}}
    return layers


def _ends(ends):
    if isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str):
        return [ends]  # Keras 3 writes a single one so
    return ends


def _with_nodes(who, layer, networks):
    nodes = layer.get("inbound_nodes") if isinstance(layer, dict) else None
    if not isinstance(nodes, list):
        return layer
    return {**layer, "inbound_nodes": [
        _node(who, layer, node, networks) if isinstance(node, dict) else node for node in nodes
    ]}  # fmt: skip


def _node(who, layer, node, networks):
    """Return a call as Keras 3 writes it, arguments and all, as the list of its inputs."""
    place = f"{who}: layer {layer.get('name')!r}"
    arguments = node.get("args")
    keywords = {key: value for key, value in (node.get("kwargs") or {}).items()
                if value is not None and not (key == "training" and value is False)}
    if not isinstance(arguments, list) or len(arguments) != 1:
        raise ValueError(text(place, f"it is called with {describe(arguments)}", "one input, or one list of them"))
    tensors = arguments[0] if isinstance(arguments[0], list) else arguments
    found = []
    for tensor in tensors:
        history = tensor.get("config", {}).get("keras_history") if isinstance(tensor, dict) else None
        if not isinstance(history, list) or len(history) != 3 or not isinstance(history[1], int):
            raise ValueError(text(place, f"it is called with {describe(tensor)}", "outputs of layers"))
        name, index, output = history
        # Here a nested model's own graph counts as its first call.
        found.append([name, index + (name in networks), output, keywords])
    return found


def _layer(who, config, custom_objects):
    name, arguments = config.get("class_name"), config.get("config")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return config
    if registry.lookup("layer", name, custom_objects) is None:
        config = cudnn.layer(config)
        name, arguments = config["class_name"], config["config"]
    place = f"{who}: layer {arguments.get('name')!r}"
    found = {key: _value(place, key, value, custom_objects) for key, value in arguments.items()}
    thing = registry.lookup("layer", name, custom_objects)
    is_ours = any(thing is entry for entry in registry.entries("layer"))
    if is_ours:
        found = _arguments(place, thing, found)
    return {**config, "config": found}


def _value(place, key, value, custom_objects):
    """Return one argument's value in the older form."""
    if key == "dtype" and isinstance(value, dict):
        value = value.get("config", {}).get("name") if isinstance(value.get("config"), dict) else value
    if key == "dtype" and value is not None and (not isinstance(value, str) or value.startswith("mixed")):
        raise ValueError(text(place, f"dtype is {describe(value)}", "one dtype for everything in the layer"))
    if not isinstance(value, dict):
        return "softmax" if key.endswith("activation") and value == "softmax_v2" else value
    if key in ("layer", "cell") or key.endswith("_layer"):
        return model(place, value, custom_objects)
    if key.endswith("initializer"):
        return _initializer(value)
    if key.endswith("regularizer") and value.get("class_name") in ("L1", "L2", "l1", "l2"):
        return {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.0, **(value.get("config") or {})}}
    return value


def _initializer(value):
    config = value.get("config")
    if isinstance(config, dict):
        value = {**value, "config": {key: item for key, item in config.items()
                                     if key not in ("input_axes", "output_axes") or item is not None}}
    scaling = _SCALING.get(value.get("class_name"))
    if scaling is None:
        config = value.get("config")
        if isinstance(config, dict) and config.get("distribution") == "truncated_normal":
            return {**value, "config": {**config, "distribution": "normal"}}
        return value
    mode, distribution, scale = scaling
    seed = (value.get("config") or {}).get("seed")
    return {"class_name": "VarianceScaling",
            "config": {"scale": scale, "mode": mode, "distribution": distribution, "seed": seed}}


def _arguments(place, thing, found):
    known = _accepted(thing)
    if "batch_shape" in found and "batch_shape" not in known:
        found["batch_input_shape"] = found.pop("batch_shape")
    if isinstance(found.get("axis"), list) and len(found["axis"]) == 1:
        found["axis"] = found["axis"][0]
    backward = found.get("backward_layer")
    if backward is not None and "backward_layer" not in known:
        if _mirrored(found.get("layer")) != _mirrored(backward):
            raise ValueError(text(place, "a backward layer of its own", "one that is the forward layer backwards"))
        del found["backward_layer"]
    for key in list(found):
        if key in known or key not in NEUTRAL:
            continue
        value = found.pop(key)
        if NEUTRAL[key] is not None and not any(value is each or value == each for each in NEUTRAL[key]):
            raise ValueError(text(place, f"{key}={value!r}, which {thing.__name__} of r1.4 does not have",
                                  f"{key}={NEUTRAL[key][0]!r}"))
    return found


def _mirrored(layer):
    """Return what two layers of one kind that go opposite ways have in common."""
    config = layer.get("config") if isinstance(layer, dict) else None
    if not isinstance(config, dict):
        return layer
    kept = {key: value for key, value in config.items() if key not in ("name", "go_backwards", "seed_generator")}
    return layer.get("class_name"), kept


def _accepted(thing):
    """Return the arguments that a layer's class takes, by name."""
    own = next((each for each in thing.__mro__ if "__init__" in vars(each)), Layer)
    common = {"name", "trainable", "dtype", "batch_input_shape", "activity_regularizer"}
    further = {"reset_after"} if thing.__name__ == "GRU" else set()
    return common if own is Layer else common | further | set(inspect.signature(own.__init__).parameters)
