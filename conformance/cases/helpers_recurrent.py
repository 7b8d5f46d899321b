"""What the recurrent families share: the three cells by label, their options, values and gradients of any model."""

import numpy as np

from ..case import EXACT, GRADIENT, Tolerance, register
from . import helpers
from .helpers import normal, seed_weights, sequential

STEPWISE = Tolerance(1e-5, 5e-6, "float32 steps, each on the rounding of those before it")
FIELDS = {"gradient_*": GRADIENT, "output_shape*": EXACT, "*": STEPWISE}

CELLS = (("simple_rnn", "SimpleRNN", 1), ("lstm", "LSTM", 2), ("gru", "GRU", 1))
GATED = CELLS[1:]

STEPS, FEATURES, UNITS = 4, 5, 3

# Every option that all three layers have, by the label that it gets in a case's name
OPTIONS = (
    ("default", {}),
    ("return_sequences", {"return_sequences": True}),
    ("no_bias", {"use_bias": False}),
    ("activation_relu", {"activation": "relu", "return_sequences": True}),
    ("activation_none", {"activation": None}),
    ("go_backwards", {"go_backwards": True}),
    ("go_backwards_return_sequences", {"go_backwards": True, "return_sequences": True}),
    ("unroll", {"unroll": True}),
    ("unroll_go_backwards_return_sequences", {"unroll": True, "go_backwards": True, "return_sequences": True}),
    ("implementation_1", {"implementation": 1}),
    ("implementation_1_unroll", {"implementation": 1, "unroll": True}),
    ("implementation_2", {"implementation": 2}),
    ("implementation_2_no_bias", {"implementation": 2, "use_bias": False}),
    ("implementation_2_unroll_return_sequences", {"implementation": 2, "unroll": True, "return_sequences": True}),
    ("dropout_in_test", {"dropout": 0.3, "recurrent_dropout": 0.4}),
    ("dropout_in_test_implementation_1", {"dropout": 0.3, "recurrent_dropout": 0.4, "implementation": 1}),
    ("dropout_in_test_implementation_2", {"dropout": 0.3, "recurrent_dropout": 0.4, "implementation": 2}),
)

GATES = (
    ("recurrent_activation_sigmoid", {"recurrent_activation": "sigmoid"}),
    ("recurrent_activation_tanh", {"recurrent_activation": "tanh", "return_sequences": True}),
    ("recurrent_activation_relu", {"recurrent_activation": "relu"}),
    ("recurrent_activation_linear_unroll", {"recurrent_activation": "linear", "unroll": True}),
    ("recurrent_activation_sigmoid_implementation_2", {"recurrent_activation": "sigmoid", "implementation": 2}),
)

# Input shape of the first layer, shape of the data, what the values are multiplied by, units
SHAPES = (
    ("one_step", {"input_shape": (1, FEATURES)}, (3, 1, FEATURES), 1.0, UNITS),
    ("one_unit", {"input_shape": (STEPS, FEATURES)}, (3, STEPS, FEATURES), 1.0, 1),
    ("one_feature", {"input_shape": (STEPS, 1)}, (3, STEPS, 1), 1.0, UNITS),
    ("saturated", {"input_shape": (STEPS, FEATURES), "return_sequences": True}, (3, STEPS, FEATURES), 5.0, UNITS),
    ("free_length", {"input_shape": (None, FEATURES), "return_sequences": True}, (3, 6, FEATURES), 1.0, UNITS),
    ("batch_input_shape", {"batch_input_shape": (3, STEPS, FEATURES)}, (3, STEPS, FEATURES), 1.0, UNITS),
    ("long", {"input_shape": (25, 2), "return_sequences": True}, (2, 25, 2), 1.0, UNITS),
)


def without_steps(shape):
    """A sequence's shape without its number of steps.

    TensorFlow 1.4 forgets that number behind a loop, known as it may be; the cases `output_shapes` show it.
    """
    shape = list(shape)
    return shape[:1] + shape[2:] if len(shape) in (3, 5) else shape


def forward_and_gradient(keras, model, x, random):
    """The output for x and the gradients, and the model's output shape as far as it is not the number of steps."""
    fields = helpers.forward_and_gradient(keras, model, x, random)
    fields["output_shape"] = np.array(without_steps(fields["output_shape"]))
    return fields


def one_layer(class_name, units, shape, scale, options):
    """A case's function: output and gradients of one recurrent layer on random input."""

    def function(keras, random):
        layer = getattr(keras.layers, class_name)(units, **options)
        model = sequential(keras, [layer])
        seed_weights(model, random)
        return forward_and_gradient(keras, model, normal(random, *shape) * np.float32(scale), random)

    return function


def register_layer(family, label, class_name, gated):
    """The family's cases over every option and shape."""
    for name, options in OPTIONS + (GATES if gated else ()):
        full = dict(options, input_shape=(STEPS, FEATURES))
        register(
            "{}/{}_{}".format(family, label, name),
            one_layer(class_name, UNITS, (3, STEPS, FEATURES), 1.0, full),
            FIELDS,
        )
    for name, options, shape, scale, units in SHAPES:
        register("{}/{}_{}".format(family, label, name), one_layer(class_name, units, shape, scale, options), FIELDS)


def plain(shape):
    """A shape as JSON can hold it, whatever the backend keeps it in."""
    if shape is None:
        return None
    return [None if size is None else int(size) for size in tuple(shape)]


def values_and_gradients(keras, inputs, outputs, weights, arrays, random, uses_learning_phase=False):
    """Every output in test phase, and the gradients of a randomly weighted sum of all by the inputs and weights."""
    K = keras.backend
    phase = [K.learning_phase()] if uses_learning_phase else []
    zeros = [0] * len(phase)
    values = K.function(list(inputs) + phase, list(outputs))(list(arrays) + zeros)
    total = sum(K.sum(tensor * K.constant(normal(random, *value.shape))) for tensor, value in zip(outputs, values))
    fields = {"output_{}".format(index): value for index, value in enumerate(values)}
    real = [tensor for tensor, array in zip(inputs, arrays) if array.dtype == np.float32]
    sources = real + list(weights)
    if sources:
        gradients = K.gradients(total, sources)
        # The gradient of a gathered weight may be held by rows; reshape makes an array of it.
        gradients[len(real) :] = [
            K.reshape(gradients[len(real) + index], K.int_shape(each)) for index, each in enumerate(weights)
        ]
        found = K.function(list(inputs) + phase, gradients)(list(arrays) + zeros)
        fields.update({"gradient_{}".format(index): value for index, value in enumerate(found)})
    return fields


def states_of(keras, layer):
    return {"state_{}".format(index): keras.backend.get_value(state) for index, state in enumerate(layer.states)}
