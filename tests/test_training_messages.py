"""Bad input: the exact text of each error, its type, and that weights and optimizer are as before."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.callbacks import LearningRateScheduler
from onnxseq.layers import Dense, Embedding, Input
from onnxseq.models import Sequential, model_from_config, model_from_json, model_from_yaml

X = np.arange(40, dtype="float32").reshape(10, 4) / 40
Y = X.sum(axis=1, keepdims=True)
LABELS = np.arange(10) % 3
ONE_HOT = np.eye(3)[LABELS]


def model(loss="mse", units=1, **arguments):
    K.clear_session()
    made = Sequential([Dense(3, input_shape=(4,), name="a"), Dense(units, name="b")])
    made.compile("sgd", loss, **arguments)
    return made


def own_loss(y_true, y_pred):
    return K.mean(K.square(y_true - y_pred), axis=-1)


FIT = "Sequential 'sequential_1'.fit: "

# name: (model's arguments, the call, type, text)
FIT_FAULTS = {
    "several arrays": (
        {}, lambda m: m.fit([X, X], Y), ValueError,
        "input data is a list of 2 arrays; expected 1 array(s) for 'a_input'. A Sequential model has one input and one "
        "output: pass one array, or join several into one.",
    ),
    "wrong shape": (
        {}, lambda m: m.fit(X[:, :3], Y), ValueError,
        "input 'a_input' has shape (10, 3); expected shape (None, 4). Change the array or the layer that it meets.",
    ),
    "wrong rank": (
        {}, lambda m: m.fit(X[:, :, None], Y), ValueError,
        "input 'a_input' has shape (10, 4, 1); expected shape (None, 4). "
        "Reshape the array to 2 axes, the first of them the samples.",
    ),
    "wrong dtype": (
        {}, lambda m: m.fit(np.array([["a", "b", "c", "d"]] * 10), Y), ValueError,
        "input 'a_input' has dtype <U1 and values such as 'a'; expected numbers. "
        "Encode it as numbers first, e.g. by Tokenizer or to_categorical.",
    ),
    "complex": (
        {}, lambda m: m.fit(X.astype("complex64"), Y), ValueError,
        "input 'a_input' has dtype complex64 and values such as 0j; expected numbers. "
        "Encode it as numbers first, e.g. by Tokenizer or to_categorical.",
    ),
    "no array": (
        {}, lambda m: m.fit("abc", Y), TypeError,
        "input data is 'abc'; expected an array, or a list or dict of arrays.",
    ),
    "dict without the name": (
        {}, lambda m: m.fit({"z": X}, Y), ValueError,
        "the input dict has keys 'z' but lacks 'a_input'; expected 'a_input'.",
    ),
    "no input": ({}, lambda m: m.fit(None, Y), ValueError, "no input data; expected arrays for 'a_input'."),
    "no target": ({}, lambda m: m.fit(X, None), ValueError, "no target data; expected arrays for 'b'."),
    "rows of different lengths": (
        {}, lambda m: m.fit([[1, 2, 3, 4], [1, 2]], Y[:2]), ValueError,
        "input 'a_input' is [[1, 2, 3, 4], [1, 2]]; expected rows of one length.",
    ),
    "empty": (
        {}, lambda m: m.fit(X[:0], Y[:0]), ValueError,
        "input 'a_input' has shape (0, 4); expected at least one sample.",
    ),
    "different lengths": (
        {}, lambda m: m.fit(X, Y[:9]), ValueError,
        "10 input samples and 9 target samples; expected as many targets as inputs.",
    ),
    "sample weights of another length": (
        {}, lambda m: m.fit(X, Y, sample_weight=np.ones(9)), ValueError,
        "sample_weight has shape (9,) and the target (10, 1); expected sample_weight of shape (10,).",
    ),
    "sample weights of rank 2": (
        {}, lambda m: m.fit(X, Y, sample_weight=np.ones((10, 1))), ValueError,
        "sample_weight has shape (10, 1); expected 1 axes in sample_weight_mode None. "
        "Compile with sample_weight_mode='temporal' to weight steps.",
    ),
    "sample weight that is no number": (
        {}, lambda m: m.fit(X, Y, sample_weight=np.where(np.arange(10) == 4, np.nan, 1.0)), ValueError,
        "sample_weight holds nan at 4; expected weights that are finite and not negative.",
    ),
    "negative sample weight": (
        {}, lambda m: m.fit(X, Y, sample_weight=1.0 - np.arange(10)), ValueError,
        "sample_weight holds -1.0 at 2; expected weights that are finite and not negative.",
    ),
    "step weights without steps": (
        {"sample_weight_mode": "temporal"}, lambda m: m.fit(X, Y, sample_weight=np.ones((10, 1))), ValueError,
        "sample_weight_mode is 'temporal' and the target has shape (10, 1); "
        "expected a target of at least 3 axes, the second of them the steps.",
    ),
    "class without weight": (
        {"loss": "categorical_crossentropy", "units": 3}, lambda m: m.fit(X, ONE_HOT, class_weight={0: 1.0, 1: 2.0}),
        ValueError, "the targets have classes [2] and class_weight has [0, 1]; expected a weight for every class.",
    ),
    "negative class weight": (
        {"loss": "categorical_crossentropy", "units": 3}, lambda m: m.fit(X, ONE_HOT, class_weight={0: 1, 1: -2, 2: 1}),
        ValueError, "class_weight holds -2.0; expected weights that are finite and not negative.",
    ),
    "target of another shape": (
        {"units": 3}, lambda m: m.fit(X, Y), ValueError,
        "target 'b' has shape (10, 1); expected shape (None, 3). Change the array or the layer that it meets.",
    ),
    "labels for a loss on rows": (
        {"loss": "categorical_crossentropy"}, lambda m: m.fit(X, Y), ValueError,
        "target has shape (10, 1) and the loss is 'categorical_crossentropy'; expected one column per class. "
        "Encode integer labels by utils.to_categorical, or use 'sparse_categorical_crossentropy'.",
    ),
    "rows for a loss on labels": (
        {"loss": "sparse_categorical_crossentropy", "units": 3}, lambda m: m.fit(X, ONE_HOT), ValueError,
        "target 'b' has shape (10, 3); expected shape (None, 1). "
        "Pass one integer label per sample for a sparse loss, or give the last layer as many units.",
    ),
    "label beyond the classes": (
        {"loss": "sparse_categorical_crossentropy", "units": 3}, lambda m: m.fit(X, LABELS + 1), ValueError,
        "target has labels from 1 to 3 and the output 3 classes; expected labels from 0 to 2.",
    ),
    "a loss of the user's that does not fit": (
        {"loss": own_loss, "units": 3}, lambda m: m.fit(X, ONE_HOT[:, :2]), ValueError,
        "target of 'b' has shape (10, 2), the output (None, 3) and loss 'own_loss' fails on them (Sub: shapes "
        "(None, 2) and (None, 3) do not broadcast; expected equal sizes, or 1, on every axis counted from the last.); "
        "expected a target that the loss takes.",
    ),
    "validation data of four": (
        {}, lambda m: m.fit(X, Y, validation_data=(X, Y, None, None)), ValueError,
        "validation_data has 4 items; expected 2, (x_val, y_val), or 3, (x_val, y_val, val_sample_weights).",
    ),
    "validation data of another shape": (
        {}, lambda m: m.fit(X, Y, validation_data=(X[:, :2], Y)), ValueError,
        "input 'a_input' has shape (10, 2); expected shape (None, 4). Change the array or the layer that it meets.",
    ),
    "nothing left to train on": (
        {}, lambda m: m.fit(X, Y, validation_split=0.99), ValueError,
        "validation_split is 0.99 with 10 samples; expected a share that leaves samples to train on.",
    ),
    "batch of none": ({}, lambda m: m.fit(X, Y, batch_size=0), ValueError, "batch_size is 0; expected at least 1."),
    "batch of a share": (
        {}, lambda m: m.fit(X, Y, batch_size=2.5), TypeError, "batch_size is 2.5; expected an integer.",
    ),
    "epochs of a share": ({}, lambda m: m.fit(X, Y, epochs=2.5), TypeError, "epochs is 2.5; expected an integer."),
    "a callback that is none": (
        {}, lambda m: m.fit(X, Y, callbacks=[3]), AttributeError,
        "callbacks holds 3; expected instances of Callback. Derive the class from Callback.",
    ),
    "callbacks that are no list": (
        {}, lambda m: m.fit(X, Y, callbacks=LearningRateScheduler(float)), TypeError,
        "callbacks is a LearningRateScheduler; expected a list of callbacks. Put it in a list.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIT_FAULTS)
def test_fit_refuses(name):
    arguments, call, kind, message = FIT_FAULTS[name]
    made = model(**arguments)
    check_refused(made, call, kind, FIT + message)


def check_refused(made, call, kind, message):
    before = made.get_weights()
    with pytest.raises(kind) as caught:
        call(made)
    assert type(caught.value) is kind
    assert str(caught.value) == message
    for old, new in zip(before, made.get_weights(), strict=True):
        assert np.array_equal(old, new)
    assert K.get_value(made.optimizer.iterations) == 0


WHO = "Sequential 'sequential_1'"

# name: (the call, type, text)
OTHER_FAULTS = {
    "evaluate": (
        lambda m: m.evaluate(X[:, :3], Y), ValueError,
        f"{WHO}.evaluate: input 'a_input' has shape (10, 3); expected shape (None, 4). "
        "Change the array or the layer that it meets.",
    ),
    "evaluate on nothing": (
        lambda m: m.evaluate(X[:0], Y[:0]), ValueError,
        f"{WHO}.evaluate: input 'a_input' has shape (0, 4); expected at least one sample.",
    ),
    "predict": (
        lambda m: m.predict(X[:, :3]), ValueError,
        f"{WHO}.predict: input 'a_input' has shape (10, 3); expected shape (None, 4). "
        "Change the array or the layer that it meets.",
    ),
    "predict on nothing": (
        lambda m: m.predict(X[:0]), ValueError,
        f"{WHO}.predict: input 'a_input' has shape (0, 4); expected at least one sample.",
    ),
    "predict a number": (
        lambda m: m.predict(3), TypeError,
        f"{WHO}.predict: input data is 3; expected an array, or a list or dict of arrays.",
    ),
    "predict_on_batch": (
        lambda m: m.predict_on_batch(X[0]), ValueError,
        f"{WHO}.predict_on_batch: input 'a_input' has shape (4, 1); expected shape (None, 4). "
        "Change the array or the layer that it meets.",
    ),
    "train_on_batch": (
        lambda m: m.train_on_batch(X, Y[:3]), ValueError,
        f"{WHO}.train_on_batch: 10 input samples and 3 target samples; expected as many targets as inputs.",
    ),
    "test_on_batch": (
        lambda m: m.test_on_batch(X, None), ValueError,
        f"{WHO}.test_on_batch: no target data; expected arrays for 'b'.",
    ),
    "a generator of numbers": (
        lambda m: m.fit_generator(iter([3]), 1), ValueError,
        f"{WHO}.fit_generator: the generator yielded 3; expected (x, y) or (x, y, sample_weight).",
    ),
    "a generator of four": (
        lambda m: m.fit_generator(iter([(X, Y, Y, Y)]), 1, verbose=0), ValueError,
        f"{WHO}.fit_generator: the generator yielded a tuple of 4 arrays of shapes (10, 4), (10, 1), (10, 1), (10, 1); "
        "expected (x, y) or (x, y, sample_weight).",
    ),
    "a generator of another shape": (
        lambda m: m.fit_generator(iter([(X[:, :2], Y)]), 1, verbose=0), ValueError,
        f"{WHO}.fit_generator, batch 1: {WHO}.train_on_batch: input 'a_input' has shape (10, 2); "
        "expected shape (None, 4). Change the array or the layer that it meets.",
    ),
    "evaluate a generator of another shape": (
        lambda m: m.evaluate_generator(iter([(X, Y), (X[:, :2], Y)]), 2), ValueError,
        f"{WHO}.evaluate_generator, batch 2: {WHO}.test_on_batch: input 'a_input' has shape (10, 2); "
        "expected shape (None, 4). Change the array or the layer that it meets.",
    ),
    "predict a generator of another shape": (
        lambda m: m.predict_generator(iter([X[:, :2]]), 1), ValueError,
        f"{WHO}.predict_generator, batch 1: {WHO}.predict_on_batch: input 'a_input' has shape (10, 2); "
        "expected shape (None, 4). Change the array or the layer that it meets.",
    ),
    "predict_classes": (
        lambda m: m.predict_classes(X[:, :2]), ValueError,
        f"{WHO}.predict_classes: {WHO}.predict: input 'a_input' has shape (10, 2); expected shape (None, 4). "
        "Change the array or the layer that it meets.",
    ),
    "predict_proba": (
        lambda m: m.predict_proba(X[:, :2]), ValueError,
        f"{WHO}.predict_proba: {WHO}.predict: input 'a_input' has shape (10, 2); expected shape (None, 4). "
        "Change the array or the layer that it meets.",
    ),
    "a generator that is a list": (
        lambda m: m.fit_generator([1, 2], 1), TypeError,
        f"{WHO}.fit_generator: generator is [1, 2]; expected an iterator of batches or a Sequence. "
        "Pass iter(...) of it.",
    ),
    "a generator that ends": (
        lambda m: m.evaluate_generator(iter([(X, Y)]), 2), StopIteration,
        f"{WHO}.evaluate_generator: the generator ended before batch 2 of 2; expected a generator that goes on for all "
        "steps of all epochs. Let it loop over its data without end.",
    ),
    "generator steps": (
        lambda m: m.fit_generator(iter([]), 0), ValueError,
        f"{WHO}.fit_generator: steps_per_epoch is 0; expected at least 1.",
    ),
    "evaluate_generator steps": (
        lambda m: m.evaluate_generator(iter([]), 0), ValueError,
        f"{WHO}.evaluate_generator: steps is 0; expected at least 1.",
    ),
    "validation generator without steps": (
        lambda m: m.fit_generator(iter([]), 1, validation_data=iter([])), ValueError,
        f"{WHO}.fit_generator: validation_data is a generator and validation_steps is None; "
        "expected the number of its batches.",
    ),
    "validation data of a generator": (
        lambda m: m.fit_generator(iter([]), 1, validation_data=(X,)), ValueError,
        f"{WHO}.fit_generator: validation_data is a tuple of 1 arrays of shapes (10, 4); "
        "expected (x_val, y_val), (x_val, y_val, val_sample_weights), a generator or a Sequence.",
    ),
    "predict_generator": (
        lambda m: m.predict_generator(iter([(X,)]), 1), ValueError,
        f"{WHO}.predict_generator: the generator yielded a tuple of 1 arrays of shapes (10, 4); "
        "expected (x, y) or (x, y, sample_weight).",
    ),
    "unknown keyword": (
        lambda m: m.fit_generator(iter([]), 1, nb_worker=2), ValueError,
        "fit_generator: unknown keyword argument 'nb_worker'; "
        "expected none, or one of the older names 'max_q_size', 'pickle_safe'.",
    ),
    "queue": (
        lambda m: m.fit_generator(iter([]), 1, max_queue_size=0), ValueError,
        "fit_generator: max_queue_size is 0; expected at least 1. Give the number of batches that may wait.",
    ),
    "learning rate": (
        lambda m: m.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 1)]), ValueError,
        "LearningRateScheduler: schedule(0) returned 1; expected a float. Return float(...) from the schedule.",
    ),
    "set_weights": (
        lambda m: m.set_weights([np.zeros((4, 3))]), ValueError,
        f"{WHO}: a list of 1 weights arrived; expected 4, of shapes [(4, 3), (3,), (3, 1), (1,)]. "
        "Pass what get_weights() returns.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FAULTS)
def test_methods_refuse(name):
    call, kind, message = OTHER_FAULTS[name]
    check_refused(model(), call, kind, message)


COMPILE_FAULTS = {
    "loss": ({"loss": None}, ValueError,
             "compile: loss is None and no layer adds a loss; expected something to minimize. "
             "Name a loss, e.g. 'mse'."),
    "metrics": ({"loss": "mse", "metrics": "acc"}, TypeError,
                "compile: metrics is 'acc'; expected a list, or a dict by output. Write ['accuracy']."),
    "losses": ({"loss": ["mse", "mse"]}, ValueError,
               "compile: loss is a list of 2; expected 1, one for each output: 'b'."),
    "loss by output": ({"loss": {"z": "mse"}}, ValueError,
                       "compile: loss has the key 'z'; expected outputs of the model: 'b'."),
    "mode": ({"loss": "mse", "sample_weight_mode": "hourly"}, ValueError,
             "compile: sample_weight_mode is 'hourly'; expected None or 'temporal'."),
    "loss_weights": ({"loss": "mse", "loss_weights": 2}, TypeError,
                     "compile: loss_weights is 2; expected a list or dict of numbers."),
    "target_tensors": ({"loss": "mse", "target_tensors": 2}, TypeError,
                       "compile: target_tensors is 2; expected a list or dict of tensors."),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPILE_FAULTS)
def test_compile_refuses_and_leaves_the_model_compiled_as_it_was(name):
    arguments, kind, message = COMPILE_FAULTS[name]
    made = model(metrics=["mae"])
    first = made.optimizer
    with pytest.raises(kind) as caught:
        made.compile("adam", **arguments)
    assert str(caught.value) == message
    assert made.optimizer is first
    assert made.metrics_names == ["loss", "mean_absolute_error"]


UNCOMPILED = {
    "fit": lambda m: m.fit(X, Y),
    "evaluate": lambda m: m.evaluate(X, Y),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "test_on_batch": lambda m: m.test_on_batch(X, Y),
    "fit_generator": lambda m: m.fit_generator(iter([(X, Y)]), 1),
    "evaluate_generator": lambda m: m.evaluate_generator(iter([(X, Y)]), 1),
}


@pytest.mark.parametrize("method", UNCOMPILED)
def test_training_needs_compile(method):
    K.clear_session()
    made = Sequential([Dense(1, input_shape=(4,))])
    with pytest.raises(RuntimeError) as caught:
        UNCOMPILED[method](made)
    assert str(caught.value) == (
        f"{WHO}.{method}: the model was not compiled; expected a compiled model. Call compile(optimizer, loss) first."
    )


def connected_twice():
    layer = Dense(3, input_shape=(4,), name="d")
    layer(Input((4,)))
    layer(Input((4,)))
    return layer


EMPTY = f"{WHO}.build: the model has no layers; expected at least one. Add layers first."

STACK_FAULTS = {
    "no layer": (lambda m: m.add(3), TypeError,
                 f"{WHO}.add: 3; expected an instance of Layer. Call the class, e.g. Dense(10)."),
    "no input shape": (lambda m: m.add(Dense(3, name="d")), ValueError,
                       f"{WHO}.add: the first layer, Dense 'd', has no input shape; expected one with a known input. "
                       "Give it input_shape=(...) without the batch axis, or batch_input_shape=(...) with it."),
    "connected elsewhere": (lambda m: m.add(connected_twice()), ValueError,
                            f"{WHO}.add: the first layer, Dense 'd', is connected at 2 places; "
                            "expected one that is not connected elsewhere. Make a new layer."),
    "pop": (lambda m: m.pop(), TypeError, f"{WHO}.pop: the model has no layers; expected at least one."),
    "compile": (lambda m: m.compile("sgd", "mse"), TypeError, EMPTY),
    "predict": (lambda m: m.predict(X), TypeError, EMPTY),
    "get_layer": (lambda m: m.get_layer("a"), TypeError, EMPTY),
    "get_weights": (lambda m: m.get_weights(), TypeError, EMPTY),
    "count_params": (lambda m: m.count_params(), TypeError, EMPTY),
}  # fmt: skip


@pytest.mark.parametrize("name", STACK_FAULTS)
def test_an_empty_stack_refuses(name):
    K.clear_session()
    call, kind, message = STACK_FAULTS[name]
    made = Sequential()
    with pytest.raises(kind) as caught:
        call(made)
    assert str(caught.value) == message
    assert made.layers == []


READING_FAULTS = {
    "a list": (lambda: model_from_config([]), TypeError,
               "model_from_config: config is []; expected a dict with 'class_name' and 'config'. "
               "Use Sequential.from_config for a list of layers."),
    "an unknown class": (lambda: model_from_json('{"class_name": "Nope", "config": {}}'), ValueError,
                         "model_from_json: the model: unknown layer 'Nope'; expected a layer that is known. "
                         "Pass your own in custom_objects."),
    "a dangerous tag": (lambda: model_from_yaml("!!python/object/apply:os.system ['true']"), ValueError,
                        "model_from_yaml: could not determine a constructor for the tag 'tag:yaml.org,2002:python/"
                        "object/apply:os.system', in line 1; expected YAML of plain data. "
                        "Text that makes other Python objects is refused, as reading it could run any code."),
}  # fmt: skip


@pytest.mark.parametrize("name", READING_FAULTS)
def test_reading_refuses(name):
    call, kind, message = READING_FAULTS[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_a_fixed_batch_size_is_kept_to():
    K.clear_session()
    made = Sequential([Dense(1, batch_input_shape=(5, 4), name="d")])
    made.compile("sgd", "mse")
    check_refused(
        made,
        lambda m: m.fit(X, Y, batch_size=3),
        ValueError,
        FIT + "10 samples in batches of 3; expected batches of 5, the fixed batch size of input 'd_input'.",
    )
    assert made.predict(X, batch_size=5).shape == (10, 1)


def test_sequences_of_labels_are_checked_too():
    K.clear_session()
    made = Sequential([Embedding(5, 2, input_length=3, name="e"), Dense(4, name="d")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    check_refused(
        made,
        lambda m: m.fit(np.zeros((2, 3)), np.full((2, 3, 1), 4)),
        ValueError,
        FIT + "target has labels from 4 to 4 and the output 4 classes; expected labels from 0 to 3.",
    )
