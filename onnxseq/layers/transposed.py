"""Transposed convolution over two and three dimensions."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers.arguments import (
    KernelLayer,
    data_format_argument,
    known_axis,
    padding_argument,
    spread_length,
    window_argument,
    with_spatial,
)
from onnxseq.layers.base import InputSpec


class ConvTranspose(KernelLayer):
    """The base of the transposed convolutions: everything but the number of dimensions.

    Arguments:
        rank: the number of spatial axes.
        kernel_arguments: activation to bias_constraint, as KernelLayer takes them.
        The others are those of Conv2DTranspose.
    """

    def __init__(self, rank, filters, kernel_size, strides, padding, data_format, *kernel_arguments, **kwargs):
        super().__init__(*kernel_arguments, **kwargs)
        self.rank = rank
        self.filters = filters
        self.kernel_size = window_argument(self._who, "kernel_size", kernel_size, rank, zero_allowed=False)
        self.strides = window_argument(self._who, "strides", strides, rank, zero_allowed=False)
        self.padding = padding_argument(self._who, padding)
        self.data_format = data_format_argument(self._who, data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def build(self, input_shape):
        channel_axis = 1 if self.data_format == "channels_first" else -1
        channels = known_axis(self._who, input_shape, channel_axis, "channels")
        self._add_kernel((*self.kernel_size, self.filters, channels), (self.filters,))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis: channels})
        self.built = True

    def call(self, inputs):
        transposed = K.conv2d_transpose if self.rank == 2 else K.conv3d_transpose
        output_shape = self._compute_output_shape(K.int_shape(inputs))
        outputs = transposed(inputs, self.kernel, output_shape, self.strides, self.padding, self.data_format)
        return self._finish(outputs, self.data_format)

    def _compute_output_shape(self, input_shape):
        def count(axis, length):
            return spread_length(length, self.kernel_size[axis], self.padding, self.strides[axis])

        return with_spatial(input_shape, self.data_format, count, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            **self._kernel_config(),
        }


@registry.register("layer", "Convolution2DTranspose")
class Conv2DTranspose(ConvTranspose):
    """Spreads images by a kernel: the gradient of Conv2D by its input, from which an image grows by the strides.

    Each input adds itself, times the kernel, to a window of the output. A length becomes ``length * stride``, and with
    'valid' padding and a kernel beyond the stride ``length * stride + kernel - stride``.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, filters), kernel
        (*kernel_size, filters, channels), bias (filters,); channels come before rows under 'channels_first'.

    Arguments:
        filters: the number of outputs of each place.
        kernel_size: the rows and columns of the kernel, one number for both or two.
        strides: the distance between the windows of neighbours, one number for both or two.
        padding: 'valid' for all that the windows reach; 'same' for an output of the size of the input times the
            strides, cut at the edges.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.

    Raises:
        ValueError: where an argument is none of the above.

    Source:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
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


@registry.register("layer", "Convolution3DTranspose")
class Conv3DTranspose(ConvTranspose):
    """Spreads volumes by a kernel: the gradient of Conv3D by its input, from which a volume grows by the strides.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, new planes, new rows, new columns, filters),
        kernel (*kernel_size, filters, channels), bias (filters,); channels come before planes under 'channels_first'.

    Arguments:
        filters: the number of outputs of each place.
        kernel_size: the planes, rows and columns of the kernel, one number for all or three.
        strides: the distance between the windows of neighbours, one number for all or three.
        The others are those of Conv2DTranspose.

    Raises:
        ValueError: where an argument is none of the above.

    Source:
        Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016.
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format=None, activation=None,
        use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
        bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            3, filters, kernel_size, strides, padding, data_format, activation, use_bias, kernel_initializer,
            bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer, kernel_constraint,
            bias_constraint, **kwargs,
        )  # fmt: skip


Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
