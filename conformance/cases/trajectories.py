"""Family `trajectories`: whole models trained for twenty steps from the same weights on the same batches."""

import numpy as np

from ..case import TRAINED, case
from .helpers import cycle, normal, one_hot, seed_weights, sequential, train


def _images(random, num, side, channels, num_classes):
    return normal(random, num, side, side, channels), one_hot(random, num_classes, num)


@case("trajectories/mlp", TRAINED)
def mlp(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(24, activation="relu", input_shape=(20,)),
            L.Dense(16, activation="tanh"),
            L.Dense(5, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 64, 20), one_hot(random, 5, 64)))


@case("trajectories/mlp_regression", TRAINED)
def mlp_regression(keras, random):
    L = keras.layers
    model = sequential(
        keras, [L.Dense(16, activation="elu", input_dim=10), L.Dense(16, activation="softplus"), L.Dense(2)]
    )
    seed_weights(model, random)
    model.compile("rmsprop", "mse", metrics=["mae"])
    x = normal(random, 64, 10)
    return train(model, cycle(x, x[:, :2] * x[:, 2:4]))


@case("trajectories/cnn", TRAINED)
def cnn(keras, random):
    """Overlapping pooling, strides and dilation, both paddings."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv2D(8, 3, padding="same", activation="relu", input_shape=(15, 15, 2)),
            L.MaxPooling2D(3, strides=2),
            L.Conv2D(8, (3, 2), dilation_rate=2, activation="relu"),
            L.AveragePooling2D((2, 3), strides=1, padding="same"),
            L.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(
        keras.optimizers.SGD(lr=0.05, momentum=0.9, nesterov=True), "categorical_crossentropy", metrics=["accuracy"]
    )
    return train(model, cycle(*_images(random, 48, 15, 2, 4)))


@case("trajectories/cnn_channels_first_borders", TRAINED)
def cnn_permuted(keras, random):
    """Channels-first images brought to channels last by a Permute, zero padded and sampled up on the way."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Permute((2, 3, 1), input_shape=(3, 9, 7)),
            L.ZeroPadding2D(((1, 2), (0, 1))),
            L.Conv2D(6, 3, strides=2, activation="relu"),
            L.UpSampling2D((2, 3)),
            L.MaxPooling2D(2, strides=1, padding="same"),
            L.GlobalMaxPooling2D(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05), "categorical_crossentropy")
    return train(model, cycle(normal(random, 48, 3, 9, 7), one_hot(random, 3, 48)))


@case("trajectories/batch_normalized_cnn", TRAINED)
def batch_normalized_cnn(keras, random):
    L = keras.layers
    layers = []
    for index, filters in enumerate((6, 8)):
        shape = {"input_shape": (10, 10, 3)} if index == 0 else {}
        layers.append(L.Conv2D(filters, 3, padding="same", use_bias=False, **shape))
        layers += [L.BatchNormalization(momentum=0.9), L.Activation("relu"), L.MaxPooling2D()]
    model = sequential(keras, layers + [L.GlobalAveragePooling2D(), L.Dense(4, activation="softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    x, y = _images(random, 48, 10, 3, 4)
    fields = train(model, cycle(x, y))
    fields["losses_of_test"] = np.array(model.test_on_batch(x, y))
    fields["output"] = model.predict(x[:5])
    return fields


@case("trajectories/batch_normalized_cnn_adam", TRAINED)
def batch_normalized_cnn_adam(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv2D(6, 3, use_bias=False, input_shape=(8, 8, 2)),
            L.BatchNormalization(scale=False),
            L.Activation("relu"),
            L.Flatten(),
            L.Dense(8, use_bias=False),
            L.BatchNormalization(center=False, momentum=0.8, epsilon=0.01),
            L.Dense(4, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(*_images(random, 48, 8, 2, 4)))


@case("trajectories/batch_normalized_cnn_alike", TRAINED)
def batch_normalized_cnn_alike(keras, random):
    """Three normalizations of equal size: the statistics of one must not get into another's."""
    L = keras.layers
    layers = []
    for index in range(3):
        shape = {"input_shape": (9, 9, 2)} if index == 0 else {}
        layers.append(L.Conv2D(6, 3, use_bias=False, **shape))
        layers += [L.BatchNormalization(momentum=0.5, center=index > 0, scale=index > 1), L.Activation("relu")]
    model = sequential(keras, layers + [L.Flatten(), L.Dense(4, activation="softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(*_images(random, 48, 9, 2, 4)))


@case("trajectories/text_cnn", TRAINED)
def text_cnn(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Embedding(50, 8, input_length=20),
            L.Conv1D(10, 3, activation="relu"),
            L.GlobalMaxPooling1D(),
            L.Dense(12, activation="relu"),
            L.Dense(1, activation="sigmoid"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.01), "binary_crossentropy", metrics=["accuracy"])
    return train(model, cycle(random.randint(50, size=(64, 20)), random.randint(2, size=(64, 1))))


@case("trajectories/text_cnn_pooled", TRAINED)
def text_cnn_pooled(keras, random):
    """One-dimensional pooling, strided and dilated convolutions."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Embedding(30, 6, input_length=24),
            L.Conv1D(8, 3, padding="same", dilation_rate=2, activation="relu"),
            L.MaxPooling1D(3, strides=2, padding="same"),
            L.ZeroPadding1D((1, 2)),
            L.Conv1D(8, 4, strides=2, activation="tanh"),
            L.UpSampling1D(2),
            L.AveragePooling1D(2),
            L.GlobalAveragePooling1D(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(random.randint(30, size=(64, 24)), random.randint(3, size=(64, 1))))


@case("trajectories/nested", TRAINED)
def nested(keras, random):
    L = keras.layers
    encoder = sequential(
        keras, [L.Dense(12, activation="relu", input_shape=(8,)), L.BatchNormalization(momentum=0.9), L.Dense(6)]
    )
    head = sequential(keras, [L.Dense(6, activation="tanh", input_shape=(6,)), L.Dense(3, activation="softmax")])
    model = sequential(keras, [encoder, L.Activation("relu"), head])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 64, 8), one_hot(random, 3, 64)))


@case("trajectories/masked_sequence", TRAINED)
def masked_sequence(keras, random):
    """The mask of an Embedding reaches the loss through layers that pass masks on."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Embedding(20, 6, mask_zero=True, input_length=7),
            L.Dense(8, activation="tanh"),
            L.Dense(4, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.5), "categorical_crossentropy", metrics=["accuracy"])
    words = random.randint(1, 20, size=(64, 7)) * (np.arange(7) < random.randint(1, 8, size=(64, 1)))
    return train(model, cycle(words, one_hot(random, 4, 64, 7)))
