"""What a file says that it holds of the weights of a model, before any of it is read."""

import math


class StoredLayer:
    """What a file holds of one layer.

    Attributes:
        name: The layer's name there.
        arrays: The arrays, whose content is not read yet.
    """

    def __init__(self, name, arrays):
        self.name = name
        self.arrays = arrays
        self.size = sum(math.prod(array.shape) for array in arrays)


class StoredWeights:
    """What a file holds of the weights of a model.

    Attributes:
        version: The Keras that wrote it; '1' where that is not said, as then it was older than 2.
        backend: The name of the backend whose layout kernels have, or None.
        layers: The stored layers, in order.
        is_ours: Whether this library wrote it, and not the Keras that it names.
        size: How many scalars all of it is.
    """

    def __init__(self, version, backend, layers, is_ours=False):
        self.version = version
        self.backend = backend
        self.is_ours = is_ours
        self.layers = layers
        self.size = sum(layer.size for layer in layers)
