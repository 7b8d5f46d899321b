"""Layer: what every layer does besides its own computation.

A layer makes its variables once, in ``build``, and records its computation each time it is called, in
``call``. Around these two the base checks inputs, hands on masks, applies the activity regularizer and
keeps the nodes that a Network is made of.
"""

import copy
import inspect
import re

from onnxseq import backend as K
from onnxseq import regularizers
from onnxseq.errors import describe, place
from onnxseq.layers.connections import Connections
from onnxseq.layers.node import Attachments, Node, has_history, masks_of, to_list, unpack
from onnxseq.layers.spec import InputSpec, check_inputs
from onnxseq.layers.weights import Weights

__all__ = ["InputSpec", "Layer", "Node", "as_updates", "has_argument", "snake_case", "to_list"]

_KEYWORDS = (
    "activity_regularizer", "batch_input_shape", "batch_size", "dtype", "input_shape", "name", "trainable", "weights",
)  # fmt: skip


def snake_case(name):
    """Return a class's name as layers are named after it: 'MaxPooling1D' gives 'max_pooling1d'."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()
    return "private" + spaced if spaced.startswith("_") else spaced


def has_argument(function, name):
    """Tell whether a callable takes an argument of this very name."""
    return name in inspect.signature(function).parameters


def as_updates(updates):
    """Return updates as a list, where one update is itself a pair (variable, new value)."""
    if updates is None:
        return []
    if isinstance(updates, tuple) and len(updates) == 2 and K.is_variable(updates[0]) and K.is_tensor(updates[1]):
        return [updates]
    return to_list(updates)


class Layer(Weights, Connections):
    """A computation with weights, which can be called on tensors.

    A subclass defines ``build(input_shape)``, which makes the weights with ``add_weight`` and sets
    ``self.built``, and ``call(inputs)``, which computes with ``K`` functions. ``call`` may take ``mask`` and
    ``training`` also. One with arguments of its own defines ``get_config`` too.

    Arguments:
        name: the layer's name; its class's name and a number where None.
        trainable: whether training changes the weights.
        dtype: the dtype of the weights; ``K.floatx()`` where None.
        input_shape: for the first layer of a Sequential, the input's shape without the batch axis.
        batch_size: the batch axis to go with ``input_shape``.
        batch_input_shape: the input's shape with the batch axis.
        weights: the initial values of the weights, a list of arrays.
        activity_regularizer: a function of the output whose value is added to the loss.

    Raises:
        TypeError: for any other argument, and for a name that is no string.
    """

    def __init__(self, **kwargs):
        for keyword in kwargs:
            if keyword not in _KEYWORDS:
                raise TypeError(
                    f"{type(self).__name__}: argument {keyword!r} arrived; expected one of the layer's own or of "
                    f"{', '.join(_KEYWORDS)}. Check its spelling."
                )
        if not isinstance(kwargs.get("name"), str | None):
            raise TypeError(f"{type(self).__name__}: name={describe(kwargs['name'])} arrived; expected a string.")
        self._base_name = kwargs.get("name") or snake_case(type(self).__name__)
        self._name = kwargs.get("name") or self._make_name()
        self._scope = None
        self._dtype = kwargs.get("dtype") or K.floatx()
        self.trainable = kwargs.get("trainable", True)
        self.built = False
        self.input_spec = None
        self.supports_masking = False
        self._activity_regularizer = regularizers.get(kwargs.get("activity_regularizer"))
        self._initial_weights = kwargs.get("weights")
        self._batch_input_shape = None
        if kwargs.get("batch_input_shape") is not None:
            self._batch_input_shape = tuple(kwargs["batch_input_shape"])
        elif kwargs.get("input_shape") is not None:
            self._batch_input_shape = (kwargs.get("batch_size"), *kwargs["input_shape"])
        self._init_state()

    def _make_name(self):
        prefix = snake_case(type(self).__name__)
        return f"{prefix}_{K.get_uid(prefix)}"

    def _init_state(self):
        """Start with no weights, no losses and no connections."""
        self._init_weights()
        self._forget_calls()

    def _forget_calls(self):
        self._losses = Attachments()
        self._updates = Attachments()
        self._forget_connections()

    # The five acts, to be overridden.

    def build(self, _):
        """Make the weights for inputs of a shape, the argument; called once, before the first ``call``."""
        self.built = True

    def call(self, inputs, **kwargs):
        """Return the output for inputs, in terms of ``K``."""
        return inputs

    def _compute_output_shape(self, input_shape):
        """Return the shape of the output for inputs of a shape, None standing for free dimensions."""
        overridden = type(self).compute_output_shape is not Layer.compute_output_shape
        return self.compute_output_shape(input_shape) if overridden else input_shape

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for inputs of a shape, None standing for free dimensions."""
        return self._compute_output_shape(input_shape)

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the output: that of the inputs where the layer supports masking.

        Raises:
            TypeError: where a mask arrived and the layer does not support masking.
        """
        if self.supports_masking:
            return mask
        if any(m is not None for m in to_list(mask)):
            raise TypeError(
                f"{self._who}: a mask arrived with the inputs; expected none, since the layer does not support "
                f"masking. Drop mask_zero=True or Masking() before it, or use layers that support masking."
            )
        return None

    def get_config(self):
        """Return the arguments to make the layer again, without its weights."""
        config = {"name": self.name, "trainable": self.trainable}
        if self._batch_input_shape is not None:
            config["batch_input_shape"] = self._batch_input_shape
        config["dtype"] = self.dtype
        return config

    @classmethod
    def from_config(cls, config):
        """Return a layer made from what ``get_config`` returned."""
        return cls(**config)

    # Losses and updates.

    @property
    def losses(self):
        """The loss tensors the layer adds to a model's loss."""
        return self._losses.all()

    @property
    def updates(self):
        """The updates of variables which the layer makes at each training step."""
        return self._updates.all()

    def add_loss(self, losses, inputs=None):
        """Add loss tensors to every model that uses the layer.

        Arguments:
            losses: a scalar tensor or a list of them.
            inputs: the inputs of the call that the losses depend on; None for losses that depend on none.
        """
        self._losses.add([loss for loss in to_list(losses) if loss is not None], inputs)

    def add_update(self, updates, inputs=None):
        """Add updates to be made at each training step of every model that uses the layer.

        Arguments:
            updates: what ``K.update`` and its kin return, or a list of these.
            inputs: the inputs of the call that the updates depend on; None for updates that depend on none.
        """
        self._updates.add(as_updates(updates), inputs)

    def get_losses_for(self, inputs):
        """Return the losses added for these inputs; those that depend on none for None."""
        return self._losses.get(inputs)

    def get_updates_for(self, inputs):
        """Return the updates added for these inputs; those that depend on none for None."""
        return self._updates.get(inputs)

    # Calling.

    def __call__(self, inputs, **kwargs):
        """Record the layer's computation on a tensor or a list of tensors and return the output.

        Arguments:
            inputs: a tensor, or a list of them.
            kwargs: further arguments of ``call``, such as ``training`` and ``mask``.

        Raises:
            ValueError: where the inputs do not suit the layer, or ``call`` returns None.
            AttributeError: where an input is not a symbolic tensor.
        """
        inputs, arguments = self._check_call(inputs), dict(kwargs)
        previous_mask = masks_of(inputs)
        if "mask" not in arguments and _any_mask(previous_mask) and has_argument(self.call, "mask"):
            arguments["mask"] = previous_mask
        with K.layer_scope(self.name, self._open_scope()):
            if not self.built:
                check_inputs(self._who, self.input_spec, to_list(inputs))
                with place(self._who):
                    self.build(unpack([tensor._keras_shape for tensor in to_list(inputs)]))
            check_inputs(self._who, self.input_spec, to_list(inputs))
            with place(self._who):
                outputs = self.call(inputs, **arguments)
            if outputs is None:
                raise ValueError(f"{self._who}: call() returned None; expected a tensor or a list. Return the output.")
            # An input handed on as it is loses its mask, as it does in tf.keras: the mask is put on the input itself,
            # and the copy which becomes the output goes without.
            masked = [tensor not in to_list(inputs) for tensor in to_list(outputs)]
            outputs = self._own(outputs, to_list(inputs))
            self._regularize_activity(outputs, inputs)
            self._set_masks(outputs, self.compute_mask(inputs, previous_mask), masked)
        self._mark_learning_phase(outputs, inputs)
        if has_history(to_list(inputs)):
            self._add_inbound_node(inputs, outputs, kwargs or None)
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None
        return outputs

    def apply(self, inputs, *args, **kwargs):
        """Call the layer: ``layer.apply(x)`` is ``layer(x)``."""
        return self(inputs, *args, **kwargs)

    def _check_call(self, inputs):
        for tensor in to_list(inputs):
            if not K.is_tensor(tensor):
                raise AttributeError(
                    f"{self._who}: {describe(tensor)} arrived; expected a symbolic tensor. "
                    f"Start from Input(), or make a tensor of an array by K.constant()."
                )
        if isinstance(inputs, list | tuple) and len(inputs) == 1 and isinstance(self.input_spec, InputSpec):
            return inputs[0]
        return inputs

    def _own(self, outputs, inputs):
        """Return outputs that no other layer has a claim on, so that this one can mark them as its own."""
        owned = [
            K.identity(tensor) if tensor in inputs or hasattr(tensor, "_keras_history") or K.is_variable(tensor)
            else tensor
            for tensor in to_list(outputs)
        ]  # fmt: skip
        return owned if isinstance(outputs, list | tuple) else owned[0]

    def _regularize_activity(self, outputs, inputs):
        if self._activity_regularizer is not None:
            with K.node_scope("ActivityRegularizer"):
                self.add_loss([self._activity_regularizer(tensor) for tensor in to_list(outputs)], inputs)

    @staticmethod
    def _set_masks(outputs, masks, masked):
        outputs = to_list(outputs)
        masks = [None] * len(outputs) if masks is None else to_list(masks)
        for tensor, mask, keeps in zip(outputs, masks, masked, strict=False):
            tensor._keras_mask = mask if keeps else None

    def _mark_learning_phase(self, outputs, inputs):
        uses = getattr(self, "uses_learning_phase", False) or any(
            getattr(tensor, "_uses_learning_phase", False) for tensor in to_list(inputs)
        )
        for tensor in to_list(outputs):
            tensor._uses_learning_phase = getattr(tensor, "_uses_learning_phase", False) or uses

    # The rest.

    @property
    def name(self):
        """The layer's name."""
        return self._name

    @property
    def dtype(self):
        """The dtype of the layer's weights."""
        return self._dtype

    @property
    def graph(self):
        """None: a layer records its computation, and each function collects the graph that it needs."""
        return None

    @property
    def scope_name(self):
        """The prefix of the names of the layer's weights.

        Raises:
            ValueError: before the layer is called.
        """
        if self._scope is None:
            raise ValueError(
                f"{self._who}: scope_name was asked for before the first call; expected a layer in use. "
                f"Call it on a tensor first."
            )
        return self._scope

    @property
    def activity_regularizer(self):
        """The function of the output whose value is added to the loss, or None."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer):
        self._activity_regularizer = regularizer

    def __deepcopy__(self, memo):
        """Return a layer of the same name with weights of its own of equal values, connected to nothing."""
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        self._copy_weights(memo)
        for name, value in vars(self).items():
            if name not in ("_losses", "_updates", "_inbound_nodes", "_outbound_nodes"):
                setattr(twin, name, copy.deepcopy(value, memo))
        twin._forget_calls()
        with K.node_scope(self.name):
            for variable, regularizer in twin._weight_regularizers:
                twin._add_weight_loss(variable, regularizer)
        return twin


def _any_mask(masks):
    return any(mask is not None for mask in to_list(masks))
