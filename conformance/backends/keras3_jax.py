"""Keras 3 on jax."""

import os

os.environ["KERAS_BACKEND"] = "jax"

from .keras3 import fresh, keras, release, versions  # noqa: E402, F401
