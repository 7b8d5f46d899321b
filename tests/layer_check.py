"""The one check of a layer: shapes, values, gradients, config, weights and a step of training, against NumPy."""

import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from onnxseq import backend as K
from onnxseq import config, models
from onnxseq.layers import Input


class Case(NamedTuple):
    """A row of the table of layers.

    Attributes:
        id: what the test is called.
        make: returns the layer, new at each call.
        inputs: the input array, batch included.
        reference: maps the input and each weight, in the layer's order, all float64, to the output.
        training: the same while training, where it differs.
        free: axes besides the batch that the input leaves free.
        discrete: whether the input stands for whole numbers, so that the output has no slope along it.
    """

    id: str
    make: Callable[[], Any]
    inputs: np.ndarray
    reference: Callable[..., np.ndarray]
    training: Callable[..., np.ndarray] | None = None
    free: tuple[int, ...] = ()
    discrete: bool = False


def drawn(*shape, seed=0):
    """Return an array of float32, no two elements nearly equal, so that a small step changes no maximum."""
    rng = np.random.RandomState(seed)
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size / 2 + 0.25) * (2.0 / size)).astype(np.float32).reshape(shape)


def check_layer(case):
    """Check a layer against its row."""
    layer = case.make()
    shape = tuple(None if axis == 0 or axis in case.free else size for axis, size in enumerate(case.inputs.shape))
    x = Input(batch_shape=shape, dtype=case.inputs.dtype.name)
    y = layer(x)
    weights = _draw_weights(layer, case.id)
    layer.set_weights(weights)
    expected = _expected(case, case.reference, case.inputs, weights)
    _check_shapes(layer, case, x, y, expected)
    predict = K.function([x], [y])
    _assert_close(predict([case.inputs])[0], expected, f"{case.id}: values")
    _check_weights(layer, weights)
    _check_config(layer, case, shape, weights, predict([case.inputs])[0])
    _check_gradients(layer, case, x, y, weights)
    _check_in_sequential(layer, case, shape, weights, expected)


def _draw_weights(layer, seed):
    rng = np.random.RandomState(zlib.crc32(seed.encode()))
    values = []
    for variable in layer.weights:
        value = rng.uniform(-1, 1, K.int_shape(variable))
        values.append((np.abs(value) + 0.5 if "variance" in variable.name else value).astype(K.dtype(variable)))
    return values


def _as_reference(array):
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _expected(case, reference, inputs, weights):
    return np.asarray(reference(_as_reference(inputs), *(_as_reference(w) for w in weights)))


def _assert_close(found, expected, what, tolerance=1e-5):
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def _check_shapes(layer, case, x, y, expected):
    assert len(K.int_shape(y)) == expected.ndim, f"{case.id}: rank {K.ndim(y)}, computed {expected.ndim}"
    for static, size in zip(K.int_shape(y), expected.shape, strict=True):
        assert static in (None, size), f"{case.id}: static shape {K.int_shape(y)}, computed {expected.shape}"
    assert case.free or None not in K.int_shape(y)[1:], f"{case.id}: static shape {K.int_shape(y)} leaves sizes free"
    inferred = tuple(layer._compute_output_shape(K.int_shape(x)))
    assert inferred == K.int_shape(y), f"{case.id}: inferred shape {inferred}, static shape {K.int_shape(y)}"
    assert layer.output_shape == K.int_shape(y) == layer.get_output_shape_at(0), f"{case.id}: output_shape"
    assert layer.input_shape == K.int_shape(x) == layer.get_input_shape_at(0), f"{case.id}: input_shape"
    assert layer.input is x and layer.output is y and y._keras_history == (layer, 0, 0), f"{case.id}: connections"


def _check_weights(layer, weights):
    for found, value in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(found, value)
    assert layer.count_params() == sum(value.size for value in weights), f"{layer.name}: count_params"
    assert all(w.name.startswith(f"{layer.scope_name}/") for w in layer.weights), f"{layer.name}: names of weights"
    both = layer.trainable_weights + layer.non_trainable_weights
    assert layer.weights == both == layer.variables, f"{layer.name}: order of weights"


def _check_config(layer, case, shape, weights, expected):
    written = json.loads(json.dumps(config.serialize(layer)))
    custom = {layer.name: layer.function} if hasattr(layer, "function") else None
    twin = config.deserialize("layer", written, custom_objects=custom)
    assert type(twin) is type(layer), f"{case.id}: config gives a {type(twin).__name__}"
    assert json.loads(json.dumps(config.serialize(twin))) == written, f"{case.id}: config of the layer read back"
    x = Input(batch_shape=shape, dtype=case.inputs.dtype.name)
    y = twin(x)
    twin.set_weights(weights)
    found = K.function([x], [y])([case.inputs])[0]
    np.testing.assert_array_equal(found, expected, err_msg=f"{case.id}: values of the layer read back")


def _check_gradients(layer, case, x, y, weights):
    """Compare the gradients' slope along a direction with the reference's difference along it."""
    discrete = case.discrete or case.inputs.dtype.kind != "f"
    wanted = [*([] if discrete else [x]), *layer.trainable_weights]
    reference = case.training or case.reference
    if not wanted:
        return
    rng = np.random.RandomState(5)
    factors = rng.uniform(0.5, 1.5, _expected(case, reference, case.inputs, weights).shape)
    loss = K.sum(y * K.constant(factors, dtype=K.dtype(y)))
    gradients = K.gradients(loss, wanted)
    found = K.function([x], gradients, learning_phase=1)([case.inputs])
    for index, (tensor, gradient) in enumerate(zip(wanted, found, strict=True)):
        direction = rng.uniform(-1, 1, gradient.shape)

        def value(step, tensor=tensor, direction=direction):
            moved = [case.inputs, *weights]
            at = 0 if tensor is x else 1 + layer.weights.index(tensor)
            moved[at] = moved[at].astype(np.float64) + step * direction
            return np.sum(_expected(case, reference, moved[0], moved[1:]) * factors)

        slope = (value(1e-5) - value(-1e-5)) / 2e-5
        _assert_close(np.sum(gradient * direction), slope, f"{case.id}: gradient {index}", tolerance=2e-4)


def _check_in_sequential(layer, case, shape, weights, expected):
    first = type(layer).from_config({**layer.get_config(), "name": "first", "batch_input_shape": shape})
    model = models.Sequential([first])
    model.set_weights(weights)
    _assert_close(model.predict(case.inputs, batch_size=len(case.inputs)), expected, f"{case.id}: Sequential")
    if not model.trainable_weights:
        return
    model.compile("sgd", "mse")
    target = np.zeros(expected.shape, np.float32)
    loss = model.train_on_batch(case.inputs, target)
    outputs = _expected(case, case.training or case.reference, case.inputs, weights)
    _assert_close(loss, np.mean(np.square(outputs)) + _penalties(first, weights, outputs), f"{case.id}: loss")
    changed = [np.any(new != old) for new, old in zip(model.get_weights(), weights, strict=True)]
    assert any(changed), f"{case.id}: no weight moved"


def _penalties(layer, weights, outputs):
    """Return what regularizers add to the loss: l2 of weights and l1 of the output in the cases here."""
    total = 0.0
    for variable, value in zip(layer.weights, weights, strict=True):
        if any(variable is regularized for regularized, _ in layer._weight_regularizers):
            total += 0.01 * np.sum(np.square(value.astype(np.float64)))
    if layer.activity_regularizer is not None:
        total += 0.01 * np.sum(np.abs(outputs))
    return total
