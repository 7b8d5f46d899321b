"""Layers that disturb their input while training: noise, and dropout of other kinds than Dropout's."""

import math

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers.arguments import data_format_argument
from onnxseq.layers.base import InputSpec, Layer
from onnxseq.layers.core import Dropout


@registry.register("layer")
class GaussianNoise(Layer):
    """Adds noise of the normal distribution while training: ``output = inputs + N(0, stddev²)``.

    Shapes:
        output as input.

    Arguments:
        stddev: the noise's standard deviation.
    """

    def __init__(self, stddev, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.stddev = stddev

    def call(self, inputs, training=None):
        def disturbed():
            return inputs + K.random_normal(K.shape(inputs), 0.0, self.stddev, dtype=K.dtype(inputs))

        return K.in_train_phase(disturbed, inputs, training=training)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


@registry.register("layer")
class GaussianDropout(Layer):
    """Multiplies by noise around 1 while training: ``output = inputs * N(1, rate / (1 - rate))``.

    The noise has the variance that Dropout's mask of the same rate has. A rate of 0 or less, or of 1 or more, leaves
    the input as it is.

    Shapes:
        output as input.

    Arguments:
        rate: the share that Dropout would drop.

    Source: Srivastava et al., Dropout, JMLR 15 (2014).
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.rate = rate

    def call(self, inputs, training=None):
        if not 0 < self.rate < 1:
            return K.identity(inputs)
        spread = math.sqrt(self.rate / (1.0 - self.rate))

        def disturbed():
            return inputs * K.random_normal(K.shape(inputs), 1.0, spread, dtype=K.dtype(inputs))

        return K.in_train_phase(disturbed, inputs, training=training)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


# The value that selu of large negative inputs comes near to: minus the product of its two constants.
_SATURATED = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


@registry.register("layer")
class AlphaDropout(Layer):
    """Sets a random share of the input to selu's lowest value while training, and keeps its mean 0 and variance 1.

    ``output = a * (inputs where kept, s elsewhere) + b`` with ``s`` the lowest value,
    ``a = ((1 - rate) * (1 + rate * s²)) ** -0.5`` and ``b = -a * rate * s``. A rate of 0 or less, or of 1 or more,
    leaves the input as it is.

    Shapes:
        output as input.

    Arguments:
        rate: the share to drop.
        noise_shape: the shape of what is drawn, where one decision is to hold for several elements: 1 on their axes,
            None or the input's size on the others.
        seed: makes the layer's draws repeatable.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def call(self, inputs, training=None):
        if not 0 < self.rate < 1:
            return K.identity(inputs)
        rate = self.rate
        factor = ((1 - rate) * (1 + rate * _SATURATED**2)) ** -0.5
        offset = -factor * rate * _SATURATED

        def disturbed():
            ones = K.dropout(K.ones_like(inputs), rate, self.noise_shape, seed=self.seed)
            kept = K.cast(K.greater(ones, 0.0), K.dtype(inputs))
            return factor * (inputs * kept + _SATURATED * (1.0 - kept)) + offset

        return K.in_train_phase(disturbed, inputs, training=training)

    def get_config(self):
        config = {**super().get_config(), "rate": self.rate}
        # Left out where not given, as in the files of the time.
        if self.noise_shape is not None:
            config["noise_shape"] = tuple(self.noise_shape)
        if self.seed is not None:
            config["seed"] = self.seed
        return config


class _SpatialDropout(Dropout):
    """Drops whole channels of samples: Dropout that draws once for all spatial places.

    Arguments:
        rate: the share to drop, from 0 up to but not including 1.
        rank: the number of spatial axes.
        data_format: where the channels are.
    """

    def __init__(self, rate, rank, data_format, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = data_format_argument(self._who, data_format)
        self._rank = rank
        self.input_spec = InputSpec(ndim=rank + 2)

    def _get_noise_shape(self, inputs):
        spatial = (1,) * self._rank
        return (None, None, *spatial) if self.data_format == "channels_first" else (None, *spatial, None)

    def get_config(self):
        # Written only where it is not what reading the config would give anyway, as in the files of the time.
        written = {} if self.data_format == K.image_data_format() else {"data_format": self.data_format}
        return {**super().get_config(), **written}


@registry.register("layer")
class SpatialDropout1D(_SpatialDropout):
    """Drops whole features of sequences while training, at all steps at once, and scales the rest up.

    Shapes:
        input (batch, steps, features), output as input.

    Arguments:
        rate: the share to drop, from 0 up to but not including 1.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(rate, 1, "channels_last", **kwargs)

    def get_config(self):
        return Dropout.get_config(self)


@registry.register("layer")
class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images while training and scales the rest up.

    Shapes:
        input (batch, rows, columns, channels), output as input; channels come before rows under 'channels_first'.

    Arguments:
        rate: the share to drop, from 0 up to but not including 1.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
    """

    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, 2, data_format, **kwargs)


@registry.register("layer")
class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes while training and scales the rest up.

    Shapes:
        input (batch, planes, rows, columns, channels), output as input; channels come first under 'channels_first'.

    Arguments:
        rate: the share to drop, from 0 up to but not including 1.
        data_format: 'channels_last' or 'channels_first'; ``K.image_data_format()`` where None.

    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks, 2015.
    """

    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, 3, data_format, **kwargs)
