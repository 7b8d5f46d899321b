"""Layers that change the sizes of sequences, images and volumes: zero padding, cropping and upsampling."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import data_format_argument, longer, scaled, window_argument, with_spatial
from onnxseq.layers.base import InputSpec, Layer

_PLACES = {"planes": "(front, back)", "rows": "(top, bottom)", "columns": "(left, right)"}


def _pairs(who, name, value, axes):
    """Return amounts before and after each of the axes, a pair each, from one number, one for each, or pairs."""
    rank = len(axes)
    if not isinstance(value, int) and (not hasattr(value, "__len__") or len(value) != rank):
        raise ValueError(
            text(who, f"{name}={describe(value)}",
                 f"an integer, {rank} integers ({', '.join(axes)}) or {rank} pairs "
                 f"({', '.join(_PLACES[axis] for axis in axes)})")
        )  # fmt: skip
    pairs = (value,) * rank if isinstance(value, int) else value
    return tuple(window_argument(who, name, pair, 2) for pair in pairs)


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
        self.padding = _pairs(self._who, "padding", padding, ("rows", "columns"))
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs):
        return K.spatial_2d_padding(inputs, padding=self.padding, data_format=self.data_format)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, self.data_format, lambda axis, length: longer(length, self.padding[axis]))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@registry.register("layer")
class ZeroPadding3D(Layer):
    """Adds planes, rows and columns of zeros around volumes.

    Shapes:
        input (batch, planes, rows, columns, channels), output with each of the three larger by its two amounts;
        channels come first under 'channels_first'.

    Arguments:
        padding: one number for all sides, three (planes, rows, columns), or a pair (before, after) for each of them.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    def __init__(self, padding=(1, 1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self.padding = _pairs(self._who, "padding", padding, ("planes", "rows", "columns"))
        self.input_spec = InputSpec(ndim=5)

    def call(self, inputs):
        return K.spatial_3d_padding(inputs, padding=self.padding, data_format=self.data_format)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, self.data_format, lambda axis, length: longer(length, self.padding[axis]))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class _Cropping(Layer):
    """Cuts off the ends of spatial axes.

    Arguments:
        cropping: what the layers below say it is.
        axes: what the spatial axes are called.
        data_format: where the channels are.
    """

    def __init__(self, cropping, axes, data_format, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self.cropping = _pairs(self._who, "cropping", cropping, axes)
        self.input_spec = InputSpec(ndim=len(axes) + 2)

    def call(self, inputs):
        kept = tuple(slice(before, -after or None) for before, after in self.cropping)
        first = 2 if self.data_format == "channels_first" else 1
        return inputs[(slice(None),) * first + kept]

    def _compute_output_shape(self, input_shape):
        def left(axis, length):
            return None if length is None else max(length - sum(self.cropping[axis]), 0)

        return with_spatial(input_shape, self.data_format, left)

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


@registry.register("layer")
class Cropping1D(Layer):
    """Cuts off steps at the ends of sequences.

    Shapes:
        input (batch, steps, features), output (batch, steps - before - after, features).

    Arguments:
        cropping: the number of steps at each end, or a pair (before, after).

    Raises:
        ValueError: where it is neither.
    """

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self.cropping = window_argument(self._who, "cropping", cropping, 2)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs):
        before, after = self.cropping
        return inputs[:, before : -after or None]

    def _compute_output_shape(self, input_shape):
        batch, steps, features = input_shape
        return (batch, None if steps is None else max(steps - sum(self.cropping), 0), features)

    def get_config(self):
        return {**super().get_config(), "cropping": self.cropping}


@registry.register("layer")
class Cropping2D(_Cropping):
    """Cuts off rows and columns at the edges of images.

    Shapes:
        input (batch, rows, columns, channels), output (batch, rows - top - bottom, columns - left - right, channels);
        channels come before rows under 'channels_first'.

    Arguments:
        cropping: one number for all sides, a pair (rows, columns), or ((top, bottom), (left, right)).
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, ("rows", "columns"), data_format, **kwargs)


@registry.register("layer")
class Cropping3D(_Cropping):
    """Cuts off planes, rows and columns at the edges of volumes.

    Shapes:
        input (batch, planes, rows, columns, channels), output with each of the three smaller by its two amounts;
        channels come first under 'channels_first'.

    Arguments:
        cropping: one number for all sides, three (planes, rows, columns), or a pair (before, after) for each of them.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above.
    """

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(cropping, ("planes", "rows", "columns"), data_format, **kwargs)


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


@registry.register("layer")
class UpSampling3D(Layer):
    """Repeats each plane, row and column of volumes.

    Shapes:
        input (batch, planes, rows, columns, channels), output with each of the three as many times as large;
        channels come first under 'channels_first'.

    Arguments:
        size: how many times, one number for all three or three.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Raises:
        ValueError: where an argument is none of the above, or the input is no volume.
    """

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self.size = window_argument(self._who, "size", size, 3)

    def call(self, inputs):
        return K.resize_volumes(inputs, *self.size, self.data_format)

    def _compute_output_shape(self, input_shape):
        return with_spatial(input_shape, self.data_format, lambda axis, length: scaled(length, self.size[axis]))

    def get_config(self):
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
