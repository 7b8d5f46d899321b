"""The estimators in scikit-learn itself: clones, searches, cross-validation, pipelines, pickles."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from onnxseq.datasets import digits
from onnxseq.layers import Dense, Input
from onnxseq.models import Model, Sequential
from onnxseq.wrappers.scikit_learn import KerasClassifier, KerasRegressor

np.random.seed(0)
X = np.random.normal(size=(90, 4))
LABELS = np.array(["ant", "bee", "cow"])[X[:, :3].argmax(axis=1)]
Y = X @ [1.0, -2.0, 0.5, 0.0]


def classifier(optimizer="adam", units=8):
    model = Sequential([Dense(units, activation="tanh", input_shape=(4,)), Dense(3, activation="softmax")])
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return model


def regressor(optimizer="adam"):
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile(optimizer, "mse")
    return model


def of_digits(optimizer="sgd"):
    model = Sequential([Dense(32, activation="relu", input_dim=64), Dense(10, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make(kind=KerasClassifier, build=classifier, **options):
    return kind(build, **{"epochs": 15, "batch_size": 10, "verbose": 0, **options})


def test_a_search_finds_the_better_optimizer():
    np.random.seed(1)
    (x, y), _ = digits.load_data()
    x = x.reshape(len(x), 64) / 16
    search = GridSearchCV(make(build=of_digits, epochs=8, batch_size=16), {"optimizer": ["sgd", "adam"]}, cv=3)
    search.fit(x, y)
    sgd, adam = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"optimizer": "adam"}
    assert adam > 0.9 and adam > sgd + 0.02
    assert search.score(x, y) > 0.9  # the best one, trained again on all


def test_a_search_among_regressors_takes_the_smaller_loss():
    np.random.seed(2)
    score = "neg_mean_squared_error"
    search = GridSearchCV(make(KerasRegressor, regressor), {"epochs": [1, 40]}, scoring=score, cv=2).fit(X, Y)
    assert search.best_estimator_.score(X, Y) > 0  # the loss itself, as in TensorFlow 1.4
    assert search.best_params_ == {"epochs": 40}
    assert search.best_score_ < 0
    np.testing.assert_allclose(search.score(X, Y), -np.mean((search.predict(X) - Y) ** 2), rtol=1e-4)


def test_pipelines_and_cross_validation():
    np.random.seed(3)
    pipe = make_pipeline(StandardScaler(), make(epochs=40))
    assert cross_val_score(pipe, X * 100 + 7, LABELS, cv=3).mean() > 0.6
    pipe.fit(X * 100 + 7, LABELS, kerasclassifier__epochs=30)
    assert set(pipe.predict(X * 100 + 7)) == {"ant", "bee", "cow"}
    assert pipe.predict_proba(X * 100 + 7).shape == (90, 3)


def test_clones():
    one = make(units=5)
    two = clone(one)
    assert two.get_params() == one.get_params() == {
        "build_fn": classifier, "epochs": 15, "batch_size": 10, "verbose": 0, "units": 5}
    two.set_params(units=6)
    assert one.get_params()["units"] == 5 and two.get_params(deep=False)["units"] == 6
    one.set_params(build_fn=regressor, optimizer="sgd")
    assert one.build_fn is regressor


@pytest.mark.parametrize("kind, build, y, test", [(KerasClassifier, classifier, LABELS, is_classifier),
                                                 (KerasRegressor, regressor, Y, is_regressor)])  # fmt: skip
def test_what_scikit_learn_is_told(kind, build, y, test):
    estimator = make(kind, build, epochs=1)
    assert test(estimator)
    with pytest.raises(Exception, match="not fitted yet"):
        check_is_fitted(estimator)
    estimator.fit(X, y)
    check_is_fitted(estimator)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))


def test_one_sample():
    estimator = make(KerasRegressor, regressor, epochs=1)
    estimator.fit(X, Y)
    assert estimator.predict(X[:1]).shape == (1,)


def test_models_of_several_numbers():
    def build():
        x = Input((4,))
        model = Model(x, Dense(2)(x))
        model.compile("sgd", "mse")
        return model

    estimator = make(KerasRegressor, build, epochs=1)
    estimator.fit(X, X[:, :2])
    assert estimator.predict(X).shape == (90, 2)


def fitted(**options):
    estimator = make(epochs=1, **options)
    estimator.fit(X, LABELS)
    return estimator


def without_accuracy():
    model = classifier()
    model.compile("sgd", "categorical_crossentropy")
    return model


LEGAL = "; expected one of batch_size, callbacks, "
ERRORS = [
    (lambda: KerasClassifier(), AttributeError, "KerasClassifier: build_fn is None and the class has no __call__; "
     "expected a function that makes a compiled model. Pass build_fn=..., or define __call__."),
    (lambda: KerasClassifier(classifier, unit=3), ValueError, "KerasClassifier: 'unit' is no parameter" + LEGAL),
    (lambda: make().set_params(build_fn=regressor, units=3), ValueError,
     "KerasClassifier: 'units' is no parameter" + LEGAL),
    (lambda: make().predict(X), AttributeError,
     "KerasClassifier: there is no model yet; expected one that was fitted. Call fit(x, y) first."),
    (lambda: make().fit(X, np.zeros((90, 3, 2))), ValueError,
     "KerasClassifier.fit: y has shape (90, 3, 2); expected a label or a row for each sample."),
    (lambda: fitted().score(X, ["dog"] * 90), ValueError,
     "KerasClassifier.score: y has the label 'dog'; expected labels seen in training."),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=[message[:50] for *_, message in ERRORS])
def test_errors(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert error.value.args[0].startswith(message)


def test_score_without_accuracy():
    estimator = make(build=without_accuracy, epochs=1)
    estimator.fit(X, LABELS)
    with pytest.raises(ValueError) as error:
        estimator.score(X, LABELS)
    assert error.value.args[0] == (
        "KerasClassifier.score: the model has the metrics ['loss']; expected an accuracy. Compile it with "
        "metrics=['accuracy']."
    )


def test_parameters_that_are_refused_change_nothing():
    estimator = make()
    with pytest.raises(ValueError):
        estimator.set_params(build_fn=regressor, units=3)
    assert estimator.build_fn is classifier and "units" not in estimator.sk_params
