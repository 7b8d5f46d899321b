"""Family `trajectories_parts`: regularizers, constraints, activity regularizers, switches of what is trained."""

import numpy as np

from ..case import TRAINED, case, register
from .helpers import cycle, normal, one_hot, seed_weights, sequential, train


def _dense(options):
    def function(keras, random):
        L = keras.layers
        made = {name: make(keras) for name, make in options.items()}
        model = sequential(
            keras, [L.Dense(10, activation="tanh", input_shape=(8,), **made), L.Dense(4, activation="softmax")]
        )
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.2), "categorical_crossentropy", metrics=["accuracy"])
        fields = train(model, cycle(normal(random, 64, 8), one_hot(random, 4, 64)))
        fields["losses_of_test"] = np.array(model.test_on_batch(normal(random, 16, 8), one_hot(random, 4, 16)))
        return fields

    return function


PARTS = (
    ("regularizer_l1", {"kernel_regularizer": lambda keras: keras.regularizers.l1(0.01)}),
    ("regularizer_l2", {"kernel_regularizer": lambda keras: keras.regularizers.l2(0.02)}),
    ("regularizer_l1_l2", {"kernel_regularizer": lambda keras: keras.regularizers.l1_l2(0.01, 0.02)}),
    ("regularizer_by_name", {"kernel_regularizer": lambda keras: "l2", "bias_regularizer": lambda keras: "l1"}),
    (
        "regularizer_of_the_users",
        {"kernel_regularizer": lambda keras: lambda w: 0.1 * keras.backend.sum(keras.backend.pow(w, 4))},
    ),
    ("regularizer_activity", {"activity_regularizer": lambda keras: keras.regularizers.l1_l2(0.01, 0.02)}),
    ("constraint_max_norm", {"kernel_constraint": lambda keras: keras.constraints.max_norm(0.9)}),
    ("constraint_max_norm_axis", {"kernel_constraint": lambda keras: keras.constraints.MaxNorm(0.9, axis=1)}),
    ("constraint_non_neg", {"kernel_constraint": lambda keras: keras.constraints.non_neg()}),
    ("constraint_unit_norm", {"kernel_constraint": lambda keras: keras.constraints.unit_norm()}),
    ("constraint_unit_norm_axes", {"kernel_constraint": lambda keras: keras.constraints.UnitNorm(axis=[0, 1])}),
    ("constraint_min_max_norm", {"kernel_constraint": lambda keras: keras.constraints.min_max_norm(0.8, 1.0)}),
    (
        "constraint_min_max_norm_rate",
        {"kernel_constraint": lambda keras: keras.constraints.MinMaxNorm(0.8, 1.0, rate=0.3)},
    ),
    ("constraint_by_name", {"kernel_constraint": lambda keras: "UnitNorm", "bias_constraint": lambda keras: "NonNeg"}),
    ("constraint_of_the_users", {"kernel_constraint": lambda keras: lambda w: keras.backend.clip(w, -0.2, 0.2)}),
)
for _label, _options in PARTS:
    register("trajectories_parts/" + _label, _dense(_options), TRAINED)


def _constrained_by(name):
    """Every optimizer applies the constraint to what it is about to write."""

    def function(keras, random):
        L = keras.layers
        model = sequential(
            keras,
            [
                L.Dense(10, activation="tanh", kernel_constraint="max_norm", input_shape=(8,)),
                L.Dense(4, activation="softmax"),
            ],
        )
        seed_weights(model, random)
        weights = model.get_weights()
        model.set_weights([weights[0] * 2.5] + weights[1:])
        model.compile(name, "categorical_crossentropy")
        return train(model, cycle(normal(random, 64, 8), one_hot(random, 4, 64)))

    return function


for _name in ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam"):
    register("trajectories_parts/constraint_under_" + _name, _constrained_by(_name), TRAINED)


@case("trajectories_parts/regularizers_everywhere", TRAINED)
def regularizers_everywhere(keras, random):
    L, R = keras.layers, keras.regularizers
    model = sequential(
        keras,
        [
            L.Embedding(30, 6, input_length=10, embeddings_regularizer=R.l2(0.01), embeddings_constraint="max_norm"),
            L.Conv1D(
                6,
                3,
                use_bias=True,
                kernel_regularizer=R.l1(0.005),
                bias_regularizer=R.l2(0.1),
                activity_regularizer=R.l2(0.01),
            ),
            L.BatchNormalization(
                momentum=0.9, beta_regularizer=R.l2(0.1), gamma_regularizer=R.l1(0.05), gamma_constraint="unit_norm"
            ),
            L.ActivityRegularization(l1=0.01, l2=0.02),
            L.Flatten(),
            L.Dense(3, activation="softmax", kernel_constraint="non_neg"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy", metrics=["accuracy"])
    return train(model, cycle(random.randint(30, size=(64, 10)), one_hot(random, 3, 64)))


@case("trajectories_parts/convolution_constraints", TRAINED)
def convolution_constraints(keras, random):
    L, C = keras.layers, keras.constraints
    model = sequential(
        keras,
        [
            L.Conv2D(
                5, 3, kernel_constraint=C.MaxNorm(0.8, axis=[0, 1, 2]), bias_constraint="non_neg", input_shape=(7, 7, 2)
            ),
            L.Conv2D(4, 3, activation="relu", kernel_constraint=C.UnitNorm(axis=[0, 1, 2]), kernel_regularizer="l2"),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    return train(model, cycle(normal(random, 32, 7, 7, 2), one_hot(random, 3, 32)))


def _three_dense(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.Dense(10, activation="tanh", input_shape=(8,)),
            L.BatchNormalization(momentum=0.8),
            L.Dense(6, activation="tanh"),
            L.Dense(4, activation="softmax"),
        ],
    )
    seed_weights(model, random)
    return model, cycle(normal(random, 64, 8), one_hot(random, 4, 64))


@case("trajectories_parts/trainable_false_before_compile", TRAINED)
def frozen_before_compile(keras, random):
    model, batches = _three_dense(keras, random)
    model.layers[0].trainable = False
    model.layers[2].trainable = False
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    return train(model, batches)


@case("trajectories_parts/trainable_false_at_construction", TRAINED)
def frozen_at_construction(keras, random):
    L = keras.layers
    model = sequential(
        keras, [L.Dense(10, activation="tanh", trainable=False, input_shape=(8,)), L.Dense(4, activation="softmax")]
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    return train(model, cycle(normal(random, 64, 8), one_hot(random, 4, 64)))


@case("trajectories_parts/trainable_false_after_compile", TRAINED)
def frozen_after_compile(keras, random):
    """A switch turned after compile acts at the next compile only."""
    model, batches = _three_dense(keras, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    model.layers[2].trainable = False
    fields = {"losses_of_first_half": train(model, batches, steps=10)["losses"]}
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    fields.update(train(model, batches, steps=10))
    return fields


@case("trajectories_parts/trainable_false_batch_normalization", TRAINED)
def frozen_batch_normalization(keras, random):
    """What a frozen BatchNormalization normalizes with, and whether its moving statistics move."""
    model, batches = _three_dense(keras, random)
    model.layers[1].trainable = False
    model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
    return train(model, batches)


def _frozen_nested(first):
    """A model inside a model switched off as a whole, then on again: as the first layer, or as a later one."""

    def function(keras, random):
        L = keras.layers
        size = 8 if first else 6
        encoder = sequential(
            keras,
            [L.Dense(12, activation="relu", input_shape=(size,)), L.BatchNormalization(momentum=0.9), L.Dense(6)],
        )
        before = [] if first else [L.Dense(6, activation="relu", input_shape=(8,))]
        model = sequential(keras, before + [encoder, L.Activation("relu"), L.Dense(3, activation="softmax")])
        seed_weights(model, random)
        encoder.trainable = False
        model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
        batches = cycle(normal(random, 64, 8), one_hot(random, 3, 64))
        fields = {"losses_of_first_half": train(model, batches, steps=10)["losses"]}
        encoder.trainable = True
        model.compile(keras.optimizers.SGD(lr=0.1), "categorical_crossentropy")
        fields.update(train(model, batches, steps=10))
        return fields

    return function


register("trajectories_parts/trainable_false_nested", _frozen_nested(False), TRAINED)
register("trajectories_parts/trainable_false_nested_first", _frozen_nested(True), TRAINED)


@case("trajectories_parts/recompiled", TRAINED)
def recompiled(keras, random):
    """Compiling again keeps the weights and starts the optimizer anew."""
    model, batches = _three_dense(keras, random)
    model.compile(keras.optimizers.Adam(lr=0.01), "categorical_crossentropy")
    fields = {"losses_of_first_half": train(model, batches, steps=10)["losses"]}
    model.compile(keras.optimizers.RMSprop(lr=0.01), "mse", metrics=["categorical_accuracy"])
    fields.update(train(model, batches, steps=10))
    return fields


@case("trajectories_parts/lambda_and_shape_layers", TRAINED)
def lambda_and_shape_layers(keras, random):
    L, K = keras.layers, keras.backend
    model = sequential(
        keras,
        [
            L.Reshape((4, 6), input_shape=(24,)),
            L.Permute((2, 1)),
            L.Dense(5),
            L.Lambda(lambda x: K.square(x) - 0.5 * K.mean(x, axis=1, keepdims=True)),
            L.Flatten(),
            L.RepeatVector(3),
            L.Conv1D(4, 2, activation="relu"),
            L.Reshape((-1,)),
            L.Dense(2, activation="sigmoid"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.05), "binary_crossentropy", metrics=["accuracy"])
    return train(model, cycle(normal(random, 64, 24), random.randint(2, size=(64, 2))))
