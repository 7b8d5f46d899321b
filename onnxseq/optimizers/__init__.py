"""Optimizers: from a loss and its weights to the updates that one training step makes."""

from typing import Any

from onnxseq import config as configs
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.optimizers.base import Optimizer
from onnxseq.optimizers.descent import SGD, Adadelta, Adagrad, RMSprop
from onnxseq.optimizers.moments import Adam, Adamax, Nadam

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "deserialize",
    "get",
    "nadam",
    "rmsprop",
    "serialize",
    "sgd",
]

adam = Adam
sgd = SGD
rmsprop = RMSprop
adagrad = Adagrad
adadelta = Adadelta
adamax = Adamax
nadam = Nadam


def serialize(optimizer: Any) -> Any:
    """Return the config of an optimizer.

    Raises:
        ValueError: it has none.
    """
    return configs.serialize(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the optimizer of a config.

    Arguments:
        config: a dictionary with ``class_name``, in upper or lower case, and ``config``.
        custom_objects: the user's own classes, by name.

    Raises:
        ValueError: the config is malformed or names nothing that is known.
    """
    name = config.get("class_name")
    if isinstance(name, str) and registry.lookup("optimizer", name, custom_objects) is None:
        config = {**config, "class_name": name.lower()}
    return configs.deserialize("optimizer", config, custom_objects)


def get(identifier: Any) -> Any:
    """Return the optimizer that an argument of compile stands for.

    Arguments:
        identifier: an optimizer, a name in upper or lower case, or a config.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    raise ValueError(text("optimizer", describe(identifier), "an optimizer, the name of one or a config",
                          "Build the class first, as in SGD()."))
