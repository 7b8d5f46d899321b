"""Symbolic tensors as code of the time asks them: static shapes with sizes that have a value, dtypes with a name."""

import json

import numpy as np
import onnx_ir as ir
import pytest
from numpy.testing import assert_array_equal

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.models import Model


@pytest.fixture
def images():
    return L.Input((4, 6))


# (what is asked of a tensor of shape (None, 4, 6), the answer)
SHAPES = [
    (lambda x: x.shape.as_list(), [None, 4, 6]),
    (lambda x: x.get_shape().as_list(), [None, 4, 6]),
    (lambda x: x.shape[1].value, 4),
    (lambda x: x.shape[0].value, None),
    (lambda x: int(x.shape[-1]), 6),
    (lambda x: x.shape.ndims, 3),
    (lambda x: len(x.get_shape()), 3),
    (lambda x: [size.value for size in x.shape], [None, 4, 6]),
    (lambda x: [size.value for size in x.shape.dims], [None, 4, 6]),
    (lambda x: x.shape[1:].as_list(), [4, 6]),
    (lambda x: x.shape[1:].num_elements(), 24),
    (lambda x: x.shape.num_elements(), None),
    (lambda x: x.shape.is_fully_defined(), False),
    (lambda x: x.shape[1:].is_fully_defined(), True),
    (lambda x: x.shape.is_compatible_with([2, 4, None]), True),
    (lambda x: x.shape.is_compatible_with([2, 5, None]), False),
    (lambda x: x.shape.is_compatible_with(x.shape[1:]), False),
    (lambda x: (x.shape[1] * 2).value, 8),
    (lambda x: (2 + x.shape[1] // 2 - 1).value, 3),
    (lambda x: (x.shape[0] * 2).value, None),
    (lambda x: (x.shape[1] + x.shape[0]).value, None),
    (lambda x: x.shape[1] == 4, True),
    (lambda x: x.shape[1] == 5, False),
    (lambda x: x.shape == (None, 4, 6), True),
    (lambda x: x.shape != [None, 4, 6], False),
    (lambda x: str(x.shape), "(?, 4, 6)"),
    (lambda x: str(x.shape[1:2]), "(4,)"),
    (lambda x: repr(x.shape), "(None, 4, 6)"),
    (lambda x: x._keras_shape, (None, 4, 6)),
    (lambda x: x._keras_shape[0] is None, True),
    (lambda x: json.dumps([x.shape[1], x.shape[2].value]), "[4, 6]"),
    (lambda x: K.int_shape(K.reshape(x, (-1, x.shape[1] * x.shape[2]))), (None, 24)),
    (lambda x: K.int_shape(K.placeholder(x.shape)), (None, 4, 6)),
    (lambda x: K.int_shape(L.Input(batch_shape=x.get_shape())), (None, 4, 6)),
    (lambda x: K.int_shape(L.Dense(x.shape[1].value)(x)), (None, 4, 4)),
    (lambda x: K.int_shape(K.zeros((x.shape[1], x.shape[2]))), (4, 6)),
    (lambda x: {x.shape[1]: "four"}[4], "four"),
    (lambda x: hash(x.shape[0]) == hash(None), True),
    (lambda x: {x.shape: 1}[x.get_shape()], 1),
]

DTYPES = [
    (lambda dtype: dtype.name, "float32"),
    (lambda dtype: dtype.base_dtype.name, "float32"),
    (lambda dtype: str(dtype), "<dtype: 'float32'>"),
    (lambda dtype: dtype == "float32", True),
    (lambda dtype: dtype != "float64", True),
    (lambda dtype: dtype == np.float32, True),
    (lambda dtype: dtype == np.dtype("int32"), False),
    (lambda dtype: dtype == ir.DataType.FLOAT, True),
    (lambda dtype: dtype.as_numpy_dtype, np.float32),
    (lambda dtype: (dtype.is_floating, dtype.is_integer, dtype.is_bool), (True, False, False)),
    (lambda dtype: dtype.size, 4),
    (lambda dtype: dtype.itemsize, 4),
    (lambda dtype: {dtype: 1}[ir.DataType.FLOAT], 1),
    (lambda dtype: K.dtype(K.zeros((2,), dtype=dtype)), "float32"),
    (lambda dtype: K.dtype(K.cast(K.constant([1, 2], dtype="int32"), dtype)), "float32"),
]


@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_shape(number, images):
    ask, answer = SHAPES[number]
    assert ask(images) == answer


@pytest.mark.parametrize("number", range(len(DTYPES)))
def test_dtype(number, images):
    ask, answer = DTYPES[number]
    assert ask(images.dtype) == answer


def test_known_sizes_are_ints_and_free_ones_say_what_to_do(images):
    assert isinstance(images.shape[1], int)
    with pytest.raises(TypeError) as caught:
        K.reshape(images, (images.shape[0], 24))
    assert str(caught.value) == (
        "the size of a free dimension is not known; expected a known one. Use K.shape(x)[axis]."
    )
    with pytest.raises(TypeError):
        images.shape[1] + "1"


def test_set_shape_states_what_a_lambda_knows():
    def first_steps(x):
        y = x * 2.0
        y.set_shape((None, 3, 4))
        return y

    x = L.Input((None, 4))
    y = L.Lambda(first_steps)(x)
    model = Model(x, L.Dense(2)(L.Flatten()(y)))
    assert y.get_shape().as_list() == [None, 3, 4]
    assert model.predict(np.ones((5, 3, 4))).shape == (5, 2)
    y._keras_shape = (None, 3, 4)
    with pytest.raises(ValueError) as caught:
        y.set_shape((None, 2, 4))
    assert str(caught.value).endswith(
        "set_shape was given (None, 2, 4); expected sizes that agree with the known ones."
    )


def test_build_is_given_a_shape_that_both_worlds_read():
    seen = []

    class Halved(L.Layer):
        def build(self, input_shape):
            seen.append((tuple(input_shape), input_shape.as_list(), input_shape[-1].value, input_shape[0] is None))
            self.kernel = self.add_weight("kernel", (input_shape[1], input_shape[-1] // 2))
            super().build(input_shape)

        def call(self, inputs):
            return K.dot(inputs, self.kernel)

    assert K.int_shape(Halved()(L.Input((4,)))) == (None, 2)
    assert seen == [((None, 4), [None, 4], 4, True)]


def test_values_of_a_graph_show_what_onnx_ir_needs():
    x = K.placeholder((None, 3))
    y = K.function([x], [K.square(x)])
    assert_array_equal(y([[[1.0, 2.0, 3.0]]])[0], [[1, 4, 9]])
    sizes = y.onnx_model().graph.output[0].type.tensor_type.shape.dim
    assert [(size.dim_param, size.dim_value) for size in sizes] == [("batch", 0), ("", 3)]


def test_what_only_tensorflow_has_says_what_to_use(images):
    rate = K.variable(0.5, name="rate")
    with pytest.raises(AttributeError) as caught:
        rate.assign(0.1)
    assert str(caught.value) == (
        f"{rate!r}: 'assign' was asked for, which TensorFlow's tensors have; expected what Keras has. "
        "Use K.set_value(variable, value), or K.update(variable, tensor) in a function's updates."
    )
    with pytest.raises(AttributeError, match=r"Use K\.eval\(x\)\."):
        images.eval()
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'no_such_thing'"):
        images.no_such_thing  # noqa: B018
    assert not hasattr(K.zeros((1,)), "_keras_history")
