"""Activations that are layers, since they have arguments or weights: LeakyReLU, PReLU, ELU, ThresholdedReLU."""

from onnxseq import backend as K
from onnxseq import constraints, initializers, registry, regularizers
from onnxseq.errors import text
from onnxseq.layers.arguments import known_axis
from onnxseq.layers.base import InputSpec, Layer


@registry.register("layer")
class LeakyReLU(Layer):
    """Keeps what is positive and scales down the rest: ``x`` where ``x >= 0``, ``alpha * x`` elsewhere.

    Shapes:
        output as input.

    Arguments:
        alpha: the slope below 0.

    Source: Maas et al., Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013.
    """

    def __init__(self, alpha=0.3, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha = K.cast_to_floatx(alpha)

    def call(self, inputs):
        return K.relu(inputs, alpha=float(self.alpha))

    def get_config(self):
        return {**super().get_config(), "alpha": float(self.alpha)}


@registry.register("layer")
class PReLU(Layer):
    """Keeps what is positive and scales the rest by a weight: ``x`` where ``x >= 0``, ``alpha * x`` elsewhere.

    Shapes:
        output as input; alpha has the shape of a sample, with 1 on the shared axes.

    Arguments:
        alpha_initializer: what draws the first slopes.
        alpha_regularizer: a function of the slopes whose value is added to the loss.
        alpha_constraint: a function of the slopes applied after each update.
        shared_axes: the axes, counted from 1, along which all elements have one slope: ``[1, 2]`` gives images one
            for each channel.

    Raises:
        ValueError: where a size that is not shared is unknown.
        IndexError: where a shared axis is none of the input's.

    Source: He et al., Delving Deep into Rectifiers, 2015.
    """

    def __init__(
        self, alpha_initializer="zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None:
            shared_axes = list(shared_axes) if isinstance(shared_axes, list | tuple) else [shared_axes]
        self.shared_axes = shared_axes

    def build(self, input_shape):
        rank, shared = len(input_shape), self.shared_axes or []
        if any(not 1 <= axis < rank for axis in shared):
            raise IndexError(
                text(self._who, f"shared_axes={shared} and an input of shape {tuple(input_shape)}",
                     f"axes from 1 to {rank - 1}", "The batch axis, 0, is always shared.")
            )  # fmt: skip
        own = [axis for axis in range(1, rank) if axis not in shared]
        sizes = {axis: known_axis(self._who, input_shape, axis, "slopes, which shared_axes leaves out") for axis in own}
        self.alpha = self.add_weight(
            "alpha", tuple(sizes.get(axis, 1) for axis in range(1, rank)), dtype=self.dtype,
            initializer=self.alpha_initializer, regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=rank, axes=sizes)
        self.built = True

    def call(self, inputs, mask=None):
        return K.relu(inputs) - self.alpha * K.relu(-inputs)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


@registry.register("layer")
class ELU(Layer):
    """Keeps what is positive and bends the rest: ``x`` where ``x > 0``, ``alpha * (exp(x) - 1)`` elsewhere.

    Shapes:
        output as input.

    Arguments:
        alpha: the value, below 0, that large negative inputs come near to.

    Source: Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, 2015.
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha = K.cast_to_floatx(alpha)

    def call(self, inputs):
        return K.elu(inputs, float(self.alpha))

    def get_config(self):
        return {**super().get_config(), "alpha": float(self.alpha)}


@registry.register("layer")
class ThresholdedReLU(Layer):
    """Keeps what lies above a threshold: ``x`` where ``x > theta``, 0 elsewhere.

    Shapes:
        output as input.

    Arguments:
        theta: the threshold.

    Source: Konda et al., Zero-bias autoencoders and the benefits of co-adapting features, 2015.
    """

    def __init__(self, theta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.theta = K.cast_to_floatx(theta)

    def call(self, inputs, mask=None):
        return inputs * K.cast(K.greater(inputs, float(self.theta)), K.dtype(inputs))

    def get_config(self):
        return {**super().get_config(), "theta": float(self.theta)}
