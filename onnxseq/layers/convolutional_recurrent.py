"""ConvLSTM2D: an LSTM whose products are convolutions."""

import numpy as np

from onnxseq import backend as K
from onnxseq import initializers, registry
from onnxseq.errors import text
from onnxseq.layers.arguments import data_format_argument, padding_argument, window_argument, window_count, with_spatial
from onnxseq.layers.base import InputSpec
from onnxseq.layers.recurrent import Gated, forgetful
from onnxseq.layers.recurrent_base import masks, require_count, rows_like


@registry.register("layer")
class ConvLSTM2D(Gated):
    """An LSTM over sequences of images, with convolutions of the image and of the state instead of products.

    Shapes:
        input (batch, steps, rows, columns, channels), output (batch, new_rows, new_columns, filters), or with an
        axis of steps behind the batch; the channels stand in front of the rows for 'channels_first'. kernel
        (height, width, channels, 4*filters), recurrent_kernel (height, width, filters, 4*filters), bias (4*filters,).

    Arguments:
        filters: the number of outputs at each place.
        kernel_size: the window's height and width, an int for both.
        strides: rows and columns from one window of the input to the next.
        padding: 'valid' or 'same' for the input; the state is always padded to its own size.
        data_format: 'channels_last' or 'channels_first'; None for the default one.
        dilation_rate: rows and columns from one element of an input's window to the next.
        activation, …, recurrent_dropout: as for LSTM.

    Raises:
        ValueError: for words and sizes that are not known, or strides together with dilation.

    Source: Shi et al., Convolutional LSTM network (2015).
    """

    _gates = 4
    _states = 2

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, return_sequences=False, go_backwards=False, stateful=False,
        dropout=0.0, recurrent_dropout=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(
            filters, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            recurrent_activation=recurrent_activation, return_sequences=return_sequences, go_backwards=go_backwards,
            stateful=stateful, **kwargs,
        )  # fmt: skip
        self.filters = filters
        self.kernel_size = window_argument(self._who, "kernel_size", kernel_size, 2)
        self.strides = window_argument(self._who, "strides", strides, 2)
        self.padding = padding_argument(self._who, padding)
        self.data_format = data_format_argument(self._who, data_format)
        self.dilation_rate = window_argument(self._who, "dilation_rate", dilation_rate, 2)
        self.unit_forget_bias = unit_forget_bias
        self.input_spec = [InputSpec(ndim=5)]
        self.state_spec = [InputSpec(ndim=4), InputSpec(ndim=4)]
        self._image = (None, None, None)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1

    def build(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, _, *image = tuple(input_shape)
        channels = image[0] if self.data_format == "channels_first" else image[-1]
        if channels is None:
            raise ValueError(
                text(self._who, f"input has shape {tuple(input_shape)}", "a known number of channels",
                     "Give the input's shape in full.")
            )  # fmt: skip
        require_count(self._who, "filters", self.filters, least=0)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                text(self._who, f"strides={self.strides} and dilation_rate={self.dilation_rate}", "1 for one of them")
            )
        self.input_spec[0] = InputSpec(shape=(batch if self.stateful else None, None, *image))
        self._image = self._image_after((batch, *image))[1:]
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, channels, 4 * self.filters), dtype=self.dtype,
            initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, 4 * self.filters), dtype=self.dtype,
            initializer=self.recurrent_initializer, regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (4 * self.filters,), dtype=self.dtype, initializer=self._bias_initializer(),
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        if self.stateful:
            self.reset_states()
        self.built = True

    def _bias_initializer(self):
        # As in tf.keras, the forget gate's ones stand among zeros, whatever the initializer.
        zeros = initializers.get("zeros")
        return forgetful(zeros, self.filters) if self.unit_forget_bias else self.bias_initializer

    def _image_after(self, shape):
        def count(axis, length):
            return window_count(
                length, self.kernel_size[axis], self.padding, self.strides[axis], self.dilation_rate[axis]
            )

        return with_spatial(shape, self.data_format, count, self.filters)

    def _state_shape(self):
        return self._image

    def get_initial_state(self, inputs):
        """Return the states before the first step: zeros."""
        if None in self._image:
            kernel = K.constant(np.zeros((*self.kernel_size, K.int_shape(self.kernel)[2], self.filters)), self.dtype)
            zeros = self.input_conv(inputs[:, 0], kernel, padding=self.padding)
        else:
            rows = K.reshape(rows_like(inputs, 1), (-1, 1, 1, 1))
            zeros = rows * K.constant(np.zeros((1, *self._image)), self.dtype)
        return [zeros for _ in self.states]

    def get_constants(self, inputs, training=None):
        """Return the masks of the input and those of the state, one of each for every gate."""
        state = self.get_initial_state(inputs)[0]
        of_inputs = masks(inputs[:, 0], self.dropout, 4, training)
        of_state = masks(state, self.recurrent_dropout, 4, training)
        self._num_masks = (len(of_inputs), len(of_state))
        return [*of_inputs, *of_state]

    def input_conv(self, x, w, b=None, padding="valid"):
        """Return the convolution of an image of the input, and a bias added."""
        y = K.conv2d(
            x, w, strides=self.strides, padding=padding, data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )  # fmt: skip
        return y if b is None else K.bias_add(y, b, data_format=self.data_format)

    def reccurent_conv(self, x, w):
        """Return the convolution of a state; the method is named as tf.keras has it."""
        return K.conv2d(x, w, strides=(1, 1), padding="same", data_format=self.data_format)

    def step(self, inputs, states):
        state, cell = states[:2]
        of_inputs, of_state = self._masks(states)
        biases = K.split(self.bias, 4) if of_inputs and self.bias is not None else [None] * 4
        if of_inputs:
            parts = zip(of_inputs, K.split(self.kernel, 4), biases, strict=True)
            from_inputs = [self.input_conv(inputs * m, w, b, self.padding) for m, w, b in parts]
        else:
            from_inputs = K.split(self.input_conv(inputs, self.kernel, self.bias, self.padding), 4, self._channel_axis)
        if of_state:
            parts = zip(of_state, K.split(self.recurrent_kernel, 4), strict=True)
            from_state = [self.reccurent_conv(state * m, w) for m, w in parts]
        else:
            from_state = K.split(self.reccurent_conv(state, self.recurrent_kernel), 4, self._channel_axis)
        i, f, c, o = (x + h for x, h in zip(from_inputs, from_state, strict=True))
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        new_cell = f * cell + i * self.activation(c)
        output = o * self.activation(new_cell)
        return output, [output, new_cell]

    def reset_states(self, states=None):
        """Set the states to zeros, or to values.

        Arguments:
            states: arrays, one for each state.

        Raises:
            RuntimeError: where the layer is not stateful.
            ValueError: where sizes are not known, or a number or shape does not fit.
        """
        if not self.stateful:
            raise RuntimeError(text(self._who, "reset_states() of a layer that keeps none", "stateful=True"))
        super().reset_states(states)

    def _compute_output_shape(self, input_shape):
        if isinstance(input_shape, list):
            input_shape = input_shape[0]
        batch, steps, *image = tuple(input_shape)
        state = self._image_after((batch, *image))
        shape = (batch, steps, *state[1:]) if self.return_sequences else state
        return [shape, state, state] if self.return_state else shape

    def get_config(self):
        config = super().get_config()
        del config["units"]
        return {
            **config,
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "unit_forget_bias": self.unit_forget_bias,
        }
