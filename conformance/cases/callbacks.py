"""Family `callbacks`: the order of calls, their logs, params, and the callbacks that fit itself needs."""

import contextlib
import io
import re

import numpy as np

from ..case import EXACT, LOSS, as_text, case
from .helpers import normal, one_hot
from .verbs import _generator, history_of, small

FIELDS = {"calls": EXACT, "params": EXACT, "*": LOSS}


def recorder(keras):
    """A callback that writes each call down, with the names in its logs, and the logs' numbers apart."""

    class Recorder(keras.callbacks.Callback):
        def __init__(self):
            super(Recorder, self).__init__()
            self.calls, self.numbers = [], []

        def note(self, call, number, logs):
            self.calls.append([call, number, sorted(logs or {})])
            self.numbers.extend(float(logs[name]) for name in sorted(logs or {}))

    for name in ("epoch_begin", "epoch_end", "batch_begin", "batch_end"):
        setattr(Recorder, "on_" + name, lambda self, number, logs=None, name=name: self.note(name, number, logs))
    for name in ("train_begin", "train_end"):
        setattr(Recorder, "on_" + name, lambda self, logs=None, name=name: self.note(name, -1, logs))
    return Recorder()


def _recorded(watcher):
    params = {name: value for name, value in watcher.params.items()}
    return {"calls": as_text(watcher.calls), "numbers": np.array(watcher.numbers), "params": as_text(params)}


@case("callbacks/fit", FIELDS)
def fit(keras, random):
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    model.fit(x, y, epochs=2, batch_size=20, verbose=0, shuffle=False, callbacks=[watcher])
    return _recorded(watcher)


@case("callbacks/fit_validation", FIELDS)
def fit_validation(keras, random):
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    model.fit(x, y, epochs=2, batch_size=20, verbose=0, shuffle=False, validation_split=0.2, callbacks=[watcher])
    fields = _recorded(watcher)
    fields["validation_shapes"] = as_text([np.shape(part) for part in watcher.validation_data])
    return fields


@case("callbacks/fit_generator", FIELDS)
def fit_generator(keras, random):
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    model.fit_generator(_generator(x, y), 3, epochs=2, verbose=0, validation_data=(x, y), callbacks=[watcher])
    return _recorded(watcher)


@case("callbacks/model_given", EXACT)
def model_given(keras, random):
    """The model that a callback sees is the Sequential itself."""
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    history = model.fit(x, y, epochs=1, verbose=0, callbacks=[watcher])
    return {
        "same": watcher.model is model,
        "history": isinstance(history, keras.callbacks.History),
        "model": history.model is model,
    }


@case("callbacks/lambda", FIELDS)
def lambda_callback(keras, random):
    model, x, y = small(keras, random)
    calls = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: calls.append(["epoch_begin", epoch]),
        on_epoch_end=lambda epoch, logs: calls.append(["epoch_end", epoch, sorted(logs)]),
        on_batch_begin=lambda batch, logs: calls.append(["batch_begin", batch, sorted(logs)]),
        on_batch_end=lambda batch, logs: calls.append(["batch_end", batch, sorted(logs)]),
        on_train_begin=lambda logs: calls.append(["train_begin"]),
        on_train_end=lambda logs: calls.append(["train_end"]),
    )
    model.fit(x, y, epochs=2, batch_size=30, verbose=0, callbacks=[callback])
    return {"calls": as_text(calls)}


def _stopping(keras, random, values, **options):
    """EarlyStopping driven by given values of the monitored number: the epoch in which it stops."""
    model, _, _ = small(keras, random)
    callback = keras.callbacks.EarlyStopping(**options)
    callback.set_model(model)
    model.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {options.get("monitor", "val_loss"): value})
        if model.stop_training:
            return epoch
    return -1


@case("callbacks/early_stopping", EXACT)
def early_stopping(keras, random):
    falling = [1.0, 0.8, 0.7, 0.71, 0.72, 0.6, 0.61, 0.62, 0.63, 0.64]
    rising = [1.0 - value for value in falling]
    return {
        "patience_0": _stopping(keras, random, falling),
        "patience_1": _stopping(keras, random, falling, patience=1),
        "patience_2": _stopping(keras, random, falling, patience=2),
        "patience_3": _stopping(keras, random, falling, patience=3),
        "min_delta": _stopping(keras, random, falling, min_delta=0.15),
        "min_delta_patience": _stopping(keras, random, falling, min_delta=0.15, patience=2),
        "accuracy": _stopping(keras, random, rising, monitor="val_acc", patience=2),
        "max": _stopping(keras, random, rising, mode="max", patience=1),
        "min": _stopping(keras, random, rising, mode="min", patience=1),
        "mode_unknown": _stopping(keras, random, falling, mode="sideways", patience=1),
    }


@case("callbacks/early_stopping_in_fit", FIELDS)
def early_stopping_in_fit(keras, random):
    model, x, y = small(keras, random, optimizer=keras.optimizers.SGD(lr=3.0))
    callback = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
    history = model.fit(x, y, epochs=12, verbose=0, shuffle=False, callbacks=[callback])
    return dict(history_of(history), stopped=callback.stopped_epoch)


@case("callbacks/learning_rate_scheduler", FIELDS)
def learning_rate_scheduler(keras, random):
    model, x, y = small(keras, random)
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(float(keras.backend.get_value(model.optimizer.lr)))
    )
    callback = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1.0))
    history = model.fit(x, y, epochs=4, verbose=0, shuffle=False, callbacks=[callback, note])
    return dict(history_of(history), rates=np.array(rates))


@case("callbacks/base_logger_and_history_alone", FIELDS)
def loggers_alone(keras, random):
    """Averages weighted by the batch's size; History's lists."""
    C = keras.callbacks
    base, history = C.BaseLogger(), C.History()
    base.set_params({"metrics": ["loss", "acc"]})
    base.on_train_begin()
    history.on_train_begin()
    for epoch in range(2):
        base.on_epoch_begin(epoch)
        for batch, size in enumerate((4, 4, 2)):
            base.on_batch_end(batch, {"batch": batch, "size": size, "loss": batch + epoch, "acc": 0.5 * batch})
        logs = {"val_loss": 3.0}
        base.on_epoch_end(epoch, logs)
        history.on_epoch_end(epoch, logs)
    return history_of(history)


def _printed(function):
    """What the call writes to standard output, as a terminal is left showing it.

    Taken away is what differs from run to run: lines drawn over, times, and digits of numbers past the second.
    """
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream):
        function()
    lines = stream.getvalue().replace("\b", "").replace("\r", "\n").split("\n")
    lines = [line.rstrip() for line in lines if line.strip() and "ETA: " not in line]
    lines = [re.sub(r"\b[0-9]+s( [0-9]+[um]?s/step)?( -|$)", r"TIME\2", line) for line in lines]
    return "\n".join(re.sub(r"(: -?[0-9]+\.[0-9]{2})[0-9]+", r"\1", line) for line in lines)


@case("callbacks/verbose_1", EXACT)
def verbose_1(keras, random):
    model, x, y = small(keras, random)
    return {"text": _printed(lambda: model.fit(x, y, epochs=2, shuffle=False, validation_split=0.2))}


@case("callbacks/verbose_2", EXACT)
def verbose_2(keras, random):
    model, x, y = small(keras, random)
    return {"text": _printed(lambda: model.fit(x, y, epochs=2, shuffle=False, verbose=2, validation_data=(x, y)))}


@case("callbacks/verbose_0", EXACT)
def verbose_0(keras, random):
    model, x, y = small(keras, random)
    return {"text": _printed(lambda: model.fit(x, y, epochs=2, shuffle=False, verbose=0))}


@case("callbacks/verbose_evaluate_and_predict", EXACT)
def verbose_evaluate(keras, random):
    model, x, y = small(keras, random)
    return {
        "evaluate": _printed(lambda: model.evaluate(x, y, batch_size=50)),
        "predict": _printed(lambda: model.predict(normal(random, 40, 6), batch_size=40, verbose=1)),
        "predict_silent": _printed(lambda: model.predict(x)),
        "fit_generator": _printed(lambda: model.fit_generator(_generator(x, one_hot(random, 3, 50)), 3, epochs=1)),
    }
