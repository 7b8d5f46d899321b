"""Configurations of Keras 1, turned into those of Keras 2: other names of classes, arguments and values."""

from onnxseq.errors import describe, text

_CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D", "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D", "Deconvolution2D": "Conv2DTranspose", "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}  # fmt: skip
_MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}

_ARGUMENTS = {
    "init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "U_regularizer": "recurrent_regularizer",
    "bias": "use_bias", "border_mode": "padding", "dim_ordering": "data_format", "subsample": "strides",
    "subsample_length": "strides", "nb_filter": "filters", "filter_length": "kernel_size",
    "atrous_rate": "dilation_rate", "pool_length": "pool_size", "stride": "strides", "length": "size", "p": "rate",
    "sigma": "stddev", "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation",
    "forget_bias_init": "unit_forget_bias", "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
    "consume_less": "implementation", "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
    "input_dtype": "dtype", "concat_axis": "axis",
}  # fmt: skip
_OF_EMBEDDING = {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
                 "W_constraint": "embeddings_constraint"}
_VALUES = {
    "data_format": {"tf": "channels_last", "th": "channels_first"}, "implementation": {"cpu": 0, "mem": 1, "gpu": 2},
    "unit_forget_bias": {"one": True, "zero": False},
}  # fmt: skip
_INITIALIZERS = {"zero": "zeros", "one": "ones", "uniform": "random_uniform", "normal": "random_normal"}
_REGULARIZERS = ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer")
_CONSTRAINTS = {"maxnorm": "MaxNorm", "nonneg": "NonNeg", "unitnorm": "UnitNorm", "minmaxnorm": "MinMaxNorm"}
_NETWORKS = ("Sequential", "Model")
_WITHOUT_ORDER = ("ZeroPadding2D", "ZeroPadding3D", "Cropping2D", "Cropping3D", "UpSampling2D", "UpSampling3D")
"""Layers whose order of axes their configuration may leave out; it is that of the others in the model."""

# Arguments that say nothing more: the shape of the input says it, or they are what they must be.
_GONE = {
    "input_dim": None, "input_length": None, "mode": (0,), "dropout": (0, 0.0), "is_placeholder": None,
    "output_mask": None, "output_shape": None, "output_shape_type": None, "output_mask_type": None, "node_indices":
    None, "tensor_indices": None, "mode_type": None, "dot_axes": None, "arguments": ({}, None),
}  # fmt: skip
_KEPT = {
    "Embedding": ("input_dim", "input_length"), "Lambda": ("arguments", "output_shape", "output_shape_type"),
    "LSTM": ("dropout",), "GRU": ("dropout",), "SimpleRNN": ("dropout",), "ConvLSTM2D": ("dropout",),
}  # fmt: skip


def model(who, config):
    """Return the configuration of a model in the form of Keras 2.

    Raises:
        ValueError: It says something that Keras 2 does not have.
    """
    orders = set(_orders(config))
    return _model(who, config, orders.pop() if len(orders) == 1 else None)


def _orders(config):
    """Yield the orders of axes that layers of a model have."""
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("dim_ordering"), str):
                yield value["dim_ordering"]
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _model(who, config, order):
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        return config
    inner = config["config"]
    if config.get("class_name") not in _NETWORKS:
        return _layer(who, config, order)
    if isinstance(inner, list):
        return {**config, "config": [_model(who, layer, order) for layer in inner]}
    layers = inner.get("layers")
    if not isinstance(layers, list):
        return config
    return {**config, "config": {**inner, "layers": [_model(who, layer, order) for layer in layers]}}


def _layer(who, config, order):
    name, arguments = config.get("class_name"), config["config"]
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return config
    place = f"{who}: layer {arguments.get('name')!r}"
    new = _CLASSES.get(name, name)
    arguments = dict(arguments)
    if name == "Merge":
        new = _MERGES.get(arguments.pop("mode", None))
        if new is None or arguments.get("layers"):
            raise ValueError(text(place, f"a Merge of {describe(config['config'].get('mode'))} in a stack",
                                  f"one of {', '.join(_MERGES)} in a graph"))
        if new != "Concatenate":
            arguments.pop("concat_axis", None)
    if name != "InputLayer":
        arguments.pop("input_dtype", None)  # that of the data: the layer's own is the default
    if new in _WITHOUT_ORDER and order is not None:
        arguments.setdefault("dim_ordering", order)
    if {"nb_row", "nb_col"} <= set(arguments):
        arguments["kernel_size"] = [arguments.pop("nb_row"), arguments.pop("nb_col")]
    if "output_dim" in arguments and name != "Embedding":
        arguments["units"] = arguments.pop("output_dim")
    found = {}
    for key, value in arguments.items():
        if key in _GONE and key not in _KEPT.get(new, ()):
            if _GONE[key] is not None and value not in _GONE[key]:
                raise ValueError(text(place, f"{key}={describe(value)}, which is of Keras 1 alone",
                                      f"{key}={_GONE[key][0]!r}"))
            continue
        own = _OF_EMBEDDING if name == "Embedding" else _ARGUMENTS
        key = own.get(key, _ARGUMENTS.get(key, key))
        found[key] = _value(place, key, value, order)
    return {**config, "class_name": new, "config": found}


def _value(place, key, value, order):
    if isinstance(value, str):
        known = _INITIALIZERS if key.endswith("_initializer") else _VALUES.get(key, {})
        return known.get(value, value)
    if not isinstance(value, dict):
        return value
    if key in ("layer", "forward_layer", "backward_layer"):
        return _model(place, value, order)
    name = value.get("name")
    if key.endswith("regularizer") and name is not None:
        if name not in _REGULARIZERS:
            raise ValueError(text(place, f"{key} {describe(name)}, which is of Keras 1 alone", "L1 and L2"))
        return {"class_name": "L1L2", "config": {"l1": value.get("l1", 0.0), "l2": value.get("l2", 0.0)}}
    if key.endswith("constraint") and isinstance(name, str):
        arguments = {"max_value" if inner == "m" else inner: item for inner, item in value.items() if inner != "name"}
        return {"class_name": _CONSTRAINTS.get(name.lower(), name), "config": arguments}
    return value
