"""Family `page_generators`: fit_generator, evaluate_generator and predict_generator, argument by argument."""

import numpy as np

from ..case import EXACT, FORWARD, LOSS, WEIGHT, as_text, case, register
from .callbacks import recorder
from .helpers import normal, positive, seed_weights, sequential, weights_of
from .page_properties import told
from .page_training import quietly
from .verbs import CLASS_WEIGHT, _generator, _only_inputs, history_of, small

FIELDS = {"weight_*": WEIGHT, "found": EXACT, "*": LOSS}


def endless(value):
    while True:
        yield value


def batches(keras, x, y, weights=None, size=10):
    """A Sequence over the arrays."""
    parts = (x, y) if weights is None else (x, y, weights)

    class Batches(keras.utils.Sequence):
        def __len__(self):
            return len(x) // size

        def __getitem__(self, index):
            return tuple(part[index * size : (index + 1) * size] for part in parts)

        def on_epoch_end(self):
            pass

    return Batches()


@case("page_generators/fit_defaults", FIELDS)
def fit_defaults(keras, random):
    """One epoch of the given steps, with a bar, without validation."""
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    history = quietly(model.fit_generator, _generator(x, y), 5, callbacks=[watcher])
    params = {name: watcher.params[name] for name in sorted(watcher.params)}
    return dict(history_of(history), found=as_text([params, [call[:2] for call in watcher.calls]]))


@case("page_generators/fit_by_position", FIELDS)
def fit_by_position(keras, random):
    """The order of its twelve arguments."""
    model, x, y = small(keras, random)
    history = model.fit_generator(
        _generator(x, y), 3, 4, 0, [recorder(keras)], (x[:9], y[:9]), None, CLASS_WEIGHT, 2, 1, False, 2
    )
    return dict(history_of(history), **weights_of(model))


@case("page_generators/fit_returns_history", EXACT)
def fit_returns_history(keras, random):
    model, x, y = small(keras, random)
    history = model.fit_generator(_generator(x, y), 2, epochs=3, verbose=0)
    return {"kind": isinstance(history, keras.callbacks.History), "found": as_text([history.epoch, history.params])}


@case("page_generators/fit_equals_batches", FIELDS)
def fit_equals_batches(keras, random):
    """The generator goes on from epoch to epoch; the steps are those of train_on_batch."""
    model, x, y = small(keras, random, metrics=None)
    other, _, _ = small(keras, random, metrics=None)
    other.set_weights(model.get_weights())
    history = model.fit_generator(_generator(x, y), 3, epochs=2, verbose=0)
    parts = [slice(start, start + 10) for start in (0, 10, 20, 30, 40, 0)]
    steps = [other.train_on_batch(x[part], y[part]) for part in parts]
    return dict(
        weights_of(model),
        history=np.array(history.history["loss"]),
        by_hand=np.array(steps),
        same=bool(np.allclose(model.get_weights()[0], other.get_weights()[0], atol=1e-6)),
    )


@case("page_generators/fit_unequal_batches", FIELDS)
def fit_unequal_batches(keras, random):
    """Batches of several sizes: how an epoch's loss weighs them."""
    model, x, y = small(keras, random)

    def unequal():
        while True:
            for start, stop in ((0, 5), (5, 25), (25, 50)):
                yield x[start:stop], y[start:stop]

    return dict(history_of(model.fit_generator(unequal(), 3, epochs=2, verbose=0)), **weights_of(model))


@case("page_generators/fit_lists_and_dictionaries", FIELDS)
def fit_lists_and_dictionaries(keras, random):
    """Tuples of lists, and of dictionaries by the names of input and output."""
    fields = {}
    for label in ("lists", "dictionaries"):
        model, x, y = small(keras, np.random.RandomState(5))
        names = model.input_names[0], model.output_names[0]
        batch = ([x], [y]) if label == "lists" else ({names[0]: x}, {names[1]: y})
        fields[label] = np.array(model.fit_generator(endless(batch), 3, verbose=0).history["loss"])
    return fields


@case("page_generators/fit_sample_weights", FIELDS)
def fit_sample_weights(keras, random):
    """The third of a tuple weighs the samples; None as the third is no weight."""
    model, x, y = small(keras, random, weighted_metrics=["mse"])
    weighted = model.fit_generator(endless((x, y, positive(random, 50))), 2, verbose=0)
    without = model.fit_generator(endless((x, y, None)), 2, verbose=0)
    fields = {"weighted_" + name: value for name, value in history_of(weighted).items()}
    fields.update({"without_" + name: value for name, value in history_of(without).items()})
    return fields


@case("page_generators/fit_sequence", FIELDS)
def fit_sequence(keras, random):
    """A Sequence of equal items, so that their order does not matter, with validation by another."""
    model, x, y = small(keras, random)
    same_x, same_y = np.tile(x[:10], (5, 1)), np.tile(y[:10], (5, 1))
    data = batches(keras, same_x, same_y)
    history = model.fit_generator(data, 5, epochs=2, verbose=0, validation_data=data, validation_steps=5)
    return dict(history_of(history), **weights_of(model))


@case("page_generators/fit_validation_kinds", FIELDS)
def fit_validation_kinds(keras, random):
    """A generator with its steps, two arrays, three arrays; each gives the numbers of evaluate."""
    fields = {}
    weights = positive(random, 10)
    for label in ("generator", "pair", "triple", "weighted_generator"):
        model, x, y = small(keras, np.random.RandomState(6))
        part = (x[:10], y[:10]) + ((weights,) if label in ("triple", "weighted_generator") else ())
        data = endless(part) if "generator" in label else part
        steps = {"validation_steps": 2} if "generator" in label else {}
        history = model.fit_generator(_generator(x, y), 2, epochs=2, verbose=0, validation_data=data, **steps)
        fields.update({"{}_{}".format(label, name): value for name, value in history_of(history).items()})
    return fields


@case("page_generators/fit_callbacks", FIELDS)
def fit_callbacks(keras, random):
    """The calls that callbacks get, with the names in their logs."""
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    validation = endless((x, y))
    model.fit_generator(
        _generator(x, y), 2, epochs=2, verbose=0, callbacks=[watcher], validation_data=validation, validation_steps=1
    )
    return {"found": as_text(watcher.calls), "numbers": np.array(watcher.numbers)}


@case("page_generators/fit_initial_epoch", FIELDS)
def fit_initial_epoch(keras, random):
    model, x, y = small(keras, random)
    history = model.fit_generator(_generator(x, y), 2, epochs=5, initial_epoch=3, verbose=0)
    return dict(history_of(history), **weights_of(model))


def _queue(**options):
    """The options of the queue change no number: one thread keeps the generator's order."""

    def function(keras, random):
        model, x, y = small(keras, random)
        history = model.fit_generator(_generator(x, y), 3, epochs=2, verbose=0, **options)
        fields = history_of(history)
        fields["evaluated"] = np.array(model.evaluate_generator(_generator(x, y), 3, **options))
        fields["predicted"] = model.predict_generator(_only_inputs(x), 5, **options)
        return fields

    return function


for _label, _options in (
    ("default", {}),
    ("max_queue_size", {"max_queue_size": 1}),
    ("long_queue", {"max_queue_size": 50}),
    ("workers", {"workers": 1}),
    ("legacy_max_q_size", {"max_q_size": 2}),
    ("legacy_pickle_safe", {"pickle_safe": False}),
    ("no_processes", {"use_multiprocessing": False}),
    ("processes", {"use_multiprocessing": True}),
):
    register("page_generators/queue_" + _label, _queue(**_options), FIELDS)


@case("page_generators/several_workers", FIELDS)
def several_workers(keras, random):
    """Several threads on a Sequence: each of its batches once, whatever the order."""
    model, x, y = small(keras, random)
    data = batches(keras, x, y)
    return {
        "evaluated": np.array(model.evaluate_generator(data, 5, workers=3)),
        "predicted": np.sort(model.predict_generator(batches(keras, x, y), 5, workers=3), axis=0),
    }


@case("page_generators/evaluate", FIELDS)
def evaluate(keras, random):
    """Numbers by position and by name; one number without metrics; weights; steps weigh alike or by size."""
    model, x, y = small(keras, random)
    bare, _, _ = small(keras, random, metrics=None)
    found = bare.evaluate_generator(_generator(x, y), 5)

    def unequal():
        while True:
            yield x[:40], y[:40]
            yield x[40:], y[40:]

    return {
        "by_position": np.array(model.evaluate_generator(_generator(x, y), 3, 2, 1, False)),
        "whole": np.array(model.evaluate_generator(endless((x, y)), 1)),
        "weighted": np.array(model.evaluate_generator(endless((x, y, positive(random, 50))), 2)),
        "unequal": np.array(model.evaluate_generator(unequal(), 2)),
        "found": as_text(isinstance(found, list)),
        "sequence": np.array(model.evaluate_generator(batches(keras, x, y, positive(random, 50)), 5)),
    }


@case("page_generators/predict", FORWARD)
def predict(keras, random):
    """Batches of inputs one after the other, of pairs, of triples, of unequal sizes."""
    model, x, y = small(keras, random)

    def unequal():
        while True:
            yield x[:3]
            yield x[3:10]

    return {
        "inputs": model.predict_generator(_only_inputs(x), 3),
        "lists": model.predict_generator(endless([x]), 1),
        "pairs": model.predict_generator(endless((x, y)), 2),
        "triples": model.predict_generator(endless((x, y, np.ones(50))), 1),
        "unequal": model.predict_generator(unequal(), 3),
        "by_position": model.predict_generator(_only_inputs(x), 2, 4, 1, False, 0),
        "sequence": model.predict_generator(batches(keras, x, y), 5),
    }


@case("page_generators/predict_before_compile", FORWARD)
def predict_before_compile(keras, random):
    model = sequential(keras, [keras.layers.Dense(2, input_shape=(4,))])
    seed_weights(model, random)
    x = normal(random, 20, 4)
    return {"predicted": told(lambda: model.predict_generator(_only_inputs(x), 2).shape)}


def _refused(method, value):
    """A generator that yields what is no batch."""

    def function(keras, random):
        model, x, y = small(keras, random)
        return {"raises": told(lambda: getattr(model, method)(endless(value(x, y)), 1, **(
            {"verbose": 0} if method == "fit_generator" else {})) is None)}  # fmt: skip

    return function


for _label, _value in (
    ("array", lambda x, y: x),
    ("single", lambda x, y: (x,)),
    ("four", lambda x, y: (x, y, np.ones(50), x)),
    ("text", lambda x, y: "batch"),
    ("number", lambda x, y: 3),
    ("wrong_shape", lambda x, y: (x[:, :5], y)),
    ("wrong_lengths", lambda x, y: (x, y[:40])),
    ("two_inputs", lambda x, y: ([x, x], y)),
):
    for _method in ("fit_generator", "evaluate_generator"):
        register("page_generators/{}_of_{}".format(_method, _label), _refused(_method, _value), EXACT)
for _label, _value in (
    ("four", lambda x, y: (x, y, x, y)),
    ("wrong_shape", lambda x, y: x[:, :5]),
    ("two_inputs", lambda x, y: ([x, x], y)),
):
    register("page_generators/predict_generator_of_" + _label, _refused("predict_generator", _value), EXACT)


@case("page_generators/unknown_argument", EXACT)
def unknown_argument(keras, random):
    model, x, y = small(keras, random)
    return {
        "fit": told(model.fit_generator, _generator(x, y), 1, verbose=0, none_such=3),
        "evaluate": told(model.evaluate_generator, _generator(x, y), 1, none_such=3),
        "predict": told(model.predict_generator, _only_inputs(x), 1, none_such=3),
        "nb_epoch": told(model.fit_generator, _generator(x, y), 1, verbose=0, nb_epoch=3),
        "samples_per_epoch": told(model.fit_generator, _generator(x, y), samples_per_epoch=3),
        "val_samples": told(model.evaluate_generator, _generator(x, y), val_samples=3),
        "fit_nb_epoch": told(model.fit, x, y, verbose=0, nb_epoch=3),
    }


@case("page_generators/not_compiled", EXACT)
def not_compiled(keras, random):
    """RuntimeError from the two that need a compiled model, built or not."""
    fields = {}
    for label in ("fresh", "built"):
        model = sequential(keras, [keras.layers.Dense(3, input_shape=(4,))])
        if label == "built":
            model.build()
        batch = (normal(random, 5, 4), normal(random, 5, 3))
        fields["fit_" + label] = told(model.fit_generator, endless(batch), 1)
        fields["evaluate_" + label] = told(model.evaluate_generator, endless(batch), 1)
    return fields


@case("page_generators/example", FIELDS)
def example(keras, random):
    """A generator that reads a text line by line, for ever, as in the page's example."""
    lines = [" ".join("{:.4f}".format(number) for number in row) for row in normal(random, 12, 7)]
    model = sequential(keras, [keras.layers.Dense(1, input_shape=(6,))])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")

    def generate_arrays_from_lines():
        while 1:
            for line in lines:
                numbers = np.array([[float(word) for word in line.split()]], "float32")
                yield (numbers[:, :6], numbers[:, 6:])

    history = model.fit_generator(generate_arrays_from_lines(), steps_per_epoch=12, epochs=3, verbose=0)
    return dict(history_of(history), **weights_of(model))
