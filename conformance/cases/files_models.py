"""Family `files_models`: saved and loaded, each layer, nested and functional models, states, flags and names."""

import os

import numpy as np

from ..case import EXACT, FORWARD, LOSS, SLOT, WEIGHT, as_text, case, register
from .files import again, same, steps
from .helpers import normal, one_hot, positive, seed_weights, sequential, slots_of, weights_of
from .places import folder

FIELDS = {"losses_*": LOSS, "weight_*": WEIGHT, "slot_*": SLOT, "*": FORWARD}

LAYERS = (
    ("Dense_options", lambda L: [L.Dense(3, activation="relu", kernel_regularizer="l2", bias_constraint="non_neg",
                                         activity_regularizer="l1", input_shape=(6,))]),
    ("Activation", lambda L: [L.Dense(4, input_shape=(6,)), L.Activation("softplus"), L.ActivityRegularization(0.01)]),
    ("Dropout", lambda L: [L.Dropout(0.4, input_shape=(6,)), L.Dense(3)]),
    ("Reshape", lambda L: [L.Reshape((3, 2), input_shape=(6,)), L.Permute((2, 1)), L.Flatten(), L.Dense(2)]),
    ("RepeatVector", lambda L: [L.RepeatVector(2, input_shape=(6,)), L.Masking(0.5), L.Dense(2)]),
    ("BatchNormalization", lambda L: [L.Dense(4, input_shape=(6,)), L.BatchNormalization(momentum=0.8), L.Dense(2)]),
    ("Conv1D", lambda L: [L.Reshape((6, 1), input_shape=(6,)), L.Conv1D(3, 2, dilation_rate=2), L.MaxPooling1D(),
                          L.GlobalAveragePooling1D()]),
    ("Conv2D", lambda L: [L.Reshape((3, 2, 1), input_shape=(6,)), L.Conv2D(3, 2, padding="same", activation="relu"),
                          L.AveragePooling2D((2, 1)), L.GlobalMaxPooling2D()]),
    ("Conv2D_channels_first", lambda L: [L.Reshape((1, 3, 2), input_shape=(6,)),
                                         L.Permute((2, 3, 1)), L.ZeroPadding2D(1), L.Conv2D(2, 3, use_bias=False),
                                         L.Flatten()]),
    ("UpSampling1D", lambda L: [L.Reshape((3, 2), input_shape=(6,)), L.UpSampling1D(2), L.ZeroPadding1D((1, 2)),
                                L.GlobalMaxPooling1D()]),
)  # fmt: skip


def _layer(make):
    def function(keras, random):
        """Output, config and the next steps of the loaded model."""
        model = sequential(keras, make(keras.layers))
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.05, momentum=0.5), "mse")
        x = positive(random, 8, 6)
        y = normal(random, *((8,) + tuple(model.output_shape[1:])))
        random_in_training = any(type(layer).__name__ == "Dropout" for layer in model.layers)
        if not random_in_training:
            steps(model, x, y, 2)
        loaded = again(keras, model)
        fields = {"output": loaded.predict(x), "same": same([model.predict(x)], [loaded.predict(x)])}
        configs = [layer.get_config() for layer in loaded.layers]
        if not random_in_training:
            fields["config"] = as_text(configs)
            fields["losses_loaded"] = steps(loaded, x, y, 5)
            fields.update(weights_of(loaded), **slots_of(loaded))
        return fields

    return function


for _label, _make in LAYERS:
    register("files_models/layer_" + _label, _layer(_make), FIELDS)


@case("files_models/embedding", FIELDS)
def embedding(keras, random):
    L = keras.layers
    model = sequential(keras, [L.Embedding(7, 3, input_length=4, mask_zero=False), L.Flatten(), L.Dense(2)])
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.01), "mse")
    x, y = random.randint(0, 7, size=(8, 4)), normal(random, 8, 2)
    steps(model, x, y, 2)
    loaded = again(keras, model)
    return {
        "output": loaded.predict(x),
        "type": keras.backend.dtype(loaded.input),
        "losses_loaded": steps(loaded, x, y, 5),
    }


@case("files_models/names_and_flags", EXACT)
def names_and_flags(keras, random):
    """Names given and counted, which layers are trainable, what the first layer was told."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(3, batch_input_shape=(5, 4), name="mine"),
            L.Dense(3, trainable=False),
            L.BatchNormalization(name="also_mine"),
            L.Dense(2),
        ],
    )
    model.layers[3].trainable = False
    model.compile("sgd", "mse")
    loaded = again(keras, model)
    return {
        "names": as_text([layer.name for layer in loaded.layers]),
        "trainable": as_text([layer.trainable for layer in loaded.layers]),
        "counts": as_text([len(loaded.trainable_weights), len(loaded.non_trainable_weights)]),
        "shapes": as_text([loaded.input_shape, loaded.output_shape]),
    }


@case("files_models/frozen_layers_go_on", FIELDS)
def frozen_layers(keras, random):
    """The loaded model trains what the saved one did, on the same trajectory."""
    L = keras.layers
    model = sequential(
        keras, [L.Dense(4, activation="tanh", input_shape=(4,)), L.Dense(4, trainable=False), L.Dense(3)]
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.Adagrad(lr=0.05), "mse")
    x, y = normal(random, 8, 4), normal(random, 8, 3)
    steps(model, x, y, 2)
    loaded = again(keras, model)
    fields = {"losses_loaded": steps(loaded, x, y, 5), "losses_own": steps(model, x, y, 5)}
    fields.update(weights_of(loaded))
    return fields


def two_and_two(keras, random):
    """Two inputs, a shared layer, two outputs."""
    L = keras.layers
    left, right = L.Input(shape=(4,), name="left"), L.Input(shape=(4,), name="right")
    shared = L.Dense(5, activation="tanh", name="shared")
    a, b = shared(left), shared(right)
    first = L.Dense(3, activation="softmax", name="first")(a)
    second = L.Dense(2, name="second")(b)
    model = keras.models.Model([left, right], [first, second])
    seed_weights(model, random)
    x = [normal(random, 8, 4), normal(random, 8, 4)]
    return model, x, [one_hot(random, 3, 8), normal(random, 8, 2)]


@case("files_models/functional", FIELDS)
def functional(keras, random):
    """Two inputs, two outputs, a shared layer, losses and weights by name."""
    model, x, y = two_and_two(keras, random)
    model.compile(
        keras.optimizers.Adam(lr=0.02),
        {"first": "categorical_crossentropy", "second": "mse"},
        metrics={"first": "accuracy", "second": ["mae"]},
        loss_weights={"first": 0.5, "second": 2.0},
    )
    steps(model, x, y, 2)
    loaded = again(keras, model)
    fields = {
        "kind": type(loaded).__name__,
        "metrics": as_text(loaded.metrics_names),
        "losses_loaded": steps(loaded, x, y, 5),
        "losses_own": steps(model, x, y, 5),
    }
    fields.update({"output_{}".format(index): value for index, value in enumerate(loaded.predict(x))})
    fields.update(weights_of(loaded), **slots_of(loaded))
    return fields


@case("files_models/functional_lists", FIELDS)
def functional_lists(keras, random):
    model, x, y = two_and_two(keras, random)
    model.compile("sgd", ["mse", "mae"], loss_weights=[0.25, 1.0])
    loaded = again(keras, model)
    return {
        "state": as_text([loaded.loss, loaded.loss_weights, loaded.metrics_names]),
        "losses_loaded": steps(loaded, x, y, 5),
    }


@case("files_models/nested_sequential", FIELDS)
def nested_sequential(keras, random):
    """A Sequential inside a Sequential, partly frozen."""
    L = keras.layers
    inner = sequential(keras, [L.Dense(5, activation="tanh", input_shape=(4,)), L.Dense(4)])
    inner.layers[0].trainable = False
    model = sequential(keras, [inner, L.Dense(3, activation="softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.RMSprop(lr=0.01), "categorical_crossentropy")
    x, y = normal(random, 8, 4), one_hot(random, 3, 8)
    steps(model, x, y, 2)
    loaded = again(keras, model)
    fields = {
        "names": as_text([[each.name for each in loaded.layers], [each.name for each in loaded.layers[0].layers]]),
        "output": loaded.predict(x),
        "losses_loaded": steps(loaded, x, y, 5),
    }
    fields.update(weights_of(loaded))
    return fields


@case("files_models/nested_functional", FIELDS)
def nested_functional(keras, random):
    """A functional model used twice in another one."""
    L, M = keras.layers, keras.models
    entry = L.Input(shape=(4,))
    inner = M.Model(entry, L.Dense(3, activation="tanh", name="inside")(entry), name="inner")
    a, b = L.Input(shape=(4,), name="a"), L.Input(shape=(4,), name="b")
    model = M.Model([a, b], [L.Dense(2, name="top")(inner(a)), inner(b)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "mse")
    x, y = [normal(random, 8, 4), normal(random, 8, 4)], [normal(random, 8, 2), normal(random, 8, 3)]
    steps(model, x, y, 2)
    loaded = again(keras, model)
    fields = {"losses_loaded": steps(loaded, x, y, 5), "names": as_text([layer.name for layer in loaded.layers])}
    fields.update(weights_of(loaded))
    return fields


@case("files_models/feature_extraction", FIELDS)
def feature_extraction(keras, random):
    """Layers of a loaded model in a new one."""
    model, x, _ = two_and_two(keras, random)
    model.compile("sgd", "mse")
    loaded = again(keras, model)
    features = keras.models.Model(loaded.inputs[0], loaded.get_layer("first").input)
    return {"features": features.predict(x[0])}


@case("files_models/sample_weight_mode", FIELDS)
def sample_weight_mode(keras, random):
    L = keras.layers
    model = sequential(keras, [L.Dense(3, input_shape=(4, 2))])
    seed_weights(model, random)
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    loaded = again(keras, model)
    x, y, weights = normal(random, 5, 4, 2), normal(random, 5, 4, 3), positive(random, 5, 4)
    return {
        "mode": as_text(loaded.sample_weight_mode),
        "losses_loaded": np.array([loaded.train_on_batch(x, y, sample_weight=weights) for _ in range(4)]),
    }


@case("files_models/after_pop", FIELDS)
def after_pop(keras, random):
    """A stack that was changed saves what it is now."""
    L = keras.layers
    model = sequential(keras, [L.Dense(4, input_shape=(4,)), L.Dense(3), L.Dense(2)])
    seed_weights(model, random)
    model.pop()
    model.add(L.Dense(5, kernel_initializer="ones"))
    model.compile("sgd", "mse")
    loaded = again(keras, model)
    return {"output": loaded.predict(normal(random, 6, 4)), "number": len(loaded.layers)}


@case("files_models/json_and_weights", FIELDS)
def json_and_weights(keras, random):
    """Architecture by to_json and to_yaml, weights by a file."""
    model, x, _ = two_and_two(keras, random)
    with folder() as place:
        path = os.path.join(place, "weights.h5")
        model.save_weights(path)
        by_json = keras.models.model_from_json(model.to_json())
        by_json.load_weights(path)
        by_yaml = keras.models.model_from_yaml(model.to_yaml())
        by_yaml.load_weights(path)
    return {"json": by_json.predict(x)[1], "yaml": by_yaml.predict(x)[0]}


@case("files_models/fit_after_loading", FIELDS)
def fit_after_loading(keras, random):
    """fit on the loaded model gives the History that the saved one would."""
    model, x, y = two_and_two(keras, random)
    model.compile(keras.optimizers.Adam(lr=0.01), "mse")
    model.fit(x, y, epochs=2, batch_size=4, verbose=0, shuffle=False)
    loaded = again(keras, model)
    histories = [each.fit(x, y, epochs=3, batch_size=4, verbose=0, shuffle=False).history for each in (model, loaded)]
    return {
        "losses_own": np.array(histories[0]["loss"]),
        "losses_loaded": np.array(histories[1]["loss"]),
        "keys": as_text(sorted(histories[1])),
    }
