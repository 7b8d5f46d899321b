"""fit, evaluate and predict on batches that a generator or a Sequence yields, fetched ahead by workers."""

import warnings

import numpy as np

from onnxseq import training_arrays, training_loop
from onnxseq.errors import describe, place, text
from onnxseq.utils.enqueuers import STOP_PATIENCE, GeneratorEnqueuer, OrderedEnqueuer, check_queue
from onnxseq.utils.progbar import Progbar
from onnxseq.utils.sequence import Sequence

LEGACY_NAMES = {"max_q_size": "max_queue_size", "pickle_safe": "use_multiprocessing"}


def queue_options(method, max_queue_size, workers, use_multiprocessing, legacy):
    """Return the options of the queue as a dict, taking them by their older names also.

    Raises:
        ValueError: Another keyword argument, or a queue without room.
    """
    options = {"max_queue_size": max_queue_size, "workers": workers, "use_multiprocessing": use_multiprocessing}
    for name, value in legacy.items():
        if name not in LEGACY_NAMES:
            raise ValueError(
                text(
                    method,
                    f"unknown keyword argument {name!r}",
                    f"none, or one of the older names {', '.join(map(repr, LEGACY_NAMES))}",
                )
            )
        warnings.warn(f"{method}: {name!r} is now called {LEGACY_NAMES[name]!r}. Rename it.", stacklevel=4)
        options[LEGACY_NAMES[name]] = value
    check_queue(method, options["workers"], options["max_queue_size"])
    return options


def fit(
    model,
    generator,
    steps_per_epoch,
    epochs,
    verbose,
    callbacks,
    validation_data,
    validation_steps,
    class_weight,
    shuffle,
    initial_epoch,
    queue,
):
    """Train a compiled model; see Model.fit_generator. `queue` is what `queue_options` returned."""
    who = model._require_compiled("fit_generator")
    _check_generator(who, "generator", generator)
    if steps_per_epoch <= 0:
        raise ValueError(text(who, f"steps_per_epoch is {steps_per_epoch!r}", "at least 1"))
    callbacks = training_loop.check_callbacks(who, callbacks)
    names = training_loop.unique_names(model.metrics_names)
    validation = _Validation(who, model, validation_data, validation_steps, queue)
    model._make_train_function()

    params = {
        "epochs": epochs,
        "steps": steps_per_epoch,
        "verbose": verbose,
        "do_validation": validation.wanted,
        "metrics": training_loop.shown_names(names, validated=True),
    }
    history, callbacks = training_loop.begin(model, callbacks, params, "steps", validation.arrays)
    with _Batches(who, generator, queue, shuffle) as next_batch:
        for epoch in range(initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            epoch_logs = {}
            step = 0
            while step < steps_per_epoch:
                x, y, sample_weight = _training_batch(who, next_batch(step, steps_per_epoch))
                logs = {"batch": step, "size": _num_samples(x)}
                callbacks.on_batch_begin(step, logs)
                with place(f"{who}, batch {step + 1}"):
                    outputs = model.train_on_batch(x, y, sample_weight=sample_weight, class_weight=class_weight)
                logs.update(zip(names, outputs if isinstance(outputs, list) else [outputs], strict=True))
                callbacks.on_batch_end(step, logs)
                step += 1
                if step >= steps_per_epoch and validation.wanted:
                    values = validation.evaluate(batch_size=logs["size"])
                    epoch_logs.update(zip((f"val_{name}" for name in names), values, strict=True))
                if model.stop_training:
                    break
            callbacks.on_epoch_end(epoch, epoch_logs)
            if model.stop_training:
                break
    callbacks.on_train_end()
    return history


class _Validation:
    """The validation data of fit_generator in any of its forms, checked before training begins."""

    def __init__(self, who, model, data, steps, queue):
        self.model, self.data, self.steps, self.queue = model, data, steps, queue
        self.wanted = data is not None and data is not False
        self.is_generator = self.wanted and (hasattr(data, "__next__") or isinstance(data, Sequence))
        self.arrays = None
        if self.is_generator:
            if not steps:
                raise ValueError(
                    text(
                        who, "validation_data is a generator and validation_steps is None", "the number of its batches"
                    )
                )
        elif self.wanted:
            if not isinstance(data, tuple | list) or len(data) not in (2, 3):
                raise ValueError(
                    text(
                        who,
                        f"validation_data is {describe(data)}",
                        "(x_val, y_val), (x_val, y_val, val_sample_weights), a generator or a Sequence",
                    )
                )
            self.arrays = training_arrays.validation_arrays(model, training_arrays.check_data(model, who, *data))

    def evaluate(self, batch_size):
        """Return the values on the validation data, a list."""
        if self.is_generator:
            values = evaluate(self.model, self.data, self.steps, self.queue)
        else:
            x, y, *sample_weight = self.data
            values = self.model.evaluate(
                x, y, batch_size=batch_size, verbose=0, sample_weight=sample_weight[0] if sample_weight else None
            )
        return values if isinstance(values, list) else [values]


def evaluate(model, generator, steps, queue):
    """Evaluate a compiled model; see Model.evaluate_generator."""
    who = model._require_compiled("evaluate_generator")
    _check_generator(who, "generator", generator)
    if steps <= 0:
        raise ValueError(text(who, f"steps is {steps!r}", "at least 1"))
    values, sizes = [], []
    with _Batches(who, generator, queue) as next_batch:
        while len(values) < steps:
            x, y, sample_weight = _training_batch(who, next_batch(len(values), steps))
            with place(f"{who}, batch {len(values) + 1}"):
                values.append(model.test_on_batch(x, y, sample_weight=sample_weight))
            sizes.append(_num_samples(x))
    if isinstance(values[0], list):
        return [np.average(np.float64(column), weights=sizes) for column in zip(*values, strict=True)]
    return np.average(np.float64(values), weights=sizes)


def predict(model, generator, steps, verbose, queue):
    """Predict with a model; see Model.predict_generator."""
    who = f"{model._who}.predict_generator"
    _check_generator(who, "generator", generator)
    progbar = Progbar(target=steps) if verbose == 1 else None
    batches = []
    with _Batches(who, generator, queue) as next_batch:
        while len(batches) < steps:
            batch = next_batch(len(batches), steps)
            if isinstance(batch, tuple):
                if len(batch) not in (2, 3):
                    raise ValueError(_wrong_batch(who, batch))
                batch = batch[0]
            with place(f"{who}, batch {len(batches) + 1}"):
                outputs = model.predict_on_batch(batch)
            batches.append(outputs if isinstance(outputs, list) else [outputs])
            if progbar is not None:
                progbar.update(len(batches))
    results = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    return results[0] if len(results) == 1 else results


class _Batches:
    """Workers that fetch batches, for the length of a `with` block, in which it is called for the next batch."""

    def __init__(self, who, generator, queue, shuffle=False):
        self.who, self.queue = who, queue
        processes = queue["use_multiprocessing"]
        if isinstance(generator, Sequence):
            self.enqueuer = OrderedEnqueuer(generator, use_multiprocessing=processes, shuffle=shuffle)
            return
        if processes and queue["workers"] > 1:
            warnings.warn(
                f"{who}: each of {queue['workers']} processes gets a copy of the generator, so that batches may come "
                "more than once. Use a Sequence to get each batch once.",
                stacklevel=5,
            )
        self.enqueuer = GeneratorEnqueuer(generator, use_multiprocessing=processes)

    def __enter__(self):
        self.enqueuer.start(workers=self.queue["workers"], max_queue_size=self.queue["max_queue_size"])
        self.fetched = self.enqueuer.get()
        return self

    def __exit__(self, *fault):
        self.enqueuer.stop(timeout=STOP_PATIENCE)

    def __call__(self, step, steps):
        for batch in self.fetched:
            return batch
        raise StopIteration(
            text(
                self.who,
                f"the generator ended before batch {step + 1} of {steps}",
                "a generator that goes on for all steps of all epochs",
                "Let it loop over its data without end.",
            )
        )


def _check_generator(who, name, generator):
    if not hasattr(generator, "__next__") and not isinstance(generator, Sequence):
        raise TypeError(
            text(
                who, f"{name} is {describe(generator)}", "an iterator of batches or a Sequence", "Pass iter(...) of it."
            )
        )


def _training_batch(who, batch):
    if not hasattr(batch, "__len__") or len(batch) not in (2, 3):
        raise ValueError(_wrong_batch(who, batch))
    x, y, *sample_weight = batch
    return x, y, sample_weight[0] if sample_weight else None


def _wrong_batch(who, batch):
    return text(who, f"the generator yielded {describe(batch)}", "(x, y) or (x, y, sample_weight)")


def _num_samples(x):
    """Number of samples of a batch in any form that training takes."""
    if isinstance(x, dict):
        x = next(iter(x.values()))
    elif isinstance(x, list) and x and hasattr(x[0], "shape"):
        x = x[0]
    return x.shape[0] if hasattr(x, "shape") else len(x)
