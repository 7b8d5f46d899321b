"""The five models that are timed, written once in Keras's terms, and the random data that they are fed.

Every peer that speaks Keras builds from here; the raw PyTorch peer has its own transcription of the same table.
The syntax is the one that Python 3.6 reads, since the oldest peer runs there.
"""

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
    """

    def __init__(self, name, build, input_shape, batch, steps, predict_batches, classes, compile_arguments,
                 vocabulary=None):
        self.name = name
        self.build = build
        self.input_shape = input_shape
        self.batch = batch
        self.steps = steps
        self.predict_batches = predict_batches
        self.classes = classes
        self.compile_arguments = compile_arguments
        self.vocabulary = vocabulary

    def data(self, num_batches, seed=7):
        """Random inputs and targets for `num_batches` whole batches."""
        random = np.random.RandomState(seed)
        num_samples = num_batches * self.batch
        if self.vocabulary is None:
            x = random.rand(num_samples, *self.input_shape).astype("float32")
        else:
            x = random.randint(1, self.vocabulary, (num_samples,) + self.input_shape).astype("int32")
        if self.classes > 1:
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
        Case("tiny", tiny_layers, (32,), 32, 400, 400, 1, {"loss": "mean_squared_error", "optimizer": "sgd"}),
    ]
}
