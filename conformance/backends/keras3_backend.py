"""`keras.backend` of r1.4 in the words of Keras 3: each function is that of `keras.ops` with the same meaning.

What has no such counterpart is not here, which makes the cases that ask for it absent.
"""

import types

import keras
import numpy as np
from keras import ops
from keras.src import backend as engine
from keras.src.layers.merging.dot import batch_dot as _batch_dot
from keras.src.ops.operation import Operation

from ..case import Absent
from . import keras3_graph as graph

_phase = [None]
_in_training = [False]


class training_step:
    """Within a step that Keras 3 itself traces, a `K.variable` is a number like any other."""

    def __enter__(self):
        _in_training[0] = True

    def __exit__(self, *error):
        _in_training[0] = False


class _Called(Operation):
    """A function of tensors as one recorded step."""

    def __init__(self, function, options):
        super().__init__(name="called")
        self._called, self._options = function, options

    def call(self, *arguments):
        return self._called(*arguments, **self._options)

    def compute_output_spec(self, *arguments):
        return engine.compute_output_spec(self.call, *arguments)


def recorded(function):
    """The function, recorded as one step where it is given something symbolic."""

    def run(*arguments, **options):
        symbols = [each for each in keras.tree.flatten((arguments, options)) if graph.is_symbolic(each)]
        if not symbols:
            return function(*arguments, **options)
        named = list(options)

        def positional(*values):
            fixed = values[: len(arguments)]
            return function(*fixed, **dict(zip(named, values[len(arguments) :])))

        tensors = list(arguments) + [options[name] for name in named]
        places = [index for index, each in enumerate(tensors) if graph.is_symbolic(each)]

        def of_symbols(*values):
            filled = list(tensors)
            for place, value in zip(places, values):
                filled[place] = value
            return positional(*filled)

        return _Called(of_symbols, {})(*[tensors[place] for place in places])

    run.__name__ = getattr(function, "__name__", "function")
    return run


def _axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _reduction(function):
    return lambda x, axis=None, keepdims=False: function(x, axis=_axis(axis), keepdims=keepdims)


def variable(value, dtype=None, name=None, constraint=None):
    dtype = dtype or keras.config.floatx()
    if _in_training[0]:
        return ops.convert_to_tensor(value, dtype=dtype)
    if graph.is_symbolic(value):
        value = eval_(value)
    return graph.Held(graph.as_array(value), dtype, name)


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    if sparse:
        raise Absent("backend.placeholder(sparse=)")
    shape = tuple(shape) if shape is not None else (None,) * ndim
    return keras.KerasTensor(shape, dtype=dtype or keras.config.floatx(), name=name or "placeholder")


def function(inputs, outputs, updates=None, **options):
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("`inputs` to a function should be a list or tuple.")
    if options:
        raise ValueError("unknown options of a function: {}".format(sorted(options)))
    flat = []
    for update in updates or []:
        flat.extend(update if isinstance(update, list) else [update])
    return graph.Function(list(inputs), list(outputs), flat, _phase[0] or 0)


def eval_(x):
    return graph.as_array(graph.Run({}, bool(_phase[0] or 0)).value(x))


def get_value(x):
    return graph.as_array(x.value) if isinstance(x, (graph.Held, keras.Variable)) else graph.as_array(x)


def set_value(x, value):
    if isinstance(x, graph.Held):
        x.value = np.asarray(value, dtype=x.value.dtype)
    else:
        x.assign(value)


def learning_phase():
    return graph.PHASE if _phase[0] is None else _phase[0]


def set_learning_phase(value):
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    _phase[0] = value


class _InPhase(keras.layers.Layer):
    """Picks by the phase in which the layer around it is called."""

    def call(self, values, training=None):
        return values[0] if training else values[1]

    def compute_output_shape(self, shapes):
        return shapes[0]


def in_train_phase(x, alt, training=None):
    x, alt = (each() if callable(each) and not graph.is_symbolic(each) else each for each in (x, alt))
    if isinstance(training, (bool, int)):
        return x if training else alt
    if _phase[0] is not None:
        return x if _phase[0] else alt
    return _InPhase(name="phase")([x, alt])


def shape(x):
    if graph.is_symbolic(x) and any(size is None for size in x.shape):
        raise Absent("backend.shape")
    return tuple(ops.shape(x))


def _cond_or_value(value):
    return value() if callable(value) and not graph.is_symbolic(value) else value


def _constant(value, dtype=None, shape=None, name=None):
    dtype = dtype or keras.config.floatx()
    return ops.convert_to_tensor(value, dtype=dtype) if shape is None else ops.full(shape, value, dtype=dtype)


def _arange(start, stop=None, step=1, dtype="int32"):
    """The default type is that of the bounds; another one is asked for."""
    return ops.arange(start, stop, step, dtype=None if dtype == "int32" else dtype)


def _like(function):
    return lambda x, dtype=None, name=None: function(x, dtype=dtype)


def _made(function):
    return lambda shape, dtype=None, name=None: variable(function(shape), dtype, name)


def _spatial(function, rank, pooling=False):
    """Arguments of convolutions: data_format and padding are called as they were."""

    def run(x, kernel, strides=(1,) * rank, padding="valid", data_format=None, dilation_rate=1):
        return function(x, kernel, strides, padding, data_format, dilation_rate)

    def run_1d(x, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
        if padding == "causal":
            raise Absent("backend.conv1d(padding='causal')")
        return function(x, kernel, strides, padding, data_format, dilation_rate)

    return run_1d if rank == 1 else run


def _pool(x, pool_size, strides=None, padding="valid", data_format=None, pool_mode="max"):
    strides = strides or (1,) * len(pool_size)
    return {"max": ops.max_pool, "avg": ops.average_pool}[pool_mode](x, pool_size, strides, padding, data_format)


def _pad_spatial(num):
    def run(x, padding=((1, 1),) * num, data_format=None):
        data_format = data_format or keras.config.image_data_format()
        inner = [tuple(pair) for pair in padding]
        around = [(0, 0)] + (inner + [(0, 0)] if data_format == "channels_last" else [(0, 0)] + inner)
        return ops.pad(x, around)

    return run


def _bias_add(x, bias, data_format=None):
    if (data_format or keras.config.image_data_format()) == "channels_first" and len(x.shape) > 2:
        bias = ops.reshape(bias, (1, bias.shape[0]) + (1,) * (len(x.shape) - 2))
    return ops.add(x, bias)


def _batch_normalization(x, mean, var, beta, gamma, epsilon=1e-3):
    return ops.batch_normalization(x, mean, var, -1, beta, gamma, epsilon)


def _batch_set_value(pairs):
    for target, value in pairs:
        set_value(target, value)


def _numeric():
    same = (
        "abs exp square sqrt log sign round sin cos maximum minimum equal not_equal greater greater_equal less "
        "less_equal sigmoid tanh softplus softsign hard_sigmoid clip dot transpose squeeze reshape tile "
        "stop_gradient cast logsumexp"
    ).split()
    found = {name: getattr(ops, name) for name in same}
    for name in "sum mean max min prod var std all any".split():
        found[name] = _reduction(getattr(ops, name))
    for function in (ops.argmax, ops.argmin):
        found[function.__name__] = lambda x, axis=-1, function=function: function(x, axis=axis)
    for function in (ops.cumsum, ops.cumprod):
        found[function.__name__] = lambda x, axis=0, function=function: function(x, axis=axis)
    return found


def _named():
    return {
        "pow": ops.power,
        "elu": lambda x, alpha=1.0: ops.elu(x, alpha),
        "relu": lambda x, alpha=0.0, max_value=None: keras.activations.relu(x, alpha, max_value),
        "softmax": lambda x: ops.softmax(x, axis=-1),
        "l2_normalize": lambda x, axis=None: ops.normalize(x, axis=axis, order=2),
        "batch_dot": recorded(_batch_dot),
        "permute_dimensions": lambda x, pattern: ops.transpose(x, tuple(pattern)),
        "flatten": lambda x: ops.reshape(x, (-1,)),
        "batch_flatten": lambda x: ops.reshape(x, (-1, int(np.prod(x.shape[1:])))),
        "concatenate": lambda tensors, axis=-1: ops.concatenate(tensors, axis=axis),
        "stack": lambda x, axis=0: ops.stack(x, axis=axis),
        "expand_dims": lambda x, axis=-1: ops.expand_dims(x, axis),
        "repeat": lambda x, n: ops.repeat(ops.expand_dims(x, 1), n, axis=1),
        "repeat_elements": lambda x, rep, axis: ops.repeat(x, rep, axis=axis),
        "reverse": lambda x, axes: ops.flip(x, axis=_axis(axes)),
        "gather": lambda reference, indices: ops.take(reference, indices, axis=0),
        "one_hot": lambda indices, num_classes: ops.one_hot(indices, num_classes),
        "ones_like": _like(ops.ones_like),
        "zeros_like": _like(ops.zeros_like),
        "switch": lambda condition, then, otherwise: ops.where(
            condition, _cond_or_value(then), _cond_or_value(otherwise)
        ),
        "bias_add": _bias_add,
        "batch_normalization": _batch_normalization,
        "conv1d": _spatial(ops.conv, 1),
        "conv2d": _spatial(ops.conv, 2),
        "conv3d": _spatial(ops.conv, 3),
        "pool2d": _pool,
        "pool3d": _pool,
        "temporal_padding": lambda x, padding=(1, 1): ops.pad(x, [(0, 0), tuple(padding), (0, 0)]),
        "spatial_2d_padding": _pad_spatial(2),
        "spatial_3d_padding": _pad_spatial(3),
        "categorical_crossentropy": ops.categorical_crossentropy,
        "binary_crossentropy": ops.binary_crossentropy,
        "sparse_categorical_crossentropy": ops.sparse_categorical_crossentropy,
        "in_top_k": lambda predictions, targets, k: ops.in_top_k(targets, predictions, k),
        "arange": _arange,
        "constant": _constant,
        "zeros": _made(np.zeros),
        "ones": _made(np.ones),
        "eye": lambda size, dtype=None, name=None: variable(np.eye(size), dtype, name),
    }


def _state():
    return {
        "variable": variable,
        "placeholder": placeholder,
        "function": function,
        "gradients": graph.gradients,
        "eval": eval_,
        "get_value": get_value,
        "set_value": set_value,
        "batch_get_value": lambda tensors: [get_value(each) for each in tensors],
        "batch_set_value": _batch_set_value,
        "update": lambda x, new_x: (x, new_x),
        "update_add": lambda x, increment: (x, x + increment),
        "update_sub": lambda x, decrement: (x, x - decrement),
        "moving_average_update": lambda x, value, momentum: (x, x * momentum + value * (1.0 - momentum)),
        "learning_phase": learning_phase,
        "set_learning_phase": set_learning_phase,
        "in_train_phase": in_train_phase,
        "in_test_phase": lambda x, alt, training=None: in_train_phase(alt, x, training),
        "shape": shape,
        "int_shape": lambda x: tuple(x.shape),
        "ndim": lambda x: len(x.shape),
        "dtype": lambda x: keras.backend.standardize_dtype(x.dtype),
        "count_params": lambda x: int(np.prod(x.shape)),
        "cast_to_floatx": lambda x: np.asarray(x, dtype=keras.config.floatx()),
    }


def surface():
    """The module of r1.4, as far as Keras 3 has it."""
    found = types.ModuleType("backend")
    for name in ("epsilon", "floatx", "image_data_format", "set_epsilon", "set_floatx", "set_image_data_format",
                 "get_uid", "clear_session"):  # fmt: skip
        setattr(found, name, getattr(keras.backend, name))
    for table in (_numeric(), _named(), _state()):
        for name, function in table.items():
            setattr(found, name, function)
    return found
