"""Family `names`: what layers, weights, models and outputs are called, the order of weights, the text of summary."""

import numpy as np

from ..case import EXACT, as_text, case, outcome_of
from .helpers import sequential


def _every_layer(L):
    return [
        L.Embedding(9, 4, input_length=12),
        L.Conv1D(4, 3),
        L.BatchNormalization(),
        L.Activation("relu"),
        L.MaxPooling1D(),
        L.AveragePooling1D(),
        L.ZeroPadding1D(),
        L.UpSampling1D(),
        L.Reshape((8, 1, 4)),
        L.Conv2D(4, 1),
        L.ZeroPadding2D(),
        L.UpSampling2D(),
        L.MaxPooling2D(),
        L.AveragePooling2D(),
        L.Permute((2, 1, 3)),
        L.Flatten(),
        L.Dropout(0.5),
        L.Lambda(lambda x: x * 2.0),
        L.ActivityRegularization(0.1),
        L.RepeatVector(3),
        L.GlobalMaxPooling1D(),
        L.Dense(3),
        L.Dense(2),
    ]


@case("names/layers_and_weights", EXACT)
def layers_and_weights(keras, random):
    model = sequential(keras, _every_layer(keras.layers))
    model.build()
    return {
        "model": model.name,
        "layers": as_text([layer.name for layer in model.layers]),
        "weights": as_text([weight.name for weight in model.weights]),
        "trainable_weights": as_text([weight.name for weight in model.trainable_weights]),
        "non_trainable_weights": as_text([weight.name for weight in model.non_trainable_weights]),
        "shapes": as_text([value.shape for value in model.get_weights()]),
        "input_shapes": as_text([layer.input_shape for layer in model.layers]),
        "output_shapes": as_text([layer.output_shape for layer in model.layers]),
        "parameters": as_text([layer.count_params() for layer in model.layers]),
        "count_params": model.count_params(),
        "inputs": as_text(list(model.input_names)),
        "outputs": as_text(list(model.output_names)),
        "input_tensor": model.input.name.split(":")[0],
    }


@case("names/given", EXACT)
def given(keras, random):
    L = keras.layers
    model = keras.models.Sequential(
        [L.Dense(2, input_shape=(3,), name="first"), L.Dense(2), L.Dense(2, name="last")], name="mine"
    )
    other = keras.models.Sequential([L.Dense(2, input_shape=(3,))])
    model.build()
    other.build()
    return {
        "models": as_text([model.name, other.name]),
        "layers": as_text([layer.name for layer in model.layers + other.layers]),
        "weights": as_text([weight.name for weight in model.weights + other.weights]),
        "inputs": as_text([list(model.input_names), list(model.output_names), list(other.input_names)]),
        "found": as_text([model.get_layer("last").name, model.get_layer(index=0).name, model.get_layer(index=1).name]),
    }


@case("names/frozen_weights_order", EXACT)
def frozen_weights_order(keras, random):
    """What of the orders of weights changes when layers and the model are switched off."""
    L = keras.layers
    model = sequential(keras, [L.Dense(3, input_shape=(4,)), L.BatchNormalization(), L.Dense(2)])

    def orders():
        return [
            [weight.name for weight in group]
            for group in (model.weights, model.trainable_weights, model.non_trainable_weights)
        ]

    fields = {"on": as_text(orders())}
    model.layers[1].trainable = False
    fields["one_off"] = as_text(orders())
    fields["one_off_shapes"] = as_text([value.shape for value in model.get_weights()])
    model.trainable = False
    fields["all_off"] = as_text(orders() + [[layer.trainable for layer in model.layers]])
    model.trainable = True
    fields["on_again"] = as_text(orders() + [[layer.trainable for layer in model.layers]])
    return fields


@case("names/nested", EXACT)
def nested(keras, random):
    L = keras.layers
    inner = sequential(keras, [L.Dense(3, input_shape=(4,)), L.BatchNormalization()])
    model = sequential(keras, [inner, L.Activation("relu"), L.Dense(2)])
    model.build()
    return {
        "layers": as_text([layer.name for layer in model.layers]),
        "weights": as_text([weight.name for weight in model.weights]),
        "trainable": as_text([weight.name for weight in model.trainable_weights]),
        "shapes": as_text([model.input_shape, inner.output_shape, model.output_shape]),
        "names": as_text([list(model.input_names), list(model.output_names)]),
    }


def _summary(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


@case("names/summary", EXACT)
def summary(keras, random):
    return {"text": _summary(sequential(keras, _every_layer(keras.layers)))}


@case("names/summary_options", EXACT)
def summary_options(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [L.Dense(3, input_shape=(4,), name="a_layer_with_quite_a_long_name"), L.BatchNormalization(), L.Dense(2000)],
    )
    model.layers[0].trainable = False
    return {
        "wide": _summary(model, line_length=100),
        "narrow": _summary(model, line_length=40),
        "positions": _summary(model, line_length=80, positions=[0.5, 0.8, 1.0, 1.0]),
    }


@case("names/summary_nested", EXACT)
def summary_nested(keras, random):
    L = keras.layers
    inner = sequential(keras, [L.Dense(3, input_shape=(4,)), L.Activation("relu")])
    return {"text": _summary(sequential(keras, [inner, L.Dense(2)]))}


@case("names/summary_not_built", EXACT)
def summary_not_built(keras, random):
    L = keras.layers
    return {"free_length": _summary(sequential(keras, [L.Embedding(5, 3), L.Conv1D(2, 2), L.GlobalMaxPooling1D()]))}


@case("names/after_clear_session", EXACT)
def after_clear_session(keras, random):
    keras.layers.Dense(1)
    first = keras.layers.Dense(1).name
    keras.backend.clear_session()
    return {"names": as_text([first, keras.layers.Dense(1).name, keras.models.Sequential().name])}


@case("names/scopes_repeated", EXACT)
def scopes_repeated(keras, random):
    """Weights of layers that were given one name, of copies by config, and of a layer named like a class."""
    L = keras.layers
    models = [sequential(keras, [L.Dense(2, input_shape=(3,), name=name)]) for name in ("x", "x", "x_1", "x", "dense")]
    models.append(sequential(keras, [L.Dense(2, input_shape=(3,)), L.Dense(2)]))
    models.append(type(models[-1]).from_config(models[-1].get_config()))
    return {"weights": as_text([[weight.name for weight in model.weights] for model in models])}


@case("names/scopes_by_first_use", EXACT)
def scopes_by_first_use(keras, random):
    """Layers are numbered as they are made, the scopes of their weights as they are first used."""
    L = keras.layers
    first, second, built, last = L.Dense(2), L.Dense(2), L.Dense(2), L.Dense(2)
    inputs = L.Input(shape=(3,))
    second(inputs)
    built.build((None, 3))
    first(inputs)
    first(inputs)
    last(inputs)
    layers = [first, second, built, last]
    return {
        "layers": as_text([layer.name for layer in layers]),
        "scopes": as_text([layer.scope_name for layer in layers]),
        "weights": as_text([weight.name for layer in layers for weight in layer.weights]),
        "not_used": outcome_of(lambda: L.Dense(2).scope_name),
    }


@case("names/scopes_within_layers", EXACT)
def scopes_within_layers(keras, random):
    """Layers and variables that a layer of the user's own makes as it is built, and a layer in a name scope."""
    L, K = keras.layers, keras.backend

    class Pair(L.Layer):
        def build(self, shape):
            self.kernel = self.add_weight("kernel", (3, 2), initializer=keras.initializers.Zeros())
            self.inner = L.Dense(2)
            super(Pair, self).build(shape)

        def call(self, inputs):
            return K.dot(inputs, self.kernel) + self.inner(inputs)

    pairs = [Pair(), Pair(), Pair(name="mine")]
    weights = []
    for pair in pairs:
        pair(L.Input(shape=(3,)))
        weights += [weight.name for weight in pair.weights + pair.inner.weights]
    with K.name_scope("outer"):
        dense = L.Dense(2)
        dense(L.Input(shape=(3,)))
    return {"weights": as_text(weights), "in_a_scope": as_text([weight.name for weight in dense.weights])}


@case("names/variables", EXACT)
def variables(keras, random):
    """Variables' names, within name scopes that are entered again."""
    K = keras.backend
    names = [K.variable(0.0).name, K.zeros((2,)).name, K.variable(0.0, name="a").name, K.ones((2,), name="a").name]
    for _ in range(2):
        with K.name_scope("outer"):
            names += [K.variable(0.0, name="a").name, K.variable(0.0).name, K.variable(0.0, name="a").name]
            for _ in range(2):
                with K.name_scope("inner"):
                    names.append(K.variable(0.0).name)
    return {"names": as_text(names)}


@case("names/optimizers", EXACT)
def optimizers(keras, random):
    """What weight files call the state of an optimizer, also of the second model and after compiling again."""
    L = keras.layers
    names, scalars = [], []
    models = [sequential(keras, [L.Dense(2, input_shape=(3,)), L.BatchNormalization()]) for _ in range(2)]
    for model, name in (
        (models[0], "adam"), (models[1], "adam"), (models[0], "sgd"), (models[0], "rmsprop"), (models[0], "adagrad"),
        (models[0], "adadelta"), (models[0], "adamax"), (models[0], "nadam"), (models[0], "adam"),
    ):  # fmt: skip
        model.compile(name, "mse")
        model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
        names.append([variable.name for variable in model.optimizer.weights])
        if name != "nadam":
            scalars.append([model.optimizer.lr.name, model.optimizer.decay.name])
    return {"names": as_text(names), "scalars": as_text(scalars)}
