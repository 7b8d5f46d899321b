"""What a layer accepts: InputSpec, and the check of tensors against it."""

import numpy as np

from onnxseq import backend as K


class InputSpec:
    """States the rank, dtype and sizes that one input of a layer must have.

    Arguments:
        dtype: the dtype the input must have; None accepts any.
        shape: the full shape, batch axis included; None entries accept any size. Implies ``ndim``.
        ndim: the exact rank.
        max_ndim: the greatest rank.
        min_ndim: the least rank.
        axes: sizes by axis, such as ``{-1: 64}``.
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        self.dtype = dtype
        self.shape = shape
        self.ndim = ndim if shape is None else len(shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = axes or {}

    def __repr__(self):
        stated = {name: value for name, value in vars(self).items() if value is not None and value != {}}
        return f"InputSpec({', '.join(f'{name}={value!r}' for name, value in stated.items())})"


def check_inputs(who, input_spec, tensors):
    """Raise ValueError where tensors do not meet the specs of a layer.

    Arguments:
        who: how messages name the layer.
        input_spec: None, one InputSpec, or a list with one (or None) for each input.
        tensors: the list of inputs.
    """
    if not input_spec:
        return
    specs = list(input_spec) if isinstance(input_spec, list | tuple) else [input_spec]
    if len(tensors) != len(specs):
        raise ValueError(
            f"{who}: {len(tensors)} input tensors arrived; expected {len(specs)}. "
            f"Call the layer once for each tensor, or merge them into one first."
        )
    for index, (tensor, spec) in enumerate(zip(tensors, specs, strict=True)):
        if spec is not None:
            _check_input(f"{who}: input {index}", spec, tensor)


def _check_input(who, spec, tensor):
    shape, rank = K.int_shape(tensor), K.ndim(tensor)
    if spec.ndim is not None and rank != spec.ndim:
        raise ValueError(
            f"{who} has shape {shape}, which is rank {rank}; expected rank {spec.ndim}, the batch axis included. "
            f"{_advice(rank, spec.ndim)}"
        )
    if spec.max_ndim is not None and rank > spec.max_ndim:
        raise ValueError(
            f"{who} has shape {shape}, which is rank {rank}; expected rank {spec.max_ndim} at most. "
            f"{_advice(rank, spec.max_ndim)}"
        )
    if spec.min_ndim is not None and rank < spec.min_ndim:
        raise ValueError(
            f"{who} has shape {shape}, which is rank {rank}; expected rank {spec.min_ndim} at least, "
            f"the batch axis included. {_advice(rank, spec.min_ndim)}"
        )
    if spec.dtype is not None and K.dtype(tensor) != _dtype_name(spec.dtype):
        raise ValueError(
            f"{who} has dtype {K.dtype(tensor)!r}; expected {_dtype_name(spec.dtype)!r}. Convert it with K.cast()."
        )
    for axis, size in spec.axes.items():
        axis = int(axis)
        if not -rank <= axis < rank:
            raise ValueError(
                f"{who} has shape {shape} and no axis {axis}; expected one of size {size}. "
                f"Give the layer an input of higher rank."
            )
        if size is not None and shape[axis] not in (size, None):
            raise ValueError(
                f"{who} has shape {shape}; expected {size} on axis {axis}, the size that the weights were made for. "
                f"Change the input, or use a new layer for this size."
            )
    if spec.shape is not None:
        for size, found in zip(spec.shape, shape, strict=True):
            if size is not None and found is not None and size != found:
                raise ValueError(f"{who} has shape {shape}; expected {tuple(spec.shape)}. Change the input's shape.")


def _advice(rank, wanted):
    if rank > wanted:
        return "Put Flatten() or Reshape() before it."
    return "Put Reshape() before it to add the axes that are missing."


def _dtype_name(dtype):
    return dtype if isinstance(dtype, str) else np.dtype(dtype).name
