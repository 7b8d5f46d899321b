"""What a file holds and whether it is safe, told without loading it: ``onnxseq check``."""

import math
import os

from onnxseq.saving import weights
from onnxseq.saving.archive import Archive, is_archive
from onnxseq.saving.hdf5_reader import File
from onnxseq.saving.legacy import keras3, upgrade
from onnxseq.saving.safety import Check, read_json

WHO = "check"
MAX_LINE = 500
_DOCUMENTED = (OSError, ValueError, TypeError, KeyError)


class Report:
    """What was found in a file.

    Attributes:
        lines: Lines of text that tell it.
        is_safe: Whether the file passes the checks that come before anything is built of it.
    """

    def __init__(self):
        self.lines = []
        self.is_safe = True

    def say(self, line):
        """Add a line; what a terminal would take for a command is shown by its code."""
        shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line[:MAX_LINE])
        self.lines.append(shown + ("…" if len(line) > MAX_LINE else ""))

    def attempt(self, what, call, *arguments):
        """Return what a call returns, or take down why it is refused, and return None."""
        try:
            return call(*arguments)
        except _DOCUMENTED as error:
            self.is_safe = False
            reason = error.args[0] if isinstance(error, KeyError) else error
            self.say(f"{what}: REFUSED. {reason}")
            return None


def report(path):
    """Return a Report on a file: an HDF5 file of a model or of weights, or an archive of Keras 3.

    Arguments:
        path: The file. Nothing of it is built, and no content of arrays is read.
    """
    found = Report()
    size = found.attempt("file", os.path.getsize, path)
    if size is not None:
        found.say(f"file: {path}, {size:,} bytes")
        if found.attempt("file", is_archive, path):
            found.attempt("file", _archive, found, path)
        else:
            found.attempt("file", _hdf5, found, path)
    found.say("safe: yes" if found.is_safe else "safe: NO, load_model refuses it as it is")
    return found


def _archive(found, path):
    with Archive(f"{WHO}: {path!r}", path) as archive:
        found.say(f"written by: Keras {archive.version}, an archive")
        config = archive.config if isinstance(archive.config, dict) else {}
        _model(found, archive.config, archive.version)
        found.say(f"weights: {keras3.size(archive.weights):,} bytes")
        _training(found, config.get("compile_config") or None)


def _hdf5(found, path):
    with File(path, who=f"{WHO}: {path!r}") as root:
        has_model = root.attribute("model_config") is not None
        place = root.group("model_weights") if "model_weights" in root else root
        version = place.attribute("keras_version") or root.attribute("keras_version")
        backend = place.attribute("backend")
        version = version or ("3" if keras3.is_store(place) else None)
        found.say(f"written by: Keras {version or 'of before 2'}" + (f" on {backend}" if backend else ""))
        if has_model:
            config = found.attempt("model", read_json, WHO, root.attribute("model_config"), "attribute 'model_config'")
            if config is not None:
                _model(found, config, version or "1")
        else:
            found.say("model: none, weights only")
        found.attempt("weights", _weights, found, place)
        training = root.attribute("training_config")
        if training is not None:
            training = found.attempt("training", read_json, WHO, training, "attribute 'training_config'")
        _training(found, training)
        if "optimizer_weights" in root:
            found.attempt("optimizer state", _optimizer_state, found, root)


def _model(found, config, version):
    config = found.attempt("model", upgrade.model, WHO, config, None, version)
    if config is None:
        return
    found.attempt("model", Check(WHO).model, config)
    if isinstance(config, dict):
        found.say(f"model: {config.get('class_name')}")
        _layers(found, config, "  ")


def _layers(found, config, indent):
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict):
            arguments = layer.get("config") if isinstance(layer.get("config"), dict) else {}
            shape = arguments.get("batch_input_shape")
            name = arguments.get("name", layer.get("name"))
            found.say(f"{indent}{name}: {layer.get('class_name')}" + (f", input {shape}" if shape else ""))
            if len(indent) < 20:
                _layers(found, layer, indent + "  ")


def _weights(found, group):
    if keras3.is_store(group):
        found.say(f"weights: {keras3.size(group):,} bytes, as Keras 3 keeps them")
        return
    stored = weights.read_layers(WHO, group)
    found.say(f"weights: {stored.size:,} numbers in {sum(bool(layer.arrays) for layer in stored.layers)} layers")
    for layer in stored.layers:
        shapes = ", ".join(f"{'x'.join(map(str, array.shape)) or 'scalar'} {array.dtype}" for array in layer.arrays)
        if shapes:
            found.say(f"  {layer.name}: {shapes}")


def _training(found, config):
    if not isinstance(config, dict):
        found.say("training: none")
        return
    config = found.attempt("training", upgrade.training, WHO, config)
    if config is None:
        return
    found.attempt("training", Check(WHO).objects, config, "training_config")
    optimizer = config.get("optimizer_config")
    name = optimizer.get("class_name") if isinstance(optimizer, dict) else optimizer
    found.say(f"training: optimizer {name}, loss {config.get('loss')!r}, metrics {config.get('metrics')!r}")


def _optimizer_state(found, root):
    arrays = weights.read_arrays(WHO, root.group("optimizer_weights"))
    found.say(f"optimizer state: {sum(math.prod(array.shape) for array in arrays):,} numbers in {len(arrays)} arrays")
