"""Family `layers_local`: LocallyConnected1D and LocallyConnected2D: output, shape and gradients over their options."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case
from .helpers import normal, seed_weights, sequential
from .layers_core import layer_case

LINE, IMAGE = (8, 3), (5, 6, 2)


def _local(label, kind, options, shape, num_samples=2):
    layer_case(
        "layers_local/" + label,
        lambda L: getattr(L, kind)(4, input_shape=shape, **options),
        shape,
        num_samples=num_samples,
    )


for _label, _options in (
    ("default", {}),
    ("strides", {"strides": 2}),
    ("strides_above_kernel", {"kernel_size": 2, "strides": 3}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "tanh"}),
    ("kernel_1", {"kernel_size": 1}),
    ("whole_line", {"kernel_size": 8}),
):
    _local("locally_connected1d_" + _label, "LocallyConnected1D", dict({"kernel_size": 3}, **_options), LINE)

for _label, _options in (
    ("default", {}),
    ("strides", {"strides": 2}),
    ("strides_each", {"strides": (1, 3)}),
    ("rectangle", {"kernel_size": (2, 3)}),
    ("rectangle_strides", {"kernel_size": (4, 1), "strides": (1, 2)}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "relu"}),
    ("kernel_1", {"kernel_size": 1}),
    ("whole_image", {"kernel_size": (5, 6)}),
):
    _local("locally_connected2d_" + _label, "LocallyConnected2D", dict({"kernel_size": 3}, **_options), IMAGE)

for _label, _options in (
    ("default", {}),
    ("strides", {"strides": (2, 1)}),
    ("rectangle", {"kernel_size": (2, 3)}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "relu"}),
):
    _local(
        "locally_connected2d_channels_first_" + _label,
        "LocallyConnected2D",
        dict({"kernel_size": 3, "data_format": "channels_first"}, **_options),
        (2, 5, 6),
    )


def _single(name, kind, options, shape):
    """One sample at a time: no size is left that a wrong axis could be told by."""
    layer_case(
        "layers_local/" + name,
        lambda L: getattr(L, kind)(1, input_shape=shape, **options),
        shape,
        num_samples=1,
    )


_single("locally_connected1d_one_of_each", "LocallyConnected1D", {"kernel_size": 2}, (4, 1))
_single("locally_connected2d_one_of_each", "LocallyConnected2D", {"kernel_size": 2}, (3, 4, 1))


def _shapes(keras, kind, ways):
    found = {}
    for label, size, arguments, options in ways:
        layer = kind(*arguments, **options)
        output = layer(keras.layers.Input(batch_shape=size))
        weights = [
            [weight.name.rsplit("/", 1)[-1], value.shape] for weight, value in zip(layer.weights, layer.get_weights())
        ]
        found[label] = [keras.backend.int_shape(output), weights, layer.count_params()]
    return {"shapes": as_text(found)}


@case("layers_local/locally_connected1d_shapes", EXACT)
def shapes_of_lines(keras, random):
    """A kernel of its own for each place of the output, and a bias of its own."""
    return _shapes(
        keras,
        keras.layers.LocallyConnected1D,
        (
            ("default", (None, 8, 3), (4, 3), {}),
            ("strides", (5, 8, 3), (4, 3), {"strides": 2}),
            ("no_bias", (None, 8, 3), (4, (3,)), {"use_bias": False}),
        ),
    )


@case("layers_local/locally_connected2d_shapes", EXACT)
def shapes_of_images(keras, random):
    return _shapes(
        keras,
        keras.layers.LocallyConnected2D,
        (
            ("default", (None, 5, 6, 2), (4, 3), {}),
            ("strides", (5, 5, 6, 2), (4, (2, 3)), {"strides": (2, 1)}),
            ("no_bias", (None, 5, 6, 2), (4, 3), {"use_bias": False}),
            ("channels_first", (None, 2, 5, 6), (4, 3), {"data_format": "channels_first"}),
        ),
    )


@case("layers_local/locally_connected2d_equal_kernels", FORWARD)
def equal_kernels(keras, random):
    """With the same kernel at each place it is a convolution: the order within a patch is seen."""
    L = keras.layers
    kernel, bias = normal(random, 3, 2, 2, 4), normal(random, 4)
    plain = sequential(keras, [L.Conv2D(4, (3, 2), strides=(1, 2), input_shape=IMAGE)])
    plain.set_weights([kernel, bias])
    local = sequential(keras, [L.LocallyConnected2D(4, (3, 2), strides=(1, 2), input_shape=IMAGE)])
    local.set_weights([np.tile(kernel.reshape(1, 12, 4), (9, 1, 1)), np.tile(bias, (3, 3, 1))])
    x = normal(random, 2, *IMAGE)
    return {"plain": plain.predict(x), "local": local.predict(x)}


def _penalized(keras, random, kind, shape, outputs):
    constraints, regularizers = keras.constraints, keras.regularizers
    layer = kind(
        3,
        2,
        kernel_regularizer=regularizers.l2(0.1),
        bias_regularizer=regularizers.l1(0.2),
        activity_regularizer=regularizers.l2(0.01),
        kernel_constraint=constraints.MaxNorm(0.7, axis=1),
        bias_constraint=constraints.NonNeg(),
        input_shape=shape,
    )
    model = sequential(keras, [layer])
    seed_weights(model, random)
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 6, *shape), normal(random, 6, *outputs)
    fields = {"losses": np.array([model.train_on_batch(x, y) for _ in range(3)])}
    fields.update({"weight_{}".format(index): value for index, value in enumerate(model.get_weights())})
    return fields


PENALIZED = {"losses": FORWARD, "*": GRADIENT}


@case("layers_local/locally_connected1d_regularizers_and_constraints", PENALIZED)
def penalized_lines(keras, random):
    return _penalized(keras, random, keras.layers.LocallyConnected1D, (5, 2), (4, 3))


@case("layers_local/locally_connected2d_regularizers_and_constraints", PENALIZED)
def penalized_images(keras, random):
    return _penalized(keras, random, keras.layers.LocallyConnected2D, (4, 3, 2), (3, 2, 3))
