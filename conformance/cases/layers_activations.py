"""Family `layers_activations`: LeakyReLU, PReLU, ELU and ThresholdedReLU: output, shape and gradients."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, register
from .helpers import forward_and_gradient, normal, seed_weights, sequential
from .layers_core import FIELDS, layer_case

SHAPES = (("rank_2", (5,)), ("rank_3", (4, 3)), ("rank_4", (3, 4, 2)), ("rank_5", (2, 3, 2, 2)))

for _kind, _label, _ways in (
    ("LeakyReLU", "leaky_re_lu", (("default", {}), ("alpha", {"alpha": 0.7}), ("alpha_0", {"alpha": 0.0}))),
    ("ELU", "elu", (("default", {}), ("alpha", {"alpha": 0.4}), ("alpha_0", {"alpha": 0.0}))),
    ("ThresholdedReLU", "thresholded_re_lu", (("default", {}), ("theta", {"theta": 0.3}), ("theta_0", {"theta": 0.0}))),
):
    for _way, _options in _ways:
        layer_case(
            "layers_activations/{}_{}".format(_label, _way),
            lambda L, k=_kind, o=_options: getattr(L, k)(input_shape=(4, 5), **o),
            (4, 5),
        )
    for _rank, _shape in SHAPES[:1] + SHAPES[2:]:
        layer_case(
            "layers_activations/{}_{}".format(_label, _rank),
            lambda L, k=_kind, s=_shape: getattr(L, k)(input_shape=s),
            _shape,
        )

for _rank, _shape in SHAPES:
    layer_case("layers_activations/p_re_lu_" + _rank, lambda L, s=_shape: L.PReLU(input_shape=s), _shape, num_samples=4)
for _way, _axes, _shape in (
    ("number", 1, (4, 3)),
    ("first", [1], (4, 3, 2)),
    ("first_two", [1, 2], (4, 3, 2)),
    ("last", [3], (4, 3, 2)),
    ("tuple", (1, 3), (4, 3, 2)),
    ("all", [1, 2, 3], (4, 3, 2)),
    ("of_volume", [1, 2, 3], (2, 3, 2, 4)),
):
    layer_case(
        "layers_activations/p_re_lu_shared_" + _way,
        lambda L, a=_axes, s=_shape: L.PReLU(shared_axes=a, input_shape=s),
        _shape,
    )


def _at_the_edge(label, make, points):
    """Output and gradient at the points where the two branches meet, and far out on either side."""

    def function(keras, random):
        K = keras.backend
        model = sequential(keras, [make(keras.layers)])
        for layer in model.layers:
            layer.set_weights([np.full_like(value, 0.25) for value in layer.get_weights()])
        x = np.array([[point] for point in points], "float32")
        gradients = K.gradients(K.sum(model.output), [model.input] + list(model.trainable_weights))
        values = K.function([model.input], [model.output] + gradients)([x])
        return {"gradient_{}".format(index): value for index, value in enumerate(values[1:])}, values[0]

    def fields_of(keras, random):
        fields, output = function(keras, random)
        return dict(fields, output=output)

    register("layers_activations/" + label, fields_of, FIELDS)


POINTS = (-1e30, -50.0, -1.0, -1e-6, 0.0, 1e-6, 1.0, 50.0, 1e30)
_at_the_edge("leaky_re_lu_edge", lambda L: L.LeakyReLU(input_shape=(1,)), POINTS)
_at_the_edge("p_re_lu_edge", lambda L: L.PReLU(input_shape=(1,)), POINTS)
_at_the_edge("elu_edge", lambda L: L.ELU(input_shape=(1,)), POINTS)
_at_the_edge("elu_alpha_edge", lambda L: L.ELU(2.5, input_shape=(1,)), POINTS)
_at_the_edge(
    "thresholded_re_lu_edge", lambda L: L.ThresholdedReLU(0.5, input_shape=(1,)), POINTS + (0.4999, 0.5, 0.5001)
)


@case("layers_activations/p_re_lu_free_sizes", {"*gradient_*": GRADIENT, "shape": EXACT, "*": FORWARD})
def free_sizes(keras, random):
    """Axes whose sizes are unknown can be shared."""
    model = sequential(keras, [keras.layers.PReLU(shared_axes=[1, 2], input_shape=(None, None, 3))])
    seed_weights(model, random)
    fields = {"shape": as_text([model.output_shape, model.get_weights()[0].shape])}
    for size, shape in (("small", (2, 3, 2, 3)), ("large", (3, 4, 5, 3))):
        found = forward_and_gradient(keras, model, normal(random, *shape), random)
        fields.update({"{}_{}".format(size, name): value for name, value in found.items()})
    return fields


@case("layers_activations/p_re_lu_first_weights", EXACT)
def first_weights(keras, random):
    """What the initializer gives before any training, and the weight's name."""
    L = keras.layers
    layers = [
        L.PReLU(input_shape=(3, 2)),
        L.PReLU(alpha_initializer="ones"),
        L.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1]),
    ]
    model = sequential(keras, layers)
    fields = {"weight_{}".format(index): value for index, value in enumerate(model.get_weights())}
    fields["names"] = as_text([[weight.name.rsplit("/", 1)[-1] for weight in layer.weights] for layer in layers])
    fields["trainable"] = len(model.trainable_weights)
    return fields


@case("layers_activations/p_re_lu_regularizer_and_constraint", {"losses": FORWARD, "*": GRADIENT})
def regularized(keras, random):
    L = keras.layers
    model = sequential(
        keras,
        [
            L.PReLU(
                alpha_regularizer=keras.regularizers.l1_l2(0.02, 0.3),
                alpha_constraint=keras.constraints.MinMaxNorm(0.2, 0.6, axis=0),
                shared_axes=[1],
                input_shape=(4, 3),
            ),
            L.PReLU(alpha_constraint="non_neg"),
        ],
    )
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.3), "mse")
    x, y = normal(random, 6, 4, 3), normal(random, 6, 4, 3)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(4)])}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields


def _masked(label, make):
    """The mask of the words is passed on."""

    def function(keras, random):
        L, K = keras.layers, keras.backend
        words = random.randint(3, size=(4, 6))
        model = sequential(keras, [L.Embedding(3, 4, mask_zero=True, input_length=6), make(L)])
        mask = model.output_mask
        return {"mask": np.array([]) if mask is None else K.function([model.input], [mask])([words])[0]}

    register("layers_activations/{}_mask".format(label), function, EXACT)


def _in_float64(label, make):
    def function(keras, random):
        K = keras.backend
        K.set_floatx("float64")
        model = sequential(keras, [make(keras.layers, {"input_shape": (4,)})])
        seed_weights(model, random)
        x = random.normal(size=(3, 4))
        gradient = K.gradients(K.sum(K.square(model.output)), [model.input])
        return {"output": model.predict(x), "gradient": K.function([model.input], gradient)([x])[0]}

    register("layers_activations/{}_float64".format(label), function, FORWARD)


for _label, _make in (
    ("leaky_re_lu", lambda L, options: L.LeakyReLU(**options)),
    ("p_re_lu", lambda L, options: L.PReLU(**options)),
    ("elu", lambda L, options: L.ELU(**options)),
    ("thresholded_re_lu", lambda L, options: L.ThresholdedReLU(**options)),
):
    _masked(_label, lambda L, make=_make: make(L, {}))
    _in_float64(_label, _make)
