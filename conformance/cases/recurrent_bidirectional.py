"""Family `recurrent_bidirectional`: Bidirectional over its merge modes and what it wraps; weights, states, config."""

import numpy as np

from ..case import EXACT, TRAINED, as_text, case, outcome_of, register
from .helpers import normal, seed_weights, sequential, train
from .helpers_recurrent import (
    FEATURES,
    FIELDS,
    STEPS,
    STEPWISE,
    UNITS,
    forward_and_gradient,
    plain,
    values_and_gradients,
    without_steps,
)
from .recurrent_masks import VALUE, masked, words_of

PREFIX = "recurrent_bidirectional/bidirectional_"


def wrapped(keras, class_name, options=None, units=UNITS, **wrapping):
    """The wrapper is asked for before the layer, so that a backend without it says so."""
    L = keras.layers
    both = L.Bidirectional
    return both(getattr(L, class_name)(units, **(options or {})), **wrapping)


def _seed(model, random):
    model.set_weights([normal(random, *each.shape) * np.float32(0.5) for each in model.get_weights()])


def _one_layer(class_name, options, wrapping):
    def function(keras, random):
        layer = wrapped(keras, class_name, options, input_shape=(STEPS, FEATURES), **wrapping)
        model = sequential(keras, [layer])
        _seed(model, random)
        return forward_and_gradient(keras, model, normal(random, 3, STEPS, FEATURES), random)

    return function


for _class, _label in (("SimpleRNN", "simple_rnn"), ("LSTM", "lstm"), ("GRU", "gru")):
    for _name, _options, _wrapping in (
        ("concat", {}, {}),
        ("concat_return_sequences", {"return_sequences": True}, {"merge_mode": "concat"}),
        ("sum_return_sequences", {"return_sequences": True}, {"merge_mode": "sum"}),
    ):
        register(PREFIX + _label + "_" + _name, _one_layer(_class, _options, _wrapping), FIELDS)
for _name, _options, _wrapping in (
    ("sum", {}, {"merge_mode": "sum"}),
    ("mul", {}, {"merge_mode": "mul"}),
    ("mul_return_sequences", {"return_sequences": True}, {"merge_mode": "mul"}),
    ("ave", {}, {"merge_mode": "ave"}),
    ("ave_return_sequences", {"return_sequences": True}, {"merge_mode": "ave"}),
    ("go_backwards", {"go_backwards": True}, {}),
    ("go_backwards_return_sequences", {"go_backwards": True, "return_sequences": True}, {}),
    ("unroll_return_sequences", {"unroll": True, "return_sequences": True}, {}),
    ("implementation_2", {"implementation": 2, "use_bias": False}, {}),
    ("dropout_in_test", {"dropout": 0.3, "recurrent_dropout": 0.3}, {}),
):
    register(PREFIX + "lstm_" + _name, _one_layer("LSTM", _options, _wrapping), FIELDS)


def _no_merge(options, mask):
    def function(keras, random):
        """Both outputs, each for itself, forward first."""
        L = keras.layers
        layer = wrapped(keras, "GRU", options, merge_mode=None)
        x = L.Input(shape=(STEPS, FEATURES))
        outputs = layer(L.Masking(VALUE)(x) if mask else x)
        _seed(layer, random)
        fields = values_and_gradients(keras, [x], outputs, layer.trainable_weights, [masked(random)], random)
        fields["output_shapes"] = as_text([without_steps(plain(keras.backend.int_shape(tensor))) for tensor in outputs])
        fields["num_masks"] = as_text(layer.output_mask is None or [each is not None for each in layer.output_mask])
        return fields

    return function


register(PREFIX + "gru_none", _no_merge({}, False), dict(FIELDS, num_masks=EXACT))
register(PREFIX + "gru_none_return_sequences", _no_merge({"return_sequences": True}, False), FIELDS)
register(PREFIX + "gru_none_masking_return_sequences", _no_merge({"return_sequences": True}, True), FIELDS)


def _masked(class_name, options, embedding):
    def function(keras, random):
        L = keras.layers
        layer = wrapped(keras, class_name, options)
        first = (
            L.Embedding(9, 4, mask_zero=True, input_length=STEPS)
            if embedding
            else L.Masking(VALUE, input_shape=(STEPS, FEATURES))
        )
        model = sequential(keras, [first, layer])
        _seed(model, random)
        x = words_of(random) if embedding else masked(random)
        fields = forward_and_gradient(keras, model, x, random)
        fields["has_mask"] = model.output_mask is not None
        return fields

    return function


for _class, _label in (("SimpleRNN", "simple_rnn"), ("LSTM", "lstm"), ("GRU", "gru")):
    register(PREFIX + _label + "_masking", _masked(_class, {}, False), FIELDS)
register(PREFIX + "lstm_masking_return_sequences", _masked("LSTM", {"return_sequences": True}, False), FIELDS)
register(PREFIX + "gru_embedding_return_sequences", _masked("GRU", {"return_sequences": True}, True), FIELDS)


@case(PREFIX + "lstm_weights_order", EXACT)
def weights_order(keras, random):
    """get_weights gives the forward layer's and then the backward layer's; so set_weights takes them."""
    layer = wrapped(keras, "LSTM", input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer])
    values = [normal(random, *each.shape) for each in model.get_weights()]
    layer.set_weights(values)
    return {
        "shapes": as_text([plain(value.shape) for value in values]),
        "forward": np.concatenate([value.ravel() for value in layer.forward_layer.get_weights()]),
        "backward": np.concatenate([value.ravel() for value in layer.backward_layer.get_weights()]),
        "all": np.concatenate([value.ravel() for value in model.get_weights()]),
        "counts": as_text([len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)]),
        "directions": as_text([layer.forward_layer.go_backwards, layer.backward_layer.go_backwards]),
        "parameters": layer.count_params(),
    }


@case(PREFIX + "lstm_names", EXACT)
def names(keras, random):
    """Names of both layers and of all weights."""
    L = keras.layers
    both = L.Bidirectional
    layer = both(L.LSTM(UNITS, name="cell"), name="both", input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer])
    return {
        "layers": as_text([layer.name, layer.forward_layer.name, layer.backward_layer.name]),
        "weights": as_text([weight.name for weight in layer.weights]),
        "shapes": as_text([plain(model.input_shape), plain(model.output_shape)]),
    }


@case(PREFIX + "gru_names_not_given", EXACT)
def names_not_given(keras, random):
    """Names of the weights where neither wrapper nor layer is named: the second of two, and one made of its config."""
    L = keras.layers
    both = L.Bidirectional
    layers = [both(L.GRU(UNITS, return_sequences=True), input_shape=(STEPS, FEATURES)), both(L.GRU(UNITS))]
    model = sequential(keras, layers)
    again = type(model).from_config(model.get_config())
    return {
        "weights": as_text([weight.name for weight in model.weights]),
        "of_config": as_text([weight.name for weight in again.weights]),
    }


@case(PREFIX + "gru_weights_argument", EXACT)
def weights_argument(keras, random):
    """Whether weights given to the wrapper are those that its two layers start with."""
    pattern = sequential(keras, [wrapped(keras, "GRU", input_shape=(STEPS, FEATURES))])
    values = [normal(random, *each.shape) for each in pattern.get_weights()]
    model = sequential(keras, [wrapped(keras, "GRU", weights=values, input_shape=(STEPS, FEATURES))])
    return {"taken": all(np.array_equal(*pair) for pair in zip(values, model.get_weights()))}


@case(PREFIX + "lstm_halves", STEPWISE)
def halves(keras, random):
    """The wrapper gives what two layers give apart, the second on the sequence turned round."""
    L = keras.layers
    layer = wrapped(keras, "LSTM", {"return_sequences": True}, input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer])
    _seed(model, random)
    weights = model.get_weights()
    one = sequential(keras, [L.LSTM(UNITS, return_sequences=True, input_shape=(STEPS, FEATURES))])
    x = normal(random, 2, STEPS, FEATURES)
    one.set_weights(weights[:3])
    ahead = one.predict(x)
    one.set_weights(weights[3:])
    back = one.predict(x[:, ::-1])[:, ::-1]
    output = model.predict(x)
    return {"output": output, "difference": output - np.concatenate([ahead, back], axis=-1)}


def _stateful(class_name, options):
    def function(keras, random):
        """Both layers keep their states from batch to batch until they are reset."""
        layer = wrapped(
            keras, class_name, dict(options, stateful=True), batch_input_shape=(2, STEPS, FEATURES), merge_mode="sum"
        )
        model = sequential(keras, [layer])
        _seed(model, random)
        x = normal(random, 2, STEPS, FEATURES)
        fields = {"output_{}".format(index): model.predict(x) for index in range(3)}
        layer.reset_states()
        fields["output_reset"] = model.predict(x)
        model.reset_states()
        fields["output_model_reset"] = model.predict(x)
        fields["stateful"] = as_text([bool(layer.stateful), bool(model.stateful), len(model.state_updates)])
        return fields

    return function


register(PREFIX + "lstm_stateful", _stateful("LSTM", {}), STEPWISE)
register(PREFIX + "gru_stateful_return_sequences", _stateful("GRU", {"return_sequences": True}), STEPWISE)


@case(PREFIX + "lstm_regularizers", STEPWISE)
def regularizers(keras, random):
    """Which losses of the two halves are added to the model's."""
    options = {"kernel_regularizer": "l2", "recurrent_regularizer": "l1"}
    model = sequential(keras, [wrapped(keras, "LSTM", options, input_shape=(STEPS, FEATURES))])
    _seed(model, random)
    model.compile("sgd", "mse")
    x = normal(random, 2, STEPS, FEATURES)
    return {
        "losses": np.array(keras.backend.function([model.input], list(model.losses))([x])),
        "loss_of_test": np.array(model.test_on_batch(x, normal(random, 2, 2 * UNITS))),
    }


@case(PREFIX + "gru_constraints", TRAINED)
def constraints(keras, random):
    """Constraints of the wrapped layer hold both halves."""
    L = keras.layers
    options = {"kernel_constraint": "max_norm", "recurrent_constraint": "unit_norm", "bias_constraint": "non_neg"}
    layer = wrapped(keras, "GRU", options, input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer, L.Dense(1)])
    model.set_weights([normal(random, *each.shape) for each in model.get_weights()])
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 4, STEPS, FEATURES), normal(random, 4, 1)
    return train(model, lambda step: (x, y), steps=4)


@case(PREFIX + "lstm_stacked", FIELDS)
def stacked(keras, random):
    """Two wrappers above one another, with a free time axis."""
    layers = [
        wrapped(keras, "LSTM", {"return_sequences": True}, input_shape=(None, FEATURES)),
        wrapped(keras, "GRU", units=2, merge_mode="ave"),
    ]
    model = sequential(keras, layers)
    _seed(model, random)
    return forward_and_gradient(keras, model, normal(random, 2, 6, FEATURES), random)


@case(PREFIX + "lstm_config", {"output*": STEPWISE, "*": EXACT})
def config(keras, random):
    """get_config, the layer made from it, and what that gives with the same weights."""
    L = keras.layers
    both = L.Bidirectional
    layer = both(
        L.LSTM(UNITS, return_sequences=True, dropout=0.25, name="cell"),
        merge_mode="mul",
        input_shape=(STEPS, FEATURES),
        name="both",
    )
    model = sequential(keras, [layer])
    _seed(model, random)
    config = layer.get_config()
    fields = {"config": as_text(config)}
    again = both.from_config(layer.get_config())
    fields["again"] = as_text(again.get_config())
    made = sequential(keras, [again])
    made.set_weights(model.get_weights())
    x = normal(random, 2, STEPS, FEATURES)
    fields["output"], fields["output_again"] = model.predict(x), made.predict(x)
    return fields


@case(PREFIX + "lstm_json", STEPWISE)
def json_round_trip(keras, random):
    """A model with a wrapper, written as JSON and made again."""
    L = keras.layers
    layer = wrapped(keras, "LSTM", input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer, L.Dense(2)])
    _seed(model, random)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    return {"output": again.predict(normal(random, 2, STEPS, FEATURES)), "class": type(again.layers[0]).__name__}


@case(PREFIX + "gru_trainable_false", TRAINED)
def trainable_false(keras, random):
    """What a wrapper that is switched off after it was built still counts as trainable, and whether it learns."""
    L = keras.layers
    layer = wrapped(keras, "GRU", input_shape=(STEPS, FEATURES))
    model = sequential(keras, [layer, L.Dense(1)])
    _seed(model, random)
    layer.trainable = False
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 4, STEPS, FEATURES), normal(random, 4, 1)
    fields = train(model, lambda step: (x, y), steps=3)
    fields["counts"] = as_text([len(model.trainable_weights), len(model.non_trainable_weights)])
    return fields


@case(PREFIX + "conv_lstm_2d", FIELDS)
def conv_lstm_2d(keras, random):
    """Convolutional layers both ways, joined by their channels."""
    L = keras.layers
    both = L.Bidirectional
    model = sequential(keras, [both(L.ConvLSTM2D(2, 2, return_sequences=True), input_shape=(3, 3, 4, 2))])
    seed_weights(model, random)
    return forward_and_gradient(keras, model, normal(random, 2, 3, 3, 4, 2), random)


def _raising(label, make):
    def function(keras, random):
        L = keras.layers
        return {"raises": outcome_of(make, keras, L.Bidirectional, L)}

    register(PREFIX + "error_" + label, function, EXACT)


def _refused(label, make):
    """What is refused by an exception of whichever type: TensorFlow 1.4 fails by an accident of its own."""

    def function(keras, random):
        L = keras.layers
        return {"refused": bool(outcome_of(make, keras, L.Bidirectional, L).names)}

    register(PREFIX + "error_" + label, function, EXACT)


for _label, _make in (
    ("merge_mode", lambda keras, both, L: both(L.LSTM(3), merge_mode="add")),
    ("not_stateful_reset", lambda keras, both, L: sequential(
        keras, [both(L.LSTM(3), input_shape=(4, 2))]).layers[0].reset_states()),
    ("stateful_without_batch", lambda keras, both, L: sequential(
        keras, [both(L.LSTM(3, stateful=True), input_shape=(4, 2))])),
    ("two_outputs_in_sequential", lambda keras, both, L: sequential(
        keras, [both(L.LSTM(3), merge_mode=None, input_shape=(4, 2))])),
    ("no_argument", lambda keras, both, L: both()),
):  # fmt: skip
    _raising(_label, _make)
_refused("dense", lambda keras, both, L: both(L.Dense(3)))
_refused("not_a_layer", lambda keras, both, L: both(3))
_refused("rank", lambda keras, both, L: sequential(keras, [both(L.LSTM(3), input_shape=(4,))]))
