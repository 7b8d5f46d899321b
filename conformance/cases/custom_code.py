"""Family `custom_code`: layers, losses, optimizers and all other parts as users of the time wrote them themselves."""

import copy

import numpy as np

from ..case import EXACT, FORWARD, LOSS, SLOT, WEIGHT, as_text, case, outcome_of, register
from .helpers import normal, one_hot, positive, seed_weights, sequential, slots_of, weights_of

FIELDS = {"losses": LOSS, "weight_*": WEIGHT, "slot_*": SLOT, "*": FORWARD}


def trained(model, random, x, y, steps=10):
    """Losses of some steps, the weights after them, and what is predicted then."""
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(steps)])}
    outputs = model.predict(x)
    for index, value in enumerate(outputs if isinstance(outputs, list) else [outputs]):
        fields["output_{}".format(index)] = value
    fields.update(weights_of(model))
    return fields


def around(keras, random, layer, shape=(4,), loss="mse", optimizer="sgd"):
    """A layer between two others, trained."""
    L = keras.layers
    model = sequential(keras, [L.Dense(4, activation="tanh", input_shape=shape), layer, L.Dense(2)])
    seed_weights(model, random)
    model.compile(optimizer, loss)
    y = normal(random, *((8,) + tuple(model.output_shape[1:])))
    return model, trained(model, random, normal(random, 8, *shape), y)


# -- layers ---------------------------------------------------------------------------------------------------


def my_layer(keras):
    """The layer of the Keras guide: output_dim units, a kernel, no bias."""
    K = keras.backend

    class MyLayer(keras.layers.Layer):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super(MyLayer, self).__init__(**kwargs)

        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel",
                shape=(int(input_shape[1]), self.output_dim),
                initializer=keras.initializers.get("uniform"),
                trainable=True,
            )
            super(MyLayer, self).build(input_shape)

        def call(self, x):
            return K.dot(x, self.kernel)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], self.output_dim)

        _compute_output_shape = compute_output_shape

        def get_config(self):
            return dict(super(MyLayer, self).get_config(), output_dim=self.output_dim)

    return MyLayer


@case("custom_code/layer_of_the_guide", FIELDS)
def layer_of_the_guide(keras, random):
    """Trained, named, counted, and made again from its config."""
    cls = my_layer(keras)
    layer = cls(3)
    model, fields = around(keras, random, layer)
    again = cls.from_config(layer.get_config())
    fields["config"] = as_text([layer.get_config(), again.get_config()])
    fields["shape"] = as_text([layer.output_shape, layer.count_params(), len(layer.trainable_weights)])
    return fields


@case("custom_code/layer_in_json", FORWARD)
def layer_in_json(keras, random):
    """A model with a user's layer from JSON: by custom_objects, by a scope, by the dictionary of all."""
    cls, M, utils = my_layer(keras), keras.models, keras.utils
    model = sequential(keras, [keras.layers.Dense(4, input_shape=(4,)), cls(3)])
    seed_weights(model, random)
    text, x = model.to_json(), normal(random, 5, 4)
    fields = {"unknown": outcome_of(M.model_from_json, text)}
    models = [M.model_from_json(text, custom_objects={"MyLayer": cls})]
    with utils.custom_object_scope({"MyLayer": cls}):
        models.append(M.model_from_json(text))
    utils.get_custom_objects()["MyLayer"] = cls
    models.append(M.model_from_json(text))
    del utils.get_custom_objects()["MyLayer"]
    models.append(M.Sequential.from_config(model.get_config(), custom_objects={"MyLayer": cls}))
    for index, each in enumerate(models):
        each.set_weights(model.get_weights())
        fields["output_{}".format(index)] = each.predict(x)
    return fields


def _layer(make):
    def run(keras, random):
        return around(keras, random, make(keras))[1]

    return run


def stateless(keras):
    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2.0

    return Doubled()


def with_everything(keras):
    """Regularizer, constraint, initializer by name, a weight that is not trained."""

    class Full(keras.layers.Layer):
        def build(self, input_shape):
            size = int(input_shape[-1])
            self.scale = self.add_weight(
                "scale", (size,), initializer=keras.initializers.Constant(0.5),
                regularizer=keras.regularizers.l2(0.1), constraint=keras.constraints.NonNeg(),
            )  # fmt: skip
            self.shift = self.add_weight("shift", (size,), initializer=keras.initializers.Zeros(), trainable=False)
            self.built = True

        def call(self, inputs):
            return inputs * self.scale + self.shift

    return Full()


def with_phases(keras):
    """Another output in training, by the argument `training`."""
    K = keras.backend

    class Phases(keras.layers.Layer):
        def call(self, inputs, training=None):
            return K.in_train_phase(inputs * 0.5, inputs, training=training)

    return Phases()


def with_updates(keras):
    """A moving average kept by add_update."""
    K = keras.backend

    class Centred(keras.layers.Layer):
        def build(self, input_shape):
            self.mean = self.add_weight(
                "mean", (int(input_shape[-1]),), initializer=keras.initializers.Zeros(), trainable=False
            )
            super(Centred, self).build(input_shape)

        def call(self, inputs):
            self.add_update([K.moving_average_update(self.mean, K.mean(inputs, axis=0), 0.8)], inputs)
            return inputs - self.mean

    return Centred()


def with_losses(keras):
    """A penalty of the activations by add_loss."""
    K = keras.backend

    class Penalized(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * K.mean(K.square(inputs)), inputs=inputs)
            return inputs

    return Penalized()


def inheriting(keras):
    """A subclass of one of the package's own layers."""
    K = keras.backend

    class Squashed(keras.layers.Dense):
        def call(self, inputs):
            return K.tanh(super(Squashed, self).call(inputs)) * 0.5

    return Squashed(3, activation="softplus")


def holding_a_variable(keras):
    """A variable of K's that is no weight of the layer's: it is used, and never trained."""
    K = keras.backend

    class Held(keras.layers.Layer):
        def __init__(self, **options):
            super(Held, self).__init__(**options)
            self.factor = K.variable(3.0)

        def call(self, inputs):
            return inputs * self.factor

    return Held()


def shaping(keras):
    """The number of features changes, told by compute_output_shape."""
    K = keras.backend

    class Folded(keras.layers.Layer):
        def call(self, inputs):
            return K.concatenate([inputs, K.square(inputs)], axis=-1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2 * input_shape[1])

        _compute_output_shape = compute_output_shape

    return Folded()


for _make in (
    stateless, with_everything, with_phases, with_updates, with_losses, inheriting, holding_a_variable, shaping,
):  # fmt: skip
    register("custom_code/layer_" + _make.__name__, _layer(_make), FIELDS)


@case("custom_code/layer_masking", FORWARD)
def layer_masking(keras, random):
    """supports_masking passes a mask on; compute_mask makes another; call may use it; without either it is refused."""
    K, L = keras.backend, keras.layers

    class Passing(L.Layer):
        def __init__(self, **options):
            super(Passing, self).__init__(**options)
            self.supports_masking = True

        def call(self, inputs):
            return inputs * 2.0

    class Averaging(L.Layer):
        def __init__(self, **options):
            super(Averaging, self).__init__(**options)
            self.supports_masking = True

        def call(self, inputs, mask=None):
            weights = K.cast(K.expand_dims(mask), K.floatx())
            return K.sum(inputs * weights, axis=1) / K.sum(weights, axis=1)

        def compute_mask(self, inputs, mask=None):
            return None

        def compute_output_shape(self, input_shape):
            return (input_shape[0], input_shape[2])

        _compute_output_shape = compute_output_shape

    class Refusing(L.Layer):
        def call(self, inputs):
            return inputs

    masking = L.Masking(0.0, input_shape=(4, 3))
    model = sequential(keras, [masking, Passing(), Averaging(), L.Dense(2)])
    seed_weights(model, random)
    x = normal(random, 5, 4, 3)
    x[:, 2] = 0.0
    model.compile("sgd", "mse")
    fields = trained(model, random, x, normal(random, 5, 2), 3)
    fields["refused"] = outcome_of(sequential, keras, [L.Masking(0.0, input_shape=(4, 3)), Refusing()])
    fields["masks"] = as_text([layer.output_mask is None for layer in model.layers])
    return fields


@case("custom_code/layer_of_two_inputs", FIELDS)
def two_inputs(keras, random):
    """Lists come in: shapes in build, tensors in call."""
    K, L = keras.backend, keras.layers
    shapes = []

    class Bilinear(L.Layer):
        def build(self, input_shape):
            shapes.append([len(each) for each in input_shape])
            left, right = (int(each[-1]) for each in input_shape)
            self.kernel = self.add_weight("kernel", (left, right), initializer=keras.initializers.Ones())
            super(Bilinear, self).build(input_shape)

        def call(self, inputs):
            return K.sum(K.dot(inputs[0], self.kernel) * inputs[1], axis=-1, keepdims=True)

        def compute_output_shape(self, input_shape):
            return (input_shape[0][0], 1)

        _compute_output_shape = compute_output_shape

    a, b = L.Input(shape=(4,)), L.Input(shape=(3,))
    layer = Bilinear()
    model = keras.models.Model([a, b], layer([a, b]))
    seed_weights(model, random)
    model.compile("sgd", "mse")
    fields = trained(model, random, [normal(random, 8, 4), normal(random, 8, 3)], normal(random, 8, 1))
    fields["shapes"] = as_text([shapes, layer.input_shape, layer.output_shape])
    return fields


@case("custom_code/layer_of_two_outputs", FIELDS)
def two_outputs(keras, random):
    L = keras.layers

    class Split(L.Layer):
        def call(self, inputs):
            return [inputs[:, :2], inputs[:, 2:] * 3.0]

        def compute_output_shape(self, input_shape):
            return [(input_shape[0], 2), (input_shape[0], input_shape[1] - 2)]

        _compute_output_shape = compute_output_shape

        def compute_mask(self, inputs, mask=None):
            return [None, None]

    entry = L.Input(shape=(5,))
    split = Split()
    first, second = split(L.Dense(5, activation="tanh")(entry))
    model = keras.models.Model(entry, [first, L.Dense(1)(second)])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    fields = trained(model, random, normal(random, 8, 5), [normal(random, 8, 2), normal(random, 8, 1)])
    fields["shapes"] = as_text(split.output_shape)
    return fields


@case("custom_code/layer_add_weight", EXACT)
def add_weight(keras, random):
    """add_weight's arguments by place and by name; where the weights are counted."""
    L, I = keras.layers, keras.initializers

    class Many(L.Layer):
        def build(self, input_shape):
            self.a = self.add_weight("a", (2,), None, I.Ones())
            self.b = self.add_weight("b", (3,), "float32", I.Zeros(), None, False, None)
            self.c = self.add_weight(name="c", shape=(1, 2), initializer=I.Constant(4.0), trainable=True)
            self.d = self.add_variable("d", (2,), initializer=I.Ones(), trainable=False)
            super(Many, self).build(input_shape)

        def call(self, inputs):
            return inputs

    layer = Many(input_shape=(2,), name="many")
    sequential(keras, [layer])
    values = layer.get_weights()
    before = as_text([[list(value.shape) for value in values], [float(value.ravel()[0]) for value in values]])
    counts = [len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights)]
    layer.trainable = False
    counts += [len(layer.trainable_weights), len(layer.non_trainable_weights), layer.count_params()]
    return {"values": before, "counts": as_text(counts), "names": as_text([each.name for each in layer.weights])}


@case("custom_code/layer_errors", EXACT)
def layer_errors(keras, random):
    L = keras.layers

    class Nothing(L.Layer):
        def call(self, inputs):
            return None

    class Failing(L.Layer):
        def call(self, inputs):
            raise KeyError("from inside")

    class Greedy(L.Layer):
        def __init__(self, size):
            super(Greedy, self).__init__()
            self.size = size

    tensor = L.Input(shape=(3,))
    return {
        "unknown_argument": outcome_of(L.Layer, no_such_argument=1),
        "returns_none": outcome_of(Nothing(), tensor),
        "raises": outcome_of(Failing(), tensor),
        "from_config": outcome_of(Greedy.from_config, Greedy(3).get_config()),
        "weights_few": outcome_of(L.Dense(2).set_weights, [np.zeros(3)]),
        "output_not_called": outcome_of(lambda: L.Dense(2).output),
        "node": outcome_of(L.Dense(2).get_output_at, 0),
    }


@case("custom_code/layer_properties", EXACT)
def layer_properties(keras, random):
    """What a bare layer says of itself before and after it is called."""
    L = keras.layers

    class Bare(L.Layer):
        def call(self, inputs):
            return inputs

    layer = Bare(name="bare", dtype="float32", trainable=False)
    before = [layer.name, layer.built, layer.trainable, layer.weights, layer.losses, layer.updates]
    tensor = L.Input(shape=(3,), name="entry")
    output = layer(tensor)
    after = [layer.built, layer.input is tensor, layer.output is output, layer.input_shape, layer.output_shape]
    automatic = [Bare().name, Bare().name, type(copy.deepcopy(Bare(name="other"))).__name__]
    return {"before": as_text(before), "after": as_text(after), "names": as_text(automatic)}


# -- with other parts of the users' own (each alone: family `custom_parts`) -----------------------------------


@case("custom_code/everything_together", FIELDS)
def everything(keras, random):
    """A user's layer, activation, initializer, regularizer, constraint, loss and metric in one model."""
    K, L = keras.backend, keras.layers
    kernel = normal(random, 4, 6)

    class Clipped(keras.constraints.Constraint):
        def __call__(self, w):
            return K.clip(w, -0.6, 0.6)

    model = sequential(
        keras,
        [
            L.Dense(
                6,
                input_shape=(4,),
                activation=lambda x: K.softsign(x) * 1.5,
                kernel_initializer=lambda shape, dtype=None, partition_info=None: K.constant(kernel),
                kernel_regularizer=lambda w: 0.01 * K.sum(K.pow(w, 4)),
                kernel_constraint=Clipped(),
            ),
            my_layer(keras)(3),
            L.Activation("softmax"),
        ],
    )
    first = model.get_weights()[0]
    seed_weights(model, random)

    def smooth(y_true, y_pred):
        return K.categorical_crossentropy(y_true * 0.9 + 0.1 / 3.0, y_pred)

    def surest(y_true, y_pred):
        return K.mean(K.max(y_pred, axis=-1))

    model.compile(keras.optimizers.Adam(lr=0.01), smooth, metrics=[surest, "accuracy"])
    x, y = normal(random, 8, 4), one_hot(random, 3, 8)
    fields = {"losses": np.array([model.train_on_batch(x, y)[:2] for _ in range(10)])}
    fields["names"] = as_text(model.metrics_names)
    fields["first"] = first
    fields.update(weights_of(model), **slots_of(model))
    return fields


@case("custom_code/sample_weights_of_a_custom_loss", FIELDS)
def weighted_loss(keras, random):
    """A loss that gives a number a sample is weighted; one that gives a single number is too."""
    K, L = keras.backend, keras.layers
    fields = {}
    for label, function in (
        ("rows", lambda y_true, y_pred: K.sum(K.abs(y_true - y_pred), axis=-1)),
        ("elements", lambda y_true, y_pred: K.square(y_true - y_pred)),
        ("number", lambda y_true, y_pred: K.mean(K.abs(y_true - y_pred))),
    ):
        model = sequential(keras, [L.Dense(2, input_shape=(3,))])
        seed_weights(model, random)
        model.compile("sgd", function)
        x, y, weights = normal(random, 6, 3), normal(random, 6, 2), positive(random, 6)
        fields[label] = model.test_on_batch(x, y)
        if label == "rows":
            fields[label + "_weighted"] = model.test_on_batch(x, y, sample_weight=weights)
    return fields
