"""What runs beside training: at its begin and end, and at those of every epoch and batch.

`fit` calls, for every event, BaseLogger first, then the user's callbacks in their order, then History, then
ProgbarLogger. The logs of a batch hold 'batch' (its index), 'size' (its samples) and, at its end, the loss and each
metric; those of an epoch's end hold the averages over the epoch, and validation's under 'val_' names.
"""

import collections
import time
import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import describe, text
from onnxseq.utils.progbar import Progbar

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


class BaseLogger(Callback):
    """Average the batch logs over an epoch, weighted by the batches' sizes, into the logs of its end."""

    def on_epoch_begin(self, epoch, logs=None):
        """Start the sums anew."""
        self.seen = 0
        self.totals = {}

    def on_batch_end(self, batch, logs=None):
        """Add a batch to the sums."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size
        totals = self.totals
        for name, value in logs.items():
            totals[name] = totals.get(name, 0.0) + float(value) * size

    def on_epoch_end(self, epoch, logs=None):
        """Put the averages into the logs, for the callbacks after this one."""
        if logs is None:
            return
        for name in self.params["metrics"]:
            if name in self.totals:
                logs[name] = np.float64(self.totals[name] / self.seen)


class TerminateOnNaN(Callback):
    """End training at the first loss that is not finite."""

    def on_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class ProgbarLogger(Callback):
    """Draw a progress bar over every epoch.

    Arguments:
        count_mode: 'samples' or 'steps', the unit of the bar.

    Raises:
        ValueError: `count_mode` is neither.
    """

    def __init__(self, count_mode="samples"):
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(text("ProgbarLogger", f"count_mode is {count_mode!r}", "'samples' or 'steps'"))
        self.use_steps = count_mode == "steps"
        self.log_values = []

    def on_train_begin(self, logs=None):
        """Read how much to print."""
        self.verbose = self.params["verbose"]
        self.epochs = self.params["epochs"]

    def on_epoch_begin(self, epoch, logs=None):
        """Print the epoch's title and start its bar."""
        self.seen = 0
        self.target = self.params["steps" if self.use_steps else "samples"]
        if self.verbose:
            print(f"Epoch {epoch + 1}/{self.epochs}")
            self.progbar = Progbar(target=self.target, verbose=self.verbose)

    def on_batch_begin(self, batch, logs=None):
        """Forget the values of the batch before."""
        if self.seen < self.target:
            self.log_values = []

    def on_batch_end(self, batch, logs=None):
        """Move the bar, but for the last batch, which the end of the epoch draws."""
        logs = logs or {}
        self.seen += 1 if self.use_steps else logs.get("size", 0)
        self._read(logs)
        if self.verbose and self.seen < self.target:
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch, logs=None):
        """Draw the full bar with the values of validation."""
        self._read(logs or {})
        if self.verbose:
            self.progbar.update(self.seen, self.log_values, force=True)

    def _read(self, logs):
        for name in self.params["metrics"]:
            if name in logs:
                self.log_values.append((name, logs[name]))


class History(Callback):
    """Record the logs of every epoch: `epoch` lists the epochs, `history` a list per name."""

    def on_train_begin(self, logs=None):
        """Start with an empty record."""
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch, logs=None):
        """Record an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class EarlyStopping(Callback):
    """End training once a monitored quantity no longer improves.

    Arguments:
        monitor: Name of the quantity in the logs of an epoch.
        min_delta: Least change that counts as an improvement.
        patience: Epochs without improvement that are put up with.
        verbose: 1 prints which epoch was the last.
        mode: 'min' or 'max', the direction of improvement; 'auto' takes 'max' for names with 'acc', else 'min'.
    """

    def __init__(self, monitor="val_loss", min_delta=0, patience=0, verbose=0, mode="auto"):
        super().__init__()
        self.monitor = monitor
        self.patience = patience
        self.verbose = verbose
        self.wait = 0
        self.stopped_epoch = 0
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"EarlyStopping: mode is {mode!r}; expected 'auto', 'min' or 'max'. Using 'auto'.", stacklevel=2
            )
            mode = "auto"
        if mode == "auto":
            mode = "max" if "acc" in monitor else "min"
        self.monitor_op = np.greater if mode == "max" else np.less
        self.min_delta = min_delta if mode == "max" else -min_delta

    def on_train_begin(self, logs=None):
        """Forget earlier trainings, so that the callback can be used again."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = np.inf if self.monitor_op is np.less else -np.inf

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far."""
        logs = logs or {}
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"EarlyStopping: monitor is {self.monitor!r}, which the logs lack; "
                f"expected one of {sorted(logs)}. Training goes on.",
                stacklevel=2,
            )
        elif self.monitor_op(current - self.min_delta, self.best):
            self.best = current
            self.wait = 0
        else:
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
            self.wait += 1

    def on_train_end(self, logs=None):
        """Say which epoch was the last."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch:05d}: early stopping")


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch.

    Arguments:
        schedule: Function of the epoch's index (from 0) that returns the learning rate as a float.
    """

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_epoch_begin(self, epoch, logs=None):
        """Set the learning rate.

        Raises:
            ValueError: The optimizer has no `lr`, or the schedule returned no float.
        """
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "lr"):
            raise ValueError(
                text(
                    "LearningRateScheduler",
                    f"the optimizer is {type(optimizer).__name__}",
                    "one with an attribute 'lr'",
                )
            )
        rate = self.schedule(epoch)
        if not isinstance(rate, float | np.float32 | np.float64):
            raise ValueError(
                text(
                    "LearningRateScheduler",
                    f"schedule({epoch}) returned {describe(rate)}",
                    "a float",
                    "Return float(...) from the schedule.",
                )
            )
        K.set_value(optimizer.lr, rate)


class LambdaCallback(Callback):
    """A callback made of functions.

    Arguments:
        on_epoch_begin, on_epoch_end: Functions of (epoch, logs).
        on_batch_begin, on_batch_end: Functions of (batch, logs).
        on_train_begin, on_train_end: Functions of (logs).
        **kwargs: Further attributes of the callback.
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_batch_begin=None,
        on_batch_end=None,
        on_train_begin=None,
        on_train_end=None,
        **kwargs,
    ):
        super().__init__()
        self.__dict__.update(kwargs)
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        self.__dict__.update({event: function for event, function in given.items() if function is not None})
