"""Family `backend`: the documented backend functions that layers, losses and users' own functions are written in."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, as_text, case, register
from .helpers import normal, positive

FIELDS = {"gradient_*": GRADIENT, "*": FORWARD}


def evaluate(keras, function, arrays, gradients=True):
    """The function's value at the arrays, and the gradients of the sum of its square by each of them."""
    K = keras.backend
    sources = [K.variable(array) for array in arrays]
    value = function(K, *sources)
    fields = {"value": K.eval(value), "dtype": K.dtype(value)}
    fields["ndim"] = K.ndim(value)
    if gradients:
        for index, gradient in enumerate(K.gradients(K.sum(value * value), sources)):
            if gradient is not None:
                # the gradient of a gathered source may be held by rows; reshape makes an array of it
                fields["gradient_{}".format(index)] = K.eval(K.reshape(gradient, K.int_shape(sources[index])))
    return fields


def _function(label, function, *makers, **options):
    def run(keras, random):
        return evaluate(keras, function, [make(random) for make in makers], options.get("gradients", True))

    register("backend/" + label, run, FIELDS)


def of(*shape):
    return lambda random: normal(random, *shape)


def above_zero(*shape):
    return lambda random: positive(random, *shape)


for _name in (
    "abs",
    "exp",
    "square",
    "sin",
    "cos",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "relu",
    "elu",
    "hard_sigmoid",
    "softmax",
):
    _function(_name, lambda K, x, name=_name: getattr(K, name)(x), of(3, 4))
for _name in ("sign", "round"):
    _function(_name, lambda K, x, name=_name: getattr(K, name)(x * 3.0), of(3, 4), gradients=False)
for _name in ("sqrt", "log"):
    _function(_name, lambda K, x, name=_name: getattr(K, name)(x), above_zero(3, 4))
_function("sqrt_of_negative", lambda K, x: K.sqrt(x), of(3, 4), gradients=False)
_function("pow", lambda K, x: K.pow(x, 3), of(3, 4))
_function("clip", lambda K, x: K.clip(x, -0.5, 0.7), of(3, 4))
_function("maximum", lambda K, x, y: K.maximum(x, y), of(3, 4), of(3, 4))
_function("minimum_broadcast", lambda K, x, y: K.minimum(x, y), of(3, 4), of(4))
_function(
    "arithmetic", lambda K, x, y: (x + y) * (x - 2.0) / (3.0 + y * y) - (-x) + 1.0 / (2.0 + x * x), of(3, 4), of(3, 1)
)
_function("l2_normalize", lambda K, x: K.l2_normalize(x, axis=-1), of(3, 4))
_function("l2_normalize_axis_0", lambda K, x: K.l2_normalize(x, axis=0), of(3, 4))
for _name in ("sum", "mean", "max", "min", "prod", "var", "std"):
    for _label, _options in (
        ("", {}),
        ("_axis", {"axis": 1}),
        ("_axes", {"axis": [0, 2]}),
        ("_keepdims", {"axis": -1, "keepdims": True}),
    ):
        if _name in ("max", "min", "prod") and _label == "_axes":
            continue
        _function(
            _name + _label, lambda K, x, name=_name, options=_options: getattr(K, name)(x, **options), of(3, 4, 2)
        )
for _name in ("argmax", "argmin"):
    _function(_name, lambda K, x, name=_name: getattr(K, name)(x), of(3, 4), gradients=False)
    _function(_name + "_axis", lambda K, x, name=_name: getattr(K, name)(x, axis=0), of(3, 4), gradients=False)
for _name in ("all", "any"):
    _function(_name, lambda K, x, name=_name: getattr(K, name)(K.greater(x, -0.5), axis=1), of(3, 4), gradients=False)
for _name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"):
    _function(
        _name, lambda K, x, y, name=_name: getattr(K, name)(K.round(x), K.round(y)), of(3, 4), of(3, 4), gradients=False
    )
_function("dot", lambda K, x, y: K.dot(x, y), of(3, 4), of(4, 5))
_function("dot_rank_3", lambda K, x, y: K.dot(x, y), of(2, 3, 4), of(4, 5))
_function("dot_rank_3_rank_3", lambda K, x, y: K.dot(x, y), of(2, 3, 4), of(5, 4, 3))
_function("batch_dot", lambda K, x, y: K.batch_dot(x, y), of(3, 4, 5), of(3, 5, 2))
_function("batch_dot_axes", lambda K, x, y: K.batch_dot(x, y, axes=[2, 2]), of(3, 4, 5), of(3, 6, 5))
_function("batch_dot_vectors", lambda K, x, y: K.batch_dot(x, y, axes=1), of(3, 5), of(3, 5))
_function("batch_dot_mixed", lambda K, x, y: K.batch_dot(x, y, axes=[2, 1]), of(3, 4, 5), of(3, 5))
_function("transpose", lambda K, x: K.transpose(x), of(3, 4))
_function("permute_dimensions", lambda K, x: K.permute_dimensions(x, (2, 0, 1)), of(3, 4, 2))
_function("reshape", lambda K, x: K.reshape(x, (4, 6)), of(3, 8))
_function("reshape_inferred", lambda K, x: K.reshape(x, (-1, 4)), of(3, 8))
_function("expand_dims", lambda K, x: K.expand_dims(x, 1), of(3, 4))
_function("squeeze", lambda K, x: K.squeeze(x, 1), of(3, 1, 4))
_function("flatten", lambda K, x: K.flatten(x), of(3, 1, 4))
_function("batch_flatten", lambda K, x: K.batch_flatten(x), of(3, 2, 4))
_function("concatenate", lambda K, x, y: K.concatenate([x, y]), of(3, 2), of(3, 4))
_function("concatenate_axis", lambda K, x, y: K.concatenate([x, y], axis=0), of(3, 2), of(4, 2))
_function("stack", lambda K, x, y: K.stack([x, y], axis=1), of(3, 2), of(3, 2))
_function("repeat", lambda K, x: K.repeat(x, 3), of(3, 2))
_function("repeat_elements", lambda K, x: K.repeat_elements(x, 3, axis=1), of(3, 2))
_function("reverse", lambda K, x: K.reverse(x, 1), of(3, 4))
_function("reverse_axes", lambda K, x: K.reverse(x, [0, 1]), of(3, 4))
_function("slices", lambda K, x: K.concatenate([x[:, 1:3], x[:, -2:], x[:, ::2][:, :1]]), of(3, 5))
_function("index", lambda K, x: x[1] + x[:, 1], of(4, 4))
_function("gather", lambda K, x: K.gather(x, K.constant(np.array([[0, 2], [2, 1]]), dtype="int32")), of(3, 4))
_function("one_hot", lambda K, x: K.one_hot(K.cast(K.abs(x * 3.0), "int32"), 4), of(3, 2), gradients=False)
_function("cast", lambda K, x: K.cast(x * 3.0, "int32"), of(3, 4), gradients=False)
_function("ones_like", lambda K, x: K.ones_like(x), of(3, 4), gradients=False)
_function("zeros_like", lambda K, x: K.zeros_like(x, dtype="int32"), of(3, 4), gradients=False)
_function("stop_gradient", lambda K, x: x * K.stop_gradient(x), of(3, 4))
_function("switch_scalar", lambda K, x, y: K.switch(K.greater(K.sum(x), 0.0), x, y * 2.0), of(3, 4), of(3, 4))
_function("bias_add", lambda K, x, b: K.bias_add(x, b), of(2, 3, 4), of(4))
_function(
    "bias_add_channels_first", lambda K, x, b: K.bias_add(x, b, data_format="channels_first"), of(2, 4, 3, 5), of(4)
)
_function(
    "batch_normalization",
    lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g),
    of(3, 4),
    of(4),
    above_zero(4),
    of(4),
    of(4),
)
_function(
    "normalize_batch_in_training",
    lambda K, x, g, b: K.normalize_batch_in_training(x, g, b, [0, 1])[0],
    of(3, 2, 4),
    of(4),
    of(4),
)
_function("conv2d", lambda K, x, w: K.conv2d(x, w, padding="same", strides=(2, 1)), of(2, 6, 7, 3), of(3, 2, 3, 4))
_function(
    "conv2d_channels_first",
    lambda K, x, w: K.conv2d(x, w, data_format="channels_first"),
    of(2, 3, 6, 7),
    of(3, 2, 3, 4),
)
_function("pool2d", lambda K, x: K.pool2d(x, (3, 2), strides=(2, 2), padding="same"), of(2, 6, 7, 3))
_function("pool2d_average", lambda K, x: K.pool2d(x, (3, 2), strides=(2, 1), pool_mode="avg"), of(2, 6, 7, 3))
_function("temporal_padding", lambda K, x: K.temporal_padding(x, (1, 2)), of(2, 3, 4))
_function("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, ((1, 0), (2, 1))), of(2, 3, 4, 2))
_function("resize_images", lambda K, x: K.resize_images(x, 2, 3, "channels_last"), of(2, 3, 4, 2))
_function(
    "categorical_crossentropy_logits",
    lambda K, x: K.categorical_crossentropy(K.constant(np.eye(4)[:3]), x, from_logits=True),
    of(3, 4),
)
_function(
    "binary_crossentropy_logits",
    lambda K, x: K.binary_crossentropy(K.constant(np.eye(4)[:3]), x, from_logits=True),
    of(3, 4),
)
_function(
    "sparse_categorical_crossentropy_logits",
    lambda K, x: K.sparse_categorical_crossentropy(K.constant([1, 0, 3]), x, from_logits=True),
    of(3, 4),
)
_function("in_top_k", lambda K, x: K.in_top_k(x, K.constant([1, 0, 3], dtype="int32"), 2), of(3, 4), gradients=False)


@case("backend/functions_and_updates", FORWARD)
def functions_and_updates(keras, random):
    """Outputs are of before the updates; each kind of update; a variable shared by two functions."""
    K = keras.backend
    x = K.placeholder(shape=(None, 3))
    total, count, average = K.zeros((3,)), K.variable(1.0), K.variable(np.array([1.0, 2.0, 3.0]))
    step = K.function(
        [x],
        [K.sum(x, axis=0) + total, count * 1.0],
        updates=[
            K.update_add(total, K.sum(x, axis=0)),
            K.update_sub(count, 0.25),
            K.moving_average_update(average, K.mean(x, axis=0), 0.9),
        ],
    )
    read = K.function([x], [total * K.sum(x), average * 1.0])
    values = [step([normal(random, size, 3)]) for size in (2, 5, 1)]
    fields = {"first_{}".format(index): value[0] for index, value in enumerate(values)}
    fields.update({"second_{}".format(index): value[1] for index, value in enumerate(values)})
    fields["total"], fields["average"] = read([normal(random, 2, 3)])
    fields["count"] = K.get_value(count)
    K.set_value(count, 7.0)
    fields["count_set"] = K.eval(count + 1.0)
    assigned = K.function([x], [], updates=[(total, total * 0.0 + 2.0), K.update(count, count * 3.0)])
    fields["nothing"] = len(assigned([normal(random, 1, 3)]))
    fields["batch"] = np.concatenate([np.ravel(value) for value in K.batch_get_value([total, count])])
    K.batch_set_value([(total, np.ones(3)), (count, 4.0)])
    fields["batch_set"] = np.concatenate([np.ravel(value) for value in K.batch_get_value([total, count])])
    return fields


@case("backend/learning_phase", FORWARD)
def learning_phase(keras, random):
    """The phase that is fed picks the branch; a set phase fixes it."""
    K = keras.backend
    x = K.placeholder(shape=(2,))
    both = K.function([x, K.learning_phase()], [K.in_train_phase(x * 2.0, x), K.in_test_phase(x * 3.0, x)])
    value = normal(random, 2)
    fields = {}
    for phase in (0, 1):
        fields["train_{}".format(phase)], fields["test_{}".format(phase)] = both([value, phase])
    fields["training_true"] = K.function([x], [K.in_train_phase(x * 2.0, x, training=True)])([value])[0]
    fields["training_false"] = K.function([x], [K.in_train_phase(lambda: x * 2.0, lambda: x, training=False)])([value])[
        0
    ]
    K.set_learning_phase(1)
    fields["set"] = K.function([x], [K.in_train_phase(x * 2.0, x)])([value])[0]
    fields["phase"] = K.learning_phase()
    return fields


@case("backend/shapes_and_types", EXACT)
def shapes_and_types(keras, random):
    K = keras.backend
    x, v = K.placeholder(shape=(None, 3, None)), K.variable(np.zeros((2, 3)), name="kernel")
    found = {
        "int_shape": [K.int_shape(x), K.int_shape(v), K.int_shape(K.sum(x, axis=1)), K.int_shape(K.constant(1.0))],
        "ndim": [K.ndim(x), K.ndim(v), K.ndim(K.placeholder(ndim=4))],
        "dtype": [
            K.dtype(x),
            K.dtype(v),
            K.dtype(K.variable(1, dtype="int32")),
            K.dtype(K.constant(1.0, dtype="float64")),
        ],
        "count_params": [int(K.count_params(v))],
        "epsilon": K.epsilon(),
        "floatx": K.floatx(),
        "image_data_format": K.image_data_format(),
        "uids": [K.get_uid("a"), K.get_uid("a"), K.get_uid("b")],
    }
    K.set_epsilon(1e-3)
    K.set_floatx("float64")
    K.set_image_data_format("channels_first")
    found["set"] = [
        K.epsilon(),
        K.floatx(),
        K.image_data_format(),
        K.dtype(K.variable(1.0)),
        str(K.cast_to_floatx([1]).dtype),
    ]
    return {
        "found": as_text(found),
        "shape": K.function([x], [K.shape(x)])([np.zeros((4, 3, 5))])[0],
        "eye": K.eval(K.eye(3)),
        "arange": K.eval(K.arange(1, 7, 2)),
        "zeros": K.eval(K.zeros((2, 2))),
        "ones": K.eval(K.ones((2,), dtype="float64")),
        "constant": K.eval(K.constant(2.0, shape=(2, 2))),
    }


@case("backend/gradients", FORWARD)
def gradients(keras, random):
    """Of several sources, of one that the loss does not depend on, and of a gradient."""
    K = keras.backend
    x, y, z = K.variable(normal(random, 3)), K.variable(normal(random, 3)), K.variable(1.0)
    loss = K.sum(K.pow(x, 3) * y)
    first = K.gradients(loss, [x, y, z])
    second = K.gradients(K.sum(first[0] * y), [x, y])
    return {
        "x": K.eval(first[0]),
        "y": K.eval(first[1]),
        "unconnected": first[2] is None,
        "x_again": K.eval(second[0]),
        "y_again": K.eval(second[1]),
    }


@case("backend/integers_divided", EXACT)
def integers_divided(keras, random):
    """Integers divided by `/` become floats; numbers of arange are floats where one of its arguments is."""
    K = keras.backend
    fields = {}
    for dtype in ("uint8", "int16", "int32"):
        x = K.constant([3, 8], dtype=dtype)
        for label, y in (("half", x / 2), ("inverse", 6 / x)):
            fields[dtype + "_" + label], fields[dtype + "_" + label + "_dtype"] = K.eval(y), K.dtype(y)
    for arguments in ((4,), (2.5,), (1.0, 3.0), (0, 2, 0.5), (4, 0, -2)):
        y = K.arange(*arguments)
        label = "arange" + "_".join(str(argument) for argument in arguments)
        fields[label], fields[label + "_dtype"] = K.eval(y), K.dtype(y)
    x = K.placeholder(shape=(2,))
    fields["of_nothing"] = len(K.function([x], [])([np.ones(2)]))
    return fields
