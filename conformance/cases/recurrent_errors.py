"""Family `recurrent_errors`: which type of exception each misuse of a recurrent layer raises."""

import numpy as np

from ..case import EXACT, outcome_of, register
from .helpers import sequential
from .helpers_recurrent import CELLS, FEATURES, STEPS, UNITS

SHAPE = (STEPS, FEATURES)


def _raising(label, class_name, make):
    def function(keras, random):
        return {"raises": outcome_of(make, keras, getattr(keras.layers, class_name))}

    register("recurrent_errors/" + label, function, EXACT)


def _reset_without_stateful(keras, cell):
    model = sequential(keras, [cell(UNITS, input_shape=SHAPE)])
    model.layers[0].reset_states()


def _many_states(keras, cell):
    L = keras.layers
    cell(UNITS)(L.Input(shape=SHAPE), initial_state=[L.Input(shape=(UNITS,)) for _ in range(3)])


def _many_constant_states(keras, cell):
    states = [keras.backend.zeros((2, UNITS)) for _ in range(3)]
    cell(UNITS)(keras.layers.Input(batch_shape=(2,) + SHAPE), initial_state=states)


def _state_of_other_units(keras, cell):
    L = keras.layers
    num_states = 2 if cell is L.LSTM else 1
    cell(UNITS)(L.Input(shape=SHAPE), initial_state=[L.Input(shape=(UNITS + 1,)) for _ in range(num_states)])


def _state_of_three_axes(keras, cell):
    L = keras.layers
    num_states = 2 if cell is L.LSTM else 1
    cell(UNITS)(L.Input(shape=SHAPE), initial_state=[L.Input(shape=(2, UNITS)) for _ in range(num_states)])


def _mixed_states(keras, cell):
    L = keras.layers
    states = [L.Input(batch_shape=(2, UNITS)), keras.backend.zeros((2, UNITS))]
    cell(UNITS)(L.Input(batch_shape=(2,) + SHAPE), initial_state=states)


def _other_features(keras, cell):
    L = keras.layers
    layer = cell(UNITS)
    layer(L.Input(shape=SHAPE))
    layer(L.Input(shape=(STEPS, FEATURES + 1)))


def _other_batch(keras, cell):
    model = sequential(keras, [cell(UNITS, stateful=True, batch_input_shape=(2,) + SHAPE)])
    model.predict(np.zeros((3,) + SHAPE), batch_size=3)


def _other_data(keras, cell):
    sequential(keras, [cell(UNITS, input_shape=SHAPE)]).predict(np.zeros((2, STEPS + 1, FEATURES)))


def _weights_of_other_shape(keras, cell):
    model = sequential(keras, [cell(UNITS, input_shape=SHAPE)])
    model.set_weights([value.T for value in model.get_weights()])


TABLE = (
    ("rank_2", lambda keras, cell: sequential(keras, [cell(UNITS, input_shape=(FEATURES,))])),
    ("rank_4", lambda keras, cell: sequential(keras, [cell(UNITS, input_shape=(2,) + SHAPE)])),
    ("above_last_output", lambda keras, cell: sequential(keras, [cell(UNITS, input_shape=SHAPE), cell(UNITS)])),
    ("no_units", lambda keras, cell: cell()),
    ("unknown_argument", lambda keras, cell: cell(UNITS, num_units=3)),
    ("activation", lambda keras, cell: cell(UNITS, activation="none_such")),
    ("kernel_initializer", lambda keras, cell: cell(UNITS, kernel_initializer="none_such")),
    ("recurrent_regularizer", lambda keras, cell: cell(UNITS, recurrent_regularizer="none_such")),
    ("recurrent_constraint", lambda keras, cell: cell(UNITS, recurrent_constraint="none_such")),
    ("stateful_without_batch", lambda keras, cell: sequential(keras, [cell(UNITS, stateful=True, input_shape=SHAPE)])),
    ("unroll_free_length", lambda keras, cell: sequential(
        keras, [cell(UNITS, unroll=True, input_shape=(None, FEATURES))])),
    ("free_features", lambda keras, cell: sequential(keras, [cell(UNITS, input_shape=(STEPS, None))])),
    ("return_state_in_sequential", lambda keras, cell: sequential(
        keras, [cell(UNITS, return_state=True, input_shape=SHAPE)])),
    ("not_stateful_reset", _reset_without_stateful),
    ("initial_state_many", _many_states),
    ("initial_state_many_constants", _many_constant_states),
    ("initial_state_other_units", _state_of_other_units),
    ("initial_state_three_axes", _state_of_three_axes),
    ("other_features", _other_features),
    ("other_batch", _other_batch),
    ("other_length", _other_data),
    ("weights_of_other_shape", _weights_of_other_shape),
)  # fmt: skip
for _label, _class, _ in CELLS:
    for _name, _make in TABLE:
        # What the layers share is asked of one of them; what their number of states decides, of each.
        if _class == "LSTM" or "state" in _name or _name in ("rank_2", "unroll_free_length"):
            _raising("{}_{}".format(_label, _name), _class, _make)
_raising("lstm_initial_state_mixed", "LSTM", _mixed_states)
_raising("lstm_recurrent_activation", "LSTM", lambda keras, cell: cell(UNITS, recurrent_activation="none_such"))
for _label, _class in (("lstm", "LSTM"), ("gru", "GRU")):
    _raising(
        _label + "_implementation_3",
        _class,
        lambda keras, cell: sequential(keras, [cell(UNITS, implementation=3, input_shape=SHAPE)]),
    )
