"""Family `backend_rest`: convolutions, pools and paddings in full, random moments, CTC, sparse input, odds and ends."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, Absent, Tolerance, as_text, case, outcome_of, register
from .backend import above_zero, evaluate, of
from .helpers import normal, probabilities

try:
    from scipy import sparse
except ImportError:
    sparse = None

FIELDS = {"gradient_*": GRADIENT, "*": FORWARD}
MOMENT = Tolerance(0.0, 0.05, "moments of 10,000 draws, five of their deviations wide")

FUNCTIONS = (
    ("conv1d", lambda K, x, w: K.conv1d(x, w, data_format="channels_last"),
     of(2, 7, 3), of(3, 3, 2)),
    ("conv1d_strides_same", lambda K, x, w: K.conv1d(x, w, strides=2, padding="same", data_format="channels_last"),
     of(2, 7, 3), of(3, 3, 2)),
    ("conv1d_dilation", lambda K, x, w: K.conv1d(x, w, dilation_rate=2, data_format="channels_last"),
     of(2, 7, 3), of(3, 3, 2)),
    ("conv1d_causal", lambda K, x, w: K.conv1d(x, w, padding="causal", data_format="channels_last"),
     of(2, 7, 3), of(3, 3, 2)),
    ("conv2d_dilation", lambda K, x, w: K.conv2d(x, w, dilation_rate=(2, 1)), of(2, 6, 5, 2), of(2, 3, 2, 3)),
    ("conv2d_strides", lambda K, x, w: K.conv2d(x, w, strides=(2, 3)), of(2, 7, 7, 2), of(3, 2, 2, 3)),
    ("conv2d_same_odd", lambda K, x, w: K.conv2d(x, w, padding="same", strides=(2, 2)), of(1, 5, 6, 1), of(4, 3, 1, 2)),
    ("conv2d_transpose", lambda K, x, w: K.conv2d_transpose(x, w, (2, 7, 7, 2), strides=(2, 2)),
     of(2, 3, 3, 3), of(3, 3, 2, 3)),
    ("conv2d_transpose_same", lambda K, x, w: K.conv2d_transpose(x, w, (2, 6, 6, 2), strides=(2, 2), padding="same"),
     of(2, 3, 3, 3), of(3, 3, 2, 3)),
    ("conv2d_transpose_strides_1", lambda K, x, w: K.conv2d_transpose(x, w, (2, 5, 4, 2)), of(2, 3, 3, 3),
     of(3, 2, 2, 3)),
    ("conv3d", lambda K, x, w: K.conv3d(x, w), of(1, 4, 5, 4, 2), of(2, 2, 3, 2, 2)),
    ("conv3d_same", lambda K, x, w: K.conv3d(x, w, strides=(1, 2, 2), padding="same"), of(1, 3, 5, 4, 1),
     of(2, 3, 3, 1, 2)),
    ("separable_conv2d", lambda K, x, d, p: K.separable_conv2d(x, d, p), of(2, 5, 5, 3), of(3, 2, 3, 2),
     of(1, 1, 6, 4)),
    ("separable_conv2d_same", lambda K, x, d, p: K.separable_conv2d(x, d, p, strides=(2, 2), padding="same"),
     of(2, 5, 5, 3), of(3, 3, 3, 1), of(1, 1, 3, 4)),
    ("separable_conv2d_dilation", lambda K, x, d, p: K.separable_conv2d(x, d, p, dilation_rate=(2, 2)),
     of(1, 6, 6, 2), of(2, 2, 2, 1), of(1, 1, 2, 3)),
    ("pool2d_valid", lambda K, x: K.pool2d(x, (2, 2)), of(2, 5, 4, 3)),
    ("pool2d_average_same", lambda K, x: K.pool2d(x, (3, 3), (2, 2), padding="same", pool_mode="avg"), of(2, 5, 4, 3)),
    ("pool2d_channels_first", lambda K, x: K.pool2d(x, (2, 3), (2, 1), data_format="channels_first"), of(2, 3, 5, 4)),
    ("pool3d", lambda K, x: K.pool3d(x, (2, 2, 2), strides=(1, 2, 2)), of(1, 4, 4, 5, 2)),
    ("pool3d_average", lambda K, x: K.pool3d(x, (2, 2, 2), padding="same", strides=(2, 2, 2), pool_mode="avg"),
     of(1, 3, 4, 5, 2)),
    ("temporal_padding_default", lambda K, x: K.temporal_padding(x), of(2, 3, 2)),
    ("spatial_2d_padding_default", lambda K, x: K.spatial_2d_padding(x), of(1, 2, 3, 2)),
    ("spatial_2d_padding_channels_first",
     lambda K, x: K.spatial_2d_padding(x, ((1, 2), (0, 1)), data_format="channels_first"), of(1, 2, 3, 2)),
    ("spatial_3d_padding", lambda K, x: K.spatial_3d_padding(x), of(1, 2, 1, 2, 2)),
    ("spatial_3d_padding_pairs", lambda K, x: K.spatial_3d_padding(x, ((1, 0), (0, 2), (1, 1))), of(1, 2, 1, 2, 2)),
    ("spatial_3d_padding_channels_first",
     lambda K, x: K.spatial_3d_padding(x, ((1, 0), (0, 2), (1, 1)), data_format="channels_first"), of(1, 2, 1, 2, 2)),
    ("resize_images_channels_first", lambda K, x: K.resize_images(x, 3, 2, "channels_first"), of(1, 2, 2, 3)),
    ("resize_volumes", lambda K, x: K.resize_volumes(x, 2, 1, 3, "channels_last"), of(1, 2, 2, 1, 2)),
    ("resize_volumes_channels_first", lambda K, x: K.resize_volumes(x, 2, 1, 3, "channels_first"), of(1, 2, 2, 2, 1)),
    ("bias_add_rank_3", lambda K, x, b: K.bias_add(x, b), of(2, 3, 4), of(4)),
    ("bias_add_rank_5", lambda K, x, b: K.bias_add(x, b), of(1, 2, 2, 3, 4), of(4)),
    ("bias_add_rank_5_channels_first", lambda K, x, b: K.bias_add(x, b, data_format="channels_first"),
     of(1, 4, 2, 3, 2), of(4)),
    ("relu_alpha", lambda K, x: K.relu(x, alpha=0.3), of(3, 4)),
    ("relu_max_value", lambda K, x: K.relu(x * 3.0, max_value=1.5), of(3, 4)),
    ("relu_both", lambda K, x: K.relu(x * 3.0, alpha=0.1, max_value=1.5), of(3, 4)),
    ("elu_alpha", lambda K, x: K.elu(x, 0.3), of(3, 4)),
    ("batch_normalization_epsilon", lambda K, x, m, v: K.batch_normalization(x, m, v, None, None, epsilon=0.1),
     of(3, 4), of(4), above_zero(4)),
    ("normalize_batch_in_training_images",
     lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0, 1, 2])[0], of(2, 3, 3, 2), of(2), of(2)),
    ("print_tensor", lambda K, x: K.print_tensor(x * 2.0, "seen: "), of(2, 2)),
    ("dropout_level_0", lambda K, x: K.dropout(x, 0.0), of(3, 4)),
    ("switch_of_functions", lambda K, x: K.switch(K.greater(K.sum(x), 0.0), lambda: x * 2.0, lambda: x - 1.0),
     of(3, 4)),
    ("concatenate_three", lambda K, x, y, z: K.concatenate([x, y, z], axis=1), of(2, 1, 3), of(2, 2, 3), of(2, 3, 3)),
    ("stack_last", lambda K, x, y: K.stack([x, y], axis=-1), of(2, 3), of(2, 3)),
    ("cumulated_gather", lambda K, x: K.gather(x, K.constant([1, 1, 0], dtype="int32")), of(3, 2, 2)),
    ("mean_of_integers", lambda K, x: K.cast(K.mean(K.cast(K.greater(x, 0.0), "int32")), "float32") + x * 0.0,
     of(3, 4)),
)  # fmt: skip


def _function(function, makers):
    return lambda keras, random: evaluate(keras, function, [make(random) for make in makers])


for _row in FUNCTIONS:
    register("backend_rest/" + _row[0], _function(_row[1], _row[2:]), FIELDS)


# -- random draws: shapes, types and moments ------------------------------------------------------------------

DRAWS = (
    ("random_normal", lambda K: K.random_normal((100, 100), mean=1.0, stddev=0.5)),
    ("random_normal_default", lambda K: K.random_normal((100, 100))),
    ("random_uniform", lambda K: K.random_uniform((100, 100), minval=-1.0, maxval=3.0)),
    ("random_uniform_default", lambda K: K.random_uniform((100, 100))),
    ("random_binomial", lambda K: K.random_binomial((100, 100), p=0.3)),
    ("random_binomial_default", lambda K: K.random_binomial((100, 100))),
    ("truncated_normal", lambda K: K.truncated_normal((100, 100), mean=0.5, stddev=0.5)),
    ("random_normal_variable", lambda K: K.random_normal_variable((100, 100), 1.0, 0.5)),
    ("random_uniform_variable", lambda K: K.random_uniform_variable((100, 100), -1.0, 1.0)),
    ("dropout", lambda K: K.dropout(K.ones((100, 100)), 0.25)),
)


def _draw(make):
    def run(keras, random):
        K = keras.backend
        tensor = make(K)
        value = K.eval(tensor)
        return {
            "mean": np.float64(value.mean(dtype="float64")),
            "deviation": np.float64(value.std(dtype="float64")),
            "least": np.float64(max(value.min(), -1.0)),
            "most": np.float64(min(value.max(), 1.0)),
            "about": as_text([list(value.shape), value.dtype.name, K.dtype(tensor)]),
            "differ": as_text(bool(len(np.unique(value[0])) > 1 or value.min() == value.max())),
        }

    return run


for _label, _make in DRAWS:
    register("backend_rest/" + _label, _draw(_make), {"least": Tolerance(0.0, 0.5, "the edge of a draw"),
                                                      "most": Tolerance(0.0, 0.5, "the edge of a draw"),
                                                      "*": MOMENT})  # fmt: skip


@case("backend_rest/dropout_noise_shape", EXACT)
def dropout_noise_shape(keras, random):
    """Whole rows are kept or dropped; what is kept is scaled."""
    K = keras.backend
    value = K.eval(K.dropout(K.ones((200, 4)), 0.5, noise_shape=(200, 1)))
    return {
        "rows": as_text(bool((value == value[:, :1]).all())),
        "values": as_text(sorted(float(each) for each in np.unique(value))),
    }


@case("backend_rest/random_seeded", EXACT)
def random_seeded(keras, random):
    """A draw changes from run to run; two draws of one seed in one graph are not told apart by name."""
    K = keras.backend
    x = K.placeholder(shape=(2,))
    draw = K.function([x], [K.random_uniform((50,), seed=4)])
    first, second = draw([np.zeros(2)])[0], draw([np.zeros(2)])[0]
    return {"differ": as_text(bool((first != second).any()))}


# -- CTC ------------------------------------------------------------------------------------------------------


def _sounds(random, num_samples=3, num_steps=6, num_classes=4):
    predicted = probabilities(random, num_samples, num_steps, num_classes)
    labels = np.array([[0, 1, 1], [2, 0, 0], [1, 0, 2]][:num_samples])
    return labels, predicted, np.array([[6], [5], [4]][:num_samples]), np.array([[3], [1], [2]][:num_samples])


@case("backend_rest/ctc_batch_cost", FIELDS)
def ctc_batch_cost(keras, random):
    """The cost of each sample, and its gradient by the predictions."""
    K = keras.backend
    labels, predicted, num_steps, num_labels = _sounds(random)
    given = K.variable(predicted)
    cost = K.ctc_batch_cost(
        K.variable(labels, dtype="int32"), given, K.variable(num_steps, dtype="int32"),
        K.variable(num_labels, dtype="int32"),
    )  # fmt: skip
    return {
        "cost": K.eval(cost),
        "gradient_0": K.eval(K.gradients(K.sum(cost), [given])[0]),
        "ndim": K.ndim(cost),
    }


@case("backend_rest/ctc_batch_cost_trained", FIELDS)
def ctc_trained(keras, random):
    """As a Lambda whose output is the loss, in five steps."""
    K, L, M = keras.backend, keras.layers, keras.models
    labels, _, num_steps, num_labels = _sounds(random)
    sounds = L.Input(shape=(6, 5), name="sounds")
    inputs = [L.Input(shape=(3,), name="labels"), L.Input(shape=(1,), dtype="int32", name="steps")]
    inputs.append(L.Input(shape=(1,), dtype="int32", name="lengths"))
    dense = L.Dense(4, activation="softmax")
    cost = L.Lambda(lambda parts: K.ctc_batch_cost(parts[1], parts[0], parts[2], parts[3]))
    model = M.Model([sounds] + inputs, cost([dense(sounds)] + inputs))
    dense.set_weights([normal(random, 5, 4), normal(random, 4)])
    model.compile("sgd", lambda y_true, y_pred: y_pred)
    data = [normal(random, 3, 6, 5), labels, num_steps, num_labels]
    return {"losses": np.array([model.train_on_batch(data, np.zeros((3, 1))) for _ in range(5)])}


def _decoded(**options):
    def run(keras, random):
        K = keras.backend
        _, predicted, num_steps, _ = _sounds(random)
        paths, scores = K.ctc_decode(K.variable(predicted), K.variable(num_steps[:, 0], dtype="int32"), **options)
        fields = {"path_{}".format(index): K.eval(path) for index, path in enumerate(paths)}
        fields["scores"] = K.eval(scores)
        return fields

    return run


for _label, _options in (
    ("greedy", {}),
    ("beam", {"greedy": False}),
    ("beam_top_paths", {"greedy": False, "beam_width": 8, "top_paths": 3}),
    ("beam_width_1", {"greedy": False, "beam_width": 1}),
):
    register("backend_rest/ctc_decode_" + _label, _decoded(**_options), FORWARD)


# -- sparse input ---------------------------------------------------------------------------------------------


@case("backend_rest/sparse", FORWARD)
def sparse_input(keras, random):
    """A sparse placeholder is fed a SciPy matrix; it can be made dense, multiplied and joined."""
    K = keras.backend
    x, dense = K.placeholder(shape=(None, 4), sparse=True), K.variable(normal(random, 4, 3))
    if sparse is None:
        raise Absent("SciPy")
    matrix = sparse.random(5, 4, density=0.4, format="csr", random_state=random).astype("float32")
    function = K.function([x], [K.to_dense(x), K.dot(x, dense), K.to_dense(K.concatenate([x, x], axis=0))])
    values = function([matrix])
    return {
        "dense": values[0],
        "product": values[1],
        "joined": values[2],
        "is_sparse": as_text([bool(K.is_sparse(x)), bool(K.is_sparse(dense)), bool(K.is_sparse(K.to_dense(x)))]),
    }


@case("backend_rest/is_sparse_of_dense", EXACT)
def is_sparse_of_dense(keras, random):
    K = keras.backend
    x = K.variable(normal(random, 2, 3))
    return {"is_sparse": as_text(bool(K.is_sparse(x))), "dense": K.eval(K.to_dense(x))}


@case("backend_rest/ctc_label_dense_to_sparse", EXACT)
def label_dense_to_sparse(keras, random):
    """Labels up to each row's length, as a sparse tensor; made dense again, zeros stand for the rest."""
    K = keras.backend
    labels = K.variable(np.array([[1, 2, 3], [4, 5, 6]]), dtype="int32")
    found = K.ctc_label_dense_to_sparse(labels, K.variable(np.array([2, 3]), dtype="int32"))
    return {"dense": K.eval(K.to_dense(found)), "is_sparse": as_text(bool(K.is_sparse(found)))}


# -- odds and ends --------------------------------------------------------------------------------------------


@case("backend_rest/session", EXACT)
def session(keras, random):
    """A session can be had and set."""
    K = keras.backend
    return {"get": outcome_of(K.get_session), "set": outcome_of(lambda: K.set_session(K.get_session()))}


@case("backend_rest/backend_name", EXACT)
def backend_name(keras, random):
    return {"name": keras.backend.backend()}


@case("backend_rest/manual_variable_initialization", FORWARD)
def manual_initialization(keras, random):
    """Switched off, as it is to begin with, variables have their values at once."""
    K = keras.backend
    K.manual_variable_initialization(False)
    return {"value": K.eval(K.variable(np.array([1.0, 2.0])) * 2.0)}


@case("backend_rest/uids", EXACT)
def uids(keras, random):
    """Numbers count by prefix until they are reset."""
    K = keras.backend
    found = [K.get_uid("cat"), K.get_uid("cat"), K.get_uid("dog"), K.get_uid()]
    K.reset_uids()
    return {"found": as_text(found), "again": as_text([K.get_uid("cat"), K.get_uid()])}


@case("backend_rest/name_scope", EXACT)
def name_scope(keras, random):
    """Names made within carry the scope's in front."""
    K = keras.backend
    with K.name_scope("outside"):
        with K.name_scope("inside"):
            named = K.variable(1.0, name="mine")
    return {"name": named.name}


@case("backend_rest/switch_of_numbers", FORWARD)
def switch_of_numbers(keras, random):
    """A condition that comes out of constants."""
    K = keras.backend
    x, y = K.variable(normal(random, 3, 4)), K.variable(normal(random, 3, 4))
    return {
        "first": K.eval(K.switch(K.constant(3.0) > 2.0, x, y)),
        "second": K.eval(K.switch(K.equal(K.constant(1), K.constant(2)), x, y)),
    }


@case("backend_rest/errors", EXACT)
def errors(keras, random):
    """Arguments that mean nothing."""
    K = keras.backend
    image, kernel = K.variable(normal(random, 1, 4, 4, 2)), K.variable(normal(random, 2, 2, 2, 2))
    row = K.variable(normal(random, 1, 4, 2))
    return {
        "floatx": outcome_of(K.set_floatx, "float31"),
        "image_data_format": outcome_of(K.set_image_data_format, "channels_middle"),
        "learning_phase": outcome_of(K.set_learning_phase, 2),
        "conv2d_padding": outcome_of(K.conv2d, image, kernel, padding="half"),
        "conv2d_data_format": outcome_of(K.conv2d, image, kernel, data_format="last"),
        "conv2d_transpose_data_format": outcome_of(K.conv2d_transpose, image, kernel, (1, 5, 5, 2), data_format="x"),
        "pool2d_mode": outcome_of(K.pool2d, image, (2, 2), pool_mode="median"),
        "pool2d_padding": outcome_of(K.pool2d, image, (2, 2), padding="half"),
        "pool2d_data_format": outcome_of(K.pool2d, image, (2, 2), data_format="x"),
        "pool3d_mode": outcome_of(K.pool3d, K.variable(np.zeros((1, 2, 2, 2, 1))), (2, 2, 2), pool_mode="median"),
        "resize_images_data_format": outcome_of(K.resize_images, image, 2, 2, "x"),
        "resize_volumes_data_format": outcome_of(K.resize_volumes, K.variable(np.zeros((1, 2, 2, 2, 1))), 2, 2, 2, "x"),
        "spatial_2d_padding_data_format": outcome_of(K.spatial_2d_padding, image, data_format="x"),
        "bias_add_data_format": outcome_of(K.bias_add, image, K.variable(np.zeros(2)), data_format="x"),
        "function_updates": outcome_of(K.function, [image], [image], updates=3),
        "function_inputs": outcome_of(K.function, image, [image]),
        "int_shape": as_text(list(K.int_shape(row))),
        "set_value_shape": outcome_of(K.set_value, row, np.zeros((1, 4, 3))),
    }
