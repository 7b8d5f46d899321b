"""Family `verbs`: fit, evaluate, predict, the batch and generator methods: what they return, and History."""

import numpy as np

from ..case import EXACT, LOSS, WEIGHT, as_text, case, register
from .helpers import cycle, normal, one_hot, positive, seed_weights, sequential, weights_of

FIELDS = {"weight_*": WEIGHT, "names": EXACT, "*": LOSS}


def small(keras, random, **options):
    """A compiled model with its data: 50 samples of 6 features in 3 classes."""
    L = keras.layers
    model = sequential(keras, [L.Dense(8, activation="tanh", input_shape=(6,)), L.Dense(3, activation="softmax")])
    seed_weights(model, random)
    compiled = {"loss": "categorical_crossentropy", "metrics": ["accuracy"], "optimizer": keras.optimizers.SGD(lr=0.1)}
    compiled.update(options)
    model.compile(**compiled)
    return model, normal(random, 50, 6), one_hot(random, 3, 50)


def history_of(history):
    fields = {"history_" + name: np.array(values) for name, values in history.history.items()}
    fields["epochs"] = np.array(history.epoch)
    return fields


def _fit(make_options, compile_options=None):
    def function(keras, random):
        model, x, y = small(keras, random, **(compile_options or {}))
        options = {"epochs": 3, "verbose": 0, "shuffle": False, "batch_size": 16}
        options.update(make_options(random, x, y))
        np.random.seed(7)  # from here on the order of samples is all that is drawn from it
        fields = history_of(model.fit(x, y, **options))
        fields.update(weights_of(model))
        return fields

    return function


CLASS_WEIGHT = {0: 1.0, 1: 3.0, 2: 0.5}
WEIGHTED = {"weighted_metrics": ["accuracy", "mae"]}

for _row in (
    ("plain", lambda random, x, y: {}),
    ("default_batch_size", lambda random, x, y: {"batch_size": 32}),
    ("batch_above_samples", lambda random, x, y: {"batch_size": 500}),
    ("batch_of_one", lambda random, x, y: {"batch_size": 1, "epochs": 1}),
    ("initial_epoch", lambda random, x, y: {"epochs": 5, "initial_epoch": 3}),
    ("no_epochs", lambda random, x, y: {"epochs": 2, "initial_epoch": 2}),
    ("validation_split", lambda random, x, y: {"validation_split": 0.25}),
    ("validation_data", lambda random, x, y: {"validation_data": (normal(random, 20, 6), one_hot(random, 3, 20))}),
    (
        "validation_data_weights",
        lambda random, x, y: {"validation_data": (normal(random, 20, 6), one_hot(random, 3, 20), positive(random, 20))},
        WEIGHTED,
    ),
    (
        "validation_data_over_split",
        lambda random, x, y: {
            "validation_split": 0.5,
            "validation_data": (normal(random, 9, 6), one_hot(random, 3, 9)),
        },
    ),
    ("sample_weight", lambda random, x, y: {"sample_weight": positive(random, 50)}, WEIGHTED),
    (
        "sample_weight_split",
        lambda random, x, y: {"sample_weight": positive(random, 50), "validation_split": 0.3},
        WEIGHTED,
    ),
    ("class_weight", lambda random, x, y: {"class_weight": CLASS_WEIGHT}, WEIGHTED),
    ("class_weight_split", lambda random, x, y: {"class_weight": CLASS_WEIGHT, "validation_split": 0.3}, WEIGHTED),
    (
        "both_weights",
        lambda random, x, y: {"class_weight": CLASS_WEIGHT, "sample_weight": positive(random, 50)},
        WEIGHTED,
    ),
    ("shuffled", lambda random, x, y: {"shuffle": True}),
    ("shuffled_batches", lambda random, x, y: {"shuffle": "batch"}),
    ("shuffled_split", lambda random, x, y: {"shuffle": True, "validation_split": 0.2}),
):
    register("verbs/fit_" + _row[0], _fit(*_row[1:]), FIELDS)


@case("verbs/fit_twice", FIELDS)
def fit_twice(keras, random):
    """The optimizer's state goes on from one fit to the next; History starts again."""
    model, x, y = small(keras, random, optimizer="adam")
    first = model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    second = model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    fields = {"first": np.array(first.history["loss"]), "second": np.array(second.history["loss"])}
    fields.update(weights_of(model))
    return fields


@case("verbs/fit_stops", FIELDS)
def fit_stops(keras, random):
    """A callback sets stop_training at a batch's end: the epoch goes on to its end, no other begins."""
    model, x, y = small(keras, random)

    class Stop(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    return history_of(model.fit(x, y, epochs=5, verbose=0, shuffle=False, batch_size=16, callbacks=[Stop()]))


@case("verbs/returns", FIELDS)
def returns(keras, random):
    """A scalar without metrics, a list with them; Python or NumPy numbers of which type."""
    model, x, y = small(keras, random)
    bare, _, _ = small(keras, random, metrics=None)
    found = {
        "with": [model.evaluate(x, y, verbose=0), model.test_on_batch(x, y), model.train_on_batch(x, y)],
        "without": [bare.evaluate(x, y, verbose=0), bare.test_on_batch(x, y), bare.train_on_batch(x, y)],
    }
    return {
        "with_metrics": np.array(found["with"]),
        "without_metrics": np.array(found["without"]),
        "kinds": as_text([[isinstance(value, list) for value in found[label]] for label in ("with", "without")]),
        "names": as_text([model.metrics_names, bare.metrics_names]),
        "predict": model.predict(x),
        "predict_batch_size": model.predict(x, batch_size=7),
        "predict_on_batch": model.predict_on_batch(x),
        "predict_proba": model.predict_proba(x, verbose=0),
        "predict_classes": model.predict_classes(x, verbose=0),
        "types": as_text([str(model.predict(x).dtype), str(model.predict_classes(x, verbose=0).dtype)]),
    }


@case("verbs/evaluate", FIELDS)
def evaluate(keras, random):
    model, x, y = small(keras, random, weighted_metrics=["accuracy"])
    weights = positive(random, 50)
    return {
        "plain": np.array(model.evaluate(x, y, verbose=0)),
        "batch_size": np.array(model.evaluate(x, y, batch_size=7, verbose=0)),
        "sample_weight": np.array(model.evaluate(x, y, batch_size=7, verbose=0, sample_weight=weights)),
        "on_batch": np.array(model.test_on_batch(x, y, sample_weight=weights)),
    }


@case("verbs/predict_classes_one_column", FIELDS)
def predict_classes_one_column(keras, random):
    L = keras.layers
    model = sequential(keras, [L.Dense(1, activation="sigmoid", input_shape=(4,))])
    seed_weights(model, random)
    classes = model.predict_classes(normal(random, 9, 4), batch_size=4, verbose=0)
    return {"classes": classes, "type": str(classes.dtype)}


@case("verbs/predict_before_compile", FIELDS)
def predict_before_compile(keras, random):
    L = keras.layers
    model = sequential(keras, [L.Dense(2, input_shape=(4,))])
    seed_weights(model, random)
    return {"output": model.predict(normal(random, 3, 4))}


@case("verbs/inputs_as_lists_and_integers", FIELDS)
def inputs_as_lists(keras, random):
    """One array in a list, integers and float64 where float32 is computed in."""
    model, x, y = small(keras, random)
    return {
        "list": model.predict([x]),
        "float64": model.predict(x.astype("float64") * 1.1),
        "integers": model.predict(np.round(x * 3).astype("int64")),
        "loss_of_lists": np.array(model.train_on_batch([x], [y])),
        "loss_of_booleans": np.array(model.train_on_batch(x, y.astype(bool))),
        "dictionary": model.predict({model.input_names[0]: x}),
    }


@case("verbs/inputs_of_lower_rank", FIELDS)
def inputs_of_lower_rank(keras, random):
    """A flat array stands for one column."""
    L = keras.layers
    model = sequential(keras, [L.Dense(3, activation="tanh", input_shape=(1,)), L.Dense(1)])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    x, y = normal(random, 10), normal(random, 10)
    return {"loss": model.train_on_batch(x, y), "output": model.predict(x)}


def _generator(x, y, weights=None, batch_size=10):
    batch_of = cycle(x, y, batch_size, weights)
    step = 0
    while True:
        yield batch_of(step)
        step += 1


def _only_inputs(x, batch_size=10):
    while True:
        for start in range(0, len(x), batch_size):
            yield x[start : start + batch_size]


@case("verbs/fit_generator", FIELDS)
def fit_generator(keras, random):
    model, x, y = small(keras, random)
    history = model.fit_generator(_generator(x, y), 5, epochs=3, verbose=0)
    return dict(history_of(history), **weights_of(model))


@case("verbs/fit_generator_weights", FIELDS)
def fit_generator_weights(keras, random):
    model, x, y = small(keras, random, weighted_metrics=["accuracy"])
    history = model.fit_generator(
        _generator(x, y, positive(random, 50)), 4, epochs=2, verbose=0, class_weight=CLASS_WEIGHT
    )
    return dict(history_of(history), **weights_of(model))


@case("verbs/fit_generator_class_weight", FIELDS)
def fit_generator_class_weight(keras, random):
    model, x, y = small(keras, random)
    history = model.fit_generator(_generator(x, y), 4, epochs=2, verbose=0, class_weight=CLASS_WEIGHT)
    return dict(history_of(history), **weights_of(model))


@case("verbs/fit_generator_validation", FIELDS)
def fit_generator_validation(keras, random):
    """Validation from arrays, from arrays with weights and from a generator."""
    fields = {}
    for label in ("arrays", "weighted", "generator"):
        model, x, y = small(keras, random, weighted_metrics=["accuracy"])
        data = {
            "arrays": (x[:20], y[:20]),
            "weighted": (x[:20], y[:20], positive(random, 20)),
            # as many batches as the queue has room for are drawn and lost: so all are alike
            "generator": _generator(x[:10], y[:10]),
        }[label]
        steps = {"validation_steps": 3} if label == "generator" else {}
        history = model.fit_generator(_generator(x, y), 4, epochs=2, verbose=0, validation_data=data, **steps)
        fields.update({"{}_{}".format(label, name): value for name, value in history_of(history).items()})
    return fields


@case("verbs/fit_generator_initial_epoch", FIELDS)
def fit_generator_initial_epoch(keras, random):
    model, x, y = small(keras, random)
    return history_of(model.fit_generator(_generator(x, y), 2, epochs=4, initial_epoch=2, verbose=0, max_queue_size=1))


@case("verbs/evaluate_and_predict_generator", FIELDS)
def evaluate_and_predict_generator(keras, random):
    model, x, y = small(keras, random)
    bare, _, _ = small(keras, random, metrics=None)
    return {
        "evaluate": np.array(model.evaluate_generator(_generator(x, y), 3)),
        "evaluate_weights": np.array(model.evaluate_generator(_generator(x, y, positive(random, 50)), 3)),
        "evaluate_bare": np.array(bare.evaluate_generator(_generator(x, y), 3)),
        "predict": model.predict_generator(_only_inputs(x), 5),
        "predict_of_pairs": model.predict_generator(_generator(x, y), 2),
        "predict_unequal": model.predict_generator(_only_inputs(x, 20), 3),
    }


@case("verbs/sequence_object", FIELDS)
def sequence_object(keras, random):
    """A Sequence is read item by item, in order."""
    model, x, y = small(keras, random)

    class Batches(keras.utils.Sequence):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return x[index * 10 : index * 10 + 10], y[index * 10 : index * 10 + 10]

        def on_epoch_end(self):
            pass

    fields = {"evaluate": np.array(model.evaluate_generator(Batches(), 5))}
    fields["predict"] = model.predict_generator(Batches(), 5)
    return fields


@case("verbs/weights_of_batch", FIELDS)
def weights_of_batch(keras, random):
    """Sample weights and class weights in the batch methods, by argument name and position."""
    model, x, y = small(keras, random, weighted_metrics=["accuracy"])
    weights = positive(random, 50)
    return {
        "sample": np.array(model.train_on_batch(x, y, sample_weight=weights)),
        "class": np.array(model.train_on_batch(x, y, class_weight=CLASS_WEIGHT)),
        "third_is_class": np.array(model.train_on_batch(x, y, CLASS_WEIGHT)),
        "test": np.array(model.test_on_batch(x, y, sample_weight=weights)),
        "zero": np.array(model.train_on_batch(x, y, sample_weight=np.zeros(50))),
    }


@case("verbs/one_zero_weight_and_nan", EXACT)
def zero_weights(keras, random):
    """What a batch whose weights are all zero comes to."""
    model, x, y = small(keras, random, metrics=None)
    return {"loss": model.test_on_batch(x, y, sample_weight=np.zeros(50))}
