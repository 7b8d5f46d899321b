"""Convolution with kernels of their own at each place, over one and two dimensions."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import (
    KernelLayer,
    data_format_argument,
    padding_argument,
    window_argument,
    window_count,
    with_spatial,
)
from onnxseq.layers.base import InputSpec


class LocallyConnected(KernelLayer):
    """The base of the locally connected layers: everything but the number of dimensions.

    Arguments:
        rank: the number of spatial axes.
        kernel_arguments: activation to bias_constraint, as KernelLayer takes them.
        The others are those of LocallyConnected2D.
    """

    def __init__(self, rank, filters, kernel_size, strides, padding, data_format, *kernel_arguments, **kwargs):
        super().__init__(*kernel_arguments, **kwargs)
        self.rank = rank
        self.filters = filters
        self.kernel_size = window_argument(self._who, "kernel_size", kernel_size, rank, zero_allowed=False)
        self.strides = window_argument(self._who, "strides", strides, rank, zero_allowed=False)
        self.padding = padding_argument(self._who, padding, ("valid", "same", "causal"))
        if self.padding != "valid":
            raise ValueError(
                text(self._who, f"padding={describe(padding)}", "'valid', the only one for kernels of their own",
                     "Put a ZeroPadding layer before it.")
            )  # fmt: skip
        self.data_format = data_format_argument(self._who, data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _order(self):
        """In which order the axes are: a sequence has its channels last whatever the data format."""
        return self.data_format if self.rank > 1 else "channels_last"

    def build(self, input_shape):
        input_shape = tuple(input_shape)
        if None in input_shape[1:]:
            raise ValueError(
                f"{self._who}: input has shape {input_shape}; expected known sizes behind the batch, since each place "
                f"has weights of its own. Give the input's shape in full."
            )
        counts = self._windows(input_shape)
        if min(counts) < 1:
            raise ValueError(
                text(self._who, f"input has shape {input_shape}", f"room for a kernel of {self.kernel_size}",
                     "Use a smaller kernel.")
            )  # fmt: skip
        channel_axis = 1 if self._order == "channels_first" else len(input_shape) - 1
        channels = int(input_shape[channel_axis])
        self._output_size = counts
        elements, places = channels, 1
        for size, count in zip(self.kernel_size, counts, strict=True):
            elements, places = elements * size, places * count
        self._add_kernel((places, elements, self.filters), (*counts, self.filters))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis: channels})
        self.built = True

    def _windows(self, input_shape):
        spatial = input_shape[2:] if self._order == "channels_first" else input_shape[1:-1]
        rules = zip(spatial, self.kernel_size, self.strides, strict=True)
        return tuple(window_count(length, size, "valid", stride) for length, size, stride in rules)

    def _compute_output_shape(self, input_shape):
        def count(axis, length):
            return window_count(length, self.kernel_size[axis], "valid", self.strides[axis])

        return with_spatial(input_shape, self._order, count, self.filters)

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
        return {**config, **self._kernel_config()}


@registry.register("layer")
class LocallyConnected1D(LocallyConnected):
    """Slides along sequences with another kernel at each place: Conv1D whose weights are shared by no two outputs.

    Shapes:
        input (batch, steps, channels), output (batch, windows, filters), kernel (windows, size * channels, filters),
        bias (windows, filters).

    Arguments:
        filters: the number of outputs of each window.
        kernel_size: the length of a window.
        strides: the distance between windows.
        padding: 'valid', whole windows only.
        data_format: 'channels_last' or 'channels_first', checked and otherwise of no effect: channels stand last.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.

    Raises:
        ValueError: where an argument is none of the above, or the input's length or channels are free.
    """

    def __init__(
        self, filters, kernel_size, strides=1, padding="valid", data_format=None, activation=None, use_bias=True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, **kwargs,
        )  # fmt: skip

    def call(self, inputs):
        outputs = K.local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, self._order)
        return self._finish(outputs, self._order)


@registry.register("layer")
class LocallyConnected2D(LocallyConnected):
    """Slides over images with another kernel at each place: Conv2D whose weights are shared by no two outputs.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, filters), kernel
        (new rows * new columns, height * width * channels, filters), bias (new rows, new columns, filters). Channels
        come before rows under 'channels_first', in the input, the output and along the kernel's second axis.

    Arguments:
        filters: the number of outputs of each window.
        kernel_size: the rows and columns of a window, one number for both or two.
        strides: the distance between windows, one number for both or two.
        padding: 'valid', whole windows only.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        The others are those of LocallyConnected1D.

    Raises:
        ValueError: where an argument is none of the above, or the input's size or channels are free.
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, activation=None, use_bias=True,
        kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, **kwargs,
        )  # fmt: skip

    def call(self, inputs):
        outputs = K.local_conv2d(
            inputs, self.kernel, self.kernel_size, self.strides, self._output_size, self.data_format
        )
        return self._finish(outputs, self.data_format)
