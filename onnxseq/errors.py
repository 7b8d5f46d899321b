"""How a message to the user is put together.

Every message reads ``<who>: <what arrived>; expected <what>. <What to do.>``. Code deep inside states the fault;
an entry point that knows a better name for the place adds it with ``place`` and lets the cause show.
The exception types are the built-in ones that Keras raises, so that callers' ``except`` clauses keep working.
"""

import contextlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import numpy as np

# Only these are renamed: their one argument is the message. A subclass may take other arguments.
_NAMED = (ValueError, TypeError, RuntimeError, AttributeError, IndexError, NotImplementedError)
_SHOWN = 60


def text(who: str, arrived: str, expected: str, action: str = "") -> str:
    """Return the message of an error, its parts in the house's order."""
    message = f"{who}: {arrived}; expected {expected}."
    return f"{message} {action}" if action else message


def describe(value: object) -> str:
    """Return a short account of a value: arrays by shape and dtype, everything else by its (shortened) repr."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, np.ndarray) for v in value):
        kind = "list" if isinstance(value, list) else "tuple"
        return f"a {kind} of {len(value)} arrays of shapes {', '.join(str(v.shape) for v in value)}"
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` for a misspelt name, or an empty string where nothing is near."""
    lowered: dict[str, str] = {}
    for candidate in known:
        lowered.setdefault(candidate.lower(), candidate)
    near = get_close_matches(str(name).lower(), lowered, n=1)
    return f"Did you mean {lowered[near[0]]!r}?" if near else ""


@contextlib.contextmanager
def place(who: str) -> Iterator[None]:
    """Put ``who: `` before the message of an error raised inside, keeping its type and, as its cause, the original."""
    try:
        yield
    except _NAMED as error:
        if type(error) not in _NAMED or str(error).startswith(f"{who}: "):
            raise
        raise type(error)(f"{who}: {error}") from error
