"""Family `layers_configs`: configs of the further layers and layers made of them; weights, names, shapes, summary."""

import numpy as np

from ..case import EXACT, as_text, case, register
from .helpers import normal, seed_weights, sequential

LINE, IMAGE, VOLUME = (6, 2), (5, 6, 2), (4, 5, 6, 2)
CHANNELS_FIRST = {"data_format": "channels_first"}
PENALTIES = {"bias_regularizer": "l1", "activity_regularizer": "l1_l2", "bias_constraint": "non_neg"}

LAYERS = (
    ("conv3d", "Conv3D", (3, 2), {}, VOLUME),
    ("conv3d_options", "Conv3D", (3, (1, 2, 2)), dict(
        strides=(1, 2, 1), padding="same", activation="relu", kernel_initializer="he_normal", bias_initializer="ones",
        kernel_regularizer="l2", kernel_constraint="max_norm", **PENALTIES), VOLUME),
    ("conv3d_dilation", "Conv3D", (3, 2), {"dilation_rate": 2, "use_bias": False}, VOLUME),
    ("conv2d_transpose", "Conv2DTranspose", (3, 2), {}, IMAGE),
    ("conv2d_transpose_options", "Conv2DTranspose", (3, (3, 2)), dict(
        strides=(1, 2), padding="same", activation="tanh", use_bias=False, kernel_initializer="ones",
        kernel_regularizer="l1", kernel_constraint="unit_norm", trainable=False), IMAGE),
    ("conv3d_transpose", "Conv3DTranspose", (3, 2), {}, VOLUME),
    ("conv3d_transpose_options", "Conv3DTranspose", (3, (1, 2, 2)), dict(
        strides=2, padding="same", activation="relu", kernel_initializer="lecun_uniform", **PENALTIES), VOLUME),
    ("separable_conv2d", "SeparableConv2D", (3, 2), {}, IMAGE),
    ("separable_conv2d_options", "SeparableConv2D", (3, (2, 3)), dict(
        strides=2, padding="same", activation="relu", depthwise_initializer="he_normal", pointwise_initializer="ones",
        depthwise_regularizer="l2", pointwise_regularizer="l1", depthwise_constraint="max_norm",
        pointwise_constraint="unit_norm", **PENALTIES), IMAGE),
    ("locally_connected1d", "LocallyConnected1D", (3, 2), {}, LINE),
    ("locally_connected1d_options", "LocallyConnected1D", (3, (2,)), dict(
        strides=(2,), activation="relu", use_bias=False, kernel_initializer="zeros", kernel_regularizer="l2"), LINE),
    ("locally_connected2d", "LocallyConnected2D", (3, 2), {}, IMAGE),
    ("locally_connected2d_options", "LocallyConnected2D", (3, (2, 1)), dict(
        strides=(1, 2), activation="relu", kernel_constraint="unit_norm", **dict(PENALTIES, **CHANNELS_FIRST)), IMAGE),
    ("max_pooling3d", "MaxPooling3D", (), {}, VOLUME),
    ("max_pooling3d_options", "MaxPooling3D", ((1, 2, 3),), {"strides": 1, "padding": "same"}, VOLUME),
    ("average_pooling3d", "AveragePooling3D", (), {}, VOLUME),
    ("average_pooling3d_options", "AveragePooling3D", (3,), {"strides": (1, 2, 3), "padding": "same"}, VOLUME),
    ("global_max_pooling3d", "GlobalMaxPooling3D", (), {}, VOLUME),
    ("global_average_pooling3d", "GlobalAveragePooling3D", (), CHANNELS_FIRST, VOLUME),
    ("up_sampling3d", "UpSampling3D", (), {}, VOLUME),
    ("up_sampling3d_options", "UpSampling3D", ((1, 2, 3),), CHANNELS_FIRST, VOLUME),
    ("zero_padding3d", "ZeroPadding3D", (), {}, VOLUME),
    ("zero_padding3d_options", "ZeroPadding3D", (((1, 2), (0, 1), (2, 0)),), CHANNELS_FIRST, VOLUME),
    ("cropping1d", "Cropping1D", (), {}, LINE),
    ("cropping1d_options", "Cropping1D", ((1, 0),), {}, LINE),
    ("cropping2d", "Cropping2D", (), {}, IMAGE),
    ("cropping2d_options", "Cropping2D", (((1, 2), (0, 1)),), CHANNELS_FIRST, IMAGE),
    ("cropping3d", "Cropping3D", (), {}, VOLUME),
    ("cropping3d_options", "Cropping3D", (((1, 0), (0, 1), (1, 1)),), CHANNELS_FIRST, VOLUME),
    ("spatial_dropout1d", "SpatialDropout1D", (0.3,), {}, LINE),
    ("spatial_dropout2d", "SpatialDropout2D", (0.3,), CHANNELS_FIRST, IMAGE),
    ("spatial_dropout3d", "SpatialDropout3D", (0.3,), {}, VOLUME),
    ("gaussian_noise", "GaussianNoise", (0.3,), {}, LINE),
    ("gaussian_dropout", "GaussianDropout", (0.3,), {}, LINE),
    ("alpha_dropout", "AlphaDropout", (0.3,), {}, LINE),
    ("leaky_re_lu", "LeakyReLU", (), {}, LINE),
    ("leaky_re_lu_options", "LeakyReLU", (0.1,), {"name": "mine"}, LINE),
    ("p_re_lu", "PReLU", (), {}, LINE),
    ("p_re_lu_options", "PReLU", (), dict(
        alpha_initializer="ones", alpha_regularizer="l2", alpha_constraint="non_neg", shared_axes=[1]), IMAGE),
    ("elu", "ELU", (), {}, LINE),
    ("elu_options", "ELU", (0.5,), {}, LINE),
    ("thresholded_re_lu", "ThresholdedReLU", (), {}, LINE),
    ("thresholded_re_lu_options", "ThresholdedReLU", (0.5,), {}, LINE),
)  # fmt: skip


def _config(kind, arguments, options, shape):
    def function(keras, random):
        make = getattr(keras.layers, kind)
        layer = make(*arguments, **options)
        config = layer.get_config()
        again = make.from_config(config)
        # The number of samples is known: TensorFlow 1.4 adds no bias to volumes of an unknown number.
        built = make(*arguments, batch_input_shape=(2,) + shape, **options)
        before = getattr(built, "input_spec", None)
        model = sequential(keras, [built])
        seed_weights(model, random)
        other = keras.models.Sequential.from_config(model.get_config())
        other.set_weights(model.get_weights())
        x = normal(random, 2, *shape)
        lines = []
        model.summary(print_fn=lines.append)
        return {
            "config": as_text(config),
            "again": as_text(again.get_config()),
            "names": as_text([layer.name, again.name, built.name, other.layers[0].name]),
            "input_config": as_text(sorted(set(built.get_config()) - set(config))),
            "rank": as_text(None if before is None else before.ndim),
            "shapes": as_text([built.input_shape, built.output_shape, keras.backend.int_shape(model.output)]),
            "weights": as_text([[name.rsplit("/", 1)[-1], shape] for name, shape in _weights(built)]),
            "counts": as_text([built.count_params(), len(built.losses), len(built.trainable_weights)]),
            "same": bool(np.array_equal(model.predict(x, batch_size=2), other.predict(x, batch_size=2))),
            "summary": "\n".join(lines),
        }

    return function


def _weights(layer):
    return [(weight.name, value.shape) for weight, value in zip(layer.weights, layer.get_weights())]


for _label, _kind, _arguments, _options, _shape in LAYERS:
    register("layers_configs/{}_config".format(_label), _config(_kind, _arguments, _options, _shape), EXACT)


def _aliases(label, names):
    """The names are of one and the same class."""

    def function(keras, random):
        found = [getattr(keras.layers, name) for name in names]
        return {"same": all(each is found[0] for each in found), "name": found[0].__name__}

    register("layers_configs/{}_aliases".format(label), function, EXACT)


for _label, _names in (
    ("conv1d", ("Conv1D", "Convolution1D")),
    ("conv2d", ("Conv2D", "Convolution2D")),
    ("conv3d", ("Conv3D", "Convolution3D")),
    ("conv2d_transpose", ("Conv2DTranspose", "Convolution2DTranspose")),
    ("conv3d_transpose", ("Conv3DTranspose", "Convolution3DTranspose")),
    ("separable_conv2d", ("SeparableConv2D", "SeparableConvolution2D")),
    ("max_pooling1d", ("MaxPooling1D", "MaxPool1D")),
    ("max_pooling2d", ("MaxPooling2D", "MaxPool2D")),
    ("max_pooling3d", ("MaxPooling3D", "MaxPool3D")),
    ("average_pooling1d", ("AveragePooling1D", "AvgPool1D")),
    ("average_pooling2d", ("AveragePooling2D", "AvgPool2D")),
    ("average_pooling3d", ("AveragePooling3D", "AvgPool3D")),
    ("global_max_pooling1d", ("GlobalMaxPooling1D", "GlobalMaxPool1D")),
    ("global_max_pooling2d", ("GlobalMaxPooling2D", "GlobalMaxPool2D")),
    ("global_max_pooling3d", ("GlobalMaxPooling3D", "GlobalMaxPool3D")),
    ("global_average_pooling1d", ("GlobalAveragePooling1D", "GlobalAvgPool1D")),
    ("global_average_pooling2d", ("GlobalAveragePooling2D", "GlobalAvgPool2D")),
    ("global_average_pooling3d", ("GlobalAveragePooling3D", "GlobalAvgPool3D")),
):
    _aliases(_label, _names)


def _shapes(label, ways):
    """What is known of an output's shape where not all of the input's is."""

    def function(keras, random):
        found = []
        for make, sizes in ways:
            for size in sizes:
                tensor = keras.layers.Input(batch_shape=size)
                found.append([size, keras.backend.int_shape(make(keras.layers)(tensor))])
        return {"shapes": as_text(found)}

    register("layers_configs/{}_shapes".format(label), function, EXACT)


FREE_LINE, FREE_IMAGE, FREE_VOLUME = (None, None, 2), (None, None, 6, 2), (None, None, None, 6, 2)
for _label, _ways in (
    ("cropping1d", [(lambda L: L.Cropping1D((1, 2)), [FREE_LINE, (3, 6, None)])]),
    ("cropping2d", [(lambda L: L.Cropping2D(((1, 2), (0, 1))), [FREE_IMAGE]),
                    (lambda L: L.Cropping2D(1, data_format="channels_first"), [(None, 2, None, 6)])]),
    ("cropping3d", [(lambda L: L.Cropping3D((1, 2, 0)), [FREE_VOLUME])]),
    ("zero_padding3d", [(lambda L: L.ZeroPadding3D((1, 2, 0)), [FREE_VOLUME]),
                        (lambda L: L.ZeroPadding3D(1, data_format="channels_first"), [(None, 2, None, 5, 6)])]),
    ("up_sampling3d", [(lambda L: L.UpSampling3D((1, 2, 3)), [(4, 2, 3, 2, 2)])]),
    ("max_pooling3d", [(lambda L: L.MaxPooling3D(2), [FREE_VOLUME]),
                       (lambda L: L.MaxPooling3D(3, strides=2, padding="same"), [FREE_VOLUME])]),
    ("average_pooling3d", [(lambda L: L.AveragePooling3D(2, strides=1), [FREE_VOLUME])]),
    ("global_max_pooling3d", [(lambda L: L.GlobalMaxPooling3D(), [FREE_VOLUME])]),
    ("global_average_pooling3d", [(lambda L: L.GlobalAveragePooling3D(data_format="channels_first"),
                                   [(None, 2, None, 5, 6)])]),
    ("conv3d", [(lambda L: L.Conv3D(3, 2, strides=(1, 2, 3)), [FREE_VOLUME]),
                (lambda L: L.Conv3D(3, 2, padding="same", strides=2), [FREE_VOLUME]),
                (lambda L: L.Conv3D(3, 2, dilation_rate=2), [(None, 4, 5, 6, 2)])]),
    ("spatial_dropout1d", [(lambda L: L.SpatialDropout1D(0.5), [FREE_LINE])]),
    ("leaky_re_lu", [(lambda L: L.LeakyReLU(), [FREE_LINE, (2, None)])]),
):  # fmt: skip
    _shapes(_label, _ways)


@case("layers_configs/alpha_dropout_attributes", EXACT)
def attributes(keras, random):
    """What is kept of the arguments where users read it."""
    L = keras.layers
    return {
        "found": as_text(
            {
                "alpha_dropout": [L.AlphaDropout(0.3, seed=4).rate, L.AlphaDropout(0.3, seed=4).seed],
                "gaussian_noise": L.GaussianNoise(0.2).stddev,
                "gaussian_dropout": L.GaussianDropout(0.2).rate,
                "spatial_dropout": L.SpatialDropout2D(0.2).rate,
                "masks": [
                    bool(layer.supports_masking)
                    for layer in (L.AlphaDropout(0.3), L.GaussianNoise(0.3), L.GaussianDropout(0.3), L.Add())
                ],
            }
        )
    }
