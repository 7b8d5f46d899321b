"""Family `layers_errors`: which type of exception each misuse of the further layers raises."""

import numpy as np

from ..case import EXACT, case, outcome_of, register
from .helpers import normal, sequential


def _building(label, make):
    """Something that fails as it is built, called or added."""
    register("layers_errors/" + label, lambda keras, random: {"raises": outcome_of(make, keras)}, EXACT)


def _layer(name, *arguments, **options):
    return lambda keras: getattr(keras.layers, name)(*arguments, **options)


def _added(shape, name, *arguments, **options):
    return lambda keras: sequential(keras, [getattr(keras.layers, name)(*arguments, input_shape=shape, **options)])


def _masked(name, *arguments, **options):
    """Behind an Embedding that masks."""
    return lambda keras: sequential(
        keras,
        [
            keras.layers.Embedding(5, 2, mask_zero=True, input_length=4),
            getattr(keras.layers, name)(*arguments, **options),
        ],
    )


def _inputs(keras, *shapes):
    return [keras.layers.Input(shape=shape) for shape in shapes]


def _on(make, *shapes):
    """A layer called on a list of inputs of the shapes."""
    return lambda keras: make(keras.layers)(_inputs(keras, *shapes))


IMAGE, VOLUME = (5, 6, 2), (4, 5, 6, 2)

for _label, _make in (
    ("conv3d_rank", _added(IMAGE, "Conv3D", 3, 2)),
    ("conv3d_padding", _layer("Conv3D", 3, 2, padding="full")),
    ("conv3d_causal", _layer("Conv3D", 3, 2, padding="causal")),
    ("conv3d_data_format", _layer("Conv3D", 3, 2, data_format="channels_middle")),
    ("conv3d_kernel_size", _layer("Conv3D", 3, (2, 2))),
    ("conv3d_kernel_size_text", _layer("Conv3D", 3, "abc")),
    ("conv3d_strides_length", _layer("Conv3D", 3, 2, strides=(1, 2))),
    ("conv3d_strides_and_dilation", _added(VOLUME, "Conv3D", 3, 2, strides=2, dilation_rate=2)),
    ("conv3d_kernel_above_volume", _added(VOLUME, "Conv3D", 3, 5)),
    ("conv3d_channels_unknown", _added((4, 5, 6, None), "Conv3D", 3, 2)),
    ("conv3d_activation", _layer("Conv3D", 3, 2, activation="none_such")),
    ("conv3d_no_kernel_size", _layer("Conv3D", 3)),
    ("conv3d_argument", _layer("Conv3D", 3, 2, border_mode="same")),
    ("max_pooling3d_rank", _added(IMAGE, "MaxPooling3D")),
    ("max_pooling3d_pool_size", _layer("MaxPooling3D", (2, 2))),
    ("max_pooling3d_padding", _layer("MaxPooling3D", padding="full")),
    ("max_pooling3d_above_volume", _added(VOLUME, "MaxPooling3D", 5)),
    ("average_pooling3d_rank", _added(IMAGE, "AveragePooling3D")),
    ("average_pooling3d_data_format", _layer("AveragePooling3D", data_format="middle")),
    ("global_max_pooling3d_rank", _added(IMAGE, "GlobalMaxPooling3D")),
    ("global_average_pooling3d_rank", _added(IMAGE, "GlobalAveragePooling3D")),
    ("global_average_pooling3d_data_format", _layer("GlobalAveragePooling3D", data_format="middle")),
    ("up_sampling3d_rank", _added(IMAGE, "UpSampling3D")),
    ("up_sampling3d_size", _layer("UpSampling3D", (2, 2))),
    ("zero_padding3d_rank", _added(IMAGE, "ZeroPadding3D")),
    ("zero_padding3d_pair", _layer("ZeroPadding3D", (1, 2))),
    ("zero_padding3d_text", _layer("ZeroPadding3D", "abcd")),
    ("zero_padding3d_object", _layer("ZeroPadding3D", None)),
    ("zero_padding3d_triples_inside", _layer("ZeroPadding3D", ((1, 2, 3), (1, 1), (1, 1)))),
    ("cropping1d_rank", _added(IMAGE, "Cropping1D")),
    ("cropping1d_triple", _layer("Cropping1D", (1, 2, 3))),
    ("cropping2d_rank", _added((4, 5), "Cropping2D", 1)),
    ("cropping2d_triple", _layer("Cropping2D", (1, 2, 3))),
    ("cropping2d_object", _layer("Cropping2D", None)),
    ("cropping2d_data_format", _layer("Cropping2D", 1, data_format="middle")),
    ("cropping3d_rank", _added(IMAGE, "Cropping3D")),
    ("cropping3d_pair", _layer("Cropping3D", (1, 2))),
    ("cropping3d_object", _layer("Cropping3D", None)),
    ("conv2d_transpose_rank", _added((4, 5), "Conv2DTranspose", 3, 2)),
    ("conv2d_transpose_padding", _layer("Conv2DTranspose", 3, 2, padding="full")),
    ("conv2d_transpose_channels_unknown", _added((4, 5, None), "Conv2DTranspose", 3, 2)),
    ("conv2d_transpose_kernel_size", _layer("Conv2DTranspose", 3, (2, 2, 2))),
    ("conv2d_transpose_data_format", _layer("Conv2DTranspose", 3, 2, data_format="middle")),
    ("conv3d_transpose_rank", _added(IMAGE, "Conv3DTranspose", 3, 2)),
    ("conv3d_transpose_kernel_size", _layer("Conv3DTranspose", 3, (2, 2))),
    ("conv3d_transpose_padding", _layer("Conv3DTranspose", 3, 2, padding="full")),
    ("separable_conv2d_rank", _added((4, 5), "SeparableConv2D", 3, 2)),
    ("separable_conv2d_channels_unknown", _added((4, 5, None), "SeparableConv2D", 3, 2)),
    ("separable_conv2d_padding", _layer("SeparableConv2D", 3, 2, padding="full")),
    ("separable_conv2d_kernel_above_image", _added(IMAGE, "SeparableConv2D", 3, 6)),
    ("separable_conv2d_depthwise_initializer", _layer("SeparableConv2D", 3, 2, depthwise_initializer="none_such")),
    ("locally_connected1d_rank", _added(IMAGE, "LocallyConnected1D", 3, 2)),
    ("locally_connected1d_same", _layer("LocallyConnected1D", 3, 2, padding="same")),
    ("locally_connected1d_length_unknown", _added((None, 3), "LocallyConnected1D", 3, 2)),
    ("locally_connected1d_features_unknown", _added((5, None), "LocallyConnected1D", 3, 2)),
    ("locally_connected1d_kernel_above_line", _added((5, 3), "LocallyConnected1D", 3, 6)),
    ("locally_connected2d_rank", _added((5, 3), "LocallyConnected2D", 3, 2)),
    ("locally_connected2d_same", _layer("LocallyConnected2D", 3, 2, padding="same")),
    ("locally_connected2d_rows_unknown", _added((None, 6, 2), "LocallyConnected2D", 3, 2)),
    ("locally_connected2d_data_format", _layer("LocallyConnected2D", 3, 2, data_format="middle")),
    ("spatial_dropout1d_rank", _added(IMAGE, "SpatialDropout1D", 0.5)),
    ("spatial_dropout1d_no_rate", _layer("SpatialDropout1D")),
    ("spatial_dropout1d_mask", _masked("SpatialDropout1D", 0.5)),
    ("spatial_dropout2d_rank", _added((5, 3), "SpatialDropout2D", 0.5)),
    ("spatial_dropout2d_data_format", _layer("SpatialDropout2D", 0.5, data_format="middle")),
    ("spatial_dropout3d_rank", _added(IMAGE, "SpatialDropout3D", 0.5)),
    ("spatial_dropout3d_data_format", _layer("SpatialDropout3D", 0.5, data_format="middle")),
    ("gaussian_noise_no_stddev", _layer("GaussianNoise")),
    ("gaussian_dropout_no_rate", _layer("GaussianDropout")),
    ("alpha_dropout_no_rate", _layer("AlphaDropout")),
    ("p_re_lu_sizes_unknown", _added((None, 3), "PReLU")),
    ("p_re_lu_shared_axis_above", _added((4, 3), "PReLU", shared_axes=[3])),
    ("p_re_lu_initializer", _layer("PReLU", alpha_initializer="none_such")),
    ("p_re_lu_other_shape", lambda keras: _twice(keras, keras.layers.PReLU(shared_axes=[1]), (4, 3), (5, 3))),
    ("p_re_lu_other_features", lambda keras: _twice(keras, keras.layers.PReLU(shared_axes=[1]), (4, 3), (4, 5))),
    ("leaky_re_lu_argument", _layer("LeakyReLU", slope=0.2)),
    ("elu_argument", _layer("ELU", slope=0.2)),
    ("thresholded_re_lu_argument", _layer("ThresholdedReLU", alpha=0.2)),
    ("add_one_input", _on(lambda L: L.Add(), (3,))),
    ("add_no_list", lambda keras: keras.layers.Add()(_inputs(keras, (3,))[0])),
    ("add_empty_list", lambda keras: keras.layers.Add()([])),
    ("add_shapes", _on(lambda L: L.Add(), (3,), (4,))),
    ("add_shapes_inside", _on(lambda L: L.Add(), (3, 4), (2, 4))),
    ("add_shapes_of_other_rank", _on(lambda L: L.Add(), (3,), (3, 4))),
    ("add_batches", lambda keras: keras.layers.Add()(
        [keras.layers.Input(batch_shape=(2, 3)), keras.layers.Input(batch_shape=(4, 3))])),
    ("add_types", lambda keras: keras.layers.Add()(
        [keras.layers.Input(shape=(3,)), keras.layers.Input(shape=(3,), dtype="int32")])),
    ("add_arrays", lambda keras: keras.layers.Add()([np.ones((2, 3), "float32"), np.ones((2, 3), "float32")])),
    ("add_in_sequential", lambda keras: sequential(keras, [keras.layers.Add(input_shape=(3,))])),
    ("add_argument", _layer("Add", axis=1)),
    ("multiply_shapes", _on(lambda L: L.Multiply(), (3,), (4,))),
    ("multiply_one_input", _on(lambda L: L.Multiply(), (3,))),
    ("average_shapes", _on(lambda L: L.Average(), (3,), (4,))),
    ("maximum_shapes", _on(lambda L: L.Maximum(), (3,), (4,))),
    ("concatenate_shapes", _on(lambda L: L.Concatenate(), (3, 4), (2, 4))),
    ("concatenate_ranks", _on(lambda L: L.Concatenate(), (3,), (3, 4))),
    ("concatenate_axis", _on(lambda L: L.Concatenate(axis=3), (3, 4), (3, 4))),
    ("concatenate_no_list", lambda keras: keras.layers.Concatenate()(_inputs(keras, (3,))[0])),
    ("concatenate_mask_of_one", lambda keras: keras.layers.Concatenate(axis=1)(
        [keras.layers.Embedding(3, 2, mask_zero=masked)(tensor)
         for masked, tensor in zip((True, False), _inputs(keras, (6,), (6,)))])),
    ("dot_axes_text", _layer("Dot", "1")),
    ("dot_axes_real", _layer("Dot", 1.5)),
    ("dot_axes_three", _layer("Dot", (1, 2, 3))),
    ("dot_axes_one", _layer("Dot", (1,))),
    ("dot_axes_of_reals", _layer("Dot", (1.0, 2.0))),
    ("dot_no_axes", _layer("Dot")),
    ("dot_sizes", _on(lambda L: L.Dot(1), (3,), (4,))),
    ("dot_sizes_of_axes", _on(lambda L: L.Dot((1, 2)), (3, 4), (4, 5))),
    ("dot_three_inputs", _on(lambda L: L.Dot(1), (3,), (3,), (3,))),
    ("dot_one_input", _on(lambda L: L.Dot(1), (3,))),
    ("dot_axis_above", _on(lambda L: L.Dot(2), (3,), (3,))),
    ("time_distributed_rank", lambda keras: sequential(
        keras, [keras.layers.TimeDistributed(keras.layers.Dense(3), input_shape=(4,))])),
    ("time_distributed_no_layer", lambda keras: sequential(
        keras, [keras.layers.TimeDistributed(3, input_shape=(4, 5))])),
    ("time_distributed_no_argument", _layer("TimeDistributed")),
    ("time_distributed_inner_rank", lambda keras: sequential(
        keras, [keras.layers.TimeDistributed(keras.layers.Conv2D(3, 2), input_shape=(4, 5, 6))])),
    ("time_distributed_of_weights_only", lambda keras: keras.layers.TimeDistributed(
        keras.layers.Dense(3)).set_weights([np.ones((2, 3))])),
    ("wrapper_no_layer", _layer("Wrapper")),
):  # fmt: skip
    _building(_label, _make)


def _twice(keras, layer, *shapes):
    for shape in shapes:
        layer(keras.layers.Input(shape=shape))


def _fed(label, make, shape, fed):
    """Built for one shape, fed with another."""

    def function(keras, random):
        model = sequential(keras, [make(keras.layers, shape)])
        return {"raises": outcome_of(model.predict, normal(random, *fed))}

    register("layers_errors/" + label, function, EXACT)


_fed("conv3d_fed_other_channels", lambda L, s: L.Conv3D(2, 2, input_shape=s), (4, 4, 4, 2), (2, 4, 4, 4, 3))
_fed("conv3d_fed_other_rank", lambda L, s: L.Conv3D(2, 2, input_shape=s), (4, 4, 4, 2), (2, 4, 4, 2))
_fed("locally_connected1d_fed_other_length", lambda L, s: L.LocallyConnected1D(2, 2, input_shape=s), (4, 2), (2, 5, 2))


@case("layers_errors/concatenate_fed_other_sizes", EXACT)
def fed_other_sizes(keras, random):
    """Sizes that are known only as the data arrives, and do not fit then: an exception of whatever type."""
    inputs = [keras.layers.Input(shape=(None, 3)) for _ in range(2)]
    model = keras.models.Model(inputs, keras.layers.Concatenate()(inputs))
    return {
        "fitting": outcome_of(model.predict, [normal(random, 2, 4, 3), normal(random, 2, 4, 3)]),
        "refused": bool(outcome_of(model.predict, [normal(random, 2, 4, 3), normal(random, 2, 5, 3)]).names),
    }


@case("layers_errors/add_fed_other_sizes", EXACT)
def added_other_sizes(keras, random):
    """The same of a sum; where one of the sizes is one it is repeated."""
    inputs = [keras.layers.Input(shape=(None, 3)) for _ in range(2)]
    model = keras.models.Model(inputs, keras.layers.Add()(inputs))
    return {
        "refused": bool(outcome_of(model.predict, [normal(random, 2, 4, 3), normal(random, 2, 5, 3)]).names),
        "repeated": outcome_of(model.predict, [normal(random, 2, 4, 3), normal(random, 2, 1, 3)]),
    }


@case("layers_errors/separable_conv2d_strides", EXACT)
def unequal_strides(keras, random):
    """Strides that differ by axis: what TensorFlow 1.4 says, and when."""
    L = keras.layers
    fields = {"made": outcome_of(L.SeparableConv2D, 3, 2, strides=(1, 2))}
    fields["added"] = outcome_of(
        lambda: sequential(keras, [L.SeparableConv2D(3, 2, strides=(1, 2), input_shape=IMAGE)])
    )
    return fields
