"""Objects to configs and back: what a layer, a model and each kind of object around them is written down as.

An object with ``get_config`` becomes ``{"class_name": ..., "config": ...}``, a function its name, None stays None.
The way back looks names up in the closed registry and in the caller's custom objects, and nowhere else.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from onnxseq import registry
from onnxseq.errors import describe, suggestion, text


def serialize(obj: Any) -> Any:
    """Return the config of an object, or the name of a function.

    Arguments:
        obj: None, an object with ``get_config``, or a function.

    Returns:
        None, a dictionary with ``class_name`` and ``config``, or a string.

    Raises:
        ValueError: the object has neither a config nor a name.
    """
    if obj is None:
        return None
    if hasattr(obj, "get_config"):
        return {"class_name": type(obj).__name__, "config": obj.get_config()}
    if hasattr(obj, "__name__"):
        return obj.__name__
    raise ValueError(text("serialize", describe(obj), "an object with get_config() or a function",
                          "Give the class a get_config method."))


def deserialize(kind: str, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return what a config or a name stands for among the registered objects of a kind.

    Arguments:
        kind: one of ``registry.KINDS``.
        identifier: a config as ``serialize`` writes it, or a name.
        custom_objects: the caller's own classes and functions, by name.

    Returns:
        An instance for a config, the registered object for a name.

    Raises:
        ValueError: the identifier is neither, or names nothing that is known.
    """
    return deserialize_from(identifier, registry.table(kind), custom_objects, kind)


def deserialize_from(identifier: Any, known: Mapping[str, Any] | None, custom_objects: Mapping[str, Any] | None,
                     kind: str) -> Any:
    """Return what a config or a name stands for in ``known``; ``kind`` is the word for it in messages."""
    if isinstance(identifier, Mapping):
        return _from_config(identifier, known, custom_objects, kind)
    if isinstance(identifier, str):
        return _find(identifier, known, custom_objects, kind)
    expected = f"the name of {_a(kind)}, or a config with class_name and config"
    raise TypeError(text(kind, describe(identifier), expected))


def get(kind: str, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the object that an argument of a layer stands for, where the objects of the kind are built from arguments.

    A name, a class, or one of our own functions that build an object gives what calling it without arguments returns;
    any other callable is the user's own object and is returned as it is.

    Raises:
        ValueError: the identifier is none of a name, a config, a class and a callable, or is unknown.
    """
    if isinstance(identifier, Mapping):
        return deserialize(kind, identifier, custom_objects)
    if isinstance(identifier, str):
        return _build(kind, deserialize(kind, identifier, custom_objects))
    if callable(identifier):
        return _build(kind, identifier)
    raise ValueError(text(kind, describe(identifier), f"the name of {_a(kind)}, a config or a callable"))


def name_of(kind: str, function: Any) -> str:
    """Return the name a function is written down as; AttributeError where it has none."""
    name = getattr(function, "__name__", None)
    if name is None:
        raise AttributeError(text(kind, describe(function), "a function with a name"))
    return name


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _build(kind: str, thing: Any) -> Any:
    is_ours = any(thing is entry for entry in registry.entries(kind))
    return thing() if is_ours or inspect.isclass(thing) else thing


def _find(name: str, known: Mapping[str, Any] | None, custom_objects: Mapping[str, Any] | None, kind: str) -> Any:
    found = registry.find(name, known, custom_objects)
    if found is None:
        near = suggestion(name, list(known or ()) + list(registry.get_custom_objects()))
        action = near or f"Pass your own {kind} in custom_objects."
        raise ValueError(text(kind, f"unknown name {name!r}", f"the name of a known {kind}", action))
    return found


def _from_config(config: Mapping[str, Any], known: Mapping[str, Any] | None,
                 custom_objects: Mapping[str, Any] | None, kind: str) -> Any:
    if "class_name" not in config or "config" not in config:
        raise ValueError(text(kind, f"a config with the keys {sorted(map(str, config))}",
                              "the keys 'class_name' and 'config'"))
    thing = _find(config["class_name"], known, custom_objects, kind)
    arguments = config["config"]
    from_config = getattr(thing, "from_config", None)
    if from_config is not None and "custom_objects" in inspect.signature(from_config).parameters:
        # The class builds others from its config, so the scope's objects must reach it by the argument too.
        merged = {**registry.get_custom_objects(), **(custom_objects or {})}
        return from_config(arguments, custom_objects=merged)
    with registry.CustomObjectScope(custom_objects or {}):
        return from_config(arguments) if from_config is not None else thing(**arguments)
