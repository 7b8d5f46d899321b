"""The closed registry: every class and function that a name in a config or in a call may stand for.

Classes register themselves where they are defined; readers look them up here, so nobody imports a module to find
a class and a model file can name nothing that is not listed. Users add their own by ``custom_objects`` arguments
or for the length of a ``with`` block by ``custom_object_scope``.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

KINDS = ("layer", "activation", "initializer", "regularizer", "constraint", "loss", "metric", "optimizer")

_Registered = TypeVar("_Registered")
_known: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
_custom: dict[str, Any] = {}


def register(kind: str, *aliases: str) -> Callable[[_Registered], _Registered]:
    """Return a decorator that enters a class or function under its own name and the aliases.

    Arguments:
        kind: one of ``KINDS``.
        aliases: further names that mean the same.

    Raises:
        ValueError: the kind is unknown, or a name of that kind already stands for something else.
    """
    if kind not in _known:
        raise ValueError(f"register: kind {kind!r}; expected one of {', '.join(KINDS)}.")

    def enter(thing: _Registered) -> _Registered:
        for name in (thing.__name__, *aliases):  # type: ignore[attr-defined]
            if _known[kind].setdefault(name, thing) is not thing:
                raise ValueError(f"register: {kind} {name!r} already stands for {_known[kind][name]!r}; "
                                 f"expected a name of its own.")
        return thing

    return enter


def table(kind: str) -> Mapping[str, Any]:
    """Return what is registered under a kind, by name."""
    return _known[kind]


def names(kind: str) -> tuple[str, ...]:
    """Return the names of a kind, sorted."""
    return tuple(sorted(_known[kind]))


def entries(kind: str) -> tuple[Any, ...]:
    """Return what is registered under a kind, aliases counted once, in the order of registration."""
    return tuple(dict.fromkeys(_known[kind].values()))


def lookup(kind: str, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return what a name stands for, or None: the argument's objects go first, then the scope's, then ours."""
    return find(name, _known[kind], custom_objects)


def find(name: str, known: Mapping[str, Any] | None, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return what a name stands for among custom objects and ``known``, or None."""
    for source in (custom_objects, _custom, known):
        if source and name in source:
            return source[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Return the dictionary of the user's own objects; what is put into it is known everywhere.

    Returns:
        The dictionary itself, from names to classes or functions.
    """
    return _custom


class CustomObjectScope:
    """Make the user's own objects known by name inside a ``with`` block; the end of the block undoes every change.

    Arguments:
        *args: dictionaries from names to classes or functions.
    """

    def __init__(self, *args: Mapping[str, Any]) -> None:
        self.custom_objects = args
        self.backup: dict[str, Any] | None = None

    def __enter__(self) -> "CustomObjectScope":
        self.backup = dict(_custom)
        for objects in self.custom_objects:
            _custom.update(objects)
        return self

    def __exit__(self, *args: object) -> None:
        _custom.clear()
        _custom.update(self.backup or {})


def custom_object_scope(*args: Mapping[str, Any]) -> CustomObjectScope:
    """Return a scope in which the user's own objects are known by name.

    Arguments:
        *args: dictionaries from names to classes or functions.

    Returns:
        A context manager.
    """
    return CustomObjectScope(*args)
