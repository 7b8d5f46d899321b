"""Keras 3 on torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from .keras3 import fresh, keras, release, versions  # noqa: E402, F401
