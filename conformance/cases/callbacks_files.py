"""Family `callbacks_files`: ModelCheckpoint and CSVLogger: which files, with what in them, after which epochs."""

import os
import re

import numpy as np

from ..case import EXACT, FORWARD, LOSS, as_text, case, outcome_of, register
from .places import folder, names_in, printed, read, write
from .verbs import small

LOGS = [
    {"loss": 1.0, "val_loss": 0.9, "val_acc": 0.2},
    {"loss": 0.8, "val_loss": 0.95, "val_acc": 0.4},
    {"loss": 0.6, "val_loss": 0.5, "val_acc": 0.3},
    {"loss": 0.4, "val_loss": 0.5, "val_acc": 0.4},
    {"loss": 0.2, "val_loss": 0.4, "val_acc": 0.9},
]


class Watched(object):
    """Stands for a model: notes what it is asked to save."""

    def __init__(self):
        self.calls, self.stop_training = [], False

    def save(self, filepath, overwrite=None):
        self.calls.append(["save", filepath, overwrite])

    def save_weights(self, filepath, overwrite=None):
        self.calls.append(["save_weights", filepath, overwrite])


def _checkpoint(filepath, logs=LOGS, **options):
    def run(keras, random):
        """What is saved, under which name and after which epoch, and what is printed."""
        model = Watched()
        callback = keras.callbacks.ModelCheckpoint(filepath, **options)
        callback.set_model(model)

        def drive():
            callback.on_train_begin()
            for epoch, values in enumerate(logs):
                model.calls.append(epoch)
                callback.on_epoch_end(epoch, dict(values))
            callback.on_train_end()

        return {"text": printed(drive), "calls": as_text(model.calls)}

    return run


CHECKPOINTS = (
    ("default", "model.h5", {}),
    ("weights_only", "weights.h5", {"save_weights_only": True}),
    ("file_names", "at.{epoch:02d}-{val_loss:.2f}-{val_acc:.1f}.h5", {}),
    ("period_2", "{epoch}.h5", {"period": 2}),
    ("best", "{epoch}.h5", {"save_best_only": True}),
    ("best_weights", "{epoch}.h5", {"save_best_only": True, "save_weights_only": True}),
    ("best_verbose", "{epoch}.h5", {"save_best_only": True, "verbose": 1}),
    ("best_accuracy", "{epoch}.h5", {"save_best_only": True, "monitor": "val_acc"}),
    ("best_mode_max", "{epoch}.h5", {"save_best_only": True, "monitor": "val_loss", "mode": "max"}),
    ("best_mode_min", "{epoch}.h5", {"save_best_only": True, "monitor": "val_acc", "mode": "min"}),
    ("best_mode_unknown", "{epoch}.h5", {"save_best_only": True, "mode": "sideways"}),
    ("best_period_2", "{epoch}.h5", {"save_best_only": True, "period": 2}),
    ("best_not_there", "{epoch}.h5", {"save_best_only": True, "monitor": "nothing"}),
    ("verbose", "{epoch}.h5", {"verbose": 1, "period": 3}),
)
for _label, _filepath, _options in CHECKPOINTS:
    register("callbacks_files/ModelCheckpoint_" + _label, _checkpoint(_filepath, **_options), EXACT)
register(
    "callbacks_files/ModelCheckpoint_nan",
    _checkpoint("{epoch}.h5", [{"val_loss": value} for value in (float("nan"), 0.5, float("nan"), 0.4)],
                save_best_only=True),
    EXACT,
)  # fmt: skip


@case("callbacks_files/ModelCheckpoint_name_not_in_logs", EXACT)
def name_not_in_logs(keras, random):
    callback = keras.callbacks.ModelCheckpoint("{val_loss:.2f}.h5")
    callback.set_model(Watched())
    return {"raises": outcome_of(callback.on_epoch_end, 0, {"loss": 1.0})}


@case("callbacks_files/ModelCheckpoint_in_fit", FORWARD)
def checkpoint_in_fit(keras, random):
    """Files of an actual training: each holds the weights that its epoch ended with."""
    model, x, y = small(keras, random)
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.predict(x)))
    with folder() as place:
        every = keras.callbacks.ModelCheckpoint(os.path.join(place, "{epoch}.h5"), save_weights_only=True)
        whole = keras.callbacks.ModelCheckpoint(os.path.join(place, "whole.h5"), monitor="loss", save_best_only=True)
        model.fit(x, y, epochs=3, verbose=0, shuffle=False, callbacks=[note, every, whole])
        fields = {"names": as_text(names_in(place))}
        last = keras.models.load_model(os.path.join(place, "whole.h5"))
        fields["last"] = np.abs(last.predict(x) - seen[2])
        model.load_weights(os.path.join(place, "0.h5"))
        fields["first"] = np.abs(model.predict(x) - seen[0])
    return fields


def _csv(rows, again=None, before=None, stop_at=None, **options):
    def run(keras, random):
        """The file's text, as one training, or two, leave it."""
        with folder() as place:
            path = os.path.join(place, "log.csv")
            if before is not None:
                write(path, before)
            model = Watched()
            callback = keras.callbacks.CSVLogger(path, **options)
            callback.set_model(model)
            for part in [rows] + ([again] if again else []):
                callback.on_train_begin()
                for epoch, logs in enumerate(part):
                    model.stop_training = epoch == stop_at
                    callback.on_epoch_end(epoch, dict(logs))
                callback.on_train_end()
            return {"text": as_text(read(path))}

    return run


TWO = [{"loss": 0.5, "acc": 0.25}, {"loss": 0.375, "acc": 1}]
CSV = (
    ("default", (TWO,), {}),
    ("separator", (TWO,), {"separator": ";"}),
    ("append_new", (TWO,), {"append": True}),
    ("append_to_text", (TWO,), {"append": True, "before": "epoch,acc,loss\n7,1,2\n"}),
    ("append_to_empty", (TWO,), {"append": True, "before": ""}),
    ("overwrites", (TWO,), {"before": "what was there\n"}),
    ("used_twice", (TWO, TWO[:1]), {}),
    ("used_twice_append", (TWO, TWO[:1]), {"append": True}),
    ("lists_and_text", ([{"a": [1, 2], "b": "word", "c": np.array([0.5, 1.5]), "d": np.float64(0.25)}],), {}),
    ("missing_at_stop", ([TWO[0], {"loss": 1.0}],), {"stop_at": 1}),
    ("quoted", ([{"text": 'a, "b"'}],), {}),
)
for _label, _rows, _options in CSV:
    register("callbacks_files/CSVLogger_" + _label, _csv(*_rows, **_options), EXACT)


@case("callbacks_files/CSVLogger_in_fit", LOSS)
def csv_in_fit(keras, random):
    """Header and rows of an actual training; the numbers are those of the History."""
    model, x, y = small(keras, random)
    with folder() as place:
        path = os.path.join(place, "log.csv")
        history = model.fit(
            x, y, epochs=3, verbose=0, shuffle=False, validation_split=0.2, callbacks=[keras.callbacks.CSVLogger(path)]
        )
        lines = read(path).split("\n")
    rows = np.array([[float(value) for value in line.split(",")] for line in lines[1:-1]])
    return {
        "header": lines[0],
        "rows": rows,
        "same": np.abs(rows[:, 1:] - np.array([history.history[name] for name in lines[0].split(",")[1:]]).T).max(),
    }


@case("callbacks_files/CSVLogger_missing_folder", EXACT)
def csv_missing_folder(keras, random):
    with folder() as place:
        callback = keras.callbacks.CSVLogger(os.path.join(place, "nowhere", "log.csv"))
        return {"raises": outcome_of(callback.on_train_begin)}


@case("callbacks_files/CSVLogger_key_missing", EXACT)
def csv_key_missing(keras, random):
    """The first epoch's names are the columns: a later epoch without one of them."""
    with folder() as place:
        path = os.path.join(place, "log.csv")
        callback = keras.callbacks.CSVLogger(path)
        callback.set_model(Watched())
        callback.on_train_begin()
        callback.on_epoch_end(0, {"loss": 1.0, "acc": 2.0})
        more = outcome_of(callback.on_epoch_end, 1, {"loss": 1.0, "acc": 2.0, "new": 3.0})
        fewer = outcome_of(callback.on_epoch_end, 2, {"loss": 1.0})
        callback.on_train_end()
        return {"more": more, "fewer": fewer, "text": as_text(read(path))}


@case("callbacks_files/TensorBoard", EXACT)
def tensorboard(keras, random):
    """One file of events, in a folder that is made for it."""
    model, x, y = small(keras, random)
    with folder() as place:
        logs = os.path.join(place, "deep", "logs")
        callback = keras.callbacks.TensorBoard(log_dir=logs, write_graph=False)
        model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])
        names = names_in(place)
        sizes = [os.path.getsize(os.path.join(place, name)) > 0 for name in names]
    return {"names": as_text([re.sub(r"\.[0-9]+\..*", "", name) for name in names]), "sizes": as_text(sizes)}
