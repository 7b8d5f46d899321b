"""Family `recurrent_lstm`: LSTM: output, shape and gradients over its options, first weights, parts, types."""

import numpy as np

from ..case import EXACT, case
from .helpers import normal, seed_weights, sequential
from .helpers_recurrent import FEATURES, FIELDS, STEPS, STEPWISE, UNITS, forward_and_gradient, register_layer
from .helpers_recurrent_parts import register_parts

register_layer("recurrent_lstm", "lstm", "LSTM", gated=True)
register_parts("recurrent_lstm", "lstm", "LSTM")


@case("recurrent_lstm/lstm_equation", STEPWISE)
def equation(keras, random):
    """Gates in the order input, forget, candidate, output; hard_sigmoid clips 0.2 x + 0.5."""
    model = sequential(keras, [keras.layers.LSTM(UNITS, input_shape=(STEPS, FEATURES))])
    kernel, recurrent, bias = [normal(random, *each.shape) for each in model.get_weights()]
    model.set_weights([kernel, recurrent, bias])
    x = normal(random, 2, STEPS, FEATURES)

    def gate(values):
        return np.clip(0.2 * values + 0.5, 0.0, 1.0)

    output, carried = np.zeros((2, UNITS)), np.zeros((2, UNITS))
    for step in range(STEPS):
        sums = np.split(x[:, step].dot(kernel) + output.dot(recurrent) + bias, 4, axis=1)
        carried = gate(sums[1]) * carried + gate(sums[0]) * np.tanh(sums[2])
        output = gate(sums[3]) * np.tanh(carried)
    return {"difference": model.predict(x) - output, "expected": output}


for _label, _options in (
    ("unit_forget_bias_false", {"unit_forget_bias": False}),
    ("unit_forget_bias_false_ones", {"unit_forget_bias": False, "bias_initializer": "ones"}),
    ("unit_forget_bias_initializer", {"bias_initializer": "ones"}),
    ("unit_forget_bias_constant", {"bias_initializer": {"class_name": "Constant", "config": {"value": 0.25}}}),
):

    @case("recurrent_lstm/lstm_" + _label, EXACT)
    def unit_forget_bias(keras, random, options=_options):
        """The bias as it begins."""
        layer = keras.layers.LSTM(UNITS, input_shape=(STEPS, FEATURES), **options)
        sequential(keras, [layer])
        return {"bias": layer.get_weights()[2]}


@case("recurrent_lstm/lstm_activations_of_the_users", FIELDS)
def activations_of_the_users(keras, random):
    """Functions of the user's own, written in the backend, as both activations."""
    K = keras.backend
    layer = keras.layers.LSTM(
        UNITS,
        activation=lambda x: x / (1.0 + K.abs(x)),
        recurrent_activation=lambda x: K.exp(-K.square(x)),
        input_shape=(STEPS, FEATURES),
    )
    model = sequential(keras, [layer])
    seed_weights(model, random)
    return forward_and_gradient(keras, model, normal(random, 3, STEPS, FEATURES), random)


@case("recurrent_lstm/lstm_implementations_agree", STEPWISE)
def implementations_agree(keras, random):
    """The three implementations and the unrolled graph are the same function."""
    cell = keras.layers.LSTM
    x, weights, outputs = normal(random, 3, STEPS, FEATURES), None, []
    for options in ({}, {"implementation": 1}, {"implementation": 2}, {"unroll": True}):
        model = sequential(keras, [cell(UNITS, input_shape=(STEPS, FEATURES), return_sequences=True, **options)])
        if weights is None:
            seed_weights(model, random)
            weights = model.get_weights()
        model.set_weights(weights)
        outputs.append(model.predict(x))
    return {"outputs": np.array(outputs), "spread": np.array(outputs) - outputs[0]}
