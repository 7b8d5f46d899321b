"""Family `layers_spatial`: output, shape and gradients of convolution, pooling, padding and upsampling layers."""

from .layers_core import layer_case

LINE, LINE_FREE = (11, 3), (None, 3)
IMAGE = (7, 8, 3)


def _spatial(label, kind, arguments, options, shape):
    layer_case(
        "layers_spatial/" + label,
        lambda L: getattr(L, kind)(*arguments, input_shape=shape, **options),
        shape,
        num_samples=2,
    )


for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": 2}),
    ("strides_same", {"strides": 3, "padding": "same"}),
    ("dilation", {"dilation_rate": 2}),
    ("dilation_same", {"dilation_rate": 3, "padding": "same"}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "relu"}),
    ("even_kernel_same", {"kernel_size": 4, "padding": "same"}),
    ("even_kernel_strides_same", {"kernel_size": 4, "strides": 2, "padding": "same"}),
    ("kernel_1", {"kernel_size": 1}),
):
    _spatial("conv1d_" + _label, "Conv1D", (4,), dict({"kernel_size": 3}, **_options), LINE)

for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": (2, 1)}),
    ("strides_same", {"strides": 2, "padding": "same"}),
    ("strides_same_3", {"strides": 3, "padding": "same"}),
    ("strides_above_kernel", {"kernel_size": 2, "strides": 3}),
    ("dilation", {"dilation_rate": (2, 1)}),
    ("dilation_same", {"dilation_rate": 2, "padding": "same"}),
    ("no_bias", {"use_bias": False}),
    ("activation", {"activation": "tanh"}),
    ("kernel_2_4_same", {"kernel_size": (2, 4), "padding": "same"}),
    ("kernel_4_2_strides_same", {"kernel_size": (4, 2), "strides": 2, "padding": "same"}),
    ("kernel_1", {"kernel_size": 1}),
    ("kernel_1_strides", {"kernel_size": 1, "strides": 2}),
    ("whole_image", {"kernel_size": (7, 8)}),
):
    _spatial("conv2d_" + _label, "Conv2D", (4,), dict({"kernel_size": 3}, **_options), IMAGE)

for _kind, _label in (("MaxPooling1D", "max_pooling1d"), ("AveragePooling1D", "average_pooling1d")):
    for _way, _options in (
        ("default", {}),
        ("overlapping", {"pool_size": 3, "strides": 2}),
        ("overlapping_same", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("strides_1_same", {"pool_size": 4, "strides": 1, "padding": "same"}),
        ("gaps", {"pool_size": 2, "strides": 3}),
    ):
        _spatial("{}_{}".format(_label, _way), _kind, (), _options, LINE)

for _kind, _label in (("MaxPooling2D", "max_pooling2d"), ("AveragePooling2D", "average_pooling2d")):
    for _way, _options in (
        ("default", {}),
        ("overlapping", {"pool_size": 3, "strides": 2}),
        ("overlapping_same", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("rectangle", {"pool_size": (3, 2), "strides": (1, 2)}),
        ("strides_1_same", {"pool_size": (2, 4), "strides": 1, "padding": "same"}),
        ("gaps", {"pool_size": 2, "strides": 3}),
    ):
        _spatial("{}_{}".format(_label, _way), _kind, (), _options, IMAGE)

for _kind, _label, _shape in (
    ("GlobalMaxPooling1D", "global_max_pooling1d", LINE),
    ("GlobalAveragePooling1D", "global_average_pooling1d", LINE),
    ("GlobalMaxPooling2D", "global_max_pooling2d", IMAGE),
    ("GlobalAveragePooling2D", "global_average_pooling2d", IMAGE),
):
    _spatial(_label, _kind, (), {}, _shape)
_spatial("global_max_pooling2d_channels_first", "GlobalMaxPooling2D", (), {"data_format": "channels_first"}, IMAGE)
_spatial(
    "global_average_pooling2d_channels_first", "GlobalAveragePooling2D", (), {"data_format": "channels_first"}, IMAGE
)

for _label, _padding in (("number", 2), ("pair", (1, 3))):
    _spatial("zero_padding1d_" + _label, "ZeroPadding1D", (_padding,), {}, LINE)
for _label, _padding in (("number", 2), ("pair", (1, 3)), ("pairs", ((0, 2), (3, 1)))):
    _spatial("zero_padding2d_" + _label, "ZeroPadding2D", (_padding,), {}, IMAGE)
    _spatial(
        "zero_padding2d_channels_first_" + _label,
        "ZeroPadding2D",
        (_padding,),
        {"data_format": "channels_first"},
        IMAGE,
    )
_spatial("up_sampling1d", "UpSampling1D", (3,), {}, LINE)
_spatial("up_sampling2d", "UpSampling2D", (2,), {}, IMAGE)
_spatial("up_sampling2d_pair", "UpSampling2D", ((2, 3),), {}, IMAGE)
_spatial("up_sampling2d_channels_first", "UpSampling2D", ((2, 3),), {"data_format": "channels_first"}, IMAGE)
