"""Callbacks that report a training: averages, the progress bar, the history, a CSV file, a remote server."""

import collections.abc
import csv
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings

import numpy as np

from onnxseq.callbacks.base import Callback
from onnxseq.errors import describe, text
from onnxseq.utils.progbar import Progbar


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


class CSVLogger(Callback):
    """Write the logs of every epoch as a row of a CSV file: 'epoch', then the names of the first epoch in their order.

    The file is opened, written and closed for each row, so that what is there is whole whenever training ends.

    Arguments:
        filename: The file.
        separator: Between the values of a row.
        append: Whether to write behind what is there; else the file is begun anew with each training.

    Raises:
        OSError: When training begins: the file cannot be written.
        KeyError: A later epoch lacks a name of the first one, other than by stopping early.
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename = filename
        self.sep = separator
        self.append = append
        self.keys = None
        self._titled = False

    def on_train_begin(self, logs=None):
        """Begin the file, or look whether the one that is there has its titles."""
        if self.append:
            # As with one training after the other through this object: titles stand above the first only.
            self._titled = self._titled or (os.path.exists(self.filename) and os.path.getsize(self.filename) > 0)
        else:
            self._titled = False
        with open(self.filename, "a" if self.append else "w", encoding="utf-8"):
            self.keys = None

    def on_epoch_end(self, epoch, logs=None):
        """Write a row."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        row = {"epoch": epoch}
        for name in self.keys:
            if name not in logs and not self.model.stop_training:
                raise KeyError(
                    text("CSVLogger", f"the logs of epoch {epoch} lack {name!r}", f"the columns {self.keys}")
                )
            row[name] = _cell(logs.get(name, "NA"))
        with open(self.filename, "a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=["epoch", *self.keys], delimiter=self.sep)
            if not self._titled:
                writer.writeheader()
                self._titled = True
            writer.writerow(row)


def _cell(value):
    """Return what stands in a cell: a list as its quoted text, all else as it is."""
    if isinstance(value, np.ndarray) and value.ndim:
        value = value.tolist()
    if isinstance(value, collections.abc.Iterable) and not isinstance(value, str | np.ndarray):
        return f'"[{", ".join(map(str, value))}]"'
    return value


class RemoteMonitor(Callback):
    """Send the logs of every epoch to a server, by POST, as a form whose one field holds them as JSON.

    Arguments:
        root: Address of the server.
        path: Path behind it.
        field: Name of the field.
        headers: Headers to send, a dict; those of JSON where None.
    """

    TIMEOUT = 10.0
    """Seconds after which a server that does not answer is given up for this epoch."""

    def __init__(self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None):
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers or {"Accept": "application/json", "Content-Type": "application/json"}

    def on_epoch_end(self, epoch, logs=None):
        """Send an epoch; a server that cannot be reached is warned of, and training goes on.

        Raises:
            ValueError: The address is none of http or https.
        """
        address = self.root + self.path
        if not address.startswith(("http://", "https://")):
            raise ValueError(text("RemoteMonitor", f"the address is {address!r}", "one of http or https"))
        content = {"epoch": epoch, **{name: _number(value) for name, value in (logs or {}).items()}}
        form = urllib.parse.urlencode({self.field: json.dumps(content)}).encode("ascii")
        request = urllib.request.Request(address, data=form, headers=self.headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.TIMEOUT):
                pass
        except urllib.error.HTTPError as error:  # it was reached; what it thinks of the logs is its own affair
            error.close()
        except OSError as error:
            warnings.warn(
                f"RemoteMonitor: {address!r} cannot be reached ({error}); expected a server there. Training goes on.",
                stacklevel=2,
            )


def _number(value):
    """Return what JSON can hold of a value."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, int | float | str | list | dict | None):
        return value
    return describe(value)
