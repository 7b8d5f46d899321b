"""From what any version of Keras wrote to what r1.4 writes: which module of this folder takes what."""

from onnxseq.saving.legacy import keras1, keras2, theano
from onnxseq.saving.legacy import training as training_of
from onnxseq.saving.legacy.plain import plain
from onnxseq.saving.safety import only_documented


def model(who, config, custom_objects=None, version=None, backend=None):
    """Return the configuration of a model in r1.4's form.

    Arguments:
        who: Whoever asked, for messages.
        config: As it stands in the file.
        custom_objects: The caller's own classes and functions, by name.
        version: The Keras that wrote it, where the file says so: 1 differs from all others in names.
        backend: What it ran on, where the file says so: Theano pads otherwise.

    Raises:
        ValueError: It says something that r1.4 does not have.
    """
    if version is None and isinstance(config, dict):
        version = config.get("keras_version")
    if backend is None and isinstance(config, dict):
        backend = config.get("backend")
    with only_documented(who, TypeError):
        config = plain(config, custom_objects)
        if isinstance(version, str) and version.startswith("1"):
            config = keras1.model(who, config)
        config = keras2.model(who, config, custom_objects)
        if backend != theano.THEANO:
            return config
        return theano.model(who, config, isinstance(version, str) and version.startswith("1"))


def training(who, config, custom_objects=None):
    """Return the configuration of a model's training in r1.4's form; see `model`."""
    with only_documented(who, TypeError):
        return training_of.training(who, plain(config, custom_objects))
