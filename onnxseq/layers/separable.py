"""Convolution over images in two steps: each channel on its own, then all channels at each place."""

from onnxseq import backend as K
from onnxseq import constraints, initializers, registry, regularizers
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import known_axis
from onnxseq.layers.base import InputSpec
from onnxseq.layers.convolutional import Conv


@registry.register("layer", "SeparableConvolution2D")
class SeparableConv2D(Conv):
    """Slides kernels over the channels of images one by one, then mixes the results at each place.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, filters), depthwise_kernel
        (*kernel_size, channels, depth_multiplier), pointwise_kernel (1, 1, channels * depth_multiplier, filters), bias
        (filters,); channels come before rows under 'channels_first'.

    Arguments:
        filters: the number of outputs of each window.
        kernel_size: the rows and columns of the kernels, one number for both or two.
        strides: the distance between windows, one number for both or two.
        padding: 'valid' for none; 'same' for zeros around the image so that its size is that of the input over the
            strides, the odd row and column after.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        depth_multiplier: the number of results of each channel before they are mixed.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: what draws the first values.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: functions of the weights whose values are added
            to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: functions of the weights applied after each update.
        dilation_rate: the distance between the elements of a window, by keyword alone.

    Raises:
        ValueError: where an argument is none of the above, or strides and dilation are both greater than 1.
        TypeError: where the input's channels are free.

    Source:
        Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2017.
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, depth_multiplier=1,
        activation=None, use_bias=True, depthwise_initializer="glorot_uniform", pointwise_initializer="glorot_uniform",
        bias_initializer="zeros", depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        dilation_rate = kwargs.pop("dilation_rate", (1, 1))
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, bias_constraint=bias_constraint, **kwargs,
        )  # fmt: skip
        if not isinstance(depth_multiplier, int) or depth_multiplier < 1:
            raise ValueError(
                text(self._who, f"depth_multiplier={describe(depth_multiplier)}", "an integer of 1 or more")
            )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        channel_axis = 1 if self.data_format == "channels_first" else -1
        channels = known_axis(self._who, input_shape, channel_axis, "channels", TypeError)
        self._check_rates()
        self._check_fits(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), dtype=self.dtype,
            initializer=self.depthwise_initializer, regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel", (1, 1, channels * self.depth_multiplier, self.filters), dtype=self.dtype,
            initializer=self.pointwise_initializer, regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )  # fmt: skip
        self._add_bias((self.filters,))
        self.input_spec = InputSpec(ndim=4, axes={channel_axis: channels})
        self.built = True

    def call(self, inputs):
        outputs = K.separable_conv2d(
            inputs, self.depthwise_kernel, self.pointwise_kernel, strides=self.strides, padding=self.padding,
            data_format=self.data_format, dilation_rate=self.dilation_rate,
        )  # fmt: skip
        return self._finish(outputs, self.data_format)

    def get_config(self):
        config = super().get_config()
        written = {name: config.pop(name) for name in tuple(config) if name in self._kernel_config()}
        # Files of TF 1.4 hold neither of the two, so they are written only where they say something.
        if self.dilation_rate == (1, 1):
            del config["dilation_rate"]
        if self.depth_multiplier > 1:
            config["depth_multiplier"] = self.depth_multiplier
        return {
            **config,
            "activation": written["activation"],
            "use_bias": written["use_bias"],
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "pointwise_initializer": initializers.serialize(self.pointwise_initializer),
            "bias_initializer": written["bias_initializer"],
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "pointwise_regularizer": regularizers.serialize(self.pointwise_regularizer),
            "bias_regularizer": written["bias_regularizer"],
            "activity_regularizer": written["activity_regularizer"],
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
            "pointwise_constraint": constraints.serialize(self.pointwise_constraint),
            "bias_constraint": written["bias_constraint"],
        }


SeparableConvolution2D = SeparableConv2D
