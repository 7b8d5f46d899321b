"""Arguments that several layers take alike: checked once, brought to one form."""

from onnxseq import activations, constraints, initializers, regularizers
from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.layers.base import Layer
from onnxseq.layers.half_padding import HALF, HALF_COUNTED


def window_argument(who, name, value, rank, zero_allowed=True):
    """Return an int or a tuple of ints as a tuple of ``rank`` ints.

    Raises:
        ValueError: where it is neither.
    """
    least = 0 if zero_allowed else 1
    expected = f"an integer or a tuple of {rank} integers, each {least} or more"
    try:
        sizes = (value,) * rank if isinstance(value, int) else tuple(value)
        fits = len(sizes) == rank and all(int(size) == size >= least for size in sizes)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(text(who, f"{name}={describe(value)}", expected))
    return tuple(int(size) for size in sizes)


def padding_argument(who, value, known=("valid", "same"), half_allowed=False):
    """Return a kind of padding in lower case; ValueError where it is not known. What files say may be 'half' too."""
    padding = value.lower() if isinstance(value, str) else value
    if half_allowed and padding in (HALF, HALF_COUNTED):
        return padding
    if padding not in known:
        raise ValueError(text(who, f"padding={describe(value)}", " or ".join(repr(kind) for kind in known)))
    return padding


def data_format_argument(who, value):
    """Return a data format in lower case, the default for None; ValueError where it is not known."""
    data_format = K.image_data_format() if value is None else value
    data_format = data_format.lower() if isinstance(data_format, str) else data_format
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(text(who, f"data_format={describe(value)}", "'channels_first' or 'channels_last'"))
    return data_format


def window_count(length, size, padding, stride, dilation=1):
    """Return how many windows fit into a length under a kind of padding; None for an unknown length."""
    if length is None:
        return None
    extent = dilation * (size - 1) + 1
    free = length if padding in ("same", "causal", HALF, HALF_COUNTED) else length - extent + 1
    return -(-free // stride)


def spread_length(length, size, padding, stride):
    """Return the length from which so many windows come, at least: that of a transposed convolution's output."""
    if length is None:
        return None
    return length * stride + (max(size - stride, 0) if padding == "valid" else 0)


def scaled(length, factor):
    """Return a length times a factor; None for an unknown length."""
    return None if length is None else length * factor


def longer(length, amount):
    """Return a length plus an amount; None for an unknown length."""
    return None if length is None else length + sum(amount)


def with_spatial(shape, data_format, change, channels=None):
    """Return a shape with its spatial axes changed by ``change(index, length)``, and its channels where given."""
    batch, *rest = tuple(shape)
    channel_axis = 0 if data_format == "channels_first" else len(rest) - 1
    depth = rest.pop(channel_axis)
    spatial = [change(index, length) for index, length in enumerate(rest)]
    spatial.insert(channel_axis, depth if channels is None else channels)
    return (batch, *spatial)


class KernelLayer(Layer):
    """The base of layers which multiply by a kernel, add a bias and apply an activation.

    Arguments:
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.
    """

    def __init__(
        self, activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def _add_kernel(self, shape, bias_shape):
        self.kernel = self.add_weight(
            "kernel", shape, dtype=self.dtype, initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self._add_bias(bias_shape)

    def _add_bias(self, shape):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape, dtype=self.dtype, initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    def _finish(self, outputs, data_format=None):
        if self.bias is not None:
            outputs = K.bias_add(outputs, self.bias, data_format=data_format)
        return self.activation(outputs)

    def _kernel_config(self):
        return {
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


def known_axis(who, shape, axis, what, error=ValueError):
    """Return the size of an axis; an error where it is free."""
    if shape[axis] is None:
        raise error(
            f"{who}: input has shape {tuple(shape)}; expected a known size on axis {axis}, the {what}, since the "
            f"weights' shape follows from it. Give the input's shape in full."
        )
    return int(shape[axis])
