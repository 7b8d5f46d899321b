"""Recurrent: what all recurrent layers do besides their step."""

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.layers.base import InputSpec, Layer, to_list


class Recurrent(Layer):
    """The base of layers that go over the steps of a sequence with states.

    A subclass makes ``units``, ``states`` (a list of None) and its weights, and defines ``step``.

    Shapes:
        input (batch, steps, features); output (batch, units), or (batch, steps, units) for ``return_sequences``.

    Arguments:
        return_sequences: whether to return the outputs of all steps instead of the last one.
        return_state: whether to return the last states behind the output.
        go_backwards: whether to begin with the last step.
        stateful: whether a batch begins with the states that the batch before left.
        unroll: whether to record every step by itself, which needs a known number of steps.
        implementation: 0 or 1, a dropout mask for each gate; 2, one for all gates.

    Raises:
        ValueError: for an implementation that is not known.
    """

    def __init__(
        self, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
        implementation=0, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec = None
        self.states = [None]
        self.dropout = 0.0
        self.recurrent_dropout = 0.0

    # What a layer is made of.

    def step(self, inputs, states):
        """Return the output of a step and the list of new states.

        Arguments:
            inputs: the input at the step.
            states: the states before it and behind them the constants.
        """
        raise NotImplementedError(text(self._who, "no step()", "one in the subclass", "Define step(inputs, states)."))

    def get_constants(self, inputs, training=None):
        """Return the tensors which every step is handed behind the states."""
        return []

    def preprocess_input(self, inputs, training=None):
        """Return what the steps are handed instead of the inputs."""
        return inputs

    def get_initial_state(self, inputs):
        """Return the states before the first step: zeros."""
        zeros = rows_like(inputs, self.units) * 0
        return [zeros for _ in self.states]

    def _state_shape(self):
        """Return the shape of a state, without its batch."""
        return (self.units,)

    # Shapes and masks.

    def _compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps = tuple(input_shape)[:2]
        shape = (batch, steps, self.units) if self.return_sequences else (batch, self.units)
        return [shape, *[(batch, self.units)] * len(self.states)] if self.return_state else shape

    def compute_mask(self, inputs, mask=None):
        """Return the mask of the output: that of the input where sequences are returned."""
        mask = mask[0] if isinstance(mask, list) else mask
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.states)] if self.return_state else mask

    # Calling.

    def __call__(self, inputs, initial_state=None, **kwargs):
        """Record the layer's computation.

        Arguments:
            inputs: the sequences, or a list of them and the states to begin with.
            initial_state: the states to begin with, a tensor or a list.

        Raises:
            ValueError: where the states are tensors of layers in part only.
        """
        if isinstance(inputs, list | tuple) and len(inputs) > 1 and initial_state is None:
            inputs, initial_state = inputs[0], list(inputs[1:])
        if initial_state is None:
            return super().__call__(inputs, **kwargs)
        initial_state = to_list(initial_state)
        of_layers = [hasattr(state, "_keras_history") for state in initial_state]
        if any(of_layers) and not all(of_layers):
            raise ValueError(
                text(self._who, "initial states arrived of which some come from layers and some do not",
                     "all of them or none", "Make every one of them an Input() or the output of a layer.")
            )  # fmt: skip
        if not all(of_layers):
            return super().__call__(inputs, initial_state=initial_state, **kwargs)
        # States that come from layers are inputs of the model like any other.
        self.input_spec = [*self.input_spec, *to_list(self.state_spec)]
        try:
            return super().__call__([inputs, *initial_state], **kwargs)
        finally:
            self.input_spec = self.input_spec[:1]

    def call(self, inputs, mask=None, training=None, initial_state=None):
        if isinstance(inputs, list | tuple):
            initial_state, inputs = list(inputs[1:]), inputs[0]
        elif initial_state is not None:
            initial_state = to_list(initial_state)
        elif self.stateful:
            initial_state = self.states
        else:
            initial_state = self.get_initial_state(inputs)
        mask = mask[0] if isinstance(mask, list) else mask
        self._check_states(initial_state)
        if self.unroll and K.int_shape(inputs)[1] is None:
            raise ValueError(
                text(self._who, f"unroll=True and an input of shape {K.int_shape(inputs)} arrived",
                     "a known number of steps", "Give the input its length, or leave unroll out.")
            )  # fmt: skip
        last, outputs, states = K.rnn(
            self.step, self.preprocess_input(inputs, training), initial_state, go_backwards=self.go_backwards,
            mask=mask, constants=self.get_constants(inputs, training), unroll=self.unroll,
        )  # fmt: skip
        if self.stateful:
            self.add_update([K.update(old, new) for old, new in zip(self.states, states, strict=True)], inputs)
        result = outputs if self.return_sequences else last
        if self.return_state and any(result is state for state in states):
            result = K.identity(result)  # an output of its own, known by its own number among the layer's outputs
        if self.dropout + self.recurrent_dropout > 0:
            result._uses_learning_phase = True
        return [result, *states] if self.return_state else result

    def _check_states(self, states):
        if len(states) != len(self.states):
            raise ValueError(text(self._who, f"{len(states)} initial states arrived", f"{len(self.states)}"))
        for state in states:
            shape, wanted = K.int_shape(state), self._state_shape()
            differs = any(a != b and a is not None and b is not None for a, b in zip(shape[1:], wanted, strict=False))
            if len(shape) != len(wanted) + 1 or differs:
                raise ValueError(text(self._who, f"an initial state of shape {shape} arrived", f"{(None, *wanted)}"))

    # States from batch to batch.

    def reset_states(self, states=None):
        """Set the states to zeros, or to values.

        Arguments:
            states: arrays, one for each state.

        Raises:
            AttributeError: where the layer is not stateful.
            ValueError: where the batch size is not known, or a number or shape does not fit.
        """
        if not self.stateful:
            raise AttributeError(text(self._who, "reset_states() of a layer that keeps none", "stateful=True"))
        batch = self.input_spec[0].shape[0] if self.input_spec[0].shape else None
        if batch is None:
            raise ValueError(
                text(self._who, "stateful=True and no batch size arrived", "a known batch size",
                     "Say batch_input_shape=(batch, …), or Input(batch_shape=(batch, …)).")
            )  # fmt: skip
        shape = (batch, *self._state_shape())
        if self.states[0] is None:
            self.states = [K.zeros(shape, dtype=self.dtype) for _ in self.states]
            if states is None:
                return
        values = [np.zeros(shape)] * len(self.states) if states is None else [np.asarray(s) for s in to_list(states)]
        if len(values) != len(self.states):
            raise ValueError(text(self._who, f"{len(values)} states arrived", f"{len(self.states)}"))
        for value in values:
            if value.shape != shape:
                raise ValueError(text(self._who, f"a state of shape {value.shape} arrived", f"{shape}"))
        K.batch_set_value(list(zip(self.states, values, strict=True)))

    def _copy_weights(self, memo):
        super()._copy_weights(memo)
        for state in self.states:
            if state is not None:
                memo[id(state)] = K.variable(K.get_value(state), dtype=K.dtype(state), name=state.name)

    def get_config(self):
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "implementation": self.implementation,
        }


def rows_like(inputs, width):
    """Return ones of shape (batch, width) for inputs of shape (batch, steps, …)."""
    one = K.ones_like(K.sum(K.batch_flatten(inputs[:, :1]), axis=1, keepdims=True))
    return one * K.constant(np.ones((1, width)), dtype=K.dtype(inputs))


def require_count(who, name, value, least=1):
    """Raise TypeError where a number of outputs is no whole number, ValueError where it is too small."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise (ValueError if whole else TypeError)(
            text(who, f"{name}={describe(value)}", f"a whole number from {least} on")
        )


def share(who, name, value):
    """Return a share held between 0 and 1; TypeError where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(text(who, f"{name}={describe(value)}", "a number from 0 to 1"))
    return min(1.0, max(0.0, value))


def masks(like, rate, count, training=None):
    """Return masks that keep a share of ``1 - rate`` while training and all otherwise; none where nothing is dropped.

    Arguments:
        like: a tensor of the masks' shape.
        rate: the share to drop; nothing is dropped at 0 and at 1.
        count: how many masks.
        training: as for ``K.in_train_phase``.
    """
    if not 0 < rate < 1:
        return []
    ones = K.ones_like(like)
    return [K.in_train_phase(lambda: K.dropout(ones, rate), ones, training=training) for _ in range(count)]
