"""Layers of several inputs: values, gradients, shapes, masks, configs and a step of training, a row each."""

import json

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import config, models
from onnxseq import layers as L
from tests.layer_check import drawn

# Shifted a little, so that no element equals one of another input.
ROWS, OTHER_ROWS = drawn(3, 4, 2), drawn(3, 4, 2, seed=1) + np.float32(0.02)
COLUMN, VECTORS = drawn(3, 4, 1, seed=2), drawn(3, 2, seed=3)
LONG = drawn(3, 5, 2, seed=4)


class Case:
    """A layer, its inputs and the function of NumPy that it stands for; ``free`` axes besides the batch."""

    def __init__(self, id, make, inputs, reference, free=()):
        self.id, self.make, self.inputs, self.reference, self.free = id, make, inputs, reference, free


def cosine(x, y):
    x, y = (v / np.sqrt(np.sum(v * v, 1, keepdims=True)) for v in (x, y))
    return np.sum(x * y, 1, keepdims=True)


CASES = [
    Case("Add", lambda: L.Add(), [ROWS, OTHER_ROWS], lambda x, y: x + y),
    Case("Add three ranks", lambda: L.Add(), [ROWS, VECTORS, COLUMN], lambda x, y, z: x + y[:, None] + z),
    Case("Add free", lambda: L.Add(), [ROWS, COLUMN], lambda x, y: x + y, (1,)),
    Case("Multiply", lambda: L.Multiply(), [ROWS, OTHER_ROWS, COLUMN], lambda x, y, z: x * y * z),
    Case("Average", lambda: L.Average(), [ROWS, OTHER_ROWS, VECTORS], lambda x, y, z: (x + y + z[:, None]) / 3),
    Case("Maximum", lambda: L.Maximum(), [ROWS, OTHER_ROWS], np.maximum),
    Case("Concatenate", lambda: L.Concatenate(), [ROWS, COLUMN], lambda x, y: np.concatenate([x, y], -1)),
    Case("Concatenate axis", lambda: L.Concatenate(axis=1), [ROWS, LONG], lambda x, y: np.concatenate([x, y], 1)),
    Case("Concatenate free", lambda: L.Concatenate(axis=1), [ROWS, LONG], lambda x, y: np.concatenate([x, y], 1), (1,)),
    Case("Dot", lambda: L.Dot(1), [ROWS, LONG[:, :4]], lambda x, y: np.einsum("bij,bik->bjk", x, y)),
    Case("Dot axes", lambda: L.Dot((2, -1)), [ROWS, LONG], lambda x, y: np.einsum("bij,bkj->bik", x, y)),
    Case("Dot with vectors", lambda: L.Dot((2, 1)), [ROWS, VECTORS], lambda x, y: np.einsum("bij,bj->bi", x, y)),
    Case("Dot normalized", lambda: L.Dot(1, normalize=True), [VECTORS, LONG[:, 0]], cosine),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_merge(case):
    layer = case.make()
    tensors = [
        L.Input(batch_shape=[None if a == 0 or a in case.free else size for a, size in enumerate(array.shape)])
        for array in case.inputs
    ]
    output = layer(tensors)
    expected = case.reference(*(array.astype("float64") for array in case.inputs))
    shapes = [K.int_shape(tensor) for tensor in tensors]
    assert layer._compute_output_shape(shapes) == layer.output_shape == K.int_shape(output)
    known = [size for axis, size in enumerate(expected.shape) if axis and axis not in case.free]
    assert [size for size in K.int_shape(output)[1:] if size is not None][-len(known) :] == known
    np.testing.assert_allclose(K.function(tensors, [output])(case.inputs)[0], expected, rtol=1e-5, atol=1e-6)
    _check_slopes(case, tensors, output, expected.shape)
    _check_training(case, tensors, output, expected)


def _check_slopes(case, tensors, output, shape):
    random = np.random.RandomState(5)
    factors = random.uniform(0.5, 1.5, shape)
    gradients = K.gradients(K.sum(output * K.constant(factors)), tensors)
    for index, gradient in enumerate(K.function(tensors, gradients)(case.inputs)):
        direction = random.uniform(-1, 1, gradient.shape)

        def value(step, index=index, direction=direction):
            moved = [array.astype("float64") for array in case.inputs]
            moved[index] = moved[index] + step * direction
            return np.sum(case.reference(*moved) * factors)

        slope = (value(1e-5) - value(-1e-5)) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-3, atol=1e-4)


def _check_training(case, tensors, output, expected):
    """A model with the layer trains a step, and one made of its JSON gives the same."""
    model = models.Model(tensors, L.Dense(2)(output))
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(case.inputs), again.predict(case.inputs))
    written = json.loads(json.dumps(config.serialize(case.make())))
    assert json.loads(json.dumps(config.serialize(config.deserialize("layer", written)))) == written
    before = model.get_weights()
    model.compile("sgd", "mse")
    loss = model.train_on_batch(case.inputs, np.zeros((*expected.shape[:-1], 2), "float32"))
    np.testing.assert_allclose(loss, np.mean(np.square(expected @ before[0])), rtol=1e-4)
    assert any(np.any(new != old) for new, old in zip(model.get_weights(), before, strict=True))


def test_functions_make_named_layers():
    first, second = L.Input((4, 2)), L.Input((4, 2))
    made = {
        L.add: {}, L.multiply: {}, L.average: {}, L.maximum: {}, L.concatenate: {"axis": 1},
        L.dot: {"axes": 1, "normalize": True},
    }  # fmt: skip
    for function, arguments in made.items():
        layer = function([first, second], name=f"my_{function.__name__}", **arguments)._keras_history[0]
        assert (layer.name, type(layer).__name__.lower()) == (f"my_{function.__name__}", function.__name__)
        assert {name: layer.get_config()[name] for name in arguments} == arguments


WORDS = np.array([[1, 0, 2], [0, 0, 1]])
ONE, TWO = WORDS != 0, np.ones_like(WORDS, bool)
MASKS = [
    (lambda: L.Add(), (True, True), ONE),
    (lambda: L.Multiply(), (True, False), ONE),
    (lambda: L.Concatenate(), (True, True), ONE),
    (lambda: L.Concatenate(), (False, True), ONE),
    (lambda: L.Concatenate(axis=1), (True, True), np.concatenate([ONE, ONE], 1)),
    (lambda: L.Concatenate(axis=1), (True, False), np.concatenate([ONE, TWO], 1)),
    (lambda: L.Average(), (False, False), None),
    (lambda: L.Dot(1), (True, True), None),
]


@pytest.mark.parametrize(("make", "masked", "expected"), MASKS)
def test_masks(make, masked, expected):
    words = L.Input((3,))
    output = make()([L.Embedding(3, 2, mask_zero=each)(words) for each in masked])
    if expected is None:
        assert output._keras_mask is None
    else:
        np.testing.assert_array_equal(K.function([words], [output._keras_mask])([WORDS])[0], expected)


def on(layer, *shapes, dtypes=("float32",) * 3):
    return layer([L.Input(shape, dtype=dtype) for shape, dtype in zip(shapes, dtypes, strict=False)])


MESSAGES = [
    (lambda: L.Add(name="a")(L.Input((3,))), ValueError,
     "Add 'a': one tensor arrived; expected a list of at least two tensors. Call the layer on a list: "
     "Add(…)([first, second])."),
    (lambda: L.Add(name="a")([]), ValueError,
     "Add 'a': an empty list arrived; expected a list of at least two tensors. Call the layer on a list: "
     "Add(…)([first, second])."),
    (lambda: on(L.Add(name="a"), (3,), (4,)), ValueError,
     "Add 'a': inputs of shapes (None, 3), (None, 4) arrived; expected sizes that are equal or 1, from the last axis "
     "on. Bring the inputs to one shape first."),
    (lambda: on(L.Add(name="a"), (3,), (3,), dtypes=("float32", "int32")), ValueError,
     "Add 'a': inputs of dtypes 'float32', 'int32' arrived; expected one dtype. Convert them with K.cast() in a "
     "Lambda layer."),
    (lambda: on(L.Concatenate(name="c"), (3, 4), (2, 4)), ValueError,
     "Concatenate 'c': inputs of shapes (None, 3, 4), (None, 2, 4) arrived; expected equal sizes on all axes but 2. "
     "Bring the inputs to one shape first, or choose another axis."),
    (lambda: on(L.Concatenate(axis=3, name="c"), (3,), (3,)), IndexError,
     "Concatenate 'c': axis=3 and inputs of shapes (None, 3), (None, 3); expected an axis from -2 to 1."),
    (lambda: L.Dot("1", name="d"), TypeError, "Dot 'd': axes='1'; expected one whole number or a pair of them."),
    (lambda: L.Dot((1, 2, 3), name="d"), ValueError,
     "Dot 'd': axes=(1, 2, 3); expected one whole number or a pair of them."),
    (lambda: on(L.Dot(1, name="d"), (3,), (3,), (3,)), ValueError,
     "Dot 'd': 3 inputs arrived; expected two. Multiply the first two first."),
    (lambda: on(L.Dot(2, name="d"), (3,), (3,)), IndexError,
     "Dot 'd': axes=2 and inputs of shapes (None, 3), (None, 3); expected axes below 2, the batch axis being 0."),
    (lambda: on(L.Dot(1, name="d"), (3,), (4,)), ValueError,
     "Dot 'd': inputs of shapes (None, 3), (None, 4) with sizes 3 and 4 on axes (1, 1); expected equal sizes on the "
     "axes to sum over. Choose other axes."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), MESSAGES)
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert str(error.value) == message
