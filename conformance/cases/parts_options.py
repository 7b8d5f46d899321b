"""Family `parts_options`: constraints by axis, regularizers by kind, activations in layers, names of metrics."""

import numpy as np

from ..case import EXACT, FORWARD, TRAINED, as_text, case, register
from .helpers import cycle, normal, one_hot, positive, seed_weights, sequential, train
from .page_properties import told

SHAPES = (("matrix", (4, 5)), ("conv1d", (3, 4, 5)), ("conv2d", (2, 3, 4, 5)))
AXES = (("0", 0), ("1", 1), ("last", -1), ("pair", [0, 1]))
CONSTRAINTS = (
    ("max_norm", lambda C, axis: C.MaxNorm(0.8, axis=axis)),
    ("unit_norm", lambda C, axis: C.UnitNorm(axis=axis)),
    ("min_max_norm", lambda C, axis: C.MinMaxNorm(0.7, 0.9, rate=1.0, axis=axis)),
    ("min_max_norm_rate", lambda C, axis: C.MinMaxNorm(0.7, 0.9, rate=0.5, axis=axis)),
)


def _constrained(make, shape, axis):
    """Large values, small ones and rows of zeros."""

    def function(keras, random):
        K = keras.backend
        constraint = make(keras.constraints, axis)
        fields = {}
        for label, scale in (("large", 3.0), ("small", 0.01), ("zero", 0.0)):
            fields[label] = K.eval(constraint(K.variable(normal(random, *shape) * scale)))
        fields["config"] = as_text(constraint.get_config())
        return fields

    return function


for _name, _make in CONSTRAINTS:
    for _shape_label, _shape in SHAPES:
        for _axis_label, _axis in AXES:
            register(
                "parts_options/{}_{}_axis_{}".format(_name, _shape_label, _axis_label),
                _constrained(_make, _shape, _axis),
                {"config": EXACT, "*": FORWARD},
            )


@case("parts_options/constraint_default_values", {"config": EXACT, "*": FORWARD})
def constraint_default_values(keras, random):
    """What the arguments are where they are left out."""
    C = keras.constraints
    made = {"MaxNorm": C.MaxNorm(), "NonNeg": C.NonNeg(), "UnitNorm": C.UnitNorm(), "MinMaxNorm": C.MinMaxNorm()}
    return {"config": as_text({name: constraint.get_config() for name, constraint in made.items()})}


@case("parts_options/constraint_non_neg", EXACT)
def constraint_non_neg(keras, random):
    K = keras.backend
    values = np.array([[-1.0, 0.0, 2.0], [-0.0, 1e-30, -5.0]], "float32")
    return {"value": K.eval(keras.constraints.NonNeg()(K.variable(values)))}


@case("parts_options/constraint_settled", FORWARD)
def constraint_settled(keras, random):
    """Applied again, a constraint changes nothing more."""
    K = keras.backend
    fields = {}
    for name, make in CONSTRAINTS[:3]:
        constraint = make(keras.constraints, 0)
        fields[name] = K.eval(constraint(constraint(K.variable(normal(random, 4, 5) * 2.0))))
    return fields


REGULARIZERS = (
    ("l1", lambda R: R.l1(0.3)),
    ("l2", lambda R: R.l2(0.3)),
    ("l1_l2", lambda R: R.l1_l2(l1=0.1, l2=0.2)),
    ("object", lambda R: R.L1L2(l1=0.1, l2=0.2)),
    ("name", lambda R: R.get("l1_l2")),
    ("dictionary", lambda R: R.get({"class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.25}})),
)


def _regularized(make, shape):
    def function(keras, random):
        K = keras.backend
        x = K.variable(normal(random, *shape))
        penalty = make(keras.regularizers)(x)
        return {"value": K.eval(penalty), "gradient": K.eval(K.gradients(penalty, [x])[0])}

    return function


for _name, _make in REGULARIZERS:
    for _label, _shape in (("vector", (7,)), ("conv2d", (2, 3, 4, 5))):
        register("parts_options/regularizer_{}_{}".format(_name, _label), _regularized(_make, _shape), FORWARD)

ARGUMENTS = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")
LAYERS = (
    ("dense", (6,), lambda L, options: L.Dense(5, activation="tanh", input_shape=(6,), **options)),
    ("conv1d", (6, 3), lambda L, options: L.Conv1D(4, 3, activation="tanh", input_shape=(6, 3), **options)),
    ("conv2d", (5, 5, 2), lambda L, options: L.Conv2D(3, 3, activation="tanh", input_shape=(5, 5, 2), **options)),
)


def _in_layer(shape, make, argument):
    def function(keras, random):
        L = keras.layers
        part = keras.regularizers.l1_l2(0.01, 0.02) if "regularizer" in argument else keras.constraints.MaxNorm(0.4)
        layers = [make(L, {argument: part})] + ([L.Flatten()] if len(shape) > 1 else [])
        model = sequential(keras, layers + [L.Dense(3, activation="softmax")])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
        return train(model, cycle(normal(random, 32, *shape), one_hot(random, 3, 32)), steps=6)

    return function


for _label, _shape, _make in LAYERS:
    for _argument in ARGUMENTS:
        register("parts_options/{}_{}".format(_label, _argument), _in_layer(_shape, _make, _argument), TRAINED)

ACTIVATIONS = ("elu", "hard_sigmoid", "linear", "relu", "selu", "sigmoid", "softmax", "softplus", "softsign", "tanh")


def _activated(name):
    """By name in a Dense, by name and by function in an Activation, and trained through."""

    def function(keras, random):
        L = keras.layers
        function = getattr(keras.activations, name)
        model = sequential(
            keras,
            [L.Dense(5, activation=name, input_shape=(4,)), L.Activation(name), L.Activation(function), L.Dense(2)],
        )
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.05), "mse")
        x = normal(random, 16, 4)
        fields = {"output": model.predict(x)}
        fields.update(train(model, cycle(x, normal(random, 16, 2)), steps=6))
        fields["names"] = as_text([layer.get_config().get("activation") for layer in model.layers])
        return fields

    return function


for _name in ACTIVATIONS:
    register("parts_options/activation_" + _name, _activated(_name), dict(TRAINED, names=EXACT))


@case("parts_options/identifiers_unknown", EXACT)
def identifiers_unknown(keras, random):
    """Unknown names, wrong types and wrong configs, of every kind of part."""
    fields = {}
    for kind in ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers"):
        module = getattr(keras, kind)
        fields[kind + "_name"] = told(module.get, "none_such")
        fields[kind + "_number"] = told(module.get, 3.5)
    return fields


@case("parts_options/top_k", FORWARD)
def top_k(keras, random):
    """Every k, by itself and compiled under a name of the user's."""
    K, M, L = keras.backend, keras.metrics, keras.layers
    y_true, y_pred = one_hot(random, 6, 12), positive(random, 12, 6)
    fields = {
        "k_{}".format(k): np.mean(K.eval(M.top_k_categorical_accuracy(K.variable(y_true), K.variable(y_pred), k=k)))
        for k in (1, 2, 3, 5, 6)
    }

    def best_of_two(y_true, y_pred):
        return M.top_k_categorical_accuracy(y_true, y_pred, k=2)

    model = sequential(keras, [L.Dense(6, activation="softmax", input_shape=(4,))])
    seed_weights(model, random)
    model.compile("sgd", "categorical_crossentropy", metrics=[best_of_two, "top_k_categorical_accuracy"])
    fields["compiled"] = np.array(model.test_on_batch(normal(random, 12, 4), y_true))
    fields["names"] = as_text(list(model.metrics_names))
    return fields


def _metric_names(metrics, loss="mse"):
    def function(keras, random):
        L, K = keras.layers, keras.backend

        def mine(y_true, y_pred):
            return K.mean(y_pred)

        given = [mine if metric is None else metric for metric in metrics]
        model = sequential(keras, [L.Dense(3, activation="softmax", input_shape=(4,))])
        seed_weights(model, random)
        model.compile("sgd", loss, metrics=given)
        x, y = normal(random, 12, 4), one_hot(random, 3, 12)
        history = model.fit(x, y, epochs=2, verbose=0, shuffle=False, validation_split=0.25)
        return {
            "names": as_text([list(model.metrics_names), sorted(history.history)]),
            "values": np.array([history.history[name] for name in sorted(history.history)]),
        }

    return function


for _label, _metrics in (
    ("acc", ["acc"]),
    ("accuracy", ["accuracy"]),
    ("aliases", ["mse", "MAE", "mape", "msle", "cosine"]),
    ("full_names", ["mean_squared_error", "mean_absolute_error", "cosine_proximity"]),
    ("of_the_users", [None]),
    ("of_the_users_and_names", [None, "acc", "mse"]),
    ("categorical", ["categorical_accuracy", "categorical_crossentropy"]),
    ("twice", ["mse", "mse"]),
):
    register(
        "parts_options/metric_names_" + _label, _metric_names(_metrics), {"names": EXACT, "*": TRAINED["losses"]}
    )
