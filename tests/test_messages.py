"""What bad input to a Sequential raises: the type that real Keras raises, the exact text, and a model as before.

A row names the misuse and says what it raises. ``{who}`` is the entry point, and rows of a family are checked at each
of its entry points. Where real Keras accepts what can only be a mistake (weights that are no number or below zero,
a batch of nothing) the type is ValueError.
"""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import callbacks, layers, models, optimizers

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(8, 6).astype("float32")
Y = np.eye(3, dtype="float32")[RANDOM.randint(0, 3, 8)]
NAN_WEIGHTS = np.where(np.arange(8) == 3, np.nan, 1.0)
NEGATIVE_WEIGHTS = np.where(np.arange(8) == 2, -1.0, 1.0)


def make_model(compiled=True):
    model = models.Sequential(
        [layers.Dense(4, activation="relu", input_shape=(6,), name="hidden"),
         layers.Dense(3, activation="softmax", name="out")], name="net")
    if compiled:
        model.compile(optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy")
        model.train_on_batch(X, Y)
    return model


def state_of(model):
    return model.get_weights() + (model.optimizer.get_weights() if model.optimizer is not None else [])


def check_misuse(misuse, kind, message, compiled=True):
    """Misuse a model; compare what is raised, and the weights and the optimizer's state with those before."""
    K.clear_session()
    model = make_model(compiled)
    before = state_of(model)
    with pytest.raises(kind) as caught:
        misuse(model)
    after = state_of(model)
    assert type(caught.value) is kind
    assert str(caught.value) == message
    assert len(before) == len(after)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def rows(table):
    return pytest.mark.parametrize("misuse, kind, message", [row[1:] for row in table], ids=[row[0] for row in table])


# What takes x and y.
LEARNING = {
    "fit": lambda model, x, y, **more: model.fit(x, y, verbose=0, **more),
    "evaluate": lambda model, x, y, **more: model.evaluate(x, y, verbose=0, **more),
    "train_on_batch": lambda model, x, y, **more: model.train_on_batch(x, y, **more),
    "test_on_batch": lambda model, x, y, **more: model.test_on_batch(x, y, **more),
}
SEVERAL = ("expected 1 array(s) for '{name}'. A Sequential model has one input and one output: pass one array, or join "
           "several into one.")
OTHER_SHAPE = "Change the array or the layer that it meets."
TEXTS = "expected numbers. Encode it as numbers first, e.g. by Tokenizer or to_categorical."
WEIGHTS = "expected weights that are finite and not negative."

LEARNING_ROWS = [
    ("several inputs", lambda f, m: f(m, [X, X], Y), ValueError,
     "{who}: input data is a list of 2 arrays; " + SEVERAL.format(name="hidden_input")),
    ("several targets", lambda f, m: f(m, X, [Y, Y]), ValueError,
     "{who}: target data is a list of 2 arrays; " + SEVERAL.format(name="out")),
    ("wrong shape", lambda f, m: f(m, X[:, :5], Y), ValueError,
     "{who}: input 'hidden_input' has shape (8, 5); expected shape (None, 6). " + OTHER_SHAPE),
    ("wrong rank", lambda f, m: f(m, X[:, :, None], Y), ValueError,
     "{who}: input 'hidden_input' has shape (8, 6, 1); expected shape (None, 6). "
     "Reshape the array to 2 axes, the first of them the samples."),
    ("text", lambda f, m: f(m, np.array([["a"] * 6] * 8), Y), ValueError,
     "{who}: input 'hidden_input' has dtype <U1 and values such as 'a'; " + TEXTS),
    ("empty", lambda f, m: f(m, X[:0], Y[:0]), ValueError,
     "{who}: input 'hidden_input' has shape (0, 6); expected at least one sample."),
    ("other lengths", lambda f, m: f(m, X, Y[:5]), ValueError,
     "{who}: 8 input samples and 5 target samples; expected as many targets as inputs."),
    ("target shape", lambda f, m: f(m, X, Y[:, :2]), ValueError,
     "{who}: target 'out' has shape (8, 2); expected shape (None, 3). " + OTHER_SHAPE),
    ("target rank", lambda f, m: f(m, X, Y[:, :, None]), ValueError,
     "{who}: target 'out' has shape (8, 3, 1); expected shape (None, 3). "
     "Reshape the array to 2 axes, the first of them the samples."),
    ("target text", lambda f, m: f(m, X, np.array([["a"] * 3] * 8)), ValueError,
     "{who}: target 'out' has dtype <U1 and values such as 'a'; " + TEXTS),
    ("labels for one-hot targets", lambda f, m: f(m, X, Y.argmax(1)), ValueError,
     "{who}: target 'out' has shape (8, 1); expected shape (None, 3). " + OTHER_SHAPE),
    ("no targets", lambda f, m: f(m, X, None), ValueError,
     "{who}: no target data; expected arrays for 'out'."),
    ("no inputs", lambda f, m: f(m, None, Y), ValueError,
     "{who}: no input data; expected arrays for 'hidden_input'."),
    ("weights that are no number", lambda f, m: f(m, X, Y, sample_weight=NAN_WEIGHTS), ValueError,
     "{who}: sample_weight holds nan at 3; " + WEIGHTS),
    ("negative weights", lambda f, m: f(m, X, Y, sample_weight=NEGATIVE_WEIGHTS), ValueError,
     "{who}: sample_weight holds -1.0 at 2; " + WEIGHTS),
    ("number of weights", lambda f, m: f(m, X, Y, sample_weight=np.ones(5)), ValueError,
     "{who}: sample_weight has shape (5,) and the target (8, 3); expected sample_weight of shape (8,)."),
    ("rank of weights", lambda f, m: f(m, X, Y, sample_weight=np.ones((8, 2))), ValueError,
     "{who}: sample_weight has shape (8, 2); expected 1 axes in sample_weight_mode None. "
     "Compile with sample_weight_mode='temporal' to weight steps."),
    ("weights of text", lambda f, m: f(m, X, Y, sample_weight=np.array(["a"] * 8)), ValueError,
     "{who}: sample_weight has dtype <U1; expected numbers."),
    ("unknown input", lambda f, m: f(m, {"other": X}, Y), ValueError,
     "{who}: the input dict has keys 'other' but lacks 'hidden_input'; expected 'hidden_input'."),
    ("a number", lambda f, m: f(m, 3.0, Y), TypeError,
     "{who}: input data is 3.0; expected an array, or a list or dict of arrays."),
    ("a string", lambda f, m: f(m, "abc", Y), TypeError,
     "{who}: input data is 'abc'; expected an array, or a list or dict of arrays."),
]


@pytest.mark.parametrize("verb", LEARNING)
@rows(LEARNING_ROWS)
def test_learning(verb, misuse, kind, message):
    check_misuse(lambda model: misuse(LEARNING[verb], model), kind, message.format(who=f"Sequential 'net'.{verb}"))


NOT_COMPILED = "{who}: the model was not compiled; expected a compiled model. Call compile(optimizer, loss) first."


@pytest.mark.parametrize("verb", LEARNING)
def test_not_compiled(verb):
    check_misuse(lambda model: LEARNING[verb](model, X, Y), RuntimeError,
                 NOT_COMPILED.format(who=f"Sequential 'net'.{verb}"), compiled=False)


@pytest.mark.parametrize("verb", ["fit_generator", "evaluate_generator"])
def test_not_compiled_generators(verb):
    check_misuse(lambda model: getattr(model, verb)(forever((X, Y)), 2), RuntimeError,
                 NOT_COMPILED.format(who=f"Sequential 'net'.{verb}"), compiled=False)


# What takes x only.
PREDICTING = {
    "predict": ("predict", lambda model, x: model.predict(x)),
    "predict_on_batch": ("predict_on_batch", lambda model, x: model.predict_on_batch(x)),
    "predict_classes": ("predict_classes: Sequential 'net'.predict", lambda m, x: m.predict_classes(x, verbose=0)),
    "predict_proba": ("predict_proba: Sequential 'net'.predict", lambda m, x: m.predict_proba(x, verbose=0)),
}
PREDICTING_ROWS = [row for row in (
    ("several inputs", lambda f, m: f(m, [X, X]), LEARNING_ROWS[0][2], LEARNING_ROWS[0][3]),
    ("wrong shape", lambda f, m: f(m, X[:, :5]), LEARNING_ROWS[2][2], LEARNING_ROWS[2][3]),
    ("wrong rank", lambda f, m: f(m, X[:, :, None]), LEARNING_ROWS[3][2], LEARNING_ROWS[3][3]),
    ("text", lambda f, m: f(m, np.array([["a"] * 6] * 8)), LEARNING_ROWS[4][2], LEARNING_ROWS[4][3]),
    ("empty", lambda f, m: f(m, X[:0]), LEARNING_ROWS[5][2], LEARNING_ROWS[5][3]),
    ("no inputs", lambda f, m: f(m, None), LEARNING_ROWS[12][2], LEARNING_ROWS[12][3]),
)]


@pytest.mark.parametrize("verb", PREDICTING)
@rows(PREDICTING_ROWS)
def test_predicting(verb, misuse, kind, message):
    who, function = PREDICTING[verb]
    check_misuse(lambda model: misuse(function, model), kind, message.format(who=f"Sequential 'net'.{who}"))


FIT_ROWS = [
    ("class weight below zero", lambda m: m.fit(X, Y, class_weight={0: 1.0, 1: -1.0, 2: 1.0}), ValueError,
     "Sequential 'net'.fit: class_weight holds -1.0; " + WEIGHTS),
    ("class weight that is no number", lambda m: m.fit(X, Y, class_weight={0: 1.0, 1: np.nan, 2: 1.0}), ValueError,
     "Sequential 'net'.fit: class_weight holds nan; " + WEIGHTS),
    ("class without a weight", lambda m: m.fit(X, Y, class_weight={0: 1.0}), ValueError,
     "Sequential 'net'.fit: the targets have classes [1, 2] and class_weight has [0]; "
     "expected a weight for every class."),
    ("validation_data of one", lambda m: m.fit(X, Y, validation_data=(X,)), ValueError,
     "Sequential 'net'.fit: validation_data has 1 items; "
     "expected 2, (x_val, y_val), or 3, (x_val, y_val, val_sample_weights)."),
    ("validation_data an array", lambda m: m.fit(X, Y, validation_data=X), ValueError,
     "Sequential 'net'.fit: validation_data is an array of shape (8, 6) and dtype float32; "
     "expected a tuple (x_val, y_val)."),
    ("validation shape", lambda m: m.fit(X, Y, validation_data=(X[:, :5], Y)), ValueError,
     "Sequential 'net'.fit: input 'hidden_input' has shape (8, 5); expected shape (None, 6). " + OTHER_SHAPE),
    ("no batch", lambda m: m.fit(X, Y, batch_size=0), ValueError,
     "Sequential 'net'.fit: batch_size is 0; expected at least 1."),
    ("half a batch", lambda m: m.fit(X, Y, batch_size=2.5), TypeError,
     "Sequential 'net'.fit: batch_size is 2.5; expected an integer."),
    ("schedule of text",
     lambda m: m.fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "fast")]), ValueError,
     "LearningRateScheduler: schedule(0) returned 'fast'; expected a float. Return float(...) from the schedule."),
]


@rows(FIT_ROWS)
def test_fit(misuse, kind, message):
    check_misuse(misuse, kind, message)


def forever(value):
    while True:
        yield value


def failing():
    raise KeyError("from the generator")
    yield None


def yields(what):
    return "{who}: the generator yielded " + what + "; expected (x, y) or (x, y, sample_weight)."


# label, batch, type, text with {who} as the generator method and {inner} as the method for one batch
GENERATOR_ROWS = [
    ("a tuple of one", (X,), ValueError, yields("a tuple of 1 arrays of shapes (8, 6)")),
    ("an array", X, ValueError, yields("an array of shape (8, 6) and dtype float32")),
    ("a tuple of four", (X, Y, X, Y), ValueError,
     yields("a tuple of 4 arrays of shapes (8, 6), (8, 3), (8, 6), (8, 3)")),
    ("a dict", {"a": 1}, ValueError, yields("{{'a': 1}}")),
    ("a wrong shape", (X[:, :5], Y), ValueError,
     "{inner}: input 'hidden_input' has shape (8, 5); expected shape (None, 6). " + OTHER_SHAPE),
    ("other lengths", (X, Y[:3]), ValueError,
     "{inner}: 8 input samples and 3 target samples; expected as many targets as inputs."),
    ("weights that are no number", (X, Y, NAN_WEIGHTS), ValueError,
     "{inner}: sample_weight holds nan at 3; " + WEIGHTS),
    ("number of weights", (X, Y, np.ones(3)), ValueError,
     "{inner}: sample_weight has shape (3,) and the target (8, 3); expected sample_weight of shape (8,)."),
    ("nothing", (X[:0], Y[:0]), ValueError,
     "{inner}: input 'hidden_input' has shape (0, 6); expected at least one sample."),
    ("only None", None, ValueError,
     "GeneratorEnqueuer: the generator yielded None 1000 times in a row; expected batches."),
]


@pytest.mark.parametrize("verb, inner", [("fit_generator", "train_on_batch"), ("evaluate_generator", "test_on_batch")])
@pytest.mark.parametrize("batch, kind, message", [row[1:] for row in GENERATOR_ROWS],
                         ids=[row[0] for row in GENERATOR_ROWS])
def test_generators(verb, inner, batch, kind, message):
    check_misuse(lambda model: getattr(model, verb)(forever(batch), 2), kind,
                 message.format(who=f"Sequential 'net'.{verb}",
                                inner=f"Sequential 'net'.{verb}, batch 1: Sequential 'net'.{inner}"))


ENDED = ("expected a generator that goes on for all steps of all epochs. Let it loop over its data without end.")
ANY_GENERATOR_ROWS = [
    ("ends at once", lambda f: f(iter(())), StopIteration,
     "{who}: the generator ended before batch 1 of 3; " + ENDED),
    ("raises", lambda f: f(failing()), KeyError, "'from the generator'"),
    ("no generator", lambda f: f(3), TypeError,
     "{who}: generator is 3; expected an iterator of batches or a Sequence. Pass iter(...) of it."),
    ("unknown argument", lambda f: f(forever((X, Y)), other=1), ValueError,
     "{verb}: unknown keyword argument 'other'; "
     "expected none, or one of the older names 'max_q_size', 'pickle_safe'."),
]


@pytest.mark.parametrize("verb", ["fit_generator", "evaluate_generator", "predict_generator"])
@rows(ANY_GENERATOR_ROWS)
def test_any_generator(verb, misuse, kind, message):
    check_misuse(lambda model: misuse(lambda generator, **more: getattr(model, verb)(generator, 3, **more)), kind,
                 message.format(who=f"Sequential 'net'.{verb}", verb=verb))


BATCH_1 = "Sequential 'net'.predict_generator, batch 1: Sequential 'net'.predict_on_batch: "
PREDICT_GENERATOR_ROWS = [
    ("a tuple of four", (X, Y, X, Y), ValueError,
     "Sequential 'net'.predict_generator: the generator yielded a tuple of 4 arrays of shapes (8, 6), (8, 3), (8, 6), "
     "(8, 3); expected (x, y) or (x, y, sample_weight)."),
    ("a wrong shape", X[:, :5], ValueError,
     BATCH_1 + "input 'hidden_input' has shape (8, 5); expected shape (None, 6). " + OTHER_SHAPE),
    ("text", "abc", TypeError,
     BATCH_1 + "input data is 'abc'; expected an array, or a list or dict of arrays."),
]


@pytest.mark.parametrize("batch, kind, message", [row[1:] for row in PREDICT_GENERATOR_ROWS],
                         ids=[row[0] for row in PREDICT_GENERATOR_ROWS])
def test_predict_generator(batch, kind, message):
    check_misuse(lambda model: model.predict_generator(forever(batch), 2), kind, message)


def _dense(name="dense", **arguments):
    return layers.Dense(3, name=name, **arguments)


def _connected_twice(model):
    shared = _dense("shared", input_shape=(4,))
    shared(layers.Input(shape=(4,)))
    shared(layers.Input(shape=(4,)))
    models.Sequential(name="stack").add(shared)


def _two_outputs(model):
    models.Sequential([layers.Lambda(lambda x: [x, x], input_shape=(4,), name="pair"), _dense()], name="stack")


NO_SHAPE = ("Sequential 'stack'.add: the first layer, {layer}, has no input shape; expected one with a known input. "
            "Give it input_shape=(...) without the batch axis, or batch_input_shape=(...) with it.")
NO_LAYERS = "Sequential 'stack'.{verb}: the model has no layers; expected at least one."
BUILDING_ROWS = [
    ("first layer without a shape", lambda m: models.Sequential([_dense()], name="stack"), ValueError,
     NO_SHAPE.format(layer="Dense 'dense'")),
    ("first added without a shape", lambda m: models.Sequential(name="stack").add(layers.Flatten(name="flat")),
     ValueError, NO_SHAPE.format(layer="Flatten 'flat'")),
    ("a number added", lambda m: m.add(3), TypeError,
     "Sequential 'net'.add: 3; expected an instance of Layer. Call the class, e.g. Dense(10)."),
    ("a class added", lambda m: m.add(layers.Dense), TypeError,
     "Sequential 'net'.add: <class 'onnxseq.layers.core.Dense'>; expected an instance of Layer. "
     "Call the class, e.g. Dense(10)."),
    ("a layer that does not fit", lambda m: m.add(layers.Conv2D(2, 2, name="conv")), ValueError,
     "Conv2D 'conv': input 0 has shape (None, 3), which is rank 2; expected rank 4, the batch axis included. "
     "Put Reshape() before it to add the axes that are missing."),
    ("connected elsewhere", _connected_twice, ValueError,
     "Sequential 'stack'.add: the first layer, Dense 'shared', is connected at 2 places; "
     "expected one that is not connected elsewhere. Make a new layer."),
    ("two outputs", _two_outputs, ValueError,
     "Sequential 'stack'.add: Lambda 'pair' returns 2 tensors; expected a layer that returns one. "
     "Use Model for layers with several outputs."),
    ("nothing to pop", lambda m: models.Sequential(name="stack").pop(), TypeError, NO_LAYERS.format(verb="pop")),
    ("nothing to build", lambda m: models.Sequential(name="stack").build(), TypeError,
     NO_LAYERS.format(verb="build") + " Add layers first."),
    ("nothing to compile", lambda m: models.Sequential(name="stack").compile("sgd", "mse"), TypeError,
     NO_LAYERS.format(verb="build") + " Add layers first."),
    ("nothing to predict with", lambda m: models.Sequential(name="stack").predict(X), TypeError,
     NO_LAYERS.format(verb="build") + " Add layers first."),
    ("unknown layer by name", lambda m: m.get_layer("other"), ValueError,
     "Model 'net': layer 'other' was asked for; expected a name or an index of one of its layers: hidden_input, "
     "hidden, out. Check the name."),
    ("unknown layer by index", lambda m: m.get_layer(index=9), ValueError,
     "Model 'net': layer 9 was asked for; expected an index below 3, the number of layers. See summary()."),
    ("few weights", lambda m: m.set_weights(m.get_weights()[:-1]), ValueError,
     "Sequential 'net': a list of 3 weights arrived; expected 4, of shapes [(6, 4), (4,), (4, 3), (3,)]. "
     "Pass what get_weights() returns."),
    ("weights of another shape", lambda m: m.set_weights([w.T for w in m.get_weights()]), ValueError,
     "Sequential 'net': weight 'hidden/kernel:0' was given shape (4, 6); expected (6, 4). "
     "Pass what get_weights() of an equal layer returns."),
]


@rows(BUILDING_ROWS)
def test_building(misuse, kind, message):
    check_misuse(misuse, kind, message)


def _forgetful(y_true, y_pred):
    K.mean(y_pred - y_true)


COMPILING_ROWS = [
    ("unknown loss", lambda m: m.compile("sgd", "none_such"), ValueError,
     "loss: unknown name 'none_such'; expected the name of a known loss. Pass your own loss in custom_objects."),
    ("loss of no kind", lambda m: m.compile("sgd", 3), ValueError,
     "loss: 3; expected the name of a loss or a function (y_true, y_pred)."),
    ("no loss", lambda m: m.compile("sgd", None), ValueError,
     "compile: loss is None and no layer adds a loss; expected something to minimize. Name a loss, e.g. 'mse'."),
    ("two losses", lambda m: m.compile("sgd", ["mse", "mse"]), ValueError,
     "compile: loss is a list of 2; expected 1, one for each output: 'out'."),
    ("loss of another output", lambda m: m.compile("sgd", {"other": "mse"}), ValueError,
     "compile: loss has the key 'other'; expected outputs of the model: 'out'."),
    ("unknown optimizer", lambda m: m.compile("none_such", "mse"), ValueError,
     "optimizer: unknown name 'none_such'; expected the name of a known optimizer. "
     "Pass your own optimizer in custom_objects."),
    ("unknown metric", lambda m: m.compile("sgd", "mse", metrics=["none_such"]), ValueError,
     "metric: unknown name 'none_such'; expected the name of a known metric. Pass your own metric in custom_objects."),
    ("metric without a list", lambda m: m.compile("sgd", "mse", metrics="accuracy"), TypeError,
     "compile: metrics is 'accuracy'; expected a list, or a dict by output. Write ['accuracy']."),
    ("loss without a return", lambda m: m.compile("sgd", _forgetful), AttributeError,
     "compile: '_forgetful' returned None; expected a loss or metric that returns a tensor. Add its return."),
    ("metric without a return", lambda m: m.compile("sgd", "mse", metrics=[_forgetful]), AttributeError,
     "compile: '_forgetful' returned None; expected a loss or metric that returns a tensor. Add its return."),
    ("sample_weight_mode", lambda m: m.compile("sgd", "mse", sample_weight_mode="steps"), ValueError,
     "compile: sample_weight_mode is 'steps'; expected None or 'temporal'."),
]


@rows(COMPILING_ROWS)
def test_compiling(misuse, kind, message):
    check_misuse(misuse, kind, message)



def _argmax(y_true, y_pred):
    return K.cast(K.argmax(y_pred), "float32")


FLAT, ROWS = (X, (6,)), (np.ones((8, 4, 6)), (4, 6))
# label, loss, number of outputs, inputs with their shape, targets, type, text
FITTING_LOSS_ROWS = [
    ("one-hot targets for a sparse loss", "sparse_categorical_crossentropy", 3, FLAT, Y, ValueError,
     "target 'out' has shape (8, 3); expected shape (None, 1). "
     "Pass one integer label per sample for a sparse loss, or give the last layer as many units."),
    ("label above the classes", "sparse_categorical_crossentropy", 3, FLAT, np.full(8, 7), ValueError,
     "target has labels from 7 to 7 and the output 3 classes; expected labels from 0 to 2."),
    ("label below zero", "sparse_categorical_crossentropy", 3, FLAT, np.full(8, -1), ValueError,
     "target has labels from -1 to -1 and the output 3 classes; expected labels from 0 to 2."),
    ("labels for categories", "categorical_crossentropy", 3, FLAT, Y.argmax(1), ValueError,
     "target 'out' has shape (8, 1); expected shape (None, 3). " + OTHER_SHAPE),
    ("one column of categories", "categorical_crossentropy", 1, FLAT, np.ones((8, 1)), ValueError,
     "target has shape (8, 1) and the loss is 'categorical_crossentropy'; expected one column per class. "
     "Encode integer labels by utils.to_categorical, or use 'sparse_categorical_crossentropy'."),
    ("columns", "mse", 3, FLAT, Y[:, :2], ValueError,
     "target 'out' has shape (8, 2); expected shape (None, 3). " + OTHER_SHAPE),
    ("one unit for two columns", "mse", 1, FLAT, Y[:, :2], ValueError,
     "target 'out' has shape (8, 2); expected shape (None, 1). "
     "Pass one integer label per sample for a sparse loss, or give the last layer as many units."),
    ("steps without a last axis", "mse", 3, ROWS, np.ones((8, 4)), ValueError,
     "target 'out' has shape (8, 4); expected shape (None, 4, 3). "
     "Reshape the array to 3 axes, the first of them the samples."),
    ("steps of labels without a last axis", "sparse_categorical_crossentropy", 3, ROWS, np.ones((8, 4)), ValueError,
     "target 'out' has shape (8, 4); expected shape (None, 4, 1). "
     "Reshape the array to 3 axes, the first of them the samples."),
]


@pytest.mark.parametrize("loss, units, inputs, targets, kind, message", [row[1:] for row in FITTING_LOSS_ROWS],
                         ids=[row[0] for row in FITTING_LOSS_ROWS])
def test_losses_that_do_not_fit_the_output(loss, units, inputs, targets, kind, message):
    x, shape = inputs

    def misuse(_):
        model = models.Sequential([layers.Dense(units, input_shape=shape, name="out")], name="net")
        model.compile("sgd", loss)
        before = state_of(model)
        try:
            model.fit(x, targets, verbose=0)
        finally:
            for a, b in zip(before, state_of(model), strict=True):
                np.testing.assert_array_equal(a, b)

    check_misuse(misuse, kind, "Sequential 'net'.fit: " + message)


def test_a_loss_without_a_gradient():
    def misuse(model):
        model.compile("sgd", _argmax)
        model.train_on_batch(X, Y)

    K.clear_session()
    model = make_model()
    before = model.get_weights()
    with pytest.raises(ValueError) as caught:
        misuse(model)
    assert str(caught.value) == (
        "SGD: no gradient for 'hidden/kernel:0', 'hidden/bias:0', 'out/kernel:0', 'out/bias:0'; expected a loss that "
        "depends, through differentiable functions, on every trainable weight. "
        "Set trainable=False on its layer, or use the layer's output in the loss.")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_check_sees_another_text_another_type_and_a_changed_model():
    def raise_after_a_step(model):
        model.train_on_batch(X, Y)
        raise ValueError("text")

    with pytest.raises(AssertionError):
        check_misuse(raise_after_a_step, ValueError, "text")
    with pytest.raises(AssertionError):
        check_misuse(lambda m: m.predict(None), ValueError, "another text")
    with pytest.raises(AssertionError):
        check_misuse(lambda m: m.predict(None), Exception, "Sequential 'net'.predict: no input data; expected arrays "
                     "for 'hidden_input'.")
