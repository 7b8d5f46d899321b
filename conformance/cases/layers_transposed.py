"""Family `layers_transposed`: Conv2DTranspose and Conv3DTranspose: output, shape and gradients over their options."""

from ..case import EXACT, FORWARD, GRADIENT, as_text, case
from .helpers import forward_and_gradient, normal, seed_weights, sequential
from .layers_core import layer_case

IMAGE, VOLUME = (4, 5, 3), (3, 4, 2, 2)


def _transposed(label, kind, arguments, options, shape):
    # The batch is known since TensorFlow 1.4 cannot add a bias to volumes of an unknown number.
    layer_case(
        "layers_transposed/" + label,
        lambda L: getattr(L, kind)(*arguments, batch_input_shape=(2,) + shape, **options),
        shape,
        num_samples=2,
    )


for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": 2}),
    ("strides_same", {"strides": 2, "padding": "same"}),
    ("strides_each", {"strides": (1, 2)}),
    ("strides_each_same", {"strides": (3, 2), "padding": "same"}),
    ("strides_above_kernel", {"kernel_size": 2, "strides": 3}),
    ("strides_above_kernel_same", {"kernel_size": 2, "strides": 3, "padding": "same"}),
    ("even_kernel_same", {"kernel_size": 4, "strides": 2, "padding": "same"}),
    ("even_kernel_strides", {"kernel_size": 4, "strides": 2}),
    ("rectangle", {"kernel_size": (2, 4)}),
    ("rectangle_same", {"kernel_size": (2, 5), "padding": "same"}),
    ("kernel_1", {"kernel_size": 1}),
    ("kernel_1_strides", {"kernel_size": 1, "strides": 2}),
    ("no_bias", {"use_bias": False}),
    ("no_bias_strides_same", {"use_bias": False, "strides": 2, "padding": "same"}),
    ("activation", {"activation": "tanh"}),
):
    _transposed("conv2d_transpose_" + _label, "Conv2DTranspose", (4,), dict({"kernel_size": 3}, **_options), IMAGE)

for _label, _options in (
    ("valid", {}),
    ("same", {"padding": "same"}),
    ("strides", {"strides": 2}),
    ("strides_each_same", {"strides": (1, 2, 3), "padding": "same"}),
    ("strides_above_kernel", {"kernel_size": (2, 1, 2), "strides": 3}),
    ("rectangle_strides", {"kernel_size": (2, 1, 4), "strides": (2, 1, 2)}),
    ("kernel_1", {"kernel_size": 1}),
    ("no_bias", {"use_bias": False, "strides": 2}),
    ("activation", {"activation": "sigmoid"}),
):
    _transposed("conv3d_transpose_" + _label, "Conv3DTranspose", (3,), dict({"kernel_size": 2}, **_options), VOLUME)


@case("layers_transposed/conv2d_transpose_free_sizes", {"*gradient_*": GRADIENT, "*_shape": EXACT, "*": FORWARD})
def free_sizes(keras, random):
    """One model on images of two sizes, of which only the channels are known beforehand."""
    L = keras.layers
    fields = {}
    for padding in ("valid", "same"):
        model = sequential(
            keras, [L.Conv2DTranspose(2, 3, strides=(2, 1), padding=padding, input_shape=(None, None, 2))]
        )
        seed_weights(model, random)
        for size, shape in (("small", (2, 2, 3, 2)), ("large", (3, 5, 4, 2))):
            found = forward_and_gradient(keras, model, normal(random, *shape), random)
            fields.update({"{}_{}_{}".format(padding, size, name): value for name, value in found.items()})
    return fields


@case("layers_transposed/conv2d_transpose_of_conv2d", FORWARD)
def of_convolution(keras, random):
    """With a convolution's own kernel it is the gradient of that convolution by its input."""
    L, K = keras.layers, keras.backend
    forth = sequential(keras, [L.Conv2D(3, 3, strides=2, padding="same", use_bias=False, input_shape=(6, 7, 2))])
    kernel = normal(random, 3, 3, 2, 3)
    forth.set_weights([kernel])
    x, direction = normal(random, 2, 6, 7, 2), normal(random, 2, 3, 4, 3)
    gradient = K.gradients(K.sum(forth.output * K.constant(direction)), [forth.input])
    fields = {"gradient": K.function([forth.input], gradient)([x])[0]}
    back = sequential(
        keras, [L.Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False, input_shape=(3, 4, 3))]
    )
    back.set_weights([kernel])
    fields["transposed"] = back.predict(direction)
    return fields


def _shapes(keras, kind, kernel_size, sizes, ways):
    """Output and weights of a layer whose input has unknown sizes, or channels first."""
    found = {}
    for label, options in ways:
        for size in sizes:
            layer = kind(3, kernel_size, **options)
            output = layer(keras.layers.Input(batch_shape=size))
            found["{} {}".format(label, size)] = [
                keras.backend.int_shape(output),
                [value.shape for value in layer.get_weights()],
            ]
    return {"shapes": as_text(found)}


@case("layers_transposed/conv2d_transpose_shapes", EXACT)
def shapes(keras, random):
    """What is known of the output's shape, and the weights' shapes."""
    return _shapes(
        keras,
        keras.layers.Conv2DTranspose,
        (3, 2),
        [(None, 4, 5, 2), (6, 4, 5, 2), (None, None, 5, 2), (None, None, None, 2)],
        [
            ("valid", {}),
            ("strides", {"strides": 2}),
            ("same", {"strides": (2, 3), "padding": "same"}),
            ("no_bias", {"use_bias": False}),
        ],
    )


@case("layers_transposed/conv2d_transpose_channels_first_shapes", EXACT)
def channels_first_shapes(keras, random):
    """Shapes of what TensorFlow 1.4 can build and, on a CPU, cannot run."""
    return _shapes(
        keras,
        keras.layers.Conv2DTranspose,
        (3, 2),
        [(None, 2, 4, 5), (6, 2, 4, 5)],
        [
            ("valid", {"data_format": "channels_first"}),
            ("same", {"strides": (2, 3), "padding": "same", "data_format": "channels_first"}),
        ],
    )


@case("layers_transposed/conv3d_transpose_of_conv3d", FORWARD)
def of_volume_convolution(keras, random):
    L, K = keras.layers, keras.backend
    kernel = normal(random, 2, 2, 2, 2, 3)
    x, direction = normal(random, 2, 4, 4, 6, 2), normal(random, 2, 2, 2, 3, 3)
    forth = sequential(keras, [L.Conv3D(3, 2, strides=2, padding="same", use_bias=False, input_shape=(4, 4, 6, 2))])
    forth.set_weights([kernel])
    gradient = K.gradients(K.sum(forth.output * K.constant(direction)), [forth.input])
    fields = {"gradient": K.function([forth.input], gradient)([x])[0]}
    back = sequential(
        keras, [L.Conv3DTranspose(2, 2, strides=2, padding="same", use_bias=False, input_shape=(2, 2, 3, 3))]
    )
    back.set_weights([kernel])
    fields["transposed"] = back.predict(direction)
    return fields


@case("layers_transposed/conv3d_transpose_shapes", EXACT)
def volume_shapes(keras, random):
    return _shapes(
        keras,
        keras.layers.Conv3DTranspose,
        (3, 2, 1),
        [(6, 4, 5, 3, 2)],
        [
            ("valid", {}),
            ("strides", {"strides": 2}),
            ("same", {"strides": (2, 3, 1), "padding": "same"}),
            ("no_bias", {"use_bias": False}),
        ],
    )
