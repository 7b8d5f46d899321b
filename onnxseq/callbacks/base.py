"""The base of callbacks, and the list that calls them in turn."""

import collections
import time
import warnings

import numpy as np

SLOW_CALLBACK = 0.1
"""Seconds per batch from which on callbacks may be called slow."""

SLOW_SHARE = 0.95
"""Share of the batch's own time from which on callbacks may be called slow."""

LEAST_TIMES = 3
"""Batches from which on callbacks may be called slow; the first may still be making what it calls."""


class Callback:
    """Base of the user's own callbacks: override the events of interest.

    `params` holds the arguments of training ('epochs', 'batch_size', 'samples' or 'steps', 'verbose', 'do_validation',
    'metrics'), `model` the model in training (set its `stop_training` to end training), `validation_data` the arrays
    of validation.
    """

    def __init__(self):
        self.validation_data = None

    def set_params(self, params):
        """Receive the arguments of training."""
        self.params = params

    def set_model(self, model):
        """Receive the model."""
        self.model = model

    def on_epoch_begin(self, epoch, logs=None):
        """Runs before the first batch of an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        """Runs after an epoch and its validation."""

    def on_batch_begin(self, batch, logs=None):
        """Runs before a batch."""

    def on_batch_end(self, batch, logs=None):
        """Runs after a batch."""

    def on_train_begin(self, logs=None):
        """Runs before the first epoch."""

    def on_train_end(self, logs=None):
        """Runs after the last epoch; not where training was ended by an error."""


class CallbackList:
    """Callbacks that are called one after the other.

    Arguments:
        callbacks: The callbacks.
        queue_length: Number of batches over which the time that callbacks take is watched.
    """

    def __init__(self, callbacks=None, queue_length=10):
        self.callbacks = list(callbacks or [])
        self.queue_length = queue_length
        self._forget_epoch()

    def append(self, callback):
        """Add a callback behind the others."""
        self.callbacks.append(callback)

    def __iter__(self):
        return iter(self.callbacks)

    def set_params(self, params):
        """Hand the arguments of training to every callback."""
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        """Hand the model to every callback."""
        for callback in self.callbacks:
            callback.set_model(model)

    def on_epoch_begin(self, epoch, logs=None):
        """Call on_epoch_begin of every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)
        self._forget_epoch()

    def on_epoch_end(self, epoch, logs=None):
        """Call on_epoch_end of every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_batch_begin(self, batch, logs=None):
        """Call on_batch_begin of every callback that defines it."""
        logs = {} if logs is None else logs
        entered = time.perf_counter()
        for event in self._batch_begin:
            event(batch, logs)
        self._batch_entered = now = time.perf_counter()
        self._begin_times.append(now - entered)
        if now - entered > SLOW_CALLBACK:
            self._warn_if_slow("on_batch_begin", self._begin_times)

    def on_batch_end(self, batch, logs=None):
        """Call on_batch_end of every callback that defines it."""
        logs = {} if logs is None else logs
        entered = time.perf_counter()
        self._batch_time = entered - (self._batch_entered or entered)
        for event in self._batch_end:
            event(batch, logs)
        taken = time.perf_counter() - entered
        self._end_times.append(taken)
        if taken > SLOW_CALLBACK:
            self._warn_if_slow("on_batch_end", self._end_times)

    def on_train_begin(self, logs=None):
        """Call on_train_begin of every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs=None):
        """Call on_train_end of every callback."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def _forget_epoch(self):
        # Most callbacks leave the two events of a batch alone; only those that do not are called in the hot loop.
        self._batch_begin = [c.on_batch_begin for c in self.callbacks if _defines(c, "on_batch_begin")]
        self._batch_end = [c.on_batch_end for c in self.callbacks if _defines(c, "on_batch_end")]
        self._begin_times = collections.deque(maxlen=self.queue_length)
        self._end_times = collections.deque(maxlen=self.queue_length)
        self._batch_entered = None
        self._batch_time = 0.0

    def _warn_if_slow(self, event, times):
        if len(times) < LEAST_TIMES:
            return
        median = float(np.median(times))
        if median > SLOW_CALLBACK and 0 < SLOW_SHARE * self._batch_time < median:
            warnings.warn(
                f"{event} takes {median:.6f} s, about as long as the batch itself; expected less. Check the callbacks.",
                stacklevel=2,
            )


def _defines(callback, event):
    method = getattr(callback, event, None)
    if method is None:
        return False
    return getattr(method, "__func__", method) is not getattr(Callback, event)


def direction(who, mode, monitor):
    """Return 'min' or 'max', in which direction a quantity improves.

    Arguments:
        who: Whoever asks, for messages.
        mode: 'min', 'max' or 'auto'; anything else is warned of and taken as 'auto'.
        monitor: Name of the quantity, by which 'auto' decides: 'max' for names with 'acc', else 'min'.
    """
    if mode not in ("auto", "min", "max"):
        warnings.warn(f"{who}: mode is {mode!r}; expected 'auto', 'min' or 'max'. Using 'auto'.", stacklevel=3)
        mode = "auto"
    if mode == "auto":
        return "max" if "acc" in monitor else "min"
    return mode


def warn_of_missing(who, monitor, logs):
    """Warn of a quantity that the logs lack."""
    warnings.warn(
        f"{who}: monitor is {monitor!r}, which the logs lack; expected one of {sorted(logs)}. Training goes on.",
        stacklevel=3,
    )
