"""Names: counters by prefix, scopes for recorded nodes, and variables' names.

Weights are named as TensorFlow 1.4 names them, since weight files hold these names: a layer's scope is its own name
where the user gave one and else its class's, with a number once that is taken. So the first Dense is 'dense_1' and its
kernel 'dense/kernel:0'. Scopes are counted in the order in which layers are first used, layers in that in which they
are made.
"""

import contextlib
import threading
from collections import Counter

from onnxseq.compiler.tensor import scope as node_scope
from onnxseq.errors import text

_lock = threading.Lock()
_uids = Counter()
_variable_names = Counter()  # of variables and of name scopes, which share one space
_layer_scopes = Counter()
_here = threading.local()  # .variables and .layers: the paths that new variables and new layers' scopes go into


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
    """Let names of variables and of scopes be given again without a number behind them."""
    with _lock:
        _variable_names.clear()
        _layer_scopes.clear()


def _claim(taken, path):
    """Return the path, with the first free number behind it where it was given before."""
    with _lock:
        full, count = path, 0
        while taken[full]:
            count += 1
            full = f"{path}_{count}"
        taken[full] += 1
        return full


def _inside(outer, name):
    return f"{outer}/{name}" if outer else name


def _variable_path():
    return getattr(_here, "variables", "")


def variable_name(name):
    """Return the full name of a new variable, ending on ':0' as weight files know it.

    It is put into the present scope and, where taken, numbered; a name that ends on ':0' already is taken as it is.
    """
    if name is not None and ":" in name:
        return name
    return _claim(_variable_names, _inside(_variable_path(), name or "Variable")) + ":0"


def new_layer_scope(name):
    """Return a scope for a layer's weights that no layer has, inside that of the layer being built or called."""
    return _claim(_layer_scopes, _inside(getattr(_here, "layers", ""), name))


@contextlib.contextmanager
def layer_scope(name, path):
    """Record nodes under a layer's name, and name variables and the layers made inside by its scope."""
    outer = _variable_path(), getattr(_here, "layers", "")
    _here.variables = _here.layers = path
    try:
        with node_scope(name):
            yield
    finally:
        _here.variables, _here.layers = outer


class name_scope:
    """Names the nodes recorded inside: ``with K.name_scope('loss'):``.

    Arguments:
        name: the scope's name, put behind the outer scope's and numbered where taken; None takes ``default_name``.
            One that ends on '/', as the scope gives on entering, enters that very scope again.
        default_name: the name where ``name`` is None.
        values: the tensors used inside; accepted because code of the time passes them.

    Raises:
        ValueError: on entering, where no name is given but values are.
    """

    def __init__(self, name, default_name=None, values=None):
        self._name = default_name if name is None else name
        self._values = values
        self._scope = self._outer = None

    def __enter__(self):
        if self._name is None and self._values is not None:
            raise ValueError(text("name_scope", "neither name nor default_name arrived", "one of them"))
        name, self._outer = self._name or "/", _variable_path()
        if name.endswith("/"):
            _here.variables = name.strip("/")
            self._scope = node_scope("/" + _here.variables)
        else:
            _here.variables = _claim(_variable_names, _inside(self._outer, name))
            self._scope = node_scope(name)
        self._scope.__enter__()
        return f"{_here.variables}/" if _here.variables else ""

    def __exit__(self, *exception):
        entered, self._scope = self._scope, None
        _here.variables = self._outer
        return entered.__exit__(*exception)
