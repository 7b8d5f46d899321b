"""Models that were trained on Theano, whose 'same' pads otherwise than that of all others where windows are even or
move by more than one: in their configurations it is written 'half', as Theano called it, which our layers compute."""

import warnings

from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.half_padding import HALF, HALF_COUNTED, is_same, pads_of_conv, pads_of_pooling
from onnxseq.network import Network

THEANO = "theano"
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
_POOLINGS = tuple(f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3))
_OTHERS = ("SeparableConv2D", "DepthwiseConv2D", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM2D")


def model(who, config, is_old):
    """Return the configuration of a model of Theano's, in r1.4's form, with the padding that it had.

    ``is_old`` says that Keras 1 wrote it, whose means count no zeros around the input; those of Keras 2 do.

    Raises:
        ValueError: A layer pads so and has no form here that does.
    """
    if isinstance(config, list):
        return [model(who, item, is_old) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: model(who, item, is_old) if isinstance(item, dict | list) else item for key, item in config.items()}
    name, arguments = found.get("class_name"), found.get("config")
    if not isinstance(name, str) or not isinstance(arguments, dict) or arguments.get("padding") != "same":
        return found
    kind = _kind(registry.table("layer").get(name))
    counts = not is_old and kind is not None and kind.startswith("Average")
    if kind is None or not (counts or _differs(kind, arguments)):
        return found
    if kind not in _OTHERS and not _is_measured(kind, arguments):
        warnings.warn(
            f"{who}: layer {arguments.get('name')!r}: padding='same' of a model on Theano, at a window or strides that "
            "were compared with no file of Theano's: outputs may differ. Compare them with those that Theano gave.",
            stacklevel=5,
        )
    if kind in _OTHERS:
        raise ValueError(text(f"{who}: layer {arguments.get('name')!r}", "padding='same' as Theano pads, which differs "
                              "from that of r1.4 for even windows and for strides", "odd windows at stride 1",
                              "Build the model by code and give it the file's weights by load_weights()."))
    return {**found, "config": {**arguments, "padding": HALF_COUNTED if counts else HALF}}


def warn(who, layers, is_old):
    """Warn of layers that compute otherwise than those of Theano whose weights they are given."""
    for layer in leaves(layers):
        kind = _kind(type(layer))
        if kind is not None and layer.padding == "same" and (
            (kind.startswith("Average") and not is_old) or _differs(kind, layer.get_config())
        ):
            warnings.warn(
                f"{who}: the weights are of a model on Theano, which pads {layer._who} otherwise: outputs will differ. "
                "Load the whole model's file by load_model, which keeps Theano's padding.",
                stacklevel=5,
            )


def leaves(layers):
    """Yield layers, those in nested models and in wrappers too."""
    for layer in layers:
        if isinstance(layer, Network):
            yield from leaves(layer.layers)
        else:
            yield getattr(layer, "layer", layer)


def _kind(thing):
    names = registry.table("layer")
    known = (*_CONVOLUTIONS, *_POOLINGS, *_OTHERS)
    return next((name for name in known if name in names and names[name] is thing), None)


def _is_measured(kind, arguments):
    """Tell whether a layer's padding was compared with what Theano gave: docs/files.md says where."""
    size, strides = arguments.get("pool_size", arguments.get("kernel_size", 2)), arguments.get("strides")
    sizes = _numbers(size, 2)
    if kind == "AveragePooling2D":
        return sizes == [2, 2] and (strides is None or _numbers(strides, 2) == [2, 2])
    steps = [*_numbers(strides if strides is not None else 1, 2), *_numbers(arguments.get("dilation_rate", 1), 2)]
    return kind == "Conv2D" and set(steps) == {1} and all(each == 2 or each % 2 for each in sizes)


def _differs(kind, arguments):
    """Tell whether a layer's 'same' is another one on Theano; what the arguments do not say is as by default."""
    is_pooling = kind in _POOLINGS
    rank = 2 if kind[-2:] not in ("1D", "3D") else int(kind[-2])
    sizes = _numbers(arguments.get("pool_size" if is_pooling else "kernel_size", 2), rank)
    strides = arguments.get("strides")
    strides = _numbers(strides, rank) if strides is not None else sizes if is_pooling else [1] * rank
    rates = [1] * rank if is_pooling else _numbers(arguments.get("dilation_rate", 1), rank)
    for size, stride, rate in zip(sizes, strides, rates, strict=False):
        extent = rate * (size - 1) + 1
        pads = pads_of_pooling(size) if is_pooling else pads_of_conv(size, rate)
        if not is_same(extent, stride, pads):
            return True
    return False


def _numbers(value, rank):
    values = list(value) if isinstance(value, list | tuple) else [value] * rank
    if not all(isinstance(each, int) and not isinstance(each, bool) and 0 < each < 1 << 32 for each in values):
        raise ValueError(text("a window", describe(value), "positive integers"))
    return values
