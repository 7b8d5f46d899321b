"""Family `phases`: the learning phase, set, fed and left alone; trainable switches; models inside models."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, TRAINED, as_text, case, register
from .helpers import cycle, normal, one_hot, seed_weights, sequential, train, weights_of
from .page_properties import told

NORMALIZED = dict(TRAINED, found=EXACT)


def normalizing(keras, random):
    """A model in which the phase decides by what the rows are normalized, and nothing is drawn."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(6, activation="tanh", input_shape=(4,)),
            L.BatchNormalization(momentum=0.8),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    return model


def _fed(value):
    def function(keras, random):
        K = keras.backend
        model = normalizing(keras, random)
        gradients = K.gradients(K.sum(K.square(model.output)), [model.input] + list(model.trainable_weights))
        run = K.function([model.input, K.learning_phase()], [model.output] + gradients)
        return {str(index): found for index, found in enumerate(run([normal(random, 6, 4), value]))}

    return function


for _label, _value in (("training", 1), ("testing", 0), ("true", True), ("false", False)):
    register("phases/fed_" + _label, _fed(_value), GRADIENT)


def _set(value):
    def function(keras, random):
        K, L = keras.backend, keras.layers
        K.set_learning_phase(value)
        twice = L.Lambda(lambda tensor: K.in_train_phase(tensor * 2.0, tensor))
        model = sequential(keras, [L.Dense(4, input_shape=(4,)), twice, L.Dense(3)])
        seed_weights(model, random)
        x = normal(random, 6, 4)
        model.compile("sgd", "mse")
        return {
            "predicted": model.predict(x),
            "tested": model.test_on_batch(x, one_hot(random, 3, 6)),
            "found": as_text([bool(model.uses_learning_phase), K.learning_phase()]),
        }

    return function


register("phases/set_to_testing", _set(0), {"found": EXACT, "*": FORWARD})
register("phases/set_to_training", _set(1), {"found": EXACT, "*": FORWARD})


@case("phases/of_each_verb", FORWARD)
def of_each_verb(keras, random):
    """Training in training, testing and predicting by the moving statistics, before and after a step."""
    model = normalizing(keras, random)
    model.compile(keras.optimizers.SGD(lr=0.0), "mse")
    x, y = normal(random, 6, 4), one_hot(random, 3, 6)
    fields = {"predicted": model.predict(x), "tested": model.test_on_batch(x, y), "evaluated": model.evaluate(
        x, y, verbose=0)}  # fmt: skip
    fields["trained"] = model.train_on_batch(x, y)
    fields["predicted_after"] = model.predict(x)
    fields["tested_after"] = model.test_on_batch(x, y)
    return fields


@case("phases/in_train_phase", EXACT)
def in_train_phase(keras, random):
    """Tensors and functions as branches, an argument that decides, and the opposite choice."""
    K = keras.backend
    x = K.placeholder(shape=(2,))
    values = np.array([1.0, 2.0], "float32")
    fields = {}
    for label, choice in (
        ("tensors", K.in_train_phase(x * 2.0, x * 3.0)),
        ("functions", K.in_train_phase(lambda: x * 4.0, lambda: x * 5.0)),
        ("opposite", K.in_test_phase(x * 6.0, x * 7.0)),
        ("argument_one", K.in_train_phase(x * 8.0, x * 9.0, training=1)),
        ("argument_true", K.in_train_phase(x * 10.0, x * 11.0, training=True)),
        ("argument_zero", K.in_train_phase(x * 12.0, x * 13.0, training=0)),
    ):
        run = K.function([x, K.learning_phase()], [choice])
        fields[label] = np.array([run([values, phase])[0] for phase in (0, 1)])
    return fields


def _dropped(shape, rate, noise_shape=None):
    """How many are dropped, what is left of the others, and that together they keep the mean."""

    def function(keras, random):
        K = keras.backend
        layer = keras.layers.Dropout(rate, noise_shape=noise_shape, input_shape=shape[1:])
        model = sequential(keras, [layer])
        x = np.ones(shape, "float32")
        run = K.function([model.input, K.learning_phase()], [model.output])
        found, tested = run([x, 1])[0], run([x, 0])[0]
        kept = np.unique(found[found != 0])
        return {
            "kept": kept[:1],
            "same": bool(np.allclose(kept, kept[0])),
            "share": bool(abs((found == 0).mean() - rate) < 0.05),
            "tested": bool((tested == x).all()),
        }

    return function


for _label, _shape, _rate, _noise in (
    ("half", (100, 50), 0.5, None),
    ("tenth", (100, 50), 0.1, None),
    ("most", (100, 50), 0.9, None),
    ("rows", (2000, 5), 0.3, (2000, 1)),
):
    register("phases/dropout_" + _label, _dropped(_shape, _rate, _noise), {"kept": FORWARD, "*": EXACT})


@case("phases/dropout_of_nothing", FORWARD)
def dropout_of_nothing(keras, random):
    K = keras.backend
    model = sequential(keras, [keras.layers.Dropout(0.0, input_shape=(5,))])
    x = normal(random, 4, 5)
    return {"output": K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]}


@case("phases/dropout_rows_alike", EXACT)
def dropout_rows_alike(keras, random):
    """A noise shape with a one drops whole rows."""
    K = keras.backend
    model = sequential(keras, [keras.layers.Dropout(0.5, noise_shape=(40, 1, 6), input_shape=(3, 6))])
    found = K.function([model.input, K.learning_phase()], [model.output])([np.ones((40, 3, 6), "float32"), 1])[0]
    return {"alike": bool((found == found[:, :1]).all()), "both": bool((found == 0).any() and (found != 0).any())}


def _switched(switch):
    """Ten steps on, the switch, a new compile, ten more; and the switch undone, and ten more."""

    def function(keras, random):
        model = normalizing(keras, random)
        batches = cycle(normal(random, 64, 4), one_hot(random, 3, 64))
        fields, weights = {}, []
        for label, value in (("on", True), ("off", False), ("on_again", True)):
            switch(model, value)
            model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
            fields["losses_" + label] = train(model, batches, steps=6)["losses"]
            weights.append([len(model.trainable_weights), len(model.non_trainable_weights), len(model.updates)])
        return dict(fields, found=as_text(weights), **weights_of(model))

    return function


def _set_layer(index):
    return lambda model, value: setattr(model.layers[index], "trainable", value)


for _label, _switch in (
    ("first", _set_layer(0)),
    ("normalization", _set_layer(1)),
    ("last", _set_layer(2)),
    ("all_but_last", lambda model, value: [setattr(layer, "trainable", value) for layer in model.layers[:2]]),
):
    register("phases/trainable_" + _label, _switched(_switch), NORMALIZED)


@case("phases/trainable_of_model", EXACT)
def trainable_of_model(keras, random):
    """A model switched off as a whole: nothing to train, until it is on again."""
    model = normalizing(keras, random)
    model.trainable = False
    model.compile("sgd", "mse")
    x, y = normal(random, 6, 4), one_hot(random, 3, 6)
    raised = told(lambda: model.train_on_batch(x, y) > 0)
    model.trainable = True
    model.compile("sgd", "mse")
    return {"off": raised, "on": told(lambda: bool(model.train_on_batch(x, y) > 0))}


@case("phases/recompiled_loss", TRAINED)
def recompiled_loss(keras, random):
    """Another loss, other metrics and another optimizer on the same weights."""
    model = normalizing(keras, random)
    x, y = normal(random, 64, 4), one_hot(random, 3, 64)
    fields = {}
    for number, (optimizer, loss, metrics) in enumerate(
        (("sgd", "mse", None), ("adam", "categorical_crossentropy", ["mae"]), ("rmsprop", "mae", ["mse", "accuracy"]))
    ):
        model.compile(optimizer, loss, metrics=metrics)
        found = [model.train_on_batch(x, y) for _ in range(3)]
        fields["losses_{}".format(number)] = np.array(found)
    return fields


def _nest(keras, depth, size=4):
    """A Sequential in a Sequential, so many deep, each with a layer of its own behind."""
    L = keras.layers
    model = sequential(keras, [L.Dense(size, activation="tanh", kernel_regularizer="l2", input_shape=(size,))])
    for _ in range(depth):
        model = sequential(keras, [model, L.Dense(size, activation="tanh")])
    return model


def _nested(depth, late):
    def function(keras, random):
        L = keras.layers
        before = [L.Dense(4, input_shape=(4,))] if late else []
        inner = _nest(keras, depth) if not late else sequential(
            keras, [L.Dense(4, activation="tanh", input_shape=(4,)), L.BatchNormalization(momentum=0.5)])  # fmt: skip
        model = sequential(keras, before + [inner, L.Dense(3, activation="softmax")])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
        fields = train(model, cycle(normal(random, 64, 4), one_hot(random, 3, 64)), steps=6)
        fields["found"] = as_text(
            [len(model.weights), len(model.trainable_weights), len(model.updates), len(model.losses),
             [int(value) for value in model.output_shape[1:]], model.count_params()]
        )  # fmt: skip
        fields["predicted"] = model.predict(normal(random, 3, 4))
        return fields

    return function


for _depth in (1, 2, 3):
    register("phases/nested_{}_deep".format(_depth), _nested(_depth, False), NORMALIZED)
register("phases/nested_late", _nested(1, True), NORMALIZED)


@case("phases/nested_get_layer", EXACT)
def nested_get_layer(keras, random):
    """A layer inside is reached through the model that holds it, and weights are shared by value."""
    L = keras.layers
    inner = sequential(keras, [L.Dense(3, input_shape=(4,), name="deep")])
    outer = sequential(keras, [inner, L.Dense(2, name="top")])
    values = [np.ones((4, 3), "float32"), np.zeros(3, "float32")]
    inner.get_layer("deep").set_weights(values)
    return {
        "found": told(lambda: outer.get_layer(inner.name).name),
        "deep": told(outer.get_layer, "deep"),
        "weights": outer.get_weights()[0],
        "layers": as_text([layer.name for layer in outer.layers]),
    }
