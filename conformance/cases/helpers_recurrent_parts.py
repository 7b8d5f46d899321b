"""The cases that the three recurrent layers share beside their options: first weights, parts, names, types."""

import numpy as np

from ..case import EXACT, GRADIENT, TRAINED, Tolerance, as_text, register
from .helpers import normal, positive, seed_weights, sequential, train
from .helpers_recurrent import FEATURES, FIELDS, STEPS, STEPWISE, UNITS, forward_and_gradient, plain

ORTHOGONAL = Tolerance(0.0, 1e-5, "a float32 decomposition, squared")
HALF = Tolerance(2e-2, 2e-2, "float16 keeps eleven bits, and each step rounds to them")


def _first_weights(class_name):
    def function(keras, random):
        """Shapes, the kernel's limit, orthonormal recurrent rows, the bias."""
        layer = getattr(keras.layers, class_name)(16, input_shape=(STEPS, 24))
        sequential(keras, [layer])
        kernel, recurrent, bias = layer.get_weights()
        limit = np.sqrt(6.0 / sum(kernel.shape))
        return {
            "shapes": as_text([plain(each.shape) for each in (kernel, recurrent, bias)]),
            "kernel_within_limit": bool(np.abs(kernel).max() <= limit * 1.0001),
            "kernel_fills_limit": bool(np.abs(kernel).max() > limit * 0.95),
            "kernel_is_centred": bool(np.abs(kernel.mean()) < limit * 0.2),
            "recurrent_products": recurrent.astype("float64").dot(recurrent.T),
            "bias": bias,
        }

    return function


def _fixed_weights(class_name, options):
    def function(keras, random):
        I = keras.initializers
        made = {name: make(I) for name, make in options.items()}
        layer = getattr(keras.layers, class_name)(UNITS, input_shape=(STEPS, FEATURES), **made)
        sequential(keras, [layer])
        return {"weight_{}".format(index): value for index, value in enumerate(layer.get_weights())}

    return function


FIXED = (
    (
        "initializers_constant",
        {
            "kernel_initializer": lambda I: I.Constant(0.25),
            "recurrent_initializer": lambda I: "ones",
            "bias_initializer": lambda I: I.Constant(0.5),
        },
    ),
    ("initializers_zeros", {"kernel_initializer": lambda I: "zeros", "recurrent_initializer": lambda I: I.Zeros()}),
)


def _orthogonal_gain(class_name):
    def function(keras, random):
        gain = keras.initializers.Orthogonal(gain=2.0, seed=3)
        layer = getattr(keras.layers, class_name)(6, input_shape=(STEPS, 3), recurrent_initializer=gain)
        sequential(keras, [layer])
        recurrent = layer.get_weights()[1].astype("float64")
        return {"products": recurrent.dot(recurrent.T)}

    return function


def _drawn_initializers(class_name):
    def function(keras, random):
        """Mean and standard deviation of drawn weights lie within six standard errors of what is documented."""
        I = keras.initializers
        layer = getattr(keras.layers, class_name)(
            32,
            input_shape=(STEPS, 40),
            kernel_initializer=I.RandomNormal(mean=0.5, stddev=0.2),
            recurrent_initializer=I.RandomUniform(-0.3, 0.1),
        )
        sequential(keras, [layer])
        kernel, recurrent, _ = layer.get_weights()
        error = 6.0 / np.sqrt(kernel.size)
        return {
            "kernel_mean": bool(abs(kernel.mean() - 0.5) < 0.2 * error),
            "kernel_deviation": bool(abs(kernel.std() - 0.2) < 0.2 * error),
            "recurrent_least": bool(-0.3 <= recurrent.min() < -0.28),
            "recurrent_most": bool(0.08 < recurrent.max() <= 0.1),
        }

    return function


def _weights_argument(class_name):
    def function(keras, random):
        """Weights given to the constructor are those that the layer starts with."""
        cell = getattr(keras.layers, class_name)
        pattern = cell(UNITS, input_shape=(STEPS, FEATURES))
        sequential(keras, [pattern])
        values = [normal(random, *each.shape) for each in pattern.get_weights()]
        layer = cell(UNITS, input_shape=(STEPS, FEATURES), weights=values)
        model = sequential(keras, [layer])
        fields = {"weight_{}".format(index): value for index, value in enumerate(model.get_weights())}
        fields["output"] = model.predict(normal(random, 2, STEPS, FEATURES))
        return fields

    return function


def _regularized(class_name, options):
    def function(keras, random):
        """The losses that are added to the model's, in their order, and the gradients of their sum."""
        R, K = keras.regularizers, keras.backend
        made = {name: make(R) if callable(make) else make for name, make in options.items()}
        layer = getattr(keras.layers, class_name)(UNITS, input_shape=(STEPS, FEATURES), **made)
        model = sequential(keras, [layer])
        seed_weights(model, random)
        x = normal(random, 2, STEPS, FEATURES)
        values = K.function([model.input], list(model.losses))([x])
        model.compile("sgd", "mse")
        gradients = K.gradients(sum(model.losses), model.trainable_weights)
        present = [each for each in gradients if each is not None]
        return {
            "losses": np.array(values),
            "loss_of_test": np.array(model.test_on_batch(x, normal(random, *model.predict(x).shape))),
            "reached": as_text([each is not None for each in gradients]),
            "gradients": np.concatenate([each.ravel() for each in K.function([model.input], present)([x])]),
        }

    return function


REGULARIZED = (
    ("regularizer_kernel", {"kernel_regularizer": lambda R: R.l2(0.1)}),
    ("regularizer_recurrent", {"recurrent_regularizer": lambda R: R.l1(0.1)}),
    ("regularizer_bias", {"bias_regularizer": lambda R: R.l1_l2(0.1, 0.2)}),
    (
        "regularizers_all",
        {
            "kernel_regularizer": lambda R: "l1",
            "recurrent_regularizer": lambda R: "l2",
            "bias_regularizer": lambda R: R.l2(0.3),
        },
    ),
    ("regularizer_activity", {"activity_regularizer": lambda R: R.l2(0.1), "return_sequences": True}),
)


def _constrained(class_name, options):
    def function(keras, random):
        C = keras.constraints
        made = {name: make(C) for name, make in options.items()}
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(keras, [cell(UNITS, input_shape=(STEPS, FEATURES), **made), L.Dense(2)])
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.2), "mse")
        x, y = normal(random, 8, STEPS, FEATURES), normal(random, 8, 2)
        return train(model, lambda step: (x, y), steps=4)

    return function


CONSTRAINED = (
    (
        "constraints",
        {
            "kernel_constraint": lambda C: C.max_norm(0.7),
            "recurrent_constraint": lambda C: C.unit_norm(),
            "bias_constraint": lambda C: "non_neg",
        },
    ),
    (
        "constraints_axes",
        {
            "kernel_constraint": lambda C: C.MinMaxNorm(0.3, 0.8, rate=0.5, axis=1),
            "recurrent_constraint": lambda C: C.MaxNorm(0.5, axis=1),
        },
    ),
)


def _not_trainable(class_name):
    def function(keras, random):
        """A layer that is switched off keeps its weights; the layer behind it learns."""
        L = keras.layers
        cell = getattr(L, class_name)
        model = sequential(keras, [cell(UNITS, input_shape=(STEPS, FEATURES), trainable=False), L.Dense(2)])
        seed_weights(model, random)
        before = model.layers[0].get_weights()
        model.compile(keras.optimizers.SGD(lr=0.2), "mse")
        x, y = normal(random, 8, STEPS, FEATURES), normal(random, 8, 2)
        fields = train(model, lambda step: (x, y), steps=3)
        fields["unchanged"] = all(np.array_equal(*pair) for pair in zip(before, model.layers[0].get_weights()))
        fields["counts"] = as_text([len(model.trainable_weights), len(model.non_trainable_weights)])
        return fields

    return function


def _names_and_specs(class_name):
    def function(keras, random):
        layer = getattr(keras.layers, class_name)(UNITS, input_shape=(STEPS, FEATURES), name="cell")
        model = sequential(keras, [layer])
        specs = layer.state_spec if isinstance(layer.state_spec, list) else [layer.state_spec]
        return {
            "weights": as_text([weight.name for weight in layer.weights]),
            "shapes": as_text([plain(keras.backend.int_shape(weight)) for weight in layer.weights]),
            "input_specs": as_text([plain(spec.shape) for spec in layer.input_spec]),
            "state_specs": as_text([plain(spec.shape) for spec in specs]),
            "output_shape": as_text(plain(model.output_shape)),
            "parameters": layer.count_params(),
            "supports_masking": bool(layer.supports_masking),
            "stateful": bool(layer.stateful),
            "num_updates": len(model.updates),
        }

    return function


def _floatx(class_name, dtype):
    def function(keras, random):
        """Under another floatx the layer is made, fed and differentiated in it."""
        cell = getattr(keras.layers, class_name)
        keras.backend.set_floatx(dtype)
        # Orthogonal matrices are not drawn in float16.
        options = {"recurrent_initializer": "glorot_uniform"}
        layers = [cell(UNITS, input_shape=(STEPS, FEATURES), return_sequences=True, **options), cell(2, **options)]
        model = sequential(keras, layers)
        seed_weights(model, random)
        model.compile(keras.optimizers.SGD(lr=0.1), "mse")
        x, y = normal(random, 4, STEPS, FEATURES).astype(dtype), normal(random, 4, 2).astype(dtype)
        fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)]), "output": model.predict(x)}
        fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
        return fields

    return function


def _lengths(class_name):
    def function(keras, random):
        """One model with a free time axis on sequences of several lengths, and its gradient on the longest."""
        model = sequential(keras, [getattr(keras.layers, class_name)(UNITS, input_shape=(None, FEATURES))])
        seed_weights(model, random)
        fields = {
            "output_of_{}".format(steps): model.predict(normal(random, 2, steps, FEATURES)) for steps in (1, 3, 7, 2)
        }
        fields.update(forward_and_gradient(keras, model, normal(random, 2, 8, FEATURES), random))
        fields["input_shape"] = as_text(plain(model.input_shape))
        return fields

    return function


def _parts_of_a_sequence(class_name):
    def function(keras, random):
        """Each step of a sequence is what the sequence up to there gives without return_sequences."""
        cell = getattr(keras.layers, class_name)
        whole = sequential(keras, [cell(UNITS, return_sequences=True, input_shape=(None, FEATURES))])
        last = sequential(keras, [cell(UNITS, input_shape=(None, FEATURES))])
        seed_weights(whole, random)
        last.set_weights(whole.get_weights())
        x = positive(random, 2, STEPS, FEATURES)
        steps = whole.predict(x)
        return {
            "whole": steps,
            "from_each_start": np.array([last.predict(x[:, : step + 1]) - steps[:, step] for step in range(STEPS)]),
        }

    return function


def register_parts(family, label, class_name):
    prefix = "{}/{}_".format(family, label)
    register(prefix + "first_weights", _first_weights(class_name), {"recurrent_products": ORTHOGONAL, "*": EXACT})
    for name, options in FIXED:
        register(prefix + name, _fixed_weights(class_name, options), EXACT)
    register(prefix + "initializer_orthogonal_gain", _orthogonal_gain(class_name), ORTHOGONAL)
    register(prefix + "initializers_drawn", _drawn_initializers(class_name), EXACT)
    register(prefix + "weights_argument", _weights_argument(class_name), {"weight_*": EXACT, "*": STEPWISE})
    for name, options in REGULARIZED:
        register(prefix + name, _regularized(class_name, options), {"gradients": GRADIENT, "*": STEPWISE})
    for name, options in CONSTRAINED:
        register(prefix + name, _constrained(class_name, options), TRAINED)
    register(prefix + "trainable_false", _not_trainable(class_name), TRAINED)
    register(prefix + "names_and_specs", _names_and_specs(class_name), EXACT)
    register(prefix + "float64", _floatx(class_name, "float64"), FIELDS)
    register(prefix + "float16", _floatx(class_name, "float16"), HALF)
    register(prefix + "several_lengths", _lengths(class_name), dict(FIELDS, input_shape=EXACT))
    register(prefix + "parts_of_a_sequence", _parts_of_a_sequence(class_name), STEPWISE)
