"""Backend functions with state: variables, updates, phases, functions, names, defaults, random tensors."""

import numpy as np
import pytest

from onnxseq import backend as K
from tests.value_check import floatx


@pytest.fixture(autouse=True)
def fresh_session():
    K.clear_session()
    yield
    K.clear_session()


# -- tensors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_new_tensors_are_of_the_default_float_type(dtype):
    with floatx(dtype):
        made = [K.variable(3), K.zeros((2,)), K.ones((2,)), K.eye(2), K.constant([1, 2]), K.placeholder((2,)),
                K.random_normal((2,)), K.random_uniform((2,)), K.truncated_normal((2,)), K.random_binomial((2,)),
                K.random_normal_variable((2,), 0, 1), K.random_uniform_variable((2,), 0, 1),
                K.mean(K.constant([True], "bool"))]  # fmt: skip
        assert {K.dtype(x) for x in made} == {dtype}
        assert K.cast_to_floatx([1, 2]).dtype == dtype


def test_what_a_tensor_is():
    constant, variable, fed = K.constant([1.0, 2.0]), K.variable([1.0, 2.0]), K.placeholder((None, 2))
    result = fed * variable
    everything = [constant, variable, fed, result, np.zeros(2), 3, "x", None]
    assert [K.is_tensor(x) for x in everything] == [True] * 4 + [False] * 4
    assert [K.is_variable(x) for x in everything] == [False, True] + [False] * 6
    assert [K.is_placeholder(x) for x in everything] == [False, False, True] + [False] * 5
    assert not any(K.is_sparse(x) for x in everything)


def test_shapes_of_tensors():
    x = K.placeholder((None, 3, None), dtype="int32")
    assert (K.int_shape(x), K.ndim(x), K.dtype(x)) == ((None, 3, None), 3, "int32")
    assert x.get_shape().as_list() == [None, 3, None]
    assert K.int_shape(K.placeholder(ndim=2)) == (None, None)
    assert K.int_shape(K.placeholder(shape=())) == ()
    assert K.count_params(K.zeros((2, 3))) == 6
    assert K.int_shape(x)[0] is None and x.dims[0] == "batch"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (([1, 2, 3], None, (5,)), [1.0, 2, 3, 3, 3]),
        ((7, "int32", (2, 2)), [[7, 7], [7, 7]]),
        (([[1, 2], [3, 4]], None, (4,)), [1.0, 2, 3, 4]),
        ((np.arange(3),), [0.0, 1, 2]),
        ((True, "bool"), True),
    ],
)
def test_constant(arguments, expected):
    value = K.eval(K.constant(*arguments))
    np.testing.assert_array_equal(value, expected)
    assert K.int_shape(K.constant(*arguments)) == np.shape(expected)


def test_variable_of_a_tensor_is_computed_once():
    np.random.seed(3)
    drawn = K.variable(K.random_uniform((4,)))
    np.testing.assert_array_equal(K.get_value(drawn), K.get_value(drawn))
    np.testing.assert_array_equal(K.get_value(K.variable(K.ones((2,)) * 3)), [3, 3])
    assert K.dtype(K.variable(K.constant([1, 2], "int32"), dtype="int32")) == "int32"


def test_eye_zeros_and_ones():
    np.testing.assert_array_equal(K.get_value(K.eye(3)), np.eye(3))
    np.testing.assert_array_equal(K.get_value(K.zeros((2, 3), dtype="int32")), np.zeros((2, 3)))
    np.testing.assert_array_equal(K.get_value(K.ones(4)), np.ones(4))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((5,), [0, 1, 2, 3, 4]), ((-2,), []), ((2, 5, 2, "float32"), [2.0, 4]), ((1.5,), [0.0, 1.0]),
        ((3, 0, -1), [3, 2, 1]),        ((0, 1, 0.25, "float64"), [0.0, 0.25, 0.5, 0.75]),
    ],
)  # fmt: skip
def test_arange(arguments, expected):
    value = K.eval(K.arange(*arguments))
    np.testing.assert_array_equal(value, expected)
    assert value.dtype == (arguments[3] if len(arguments) > 3 else "float32" if arguments == (1.5,) else "int32")


@pytest.mark.parametrize(("dtype", "result"), [("uint8", "float32"), ("int16", "float32"), ("int32", "float64")])
def test_integers_are_divided_as_floats(dtype, result):
    x = K.constant([3, 8], dtype)
    for quotient, expected in ((x / 2, [1.5, 4.0]), (6 / x, [2.0, 0.75]), (x / x, [1.0, 1.0])):
        value = K.eval(quotient)
        np.testing.assert_array_equal(value, expected)
        assert value.dtype == result


def test_a_function_of_nothing():
    assert K.function([K.placeholder((2,))], [])([[1.0, 2.0]]) == []


def test_arange_of_a_tensor():
    x = K.placeholder((None, 2))
    assert list(K.function([x], [K.arange(0, K.shape(x)[0])])([np.zeros((3, 2))])[0]) == [0, 1, 2]


# -- variables ------------------------------------------------------------------------------------------------


def test_values_of_variables():
    a, b = K.variable([1.0, 2.0]), K.variable(np.zeros((2, 2)))
    K.set_value(a, [3, 4])
    np.testing.assert_array_equal(K.get_value(a), np.array([3, 4], "float32"))
    K.batch_set_value([(a, [5, 6]), (b, np.ones((2, 2)))])
    np.testing.assert_array_equal(K.batch_get_value([a, b])[1], np.ones((2, 2)))
    assert K.batch_get_value([]) == [] and K.batch_set_value([]) is None
    np.testing.assert_array_equal(K.eval(a * 2), [10, 12])
    np.testing.assert_array_equal(K.get_value(a * 2), [10, 12])


def test_of_several_values_all_are_set_or_none():
    a, b = K.variable([1.0, 2.0]), K.variable([3.0])
    with pytest.raises(ValueError, match="expected shape"):
        K.batch_set_value([(a, [5, 6]), (b, [1, 2])])
    np.testing.assert_array_equal(K.get_value(a), [1, 2])


def test_a_value_is_a_copy():
    a = K.variable([1.0, 2.0])
    K.get_value(a)[:] = 9
    np.testing.assert_array_equal(K.get_value(a), [1, 2])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda v: K.update(v, v * 3), 6.0),
        (lambda v: K.update(v, 5), 5.0),
        (lambda v: K.update_add(v, 1), 3.0),
        (lambda v: K.update_sub(v, K.constant(0.5)), 1.5),
        (lambda v: K.moving_average_update(v, 4.0, 0.75), 2.5),
        (lambda v: (v, v + 2.0), 4.0),
        (lambda v: [v, 8], 8.0),
    ],
)
def test_updates(make, expected):
    v = K.variable(2.0)
    before, shown, after = K.function([], [v * 1, v, K.constant(0.0)], updates=[make(v)])([])
    assert (before, shown, after) == (2.0, expected, 0.0)
    assert K.get_value(v) == expected


def test_an_update_is_a_pair():
    v = K.variable(2.0)
    made = K.update(v, v + 1)
    assert isinstance(made, K.Update) and made.variable is v and made[1] is made.value


def test_names_of_variables():
    assert [K.variable(0).name, K.variable(0).name] == ["Variable:0", "Variable_1:0"]
    assert [K.variable(0, name="a").name, K.variable(0, name="a").name] == ["a:0", "a_1:0"]
    assert [K.variable(0, name="a_1").name, K.variable(0, name="a").name] == ["a_1_1:0", "a_2:0"]
    assert K.variable(0, name="dense_1/kernel").name == "dense_1/kernel:0"
    with K.name_scope("outer"), K.name_scope("inner") as path:
        assert (K.variable(0, name="w").name, path) == ("outer/inner/w:0", "outer/inner/")
    with K.name_scope(None, "used"):
        assert K.variable(0, name="w").name == "used/w:0"
    with K.name_scope("outer"), K.name_scope(None):
        assert K.variable(0, name="top").name == "top:0"


def test_a_scope_names_nodes():
    x = K.placeholder((2,))
    with K.name_scope("loss"):
        y = K.exp(x)
    model = K.function([x], [y]).onnx_model()
    assert [node.name.rpartition("/")[0] for node in model.graph.node] == ["loss"]


def test_uids():
    assert [K.get_uid("a"), K.get_uid("a"), K.get_uid(), K.get_uid()] == [1, 2, 1, 2]
    K.reset_uids()
    assert K.get_uid("a") == 1


# -- phases ---------------------------------------------------------------------------------------------------


def test_the_phase_is_fed_or_fixed_when_a_function_is_made():
    x = K.placeholder((2,))
    y = K.in_train_phase(x * 2, x)
    assert y._uses_learning_phase
    fed = K.function([x, K.learning_phase()], [y])
    assert [fed([[1, 1], phase])[0][0] for phase in (0, 1, True, False)] == [1, 2, 2, 1]
    assert [K.function([x], [y], learning_phase=phase)([[1, 1]])[0][0] for phase in (None, 0, 1)] == [1, 1, 2]


def test_a_set_phase_holds_for_what_is_recorded_afterwards():
    x = K.placeholder((2,))
    K.set_learning_phase(1)
    y = K.in_train_phase(x * 2, x)
    assert K.learning_phase() == 1 and K.in_test_phase(x * 2, x) is x
    assert K.function([x], [y])([[1, 1]])[0][0] == 2
    K.clear_session()
    assert K.is_tensor(K.learning_phase())


def test_a_phase_passes_gradients_of_the_branch_taken():
    x = K.variable([1.0, 2.0])
    y = K.in_train_phase(x * 2, x * 3)
    (gradient,) = K.gradients(K.sum(y), [x])
    f = K.function([K.learning_phase()], [gradient])
    assert [list(f([phase])[0]) for phase in (0, 1)] == [[3, 3], [2, 2]]


def test_a_number_chooses_when_the_graph_is_recorded():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    assert K.switch(True, x, y) is x and K.switch(0, lambda: x, lambda: y) is y
    assert K.in_train_phase(x, y, training=True) is x and K.in_test_phase(x, y, training=1) is y


def test_switch_element_by_element():
    condition, x = K.placeholder((None,), dtype="bool"), K.placeholder((None, 2))
    f = K.function([condition, x], [K.switch(condition, x, -x), K.switch(K.greater(x, 2), x, K.zeros_like(x))])
    rows, elements = f([[True, False], [[1, 2], [3, 4]]])
    np.testing.assert_array_equal(rows, [[1, 2], [-3, -4]])
    np.testing.assert_array_equal(elements, [[0, 0], [3, 4]])


# -- gradients and functions ----------------------------------------------------------------------------------


def test_gradients():
    x, other = K.variable([1.0, 2.0, 3.0]), K.variable(1.0)
    found = K.gradients(K.square(x), [x, other])
    assert found[1] is None
    np.testing.assert_array_equal(K.eval(found[0]), [2, 4, 6])
    (second,) = K.gradients(found[0], x)
    np.testing.assert_array_equal(K.eval(second), [2, 2, 2])
    (through,) = K.gradients(K.square(x) * K.stop_gradient(x), x)
    np.testing.assert_array_equal(K.eval(through), [2, 8, 18])
    assert K.gradients(K.cast(x, "int32"), x) == [None]
    assert [K.is_tensor(y) for y in K.stop_gradient([x, x])] == [True, True]


def test_a_function_takes_what_python_has():
    x, n = K.placeholder((None, 2)), K.placeholder((), dtype="int32")
    f = K.function((x, n), (x * 2, n + 1), name="doubles")
    doubled, more = f([[[1, 2], [3, 4]], 4.0])
    np.testing.assert_array_equal(doubled, [[2, 4], [6, 8]])
    assert more == 5 and more.dtype == "int32"


def test_a_frozen_function_sees_changes():
    v, x = K.variable([1.0, 2.0]), K.placeholder((2,))
    f = K.function([x], [x * v], freeze=True)
    assert list(f([[1, 1]])[0]) == [1, 2]
    K.set_value(v, [3, 4])
    assert list(f([[1, 1]])[0]) == [3, 4]


# -- random tensors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "mean", "deviation", "least", "most"),
    [
        (lambda shape: K.random_normal(shape, 1.0, 2.0), 1, 2, -12, 14),
        (lambda shape: K.truncated_normal(shape, 1.0, 2.0), 1, 2 * 0.8796, -3, 5),
        (lambda shape: K.random_uniform(shape, -1.0, 3.0), 1, 4 / 12**0.5, -1, 3),
        (lambda shape: K.random_uniform(shape, 2, 5, "int32"), 3, (2 / 3) ** 0.5, 2, 4),
        (lambda shape: K.random_binomial(shape, 0.25), 0.25, 0.1875**0.5, 0, 1),
        (lambda shape: K.random_normal_variable(shape, 1.0, 2.0), 1, 2, -12, 14),
        (lambda shape: K.random_uniform_variable(shape, -1.0, 3.0), 1, 4 / 12**0.5, -1, 3),
    ],
)
def test_distributions(draw, mean, deviation, least, most):
    np.random.seed(5)
    values = K.eval(draw((200, 300)))
    assert values.shape == (200, 300)
    assert least <= values.min() and values.max() <= most
    assert abs(values.mean() - mean) < 0.02 and abs(values.std() - deviation) < 0.02


def test_random_tensors_are_drawn_anew_and_from_their_seeds():
    def runs(**seed):
        f = K.function([], [K.random_uniform((5,), **seed), K.random_normal((5,), **seed)])
        return np.concatenate([np.concatenate(f([])) for _ in range(2)])

    np.random.seed(1)
    first = runs()
    np.random.seed(1)
    np.testing.assert_array_equal(runs(), first)
    assert len(np.unique(first)) == 20
    np.testing.assert_array_equal(runs(seed=7), runs(seed=7))
    assert (runs(seed=7) != runs(seed=8)).all()


def test_random_tensors_of_a_shape_known_at_run_time():
    x = K.placeholder((None, 3))
    drawn = [
        K.random_normal(K.shape(x)),
        K.random_uniform((K.shape(x)[0], 2)),
        K.random_binomial((2, K.shape(x)[0]), 0.5),
    ]
    assert [K.int_shape(y) for y in drawn] == [(None, 3), (None, 2), (2, None)]
    values = K.function([x], drawn)([np.zeros((4, 3))])
    assert [v.shape for v in values] == [(4, 3), (4, 2), (2, 4)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dropout(dtype):
    np.random.seed(2)
    with floatx(dtype):
        x = K.ones((100, 200))
        (y,) = K.function([], [K.dropout(x, 0.25)])([])
    assert y.dtype == dtype
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-3)
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert K.dropout(x, 0.0) is x


@pytest.mark.parametrize(
    ("noise_shape", "same_along"),
    [((4, 1, 50), 1), ((None, 1, None), 1), ((1, 50), 0), ((4, 30, 1), 2)],
)
def test_dropout_with_a_shared_fate(noise_shape, same_along):
    x = K.placeholder((None, 30, 50))
    (y,) = K.function([x], [K.dropout(x, 0.5, noise_shape, seed=3)])([np.ones((4, 30, 50))])
    assert np.ptp(y, axis=same_along).max() == 0
    assert 0.3 < (y == 0).mean() < 0.7


def test_dropout_with_a_noise_shape_of_tensors():
    x = K.placeholder((None, 30, 50))
    y = K.dropout(x, 0.5, (K.shape(x)[0], 1, K.shape(x)[2]), seed=3)
    (value,) = K.function([x], [y])([np.ones((4, 30, 50))])
    assert np.ptp(value, axis=1).max() == 0 and np.ptp(value, axis=0).max() > 0


# -- defaults -------------------------------------------------------------------------------------------------


def test_defaults():
    assert (K.floatx(), K.epsilon(), K.image_data_format(), K.backend()) == (
        "float32", 1e-7, "channels_last", "onnxruntime",
    )  # fmt: skip
    try:
        K.set_epsilon(1e-3)
        K.set_image_data_format("channels_first")
        assert (K.epsilon(), K.image_data_format()) == (1e-3, "channels_first")
        assert K.int_shape(K.spatial_2d_padding(K.placeholder((1, 2, 3, 4)))) == (1, 2, 5, 6)
        loss = K.eval(K.categorical_crossentropy(K.constant([[0.0, 1.0]]), K.constant([[1.0, 0.0]])))
        np.testing.assert_allclose(loss, [-np.log(1e-3)], rtol=1e-6)
    finally:
        K.set_epsilon(1e-7)
        K.set_image_data_format("channels_last")


def test_manual_initialization_changes_nothing():
    assert K.manual_variable_initialization(True) is None
    assert K.get_value(K.variable(2.0)) == 2
    K.manual_variable_initialization(False)
