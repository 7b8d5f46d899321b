"""Family `page_training`: compile and fit: arguments, defaults, returns."""

import contextlib
import io

import numpy as np

from ..case import EXACT, LOSS, WEIGHT, as_text, case, register
from .callbacks import recorder
from .helpers import normal, one_hot, positive, seed_weights, sequential, weights_of
from .page_properties import told
from .verbs import CLASS_WEIGHT, history_of, small

FIELDS = {"weight_*": WEIGHT, "found": EXACT, "*_names": EXACT, "*": LOSS}


def quietly(function, *arguments, **options):
    """What the call returns, with what it prints thrown away."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments, **options)


def temporal(keras, random, **options):
    """A model over four steps, compiled for weights by step."""
    L = keras.layers
    model = sequential(
        keras, [L.Dense(5, activation="tanh", input_shape=(4, 6)), L.Dense(3, activation="softmax")]
    )
    seed_weights(model, random)
    given = dict({"sample_weight_mode": "temporal", "weighted_metrics": ["accuracy"]}, **options)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy", **given)
    return model, normal(random, 20, 4, 6), one_hot(random, 3, 20, 4), positive(random, 20, 4)


@case("page_training/compile_example", FIELDS)
def compile_example(keras, random):
    """The page's example of compile, as written, and one step of it."""
    Sequential, Dense = keras.models.Sequential, keras.layers.Dense
    model = Sequential()
    model.add(Dense(32, input_shape=(500,)))
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    seed_weights(model, random)
    found = model.train_on_batch(normal(random, 8, 500) * 0.1, one_hot(random, 10, 8))
    return {
        "step": np.array(found),
        "metrics_names": as_text(list(model.metrics_names)),
        "found": as_text([type(model.optimizer).__name__, model.loss, model.metrics]),
        "shapes": as_text([model.output_shape, model.count_params()]),
    }


@case("page_training/compile_by_name_and_object", FIELDS)
def compile_by_name_and_object(keras, random):
    """A name and the object that it stands for train alike, for optimizer and for loss."""
    fields = {}
    for label, optimizer, loss in (
        ("names", "rmsprop", "mse"),
        ("objects", keras.optimizers.RMSprop(), keras.losses.mean_squared_error),
    ):
        model, x, y = small(keras, np.random.RandomState(3), optimizer=optimizer, loss=loss)
        fields[label] = np.array([model.train_on_batch(x, y)[0] for _ in range(3)])
    return fields


@case("page_training/compile_metrics_default", FIELDS)
def compile_metrics_default(keras, random):
    """No metrics, no weighted metrics, weights by sample."""
    model, x, y = small(keras, random)
    model.compile("sgd", "mse")
    weighted = model.test_on_batch(x, y, sample_weight=positive(random, 50))
    return {
        "metrics_names": as_text(list(model.metrics_names)),
        "plain": model.test_on_batch(x, y),
        "weighted": weighted,
        "by_step": told(model.test_on_batch, x, y, sample_weight=np.ones((50, 2))),
    }


@case("page_training/compile_returns", EXACT)
def compile_returns(keras, random):
    model, _, _ = small(keras, random)
    return {"found": as_text([model.compile("sgd", "mse"), model.built])}


@case("page_training/compile_by_position", FIELDS)
def compile_by_position(keras, random):
    """The order: optimizer, loss, metrics, sample_weight_mode, weighted_metrics."""
    model, x, y, weights = temporal(keras, random)
    model.compile("sgd", "mse", ["mae"], "temporal", ["mse"])
    return {
        "metrics_names": as_text(list(model.metrics_names)),
        "values": np.array(model.test_on_batch(x, y, sample_weight=weights)),
    }


@case("page_training/compile_weighted_metrics", FIELDS)
def compile_weighted_metrics(keras, random):
    """The same metric in both lists: one heeds the weights, the other does not."""
    model, x, y = small(keras, random, metrics=["mse"], weighted_metrics=["mse"])
    weights = positive(random, 50) * (np.arange(50) % 2)
    return {
        "metrics_names": as_text(list(model.metrics_names)),
        "values": np.array(model.test_on_batch(x, y, sample_weight=weights)),
        "class_weight": np.array(model.train_on_batch(x, y, class_weight=CLASS_WEIGHT)),
    }


@case("page_training/compile_sample_weight_mode", FIELDS)
def compile_sample_weight_mode(keras, random):
    """Weights by step under 'temporal', and none given."""
    model, x, y, weights = temporal(keras, random)
    fields = {"values": np.array(model.test_on_batch(x, y, sample_weight=weights))}
    fields["unweighted"] = np.array(model.test_on_batch(x, y))
    return fields


@case("page_training/compile_keyword_arguments", EXACT)
def compile_keyword_arguments(keras, random):
    """What is no argument of compile goes to the run of the step, where an unknown one is an error."""
    model, x, y = small(keras, random)
    return {
        "compiled": told(model.compile, "sgd", "mse", none_such=3),
        "run": told(lambda: model.train_on_batch(x, y) > 0),
    }


@case("page_training/fit_defaults", FIELDS)
def fit_defaults(keras, random):
    """What fit(x, y) does: ten epochs of batches of 32, with a bar, shuffled, with no validation."""
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    np.random.seed(11)
    history = quietly(model.fit, x, y, callbacks=[watcher])
    return dict(history_of(history), found=as_text({name: watcher.params[name] for name in sorted(watcher.params)}))


@case("page_training/fit_by_position", FIELDS)
def fit_by_position(keras, random):
    """The order of fit's twelve arguments."""
    model, x, y = small(keras, random)
    validation = (x[:9], y[:9])
    np.random.seed(7)
    history = model.fit(
        x, y, 16, 4, 0, [recorder(keras)], 0.0, validation, False, CLASS_WEIGHT, positive(random, 50), 2
    )
    return dict(history_of(history), **weights_of(model))


@case("page_training/fit_history", FIELDS)
def fit_history(keras, random):
    """A History with one value an epoch of each name, the validation's too."""
    model, x, y = small(keras, random, metrics=["accuracy", "mse"])
    history = model.fit(x, y, epochs=3, verbose=0, shuffle=False, validation_split=0.2)
    return {
        "found": as_text([sorted(history.history), [len(history.history[name]) for name in sorted(history.history)]]),
        "kind": isinstance(history, keras.callbacks.History),
        "epochs": np.array(history.epoch),
        "params": as_text(history.params),
    }


def _split(num_samples, share):
    """How many samples are held out, that they are the last ones, and how many are trained on."""

    def function(keras, random):
        model, x, y = small(keras, random)
        watcher = recorder(keras)
        model.fit(
            x[:num_samples], y[:num_samples], epochs=1, verbose=0, validation_split=share, callbacks=[watcher]
        )
        held_out = watcher.validation_data[0]
        return {
            "found": as_text([watcher.params["samples"], watcher.params["do_validation"], list(held_out.shape)]),
            "held_out": held_out,
        }

    return function


for _label, _num_samples, _share in (
    ("tenth", 50, 0.1),
    ("third", 50, 0.33),
    ("half_of_odd", 49, 0.5),
    ("most", 50, 0.9),
    ("three_samples", 3, 0.4),
    ("rounded_down", 10, 0.25),
):
    register("page_training/fit_validation_split_" + _label, _split(_num_samples, _share), EXACT)


@case("page_training/fit_validation_split_out_of_range", EXACT)
def fit_validation_split_out_of_range(keras, random):
    """Zero, one, more than one and below zero."""
    fields = {}
    for label, share in (("zero", 0.0), ("one", 1.0), ("two", 2.0), ("negative", -0.5)):
        model, x, y = small(keras, random)
        fields[label] = told(lambda m=model, x=x, y=y, s=share: sorted(
            m.fit(x, y, epochs=1, verbose=0, validation_split=s).history))  # fmt: skip
    return fields


@case("page_training/fit_validation_data", FIELDS)
def fit_validation_data(keras, random):
    """Its losses are those of evaluate, with weights and without, and class weights do not reach them."""
    fields = {}
    for label in ("plain", "weighted"):
        model, x, y = small(keras, np.random.RandomState(2))
        data = (x[:20], y[:20]) + ((positive(np.random.RandomState(3), 20),) if label == "weighted" else ())
        history = model.fit(x, y, epochs=1, verbose=0, shuffle=False, validation_data=data, class_weight=CLASS_WEIGHT)
        weights = {"sample_weight": data[2]} if len(data) > 2 else {}
        fields[label] = np.array(history.history["val_loss"])
        fields[label + "_evaluated"] = np.array(model.evaluate(data[0], data[1], verbose=0, **weights))
    return fields


@case("page_training/fit_validation_list", EXACT)
def fit_validation_list(keras, random):
    """A list of arrays for a tuple, and wrong lengths."""
    model, x, y = small(keras, random)
    return {
        "list": told(lambda: sorted(model.fit(x, y, epochs=1, verbose=0, validation_data=[x, y]).history)),
        "one": told(model.fit, x, y, epochs=1, verbose=0, validation_data=(x,)),
        "four": told(model.fit, x, y, epochs=1, verbose=0, validation_data=(x, y, x, y)),
    }


def _order(**options):
    """The order in which samples come, told by a layer that remembers the sum of the last batch's numbers."""

    def function(keras, random):
        L, K = keras.layers, keras.backend
        orders = []
        model = sequential(keras, [L.Dense(1, input_shape=(1,), kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(lr=0.0), lambda y_true, y_pred: K.mean(y_true * 1.0 + 0.0 * y_pred, axis=-1))
        note = keras.callbacks.LambdaCallback(
            on_batch_end=lambda batch, logs: orders.append([int(logs["size"]), round(float(logs["loss"]), 3)])
        )
        numbers = np.arange(11, dtype="float32")[:, None]
        np.random.seed(5)
        model.fit(numbers, numbers, batch_size=4, epochs=2, verbose=0, callbacks=[note], **options)
        return {"found": as_text(orders)}

    return function


for _label, _options in (
    ("default", {}),
    ("true", {"shuffle": True}),
    ("false", {"shuffle": False}),
    ("batch", {"shuffle": "batch"}),
    ("other_text", {"shuffle": "day"}),
    ("none", {"shuffle": None}),
    ("split", {"validation_split": 0.3}),
):
    register("page_training/fit_shuffle_" + _label, _order(**_options), EXACT)


@case("page_training/fit_sample_weight_by_step", FIELDS)
def fit_sample_weight_by_step(keras, random):
    model, x, y, weights = temporal(keras, random)
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False, sample_weight=weights)
    fields = history_of(history)
    fields["evaluated"] = np.array(model.evaluate(x, y, verbose=0, sample_weight=weights))
    fields["trained"] = np.array(model.train_on_batch(x, y, sample_weight=weights))
    return dict(fields, **weights_of(model))


@case("page_training/fit_sample_weight_by_step_split", FIELDS)
def fit_sample_weight_by_step_split(keras, random):
    """Weights by step go with their samples: shuffled, split, and into the validation."""
    model, x, y, weights = temporal(keras, random)
    np.random.seed(4)
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, sample_weight=weights, validation_split=0.25)
    return dict(history_of(history), **weights_of(model))


@case("page_training/fit_class_weight_labels", FIELDS)
def fit_class_weight_labels(keras, random):
    """Class weights by whole labels, by one column of bits, and by one-hot rows."""
    fields = {}
    for label, loss, last in (("sparse", "sparse_categorical_crossentropy", 3), ("binary", "binary_crossentropy", 1)):
        L = keras.layers
        model = sequential(keras, [L.Dense(last, activation="sigmoid" if last == 1 else "softmax", input_shape=(4,))])
        seed_weights(model, random)
        model.compile("sgd", loss)
        y = random.randint(2 if last == 1 else 3, size=(20, 1))
        history = model.fit(
            normal(random, 20, 4), y, epochs=2, verbose=0, shuffle=False, class_weight={0: 0.5, 1: 2.0, 2: 4.0}
        )
        fields[label] = np.array(history.history["loss"])
    return fields


@case("page_training/fit_initial_epoch", FIELDS)
def fit_initial_epoch(keras, random):
    """The numbers that callbacks and History see go on from there, and epochs is the number of the last."""
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    history = model.fit(x, y, epochs=6, initial_epoch=4, verbose=0, shuffle=False, callbacks=[watcher])
    begun = [call[1] for call in watcher.calls if call[0] == "epoch_begin"]
    return dict(history_of(history), found=as_text([begun, watcher.params["epochs"]]))


@case("page_training/fit_callbacks_default", EXACT)
def fit_callbacks_default(keras, random):
    """None, an empty list and a list: the History is returned in each case."""
    model, x, y = small(keras, random)
    found = [
        sorted(model.fit(x, y, epochs=1, verbose=0, callbacks=callbacks).history)
        for callbacks in (None, [], [keras.callbacks.Callback()])
    ]
    return {"found": as_text(found)}
