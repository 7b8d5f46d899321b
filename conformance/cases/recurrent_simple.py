"""Family `recurrent_simple`: SimpleRNN: output, shape and gradients over its options, first weights, parts, types."""

import numpy as np

from ..case import case
from .helpers import normal, sequential
from .helpers_recurrent import FEATURES, STEPS, STEPWISE, UNITS, register_layer
from .helpers_recurrent_parts import register_parts

register_layer("recurrent_simple", "simple_rnn", "SimpleRNN", gated=False)
register_parts("recurrent_simple", "simple_rnn", "SimpleRNN")


@case("recurrent_simple/simple_rnn_equation", STEPWISE)
def equation(keras, random):
    """The output less what the documented equation gives in NumPy: nothing but rounding."""
    model = sequential(keras, [keras.layers.SimpleRNN(UNITS, input_shape=(STEPS, FEATURES))])
    kernel, recurrent, bias = [normal(random, *each.shape) * 0.5 for each in model.get_weights()]
    model.set_weights([kernel, recurrent, bias])
    x = normal(random, 2, STEPS, FEATURES)
    state = np.zeros((2, UNITS))
    for step in range(STEPS):
        state = np.tanh(x[:, step].dot(kernel) + state.dot(recurrent) + bias)
    return {"difference": model.predict(x) - state, "expected": state}


@case("recurrent_simple/simple_rnn_identity_initializer", STEPWISE)
def identity_initializer(keras, random):
    """A linear layer of identities sums its input over time; IRNN begins so."""
    I = keras.initializers
    layer = keras.layers.SimpleRNN(
        3, activation="relu", kernel_initializer=I.Identity(), recurrent_initializer="identity", input_shape=(STEPS, 3)
    )
    model = sequential(keras, [layer])
    x = np.abs(normal(random, 2, STEPS, 3))
    return {"output": model.predict(x), "difference": model.predict(x) - x.sum(axis=1)}
