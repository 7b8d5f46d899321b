"""Keras 3 on jax, with float64 switched on, as jax documents for whoever asks for that type.

XLA compiles each small step of each case anew: without its code optimizations it takes a third less of the time.
"""

import os

os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1", XLA_FLAGS="--xla_backend_optimization_level=0")

from .keras3 import fresh, keras, release, versions  # noqa: E402, F401
