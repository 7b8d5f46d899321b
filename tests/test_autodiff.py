"""The walk of gradients over recorded graphs."""

import numpy as np
import pytest

from onnxseq.compiler import autodiff
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import gather, index, law, linalg, math, reduction, shape
from onnxseq.compiler.tensor import Variable, constant, placeholder, scope


def x_of(dims=(), dtype="float64", name="x"):
    return placeholder(dtype, dims, name)


def run(inputs, outputs, *values):
    return Function(inputs, outputs)([np.asarray(v) for v in values])


def test_a_diamond_sums_both_ways():
    x = x_of()
    a, b = x * 3, math.exp(x)
    (g,) = autodiff.gradients(a * b, [x])
    assert run([x], [g], 0.5)[0] == pytest.approx(3 * np.exp(0.5) * 1.5)


def test_a_chain_of_diamonds_visits_each_node_once():
    x = x_of()
    y = x
    for _ in range(60):  # 2**60 paths
        y = (y + y) * 0.5
    (g,) = autodiff.gradients(y, [x])
    assert run([x], [g], 2.0)[0] == 1.0


def test_a_deep_graph():
    x = x_of()
    y = x
    for _ in range(3000):
        y = y + 0.001
    (g,) = autodiff.gradients(y, [x])
    assert g is not None


def test_a_parameter_upstream_of_another():
    x = x_of()
    h = x * x
    y = math.exp(h)
    by_h, by_x = autodiff.gradients(y, [h, x])
    value = 0.7
    found = run([x], [by_h, by_x], value)
    assert found == pytest.approx([np.exp(value**2), 2 * value * np.exp(value**2)])


def test_the_loss_itself_as_a_parameter():
    x = x_of((2,))
    y = x * 3
    by_y, by_x = autodiff.gradients(y, [y, x])
    found = run([x], [by_y, by_x], [1.0, 2.0])
    assert found[0].tolist() == [1.0, 1.0] and found[1].tolist() == [3.0, 3.0]


def test_a_parameter_given_twice():
    x = x_of()
    first, second = autodiff.gradients(x * x, [x, x])
    assert run([x], [first, second], 3.0) == [6.0, 6.0]


def test_a_loss_of_any_shape_is_summed():
    x = x_of((2, 3))
    (g,) = autodiff.gradients(x * x, [x])
    values = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(run([x], [g], values)[0], 2 * values)


def test_a_seed_weighs_the_loss():
    x = x_of((3,))
    (g,) = autodiff.gradients(x * x, [x], seed=constant([1.0, 0.0, -2.0], "float64"))
    assert run([x], [g], [1.0, 2.0, 3.0])[0].tolist() == [2.0, 0.0, -12.0]


def test_none_where_the_loss_does_not_depend():
    x, other = x_of(), x_of(name="other")
    unused = x * 2
    stopped = math.stop_gradient(x)
    assert autodiff.gradients(x * 2, [other, unused]) == [None, None]
    assert autodiff.gradients(stopped * 2, [x]) == [None]
    assert autodiff.gradients(math.cast(math.greater(x, 0), "float64"), [x]) == [None]


def test_none_through_positions():
    table, ids = x_of((4, 2)), placeholder("int64", (3,), "ids")
    by_table, by_ids = autodiff.gradients(gather.gather(table, ids), [table, ids])
    assert by_table is not None and by_ids is None


def test_an_op_with_several_outputs():
    x = x_of((3, 5))
    first, second, third = shape.split(x * x, [1, 2, 2], 1)
    (g,) = autodiff.gradients(reduction.sum(first * 2) + reduction.sum(third * 5), [x])
    values = np.arange(15.0).reshape(3, 5)
    assert np.array_equal(run([x], [g], values)[0], 2 * values * [2, 0, 0, 5, 5])
    assert second.producer() is first.producer()


def test_several_outputs_by_one_that_carries_no_gradient():
    x = x_of((4,))
    values, positions = gather.top_k(x, 2)
    (g,) = autodiff.gradients(reduction.sum(values * math.cast(positions, "float64")), [x])
    assert run([x], [g], [0.1, 0.5, 0.2, 0.9])[0].tolist() == [0.0, 1.0, 0.0, 3.0]


def test_broadcast_inputs_get_sums():
    a, b = x_of((2, 1, 3), name="a"), x_of((4, 1), name="b")
    by_a, by_b = autodiff.gradients(a * b, [a, b])
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(2, 1, 3)), generator.normal(size=(4, 1))
    found = run([a, b], [by_a, by_b], x, y)
    assert found[0] == pytest.approx(np.full((2, 1, 3), y.sum()))
    assert found[1] == pytest.approx(np.full((4, 1), x.sum()))


def test_a_cotangent_of_lower_rank_that_is_broader():
    """The walk brings (3,) to (2, 1): spread over the first axis, summed over the second."""
    x = x_of((2, 1))
    fitted = autodiff._fit(constant([1.0, 2.0, 4.0], "float64"), x)
    assert run([x], [fitted], np.zeros((2, 1)))[0].tolist() == [[7.0], [7.0]]


@pytest.mark.parametrize(
    "arrived, dims", [((), (2, 3)), ((3,), (2, 3)), ((1, 3), (2, 3)), ((4, 2, 3), (2, 3)), ((2, 3), ())]
)
def test_fit_keeps_what_the_cotangent_says(arrived, dims):
    """A cotangent is a linear form: broader than its source it is summed, narrower it is spread."""
    x = x_of(dims)
    g = np.random.default_rng(0).normal(size=arrived)
    fitted = run([x], [autodiff._fit(constant(g), x)], np.zeros(dims))[0]
    broad = np.broadcast_to(g, np.broadcast_shapes(arrived, dims))
    added = broad.sum(axis=tuple(range(broad.ndim - len(dims))))
    assert fitted == pytest.approx(added)


def test_free_dims_are_summed_and_spread():
    x, bias = x_of(("batch", 3)), x_of((3,), name="bias")
    loss = reduction.mean(reduction.sum((x + bias) ** 2, [1]))
    by_x, by_bias = autodiff.gradients(loss, [x, bias])
    assert by_x.dims == ("batch", 3) and by_bias.dims == (3,)
    values, offsets = np.random.default_rng(0).normal(size=(5, 3)), np.array([1.0, -2.0, 0.5])
    found = run([x, bias], [by_x, by_bias], values, offsets)
    assert found[0] == pytest.approx(2 * (values + offsets) / 5)
    assert found[1] == pytest.approx((2 * (values + offsets) / 5).sum(0))


def test_mixed_dtypes():
    x = x_of((2,), "float32")
    wide = math.cast(x, "float64")
    (g,) = autodiff.gradients(reduction.sum(wide * wide), [x])
    assert g.dtype_name == "float32"
    assert run([x], [g], [1.0, 3.0])[0].tolist() == [2.0, 6.0]


def test_variables():
    kernel = Variable(np.array([[1.0], [2.0]], "float32"), "dense/kernel:0")
    bias = Variable(np.zeros(1, "float32"), "dense/bias:0")
    x = placeholder("float32", ("batch", 2), "x")
    loss = reduction.sum(math.tanh(linalg.matmul(x, kernel) + bias))
    gradients = autodiff.gradients(loss, [kernel, bias])
    assert [g.dims for g in gradients] == [(2, 1), (1,)]
    values = np.array([[0.1, 0.2], [0.3, -0.2]])
    slope = 1 - np.tanh(values @ [[1.0], [2.0]]) ** 2
    found = run([x], gradients, values)
    assert found[0] == pytest.approx(values.T @ slope, abs=1e-6)
    assert found[1] == pytest.approx(slope.sum(0), abs=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_any_order(order):
    x = x_of()
    y = math.exp(x * 2) + x**4
    for _ in range(order):
        (y,) = autodiff.gradients(y, [x])
    power = [4, 12, 24, 24, 0][order - 1] * 0.3 ** max(4 - order, 0)
    assert run([x], [y], 0.3)[0] == pytest.approx(2**order * np.exp(0.6) + power)


def test_the_product_of_a_hessian_and_a_vector():
    x = x_of((3,))
    matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 4.0]])
    form = reduction.sum(x * linalg.matmul(constant(matrix), x)) * 0.5
    (slope,) = autodiff.gradients(form, [x])
    vector = np.array([1.0, -2.0, 0.5])
    (product,) = autodiff.gradients(reduction.sum(slope * constant(vector)), [x])
    assert run([x], [product], [9.0, 9.0, 9.0])[0] == pytest.approx(matrix @ vector)


@pytest.fixture
def planted():
    """Make ops for a test that the table forgets afterwards."""
    made = []

    def make(name, vjp=None, expand=None, outputs=1):
        def types(inputs, attributes):
            return [(inputs[0].element_type, inputs[0].dims)] * outputs

        op = law.Op(name, types, vjp, domain=law.COMPOUND, expand=expand)
        made.append((law.COMPOUND, name))
        return op

    yield make
    for key in made:
        del law.TABLE[key]


def test_an_expansion_is_differentiated(planted):
    def expand(node):
        a, b = node.inputs
        return [a * b, a - b]

    op = planted("Pair", expand=expand, outputs=2)
    a, b = x_of(name="a"), x_of(name="b")
    product, difference = op.all(a * 2, b)
    by_a, by_b = autodiff.gradients(product + difference * difference, [a, b])
    assert run([a, b], [by_a, by_b], 3.0, 4.0) == pytest.approx([2 * 4 + 2 * 2 * (6 - 4), 6 - 2 * (6 - 4)])
    (only_a,) = autodiff.gradients(difference, [a])
    assert run([a, b], [only_a], 3.0, 4.0)[0] == 2.0


def test_an_expansion_that_returns_its_input(planted):
    op = planted("Same", expand=lambda node: node.inputs[0])
    x = x_of()
    (g,) = autodiff.gradients(op(x * x), [x])
    assert run([x], [g], 3.0)[0] == 6.0


def test_an_expansion_inside_an_expansion(planted):
    inner = planted("Inner", expand=lambda node: node.inputs[0] * node.inputs[0])
    outer = planted("Outer", expand=lambda node: inner(node.inputs[0]) * 3)
    x = x_of()
    (g,) = autodiff.gradients(outer(x), [x])
    (h,) = autodiff.gradients(g, [x])
    assert run([x], [g, h], 2.0) == [12.0, 6.0]


def test_an_op_without_a_gradient_is_named(planted):
    op = planted("Rank")
    kernel = Variable(np.ones(2, "float32"), "dense_1/kernel:0")
    with scope("dense_1"):
        h = op(kernel * 2)
    with pytest.raises(autodiff.NotDifferentiable) as caught:
        autodiff.gradients(reduction.sum(h), [kernel])
    assert str(caught.value) == (
        "gradients: op 'Rank' (recorded as 'dense_1/Rank') lies between the loss and 'dense_1/kernel:0' and has no "
        "gradient; expected ops that can be differentiated. Use another op there or K.stop_gradient()."
    )
    assert isinstance(caught.value, ValueError)


def test_an_op_without_a_gradient_off_the_path_is_harmless(planted):
    op = planted("Off")
    x, other = x_of(), x_of(name="other")
    (g,) = autodiff.gradients(x * op(other), [x])
    assert g is not None


def test_the_parameter_behind_the_op_is_the_one_named(planted):
    op = planted("Behind")
    first = Variable(np.ones((), "float32"), "first")
    second = Variable(np.ones((), "float32"), "second")
    with pytest.raises(autodiff.NotDifferentiable, match="'second'"):
        autodiff.gradients(first * op(second), [first, second])


def test_gradient_nodes_are_named_after_their_layer():
    x = x_of(("batch", 2), "float32")
    kernel = Variable(np.ones((2, 2), "float32"), "dense_1/kernel:0")
    with scope("dense_1"):
        y = math.tanh(linalg.matmul(x, kernel))
    (g,) = autodiff.gradients(reduction.sum(y), [kernel])
    assert g.producer().name.startswith("gradients/dense_1/")


def test_path_nodes_stop_at_leaves():
    x = x_of()
    a = x * 2
    b = a + 1
    assert autodiff.path_nodes([b], [x]) == {a.producer(), b.producer()}
    assert autodiff.path_nodes([b], [x], leaves=[a]) == set()
    assert autodiff.path_nodes([b], [a], leaves=[a]) == {b.producer()}


def test_a_slice_of_a_slice():
    x = x_of((6, 4))
    (g,) = autodiff.gradients(reduction.sum(index.reverse(x, [0])[1:][::2] ** 2), [x])
    values = np.random.default_rng(0).normal(size=(6, 4))
    expected = np.zeros((6, 4))
    expected[::-1][1:][::2] = 2 * values[::-1][1:][::2]
    assert run([x], [g], values)[0] == pytest.approx(expected)
