"""A few parts of Keras, eagerly and in NumPy: what a backend of one's own may be at its beginning."""

from plain_keras import backend, constraints, initializers

__all__ = ["backend", "constraints", "initializers"]
__version__ = "1.0"
