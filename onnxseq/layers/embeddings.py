"""Embedding: vectors for whole numbers."""

from onnxseq import backend as K
from onnxseq import constraints, initializers, registry, regularizers
from onnxseq.layers.base import Layer


@registry.register("layer")
class Embedding(Layer):
    """Replaces whole numbers by trainable vectors: ``output[b, t] = embeddings[inputs[b, t]]``.

    Shapes:
        input (batch, steps), output (batch, steps, output_dim), embeddings (input_dim, output_dim).

    Arguments:
        input_dim: how many numbers there are; inputs run from 0 to ``input_dim - 1``.
        output_dim: the length of a vector.
        embeddings_initializer: what draws the first vectors.
        embeddings_regularizer: a function of the vectors whose value is added to the loss.
        activity_regularizer: a function of the output whose value is added to the loss.
        embeddings_constraint: a function of the vectors applied after each update.
        mask_zero: whether 0 marks padding, to be skipped by layers after it that support masking.
        input_length: the number of steps, where it is fixed.
    """

    def __init__(
        self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
        activity_regularizer=None, embeddings_constraint=None, mask_zero=False, input_length=None, **kwargs,
    ):  # fmt: skip
        if "input_shape" not in kwargs:
            lengths = input_length if isinstance(input_length, list | tuple) else (input_length,)
            kwargs["input_shape"] = tuple(lengths)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.input_length = input_length

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            "embeddings", (self.input_dim, self.output_dim), dtype=self.dtype,
            initializer=self.embeddings_initializer, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )  # fmt: skip
        self.built = True

    def compute_mask(self, inputs, mask=None):
        return K.not_equal(inputs, 0) if self.mask_zero else None

    def call(self, inputs):
        indices = inputs if K.dtype(inputs) == "int32" else K.cast(inputs, "int32")
        return K.gather(self.embeddings, indices)

    def _compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "input_length": self.input_length,
        }
