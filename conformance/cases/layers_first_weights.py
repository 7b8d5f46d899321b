"""Family `layers_first_weights`: what the initializers make of the shapes of each layer's weights; layers in float64.

The first weights are drawn by each backend's own generator, so what is compared are their bounds and their deviations,
with the tolerance that their number asks for.
"""

import numpy as np

from ..case import EXACT, FORWARD, Tolerance, as_text, register
from .helpers import seed_weights, sequential

DRAWN = {
    "*_largest": Tolerance(0.02, 0.0, "the largest of a thousand draws and more is near the bound"),
    "*_deviation": Tolerance(
        0.12, 0.0, "deviations of a thousand draws and more, within four of their standard errors"
    ),
    "*": EXACT,
}

LAYERS = (
    ("dense", lambda L, o: L.Dense(40, **o), (30,), "kernel_initializer"),
    ("conv1d", lambda L, o: L.Conv1D(24, 3, **o), (8, 16), "kernel_initializer"),
    ("conv2d", lambda L, o: L.Conv2D(24, (3, 2), **o), (6, 7, 12), "kernel_initializer"),
    ("conv3d", lambda L, o: L.Conv3D(16, (3, 2, 2), **o), (5, 6, 7, 10), "kernel_initializer"),
    ("conv2d_transpose", lambda L, o: L.Conv2DTranspose(24, (3, 2), **o), (4, 5, 10), "kernel_initializer"),
    ("conv3d_transpose", lambda L, o: L.Conv3DTranspose(20, (3, 2, 1), **o), (3, 4, 5, 12), "kernel_initializer"),
    ("locally_connected1d", lambda L, o: L.LocallyConnected1D(10, 3, **o), (12, 8), "kernel_initializer"),
    ("locally_connected2d", lambda L, o: L.LocallyConnected2D(6, (3, 2), **o), (7, 8, 4), "kernel_initializer"),
    ("separable_conv2d_depthwise", lambda L, o: L.SeparableConv2D(8, (4, 3), **o), (6, 7, 90), "depthwise_initializer"),
    ("separable_conv2d_pointwise", lambda L, o: L.SeparableConv2D(50, 2, **o), (6, 7, 30), "pointwise_initializer"),
    ("p_re_lu", lambda L, o: L.PReLU(**o), (30, 40), "alpha_initializer"),
)


def _drawn(make, shape, argument):
    """The largest weight and the deviation, for the initializers that look at the shape."""

    def function(keras, random):
        fields, sizes = {}, []
        for initializer in ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform"):
            options = {argument: initializer, "batch_input_shape": (2,) + shape}
            layer = make(keras.layers, options)
            model = sequential(keras, [layer])
            weights = {
                weight.name.rsplit("/", 1)[-1].split(":")[0]: value
                for weight, value in zip(layer.weights, model.get_weights())
            }
            name = argument.replace("_initializer", "")
            value = weights[name] if name in weights else weights[name + "_kernel"]
            sizes.append(value.shape)
            if "uniform" in initializer:
                fields["{}_largest".format(initializer)] = np.abs(value).max()
            fields["{}_deviation".format(initializer)] = value.std()
            if "bias" in weights:
                fields["{}_bias".format(initializer)] = np.abs(weights["bias"]).max()
        return dict(fields, shapes=as_text(sizes))

    return function


for _label, _make, _shape, _argument in LAYERS:
    register("layers_first_weights/{}_drawn".format(_label), _drawn(_make, _shape, _argument), DRAWN)


def _in_float64(make, shape):
    """Under float64 as floatx output, gradients and weights are in float64, where TensorFlow 1.4 has it."""

    def function(keras, random):
        K = keras.backend
        K.set_floatx("float64")
        model = sequential(keras, [make(keras.layers, {"batch_input_shape": (2,) + shape})])
        seed_weights(model, random)
        x = random.normal(size=(2,) + shape)
        gradients = K.gradients(K.sum(K.square(model.output)), [model.input] + list(model.trainable_weights))
        values = K.function([model.input], [model.output] + gradients)([x])
        fields = {"value_{}".format(index): value for index, value in enumerate(values)}
        fields["types"] = as_text([value.dtype.name for value in model.get_weights()])
        return fields

    return function


for _label, _make, _shape in (
    ("conv3d", lambda L, o: L.Conv3D(2, 2, **o), (3, 4, 3, 2)),
    ("conv3d_dilated", lambda L, o: L.Conv3D(2, 2, dilation_rate=2, padding="same", **o), (3, 4, 3, 2)),
    ("conv3d_transpose", lambda L, o: L.Conv3DTranspose(2, 2, strides=2, **o), (2, 3, 2, 2)),
    ("locally_connected1d", lambda L, o: L.LocallyConnected1D(2, 3, **o), (5, 2)),
    ("locally_connected2d", lambda L, o: L.LocallyConnected2D(2, 2, **o), (3, 4, 2)),
    ("zero_padding3d", lambda L, o: L.ZeroPadding3D(1, **o), (2, 3, 2, 2)),
    ("cropping3d", lambda L, o: L.Cropping3D(1, **o), (3, 4, 3, 2)),
    ("up_sampling3d", lambda L, o: L.UpSampling3D(2, **o), (2, 1, 2, 2)),
    ("global_average_pooling3d", lambda L, o: L.GlobalAveragePooling3D(**o), (2, 3, 2, 2)),
    ("time_distributed", lambda L, o: L.TimeDistributed(L.Dense(3), **o), (3, 4)),
    ("dense", lambda L, o: L.Dense(3, activation="softplus", **o), (3, 4)),
    ("up_sampling2d", lambda L, o: L.UpSampling2D(2, **o), (2, 3, 2)),
):
    register(
        "layers_first_weights/{}_float64".format(_label),
        _in_float64(_make, _shape),
        {"types": EXACT, "*": FORWARD},
    )


def _merged_in_float64(kind, options):
    def function(keras, random):
        K = keras.backend
        K.set_floatx("float64")
        inputs = [keras.layers.Input(shape=(4,)) for _ in range(2)]
        output = getattr(keras.layers, kind)(**options)(inputs)
        gradients = K.gradients(K.sum(K.square(output)), inputs)
        values = K.function(inputs, [output] + gradients)([random.normal(size=(3, 4)), random.normal(size=(3, 4))])
        return {"value_{}".format(index): value for index, value in enumerate(values)}

    return function


for _label, _kind, _options in (
    ("add", "Add", {}),
    ("multiply", "Multiply", {}),
    ("average", "Average", {}),
    ("maximum", "Maximum", {}),
    ("concatenate", "Concatenate", {}),
    ("dot", "Dot", {"axes": 1, "normalize": True}),
):
    register("layers_first_weights/{}_float64".format(_label), _merged_in_float64(_kind, _options), FORWARD)
