"""Family `configs`: get_config of layers, optimizers and models, JSON and YAML, and models made again from them."""

import copy

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, register
from .helpers import normal, seed_weights, sequential

LAYERS = (
    ("Dense", lambda L: L.Dense(3)),
    ("Dense_options", lambda L: L.Dense(
        3, activation="relu", use_bias=False, kernel_initializer="he_normal", bias_initializer="ones",
        kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l1_l2",
        kernel_constraint="max_norm", bias_constraint="non_neg",
        input_shape=(4,), trainable=False, name="mine")),
    ("Activation", lambda L: L.Activation("tanh")),
    ("Dropout", lambda L: L.Dropout(0.3, noise_shape=(None, 1), seed=4)),
    ("Flatten", lambda L: L.Flatten()),
    ("Reshape", lambda L: L.Reshape((2, -1))),
    ("Permute", lambda L: L.Permute((2, 1))),
    ("RepeatVector", lambda L: L.RepeatVector(3)),
    ("Masking", lambda L: L.Masking(2.0)),
    ("ActivityRegularization", lambda L: L.ActivityRegularization(0.1, 0.2)),
    ("Embedding", lambda L: L.Embedding(5, 3, mask_zero=True, input_length=7, embeddings_regularizer="l1")),
    ("BatchNormalization", lambda L: L.BatchNormalization()),
    ("BatchNormalization_options", lambda L: L.BatchNormalization(
        axis=1, momentum=0.9, epsilon=0.01, center=False, scale=False, beta_initializer="ones",
        gamma_regularizer="l2")),
    ("Conv1D", lambda L: L.Conv1D(3, 2)),
    ("Conv2D", lambda L: L.Conv2D(3, 2)),
    ("Conv2D_options", lambda L: L.Conv2D(
        3, (2, 3), strides=(2, 1), padding="same", data_format="channels_first", activation="relu", use_bias=False,
        kernel_regularizer="l2", kernel_constraint="unit_norm")),
    ("Conv2D_dilation", lambda L: L.Conv2D(3, 2, dilation_rate=2)),
    ("MaxPooling1D", lambda L: L.MaxPooling1D()),
    ("MaxPooling1D_options", lambda L: L.MaxPooling1D(3, strides=2, padding="same")),
    ("AveragePooling1D", lambda L: L.AveragePooling1D(3)),
    ("MaxPooling2D", lambda L: L.MaxPooling2D()),
    ("MaxPooling2D_options", lambda L: L.MaxPooling2D((3, 2), strides=1, padding="same", data_format="channels_first")),
    ("AveragePooling2D", lambda L: L.AveragePooling2D(3)),
    ("GlobalMaxPooling1D", lambda L: L.GlobalMaxPooling1D()),
    ("GlobalAveragePooling1D", lambda L: L.GlobalAveragePooling1D()),
    ("GlobalMaxPooling2D", lambda L: L.GlobalMaxPooling2D()),
    ("GlobalAveragePooling2D", lambda L: L.GlobalAveragePooling2D(data_format="channels_first")),
    ("ZeroPadding1D", lambda L: L.ZeroPadding1D((1, 2))),
    ("ZeroPadding2D", lambda L: L.ZeroPadding2D(2)),
    ("ZeroPadding2D_pairs", lambda L: L.ZeroPadding2D(((1, 2), (3, 4)))),
    ("UpSampling1D", lambda L: L.UpSampling1D(3)),
    ("UpSampling2D", lambda L: L.UpSampling2D((2, 3))),
    ("InputLayer", lambda L: L.InputLayer(input_shape=(3, None))),
    ("InputLayer_batch", lambda L: L.InputLayer(input_shape=(3,), batch_size=7, dtype="int32", name="words")),
)  # fmt: skip


def _layer(make):
    def function(keras, random):
        layer = make(keras.layers)
        config = layer.get_config()
        again = type(layer).from_config(config)
        return {"config": as_text(config), "again": as_text(again.get_config()), "name": layer.name}

    return function


for _label, _make in LAYERS:
    register("configs/layer_" + _label, _layer(_make), EXACT)


@case("configs/optimizers", EXACT)
def optimizers(keras, random):
    O = keras.optimizers
    found = {}
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"):
        for label, options in (("default", {}), ("clipped", {"clipnorm": 1.0, "clipvalue": 0.5, "lr": 0.25})):
            optimizer = getattr(O, name)(**options)
            found["{} {}".format(name, label)] = optimizer.get_config()
            found["{} {} again".format(name, label)] = O.deserialize(O.serialize(optimizer)).get_config()
        found[name + " serialized"] = O.serialize(getattr(O, name)())
        found[name + " by name"] = [type(O.get(each)).__name__ for each in (name, name.lower(), name.upper())]
    return {"configs": as_text(found)}


def _model(keras, random):
    L = keras.layers
    inner = sequential(
        keras, [L.Dense(6, activation="relu", kernel_regularizer="l2", input_shape=(4,)), L.BatchNormalization()]
    )
    model = sequential(keras, [inner, L.Dropout(0.2), L.Dense(3, activation="softmax", bias_constraint="non_neg")])
    seed_weights(model, random)
    return model


@case("configs/model", EXACT)
def model_config(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Embedding(9, 4, input_length=12, mask_zero=False),
            L.Conv1D(4, 3, activation="relu"),
            L.MaxPooling1D(),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ],
    )
    return {"config": as_text(model.get_config()), "json": model.to_json(sort_keys=True, indent=1)}


@case("configs/model_nested", EXACT)
def model_nested(keras, random):
    model = _model(keras, random)
    return {"config": as_text(model.get_config()), "json": model.to_json(sort_keys=True, indent=1)}


@case("configs/model_yaml", EXACT)
def model_yaml(keras, random):
    """The YAML text, as the JSON of what it says."""
    L, models = keras.layers, keras.models
    model = sequential(keras, [L.Dense(6, activation="relu", input_shape=(4,), name="a"), L.Dense(3, name="b")])
    again = models.model_from_yaml(model.to_yaml())
    return {"config": as_text(again.get_config()), "name": type(again).__name__}


@case("configs/model_again", FORWARD)
def model_again(keras, random):
    """Models made again by every way give the same predictions with the same weights."""
    models = keras.models
    model = _model(keras, random)
    x = normal(random, 5, 4)
    fields = {"original": model.predict(x)}
    config = {"class_name": "Sequential", "config": model.get_config()}
    for label, again in (
        ("from_config", models.Sequential.from_config(model.get_config())),
        ("model_from_config", models.model_from_config(config)),
        ("model_from_json", models.model_from_json(model.to_json())),
        ("model_from_yaml", models.model_from_yaml(model.to_yaml())),
    ):
        again.set_weights(model.get_weights())
        fields[label] = again.predict(x)
        fields[label + "_names"] = as_text([layer.name for layer in again.layers])
    return fields


@case("configs/custom_objects", EXACT)
def custom_objects(keras, random):
    """A user's layer and function in a config are found among the custom objects, in each of the ways to give them."""
    L, models, utils = keras.layers, keras.models, keras.utils

    class Scale(L.Layer):
        def __init__(self, by=2.0, **options):
            super(Scale, self).__init__(**options)
            self.by = by

        def call(self, inputs):
            return inputs * self.by

        def get_config(self):
            return dict(super(Scale, self).get_config(), by=self.by)

    def half(x):
        return x * 0.5

    objects = {"Scale": Scale, "half": half}
    model = sequential(keras, [L.Dense(3, activation=half, input_shape=(4,)), Scale(3.0)])
    seed_weights(model, random)
    x = normal(random, 2, 4)
    fields = {"config": as_text(model.get_config()), "original": model.predict(x)}
    ways = {"argument": models.model_from_json(model.to_json(), custom_objects=objects)}
    with utils.custom_object_scope(objects):
        ways["scope"] = models.model_from_json(model.to_json())
    with utils.CustomObjectScope(objects):
        ways["class_scope"] = models.Sequential.from_config(model.get_config())
    utils.get_custom_objects().update(objects)
    ways["global"] = models.model_from_json(model.to_json())
    utils.get_custom_objects().clear()
    for label in sorted(ways):
        ways[label].set_weights(model.get_weights())
        fields[label] = np.abs(ways[label].predict(x) - fields["original"]).max()
    del fields["original"]
    return fields


@case("configs/deepcopy", FORWARD)
def deepcopy(keras, random):
    """A copy of an untrained configuration is a configuration of its own."""
    model = _model(keras, random)
    config = copy.deepcopy(model.get_config())
    model.pop()
    again = keras.models.Sequential.from_config(config)
    return {"layers": len(again.layers), "left": len(model.layers)}


@case("configs/lambda", EXACT)
def lambda_config(keras, random):
    """The keys of its config; how the function itself is written there is no part of the comparison."""
    L = keras.layers

    def doubled(x):
        return x * 2.0

    layer = L.Lambda(doubled, arguments={}, name="twice")
    config = layer.get_config()
    again = L.Lambda.from_config(dict(config), custom_objects={"doubled": doubled})
    return {"keys": as_text(sorted(config)), "name": again.name}


@case("configs/to_categorical", EXACT)
def to_categorical(keras, random):
    utils = keras.utils
    return {
        "plain": utils.to_categorical([0, 2, 1]),
        "classes": utils.to_categorical(np.array([[0], [2]]), 5),
        "rank_2": utils.to_categorical(np.array([[0, 1], [2, 1]])),
        "normalized": utils.normalize(normal(random, 3, 4)),
        "normalized_axis": utils.normalize(normal(random, 3, 4), axis=0, order=1),
    }
