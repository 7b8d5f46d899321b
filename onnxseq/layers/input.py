"""Input: where the data enters a graph of layers."""

import numpy as np

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers.base import Layer, Node


@registry.register("layer")
class InputLayer(Layer):
    """The entry to a graph of layers: a placeholder for data, or a tensor given.

    Arguments:
        input_shape: the shape without the batch axis; None entries are free.
        batch_size: the size of the batch axis; free where None.
        dtype: the dtype of the data; ``K.floatx()``, or that of ``input_tensor``, where None.
        input_tensor: a tensor to use in place of a new placeholder.
        sparse: whether the data is sparse: ``K.is_sparse`` says so of the tensor, which is computed densely.
        name: the layer's name.
        batch_input_shape: the shape with the batch axis, in place of ``input_shape`` and ``batch_size``.

    Raises:
        ValueError: for both shapes at once, or an unknown argument.
        TypeError: for a dtype that is none.
    """

    def __init__(
        self, input_shape=None, batch_size=None, dtype=None, input_tensor=None, sparse=False, name=None, **kwargs
    ):
        shape = _shape_with_batch("InputLayer", "input_shape", input_shape, "batch_input_shape", batch_size, kwargs)
        if dtype is None:
            dtype = K.floatx() if input_tensor is None else K.dtype(input_tensor)
        name = name or f"input_{K.get_uid('input')}"
        super().__init__(name=name, dtype=dtype if isinstance(dtype, str) else np.dtype(dtype).name)
        self.built = True
        self.sparse = bool(sparse)
        if input_tensor is None:
            if shape is None:
                raise ValueError(
                    f"InputLayer {name!r}: no shape arrived; expected input_shape, batch_input_shape or input_tensor. "
                    f"Give one of them."
                )
            input_tensor = K.placeholder(shape=shape, dtype=self.dtype, sparse=self.sparse, name=name)
        self.is_placeholder = K.is_placeholder(input_tensor)
        self._batch_input_shape = tuple(K.int_shape(input_tensor))
        self.batch_size = self._batch_input_shape[0] if self._batch_input_shape else None
        input_tensor._keras_history = (self, 0, 0)
        Node(self, [], [], [], [input_tensor], [input_tensor])

    def get_config(self):
        """Return the arguments to make the layer again."""
        return {
            "batch_input_shape": self._batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "name": self.name,
        }


    def __deepcopy__(self, memo):
        """Return an input of the same config with a tensor of its own."""
        given = {} if self.is_placeholder else {"input_tensor": K.identity(self.output)}
        twin = memo[id(self)] = type(self).from_config({**self.get_config(), **given})
        return twin


def Input(shape=None, batch_size=None, name=None, dtype=None, sparse=False, tensor=None, **kwargs):
    """Return a tensor for data to be fed, with which a graph of layers begins.

    Arguments:
        shape: the shape without the batch axis; None entries are free.
        batch_size: the size of the batch axis; free where None.
        name: the name of the input.
        dtype: the dtype of the data; ``K.floatx()`` where None.
        sparse: whether the data is sparse: ``K.is_sparse`` says so of the tensor, which is computed densely.
        tensor: a tensor to use in place of a new placeholder.
        batch_shape: the shape with the batch axis, in place of ``shape`` and ``batch_size``.

    Returns:
        A symbolic tensor.

    Raises:
        ValueError: where neither a shape nor a tensor is given, both shapes are, or an argument is unknown.
    """
    batch_shape = _shape_with_batch("Input", "shape", shape, "batch_shape", batch_size, kwargs)
    if tensor is None and (batch_shape is None or len(batch_shape) < 2):
        raise ValueError(
            f"Input: shape={shape!r} and no tensor arrived; expected a shape of at least one axis besides the batch. "
            f"Pass shape=(1,) for scalars."
        )
    layer = InputLayer(
        batch_input_shape=batch_shape, name=name, dtype=dtype, sparse=sparse, input_tensor=tensor,
    )  # fmt: skip
    return layer._inbound_nodes[0].output_tensors[0]


def _shape_with_batch(who, name, shape, batch_name, batch_size, kwargs):
    """Return the shape with its batch axis from either way of giving it; None where neither was used."""
    unknown = [keyword for keyword in kwargs if keyword != batch_name]
    if unknown:
        raise ValueError(
            f"{who}: argument {unknown[0]!r} arrived; expected one of its own or {batch_name!r}. Check its spelling."
        )
    batch_shape = kwargs.get(batch_name)
    if batch_shape is not None and shape:
        raise ValueError(
            f"{who}: {name}={tuple(shape)} and {batch_name}={tuple(batch_shape)} arrived; expected one of them. "
            f"Drop {name}."
        )
    if batch_shape is not None:
        return tuple(batch_shape)
    return None if shape is None else (batch_size, *shape)
