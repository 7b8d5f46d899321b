"""Family `recurrent_gru`: GRU: output, shape and gradients over its options, first weights, parts, types."""

import numpy as np

from ..case import case
from .helpers import normal, seed_weights, sequential
from .helpers_recurrent import FEATURES, STEPS, STEPWISE, UNITS, register_layer
from .helpers_recurrent_parts import register_parts

register_layer("recurrent_gru", "gru", "GRU", gated=True)
register_parts("recurrent_gru", "gru", "GRU")


@case("recurrent_gru/gru_equation", STEPWISE)
def equation(keras, random):
    """Gates in the order update, reset, candidate; the reset gate acts on the state before the product."""
    model = sequential(keras, [keras.layers.GRU(UNITS, input_shape=(STEPS, FEATURES))])
    kernel, recurrent, bias = [normal(random, *each.shape) for each in model.get_weights()]
    model.set_weights([kernel, recurrent, bias])
    x = normal(random, 2, STEPS, FEATURES)

    def gate(values):
        return np.clip(0.2 * values + 0.5, 0.0, 1.0)

    state = np.zeros((2, UNITS))
    of_update, of_reset, of_candidate = np.split(recurrent, 3, axis=1)
    for step in range(STEPS):
        sums = np.split(x[:, step].dot(kernel) + bias, 3, axis=1)
        update, reset = gate(sums[0] + state.dot(of_update)), gate(sums[1] + state.dot(of_reset))
        state = update * state + (1 - update) * np.tanh(sums[2] + (reset * state).dot(of_candidate))
    return {"difference": model.predict(x) - state, "expected": state}


@case("recurrent_gru/gru_implementations_agree", STEPWISE)
def implementations_agree(keras, random):
    """The three implementations and the unrolled graph are the same function."""
    cell = keras.layers.GRU
    x, weights, outputs = normal(random, 3, STEPS, FEATURES), None, []
    for options in ({}, {"implementation": 1}, {"implementation": 2}, {"unroll": True}):
        model = sequential(keras, [cell(UNITS, input_shape=(STEPS, FEATURES), return_sequences=True, **options)])
        if weights is None:
            seed_weights(model, random)
            weights = model.get_weights()
        model.set_weights(weights)
        outputs.append(model.predict(x))
    return {"outputs": np.array(outputs), "spread": np.array(outputs) - outputs[0]}
