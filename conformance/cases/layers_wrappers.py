"""Family `layers_wrappers`: TimeDistributed over layers and models, and Wrapper as users extend it."""

import numpy as np

from ..case import EXACT, FORWARD, TRAINED, as_text, case, outcome_of
from .helpers import cycle, forward_and_gradient, normal, one_hot, seed_weights, sequential, train
from .layers_core import FIELDS, layer_case


def _small_model(keras):
    L = keras.layers
    return sequential(keras, [L.Dense(6, activation="tanh", input_shape=(5,)), L.Dense(3)])


for _label, _make, _shape in (
    ("dense", lambda L: L.Dense(3), (4, 5)),
    ("dense_activation", lambda L: L.Dense(3, activation="softmax"), (4, 5)),
    ("dense_no_bias", lambda L: L.Dense(3, use_bias=False), (4, 5)),
    ("dense_rank_4", lambda L: L.Dense(3), (4, 2, 5)),
    ("activation", lambda L: L.Activation("softmax"), (4, 5)),
    ("batch_normalization", lambda L: L.BatchNormalization(), (4, 5)),
    ("conv1d", lambda L: L.Conv1D(3, 2, strides=2, activation="relu"), (4, 6, 2)),
    ("conv2d", lambda L: L.Conv2D(3, 3, padding="same"), (3, 4, 5, 2)),
    ("max_pooling1d", lambda L: L.MaxPooling1D(), (4, 6, 2)),
    ("max_pooling2d", lambda L: L.MaxPooling2D((2, 3), strides=1), (3, 4, 5, 2)),
    ("average_pooling2d", lambda L: L.AveragePooling2D(padding="same"), (3, 4, 5, 2)),
    ("global_max_pooling2d", lambda L: L.GlobalMaxPooling2D(), (3, 4, 5, 2)),
    ("zero_padding1d", lambda L: L.ZeroPadding1D(1), (3, 4, 2)),
    ("up_sampling2d", lambda L: L.UpSampling2D(2), (3, 2, 3, 2)),
    ("flatten", lambda L: L.Flatten(), (3, 4, 2)),
    ("reshape", lambda L: L.Reshape((2, 4)), (3, 8)),
    ("permute", lambda L: L.Permute((2, 1)), (3, 4, 2)),
    ("repeat_vector", lambda L: L.RepeatVector(2), (3, 5)),
    ("dropout_in_test", lambda L: L.Dropout(0.5), (4, 5)),
    ("masking", lambda L: L.Masking(0.0), (3, 4, 2)),
    ("time_distributed", lambda L: L.TimeDistributed(L.Dense(3)), (3, 4, 5)),
):
    layer_case(
        "layers_wrappers/time_distributed_" + _label,
        lambda L, make=_make, s=_shape: L.TimeDistributed(make(L), input_shape=s),
        _shape,
        num_samples=2,
    )


def _batch_known(label, make, shape):
    """With a known number of samples; what is known of the steps then is left out, as TensorFlow 1.4 forgets it."""

    @case("layers_wrappers/time_distributed_batch_known_" + label, FIELDS)
    def function(keras, random):
        model = sequential(keras, [keras.layers.TimeDistributed(make(keras), batch_input_shape=(2,) + shape)])
        seed_weights(model, random)
        fields = forward_and_gradient(keras, model, normal(random, 2, *shape), random)
        del fields["output_shape"]
        return fields


_batch_known("dense", lambda keras: keras.layers.Dense(3, activation="tanh"), (4, 5))
_batch_known("conv2d", lambda keras: keras.layers.Conv2D(3, 3), (3, 4, 5, 2))
_batch_known("flatten", lambda keras: keras.layers.Flatten(), (3, 4, 2))

layer_case(
    "layers_wrappers/time_distributed_embedding",
    lambda L: L.TimeDistributed(L.Embedding(9, 4), input_shape=(3, 5), dtype="int32"),
    (3, 5),
    words=9,
)


@case("layers_wrappers/time_distributed_free_steps", dict(FIELDS, **{"shape": EXACT}))
def free_steps(keras, random):
    """Sequences of two lengths through one layer, of which the length is unknown beforehand."""
    L = keras.layers
    fields = {}
    for label, layer, shape in (("dense", L.Dense(3), (5,)), ("conv1d", L.Conv1D(2, 2), (4, 3))):
        model = sequential(keras, [L.TimeDistributed(layer, input_shape=(None,) + shape)])
        seed_weights(model, random)
        fields[label + "_shape"] = as_text(model.output_shape)
        for steps in (2, 5):
            fields["{}_{}".format(label, steps)] = model.predict(normal(random, 3, steps, *shape))
    return fields


@case("layers_wrappers/time_distributed_model", FIELDS)
def over_a_model(keras, random):
    """A whole model at each step; it is the model's own weights that are used."""
    inner = _small_model(keras)
    seed_weights(inner, random)
    # TensorFlow 1.4 runs a model at each step only where the number of samples is known.
    model = sequential(keras, [keras.layers.TimeDistributed(inner, batch_input_shape=(2, 4, 5))])
    x = normal(random, 2, 4, 5)
    output = model.predict(x, batch_size=2)
    return {
        "output": output,
        "by_hand": inner.predict(x.reshape(8, 5)).reshape(2, 4, 3),
        "weights": as_text([len(model.weights), len(model.trainable_weights), len(inner.weights)]),
    }


@case("layers_wrappers/time_distributed_model_batch_unknown", FIELDS)
def over_a_model_of_any_batch(keras, random):
    """Whether a model can be wrapped where the number of samples is unknown."""
    L = keras.layers
    return {"raises": outcome_of(sequential, keras, [L.TimeDistributed(_small_model(keras), input_shape=(4, 5))])}


@case("layers_wrappers/time_distributed_shared_layer", FORWARD)
def shared_layer(keras, random):
    """The wrapped layer, used alone too, has the same weights in both places."""
    L, K = keras.layers, keras.backend
    dense = L.Dense(3)
    rows = L.Input(shape=(4, 5))
    output = L.TimeDistributed(dense)(rows)
    alone = L.Input(shape=(5,))
    single = dense(alone)
    dense.set_weights([normal(random, 5, 3), normal(random, 3)])
    x = normal(random, 2, 4, 5)
    return {
        "rows": K.function([rows], [output])([x])[0],
        "alone": K.function([alone], [single])([x[:, 0]])[0],
        "weights": len(dense.weights),
    }


@case("layers_wrappers/time_distributed_batch_normalization_training", TRAINED)
def normalized(keras, random):
    """The moving statistics are of all steps of all samples together."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.TimeDistributed(L.Dense(6, activation="tanh"), input_shape=(4, 5)),
            L.TimeDistributed(L.BatchNormalization(momentum=0.8)),
            L.TimeDistributed(L.Dense(3, activation="softmax")),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    fields = train(model, cycle(normal(random, 48, 4, 5), one_hot(random, 3, 48, 4)))
    fields["updates"] = len(model.updates)
    return fields


@case("layers_wrappers/time_distributed_regularizers", FIELDS)
def regularized(keras, random):
    """The wrapped layer's penalties count once, and its constraint holds."""
    L, regularizers = keras.layers, keras.regularizers
    inner = L.Dense(
        3,
        kernel_regularizer=regularizers.l2(0.1),
        bias_regularizer=regularizers.l1(0.2),
        kernel_constraint=keras.constraints.UnitNorm(),
    )
    model = sequential(keras, [L.TimeDistributed(inner, input_shape=(4, 5))])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 6, 4, 5), normal(random, 6, 4, 3)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)]), "num_losses": len(model.losses)}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields


@case("layers_wrappers/time_distributed_activity_regularizer", FIELDS)
def activity_regularized(keras, random):
    """Whether the penalty of the wrapped layer's output is part of the loss."""
    L = keras.layers
    inner = L.Dense(3, activity_regularizer=keras.regularizers.l1(0.5))
    model = sequential(keras, [L.TimeDistributed(inner, input_shape=(4, 5))])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 6, 4, 5), normal(random, 6, 4, 3)
    penalty = 0.5 * np.abs(model.predict(x)).sum()
    plain = np.mean((model.predict(x) - y) ** 2)
    loss = model.test_on_batch(x, y)
    return {"loss": loss, "plain": plain, "with_penalty": bool(abs(loss - plain - penalty) < 1e-3)}


@case("layers_wrappers/time_distributed_masks", FIELDS)
def masks(keras, random):
    """The mask of the steps is behind it as before it, and the loss heeds it."""
    L, K = keras.layers, keras.backend
    model = sequential(
        keras,
        [
            L.Embedding(6, 4, mask_zero=True, input_length=7),
            L.TimeDistributed(L.Dense(5, activation="tanh")),
            L.TimeDistributed(L.Dense(3, activation="softmax")),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.5), "categorical_crossentropy")
    words = random.randint(6, size=(8, 7))
    fields = {"mask": K.function([model.input], [model.output_mask])([words])[0]}
    fields["losses"] = np.array([model.train_on_batch(words, one_hot(random, 3, 8, 7)) for _ in range(4)])
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields


@case("layers_wrappers/time_distributed_dropout_training", FORWARD)
def dropout(keras, random):
    """Each step of each sample has a draw of its own, and what is left is scaled up."""
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.TimeDistributed(L.Dropout(0.5), input_shape=(8, 50))])
    x = np.ones((20, 8, 50), "float32")
    output = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]
    return {
        "ratios": np.unique(output),
        "steps_apart": not np.array_equal(output[:, 0], output[:, 1]),
        "samples_apart": not np.array_equal(output[0], output[1]),
        "near_half": bool(abs(output.mean() - 1.0) < 0.1),
        "uses_learning_phase": bool(model.uses_learning_phase),
    }


@case("layers_wrappers/time_distributed_trainable", EXACT)
def trainable(keras, random):
    """Which weights are trained when the wrapper, or what it wraps, is switched off."""
    L = keras.layers
    inner = L.Dense(3)
    wrapper = L.TimeDistributed(inner, input_shape=(4, 5))
    sequential(keras, [wrapper])

    def counts():
        return [len(group) for group in (wrapper.weights, wrapper.trainable_weights, wrapper.non_trainable_weights)]

    found = [counts()]
    inner.trainable = False
    found.append(counts())
    inner.trainable = True
    wrapper.trainable = False
    found.append(counts())
    return {"found": as_text(found), "wrapped": wrapper.layer is inner}


@case("layers_wrappers/time_distributed_names", EXACT)
def names(keras, random):
    """Names, weight shapes and the lines of the summary."""
    L = keras.layers
    model = sequential(
        keras,
        [
            L.TimeDistributed(L.Dense(3), input_shape=(4, 5)),
            L.TimeDistributed(L.Dense(2, name="inside"), name="outside"),
            L.TimeDistributed(L.BatchNormalization()),
            L.TimeDistributed(L.Activation("relu")),
        ],
    )
    lines = []
    model.summary(print_fn=lines.append)
    return {
        "layers": as_text([[layer.name, layer.layer.name] for layer in model.layers]),
        "shapes": as_text([value.shape for value in model.get_weights()]),
        "trainable": as_text([len(layer.trainable_weights) for layer in model.layers]),
        "parameters": as_text([layer.count_params() for layer in model.layers]),
        "outputs": as_text([layer.output_shape for layer in model.layers]),
        "summary": "\n".join(lines),
    }


@case("layers_wrappers/time_distributed_config", FIELDS)
def config(keras, random):
    """The wrapped layer's config is inside the wrapper's; layers and models made again from it."""
    L = keras.layers
    layer = L.TimeDistributed(L.Conv2D(3, 2, strides=2, activation="relu"), name="mine", input_shape=(3, 4, 5, 2))
    fields = {"config": as_text(layer.get_config())}
    again = L.TimeDistributed.from_config(layer.get_config())
    fields["again"] = as_text(again.get_config())
    fields["classes"] = as_text([type(again).__name__, type(again.layer).__name__])
    model = sequential(keras, [layer, L.TimeDistributed(L.Flatten()), L.TimeDistributed(L.Dense(2))])
    seed_weights(model, random)
    other = keras.models.model_from_json(model.to_json())
    other.set_weights(model.get_weights())
    x = normal(random, 2, 3, 4, 5, 2)
    return dict(fields, output=model.predict(x), output_again=other.predict(x))


@case("layers_wrappers/time_distributed_user_layer", FIELDS)
def user_layer(keras, random):
    """A layer as users write them, with a weight and a shape of its own, at each step."""
    L, K = keras.layers, keras.backend

    class Squared(L.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel", shape=(int(input_shape[-1]), 2), initializer=keras.initializers.Ones()
            )
            super(Squared, self).build(input_shape)

        def call(self, inputs):
            return K.square(K.dot(inputs, self.kernel))

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

        def _compute_output_shape(self, input_shape):
            # The name and the kind of shape of TensorFlow 1.4.
            return input_shape[:1].concatenate(2)

    model = sequential(keras, [L.TimeDistributed(Squared(), input_shape=(4, 5))])
    seed_weights(model, random)
    return forward_and_gradient(keras, model, normal(random, 2, 4, 5), random)


@case("layers_wrappers/time_distributed_shapes", EXACT)
def shapes(keras, random):
    """The shape of the output as tensors carry it, from sizes that are and are not known."""
    L, K = keras.layers, keras.backend
    found = {}
    for label, make, sizes in (
        ("dense", lambda: L.Dense(3), [(None, 4, 5), (None, None, 5), (None, None, 4, 5)]),
        ("conv2d", lambda: L.Conv2D(3, 2), [(None, 4, 5, 6, 2), (None, None, 5, 6, 2)]),
        ("flatten", lambda: L.Flatten(), [(None, 4, 5, 6), (None, None, 5, 6)]),
        ("global", lambda: L.GlobalAveragePooling1D(), [(None, 4, 5, 6), (None, None, 5, 6)]),
    ):
        found[label] = [K.int_shape(L.TimeDistributed(make())(L.Input(batch_shape=size))) for size in sizes]
    return {"shapes": as_text(found)}


@case("layers_wrappers/wrapper_of_the_users", FIELDS)
def wrapper_of_the_users(keras, random):
    """A wrapper that users write on Wrapper: the wrapped layer's weights, penalties and config are the wrapper's."""
    L = keras.layers

    class Twice(L.Wrapper):
        def build(self, input_shape=None):
            if not self.layer.built:
                self.layer.build(input_shape)
                self.layer.built = True
            super(Twice, self).build()

        def call(self, inputs):
            return self.layer.call(self.layer.call(inputs))

        def compute_output_shape(self, input_shape):
            return input_shape

        _compute_output_shape = compute_output_shape

    wrapper = Twice(L.Dense(4, activation="tanh", kernel_regularizer="l2"), input_shape=(4,), name="twice")
    model = sequential(keras, [wrapper])
    seed_weights(model, random)
    fields = forward_and_gradient(keras, model, normal(random, 3, 4), random)
    fields["counts"] = as_text([len(wrapper.weights), len(wrapper.losses), len(wrapper.updates), len(model.losses)])
    fields["config"] = as_text(wrapper.get_config())
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 6, 4), normal(random, 6, 4)
    fields["losses"] = np.array([model.train_on_batch(x, y) for _ in range(4)])
    return fields


@case("layers_wrappers/wrapper_itself", EXACT)
def wrapper_itself(keras, random):
    L = keras.layers
    inner = L.Dense(3, name="inner")
    wrapper = L.Wrapper(inner)
    inner.build((None, 4))
    return {
        "wrapped": wrapper.layer is inner,
        "weights": as_text([value.shape for value in wrapper.get_weights()]),
        "trainable_weights": len(wrapper.trainable_weights),
        "config": as_text(wrapper.get_config()),
        "name": wrapper.name,
        "kind": issubclass(L.TimeDistributed, L.Wrapper),
    }
