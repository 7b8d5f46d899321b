"""Family `layers_options_core`: options of the first layers that look at no neighbourhood: masks, Lambdas, weights."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, outcome_of, register
from .helpers import forward_and_gradient, normal, one_hot, seed_weights, sequential
from .layers_core import FIELDS, layer_case

PREFIXED = {"*gradient_*": GRADIENT, "*shape*": EXACT, "*": FORWARD}

for _label, _make, _shape in (
    ("dense_batch_known", lambda L, s: L.Dense(3, batch_input_shape=(3,) + s), (4,)),
    ("dense_one_unit", lambda L, s: L.Dense(1, input_shape=s), (1,)),
    ("dense_rank_5", lambda L, s: L.Dense(3, activation="softmax", input_shape=s), (2, 2, 3, 4)),
    ("reshape_of_rank_4", lambda L, s: L.Reshape((2, 3, -1), input_shape=s), (3, 4, 2)),
    ("reshape_same", lambda L, s: L.Reshape((3, 4), input_shape=s), (3, 4)),
    ("permute_rank_5", lambda L, s: L.Permute((4, 2, 1, 3), input_shape=s), (2, 3, 2, 4)),
    ("permute_none", lambda L, s: L.Permute((1, 2), input_shape=s), (2, 3)),
    ("repeat_vector_1", lambda L, s: L.RepeatVector(1, input_shape=s), (4,)),
    ("activation_function", lambda L, s: L.Activation(lambda x: x * x, input_shape=s), (4,)),
    ("activation_none", lambda L, s: L.Activation(None, input_shape=s), (4,)),
    ("flatten_batch_known", lambda L, s: L.Flatten(batch_input_shape=(3,) + s), (2, 4)),
    ("dropout_0", lambda L, s: L.Dropout(0.0, input_shape=s), (4,)),
    ("lambda_of_rank_3", lambda L, s: L.Lambda(lambda x: x[:, 1:] - x[:, :-1], input_shape=s), (5, 3)),
    ("lambda_to_rank_1", lambda L, s: L.Lambda(lambda x: x[:, 0], input_shape=s), (3, 2)),
    ("batch_normalization_rank_5", lambda L, s: L.BatchNormalization(input_shape=s), (2, 3, 2, 4)),
    ("masking_rank_4", lambda L, s: L.Masking(0.0, input_shape=s), (3, 2, 4)),
    ("activity_regularization_none", lambda L, s: L.ActivityRegularization(input_shape=s), (4,)),
):
    layer_case("layers_options_core/" + _label, lambda L, make=_make, s=_shape: make(L, s), _shape)


@case("layers_options_core/flatten_free_sizes", PREFIXED)
def flatten_free(keras, random):
    """Flattened sizes that are unknown: what is known of the shape, and the values."""
    L, K = keras.layers, keras.backend
    fields, shapes = {}, []
    for size, given in (((None, 3), (2, 4, 3)), ((None, None, 2), (2, 3, 4, 2)), ((2, None), (3, 2, 5))):
        tensor = L.Input(shape=size)
        output = L.Flatten()(tensor)
        shapes.append(K.int_shape(output))
        x = normal(random, *given)
        gradient = K.gradients(K.sum(K.square(output)), [tensor])
        values = K.function([tensor], [output] + gradient)([x])
        fields["{}_output".format(len(given))], fields["{}_gradient_0".format(len(given))] = values
    return dict(fields, shapes=as_text(shapes))


@case("layers_options_core/reshape_free_sizes", PREFIXED)
def reshape_free(keras, random):
    """From sizes that are unknown to sizes that are given."""
    L, K = keras.layers, keras.backend
    fields, shapes = {}, []
    for target in ((6, 2), (3, 4), (2, 3, 2)):
        tensor = L.Input(shape=(None, 4))
        output = L.Reshape(target)(tensor)
        shapes.append(K.int_shape(output))
        fields["output_{}".format(len(shapes))] = K.function([tensor], [output])([normal(random, 2, 3, 4)])[0]
    return dict(fields, shapes=as_text(shapes))


@case("layers_options_core/reshape_inferred_of_free_sizes", EXACT)
def reshape_inferred(keras, random):
    """A size to be inferred from sizes that are unknown."""
    L = keras.layers
    return {"raises": outcome_of(L.Reshape((-1, 2)), L.Input(shape=(None, 4)))}


@case("layers_options_core/embedding_of_floats", FIELDS)
def embedding_of_floats(keras, random):
    """Word numbers given as floats are cut down to whole numbers."""
    L = keras.layers
    model = sequential(keras, [L.Embedding(6, 3, input_length=4)])
    seed_weights(model, random)
    x = random.randint(6, size=(3, 4))
    return {"output": model.predict(x + 0.7), "of_integers": model.predict(x)}


@case("layers_options_core/embedding_out_of_range", EXACT)
def out_of_range(keras, random):
    """A word beyond the last, or below zero, is refused: with an exception of whatever type."""
    L = keras.layers
    model = sequential(keras, [L.Embedding(6, 3, input_length=2)])
    return {
        "above": bool(outcome_of(model.predict, np.array([[1, 6]])).names),
        "below": bool(outcome_of(model.predict, np.array([[1, -1]])).names),
        "last": outcome_of(model.predict, np.array([[0, 5]])),
    }


def _trained_embedding(label, options):
    """Penalties and constraints of the embeddings, over steps in which not all words occur."""

    def function(keras, random):
        L = keras.layers
        model = sequential(keras, [L.Embedding(8, 3, input_length=4, **options(keras)), L.Flatten(), L.Dense(2)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.5), "mse")
        y = normal(random, 6, 2)
        fields = {"losses": np.array([model.train_on_batch(random.randint(6, size=(6, 4)), y) for _ in range(5)])}
        fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
        return fields

    register("layers_options_core/embedding_" + label, function, {"losses": FORWARD, "*": GRADIENT})


_trained_embedding("regularizer", lambda keras: {"embeddings_regularizer": keras.regularizers.l2(0.1)})
_trained_embedding("activity_regularizer", lambda keras: {"activity_regularizer": keras.regularizers.l1(0.01)})
_trained_embedding("constraint", lambda keras: {"embeddings_constraint": keras.constraints.UnitNorm(axis=1)})
_trained_embedding("frozen", lambda keras: {"trainable": False})


@case("layers_options_core/masking_values", FIELDS)
def masking_values(keras, random):
    """Only where every feature is the value; rank 4 has its mask without the last axis."""
    L, K = keras.layers, keras.backend
    fields = {}
    for label, value, shape in (("minus_1", -1.0, (3, 4, 2)), ("zero", 0.0, (3, 4, 2)), ("rank_4", 1.0, (2, 3, 4, 2))):
        model = sequential(keras, [L.Masking(value, input_shape=shape[1:])])
        x = random.randint(-1, 2, size=shape).astype("float32")
        values = K.function([model.input], [model.output, model.output_mask])([x])
        fields[label], fields[label + "_mask"] = values
    return fields


@case("layers_options_core/lambda_mask_argument", FIELDS)
def lambda_mask_argument(keras, random):
    """A function with an argument `mask` is given the mask of its input."""
    L, K = keras.layers, keras.backend

    def mean_of_kept(x, mask=None):
        kept = K.expand_dims(K.cast(mask, "float32"))
        return K.sum(x * kept, axis=1) / (K.sum(kept, axis=1) + 1e-6)

    model = sequential(
        keras, [L.Embedding(4, 3, mask_zero=True, input_length=6), L.Lambda(mean_of_kept, mask=lambda x, mask: None)]
    )
    seed_weights(model, random)
    fields = forward_and_gradient(keras, model, random.randint(4, size=(5, 6)), random)
    fields["mask"] = model.output_mask is None
    return fields


@case("layers_options_core/lambda_masks", EXACT)
def lambda_masks(keras, random):
    """The mask behind a Lambda: as its own function makes it of the one before it."""
    L, K = keras.layers, keras.backend
    words = random.randint(3, size=(4, 6))
    fields = {}
    for label, mask in (
        ("inverted", lambda inputs, mask: K.equal(K.cast(mask, "int32"), 0)),
        ("of_inputs", lambda inputs, mask: K.greater(inputs[:, :, 0], 0.5)),
    ):
        layers = [L.Embedding(3, 2, mask_zero=True, input_length=6), L.Lambda(lambda x: x * 2.0, mask=mask)]
        model = sequential(keras, layers)
        model.set_weights([np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], "float32")])
        fields[label] = K.function([model.input], [model.output_mask])([words])[0]
    return fields


@case("layers_options_core/lambda_of_several", FORWARD)
def lambda_of_several(keras, random):
    """A Lambda on a list of tensors, and one that gives a list."""
    L, K = keras.layers, keras.backend
    inputs = [L.Input(shape=(3,)), L.Input(shape=(3,))]
    total = L.Lambda(lambda tensors: tensors[0] + 2.0 * tensors[1])(inputs)
    halves = L.Lambda(lambda x: [x[:, :1], x[:, 1:]])(total)
    x = [normal(random, 4, 3), normal(random, 4, 3)]
    values = K.function(inputs, [total] + list(halves))(x)
    return {
        "total": values[0],
        "first": values[1],
        "second": values[2],
        "shapes": as_text([K.int_shape(each) for each in [total] + list(halves)]),
    }


@case("layers_options_core/lambda_arguments_kept", EXACT)
def lambda_arguments(keras, random):
    """Which arguments Lambda takes."""
    L = keras.layers
    return {
        "not_callable": outcome_of(L.Lambda, 3),
        "nothing": outcome_of(L.Lambda),
        "arguments": as_text(L.Lambda(lambda x, by: x * by, arguments={"by": 2}).arguments),
    }


@case("layers_options_core/activity_regularization_in_a_loss", FORWARD)
def activity_regularized(keras, random):
    """What it adds to the loss, for each of its two penalties, and to the gradient."""
    L = keras.layers
    x, y = normal(random, 6, 4), normal(random, 6, 3)
    fields = {}
    for label, options in (("l1", {"l1": 0.1}), ("l2", {"l2": 0.2}), ("both", {"l1": 0.1, "l2": 0.2})):
        model = sequential(keras, [L.Dense(3, input_shape=(4,)), L.ActivityRegularization(**options)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.05), "mse")
        fields[label] = np.array([model.train_on_batch(x, y) for _ in range(4)])
        fields[label + "_kernel"] = model.get_weights()[0]
    return fields


def _normalized(label, options, frozen=False):
    """Penalties, constraints and first values of a normalization's weights; one that is frozen."""

    def function(keras, random):
        L = keras.layers
        normalization = L.BatchNormalization(input_shape=(4,), **options(keras))
        model = sequential(keras, [normalization, L.Dense(3, activation="softmax")])
        normalization.trainable = not frozen
        model.layers[1].set_weights([normal(random, 4, 3), normal(random, 3)])
        model.compile(keras.optimizers.SGD(lr=0.2, momentum=0.5), "categorical_crossentropy")
        x, y = normal(random, 12, 4) * 2.0 + 1.0, one_hot(random, 3, 12)
        fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)])}
        for weight, value in zip(normalization.weights, normalization.get_weights()):
            fields["weight_" + weight.name.rsplit("/", 1)[-1].split(":")[0]] = value
        fields["output"] = model.predict(x)
        return fields

    register("layers_options_core/batch_normalization_" + label, function, {"losses": FORWARD, "*": GRADIENT})


_normalized(
    "initializers",
    lambda keras: {
        "beta_initializer": keras.initializers.Constant(0.5),
        "gamma_initializer": keras.initializers.Constant(2.0),
        "moving_mean_initializer": "ones",
        "moving_variance_initializer": keras.initializers.Constant(3.0),
    },
)
_normalized(
    "regularizers", lambda keras: {"beta_regularizer": "l2", "gamma_regularizer": keras.regularizers.l1_l2(0.1, 0.2)}
)
_normalized("constraints", lambda keras: {"beta_constraint": "non_neg", "gamma_constraint": "unit_norm"})
_normalized("momentum_0", lambda keras: {"momentum": 0.0})
_normalized("momentum_1", lambda keras: {"momentum": 1.0})
_normalized("frozen", lambda keras: {"momentum": 0.5}, frozen=True)


@case("layers_options_core/batch_normalization_training_argument", FORWARD)
def training_argument(keras, random):
    """The argument `training` of a call decides, whatever the phase."""
    L, K = keras.layers, keras.backend
    layer, tensor = L.BatchNormalization(momentum=0.5), L.Input(shape=(4,))
    outputs = [layer(tensor), layer(tensor, training=True), layer(tensor, training=False)]
    layer.set_weights([normal(random, 4), normal(random, 4), normal(random, 4), np.abs(normal(random, 4)) + 0.5])
    x = normal(random, 6, 4)
    fields = {}
    for phase in (0, 1):
        values = K.function([tensor, K.learning_phase()], outputs)([x, phase])
        fields.update({"phase_{}_call_{}".format(phase, index): value for index, value in enumerate(values)})
    return fields


@case("layers_options_core/dropout_1", EXACT)
def dropout_of_all(keras, random):
    """Rates at and beyond the ends."""
    L = keras.layers
    return {
        "added_1": outcome_of(lambda: sequential(keras, [L.Dropout(1.0, input_shape=(4,))])),
        "added_minus": outcome_of(lambda: sequential(keras, [L.Dropout(-0.5, input_shape=(4,))])),
    }


@case("layers_options_core/input_tensor", FORWARD)
def input_tensor(keras, random):
    """An Input made of a tensor that is there already."""
    L, K = keras.layers, keras.backend
    value = normal(random, 3, 4)
    tensor = L.Input(tensor=K.variable(value))
    output = L.Activation("tanh")(tensor)
    return {"output": K.function([], [output])([])[0], "shape": as_text(K.int_shape(tensor))}
