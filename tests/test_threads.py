"""Several threads on one model, and on models that share layers; interrupts in the middle of training."""

import threading

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.callbacks import LambdaCallback
from onnxseq.layers import BatchNormalization, Dense, Dropout
from onnxseq.models import Sequential

RANDOM = np.random.RandomState(3)
X = RANDOM.rand(64, 6).astype("float32")
Y = RANDOM.rand(64, 2).astype("float32")


def model():
    made = Sequential([Dense(8, activation="relu", input_shape=(6,)), BatchNormalization(), Dropout(0.2), Dense(2)])
    made.compile("adam", "mse")
    return made


def run_together(functions):
    """Run functions in threads of their own and raise the first fault of any."""
    faults = []

    def guard(function):
        try:
            function()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=guard, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@pytest.mark.parametrize("method", ["predict", "predict_on_batch"])
def test_predict_from_eight_threads_gives_each_its_own(method):
    made = model()
    inputs = [RANDOM.rand(16 + i % 3, 6).astype("float32") for i in range(8)]
    expected = [made.predict(x) for x in inputs]
    fresh = model()  # builds its functions in the race also
    fresh.set_weights(made.get_weights())

    def worker(x, y):
        def work():
            for _ in range(20):
                np.testing.assert_allclose(getattr(fresh, method)(x), y, rtol=1e-5, atol=1e-6)

        return work

    run_together([worker(x, y) for x, y in zip(inputs, expected, strict=True)])


def test_training_while_others_predict_with_the_same_model():
    """Each prediction is that of the weights after some whole step."""
    alone = Sequential([Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(1,))])
    alone.compile("sgd", "mse")
    ones = np.ones((4, 1), "float32")
    steps, allowed = 60, []
    for _ in range(steps):
        allowed.append(float(alone.predict(ones)[0, 0]))
        alone.train_on_batch(ones, ones)
    allowed.append(float(alone.predict(ones)[0, 0]))

    shared = Sequential([Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(1,))])
    shared.compile("sgd", "mse")
    done = threading.Event()

    def train():
        for _ in range(steps):
            shared.train_on_batch(ones, ones)
        done.set()

    def read():
        while True:
            last = done.is_set()
            found = shared.predict(ones)
            assert (found == found[0, 0]).all()
            assert min(abs(float(found[0, 0]) - value) for value in allowed) < 1e-6
            if last:
                return

    run_together([train, read, read])
    np.testing.assert_array_equal(shared.get_weights()[0], alone.get_weights()[0])


def test_training_one_model_while_others_predict_with_another():
    trained, other = model(), model()
    expected = other.predict(X)

    def train():
        trained.fit(X, Y, epochs=3, verbose=0)

    def read():
        for _ in range(20):
            np.testing.assert_allclose(other.predict(X), expected, rtol=1e-5, atol=1e-6)

    run_together([train, read, read])


def test_two_models_train_at_once_as_they_do_alone():
    np.random.seed(2)
    made = [Sequential([Dense(2, input_shape=(6,))]) for _ in range(4)]
    for one in made:
        one.set_weights(made[0].get_weights())
        one.compile("sgd", "mse")
    made[0].fit(X, Y, epochs=2, shuffle=False, verbose=0)
    run_together([lambda one=one: one.fit(X, Y, epochs=2, shuffle=False, verbose=0) for one in made[1:]])
    for one in made[1:]:
        np.testing.assert_array_equal(one.get_weights()[0], made[0].get_weights()[0])


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("event", ["on_batch_begin", "on_batch_end", "on_epoch_end"])
def test_an_interrupt_leaves_the_state_after_the_last_whole_batch(event, fault):
    def fresh():
        np.random.seed(4)
        made = Sequential([Dense(3, activation="tanh", input_shape=(6,)), Dense(2)])
        made.compile("adam", "mse")
        return made

    def stop(index, logs):
        if index == (2 if "batch" in event else 0):
            raise fault()

    made, expected = fresh(), fresh()
    with pytest.raises(fault):
        made.fit(X, Y, batch_size=16, shuffle=False, verbose=0, callbacks=[LambdaCallback(**{event: stop})])
    steps = {"on_batch_begin": 2, "on_batch_end": 3, "on_epoch_end": 4}[event]
    for start in range(0, 16 * steps, 16):
        expected.train_on_batch(X[start : start + 16], Y[start : start + 16])
    for a, b in zip(made.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(made.optimizer.get_weights(), expected.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert K.get_value(made.optimizer.iterations) == steps
    made.fit(X, Y, batch_size=16, shuffle=False, verbose=0, epochs=1)  # and training goes on
    assert K.get_value(made.optimizer.iterations) == steps + 4
