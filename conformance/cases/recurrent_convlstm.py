"""Family `recurrent_convlstm`: ConvLSTM2D: output and gradients over its options, states, first weights, parts."""

import numpy as np

from ..case import EXACT, TRAINED, Tolerance, as_text, case, outcome_of, register
from .helpers import normal, seed_weights, sequential, train
from .helpers_recurrent import FIELDS, STEPWISE, forward_and_gradient, plain, states_of, values_and_gradients

ROWS, STEPS, SIDES, CHANNELS, FILTERS = 2, 3, (4, 5), 2, 2
SHAPE = (STEPS,) + SIDES + (CHANNELS,)
FIRST = (STEPS, CHANNELS) + SIDES
ORTHOGONAL = Tolerance(0.0, 1e-5, "a float32 decomposition, squared")


def _one_layer(kernel, options, shape=SHAPE):
    def function(keras, random):
        model = sequential(keras, [keras.layers.ConvLSTM2D(FILTERS, kernel, input_shape=shape, **options)])
        seed_weights(model, random)
        return forward_and_gradient(keras, model, normal(random, ROWS, *shape), random)

    return function


for _label, _kernel, _options in (
    ("default", 2, {}),
    ("kernel_pair", (2, 3), {}),
    ("kernel_one", 1, {}),
    ("return_sequences", 2, {"return_sequences": True}),
    ("padding_same", 3, {"padding": "same"}),
    ("padding_same_even_kernel", 2, {"padding": "same", "return_sequences": True}),
    ("strides", 2, {"strides": 2}),
    ("strides_pair_same", 3, {"strides": (2, 1), "padding": "same"}),
    ("dilation", 2, {"dilation_rate": 2}),
    ("dilation_same_return_sequences", 2, {"dilation_rate": (1, 2), "padding": "same", "return_sequences": True}),
    ("no_bias", 2, {"use_bias": False}),
    ("activation_relu", 2, {"activation": "relu"}),
    ("activation_none", 2, {"activation": None}),
    ("recurrent_activation_sigmoid", 2, {"recurrent_activation": "sigmoid"}),
    ("go_backwards", 2, {"go_backwards": True}),
    ("go_backwards_return_sequences", 2, {"go_backwards": True, "return_sequences": True}),
    ("dropout_in_test", 2, {"dropout": 0.3, "recurrent_dropout": 0.4}),
):
    register("recurrent_convlstm/conv_lstm_2d_" + _label, _one_layer(_kernel, _options), FIELDS)
for _label, _options in (
    ("channels_first", {}),
    ("channels_first_return_sequences", {"return_sequences": True, "padding": "same"}),
    ("channels_first_strides", {"strides": (1, 2)}),
):
    register(
        "recurrent_convlstm/conv_lstm_2d_" + _label,
        _one_layer(2, dict(_options, data_format="channels_first"), FIRST),
        FIELDS,
    )
register("recurrent_convlstm/conv_lstm_2d_one_step", _one_layer(2, {}, (1,) + SHAPE[1:]), FIELDS)


@case("recurrent_convlstm/conv_lstm_2d_free_length", FIELDS)
def free_length(keras, random):
    """A free time axis: several lengths, and the gradient on the longest."""
    layer = keras.layers.ConvLSTM2D(FILTERS, 2, return_sequences=True, input_shape=(None,) + SHAPE[1:])
    model = sequential(keras, [layer])
    seed_weights(model, random)
    fields = {"output_of_{}".format(steps): model.predict(normal(random, 1, steps, *SHAPE[1:])) for steps in (1, 2)}
    fields.update(forward_and_gradient(keras, model, normal(random, ROWS, 4, *SHAPE[1:]), random))
    return fields


@case("recurrent_convlstm/conv_lstm_2d_across_batches", STEPWISE)
def across_batches(keras, random):
    """States pass from batch to batch until they are reset."""
    layer = keras.layers.ConvLSTM2D(FILTERS, 2, stateful=True, batch_input_shape=(ROWS,) + SHAPE)
    model = sequential(keras, [layer])
    seed_weights(model, random)
    first, other = normal(random, ROWS, *SHAPE), normal(random, ROWS, *SHAPE)
    fields = {"output_{}".format(index): model.predict(x) for index, x in enumerate((first, first, other))}
    fields.update(states_of(keras, layer))
    model.reset_states()
    fields.update({"reset_" + name: value for name, value in states_of(keras, layer).items()})
    fields["output_reset"] = model.predict(first)
    return fields


@case("recurrent_convlstm/conv_lstm_2d_across_batches_channels_first", STEPWISE)
def across_batches_channels_first(keras, random):
    """The same for channels first and sequences."""
    layer = keras.layers.ConvLSTM2D(
        FILTERS,
        3,
        padding="same",
        stateful=True,
        return_sequences=True,
        data_format="channels_first",
        batch_input_shape=(ROWS,) + FIRST,
    )
    model = sequential(keras, [layer])
    seed_weights(model, random)
    x = normal(random, ROWS, *FIRST)
    fields = {"output_{}".format(index): model.predict(x) for index in range(2)}
    fields["state_shapes"] = np.array([value.shape for value in states_of(keras, layer).values()])
    layer.reset_states()
    fields["output_reset"] = model.predict(x)
    return fields


@case("recurrent_convlstm/conv_lstm_2d_return_state", FIELDS)
def return_state(keras, random):
    """Output and both states, and gradients through all of them."""
    L = keras.layers
    cell = L.ConvLSTM2D
    x = L.Input(shape=SHAPE)
    layer = cell(FILTERS, 2, padding="same", return_state=True)
    outputs = layer(x)
    layer.set_weights([normal(random, *each.shape) * np.float32(0.3) for each in layer.get_weights()])
    return values_and_gradients(keras, [x], outputs, layer.trainable_weights, [normal(random, ROWS, *SHAPE)], random)


@case("recurrent_convlstm/conv_lstm_2d_stacked", FIELDS)
def stacked(keras, random):
    """A layer that gives sequences below one that gives the last image, with a Conv2D behind."""
    L = keras.layers
    cell = L.ConvLSTM2D
    layers = [
        cell(2, 3, padding="same", return_sequences=True, input_shape=SHAPE),
        cell(3, 2, go_backwards=True),
        L.Conv2D(1, 2),
    ]
    model = sequential(keras, layers)
    seed_weights(model, random)
    return forward_and_gradient(keras, model, normal(random, ROWS, *SHAPE), random)


for _label, _options in (
    ("first_weights", {}),
    ("unit_forget_bias_false", {"unit_forget_bias": False}),
    ("unit_forget_bias_initializer", {"bias_initializer": "ones"}),
    ("unit_forget_bias_false_ones", {"unit_forget_bias": False, "bias_initializer": "ones"}),
):

    @case("recurrent_convlstm/conv_lstm_2d_" + _label, {"products": ORTHOGONAL, "*": EXACT})
    def first_weights(keras, random, options=_options):
        """Shapes, the orthogonality of the recurrent kernel and the bias as they begin."""
        layer = keras.layers.ConvLSTM2D(3, (2, 3), input_shape=SHAPE, **options)
        sequential(keras, [layer])
        kernel, recurrent, bias = layer.get_weights()
        flat = recurrent.reshape((-1, recurrent.shape[-1])).astype("float64")
        limit = np.sqrt(6.0 / (6 * CHANNELS + 6 * 12))
        return {
            "shapes": as_text([plain(each.shape) for each in (kernel, recurrent, bias)]),
            "kernel_within_limit": bool(np.abs(kernel).max() <= limit * 1.0001),
            "kernel_fills_limit": bool(np.abs(kernel).max() > limit * 0.8),
            "products": flat.T.dot(flat),
            "bias": bias,
        }


@case("recurrent_convlstm/conv_lstm_2d_names_and_specs", EXACT)
def names_and_specs(keras, random):
    layer = keras.layers.ConvLSTM2D(3, 2, input_shape=SHAPE, name="cell")
    model = sequential(keras, [layer])
    return {
        "weights": as_text([weight.name for weight in layer.weights]),
        "input_specs": as_text([plain(spec.shape) for spec in layer.input_spec]),
        "output_shape": as_text(plain(model.output_shape)),
        "parameters": layer.count_params(),
        "options": as_text([layer.kernel_size, layer.strides, layer.padding, layer.data_format, layer.dilation_rate]),
    }


@case("recurrent_convlstm/conv_lstm_2d_output_shapes", EXACT)
def output_shapes(keras, random):
    """Shapes of models over paddings, strides, dilations, formats, and what is returned."""
    cell = keras.layers.ConvLSTM2D
    shapes = []
    for options in (
        {},
        {"return_sequences": True},
        {"padding": "same", "strides": 2},
        {"strides": (2, 3)},
        {"dilation_rate": 2, "return_sequences": True},
        {"data_format": "channels_first"},
        {"data_format": "channels_first", "return_sequences": True, "padding": "same"},
    ):
        shape = (4, 2, 7, 8) if "data_format" in options else (4, 7, 8, 2)
        shapes.append(plain(sequential(keras, [cell(3, 3, input_shape=shape, **options)]).output_shape))
    return {"shapes": as_text(shapes)}


@case("recurrent_convlstm/conv_lstm_2d_parts", TRAINED)
def parts(keras, random):
    """Regularizers of all weights, constraints of all weights: losses, and three steps of training."""
    L, R, C = keras.layers, keras.regularizers, keras.constraints
    cell = L.ConvLSTM2D(
        FILTERS,
        2,
        input_shape=SHAPE,
        kernel_regularizer=R.l2(0.1),
        recurrent_regularizer=R.l1(0.05),
        bias_regularizer="l2",
        activity_regularizer=R.l2(0.01),
        kernel_constraint=C.MaxNorm(0.6, axis=[0, 1, 2]),
        recurrent_constraint=C.UnitNorm(axis=[0, 1, 2]),
        bias_constraint="non_neg",
    )
    model = sequential(keras, [cell, L.Flatten(), L.Dense(1)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, ROWS, *SHAPE), normal(random, ROWS, 1)
    fields = {"losses_of_test": np.array(model.test_on_batch(x, y)), "num_losses": len(model.losses)}
    fields.update(train(model, lambda step: (x, y), steps=3))
    return fields


@case("recurrent_convlstm/conv_lstm_2d_config", {"output*": STEPWISE, "*": EXACT})
def config(keras, random):
    """get_config, the layer made from it, and what that gives with the same weights."""
    cell = keras.layers.ConvLSTM2D
    layer = cell(
        FILTERS,
        (2, 3),
        strides=(1, 2),
        padding="same",
        return_sequences=True,
        go_backwards=True,
        recurrent_activation="sigmoid",
        kernel_regularizer="l2",
        recurrent_constraint="unit_norm",
        dropout=0.25,
        recurrent_dropout=0.5,
        unit_forget_bias=False,
        input_shape=SHAPE,
        name="cell",
    )
    model = sequential(keras, [layer])
    seed_weights(model, random)
    again = cell.from_config(layer.get_config())
    made = sequential(keras, [again])
    made.set_weights(model.get_weights())
    x = normal(random, ROWS, *SHAPE)
    return {
        "config": as_text(layer.get_config()),
        "default": as_text(cell(3, 2, name="plain").get_config()),
        "again": as_text(again.get_config()),
        "output": model.predict(x),
        "output_again": made.predict(x),
    }


def _raising(label, make):
    def function(keras, random):
        cell = keras.layers.ConvLSTM2D
        return {"raises": outcome_of(make, keras, cell)}

    register("recurrent_convlstm/conv_lstm_2d_error_" + label, function, EXACT)


for _label, _make in (
    ("rank", lambda keras, cell: sequential(keras, [cell(2, 2, input_shape=SHAPE[1:])])),
    ("channels_unknown", lambda keras, cell: sequential(keras, [cell(2, 2, input_shape=SHAPE[:-1] + (None,))])),
    ("padding", lambda keras, cell: sequential(keras, [cell(2, 2, padding="around", input_shape=SHAPE)])),
    ("kernel_of_three", lambda keras, cell: cell(2, (2, 2, 2))),
    ("strides_of_three", lambda keras, cell: cell(2, 2, strides=(1, 1, 1))),
    ("data_format", lambda keras, cell: cell(2, 2, data_format="channels_middle")),
    ("not_stateful_reset", lambda keras, cell: sequential(
        keras, [cell(2, 2, input_shape=SHAPE)]).layers[0].reset_states()),
    ("stateful_without_batch", lambda keras, cell: sequential(keras, [cell(2, 2, stateful=True, input_shape=SHAPE)])),
    ("strides_and_dilation", lambda keras, cell: sequential(
        keras, [cell(2, 2, strides=2, dilation_rate=2, input_shape=SHAPE)])),
    ("no_kernel_size", lambda keras, cell: cell(2)),
):  # fmt: skip
    _raising(_label, _make)
