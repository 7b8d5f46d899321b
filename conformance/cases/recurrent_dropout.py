"""Family `recurrent_dropout`: dropout of inputs and states in training: one mask for all steps, its values and share.

No two generators agree, so what is compared are the properties that are documented, on layers whose weights make the
masks visible: identities in place of kernels and nothing that is not linear.
"""

import numpy as np

from ..case import EXACT, as_text, case, register
from .helpers import normal, seed_weights, sequential
from .helpers_recurrent import CELLS, FEATURES, STEPS, STEPWISE, UNITS

ROWS, WIDTH = 24, 32


def _shares(output, rate):
    """Whether the share of zeros lies within six standard errors, and is neither none nor all in one row."""
    zeros = (output == 0.0).mean()
    return {
        "share_of_zeros": bool(abs(zeros - rate) < 6 * np.sqrt(rate * (1 - rate) / output.size)),
        "rows_differ": bool((output[0] != output[1]).any()),
    }


def _in_training(keras, tensors, layer, weights, arrays):
    """Two draws in the phase of training, and the output in the phase of test."""
    K = keras.backend
    layer.set_weights(weights)
    function = K.function(tensors[:-1] + [K.learning_phase()], [tensors[-1]])
    return function(arrays + [1])[0], function(arrays + [1])[0], function(arrays + [0])[0]


def _of_the_input(implementation, options):
    def function(keras, random):
        L = keras.layers
        cell = L.SimpleRNN
        x = L.Input(shape=(STEPS, WIDTH))
        layer = cell(
            WIDTH,
            dropout=0.25,
            activation="linear",
            use_bias=False,
            return_sequences=True,
            implementation=implementation,
            **options,
        )
        weights = [np.eye(WIDTH), np.zeros((WIDTH, WIDTH))]
        ones = np.ones((ROWS, STEPS, WIDTH), dtype="float32")
        first, second, test = _in_training(keras, [x, layer(x)], layer, weights, [ones])
        fields = _shares(first[:, 0], 0.25)
        fields.update(
            values=np.unique(first),
            same_at_all_steps=bool((first == first[:, :1]).all()),
            drawn_again=bool((first != second).any()),
            test=np.unique(test),
        )
        return fields

    return function


for _label, _implementation, _options in (
    ("dropout_implementation_0", 0, {}),
    ("dropout_implementation_1", 1, {}),
    ("dropout_unroll", 1, {"unroll": True}),
    ("dropout_go_backwards", 0, {"go_backwards": True}),
):
    register(
        "recurrent_dropout/simple_rnn_" + _label,
        _of_the_input(_implementation, _options),
        {"values": STEPWISE, "*": EXACT},
    )


def _of_the_state(implementation, options):
    def function(keras, random):
        """A state of ones is multiplied by the same mask at each step: what is dropped once stays dropped."""
        L = keras.layers
        cell = L.SimpleRNN
        x, begun = L.Input(shape=(STEPS, 2)), L.Input(shape=(WIDTH,))
        layer = cell(
            WIDTH,
            recurrent_dropout=0.5,
            activation="linear",
            use_bias=False,
            return_sequences=True,
            implementation=implementation,
            **options,
        )
        output = layer(x, initial_state=begun)
        arrays = [np.zeros((ROWS, STEPS, 2), dtype="float32"), np.ones((ROWS, WIDTH), dtype="float32")]
        weights = [np.zeros((2, WIDTH)), np.eye(WIDTH)]
        first, second, test = _in_training(keras, [x, begun, output], layer, weights, arrays)
        fields = _shares(first[:, 0], 0.5)
        for step in range(STEPS):
            fields["values_{}".format(step)] = np.unique(first[:, step])
        fields["same_at_all_steps"] = bool(((first == 0) == (first[:, :1] == 0)).all())
        fields["drawn_again"], fields["test"] = bool((first != second).any()), np.unique(test)
        return fields

    return function


for _label, _implementation, _options in (
    ("recurrent_dropout_implementation_0", 0, {}),
    ("recurrent_dropout_implementation_1", 1, {}),
    ("recurrent_dropout_unroll", 0, {"unroll": True}),
):
    register(
        "recurrent_dropout/simple_rnn_" + _label,
        _of_the_state(_implementation, _options),
        {"values_*": STEPWISE, "*": EXACT},
    )


def _of_the_gates(class_name, num_gates, implementation, share):
    def function(keras, random):
        """Linear gates multiply their masks: one mask for all gates under implementation 2, one for each otherwise."""
        cell = getattr(keras.layers, class_name)
        x = keras.layers.Input(shape=(1, WIDTH))
        layer = cell(
            WIDTH,
            dropout=0.5,
            activation="linear",
            recurrent_activation="linear",
            implementation=implementation,
        )
        weights = [np.concatenate([np.eye(WIDTH)] * num_gates, axis=1), np.zeros((WIDTH, WIDTH * num_gates))]
        weights.append(np.zeros(WIDTH * num_gates))
        ones = np.ones((2 * ROWS, 1, WIDTH), dtype="float32")
        first, second, _ = _in_training(keras, [x, layer(x)], layer, weights, [ones])
        fields = _shares(first, share)
        fields["values"], fields["drawn_again"] = np.unique(first), bool((first != second).any())
        return fields

    return function


for _label, _class, _num_gates, _shared, _apart in (
    ("lstm", "LSTM", 4, 0.5, 1 - 0.5**3),
    ("gru", "GRU", 3, 0.5, 0.5),
):
    for _implementation in (0, 1, 2):
        register(
            "recurrent_dropout/{}_masks_of_gates_implementation_{}".format(_label, _implementation),
            _of_the_gates(_class, _num_gates, _implementation, _shared if _implementation == 2 else _apart),
            {"values": STEPWISE, "*": EXACT},
        )


def _rates(class_name):
    def function(keras, random):
        """Rates are held between zero and one; at either end nothing is dropped."""
        cell = getattr(keras.layers, class_name)
        rates = [
            [layer.get_config()[name] for name in ("dropout", "recurrent_dropout")]
            for layer in (
                cell(UNITS),
                cell(UNITS, dropout=0.25, recurrent_dropout=0.5),
                cell(UNITS, dropout=-1.0, recurrent_dropout=2.0),
            )
        ]
        model = sequential(keras, [cell(UNITS, dropout=1.0, recurrent_dropout=1.0, input_shape=(STEPS, FEATURES))])
        seed_weights(model, random)
        x = normal(random, 2, STEPS, FEATURES)
        K = keras.backend
        output = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]
        return {"rates": as_text(rates), "output_of_training": output, "output": model.predict(x)}

    return function


def _phase(class_name):
    def function(keras, random):
        """Which models depend on the phase; predict and evaluate drop nothing, training does."""
        L = keras.layers
        cell = getattr(L, class_name)
        depends = []
        for options in ({}, {"dropout": 0.5}, {"recurrent_dropout": 0.5}):
            model = sequential(keras, [cell(8, input_shape=(STEPS, FEATURES), **options)])
            depends.append(bool(model.uses_learning_phase))
        model = sequential(keras, [cell(8, dropout=0.5, recurrent_dropout=0.5, input_shape=(STEPS, FEATURES))])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.0), "mse")
        x, y = normal(random, 16, STEPS, FEATURES), normal(random, 16, 8)
        trained = [float(model.train_on_batch(x, y)) for _ in range(3)]
        tested = [float(model.test_on_batch(x, y)) for _ in range(2)]
        return {
            "depends": as_text(depends),
            "losses_of_training_differ": len(set(trained)) == 3,
            "losses_of_test": np.array(tested),
            "output": model.predict(x),
        }

    return function


for _label, _class, _ in CELLS:
    register("recurrent_dropout/{}_rates".format(_label), _rates(_class), {"rates": EXACT, "*": STEPWISE})
    register("recurrent_dropout/{}_phase".format(_label), _phase(_class), STEPWISE)


def _conv_lstm(name):
    def function(keras, random):
        """A layer whose weights are zero but for its first step's: with and without the phase of training."""
        cell = keras.layers.ConvLSTM2D
        model = sequential(keras, [cell(8, 1, input_shape=(STEPS, 3, 3, 8), return_sequences=True, **{name: 0.5})])
        seed_weights(model, random)
        K = keras.backend
        x = normal(random, 4, STEPS, 3, 3, 8)
        function = K.function([model.input, K.learning_phase()], [model.output])
        first, second = function([x, 1])[0], function([x, 1])[0]
        differ = (first != second).reshape((4, STEPS, -1)).any(axis=(0, 2))
        return {"steps_differ": differ, "output": function([x, 0])[0]}

    return function


for _name in ("dropout", "recurrent_dropout"):
    register("recurrent_dropout/conv_lstm_2d_" + _name, _conv_lstm(_name), STEPWISE)


@case("recurrent_dropout/bidirectional_lstm", EXACT)
def bidirectional_lstm(keras, random):
    """Each half drops by itself, and the wrapper's model depends on the phase."""
    L, K = keras.layers, keras.backend
    both = L.Bidirectional
    layer = both(L.LSTM(8, dropout=0.5), input_shape=(1, 16))
    model = sequential(keras, [layer])
    half = [normal(random, *each.shape) for each in layer.forward_layer.get_weights()]
    model.set_weights(half + half)
    function = K.function([model.input, K.learning_phase()], [model.output])
    x = normal(random, 8, 1, 16)
    trained, tested = function([x, 1])[0], function([x, 0])[0]
    return {
        "depends": bool(model.uses_learning_phase),
        "halves_differ_in_training": bool((trained[:, :8] != trained[:, 8:]).any()),
        "halves_agree_in_test": bool(np.allclose(tested[:, :8], tested[:, 8:], atol=1e-6)),
    }
