"""Callbacks: their order and logs in fit, and what each of ours does."""

import copy
import warnings

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.callbacks import (
    BaseLogger,
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgbarLogger,
    TerminateOnNaN,
)
from onnxseq.layers import Dense
from onnxseq.models import Sequential

X = np.arange(40, dtype="float32").reshape(10, 4) / 40
Y = X.sum(axis=1, keepdims=True)


def model(**arguments):
    made = Sequential([Dense(1, input_shape=(4,))])
    made.compile("sgd", "mse", **arguments)
    return made


class Recorder(Callback):
    """Writes down each event with the names in its logs."""

    def __init__(self):
        super().__init__()
        self.events = []
        self.logs = []

    def _event(self, name, index, logs):
        self.events.append((name, index))
        self.logs.append(copy.copy(logs))

    def on_train_begin(self, logs=None):
        self._event("train_begin", None, logs)

    def on_train_end(self, logs=None):
        self._event("train_end", None, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._event("epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._event("epoch_end", epoch, logs)

    def on_batch_begin(self, batch, logs=None):
        self._event("batch_begin", batch, logs)

    def on_batch_end(self, batch, logs=None):
        self._event("batch_end", batch, logs)


def test_events_come_in_order_with_their_logs():
    recorder = Recorder()
    made = model(metrics=["mae"])
    made.fit(X, Y, batch_size=4, epochs=1, verbose=0, callbacks=[recorder], validation_split=0.4)
    assert recorder.events == [
        ("train_begin", None),
        ("epoch_begin", 0),
        ("batch_begin", 0),
        ("batch_end", 0),
        ("batch_begin", 1),
        ("batch_end", 1),
        ("epoch_end", 0),
        ("train_end", None),
    ]
    assert recorder.logs[2] == {"batch": 0, "size": 4}
    assert recorder.logs[4] == {"batch": 1, "size": 2}
    assert list(recorder.logs[5]) == ["batch", "size", "loss", "mean_absolute_error"]
    assert set(recorder.logs[6]) == {"loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"}
    assert recorder.params == {
        "batch_size": 4,
        "epochs": 1,
        "steps": None,
        "samples": 6,
        "verbose": 0,
        "do_validation": True,
        "metrics": ["loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"],
    }
    assert recorder.model is made
    assert [np.shape(array) for array in recorder.validation_data] == [(4, 4), (4, 1), (4,)]
    ends = [logs for event, logs in zip(recorder.events, recorder.logs, strict=True) if event[0] == "batch_end"]
    average = sum(float(logs["loss"]) * logs["size"] for logs in ends) / 6
    assert recorder.logs[6]["loss"] == pytest.approx(average, rel=1e-12)


def test_callbacks_run_between_the_averages_and_the_history():
    order = []
    made = model()

    class Late(Callback):
        def on_epoch_end(self, epoch, logs=None):
            order.append(sorted(logs))
            logs["added"] = 7

    history = made.fit(X, Y, epochs=2, verbose=0, callbacks=[Late()])
    assert order == [["loss"], ["loss"]]
    assert history.history["added"] == [7, 7]
    assert isinstance(history, History)
    assert history.epoch == [0, 1]
    assert history.model is made
    assert made.history is history


def test_several_callbacks_run_in_the_order_given():
    seen = []
    callbacks = [LambdaCallback(on_batch_end=lambda batch, logs, i=i: seen.append(i)) for i in range(3)]
    model().fit(X, Y, epochs=1, verbose=0, batch_size=5, callbacks=callbacks)
    assert seen == [0, 1, 2, 0, 1, 2]


def test_lambda_callback_takes_every_event_and_more_attributes():
    seen = []
    names = ("epoch_begin", "epoch_end", "batch_begin", "batch_end", "train_begin", "train_end")
    functions = {f"on_{name}": lambda *arguments, name=name: seen.append((name, len(arguments))) for name in names}
    callback = LambdaCallback(colour="blue", **functions)
    model().fit(X, Y, epochs=1, verbose=0, callbacks=[callback])
    assert seen == [
        ("train_begin", 1),
        ("epoch_begin", 2),
        ("batch_begin", 2),
        ("batch_end", 2),
        ("epoch_end", 2),
        ("train_end", 1),
    ]
    assert callback.colour == "blue"


def test_an_object_with_only_the_events_it_needs_is_called():
    class Plain:
        batches = 0

        def set_model(self, model):
            self.model = model

        def set_params(self, params):
            self.params = params

        def on_train_begin(self, logs=None):
            pass

        on_train_end = on_train_begin

        def on_epoch_begin(self, epoch, logs=None):
            pass

        on_epoch_end = on_epoch_begin

        def on_batch_end(self, batch, logs=None):
            self.batches += 1

    plain = Plain()
    model().fit(X, Y, epochs=2, batch_size=5, verbose=0, callbacks=[plain])
    assert plain.batches == 4


def test_stop_training_ends_the_epoch_without_validation():
    made = model()

    def stop(batch, logs):
        made.stop_training = batch == 1

    history = made.fit(
        X, Y, batch_size=3, epochs=5, verbose=0, validation_data=(X, Y), callbacks=[LambdaCallback(on_batch_end=stop)]
    )
    assert history.epoch == [0]
    assert list(history.history) == ["loss"]


STOPPING = {
    # monitored values, arguments, epoch after which training ends
    "minimum": ([3, 2, 2.5, 2.4], {}, 2),
    "patience": ([3, 2, 2.5, 2.4, 2.3], {"patience": 2}, 4),
    "maximum by name": ([0.1, 0.2, 0.15], {"monitor": "val_acc"}, 2),
    "maximum by mode": ([3, 2, 1], {"mode": "max"}, 1),
    "least change": ([3, 2.95, 2.9], {"min_delta": 0.1}, 1),
    "never": ([3, 2, 1, 0], {}, None),
}


@pytest.mark.parametrize("name", STOPPING)
def test_early_stopping(name):
    values, arguments, last = STOPPING[name]
    callback = EarlyStopping(**arguments)
    callback.model = model()
    callback.model.stop_training = False
    for _ in range(2):  # the same instance serves a second training
        callback.model.stop_training = False
        callback.on_train_begin()
        stopped = None
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {callback.monitor: value})
            if callback.model.stop_training:
                stopped = epoch
                break
        assert stopped == last


def test_early_stopping_says_where(capsys):
    callback = EarlyStopping(monitor="loss", verbose=1)
    callback.model = model()
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": 1.0})
    callback.on_train_end()
    assert capsys.readouterr().out == "Epoch 00001: early stopping\n"


def test_early_stopping_warns_of_a_quantity_that_is_not_there():
    with pytest.warns(UserWarning) as caught:
        model().fit(X, Y, epochs=1, verbose=0, callbacks=[EarlyStopping()])
    assert str(caught[0].message) == (
        "EarlyStopping: monitor is 'val_loss', which the logs lack; expected one of ['loss']. Training goes on."
    )
    with pytest.warns(UserWarning, match="mode is 'up'; expected 'auto', 'min' or 'max'. Using 'auto'."):
        EarlyStopping(mode="up")


def test_learning_rate_scheduler_sets_the_rate_before_each_epoch():
    made = model()
    rates = []
    reader = LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(float(K.get_value(made.optimizer.lr))))
    schedule = LearningRateScheduler(lambda epoch: 0.5 / 2**epoch)
    made.fit(X, Y, epochs=3, verbose=0, callbacks=[schedule, reader])
    assert rates == [0.5, 0.25, 0.125]


def test_terminate_on_nan(capsys):
    made = model()
    targets = np.where(np.arange(10)[:, None] == 7, np.nan, Y)
    history = made.fit(X, targets, batch_size=2, epochs=3, shuffle=False, verbose=0, callbacks=[TerminateOnNaN()])
    assert capsys.readouterr().out == "Batch 3: Invalid loss, terminating training\n"
    assert history.epoch == [0]


def test_base_logger_weights_batches_by_size():
    logger = BaseLogger()
    logger.set_params({"metrics": ["loss", "val_loss"]})
    logger.on_epoch_begin(0)
    logger.on_batch_end(0, {"batch": 0, "size": 3, "loss": np.float32(1)})
    logger.on_batch_end(1, {"batch": 1, "size": 1, "loss": np.float32(5)})
    logs = {}
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 2.0}
    assert type(logs["loss"]) is np.float64


def test_progbar_logger_knows_two_units():
    with pytest.raises(ValueError) as caught:
        ProgbarLogger("hours")
    assert str(caught.value) == "ProgbarLogger: count_mode is 'hours'; expected 'samples' or 'steps'."


def test_slow_callbacks_are_warned_of():
    callbacks = CallbackList([Recorder()])
    callbacks.on_epoch_begin(0)
    callbacks._batch_time = 0.2
    callbacks._begin_times.extend([0.25] * 3)
    with pytest.warns(UserWarning) as caught:
        callbacks._warn_if_slow("on_batch_begin", callbacks._begin_times)
    assert str(caught[0].message) == (
        "on_batch_begin takes 0.250000 s, about as long as the batch itself; expected less. Check the callbacks."
    )
    callbacks._batch_time = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callbacks._warn_if_slow("on_batch_begin", callbacks._begin_times)


def test_callback_list_is_iterable_and_grows():
    callbacks = CallbackList([Recorder()])
    callbacks.append(Recorder())
    callbacks.on_epoch_begin(0)
    callbacks.on_batch_begin(0)
    callbacks.on_batch_end(0)
    assert [callback.events[-1] for callback in callbacks] == [("batch_end", 0)] * 2
