"""Layers around another layer: Wrapper, to be built on, TimeDistributed and Bidirectional."""

import copy

from onnxseq import backend as K
from onnxseq import config as configuration
from onnxseq import registry
from onnxseq.errors import describe, place, text
from onnxseq.layers.base import Layer, has_argument
from onnxseq.layers.node import unique
from onnxseq.layers.spec import check_inputs


class Wrapper(Layer):
    """The base of layers that work through another layer, whose weights, losses and updates are theirs too.

    A subclass defines ``build(input_shape)``, which builds the inner layer where it is not built yet, and ``call``.

    Arguments:
        layer: the inner layer, ``self.layer`` from then on.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        self.built = True

    @property
    def trainable_weights(self):
        """The inner layer's variables which training changes, then those of the wrapper itself."""
        return unique([*self.layer.trainable_weights, *super().trainable_weights])

    @property
    def non_trainable_weights(self):
        """The inner layer's variables which training leaves alone, then those of the wrapper itself."""
        return unique([*self.layer.non_trainable_weights, *super().non_trainable_weights])

    @property
    def losses(self):
        """The loss tensors of the inner layer and of the wrapper itself."""
        return unique([*self.layer.losses, *super().losses])

    @property
    def updates(self):
        """The updates that the inner layer and the wrapper itself make at each training step."""
        return unique([*self.layer.updates, *super().updates])

    @property
    def constraints(self):
        """The constraints of the inner layer's weights, by weight."""
        return {weight: weight.constraint for weight in self.layer.weights if weight.constraint is not None}

    def get_losses_for(self, inputs=None):
        """Return the losses added for these inputs, the inner layer's too; those that depend on none for None."""
        return unique([*self.layer.get_losses_for(inputs), *super().get_losses_for(inputs)])

    def get_updates_for(self, inputs=None):
        """Return the updates added for these inputs, the inner layer's too; those that depend on none for None."""
        return unique([*self.layer.get_updates_for(inputs), *super().get_updates_for(inputs)])

    def get_config(self):
        return {**super().get_config(), "layer": configuration.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a wrapper made from what ``get_config`` returned.

        Arguments:
            config: the dictionary.
            custom_objects: classes and functions of the caller's own by name.
        """
        config = dict(config)
        inner = configuration.deserialize("layer", config.pop("layer"), custom_objects)
        return cls(inner, **config)


@registry.register("layer")
class TimeDistributed(Wrapper):
    """Applies a layer, or a whole model, to each step of a sequence, with the same weights at each.

    ``output[b, t] = layer(inputs[b, t])``: steps and samples go through the layer together, as one larger batch, so
    what the layer takes over its batch, such as BatchNormalization's statistics, it takes over all steps.

    Shapes:
        input (batch, steps, …), output (batch, steps, …) with what the layer makes of (batch, …) behind the steps.

    Arguments:
        layer: the layer. As in tf.keras, an activity regularizer of its own counts only where the number of samples is
            known; give it to the wrapper, where it always does.

    Raises:
        AttributeError: where the layer is none.
        AssertionError: where the input has fewer than three axes.
        ValueError: where the layer keeps states: of which of a sample's steps is not known.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        if not isinstance(layer, Layer):
            raise AttributeError(text(self._who, describe(layer), "a layer", "Make it first, e.g. Dense(10)."))

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise AssertionError(
                text(self._who, f"input has shape {tuple(input_shape)}", "(batch, steps, …), rank 3 at least",
                     "Put Reshape() or RepeatVector() before it, or use the layer without TimeDistributed.")
            )  # fmt: skip
        self.built = True

    def call(self, inputs, training=None, mask=None):
        if getattr(self.layer, "stateful", False):
            raise ValueError(
                text(self._who, f"{self.layer._who} with stateful=True arrived", "a layer that keeps no states",
                     "Leave stateful out: every step of every sample begins with the same states.")
            )  # fmt: skip
        sizes = [_size(inputs, axis) for axis in range(K.ndim(inputs))]
        steps = K.reshape(inputs, [-1, *sizes[2:]])
        arguments = {} if training is None or not has_argument(self.layer.call, "training") else {"training": training}
        outputs = self._call_inner(steps, arguments)
        # Updates made for the reshaped tensor are updates for the one that arrived.
        self.add_update(self.layer.get_updates_for(steps), inputs)
        by_phase = getattr(outputs, "_uses_learning_phase", False) or getattr(self.layer, "uses_learning_phase", False)
        first = [-1, sizes[1]] if isinstance(sizes[1], int) else sizes[:2]
        outputs = K.reshape(outputs, [*first, *(_size(outputs, axis) for axis in range(1, K.ndim(outputs)))])
        outputs._uses_learning_phase = by_phase
        regularizer = self._inner_regularizer()
        if regularizer is not None and isinstance(sizes[0], int):
            self.add_loss(regularizer(outputs), inputs)
        return outputs

    def _inner_regularizer(self):
        layer = self.layer
        while isinstance(layer, Wrapper):
            layer = layer.layer
        return getattr(layer, "activity_regularizer", None)

    def _call_inner(self, steps, arguments):
        # As in tf.keras, the weights' names don't show a wrapper inside this one.
        name, hidden = self.layer.name, isinstance(self.layer, Wrapper)
        with K.node_scope(name) if hidden else K.layer_scope(name, self.layer._open_scope()), place(self.layer._who):
            check_inputs(self.layer._who, self.layer.input_spec, [steps])
            if not self.layer.built:
                self.layer.build(steps._keras_shape)
                self.layer.built = True
                check_inputs(self.layer._who, self.layer.input_spec, [steps])
            return self.layer.call(steps, **arguments)

    def _compute_output_shape(self, input_shape):
        batch, steps, *sizes = tuple(input_shape)
        return (batch, steps, *tuple(self.layer.compute_output_shape((batch, *sizes)))[1:])


def _size(tensor, axis):
    """Return the size of an axis, as a tensor where it is free."""
    size = K.int_shape(tensor)[axis]
    return K.shape(tensor)[axis] if size is None else size


_MERGES = {
    "concat": lambda ahead, back: K.concatenate([ahead, back]),
    "sum": lambda ahead, back: ahead + back,
    "ave": lambda ahead, back: (ahead + back) / 2,
    "mul": lambda ahead, back: ahead * back,
    None: lambda ahead, back: [ahead, back],
}


@registry.register("layer")
class Bidirectional(Wrapper):
    """Goes over a sequence from both ends, by a layer and its twin, and joins what both give.

    The twin has weights of its own; a layer that has weights already goes on with them. The twin's outputs of all steps
    are turned round before they are joined, so that both outputs of a step stand together. Some rules are tf.keras's
    own: the losses of the twin's regularizers are not added to a model's, the twin's states are kept from batch to
    batch by testing and predicting, not by training, and ``trainable`` counts when it is said of the inner layer,
    before it is wrapped.

    Shapes:
        input (batch, steps, …), output as the layer's, its last axis twice as long for ``'concat'``.

    Arguments:
        layer: a recurrent layer.
        merge_mode: 'concat', 'sum', 'mul', 'ave', or None for both outputs in a list.
        weights: for callers of the time; not used. Use ``set_weights``.

    Raises:
        ValueError: for any other merge mode, and for a layer that returns its sequences and its states.
        AttributeError: where the layer is not recurrent, and, for 'concat' and None, where it returns its states.
        TypeError: for 'mul' and 'ave', where it returns its states.
    """

    def __init__(self, layer, merge_mode="concat", weights=None, **kwargs):
        if merge_mode not in _MERGES:
            raise ValueError(
                text(type(self).__name__, f"merge_mode={describe(merge_mode)}", "'concat', 'sum', 'mul', 'ave' or None")
            )
        if not isinstance(layer, Layer) or not hasattr(layer, "go_backwards"):
            raise AttributeError(text(type(self).__name__, describe(layer), "a recurrent layer", "Wrap e.g. LSTM(32)."))
        options = layer.get_config()
        # The forward half stands for the layer: it has the weights that this one has, or makes those of its name.
        ahead = copy.copy(layer) if layer.built else type(layer).from_config(options)
        ahead._base_name = layer._base_name
        super().__init__(ahead, **kwargs)
        self.forward_layer = ahead
        self.backward_layer = type(layer).from_config({**options, "go_backwards": not options["go_backwards"]})
        for half, label in ((self.forward_layer, "forward_"), (self.backward_layer, "backward_")):
            half._name = label + layer.name
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.supports_masking = True
        self.input_spec = ahead.input_spec
        self._inner_config = configuration.serialize(layer)

    @property
    def trainable_weights(self):
        """The variables of both halves which training changes, the forward one's first."""
        return [*self.forward_layer.trainable_weights, *self.backward_layer.trainable_weights]

    @property
    def non_trainable_weights(self):
        """The variables of both halves which training leaves alone, the forward one's first."""
        return [*self.forward_layer.non_trainable_weights, *self.backward_layer.non_trainable_weights]

    @property
    def weights(self):
        """The variables of the forward half, then those of the backward half."""
        return [*self.forward_layer.weights, *self.backward_layer.weights]

    @property
    def updates(self):
        """The updates of both halves."""
        return [*self.forward_layer.updates, *self.backward_layer.updates]

    @property
    def constraints(self):
        """The constraints of the weights by weight."""
        return {weight: weight.constraint for weight in self.weights if weight.constraint is not None}

    def get_updates_for(self, inputs=None):
        """Return the updates added for these inputs by the forward half; those that depend on none for None."""
        return super().get_updates_for(inputs)

    def get_losses_for(self, inputs=None):
        """Return the losses added for these inputs; those that depend on none for None."""
        return super().get_losses_for(inputs)

    def build(self, input_shape):
        for half in (self.forward_layer, self.backward_layer):
            with K.layer_scope(half.name, half._open_scope()), place(half._who):
                if not half.built:
                    half.build(tuple(input_shape))
                    half.built = True
        self.built = True

    def call(self, inputs, training=None, mask=None):
        ahead = _call_half(self.forward_layer, inputs, training, mask)
        back = _call_half(self.backward_layer, inputs, training, mask)
        # As in tf.keras, the sum of two lists is what the one returns and behind it what the other does.
        if isinstance(ahead, list) and (self.return_sequences or self.merge_mode != "sum"):
            of_mode = AttributeError if self.merge_mode in ("concat", None) else TypeError
            raise (ValueError if self.return_sequences else of_mode)(
                text(self._who, f"the layer returns {len(ahead)} tensors each way", "one, the output",
                     "Leave return_state out of the layer.")
            )  # fmt: skip
        by_phase = any(getattr(y, "_uses_learning_phase", False) for y in (ahead, back))
        if self.return_sequences:
            back = K.reverse(back, 1)
        outputs = _MERGES[self.merge_mode](ahead, back)
        for y in outputs if isinstance(outputs, list) else [outputs]:
            y._uses_learning_phase = by_phase
        return outputs

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the output: that of the input where sequences are returned."""
        mask = mask if self.return_sequences else None
        return [mask, mask] if self.merge_mode is None and self.return_sequences else mask

    def _compute_output_shape(self, input_shape):
        shape = tuple(self.forward_layer.compute_output_shape(tuple(input_shape)))
        if self.merge_mode is None:
            return [shape, shape]
        return (*shape[:-1], shape[-1] * 2) if self.merge_mode == "concat" else shape

    def reset_states(self):
        """Set the states of both halves to zeros; AttributeError where they keep none."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def get_config(self):
        config = super().get_config()
        return {**config, "layer": self._inner_config, "merge_mode": self.merge_mode}


def _call_half(half, inputs, training, mask):
    with K.layer_scope(half.name, half._open_scope()), place(half._who):
        check_inputs(half._who, half.input_spec, [inputs])
        accepted = {"training": training, "mask": mask}
        return half.call(inputs, **{name: v for name, v in accepted.items() if has_argument(half.call, name)})
