"""Family `trajectories_losses`: each loss, plain, with sample weights, with class weights, temporal and masked."""

import numpy as np

from ..case import TRAINED, case, register
from .helpers import cycle, normal, one_hot, positive, probabilities, seed_weights, sequential, train

NUM_CLASSES = 4


def _signs(random, *shape):
    return (random.randint(2, size=shape) * 2 - 1).astype("float32")


def _classes(random, *shape):
    return random.randint(NUM_CLASSES, size=shape[:-1] + (1,)).astype("float32")


def _one_hot(random, *shape):
    return one_hot(random, NUM_CLASSES, *shape[:-1])


def _bits(random, *shape):
    return random.randint(2, size=shape).astype("float32")


# loss, activation of the last layer, targets that the loss is meant for
LOSSES = (
    ("mean_squared_error", "linear", normal),
    ("mean_absolute_error", "linear", normal),
    ("mean_absolute_percentage_error", "linear", positive),
    ("mean_squared_logarithmic_error", "softplus", positive),
    ("squared_hinge", "tanh", _signs),
    ("hinge", "tanh", _signs),
    ("categorical_hinge", "softmax", _one_hot),
    ("logcosh", "linear", normal),
    ("categorical_crossentropy", "softmax", _one_hot),
    ("sparse_categorical_crossentropy", "softmax", _classes),
    ("binary_crossentropy", "sigmoid", _bits),
    ("kullback_leibler_divergence", "softmax", probabilities),
    ("poisson", "softplus", positive),
    ("cosine_proximity", "linear", normal),
)
CLASS_WEIGHTS = {0: 0.5, 1: 2.0, 2: 1.0, 3: 3.0}


def _rate(loss):
    return 0.002 if loss == "mean_absolute_percentage_error" else 0.1


def _flat(loss, activation, targets, weighting):
    def function(keras, random):
        L = keras.layers
        model = sequential(
            keras, [L.Dense(8, activation="tanh", input_shape=(6,)), L.Dense(NUM_CLASSES, activation=activation)]
        )
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=_rate(loss)), loss, metrics=["mse"], weighted_metrics=["mae"])
        x, y = normal(random, 64, 6), targets(random, 64, NUM_CLASSES)
        if weighting == "sample":
            weights = positive(random, 64) * (random.uniform(size=64) > 0.2)
            return train(model, cycle(x, y, weights=weights.astype("float32")))
        if weighting == "class":
            return train(model, cycle(x, y), class_weight=CLASS_WEIGHTS)
        return train(model, cycle(x, y))

    return function


def _temporal(loss, activation, targets, weighting):
    """Sequences: weights by sample or by step, and a mask on the steps."""

    def function(keras, random):
        L = keras.layers
        masked = "masked" in weighting
        layers = [L.Masking(0.0, input_shape=(5, 6))] if masked else []
        layers.append(L.Dense(8, activation="tanh", **({} if masked else {"input_shape": (5, 6)})))
        model = sequential(keras, layers + [L.Dense(NUM_CLASSES, activation=activation)])
        seed_weights(model, random)
        mode = "temporal" if "temporal" in weighting else None
        model.compile(
            keras.optimizers.SGD(lr=_rate(loss)),
            loss,
            metrics=["mse"],
            weighted_metrics=["mae"],
            sample_weight_mode=mode,
        )
        x, y = normal(random, 64, 5, 6), targets(random, 64, 5, NUM_CLASSES)
        if masked:
            x = x * (np.arange(5) < random.randint(1, 6, size=(64, 1)))[:, :, None].astype("float32")
        weights = positive(random, 64, 5) * (random.uniform(size=(64, 5)) > 0.2)
        if mode is None:
            weights = weights[:, 0]
        return train(model, cycle(x, y, weights=weights.astype("float32") if "weights" in weighting else None))

    return function


for _loss, _activation, _targets in LOSSES:
    for _weighting in ("plain", "sample", "class"):
        register(
            "trajectories_losses/{}_{}".format(_loss, _weighting),
            _flat(_loss, _activation, _targets, _weighting),
            TRAINED,
        )
    for _weighting in ("temporal_weights", "masked", "masked_weights", "masked_temporal_weights"):
        register(
            "trajectories_losses/{}_{}".format(_loss, _weighting),
            _temporal(_loss, _activation, _targets, _weighting),
            TRAINED,
        )


def _binary(loss, low):
    """Class weights for one column of labels: the label itself is the class."""

    def function(keras, random):
        L = keras.layers
        activation = "tanh" if low < 0 else "sigmoid"
        model = sequential(keras, [L.Dense(8, activation="tanh", input_shape=(6,)), L.Dense(1, activation=activation)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
        y = np.where(random.randint(2, size=(64, 1)) > 0, 1, low)
        return train(model, cycle(normal(random, 64, 6), y), class_weight={low: 0.5, 1: 2.0})

    return function


register("trajectories_losses/binary_crossentropy_class_of_labels", _binary("binary_crossentropy", 0), TRAINED)
register("trajectories_losses/hinge_class_of_labels", _binary("hinge", -1), TRAINED)
register("trajectories_losses/squared_hinge_class_of_labels", _binary("squared_hinge", -1), TRAINED)


@case("trajectories_losses/sample_and_class_weights", TRAINED)
def sample_and_class_weights(keras, random):
    """Given both, only one of them acts."""
    L = keras.layers
    model = sequential(keras, [L.Dense(NUM_CLASSES, activation="softmax", input_shape=(6,))])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    x, y = normal(random, 64, 6), one_hot(random, NUM_CLASSES, 64)
    return train(model, cycle(x, y, weights=positive(random, 64)), class_weight=CLASS_WEIGHTS)


@case("trajectories_losses/of_the_users", TRAINED)
def loss_of_the_users(keras, random):
    """A loss written in backend functions is compiled and differentiated as the documented ones are."""
    L, K = keras.layers, keras.backend

    def smooth_l1(y_true, y_pred):
        distance = K.abs(y_true - y_pred)
        near = K.cast(K.less(distance, 0.5), "float32")
        return K.mean(near * K.square(distance) + (1.0 - near) * (distance - 0.25), axis=-1)

    def largest(y_true, y_pred):
        return K.max(K.abs(y_true - y_pred), axis=-1)

    model = sequential(keras, [L.Dense(8, activation="tanh", input_shape=(6,)), L.Dense(3)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), smooth_l1, metrics=[largest])
    return train(model, cycle(normal(random, 64, 6), normal(random, 64, 3)))


@case("trajectories_losses/image_targets", TRAINED)
def image_targets(keras, random):
    """Targets of rank four: the mean is taken over all but the first axis."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv2D(4, 3, padding="same", activation="relu", input_shape=(6, 5, 2)),
            L.Conv2D(3, 1, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 32, 6, 5, 2), one_hot(random, 3, 32, 6, 5), weights=positive(random, 32)))
