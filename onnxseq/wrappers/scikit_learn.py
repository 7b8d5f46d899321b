"""Models as estimators of scikit-learn: in its searches, its cross-validation and its pipelines.

scikit-learn itself is not needed here: whoever calls these classes has it.
"""

import inspect

import numpy as np

from onnxseq.errors import text
from onnxseq.models import Sequential
from onnxseq.optional import Package
from onnxseq.utils.np_utils import to_categorical

sklearn_utils = Package("sklearn.utils", "test", "wrappers.scikit_learn")

OLD_NAMES = ("nb_epoch",)
"""Names of Keras 1 that are let through, so that training can say what to write in their place."""


class BaseWrapper:
    """What the two estimators share.

    Arguments:
        build_fn: What makes a compiled model: a function, an object that is called, or None where the subclass itself
            is called.
        **sk_params: Arguments of `build_fn`, and of fit, predict, predict_classes or evaluate of the model; these are
            what a search may set. Arguments of a call of the estimator itself win over them.

    Raises:
        ValueError: A name is an argument of none of these.
        AttributeError: There is no `build_fn`, and the class is not callable.
    """

    def __init__(self, build_fn=None, **sk_params):
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.model = None
        self.check_params(sk_params)

    # Parameters.

    def check_params(self, params):
        """ValueError unless each name is an argument of `build_fn` or of the model's methods."""
        methods = (Sequential.fit, Sequential.predict, Sequential.predict_classes, Sequential.evaluate)
        legal = {name for function in (*methods, self._builder()) for name in _arguments(function)}
        for name in params:
            if name not in legal and name not in OLD_NAMES:
                raise ValueError(
                    text(type(self).__name__, f"{name!r} is no parameter", f"one of {', '.join(sorted(legal))}")
                )

    def get_params(self, **params):
        """Return the parameters, `build_fn` included, as a dict; `deep` makes no difference."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params):
        """Set parameters; returns the estimator.

        Raises:
            ValueError: A name is no parameter.
        """
        params = dict(params)
        before = self.build_fn
        self.build_fn = params.pop("build_fn", before)
        try:
            self.check_params(params)
        except ValueError:
            self.build_fn = before
            raise
        self.sk_params.update(params)
        return self

    def filter_sk_params(self, fn, override=None):
        """Return those parameters that are arguments of a function, and what is to override them.

        Arguments:
            fn: The function.
            override: A dict of further arguments, which win.
        """
        names = _arguments(fn)
        return {**{name: value for name, value in self.sk_params.items() if name in names}, **(override or {})}

    def _builder(self):
        """Return what makes the model: `build_fn`, or the estimator's own `__call__`."""
        if self.build_fn is not None:
            return self.build_fn
        if not callable(self):
            raise AttributeError(
                text(type(self).__name__, "build_fn is None and the class has no __call__",
                     "a function that makes a compiled model", "Pass build_fn=..., or define __call__.")
            )  # fmt: skip
        return self.__call__

    # Training.

    def fit(self, x, y, **kwargs):
        """Make a new model and train it.

        Arguments:
            x, y: Inputs and targets.
            **kwargs: For the model's fit.

        Returns: The History.
        """
        build = self._builder()
        self.model = build(**self.filter_sk_params(build))
        return self.model.fit(x, self._targets(np.asarray(y)), **self.filter_sk_params(Sequential.fit, kwargs))

    def _targets(self, y):
        """Return targets as the loss of the model takes them."""
        return y

    def _fitted(self):
        if self.model is None:
            raise AttributeError(
                text(type(self).__name__, "there is no model yet", "one that was fitted", "Call fit(x, y) first.")
            )
        return self.model

    # What scikit-learn asks.

    def __sklearn_is_fitted__(self):
        return self.model is not None

    def __sklearn_tags__(self):
        tags = sklearn_utils
        classifies = self._estimator_type == "classifier"
        return tags.Tags(
            estimator_type=self._estimator_type,
            target_tags=tags.TargetTags(required=True),
            classifier_tags=tags.ClassifierTags() if classifies else None,
            regressor_tags=None if classifies else tags.RegressorTags(),
        )


class KerasClassifier(BaseWrapper):
    """A model as a classifier of scikit-learn; `classes_` holds the labels in order, `n_classes_` their number.

    Labels may be any that NumPy sorts; with the loss 'categorical_crossentropy' they become rows of zeros with a one.
    Arguments as BaseWrapper takes them.
    """

    _estimator_type = "classifier"

    def fit(self, x, y, **kwargs):
        """Make a new model and train it.

        Arguments:
            x: Inputs.
            y: A label for each sample, or a row of zeros with a one.
            **kwargs: For the model's fit.

        Returns: The History.

        Raises:
            ValueError: `y` has another rank.
        """
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(
                text("KerasClassifier.fit", f"y has shape {y.shape}", "a label or a row for each sample")
            )
        self.n_classes_ = len(self.classes_)
        return super().fit(x, y, **kwargs)

    def _targets(self, y):
        loss = self.model.loss
        name = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
        if name == "categorical_crossentropy" and (y.ndim != 2 or y.shape[1] == 1):
            return to_categorical(y, max(self.n_classes_, int(y.max()) + 1))
        return y

    def predict(self, x, **kwargs):
        """Return the most probable label of each sample; `kwargs` are for the model's predict_classes."""
        model = self._fitted()
        return self.classes_[model.predict_classes(x, **self.filter_sk_params(Sequential.predict_classes, kwargs))]

    def predict_proba(self, x, **kwargs):
        """Return for each sample a row of probabilities, one for each label; `kwargs` are for predict_proba."""
        model = self._fitted()
        shares = model.predict_proba(x, **self.filter_sk_params(Sequential.predict_classes, kwargs))
        if shares.shape[1] == 1:  # one output tells the second label from the first
            shares = np.hstack([1 - shares, shares])
        return shares

    def score(self, x, y, **kwargs):
        """Return the accuracy; `kwargs` are for the model's evaluate.

        Raises:
            ValueError: The model was compiled without the metric 'accuracy', or a label was not there in training.
        """
        model = self._fitted()
        y = np.asarray(y)
        if y.ndim == 1 or y.shape[1] == 1:
            strange = np.setdiff1d(y, self.classes_)
            if len(strange):
                raise ValueError(
                    text("KerasClassifier.score", f"y has the label {strange[0].item()!r}", "labels seen in training")
                )
            y = np.searchsorted(self.classes_, y)
        results = model.evaluate(x, self._targets(y), **self.filter_sk_params(Sequential.evaluate, kwargs))
        results = results if isinstance(results, list) else [results]
        for name, result in zip(model.metrics_names, results, strict=True):
            if name == "acc":
                return result
        raise ValueError(
            text("KerasClassifier.score", f"the model has the metrics {model.metrics_names}", "an accuracy",
                 "Compile it with metrics=['accuracy'].")
        )  # fmt: skip


class KerasRegressor(BaseWrapper):
    """A model as a regressor of scikit-learn; arguments as BaseWrapper takes them."""

    _estimator_type = "regressor"

    def predict(self, x, **kwargs):
        """Return a number for each sample, or a row where the model has several; `kwargs` are for predict."""
        values = self._fitted().predict(x, **self.filter_sk_params(Sequential.predict, kwargs))
        return np.squeeze(values, -1) if values.ndim > 1 and values.shape[-1] == 1 else values

    def score(self, x, y, **kwargs):
        """Return the loss, as TensorFlow 1.4 does: less is better.

        scikit-learn takes what is larger for better, so give a search or a cross validation a score of its own, such
        as ``scoring="neg_mean_squared_error"``.
        """
        loss = self._fitted().evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs))
        return loss[0] if isinstance(loss, list) else loss


def _arguments(function):
    """Return the names of a function's arguments; for an object that is called, of its call."""
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]
