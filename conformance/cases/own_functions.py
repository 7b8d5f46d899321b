"""Family `own_functions`: losses, metrics, Lambdas and layers as users write them, in five steps of training."""

import numpy as np

from ..case import TRAINED, register
from .helpers import normal

SAMPLES, INPUTS, CLASSES, STEPS = 16, 5, 3, 5


def train(keras, random, loss, metrics=None, activation="softmax", between=(), sparse=False):
    layers = keras.layers
    stack = [layers.Dense(8, activation="tanh", input_shape=(INPUTS,))] + list(between)
    model = keras.models.Sequential(stack + [layers.Dense(CLASSES, activation=activation)])
    model.set_weights([normal(random, *weight.shape) * 0.5 for weight in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=metrics)
    labels = np.arange(SAMPLES) % CLASSES
    targets = labels[:, np.newaxis] if sparse else np.eye(CLASSES)[labels]
    values = [model.train_on_batch(normal(random, SAMPLES, INPUTS), targets) for _ in range(STEPS)]
    fields = {"losses": np.array(values)}
    fields.update({"weight_{}".format(i): weight for i, weight in enumerate(model.get_weights())})
    return fields


# -- losses: each takes K first, so that it can be written outside of a case ----------------------------------


def dice(K, y_true, y_pred):
    overlap = K.sum(K.flatten(y_true) * K.flatten(y_pred))
    return 1.0 - (2.0 * overlap + 1.0) / (K.sum(y_true) + K.sum(y_pred) + 1.0)


def focal(K, y_true, y_pred):
    y_pred = K.clip(y_pred, K.epsilon(), 1.0 - K.epsilon())
    y_pred /= K.sum(y_pred, axis=-1, keepdims=True)
    return -K.sum(y_true * K.pow(1.0 - y_pred, 2.0) * K.log(y_pred), axis=-1)


def weighted(K, y_true, y_pred):
    weights = K.variable(np.array([1.0, 2.0, 0.5]))
    y_pred = K.clip(y_pred / K.sum(y_pred, axis=-1, keepdims=True), K.epsilon(), 1 - K.epsilon())
    return -K.sum(y_true * K.log(y_pred) * weights, -1)


def huber(K, y_true, y_pred):
    error = K.abs(y_true - y_pred)
    quadratic = K.minimum(error, 0.5)
    return K.mean(0.5 * K.square(quadratic) + 0.5 * (error - quadratic), axis=-1)


def triplet(K, y_true, y_pred):
    anchor, near, far = y_pred[:, 0:1], y_pred[:, 1:2], y_pred[:, 2:3]
    return K.maximum(K.sum(K.square(anchor - near), -1) - K.sum(K.square(anchor - far), -1) + 0.2, 0.0)


def quantile(K, y_true, y_pred):
    error = y_true - y_pred
    return K.mean(K.maximum(0.3 * error, -0.7 * error), axis=-1)


def distance(K, y_true, y_pred):
    return K.sqrt(K.maximum(K.sum(K.square(y_true - y_pred), axis=1, keepdims=True), K.epsilon()))


def contrastive(K, y_true, y_pred):
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))


def variation(K, y_true, y_pred):
    return K.sum(K.pow(K.square(y_pred[:, :-1] - y_pred[:, 1:]) + 0.1, 1.25)) / 100.0


def cosine(K, y_true, y_pred):
    return -K.sum(K.l2_normalize(y_true, -1) * K.l2_normalize(y_pred, -1), axis=-1)


def masked(K, y_true, y_pred):
    mask = K.cast(K.not_equal(y_true, 0.0), K.floatx())
    return K.sum(K.square((y_true - y_pred) * mask), -1) / K.maximum(K.sum(mask, -1), 1.0)


def covariance(K, y_true, y_pred):
    centred = y_pred - K.mean(y_pred, axis=0, keepdims=True)
    return K.sum(K.square(K.dot(K.transpose(centred), centred))) / 100.0


def spread(K, y_true, y_pred):
    return K.std(y_pred, axis=-1) + K.var(y_pred)


def log_sum_exp(K, y_true, y_pred):
    highest = K.max(y_pred, axis=-1, keepdims=True)
    return K.log(K.sum(K.exp(y_pred - highest), axis=-1)) + K.squeeze(highest, -1) - K.sum(y_true * y_pred, -1)


def products(K, y_true, y_pred):
    return -K.sum(K.batch_dot(K.expand_dims(y_pred, 1), K.expand_dims(y_true, -1)), axis=(1, 2))


def piecewise(K, y_true, y_pred):
    far = K.cast(K.greater(y_pred, 0.3), K.floatx())
    return K.mean(far * K.square(y_true - y_pred) + (1.0 - far) * K.abs(y_true - y_pred), axis=-1)


def one_hot_labels(K, y_true, y_pred):
    return K.categorical_crossentropy(K.one_hot(K.cast(K.flatten(y_true), "int32"), CLASSES), y_pred)


LOSSES = (
    dice, focal, weighted, huber, triplet, quantile, distance, contrastive, variation, cosine, masked, covariance,
    spread, log_sum_exp, products, piecewise,
)


def of_backend(keras, function):
    """The function without its K, under its own name, as a model takes it."""

    def bound(y_true, y_pred):
        return function(keras.backend, y_true, y_pred)

    bound.__name__ = function.__name__
    return bound


def _loss(function, **options):
    register(
        "own_functions/loss_" + function.__name__,
        lambda keras, random: train(keras, random, of_backend(keras, function), **options),
        TRAINED,
    )


for _function in LOSSES:
    _loss(_function)
_loss(one_hot_labels, sparse=True)


# -- metrics --------------------------------------------------------------------------------------------------


def true_positives_share(K, y_true, y_pred):
    found = K.sum(K.round(K.clip(y_true * y_pred, 0, 1)))
    return found / (K.sum(K.round(K.clip(y_true, 0, 1))) + K.epsilon())


def explained(K, y_true, y_pred):
    return 1 - K.sum(K.square(y_true - y_pred)) / (K.sum(K.square(y_true - K.mean(y_true))) + K.epsilon())


def same_class(K, y_true, y_pred):
    return K.cast(K.equal(K.argmax(y_true, -1), K.argmax(y_pred, -1)), K.floatx())


def with_metrics(keras, random):
    own = [of_backend(keras, function) for function in (true_positives_share, explained, same_class)]
    return train(keras, random, "mse", metrics=own + ["acc", "mae"])


register("own_functions/metrics", with_metrics, TRAINED)


# -- layers ---------------------------------------------------------------------------------------------------


def with_lambdas(keras, random):
    K, Lambda = keras.backend, keras.layers.Lambda
    functions = [
        lambda x: K.concatenate([x, K.square(x)], axis=-1),
        lambda x: K.reshape(x, (-1, 4, 4)),
        lambda x: K.softmax(K.sum(x, axis=-1)) * K.max(x, axis=1),
        lambda x: x[:, ::2],
        lambda x: K.repeat_elements(x, 2, axis=-1),
        lambda x: K.stack([x, x * 2], axis=1),
        lambda x: K.batch_flatten(K.permute_dimensions(x, (0, 2, 1))),
        lambda x: K.reshape(x, (K.shape(x)[0], 8)),
        lambda x: K.switch(K.sum(x) > 0, x, -x),
        lambda x: K.in_train_phase(x * 2, x),
    ]
    return train(keras, random, "mse", between=[Lambda(function) for function in functions])


def with_a_layer(keras, random):
    K = keras.backend

    class Scale(keras.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight("factor", (8,), initializer=keras.initializers.Ones())
            self.built = True

        def call(self, x):
            self.add_loss(K.sum(K.square(x)) * 1e-3, x)
            return x * self.factor

    return train(keras, random, "mse", between=[Scale()])


register("own_functions/lambdas", with_lambdas, TRAINED)
register("own_functions/layer", with_a_layer, TRAINED)
