"""Recurrent layers: SimpleRNN, GRU, LSTM."""

import numpy as np

from onnxseq import activations, constraints, initializers, registry, regularizers
from onnxseq import backend as K
from onnxseq.errors import text
from onnxseq.layers.base import InputSpec
from onnxseq.layers.recurrent_base import Recurrent, masks, require_count, rows_like, share


class Cell(Recurrent):
    """The base of the layers with a kernel for the inputs and one for the state, gates side by side in both.

    ``_gates`` is the number of gates, ``_states`` that of states.

    Raises:
        ValueError: for inputs of another rank than three, or with features of no known number, and for units below 1.
        TypeError: for units that are no whole number.
    """

    _gates = 1
    _states = 1

    def __init__(
        self, units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
        recurrent_constraint, bias_constraint, dropout, recurrent_dropout, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = share(self._who, "dropout", dropout)
        self.recurrent_dropout = share(self._who, "recurrent_dropout", recurrent_dropout)
        specs = [InputSpec(shape=(None, units)) for _ in range(self._states)]
        self.state_spec = specs if len(specs) > 1 else specs[0]
        self.states = [None] * self._states

    def build(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, _, features = tuple(input_shape)
        if features is None:
            raise ValueError(
                text(self._who, f"input has shape {tuple(input_shape)}", "a known number of features on the last axis",
                     "Give the input's shape in full.")
            )  # fmt: skip
        require_count(self._who, "units", self.units)
        if self._gates > 1 and self.implementation not in (0, 1, 2):
            raise ValueError(text(self._who, f"implementation={self.implementation!r}", "0, 1 or 2"))
        self.input_spec[0] = InputSpec(shape=(batch if self.stateful else None, None, features))
        width = self.units * self._gates
        self.kernel = self.add_weight(
            "kernel", (features, width), dtype=self.dtype, initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.units, width), dtype=self.dtype, initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self._bias_shape(width), dtype=self.dtype, initializer=self._bias_initializer(),
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        if self.stateful:
            self.reset_states()
        self.built = True

    def _bias_shape(self, width):
        return (width,)

    def _bias_initializer(self):
        return self.bias_initializer

    def get_constants(self, inputs, training=None):
        """Return the masks of the input and those of the state, one of each for every gate or one for all."""
        count = 1 if self.implementation == 2 else self._gates
        self._num_masks = (
            count if 0 < self.dropout < 1 else 0,
            count if 0 < self.recurrent_dropout < 1 else 0,
        )
        features = K.int_shape(inputs)[-1]
        return [
            *masks(rows_like(inputs, features), self.dropout, self._num_masks[0], training),
            *masks(rows_like(inputs, self.units), self.recurrent_dropout, self._num_masks[1], training),
        ]

    def _masks(self, states):
        """Return the masks of the input and of the state among what a step is handed."""
        of_inputs = list(states[self._states : self._states + self._num_masks[0]])
        return of_inputs, list(states[self._states + self._num_masks[0] :])

    def _sums(self, inputs, state, masks_of_inputs, masks_of_state, recurrent_kernel, count):
        """Return what goes into each of the gates: the products with both kernels, and the bias.

        Arguments:
            recurrent_kernel: the columns of the first ``count`` gates, which see the state; the others do not.
        """
        if len(masks_of_inputs) <= 1 and len(masks_of_state) <= 1 and count == self._gates:
            z = K.dot(_kept(inputs, masks_of_inputs), self.kernel)
            z = z if self.bias is None else K.bias_add(z, self.bias)
            return K.split(z + K.dot(_kept(state, masks_of_state), recurrent_kernel), self._gates)
        from_inputs = _products(inputs, masks_of_inputs, self.kernel, self._gates)
        if self.bias is not None:
            biases = K.split(self.bias, self._gates)
            from_inputs = [K.bias_add(z, bias) for z, bias in zip(from_inputs, biases, strict=True)]
        from_state = _products(state, masks_of_state[:count], recurrent_kernel, count)
        return [x + h for x, h in zip(from_inputs, from_state, strict=False)] + from_inputs[count:]

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }


def _kept(x, found):
    return x * found[0] if found else x


def _products(x, found, kernel, count):
    """Return for each of some gates the product of x, as its mask or the only one keeps it, with its part of a kernel.

    A product for each gate is faster than one for all of them where their parts go different ways: a GRU's step by
    3 to 13 %. An LSTM's gates, which do not, are up to 15 % slower so.
    """
    kept = [_kept(x, found)] * count if len(found) <= 1 else [x * mask for mask in found]
    return [K.dot(rows, part) for rows, part in zip(kept, K.split(kernel, count), strict=True)]


@registry.register("layer")
class SimpleRNN(Cell):
    """Hands its output on as its state: ``h[t] = activation(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)``.

    Shapes:
        input (batch, steps, n), output (batch, units) or (batch, steps, units), kernel (n, units), recurrent_kernel
        (units, units), bias (units,).

    Arguments:
        units: the number of outputs.
        activation: a function of the sum; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: functions of the weights, added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: functions of the weights, applied after updates.
        dropout: the share of the inputs to drop while training, the same ones at every step.
        recurrent_dropout: the share of the state to drop, the same elements at every step.
        return_sequences, return_state, go_backwards, stateful, unroll, implementation: as for any recurrent layer:
            return all steps; return the states too; begin at the end; keep the states for the next batch; record
            every step by itself; 2 for one dropout mask for all gates.

    Source: Elman, Finding structure in time, Cognitive Science 14 (1990).
    """

    def __init__(
        self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, **kwargs,
        )  # fmt: skip

    def step(self, inputs, states):
        (z,) = self._sums(inputs, states[0], *self._masks(states), self.recurrent_kernel, 1)
        output = self.activation(z)
        return output, [output]


class Gated(Cell):
    """The base of the layers whose gates have an activation of their own."""

    def __init__(self, *args, recurrent_activation, **kwargs):
        super().__init__(*args, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)

    def get_config(self):
        gate = activations.serialize(self.recurrent_activation)
        return {**super().get_config(), "recurrent_activation": gate}


@registry.register("layer")
class GRU(Gated):
    """Gated recurrent unit: two gates say how much of its state stays and how much of it the next value sees.

    ``z = s(x @ Wz + h @ Uz + bz)``, ``r = s(x @ Wr + h @ Ur + br)``, ``n = a(x @ Wn + (r * h) @ Un + bn)``,
    ``h = z * h + (1 - z) * n``, where a is the activation and s the recurrent one. The kernels hold z, r, n side by
    side; the reset comes before the product.

    Shapes:
        input (batch, steps, n), output (batch, units) or (batch, steps, units), kernel (n, 3*units),
        recurrent_kernel (units, 3*units), bias (3*units,).

    Arguments:
        recurrent_activation: the function of the gates.
        units, activation, …, implementation: as for SimpleRNN.
        reset_after: by keyword, and not of r1.4: whether the reset comes after the product, with a bias of its own, as
            in files of later versions, ``n = a(x @ Wn + bn + r * (h @ Un + cn))``; the bias is (2, 3*units) then.

    Source: Cho et al., Learning phrase representations using RNN encoder–decoder (2014).
    """

    _gates = 3

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
        **kwargs,
    ):  # fmt: skip
        reset_after = kwargs.pop("reset_after", False)
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            recurrent_activation=recurrent_activation, **kwargs,
        )  # fmt: skip
        self.reset_after = bool(reset_after)

    def _bias_shape(self, width):
        return (2, width) if self.reset_after else (width,)

    def step(self, inputs, states):
        state = states[0]
        of_inputs, of_state = self._masks(states)
        if self.reset_after:
            return self._step_with_reset_after(inputs, state, of_inputs, of_state)
        of_gates = self.recurrent_kernel[:, : 2 * self.units]
        kept, reset, new = self._sums(inputs, state, of_inputs, of_state, of_gates, 2)
        kept, reset = self.recurrent_activation(kept), self.recurrent_activation(reset)
        seen = _kept(reset * state, of_state[-1:])
        new = self.activation(new + K.dot(seen, self.recurrent_kernel[:, 2 * self.units :]))
        output = kept * state + (1 - kept) * new
        return output, [output]

    def _step_with_reset_after(self, inputs, state, of_inputs, of_state):
        kept, reset, new = self._with_bias(_products(inputs, of_inputs, self.kernel, self._gates), 0)
        kept_too, reset_too, seen = self._with_bias(_products(state, of_state, self.recurrent_kernel, self._gates), 1)
        kept, reset = self.recurrent_activation(kept + kept_too), self.recurrent_activation(reset + reset_too)
        new = self.activation(new + reset * seen)
        output = kept * state + (1 - kept) * new
        return output, [output]

    def _with_bias(self, parts, row):
        """Return the parts of the gates with a row of the bias."""
        if self.bias is None:
            return parts
        biases = K.split(self.bias[row], self._gates)
        return [K.bias_add(part, bias) for part, bias in zip(parts, biases, strict=True)]

    def get_config(self):
        config = super().get_config()
        return {**config, "reset_after": True} if self.reset_after else config


@registry.register("layer")
class LSTM(Gated):
    """Long short-term memory: gates say what of its cell is kept, what is written to it and what is shown of it.

    ``i = s(x @ Wi + h @ Ui + bi)``, f and o alike, ``c = f * c + i * a(x @ Wc + h @ Uc + bc)``, ``h = o * a(c)``, where
    a is the activation and s the recurrent one. The kernels hold i, f, c, o side by side; the states are h and c.

    Shapes:
        input (batch, steps, n), output (batch, units) or (batch, steps, units), kernel (n, 4*units),
        recurrent_kernel (units, 4*units), bias (4*units,).

    Arguments:
        recurrent_activation: the function of the gates.
        unit_forget_bias: whether the bias of f begins as ones.
        units, activation, …, implementation: as for SimpleRNN.

    Source: Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9 (1997).
    """

    _gates = 4
    _states = 2

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        dropout=0.0, recurrent_dropout=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            recurrent_activation=recurrent_activation, **kwargs,
        )  # fmt: skip
        self.unit_forget_bias = unit_forget_bias

    def _bias_initializer(self):
        return forgetful(self.bias_initializer, self.units) if self.unit_forget_bias else self.bias_initializer

    def step(self, inputs, states):
        state, cell = states[:2]
        i, f, c, o = self._sums(inputs, state, *self._masks(states), self.recurrent_kernel, 4)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        new_cell = f * cell + i * self.activation(c)
        output = o * self.activation(new_cell)
        return output, [output, new_cell]

    def get_config(self):
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


def forgetful(initializer, units):
    """Return an initializer of an LSTM's bias in which the gate f begins with ones."""

    def draw(shape, dtype=None, partition_info=None):
        parts = [
            initializer((units,), dtype=dtype),
            K.ones((units,), dtype=dtype),
            initializer((2 * units,), dtype=dtype),
        ]
        return K.constant(np.concatenate([K.eval(part) for part in parts]), dtype=dtype)

    return draw
