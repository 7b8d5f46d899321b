"""Epochs, batches and callbacks around a function. Knows arrays and floats, no layers.

One batch of `fit` is: the rows of the batch taken into the arrays that the function reads, one run, its outputs read.
Nothing else runs per batch but the callbacks that define its events.
"""

import contextlib
import queue
import threading
from concurrent import futures

import numpy as np

from onnxseq import data_feeds
from onnxseq.callbacks import BaseLogger, CallbackList, History, ProgbarLogger
from onnxseq.errors import text
from onnxseq.utils.progbar import Progbar

# From so many bytes on, samples that lie in order are read where they lie: to bind them takes as long as to copy 50 KB.
_WORTH_BINDING = 1 << 17


class Stepper:
    """A function with the feeds that it reads its batches from. A context manager, which holds runners meanwhile.

    Arguments:
        function: What K.function returned.
        feeds: A Feed for each of its inputs.
    """

    def __init__(self, function, feeds):
        self.function = function
        self.feeds = feeds
        self._leases = contextlib.ExitStack()
        self._runners = {}

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        self._runners.clear()
        return self._leases.__exit__(*fault)

    def __len__(self):
        return len(self.feeds[0])

    def runner(self, size):
        """Return the runner for batches of a size, and for each feed the array of that runner that it fills."""
        entry = self._runners.get(size)
        if entry is None:
            shapes = [(size, *feed.item_shape) for feed in self.feeds]
            runner = self._leases.enter_context(self.function.runner(shapes))
            entry = self._runners[size] = (runner, list(zip(self.feeds, runner.inputs, strict=True)))
        return entry

    def lanes(self, size):
        """Return how many batches of a size are to run at once."""
        # What is not in memory, such as a file, need not bear to be read by several threads.
        if not len(self) or not all(isinstance(feed.data, np.ndarray) for feed in self.feeds):
            return 1
        return self.runner(min(size, len(self)))[0].program.lanes

    def run_rows(self, start, stop, order=None):
        """Run on the samples from `start` to `stop` of an order; returns arrays that hold until the next run.

        Arguments:
            order: Index array; None for the order in which they lie.
        """
        runner, fills = self.runner(stop - start)
        for position, (feed, out) in enumerate(fills):
            if order is None and feed.direct and out.nbytes >= _WORTH_BINDING:
                runner.set_input(position, feed.data[start:stop])
                continue
            if runner.inputs[position] is not out:  # what was read where it lies before
                runner.set_input(position, out)
            if order is None:
                feed.copy(start, stop, out)
            else:
                feed.gather(order[start:stop], out)
        runner.run()
        return runner.outputs


def train(stepper, names, callbacks, model, batch_size, epochs, initial_epoch=0, shuffle=True, validate=None):
    """Train over all samples for a number of epochs.

    Arguments:
        stepper: The training step and its data.
        names: Names of the step's outputs.
        callbacks: CallbackList, ready to begin.
        model: Whose `stop_training` ends training.
        batch_size: Samples per batch.
        epochs: The epoch to stop before.
        initial_epoch: The epoch to start with.
        shuffle: True, False or 'batch'.
        validate: Function without arguments that returns the values of `names` on the validation data, or None.
    """
    samples = len(stepper)
    index = np.arange(samples)
    bounds = data_feeds.batch_bounds(samples, batch_size)
    on_batch_begin, on_batch_end = callbacks.on_batch_begin, callbacks.on_batch_end
    for epoch in range(initial_epoch, epochs):
        callbacks.on_epoch_begin(epoch)
        index = data_feeds.shuffle_index(index, shuffle, batch_size)
        for batch, (start, stop) in enumerate(bounds):
            logs = {"batch": batch, "size": stop - start}
            on_batch_begin(batch, logs)
            outputs = stepper.run_rows(start, stop, index if shuffle else None)
            for name, output in zip(names, outputs, strict=True):
                logs[name] = output[()]
            on_batch_end(batch, logs)
            if model.stop_training:
                break
        # An epoch that was ended early is not validated.
        if end_epoch(callbacks, epoch, names, model, None if model.stop_training else validate):
            break


def train_steps(run, names, callbacks, model, steps, epochs, initial_epoch=0, validate=None):
    """Train for a number of steps an epoch, where no samples are fed and so none are counted; arguments as for train.

    `run` is a function without arguments that makes one step and returns the values of `names`.
    """
    for epoch in range(initial_epoch, epochs):
        callbacks.on_epoch_begin(epoch)
        for step in range(steps):
            logs = {"batch": step, "size": 1}
            callbacks.on_batch_begin(step, logs)
            logs.update(zip(names, run(), strict=True))
            callbacks.on_batch_end(step, logs)
            if model.stop_training:
                break
        if end_epoch(callbacks, epoch, names, model, validate):
            break


def end_epoch(callbacks, epoch, names, model, validate):
    """Validate, call on_epoch_end and tell whether training was asked to stop."""
    logs = {}
    if validate is not None:
        logs.update(zip((f"val_{name}" for name in names), validate(), strict=True))
    callbacks.on_epoch_end(epoch, logs)
    return model.stop_training


def evaluate(stepper, batch_size, verbose=0):
    """Return the averages of the function's outputs over all samples, as a list of numbers."""
    samples = len(stepper)
    progbar = Progbar(target=samples) if verbose == 1 else None
    totals = [0.0] * len(stepper.function.outputs)
    for start, stop in data_feeds.batch_bounds(samples, batch_size):
        outputs = stepper.run_rows(start, stop)
        totals = [total + float(output) * (stop - start) for total, output in zip(totals, outputs, strict=True)]
        if progbar is not None:
            progbar.update(stop)
    return [np.float64(total / samples) for total in totals]


def evaluate_steps(run, steps, verbose=0):
    """Return the averages of what `run()` returns over a number of steps."""
    progbar = Progbar(target=steps) if verbose == 1 else None
    totals = None
    for step in range(steps):
        outputs = [float(output) for output in run()]
        totals = outputs if totals is None else [a + b for a, b in zip(totals, outputs, strict=True)]
        if progbar is not None:
            progbar.update(step)
    return [np.float64(total / steps) for total in totals]


def predict(who, stepper, batch_size, verbose=0):
    """Return the function's outputs for all samples, a list of arrays.

    Batches run side by side, where the function leaves cores idle.
    """
    samples = len(stepper)
    progbar = Progbar(target=samples) if verbose == 1 else None
    bounds = data_feeds.batch_bounds(samples, batch_size)
    results, allocating, idle = [], threading.Lock(), queue.SimpleQueue()

    def run(bound):
        own = idle.get()
        try:
            store(*bound, own.run_rows(*bound))
        finally:
            idle.put(own)

    def store(start, stop, outputs):
        for output in outputs:
            if output.ndim and output.shape[0] != stop - start:
                raise ValueError(
                    text(
                        who,
                        f"an output has shape {output.shape} for {stop - start} samples",
                        "one row for each sample",
                        "Use predict_on_batch for models that mix samples.",
                    )
                )
        with allocating:
            if not results:
                # A scalar, as of a loss that the model computes itself, stands in the row of each sample of its batch.
                results.extend(np.empty((samples, *output.shape[1:]), output.dtype) for output in outputs)
        for result, output in zip(results, outputs, strict=True):
            result[start:stop] = output

    with contextlib.ExitStack() as stack:
        idle.put(stepper)
        done, lanes = map(run, bounds), min(stepper.lanes(batch_size), len(bounds))
        if lanes > 1:
            for _ in range(lanes - 1):
                idle.put(stack.enter_context(Stepper(stepper.function, stepper.feeds)))
            pool = futures.ThreadPoolExecutor(lanes)
            stack.callback(pool.shutdown, cancel_futures=True)
            done = pool.map(run, bounds)
        for (_, stop), _ in zip(bounds, done, strict=True):
            if progbar is not None:
                progbar.update(stop)
    return results


def predict_steps(run, steps, verbose=0):
    """Return what `run()` returns in a number of steps, joined, a list of arrays."""
    progbar = Progbar(target=steps) if verbose == 1 else None
    batches = []
    for step in range(steps):
        batches.append(run())
        if progbar is not None:
            progbar.update(step)
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def begin(model, callbacks, params, count_mode="samples", validation_data=None):
    """Return the History and the CallbackList of a training that has begun.

    BaseLogger comes first, so that the user's callbacks see its averages; History next to last and ProgbarLogger
    last, so that they see what the user's callbacks put into the logs.
    """
    history = History()
    listed = [BaseLogger(), *callbacks, history]
    if params["verbose"]:
        listed.append(ProgbarLogger(count_mode))
    callbacks = CallbackList(listed)
    callbacks.set_model(model)
    callbacks.set_params(params)
    model.history = history
    model.stop_training = False
    callbacks.on_train_begin()
    model.stop_training = False
    for callback in callbacks:
        callback.validation_data = validation_data
    return history, callbacks


def unique_names(names):
    """Return names with numbers behind those that occur more than once."""
    return [
        name if names.count(name) == 1 else f"{name}_{names[:position].count(name) + 1}"
        for position, name in enumerate(names)
    ]


def shown_names(names, validated):
    """Return the names of an epoch's values, with those of validation behind."""
    return [*names, *(f"val_{name}" for name in names if validated)]


def check_callbacks(who, callbacks):
    """Return the user's callbacks as a list; TypeError or AttributeError where they are none."""
    if callbacks is None:
        return []
    if not isinstance(callbacks, list | tuple):
        raise TypeError(
            text(who, f"callbacks is a {type(callbacks).__name__}", "a list of callbacks", "Put it in a list.")
        )
    for callback in callbacks:
        if not hasattr(callback, "set_model"):
            raise AttributeError(
                text(who, f"callbacks holds {callback!r}", "instances of Callback", "Derive the class from Callback.")
            )
    return list(callbacks)
