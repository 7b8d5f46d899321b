"""Training: losses under weights and masks, metrics and their names, the order of samples, what is printed."""

import gc
import re
import weakref

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import losses, metrics
from onnxseq.callbacks import LambdaCallback
from onnxseq.data_feeds import Feed
from onnxseq.models import Model, Sequential
from onnxseq.optimizers import SGD, Adam, Optimizer
from onnxseq.training_compile import weighted_score
from onnxseq.training_loop import Stepper
from onnxseq.utils import Progbar

RANDOM = np.random.RandomState(4)
X = RANDOM.rand(20, 4).astype("float32")
Y = RANDOM.rand(20, 3).astype("float32")
LABELS = RANDOM.randint(0, 3, 20)
WEIGHTS = np.where(np.arange(20) % 4 == 0, 0.0, RANDOM.rand(20) + 0.5)


@pytest.fixture(autouse=True)
def _fresh_names():
    K.clear_session()


def stack(loss="mse", units=3, optimizer="sgd", activation="softmax", **arguments):
    made = Sequential([L.Dense(units, activation=activation, input_shape=(4,), name="out")])
    made.compile(optimizer, loss, **arguments)
    return made


# -- scores -----------------------------------------------------------------------------------------------------


def reference_score(score, weights=None, mask=None):
    if mask is not None:
        score = score * mask / mask.mean()
    if weights is not None:
        score = score.reshape(*weights.shape, -1).mean(axis=-1)
        score = score * weights / (weights != 0).mean()
    return score.mean()


SCORES = {
    "plain": ((6,), None, None),
    "steps": ((6, 5), None, None),
    "weights": ((6,), (6,), None),
    "weights of samples, scores of steps": ((6, 5), (6,), None),
    "weights of steps": ((6, 5), (6, 5), None),
    "weights of steps, scores of images": ((6, 5, 3), (6, 5), None),
    "mask": ((6, 5), None, (6, 5)),
    "mask and weights": ((6, 5), (6, 5), (6, 5)),
    "mask and weights of samples": ((6, 5), (6,), (6, 5)),
    "scalar": ((), None, None),
}


@pytest.mark.parametrize("name", SCORES)
def test_scores_are_averaged_under_weights_and_mask(name):
    score_shape, weights_shape, mask_shape = SCORES[name]
    score = RANDOM.rand(*score_shape)
    weights = None if weights_shape is None else RANDOM.rand(*weights_shape) * (RANDOM.rand(*weights_shape) > 0.3)
    mask = None if mask_shape is None else (RANDOM.rand(*mask_shape) > 0.3) * 1.0
    tensors = [None if v is None else K.constant(v, dtype="float32") for v in (score, weights)]
    mask_tensor = None if mask is None else K.constant(mask.astype(bool), dtype="bool")
    found = K.eval(weighted_score(*tensors, mask_tensor))
    assert found == pytest.approx(reference_score(np.asarray(score), weights, mask), rel=1e-5)


def predictions(made):
    return made.predict(X).astype("float64")


def test_sample_and_class_weights():
    made = stack("categorical_crossentropy", metrics=["acc"], weighted_metrics=["acc"])
    one_hot = np.eye(3)[LABELS]
    outputs = predictions(made)
    score = -np.log(outputs[np.arange(20), LABELS])
    hit = (outputs.argmax(axis=-1) == LABELS) * 1.0
    assert made.metrics_names == ["loss", "acc", "weighted_acc"]
    plain = [reference_score(score), hit.mean(), hit.mean()]
    weighted = [reference_score(score, WEIGHTS), hit.mean(), reference_score(hit, WEIGHTS)]
    assert made.evaluate(X, one_hot, batch_size=20, verbose=0) == pytest.approx(plain, rel=1e-5)
    found = made.evaluate(X, one_hot, batch_size=20, verbose=0, sample_weight=WEIGHTS)
    assert found == pytest.approx(weighted, rel=1e-5)
    assert made.test_on_batch(X, one_hot, sample_weight=WEIGHTS) == pytest.approx(weighted, rel=1e-5)
    by_class = {0: 2.0, 1: 0.5, 2: 1.0}
    expected = reference_score(score, np.array([by_class[label] for label in LABELS]))
    assert made.train_on_batch(X, one_hot, class_weight=by_class)[0] == pytest.approx(expected, rel=1e-5)


def test_sample_weights_go_before_class_weights():
    first, second = (stack("sparse_categorical_crossentropy") for _ in range(2))
    second.set_weights(first.get_weights())
    first.train_on_batch(X, LABELS, sample_weight=WEIGHTS, class_weight={0: 9.0, 1: 9.0, 2: 9.0})
    second.train_on_batch(X, LABELS, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_weights_of_steps_and_masks():
    made = Sequential([L.Embedding(6, 3, mask_zero=True, input_length=5), L.Activation("tanh")])
    made.compile("sgd", "mse", sample_weight_mode="temporal")
    steps = RANDOM.randint(0, 3, (4, 5))
    target = RANDOM.rand(4, 5, 3)
    weights = RANDOM.rand(4, 5)
    score = np.square(made.predict(steps) - target).mean(axis=-1)
    mask = (steps != 0) * 1.0
    assert made.evaluate(steps, target, verbose=0) == pytest.approx(reference_score(score, None, mask), rel=1e-5)
    found = made.evaluate(steps, target, verbose=0, sample_weight=weights)
    assert found == pytest.approx(reference_score(score, weights, mask), rel=1e-5)


def test_weights_of_one_change_nothing():
    first, second = (stack("mse", optimizer="adam", metrics=["mae"], weighted_metrics=["mae"]) for _ in range(2))
    second.set_weights(first.get_weights())
    for step in range(6):
        # Both variants of the step train the same weights with the same optimizer state.
        weights = np.ones(20) if step % 2 else None
        a, b = first.train_on_batch(X, Y), second.train_on_batch(X, Y, sample_weight=weights)
        np.testing.assert_allclose(a, b, rtol=1e-6)
    for a, b in zip(first.optimizer.get_weights(), second.optimizer.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert K.get_value(second.optimizer.iterations) == 6


class OwnOptimizer(Optimizer):
    """Momentum that makes its state along with its updates."""

    def get_updates(self, loss, params):
        self.weights = [K.zeros(K.int_shape(p)) for p in params]
        updates = []
        for p, g, m in zip(params, self.get_gradients(loss, params), self.weights, strict=True):
            velocity = 0.9 * m - 0.1 * g
            updates += [(m, velocity), (p, p + velocity)]
        return updates


def test_an_optimizer_of_the_users_own_keeps_one_state():
    ours, own = stack(optimizer=SGD(0.1, momentum=0.9)), stack(optimizer=OwnOptimizer())
    own.set_weights(ours.get_weights())
    for step in range(4):
        weights = np.ones(20) if step % 2 else None
        for made in (ours, own):
            made.train_on_batch(X, Y, sample_weight=weights)
    np.testing.assert_allclose(ours.get_weights()[0], own.get_weights()[0], rtol=1e-5)


def test_regularizers_and_activities_are_part_of_the_loss():
    kernel = L.Dense(3, input_shape=(4,), kernel_regularizer="l2", activity_regularizer="l1")
    made = Sequential([kernel])
    made.compile("sgd", "mse")
    outputs = predictions(made)
    penalties = 0.01 * np.square(made.get_weights()[0]).sum() + 0.01 * np.abs(outputs).sum()
    expected = np.square(outputs - Y).mean() + penalties
    assert made.evaluate(X, Y, batch_size=20, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert len(made.losses) == 2


# -- metrics ----------------------------------------------------------------------------------------------------

ACCURACY = {
    # loss, units, targets, the function that 'accuracy' stands for
    "binary": ("binary_crossentropy", 3, (Y > 0.5) * 1.0, metrics.binary_accuracy),
    "one output": ("mse", 1, Y[:, :1], metrics.binary_accuracy),
    "classes": ("categorical_crossentropy", 3, np.eye(3)[LABELS], metrics.categorical_accuracy),
    "labels": ("sparse_categorical_crossentropy", 3, LABELS[:, None], metrics.sparse_categorical_accuracy),
    "anything else": ("mse", 3, Y, metrics.categorical_accuracy),
}


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy_is_chosen_by_loss_and_output(name):
    loss, units, targets, function = ACCURACY[name]
    made = stack(loss, units, activation="sigmoid", metrics=["accuracy", "acc"])
    assert made.metrics_names == ["loss", "acc", "acc"]
    expected = float(K.eval(K.mean(function(*(K.constant(v, dtype="float32") for v in (targets, made.predict(X)))))))
    assert made.evaluate(X, targets, verbose=0)[1:] == pytest.approx([expected] * 2, rel=1e-6)


def own_metric(y_true, y_pred):
    return K.max(K.abs(y_true - y_pred))


def test_metrics_by_name_and_function_are_given_targets_then_outputs():
    made = stack(metrics=["mae", own_metric, metrics.mean_squared_error, losses.kullback_leibler_divergence])
    assert made.metrics_names == [
        "loss",
        "mean_absolute_error",
        "own_metric",
        "mean_squared_error",
        "kullback_leibler_divergence",
    ]
    found = made.evaluate(X, Y, batch_size=20, verbose=0)
    difference = np.abs(predictions(made) - Y)
    assert found[1] == pytest.approx(difference.mean(), rel=1e-5)
    assert found[2] == pytest.approx(difference.max(), rel=1e-5)
    assert found[3] == pytest.approx(found[0], rel=1e-6)


def test_repeated_metrics_are_numbered_in_the_history():
    made = stack(metrics=["mae", "mae"])
    assert made.metrics_names == ["loss", "mean_absolute_error", "mean_absolute_error"]
    history = made.fit(X, Y, epochs=1, verbose=0)
    assert list(history.history) == ["loss", "mean_absolute_error_1", "mean_absolute_error_2"]


def test_types_of_what_is_returned():
    made, bare = stack(metrics=["mae"]), stack()
    assert [type(v) for v in made.train_on_batch(X, Y)] == [np.float32] * 2
    assert type(bare.train_on_batch(X, Y)) is np.float32
    assert [type(v) for v in made.evaluate(X, Y, verbose=0)] == [np.float64] * 2
    assert type(bare.evaluate(X, Y, verbose=0)) is np.float64
    history = made.fit(X, Y, epochs=2, verbose=0).history
    assert {type(v) for values in history.values() for v in values} == {np.float64}


def test_attributes_of_a_compiled_model():
    made = stack("mse", metrics=["acc"], weighted_metrics=["mae"])
    assert (made.loss, made.metrics, made.weighted_metrics, made.sample_weight_mode) == ("mse", ["acc"], ["mae"], None)
    assert made.loss_functions == [losses.mean_squared_error]
    assert K.int_shape(made.total_loss) == ()
    assert len(made.metrics_tensors) == 2
    assert [K.int_shape(t) for t in made.targets] == [(None, 3)]
    assert [K.int_shape(t) for t in made.sample_weights] == [(None,)]
    gradient = K.gradients(made.total_loss, made.trainable_weights)
    f = K.function([made.input, made.targets[0], made.sample_weights[0]], gradient)
    assert f([X, Y, np.ones(20)])[0].shape == (4, 3)


# -- data -------------------------------------------------------------------------------------------------------


def batches_of(shuffle):
    """Return each batch's size and sum of cubes, as fit takes the samples 0 to 13 in batches of 6 for two epochs."""

    def cube(y_true, y_pred):
        return K.sum(K.square(y_true) * y_true)

    made = Sequential([L.Dense(1, input_shape=(1,))])
    made.compile("sgd", "mse", metrics=[cube])
    seen = []
    note = LambdaCallback(on_batch_end=lambda batch, logs: seen.append((logs["size"], float(logs["cube"]))))
    np.random.seed(8)
    made.fit(np.zeros(14), np.arange(14), batch_size=6, epochs=2, shuffle=shuffle, verbose=0, callbacks=[note])
    return seen


def cubes(index, bounds):
    return [(stop - start, float((index[start:stop] ** 3).sum())) for start, stop in bounds]


BOUNDS = [(0, 6), (6, 12), (12, 14)]


def test_samples_are_shuffled_anew_each_epoch():
    np.random.seed(8)
    index, expected = np.arange(14), []
    for _ in range(2):
        np.random.shuffle(index)
        expected += cubes(index, BOUNDS)
    np.testing.assert_allclose(batches_of(True), expected)


def test_samples_keep_their_order():
    np.testing.assert_allclose(batches_of(False), cubes(np.arange(14), BOUNDS) * 2)


def test_batches_are_shuffled_whole_and_the_rest_stays_last():
    np.random.seed(8)
    index, expected = np.arange(14), []
    for _ in range(2):
        rows = index[:12].reshape(2, 6)
        np.random.shuffle(rows)
        expected += cubes(index, BOUNDS)
    np.testing.assert_allclose(batches_of("batch"), expected)


class RisingOnly:
    """Reads rows in rising order only, as files do."""

    dtype = np.dtype("float32")
    shape = (14, 1)

    def __getitem__(self, index):
        if isinstance(index, list) and index != sorted(index):
            raise TypeError("Indexing elements must be in increasing order")
        return np.arange(14, dtype="float32")[:, None][index]

    def __len__(self):
        return 14


def test_data_in_files_is_read_batch_by_batch():
    made = Sequential([L.Dense(1, input_shape=(1,))])
    made.compile("sgd", "mse")
    targets = np.zeros(14)
    made.fit(RisingOnly(), targets, shuffle="batch", batch_size=4, epochs=2, verbose=0)
    assert made.predict(RisingOnly(), batch_size=4).shape == (14, 1)
    with pytest.raises(TypeError, match="RisingOnly could not read samples in the order .* Pass shuffle='batch'"):
        made.fit(RisingOnly(), targets, verbose=0)


def read_only(x):
    x.flags.writeable = False
    return x


LARGE = {
    "as they lie": lambda x: x,
    "that may not be written": read_only,
    "at an odd address": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view("float32").reshape(x.shape),
    "columns first": np.asfortranarray,
    "doubles": np.float64,
    "from a file": lambda x: np.require(x, requirements="C").view(np.memmap),
}


@pytest.mark.parametrize("size, copied", [(30, False), (10, True)])
def test_only_small_batches_are_copied(size, copied):
    x = np.random.RandomState(6).rand(70, 1100).astype("float32")
    made = Sequential([L.Dense(2, input_shape=(1100,))])
    function = made._get_functions().predict(len(x))
    with Stepper(function, [Feed("who", x, "float32")]) as stepper:
        stepper.run_rows(20, 20 + size)
        (read,) = stepper.runner(size)[0].inputs
        assert np.shares_memory(read, x) == (not copied)
        np.testing.assert_array_equal(read, x[20 : 20 + size])
        (last,) = stepper.run_rows(0, size, np.arange(70)[::-1])
        np.testing.assert_allclose(last, made.predict_on_batch(x[::-1][:size]), 1e-5, 1e-5)
        np.testing.assert_array_equal(x, np.random.RandomState(6).rand(70, 1100).astype("float32"))


@pytest.mark.parametrize("name", LARGE)
def test_large_samples_are_read_where_they_lie(name):
    x, y = np.random.RandomState(6).rand(70, 1100).astype("float32"), np.zeros((70, 2))
    given = LARGE[name](x.copy())
    made = Sequential([L.Dense(2, input_shape=(1100,))])
    made.compile("sgd", "mse")
    kernel, bias = made.get_weights()
    expected = x.astype("float64") @ kernel + bias
    np.testing.assert_allclose(made.predict(given, batch_size=30), expected, 1e-4, 1e-5)
    np.testing.assert_allclose(made.evaluate(given, y, batch_size=30, verbose=0), (expected**2).mean(), 1e-4)
    np.testing.assert_array_equal(given, x)
    # Nothing is kept of them, and the next batch of that size is read in place of them.
    kept = weakref.ref(given)
    del given
    gc.collect()
    assert kept() is None
    np.testing.assert_allclose(made.predict_on_batch(x[:30] * 2), 2 * (expected[:30] - bias) + bias, 1e-4, 1e-5)


def test_validation_split_takes_the_last_samples():
    made = stack(metrics=["mae"])
    history = made.fit(X, Y, epochs=1, verbose=0, validation_split=0.3, sample_weight=WEIGHTS)
    found = made.evaluate(X[14:], Y[14:], verbose=0, sample_weight=WEIGHTS[14:])
    assert [history.history["val_loss"][0], history.history["val_mean_absolute_error"][0]] == pytest.approx(found)
    assert list(history.history) == ["val_loss", "val_mean_absolute_error", "loss", "mean_absolute_error"]


@pytest.mark.parametrize("weights", [(), (np.linspace(0, 1, 20),)])
def test_validation_data_goes_before_the_split(weights):
    made = stack()
    history = made.fit(X, Y, epochs=1, verbose=0, validation_split=0.3, validation_data=(X, Y, *weights))
    expected = made.evaluate(X, Y, verbose=0, sample_weight=weights[0] if weights else None)
    assert history.history["val_loss"] == pytest.approx([expected])


def test_initial_epoch():
    history = stack().fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]
    assert stack().fit(X, Y, epochs=0, verbose=0).history == {}


def test_class_weights_that_are_no_dict_are_ignored_aloud():
    with pytest.warns(UserWarning, match="class_weight is 'auto'; expected a dict .* It is ignored."):
        stack().fit(X, Y, epochs=1, verbose=0, class_weight="auto")


# -- several outputs --------------------------------------------------------------------------------------------


def two_headed(**arguments):
    inputs = L.Input((4,), name="in")
    hidden = L.Dense(5, activation="tanh")(inputs)
    made = Model(inputs, [L.Dense(3, name="a")(hidden), L.Dense(1, name="b")(hidden)])
    made.compile("sgd", **arguments)
    return made


TWO = [Y, Y[:, :1]]

HEADS = {
    "one loss": {"loss": "mse"},
    "a list": {"loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]},
    "a dict": {"loss": {"a": "mse", "b": "mae"}, "loss_weights": {"b": 2.0, "a": 0.5}},
}


@pytest.mark.parametrize("name", HEADS)
def test_several_outputs(name):
    arguments = HEADS[name]
    made = two_headed(**arguments, metrics={"b": "mse"})
    assert made.metrics_names == ["loss", "a_loss", "b_loss", "b_mean_squared_error"]
    found = made.evaluate(X, TWO, verbose=0)
    factors = [0.5, 2.0] if "loss_weights" in arguments else [1.0, 1.0]
    assert found[0] == pytest.approx(np.dot(factors, found[1:3]), rel=1e-6)
    a, b = made.predict(X)
    assert found[1] == pytest.approx(np.square(a - Y).mean(), rel=1e-5)
    assert found[3] == pytest.approx(np.square(b - Y[:, :1]).mean(), rel=1e-5)
    history = made.fit({"in": X}, {"a": Y, "b": Y[:, :1]}, epochs=2, verbose=0, validation_split=0.2)
    assert len(history.history) == 8
    weights = {"a": np.ones(20), "b": np.zeros(20) + 2}
    weighted = made.evaluate(X, TWO, verbose=0, sample_weight=weights)
    assert weighted[2] == pytest.approx(2 * made.evaluate(X, TWO, verbose=0)[2], rel=1e-5)
    assert made.evaluate(X, TWO, verbose=0, sample_weight=[weights["a"], weights["b"]]) == pytest.approx(weighted)


def test_an_output_without_loss_needs_no_target():
    inputs = L.Input((4,))
    hidden = L.Dense(5)(inputs)
    made = Model(inputs, [L.Dense(3, name="a")(hidden), L.Activation("tanh", name="b")(hidden)])
    with pytest.warns(UserWarning, match="loss lacks the output 'b'; expected an entry. The output is not trained."):
        made.compile("sgd", {"a": "mse"})
    made.fit(X, Y, epochs=1, verbose=0)
    assert made.metrics_names == ["loss", "a_loss"]


def test_targets_may_be_tensors():
    inputs = L.Input((4,))
    made = Model(inputs, L.Dense(3)(inputs))
    made.compile("sgd", "mse", target_tensors=[K.constant(np.zeros((20, 3)))])
    losses_seen = [made.train_on_batch(X, None) for _ in range(3)]
    assert losses_seen[0] > losses_seen[2]


def test_nothing_to_feed_at_all():
    constant = L.Input(tensor=K.constant(X))
    made = Model(constant, L.Dense(3)(constant))
    made.compile("sgd", "mse", target_tensors=[K.constant(Y)])
    history = made.fit(steps_per_epoch=4, epochs=2, verbose=0, validation_steps=2)
    assert list(history.history) == ["val_loss", "loss"]
    assert history.params["steps"] == 4
    assert made.evaluate(None, None, steps=2, verbose=0) == pytest.approx(history.history["val_loss"][-1], rel=1e-5)
    assert made.predict(None, steps=2).shape == (40, 3)
    with pytest.raises(ValueError, match="validation_steps is 2 without steps_per_epoch"):
        made.fit(validation_steps=2)
    with pytest.raises(ValueError, match="batch_size is 3 and steps_per_epoch 4; expected one of them"):
        made.fit(batch_size=3, steps_per_epoch=4)


def test_a_loss_without_gradient_is_found_before_training():
    made = stack()
    made.compile(Adam(), lambda y_true, y_pred: K.mean(K.cast(K.argmax(y_pred), "float32") - y_true[:, 0]))
    with pytest.raises(ValueError, match="no gradient for"):
        made.fit(X, Y, verbose=0)
    assert K.get_value(made.optimizer.iterations) == 0


# -- what is printed --------------------------------------------------------------------------------------------


def printed(capsys, **arguments):
    np.random.seed(1)
    made = stack(metrics=["mae"])
    made.set_weights([np.full((4, 3), 0.1), np.zeros(3)])
    made.fit(X, Y, shuffle=False, **arguments)
    return re.sub(r"\d+s", "0s", capsys.readouterr().out)


def test_verbose_1_draws_a_bar(capsys):
    text = printed(capsys, batch_size=20, epochs=2, validation_split=0.0)
    assert re.fullmatch(
        r"Epoch 1/2\n\r20/20 \[={30}\] - 0s - loss: 0\.\d{4} - mean_absolute_error: 0\.\d{4}\n"
        r"Epoch 2/2\n\r20/20 \[={30}\] - 0s - loss: 0\.\d{4} - mean_absolute_error: 0\.\d{4}\n",
        text,
    )
    text = printed(capsys, batch_size=8, epochs=1)
    assert re.match(r"Epoch 1/1\n\r 8/20 \[===========>\.{18}\] - ETA: 0s - loss: ", text)


def test_verbose_2_writes_a_line(capsys):
    text = printed(capsys, batch_size=8, epochs=1, verbose=2, validation_split=0.5)
    assert re.fullmatch(
        r"Train on 10 samples, validate on 10 samples\nEpoch 1/1\n0s - loss: 0\.\d{4} - mean_absolute_error: 0\.\d{4} "
        r"- val_loss: 0\.\d{4} - val_mean_absolute_error: 0\.\d{4}\n",
        text,
    )
    assert printed(capsys, epochs=2, verbose=0) == ""


def test_evaluate_and_predict_draw_a_bar(capsys):
    made = stack()
    made.evaluate(X, Y, batch_size=20)
    made.predict(X, batch_size=20, verbose=1)
    made.predict_classes(X, batch_size=20)
    bar = "\r20/20 [==============================] - 0s\n"
    assert re.sub(r"\d+s", "0s", capsys.readouterr().out) == bar * 3


# As the original draws them, at a time that stands still: arguments, updates, text.
BARS = {
    "steps": (
        {"target": 3, "width": 10},
        [(1, [("a", 1.0)]), (2, [("a", 3.0)]), (3, [("b", -0.0001)])],
        "\r1/3 [==>.......] - ETA: 0s - a: 1.0000" + "\b" * 38 + "\r2/3 [=====>....] - ETA: 0s - a: 2.0000" + "\b" * 38
        + "\r3/3 [==========] - 0s - a: 2.0000 - b: -1.0000e-04\n",
    ),
    "shorter than before": (
        {"target": 10, "width": 5},
        [(4, []), (10, [])],
        "\r 4/10 [=>...] - ETA: 0s" + "\b" * 23 + "\r10/10 [=====] - 0s     \n",
    ),
    "a share of a step": (
        {"target": 2.5, "width": 5}, [(1, []), (3, [])],
        "\r1/2 [=>...] - ETA: 0s" + "\b" * 21 + "\r3/2 [======] - 0s    \n",
    ),
    "a line": ({"target": 2, "verbose": 2}, [(1, [("a", 1.0)]), (2, [("a", -3.0)])], "0s - a: -1.0000e+00\n"),
    "silent": ({"target": 2, "verbose": 0}, [(1, [("a", 1.0)]), (2, [])], ""),
    "no target": ({"target": None}, [(1, [("a", 1.0)])], "\r - 0s - a: 1.0000\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BARS)
def test_progress_bar(name, capsys):
    arguments, updates, text = BARS[name]
    bar = Progbar(**arguments, interval=0)
    for current, values in updates:
        bar.update(current, values)
    assert capsys.readouterr().out == text


def test_progress_bar_rests_between_drawings(capsys):
    bar = Progbar(1000, interval=3600)
    for _ in range(20):
        bar.add(1, [("a", 2.0)])
    bar.update(21, force=True)
    assert capsys.readouterr().out.count("\r") == 2
