"""Family `scikit_learn`: KerasClassifier and KerasRegressor: parameters, fit, predict, score."""

import numpy as np

from ..case import EXACT, LOSS, as_text, case, outcome_of
from .helpers import normal

FIELDS = {"*": LOSS}


def builder(keras, random, num_classes=3, loss="categorical_crossentropy", metrics=("accuracy",)):
    """A function that makes the model, with arguments for the search to set; it counts its calls."""
    weights = [normal(random, 4, 5), normal(random, 5), normal(random, 5, num_classes), normal(random, num_classes)]
    calls = []

    def build(activation="tanh", lr=0.1):
        calls.append([activation, lr])
        L = keras.layers
        last = "softmax" if num_classes > 1 and loss != "mse" else ("sigmoid" if loss != "mse" else "linear")
        model = keras.models.Sequential(
            [L.Dense(5, activation=activation, input_shape=(4,)), L.Dense(num_classes, activation=last)]
        )
        model.set_weights([weight.astype("float32") * 0.5 for weight in weights])
        model.compile(keras.optimizers.SGD(lr=lr), loss, metrics=list(metrics))
        return model

    build.calls = calls
    return build


def labelled(random, num_classes=3):
    return normal(random, 24, 4), np.arange(24) % num_classes


def wrapped(keras):
    return keras.wrappers.scikit_learn


@case("scikit_learn/KerasClassifier", FIELDS)
def classifier(keras, random):
    """fit by class numbers, predict, predict_proba, score."""
    sk, build = wrapped(keras), builder(keras, random)
    x, y = labelled(random)
    model = sk.KerasClassifier(build_fn=build, epochs=2, batch_size=8, shuffle=False, verbose=0)
    history = model.fit(x, y)
    return {
        "losses": np.array(history.history["loss"]),
        "classes": model.classes_,
        "n_classes": model.n_classes_,
        "predicted": model.predict(x, batch_size=5),
        "probabilities": model.predict_proba(x),
        "score": model.score(x, y),
        "calls": as_text(build.calls),
    }


@case("scikit_learn/KerasClassifier_labels_of_their_own", FIELDS)
def own_labels(keras, random):
    """Labels that are not 0, 1, 2 come back as they were given."""
    sk = wrapped(keras)
    x, y = labelled(random)
    model = sk.KerasClassifier(builder(keras, random), epochs=1, shuffle=False, verbose=0)
    model.fit(x, np.array([10, 30, 20])[y])
    return {"classes": model.classes_, "predicted": model.predict(x)}


@case("scikit_learn/KerasClassifier_one_hot_targets", FIELDS)
def one_hot_targets(keras, random):
    sk = wrapped(keras)
    x, y = labelled(random)
    model = sk.KerasClassifier(builder(keras, random), epochs=1, shuffle=False, verbose=0)
    history = model.fit(x, np.eye(3)[y])
    return {"losses": np.array(history.history["loss"]), "predicted": model.predict(x), "classes": model.classes_}


@case("scikit_learn/KerasClassifier_binary", FIELDS)
def binary(keras, random):
    """One output: two columns of probabilities."""
    sk = wrapped(keras)
    x, y = labelled(random, 2)
    model = sk.KerasClassifier(builder(keras, random, 1, "binary_crossentropy"), epochs=1, shuffle=False, verbose=0)
    model.fit(x, y)
    return {
        "predicted": model.predict(x),
        "probabilities": model.predict_proba(x),
        "score": model.score(x, y),
    }


@case("scikit_learn/KerasClassifier_sparse_loss", FIELDS)
def sparse_loss(keras, random):
    sk = wrapped(keras)
    x, y = labelled(random)
    model = sk.KerasClassifier(
        builder(keras, random, loss="sparse_categorical_crossentropy"), epochs=1, shuffle=False, verbose=0
    )
    model.fit(x, y)
    return {"predicted": model.predict(x), "score": model.score(x, y)}


@case("scikit_learn/KerasRegressor", FIELDS)
def regressor(keras, random):
    sk = wrapped(keras)
    x, y = normal(random, 24, 4), normal(random, 24)
    model = sk.KerasRegressor(builder(keras, random, 1, "mse", ()), epochs=2, batch_size=8, shuffle=False, verbose=0)
    history = model.fit(x, y)
    return {
        "losses": np.array(history.history["loss"]),
        "predicted": model.predict(x),
        "score": model.score(x, y),
    }


@case("scikit_learn/parameters", FIELDS)
def parameters(keras, random):
    """get_params and set_params; arguments of build_fn, of fit and of neither; those of a call win."""
    sk, build = wrapped(keras), builder(keras, random)
    model = sk.KerasClassifier(build_fn=build, activation="relu", epochs=3, shuffle=False, verbose=0)
    fields = {"params": as_text(sorted(name for name in model.get_params() if name != "build_fn"))}
    fields["values"] = as_text({name: value for name, value in model.get_params().items() if name != "build_fn"})
    model.set_params(lr=0.25, epochs=1)
    fields["set"] = as_text({name: value for name, value in model.get_params().items() if name != "build_fn"})
    x, y = labelled(random)
    history = model.fit(x, y, epochs=2)
    fields["epochs"] = len(history.history["loss"])
    fields["calls"] = as_text(build.calls)
    fields["unknown"] = outcome_of(sk.KerasClassifier, build_fn=build, no_such_argument=1)
    fields["set_unknown"] = outcome_of(model.set_params, no_such_argument=1)
    fields["filtered"] = as_text(model.filter_sk_params(build, {"lr": 0.5}))
    fields["checked"] = outcome_of(model.check_params, {"batch_size": 3, "activation": "tanh"})
    return fields


@case("scikit_learn/build_fn_forms", FIELDS)
def build_forms(keras, random):
    """A function, an object that is called, and a subclass that is its own build_fn."""
    sk, build = wrapped(keras), builder(keras, random)
    x, y = labelled(random)

    class Maker(object):
        def __call__(self, lr=0.1):
            return build(lr=lr)

    class Own(sk.KerasClassifier):
        def __call__(self, lr=0.05):
            return build(lr=lr)

    models = [sk.KerasClassifier(Maker(), lr=0.2, epochs=1, verbose=0), Own(epochs=1, verbose=0)]
    return {
        "losses": np.array([model.fit(x, y, shuffle=False).history["loss"][0] for model in models]),
        "calls": as_text(build.calls),
    }


@case("scikit_learn/errors", EXACT)
def errors(keras, random):
    sk = wrapped(keras)
    x, y = labelled(random)
    without = sk.KerasClassifier(builder(keras, random, metrics=()), epochs=1, verbose=0)
    without.fit(x, y)
    rank_3 = sk.KerasClassifier(builder(keras, random), epochs=1, verbose=0)
    return {
        "score_without_accuracy": outcome_of(without.score, x, y),
        "target_rank_3": outcome_of(rank_3.fit, x, np.zeros((24, 3, 2))),
        "not_fitted": outcome_of(sk.KerasRegressor(builder(keras, random, 1, "mse")).predict, x),
    }
