"""Family `layers_options`: options of convolutions, pools and borders together; sizes unknown or at their edge."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, register
from .helpers import forward_and_gradient, normal, seed_weights, sequential
from .layers_core import layer_case

PREFIXED = {"*gradient_*": GRADIENT, "*shape*": EXACT, "*": FORWARD}
STEPS = (
    ("plain", {}),
    ("strides_2", {"strides": 2}),
    ("strides_3", {"strides": 3}),
    ("dilation_2", {"dilation_rate": 2}),
    ("dilation_3", {"dilation_rate": 3}),
)


def _convolved(kind, padding, options, kernel_size, shape):
    """With a bias and an activation, and with neither."""

    def function(keras, random):
        fields = {}
        x = normal(random, 2, *shape)
        for way, more in (("plain", {"use_bias": False}), ("full", {"activation": "tanh"})):
            arguments = dict(options, padding=padding, input_shape=shape, **more)
            model = sequential(keras, [getattr(keras.layers, kind)(3, kernel_size, **arguments)])
            seed_weights(model, random)
            found = forward_and_gradient(keras, model, x, random)
            fields.update({"{}_{}".format(way, name): value for name, value in found.items()})
        return fields

    return function


for _padding in ("valid", "same"):
    for _label, _options in STEPS:
        for _dims, _kind, _kernel_size, _shape in (
            ("1d", "Conv1D", 3, (9, 2)),
            ("2d", "Conv2D", (3, 2), (8, 7, 2)),
        ):
            register(
                "layers_options/conv{}_{}_{}".format(_dims, _padding, _label),
                _convolved(_kind, _padding, _options, _kernel_size, _shape),
                PREFIXED,
            )

for _label, _make, _shape in (
    ("conv1d_kernel_above_line_same", lambda L, s: L.Conv1D(2, 5, padding="same", input_shape=s), (3, 2)),
    ("conv1d_one_step", lambda L, s: L.Conv1D(2, 1, input_shape=s), (1, 3)),
    ("conv1d_one_of_each", lambda L, s: L.Conv1D(1, 2, input_shape=s), (4, 1)),
    ("conv2d_kernel_above_image_same", lambda L, s: L.Conv2D(2, (5, 4), padding="same", input_shape=s), (3, 2, 2)),
    ("conv2d_one_of_each", lambda L, s: L.Conv2D(1, 2, input_shape=s), (3, 4, 1)),
    ("conv2d_strides_each_same", lambda L, s: L.Conv2D(3, 3, strides=(3, 2), padding="same", input_shape=s), (8, 7, 2)),
    ("conv2d_dilation_each_same", lambda L, s: L.Conv2D(3, 2, dilation_rate=(1, 3), padding="same", input_shape=s),
     (5, 6, 2)),
    ("conv2d_batch_known", lambda L, s: L.Conv2D(3, 2, batch_input_shape=(3,) + s), (4, 5, 2)),
    ("max_pooling1d_1", lambda L, s: L.MaxPooling1D(1, input_shape=s), (5, 2)),
    ("max_pooling1d_1_strides", lambda L, s: L.MaxPooling1D(1, strides=2, input_shape=s), (5, 2)),
    ("max_pooling1d_above_line_same", lambda L, s: L.MaxPooling1D(7, padding="same", input_shape=s), (4, 2)),
    ("average_pooling1d_above_line_same", lambda L, s: L.AveragePooling1D(7, padding="same", input_shape=s), (4, 2)),
    ("average_pooling1d_whole_line", lambda L, s: L.AveragePooling1D(4, input_shape=s), (4, 2)),
    ("max_pooling2d_above_image_same", lambda L, s: L.MaxPooling2D((6, 2), strides=1, padding="same", input_shape=s),
     (4, 3, 2)),
    ("average_pooling2d_above_image_same",
     lambda L, s: L.AveragePooling2D((6, 2), strides=1, padding="same", input_shape=s), (4, 3, 2)),
    ("average_pooling2d_strides_each_same",
     lambda L, s: L.AveragePooling2D((3, 2), strides=(2, 3), padding="same", input_shape=s), (7, 8, 2)),
    ("max_pooling2d_whole_image", lambda L, s: L.MaxPooling2D((4, 3), input_shape=s), (4, 3, 2)),
    ("zero_padding1d_0", lambda L, s: L.ZeroPadding1D(0, input_shape=s), (4, 2)),
    ("zero_padding1d_default", lambda L, s: L.ZeroPadding1D(input_shape=s), (4, 2)),
    ("zero_padding2d_0", lambda L, s: L.ZeroPadding2D(0, input_shape=s), (4, 3, 2)),
    ("zero_padding2d_default", lambda L, s: L.ZeroPadding2D(input_shape=s), (4, 3, 2)),
    ("zero_padding2d_one_side", lambda L, s: L.ZeroPadding2D(((0, 0), (3, 0)), input_shape=s), (4, 3, 2)),
    ("up_sampling1d_default", lambda L, s: L.UpSampling1D(input_shape=s), (4, 2)),
    ("up_sampling1d_1", lambda L, s: L.UpSampling1D(1, input_shape=s), (4, 2)),
    ("up_sampling2d_default", lambda L, s: L.UpSampling2D(input_shape=s), (4, 3, 2)),
    ("up_sampling2d_1", lambda L, s: L.UpSampling2D((1, 3), input_shape=s), (4, 3, 2)),
    ("cropping1d_default", lambda L, s: L.Cropping1D(input_shape=s), (5, 2)),
    ("cropping1d_number", lambda L, s: L.Cropping1D(2, input_shape=s), (5, 2)),
    ("cropping1d_pair", lambda L, s: L.Cropping1D((0, 3), input_shape=s), (5, 2)),
    ("cropping1d_0", lambda L, s: L.Cropping1D(0, input_shape=s), (5, 2)),
    ("cropping2d_default", lambda L, s: L.Cropping2D(input_shape=s), (5, 6, 2)),
    ("cropping2d_number", lambda L, s: L.Cropping2D(1, input_shape=s), (5, 6, 2)),
    ("cropping2d_pair", lambda L, s: L.Cropping2D((1, 2), input_shape=s), (5, 6, 2)),
    ("cropping2d_pairs", lambda L, s: L.Cropping2D(((1, 0), (2, 3)), input_shape=s), (5, 6, 2)),
    ("cropping2d_one_side", lambda L, s: L.Cropping2D(((0, 0), (0, 3)), input_shape=s), (5, 6, 2)),
    ("cropping2d_channels_first_number", lambda L, s: L.Cropping2D(1, data_format="channels_first", input_shape=s),
     (2, 5, 6)),
    ("cropping2d_channels_first_pairs",
     lambda L, s: L.Cropping2D(((1, 0), (2, 3)), data_format="channels_first", input_shape=s), (2, 5, 6)),
):  # fmt: skip
    layer_case("layers_options/" + _label, lambda L, make=_make, s=_shape: make(L, s), _shape)


@case("layers_options/max_pooling2d_ties", PREFIXED)
def ties(keras, random):
    """Where several elements of a window are the largest, one of them takes the gradient."""
    L = keras.layers
    model = sequential(keras, [L.MaxPooling2D(2, input_shape=(4, 4, 2))])
    x = random.randint(2, size=(4, 4, 4, 2)).astype("float32")
    return forward_and_gradient(keras, model, x, random)


def _free(label, make, shape, sizes):
    """One model on inputs of several sizes that are unknown beforehand."""

    @case("layers_options/{}_free_sizes".format(label), PREFIXED)
    def function(keras, random):
        model = sequential(keras, [make(keras.layers, {"input_shape": shape})])
        seed_weights(model, random)
        fields = {"shape": as_text(model.output_shape)}
        for size in sizes:
            found = forward_and_gradient(keras, model, normal(random, *size), random)
            prefix = "x".join(str(each) for each in size)
            fields.update({"{}_{}".format(prefix, name): value for name, value in found.items()})
        return fields


FREE_LINE, LINES = (None, 2), ((2, 5, 2), (3, 8, 2))
FREE_IMAGE, IMAGES = (None, None, 2), ((2, 5, 6, 2), (3, 7, 4, 2))
for _label, _make in (
    ("conv1d", lambda L, options: L.Conv1D(3, 3, strides=2, **options)),
    ("conv1d_same", lambda L, options: L.Conv1D(3, 4, strides=2, padding="same", **options)),
    ("conv1d_dilated", lambda L, options: L.Conv1D(3, 2, dilation_rate=2, padding="same", **options)),
    ("max_pooling1d", lambda L, options: L.MaxPooling1D(3, strides=2, padding="same", **options)),
    ("average_pooling1d", lambda L, options: L.AveragePooling1D(2, **options)),
    ("global_max_pooling1d", lambda L, options: L.GlobalMaxPooling1D(**options)),
    ("global_average_pooling1d", lambda L, options: L.GlobalAveragePooling1D(**options)),
    ("zero_padding1d", lambda L, options: L.ZeroPadding1D((1, 2), **options)),
    ("cropping1d", lambda L, options: L.Cropping1D((1, 2), **options)),
    ("dense", lambda L, options: L.Dense(3, activation="tanh", **options)),
    ("batch_normalization", lambda L, options: L.BatchNormalization(**options)),
    ("activation", lambda L, options: L.Activation("softmax", **options)),
):
    _free(_label, _make, FREE_LINE, LINES)
for _label, _make in (
    ("conv2d", lambda L, options: L.Conv2D(3, 3, strides=(2, 1), **options)),
    ("conv2d_same", lambda L, options: L.Conv2D(3, (3, 4), strides=2, padding="same", **options)),
    ("conv2d_dilated", lambda L, options: L.Conv2D(3, 2, dilation_rate=(2, 1), **options)),
    ("max_pooling2d", lambda L, options: L.MaxPooling2D(3, strides=2, padding="same", **options)),
    ("average_pooling2d", lambda L, options: L.AveragePooling2D((2, 3), strides=1, padding="same", **options)),
    ("global_max_pooling2d", lambda L, options: L.GlobalMaxPooling2D(**options)),
    ("global_average_pooling2d", lambda L, options: L.GlobalAveragePooling2D(**options)),
    ("zero_padding2d", lambda L, options: L.ZeroPadding2D(((1, 0), (2, 1)), **options)),
    ("cropping2d", lambda L, options: L.Cropping2D(((1, 0), (2, 1)), **options)),
    ("up_sampling2d", lambda L, options: L.UpSampling2D((2, 3), **options)),
    ("permute", lambda L, options: L.Permute((3, 1, 2), **options)),
):
    _free(_label, _make, FREE_IMAGE, IMAGES)


def _channels_first(label, make, sizes):
    """Shapes of what TensorFlow 1.4 can build and, on a CPU, cannot run."""

    def function(keras, random):
        found = []
        for size in sizes:
            layer = make(keras.layers)
            output = layer(keras.layers.Input(batch_shape=size))
            found.append([keras.backend.int_shape(output), [value.shape for value in layer.get_weights()]])
        return {"shapes": as_text(found)}

    register("layers_options/{}_channels_first_shapes".format(label), function, EXACT)


FIRST = {"data_format": "channels_first"}
FIRST_SIZES = ((None, 2, 7, 6), (3, 2, 7, 6), (None, 2, None, 6))
for _label, _make in (
    ("conv2d", lambda L: L.Conv2D(3, (3, 2), strides=(2, 1), **FIRST)),
    ("conv2d_same", lambda L: L.Conv2D(3, 3, strides=2, padding="same", use_bias=False, **FIRST)),
    ("conv2d_dilated", lambda L: L.Conv2D(3, 2, dilation_rate=2, **FIRST)),
    ("max_pooling2d", lambda L: L.MaxPooling2D((3, 2), **FIRST)),
    ("max_pooling2d_same", lambda L: L.MaxPooling2D(3, strides=2, padding="same", **FIRST)),
    ("average_pooling2d", lambda L: L.AveragePooling2D(2, strides=(1, 3), **FIRST)),
    ("up_sampling2d", lambda L: L.UpSampling2D((2, 3), **FIRST)),
):
    # Of a dilated convolution TensorFlow 1.4 forgets the sizes that it knows beside one that it does not.
    _channels_first(_label, _make, FIRST_SIZES[:2] if _label in ("conv2d_dilated", "up_sampling2d") else FIRST_SIZES)


@case("layers_options/image_data_format_as_default", EXACT)
def default_format(keras, random):
    """The data format that is set when a layer is made is that layer's."""
    L, K = keras.layers, keras.backend
    K.set_image_data_format("channels_first")
    kinds = (
        lambda: L.Conv2D(3, 2),
        lambda: L.MaxPooling2D(),
        lambda: L.AveragePooling2D(),
        lambda: L.GlobalMaxPooling2D(),
        lambda: L.ZeroPadding2D(),
        lambda: L.UpSampling2D(),
    )
    found = [make().get_config()["data_format"] for make in kinds]
    tensor = L.Input(shape=(2, 5, 6))
    shapes = [K.int_shape(layer(tensor)) for layer in (L.GlobalMaxPooling2D(), L.ZeroPadding2D(1), L.UpSampling2D(2))]
    K.set_image_data_format("channels_last")
    found.append(L.Conv2D(3, 2).get_config()["data_format"])
    x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)
    model = sequential(keras, [L.ZeroPadding2D(1, input_shape=(2, 2, 2))])
    return {"formats": as_text(found), "shapes": as_text(shapes), "last": model.predict(x)}
