"""Layers that enlarge sequences and images: zero padding and upsampling."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import data_format_argument, longer, scaled, window_argument, with_spatial
from onnxseq.layers.base import InputSpec, Layer


@registry.register("layer")
class ZeroPadding1D(Layer):
    """Adds steps of zeros before and after sequences.

    Shapes:
        input (batch, steps, features), output (batch, before + steps + after, features).

    Arguments:
        padding: the number of steps at each end, or a pair (before, after).
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = window_argument(self._who, "padding", padding, 2)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs):
        return K.temporal_padding(inputs, padding=self.padding)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, "channels_last", lambda axis, length: longer(length, self.padding))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@registry.register("layer")
class ZeroPadding2D(Layer):
    """Adds rows and columns of zeros around images.

    Shapes:
        input (batch, rows, columns, channels), output (batch, top + rows + bottom, left + columns + right,
        channels); channels come before rows under 'channels_first'.

    Arguments:
        padding: one number for all sides, a pair (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        if not isinstance(padding, int) and (not hasattr(padding, "__len__") or len(padding) != 2):
            raise ValueError(
                text(self._who, f"padding={describe(padding)}",
                     "an integer, a pair (rows, columns) or a pair of pairs ((top, bottom), (left, right))")
            )  # fmt: skip
        pairs = (padding, padding) if isinstance(padding, int) else padding
        self.padding = tuple(window_argument(self._who, "padding", pair, 2) for pair in pairs)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs):
        return K.spatial_2d_padding(inputs, padding=self.padding, data_format=self.data_format)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, self.data_format, lambda axis, length: longer(length, self.padding[axis]))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@registry.register("layer")
class UpSampling1D(Layer):
    """Repeats each step of sequences.

    Shapes:
        input (batch, steps, features), output (batch, steps * size, features).

    Arguments:
        size: how many times.
    """

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        if size is None or isinstance(size, list | tuple):
            raise TypeError(text(self._who, f"size={size!r}", "one whole number"))
        try:
            self.size = int(size)
        except ValueError as error:
            raise ValueError(text(self._who, f"size={size!r}", "one whole number")) from error
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs):
        return K.repeat_elements(inputs, self.size, axis=1)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, "channels_last", lambda axis, length: scaled(length, self.size))

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@registry.register("layer")
class UpSampling2D(Layer):
    """Repeats each row and each column of images.

    Shapes:
        input (batch, rows, columns, channels), output (batch, rows * size[0], columns * size[1], channels);
        channels come before rows under 'channels_first'.

    Arguments:
        size: how many times, one number for both or two.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    def __init__(self, size=(2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self.size = window_argument(self._who, "size", size, 2)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs):
        return K.resize_images(inputs, self.size[0], self.size[1], self.data_format)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, self.data_format, lambda axis, length: scaled(length, self.size[axis]))

    def get_config(self):
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
