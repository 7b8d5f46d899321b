"""Family `dtypes`: float64 by set_floatx, forward and in training; dtypes of inputs, weights, losses and constants."""

import numpy as np

from ..case import EXACT, FORWARD, LOSS, Tolerance, as_text, case, register
from .helpers import cycle, one_hot, seed_weights, sequential, train
from .page_properties import told

DOUBLE = Tolerance(1e-8, 1e-9, "float64 sums, added in another order; constants of float32 would show")
STEPS = Tolerance(1e-6, 1e-8, "twenty float64 steps, each on the rounding of those before it")


def wide(random, *shape):
    return random.normal(size=shape)


def seed_wide(model, random):
    """float64 weights that float32 could not hold."""
    model.set_weights(
        [abs(random.normal(size=value.shape)) * 0.3 + 0.01 for value in model.get_weights()]
    )


# TensorFlow 1.4 convolves and averages no float64 on a CPU: these layers are not among the cases.
LAYERS = (
    ("dense", lambda L: [L.Dense(4, activation="tanh", input_shape=(6,))], (6,)),
    ("dense_softmax", lambda L: [L.Dense(4, activation="softmax", input_shape=(6,))], (6,)),
    ("dense_sigmoid", lambda L: [L.Dense(4, activation="sigmoid", input_shape=(6,))], (6,)),
    ("dense_elu", lambda L: [L.Dense(4, activation="elu", input_shape=(6,))], (6,)),
    ("dense_selu", lambda L: [L.Dense(4, activation="selu", input_shape=(6,))], (6,)),
    ("dense_hard_sigmoid", lambda L: [L.Dense(4, activation="hard_sigmoid", input_shape=(6,))], (6,)),
    ("dense_softplus", lambda L: [L.Dense(4, activation="softplus", input_shape=(6,))], (6,)),
    ("dense_softsign", lambda L: [L.Dense(4, activation="softsign", input_shape=(6,))], (6,)),
    ("dense_relu", lambda L: [L.Dense(4, activation="relu", input_shape=(6,))], (6,)),
    ("dense_rank_3", lambda L: [L.Dense(4, input_shape=(3, 6))], (3, 6)),
    ("max_pooling", lambda L: [L.MaxPooling2D(2, input_shape=(6, 6, 3))], (6, 6, 3)),
    ("global_pooling", lambda L: [L.GlobalAveragePooling1D(input_shape=(7, 3))], (7, 3)),
    ("up_sampling", lambda L: [L.UpSampling2D(2, input_shape=(3, 3, 2))], (3, 3, 2)),
    ("zero_padding", lambda L: [L.ZeroPadding1D(2, input_shape=(3, 2))], (3, 2)),
    ("reshape", lambda L: [L.Reshape((3, 4), input_shape=(12,)), L.Permute((2, 1)), L.Flatten()], (12,)),
    ("repeat_vector", lambda L: [L.RepeatVector(3, input_shape=(4,))], (4,)),
    ("dropout", lambda L: [L.Dropout(0.5, input_shape=(4,))], (4,)),
)


def _forward(make, shape):
    def function(keras, random):
        keras.backend.set_floatx("float64")
        model = sequential(keras, make(keras.layers))
        seed_wide(model, random)
        found = model.predict(wide(random, 3, *shape))
        types = [str(value.dtype) for value in model.get_weights()]
        return {"output": found, "types": as_text([str(found.dtype), types, keras.backend.dtype(model.output)])}

    return function


for _label, _make, _shape in LAYERS:
    register("dtypes/float64_" + _label, _forward(_make, _shape), {"output": DOUBLE, "types": EXACT})


@case("dtypes/float64_batch_normalization", {"types": EXACT, "*": DOUBLE})
def batch_normalization(keras, random):
    """The moving statistics are of float64 too."""
    keras.backend.set_floatx("float64")
    model = sequential(keras, [keras.layers.BatchNormalization(momentum=0.7, input_shape=(4,))])
    seed_wide(model, random)
    x = wide(random, 6, 4)
    return {
        "output": model.predict(x),
        "types": as_text([str(value.dtype) for value in model.get_weights()]),
        "weights": np.array(model.get_weights()),
    }


OPTIMIZERS = (
    ("sgd", lambda O: O.SGD(lr=0.1, momentum=0.9, nesterov=True, decay=0.01)),
    ("rmsprop", lambda O: O.RMSprop(lr=0.01)),
    ("adagrad", lambda O: O.Adagrad(lr=0.05)),
    ("adadelta", lambda O: O.Adadelta()),
    ("adam", lambda O: O.Adam(lr=0.01, clipnorm=0.5)),
    ("adamax", lambda O: O.Adamax(lr=0.01)),
    ("nadam", lambda O: O.Nadam(lr=0.01, clipvalue=0.1)),
)


def _trained(make):
    """Twenty steps in float64."""

    def function(keras, random):
        keras.backend.set_floatx("float64")
        L = keras.layers
        model = sequential(
            keras,
            [
                L.Dense(6, activation="tanh", kernel_regularizer="l2", input_shape=(5,)),
                L.Dense(3, activation="softmax", kernel_constraint="max_norm"),
            ],
        )
        seed_wide(model, random)
        model.compile(make(keras.optimizers), "categorical_crossentropy")
        fields = train(model, cycle(wide(random, 64, 5), one_hot(random, 3, 64).astype("float64")))
        fields["types"] = as_text(sorted({str(value.dtype) for value in model.get_weights()}))
        return fields

    return function


for _label, _make in OPTIMIZERS:
    register("dtypes/float64_trained_by_" + _label, _trained(_make), {"types": EXACT, "*": STEPS})

LOSSES = ("mean_squared_error", "mean_absolute_error", "mean_squared_logarithmic_error", "hinge", "logcosh",
          "categorical_crossentropy", "binary_crossentropy", "kullback_leibler_divergence", "poisson",
          "cosine_proximity", "categorical_hinge", "mean_absolute_percentage_error", "squared_hinge")  # fmt: skip


def _loss(name):
    def function(keras, random):
        keras.backend.set_floatx("float64")
        K = keras.backend
        y_true, y_pred = K.variable(random.uniform(0.1, 0.9, size=(4, 3))), K.variable(random.uniform(0.1, 0.9, (4, 3)))
        value = getattr(keras.losses, name)(y_true, y_pred)
        gradient = K.gradients(K.sum(value), [y_pred])[0]
        return {"value": K.eval(value), "gradient": K.eval(gradient)}

    return function


for _name in LOSSES:
    register("dtypes/float64_loss_" + _name, _loss(_name), DOUBLE)


@case("dtypes/floatx", EXACT)
def floatx(keras, random):
    """What set_floatx changes: variables, placeholders, inputs, constants, casts."""
    K, L = keras.backend, keras.layers
    found = {}
    for name in ("float32", "float64", "float16"):
        K.set_floatx(name)
        found[name] = [
            K.floatx(), K.dtype(K.variable([1.0])), K.dtype(K.placeholder(shape=(2,))), K.dtype(K.constant(1.0)),
            K.dtype(L.Input(shape=(2,))), K.dtype(K.zeros((2,))), K.dtype(K.ones((2,))),
            str(K.cast_to_floatx([1]).dtype), L.Dense(2).dtype,
        ]  # fmt: skip
    return {"found": as_text(found)}


@case("dtypes/set_floatx_errors", EXACT)
def set_floatx_errors(keras, random):
    return {name: told(keras.backend.set_floatx, name) for name in ("float8", "int32", "double", "float32")}


@case("dtypes/cast", FORWARD)
def cast(keras, random):
    """Between every pair of types, with what is lost."""
    K = keras.backend
    x = np.array([[-2.7, -0.5, 0.0, 0.5, 1.5, 250.9]])
    fields = {}
    for source in ("float16", "float32", "float64"):
        for target in ("float16", "float32", "float64", "int32", "int64"):
            value = K.eval(K.cast(K.variable(x, dtype=source), target))
            fields["{}_{}".format(source, target)] = value.astype("float64")
            fields["{}_{}_type".format(source, target)] = str(value.dtype)
    return fields


@case("dtypes/inputs", FORWARD)
def inputs(keras, random):
    """Arrays of every type into a float32 model; the output is float32."""
    model = sequential(keras, [keras.layers.Dense(3, input_shape=(4,))])
    seed_weights(model, random)
    x = random.randint(0, 100, size=(5, 4))
    types = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool")
    return {name: model.predict((x % 2 if name == "bool" else x).astype(name)) for name in types}


@case("dtypes/targets", LOSS)
def targets(keras, random):
    """Targets and weights of every type give one loss."""
    model = sequential(keras, [keras.layers.Dense(1, activation="sigmoid", input_shape=(4,))])
    seed_weights(model, random)
    model.compile("sgd", "binary_crossentropy")
    x, y = random.normal(size=(6, 4)).astype("float32"), random.randint(2, size=(6, 1))
    types = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool")
    fields = {name: model.test_on_batch(x, y.astype(name)) for name in types}
    fields["weights"] = model.test_on_batch(x, y, sample_weight=np.arange(6, dtype="int64"))
    return fields


@case("dtypes/integer_inputs", EXACT)
def integer_inputs(keras, random):
    """An Embedding's words: the types that they may come in, and what is cut off."""
    model = sequential(keras, [keras.layers.Embedding(9, 2, input_length=3)])
    seed_weights(model, random)
    words = random.randint(9, size=(4, 3))
    types = ("int32", "int64", "uint8", "float32", "float64")
    return {name: model.predict(words.astype(name)) for name in types}


@case("dtypes/layer_dtype", EXACT)
def layer_dtype(keras, random):
    """A dtype given to the first layer is that of its input and of its weights."""
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.Dense(2, input_shape=(3,), dtype="float64"), L.Activation("relu", dtype="float64")])
    return {
        "types": as_text([K.dtype(model.input), [str(value.dtype) for value in model.get_weights()]]),
        "output": K.dtype(model.output),
    }
