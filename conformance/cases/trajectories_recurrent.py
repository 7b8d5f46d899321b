"""Family `trajectories_recurrent`: recurrent models trained for twenty steps from the same weights and batches."""

import os
import runpy

import numpy as np

from ..case import TRAINED, Tolerance, case, register
from .helpers import cycle, normal, one_hot, seed_weights, sequential, slots_of, train, weights_of

PREFIX = "trajectories_recurrent/"
EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "examples")

# The same in float64 differs by 1.4e-4.
MANY_STEPS = Tolerance(1e-3, 0.0, "seventy float32 steps, each on the rounding of those before it")


def _spread(model, random):
    """Weights for models whose layers have layers: all by their fans."""
    values = []
    for old in model.get_weights():
        scale = np.sqrt(2.0 / (np.prod(old.shape[:-1]) + old.shape[-1])) if old.ndim > 1 else 0.1
        values.append((random.normal(size=old.shape) * scale).astype(old.dtype))
    model.set_weights(values)


def _text(random, num, length, num_words):
    """Padded word numbers, each of its own length."""
    lengths = random.randint(1, length + 1, size=(num, 1))
    return random.randint(1, num_words, size=(num, length)) * (np.arange(length) < lengths)


def _classifier(class_name, optimizer, masked, options):
    def function(keras, random):
        """Words through an Embedding into the layer and a Dense: two classes of texts."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(
            keras,
            [
                L.Embedding(20, 5, mask_zero=masked, input_length=6),
                cell(5, **options),
                L.Dense(1, activation="sigmoid"),
            ],
        )
        seed_weights(model, random)
        model.compile(optimizer(keras.optimizers), "binary_crossentropy", metrics=["accuracy"])
        return train(model, cycle(_text(random, 32, 6, 20), random.randint(2, size=(32, 1)), batch_size=16))

    return function


for _label, _class, _optimizer, _masked, _options in (
    ("lstm_text_classifier", "LSTM", lambda O: O.Adam(lr=0.01), True, {}),
    ("lstm_text_classifier_unmasked", "LSTM", lambda O: O.RMSprop(lr=0.005), False, {}),
    ("lstm_text_classifier_implementation_2", "LSTM", lambda O: O.SGD(lr=0.5, momentum=0.9), True,
     {"implementation": 2}),
    ("lstm_text_classifier_unroll", "LSTM", lambda O: O.Adagrad(lr=0.05), True, {"unroll": True}),
    ("gru_text_classifier", "GRU", lambda O: O.RMSprop(lr=0.005), True, {}),
    ("gru_text_classifier_nesterov", "GRU", lambda O: O.SGD(lr=0.3, momentum=0.8, nesterov=True), True,
     {"recurrent_activation": "sigmoid"}),
    ("simple_rnn_text_classifier", "SimpleRNN", lambda O: O.Adam(lr=0.01), True, {}),
    ("simple_rnn_text_classifier_clipped", "SimpleRNN", lambda O: O.SGD(lr=0.3, clipnorm=0.5), False,
     {"activation": "relu"}),
):  # fmt: skip
    register(PREFIX + _label, _classifier(_class, _optimizer, _masked, _options), TRAINED)


def _stacked(class_name, optimizer):
    def function(keras, random):
        """Two layers and a softmax on real sequences."""
        L = keras.layers
        cell = getattr(L, class_name)
        layers = [
            cell(5, return_sequences=True, input_shape=(5, 4)),
            cell(4, go_backwards=True),
            L.Dense(3, activation="softmax"),
        ]
        model = sequential(keras, layers)
        seed_weights(model, random)
        model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
        return train(model, cycle(normal(random, 32, 5, 4), one_hot(random, 3, 32)))

    return function


register(PREFIX + "lstm_stacked", _stacked("LSTM", "rmsprop"), TRAINED)
register(PREFIX + "gru_stacked", _stacked("GRU", "adamax"), TRAINED)
register(PREFIX + "simple_rnn_stacked", _stacked("SimpleRNN", "adagrad"), TRAINED)


@case(PREFIX + "lstm_stacked_mixed", TRAINED)
def lstm_stacked_mixed(keras, random):
    """All three kinds above one another over a free time axis, with decay."""
    L = keras.layers
    cell = L.LSTM
    layers = [
        cell(4, return_sequences=True, input_shape=(None, 3)),
        L.GRU(4, return_sequences=True),
        L.SimpleRNN(3),
        L.Dense(1),
    ]
    model = sequential(keras, layers)
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.02, decay=0.05), "mse")
    x, y = normal(random, 32, 7, 3), normal(random, 32, 1)
    return train(model, lambda step: (x[:16, : 3 + step % 5], y[:16]))


def _bidirectional(class_name, options, optimizer):
    def function(keras, random):
        L = keras.layers
        both = L.Bidirectional
        layers = [both(getattr(L, class_name)(4), input_shape=(5, 3), **options), L.Dense(1)]
        model = sequential(keras, layers)
        _spread(model, random)
        model.compile(optimizer(keras.optimizers), "mse", metrics=["mae"])
        return train(model, cycle(normal(random, 32, 5, 3), normal(random, 32, 1)))

    return function


for _label, _class, _options, _optimizer in (
    ("bidirectional_gru", "GRU", {}, lambda O: O.Adam(lr=0.01)),
    ("bidirectional_lstm_sum", "LSTM", {"merge_mode": "sum"}, lambda O: O.SGD(lr=0.2, momentum=0.9)),
    ("bidirectional_simple_rnn_mul", "SimpleRNN", {"merge_mode": "mul"}, lambda O: O.RMSprop(lr=0.005)),
):
    register(PREFIX + _label, _bidirectional(_class, _options, _optimizer), TRAINED)


@case(PREFIX + "bidirectional_lstm_tagger", TRAINED)
def bidirectional_lstm_tagger(keras, random):
    """A tag for each word of padded sentences."""
    L = keras.layers
    both = L.Bidirectional
    layers = [
        L.Embedding(20, 5, mask_zero=True, input_length=6),
        both(L.LSTM(4, return_sequences=True)),
        L.TimeDistributed(L.Dense(3, activation="softmax")),
    ]
    model = sequential(keras, layers)
    _spread(model, random)
    model.compile(keras.optimizers.Adam(lr=0.02), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(_text(random, 32, 6, 20), one_hot(random, 3, 32, 6)))


@case(PREFIX + "lstm_tagger_temporal_weights", TRAINED)
def lstm_tagger_temporal_weights(keras, random):
    """A softmax at each step, each step with a weight of its own."""
    L = keras.layers
    cell = L.LSTM
    layers = [cell(5, return_sequences=True, input_shape=(5, 4)), L.TimeDistributed(L.Dense(3, activation="softmax"))]
    model = sequential(keras, layers)
    _spread(model, random)
    model.compile(keras.optimizers.SGD(lr=0.5), "categorical_crossentropy", sample_weight_mode="temporal")
    weights = random.uniform(0.2, 2.0, size=(32, 5))
    return train(model, cycle(normal(random, 32, 5, 4), one_hot(random, 3, 32, 5), weights=weights))


@case(PREFIX + "gru_tagger_sparse", TRAINED)
def gru_tagger_sparse(keras, random):
    """Class numbers as targets of each step, masked input."""
    L = keras.layers
    cell = L.GRU
    layers = [
        L.Embedding(20, 5, mask_zero=True, input_length=6),
        cell(5, return_sequences=True),
        L.Dense(3, activation="softmax"),
    ]
    model = sequential(keras, layers)
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.02), "sparse_categorical_crossentropy")
    return train(model, cycle(_text(random, 32, 6, 20), random.randint(3, size=(32, 6, 1))))


def _stateful(class_name, optimizer, options):
    def function(keras, random):
        """States go on from batch to batch and are reset after each five; the states at the end are compared."""
        L, K = keras.layers, keras.backend
        cell = getattr(L, class_name)
        layers = [cell(4, stateful=True, batch_input_shape=(4, 3, 2), **options), L.Dense(1)]
        model = sequential(keras, layers)
        seed_weights(model, random)
        model.compile(optimizer, "mse")
        x, y = normal(random, 20, 3, 2), normal(random, 20, 1)
        losses = []
        for step in range(20):
            part = slice(4 * (step % 5), 4 * (step % 5) + 4)
            losses.append(model.train_on_batch(x[part], y[part]))
            if step in (4, 9):
                model.reset_states()
        fields = {"losses": np.array(losses)}
        fields.update(weights_of(model))
        fields.update(slots_of(model))
        for index, state in enumerate(model.layers[0].states):
            fields["weight_of_state_{}".format(index)] = K.get_value(state)
        return fields

    return function


register(PREFIX + "lstm_stateful", _stateful("LSTM", "adam", {}), TRAINED)
register(PREFIX + "lstm_stateful_unroll", _stateful("LSTM", "sgd", {"unroll": True}), TRAINED)
register(PREFIX + "gru_stateful", _stateful("GRU", "adadelta", {"implementation": 1}), TRAINED)
register(PREFIX + "simple_rnn_stateful", _stateful("SimpleRNN", "rmsprop", {}), TRAINED)


@case(PREFIX + "bidirectional_gru_stateful", TRAINED)
def bidirectional_gru_stateful(keras, random):
    """Both halves keep their states through training."""
    L = keras.layers
    both = L.Bidirectional
    layers = [both(L.GRU(3, stateful=True), batch_input_shape=(4, 3, 2)), L.Dense(1)]
    model = sequential(keras, layers)
    _spread(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 16, 3, 2), normal(random, 16, 1)
    fields = train(model, cycle(x, y, batch_size=4))
    fields["output"] = model.predict(x[:4], batch_size=4)
    return fields


def _images(optimizer, sequences):
    def function(keras, random):
        """Short films: their class, or the next image at each step."""
        L = keras.layers
        cell = L.ConvLSTM2D
        layers = [cell(3, 3, padding="same", return_sequences=sequences, input_shape=(3, 4, 4, 2))]
        if sequences:
            layers.append(L.Conv3D(1, 3, padding="same", activation="sigmoid"))
        else:
            layers += [L.Flatten(), L.Dense(2, activation="softmax")]
        model = sequential(keras, layers)
        seed_weights(model, random)
        model.compile(optimizer(keras.optimizers), "mse" if sequences else "categorical_crossentropy")
        y = random.uniform(size=(8, 3, 4, 4, 1)) if sequences else one_hot(random, 2, 8)
        return train(model, cycle(normal(random, 8, 3, 4, 4, 2), y, batch_size=4))

    return function


register(PREFIX + "conv_lstm_2d_classifier", _images(lambda O: O.SGD(lr=0.1, momentum=0.9), False), TRAINED)
register(PREFIX + "conv_lstm_2d_next_image", _images(lambda O: O.RMSprop(lr=0.005), True), TRAINED)


@case(PREFIX + "lstm_parts", TRAINED)
def lstm_parts(keras, random):
    """Regularizers and constraints of every weight, and of the activity."""
    L, R, C = keras.layers, keras.regularizers, keras.constraints
    cell = L.LSTM(
        4,
        input_shape=(5, 3),
        kernel_regularizer=R.l2(0.02),
        recurrent_regularizer=R.l1(0.01),
        bias_regularizer="l2",
        activity_regularizer=R.l2(0.02),
        kernel_constraint=C.MaxNorm(0.9),
        recurrent_constraint=C.UnitNorm(),
        bias_constraint="non_neg",
    )
    model = sequential(keras, [cell, L.Dense(1)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.5), "mse")
    return train(model, cycle(normal(random, 32, 5, 3), normal(random, 32, 1)))


@case(PREFIX + "lstm_text_generator", TRAINED)
def lstm_text_generator(keras, random):
    """The next character from one-hot characters, as in the well-known example."""
    L = keras.layers
    cell = L.LSTM
    model = sequential(keras, [cell(8, input_shape=(6, 5)), L.Dense(5), L.Activation("softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.RMSprop(lr=0.01), "categorical_crossentropy")
    return train(model, cycle(one_hot(random, 5, 32, 6), one_hot(random, 5, 32)))


@case(PREFIX + "gru_fit", TRAINED)
def gru_fit(keras, random):
    """fit over epochs without shuffling, with validation."""
    L = keras.layers
    cell = L.GRU
    model = sequential(keras, [cell(4, input_shape=(5, 3)), L.Dense(1)])
    seed_weights(model, random)
    model.compile(keras.optimizers.Nadam(lr=0.01), "mse", metrics=["mae"])
    x, y = normal(random, 24, 5, 3), normal(random, 24, 1)
    history = model.fit(x, y, batch_size=8, epochs=4, shuffle=False, validation_split=0.25, verbose=0).history
    fields = {name: np.array(values) for name, values in history.items()}
    fields.update(weights_of(model))
    return fields


@case(PREFIX + "lstm_characters", {"loss": MANY_STEPS, "first": TRAINED["losses"]})
def lstm_characters(keras, random):
    """The example that learns the characters of a book: its loss falls from epoch to epoch."""
    program = runpy.run_path(os.path.join(EXAMPLES, "characters", "train.py"))
    text = program["read_text"]()[:4000]
    characters = sorted(set(text))
    x, y = program["windows"](text, characters)
    model = program["build"](keras, len(characters), 64)
    program["first_weights"](model, random)
    first = model.evaluate(x[:64], y[:64], verbose=0)
    history = model.fit(x, y, batch_size=128, epochs=7, shuffle=False, verbose=0).history
    return {"first": np.array(first), "loss": np.array(history["loss"])}
