"""Names: counters by prefix, scopes for recorded nodes, and variables' names."""

import threading
from collections import Counter

from onnxseq.compiler.tensor import current_scope, scope
from onnxseq.errors import text

_lock = threading.Lock()
_uids = Counter()
_variable_names = Counter()


def get_uid(prefix=""):
    """Return the next number, from 1 on, of a prefix.

    Arguments:
        prefix: what is counted; each prefix has a count of its own.
    """
    with _lock:
        _uids[prefix] += 1
        return _uids[prefix]


def reset_uids():
    """Let the counts of all prefixes start again."""
    with _lock:
        _uids.clear()


def forget_variable_names():
    """Let names of variables be given again without a number behind them."""
    with _lock:
        _variable_names.clear()


def variable_name(name):
    """Return the full name of a new variable.

    A plain name is put into the present scope and, where taken, numbered; a name with a path is taken as it is.
    Either ends on ':0', as weight files know it.
    """
    if name is not None and ":" in name:
        return name
    if name is not None and "/" in name:
        return f"{name}:0"
    path = current_scope()
    full = f"{path}/{name or 'Variable'}" if path else name or "Variable"
    with _lock:
        count = _variable_names[full]
        _variable_names[full] += 1
        if not count:
            return f"{full}:0"
        # 'a_1' may have been asked for by that name before the second 'a'.
        while _variable_names[f"{full}_{count}"]:
            count += 1
        _variable_names[f"{full}_{count}"] += 1
        return f"{full}_{count}:0"


class name_scope:
    """Names the nodes recorded inside: ``with K.name_scope('loss'):``.

    Arguments:
        name: the scope's name, put behind the outer scope's; None takes ``default_name``.
        default_name: the name where ``name`` is None.
        values: the tensors used inside; accepted because code of the time passes them.

    Raises:
        ValueError: on entering, where no name is given but values are.
    """

    def __init__(self, name, default_name=None, values=None):
        self._name = default_name if name is None else name
        self._values = values
        self._scope = None

    def __enter__(self):
        if self._name is None and self._values is not None:
            raise ValueError(text("name_scope", "neither name nor default_name arrived", "one of them"))
        self._scope = scope(self._name or "/")
        self._scope.__enter__()
        path = current_scope()
        return f"{path}/" if path else ""

    def __exit__(self, *exception):
        entered, self._scope = self._scope, None
        return entered.__exit__(*exception)
