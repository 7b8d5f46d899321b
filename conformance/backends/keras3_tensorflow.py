"""Keras 3 on tensorflow."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from .keras3 import fresh, keras, release, versions  # noqa: E402, F401
