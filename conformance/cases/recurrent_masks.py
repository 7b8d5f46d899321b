"""Family `recurrent_masks`: masked steps, whole masked rows, masks through stacks, both directions and states."""

import numpy as np

from ..case import EXACT, GRADIENT, case, register
from .helpers import normal, seed_weights, sequential
from .helpers_recurrent import (
    CELLS,
    FEATURES,
    FIELDS,
    STEPS,
    STEPWISE,
    UNITS,
    forward_and_gradient,
    values_and_gradients,
)

VALUE = -1.0


def masked(random, value=VALUE):
    """Four rows: full, padded behind, padded in front and in between, wholly masked."""
    x = normal(random, 4, STEPS, FEATURES)
    x[1, 2:] = value
    x[2, 0] = x[2, 2] = value
    x[3] = value
    return x


def words_of(random):
    """Word numbers below nine, with zeros behind, in front, in between and everywhere."""
    words = random.randint(1, 9, size=(4, STEPS))
    words[1, 1:] = 0
    words[2, 0] = words[2, 2] = 0
    words[3] = 0
    return words


def _behind_masking(class_name, options):
    def function(keras, random):
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(keras, [L.Masking(VALUE, input_shape=(STEPS, FEATURES)), cell(UNITS, **options)])
        seed_weights(model, random)
        return forward_and_gradient(keras, model, masked(random), random)

    return function


def _behind_embedding(class_name, options, length):
    def function(keras, random):
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(keras, [L.Embedding(9, 4, mask_zero=True, input_length=length), cell(UNITS, **options)])
        seed_weights(model, random)
        return forward_and_gradient(keras, model, words_of(random), random)

    return function


MASKED = (
    ("masking", {}),
    ("masking_return_sequences", {"return_sequences": True}),
    ("masking_go_backwards", {"go_backwards": True}),
    ("masking_go_backwards_return_sequences", {"go_backwards": True, "return_sequences": True}),
    ("masking_unroll", {"unroll": True}),
    ("masking_unroll_go_backwards_return_sequences", {"unroll": True, "go_backwards": True, "return_sequences": True}),
    ("masking_implementation_1", {"implementation": 1, "return_sequences": True}),
    ("masking_implementation_2", {"implementation": 2}),
    ("masking_no_bias_relu", {"use_bias": False, "activation": "relu"}),
)


def _stacked(class_name):
    def function(keras, random):
        """The mask goes through a layer that gives sequences into the next, and ends behind the last."""
        L, K = keras.layers, keras.backend
        cell = getattr(L, class_name)
        model = sequential(
            keras,
            [
                L.Embedding(9, 4, mask_zero=True, input_length=STEPS),
                cell(UNITS, return_sequences=True),
                cell(4, return_sequences=True, go_backwards=True),
                cell(2),
            ],
        )
        seed_weights(model, random)
        words = words_of(random)
        fields = forward_and_gradient(keras, model, words, random)
        masks = [layer.output_mask for layer in model.layers]
        fields["has_mask"] = np.array([mask is not None for mask in masks])
        present = [mask for mask in masks if mask is not None]
        for index, mask in enumerate(K.function([model.input], present)([words])):
            fields["mask_{}".format(index)] = mask
        return fields

    return function


def _states_under_a_mask(class_name, options):
    def function(keras, random):
        """The states returned are those of each row's last step that is not masked."""
        L = keras.layers
        cell = getattr(L, class_name)
        x = L.Input(shape=(STEPS, FEATURES))
        layer = cell(UNITS, return_state=True, **options)
        outputs = layer(L.Masking(VALUE)(x))
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        return values_and_gradients(keras, [x], outputs, layer.trainable_weights, [masked(random)], random)

    return function


def _begun_from_states(class_name, num_states, options):
    def function(keras, random):
        """A row whose first steps are masked keeps the states that it was given."""
        L = keras.layers
        cell = getattr(L, class_name)
        x = L.Input(shape=(STEPS, FEATURES))
        begun = [L.Input(shape=(UNITS,)) for _ in range(num_states)]
        layer = cell(UNITS, **options)
        output = layer(L.Masking(VALUE)(x), initial_state=begun)
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        arrays = [masked(random)] + [normal(random, 4, UNITS) for _ in begun]
        return values_and_gradients(keras, [x] + begun, [output], layer.trainable_weights, arrays, random)

    return function


def _padding_changes_nothing(class_name):
    def function(keras, random):
        """The last output of a padded row is that of the row without its padding."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(keras, [L.Masking(0.0, input_shape=(None, FEATURES)), cell(UNITS)])
        seed_weights(model, random)
        x = normal(random, 2, STEPS, FEATURES)
        behind, before = np.zeros((2, STEPS + 3, FEATURES)), np.zeros((2, STEPS + 3, FEATURES))
        behind[:, :STEPS], before[:, 3:] = x, x
        outputs = [model.predict(each) for each in (x, behind, before)]
        return {"outputs": np.array(outputs), "difference": np.array(outputs) - outputs[0]}

    return function


def _mask_argument(class_name):
    def function(keras, random):
        """A mask given to the call is used as one that comes from the layer before."""
        L, K = keras.layers, keras.backend
        cell = getattr(L, class_name)
        x, mask = L.Input(shape=(STEPS, FEATURES)), K.placeholder(shape=(None, STEPS), dtype="bool")
        layer = cell(UNITS, return_sequences=True)
        output = layer(x, mask=mask)
        layer.set_weights([normal(random, *each.shape) for each in layer.get_weights()])
        kept = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
        return {"output": K.function([x, mask], [output])([normal(random, 3, STEPS, FEATURES), kept])[0]}

    return function


def _stateful(class_name):
    def function(keras, random):
        """States pass from batch to batch over masked steps."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(
            keras, [L.Masking(VALUE, batch_input_shape=(4, STEPS, FEATURES)), cell(UNITS, stateful=True)]
        )
        seed_weights(model, random)
        x = masked(random)
        fields = {"output_{}".format(index): model.predict(x, batch_size=4) for index in range(3)}
        model.reset_states()
        fields["output_reset"] = model.predict(x, batch_size=4)
        return fields

    return function


def _loss_of_a_masked_sequence(class_name):
    def function(keras, random):
        """The mask that a recurrent layer passes on weighs the loss of each step."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(
            keras,
            [L.Masking(VALUE, input_shape=(STEPS, FEATURES)), cell(UNITS, return_sequences=True, activation="sigmoid")],
        )
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "binary_crossentropy", metrics=["mse"])
        x, y = masked(random), random.randint(2, size=(4, STEPS, UNITS))
        return {
            "losses": np.array([model.train_on_batch(x, y) for _ in range(3)]),
            "loss_of_test": np.array(model.test_on_batch(x, y)),
        }

    return function


for _label, _class, _num_states in CELLS:
    _prefix = "recurrent_masks/{}_".format(_label)
    for _name, _options in MASKED:
        register(_prefix + _name, _behind_masking(_class, _options), FIELDS)
    register(_prefix + "embedding", _behind_embedding(_class, {}, STEPS), FIELDS)
    register(_prefix + "embedding_free_length", _behind_embedding(_class, {"return_sequences": True}, None), FIELDS)
    register(_prefix + "embedding_unroll", _behind_embedding(_class, {"unroll": True}, STEPS), FIELDS)
    register(_prefix + "stacked", _stacked(_class), dict(FIELDS, has_mask=EXACT))
    register(_prefix + "return_state", _states_under_a_mask(_class, {}), FIELDS)
    register(_prefix + "return_state_unroll", _states_under_a_mask(_class, {"unroll": True}), FIELDS)
    register(_prefix + "initial_state", _begun_from_states(_class, _num_states, {}), FIELDS)
    register(
        _prefix + "initial_state_backwards",
        _begun_from_states(_class, _num_states, {"go_backwards": True, "return_sequences": True}),
        FIELDS,
    )
    register(_prefix + "padding_changes_nothing", _padding_changes_nothing(_class), STEPWISE)
    register(_prefix + "mask_argument", _mask_argument(_class), STEPWISE)
    register(_prefix + "stateful", _stateful(_class), STEPWISE)
    register(_prefix + "weighs_the_loss", _loss_of_a_masked_sequence(_class), GRADIENT)


@case("recurrent_masks/lstm_masking_of_a_layer", FIELDS)
def lstm_masking_of_a_layer(keras, random):
    """A mask from a Masking behind another layer, on features that are all zero after a relu."""
    L = keras.layers
    cell = L.LSTM
    model = sequential(
        keras, [L.Dense(3, activation="relu", input_shape=(STEPS, FEATURES)), L.Masking(0.0), cell(UNITS)]
    )
    seed_weights(model, random)
    return forward_and_gradient(keras, model, normal(random, 6, STEPS, FEATURES), random)


@case("recurrent_masks/lstm_return_state_masks", EXACT)
def lstm_return_state_masks(keras, random):
    """Of a layer's outputs the first alone has a mask, and only where it is a sequence."""
    L = keras.layers
    cell = L.LSTM
    masks = []
    for options in ({}, {"return_sequences": True}):
        layer = cell(UNITS, return_state=True, **options)
        layer(L.Masking(0.0)(L.Input(shape=(STEPS, FEATURES))))
        masks.append([mask is not None for mask in layer.output_mask])
    return {"masks": np.array(masks)}
