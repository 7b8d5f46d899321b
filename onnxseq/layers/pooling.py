"""Pooling over windows of sequences, images and volumes."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import text
from onnxseq.layers.arguments import (
    data_format_argument,
    padding_argument,
    window_argument,
    window_count,
    with_spatial,
)
from onnxseq.layers.base import InputSpec, Layer
from onnxseq.layers.half_padding import HALF, HALF_COUNTED, pooled


class Pooling(Layer):
    """The base of pooling over windows; a subclass states ``mode``, 'max' or 'avg', and ``rank``."""

    mode = None
    rank = None

    def __init__(self, pool_size, strides, padding, data_format, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = window_argument(self._who, "pool_size", pool_size, self.rank, zero_allowed=False)
        strides = self.pool_size if strides is None else strides
        self.strides = window_argument(self._who, "strides", strides, self.rank, zero_allowed=False)
        self.padding = padding_argument(self._who, padding, half_allowed=True)
        self.data_format = data_format_argument(self._who, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs):
        shape = K.int_shape(inputs)
        if any(size is not None and size <= 0 for size in self._compute_output_shape(shape)[1:]):
            raise ValueError(
                text(self._who, f"input has shape {shape}", f"room for windows of {self.pool_size}",
                     "Use padding='same' or smaller windows.")
            )  # fmt: skip
        if self.padding in (HALF, HALF_COUNTED):
            return pooled(
                lambda x: self._pool(x, "valid"), inputs, self.pool_size, self.mode, self.data_format, self.padding
            )
        return self._pool(inputs, self.padding)

    def _pool(self, inputs, padding):
        if self.rank > 1:
            pool = K.pool2d if self.rank == 2 else K.pool3d
            return pool(inputs, self.pool_size, self.strides, padding, self.data_format, self.mode)
        rows = K.pool2d(
            K.expand_dims(inputs, 2), (*self.pool_size, 1), (*self.strides, 1), padding, self.data_format, self.mode
        )
        return K.squeeze(rows, 2)

    def _compute_output_shape(self, input_shape):
        def count(axis, length):
            return window_count(length, self.pool_size[axis], self.padding, self.strides[axis])

        return with_spatial(input_shape, self.data_format, count)


class Pooling1D(Pooling):
    """The base of pooling along sequences."""

    rank = 1

    def __init__(self, pool_size=2, strides=None, padding="valid", **kwargs):
        super().__init__(pool_size, strides, padding, "channels_last", **kwargs)

    def get_config(self):
        return {
            **super().get_config(), "strides": self.strides, "pool_size": self.pool_size, "padding": self.padding,
        }  # fmt: skip


class Pooling2D(Pooling):
    """The base of pooling over images."""

    rank = 2

    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def get_config(self):
        return {
            **super().get_config(), "pool_size": self.pool_size, "padding": self.padding, "strides": self.strides,
            "data_format": self.data_format,
        }  # fmt: skip


class Pooling3D(Pooling):
    """The base of pooling through volumes."""

    rank = 3

    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def get_config(self):
        return {
            **super().get_config(), "pool_size": self.pool_size, "padding": self.padding, "strides": self.strides,
            "data_format": self.data_format,
        }  # fmt: skip


@registry.register("layer", "MaxPool1D")
class MaxPooling1D(Pooling1D):
    """Takes the greatest of each window along sequences, channel by channel.

    Shapes:
        input (batch, steps, channels), output (batch, windows, channels).

    Arguments:
        pool_size: the length of a window.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the ends.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "max"


@registry.register("layer", "AvgPool1D")
class AveragePooling1D(Pooling1D):
    """Takes the mean of each window along sequences, channel by channel.

    Shapes:
        input (batch, steps, channels), output (batch, windows, channels).

    Arguments:
        pool_size: the length of a window.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the ends, where only the
            elements inside count.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "avg"


@registry.register("layer", "MaxPool2D")
class MaxPooling2D(Pooling2D):
    """Takes the greatest of each window of images, channel by channel.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, channels); channels come
        before rows under 'channels_first'.

    Arguments:
        pool_size: the rows and columns of a window, one number for both or two.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the edges.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "max"


@registry.register("layer", "AvgPool2D")
class AveragePooling2D(Pooling2D):
    """Takes the mean of each window of images, channel by channel.

    Shapes:
        input (batch, rows, columns, channels), output (batch, new rows, new columns, channels); channels come
        before rows under 'channels_first'.

    Arguments:
        pool_size: the rows and columns of a window, one number for both or two.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the edges, where only the
            elements inside count.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "avg"


@registry.register("layer", "MaxPool3D")
class MaxPooling3D(Pooling3D):
    """Takes the greatest of each window of volumes, channel by channel.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, new planes, new rows, new columns, channels);
        channels come before planes under 'channels_first'.

    Arguments:
        pool_size: the planes, rows and columns of a window, one number for all or three.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the faces.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "max"


@registry.register("layer", "AvgPool3D")
class AveragePooling3D(Pooling3D):
    """Takes the mean of each window of volumes, channel by channel.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, new planes, new rows, new columns, channels);
        channels come before planes under 'channels_first'.

    Arguments:
        pool_size: the planes, rows and columns of a window, one number for all or three.
        strides: the distance between windows; ``pool_size`` where None.
        padding: 'valid' for whole windows only; 'same' for windows that reach over the faces, where only the
            elements inside count.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    mode = "avg"


MaxPool1D = MaxPooling1D
AvgPool1D = AveragePooling1D
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
MaxPool3D = MaxPooling3D
AvgPool3D = AveragePooling3D
