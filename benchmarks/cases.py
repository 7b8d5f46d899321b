"""The models that are timed, written once in Keras's terms, and the random data that they are fed.

Every peer that speaks Keras builds from here; the raw PyTorch peer has its own transcription of the same table.
The syntax is the one that Python 3.6 reads, since the oldest peer runs there.
"""

import importlib
import inspect

import numpy as np


class Case:
    """One model: how it is built and compiled, and how much data a round gives it.

    Arguments:
        name: the name used on the command line and in the tables.
        build: function of a Keras-like namespace and the arguments of the first layer; returns the list of layers.
        input_shape: shape of one sample.
        batch: samples in a batch.
        steps: training steps in one round (one epoch of `fit`).
        predict_batches: batches in one call of `predict`.
        classes: number of classes (categorical cross-entropy), or 1 (one target column).
        compile_arguments: the arguments of `compile`.
        vocabulary: number of words when the input is made of word numbers, else None.
        target_shape: shape of one target where it is neither a class nor a number, else None.
        drops_state: whether a recurrent layer drops its state.
    """

    def __init__(self, name, build, input_shape, batch, steps, predict_batches, classes, compile_arguments,
                 vocabulary=None, target_shape=None, drops_state=False):
        self.name = name
        self.build = build
        self.input_shape = input_shape
        self.batch = batch
        self.steps = steps
        self.predict_batches = predict_batches
        self.classes = classes
        self.compile_arguments = compile_arguments
        self.vocabulary = vocabulary
        self.target_shape = target_shape
        self.drops_state = drops_state

    def data(self, num_batches, seed=7):
        """Random inputs and targets for `num_batches` whole batches."""
        random = np.random.RandomState(seed)
        num_samples = num_batches * self.batch
        if self.vocabulary is None:
            x = random.rand(num_samples, *self.input_shape).astype("float32")
        else:
            x = random.randint(1, self.vocabulary, (num_samples,) + self.input_shape).astype("int32")
        if self.target_shape:
            y = random.rand(num_samples, *self.target_shape).astype("float32")
        elif self.classes > 1:
            y = np.eye(self.classes, dtype="float32")[random.randint(0, self.classes, num_samples)]
        else:
            y = random.randint(0, 2, (num_samples, 1)).astype("float32")
        return x, y


def mlp_layers(layers, first):
    """784-512-512-10 with dropout, as in Keras's MNIST example."""
    return [
        layers.Dense(512, activation="relu", **first),
        layers.Dropout(0.2),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]


def cnn_layers(layers, first):
    """Keras's mnist_cnn."""
    return [
        layers.Conv2D(32, (3, 3), activation="relu", **first),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]


def bncnn_layers(layers, first):
    """Three blocks of convolution, batch normalization, relu and pooling."""
    stack = []
    for num_filters in (32, 64, 128):
        stack += [
            layers.Conv2D(num_filters, (3, 3), padding="same", use_bias=False, **first),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D((2, 2)),
        ]
        first = {}
    return [*stack, layers.GlobalAveragePooling2D(), layers.Dense(10, activation="softmax")]


def imdbcnn_layers(layers, first):
    """Keras's imdb_cnn."""
    return [
        layers.Embedding(5000, 50, **first),
        layers.Dropout(0.2),
        layers.Conv1D(250, 3, padding="valid", activation="relu", strides=1),
        layers.GlobalMaxPooling1D(),
        layers.Dense(250),
        layers.Dropout(0.2),
        layers.Activation("relu"),
        layers.Dense(1),
        layers.Activation("sigmoid"),
    ]


def tiny_layers(layers, first):
    """So small that only the cost of a step itself is seen."""
    return [layers.Dense(32, activation="relu", **first), layers.Dense(1)]


def separable_layers(layers, first):
    """A small net of depthwise separable convolutions, as in Xception and MobileNet."""
    return [
        layers.Conv2D(32, (3, 3), padding="same", activation="relu", **first),
        layers.SeparableConv2D(64, (3, 3), padding="same", activation="relu"),
        layers.SeparableConv2D(128, (3, 3), strides=2, padding="same", activation="relu"),
        layers.SeparableConv2D(128, (3, 3), padding="same", activation="relu"),
        layers.SeparableConv2D(256, (3, 3), strides=2, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    ]


def transpose_layers(layers, first):
    """The generator half of a DCGAN for images of 28x28, trained to draw given ones."""
    return [
        layers.Dense(7 * 7 * 64, activation="relu", **first),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(64, (3, 3), strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(32, (3, 3), strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(1, (3, 3), padding="same", activation="sigmoid"),
    ]


def conv3d_layers(layers, first):
    """Two convolutions of volumes, as for short films or scans."""
    return [
        layers.Conv3D(16, (3, 3, 3), activation="relu", **first),
        layers.MaxPooling3D((2, 2, 2)),
        layers.Conv3D(32, (3, 3, 3), activation="relu"),
        layers.MaxPooling3D((2, 2, 2)),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


def local_layers(layers, first):
    """A convolution, then locally connected layers, as in DeepFace."""
    locally = getattr(layers, "LocallyConnected2D", None) or local_stand_in(layers)
    return [
        layers.Conv2D(16, (3, 3), activation="relu", **first),
        layers.MaxPooling2D((2, 2)),
        locally(16, (3, 3), activation="relu"),
        locally(16, (3, 3), activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]


def local_stand_in(layers):
    """Keras 3 has no locally connected layers: the layer that one writes for it, with its own functions."""
    keras = importlib.import_module("keras")

    class Locally(layers.Layer):
        def __init__(self, filters, size, activation):
            super().__init__()
            self.filters, self.size, self.activation = filters, size, keras.activations.get(activation)

        def build(self, shape):
            rows, columns = shape[1] - self.size[0] + 1, shape[2] - self.size[1] + 1
            elements = self.size[0] * self.size[1] * shape[3]
            self.kernel = self.add_weight(shape=(rows, columns, elements, self.filters))
            self.bias = self.add_weight(shape=(rows, columns, self.filters), initializer="zeros")

        def call(self, x):
            seen = keras.ops.image.extract_patches(x, self.size, strides=1, padding="valid")
            return self.activation(keras.ops.einsum("bhwf,hwfm->bhwm", seen, self.kernel) + self.bias)

    return Locally


def lstm_layers(layers, first):
    """Keras's imdb_lstm: words, a recurrent layer with dropout of its inputs and of its state."""
    return [
        layers.Embedding(20000, 128, **first),
        layers.LSTM(128, dropout=0.2, recurrent_dropout=0.2, **alike(layers.LSTM)),
        layers.Dense(1, activation="sigmoid"),
    ]


def textgen_layers(layers, first):
    """Keras's lstm_text_generation: the next of 57 characters after 40 of them."""
    return [layers.LSTM(128, **alike(layers.LSTM), **first), layers.Dense(57, activation="softmax")]


def gru_layers(layers, first):
    """A bidirectional layer on sequences of measured values."""
    return [layers.Bidirectional(layers.GRU(64, **alike(layers.GRU)), **first), layers.Dense(1, activation="sigmoid")]


def alike(layer):
    """The arguments with which a recurrent layer computes the same in every library, as far as it can.

    Gates are sigmoids, which PyTorch has alone; a GRU resets its state before the product, as in TensorFlow 1.4.
    """
    arguments = {"recurrent_activation": "sigmoid"}
    if "reset_after" in inspect.signature(layer.__init__).parameters:
        arguments["reset_after"] = False
    return arguments


def categorical(optimizer, metrics=()):
    """The arguments of `compile` of a classifier."""
    return {"loss": "categorical_crossentropy", "optimizer": optimizer, "metrics": list(metrics)}


CASES = {
    case.name: case
    for case in [
        Case("mlp", mlp_layers, (784,), 128, 100, 100, 10, categorical("rmsprop", ["accuracy"])),
        Case("cnn", cnn_layers, (28, 28, 1), 128, 20, 20, 10, categorical("adadelta", ["accuracy"])),
        Case("bncnn", bncnn_layers, (32, 32, 3), 64, 20, 20, 10, categorical("adam")),
        Case("imdbcnn", imdbcnn_layers, (400,), 32, 20, 20, 1,
             {"loss": "binary_crossentropy", "optimizer": "adam", "metrics": ["accuracy"]}, vocabulary=5000),
        Case("separable", separable_layers, (32, 32, 3), 32, 20, 20, 10, categorical("adam")),
        Case("transpose", transpose_layers, (64,), 64, 20, 20, 1, {"loss": "mean_squared_error", "optimizer": "adam"},
             target_shape=(28, 28, 1)),
        Case("conv3d", conv3d_layers, (16, 32, 32, 1), 16, 10, 10, 10, categorical("adam")),
        Case("local", local_layers, (32, 32, 3), 32, 40, 40, 10, categorical("adam")),
        Case("lstm", lstm_layers, (80,), 32, 20, 40, 1,
             {"loss": "binary_crossentropy", "optimizer": "adam", "metrics": ["accuracy"]}, vocabulary=20000,
             drops_state=True),
        Case("textgen", textgen_layers, (40, 57), 128, 20, 40, 57, categorical("rmsprop")),
        Case("gru", gru_layers, (50, 16), 64, 40, 80, 1, {"loss": "binary_crossentropy", "optimizer": "adam"}),
        Case("tiny", tiny_layers, (32,), 32, 400, 400, 1, {"loss": "mean_squared_error", "optimizer": "sgd"}),
    ]
}
