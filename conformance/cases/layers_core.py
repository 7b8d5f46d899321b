"""Family `layers_core`: output, shape and gradients of the layers that look at no neighbourhood, over their options."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, Tolerance, case, register
from .helpers import forward_and_gradient, normal, seed_weights, sequential

FIELDS = {"gradient_*": GRADIENT, "output_shape": EXACT, "*": FORWARD}


def layer_case(name, make, shape, words=None, num_samples=3, tolerances=FIELDS):
    """One layer on random input of the shape, or on word numbers below `words`."""

    def function(keras, random):
        model = sequential(keras, [make(keras.layers)])
        seed_weights(model, random)
        size = (num_samples,) + shape
        x = normal(random, *size) if words is None else random.randint(words, size=size)
        return forward_and_gradient(keras, model, x, random)

    register(name, function, tolerances)


for _label, _shape, _options in (
    ("dense", (6,), {}),
    ("dense_no_bias", (6,), {"use_bias": False}),
    ("dense_activation", (6,), {"activation": "tanh"}),
    ("dense_rank_3", (5, 6), {"activation": "relu"}),
    ("dense_rank_4", (3, 5, 6), {}),
):
    layer_case("layers_core/" + _label, lambda L, s=_shape, o=_options: L.Dense(4, input_shape=s, **o), _shape)

for _label, _shape, _options in (
    ("batch_normalization", (5,), {}),
    ("batch_normalization_rank_3", (4, 5), {}),
    ("batch_normalization_rank_4", (4, 3, 5), {}),
    ("batch_normalization_axis_1", (4, 5), {"axis": 1}),
    ("batch_normalization_axis_2_rank_4", (4, 3, 5), {"axis": 2}),
    ("batch_normalization_no_center", (5,), {"center": False}),
    ("batch_normalization_no_scale", (5,), {"scale": False}),
    ("batch_normalization_neither", (4, 3, 5), {"center": False, "scale": False}),
    ("batch_normalization_epsilon", (5,), {"epsilon": 0.1}),
):
    layer_case(
        "layers_core/" + _label, lambda L, s=_shape, o=_options: L.BatchNormalization(input_shape=s, **o), _shape
    )


def _normalized_in_training(shape, options):
    """Output and gradients by the batch's own statistics, and where the moving ones have gone after one step."""

    def function(keras, random):
        K = keras.backend
        model = sequential(keras, [keras.layers.BatchNormalization(input_shape=shape, **options)])
        seed_weights(model, random)
        x = normal(random, 6, *shape) * 2 + 1
        direction = K.constant(normal(random, *x.shape))
        gradients = K.gradients(K.sum(model.output * direction), [model.input] + list(model.trainable_weights))
        step = K.function([model.input, K.learning_phase()], [model.output] + gradients, updates=model.updates)
        values = step([x, 1])
        fields = {"gradient_{}".format(index): value for index, value in enumerate(values[1:])}
        fields["output"] = values[0]
        fields["output_of_test"] = K.function([model.input, K.learning_phase()], [model.output])([x, 0])[0]
        fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
        return fields

    return function


# x is taken from its own mean before it is squared or summed, so the error is relative to x, not to the small result
NORMALIZED = {
    "gradient_*": Tolerance(1e-4, 1e-4, "sums of terms that cancel"),
    "*": Tolerance(1e-5, 1e-5, "sums of terms that cancel"),
}
for _label, _shape, _options in (
    ("rank_2", (5,), {}),
    ("rank_3", (4, 5), {"momentum": 0.9}),
    ("rank_4", (4, 3, 5), {"momentum": 0.9}),
    ("axis_2_rank_4", (4, 3, 5), {"axis": 2, "momentum": 0.5}),
    ("no_center_no_scale", (4, 3, 5), {"center": False, "scale": False}),
    ("epsilon", (5,), {"epsilon": 0.1, "momentum": 0.5}),
):
    register(
        "layers_core/batch_normalization_training_" + _label, _normalized_in_training(_shape, _options), NORMALIZED
    )

for _label, _make, _shape in (
    ("activation", lambda L: L.Activation("softmax", input_shape=(3, 4)), (3, 4)),
    ("dropout_in_test", lambda L: L.Dropout(0.5, input_shape=(4,)), (4,)),
    ("flatten", lambda L: L.Flatten(input_shape=(3, 4, 2)), (3, 4, 2)),
    ("flatten_rank_2", lambda L: L.Flatten(input_shape=(3,)), (3,)),
    ("reshape", lambda L: L.Reshape((4, 6), input_shape=(3, 8)), (3, 8)),
    ("reshape_inferred", lambda L: L.Reshape((-1, 6), input_shape=(3, 8)), (3, 8)),
    ("reshape_flat", lambda L: L.Reshape((24,), input_shape=(3, 8)), (3, 8)),
    ("permute", lambda L: L.Permute((2, 1), input_shape=(3, 8)), (3, 8)),
    ("permute_rank_4", lambda L: L.Permute((3, 1, 2), input_shape=(3, 2, 4)), (3, 2, 4)),
    ("repeat_vector", lambda L: L.RepeatVector(4, input_shape=(5,)), (5,)),
    ("activity_regularization", lambda L: L.ActivityRegularization(0.1, 0.2, input_shape=(5,)), (5,)),
    ("lambda", lambda L: L.Lambda(lambda x: x * x + 1.0, input_shape=(5,)), (5,)),
    ("lambda_arguments", lambda L: L.Lambda(lambda x, by: x * by, arguments={"by": 3.0}, input_shape=(5,)), (5,)),
    ("input_layer", lambda L: L.InputLayer(input_shape=(5,)), (5,)),
):
    layer_case("layers_core/" + _label, _make, _shape)

layer_case("layers_core/embedding", lambda L: L.Embedding(9, 4, input_length=6), (6,), words=9)
layer_case("layers_core/embedding_free_length", lambda L: L.Embedding(9, 4), (6,), words=9)
layer_case("layers_core/embedding_rank_3", lambda L: L.Embedding(9, 4, input_shape=(2, 6)), (2, 6), words=9)
layer_case("layers_core/embedding_mask_zero", lambda L: L.Embedding(9, 4, mask_zero=True), (6,), words=9)


@case("layers_core/masking", FIELDS)
def masking(keras, random):
    """Steps whose every feature is the value become zero, and are masked."""
    model = sequential(keras, [keras.layers.Masking(2.0, input_shape=(4, 3))])
    x = normal(random, 3, 4, 3)
    x[0, 2:] = 2.0
    x[1, 0] = 2.0
    x[2, 1, 0] = 2.0
    fields = forward_and_gradient(keras, model, x, random)
    fields["mask"] = keras.backend.function([model.input], [model.output_mask])([x])[0]
    return fields


@case("layers_core/masks_passed_on", EXACT)
def masks_passed_on(keras, random):
    """The mask at the output behind each layer that passes masks on, or none."""
    L, K = keras.layers, keras.backend
    words = random.randint(3, size=(4, 6))
    fields = {}
    for label, layers in (
        ("activation", [L.Activation("relu")]),
        ("dense", [L.Dense(3)]),
        ("lambda", [L.Lambda(lambda x: x + 1.0)]),
        ("lambda_masking", [L.Lambda(lambda x: x + 1.0, mask=lambda inputs, mask: K.cast(mask, "float32") > 0.5)]),
        ("masking_again", [L.Masking(0.0)]),
    ):
        model = sequential(keras, [L.Embedding(3, 4, mask_zero=True, input_length=6)] + layers)
        mask = model.output_mask
        fields[label] = np.array([]) if mask is None else K.function([model.input], [mask])([words])[0]
    return fields


@case("layers_core/mask_behind_activity_regularization", EXACT)
def mask_behind_activity_regularization(keras, random):
    """Whether the mask is still there behind a layer that says that it passes masks on."""
    L = keras.layers
    model = sequential(keras, [L.Embedding(3, 4, mask_zero=True, input_length=6), L.ActivityRegularization(l1=0.1)])
    return {"kept": model.output_mask is not None}


@case("layers_core/float64", FIELDS)
def float64(keras, random):
    """Under float64 as floatx the layers are made, fed and differentiated in float64."""
    keras.backend.set_floatx("float64")
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(3, activation="tanh", input_shape=(6, 4)),
            L.BatchNormalization(),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1, momentum=0.9), "categorical_crossentropy")
    x, y = random.normal(size=(8, 6, 4)), np.eye(4)[random.randint(4, size=8)]
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(5)]), "output": model.predict(x)}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields


HALF = Tolerance(2e-2, 2e-2, "float16 keeps eleven bits, and each step rounds to them")


@case("layers_core/float16", {"dtype": EXACT, "*": HALF})
def float16(keras, random):
    """Under float16 as floatx weights, activations and gradients are halves."""
    keras.backend.set_floatx("float16")
    L = keras.layers
    model = sequential(keras, [L.Dense(6, activation="tanh", input_shape=(5,)), L.Dense(2, activation="sigmoid")])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = random.normal(size=(8, 5)), random.randint(2, size=(8, 2))
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(5)]), "output": model.predict(x)}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields
