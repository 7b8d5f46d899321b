"""The backends on trial. Each has a module here, imported only in that backend's own process, which offers

- `keras`: the module that the cases are given;
- `fresh()`: puts the backend in the state of a new process (names counted from one, no session, learning phase unset);
- `release()`: gives back what a case held;
- `versions()`: what a reader must install to get the same.
"""

import importlib

NAMES = ("onnxseq", "tf14")


def load(name):
    """The backend's module, imported now, in this process."""
    if name not in NAMES:
        raise ValueError("conformance: there is no backend {!r}; expected one of {}.".format(name, ", ".join(NAMES)))
    return importlib.import_module("conformance.backends." + name)
