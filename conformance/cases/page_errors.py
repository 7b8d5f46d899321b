"""Family `page_errors`: the verbs of a model that was never compiled, fresh, built or popped since."""

import numpy as np

from ..case import EXACT, register
from .helpers import normal, seed_weights, sequential
from .page_properties import told

VERBS = (
    ("fit", lambda m, x, y: m.fit(x, y, verbose=0)),
    ("evaluate", lambda m, x, y: m.evaluate(x, y, verbose=0)),
    ("train_on_batch", lambda m, x, y: m.train_on_batch(x, y)),
    ("test_on_batch", lambda m, x, y: m.test_on_batch(x, y)),
    ("predict", lambda m, x, y: np.shape(m.predict(x))),
    ("predict_on_batch", lambda m, x, y: np.shape(m.predict_on_batch(x))),
    ("predict_classes", lambda m, x, y: np.shape(m.predict_classes(x, verbose=0))),
    ("predict_proba", lambda m, x, y: np.shape(m.predict_proba(x, verbose=0))),
)


def _not_compiled(verb):
    def function(keras, random):
        fields = {}
        for label in ("fresh", "built", "popped"):
            model = sequential(keras, [keras.layers.Dense(3, input_shape=(4,)), keras.layers.Dense(3)])
            seed_weights(model, random)
            if label == "built":
                model.build()
            if label == "popped":
                model.compile("sgd", "mse")
                model.pop()
            fields[label] = told(verb, model, normal(random, 5, 4), normal(random, 5, 3))
        return fields

    return function


def _of_no_layers(verb):
    return lambda keras, random: {
        "raises": told(verb, keras.models.Sequential(), normal(random, 5, 4), normal(random, 5, 3))
    }


for _label, _verb in VERBS:
    register("page_errors/{}_not_compiled".format(_label), _not_compiled(_verb), EXACT)
    register("page_errors/{}_of_no_layers".format(_label), _of_no_layers(_verb), EXACT)
