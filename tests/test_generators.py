"""Training on generators and Sequences: workers, queues, order, ends and faults."""

import os
import threading
import time

import numpy as np
import pytest

from onnxseq.callbacks import LambdaCallback
from onnxseq.layers import Dense
from onnxseq.models import Model, Sequential
from onnxseq.utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence, SequenceEnqueuer

X = np.arange(48, dtype="float32").reshape(12, 4) / 48
Y = X.sum(axis=1, keepdims=True)


def model(**arguments):
    made = Sequential([Dense(1, input_shape=(4,), kernel_initializer="zeros")])
    made.compile("sgd", "mse", **arguments)
    return made


def batches(size=4, weights=False):
    while True:
        for start in range(0, 12, size):
            rows = slice(start, start + size)
            yield (X[rows], Y[rows], np.ones(size)) if weights else (X[rows], Y[rows])


class Rows(Sequence):
    """The data in batches of 4; notes the ends of epochs."""

    def __init__(self, fault=None):
        self.ends = 0
        self.fault = fault

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if self.fault is not None and index == 1:
            raise self.fault
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]

    def on_epoch_end(self):
        self.ends += 1


WORKERS = {
    "one thread": {},
    "two threads": {"workers": 2},
    "a queue of one": {"max_queue_size": 1, "workers": 2},
    "a process": {"use_multiprocessing": True},
    "no worker": {"workers": 0},
}


@pytest.mark.parametrize("name", WORKERS)
@pytest.mark.parametrize("source", ["generator", "weighted", "sequence"])
def test_a_generator_trains_as_the_same_arrays_do(name, source):
    expected = model()
    history = expected.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    made = model()
    data = Rows() if source == "sequence" else batches(weights=source == "weighted")
    if source == "sequence":
        result = Model.fit_generator(made, data, 3, epochs=2, verbose=0, shuffle=False, **WORKERS[name])
    else:
        result = made.fit_generator(data, 3, epochs=2, verbose=0, **WORKERS[name])
    assert result.history["loss"] == pytest.approx(history.history["loss"], rel=1e-6)
    for a, b in zip(expected.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("name", WORKERS)
def test_evaluate_and_predict(name):
    made = model(metrics=["mae"])
    loss = made.evaluate(X, Y, verbose=0)
    assert made.evaluate_generator(batches(), 3, **WORKERS[name]) == pytest.approx(loss, rel=1e-6)
    assert made.evaluate_generator(Rows(), 3, **WORKERS[name]) == pytest.approx(loss, rel=1e-6)
    expected = made.predict(X)
    for data in (batches(), (x for x, _ in batches()), ([x] for x, _ in batches()), Rows()):
        np.testing.assert_allclose(made.predict_generator(data, 3, **WORKERS[name]), expected, rtol=1e-6)


def test_values_are_weighted_by_the_sizes_of_batches():
    made = model()
    parts = [slice(0, 3), slice(3, 12)]
    found = made.evaluate_generator(((X[part], Y[part]) for part in parts), 2)
    assert found == pytest.approx(made.evaluate(X, Y, verbose=0), rel=1e-6)
    assert type(found) is np.float64


@pytest.mark.parametrize("processes", [False, True])
def test_the_generators_own_error_reaches_the_caller_after_the_batches_before_it(processes):
    def faulty():
        yield X, Y
        yield X, Y
        raise KeyError("lost")

    made = model()
    made.train_on_batch(X, Y)
    expected = model()
    for _ in range(3):
        expected.train_on_batch(X, Y)
    with pytest.raises(KeyError) as caught:
        made.fit_generator(faulty(), 5, verbose=0, use_multiprocessing=processes)
    assert str(caught.value) == "'lost'"
    # Two batches were trained on before the fault; the state is that after the last of them.
    np.testing.assert_array_equal(made.get_weights()[0], expected.get_weights()[0])


@pytest.mark.parametrize("processes", [False, True])
def test_a_sequences_error_reaches_the_caller(processes):
    with pytest.raises(ValueError, match="worn out"):
        model().evaluate_generator(Rows(ValueError("worn out")), 3, use_multiprocessing=processes)


def test_an_error_that_does_not_pickle_comes_as_text():
    class Local(Exception):
        pass

    def faulty():
        raise Local("here")
        yield

    with pytest.raises(RuntimeError, match="in a worker process:\n(.|\n)*Local: here"):
        model().evaluate_generator(faulty(), 1, use_multiprocessing=True)


def test_a_worker_that_dies_is_noticed():
    def dying():
        yield X, Y
        time.sleep(0.2)  # lets the batch before reach the queue
        os._exit(3)

    made = model()
    with pytest.raises(RuntimeError, match=r"the worker processes ended with exit codes \[3\]"):
        made.evaluate_generator(dying(), 2, use_multiprocessing=True)


def test_a_callbacks_error_stops_the_workers():
    made = model()
    before = threading.active_count()

    def fail(batch, logs):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        made.fit_generator(batches(), 3, verbose=0, callbacks=[LambdaCallback(on_batch_end=fail)])
    assert threading.active_count() == before


def test_the_queue_holds_no_more_than_its_size():
    produced = []

    def counting():
        while True:
            produced.append(1)
            yield X, Y

    enqueuer = GeneratorEnqueuer(counting())
    enqueuer.start(workers=1, max_queue_size=3)
    fetched = enqueuer.get()
    next(fetched)
    deadline = time.monotonic() + 5
    while len(produced) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(produced) == 5  # one taken, three waiting, one in the worker's hand
    assert enqueuer.queue.qsize() == 3
    assert enqueuer.is_running()
    enqueuer.stop()
    assert not enqueuer.is_running()


def test_none_is_passed_over():
    enqueuer = GeneratorEnqueuer(iter([None, 1, None, 2]))
    enqueuer.start()
    assert list(enqueuer.get()) == [1, 2]
    enqueuer.stop()


def test_a_sequence_is_shuffled_reproducibly_and_told_of_its_epochs():
    class Indices(Sequence):
        ends = 0

        def __len__(self):
            return 20

        def __getitem__(self, index):
            return index

        def on_epoch_end(self):
            self.ends += 1

    def draw():
        np.random.seed(5)
        data = Indices()
        enqueuer = OrderedEnqueuer(data, shuffle=True)
        enqueuer.start(workers=2, max_queue_size=4)
        fetched = enqueuer.get()
        found = [next(fetched) for _ in range(40)]
        enqueuer.stop()
        assert data.ends >= 1
        return found

    first, second = draw(), draw()
    assert first == second
    assert sorted(first[:20]) == sorted(first[20:]) == list(range(20))
    assert first[:20] != list(range(20))
    assert first[:20] != first[20:]


def test_processes_draw_different_random_numbers():
    def random():
        while True:
            yield float(np.random.rand())

    enqueuer = GeneratorEnqueuer(random(), use_multiprocessing=True)
    np.random.seed(1)
    enqueuer.start(workers=2, max_queue_size=10)
    fetched = enqueuer.get()
    found = [next(fetched) for _ in range(12)]
    enqueuer.stop()
    assert len(set(found)) == 12


def test_older_names_work_and_are_warned_of():
    with pytest.warns(UserWarning) as caught:
        model().fit_generator(batches(), 1, verbose=0, max_q_size=2, pickle_safe=False)
    assert [str(warning.message) for warning in caught] == [
        "fit_generator: 'max_q_size' is now called 'max_queue_size'. Rename it.",
        "fit_generator: 'pickle_safe' is now called 'use_multiprocessing'. Rename it.",
    ]


def test_copies_of_a_generator_are_warned_of():
    with pytest.warns(UserWarning, match="each of 2 processes gets a copy of the generator"):
        model().evaluate_generator(batches(), 1, workers=2, use_multiprocessing=True)


@pytest.mark.parametrize("form", ["arrays", "weighted arrays", "generator", "sequence"])
def test_validation(form):
    data = {
        "arrays": (X, Y),
        "weighted arrays": (X, Y, np.ones(12)),
        "generator": batches(),
        "sequence": Rows(),
    }[form]
    steps = None if "arrays" in form else 3
    made = model()
    history = made.fit_generator(batches(), 3, verbose=0, validation_data=data, validation_steps=steps)
    assert history.history["val_loss"] == pytest.approx([made.evaluate(X, Y, verbose=0)], rel=1e-6)
    assert history.params == {
        "epochs": 1,
        "steps": 3,
        "verbose": 0,
        "do_validation": True,
        "metrics": ["loss", "val_loss"],
    }


def test_class_weights_and_steps_that_are_no_integer():
    made, expected = model(), model()
    made.fit_generator(((X, np.ones((12, 1))) for _ in range(9)), 1.5, verbose=0, class_weight={1: 3.0})
    for _ in range(2):
        expected.train_on_batch(X, np.ones((12, 1)), sample_weight=np.full(12, 3.0))
    np.testing.assert_allclose(made.get_weights()[0], expected.get_weights()[0], rtol=1e-6)


def test_base_classes_name_what_is_missing():
    with pytest.raises(NotImplementedError) as caught:
        len(Sequence())
    assert str(caught.value) == (
        "Sequence: __len__ is not defined; expected a method that returns the number of batches. Define it."
    )
    with pytest.raises(NotImplementedError, match="SequenceEnqueuer: get is not defined"):
        SequenceEnqueuer().get()


def test_a_generator_of_nothing_but_none_is_refused():
    made = model()
    with pytest.raises(ValueError) as caught:
        made.fit_generator(iter(lambda: None, 0), 1, verbose=0)
    assert str(caught.value) == "GeneratorEnqueuer: the generator yielded None 1000 times in a row; expected batches."


class Nothing(Rows):
    def __getitem__(self, index):
        return None


def test_a_sequence_of_nothing_but_none_is_refused():
    with pytest.raises(ValueError) as caught:
        model().fit_generator(Nothing(), 3, verbose=0)
    assert str(caught.value) == "OrderedEnqueuer: the Sequence gave None 1000 times in a row; expected batches."
