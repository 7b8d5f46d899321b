"""Puts `plain_keras` on trial: what the conformance suite asks of a backend."""

import platform

import numpy as np

import plain_keras
from conformance.backends.surface import Surface

# A name that the package lacks makes a case absent; what goes by another name would be given as `replaced`.
keras = Surface(plain_keras)

PROVIDERS = ("float32", "float64")


def use_provider(name):
    """A backend with a choice of what computes takes it here, before the first case."""
    if name not in PROVIDERS:
        raise ValueError(f"plain_keras: provider is {name!r}; expected one of {PROVIDERS}.")
    plain_keras.backend.compute_in(name)


def fresh():
    """Nothing is kept from case to case."""


def release():
    """Nothing is held."""


def versions():
    return {"python": platform.python_version(), "numpy": np.__version__, "plain_keras": plain_keras.__version__}
