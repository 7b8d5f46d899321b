"""The backends on trial. Each is a module, imported only in that backend's own process, which offers

- `keras`: the module that the cases are given;
- `fresh()`: puts the backend in the state of a new process (names counted from one, no session, learning phase unset);
- `release()`: gives back what a case held;
- `versions()`: what a reader must install to get the same, by name;
- `use_provider(name)`, where there is a choice of what computes: called before the first case; raises ValueError.

A backend of one's own comes from outside: a module's dotted name, or a name that an installed distribution gives to its
module in the entry-point group "conformance.backends".
"""

import importlib

NAMES = ("onnxseq", "tf14", "tf_keras", "keras3_jax", "keras3_torch", "keras3_tensorflow")
GROUP = "conformance.backends"
OFFERS = ("keras", "fresh", "release", "versions")


class Refused(Exception):
    """A backend that cannot be put on trial as asked for, and what to do about it."""


def entry_points():
    """{name: entry point} of the installed distributions; empty on a Python that has no way to ask."""
    try:
        metadata = importlib.import_module("importlib.metadata")
    except ImportError:
        try:
            resources = importlib.import_module("pkg_resources")
        except ImportError:
            return {}
        return {point.name: point for point in resources.iter_entry_points(GROUP)}
    every = metadata.entry_points()
    points = every.select(group=GROUP) if hasattr(every, "select") else every.get(GROUP, ())
    return {point.name: point for point in points}


def _unknown(name, outside):
    return Refused(
        "there is no backend {!r}; expected one of {}, or a module's dotted name. A distribution adds a backend by an "
        "entry point in the group {!r}: see conformance/README.md.".format(
            name, ", ".join(sorted(set(NAMES) | set(outside))), GROUP
        )
    )


def _find(name):
    if name in NAMES:
        return importlib.import_module("conformance.backends." + name)
    outside = entry_points()
    if name in outside:
        return outside[name].load()
    if "." not in name:
        raise _unknown(name, outside)
    try:
        return importlib.import_module(name)
    except ImportError as fault:
        if getattr(fault, "name", None) and (name + ".").startswith(fault.name + "."):
            raise _unknown(name, outside) from None
        raise


def load(name):
    """The backend's module, imported now, in this process."""
    try:
        backend = _find(name)
    except ImportError as fault:
        raise Refused(
            "backend {!r} cannot be imported by this Python: {}. Say which Python has it, by --python or in the "
            "environment variable {}.".format(name, fault, python_variable(name))
        ) from fault
    lacking = [offer for offer in OFFERS if not hasattr(backend, offer)]
    if lacking:
        raise Refused("backend {!r} has no {}; expected {}.".format(name, " and no ".join(lacking), ", ".join(OFFERS)))
    return backend


def python_variable(name):
    """The environment variable that names the Python of a backend: CONFORMANCE_PYTHON_TF14 for tf14."""
    return "CONFORMANCE_PYTHON_" + "".join(letter if letter.isalnum() else "_" for letter in name).upper()
