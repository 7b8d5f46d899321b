"""The weights of a model in a group of an HDF5 file: written, planned against the model, and read.

Layout, as in all of Keras 1 and 2: the group names its layers in the attribute ``layer_names``; each layer's group
names its weights in ``weight_names``, and each name is the path of an array below it.
"""

import math

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import text
from onnxseq.saving import hdf5
from onnxseq.saving.atomic import may_write
from onnxseq.saving.config import KERAS_VERSION, WEIGHT_LAYOUT
from onnxseq.saving.hdf5_reader import File
from onnxseq.saving.legacy import cudnn, keras3, tf14, theano
from onnxseq.saving.legacy.kernels import backend_of, converter
from onnxseq.saving.stored import StoredLayer, StoredWeights

WRITER = "written_by"
"""Attribute that tells our files from TensorFlow 1.4's, whose version they name; see `legacy.tf14`."""

MAX_NAMES = 100_000
"""Layers of a file, or weights of a layer."""


def save_weights(model, filepath, overwrite=True):
    """Write the weights of a model to an HDF5 file; see Model.save_weights."""
    who = f"{model._who}.save_weights"
    hdf5.require(who)
    if may_write(filepath, overwrite):
        hdf5.write(filepath, lambda group: write_layers(group, model.layers), who)


def load_weights(model, filepath, by_name=False):
    """Give a model the weights of an HDF5 file; see Model.load_weights."""
    who = f"{model._who}.load_weights"
    with File(filepath, who=f"{who}: {str(filepath)!r}") as group:
        if not has_texts(group, "layer_names") and "model_weights" in group:
            group = group.group("model_weights")
        load_group(who, group, model, by_name)
    model._weights_replaced()


def load_group(who, group, model, by_name=False):
    """Give a model the weights that a group holds, in the layout of Keras 1 and 2 or of Keras 3."""
    if not keras3.is_store(group):
        assign(who, read_layers(who, group), model.layers, by_name)
        return
    if by_name:
        raise ValueError(text(who, "the file is of Keras 3, which names layers by class and count", "by_name=False"))
    found = keras3.pairs(who, group, model)
    check_total(who, group, [array for _, stored in found for array in stored.arrays])
    assign_pairs(who, found)


def write_layers(group, layers):
    """Write the weights of layers into a group."""
    group.texts("layer_names", [layer.name for layer in layers])
    group.text("backend", WEIGHT_LAYOUT)
    group.text("keras_version", KERAS_VERSION)
    if tf14.concerns(layers):
        group.text(WRITER, "onnxseq")
    for layer in layers:
        write_variables(group.group(layer.name), layer.weights)


def write_variables(group, variables):
    """Write variables, and their names in order, into a group."""
    names = _distinct([variable.name for variable in variables])
    group.texts("weight_names", names)
    for name, value in zip(names, K.batch_get_value(variables), strict=True):
        group.array(name, value)


def _distinct(names):
    """Return names that all differ: layers inside of a nested model may be named like others elsewhere in it."""
    taken, found = set(), []
    for name in names:
        stem, colon, index = name.rpartition(":")
        new, number = name, 0
        while new in taken:
            number += 1
            new = f"{stem}_{number}:{index}" if colon else f"{name}_{number}"
        taken.add(new)
        found.append(new)
    return found


def read_layers(who, group):
    """Return what a group says it holds, without reading arrays.

    Raises:
        KeyError: Names or what they name are not there.
        ValueError: What is there is no weights.
        OSError: The file is broken, or its arrays are elsewhere.
    """
    layers = []
    for name in read_texts(who, group, "layer_names"):
        found = group.group(name)
        layers.append(StoredLayer(name, read_arrays(f"{who}: layer {name!r}", found)))
    check_total(who, group, [array for layer in layers for array in layer.arrays])
    version = _read_text(who, group, "keras_version") or "1"
    is_ours = _read_text(who, group, WRITER) is not None
    return StoredWeights(version, _read_text(who, group, "backend"), layers, is_ours)


def read_arrays(who, group):
    """Return the arrays that a group's weight names list, without their content."""
    arrays = [group.array(name) for name in read_texts(who, group, "weight_names")]
    for array in arrays:
        if array.dtype.kind not in "fiub":
            raise ValueError(text(who, f"weight {array.path!r} of dtype {array.dtype}", "numbers"))
    return arrays


def check_total(who, group, arrays):
    """Refuse arrays that together take more than the file: they overlap, and reading them could fill the memory."""
    total = sum(array.num_bytes for array in arrays)
    if total > group.file_size:
        raise ValueError(text(who, f"weights of {total} bytes in a file of {group.file_size}", "weights of their own"))


def has_texts(group, name):
    """Tell whether a group has a list of texts, in one attribute or in several."""
    known = group.attributes()
    return name in known or f"{name}0" in known


def read_texts(who, group, name):
    """Return a list of texts that is kept in one attribute or, where it was too long, in several.

    Raises:
        KeyError: There is none.
        ValueError: It holds something else, or too much.
    """
    if not has_texts(group, name):
        raise KeyError(text(who, f"no attribute {name!r} at {group.path or '/'!r}", "it, as Keras writes it"))
    found = [group.attribute(name)]
    if found[0] is None:
        found, number = [], 0
        while (part := group.attribute(f"{name}{number}")) is not None:
            found.append(part)
            number += 1
    texts = [value for part in found for value in _as_texts(who, name, part)]
    if len(texts) > MAX_NAMES:
        raise ValueError(text(who, f"{len(texts)} names in {name!r}", f"up to {MAX_NAMES}"))
    return texts


def _as_texts(who, name, value):
    if isinstance(value, np.ndarray) and value.size == 0:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(text(who, f"attribute {name!r} holds no names", "a list of texts"))
    return value


def _read_text(who, group, name):
    value = group.attribute(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(text(who, f"attribute {name!r} holds no text", "a text"))
    return value


def assign(who, stored, layers, by_name=False):
    """Give layers the weights of a file: all of them, or none where one does not fit.

    Raises:
        ValueError: The number of layers, or of a layer's weights, or a shape differs.
    """
    pairs = _by_name(stored, layers) if by_name else by_order(who, stored, layers)
    backend = backend_of(stored)
    assign_pairs(who, pairs, converter(stored.version, backend))
    if backend == theano.THEANO:
        theano.warn(who, layers, stored.version.startswith("1"))
    tf14.warn(who, stored, layers)


def assign_pairs(who, pairs, convert=None):
    """Give layers, each in a pair with what a file holds of it, their weights: all of them, or none."""
    plans = [(layer, found, _check(who, layer, found, convert)) for layer, found in pairs]
    values = []
    for layer, found, turn in plans:
        arrays = [array.read() for array in found.arrays]
        if turn is not None:
            arrays = turn(layer, arrays)
            _compare(f"{who}: {layer._who}", layer, found, [array.shape for array in arrays])
        values += zip(layer.weights, arrays, strict=True)
    K.batch_set_value(values)


def _by_name(stored, layers):
    index = {}
    for layer in layers:
        index.setdefault(layer.name, []).append(layer)
    return [(layer, found) for found in stored.layers for layer in index.get(found.name, ())]


def by_order(who, stored, layers):
    """Return each layer that has weights in a pair with what a file holds of it, both in their order.

    Raises:
        ValueError: Their numbers differ.
    """
    with_weights = [layer for layer in layers if layer.weights]
    filled = [layer for layer in stored.layers if layer.arrays]
    if len(filled) != len(with_weights):
        raise ValueError(
            text(who, f"the file holds {len(filled)} layers with weights", f"{len(with_weights)}, as in the model",
                 "Load into the model that was saved, or pass by_name=True.")
        )  # fmt: skip
    return list(zip(with_weights, filled, strict=True))


def _check(who, layer, found, convert):
    """Compare what the file holds with what a layer has, before anything is read; return what converts it, or None."""
    place = f"{who}: {layer._who}"
    if convert is not None and convert.applies(layer):
        expected = sum(math.prod(K.int_shape(variable)) for variable in layer.weights)
        if found.size != expected:
            raise ValueError(text(place, f"layer {found.name!r} of the file holds {found.size} numbers", f"{expected}"))
        return convert
    stored = [array.shape for array in found.arrays]
    _compare(place, layer, found, cudnn.shapes(layer, stored))
    if cudnn.shapes(layer, stored) == stored:
        return None
    cudnn.warn(who, layer, stored)
    return cudnn.convert


def _compare(place, layer, found, shapes):
    variables = layer.weights
    if len(shapes) != len(variables):
        raise ValueError(
            text(place, f"layer {found.name!r} of the file holds {len(shapes)} weights",
                 f"{len(variables)}: {', '.join(variable.name for variable in variables) or 'none'}",
                 "Load into the model that was saved.")
        )  # fmt: skip
    for variable, shape in zip(variables, shapes, strict=True):
        if tuple(shape) != tuple(K.int_shape(variable)):
            raise ValueError(
                text(place, f"the file holds shape {tuple(shape)} for weight {variable.name!r}",
                     f"{tuple(K.int_shape(variable))}", "Load into the model that was saved.")
            )  # fmt: skip
