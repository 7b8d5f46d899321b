"""Family `callbacks_rules`: what stops, slows and reports a training: rules driven by given numbers, and in fit."""

import math
import re

import numpy as np

from ..case import EXACT, LOSS, as_text, case, outcome_of, register
from .callbacks import recorder
from .places import printed
from .verbs import _generator, history_of, small

NAN, INF = float("nan"), float("inf")
FALLING = [1.0, 0.8, 0.7, 0.71, 0.72, 0.6, 0.61, 0.62, 0.63, 0.64]


def driven(keras, random, callback, name, values):
    """(the model, what is printed) after the callback saw these values, an epoch each, until it stops."""
    model, _, _ = small(keras, random)
    callback.set_model(model)
    callback.set_params({"metrics": [name]})
    model.stop_training = False

    def drive():
        callback.on_train_begin()
        for epoch, value in enumerate(values):
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, {name: value})
            if model.stop_training:
                break
        callback.on_train_end()

    return model, printed(drive)


def _stopping(values, name="val_loss", **options):
    def run(keras, random):
        callback = keras.callbacks.EarlyStopping(monitor=name, **options)
        model, text = driven(keras, random, callback, name, values)
        return {
            "stopped": callback.stopped_epoch,
            "wait": callback.wait,
            "best": float(callback.best),
            "stop": as_text(bool(model.stop_training)),
            "text": text,
        }

    return run


STOPPING = (
    ("patience_4", FALLING, {"patience": 4}),
    ("verbose", FALLING, {"patience": 1, "verbose": 1}),
    ("min_delta", [1.0, 0.95, 0.9, 0.85, 0.8], {"min_delta": 0.1}),
    ("min_delta_negative", [1.0, 1.05, 1.1, 1.3], {"min_delta": -0.1}),
    ("equal_values", [1.0, 1.0, 1.0], {"patience": 1}),
    ("never", [1.0 / (1 + epoch) for epoch in range(6)], {}),
    ("at_once", [1.0, 2.0], {}),
    ("max", [0.1, 0.2, 0.2, 0.1], {"mode": "max", "patience": 1}),
    ("auto_accuracy", [0.1, 0.2, 0.1], {"name": "acc"}),
    ("auto_custom_name", [0.1, 0.2, 0.3], {"name": "my_score", "patience": 1}),
    ("min_of_accuracy", [0.1, 0.2], {"name": "val_acc", "mode": "min"}),
    ("nan", [1.0, NAN, 0.5, NAN, NAN], {"patience": 1}),
    ("infinite", [INF, 1.0, INF], {}),
)
for _label, _values, _options in STOPPING:
    register("callbacks_rules/EarlyStopping_" + _label, _stopping(_values, **_options), EXACT)


@case("callbacks_rules/EarlyStopping_used_again", EXACT)
def stopping_again(keras, random):
    """Its state begins anew with each training."""
    callback = keras.callbacks.EarlyStopping(patience=1)
    found = []
    for _ in range(2):
        driven(keras, random, callback, "val_loss", FALLING)
        found.append([callback.stopped_epoch, callback.wait, callback.best])
    driven(keras, random, callback, "val_loss", [5.0])
    found.append([callback.stopped_epoch, callback.wait, callback.best])
    return {"found": as_text(found)}


@case("callbacks_rules/EarlyStopping_monitor_missing", EXACT)
def stopping_missing(keras, random):
    """A name that is not in the logs stops nothing and raises nothing."""
    callback = keras.callbacks.EarlyStopping(monitor="val_loss")
    model, _ = driven(keras, random, callback, "loss", [1.0, 2.0, 3.0])
    return {"stop": as_text(bool(model.stop_training)), "stopped": callback.stopped_epoch}


def _plateau(values, name="val_loss", **options):
    def run(keras, random):
        """The learning rate after each epoch, and what is printed."""
        callback = keras.callbacks.ReduceLROnPlateau(monitor=name, **options)
        model, _, _ = small(keras, random, optimizer=keras.optimizers.SGD(lr=1.0))
        callback.set_model(model)
        rates, cooling, logged = [], [], []

        def drive():
            callback.on_train_begin()
            for epoch, value in enumerate(values):
                logs = {name: value}
                callback.on_epoch_end(epoch, logs)
                rates.append(float(keras.backend.get_value(model.optimizer.lr)))
                cooling.append(bool(callback.in_cooldown()))
                logged.append(float(logs["lr"]))

        text = re.sub(r"(to [0-9.e-]{4})[0-9e-]*", r"\1", printed(drive))
        return {
            "rates": np.array(rates),
            "cooling": as_text(cooling),
            "logged": np.array(logged),
            "best": float(callback.best),
            "text": text,
        }

    return run


FLAT = [1.0] * 9
PLATEAU = (
    ("default", [1.0] * 13, {}),
    ("patience_1", FLAT, {"patience": 1}),
    ("patience_0", FLAT[:5], {"patience": 0, "factor": 0.5}),
    ("factor", FLAT, {"patience": 2, "factor": 0.5}),
    ("verbose", FLAT[:5], {"patience": 1, "factor": 0.5, "verbose": 1}),
    ("min_lr", FLAT, {"patience": 1, "factor": 0.3, "min_lr": 0.2}),
    ("cooldown", FLAT, {"patience": 1, "factor": 0.5, "cooldown": 2}),
    ("cooldown_0_patience_2", FLAT, {"patience": 2, "factor": 0.5, "cooldown": 0}),
    ("epsilon", [1.0, 0.95, 0.9, 0.85, 0.8], {"patience": 1, "factor": 0.5, "epsilon": 0.2}),
    ("improving", [1.0, 0.9, 0.8, 0.7], {"patience": 1}),
    ("max", [0.5, 0.4, 0.6, 0.5, 0.5], {"patience": 1, "factor": 0.5, "mode": "max"}),
    ("auto_accuracy", [0.5, 0.4, 0.6, 0.5, 0.5], {"patience": 1, "factor": 0.5, "name": "val_acc"}),
    ("mode_unknown", FLAT[:4], {"patience": 1, "mode": "sideways"}),
    ("nan", [1.0, NAN, NAN, NAN], {"patience": 1, "factor": 0.5}),
)
for _label, _values, _options in PLATEAU:
    register("callbacks_rules/ReduceLROnPlateau_" + _label, _plateau(_values, **_options), LOSS)


@case("callbacks_rules/ReduceLROnPlateau_in_fit", LOSS)
def plateau_in_fit(keras, random):
    """The History has the learning rate; later callbacks see it too."""
    model, x, y = small(keras, random, optimizer=keras.optimizers.SGD(lr=2.0))
    callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, factor=0.5)
    history = model.fit(x, y, epochs=6, verbose=0, shuffle=False, callbacks=[callback])
    return history_of(history)


@case("callbacks_rules/ReduceLROnPlateau_errors", EXACT)
def plateau_errors(keras, random):
    make = keras.callbacks.ReduceLROnPlateau
    missing = make(monitor="val_loss")
    return {
        "factor_1": outcome_of(make, factor=1.0),
        "factor_2": outcome_of(make, factor=2.0),
        "missing": outcome_of(driven, keras, random, missing, "loss", [1.0, 1.0]),
    }


@case("callbacks_rules/LearningRateScheduler", LOSS)
def scheduler(keras, random):
    """The schedule is asked before each epoch, from initial_epoch on."""
    asked = []

    def schedule(epoch):
        asked.append(epoch)
        return 0.5 / (1 + epoch)

    model, x, y = small(keras, random)
    callback = keras.callbacks.LearningRateScheduler(schedule)
    history = model.fit(x, y, epochs=5, initial_epoch=2, verbose=0, shuffle=False, callbacks=[callback])
    return dict(history_of(history), asked=as_text(asked), lr=keras.backend.get_value(model.optimizer.lr))


@case("callbacks_rules/LearningRateScheduler_errors", EXACT)
def scheduler_errors(keras, random):
    model, _, _ = small(keras, random)

    def run(value):
        callback = keras.callbacks.LearningRateScheduler(lambda epoch: value)
        callback.set_model(model)
        callback.on_epoch_begin(0)

    class Bare(object):
        optimizer = object()

    def run_bare():
        callback = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
        callback.set_model(Bare())
        callback.on_epoch_begin(0)

    return {
        "integer": outcome_of(run, 1),
        "text": outcome_of(run, "0.1"),
        "none": outcome_of(run, None),
        "float": outcome_of(run, 0.1),
        "float32": outcome_of(run, np.float32(0.1)),
        "float64": outcome_of(run, np.float64(0.1)),
        "no_lr": outcome_of(run_bare),
    }


@case("callbacks_rules/TerminateOnNaN", EXACT)
def terminate(keras, random):
    """A loss that is no number, or infinite, stops the training in the batch where it comes up."""
    found = {}
    for label, loss in (("nan", NAN), ("infinite", INF), ("negative_infinite", -INF), ("finite", 1.0), ("none", None)):
        model, _, _ = small(keras, random)
        model.stop_training = False
        callback = keras.callbacks.TerminateOnNaN()
        callback.set_model(model)
        text = printed(callback.on_batch_end, 3, {} if loss is None else {"loss": loss})
        found[label] = [bool(model.stop_training), text]
    return {"found": as_text(found)}


@case("callbacks_rules/TerminateOnNaN_in_fit", EXACT)
def terminate_in_fit(keras, random):
    model, x, y = small(keras, random)
    watcher = recorder(keras)
    x = np.array(x)
    x[25] = NAN
    text = printed(
        model.fit, x, y, epochs=3, batch_size=10, verbose=0, shuffle=False,
        callbacks=[keras.callbacks.TerminateOnNaN(), watcher],
    )  # fmt: skip
    calls = [call[:2] for call in watcher.calls]
    return {"text": text, "last_calls": as_text(calls[-4:]), "number": len(calls)}


@case("callbacks_rules/LambdaCallback", EXACT)
def lambda_alone(keras, random):
    """Only what is given is called; other keywords become attributes."""
    calls = []
    make = keras.callbacks.LambdaCallback
    callback = make(on_epoch_end=lambda epoch, logs: calls.append([epoch, logs]), remark="kept")
    for method, arguments in (
        ("on_train_begin", ({},)),
        ("on_epoch_begin", (0, {})),
        ("on_batch_begin", (0, {})),
        ("on_batch_end", (0, {})),
        ("on_epoch_end", (4, {"loss": 0.5})),
        ("on_train_end", ({},)),
    ):
        getattr(callback, method)(*arguments)
    return {"calls": as_text(calls), "remark": callback.remark}


@case("callbacks_rules/RemoteMonitor", EXACT)
def remote_monitor(keras, random):
    """Where it would send, and as what."""
    callback = keras.callbacks.RemoteMonitor(root="http://127.0.0.1:9", path="/here/", field="what", headers={"a": "b"})
    default = keras.callbacks.RemoteMonitor()
    return {
        "settings": as_text([callback.root, callback.path, callback.field, callback.headers]),
        "defaults": as_text([default.root, default.path, default.field, default.headers]),
    }


@case("callbacks_rules/ProgbarLogger", EXACT)
def progbar_logger(keras, random):
    """Samples or steps; what of the logs it shows."""

    def draw(mode, params):
        callback = keras.callbacks.ProgbarLogger(count_mode=mode)
        callback.set_params(dict({"verbose": 1, "epochs": 2, "metrics": ["loss", "val_loss"]}, **params))
        callback.on_train_begin()
        callback.on_epoch_begin(0)
        for batch in range(3):
            callback.on_batch_begin(batch, {"size": 4})
            callback.on_batch_end(batch, {"size": 4, "loss": 0.5 * batch, "other": 1.0})
        callback.on_epoch_end(0, {"loss": 0.75, "val_loss": 2.0})

    def text(mode, params):
        lines = printed(draw, mode, params).replace("\b", "").replace("\r", "\n").split("\n")
        lines = [re.sub(r"[0-9]+s( [0-9]+[um]?s/step)?", "TIME", line.rstrip()) for line in lines]
        return as_text([line for line in lines if line and "ETA" not in line])

    return {
        "samples": text("samples", {"samples": 12}),
        "steps": text("steps", {"steps": 3}),
        "verbose_2": text("samples", {"samples": 12, "verbose": 2}),
        "unknown": outcome_of(keras.callbacks.ProgbarLogger, count_mode="hours"),
    }


@case("callbacks_rules/BaseLogger", LOSS)
def base_logger(keras, random):
    """Averages by size, of the names in params alone; a batch without a size counts for nothing."""
    callback = keras.callbacks.BaseLogger()
    callback.set_params({"metrics": ["loss", "never"]})
    found = []
    for sizes in ((3, 1), (2, 0, 2)):
        callback.on_epoch_begin(0)
        for index, size in enumerate(sizes):
            callback.on_batch_end(index, dict({"loss": index + 1.0, "acc": 9.0}, **({"size": size} if size else {})))
        logs = {}
        callback.on_epoch_end(0, logs)
        found.append([callback.seen, sorted(logs), logs["loss"]])
    return {"seen": as_text([row[:2] for row in found]), "losses": np.array([row[2] for row in found])}


@case("callbacks_rules/History", LOSS)
def history(keras, random):
    """One History a call of fit; its lists, its epochs and its params."""
    model, x, y = small(keras, random)
    first = model.fit(x, y, epochs=2, verbose=0, shuffle=False)
    second = model.fit(x, y, epochs=5, initial_epoch=3, verbose=0, shuffle=False, validation_data=(x, y))
    mine = keras.callbacks.History()
    model.fit(x, y, epochs=1, verbose=0, shuffle=False, callbacks=[mine])
    fields = {"epochs": as_text([first.epoch, second.epoch, mine.epoch])}
    fields["keys"] = as_text([sorted(each.history) for each in (first, second, mine)])
    fields["params"] = as_text({name: value for name, value in first.params.items()})
    fields["first"], fields["second"] = np.array(first.history["loss"]), np.array(second.history["val_loss"])
    return fields


@case("callbacks_rules/order", EXACT)
def order(keras, random):
    """Several callbacks are called in the order in which they were given, after the averages are there."""
    model, x, y = small(keras, random)
    calls = []

    def noting(label):
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: calls.append([label, "begin", sorted(logs)]),
            on_epoch_end=lambda epoch, logs: calls.append([label, "end", sorted(logs)]),
            on_train_end=lambda logs: calls.append([label, "over"]),
        )

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["added"] = 1.0

    result = model.fit(x, y, epochs=1, verbose=0, callbacks=[noting("a"), Adds(), noting("b")])
    return {"calls": as_text(calls), "history": as_text(sorted(result.history))}


@case("callbacks_rules/stop_training_in_a_batch", EXACT)
def stop_in_a_batch(keras, random):
    """stop_training set within an epoch: which calls still come, by fit and by fit_generator."""
    fields = {}
    for label in ("fit", "fit_generator"):
        model, x, y = small(keras, random)

        class Stops(keras.callbacks.Callback):
            def on_batch_end(self, batch, logs=None):
                self.model.stop_training = batch == 1

        watcher = recorder(keras)
        if label == "fit":
            model.fit(x, y, epochs=3, batch_size=10, verbose=0, shuffle=False, callbacks=[Stops(), watcher])
        else:
            model.fit_generator(_generator(x, y), 4, epochs=3, verbose=0, callbacks=[Stops(), watcher])
        fields[label] = as_text([call[:2] for call in watcher.calls])
    return fields


@case("callbacks_rules/set_model_and_params", EXACT)
def set_model_and_params(keras, random):
    """Every callback is told the model and the params before training begins."""
    model, x, y = small(keras, random)
    calls = []

    class Told(keras.callbacks.Callback):
        def set_model(self, given):
            calls.append(["model", given is model])
            super(Told, self).set_model(given)

        def set_params(self, params):
            calls.append(["params", sorted(params)])
            super(Told, self).set_params(params)

        def on_train_begin(self, logs=None):
            calls.append(["begin", self.validation_data is None])

    model.fit(x, y, epochs=1, verbose=0, callbacks=[Told()])
    return {"calls": as_text(sorted(calls)), "finite": as_text(math.isfinite(model.test_on_batch(x, y)[0]))}
