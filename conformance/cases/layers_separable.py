"""Family `layers_separable`: SeparableConv2D: output, shape and gradients over its options."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case
from .helpers import forward_and_gradient, normal, seed_weights, sequential
from .layers_core import layer_case

IMAGE = (7, 6, 3)


def _separable(L, *arguments, **options):
    """TensorFlow 1.4 takes the argument depth_multiplier and forgets it; what it builds by is the attribute."""
    layer = L.SeparableConv2D(*arguments, **options)
    layer.depth_multiplier = options.get("depth_multiplier", 1)
    return layer


for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": 2}),
    ("strides_same", {"strides": 2, "padding": "same"}),
    ("strides_3_same", {"strides": 3, "padding": "same"}),
    ("strides_above_kernel", {"kernel_size": 2, "strides": 3}),
    ("depth_multiplier", {"depth_multiplier": 2}),
    ("depth_multiplier_3_strides_same", {"depth_multiplier": 3, "strides": 2, "padding": "same"}),
    ("even_kernel_same", {"kernel_size": 4, "padding": "same"}),
    ("rectangle", {"kernel_size": (2, 4)}),
    ("rectangle_strides_same", {"kernel_size": (4, 1), "strides": 2, "padding": "same"}),
    ("kernel_1", {"kernel_size": 1}),
    ("no_bias", {"use_bias": False}),
    ("no_bias_depth_multiplier", {"use_bias": False, "depth_multiplier": 2, "padding": "same"}),
    ("activation", {"activation": "relu"}),
    ("whole_image", {"kernel_size": (7, 6)}),
):
    layer_case(
        "layers_separable/separable_conv2d_" + _label,
        lambda L, o=dict({"kernel_size": 3}, **_options): _separable(L, 4, input_shape=IMAGE, **o),
        IMAGE,
        num_samples=2,
    )

layer_case(
    "layers_separable/separable_conv2d_one_channel",
    lambda L: _separable(L, 4, 3, depth_multiplier=2, padding="same", input_shape=(5, 6, 1)),
    (5, 6, 1),
)


@case("layers_separable/separable_conv2d_free_sizes", {"*gradient_*": GRADIENT, "*_shape": EXACT, "*": FORWARD})
def free_sizes(keras, random):
    """One model on images of two sizes, of which only the channels are known beforehand."""
    L = keras.layers
    model = sequential(
        keras, [_separable(L, 3, 3, strides=2, padding="same", depth_multiplier=2, input_shape=(None, None, 2))]
    )
    seed_weights(model, random)
    fields = {"shape": as_text(model.output_shape)}
    for size, shape in (("small", (2, 4, 5, 2)), ("large", (3, 7, 6, 2))):
        found = forward_and_gradient(keras, model, normal(random, *shape), random)
        fields.update({"{}_{}".format(size, name): value for name, value in found.items()})
    return fields


@case("layers_separable/separable_conv2d_as_two_convolutions", FORWARD)
def as_two_convolutions(keras, random):
    """It is a convolution by the product of its two kernels, and the order of the channels between them is seen."""
    L = keras.layers
    model = sequential(keras, [_separable(L, 4, 3, depth_multiplier=2, input_shape=IMAGE)])
    seed_weights(model, random)
    depthwise, pointwise, bias = model.get_weights()
    plain = sequential(keras, [L.Conv2D(4, 3, input_shape=IMAGE)])
    plain.set_weights([np.einsum("hwcm,cmo->hwco", depthwise, pointwise.reshape(3, 2, 4)), bias])
    x = normal(random, 2, *IMAGE)
    return {"separable": model.predict(x), "plain": plain.predict(x)}


@case("layers_separable/separable_conv2d_shapes", EXACT)
def shapes(keras, random):
    """What is known of the output's shape, and the weights' shapes, whatever the data format."""
    L, K = keras.layers, keras.backend
    found = {}
    for label, size, options in (
        ("valid", (None, 7, 6, 3), {}),
        ("depth_multiplier", (None, 7, 6, 3), {"depth_multiplier": 2}),
        ("no_bias", (4, 7, 6, 3), {"use_bias": False, "strides": 2}),
        ("free", (None, None, 6, 3), {"padding": "same", "strides": 3}),
        ("channels_first", (None, 3, 7, 6), {"data_format": "channels_first", "depth_multiplier": 2}),
    ):
        layer = _separable(L, 5, (3, 2), **options)
        output = layer(L.Input(batch_shape=size))
        weights = [
            [weight.name.rsplit("/", 1)[-1], value.shape] for weight, value in zip(layer.weights, layer.get_weights())
        ]
        found[label] = [K.int_shape(output), weights]
    return {"shapes": as_text(found)}


@case("layers_separable/separable_conv2d_depth_multiplier_as_argument", EXACT)
def depth_multiplier_as_argument(keras, random):
    """The shapes of the weights by the argument alone."""
    model = sequential(keras, [keras.layers.SeparableConv2D(4, 3, depth_multiplier=2, input_shape=IMAGE)])
    return {"shapes": as_text([value.shape for value in model.get_weights()])}


@case("layers_separable/separable_conv2d_regularizers_and_constraints", {"losses": FORWARD, "*": GRADIENT})
def regularizers_and_constraints(keras, random):
    """Each of its three weights has a regularizer and a constraint of its own."""
    L, constraints, regularizers = keras.layers, keras.constraints, keras.regularizers
    layer = _separable(
        L,
        4,
        3,
        depth_multiplier=2,
        depthwise_regularizer=regularizers.l1(0.1),
        pointwise_regularizer=regularizers.l2(0.2),
        bias_regularizer=regularizers.l1_l2(0.05, 0.3),
        depthwise_constraint=constraints.MaxNorm(0.5, axis=[0, 1]),
        pointwise_constraint=constraints.UnitNorm(axis=[2]),
        bias_constraint=constraints.NonNeg(),
        input_shape=(5, 4, 2),
    )
    model = sequential(keras, [layer])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 6, 5, 4, 2), normal(random, 6, 3, 2, 4)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(3)])}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields
