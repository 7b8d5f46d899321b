"""Writes the files of one Keras version: `python make.py FOLDER`, run under a Python that has that version.

Each model is trained a few steps, saved whole, and asked for the outputs of a given input; `expected.npz` in the
folder holds inputs, outputs and weights, `version.json` says what wrote them. `optimizers.zip` holds a small model for
each optimizer, saved in the middle of its training, and `optimizers.npz` how that went on; `--only-optimizers` writes
these alone. What to install for each, always with
h5py==2.10.0, numpy==1.16.6, protobuf==3.19.6 and scipy==1.2.3 for those of Python 3.6:

    1.2.2, 2.0.8            Python 3.6: tensorflow==1.4.0; or, with KERAS_BACKEND=theano, theano==1.0.5
    2.1.6                   Python 3.6: tensorflow==1.12.3
    2.2.4                   Python 3.6: tensorflow==1.13.1
    2.3.1                   Python 3.7: tensorflow==1.15.0
    tf.keras 1.4, 1.15      those releases of tensorflow, with `--tf-keras`
    tf.keras 2.15           tensorflow-cpu==2.15.1, with `--tf-keras`
    tf_keras 2.21           tensorflow-cpu==2.21.0 tf-keras==2.21.0, with `--package tf_keras`
    Keras 3                 keras==3.15.1 jax==0.10.2; once with `--suffix .keras`

The optimizers of 2.1.6 and 2.2.4 were written on Python 3.7 and tensorflow==1.15.0.
"""

import argparse
import importlib
import json
import os
import sys
import zipfile

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SAMPLES = 6


def version_of(keras):
    """(major, minor); a tf.keras whose version is that of its TensorFlow counts as a 2 too."""
    return tuple(int(part) for part in getattr(keras, "__version__", "2.15").split("-")[0].split(".")[:2])


class Layers:
    """The layers of one version under the names and arguments of r1.4."""

    def __init__(self, keras):
        self.layers, self.version = keras.layers, version_of(keras)
        self.first = self.version < (2, 0)

    def __getattr__(self, name):
        return getattr(self.layers, name)

    def dense(self, units, **options):
        if self.first:
            for new, old in (
                ("kernel_initializer", "init"),
                ("kernel_regularizer", "W_regularizer"),
                ("kernel_constraint", "W_constraint"),
                ("use_bias", "bias"),
            ):
                if new in options:
                    options[old] = options.pop(new)
            return self.layers.Dense(output_dim=units, **options)
        return self.layers.Dense(units, **options)

    def words(self, **options):
        """What takes nine word numbers: the layers that stand first."""
        if self.version >= (3, 0):
            return [self.layers.InputLayer(shape=(9,)), self.layers.Embedding(11, 4, **options)]
        return [self.layers.Embedding(11, 4, input_length=9, **options)]

    def conv2d(self, filters, size, padding="valid", strides=(1, 1), **options):
        if self.first:
            return self.layers.Convolution2D(
                filters, size[0], size[1], border_mode=padding, subsample=strides, **options
            )
        return self.layers.Conv2D(filters, size, padding=padding, strides=strides, **options)

    def conv1d(self, filters, size, padding="valid", strides=1, **options):
        if self.first:
            return self.layers.Convolution1D(filters, size, border_mode=padding, subsample_length=strides, **options)
        return self.layers.Conv1D(filters, size, padding=padding, strides=strides, **options)

    def pool2d(self, kind, size, padding="valid"):
        layer = getattr(self.layers, kind + "Pooling2D")
        return layer(size, border_mode=padding) if self.first else layer(size, padding=padding)

    def recurrent(self, kind, units, **options):
        if self.first:
            for new, old in (
                ("recurrent_activation", "inner_activation"),
                ("recurrent_dropout", "dropout_U"),
                ("dropout", "dropout_W"),
            ):
                if new in options:
                    options[old] = options.pop(new)
            return getattr(self.layers, kind)(output_dim=units, **options)
        return getattr(self.layers, kind)(units, **options)

    def merge(self, kind, tensors):
        if self.first:
            return self.layers.merge(tensors, mode={"concatenate": "concat", "add": "sum"}[kind])
        return getattr(self.layers, kind)(tensors)


def stack(keras, layers):
    model = keras.models.Sequential()
    for layer in layers:
        model.add(layer)
    return model


def mlp(keras, L, channels_first):
    return stack(
        keras, [L.dense(7, activation="relu", input_shape=(5,)), L.Dropout(0.25), L.dense(3, activation="softmax")]
    )


def regularized(keras, L, channels_first):
    l2 = keras.regularizers.l2
    norm = keras.constraints.MaxNorm if L.version >= (2, 0) else keras.constraints.maxnorm
    layers = [
        L.dense(6, input_shape=(5,), kernel_regularizer=l2(0.01), kernel_initializer="lecun_uniform"),
        L.Activation("tanh"),
        L.dense(3, kernel_constraint=norm(2), use_bias=False, activation="softmax"),
    ]
    return stack(keras, layers)


def convolutional(keras, L, channels_first):
    axis = 1 if channels_first else -1
    shape = (2, 8, 6) if channels_first else (8, 6, 2)
    layers = [
        L.conv2d(4, (3, 2), padding="same", activation="relu", input_shape=shape),
        L.BatchNormalization(axis=axis),
        L.pool2d("Max", (2, 2)),
        L.ZeroPadding2D((1, 1)),
        L.conv2d(3, (2, 3), strides=(2, 1)),
        L.Activation("relu"),
        L.pool2d("Average", (2, 2), padding="same"),
        L.Flatten(),
        L.dense(3, activation="softmax"),
    ]
    return stack(keras, layers)


def text(keras, L, channels_first):
    layers = L.words() + [
        L.conv1d(5, 3, activation="relu"),
        L.GlobalMaxPooling1D(),
        L.dense(3, activation="softmax"),
    ]
    return stack(keras, layers)


def nested(keras, L, channels_first):
    inner = stack(keras, [L.dense(4, activation="tanh", input_shape=(5,)), L.BatchNormalization()])
    return stack(keras, [inner, L.dense(3, activation="softmax")])


def functional(keras, L, channels_first):
    left, right = L.Input(shape=(5,)), L.Input(shape=(5,))
    shared = L.dense(4, activation="relu")
    merged = L.merge("concatenate", [shared(left), shared(right)])
    output = L.dense(3, activation="softmax")(merged)
    if L.first:
        return keras.models.Model(input=[left, right], output=output)
    return keras.models.Model(inputs=[left, right], outputs=output)


def lstm(keras, L, channels_first):
    layers = L.words(mask_zero=True) + [
        L.recurrent("LSTM", 5, return_sequences=True),
        L.recurrent("LSTM", 4),
        L.dense(3, activation="softmax"),
    ]
    return stack(keras, layers)


def gru(keras, L, channels_first):
    layers = L.words() + [
        L.Bidirectional(L.recurrent("GRU", 3)),
        L.dense(3, activation="softmax"),
    ]
    return stack(keras, layers)


def simple_rnn(keras, L, channels_first):
    layers = L.words() + [
        L.recurrent("SimpleRNN", 3, return_sequences=True),
        L.TimeDistributed(L.dense(3)),
        L.GlobalAveragePooling1D(),
        L.Activation("softmax"),
    ]
    return stack(keras, layers)


MODELS = (
    (mlp, "adam"),
    (regularized, "sgd"),
    (convolutional, "rmsprop"),
    (text, "adagrad"),
    (nested, "adadelta"),
    (functional, "nadam"),
    (lstm, "adamax"),
    (gru, "adam"),
    (simple_rnn, "adam"),
)


def optimizer_of(keras, name):
    if name == "sgd":
        return keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    return name


def data_for(model, random):
    """Inputs by the model's own shapes; whole numbers below eleven for those of words."""
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    arrays = []
    for shape in shapes:
        size = (SAMPLES,) + tuple(shape[1:])
        arrays.append(
            random.randint(1, 11, size=size) if size[1:] == (9,) else random.normal(size=size).astype("float32")
        )
    return arrays


def write(keras, folder, suffix):
    keep, layers = {}, Layers(keras)
    K = keras.backend
    first = getattr(K, "image_dim_ordering", None) if layers.first else getattr(K, "image_data_format", None)
    channels_first = first() in ("th", "channels_first")
    for make, optimizer in MODELS:
        random = np.random.RandomState(len(make.__name__))
        if hasattr(keras.utils, "set_random_seed"):
            keras.utils.set_random_seed(7)
        model = make(keras, layers, channels_first)
        values = [np.asarray(random.normal(size=value.shape) * 0.4, "float32") for value in model.get_weights()]
        model.set_weights(
            [np.abs(value) + 0.5 if value.ndim == 1 and make in (convolutional, nested) else value for value in values]
        )
        x = data_for(model, random)
        y = np.eye(3, dtype="float32")[random.randint(3, size=SAMPLES)]
        model.compile(optimizer=optimizer_of(keras, optimizer), loss="categorical_crossentropy", metrics=["accuracy"])
        for _ in range(0 if K.backend() == "theano" else 3):  # whose gradients of these take it minutes each
            model.train_on_batch(x if len(x) > 1 else x[0], y)
        name = make.__name__
        model.save(os.path.join(folder, name + suffix))
        if make in (mlp, convolutional, lstm):
            model.save_weights(os.path.join(folder, name + ".weights.h5"))
        for index, value in enumerate(x):
            keep[f"{name}/input_{index}"] = value
        keep[name + "/output"] = model.predict(x if len(x) > 1 else x[0])
        for index, value in enumerate(model.get_weights()):
            keep[f"{name}/weight_{index:02d}"] = value
        if make in (mlp, functional):
            with open(os.path.join(folder, name + ".json"), "w") as file:
                file.write(model.to_json())
        if make is mlp and hasattr(model, "to_yaml") and not sys.argv[-1].endswith("no-yaml"):
            try:
                text = model.to_yaml()
            except RuntimeError:
                continue
            with open(os.path.join(folder, name + ".yaml"), "w") as file:
                file.write(text)
    np.savez_compressed(os.path.join(folder, "expected.npz"), **keep)


OPTIMIZERS = (
    ("sgd", "SGD", {"lr": 0.1}),
    ("sgd_momentum", "SGD", {"lr": 0.05, "momentum": 0.9}),
    ("sgd_nesterov", "SGD", {"lr": 0.05, "momentum": 0.8, "nesterov": True}),
    ("rmsprop", "RMSprop", {"lr": 0.01, "rho": 0.8}),
    ("adagrad", "Adagrad", {"lr": 0.05}),
    ("adadelta", "Adadelta", {"lr": 0.7, "rho": 0.9}),
    ("adam", "Adam", {"lr": 0.01, "beta_1": 0.8}),
    ("adamax", "Adamax", {"lr": 0.02, "beta_2": 0.9}),
    ("nadam", "Nadam", {"lr": 0.01, "beta_1": 0.8}),
    ("sgd_decay", "SGD", {"lr": 0.1, "momentum": 0.9, "decay": 0.2}),
    ("rmsprop_decay", "RMSprop", {"lr": 0.02, "decay": 0.2}),
    ("adam_decay", "Adam", {"lr": 0.02, "decay": 0.2}),
    ("clipvalue", "Adam", {"lr": 0.02, "clipvalue": 0.02}),
)
STEPS_BEFORE, STEPS_AFTER = 5, 6


def put_in_order(K):
    """Have each assignment of a step wait for everything that the step computes from the old values.

    TensorFlow 1 writes a kernel, or the number of steps, while others of the same step have yet to read it: what a
    model gives after some steps is then left to chance. What is documented computes everything from one state.
    """
    tf = importlib.import_module("tensorflow")
    if not tf.__version__.startswith("1.") or K.backend() != "tensorflow":
        return
    resources = importlib.import_module("tensorflow.python.ops.gen_resource_variable_ops")
    assign = {
        "Assign": tf.assign, "AssignAdd": tf.assign_add, "AssignSub": tf.assign_sub,
        "AssignVariableOp": resources.assign_variable_op, "AssignAddVariableOp": resources.assign_add_variable_op,
    }  # fmt: skip
    unordered = K.function

    def function(inputs, outputs, updates=None, **options):
        found = []
        for update in updates or ():
            if isinstance(update, tuple):
                found.append((tf.assign, update[0], update[1]))
                continue
            operation = update if isinstance(update, tf.Operation) else update.op
            found.append((assign[operation.type], operation.inputs[0], operation.inputs[1]))
        with tf.control_dependencies(list(outputs) + [value for _, _, value in found]):
            ordered = [write(variable, value) for write, variable, value in found]
        return unordered(inputs, outputs, updates=ordered, **options)

    K.function = function


def takes(optimizer, key):
    """Tell whether an optimizer's class takes an argument; the latest ones have no decay."""
    try:
        optimizer(**{key: 0.0})
    except (TypeError, ValueError):
        return False
    return True


def write_optimizers(keras, folder, suffix):
    """A model for each optimizer, saved while it is trained, with the losses and weights that followed."""
    layers, keep, random = Layers(keras), {}, np.random.RandomState(11)
    if keras.__name__ == "keras":
        put_in_order(keras.backend)
    elif keras.__name__ == "tensorflow.python.keras":
        put_in_order(importlib.import_module("tensorflow.python.keras._impl.keras.backend"))
    keep["x"], keep["y"] = random.normal(size=(8, 4)).astype("float32"), random.normal(size=(8, 2)).astype("float32")
    start = [random.normal(size=shape) * 0.5 for shape in ((4, 3), (3,), (3, 2), (2,))]
    with zipfile.ZipFile(os.path.join(folder, "optimizers.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kind, arguments in OPTIMIZERS:
            kind = getattr(keras.optimizers, kind)
            arguments = dict(arguments)
            if not takes(kind, "decay") and "decay" in arguments:
                continue
            if takes(kind, "learning_rate"):
                arguments["learning_rate"] = arguments.pop("lr")
            model = stack(keras, [layers.dense(3, activation="tanh", input_shape=(4,)), layers.dense(2)])
            model.set_weights(start)
            model.compile(optimizer=kind(**arguments), loss="mean_squared_error")
            for _ in range(STEPS_BEFORE):
                model.train_on_batch(keep["x"], keep["y"])
            path = os.path.join(folder, name + suffix)
            model.save(path)
            archive.write(path, name + suffix)
            os.remove(path)
            losses = [float(model.train_on_batch(keep["x"], keep["y"])) for _ in range(STEPS_AFTER)]
            keep[name + "/losses"] = np.array(losses)
            for index, value in enumerate(model.get_weights()):
                keep[f"{name}/weight_{index}"] = value
    np.savez_compressed(os.path.join(folder, "optimizers.npz"), **keep)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--package", default="keras")
    parser.add_argument("--tf-keras", action="store_true", help="the tf.keras of the installed TensorFlow")
    parser.add_argument("--suffix", default=".h5", help="the whole model's file: .h5 or .keras")
    parser.add_argument("--only-optimizers", action="store_true")
    options = parser.parse_args()
    if options.tf_keras:
        tensorflow = importlib.import_module("tensorflow")
        keras, wrote = tensorflow.keras, "tf.keras of TensorFlow " + tensorflow.__version__
    else:
        if os.environ.get("KERAS_BACKEND") == "theano":
            importlib.import_module("theano.ifelse")  # which these versions use without importing it
        keras = importlib.import_module(options.package)
        wrote = options.package + " " + keras.__version__
    if not os.path.isdir(options.folder):
        os.makedirs(options.folder)
    write_optimizers(keras, options.folder, options.suffix)
    if options.only_optimizers:
        return
    write(keras, options.folder, options.suffix)
    backend = keras.backend.backend()
    with open(os.path.join(options.folder, "version.json"), "w") as file:
        json.dump(
            {
                "wrote": wrote,
                "version": getattr(keras, "__version__", None),
                "backend": backend,
                "python": sys.version.split()[0],
            },
            file,
        )


if __name__ == "__main__":
    main()
