"""Family `recurrent_backend`: K.rnn with a user's own step function, K.foldl, K.foldr and K.map_fn, and gradients."""

import numpy as np

from ..case import EXACT, GRADIENT, as_text, case, outcome_of, register
from .helpers import normal
from .helpers_recurrent import STEPWISE, plain

FIELDS = {"gradient_*": GRADIENT, "shape*": EXACT, "*": STEPWISE}
ROWS, STEPS, FEATURES, UNITS = 3, 4, 2, 3
MASK = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)


def _dense_step(K, kernel, recurrent):
    """One state: a small recurrent layer of one's own."""

    def step(x, states):
        state = K.tanh(K.dot(x, kernel) + K.dot(states[0], recurrent))
        return state, [state]

    return step


def _two_states_step(K, kernel, recurrent):
    """The output is the first of two states; the second sums up with a decay."""

    def step(x, states):
        total = 0.5 * states[1] + K.dot(x, kernel)
        output = K.tanh(total + K.dot(states[0], recurrent))
        return output, [output, total]

    return step


def _constants_step(K, kernel, recurrent):
    """What follows the state are the constants: a gate, and a number to add."""

    def step(x, states):
        state = K.tanh(K.dot(x, kernel) * states[1] + K.dot(states[0], recurrent) + states[2])
        return state, [state]

    return step


def _other_output_step(K, kernel, recurrent):
    """The output is of another width than the state."""

    def step(x, states):
        state = K.tanh(K.dot(x, kernel) + K.dot(states[0], recurrent))
        return K.concatenate([state, x]), [state]

    return step


def _rnn(make_step, num_states=1, num_constants=0, mask=None, free_length=False, **options):
    """A case's function: last output, all outputs, states; gradients of weighted sums of them."""

    def function(keras, random):
        K = keras.backend
        rnn = K.rnn
        arrays = [normal(random, ROWS, STEPS, FEATURES)] + [normal(random, ROWS, UNITS) for _ in range(num_states)]
        inputs = [K.placeholder(shape=(None, None if free_length else STEPS, FEATURES))]
        inputs += [K.placeholder(shape=(None, UNITS)) for _ in range(num_states)]
        weights = [K.variable(normal(random, *shape)) for shape in ((FEATURES, UNITS), (UNITS, UNITS))]
        constants = [K.variable(normal(random, UNITS)) for _ in range(num_constants)]
        passed = dict(options)
        if constants:
            passed["constants"] = constants
        if mask is not None:
            passed["mask"] = K.constant(mask, dtype="bool")
        last, outputs, states = rnn(make_step(K, *weights), inputs[0], inputs[1:], **passed)
        found = [last, outputs] + list(states)
        # One at a time: TensorFlow 1.4 gives the last output and all outputs in one run to nobody.
        values = [K.function(inputs, [tensor])(arrays)[0] for tensor in found]
        scalars = [K.sum(tensor * K.constant(normal(random, *value.shape))) for tensor, value in zip(found, values)]
        fields = {"last": values[0], "outputs": values[1], "num_states": len(states)}
        fields.update({"state_{}".format(index): value for index, value in enumerate(values[2:])})
        for label, scalar in (("last_and_states", scalars[0] + sum(scalars[2:])), ("outputs", scalars[1])):
            gradients = K.gradients(scalar, inputs + weights + constants)
            for index, value in enumerate(K.function(inputs, gradients)(arrays)):
                fields["gradient_of_{}_{}".format(label, index)] = value
        return fields

    return function


for _label, _step, _options in (
    ("default", _dense_step, {}),
    ("free_length", _dense_step, {"free_length": True}),
    ("go_backwards", _dense_step, {"go_backwards": True}),
    ("unroll", _dense_step, {"unroll": True}),
    ("unroll_go_backwards", _dense_step, {"unroll": True, "go_backwards": True}),
    ("mask", _dense_step, {"mask": MASK}),
    ("mask_rank_3", _dense_step, {"mask": MASK[:, :, None]}),
    ("mask_go_backwards", _dense_step, {"mask": MASK, "go_backwards": True}),
    ("mask_unroll", _dense_step, {"mask": MASK, "unroll": True}),
    ("mask_unroll_go_backwards", _dense_step, {"mask": MASK, "unroll": True, "go_backwards": True}),
    ("two_states", _two_states_step, {"num_states": 2}),
    ("two_states_unroll", _two_states_step, {"num_states": 2, "unroll": True}),
    ("two_states_mask", _two_states_step, {"num_states": 2, "mask": MASK}),
    ("two_states_mask_unroll", _two_states_step, {"num_states": 2, "mask": MASK, "unroll": True}),
    ("constants", _constants_step, {"num_constants": 2}),
    ("constants_unroll", _constants_step, {"num_constants": 2, "unroll": True}),
    ("constants_mask_go_backwards", _constants_step, {"num_constants": 2, "mask": MASK, "go_backwards": True}),
    ("output_of_another_width", _other_output_step, {}),
    ("output_of_another_width_unroll", _other_output_step, {"unroll": True}),
):
    register("recurrent_backend/rnn_" + _label, _rnn(_step, **_options), FIELDS)


def _one_by_one(K, x, array, last, outputs, gradient):
    named = (("last", last), ("outputs", outputs), ("gradient_0", gradient))
    return {name: K.function([x], [tensor])([array])[0] for name, tensor in named}


def _no_states(unroll):
    def function(keras, random):
        """A step without any state: the same function of each step."""
        K = keras.backend
        rnn = K.rnn
        x = K.placeholder(shape=(None, STEPS, FEATURES))
        last, outputs, states = rnn(lambda x, _: (K.square(x) + x, []), x, [], unroll=unroll)
        gradient = K.gradients(K.sum(outputs), [x])
        fields = _one_by_one(K, x, normal(random, ROWS, STEPS, FEATURES), last, outputs, *gradient)
        return dict(fields, num_states=len(states))

    return function


register("recurrent_backend/rnn_no_states", _no_states(False), FIELDS)
register("recurrent_backend/rnn_no_states_unroll", _no_states(True), FIELDS)


@case("recurrent_backend/rnn_rank_4", FIELDS)
def rnn_rank_4(keras, random):
    """Inputs and states of more axes than two: a sum over the steps, cut off at a limit."""
    K = keras.backend
    rnn = K.rnn
    x = K.placeholder(shape=(None, STEPS, 2, 3))

    def step(x, states):
        total = K.minimum(states[0] + x, 1.0)
        return total, [total]

    last, outputs, _ = rnn(step, x, [K.zeros_like(x[:, 0])])
    gradients = K.gradients(K.sum(K.square(outputs)), [x])
    return _one_by_one(K, x, normal(random, ROWS, STEPS, 2, 3), last, outputs, *gradients)


@case("recurrent_backend/rnn_twice", FIELDS)
def rnn_twice(keras, random):
    """One loop over what another gives; the gradient goes through both."""
    K = keras.backend
    rnn = K.rnn
    x, begun = K.placeholder(shape=(None, STEPS, FEATURES)), K.placeholder(shape=(None, UNITS))
    weights = [K.variable(normal(random, *shape)) for shape in ((FEATURES, UNITS), (UNITS, UNITS), (UNITS, UNITS))]
    _, middle, _ = rnn(_dense_step(K, weights[0], weights[1]), x, [begun])
    last, _, _ = rnn(_dense_step(K, weights[1], weights[2]), middle, [begun], go_backwards=True)
    arrays = [normal(random, ROWS, STEPS, FEATURES), normal(random, ROWS, UNITS)]
    gradients = K.gradients(K.sum(K.square(last)), [x, begun] + weights)
    values = K.function([x, begun], [last] + gradients)(arrays)
    fields = {"gradient_{}".format(index): value for index, value in enumerate(values[1:])}
    return dict(fields, last=values[0])


@case("recurrent_backend/rnn_in_a_layer", FIELDS)
def rnn_in_a_layer(keras, random):
    """A Lambda that counts up inside a model, trained through."""
    K, L = keras.backend, keras.layers
    rnn = K.rnn

    def running_mean(x):
        def step(x, states):
            total = 0.7 * states[0] + 0.3 * x
            return total, [total]

        return rnn(step, x, [K.zeros_like(x[:, 0, :])])[1]

    model = keras.models.Sequential()
    model.add(L.Dense(UNITS, input_shape=(STEPS, FEATURES)))
    model.add(L.Lambda(running_mean))
    model.set_weights([normal(random, *each.shape) for each in model.get_weights()])
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, ROWS, STEPS, FEATURES), normal(random, ROWS, STEPS, UNITS)
    return {
        "losses": np.array([model.train_on_batch(x, y) for _ in range(4)]),
        "output": model.predict(x),
    }


@case("recurrent_backend/rnn_errors", EXACT)
def rnn_errors(keras, random):
    """Inputs of two axes, unrolling of a free length, a mask and no states."""
    K = keras.backend
    rnn = K.rnn

    def nothing(x, states):
        return x, list(states)

    return {
        "rank": outcome_of(rnn, nothing, K.placeholder(shape=(3, 4)), []),
        "unroll": outcome_of(rnn, nothing, K.placeholder(shape=(2, None, 3)), [], unroll=True),
        "mask": outcome_of(
            rnn, nothing, K.placeholder(shape=(ROWS, STEPS, 3)), [], mask=K.constant(MASK, dtype="bool")
        ),
    }


@case("recurrent_backend/rnn_step_errors", EXACT)
def rnn_step_errors(keras, random):
    """Steps and states that do not fit: an output that is no state under a mask, states lost, won, or in no list."""
    K = keras.backend
    rnn = K.rnn
    x, begun = K.placeholder(shape=(ROWS, STEPS, 1)), K.zeros((ROWS, 3))

    def wide(x, states):
        return x, [states[0] + x]

    return {
        "narrow_output": outcome_of(rnn, wide, x, [begun], mask=K.constant(MASK, dtype="bool")),
        "states_lost": outcome_of(rnn, lambda x, states: (x, []), x, [begun]),
        "states_won": outcome_of(rnn, lambda x, states: (x, list(states) * 2), x, [begun]),
        "states_in_no_list": outcome_of(rnn, lambda x, states: (x, states[0]), x, [begun]),
        "begun_in_no_list": outcome_of(rnn, wide, x, begun),
    }


def _folded(name, function, shape, with_initializer=False, gradients=True):
    def run(keras, random):
        K = keras.backend
        fold = getattr(K, name)
        sources = [K.variable(normal(random, *shape))]
        options = {}
        if with_initializer:
            sources.append(K.variable(normal(random, *shape[1:])))
            options["initializer"] = sources[1]
        value = fold(lambda *arguments: function(K, *arguments), sources[0], **options)
        fields = {"value": K.eval(value), "shape": as_text(plain(K.int_shape(value)))}
        if gradients:
            for index, gradient in enumerate(K.gradients(K.sum(K.square(value)), sources)):
                fields["gradient_{}".format(index)] = K.eval(gradient)
        return fields

    return run


for _name in ("foldl", "foldr"):
    for _label, _function, _options in (
        ("sum", lambda K, total, x: total + x, {}),
        ("order", lambda K, total, x: 0.5 * total + K.tanh(x), {}),
        ("initializer", lambda K, total, x: total * K.sigmoid(x) + x, {"with_initializer": True}),
        ("maximum", lambda K, total, x: K.maximum(total, x), {"gradients": False}),
    ):
        register(
            "recurrent_backend/{}_{}".format(_name, _label), _folded(_name, _function, (4, 2, 3), **_options), FIELDS
        )
    register(
        "recurrent_backend/{}_scalars".format(_name),
        _folded(_name, lambda K, total, x: total * 0.5 + x * x, (5,)),
        FIELDS,
    )
for _label, _function in (
    ("elementwise", lambda K, x: K.tanh(x) * x),
    ("reduction", lambda K, x: K.sum(x, axis=-1)),
    ("product", lambda K, x: K.dot(x, K.constant([[1.0, 0.5], [0.0, -1.0], [2.0, 0.0]]))),
    ("to_scalars", lambda K, x: K.max(x)),
):
    register("recurrent_backend/map_fn_" + _label, _folded("map_fn", _function, (4, 2, 3)), FIELDS)


@case("recurrent_backend/map_fn_dtype", FIELDS)
def map_fn_dtype(keras, random):
    """Another dtype of the results than that of the elements."""
    K = keras.backend
    map_fn = K.map_fn
    x = K.variable(normal(random, 4, 3))
    value = map_fn(lambda row: K.argmax(row), x, dtype="int64")
    return {"value": K.eval(value), "dtype": K.dtype(value)}


@case("recurrent_backend/map_fn_pair", FIELDS)
def map_fn_pair(keras, random):
    """Several tensors at once: a row of each."""
    K = keras.backend
    map_fn = K.map_fn
    x, y = K.variable(normal(random, 4, 3)), K.variable(normal(random, 4, 3))
    value = map_fn(lambda rows: K.sum(rows[0] * rows[1]), (x, y), dtype="float32")
    fields = {"value": K.eval(value)}
    for index, gradient in enumerate(K.gradients(K.sum(K.square(value)), [x, y])):
        fields["gradient_{}".format(index)] = K.eval(gradient)
    return fields


@case("recurrent_backend/map_fn_free_batch", FIELDS)
def map_fn_free_batch(keras, random):
    """Over a batch of any size."""
    K = keras.backend
    map_fn = K.map_fn
    x = K.placeholder(shape=(None, 3))
    function = K.function([x], [map_fn(lambda row: row / K.sum(K.abs(row)), x)])
    return {"value_of_{}".format(rows): function([normal(random, rows, 3)])[0] for rows in (1, 4)}
