"""Family `recurrent_models`: stacks, TimeDistributed over and under, functional models, configs, sample weights."""

import numpy as np

from ..case import EXACT, TRAINED, as_text, case, register
from .helpers import normal, one_hot, seed_weights, sequential
from .helpers_recurrent import (
    CELLS,
    FEATURES,
    FIELDS,
    STEPS,
    STEPWISE,
    UNITS,
    forward_and_gradient,
    plain,
    values_and_gradients,
)

CONFIG = {"output*": STEPWISE, "*": EXACT}


def _config(class_name, gated):
    def function(keras, random):
        """get_config of a plain layer and of one with every option, and the layers made from them."""
        cell, R = getattr(keras.layers, class_name), keras.regularizers
        gates = {"recurrent_activation": "sigmoid"} if gated else {}
        layer = cell(
            UNITS,
            activation="relu",
            use_bias=True,
            kernel_initializer="he_normal",
            recurrent_initializer="glorot_uniform",
            bias_initializer="ones",
            kernel_regularizer=R.l2(0.25),
            recurrent_regularizer=R.l1(0.5),
            bias_regularizer="l1_l2",
            activity_regularizer=R.l2(0.125),
            kernel_constraint="max_norm",
            recurrent_constraint="unit_norm",
            bias_constraint="non_neg",
            dropout=0.25,
            recurrent_dropout=0.5,
            return_sequences=True,
            return_state=False,
            go_backwards=True,
            stateful=True,
            unroll=True,
            implementation=2,
            batch_input_shape=(2, STEPS, FEATURES),
            trainable=False,
            name="cell",
            **gates,
        )
        again = cell.from_config(layer.get_config())
        model, made = sequential(keras, [layer]), sequential(keras, [again])
        values = [normal(random, *each.shape) for each in model.get_weights()]
        model.set_weights(values)
        made.set_weights(values)
        x = normal(random, 2, STEPS, FEATURES)
        return {
            "default": as_text(cell(3, name="plain").get_config()),
            "config": as_text(layer.get_config()),
            "again": as_text(again.get_config()),
            "output": model.predict(x, batch_size=2),
            "output_again": made.predict(x, batch_size=2),
        }

    return function


def _round_trip(class_name, how):
    def function(keras, random):
        """A model with the layer and its mask, written and made again, gives the same."""
        L, M = keras.layers, keras.models
        cell = getattr(L, class_name)
        model = sequential(
            keras,
            [
                L.Embedding(9, 4, mask_zero=True, input_length=STEPS),
                cell(UNITS, return_sequences=True, kernel_regularizer="l2"),
                cell(2, go_backwards=True, recurrent_constraint="unit_norm"),
            ],
        )
        seed_weights(model, random)
        if how == "config":
            again = M.Sequential.from_config(model.get_config())
        else:
            again = M.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        words = random.randint(9, size=(3, STEPS))
        return {
            "config": as_text([layer.get_config() for layer in again.layers]),
            "output": model.predict(words),
            "output_again": again.predict(words),
        }

    return function


def _summary(class_name):
    def function(keras, random):
        L = keras.layers
        cell, lines = getattr(L, class_name), []
        model = sequential(
            keras,
            [
                L.Embedding(9, 4, name="words"),
                cell(8, return_sequences=True, name="below"),
                cell(8, name="above"),
                L.Dense(1, name="head"),
            ],
        )
        model.summary(print_fn=lines.append)
        return {"summary": "\n".join(lines), "parameters": model.count_params()}

    return function


def _stacked(class_name):
    def function(keras, random):
        """Three layers, one of them backwards, with a Dense behind."""
        L = keras.layers
        cell = getattr(L, class_name)
        layers = [
            cell(4, return_sequences=True, input_shape=(STEPS, FEATURES)),
            cell(UNITS, return_sequences=True, go_backwards=True),
            cell(2),
            L.Dense(2, activation="softmax"),
        ]
        model = sequential(keras, layers)
        seed_weights(model, random)
        return forward_and_gradient(keras, model, normal(random, 3, STEPS, FEATURES), random)

    return function


def _under_time_distributed(class_name, batch_size, options):
    def function(keras, random):
        """Sequences of sequences: the layer on each of them, another layer over what it gives."""
        L = keras.layers
        cell = getattr(L, class_name)
        shape = {"batch_input_shape": (batch_size, 3, STEPS, FEATURES)}
        inner = cell(UNITS, **options)
        # TensorFlow 1.4 wraps a recurrent layer only once that has its weights.
        inner(L.Input(shape=(STEPS, FEATURES)))
        layers = [L.TimeDistributed(inner, **shape)]
        if not options:
            layers.append(cell(2))
        model = sequential(keras, layers)
        model.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in model.get_weights()])
        return forward_and_gradient(keras, model, normal(random, 2, 3, STEPS, FEATURES), random)

    return function


def _below_time_distributed(class_name):
    def function(keras, random):
        """A Dense on each step of what the layer gives."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(
            keras,
            [
                L.Masking(0.0, input_shape=(None, FEATURES)),
                cell(UNITS, return_sequences=True),
                L.TimeDistributed(L.Dense(2, activation="tanh")),
            ],
        )
        model.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in model.get_weights()])
        x = normal(random, 2, STEPS, FEATURES)
        x[1, 2:] = 0
        fields = forward_and_gradient(keras, model, x, random)
        fields["has_mask"] = model.output_mask is not None
        return fields

    return function


def _functional(class_name):
    def function(keras, random):
        """One layer shared by two inputs; both outputs and the sequence of a second layer are joined."""
        L = keras.layers
        cell = getattr(L, class_name)
        left, right = L.Input(shape=(STEPS, FEATURES)), L.Input(shape=(None, FEATURES))
        shared, other = cell(UNITS), cell(UNITS, go_backwards=True)
        joined = L.concatenate([shared(left), shared(right), other(right)])
        head = L.Dense(2)
        output = head(joined)
        for layer in (shared, other, head):
            layer.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in layer.get_weights()])
        arrays = [normal(random, 2, STEPS, FEATURES), normal(random, 2, 6, FEATURES)]
        weights = shared.trainable_weights + other.trainable_weights + head.trainable_weights
        fields = values_and_gradients(keras, [left, right], [output], weights, arrays, random)
        fields["predicted"] = keras.models.Model([left, right], output).predict(arrays)
        return fields

    return function


def _sample_weights(class_name):
    def function(keras, random):
        """Weights by sample and by step, and weights that a mask is multiplied with."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(
            keras, [L.Masking(0.0, input_shape=(STEPS, FEATURES)), cell(2, return_sequences=True, activation="softmax")]
        )
        seed_weights(model, random)
        x, y = normal(random, 4, STEPS, FEATURES), one_hot(random, 2, 4, STEPS)
        x[2, 1:] = 0
        fields = {}
        for mode, shape in ((None, (4,)), ("temporal", (4, STEPS))):
            model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy", sample_weight_mode=mode)
            weights = random.uniform(0.5, 2.0, size=shape)
            label = mode or "samples"
            fields[label] = np.array([model.train_on_batch(x, y, sample_weight=weights) for _ in range(3)])
            fields[label + "_test"] = np.array(model.test_on_batch(x, y, sample_weight=weights))
        return fields

    return function


def _of_a_layer(class_name):
    def function(keras, random):
        """Behind a convolution and a pooling, in front of a pooling over all steps."""
        L = keras.layers
        cell = getattr(L, class_name)
        layers = [
            L.Conv1D(4, 3, activation="relu", input_shape=(12, FEATURES)),
            L.MaxPooling1D(2),
            cell(UNITS, return_sequences=True),
            L.GlobalMaxPooling1D(),
        ]
        model = sequential(keras, layers)
        seed_weights(model, random)
        return forward_and_gradient(keras, model, normal(random, 2, 12, FEATURES), random)

    return function


def _not_a_number(class_name):
    def function(keras, random):
        """Where the output is no number: from a step on that is none, in its row only; everywhere for such weights."""
        cell = getattr(keras.layers, class_name)
        fields = {}
        for label, options in (("", {}), ("_backwards", {"go_backwards": True}), ("_relu", {"activation": "relu"})):
            layers = [cell(UNITS, return_sequences=True, input_shape=(STEPS, FEATURES), **options), cell(2, **options)]
            model = sequential(keras, layers)
            seed_weights(model, random)
            x = normal(random, 3, STEPS, FEATURES)
            broken = x.copy()
            broken[1, 1, 2] = np.nan
            first = keras.models.Model(model.input, model.layers[0].output)
            fields["steps" + label] = np.isnan(first.predict(broken))
            fields["last" + label] = np.isnan(model.predict(broken))
            weights = model.get_weights()
            for place in range(3):
                diverged = [value * np.nan if index == place else value for index, value in enumerate(weights)]
                model.set_weights(diverged)
                fields["weight_{}{}".format(place, label)] = np.isnan(model.predict(x))
        return fields

    return function


for _label, _class, _ in CELLS:
    _prefix = "recurrent_models/{}_".format(_label)
    register(_prefix + "config", _config(_class, _class != "SimpleRNN"), CONFIG)
    register(_prefix + "from_config", _round_trip(_class, "config"), CONFIG)
    register(_prefix + "json", _round_trip(_class, "json"), CONFIG)
    register(_prefix + "summary", _summary(_class), EXACT)
    register(_prefix + "stacked", _stacked(_class), FIELDS)
    register(_prefix + "under_time_distributed", _under_time_distributed(_class, None, {}), FIELDS)
    register(_prefix + "below_time_distributed", _below_time_distributed(_class), dict(FIELDS, has_mask=EXACT))
    register(_prefix + "functional", _functional(_class), FIELDS)
    register(_prefix + "sample_weights", _sample_weights(_class), TRAINED)
    register(_prefix + "behind_pooling", _of_a_layer(_class), FIELDS)
    register(_prefix + "not_a_number", _not_a_number(_class), EXACT)
register(
    "recurrent_models/lstm_under_time_distributed_sequences",
    _under_time_distributed("LSTM", None, {"return_sequences": True}),
    FIELDS,
)
register("recurrent_models/gru_under_time_distributed_fixed_batch", _under_time_distributed("GRU", 2, {}), FIELDS)


@case("recurrent_models/lstm_repeated_vector", FIELDS)
def lstm_repeated_vector(keras, random):
    """An encoder's last output, repeated for the decoder: the classic of adding numbers."""
    L = keras.layers
    cell = L.LSTM
    layers = [
        cell(4, input_shape=(STEPS, FEATURES)),
        L.RepeatVector(3),
        cell(4, return_sequences=True),
        L.TimeDistributed(L.Dense(2, activation="softmax")),
    ]
    model = sequential(keras, layers)
    model.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in model.get_weights()])
    return forward_and_gradient(keras, model, normal(random, 2, STEPS, FEATURES), random)


@case("recurrent_models/lstm_output_shapes", EXACT)
def lstm_output_shapes(keras, random):
    """Shapes of models over what is known of batch, steps and what is returned."""
    cell, shapes = keras.layers.LSTM, []
    for size in ((None, STEPS, 2), (None, None, 2), (3, STEPS, 2), (3, None, 2)):
        for options in ({}, {"return_sequences": True}):
            model = sequential(keras, [cell(UNITS, batch_input_shape=size, **options)])
            shapes.append([plain(model.input_shape), plain(model.output_shape)])
    return {"shapes": as_text(shapes)}


@case("recurrent_models/lstm_auxiliary_output", TRAINED)
def lstm_auxiliary_output(keras, random):
    """The documented model of two inputs and two losses: a text, and other facts beside it."""
    L = keras.layers
    cell = L.LSTM
    words, facts = L.Input(shape=(6,), dtype="int32", name="words"), L.Input(shape=(3,), name="facts")
    encoded = cell(4, name="encoder")(L.Embedding(12, 4, name="table")(words))
    auxiliary = L.Dense(1, activation="sigmoid", name="auxiliary")(encoded)
    hidden = L.Dense(5, activation="relu", name="hidden")(L.concatenate([encoded, facts]))
    main = L.Dense(1, activation="sigmoid", name="main")(hidden)
    model = keras.models.Model([words, facts], [main, auxiliary])
    for name in ("table", "encoder", "auxiliary", "hidden", "main"):
        layer = model.get_layer(name)
        layer.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in layer.get_weights()])
    model.compile(keras.optimizers.SGD(lr=0.3), "binary_crossentropy", loss_weights=[1.0, 0.2])
    x = [random.randint(12, size=(8, 6)), normal(random, 8, 3)]
    y = [random.randint(2, size=(8, 1)), random.randint(2, size=(8, 1))]
    fields = {"history": np.array([model.train_on_batch(x, y) for _ in range(6)])}
    fields.update(
        ("weight_{}_{}".format(name, index), value)
        for name in ("table", "encoder", "auxiliary", "hidden", "main")
        for index, value in enumerate(model.get_layer(name).get_weights())
    )
    return fields


@case("recurrent_models/gru_weights_by_get_and_set", STEPWISE)
def gru_weights_by_get_and_set(keras, random):
    """Weights taken from one model into another of the same shape; a wrong shape is refused."""
    cell = keras.layers.GRU
    one, two = (sequential(keras, [cell(UNITS, input_shape=(STEPS, FEATURES))]) for _ in range(2))
    seed_weights(one, random)
    two.set_weights(one.get_weights())
    x = normal(random, 2, STEPS, FEATURES)
    return {"output": one.predict(x), "difference": one.predict(x) - two.predict(x)}


@case("recurrent_models/lstm_called_twice", EXACT)
def lstm_called_twice(keras, random):
    """A layer called on two inputs has two nodes and its weights once."""
    L = keras.layers
    layer = L.LSTM(UNITS)
    outputs = [layer(L.Input(shape=(steps, FEATURES))) for steps in (3, 5)]
    return {
        "shapes": as_text([plain(layer.get_input_shape_at(index)) for index in range(2)]),
        "outputs": as_text([plain(keras.backend.int_shape(output)) for output in outputs]),
        "num_weights": len(layer.weights),
    }
