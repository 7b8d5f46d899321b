"""Callbacks that steer a training: what stops it, what sets the learning rate, and functions of the user's own."""

import numpy as np

from onnxseq import backend as K
from onnxseq.callbacks.base import Callback, direction, warn_of_missing
from onnxseq.errors import describe, text


class TerminateOnNaN(Callback):
    """End training at the first loss that is not finite."""

    def on_batch_end(self, batch, logs=None):
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


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
        mode = direction("EarlyStopping", mode, monitor)
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
            warn_of_missing("EarlyStopping", self.monitor, logs)
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


class ReduceLROnPlateau(Callback):
    """Multiply the learning rate by a factor whenever a monitored quantity no longer improves.

    lr = max(lr * factor, min_lr). The rate in use stands in the logs of each epoch as 'lr'.

    Arguments:
        monitor: Name of the quantity in the logs of an epoch.
        factor: What to multiply by, below 1.
        patience: Epochs without improvement that are put up with.
        verbose: 1 prints each reduction.
        mode: 'min' or 'max', the direction of improvement; 'auto' takes 'max' for names with 'acc', else 'min'.
        epsilon: Least change that counts as an improvement.
        cooldown: Epochs after a reduction in which none is counted.
        min_lr: Least learning rate.

    Raises:
        ValueError: `factor` is not below 1.
    """

    LEAST_CHANGE = 1e-4
    """Share of min_lr by which the rate must lie above it, so that rounding alone causes no reduction."""

    def __init__(
        self, monitor="val_loss", factor=0.1, patience=10, verbose=0, mode="auto", epsilon=1e-4, cooldown=0, min_lr=0
    ):
        super().__init__()
        if factor >= 1.0:
            raise ValueError(text("ReduceLROnPlateau", f"factor is {factor!r}", "a number below 1"))
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.mode = direction("ReduceLROnPlateau", mode, monitor)
        self.epsilon = epsilon
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._forget()

    def _forget(self):
        self.wait = 0
        self.cooldown_counter = 0
        self.best = -np.inf if self.mode == "max" else np.inf

    def monitor_op(self, current, best):
        """Whether a value improves on the best one by more than epsilon."""
        return current > best + self.epsilon if self.mode == "max" else current < best - self.epsilon

    def in_cooldown(self):
        """Whether the epochs after a reduction are not over yet."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs=None):
        """Forget earlier trainings, so that the callback can be used again."""
        self._forget()

    def on_epoch_end(self, epoch, logs=None):
        """Compare with the best epoch so far, and reduce the rate once patience is over."""
        logs = {} if logs is None else logs
        rate = self.model.optimizer.lr
        logs["lr"] = K.get_value(rate)
        current = logs.get(self.monitor)
        if current is None:
            warn_of_missing("ReduceLROnPlateau", self.monitor, logs)
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            if self.wait >= self.patience:
                self._reduce(epoch, rate)
            self.wait += 1

    def _reduce(self, epoch, rate):
        old = float(K.get_value(rate))
        if old <= self.min_lr * (1 + self.LEAST_CHANGE):
            return
        new = max(old * self.factor, self.min_lr)
        K.set_value(rate, new)
        if self.verbose > 0:
            print(f"\nEpoch {epoch:05d}: reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
