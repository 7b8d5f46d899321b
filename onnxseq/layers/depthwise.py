"""Convolution over images, each channel on its own."""

from onnxseq import backend as K
from onnxseq import constraints, initializers, registry, regularizers
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import known_axis, window_count, with_spatial
from onnxseq.layers.base import InputSpec
from onnxseq.layers.convolutional import Conv


@registry.register("layer")
class DepthwiseConv2D(Conv):
    """Slides kernels over the channels of images one by one: the first step of a separable convolution.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, channels * depth_multiplier),
        depthwise_kernel (*kernel_size, channels, depth_multiplier), bias (channels * depth_multiplier,); channels
        come before rows under 'channels_first'.

    Arguments:
        kernel_size: the rows and columns of the kernels, one number for both or two.
        strides: the distance between windows, one number for both or two.
        padding: 'valid' for none; 'same' for zeros around the image so that its size is that of the input over the
            strides, the odd row and column after.
        depth_multiplier: the number of results of each channel.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: what draws the first values.
        depthwise_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        depthwise_constraint, bias_constraint: functions of the weights applied after each update.

    Raises:
        ValueError: where an argument is none of the above, or the input's channels are free.

    Source:
        Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2017.
    """

    def __init__(
        self, kernel_size, strides=(1, 1), padding="valid", depth_multiplier=1, data_format=None, activation=None,
        use_bias=True, depthwise_initializer="glorot_uniform", bias_initializer="zeros", depthwise_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, depthwise_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        dilation_rate = kwargs.pop("dilation_rate", (1, 1))
        super().__init__(
            2, None, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        if not isinstance(depth_multiplier, int) or depth_multiplier < 1:
            raise ValueError(
                text(self._who, f"depth_multiplier={describe(depth_multiplier)}", "an integer of 1 or more")
            )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1

    def build(self, input_shape):
        channels = known_axis(self._who, input_shape, self._channel_axis, "channels")
        self._check_rates()
        self._check_fits(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), dtype=self.dtype,
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )  # fmt: skip
        self._add_bias((channels * self.depth_multiplier,))
        self.input_spec = InputSpec(ndim=4, axes={self._channel_axis: channels})
        self.built = True

    def call(self, inputs):
        outputs = K.depthwise_conv2d(
            inputs, self.depthwise_kernel, strides=self.strides, padding=self.padding, data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )  # fmt: skip
        return self._finish(outputs, self.data_format)

    def _compute_output_shape(self, input_shape):
        def count(axis, length):
            return window_count(
                length, self.kernel_size[axis], self.padding, self.strides[axis], self.dilation_rate[axis]
            )

        channels = input_shape[self._channel_axis]
        filters = None if channels is None else channels * self.depth_multiplier
        return with_spatial(input_shape, self.data_format, count, filters)

    def get_config(self):
        config = super().get_config()
        for name in ("filters", "kernel_initializer", "kernel_regularizer", "kernel_constraint"):
            config.pop(name, None)
        return {
            **config,
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
        }
