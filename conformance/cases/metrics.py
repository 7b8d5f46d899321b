"""Family `metrics`: value of each metric by itself, through compile, and the names under which they are reported."""

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, register
from .helpers import cycle, normal, one_hot, positive, probabilities, seed_weights, sequential
from .losses import predictions
from .trajectories_losses import LOSSES, NUM_CLASSES

SHARED = [row for row in LOSSES if row[0] not in ("categorical_hinge", "logcosh")]


def value_of(keras, function, y_true, y_pred):
    K = keras.backend
    target, source = K.placeholder(shape=y_true.shape), K.placeholder(shape=y_pred.shape)
    return {"value": K.function([target, source], [function(target, source)])([y_true, y_pred])[0]}


def _metric(name, activation, targets):
    return lambda keras, random: value_of(
        keras,
        getattr(keras.metrics, name),
        targets(random, 6, NUM_CLASSES),
        predictions(random, activation, 6, NUM_CLASSES),
    )


for _name, _activation, _targets in SHARED:
    register("metrics/" + _name, _metric(_name, _activation, _targets), FORWARD)


@case("metrics/binary_accuracy", EXACT)
def binary_accuracy(keras, random):
    """One half is rounded as the backend rounds it."""
    y_pred = np.array([[0.2, 0.5], [0.51, 0.9], [0.5, 0.49], [1.5, 0.6]], "float32")
    return value_of(keras, keras.metrics.binary_accuracy, np.array([[0, 1], [1, 1], [0, 1], [1, 1]], "float32"), y_pred)


@case("metrics/categorical_accuracy", EXACT)
def categorical_accuracy(keras, random):
    return value_of(keras, keras.metrics.categorical_accuracy, one_hot(random, 3, 20), probabilities(random, 20, 3))


@case("metrics/categorical_accuracy_ties", EXACT)
def categorical_accuracy_ties(keras, random):
    """Of equal largest entries the first counts."""
    y_pred = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3.0] * 3], "float32")
    return value_of(keras, keras.metrics.categorical_accuracy, np.eye(3, dtype="float32"), y_pred)


@case("metrics/sparse_categorical_accuracy", EXACT)
def sparse_categorical_accuracy(keras, random):
    labels = random.randint(3, size=(20, 1)).astype("float32")
    return value_of(keras, keras.metrics.get("sparse_categorical_accuracy"), labels, probabilities(random, 20, 3))


def _top_k(options):
    return lambda keras, random: value_of(
        keras,
        lambda y_true, y_pred: keras.metrics.top_k_categorical_accuracy(y_true, y_pred, **options),
        one_hot(random, 10, 20),
        probabilities(random, 20, 10),
    )


register("metrics/top_k_categorical_accuracy", _top_k({}), FORWARD)
register("metrics/top_k_categorical_accuracy_3", _top_k({"k": 3}), FORWARD)


@case("metrics/sparse_top_k_categorical_accuracy", FORWARD)
def sparse_top_k(keras, random):
    labels = random.randint(10, size=(20, 1)).astype("float32")
    return value_of(keras, keras.metrics.sparse_top_k_categorical_accuracy, labels, probabilities(random, 20, 10))


@case("metrics/top_k_ties", EXACT)
def top_k_ties(keras, random):
    """Whether a class that ties with the last of the best is among them."""
    y_pred = np.array([[0.3, 0.3, 0.3, 0.1]] * 4, "float32")
    function = keras.metrics.top_k_categorical_accuracy
    return value_of(keras, lambda y_true, y_pred: function(y_true, y_pred, k=2), np.eye(4, dtype="float32"), y_pred)


def _compiled(loss, activation, targets, metrics, weighted_metrics=None, shape=(5,), num_outputs=NUM_CLASSES):
    """What evaluate reports under the names that compile gave."""

    def function(keras, random):
        L = keras.layers
        layers = [L.Dense(num_outputs, activation=activation, input_shape=shape)]
        if len(shape) > 1:
            layers.insert(0, L.Masking(input_shape=shape))
        model = sequential(keras, layers)
        seed_weights(model, random)
        chosen = metrics(keras) if callable(metrics) else metrics
        mode = "temporal" if len(shape) > 1 else None
        model.compile("sgd", loss, metrics=chosen, weighted_metrics=weighted_metrics, sample_weight_mode=mode)
        x, y = normal(random, 30, *shape), targets(random, 30, *(shape[:-1] + (num_outputs,)))
        if len(shape) > 1:
            x[:, 2:] *= (random.uniform(size=(30, 1, 1)) > 0.5).astype("float32")
        weights = positive(random, *((30,) + shape[:-1]))
        return {
            "names": as_text(model.metrics_names),
            "values": np.array(model.evaluate(x, y, batch_size=7, verbose=0, sample_weight=weights)),
            "train": np.array(model.train_on_batch(x, y, sample_weight=weights)),
        }

    return function


def _function_metrics(keras):
    K = keras.backend

    def mean_of_predictions(y_true, y_pred):
        return K.mean(y_pred)

    def first_column(y_true, y_pred):
        return y_pred[:, 0]

    return [mean_of_predictions, first_column, keras.metrics.mean_absolute_error, "accuracy"]


_TARGETS = {name: targets for name, _, targets in LOSSES}
for _label, _row in (
    (
        "accuracy_categorical",
        ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], ["accuracy"]),
    ),
    (
        "accuracy_sparse",
        ("sparse_categorical_crossentropy", "softmax", _TARGETS["sparse_categorical_crossentropy"], ["acc"]),
    ),
    (
        "accuracy_binary",
        ("binary_crossentropy", "sigmoid", _TARGETS["binary_crossentropy"], ["accuracy"], ["accuracy"]),
    ),
    ("accuracy_of_regression", ("mse", "linear", normal, ["accuracy"])),
    (
        "by_name",
        (
            "categorical_crossentropy",
            "softmax",
            _TARGETS["categorical_crossentropy"],
            ["mse", "MAE", "cosine", "msle", "hinge"],
        ),
    ),
    (
        "weighted",
        ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], ["mse", "acc"], ["acc", "mae"]),
    ),
    ("functions", ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], _function_metrics)),
    (
        "dictionary",
        ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], {"dense_1": ["mae", "acc"]}),
    ),
    (
        "doubled",
        ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], ["acc", "acc", "mse", "mse"]),
    ),
    ("none", ("categorical_crossentropy", "softmax", _TARGETS["categorical_crossentropy"], None)),
):
    register("metrics/compiled_" + _label, _compiled(*_row), FORWARD)
register(
    "metrics/compiled_one_column",
    _compiled("mse", "sigmoid", _TARGETS["binary_crossentropy"], ["accuracy"], num_outputs=1),
    FORWARD,
)
register(
    "metrics/compiled_masked_temporal",
    _compiled("mse", "linear", normal, ["mae"], ["mae", "mse"], shape=(4, 5)),
    FORWARD,
)


@case("metrics/get", EXACT)
def get(keras, random):
    metrics = keras.metrics
    names = [name for name, _, _ in SHARED] + ["mse", "MAE", "cosine", "binary_accuracy", "top_k_categorical_accuracy"]
    return {"names": as_text([metrics.serialize(metrics.get(name)) for name in names])}


@case("metrics/last_batch_weighs_by_size", FORWARD)
def last_batch(keras, random):
    """Averages over batches of unequal size weigh each batch by its samples."""
    L = keras.layers
    model = sequential(keras, [L.Dense(3, activation="softmax", input_shape=(4,))])
    seed_weights(model, random)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    x, y = normal(random, 20, 4), one_hot(random, 3, 20)
    batches = cycle(x, y, batch_size=20)
    history = model.fit(x, y, batch_size=16, epochs=1, verbose=0, shuffle=False)
    return {
        "evaluated": np.array(model.evaluate(x, y, batch_size=16, verbose=0)),
        "in_one": np.array(model.test_on_batch(*batches(0))),
        "history": np.array([history.history["loss"], history.history["acc"]]),
    }
