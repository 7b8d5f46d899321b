"""Convolution over one, two and three dimensions."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import text
from onnxseq.layers.arguments import (
    KernelLayer,
    data_format_argument,
    known_axis,
    padding_argument,
    window_argument,
    window_count,
    with_spatial,
)
from onnxseq.layers.base import InputSpec
from onnxseq.layers.half_padding import HALF, padded, pads_of_conv


class Conv(KernelLayer):
    """The base of the convolutions: everything but the number of dimensions.

    Arguments:
        rank: the number of spatial axes.
        paddings: the kinds of padding that are known.
        kernel_arguments: activation to bias_constraint, as KernelLayer takes them.
        The others are those of Conv2D.
    """

    def __init__(
        self, rank, filters, kernel_size, strides, padding, data_format, dilation_rate, *kernel_arguments,
        paddings=("valid", "same"), **kwargs,
    ):  # fmt: skip
        super().__init__(*kernel_arguments, **kwargs)
        self.rank = rank
        self.filters = filters
        self.kernel_size = window_argument(self._who, "kernel_size", kernel_size, rank, zero_allowed=False)
        self.strides = window_argument(self._who, "strides", strides, rank, zero_allowed=False)
        self.padding = padding_argument(self._who, padding, paddings, half_allowed=True)
        self.data_format = data_format_argument(self._who, data_format)
        self.dilation_rate = window_argument(self._who, "dilation_rate", dilation_rate, rank, zero_allowed=False)
        self.input_spec = InputSpec(ndim=rank + 2)

    def build(self, input_shape):
        channel_axis = 1 if self.data_format == "channels_first" else -1
        channels = known_axis(self._who, input_shape, channel_axis, "channels")
        self._check_rates()
        self._check_fits(input_shape)
        self._add_kernel((*self.kernel_size, channels, self.filters), (self.filters,))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis: channels})
        self.built = True

    def _check_rates(self):
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                text(self._who, f"strides={self.strides} and dilation_rate={self.dilation_rate}",
                     "one of them to be 1", "Drop one of the two.")
            )  # fmt: skip

    def _check_fits(self, input_shape):
        output_shape = self._compute_output_shape(tuple(input_shape))
        if any(size is not None and size <= 0 for size in output_shape[1:]):
            raise ValueError(
                text(self._who, f"input has shape {tuple(input_shape)}",
                     f"room for a kernel of {self.kernel_size} at dilation {self.dilation_rate}",
                     "Use padding='same' or a smaller kernel.")
            )  # fmt: skip

    def _padded(self, inputs):
        """Return the inputs, and the padding that is left to the operation."""
        if self.padding != HALF:
            return inputs, self.padding
        pads = [pads_of_conv(*axis) for axis in zip(self.kernel_size, self.dilation_rate, strict=True)]
        return padded(inputs, pads, self.data_format), "valid"

    def _compute_output_shape(self, input_shape):
        def count(axis, length):
            return window_count(
                length, self.kernel_size[axis], self.padding, self.strides[axis], self.dilation_rate[axis]
            )

        return with_spatial(input_shape, self.data_format, count, self.filters)

    def get_config(self):
        config = {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }
        if self.rank > 1:
            config["data_format"] = self.data_format
        return {**config, "dilation_rate": self.dilation_rate, **self._kernel_config()}


@registry.register("layer", "Convolution1D")
class Conv1D(Conv):
    """Slides a kernel along sequences: ``output[t] = activation(sum(inputs[t*s + d*k] @ kernel[k]) + bias)``.

    Shapes:
        input (batch, steps, channels), output (batch, new steps, filters), kernel (size, channels, filters),
        bias (filters,).

    Arguments:
        filters: the number of outputs of each step.
        kernel_size: the length of the kernel.
        strides: the distance s between windows.
        padding: 'valid' for none; 'same' for zeros at both ends so that the length is that of the input over
            the stride; 'causal' for zeros before the start, so that no output sees a later step.
        dilation_rate: the distance d between the steps of a window.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.

    Raises:
        ValueError: where an argument is none of the above, or strides and dilation are both greater than 1.
    """

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", dilation_rate=1, activation=None, use_bias=True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            1, filters, kernel_size, strides, padding, "channels_last", dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, paddings=("valid", "same", "causal"), **kwargs,
        )  # fmt: skip

    def call(self, inputs):
        inputs, padding = self._padded(inputs)
        outputs = K.conv1d(
            inputs, self.kernel, strides=self.strides[0], padding=padding, data_format=self.data_format,
            dilation_rate=self.dilation_rate[0],
        )  # fmt: skip
        return self._finish(outputs, self.data_format)


@registry.register("layer", "Convolution2D")
class Conv2D(Conv):
    """Slides a kernel over images: each output is a sum over a window of the input, all channels included.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, filters), kernel
        (*kernel_size, channels, filters), bias (filters,); channels come before rows under 'channels_first'.

    Arguments:
        filters: the number of outputs of each window.
        kernel_size: the rows and columns of the kernel, one number for both or two.
        strides: the distance between windows, one number for both or two.
        padding: 'valid' for none; 'same' for zeros around the image so that its size is that of the input
            over the strides, the odd row and column after.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        dilation_rate: the distance between the elements of a window.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.

    Raises:
        ValueError: where an argument is none of the above, or strides and dilation are both greater than 1.
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip

    def call(self, inputs):
        inputs, padding = self._padded(inputs)
        outputs = K.conv2d(
            inputs, self.kernel, strides=self.strides, padding=padding, data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )  # fmt: skip
        return self._finish(outputs, self.data_format)


@registry.register("layer", "Convolution3D")
class Conv3D(Conv):
    """Slides a kernel through volumes: each output is a sum over a window of the input, all channels included.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, new planes, new rows, new columns, filters),
        kernel (*kernel_size, channels, filters), bias (filters,); channels come before planes under 'channels_first'.

    Arguments:
        filters: the number of outputs of each window.
        kernel_size: the planes, rows and columns of the kernel, one number for all or three.
        strides: the distance between windows, one number for all or three.
        padding: 'valid' for none; 'same' for zeros around the volume so that its size is that of the input over the
            strides, the odd plane, row and column after.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        dilation_rate: the distance between the elements of a window.
        The others are those of Conv2D.

    Raises:
        ValueError: where an argument is none of the above, or strides and dilation are both greater than 1.
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format=None, dilation_rate=(1, 1, 1),
        activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            3, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip

    def call(self, inputs):
        inputs, padding = self._padded(inputs)
        outputs = K.conv3d(
            inputs, self.kernel, strides=self.strides, padding=padding, data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )  # fmt: skip
        return self._finish(outputs, self.data_format)


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
