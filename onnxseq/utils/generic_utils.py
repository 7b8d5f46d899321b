"""Custom objects, and objects to configs and back for user code that does it itself."""

from collections.abc import Mapping
from typing import Any

from onnxseq import config
from onnxseq.registry import CustomObjectScope, custom_object_scope, get_custom_objects

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "serialize_keras_object",
]


def serialize_keras_object(instance: Any) -> Any:
    """Return the config of an object, or the name of a function.

    Arguments:
        instance: None, an object with ``get_config``, or a function.

    Returns:
        None, a dictionary with ``class_name`` and ``config``, or a string.

    Raises:
        ValueError: the object has neither a config nor a name.
    """
    return config.serialize(instance)


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Return what a config or a name stands for among given objects.

    Arguments:
        identifier: a dictionary with ``class_name`` and ``config``, or a name.
        module_objects: classes and functions by name; the last place where a name is looked up.
        custom_objects: more of them; the first place.
        printable_module_name: the word for such an object in messages.

    Returns:
        An instance for a config, the object itself for a name.

    Raises:
        TypeError: the identifier is neither.
        ValueError: it names nothing that is known.
    """
    return config.deserialize_from(identifier, module_objects, custom_objects, printable_module_name)
