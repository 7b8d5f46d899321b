"""Family `recurrent_states`: states across batches, given and reset; states as inputs and as outputs of a call."""

import numpy as np

from ..case import EXACT, TRAINED, as_text, case, outcome_of, register
from .helpers import normal, seed_weights, sequential, train
from .helpers_recurrent import (
    CELLS,
    FEATURES,
    FIELDS,
    STEPS,
    STEPWISE,
    UNITS,
    plain,
    states_of,
    values_and_gradients,
    without_steps,
)

ROWS = 2


def _stateful_model(keras, random, class_name, options=None, units=UNITS):
    cell = getattr(keras.layers, class_name)
    model = sequential(
        keras, [cell(units, stateful=True, batch_input_shape=(ROWS, STEPS, FEATURES), **(options or {}))]
    )
    seed_weights(model, random)
    return model


def _across_batches(class_name, options):
    def function(keras, random):
        """Twice the same batch, another one, reset, the first again."""
        model = _stateful_model(keras, random, class_name, options)
        first, other = normal(random, ROWS, STEPS, FEATURES), normal(random, ROWS, STEPS, FEATURES)
        fields = {}
        for index, x in enumerate((first, first, other)):
            fields["output_{}".format(index)] = model.predict(x, batch_size=ROWS)
        fields.update(states_of(keras, model.layers[0]))
        model.reset_states()
        fields.update({"reset_" + name: value for name, value in states_of(keras, model.layers[0]).items()})
        fields["output_reset"] = model.predict(first, batch_size=ROWS)
        fields["stateful"] = bool(model.stateful)
        return fields

    return function


ACROSS = (
    ("across_batches", {}),
    ("across_batches_return_sequences", {"return_sequences": True}),
    ("across_batches_unroll", {"unroll": True}),
    ("across_batches_go_backwards", {"go_backwards": True}),
    ("across_batches_implementation_2", {"implementation": 2}),
)


def _split_sequence(class_name):
    def function(keras, random):
        """A long sequence cut in two batches gives what it gives at once."""
        cell = getattr(keras.layers, class_name)
        whole = sequential(keras, [cell(UNITS, input_shape=(2 * STEPS, FEATURES))])
        seed_weights(whole, random)
        model = _stateful_model(keras, random, class_name)
        model.set_weights(whole.get_weights())
        x = normal(random, ROWS, 2 * STEPS, FEATURES)
        model.predict(x[:, :STEPS], batch_size=ROWS)
        output = model.predict(x[:, STEPS:], batch_size=ROWS)
        return {"output": output, "difference": output - whole.predict(x)}

    return function


def _given_states(class_name, num_states):
    def function(keras, random):
        """reset_states with arrays, one or a list of them."""
        model = _stateful_model(keras, random, class_name)
        layer, x = model.layers[0], normal(random, ROWS, STEPS, FEATURES)
        states = [normal(random, ROWS, UNITS) for _ in range(num_states)]
        layer.reset_states(states)
        fields = states_of(keras, layer)
        fields["output"] = model.predict(x, batch_size=ROWS)
        layer.reset_states(states=states[0] if num_states == 1 else tuple(states))
        fields["output_again"] = model.predict(x, batch_size=ROWS)
        layer.reset_states()
        fields["output_reset"] = model.predict(x, batch_size=ROWS)
        return fields

    return function


def _wrong_states(class_name, num_states):
    def function(keras, random):
        """States of another shape or number are refused, and those that were there stay."""
        model = _stateful_model(keras, random, class_name)
        layer, x = model.layers[0], normal(random, ROWS, STEPS, FEATURES)
        first = model.predict(x, batch_size=ROWS)
        zeros = np.zeros((ROWS, UNITS))
        fields = {
            "rows": outcome_of(layer.reset_states, [np.zeros((ROWS + 1, UNITS))] * num_states),
            "units": outcome_of(layer.reset_states, [np.zeros((ROWS, UNITS + 1))] * num_states),
            "rank": outcome_of(layer.reset_states, [np.zeros((UNITS,))] * num_states),
            "more": outcome_of(layer.reset_states, [zeros] * (num_states + 1)),
            "none": outcome_of(layer.reset_states, []),
        }
        fields.update(states_of(keras, layer))
        fields["output_first"], fields["output_next"] = first, model.predict(x, batch_size=ROWS)
        return fields

    return function


def _every_verb(class_name):
    def function(keras, random):
        """Which verbs move the states: training, testing, predicting, several batches in one call."""
        L = keras.layers
        cell = getattr(L, class_name)
        layers = [cell(UNITS, stateful=True, batch_input_shape=(ROWS, STEPS, FEATURES)), L.Dense(1)]
        model = sequential(keras, layers)
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "mse")
        x, y = normal(random, 3 * ROWS, STEPS, FEATURES), normal(random, 3 * ROWS, 1)
        fields, layer = {}, model.layers[0]
        for label, verb in (
            ("train_on_batch", lambda: model.train_on_batch(x[:ROWS], y[:ROWS])),
            ("test_on_batch", lambda: model.test_on_batch(x[:ROWS], y[:ROWS])),
            ("predict_on_batch", lambda: model.predict_on_batch(x[:ROWS])),
            ("fit", lambda: model.fit(x, y, batch_size=ROWS, epochs=2, shuffle=False, verbose=0).history["loss"]),
            ("evaluate", lambda: model.evaluate(x, y, batch_size=ROWS, verbose=0)),
            ("predict", lambda: model.predict(x, batch_size=ROWS)),
        ):
            fields[label] = np.array(verb())
            for name, value in states_of(keras, layer).items():
                fields["{}_{}".format(label, name)] = value
        model.reset_states()
        fields["predict_reset"] = model.predict(x, batch_size=ROWS)
        return fields

    return function


def _returned(class_name, options):
    def function(keras, random):
        """The states as outputs: their values and gradients through them."""
        L = keras.layers
        cell = getattr(L, class_name)
        x = L.Input(shape=(STEPS, FEATURES))
        layer = cell(UNITS, return_state=True, **options)
        outputs = layer(x)
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        fields = values_and_gradients(
            keras, [x], outputs, layer.trainable_weights, [normal(random, 3, STEPS, FEATURES)], random
        )
        fields["output_shapes"] = as_text([without_steps(plain(keras.backend.int_shape(tensor))) for tensor in outputs])
        return fields

    return function


def _model_of_states(class_name):
    def function(keras, random):
        """A functional model whose outputs are a layer's output and states."""
        L = keras.layers
        cell = getattr(L, class_name)
        x = L.Input(shape=(STEPS, FEATURES))
        model = keras.models.Model(x, cell(UNITS, return_state=True, return_sequences=True)(x))
        seed_weights(model, random)
        outputs = model.predict(normal(random, 3, STEPS, FEATURES))
        fields = {"output_{}".format(index): value for index, value in enumerate(outputs)}
        fields["output_shapes"] = as_text([without_steps(plain(shape)) for shape in model.output_shape])
        return fields

    return function


def _initial_states(class_name, num_states, options, as_list):
    def function(keras, random):
        """Initial states that are tensors of the model, given by keyword or in a list behind the input."""
        L = keras.layers
        cell = getattr(L, class_name)
        x = L.Input(shape=(STEPS, FEATURES))
        begun = [L.Input(shape=(UNITS,)) for _ in range(num_states)]
        layer = cell(UNITS, **options)
        output = layer([x] + begun) if as_list else layer(x, initial_state=begun)
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        arrays = [normal(random, 3, STEPS, FEATURES)] + [normal(random, 3, UNITS) for _ in begun]
        return values_and_gradients(keras, [x] + begun, [output], layer.trainable_weights, arrays, random)

    return function


def _constant_initial_state(class_name, num_states):
    def function(keras, random):
        """Initial states that are no tensors of the model: constants for two rows."""
        L, K = keras.layers, keras.backend
        cell = getattr(L, class_name)
        x = L.Input(batch_shape=(2, STEPS, FEATURES))
        begun = [K.constant(normal(random, 2, UNITS)) for _ in range(num_states)]
        layer = cell(UNITS)
        output = layer(x, initial_state=begun)
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        model = keras.models.Model(x, output)
        return {"output": model.predict(normal(random, 2, STEPS, FEATURES)), "num_inputs": len(model.inputs)}

    return function


def _encoder_decoder(class_name):
    def function(keras, random):
        """The states of one layer begin another; trained, then both halves run apart as in a translator."""
        L, Model = keras.layers, keras.models.Model
        cell = getattr(L, class_name)
        source, target = L.Input(shape=(None, FEATURES)), L.Input(shape=(None, 2))
        encoded = cell(UNITS, return_state=True)(source)
        decoder = cell(UNITS, return_sequences=True, return_state=True)
        head = L.Dense(2, activation="softmax")
        model = Model([source, target], head(decoder(target, initial_state=encoded[1:])[0]))
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.2), "categorical_crossentropy")
        arrays = [normal(random, 4, 5, FEATURES), normal(random, 4, 3, 2)]
        y = np.eye(2, dtype="float32")[random.randint(2, size=(4, 3))]
        fields = train(model, lambda step: (arrays, y), steps=5)
        states = Model(source, encoded[1:]).predict(arrays[0])
        fields["states"] = np.array(states)
        begun = [L.Input(shape=(UNITS,)) for _ in encoded[1:]]
        one_step = Model([target] + begun, decoder(target, initial_state=begun))
        states = states if isinstance(states, list) else [states]
        for step in range(2):
            output = one_step.predict([arrays[1][:, step : step + 1]] + states)
            fields["step_{}".format(step)], states = output[0], output[1:]
        return fields

    return function


for _label, _class, _num_states in CELLS:
    _prefix = "recurrent_states/{}_".format(_label)
    for _name, _options in ACROSS:
        register(_prefix + _name, _across_batches(_class, _options), {"stateful": EXACT, "*": STEPWISE})
    register(_prefix + "split_sequence", _split_sequence(_class), STEPWISE)
    register(_prefix + "given_states", _given_states(_class, _num_states), STEPWISE)
    register(_prefix + "wrong_states", _wrong_states(_class, _num_states), STEPWISE)
    register(_prefix + "every_verb", _every_verb(_class), TRAINED)
    register(_prefix + "return_state", _returned(_class, {}), FIELDS)
    register(_prefix + "return_state_sequences", _returned(_class, {"return_sequences": True}), FIELDS)
    register(
        _prefix + "return_state_unroll_backwards", _returned(_class, {"unroll": True, "go_backwards": True}), FIELDS
    )
    register(_prefix + "return_state_model", _model_of_states(_class), FIELDS)
    register(_prefix + "initial_state", _initial_states(_class, _num_states, {}, False), FIELDS)
    register(_prefix + "initial_state_list", _initial_states(_class, _num_states, {"implementation": 2}, True), FIELDS)
    register(
        _prefix + "initial_state_unroll",
        _initial_states(_class, _num_states, {"unroll": True, "return_sequences": True}, False),
        FIELDS,
    )
    register(_prefix + "initial_state_constant", _constant_initial_state(_class, _num_states), STEPWISE)
    register(_prefix + "encoder_decoder", _encoder_decoder(_class), TRAINED)


@case("recurrent_states/lstm_specs", EXACT)
def lstm_specs(keras, random):
    """Specs of input and states of a stateful layer, the shapes of its model, the number of updates."""
    model = _stateful_model(keras, random, "LSTM")
    layer = model.layers[0]
    return {
        "input": as_text([plain(spec.shape) for spec in layer.input_spec]),
        "states": as_text([plain(spec.shape) for spec in layer.state_spec]),
        "shapes": as_text([plain(model.input_shape), plain(model.output_shape)]),
        "updates": as_text([len(model.updates), len(model.state_updates), len(layer.updates)]),
        "weights": as_text([len(layer.weights), len(model.weights), len(layer.states)]),
    }


@case("recurrent_states/gru_functional", STEPWISE)
def gru_functional(keras, random):
    """A functional model with a batch shape: one stateful layer beside one that forgets."""
    L = keras.layers
    cell = L.GRU
    x = L.Input(batch_shape=(ROWS, STEPS, FEATURES))
    model = keras.models.Model(x, L.concatenate([cell(UNITS, stateful=True)(x), cell(2)(x)]))
    model.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in model.get_weights()])
    array = normal(random, ROWS, STEPS, FEATURES)
    fields = {"output_{}".format(index): model.predict(array, batch_size=ROWS) for index in range(2)}
    model.reset_states()
    fields["output_reset"] = model.predict(array, batch_size=ROWS)
    return fields


@case("recurrent_states/lstm_stacked", STEPWISE)
def lstm_stacked(keras, random):
    """Two stateful layers and one that is not, in one model."""
    cell = keras.layers.LSTM
    model = sequential(
        keras,
        [
            cell(3, stateful=True, return_sequences=True, batch_input_shape=(ROWS, STEPS, FEATURES)),
            cell(4, return_sequences=True),
            cell(2, stateful=True),
        ],
    )
    seed_weights(model, random)
    x = normal(random, ROWS, STEPS, FEATURES)
    fields = {"output_{}".format(index): model.predict(x, batch_size=ROWS) for index in range(3)}
    model.layers[0].reset_states()
    fields["output_first_reset"] = model.predict(x, batch_size=ROWS)
    model.layers[0].reset_states()
    model.layers[2].reset_states()
    fields["output_reset"] = model.predict(x, batch_size=ROWS)
    return fields


@case("recurrent_states/lstm_returned_tensors", EXACT)
def lstm_returned_tensors(keras, random):
    """The output and the state of equal values are two outputs of the layer, each with its number in the config."""
    L = keras.layers
    x = L.Input(shape=(STEPS, FEATURES), name="x")
    model = keras.models.Model(x, L.LSTM(UNITS, return_state=True, name="cell")(x))
    return {"output_layers": as_text([[entry[0], entry[2]] for entry in model.get_config()["output_layers"]])}


@case("recurrent_states/gru_batch_size", EXACT)
def gru_batch_size(keras, random):
    """A stateful model takes batches of its own size only."""
    model = _stateful_model(keras, random, "GRU")
    model.compile("sgd", "mse")
    x = normal(random, 3, STEPS, FEATURES)
    return {
        "predict": outcome_of(model.predict, x, batch_size=ROWS),
        "fit": outcome_of(model.fit, x, normal(random, 3, UNITS), batch_size=ROWS, verbose=0),
        "train_on_batch": outcome_of(model.train_on_batch, x, normal(random, 3, UNITS)),
    }
