"""Files between onnxseq and TF 1.4, both ways: what one saved, the other opens and goes on training as the first does.

In the Python of either backend, where BACKEND is ``onnxseq`` or ``tf14``:

    python -m conformance.round_trip make BACKEND FOLDER    writes a file for each model, and what follows from it
    python -m conformance.round_trip check BACKEND FOLDER   opens each file and compares

``make`` builds and trains each model, saves it, opens the file again, and takes down the outputs and the losses of the
next ten steps; ``check`` opens the same file and must come to the same. Python 3.6 reads this module too.

Run it on a quiet machine: TF 1.4 changes weights while other threads of the same step still read them, and a loss that
was read so is off by some hundredths of a percent.
"""

import importlib
import os
import sys

import numpy as np

OUTPUT_TOLERANCE = 1e-6
LOSS_TOLERANCE = 2e-5  # relative: rounding differs from step to step and is carried on
NUM_STEPS = 10
NOT_BOTH_WAYS = ("layer_conv3d_transpose",)
"""Rows for ourselves alone: the Conv3DTranspose of TF 1.4 is a plain convolution, with a kernel of another shape."""

BACKENDS = {"onnxseq": "onnxseq", "tf14": "tensorflow.python.keras._impl.keras"}


def own_function(x):
    """A user's function, known by its name to whoever opens the file."""
    return x * 2.0 + 1.0


def own_loss(y_true, y_pred):
    """A user's loss, written with operators that every backend has."""
    return (y_true - y_pred) * (y_true - y_pred)


# TF 1.4 writes any function as bytecode, which onnxseq runs for nobody who did not ask: the layer's name stands for it.
OWN = {"own_function": own_function, "own_layer": own_function, "own_loss": own_loss}


def layer_tables(L):
    """Return, by name, functions that make layers to be tried and the shapes of their inputs, of what a backend has."""
    found = {}

    def add(row, class_name, shape, **arguments):
        if hasattr(L, class_name):
            found[row] = (lambda: [getattr(L, class_name)(input_shape=shape, **arguments)], shape)

    add("dense", "Dense", (5,), units=4, activation="relu")
    add("dense_parts", "Dense", (5,), units=4, kernel_initializer="he_normal", kernel_regularizer="l2",
        bias_regularizer="l1", kernel_constraint="max_norm", bias_constraint="non_neg", use_bias=True)
    add("activation", "Activation", (5,), activation="tanh")
    add("dropout", "Dropout", (5,), rate=0.0)
    add("activity", "ActivityRegularization", (5,), l2=0.01)
    add("lambda", "Lambda", (5,), function=own_function, name="own_layer")
    add("flatten", "Flatten", (4, 3))
    add("reshape", "Reshape", (4, 3), target_shape=(3, -1))
    add("permute", "Permute", (4, 3), dims=(2, 1))
    add("repeat_vector", "RepeatVector", (3,), n=2)
    add("batch_norm", "BatchNormalization", (5,), momentum=0.9)
    add("batch_norm_axis", "BatchNormalization", (4, 3), axis=1, scale=False)
    add("batch_norm_2d", "BatchNormalization", (4, 4, 3), beta_initializer="ones")
    add("conv1d", "Conv1D", (8, 3), filters=4, kernel_size=3, strides=2, padding="same")
    add("conv1d_dilated", "Conv1D", (8, 3), filters=4, kernel_size=3, padding="same", dilation_rate=2)
    add("conv2d", "Conv2D", (6, 6, 2), filters=3, kernel_size=(2, 3), padding="same", activation="relu")
    for rank, shape in ((1, (8, 3)), (2, (6, 6, 2)), (3, (4, 4, 4, 2))):
        add("max_pool%dd" % rank, "MaxPooling%dD" % rank, shape)
        add("average_pool%dd" % rank, "AveragePooling%dD" % rank, shape, padding="same")
        add("global_max%dd" % rank, "GlobalMaxPooling%dD" % rank, shape)
        add("global_average%dd" % rank, "GlobalAveragePooling%dD" % rank, shape)
        add("padding%dd" % rank, "ZeroPadding%dD" % rank, shape, padding=1)
        add("up_sampling%dd" % rank, "UpSampling%dD" % rank, shape, size=2)
        add("cropping%dd" % rank, "Cropping%dD" % rank, shape)
    add("padding3d", "ZeroPadding3D", (2, 3, 2, 2), padding=(1, 0, 2))
    add("cropping3d", "Cropping3D", (4, 3, 5, 2), cropping=((1, 1), (0, 2), (1, 0)))
    add("up_sampling3d", "UpSampling3D", (2, 3, 2, 2), size=(1, 2, 2))
    for name in ("SimpleRNN", "LSTM", "GRU"):
        add(name.lower(), name, (4, 3), units=3)
    for name in ("LeakyReLU", "PReLU", "ELU", "ThresholdedReLU"):
        add(name.lower(), name, (5,))
    add("prelu_shared", "PReLU", (4, 4, 3), shared_axes=[1, 2], alpha_initializer="ones", alpha_regularizer="l2")
    # What is drawn cannot be compared: of rates at which nothing is.
    add("gaussian_noise", "GaussianNoise", (5,), stddev=0.0)
    add("gaussian_dropout", "GaussianDropout", (5,), rate=0.0)
    add("alpha_dropout", "AlphaDropout", (5,), rate=0.0)
    for rank, shape in ((1, (4, 3)), (2, (3, 3, 2)), (3, (2, 3, 2, 2))):
        add("spatial_dropout%dd" % rank, "SpatialDropout%dD" % rank, shape, rate=0.0)
    add("locally_1d", "LocallyConnected1D", (6, 3), filters=2, kernel_size=3)
    add("locally_2d", "LocallyConnected2D", (5, 5, 2), filters=2, kernel_size=2)
    add("separable", "SeparableConv2D", (5, 5, 2), filters=3, kernel_size=2)
    add("conv2d_transpose", "Conv2DTranspose", (4, 4, 2), filters=3, kernel_size=2)
    add("conv3d", "Conv3D", (4, 4, 4, 2), filters=2, kernel_size=2)
    add("conv3d_transpose", "Conv3DTranspose", (2, 3, 2, 2), filters=3, kernel_size=2, strides=2)
    add("conv_lstm", "ConvLSTM2D", (3, 5, 5, 2), filters=2, kernel_size=2)
    if hasattr(L, "Embedding"):
        found["embedding"] = (lambda: [L.Embedding(7, 3, input_length=4)], (4,))
    if hasattr(L, "TimeDistributed"):
        found["time_distributed"] = (lambda: [L.TimeDistributed(L.Dense(2), input_shape=(4, 3))], (4, 3))
        found["time_distributed_norm"] = (
            lambda: [L.TimeDistributed(L.BatchNormalization(momentum=0.9), input_shape=(4, 3))],
            (4, 3),
        )
    if hasattr(L, "LSTM"):
        found["lstm_sequences"] = (lambda: [L.LSTM(3, return_sequences=True, input_shape=(4, 3)), L.LSTM(2)], (4, 3))
        found["masking"] = (lambda: [L.Masking(mask_value=0.5, input_shape=(4, 3)), L.LSTM(3)], (4, 3))
    if hasattr(L, "Bidirectional") and hasattr(L, "LSTM"):
        found["bidirectional"] = (lambda: [L.Bidirectional(L.LSTM(3), input_shape=(4, 3))], (4, 3))
    return found


OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.02}),
    "sgd_momentum": ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "decay": 0.1}),
    "sgd_clipped": ("SGD", {"lr": 0.1, "clipvalue": 0.02}),
    "sgd_norm": ("SGD", {"lr": 0.1, "clipnorm": 0.05}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "rho": 0.8}),
    "adagrad": ("Adagrad", {"lr": 0.05}),
    "adadelta": ("Adadelta", {"lr": 0.5}),
    "adam": ("Adam", {"lr": 0.01, "decay": 0.05, "beta_1": 0.8}),
    "adamax": ("Adamax", {"lr": 0.01, "decay": 0.05}),
    "nadam": ("Nadam", {"lr": 0.01}),
}


def make_models(keras):
    """Yield (name, model, shapes of its inputs), compiled."""
    L, models = keras.layers, keras.models
    for name, (make_layers, shape) in layer_tables(L).items():
        model = models.Sequential(make_layers())
        if len(model.output_shape) > 2:
            model.add(L.Flatten())
        model.add(L.Dense(2, activation="sigmoid", name="out"))
        model.compile("adam", "mse", metrics=["mae"])
        yield "layer_" + name, model, [shape]
    for name, (class_name, arguments) in OPTIMIZERS.items():
        model = models.Sequential([L.Dense(4, activation="tanh", input_shape=(5,)), L.Dense(2)])
        model.compile(getattr(keras.optimizers, class_name)(**arguments), "mse")
        yield "optimizer_" + name, model, [(5,)]
    yield from _graphs(keras)


def _graphs(keras):
    L, models = keras.layers, keras.models
    inner = models.Sequential([L.Dense(4, activation="relu", input_shape=(5,)), L.BatchNormalization()], name="inner")
    model = models.Sequential([inner, L.Dense(2)])
    model.compile("adam", own_loss)
    yield "nested_first", model, [(5,)]

    first, second = L.Input((5,), name="first"), L.Input((5,), name="second")
    shared = L.Dense(4, activation="tanh", name="shared")
    stack = models.Sequential([L.Dense(3, input_shape=(4,), name="in_stack"), L.BatchNormalization()], name="stack")
    frozen = L.Dense(2, name="frozen", trainable=False)
    a, b = stack(shared(first)), shared(second)
    model = models.Model([first, second], [frozen(a), L.Dense(2, name="last")(b)])
    model.compile("rmsprop", ["mse", "mae"], loss_weights=[1.0, 0.5], metrics={"last": ["mse"]})
    yield "graph", model, [(5,), (5,)]

    for class_name in ("Add", "Multiply", "Average", "Maximum", "Concatenate"):
        if hasattr(L, class_name):
            first, second = L.Input((5,), name="first"), L.Input((5,), name="second")
            output = L.Dense(2)(getattr(L, class_name)()([first, second]))
            model = models.Model([first, second], output)
            model.compile("adam", "mse")
            yield "graph_" + class_name.lower(), model, [(5,), (5,)]
    if hasattr(L, "Dot"):
        first, second = L.Input((4, 5), name="first"), L.Input((4, 3), name="second")
        output = L.Flatten()(L.Dot(axes=1, normalize=True)([L.Dense(2)(first), second]))
        model = models.Model([first, second], L.Dense(2)(output))
        model.compile("adam", "mse")
        yield "graph_dot", model, [(4, 5), (4, 3)]

    if hasattr(keras, "applications"):
        depthwise = keras.applications.mobilenet.DepthwiseConv2D
        model = models.Sequential([depthwise(2, strides=2, depth_multiplier=2, input_shape=(5, 4, 3)), L.Flatten()])
        model.add(L.Dense(2))
        model.compile("adam", "mse")
        yield "depthwise", model, [(5, 4, 3)]


def data_of(model, shapes):
    """Return inputs and targets for a model, always the same."""
    random = np.random.RandomState(3)
    inputs = [random.uniform(-1, 1, (6,) + tuple(shape)).astype("float32") for shape in shapes]
    if hasattr(model.layers[0], "embeddings_initializer"):
        inputs = [np.floor((array + 1) * 3) for array in inputs]
    targets = [random.uniform(0, 1, (6, 2)).astype("float32") for _ in model.outputs]
    return inputs, targets


def follow(keras, path, inputs, targets):
    """Return what follows from a file: outputs, and the losses of the next steps."""
    known = dict(OWN)
    if "depthwise" in path:  # TF 1.4 knows the layer only where it is told
        known["DepthwiseConv2D"] = keras.applications.mobilenet.DepthwiseConv2D
    model = keras.models.load_model(path, custom_objects=known)
    if "nadam" in path:  # files of TF 1.4 do not hold its schedule, and it begins that anew
        keras.backend.set_value(model.optimizer.m_schedule, 1.0)
    found = {}
    for index, output in enumerate(_listed(model.predict(_single(inputs)))):
        found["output_%d" % index] = output
    losses = [_listed(model.train_on_batch(_single(inputs), _single(targets))) for _ in range(NUM_STEPS)]
    found["losses"] = np.array(losses)
    return found


def _single(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


def _listed(value):
    return value if isinstance(value, (list, tuple)) else [value]


def make(keras, folder, only=None):
    """Write the files and what follows from them."""
    np.random.seed(1)
    for name, model, shapes in make_models(keras):
        if (only and name not in only) or os.path.exists(os.path.join(folder, name + ".npz")):
            continue
        inputs, targets = data_of(model, shapes)
        for _ in range(3):
            model.train_on_batch(_single(inputs), _single(targets))
        path = os.path.join(folder, name + ".h5")
        model.save(path)
        found = follow(keras, path, inputs, targets)
        found.update(("input_%d" % i, array) for i, array in enumerate(inputs))
        found.update(("target_%d" % i, array) for i, array in enumerate(targets))
        np.savez(os.path.join(folder, name + ".npz"), **found)
        print("made", name)
        keras.backend.clear_session()


def compare(keras, path):
    """Return the largest difference in outputs and, relative, in losses, for one file."""
    with np.load(path[: -len("h5")] + "npz") as recorded:
        expected = {name: recorded[name] for name in recorded.files}
    inputs = [expected["input_%d" % i] for i in range(len(expected)) if "input_%d" % i in expected]
    targets = [expected["target_%d" % i] for i in range(len(expected)) if "target_%d" % i in expected]
    found = follow(keras, path, inputs, targets)
    outputs = max(np.abs(found[name] - expected[name]).max() for name in found if name.startswith("output"))
    scale = np.abs(expected["losses"]) + 1e-3
    return float(outputs), float((np.abs(found["losses"] - expected["losses"]) / scale).max())


def check(keras, folder):
    """Open the files and compare; return the number of those that differ."""
    failed = 0
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".h5") or file[: -len(".h5")] in NOT_BOTH_WAYS:
            continue
        try:
            outputs, losses = compare(keras, os.path.join(folder, file))
            keras.backend.clear_session()
        except Exception as error:  # a file that does not load is a result
            outputs, losses = float("inf"), float("inf")
            print("     ", type(error).__name__, str(error).split("\n")[0])
        good = outputs <= OUTPUT_TOLERANCE and losses <= LOSS_TOLERANCE
        failed += not good
        print("%-4s %-28s outputs %.1e losses %.1e" % ("ok" if good else "BAD", file[:-3], outputs, losses))
    print("%d differ" % failed)
    return failed


def main(command, backend, folder, *only):
    """Run one command; the exit status is 0 where nothing differs."""
    keras = importlib.import_module(BACKENDS[backend])
    if command == "make":
        if not os.path.isdir(folder):
            os.makedirs(folder)
        make(keras, folder, only)
        return 0
    return min(check(keras, folder), 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
