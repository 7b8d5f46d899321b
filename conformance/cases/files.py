"""Family `files`: models saved and loaded: outputs, compile state, and the training that goes on as if nothing were."""

import os

import numpy as np

from ..case import EXACT, FORWARD, LOSS, SLOT, WEIGHT, as_text, case, outcome_of, register
from .helpers import normal, one_hot, seed_weights, sequential, slots_of, weights_of
from .places import answers, folder, names_in, write

FIELDS = {"losses_*": LOSS, "weight_*": WEIGHT, "slot_*": SLOT, "*": FORWARD}


def plain(keras, random, optimizer="sgd", **options):
    """A small classifier, compiled, with data for it."""
    L = keras.layers
    model = sequential(
        keras,
        [L.Dense(6, activation="tanh", input_shape=(4,), name="first"), L.Dense(3, activation="softmax", name="last")],
    )
    seed_weights(model, random)
    model.compile(optimizer, options.pop("loss", "categorical_crossentropy"), **options)
    return model, normal(random, 16, 4), one_hot(random, 3, 16)


def steps(model, x, y, count):
    return np.array([model.train_on_batch(x, y) for _ in range(count)], dtype="float64")


def same(first, second):
    """Whether two lists of arrays agree to the bit."""
    return as_text(len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second)))


def again(keras, model, **options):
    """The model, saved and loaded."""
    with folder() as place:
        path = os.path.join(place, "model.h5")
        model.save(path)
        return keras.models.load_model(path, **options)


OPTIMIZERS = (
    ("sgd", lambda O: O.SGD(lr=0.1)),
    ("sgd_momentum", lambda O: O.SGD(lr=0.1, momentum=0.9, nesterov=True, decay=0.1)),
    ("rmsprop", lambda O: O.RMSprop(lr=0.01, decay=0.1)),
    ("adagrad", lambda O: O.Adagrad(lr=0.1)),
    ("adadelta", lambda O: O.Adadelta(lr=1.0, rho=0.9)),
    ("adam", lambda O: O.Adam(lr=0.02, decay=0.05)),
    ("adamax", lambda O: O.Adamax(lr=0.02)),
    ("nadam", lambda O: O.Nadam(lr=0.02)),
    ("clipnorm", lambda O: O.Adam(lr=0.02, clipnorm=0.1)),
    ("clipvalue", lambda O: O.SGD(lr=0.5, momentum=0.5, clipvalue=0.02)),
)


def _optimizer(make):
    def function(keras, random):
        """Three steps, saved, five steps more: of the model that went on, and of the one that was loaded."""
        model, x, y = plain(keras, random, make(keras.optimizers), metrics=["accuracy"])
        fields = {"losses_before": steps(model, x, y, 3)[:, 0]}
        loaded = again(keras, model)
        fields["same"] = same(model.get_weights(), loaded.get_weights())
        fields["same_slots"] = same(model.optimizer.get_weights(), loaded.optimizer.get_weights())
        fields["config"] = as_text(loaded.optimizer.get_config())
        fields["losses_gone_on"], fields["losses_loaded"] = steps(model, x, y, 5)[:, 0], steps(loaded, x, y, 5)[:, 0]
        fields.update(weights_of(loaded), **slots_of(loaded))
        return fields

    return function


for _label, _make in OPTIMIZERS:
    register("files/save_optimizer_" + _label, _optimizer(_make), FIELDS)


@case("files/save_and_load", FIELDS)
def save_and_load(keras, random):
    """Outputs, kinds, names and compile state."""
    model, x, y = plain(keras, random, metrics=["accuracy"])
    loaded = again(keras, model)
    return {
        "output": loaded.predict(x),
        "same": same([model.predict(x)], [loaded.predict(x)]),
        "kind": as_text([type(loaded).__name__, [layer.name for layer in loaded.layers]]),
        "config": as_text(loaded.get_config()),
        "compiled": as_text([loaded.loss, loaded.metrics, loaded.metrics_names, type(loaded.optimizer).__name__]),
        "evaluated": np.array(loaded.evaluate(x, y, verbose=0)),
    }


@case("files/save_include_optimizer_false", FIELDS)
def save_without_optimizer(keras, random):
    model, x, y = plain(keras, random)
    with folder() as place:
        path = os.path.join(place, "model.h5")
        model.save(path, include_optimizer=False)
        loaded = keras.models.load_model(path)
    fields = {"output": loaded.predict(x), "trained": outcome_of(loaded.train_on_batch, x, y)}
    loaded.compile("sgd", "mse")
    fields["losses_compiled"] = steps(loaded, x, y, 3)
    return fields


@case("files/save_not_compiled", FIELDS)
def save_not_compiled(keras, random):
    """A Sequential that was never compiled has no optimizer to save."""
    model = sequential(keras, [keras.layers.Dense(3, input_shape=(4,))])
    seed_weights(model, random)
    with folder() as place:
        raised = outcome_of(model.save, os.path.join(place, "model.h5"), include_optimizer=False)
        loaded = keras.models.load_model(os.path.join(place, "model.h5"))
    return {"raises": raised, "output": loaded.predict(normal(random, 5, 4))}


@case("files/save_not_trained", FIELDS)
def save_not_trained(keras, random):
    """Compiled, but without a step taken: the loaded model's first steps."""
    model, x, y = plain(keras, random, "adam")
    loaded = again(keras, model)
    return {"losses_loaded": steps(loaded, x, y, 5), "losses_own": steps(model, x, y, 5)}


@case("files/save_learning_rate_set", FIELDS)
def save_learning_rate(keras, random):
    """What K.set_value made of the learning rate is what is saved."""
    K = keras.backend
    model, x, y = plain(keras, random, keras.optimizers.Adam())
    steps(model, x, y, 2)
    K.set_value(model.optimizer.lr, 0.05)
    loaded = again(keras, model)
    return {
        "lr": K.get_value(loaded.optimizer.lr),
        "iterations": K.get_value(loaded.optimizer.iterations),
        "losses_loaded": steps(loaded, x, y, 5),
    }


@case("files/save_leaves_the_model", FIELDS)
def save_leaves_the_model(keras, random):
    """Saving in the middle of training changes nothing; a second save and load gives the same file's model."""
    model, x, y = plain(keras, random, "rmsprop")
    steps(model, x, y, 2)
    first = again(keras, model)
    second = again(keras, first)
    return {"losses_own": steps(model, x, y, 4), "losses_second": steps(second, x, y, 4)}


@case("files/load_model_compile_false", FIELDS)
def load_not_compiled(keras, random):
    model, x, y = plain(keras, random)
    loaded = again(keras, model, compile=False)
    return {"output": loaded.predict(x), "trained": outcome_of(loaded.train_on_batch, x, y)}


@case("files/save_model_function", FIELDS)
def save_model_function(keras, random):
    model, x, _ = plain(keras, random)
    with folder() as place:
        path = os.path.join(place, "model.h5")
        keras.models.save_model(model, path)
        fields = {"output": keras.models.load_model(path).predict(x)}
        keras.models.save_model(model, path, overwrite=True, include_optimizer=False)
        fields["again"] = keras.models.load_model(path, compile=False).predict(x)
        fields["names"] = as_text(names_in(place))
    return fields


def _overwrite(verb, lines, **options):
    def function(keras, random):
        """How many lines were asked for, and whose weights the file holds afterwards."""
        first, x, _ = plain(keras, random)
        second, _, _ = plain(keras, random)
        with folder() as place:
            path = os.path.join(place, "model.h5")
            getattr(first, verb)(path)
            with answers(*lines) as stream:
                getattr(second, verb)(path, **options)
                left = len(stream.read().split())
            target, _, _ = plain(keras, random)
            target.load_weights(path)
        return {"asked": len(lines) - left, "output": target.predict(x)}

    return function


for _verb in ("save", "save_weights"):
    for _label, _lines, _options in (
        ("default", ["n", "n"], {}),
        ("yes", ["y", "n"], {"overwrite": False}),
        ("no", ["n", "y"], {"overwrite": False}),
        ("asked_again", ["perhaps", "", "y", "n"], {"overwrite": False}),
    ):
        register("files/{}_overwrite_{}".format(_verb, _label), _overwrite(_verb, _lines, **_options), FORWARD)


@case("files/save_overwrite_false_new", EXACT)
def overwrite_new(keras, random):
    """Nothing is asked where there is no file yet."""
    model, _, _ = plain(keras, random)
    with folder() as place, answers("n") as stream:
        model.save(os.path.join(place, "model.h5"), overwrite=False)
        return {"names": as_text(names_in(place)), "left": as_text(stream.read())}


@case("files/load_model_errors", EXACT)
def load_model_errors(keras, random):
    load = keras.models.load_model
    model, _, _ = plain(keras, random)
    with folder() as place:
        weights = os.path.join(place, "weights.h5")
        model.save_weights(weights)
        whole = os.path.join(place, "whole.h5")
        model.save(whole)
        with open(whole, "rb") as stream:
            content = stream.read()
        with open(os.path.join(place, "short.h5"), "wb") as stream:
            stream.write(content[: len(content) // 3])
        return {
            "missing": outcome_of(load, os.path.join(place, "nowhere.h5")),
            "no_hdf5": outcome_of(load, write(os.path.join(place, "text.h5"), "no model at all")),
            "empty": outcome_of(load, write(os.path.join(place, "empty.h5"), "")),
            "cut_off": outcome_of(load, os.path.join(place, "short.h5")),
            "folder": outcome_of(load, place),
            "weights_only": outcome_of(load, weights),
        }


@case("files/save_into_missing_folder", EXACT)
def save_into_missing_folder(keras, random):
    model, _, _ = plain(keras, random)
    with folder() as place:
        path = os.path.join(place, "nowhere", "model.h5")
        return {
            "save": outcome_of(model.save, path),
            "save_weights": outcome_of(model.save_weights, path),
            "load_weights": outcome_of(model.load_weights, path),
            "names": as_text(names_in(place)),
        }


def _compiled(**options):
    def function(keras, random):
        """What was given to compile, as the loaded model has it, and its next steps."""
        model, x, y = plain(keras, random, **options)
        loaded = again(keras, model)
        return {
            "state": as_text([loaded.loss, loaded.metrics, loaded.metrics_names, loaded.sample_weight_mode]),
            "losses_loaded": steps(loaded, x, y, 3),
            "evaluated": np.array(loaded.evaluate(x, y, verbose=0)),
        }

    return function


for _label, _options in (
    ("loss", {"loss": "mean_squared_error"}),
    ("short_loss", {"loss": "mse", "metrics": ["mae", "acc"]}),
    ("metrics", {"metrics": ["accuracy", "categorical_crossentropy", "mse"]}),
    ("optimizer_name", {"optimizer": "Nadam"}),
):
    register("files/save_compiled_" + _label, _compiled(**_options), FIELDS)


@case("files/save_compiled_functions", FIELDS)
def save_compiled_functions(keras, random):
    """The package's own losses and metrics given as functions come back by their names."""
    model, x, y = plain(
        keras, random, loss=keras.losses.mean_squared_error, metrics=[keras.metrics.categorical_accuracy]
    )
    loaded = again(keras, model)
    return {"names": as_text(loaded.metrics_names), "losses_loaded": steps(loaded, x, y, 3)}


@case("files/load_model_custom_loss", FIELDS)
def custom_loss(keras, random):
    """A user's loss and metric: unknown without custom_objects, and with them as before."""
    K = keras.backend

    def far(y_true, y_pred):
        return K.mean(K.pow(K.abs(y_true - y_pred), 3), axis=-1)

    def worst(y_true, y_pred):
        return K.max(K.abs(y_true - y_pred))

    model, x, y = plain(keras, random, loss=far, metrics=[worst])
    with folder() as place:
        path = os.path.join(place, "model.h5")
        model.save(path)
        unknown = outcome_of(keras.models.load_model, path)
        loaded = keras.models.load_model(path, custom_objects={"far": far, "worst": worst})
        keras.utils.get_custom_objects().update({"far": far, "worst": worst})
        named = keras.models.load_model(path)
        for name in ("far", "worst"):
            del keras.utils.get_custom_objects()[name]
        with keras.utils.CustomObjectScope({"far": far, "worst": worst}):
            scoped = keras.models.load_model(path)
    fields = {"unknown": unknown, "names": as_text(loaded.metrics_names)}
    for label, each in (("loaded", loaded), ("named", named), ("scoped", scoped)):
        fields["losses_" + label] = steps(each, x, y, 3)
    return fields


@case("files/load_model_custom_layer", FIELDS)
def custom_layer(keras, random):
    """A user's layer, initializer and regularizer inside a saved model."""
    K, L = keras.backend, keras.layers

    class Shifted(L.Layer):
        def __init__(self, amount=1.0, **options):
            super(Shifted, self).__init__(**options)
            self.amount = amount

        def build(self, input_shape):
            self.factor = self.add_weight(
                name="factor", shape=(int(input_shape[-1]),), initializer=keras.initializers.Ones()
            )
            super(Shifted, self).build(input_shape)

        def call(self, inputs):
            return inputs * self.factor + self.amount

        def get_config(self):
            return dict(super(Shifted, self).get_config(), amount=self.amount)

    class Cubic(keras.regularizers.Regularizer):
        def __init__(self, factor=0.01):
            self.factor = factor

        def __call__(self, weight):
            return self.factor * K.sum(K.abs(weight * weight * weight))

        def get_config(self):
            return {"factor": self.factor}

    model = sequential(keras, [L.Dense(5, input_shape=(4,), kernel_regularizer=Cubic(0.02)), Shifted(2.0), L.Dense(2)])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    x, y = normal(random, 8, 4), normal(random, 8, 2)
    with folder() as place:
        path = os.path.join(place, "model.h5")
        model.save(path)
        unknown = outcome_of(keras.models.load_model, path)
        half = outcome_of(keras.models.load_model, path, custom_objects={"Shifted": Shifted})
        loaded = keras.models.load_model(path, custom_objects={"Shifted": Shifted, "Cubic": Cubic})
    return {
        "unknown": unknown,
        "half": half,
        "output": loaded.predict(x),
        "amount": loaded.layers[1].amount,
        "losses_loaded": steps(loaded, x, y, 3),
    }


@case("files/save_lambda_by_name", FIELDS)
def lambda_by_name(keras, random):
    """A Lambda of a named function loads where custom_objects knows the name."""
    L = keras.layers

    def doubled(x):
        return x * 2.0

    model = sequential(keras, [L.Dense(3, input_shape=(4,)), L.Lambda(doubled), L.Dense(2)])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    loaded = again(keras, model, custom_objects={"doubled": doubled})
    return {"output": loaded.predict(normal(random, 5, 4))}
