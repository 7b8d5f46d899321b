"""Family `page_layers`: add_weight, add_variable, add_loss and add_update, argument by argument."""

import numpy as np

from ..case import EXACT, FORWARD, LOSS, WEIGHT, as_text, case, register
from .helpers import normal, seed_weights, sequential, weights_of
from .page_properties import mixed, told

TRAINED = {"weight_*": WEIGHT, "found": EXACT, "*": LOSS}


def adder(keras, method, **options):
    """A layer that multiplies by one weight, which it makes by the given method with the given options."""

    class Adder(keras.layers.Layer):
        def build(self, input_shape):
            size = int(input_shape[-1])
            given = dict({"name": "scale", "shape": (size,), "initializer": keras.initializers.Ones()}, **options)
            self.scale = getattr(self, method)(**given)
            super(Adder, self).build(input_shape)

        def call(self, inputs):
            return inputs * keras.backend.cast(self.scale, "float32")

    return Adder(input_shape=(3,))


def _added(method, make_options):
    def function(keras, random):
        K = keras.backend
        layer = adder(keras, method, **make_options(keras))
        model = sequential(keras, [layer, keras.layers.Dense(2)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "mse")
        x, y = normal(random, 8, 3), normal(random, 8, 2)
        fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)])}
        fields["found"] = as_text(
            {
                "type": K.dtype(layer.scale),
                "trainable": len(layer.trainable_weights),
                "non_trainable": len(layer.non_trainable_weights),
                "same": layer.scale is layer.weights[0],
                "losses": len(layer.losses),
                "shape": [int(size) for size in layer.get_weights()[0].shape],
            }
        )
        fields.update(weights_of(model))
        return fields

    return function


for _method in ("add_weight", "add_variable"):
    for _label, _options in (
        ("plain", lambda keras: {}),
        ("dtype", lambda keras: {"dtype": "float64", "trainable": False}),
        ("initializer", lambda keras: {"initializer": keras.initializers.Constant(0.5)}),
        ("regularizer", lambda keras: {"regularizer": keras.regularizers.l2(0.5)}),
        ("not_trainable", lambda keras: {"trainable": False}),
        ("constraint", lambda keras: {"constraint": keras.constraints.MaxNorm(0.3)}),
    ):
        register("page_layers/{}_{}".format(_method, _label), _added(_method, _options), TRAINED)


@case("page_layers/add_weight_default_initializer", EXACT)
def add_weight_default_initializer(keras, random):
    """Without an initializer: within the bounds of glorot_uniform."""
    layer = adder(keras, "add_weight", shape=(40, 60), initializer=None)
    layer.call = lambda inputs: inputs
    layer.build((None, 3))
    values = layer.get_weights()[0]
    return {
        "shape": np.array(values.shape),
        "within": bool(abs(values).max() <= np.sqrt(6.0 / 100)),
        "spread": bool(abs(values).max() > 0.9 * np.sqrt(6.0 / 100) and abs(values.mean()) < 0.02),
    }


@case("page_layers/add_weight_by_position", EXACT)
def add_weight_by_position(keras, random):
    """The order of the arguments: name, shape, dtype, initializer, regularizer, trainable, constraint."""

    class Positional(keras.layers.Layer):
        def build(self, input_shape):
            made = keras.initializers.Constant(2.0)
            self.first = self.add_weight("first", (2,), "float32", made, keras.regularizers.l1(0.5), True, None)
            self.second = self.add_weight("second", (3,), None, made, None, False)
            super(Positional, self).build(input_shape)

    layer = Positional(input_shape=(3,))
    sequential(keras, [layer])
    return {
        "trainable": as_text([len(layer.trainable_weights), len(layer.non_trainable_weights)]),
        "first": layer.get_weights()[0],
        "second": layer.get_weights()[1],
        "penalty": keras.backend.eval(layer.losses[0]),
    }


@case("page_layers/add_weight_of_unknown_size", EXACT)
def add_weight_of_unknown_size(keras, random):
    return {"raises": told(lambda: adder(keras, "add_weight", shape=(None, 2)).build((None, 3)))}


def _loss_layer(keras, conditional, several=False):
    class Penalized(keras.layers.Layer):
        def call(self, inputs):
            K = keras.backend
            losses = [0.1 * K.sum(K.square(inputs)), 0.01 * K.sum(K.abs(inputs))]
            self.add_loss(losses if several else losses[0], inputs=inputs if conditional else None)
            return inputs * 2.0

    return Penalized(name="penalized")


def _with_loss(conditional, several):
    def function(keras, random):
        L = keras.layers
        layer = _loss_layer(keras, conditional, several)
        model = sequential(keras, [L.Dense(3, activation="tanh", input_shape=(4,)), layer, L.Dense(2)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.05), "mse")
        x, y = normal(random, 6, 4), normal(random, 6, 2)
        fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)])}
        fields["test"] = model.test_on_batch(x, y)
        found = [len(layer.losses), len(layer.get_losses_for(layer.input)), len(layer.get_losses_for(None))]
        fields["found"] = as_text(found + [len(model.losses)])
        fields.update(weights_of(model))
        return fields

    return function


register("page_layers/add_loss", _with_loss(True, False), TRAINED)
register("page_layers/add_loss_list", _with_loss(True, True), TRAINED)
register("page_layers/add_loss_unconditional", _with_loss(False, False), TRAINED)


@case("page_layers/add_loss_two_inputs", FORWARD)
def add_loss_two_inputs(keras, random):
    """Each call's loss belongs to its inputs, by number and by value."""
    L, K = keras.layers, keras.backend
    layer = _loss_layer(keras, True)
    first, second = L.Input(shape=(4,)), L.Input(shape=(4,))
    layer(first), layer(second)
    losses = [layer.get_losses_for(first)[0], layer.get_losses_for(second)[0]]
    values = K.function([first, second], losses)([normal(random, 2, 4), normal(random, 2, 4)])
    numbers = [len(layer.losses), len(layer.get_losses_for(first)), len(layer.get_losses_for(None))]
    return {"first": values[0], "second": values[1], "numbers": as_text(numbers)}


@case("page_layers/get_losses_for_model", EXACT)
def get_losses_for_model(keras, random):
    """Of a Sequential: what depends on no input, and on its own; and of one without layers."""
    model = mixed(keras, random)
    return {
        "none": told(lambda: len(model.get_losses_for(None))),
        "updates_of_none": told(lambda: len(model.get_updates_for(None))),
        "empty": told(keras.models.Sequential().get_losses_for, None),
        "empty_updates": told(keras.models.Sequential().get_updates_for, None),
    }


def _counting(keras, conditional, several):
    class Counting(keras.layers.Layer):
        def build(self, input_shape):
            zeros = keras.initializers.Zeros()
            self.count = self.add_weight(name="count", shape=(), initializer=zeros, trainable=False)
            self.total = self.add_weight(name="total", shape=(), initializer=zeros, trainable=False)
            super(Counting, self).build(input_shape)

        def call(self, inputs):
            K = keras.backend
            updates = [K.update_add(self.count, 1.0), K.update_add(self.total, K.sum(inputs))]
            self.add_update(updates if several else updates[0], inputs=inputs if conditional else None)
            return inputs * 2.0

    return Counting(name="counting")


def _with_update(conditional, several):
    def function(keras, random):
        L = keras.layers
        layer = _counting(keras, conditional, several)
        model = sequential(keras, [L.Dense(3, input_shape=(4,)), layer])
        seed_weights(model, random)
        layer.set_weights([np.zeros((), "float32")] * 2)
        model.compile(keras.optimizers.SGD(lr=0.01), "mse")
        x, y = normal(random, 6, 4), normal(random, 6, 3)
        for _ in range(3):
            model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict(x)
        found = [len(layer.updates), len(layer.get_updates_for(layer.input)), len(layer.get_updates_for(None))]
        fields = {"found": as_text(found + [len(model.updates)])}
        fields.update(weights_of(model))
        return fields

    return function


register("page_layers/add_update", _with_update(True, False), TRAINED)
register("page_layers/add_update_list", _with_update(True, True), TRAINED)
register("page_layers/add_update_unconditional", _with_update(False, False), TRAINED)


@case("page_layers/add_update_two_inputs", EXACT)
def add_update_two_inputs(keras, random):
    L = keras.layers
    layer = _counting(keras, True, True)
    first, second, other = L.Input(shape=(4,)), L.Input(shape=(4,)), L.Input(shape=(4,))
    layer(first), layer(second)
    numbers = [len(layer.updates)] + [len(layer.get_updates_for(tensor)) for tensor in (first, second, other)]
    return {"numbers": as_text(numbers)}


@case("page_layers/batch_normalization_on_two_inputs", FORWARD)
def batch_normalization_on_two_inputs(keras, random):
    """The statistics of each input are of its own updates."""
    L, K = keras.layers, keras.backend
    layer = L.BatchNormalization(momentum=0.5)
    first, second = L.Input(shape=(3,)), L.Input(shape=(3,))
    outputs = [layer(first), layer(second)]
    x = normal(random, 6, 3) + 2.0
    step = K.function([first, K.learning_phase()], [outputs[0]], updates=layer.get_updates_for(first))
    step([x, 1])
    after_first = layer.get_weights()[2:]
    step = K.function([second, K.learning_phase()], [outputs[1]], updates=layer.get_updates_for(second))
    step([x * 2.0, 1])
    after_second = layer.get_weights()[2:]
    return {
        "numbers": as_text([len(layer.updates), len(layer.get_updates_for(first))]),
        "mean_first": after_first[0],
        "variance_first": after_first[1],
        "mean_second": after_second[0],
        "variance_second": after_second[1],
    }
