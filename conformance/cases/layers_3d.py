"""Family `layers_3d`: convolution, pooling, padding, cropping and upsampling of volumes, forward and gradient."""

from ..case import EXACT, FORWARD, GRADIENT, as_text, case
from .helpers import forward_and_gradient, normal, seed_weights, sequential
from .layers_core import layer_case

VOLUME = (5, 6, 7, 2)
FREE = (None, None, None, 2)


def _volume(label, kind, arguments, options, shape=VOLUME):
    layer_case(
        "layers_3d/" + label,
        lambda L: getattr(L, kind)(*arguments, input_shape=shape, **options),
        shape,
        num_samples=2,
    )


for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": 2}),
    ("strides_each", {"strides": (1, 2, 3)}),
    ("strides_same", {"strides": 2, "padding": "same"}),
    ("strides_each_same", {"strides": (3, 1, 2), "padding": "same"}),
    ("strides_above_kernel", {"kernel_size": 2, "strides": 3}),
    ("dilation", {"dilation_rate": 2}),
    ("dilation_each", {"dilation_rate": (2, 1, 3)}),
    ("dilation_same", {"dilation_rate": (1, 2, 3), "padding": "same"}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "tanh"}),
    ("rectangle_same", {"kernel_size": (2, 4, 1), "padding": "same"}),
    ("rectangle_strides_same", {"kernel_size": (4, 2, 3), "strides": 2, "padding": "same"}),
    ("kernel_1", {"kernel_size": 1}),
    ("kernel_1_strides", {"kernel_size": 1, "strides": 2}),
    ("whole_volume", {"kernel_size": (5, 6, 7)}),
):
    _volume("conv3d_" + _label, "Conv3D", (3,), dict({"kernel_size": (2, 3, 3)}, **_options))

for _kind, _label in (("MaxPooling3D", "max_pooling3d"), ("AveragePooling3D", "average_pooling3d")):
    for _way, _options in (
        ("default", {}),
        ("same", {"padding": "same"}),
        ("overlapping", {"pool_size": 3, "strides": 2}),
        ("overlapping_same", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("rectangle", {"pool_size": (1, 2, 3), "strides": (2, 1, 2)}),
        ("strides_1_same", {"pool_size": (2, 3, 4), "strides": 1, "padding": "same"}),
        ("gaps", {"pool_size": 2, "strides": 3}),
    ):
        _volume("{}_{}".format(_label, _way), _kind, (), _options)

for _kind, _label in (
    ("GlobalMaxPooling3D", "global_max_pooling3d"),
    ("GlobalAveragePooling3D", "global_average_pooling3d"),
):
    _volume(_label + "_default", _kind, (), {})
    _volume(_label + "_channels_first", _kind, (), {"data_format": "channels_first"})

for _kind, _label, _ways in (
    ("ZeroPadding3D", "zero_padding3d", (1, (1, 0, 2), ((0, 1), (2, 0), (1, 3)))),
    ("Cropping3D", "cropping3d", (1, (1, 0, 2), ((0, 1), (2, 0), (1, 3)))),
):
    _volume(_label + "_default", _kind, (), {})
    for _way, _amount in zip(("number", "triple", "pairs"), _ways):
        _volume("{}_{}".format(_label, _way), _kind, (_amount,), {})
        _volume(
            "{}_channels_first_{}".format(_label, _way),
            _kind,
            (_amount,),
            {"data_format": "channels_first"},
            (2, 5, 6, 7),
        )

for _way, _size in (("default", 2), ("triple", (2, 1, 3))):
    _volume("up_sampling3d_" + _way, "UpSampling3D", (_size,), {}, (2, 3, 2, 2))
    _volume(
        "up_sampling3d_channels_first_" + _way,
        "UpSampling3D",
        (_size,),
        {"data_format": "channels_first"},
        (2, 2, 3, 2),
    )

FREE_FIELDS = {"*gradient_*": GRADIENT, "*output_shape": EXACT, "*": FORWARD}


def _free(label, make):
    """The same layer on volumes of two sizes, where no size but the channels' is known beforehand."""

    @case("layers_3d/{}_free_sizes".format(label), FREE_FIELDS)
    def function(keras, random):
        model = sequential(keras, [make(keras.layers, {"input_shape": FREE})])
        seed_weights(model, random)
        fields = {"shape": as_text(model.output_shape)}
        for size, shape in (("small", (2, 4, 5, 3, 2)), ("large", (3, 6, 4, 5, 2))):
            found = forward_and_gradient(keras, model, normal(random, *shape), random)
            fields.update({"{}_{}".format(size, name): value for name, value in found.items()})
        return fields


_free("conv3d", lambda L, options: L.Conv3D(2, 3, padding="same", strides=2, **options))
_free("conv3d_dilated", lambda L, options: L.Conv3D(2, (2, 2, 1), dilation_rate=2, **options))
_free("max_pooling3d", lambda L, options: L.MaxPooling3D(3, strides=2, padding="same", **options))
_free("average_pooling3d", lambda L, options: L.AveragePooling3D(2, strides=1, padding="same", **options))
_free("global_max_pooling3d", lambda L, options: L.GlobalMaxPooling3D(**options))
_free("global_average_pooling3d", lambda L, options: L.GlobalAveragePooling3D(**options))
_free("zero_padding3d", lambda L, options: L.ZeroPadding3D((1, 0, 2), **options))
_free("cropping3d", lambda L, options: L.Cropping3D(((0, 1), (1, 1), (1, 0)), **options))


@case("layers_3d/conv3d_channels_first_shapes", EXACT)
def conv3d_channels_first(keras, random):
    """Shapes of what TensorFlow 1.4 can build and, on a CPU, cannot run."""
    L = keras.layers
    found = {}
    for label, options in (
        ("valid", {}),
        ("same", {"padding": "same"}),
        ("no_bias", {"use_bias": False}),
    ):
        layer = L.Conv3D(3, (2, 3, 3), data_format="channels_first", batch_input_shape=(4, 2, 5, 6, 7), **options)
        model = sequential(keras, [layer])
        found[label] = [model.output_shape, [value.shape for value in model.get_weights()]]
    return {"shapes": as_text(found)}


@case("layers_3d/max_pooling3d_channels_first_shapes", EXACT)
def max_pooling3d_channels_first(keras, random):
    return _pooled(keras, keras.layers.MaxPooling3D)


@case("layers_3d/average_pooling3d_channels_first_shapes", EXACT)
def average_pooling3d_channels_first(keras, random):
    return _pooled(keras, keras.layers.AveragePooling3D)


def _pooled(keras, kind):
    found = {}
    for label, options in (("default", {}), ("same", {"padding": "same", "pool_size": 3, "strides": (1, 2, 3)})):
        layer = kind(data_format="channels_first", **options)
        found[label] = keras.backend.int_shape(layer(keras.layers.Input(shape=(2, 5, 6, 7))))
    return {"shapes": as_text(found)}


@case("layers_3d/zero_padding3d_and_cropping3d", EXACT)
def padded_and_cropped(keras, random):
    """A cropping takes off what a padding of the same pairs put on."""
    L = keras.layers
    pairs = ((0, 1), (2, 0), (1, 3))
    model = sequential(keras, [L.ZeroPadding3D(pairs, input_shape=VOLUME), L.Cropping3D(pairs)])
    x = normal(random, 2, *VOLUME)
    return {"output": model.predict(x), "x": x}
