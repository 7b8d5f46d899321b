"""Copies: deepcopy and pickle keep weights, optimizer state and compile state, and nothing is shared."""

import copy
import pickle

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers import BatchNormalization, Dense, Dropout, Input, Lambda, Layer
from onnxseq.models import Model, Sequential
from onnxseq.optimizers import SGD, Adam, Optimizer

RANDOM = np.random.RandomState(6)
X = RANDOM.rand(12, 5).astype("float32")
Y = RANDOM.rand(12, 2).astype("float32")


class Twice(Layer):
    """A layer of the user's own."""

    def call(self, inputs):
        return inputs * 2.0


def swish(x):
    return x * K.sigmoid(x)


def own_loss(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred), axis=-1)


class Plain(Optimizer):
    """An optimizer of the user's own, with state that it makes itself."""

    def __init__(self, lr=0.1, **kwargs):
        super().__init__(**kwargs)
        self.lr = K.variable(lr)

    def get_updates(self, loss, params):
        gradients = self.get_gradients(loss, params)
        sums = [K.zeros(K.int_shape(p)) for p in params]
        self.weights = sums
        updates = []
        for p, g, s in zip(params, gradients, sums, strict=True):
            new = s + K.square(g)
            updates += [K.update(s, new), K.update(p, p - self.lr * g / (K.sqrt(new) + 1e-3))]
        return updates

    def get_config(self):
        return {"lr": float(K.get_value(self.lr)), **super().get_config()}


def stack(*layers):
    return Sequential([Dense(4, activation="tanh", input_shape=(5,)), *layers, Dense(2)])


def functional():
    inputs = Input((5,))
    inner = Sequential([Dense(3, input_shape=(5,)), BatchNormalization()])
    return Model(inputs, Dense(2)(inner(inputs)))


def shared():
    layer = Dense(5, input_shape=(5,))
    return Sequential([layer, layer, Dense(2)])


MODELS = {
    "stack": lambda: stack(),
    "normalized": lambda: stack(BatchNormalization(), Dropout(0.5)),
    "nested": lambda: stack(Sequential([Dense(3, input_shape=(4,))]), Sequential([Dense(3, input_shape=(3,))])),
    "own layer and activation": lambda: stack(Twice(), Dense(3, activation=swish)),
    "functional": functional,
}

COMPILED = {
    "adam": {"optimizer": "adam", "loss": "mse"},
    "sgd with momentum and decay": {"optimizer": lambda: SGD(0.05, momentum=0.9, decay=0.01), "loss": "mse"},
    "rmsprop": {"optimizer": "rmsprop", "loss": "mae", "metrics": ["mse"]},
    "clipped": {"optimizer": lambda: Adam(clipnorm=0.1), "loss": own_loss, "weighted_metrics": [own_loss]},
    "own": {"optimizer": Plain, "loss": "mse"},
}

WAYS = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


def compiled(make, arguments):
    made = make()
    arguments = dict(arguments)
    if callable(arguments["optimizer"]):
        arguments["optimizer"] = arguments["optimizer"]()
    made.compile(**arguments)
    return made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "training"),
    [(kind, "adam") for kind in MODELS] + [("stack", training) for training in COMPILED if training != "adam"],
)
def test_a_copy_predicts_and_goes_on_training_alike(way, kind, training):
    made = compiled(MODELS[kind], COMPILED[training])
    for _ in range(3):
        made.train_on_batch(X, Y)
    expected = made.predict(X)
    twin = WAYS[way](made)
    assert type(twin) is type(made)
    assert twin.name == made.name
    assert [layer.name for layer in twin.layers] == [layer.name for layer in made.layers]
    np.testing.assert_array_equal(twin.predict(X), expected)
    assert twin.metrics_names == made.metrics_names
    if kind != "normalized":  # dropout draws from streams of its own in a copy
        for _ in range(3):
            np.testing.assert_allclose(twin.train_on_batch(X, Y), made.train_on_batch(X, Y), rtol=1e-6)
        np.testing.assert_allclose(twin.predict(X), made.predict(X), rtol=1e-5, atol=1e-7)
        for a, b in zip(twin.optimizer.get_weights(), made.optimizer.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_shared(way):
    made = compiled(MODELS["stack"], COMPILED["adam"])
    twin = WAYS[way](made)
    before = made.get_weights()
    twin.train_on_batch(X, Y)
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert K.get_value(made.optimizer.iterations) == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_was_not_compiled_stays_so(way):
    made = stack()
    twin = WAYS[way](made)
    np.testing.assert_array_equal(twin.predict(X), made.predict(X))
    with pytest.raises(RuntimeError):
        twin.fit(X, Y)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_trainable_survives(way):
    made = stack()
    made.layers[0].trainable = False
    made.compile("sgd", "mse")
    made.layers[0].trainable = True  # from the next compile on
    twin = WAYS[way](made)
    assert twin.layers[0].trainable is True
    before = twin.layers[0].get_weights()[0]
    twin.train_on_batch(X, Y)
    np.testing.assert_array_equal(twin.layers[0].get_weights()[0], before)
    twin.compile("sgd", "mse")
    twin.train_on_batch(X, Y)
    assert not np.array_equal(twin.layers[0].get_weights()[0], before)


def test_the_step_count_survives_where_it_is_no_part_of_the_state():
    made = stack()
    made.compile("rmsprop", "mse")
    made.train_on_batch(X, Y)
    for copied in WAYS.values():
        assert K.get_value(copied(made).optimizer.iterations) == 1


def test_a_layer_used_twice_stays_one_layer():
    made = shared()
    made.compile("sgd", "mse")
    twin = copy.deepcopy(made)
    assert twin.layers[0] is twin.layers[1]
    np.testing.assert_array_equal(twin.predict(X), made.predict(X))


def test_deepcopy_keeps_functions_that_have_no_name():
    made = stack(Lambda(lambda x: x * 3.0), Lambda(lambda x: x * 5.0))
    np.testing.assert_array_equal(copy.deepcopy(made).predict(X), made.predict(X))


def test_a_custom_layer_needs_no_scope_to_be_copied():
    assert registry.lookup("layer", "Twice") is None
    made = stack(Twice())
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).predict(X), made.predict(X))


def test_two_functions_of_one_name_do_not_pickle():
    def relu6(x):
        return K.relu(x, max_value=6.0)

    first = relu6

    def relu6(x):
        return K.relu(x, max_value=3.0)

    K.clear_session()
    made = stack(Dense(3, activation=first), Dense(3, activation=relu6))
    with pytest.raises(ValueError, match="are both named 'relu6'; expected names of their own, which pickles need."):
        pickle.dumps(made)


def test_a_shallow_copy_shares_the_layers_and_takes_no_name():
    model = Sequential([Dense(2, input_shape=(3,))])
    twin = copy.copy(model)
    assert twin is not model
    assert twin.name == model.name and twin.layers[0] is model.layers[0]
    twin.set_weights([np.ones((3, 2)), np.zeros(2)])
    assert model.get_weights()[0].sum() == 6
    assert int(Sequential().name.split("_")[1]) == int(model.name.split("_")[1]) + 1
