"""Family `recurrent_long`: more steps than a compiler would write out one by one, so that a loop runs them.

Dropout in training is structure only: one mask for all steps, which a constant input shows.
"""

import numpy as np

from ..case import EXACT, case, register
from .helpers import normal, seed_weights, sequential
from .helpers_recurrent import CELLS, FEATURES, FIELDS, OPTIONS, STEPWISE, UNITS, forward_and_gradient, one_layer

LONG = 9

for _label, _class_name, _ in CELLS:
    for _name, _options in OPTIONS:
        if "unroll" in _options:
            continue
        register(
            "recurrent_long/{}_{}".format(_label, _name),
            one_layer(_class_name, UNITS, (3, LONG, FEATURES), 1.0, dict(_options, input_shape=(LONG, FEATURES))),
            FIELDS,
        )


def _model_case(name, layers, words=None):
    """Output and gradients of a stack on nine steps; with words, some rows end early and one is empty."""

    def function(keras, random):
        model = sequential(keras, layers(keras.layers))
        seed_weights(model, random)
        if words is None:
            return forward_and_gradient(keras, model, normal(random, 3, LONG, FEATURES), random)
        x = random.randint(1, words, size=(4, LONG))
        x[1, 5:] = 0
        x[2, :3] = 0
        x[3] = 0
        return forward_and_gradient(keras, model, x, random)

    register("recurrent_long/" + name, function, FIELDS)


for _label, _class_name, _ in CELLS:

    def _cell(L, name=_class_name, **options):
        return getattr(L, name)(UNITS, **options)

    _model_case(
        _label + "_masked",
        lambda L, cell=_cell: [L.Embedding(7, 4, mask_zero=True, input_length=LONG), cell(L)],
        words=7,
    )
    _model_case(
        _label + "_masked_sequences_backwards",
        lambda L, cell=_cell: [
            L.Embedding(7, 4, mask_zero=True, input_length=LONG),
            cell(L, go_backwards=True, return_sequences=True),
        ],
        words=7,
    )
    _model_case(
        _label + "_stacked",
        lambda L, cell=_cell: [cell(L, input_shape=(LONG, FEATURES), return_sequences=True), cell(L)],
    )
    _model_case(
        _label + "_free_length",
        lambda L, cell=_cell: [cell(L, input_shape=(None, FEATURES), return_sequences=True)],
    )
    _model_case(
        _label + "_bidirectional",
        lambda L, cell=_cell: [L.Bidirectional(cell(L, return_sequences=True), input_shape=(LONG, FEATURES))],
    )


@case("recurrent_long/simple_rnn_one_mask_for_all_steps", {"some_dropped": EXACT, "*": STEPWISE})
def one_mask(keras, random):
    """Without a recurrent kernel a constant input gives, in training, the same at each step: one mask serves all."""
    K = keras.backend
    layer = keras.layers.SimpleRNN(4, input_shape=(LONG, 6), dropout=0.5, return_sequences=True)
    model = sequential(keras, [layer])
    old = model.get_weights()
    model.set_weights([normal(random, *old[0].shape)] + [np.zeros_like(each) for each in old[1:]])
    x = np.repeat(normal(random, 5, 1, 6), LONG, axis=1)
    trained = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]
    return {
        "spread": np.ptp(trained, axis=1),
        "some_dropped": np.array(np.any(trained != model.predict(x))),
    }


@case("recurrent_long/lstm_stateful", STEPWISE)
def lstm_stateful(keras, random):
    """Two batches of nine steps, then the first again from the start."""
    model = sequential(keras, [keras.layers.LSTM(UNITS, batch_input_shape=(2, LONG, FEATURES), stateful=True)])
    seed_weights(model, random)
    first, second = normal(random, 2, LONG, FEATURES), normal(random, 2, LONG, FEATURES)
    outputs = [model.predict(first, batch_size=2), model.predict(second, batch_size=2)]
    model.reset_states()
    return {"outputs": np.array(outputs + [model.predict(first, batch_size=2)])}
