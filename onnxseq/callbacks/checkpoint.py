"""Saving the model while it trains."""

import numpy as np

from onnxseq.callbacks.base import Callback, direction, warn_of_missing
from onnxseq.errors import text


class ModelCheckpoint(Callback):
    """Save the model after epochs: each of them, every so many, or those that are the best so far.

    A file is replaced in one step: whatever ends the process, the last model that was saved whole is there.

    Arguments:
        filepath: Where to, with fields as `str.format` takes them: 'at.{epoch:02d}-{val_loss:.2f}.h5'. Epochs count
            from 0.
        monitor: Name of the quantity in the logs of an epoch by which the best is told.
        verbose: 1 prints what is saved.
        save_best_only: Whether to save only what is better than all before.
        save_weights_only: Whether to save the weights alone.
        mode: 'min' or 'max', the direction of improvement; 'auto' takes 'max' for names with 'acc', or that begin with
            'fmeasure', else 'min'.
        period: Number of epochs from one save to the next.

    Raises:
        KeyError: The logs lack a name that `filepath` has.
        OSError: The file cannot be written; the one that was there is as it was.
    """

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        period=1,
    ):
        super().__init__()
        self.filepath = filepath
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        if mode == "auto" and monitor.startswith("fmeasure"):
            mode = "max"
        mode = direction("ModelCheckpoint", mode, monitor)
        self.monitor_op = np.greater if mode == "max" else np.less
        self.best = -np.inf if mode == "max" else np.inf

    def on_epoch_end(self, epoch, logs=None):
        """Save, if this epoch is one to be saved."""
        logs = logs or {}
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        filepath = self._path(epoch, logs)
        if not self.save_best_only:
            self._say(f"Epoch {epoch:05d}: saving model to {filepath}")
            self._save(filepath)
            return
        current = logs.get(self.monitor)
        if current is None:
            warn_of_missing("ModelCheckpoint", self.monitor, logs)
        elif self.monitor_op(current, self.best):
            self._say(
                f"Epoch {epoch:05d}: {self.monitor} improved from {self.best:0.5f} to {current:0.5f}, "
                f"saving model to {filepath}"
            )
            self.best = current
            self._save(filepath)
        else:
            self._say(f"Epoch {epoch:05d}: {self.monitor} did not improve")

    def _path(self, epoch, logs):
        try:
            return str(self.filepath).format(**{**logs, "epoch": epoch})
        except KeyError as error:
            raise KeyError(
                text("ModelCheckpoint", f"filepath {self.filepath!r} has the field {error.args[0]!r}",
                     f"'epoch' or a name in the logs, {sorted(logs)}")
            ) from error  # fmt: skip

    def _say(self, line):
        if self.verbose > 0:
            print(line)

    def _save(self, filepath):
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(filepath, overwrite=True)
