"""Pooling over whole sequences, images and volumes."""

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers.arguments import data_format_argument
from onnxseq.layers.base import InputSpec, Layer


class GlobalPooling1D(Layer):
    """The base of pooling over whole sequences."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


class GlobalPooling(Layer):
    """The base of pooling over whole images and volumes; a subclass states ``rank``, the number of spatial axes."""

    rank = None

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _spatial_axes(self):
        first = 2 if self.data_format == "channels_first" else 1
        return list(range(first, first + self.rank))

    def _compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1 if self.data_format == "channels_first" else -1])

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


class GlobalPooling2D(GlobalPooling):
    """The base of pooling over whole images."""

    rank = 2


class GlobalPooling3D(GlobalPooling):
    """The base of pooling over whole volumes."""

    rank = 3


@registry.register("layer", "GlobalMaxPool1D")
class GlobalMaxPooling1D(GlobalPooling1D):
    """Takes the greatest over the steps of a sequence, feature by feature.

    Shapes:
        input (batch, steps, features), output (batch, features).
    """

    def call(self, inputs):
        return K.max(inputs, axis=1)


@registry.register("layer", "GlobalAvgPool1D")
class GlobalAveragePooling1D(GlobalPooling1D):
    """Takes the mean over the steps of a sequence, feature by feature.

    Shapes:
        input (batch, steps, features), output (batch, features).
    """

    def call(self, inputs):
        return K.mean(inputs, axis=1)


@registry.register("layer", "GlobalMaxPool2D")
class GlobalMaxPooling2D(GlobalPooling2D):
    """Takes the greatest over an image, channel by channel.

    Shapes:
        input (batch, rows, columns, channels), output (batch, channels); channels come before rows under
        'channels_first'.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
    """

    def call(self, inputs):
        return K.max(inputs, axis=self._spatial_axes)


@registry.register("layer", "GlobalAvgPool2D")
class GlobalAveragePooling2D(GlobalPooling2D):
    """Takes the mean over an image, channel by channel.

    Shapes:
        input (batch, rows, columns, channels), output (batch, channels); channels come before rows under
        'channels_first'.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
    """

    def call(self, inputs):
        return K.mean(inputs, axis=self._spatial_axes)


@registry.register("layer", "GlobalMaxPool3D")
class GlobalMaxPooling3D(GlobalPooling3D):
    """Takes the greatest over a volume, channel by channel.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, channels); channels come before planes under
        'channels_first'.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
    """

    def call(self, inputs):
        return K.max(inputs, axis=self._spatial_axes)


@registry.register("layer", "GlobalAvgPool3D")
class GlobalAveragePooling3D(GlobalPooling3D):
    """Takes the mean over a volume, channel by channel.

    Shapes:
        input (batch, planes, rows, columns, channels), output (batch, channels); channels come before planes under
        'channels_first'.

    Arguments:
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.
    """

    def call(self, inputs):
        return K.mean(inputs, axis=self._spatial_axes)


GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool3D = GlobalAveragePooling3D
