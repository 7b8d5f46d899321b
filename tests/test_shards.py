"""Steps in shards of the batch: the same numbers as in one run, whatever crosses between samples, and what happens
around a step."""

import gc
import threading

import numpy as np
import onnx
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import training_loop
from onnxseq.compiler import pipeline, samples, sharded, shards, threads
from onnxseq.compiler.passes import masks
from onnxseq.compiler.samples import SUM
from onnxseq.compiler.sharded import ShardedSession
from onnxseq.models import Model, Sequential

STEPS, SIZE, BATCH, UNITS = 6, 5, 16, 4
IMAGE = (STEPS, 6, 6, 2)


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Cut whatever can be cut, with two cores whatever there are."""
    monkeypatch.setattr(pipeline, "worth_shards", lambda model, count: True)
    monkeypatch.setattr(pipeline, "available_cores", lambda: 2)


def stack(*layers, loss="mse", optimizer="adam"):
    made = Sequential(layers)
    made.compile(optimizer, loss)
    return made


def two_inputs():
    first, second = L.Input((STEPS, SIZE)), L.Input((3,))
    joined = L.concatenate([L.LSTM(UNITS, return_sequences=False)(first), L.Dense(UNITS)(second)])
    made = Model([first, second], [L.Dense(2, name="a")(joined), L.Dense(1, name="b")(joined)])
    made.compile("rmsprop", ["mse", "mae"], loss_weights=[1.0, 0.3])
    return made


def after(function, **options):
    """Return a model with a function of the user's behind a recurrent layer."""
    return stack(L.LSTM(UNITS, input_shape=(STEPS, SIZE), **options), L.Lambda(function), L.Flatten(), L.Dense(2))


SEQUENCE = {"input_shape": (STEPS, SIZE)}
MASKED = {"mask": True}
WEIGHTED = {"weights": True}
WORDS = {"words": 50}

# name: (builds the model, what the data are, whether it is cut)
MODELS = {
    "lstm": (lambda: stack(L.LSTM(UNITS, **SEQUENCE), L.Dense(2)), {}, True),
    "sequences": (lambda: stack(L.GRU(UNITS, return_sequences=True, **SEQUENCE), L.Dense(2)), {}, True),
    "dropped": (
        lambda: stack(L.LSTM(UNITS, dropout=0.2, recurrent_dropout=0.3, **SEQUENCE), L.Dropout(0.4), L.Dense(2)),
        {},
        True,
    ),
    "dropped at once": (
        lambda: stack(L.GRU(UNITS, implementation=2, dropout=0.2, recurrent_dropout=0.3, **SEQUENCE), L.Dense(2)),
        {},
        True,
    ),
    "one mask for all steps": (lambda: stack(L.SpatialDropout1D(0.4, **SEQUENCE), L.LSTM(UNITS), L.Dense(2)), {}, True),
    "both ways": (
        lambda: stack(L.Bidirectional(L.LSTM(UNITS, return_sequences=True), **SEQUENCE), L.GRU(UNITS), L.Dense(2)),
        WEIGHTED,
        True,
    ),
    "backwards": (lambda: stack(L.LSTM(UNITS, go_backwards=True, **SEQUENCE), L.Dense(2), optimizer="sgd"), {}, True),
    "masked": (lambda: stack(L.Masking(**SEQUENCE), L.GRU(UNITS), L.Dense(2)), MASKED, True),
    "masked sequences": (
        lambda: stack(L.Masking(**SEQUENCE), L.LSTM(UNITS, return_sequences=True), L.TimeDistributed(L.Dense(2))),
        MASKED | WEIGHTED,
        True,
    ),
    "words": (
        lambda: stack(L.Embedding(50, SIZE, mask_zero=True, input_length=STEPS), L.LSTM(UNITS), L.Dense(2)),
        WORDS,
        True,
    ),
    "free steps": (lambda: stack(L.LSTM(UNITS, input_shape=(None, SIZE)), L.Dense(2)), {}, True),
    "penalties": (
        lambda: stack(
            L.SimpleRNN(UNITS, kernel_regularizer="l1", activity_regularizer="l2", **SEQUENCE),
            L.Dense(2, kernel_constraint="non_neg"),
        ),
        {},
        True,
    ),
    "classes": (
        lambda: stack(
            L.LSTM(UNITS, **SEQUENCE), L.Dense(3, activation="softmax"), loss="sparse_categorical_crossentropy"
        ),
        {"classes": 3},
        True,
    ),
    "images": (
        lambda: stack(L.ConvLSTM2D(3, 3, padding="same", input_shape=IMAGE), L.Flatten(), L.Dense(2)),
        {},
        True,
    ),
    "layers at each step": (
        lambda: stack(
            L.TimeDistributed(L.Conv2D(3, 3), input_shape=IMAGE),
            L.TimeDistributed(L.MaxPooling2D()),
            L.TimeDistributed(L.Flatten()),
            L.LSTM(UNITS),
            L.Dense(2),
        ),
        {},
        True,
    ),
    "there and back": (
        lambda: stack(L.LSTM(UNITS, **SEQUENCE), L.RepeatVector(3), L.GRU(UNITS, return_sequences=True), L.Dense(2)),
        {},
        True,
    ),
    "several inputs": (two_inputs, {}, True),
    "a count of samples": (lambda: after(lambda x: x * K.cast(K.shape(x)[0], "float64")), {}, True),
    "a shape of samples": (
        lambda: after(lambda x: K.reshape(x, (K.shape(x)[0], STEPS * UNITS)), return_sequences=True),
        {},
        True,
    ),
    "products within samples": (lambda: after(lambda x: K.batch_dot(x, x, axes=2), return_sequences=True), {}, True),
    "a mean over samples": (lambda: after(lambda x: x - K.mean(x, axis=0)), {}, False),
    "samples in another order": (lambda: after(lambda x: K.reverse(x, 0)), {}, False),
    "products of samples": (
        lambda: after(lambda x: K.sum(K.dot(x, K.transpose(x)), axis=1, keepdims=True)),
        {},
        False,
    ),
    "normalized": (lambda: stack(L.LSTM(UNITS, **SEQUENCE), L.BatchNormalization(), L.Dense(2)), {}, False),
    "noise": (lambda: stack(L.GaussianNoise(0.1, **SEQUENCE), L.LSTM(UNITS), L.Dense(2)), {}, False),
    "no loop": (lambda: stack(L.Flatten(**SEQUENCE), L.Dense(2)), {}, False),
}


def data(model, batches, mask=False, weights=False, words=0, classes=0):
    """Return random samples for a model: inputs, targets and weights of samples, a fourth of them 0."""
    random, count = np.random.RandomState(2), batches * BATCH
    shapes = [[STEPS if d is None else d for d in K.int_shape(x)[1:]] for x in model.inputs]
    x = [random.randint(0, words, (count, *s)) if words else random.randn(count, *s) for s in shapes]
    if mask:
        x[0] *= random.rand(count, STEPS, 1) > 0.4
    shapes = [[STEPS if d is None else d for d in K.int_shape(y)[1:]] for y in model.outputs]
    y = [random.randint(0, classes, (count, 1)) if classes else random.rand(count, *s) for s in shapes]
    weighted = random.rand(count) * (random.rand(count) > 0.25) if weights else None
    return x, y, weighted


def programs(model):
    """Return the programs of a model's training steps that are made for one size of batches."""
    function = model._functions.train(False)
    return function, list(function._special.values())


def trained(name, cut, monkeypatch, batches=2, epochs=2):
    """Return a model's losses, weights and optimizer state after some steps, and whether they were cut."""
    build, options, _ = MODELS[name]
    found = []
    with monkeypatch.context() as patch:
        whole = shards.cut
        patch.setattr(shards, "cut", lambda *a: found.append(whole(*a) if cut else None) or found[-1])
        np.random.seed(5)
        model = build()
        x, y, weights = data(model, batches, **options)
        history = model.fit(
            x, y, batch_size=BATCH, epochs=epochs, verbose=0, shuffle=False, sample_weight=weights
        ).history
    values = [np.array(history[key]) for key in sorted(history)] + model.get_weights() + model.optimizer.get_weights()
    return values, any(found)


@pytest.fixture
def doubles():
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")


@pytest.mark.parametrize("name", MODELS)
def test_a_step_in_shards_gives_what_one_run_gives(name, monkeypatch, doubles):
    expected, _ = trained(name, False, monkeypatch)
    found, is_cut = trained(name, True, monkeypatch)
    assert is_cut == MODELS[name][2]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, 1e-9, 1e-11)


def wrong_part(self, buffer, index):
    size = buffer.shape[0] // self._wires.count
    return self._session.device.buffer(buffer.array[:size])


def no_whole_sizes(result, found, except_by=()):
    pass


def drawn_by_shards(self, drawn, least=masks._LARGE):
    super(masks.HostMasks, self).__init__()
    self.masks, self.least = drawn, masks._LARGE


def always_linear(self, node, arrived):
    return SUM


@pytest.mark.parametrize(("name", "place", "attribute", "fault"), [
    ("lstm", sharded.ShardedBinding, "_part", wrong_part),
    ("dropped", masks.HostMasks, "__init__", drawn_by_shards),
    ("penalties", samples.Places, "_of_sums", always_linear),
    ("a count of samples", shards, "_read_whole_sizes", no_whole_sizes),
])  # fmt: skip
def test_the_check_finds_faults(name, place, attribute, fault, monkeypatch, doubles):
    expected, _ = trained(name, False, monkeypatch)
    monkeypatch.setattr(place, attribute, fault)
    found, is_cut = trained(name, True, monkeypatch)
    assert is_cut
    differs = [not np.allclose(a, b, 1e-9, 1e-11) for a, b in zip(found, expected, strict=True)]
    assert any(differs)


def small():
    np.random.seed(1)
    return stack(L.Embedding(50, SIZE, input_length=STEPS), L.LSTM(UNITS, dropout=0.2), L.Dense(2))


WORDS_IN = np.random.RandomState(0).randint(0, 50, (4 * BATCH, STEPS))
TARGETS = np.random.RandomState(1).rand(4 * BATCH, 2).astype("float32")


@pytest.mark.parametrize("batch_size", [BATCH, 15, 2])
def test_batches_of_any_size_train(batch_size, monkeypatch):
    histories = []
    for cut in (True, False):
        with monkeypatch.context() as patch:
            if not cut:
                patch.setattr(shards, "cut", lambda *a: None)
            model = small()
            model.fit(WORDS_IN, TARGETS, batch_size=batch_size, epochs=2, verbose=0, shuffle=False)
            histories.append(model.get_weights())
    for a, b in zip(*histories, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_a_number_of_shards_that_divides_the_batch_is_taken(monkeypatch):
    found, whole = [], shards.cut
    monkeypatch.setattr(pipeline, "available_cores", lambda: 3)
    monkeypatch.setattr(shards, "cut", lambda *a: found.append(whole(*a)) or found[-1])
    for batch_size, count in ((24, 3), (16, 2), (7, None), (6, None), (12, 3)):
        small().train_on_batch(WORDS_IN[:batch_size], TARGETS[:batch_size])
        cut = found.pop()
        assert (cut and (cut.count, cut.size)) == (count and (count, batch_size // count))


def test_an_input_that_counts_samples_twice_is_not_cut():
    x, pairs = K.placeholder((None, STEPS, SIZE)), K.placeholder((None, None))
    x.dims, pairs.dims = ("batch", STEPS, SIZE), ("batch", "batch")
    y = L.LSTM(UNITS)(x)
    assert shards.cut([x], [K.sum(y)], [], 1, {"batch": BATCH}, 2) is not None
    assert shards.cut([x, pairs], [K.sum(K.dot(pairs, y))], [], 1, {"batch": BATCH}, 2) is None


def test_an_error_in_a_shard_is_raised_and_changes_nothing():
    model = small()
    model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])
    before, slots = model.get_weights(), model.optimizer.get_weights()
    for row in (0, BATCH - 1):  # of the first shard and of the last
        wrong = WORDS_IN[:BATCH].copy()
        wrong[row, 0] = 1000
        with pytest.raises(Exception, match="1000"):
            model.train_on_batch(wrong, TARGETS[:BATCH])
        for a, b in zip([*before, *slots], [*model.get_weights(), *model.optimizer.get_weights()], strict=True):
            np.testing.assert_array_equal(a, b)
    model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_an_interrupt_while_shards_run_leaves_whole_steps(monkeypatch):
    model = small()
    model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])
    before = model.get_weights()
    run = sharded.Binding.run

    def interrupted(self):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        run(self)

    with monkeypatch.context() as patch:
        patch.setattr(sharded.Binding, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])


def test_weights_set_between_steps_are_read_by_all_shards(monkeypatch):
    results = []
    for cut in (True, False):
        with monkeypatch.context() as patch:
            if not cut:
                patch.setattr(shards, "cut", lambda *a: None)
            model = small()
            start = model.get_weights()
            for i in range(4):
                model.set_weights([w * (1 + i) for w in start])
                model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])
                K.set_value(model.optimizer.lr, 0.01 * (i + 1))
            results.append([*model.get_weights(), model.predict(WORDS_IN)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, 1e-4, 1e-5)


def test_threads_may_train_and_predict_at_once():
    model, faults = small(), []
    model.predict(WORDS_IN)

    def work(act):
        try:
            for _ in range(15):
                act()
        except Exception as fault:
            faults.append(fault)

    def train():
        model.train_on_batch(WORDS_IN[:BATCH], TARGETS[:BATCH])

    running = [threading.Thread(target=work, args=(act,)) for act in (train, train, lambda: model.predict(WORDS_IN))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not faults
    assert K.get_value(model.optimizer.iterations) == 30


def test_a_model_that_is_let_go_leaves_no_thread_behind():
    def waiting():
        return [thread for thread in threading.enumerate() if thread.name.startswith("onnxseq-shard")]

    gc.collect()
    others = set(waiting())
    model = small()
    model.fit(WORDS_IN, TARGETS, batch_size=BATCH, verbose=0, epochs=1)
    (own,) = set(waiting()) - others
    del model
    gc.collect()
    own.join(10)
    assert not own.is_alive()


def test_samples_that_are_read_where_they_lie(monkeypatch):
    x = np.random.RandomState(3).rand(4 * BATCH, 64, 64).astype("float32")  # from 128 KB a batch nothing is copied
    found = []
    for worth_binding in (training_loop._WORTH_BINDING, 1 << 40):
        monkeypatch.setattr(training_loop, "_WORTH_BINDING", worth_binding)
        np.random.seed(1)
        model = stack(L.LSTM(UNITS, input_shape=(64, 64)), L.Dense(2))
        model.fit(x, TARGETS, batch_size=BATCH, epochs=2, verbose=0, shuffle=False)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_that_is_handed_out_is_whole():
    model = small()
    model.fit(WORDS_IN, TARGETS, batch_size=BATCH, epochs=1, verbose=0)
    function, (program,) = programs(model)
    assert isinstance(program.session, ShardedSession)
    proto = function.onnx_model(1)
    onnx.checker.check_model(proto, full_check=True)
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert len(proto.graph.output) == 1 + len(function.updates)


@pytest.mark.parametrize(("build", "rows", "cores", "expected"), [
    (lambda: stack(L.LSTM(128, input_shape=(40, 57)), L.Dense(57)), 128, 2, True),
    (lambda: stack(L.LSTM(128, dropout=0.2, recurrent_dropout=0.2, input_shape=(80, 128)), L.Dense(1)), 32, 2, True),
    (lambda: stack(L.Bidirectional(L.GRU(64), input_shape=(50, 16)), L.Dense(1)), 64, 2, True),
    (lambda: stack(L.ConvLSTM2D(16, 3, input_shape=(5, 12, 12, 1)), L.Flatten(), L.Dense(1)), 8, 2, True),
    (lambda: stack(L.LSTM(8, input_shape=(6, 5)), L.Dense(1)), 32, 2, False),  # over before the other core begins
    (lambda: stack(L.LSTM(32, input_shape=(20, 16)), L.Dense(1)), 32, 2, False),
    (lambda: stack(L.LSTM(512, input_shape=(30, 64)), L.Dense(1)), 32, 2, False),  # weights are all there is
    (lambda: stack(L.LSTM(512, input_shape=(30, 64)), L.Dense(1)), 32, 8, False),
    (lambda: stack(L.Bidirectional(L.GRU(64), input_shape=(50, 16)), L.Dense(1)), 64, 8, True),
])  # fmt: skip
def test_what_shards_are_worth(build, rows, cores, expected, monkeypatch):
    found = []

    def worth(model, count):
        found.append(threads.worth_shards(model, count))
        return found[-1]

    monkeypatch.setattr(threads, "available_cores", lambda: cores)
    monkeypatch.setattr(pipeline, "available_cores", lambda: cores)
    monkeypatch.setattr(pipeline, "worth_shards", worth)
    model = build()
    x = np.zeros((rows, *K.int_shape(model.input)[1:]), "float32")
    model.train_on_batch(x, np.zeros((rows, *K.int_shape(model.output)[1:]), "float32"))
    assert found == [expected]
