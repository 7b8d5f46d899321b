"""The layers that every network uses: Dense, Activation, Dropout, Masking, ActivityRegularization."""

from onnxseq import activations, registry, regularizers
from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import KernelLayer, known_axis
from onnxseq.layers.base import InputSpec, Layer


@registry.register("layer")
class Dense(KernelLayer):
    """Connects every input to every output: ``activation(inputs @ kernel + bias)``.

    Shapes:
        input (batch, …, n), output (batch, …, units), kernel (n, units), bias (units,). The product runs
        over the last axis.

    Arguments:
        units: the number of outputs.
        activation: a function of the output, by name or object; None leaves it as it is.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: what draws the first values.
        kernel_regularizer, bias_regularizer: functions of the weights whose values are added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        kernel_constraint, bias_constraint: functions of the weights applied after each update.
        input_dim: for the first layer of a Sequential, the size n of the input; short for ``input_shape=(n,)``.

    Raises:
        ValueError: where the input has fewer than two axes, or its last is of no known size.
    """

    def __init__(
        self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        input_dim = kwargs.pop("input_dim", None)
        if input_dim is not None and "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_dim,)
        super().__init__(
            activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
        self.units = units
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        units = _count(self._who, "units", self.units)
        input_dim = known_axis(self._who, input_shape, -1, "number of inputs")
        self._add_kernel((input_dim, units), (units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_dim})
        self.built = True

    def call(self, inputs):
        return self._finish(K.dot(inputs, self.kernel))

    def _compute_output_shape(self, input_shape):
        return (*tuple(input_shape)[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, **self._kernel_config()}


@registry.register("layer")
class Activation(Layer):
    """Applies an activation to the input.

    Shapes:
        output as input.

    Arguments:
        activation: the function, by name or object.
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs)

    def get_config(self):
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


@registry.register("layer")
class Dropout(Layer):
    """Sets a random share of the input to zero while training and scales the rest up, so that its mean stays.

    ``output = inputs * mask / (1 - rate)`` in training, ``output = inputs`` otherwise.

    Shapes:
        output as input.

    Arguments:
        rate: the share to drop, from 0 up to but not including 1.
        noise_shape: the shape of the mask, where one decision is to hold for several elements: 1 on their
            axes, None or the input's size on the others.
        seed: makes the layer's masks repeatable.

    Raises:
        ValueError: where the rate lies outside its range.
        TypeError: where it is no number.

    Source: Srivastava et al., Dropout, JMLR 15 (2014).
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed
        self.supports_masking = True

    def _get_noise_shape(self, inputs):
        """Return the shape of the mask, None standing for the inputs' own size; None for that of the inputs."""
        return self.noise_shape

    def call(self, inputs, training=None):
        if isinstance(self.rate, bool) or not isinstance(self.rate, int | float):
            raise TypeError(text(self._who, f"rate={describe(self.rate)}", "a number from 0 up to 1"))
        if not 0 <= self.rate < 1:
            raise ValueError(
                text(self._who, f"rate={self.rate!r}", "0 or more and less than 1",
                     "It is the share that is dropped, not the share that is kept.")
            )  # fmt: skip
        if self.rate == 0:
            handed_on = K.identity(inputs)
            return K.in_train_phase(handed_on, handed_on, training=training)
        noise_shape = self._get_noise_shape(inputs)
        return K.in_train_phase(
            lambda: K.dropout(inputs, self.rate, noise_shape, seed=self.seed), inputs, training=training
        )

    def get_config(self):
        config = {**super().get_config(), "rate": self.rate}
        # Left out where not given, as in the files of the time.
        if self.noise_shape is not None:
            config["noise_shape"] = tuple(self.noise_shape)
        if self.seed is not None:
            config["seed"] = self.seed
        return config


@registry.register("layer")
class Masking(Layer):
    """Masks the steps of a sequence at which every feature equals a value, and sets them to zero.

    ``mask[b, t] = any(inputs[b, t] != mask_value)``. Layers after it that support masking skip those steps.

    Shapes:
        input (batch, steps, features), output as input, mask (batch, steps).

    Arguments:
        mask_value: the value.
    """

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.mask_value = mask_value

    def compute_mask(self, inputs, mask=None):
        return K.any(K.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        kept = K.any(K.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * K.cast(kept, K.dtype(inputs))

    def get_config(self):
        return {**super().get_config(), "mask_value": self.mask_value}


@registry.register("layer")
class ActivityRegularization(Layer):
    """Adds ``l1 * sum(|inputs|) + l2 * sum(inputs²)`` to the loss and hands the input on.

    Shapes:
        output as input.

    Arguments:
        l1: the factor of the absolute values.
        l2: the factor of the squares.
    """

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2

    def get_config(self):
        return {**super().get_config(), "l1": self.l1, "l2": self.l2}


def _count(who, name, value):
    """Return a number of things as an int; ValueError where it is none."""
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = -1
    if count < 0:
        raise ValueError(text(who, f"{name}={describe(value)}", "a whole number that is not negative"))
    return count
