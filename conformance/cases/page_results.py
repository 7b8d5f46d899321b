"""Family `page_results`: evaluate, predict and its kin, the methods of one batch, and what each verb prints."""

import contextlib
import io
import re

import numpy as np

from ..case import EXACT, FORWARD, LOSS, WEIGHT, as_text, case, register
from .callbacks import _printed
from .helpers import normal, one_hot, positive, seed_weights, sequential, weights_of
from .page_properties import told
from .page_training import quietly, temporal
from .verbs import CLASS_WEIGHT, _generator, _only_inputs, small

FIELDS = {"weight_*": WEIGHT, "found": EXACT, "*_names": EXACT, "*": LOSS}


@case("page_results/evaluate_by_position", FIELDS)
def evaluate_by_position(keras, random):
    """The order: x, y, batch_size, verbose, sample_weight."""
    model, x, y = small(keras, random, weighted_metrics=["mse"])
    return {"values": np.array(model.evaluate(x, y, 7, 0, positive(random, 50)))}


@case("page_results/evaluate_returns", FIELDS)
def evaluate_returns(keras, random):
    """One number without metrics, as many as there are names with them; training changes nothing in it."""
    fields = {}
    for label, metrics in (("none", None), ("one", ["accuracy"]), ("three", ["accuracy", "mse", "mae"])):
        model, x, y = small(keras, np.random.RandomState(1), metrics=metrics)
        found = model.evaluate(x, y, verbose=0)
        fields[label] = np.array(found)
        fields[label + "_names"] = as_text([list(model.metrics_names), isinstance(found, list)])
    return fields


@case("page_results/evaluate_changes_nothing", FIELDS)
def evaluate_changes_nothing(keras, random):
    """No weight moves, and dropout is off."""
    L = keras.layers
    model = sequential(keras, [L.Dense(6, input_shape=(4,)), L.BatchNormalization(), L.Dropout(0.5), L.Dense(2)])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    x, y = normal(random, 12, 4), normal(random, 12, 2)
    values = [model.evaluate(x, y, verbose=0) for _ in range(2)] + [model.test_on_batch(x, y)]
    return dict(weights_of(model), values=np.array(values))


@case("page_results/evaluate_batches", FIELDS)
def evaluate_batches(keras, random):
    """The mean over samples does not depend on the batches, whatever they leave over."""
    model, x, y = small(keras, random)
    return {"values": np.array([model.evaluate(x, y, batch_size=size, verbose=0) for size in (1, 7, 32, 50, 64)])}


@case("page_results/evaluate_sample_weight", FIELDS)
def evaluate_sample_weight(keras, random):
    model, x, y = small(keras, random)
    weights = positive(random, 50)
    by_step, xs, ys, step_weights = temporal(keras, random)
    return {
        "weighted": np.array(model.evaluate(x, y, verbose=0, sample_weight=weights)),
        "zeros": np.array(model.evaluate(x, y, batch_size=50, verbose=0, sample_weight=np.arange(50) % 2)),
        "by_step": np.array(by_step.evaluate(xs, ys, verbose=0, sample_weight=step_weights)),
    }


@case("page_results/predict", FORWARD)
def predict(keras, random):
    """By position and by name, for every size of batch."""
    model, x, _ = small(keras, random)
    return {
        "default": model.predict(x),
        "by_position": model.predict(x, 7, 0),
        "by_one": model.predict(x[:5], batch_size=1),
        "above": model.predict(x, batch_size=500),
        "found": as_text([str(model.predict(x).dtype), type(model.predict(x)).__name__]),
    }


@case("page_results/predict_inputs", FORWARD)
def predict_inputs(keras, random):
    """An array, a list of one, and what is no array."""
    model, x, _ = small(keras, random)
    return {
        "array": model.predict(x),
        "list": model.predict([x]),
        "nested": told(lambda: np.asarray(model.predict(x.tolist())).shape),
        "on_batch_list": model.predict_on_batch([x]),
    }


@case("page_results/predict_on_batch", FORWARD)
def predict_on_batch(keras, random):
    """The whole input at once, in the phase of testing, before compile and after."""
    L = keras.layers
    model = sequential(keras, [L.Dense(6, input_shape=(4,)), L.BatchNormalization(), L.Dropout(0.5)])
    seed_weights(model, random)
    x = normal(random, 40, 4)
    before = model.predict_on_batch(x)
    model.compile("sgd", "mse")
    return {"before": before, "after": model.predict_on_batch(x), "kind": type(before).__name__}


@case("page_results/predict_proba", FORWARD)
def predict_proba(keras, random):
    model, x, _ = small(keras, random)
    return {
        "values": quietly(model.predict_proba, x),
        "by_position": model.predict_proba(x, 7, 0),
        "list": quietly(model.predict_proba, [x], batch_size=20),
    }


@case("page_results/predict_classes", EXACT)
def predict_classes(keras, random):
    """The largest of several columns, one half of one column; shapes and types."""
    L = keras.layers
    model, x, _ = small(keras, random)
    one = sequential(keras, [L.Dense(1, activation="sigmoid", input_shape=(6,))])
    rows = sequential(keras, [L.Dense(3, input_shape=(4, 6))])
    seed_weights(one, random)
    seed_weights(rows, random)
    return {
        "several": quietly(model.predict_classes, x),
        "by_position": model.predict_classes(x, 7, 0),
        "list": quietly(model.predict_classes, [x]),
        "one": one.predict_classes(x, verbose=0),
        "rows": rows.predict_classes(normal(random, 5, 4, 6), verbose=0),
    }


@case("page_results/train_on_batch", FIELDS)
def train_on_batch(keras, random):
    """One update each: plain, with class weights, with sample weights, with both."""
    model, x, y = small(keras, random, metrics=["mse"])
    weights = positive(random, 50)
    values = [
        model.train_on_batch(x, y),
        model.train_on_batch(x, y, class_weight=CLASS_WEIGHT),
        model.train_on_batch(x, y, sample_weight=weights),
        model.train_on_batch(x, y, CLASS_WEIGHT, weights),
        model.train_on_batch([x], [y]),
    ]
    bare, _, _ = small(keras, random, metrics=None)
    return dict(
        weights_of(model),
        values=np.array(values),
        metrics_names=as_text(list(model.metrics_names)),
        kinds=as_text([isinstance(values[0], list), isinstance(bare.train_on_batch(x, y), list)]),
    )


@case("page_results/test_on_batch", FIELDS)
def test_on_batch(keras, random):
    """By name and position; nothing is changed."""
    model, x, y = small(keras, random, metrics=["mse"], weighted_metrics=["mae"])
    weights = positive(random, 50)
    values = [
        model.test_on_batch(x, y),
        model.test_on_batch(x, y, weights),
        model.test_on_batch([x], [y], sample_weight=weights),
    ]
    bare, _, _ = small(keras, random, metrics=None)
    return dict(
        weights_of(model),
        values=np.array(values),
        kinds=as_text([isinstance(values[0], list), isinstance(bare.test_on_batch(x, y), list)]),
    )


def _first_count(function):
    """The first number of samples that the progress bar shows: the size of a batch."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        function()
    return re.findall(r"\b(\d+)/(\d+)", stream.getvalue())[0]


@case("page_results/default_batch_sizes", EXACT)
def default_batch_sizes(keras, random):
    """32 samples at a time, as the bar begins, in every verb that has batches."""
    model, x, y = small(keras, random)
    calls = (
        ("fit", lambda: model.fit(x, y, epochs=1)),
        ("evaluate", lambda: model.evaluate(x, y)),
        ("predict", lambda: model.predict(x, verbose=1)),
        ("predict_classes", lambda: model.predict_classes(x)),
        ("predict_proba", lambda: model.predict_proba(x)),
    )
    return {label: as_text(_first_count(function)) for label, function in calls}


def _prints(call, **options):
    def function(keras, random):
        model, x, y = small(keras, random, **options)
        return {"text": _printed(lambda: call(model, x, y))}

    return function


for _label, _call in (
    ("fit_default", lambda m, x, y: m.fit(x, y, epochs=1, shuffle=False)),
    ("fit_0", lambda m, x, y: m.fit(x, y, epochs=2, shuffle=False, verbose=0, validation_split=0.2)),
    ("fit_1", lambda m, x, y: m.fit(x, y, epochs=2, shuffle=False, verbose=1)),
    ("fit_1_validation", lambda m, x, y: m.fit(x, y, epochs=2, shuffle=False, verbose=1, validation_data=(x, y))),
    ("fit_2", lambda m, x, y: m.fit(x, y, epochs=2, shuffle=False, verbose=2)),
    ("fit_2_validation", lambda m, x, y: m.fit(x, y, epochs=2, shuffle=False, verbose=2, validation_split=0.2)),
    ("fit_initial_epoch", lambda m, x, y: m.fit(x, y, epochs=3, initial_epoch=1, shuffle=False, verbose=2)),
    ("evaluate_default", lambda m, x, y: m.evaluate(x, y, batch_size=50)),
    ("evaluate_0", lambda m, x, y: m.evaluate(x, y, verbose=0)),
    ("evaluate_1", lambda m, x, y: m.evaluate(x, y, batch_size=25, verbose=1)),
    ("predict_default", lambda m, x, y: m.predict(x)),
    ("predict_1", lambda m, x, y: m.predict(x, verbose=1)),
    ("predict_classes_default", lambda m, x, y: m.predict_classes(x)),
    ("predict_classes_0", lambda m, x, y: m.predict_classes(x, verbose=0)),
    ("predict_proba_default", lambda m, x, y: m.predict_proba(x)),
    ("predict_proba_0", lambda m, x, y: m.predict_proba(x, verbose=0)),
    ("fit_generator_default", lambda m, x, y: m.fit_generator(_generator(x, y), 3)),
    ("fit_generator_0", lambda m, x, y: m.fit_generator(_generator(x, y), 3, verbose=0)),
    ("fit_generator_2", lambda m, x, y: m.fit_generator(_generator(x, y), 3, 2, 2, validation_data=(x, y))),
    ("evaluate_generator", lambda m, x, y: m.evaluate_generator(_generator(x, y), 3)),
    ("predict_generator_default", lambda m, x, y: m.predict_generator(_only_inputs(x), 3)),
    ("predict_generator_1", lambda m, x, y: m.predict_generator(_only_inputs(x), 3, verbose=1)),
    ("train_on_batch", lambda m, x, y: m.train_on_batch(x, y)),
):
    register("page_results/prints_" + _label, _prints(_call), EXACT)
register("page_results/prints_fit_no_metrics", _prints(
    lambda m, x, y: m.fit(x, y, epochs=1, shuffle=False, verbose=2), metrics=None), EXACT)  # fmt: skip
register("page_results/prints_fit_several_metrics", _prints(
    lambda m, x, y: m.fit(x, y, epochs=1, shuffle=False, verbose=1, validation_split=0.5),
    metrics=["accuracy", "mse"], weighted_metrics=["mae"]), EXACT)  # fmt: skip


@case("page_results/metrics_names", FIELDS)
def metrics_names(keras, random):
    """The labels of what the verbs return, in their order, before data and after."""
    model, x, _ = small(keras, random, metrics=["accuracy", "mse", keras.losses.hinge], weighted_metrics=["accuracy"])
    before = list(model.metrics_names)
    values = model.test_on_batch(x, one_hot(random, 3, 50))
    return {"metrics_names": as_text([before, list(model.metrics_names)]), "values": np.array(values)}
