"""Files between onnxseq and TF 1.4, both ways: what one saved, the other opens and goes on training as the first does.

In the Python of either backend, where BACKEND is ``onnxseq`` or ``tf14``:

    python -m conformance.round_trip make BACKEND FOLDER    writes a file for each model, and what follows from it
    python -m conformance.round_trip check BACKEND FOLDER   opens each file and compares

Names of models behind the folder are for these alone.

``make`` builds and trains each model, saves it, opens the file again, and takes down the outputs and the losses of the
next ten steps; ``check`` opens the same file and must come to the same. Python 3.6 reads this module too.

The steps of TF 1.4 are put in order by `backends.tf14`: left alone, it changes weights while other threads of the same
step still read them, and a loss that was read so is off by some hundredths of a percent.
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

BACKENDS = {"onnxseq": ("onnxseq",), "tf14": ("conformance.backends.tf14", "tensorflow.python.keras._impl.keras")}
"""What is imported for each, the last of which is its Keras."""


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
    add("locally_1d_strides", "LocallyConnected1D", (7, 3), filters=2, kernel_size=3, strides=2, use_bias=False)
    add("locally_2d_strides", "LocallyConnected2D", (6, 5, 2), filters=2, kernel_size=(3, 2), strides=(2, 1))
    add("separable", "SeparableConv2D", (5, 5, 2), filters=3, kernel_size=2)
    add("separable_same", "SeparableConv2D", (5, 6, 2), filters=3, kernel_size=3, strides=2, padding="same",
        activation="relu", depthwise_regularizer="l2", pointwise_constraint="max_norm")
    add("conv2d_transpose", "Conv2DTranspose", (4, 4, 2), filters=3, kernel_size=2)
    add("conv2d_transpose_same", "Conv2DTranspose", (3, 4, 2), filters=3, kernel_size=3, strides=2, padding="same",
        activation="tanh", kernel_regularizer="l2")
    add("conv2d_strides", "Conv2D", (7, 6, 2), filters=3, kernel_size=3, strides=(2, 1), use_bias=False)
    add("conv3d", "Conv3D", (4, 4, 4, 2), filters=2, kernel_size=2)
    add("conv3d_same", "Conv3D", (4, 3, 5, 2), filters=2, kernel_size=(3, 2, 2), strides=(1, 2, 2), padding="same")
    add("conv3d_transpose", "Conv3DTranspose", (2, 3, 2, 2), filters=3, kernel_size=2, strides=2)
    add("conv_lstm", "ConvLSTM2D", (3, 5, 5, 2), filters=2, kernel_size=2)
    add("conv_lstm_same", "ConvLSTM2D", (3, 6, 5, 2), filters=2, kernel_size=3, strides=2, padding="same",
        recurrent_activation="sigmoid", go_backwards=True)
    add("leakyrelu_slope", "LeakyReLU", (5,), alpha=0.1)
    add("elu_alpha", "ELU", (5,), alpha=0.5)
    add("thresholdedrelu_low", "ThresholdedReLU", (5,), theta=0.2)
    _recurrent_rows(L, add, found)
    found["embedding"] = (lambda: [L.Embedding(7, 3, input_length=4)], (4,))
    found["embedding_masked"] = (lambda: [L.Embedding(7, 3, mask_zero=True, input_length=4), L.GRU(3)], (4,))
    found["masking"] = (lambda: [L.Masking(mask_value=0.5, input_shape=(4, 3)), L.LSTM(3)], (4, 3))
    for row, inner, shape in (
        ("", lambda: L.Dense(2), (4, 3)), ("_norm", lambda: L.BatchNormalization(momentum=0.9), (4, 3)),
        ("_conv", lambda: L.Conv2D(2, 2), (3, 5, 4, 2)),
    ):
        found["time_distributed" + row] = (
            lambda inner=inner, shape=shape: [L.TimeDistributed(inner(), input_shape=shape)], shape)
    return found


def _recurrent_rows(L, add, found):
    """The recurrent layers: each kind with each option that a file holds."""
    for name in ("SimpleRNN", "LSTM", "GRU"):
        row, gates = name.lower(), {} if name == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
        add(row, name, (4, 3), units=3)
        add(row + "_options", name, (4, 3), units=3, activation="relu", use_bias=False, go_backwards=True,
            kernel_regularizer="l2", recurrent_constraint="max_norm", recurrent_initializer="glorot_uniform", **gates)
        add(row + "_unrolled", name, (4, 3), units=3, unroll=True, return_sequences=True)
        add(row + "_matrices", name, (4, 3), units=3, implementation=2)
        kind = getattr(L, name)
        found[row + "_sequences"] = (
            lambda kind=kind: [kind(3, return_sequences=True, input_shape=(4, 3)), kind(2)], (4, 3))
        found[row + "_stateful"] = (lambda kind=kind: [kind(3, stateful=True, batch_input_shape=(6, 4, 3))], (4, 3))
        for mode in ("concat", "sum", "mul", "ave"):
            found["bidirectional_%s_%s" % (row, mode)] = (lambda kind=kind, mode=mode: [
                L.Bidirectional(kind(3, return_sequences=True), merge_mode=mode, input_shape=(4, 3)),
                L.Bidirectional(kind(2), merge_mode=mode)], (4, 3))
    add("lstm_no_forget", "LSTM", (4, 3), units=3, unit_forget_bias=False)
    found["conv_lstm_stateful"] = (
        lambda: [L.ConvLSTM2D(2, 2, stateful=True, batch_input_shape=(6, 3, 4, 4, 2))], (3, 4, 4, 2))


OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.02}),
    "sgd_momentum": ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "decay": 0.1}),
    "sgd_plain_momentum": ("SGD", {"lr": 0.02, "momentum": 0.5}),
    "sgd_clipped": ("SGD", {"lr": 0.1, "clipvalue": 0.02}),
    "sgd_norm": ("SGD", {"lr": 0.1, "clipnorm": 0.05}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "rho": 0.8}),
    "rmsprop_decay": ("RMSprop", {"lr": 0.01, "epsilon": 1e-3, "decay": 0.2}),
    "adagrad": ("Adagrad", {"lr": 0.05}),
    "adagrad_decay": ("Adagrad", {"lr": 0.05, "decay": 0.2, "clipnorm": 0.05}),
    "adadelta": ("Adadelta", {"lr": 0.5}),
    "adadelta_decay": ("Adadelta", {"lr": 0.5, "rho": 0.8, "decay": 0.2}),
    "adam": ("Adam", {"lr": 0.01, "decay": 0.05, "beta_1": 0.8}),
    "adamax": ("Adamax", {"lr": 0.01, "decay": 0.05}),
    "adam_clipped": ("Adam", {"lr": 0.01, "clipnorm": 0.05, "clipvalue": 0.01}),
    "nadam": ("Nadam", {"lr": 0.01}),
    "nadam_options": ("Nadam", {"lr": 0.01, "beta_1": 0.8, "schedule_decay": 0.01}),
}


def make_models(keras, wanted=lambda name: True):
    """Yield (name, model, shapes of its inputs), compiled, for each name that is wanted."""
    L, models = keras.layers, keras.models
    for name, (make_layers, shape) in layer_tables(L).items():
        if not wanted("layer_" + name):
            continue
        model = models.Sequential(make_layers())
        if len(model.output_shape) > 2:
            model.add(L.Flatten())
        model.add(L.Dense(2, activation="sigmoid", name="out"))
        model.compile("adam", "mse", metrics=["mae"])
        yield "layer_" + name, model, [shape]
    for name, (class_name, arguments) in OPTIMIZERS.items():
        if not wanted("optimizer_" + name):
            continue
        model = models.Sequential([L.Dense(4, activation="tanh", input_shape=(5,)), L.Dense(2)])
        model.compile(getattr(keras.optimizers, class_name)(**arguments), "mse")
        yield "optimizer_" + name, model, [(5,)]
    for name, model, shapes in _graphs(keras):
        if wanted(name):
            yield name, model, shapes


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
        first, second = L.Input((5,), name="first"), L.Input((5,), name="second")
        output = L.Dense(2)(getattr(L, class_name)()([first, second]))
        model = models.Model([first, second], output)
        model.compile("adam", "mse")
        yield "graph_" + class_name.lower(), model, [(5,), (5,)]
    further = (("dot", L.Dot, {"axes": 1, "normalize": True}), ("concatenate_axis", L.Concatenate, {"axis": 2}))
    for row, kind, arguments in further:
        first, second = L.Input((4, 5), name="first"), L.Input((4, 3), name="second")
        output = L.Flatten()(kind(**arguments)([L.Dense(2)(first), second]))
        model = models.Model([first, second], L.Dense(2)(output))
        model.compile("adam", "mse")
        yield "graph_" + row, model, [(4, 5), (4, 3)]

    for class_name in ("SimpleRNN", "LSTM", "GRU"):
        x = L.Input((4, 3), name="x")
        both = L.Bidirectional(getattr(L, class_name)(3), merge_mode=None)(x)
        first, *states = getattr(L, class_name)(3, return_state=True, return_sequences=True)(x)
        again = getattr(L, class_name)(3)(first, initial_state=states)
        model = models.Model(x, L.Dense(2)(L.Concatenate()(both + [again])))
        model.compile("rmsprop", "mse")
        yield "graph_states_" + class_name.lower(), model, [(4, 3)]

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
    if path.endswith("_decay.h5"):  # nor, for these optimizers, the number of steps
        keras.backend.set_value(model.optimizer.iterations, 0)
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


def make(keras, folder, only=None, without=()):
    """Write the files and what follows from them; rows that are there already, or left out, are passed over."""
    np.random.seed(1)

    def wanted(name):
        is_made = os.path.exists(os.path.join(folder, name + ".npz"))
        return (not only or name in only) and name not in without and not is_made

    for name, model, shapes in make_models(keras, wanted):
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


def check(keras, folder, only=None):
    """Open the files, or those of some names, and compare; return the number of those that differ."""
    failed = 0
    for file in sorted(os.listdir(folder)):
        if only and file[: -len(".h5")] not in only:
            continue
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
    keras = [importlib.import_module(name) for name in BACKENDS[backend]][-1]
    if command == "make":
        if not os.path.isdir(folder):
            os.makedirs(folder)
        make(keras, folder, only, () if backend == "onnxseq" else NOT_BOTH_WAYS)
        return 0
    return min(check(keras, folder, only), 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
