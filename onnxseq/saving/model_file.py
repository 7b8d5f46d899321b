"""Whole models in HDF5 files: configuration, weights and, where there is any, the state of training."""

import json
import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq import config as configs
from onnxseq import optimizers
from onnxseq.errors import describe, place, text
from onnxseq.layers.planned import values_to_come
from onnxseq.network import Network
from onnxseq.saving import bytecode, hdf5, weights
from onnxseq.saving.archive import Archive, is_archive
from onnxseq.saving.atomic import may_write
from onnxseq.saving.config import KERAS_VERSION, WEIGHT_LAYOUT
from onnxseq.saving.hdf5_reader import File
from onnxseq.saving.legacy import keras1_state, keras3, upgrade
from onnxseq.saving.legacy.kernels import backend_of, converter
from onnxseq.saving.legacy.training import infer_schedule, state
from onnxseq.saving.legacy.training import warn as warn_of_optimizer
from onnxseq.saving.safety import Check, only_documented, read_json

_EXTRA = "onnxseq_state"
"""Attribute of the optimizer's group: what Keras 2 keeps of an optimizer's state nowhere, as the number of steps."""


def save_model(model, filepath, overwrite=True, include_optimizer=True):
    """Write a model to an HDF5 file that Keras of its time reads too.

    The file holds the configuration, the weights and, for a compiled model, loss, metrics and optimizer with its
    state, so that training goes on from the file as it would have gone on without.

    Arguments:
        model: The model.
        filepath: Where to. A file that is there is replaced in one step: it is the old one or the new one, whole.
        overwrite: Whether to replace a file without asking at the terminal.
        include_optimizer: Whether to keep the state of training.

    Raises:
        ImportError: h5py is not installed.
        OSError: The file cannot be written; what was there is left as it was.
        TypeError: The configuration holds something that JSON cannot.
    """
    who = f"{model._who}.save"
    hdf5.require(who)
    if not may_write(filepath, overwrite):
        return
    training = _training_config(model) if include_optimizer and model.optimizer is not None else None
    config = {"class_name": type(model).__name__, "config": model.get_config()}

    def fill(root):
        root.text("keras_version", KERAS_VERSION)
        root.text("backend", WEIGHT_LAYOUT)
        root.text("model_config", _as_json(who, config))
        weights.write_layers(root.group("model_weights"), model.layers)
        if training is not None:
            root.text("training_config", _as_json(who, training))
            if model.optimizer.weights:
                group = root.group("optimizer_weights")
                weights.write_variables(group, model.optimizer.weights)
                group.text(_EXTRA, json.dumps(_extra_state(model.optimizer)))

    hdf5.write(filepath, fill, who)


def _training_config(model):
    optimizer = model.optimizer
    training = {
        "optimizer_config": {"class_name": type(optimizer).__name__, "config": optimizer.get_config()},
        "loss": model.loss,
        "metrics": model.metrics,
        "sample_weight_mode": model.sample_weight_mode,
        "loss_weights": model.loss_weights,
    }
    if model.weighted_metrics is not None:  # r1.4 had nothing to say about these, and passes over them
        training["weighted_metrics"] = model.weighted_metrics
    return training


def _as_json(who, value):
    with place(who):
        return json.dumps(value, default=_plain)


def _plain(value):
    """Return what JSON writes for objects that it does not know."""
    if hasattr(value, "get_config"):
        return configs.serialize(value)
    if isinstance(value, np.ndarray):
        return {"type": "ndarray", "value": value.tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "__name__"):
        return value.__name__
    raise TypeError(text("configuration", describe(value), "numbers, texts, lists, dicts, functions or classes"))


def _hidden(optimizer):
    """Return the variables of an optimizer that are neither among its weights nor in its configuration, by name."""
    known = {id(variable) for variable in optimizer.weights}
    written = optimizer.get_config()
    return {
        name: value for name, value in vars(optimizer).items()
        if name not in written and K.is_tensor(value) and K.is_variable(value) and id(value) not in known
        and K.int_shape(value) == ()
    }  # fmt: skip


def _extra_state(optimizer):
    return {name: K.get_value(variable).item() for name, variable in _hidden(optimizer).items()}


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """Return the model of an HDF5 file, or of an archive of Keras 3.

    Nothing of the file is trusted: its classes and functions are those of this library or the caller's own, all of it
    is checked before anything is made of it, and no code in it is run. A file is refused within 512 MB of memory, or
    some times its own size where that is more, and within seconds.

    Arguments:
        filepath: The file.
        custom_objects: The caller's own classes and functions that the file names, by name.
        compile: Whether to compile the model as it was, with the state of its training.
        safe_mode: False runs the code that a file may hold for the function of a Lambda, with a warning that names the
            layer. Such code can do whatever the caller can do: give False for files only that you would run as
            programs. They must come from the same minor version of Python, which they do not say: code that shows
            another version is an error, and what does not show it may give other results.

    Returns: A model; compiled where `compile` is True and the file says how.

    Raises:
        OSError: There is no such file, or it is no HDF5 file that is whole, or what it names lies elsewhere.
        KeyError: It names weights or attributes that it does not hold.
        ValueError: It holds no model, or something in it is unknown, unsafe or does not fit.
        TypeError: A layer or an optimizer does not take an argument, or not of such a type.
        NotImplementedError: It asks for what this library lacks.
    """
    who = "load_model"
    custom_objects = dict(custom_objects or {})
    if is_archive(filepath):
        return _load_archive(who, filepath, custom_objects, compile, safe_mode)
    with File(filepath, who=f"{who}: {str(filepath)!r}") as root:
        config = read_attribute(who, root, "model_config")
        if config is None:
            raise ValueError(text(who, f"{str(filepath)!r} holds no model", "a file that save() wrote",
                                  "Load a file of weights by load_weights()."))
        stored = weights.read_layers(who, root.group("model_weights"))
        config = upgrade.model(who, config, custom_objects, stored.version, backend_of(stored))
        model = build(who, config, custom_objects, safe_mode, stored.size)
        weights.assign(who, stored, model.layers)
        if compile:
            _compile(who, model, root, custom_objects, stored)
    return model


def _load_archive(who, filepath, custom_objects, compile, safe_mode):
    with Archive(f"{who}: {str(filepath)!r}", filepath) as archive:
        config = upgrade.model(who, archive.config, custom_objects, archive.version)
        num_bytes = keras3.size(archive.weights)
        model = build(who, config, custom_objects, safe_mode, num_bytes)
        weights.load_group(who, archive.weights, model)
        training = archive.config.get("compile_config") if isinstance(archive.config, dict) else None
        if compile and training:
            training = upgrade.training(who, training, custom_objects)
            compile_as(who, model, training, custom_objects)
            has_state = "optimizer" in archive.weights
            warn_of_optimizer(who, archive.config["compile_config"], custom_objects, has_state)
            if has_state:
                arrays = keras3.numbered(archive.weights.group("optimizer").group("vars"))
                weights.check_total(who, archive.weights, arrays)
                _set_state(who, model, arrays, None)
    return model


def read_attribute(who, group, name):
    """Return what an attribute in JSON holds, None where there is none."""
    value = group.attribute(name)
    return None if value is None else read_json(who, value, f"attribute {name!r}")


def build(who, config, custom_objects, safe_mode, num_scalars):
    """Return the model of a checked configuration, its weights zeros as yet.

    Raises:
        ValueError, TypeError: Something in the configuration is unknown, unsafe or does not fit.
    """
    Check(who, custom_objects, allow_code=not safe_mode).model(config)
    if not safe_mode:
        config = bytecode.revive(who, config, custom_objects)
    with values_to_come(num_scalars), place(who), only_documented(who):
        model = configs.deserialize("layer", config, custom_objects)
    if not isinstance(model, Network):
        raise ValueError(text(who, f"the file's configuration is that of {model._who}", "that of a model"))
    return model


def _compile(who, model, root, custom_objects, stored):
    training = read_attribute(who, root, "training_config")
    if training is None:
        warnings.warn(
            text(who, "the file does not say how the model was compiled", "a file saved after compile()",
                 "Call compile() before training.").replace("; expected", ", as it does in"),
            stacklevel=3,
        )
        return
    written, training = training, upgrade.training(who, training, custom_objects)
    compile_as(who, model, training, custom_objects)
    warn_of_optimizer(who, written, custom_objects, "optimizer_weights" in root)
    if "optimizer_weights" in root:
        _restore_optimizer(who, model, root.group("optimizer_weights"), stored)


def compile_as(who, model, training, custom_objects):
    """Compile a model as the configuration of its training says."""
    if not isinstance(training, dict) or not isinstance(training.get("optimizer_config"), dict):
        raise ValueError(text(who, f"training_config is {describe(training)}", "a dict with an optimizer"))
    Check(who, custom_objects).objects(training, "training_config")
    further = {}
    if training.get("weighted_metrics") is not None:
        further["weighted_metrics"] = _with_custom(training["weighted_metrics"], custom_objects)
    with place(who), only_documented(who):
        model.compile(
            optimizer=optimizers.deserialize(training["optimizer_config"], custom_objects=custom_objects),
            loss=_with_custom(training.get("loss"), custom_objects),
            metrics=_with_custom(training.get("metrics"), custom_objects),
            loss_weights=training.get("loss_weights"),
            sample_weight_mode=training.get("sample_weight_mode"),
            **further,
        )


def _with_custom(value, custom_objects):
    """Return what a configuration holds with the caller's own objects in place of their names."""
    if isinstance(value, list):
        return [_with_custom(item, custom_objects) for item in value]
    if isinstance(value, dict):
        return {key: _with_custom(item, custom_objects) for key, item in value.items()}
    return custom_objects.get(value, value) if isinstance(value, str) else value


def _restore_optimizer(who, model, group, stored):
    arrays = weights.read_arrays(who, group)
    weights.check_total(who, group, arrays)
    _set_state(who, model, arrays, stored)
    extra = read_attribute(who, group, _EXTRA)
    extra = extra if isinstance(extra, dict) else {}
    for name, variable in _hidden(model.optimizer).items():
        if isinstance(extra.get(name), (int, float)):
            K.set_value(variable, extra[name])


def _set_state(who, model, arrays, stored):
    """Give the optimizer the arrays of a file; ``stored`` is what it holds of the weights, None in an archive."""
    model._make_train_function()
    optimizer = model.optimizer
    if stored is not None and stored.version.startswith("1"):
        layers = weights.by_order(who, stored, model.layers)
        convert = converter(stored.version, backend_of(stored))
        found = keras1_state.state(optimizer, model._functions.trainable_weights, layers, arrays, convert)
    else:
        found = state(optimizer, arrays, by_weight=stored is None or stored.version.startswith("3"))
        found = found and [(variable, array.read()) for variable, array in found]
    if found is None:
        warnings.warn(
            f"{who}: the file's state of {type(optimizer).__name__} is {len(arrays)} arrays that do not fit the "
            f"model's {len(optimizer.weights)}. The optimizer starts anew.",
            stacklevel=5,
        )
        return
    # Keras 1 counted steps in floats.
    K.batch_set_value([(variable, value.astype(K.dtype(variable))) for variable, value in found])
    if not any(variable is getattr(optimizer, "m_schedule", None) for variable, _ in found):
        infer_schedule(optimizer)
