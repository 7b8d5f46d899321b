"""The weights of a layer: made, listed, counted, read and set."""

import functools
import inspect

import numpy as np

from onnxseq import backend as K
from onnxseq import constraints, initializers, regularizers
from onnxseq.layers.planned import first_value

_OLDER_ORDER = ("shape", "initializer", "name", "trainable", "regularizer", "constraint")


def _in_either_order(add_weight):
    """Let add_weight also be called as in Keras 1, with the shape first: add_weight((4, 3), initializer, name="W")."""

    @functools.wraps(add_weight)
    def call(self, *args, **kwargs):
        if args and isinstance(args[0], list | tuple):
            kwargs = {**dict(zip(_OLDER_ORDER, args, strict=False)), **kwargs}
            args = ()
        if "shape" in kwargs and not args and kwargs.get("name") is None:
            kwargs["name"] = f"weight_{len(self._weights_by_name) + 1}"
        return add_weight(self, *args, **kwargs)

    return call


class Weights:
    """Holds the variables of a layer. A base of Layer, which has ``dtype``, ``trainable``, ``built`` and ``_scope``."""

    def _init_weights(self):
        self._trainable_weights = []
        self._non_trainable_weights = []
        self._weights_by_name = {}
        self._weight_regularizers = []  # (variable, regularizer), so that a copy can be regularized alike

    @_in_either_order
    def add_weight(
        self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=True, constraint=None,
    ):  # fmt: skip
        """Make a weight of the layer; see ``add_variable``. As in Keras 1, the shape may come first."""
        return self.add_variable(
            name, shape, dtype=dtype or K.floatx(), initializer=initializer, regularizer=regularizer,
            trainable=trainable, constraint=constraint,
        )  # fmt: skip

    def add_variable(
        self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=True, constraint=None,
    ):  # fmt: skip
        """Make a weight of the layer and return it, or the one of this name once the layer is built.

        Arguments:
            name: its name within the layer; '<scope>/<name>:0' outside of it, by the layer's ``scope_name``.
            shape: its shape, all sizes known.
            dtype: its dtype; the layer's own where None.
            initializer: what draws the first value, by object or name; Glorot's uniform where None.
            regularizer: a function of the weight whose value is added to the loss.
            trainable: whether training changes it (while the layer is trainable too).
            constraint: a function of the weight applied after each update.

        Raises:
            ValueError: where the name is taken while the layer is being built, or the shape is not known.
        """
        if name in self._weights_by_name:
            if self.built:
                return self._weights_by_name[name]
            raise ValueError(f"{self._who}: weight {name!r} exists already; expected a new name. Rename one of them.")
        sizes = tuple(getattr(size, "value", size) for size in shape)
        if any(size is None for size in sizes):
            raise ValueError(
                f"{self._who}: weight {name!r} got shape {sizes}; expected known sizes. "
                f"Give the input's shape, in input_shape or in Input()."
            )
        sizes = tuple(int(size) for size in sizes)
        dtype = dtype or self.dtype or K.floatx()
        variable = K.variable(
            first_value(self._who, name, sizes, dtype, lambda: _initial_value(initializer, sizes, dtype)),
            dtype=dtype, name=f"{self._open_scope()}/{name}:0", constraint=constraints.get(constraint),
        )  # fmt: skip
        variable.trainable = bool(trainable)
        self._weights_by_name[name] = variable
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        if regularizer is not None:
            self._weight_regularizers.append((variable, regularizers.get(regularizer)))
            self._add_weight_loss(*self._weight_regularizers[-1])
        return variable

    def _open_scope(self):
        """Return the scope of the layer's weights, which is taken when it is first needed."""
        if self._scope is None:
            self._scope = K.new_layer_scope(self._base_name)
        return self._scope

    def _add_weight_loss(self, variable, regularizer):
        with K.node_scope("Regularizer"):
            self.add_loss(regularizer(variable))

    @property
    def trainable_weights(self):
        """The variables which training changes; none while the layer is not trainable."""
        return list(self._trainable_weights) if self.trainable else []

    @trainable_weights.setter
    def trainable_weights(self, weights):
        self._trainable_weights = list(weights)

    @property
    def non_trainable_weights(self):
        """The variables which training leaves alone or which the layer updates itself."""
        frozen = [] if self.trainable else self._trainable_weights
        return [*frozen, *self._non_trainable_weights]

    @non_trainable_weights.setter
    def non_trainable_weights(self, weights):
        self._non_trainable_weights = list(weights)

    @property
    def weights(self):
        """Every variable, the trainable ones first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def trainable_variables(self):
        """The same as ``trainable_weights``."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self):
        """The same as ``non_trainable_weights``."""
        return self.non_trainable_weights

    @property
    def variables(self):
        """The same as ``weights``."""
        return self.weights

    def get_weights(self):
        """Return the values of the weights, a list of arrays."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Set the values of the weights.

        Arguments:
            weights: arrays as ``get_weights`` returns them.

        Raises:
            ValueError: where their number or a shape differs; nothing is changed then.
        """
        assign_weights(self._who, self.weights, weights)

    def count_params(self):
        """Return the number of scalars in the weights.

        Raises:
            ValueError: before the layer is built.
        """
        if not self.built:
            raise ValueError(
                f"{self._who}: count_params() was called before the layer was built; expected a built layer. "
                f"Call the layer on a tensor, or build it by {self.name}.build(batch_input_shape)."
            )
        return sum(int(np.prod(K.int_shape(weight), dtype=np.int64)) for weight in self.weights)

    def _copy_weights(self, memo):
        """Put a new variable of equal value for each weight into the memo of a deepcopy."""
        for variable in [*self._trainable_weights, *self._non_trainable_weights]:
            if id(variable) not in memo:
                memo[id(variable)] = _copy_variable(variable)


def assign_weights(who, variables, values):
    """Set variables to values, all or none of them; ValueError where a number or a shape differs."""
    values = [np.asarray(value) for value in values]
    if len(values) != len(variables):
        raise ValueError(
            f"{who}: a list of {len(values)} weights arrived; expected {len(variables)}, of shapes "
            f"{[K.int_shape(variable) for variable in variables]}. Pass what get_weights() returns."
        )
    for variable, value in zip(variables, values, strict=True):
        if value.shape != tuple(K.int_shape(variable)):
            raise ValueError(
                f"{who}: weight {variable.name!r} was given shape {value.shape}; expected {K.int_shape(variable)}. "
                f"Pass what get_weights() of an equal layer returns."
            )
    K.batch_set_value(list(zip(variables, values, strict=True)))


def _initial_value(initializer, shape, dtype):
    initializer = initializers.get("glorot_uniform" if initializer is None else initializer)
    # A user's own may take the shape alone, as in Keras, or partition_info too, as in TensorFlow.
    known = {"dtype": dtype, "partition_info": None}
    accepted = inspect.signature(initializer).parameters
    return initializer(shape, **{name: value for name, value in known.items() if name in accepted})


def _copy_variable(variable):
    twin = K.variable(
        K.get_value(variable), dtype=K.dtype(variable), name=variable.name, constraint=variable.constraint
    )  # fmt: skip
    twin.trainable = variable.trainable
    return twin
