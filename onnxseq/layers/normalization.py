"""Batch normalization."""

from onnxseq import backend as K
from onnxseq import constraints, initializers, registry, regularizers
from onnxseq.errors import describe, text
from onnxseq.layers.arguments import known_axis
from onnxseq.layers.base import InputSpec, Layer

# The fused kernel of the time took no smaller epsilon.
_LEAST_FUSED_EPSILON = 1.001e-5


@registry.register("layer")
class BatchNormalization(Layer):
    """Brings each feature to mean 0 and variance 1 over the batch, then scales and shifts it.

    ``output = gamma * (inputs - mean) / sqrt(variance + epsilon) + beta``. While training, mean and variance are
    those of the batch, and ``moving = moving * momentum + batch * (1 - momentum)`` keeps their averages; otherwise
    the averages are used. The average of the variance takes the unbiased estimate for images (``fused``), the
    biased one else.

    Shapes:
        output as input; gamma, beta, moving_mean and moving_variance (size of the axis,).

    Arguments:
        axis: the axis of the features.
        momentum: the share that a moving average keeps at each step.
        epsilon: what is added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: what draws
            the first values.
        beta_regularizer, gamma_regularizer: functions of the weights whose values are added to the loss.
        beta_constraint, gamma_constraint: functions of the weights applied after each update.
        renorm: whether to correct the batch's statistics towards their moving averages while training.
        renorm_clipping: bounds of that correction, a dictionary with any of 'rmax', 'rmin' and 'dmax'.
        renorm_momentum: as momentum, for the averages that renorm keeps.
        fused: False for the biased variance in any case; None and True for the rule above.

    Raises:
        ValueError: where the axis is outside the input or of no known size, or a bound is unknown.

    Source: Ioffe and Szegedy, Batch Normalization (2015); Ioffe, Batch Renormalization (2017).
    """

    def __init__(
        self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer="zeros",
        gamma_initializer="ones", moving_mean_initializer="zeros", moving_variance_initializer="ones",
        beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None, **kwargs,
    ):  # fmt: skip
        self.renorm = kwargs.pop("renorm", False)
        self.renorm_clipping = dict(kwargs.pop("renorm_clipping", None) or {})
        self.renorm_momentum = kwargs.pop("renorm_momentum", 0.99)
        self.fused = kwargs.pop("fused", None)
        super().__init__(**kwargs)
        unknown = sorted(set(self.renorm_clipping) - {"rmax", "rmin", "dmax"})
        if unknown:
            raise ValueError(text(self._who, f"renorm_clipping has the key {unknown[0]!r}", "'rmax', 'rmin' or 'dmax'"))
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True

    def build(self, input_shape):
        rank = len(input_shape)
        if not isinstance(self.axis, int):
            raise TypeError(text(self._who, f"axis={describe(self.axis)}", "one whole number"))
        if not -rank <= self.axis < rank:
            raise ValueError(
                text(self._who, f"axis={self.axis} for an input of shape {tuple(input_shape)}",
                     f"an axis from {-rank} to {rank - 1}")
            )  # fmt: skip
        size = known_axis(self._who, input_shape, self.axis, "number of features")
        self._is_fused = (
            self.fused is not False and not self.renorm and rank == 4 and self.axis % rank in (1, 3)
            and self.beta_regularizer is None and self.gamma_regularizer is None
        )  # fmt: skip
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", (size,), dtype=self.dtype, initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                "beta", (size,), dtype=self.dtype, initializer=self.beta_initializer,
                regularizer=self.beta_regularizer, constraint=self.beta_constraint,
            )  # fmt: skip
        self.moving_mean = self._add_average("moving_mean", (size,), self.moving_mean_initializer)
        self.moving_variance = self._add_average("moving_variance", (size,), self.moving_variance_initializer)
        if self.renorm:
            self.renorm_mean = self._add_average("renorm_mean", (size,), "zeros")
            self.renorm_mean_weight = self._add_average("renorm_mean_weight", (), "zeros")
            self.renorm_stddev = self._add_average("renorm_stddev", (size,), "zeros")
            self.renorm_stddev_weight = self._add_average("renorm_stddev_weight", (), "zeros")
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: size})
        self.built = True

    def _add_average(self, name, shape, initializer):
        return self.add_weight(name, shape, dtype=self.dtype, initializer=initializer, trainable=False)

    def call(self, inputs, training=None):
        phase = K.learning_phase() if training is None else training
        if isinstance(phase, int) and not phase:  # bool included: the phase is known to be testing
            return self._normalize_by_averages(inputs)
        normalized, updates = self._normalize_by_batch(inputs)
        self.add_update(
            [K.update(average, K.in_train_phase(value, average, training=training)) for average, value in updates],
            inputs=inputs,
        )
        return K.in_train_phase(normalized, lambda: self._normalize_by_averages(inputs), training=training)

    def _normalize_by_averages(self, inputs):
        return K.batch_normalization(
            inputs, *(self._along_axis(inputs, v) for v in (
                self.moving_mean, self.moving_variance, self.beta, self.gamma)),
            epsilon=self._used_epsilon,
        )  # fmt: skip

    def _normalize_by_batch(self, inputs):
        """Return the input normalized by its own statistics and, as pairs, averages with their next values."""
        axes = [axis for axis in range(K.ndim(inputs)) if axis != self.axis % K.ndim(inputs)]
        if self.renorm:
            return self._renormalize(inputs, axes)
        normalized, mean, variance = K.normalize_batch_in_training(
            inputs, self.gamma, self.beta, axes, epsilon=self._used_epsilon
        )
        if self._is_fused:
            variance = variance * self._unbiased_factor(inputs, axes)
        return normalized, [
            (self.moving_mean, _moved(self.moving_mean, mean, self.momentum)),
            (self.moving_variance, _moved(self.moving_variance, variance, self.momentum)),
        ]

    def _unbiased_factor(self, inputs, axes):
        """Return n / (n - 1) for n elements of a feature, 1 for a single one."""
        num_elements = K.cast(K.prod(K.gather(K.shape(inputs), K.constant(axes, dtype="int32"))), self.dtype)
        return num_elements / K.maximum(num_elements - 1.0, 1.0)

    def _renormalize(self, inputs, axes):
        mean, variance = K.mean(inputs, axis=axes), K.var(inputs, axis=axes)
        stddev = K.sqrt(variance + self.epsilon)
        expected_mean = self.renorm_mean + (1.0 - self.renorm_mean_weight) * mean
        expected_stddev = self.renorm_stddev + (1.0 - self.renorm_stddev_weight) * stddev
        ratio, shift = stddev / expected_stddev, (mean - expected_mean) / expected_stddev
        if self.renorm_clipping.get("rmin") is not None:
            ratio = K.maximum(ratio, self.renorm_clipping["rmin"])
        if self.renorm_clipping.get("rmax") is not None:
            ratio = K.minimum(ratio, self.renorm_clipping["rmax"])
        if self.renorm_clipping.get("dmax") is not None:
            shift = K.clip(shift, -self.renorm_clipping["dmax"], self.renorm_clipping["dmax"])
        gamma, beta = K.stop_gradient(ratio), K.stop_gradient(shift)
        if self.gamma is not None:
            gamma, beta = gamma * self.gamma, beta * self.gamma
        if self.beta is not None:
            beta = beta + self.beta
        normalized = K.batch_normalization(
            inputs, *(self._along_axis(inputs, v) for v in (mean, variance, beta, gamma)), epsilon=self.epsilon
        )
        new_mean = _moved(self.renorm_mean, mean, self.renorm_momentum)
        new_mean_weight = _moved(self.renorm_mean_weight, 1.0, self.renorm_momentum)
        new_stddev = _moved(self.renorm_stddev, stddev, self.renorm_momentum)
        new_stddev_weight = _moved(self.renorm_stddev_weight, 1.0, self.renorm_momentum)
        # The averages start at zero: their weights, which do too, take that out.
        full_mean = new_mean / new_mean_weight
        full_variance = K.square(new_stddev / new_stddev_weight) - self.epsilon
        return normalized, [
            (self.moving_mean, _moved(self.moving_mean, full_mean, self.momentum)),
            (self.moving_variance, _moved(self.moving_variance, full_variance, self.momentum)),
            (self.renorm_mean, new_mean), (self.renorm_mean_weight, new_mean_weight),
            (self.renorm_stddev, new_stddev), (self.renorm_stddev_weight, new_stddev_weight),
        ]  # fmt: skip

    @property
    def _used_epsilon(self):
        return max(self.epsilon, _LEAST_FUSED_EPSILON) if self._is_fused else self.epsilon

    def _along_axis(self, inputs, vector):
        """Return a vector of the features in a shape that broadcasts against the inputs."""
        rank = K.ndim(inputs)
        if vector is None or self.axis % rank == rank - 1:
            return vector
        shape = [1] * rank
        shape[self.axis % rank] = -1
        return K.reshape(vector, shape)

    def get_config(self):
        config = {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
        # Left out where not given, as in the files of the time.
        if self.renorm:
            config.update(
                renorm=True, renorm_clipping=dict(self.renorm_clipping), renorm_momentum=self.renorm_momentum
            )
        if self.fused is not None:
            config["fused"] = self.fused
        return config


def _moved(average, value, momentum):
    return average - (average - value) * (1.0 - momentum)
