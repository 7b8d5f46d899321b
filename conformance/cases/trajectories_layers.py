"""Family `trajectories_layers`: models of the layers beside Sequential's first ones, trained for twenty steps."""

import numpy as np

from ..case import TRAINED, case
from .helpers import cycle, normal, one_hot, positive, seed_weights, sequential, train


def _of_lists(xs, ys, batch_size=16):
    """Batches of several inputs and targets, in order."""
    num_batches = len(xs[0]) // batch_size

    def batch_of(step):
        part = slice((step % num_batches) * batch_size, (step % num_batches + 1) * batch_size)
        return [x[part] for x in xs], [y[part] for y in ys]

    return batch_of


def _trained_on_lists(model, batch_of, x):
    fields = train(model, batch_of)
    outputs = model.predict([each[:5] for each in x])
    for index, output in enumerate(outputs if isinstance(outputs, list) else [outputs]):
        fields["output_{}".format(index)] = output
    return fields


@case("trajectories_layers/conv3d", TRAINED)
def volume_cnn(keras, random):
    """A small network on volumes: strides, both poolings, padding, cropping and normalization."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.ZeroPadding3D(((1, 0), (0, 1), (1, 1)), input_shape=(5, 6, 4, 2)),
            L.Conv3D(4, (2, 3, 3), activation="relu"),
            L.MaxPooling3D(2, strides=1, padding="same"),
            L.Conv3D(6, 2, strides=(1, 2, 1), padding="same", use_bias=False),
            L.BatchNormalization(momentum=0.9),
            L.Activation("relu"),
            L.Cropping3D(((1, 0), (0, 0), (0, 1))),
            L.AveragePooling3D((1, 2, 2), strides=1),
            L.GlobalAveragePooling3D(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.03, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 32, 5, 6, 4, 2), one_hot(random, 3, 32)))


@case("trajectories_layers/conv3d_adam", TRAINED)
def volume_cnn_adam(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv3D(4, 2, dilation_rate=2, activation="tanh", input_shape=(5, 5, 5, 1)),
            L.UpSampling3D((1, 2, 1)),
            L.Conv3D(4, (1, 3, 3), padding="same", activation="elu"),
            L.GlobalMaxPooling3D(),
            L.Dense(2, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.005, epsilon=1e-4), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 32, 5, 5, 5, 1), one_hot(random, 2, 32)))


@case("trajectories_layers/conv2d_transpose", TRAINED)
def autoencoder(keras, random):
    """An autoencoder: strided convolutions down, transposed ones up."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Conv2D(6, 3, strides=2, padding="same", activation="relu", input_shape=(8, 8, 2)),
            L.Conv2D(4, 3, strides=2, padding="same", activation="tanh"),
            L.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"),
            L.Conv2DTranspose(2, 2, strides=2),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.9), "mse", metrics=["mae"])
    x = normal(random, 32, 8, 8, 2)
    return train(model, cycle(x, x))


@case("trajectories_layers/separable_conv2d", TRAINED)
def separable(keras, random):
    """Depthwise separable blocks with normalization, as mobile networks have them."""
    L = keras.layers
    layers = [L.Conv2D(4, 3, strides=2, padding="same", use_bias=False, input_shape=(10, 10, 2))]
    for filters, strides in ((6, 1), (8, 2)):
        layers += [L.BatchNormalization(momentum=0.8), L.LeakyReLU(0.1)]
        layers.append(L.SeparableConv2D(filters, 3, strides=strides, padding="same", use_bias=False))
    layers += [L.BatchNormalization(momentum=0.8), L.PReLU(shared_axes=[1, 2])]
    model = sequential(keras, layers + [L.GlobalAveragePooling2D(), L.Dense(3, activation="softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    fields = train(model, cycle(normal(random, 48, 10, 10, 2), one_hot(random, 3, 48)))
    fields["output"] = model.predict(normal(random, 5, 10, 10, 2))
    return fields


@case("trajectories_layers/separable_conv2d_transposed", TRAINED)
def separable_autoencoder(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.SeparableConv2D(6, 3, activation="elu", padding="same", input_shape=(6, 8, 3)),
            L.MaxPooling2D(2),
            L.SeparableConv2D(5, 3, padding="same"),
            L.ELU(0.5),
            L.Conv2DTranspose(3, 4, strides=2, padding="same", activation="sigmoid"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.RMSprop(lr=0.002, epsilon=1e-4), "mse")
    x = normal(random, 32, 6, 8, 3)
    return train(model, cycle(x, (x > 0).astype("float32")))


@case("trajectories_layers/locally_connected2d", TRAINED)
def local(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.LocallyConnected2D(4, 3, strides=2, activation="relu", input_shape=(7, 7, 2)),
            L.LocallyConnected2D(3, 2),
            L.ThresholdedReLU(0.1),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 48, 7, 7, 2), one_hot(random, 3, 48)))


@case("trajectories_layers/locally_connected1d", TRAINED)
def local_line(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Embedding(12, 5, input_length=9),
            L.Cropping1D((1, 0)),
            L.LocallyConnected1D(4, 3, activation="tanh"),
            L.LocallyConnected1D(4, 2, strides=2, use_bias=False),
            L.GlobalMaxPooling1D(),
            L.Dense(1, activation="sigmoid"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.005, epsilon=1e-4), "binary_crossentropy", metrics=["accuracy"])
    return train(model, cycle(random.randint(12, size=(48, 9)), random.randint(2, size=(48, 1))))


@case("trajectories_layers/p_re_lu", TRAINED)
def learned_slopes(keras, random):
    """Slopes that are learned, shared and single, beside fixed ones."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(12, input_shape=(8,)),
            L.PReLU(),
            L.Dense(10, use_bias=False),
            L.LeakyReLU(0.2),
            L.Reshape((5, 2)),
            L.PReLU(shared_axes=[1], alpha_constraint="non_neg"),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9, nesterov=True), "categorical_crossentropy")
    return train(model, cycle(normal(random, 64, 8), one_hot(random, 3, 64)))


@case("trajectories_layers/add", TRAINED)
def residual(keras, random):
    """Residual blocks on images, with normalization inside."""
    L = keras.layers
    inputs = L.Input(shape=(8, 8, 2))
    x = L.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    for index in range(2):
        branch = L.Conv2D(6, 3, padding="same", use_bias=False)(x)
        branch = L.Activation("relu")(L.BatchNormalization(momentum=0.8)(branch))
        branch = L.Conv2D(6, 3, padding="same")(branch)
        x = L.Activation("relu")(L.Add()([x, branch]) if index else L.add([branch, x]))
    model = keras.models.Model(inputs, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 48, 8, 8, 2), one_hot(random, 3, 48)))


@case("trajectories_layers/concatenate", TRAINED)
def inception(keras, random):
    """Branches of several kernels and a pooling side by side."""
    L = keras.layers
    inputs = L.Input(shape=(7, 7, 3))
    branches = [
        L.Conv2D(3, 1, activation="relu")(inputs),
        L.Conv2D(4, 3, padding="same", activation="relu")(L.Conv2D(3, 1)(inputs)),
        L.Conv2D(2, 1)(L.AveragePooling2D(3, strides=1, padding="same")(inputs)),
    ]
    x = L.MaxPooling2D(3, strides=2)(L.Concatenate()(branches))
    model = keras.models.Model(inputs, L.Dense(3, activation="softmax")(L.Flatten()(x)))
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 48, 7, 7, 3), one_hot(random, 3, 48)))


@case("trajectories_layers/multiply_two_inputs", TRAINED)
def two_branches(keras, random):
    """Two inputs of words and numbers, every kind of merge, two outputs with losses and weights of their own."""
    L = keras.layers
    words, numbers = L.Input(shape=(6,), dtype="int32"), L.Input(shape=(5,))
    text = L.GlobalMaxPooling1D()(L.Conv1D(8, 3, activation="relu")(L.Embedding(15, 4)(words)))
    table = L.Dense(8, activation="tanh")(numbers)
    together = L.Concatenate()(
        [L.Multiply()([text, table]), L.Average()([text, table]), L.Maximum()([text, table]), L.Add()([text, table])]
    )
    outputs = [L.Dense(3, activation="softmax")(together), L.Dense(1)(together)]
    model = keras.models.Model([words, numbers], outputs)
    seed_weights(model, random)
    model.compile(
        keras.optimizers.SGD(lr=0.05, momentum=0.9), ["categorical_crossentropy", "mse"], loss_weights=[1.0, 0.3]
    )
    x = [random.randint(15, size=(48, 6)), normal(random, 48, 5)]
    return _trained_on_lists(model, _of_lists(x, [one_hot(random, 3, 48), normal(random, 48, 1)]), x)


@case("trajectories_layers/dot_siamese", TRAINED)
def siamese(keras, random):
    """One encoder for two inputs, compared by the cosine of what it makes of them."""
    L = keras.layers
    encoder = sequential(keras, [L.Dense(10, activation="tanh", input_shape=(6,)), L.Dense(5)])
    inputs = [L.Input(shape=(6,)), L.Input(shape=(6,))]
    cosine = L.Dot(1, normalize=True)([encoder(each) for each in inputs])
    model = keras.models.Model(inputs, cosine)
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.5), "mse")
    x = [normal(random, 48, 6), normal(random, 48, 6)]
    return _trained_on_lists(model, _of_lists(x, [random.choice([-1.0, 1.0], size=(48, 1))]), x)


@case("trajectories_layers/dot_attention", TRAINED)
def attention(keras, random):
    """Rows weighed by their likeness to one another."""
    L = keras.layers
    inputs = L.Input(shape=(5, 4))
    keys, values = L.Dense(3)(inputs), L.Dense(6, activation="relu")(inputs)
    weights = L.Activation("softmax")(L.dot([L.Dense(3)(inputs), keys], axes=-1))
    x = L.GlobalAveragePooling1D()(L.dot([weights, values], axes=(2, 1)))
    model = keras.models.Model(inputs, L.Dense(3, activation="softmax")(x))
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 48, 5, 4), one_hot(random, 3, 48)))


@case("trajectories_layers/time_distributed", TRAINED)
def films(keras, random):
    """A network for images at each step of a film, trained with weights for the samples."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.TimeDistributed(L.Conv2D(4, 3, activation="relu"), input_shape=(4, 6, 6, 2)),
            L.TimeDistributed(L.MaxPooling2D(2)),
            L.TimeDistributed(L.BatchNormalization(momentum=0.8)),
            L.TimeDistributed(L.Flatten()),
            L.TimeDistributed(L.Dense(6, activation="tanh")),
            L.GlobalAveragePooling1D(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    x, y = normal(random, 32, 4, 6, 6, 2), one_hot(random, 3, 32)
    return train(model, cycle(x, y, weights=positive(random, 32)))


@case("trajectories_layers/time_distributed_masked", TRAINED)
def masked_films(keras, random):
    """Masked steps, merged branches: the mask that reaches the loss is that of both."""
    L = keras.layers
    words = L.Input(shape=(7,), dtype="int32")
    x = L.Embedding(9, 5, mask_zero=True)(words)
    left = L.TimeDistributed(L.Dense(4, activation="tanh"))(x)
    right = L.TimeDistributed(L.Dense(4))(x)
    output = L.TimeDistributed(L.Dense(3, activation="softmax"))(L.Concatenate()([L.Add()([left, right]), left]))
    model = keras.models.Model(words, output)
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.5), "categorical_crossentropy", metrics=["accuracy"])
    lengths = random.randint(1, 8, size=(48, 1))
    return train(model, cycle(random.randint(1, 9, size=(48, 7)) * (np.arange(7) < lengths), one_hot(random, 3, 48, 7)))
