"""Family `trajectories_random`: models put together by chance, trained: they meet what nobody thought of."""

import numpy as np

from ..case import TRAINED, register
from .helpers import cycle, normal, one_hot, positive, seed_weights, sequential, train

NUM_MODELS = 60
NUM_CLASSES = 3


def _pick(random, *options):
    return options[random.randint(len(options))]


def _activation(random):
    return _pick(random, "relu", "tanh", "elu", "softplus", "sigmoid", "selu", "softsign", "hard_sigmoid", "linear")


def _dense(L, random):
    return [L.Dense(random.randint(3, 9), activation=_activation(random), use_bias=bool(random.randint(2)))]


def _normalization(L, random):
    return [L.BatchNormalization(momentum=0.8, center=bool(random.randint(2)), scale=bool(random.randint(2)))]


def _line(L, random):
    """Layers for (steps, channels), of which any number of steps from 4 on leaves at least 2."""
    return _pick(
        random,
        lambda: [L.Conv1D(random.randint(3, 7), random.randint(1, 4), padding="same", activation=_activation(random))],
        lambda: [L.Conv1D(4, 2, strides=2, padding="same", activation=_activation(random))],
        lambda: [L.Conv1D(4, 3, dilation_rate=2, padding="same", use_bias=False)],
        lambda: [L.ZeroPadding1D((1, 2)), L.Conv1D(5, 3, activation=_activation(random))],
        lambda: [L.MaxPooling1D(3, strides=2, padding="same")],
        lambda: [L.AveragePooling1D(2, strides=1)],
        lambda: [L.UpSampling1D(2)],
        lambda: _dense(L, random),
        lambda: _normalization(L, random),
    )()


def _image(L, random):
    """Layers for (rows, columns, channels), of which any size from 4 on leaves at least 2."""
    kernel = (random.randint(1, 4), random.randint(1, 4))
    return _pick(
        random,
        lambda: [L.Conv2D(random.randint(3, 7), kernel, padding="same", activation=_activation(random))],
        lambda: [L.Conv2D(4, kernel, strides=(2, 1), padding="same", activation=_activation(random))],
        lambda: [L.Conv2D(4, kernel, dilation_rate=2, padding="same", use_bias=False)],
        lambda: [L.ZeroPadding2D(1), L.Conv2D(5, 3, activation=_activation(random))],
        lambda: [L.MaxPooling2D((3, 2), strides=(1, 2), padding="same")],
        lambda: [L.AveragePooling2D((2, 3), strides=1, padding="same")],
        lambda: [L.UpSampling2D((1, 2))],
        lambda: _dense(L, random),
        lambda: _normalization(L, random),
    )()


def _blocks(random, make, L):
    return [layer for _ in range(random.randint(2, 5)) for layer in make(L, random)]


def _vector_model(L, random):
    blocks = _blocks(random, lambda L, random: _pick(random, _dense, _dense, _normalization)(L, random), L)
    return [L.Dense(7, activation=_activation(random), input_shape=(6,))] + blocks, normal(random, 48, 6)


def _line_model(L, random):
    end = _pick(random, L.GlobalMaxPooling1D, L.GlobalAveragePooling1D, L.Flatten)
    layers = [L.Conv1D(4, 3, padding="same", input_shape=(9, 3))] + _blocks(random, _line, L) + [end()]
    return layers, normal(random, 48, 9, 3)


def _word_model(L, random):
    end = _pick(random, L.GlobalMaxPooling1D, L.GlobalAveragePooling1D, L.Flatten)
    layers = [L.Embedding(11, 4, input_length=8)] + _blocks(random, _line, L) + [end()]
    return layers, random.randint(11, size=(48, 8))


def _image_model(L, random):
    end = _pick(random, L.GlobalMaxPooling2D, L.GlobalAveragePooling2D, L.Flatten)
    layers = (
        [L.Conv2D(4, 3, activation=_activation(random), input_shape=(8, 7, 2))] + _blocks(random, _image, L) + [end()]
    )
    return layers, normal(random, 48, 8, 7, 2)


def _reshaped_model(L, random):
    """From a vector to a line and back, with the axes changed on the way."""
    layers = [L.Reshape((6, 4), input_shape=(24,)), L.Permute((2, 1))] + _blocks(random, _line, L)
    return layers + [L.Flatten(), L.RepeatVector(2), L.Flatten()], normal(random, 48, 24)


def _random_model(index):
    def function(keras, random):
        L, O = keras.layers, keras.optimizers
        make = (_vector_model, _line_model, _word_model, _image_model, _reshaped_model)[index % 5]
        layers, x = make(L, random)
        loss, activation, y = _pick(
            random,
            ("categorical_crossentropy", "softmax", one_hot(random, NUM_CLASSES, 48)),
            ("sparse_categorical_crossentropy", "softmax", random.randint(NUM_CLASSES, size=(48, 1))),
            ("binary_crossentropy", "sigmoid", random.randint(2, size=(48, NUM_CLASSES))),
            ("mse", "linear", normal(random, 48, NUM_CLASSES)),
            ("logcosh", "tanh", normal(random, 48, NUM_CLASSES)),
        )
        model = sequential(keras, layers + [L.Dense(NUM_CLASSES, activation=activation, kernel_regularizer="l2")])
        seed_weights(model, random)
        # No optimizer that divides by the gradient's own size: a bias in front of a normalization has noise for one.
        optimizer = _pick(
            random,
            lambda: O.SGD(lr=0.02),
            lambda: O.SGD(lr=0.01, momentum=0.9),
            lambda: O.SGD(lr=0.02, momentum=0.5, nesterov=True, decay=0.01),
            lambda: O.SGD(lr=0.05, clipnorm=0.5),
            lambda: O.SGD(lr=0.05, clipvalue=0.05),
        )()
        model.compile(optimizer, loss, metrics=["accuracy"])
        fields = train(model, cycle(x, y, weights=positive(random, 48) if random.randint(2) else None))
        fields["output"] = model.predict(x[:7])
        fields["losses_of_test"] = np.array(model.test_on_batch(x, y))[:1]
        return {name: value for name, value in fields.items() if not name.startswith("slot_")}

    return function


for _index in range(NUM_MODELS):
    register("trajectories_random/{:02d}".format(_index), _random_model(_index), TRAINED)
