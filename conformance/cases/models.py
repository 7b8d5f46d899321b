"""Family `models`: Sequential's own members: add, pop, nesting, shapes and masks at nodes, losses, copies."""

import copy
import pickle

import numpy as np

from ..case import EXACT, FORWARD, as_text, case
from .helpers import normal, one_hot, seed_weights, sequential, weights_of


def _dense_three(keras, random):
    L = keras.layers
    model = sequential(
        keras, [L.Dense(5, activation="tanh", input_shape=(4,)), L.Dense(3, activation="relu"), L.Dense(2)]
    )
    seed_weights(model, random)
    return model


@case("models/first_layer_shapes", EXACT)
def first_layer_shapes(keras, random):
    """Every way to give the first layer its shape."""
    L = keras.layers
    models = [
        sequential(keras, [layer])
        for layer in (
            L.Dense(2, input_dim=3),
            L.Dense(2, input_shape=(3,)),
            L.Dense(2, batch_input_shape=(None, 3)),
            L.Dense(2, batch_input_shape=(5, 3)),
            L.Dense(2, input_shape=(None, 3)),
            L.Dense(2, input_shape=(3,), batch_size=4),
            L.Embedding(4, 2, input_length=3),
            L.Embedding(4, 2, input_shape=(3,)),
            L.Embedding(4, 2),
            L.InputLayer(input_shape=(3,)),
            L.Activation("relu", input_shape=(3, 2), dtype="float64"),
        )
    ]
    return {
        "inputs": as_text([model.input_shape for model in models]),
        "outputs": as_text([model.output_shape for model in models]),
        "types": as_text([keras.backend.dtype(model.input) for model in models]),
        "layers": as_text([len(model.layers) for model in models]),
    }


@case("models/properties", EXACT)
def properties(keras, random):
    L = keras.layers
    model = sequential(
        keras, [L.Dense(5, input_shape=(4,), kernel_regularizer="l2"), L.BatchNormalization(), L.Dropout(0.5)]
    )
    plain = sequential(keras, [L.Dense(5, input_shape=(4,))])
    return {
        "found": as_text(
            {
                "uses_learning_phase": [bool(each.uses_learning_phase) for each in (model, plain)],
                "stateful": [bool(each.stateful) for each in (model, plain)],
                "trainable": model.trainable,
                "built": plain.built,
                "losses": [len(each.losses) for each in (model, plain)],
                "updates": [len(each.updates) for each in (model, plain)],
                "state_updates": len(model.state_updates),
                "variables": len(model.variables),
                "trainable_variables": len(model.trainable_variables),
                "non_trainable_variables": len(model.non_trainable_variables),
                "activity_regularizer": model.activity_regularizer is None,
                "input_mask": model.input_mask is None,
                "output_mask": model.output_mask is None,
            }
        )
    }


@case("models/pop", FORWARD)
def pop(keras, random):
    model = _dense_three(keras, random)
    x = normal(random, 6, 4)
    fields = {"whole": model.predict(x)}
    model.pop()
    fields["popped"] = model.predict(x)
    fields["shape"] = as_text([model.output_shape, len(model.layers), len(model.weights)])
    model.add(keras.layers.Dense(1, kernel_initializer="ones"))
    fields["added"] = model.predict(x)
    for _ in range(3):
        model.pop()
    fields["left"] = len(model.layers)
    return fields


@case("models/train_after_pop_and_add", FORWARD)
def train_after_pop(keras, random):
    model = _dense_three(keras, random)
    x, y = normal(random, 6, 4), one_hot(random, 3, 6)
    model.compile("sgd", "mse")
    model.train_on_batch(x, normal(random, 6, 2))
    model.pop()
    model.compile("sgd", "categorical_crossentropy")
    fields = {"loss": model.train_on_batch(x, np.abs(y))}
    fields.update(weights_of(model))
    return fields


@case("models/called_on_tensors", FORWARD)
def called_on_tensors(keras, random):
    """A Sequential called twice: its nodes, shapes and outputs there."""
    L, K = keras.layers, keras.backend
    model = _dense_three(keras, random)
    first, second = L.Input(shape=(4,)), L.Input(shape=(4,), batch_size=6)
    outputs = [model(first), model(second)]
    x = normal(random, 6, 4)
    return {
        "first": K.function([first], [outputs[0]])([x])[0],
        "second": K.function([second], [outputs[1]])([x])[0],
        "own": model.predict(x),
        "at_nodes": as_text(
            [[model.get_input_shape_at(index), model.get_output_shape_at(index)] for index in range(3)]
        ),
        "tensors": as_text(
            [model.get_input_at(1) is first, model.get_output_at(1) is outputs[0], model.get_output_at(2) is outputs[1]]
        ),
        "layer_nodes": as_text([len(model.layers[0].inbound_nodes), model.layers[0].get_output_shape_at(0)]),
    }


@case("models/shared_layer", FORWARD)
def shared_layer(keras, random):
    """A layer on two inputs: which updates belong to which, and the shapes at its nodes."""
    L = keras.layers
    first, second = L.Input(shape=(4,)), L.Input(shape=(4,))
    layer = L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1")
    normalization = L.BatchNormalization()
    for tensor in (first, second):
        normalization(layer(tensor))
    return {
        "losses": len(layer.losses),
        "updates": as_text([len(normalization.updates), len(normalization.get_updates_for(layer.get_output_at(0)))]),
        "shapes": as_text(
            [layer.get_input_shape_at(0), layer.get_output_shape_at(1), layer.input_shape, layer.output_shape]
        ),
    }


@case("models/shared_layer_losses", EXACT)
def shared_layer_losses(keras, random):
    """Which losses of a layer on two inputs belong to which: an activity regularizer's and the kernel's."""
    L = keras.layers
    first, second = L.Input(shape=(4,)), L.Input(shape=(4,))
    layer = L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1")
    layer(first)
    layer(second)
    return {"losses": as_text([len(layer.get_losses_for(inputs)) for inputs in (first, second, None)])}


@case("models/input_spec", EXACT)
def input_specs(keras, random):
    L = keras.layers
    layers = [
        L.Dense(2),
        L.Conv1D(2, 2),
        L.Conv2D(2, 2),
        L.MaxPooling1D(),
        L.MaxPooling2D(),
        L.Flatten(),
        L.RepeatVector(2),
    ]
    layers += [
        L.BatchNormalization(),
        L.GlobalMaxPooling1D(),
        L.GlobalAveragePooling2D(),
        L.ZeroPadding2D(),
        L.UpSampling1D(),
    ]
    found = {}
    for layer in layers:
        spec = getattr(layer, "input_spec", None)
        found[type(layer).__name__] = None if spec is None else [spec.ndim, spec.min_ndim, spec.max_ndim]
    dense = L.Dense(2, input_shape=(3,))
    model = sequential(keras, [dense])
    spec = dense.input_spec
    found["built"] = [spec.ndim, spec.min_ndim, {str(axis): int(size) for axis, size in spec.axes.items()}]
    model.build()
    spec = model.input_spec
    spec = spec[0] if isinstance(spec, list) else spec
    found["model"] = (
        None
        if spec is None
        else [spec.ndim, None if spec.shape is None else [None if s is None else int(s) for s in spec.shape]]
    )
    return {"specs": as_text(found)}


@case("models/layer_of_the_users", FORWARD)
def layer_of_the_users(keras, random):
    """A user's layer with weights, a loss, an update and a training argument, trained."""
    L, K = keras.layers, keras.backend

    class Scaled(L.Layer):
        def __init__(self, units, **options):
            super(Scaled, self).__init__(**options)
            self.units = units

        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel",
                shape=(int(input_shape[-1]), self.units),
                initializer=keras.initializers.Ones(),
                regularizer=keras.regularizers.l2(0.1),
            )
            self.count = self.add_weight(
                name="count", shape=(), initializer=keras.initializers.Zeros(), trainable=False
            )
            super(Scaled, self).build(input_shape)

        def call(self, inputs, training=None):
            output = K.dot(inputs, self.kernel)
            self.add_update(K.update_add(self.count, 1.0), inputs=inputs)
            self.add_loss(0.01 * K.sum(K.square(output)), inputs=inputs)
            return K.in_train_phase(output * 2.0, output, training=training)

        def compute_output_shape(self, input_shape):
            return input_shape[:-1] + (self.units,)

        _compute_output_shape = compute_output_shape

    model = sequential(keras, [L.Dense(4, activation="tanh", input_shape=(5,)), Scaled(3)])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.01), "mse")
    x, y = normal(random, 8, 5), normal(random, 8, 3)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(5)])}
    fields["test"] = model.test_on_batch(x, y)
    fields["names"] = as_text([weight.name for weight in model.weights])
    fields["shape"] = as_text(model.output_shape)
    fields.update(weights_of(model))
    return fields


@case("models/optimizer_of_the_users", FORWARD)
def optimizer_of_the_users(keras, random):
    L, K = keras.layers, keras.backend

    class Signs(keras.optimizers.Optimizer):
        def __init__(self, lr=0.01, **options):
            super(Signs, self).__init__(**options)
            self.lr = K.variable(lr, name="lr")

        def get_updates(self, loss, params):
            gradients = self.get_gradients(loss, params)
            self.updates = [
                K.update(param, param - self.lr * K.sign(gradient)) for param, gradient in zip(params, gradients)
            ]
            return self.updates

        def get_config(self):
            return dict(super(Signs, self).get_config(), lr=float(K.get_value(self.lr)))

    model = sequential(keras, [L.Dense(4, activation="tanh", input_shape=(5,)), L.Dense(3)])
    seed_weights(model, random)
    model.compile(Signs(lr=0.05, clipnorm=1.0), "mse")
    x, y = normal(random, 8, 5), normal(random, 8, 3)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(5)])}
    fields.update(weights_of(model))
    return fields


@case("models/deepcopy", EXACT)
def deepcopy(keras, random):
    """A copy of a layer and of a model before it is built; what a model that is built does."""
    layer = copy.deepcopy(keras.layers.Dense(3, name="mine"))
    return {"name": layer.name, "config": as_text(layer.get_config())}


@case("models/dtype_of_embedding_input", EXACT)
def embedding_input(keras, random):
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.Embedding(4, 2, input_length=3), L.Flatten()])
    return {"types": as_text([K.dtype(model.input), K.dtype(model.output)]), "pickle": pickle.loads(pickle.dumps(3))}


@case("models/compute_output_shape", EXACT)
def compute_output_shapes(keras, random):
    """The shape of an output as tensors carry it, from sizes that are and are not known."""
    L, K = keras.layers, keras.backend
    found = {}
    for label, layer, shapes in (
        ("dense", lambda: L.Dense(3), [(2, 4), (None, 4), (None, 5, 4), (None, None, 4)]),
        ("conv1d", lambda: L.Conv1D(3, 4, strides=2), [(2, 9, 4), (None, None, 4)]),
        ("conv1d_same", lambda: L.Conv1D(3, 4, strides=2, padding="same"), [(2, 9, 4), (None, None, 4)]),
        ("conv2d", lambda: L.Conv2D(3, (2, 3)), [(None, 9, 8, 4), (None, None, 8, 4)]),
        ("max_pooling", lambda: L.MaxPooling2D(3, strides=2), [(None, 9, 8, 4), (None, None, None, 4)]),
        ("average_pooling_same", lambda: L.AveragePooling1D(3, padding="same"), [(None, 10, 4), (None, None, 4)]),
        ("global", lambda: L.GlobalMaxPooling1D(), [(None, None, 4)]),
        ("flatten", lambda: L.Flatten(), [(None, 3, 4), (None, None, 4)]),
        ("reshape", lambda: L.Reshape((-1, 2)), [(None, 3, 4)]),
        ("permute", lambda: L.Permute((2, 1)), [(None, None, 4)]),
        ("repeat", lambda: L.RepeatVector(3), [(None, 4)]),
        ("zero_padding", lambda: L.ZeroPadding2D(((1, 0), (2, 3))), [(None, 9, None, 4)]),
        ("up_sampling", lambda: L.UpSampling2D((2, 3)), [(None, 9, None, 4)]),
        ("lambda", lambda: L.Lambda(lambda x: K.sum(x, axis=1)), [(None, 9, 4)]),
    ):
        found[label] = [K.int_shape(layer()(L.Input(batch_shape=shape))) for shape in shapes]
    return {"shapes": as_text(found)}
