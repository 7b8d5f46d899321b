"""Tables of which a batch picks rows: what is updated for these rows alone, where it is put, and that values stay."""

import itertools

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import optimizers
from onnxseq.compiler import pipeline
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import gather, math, reduction, rows, shape
from onnxseq.compiler.passes import rows as passes_rows
from onnxseq.compiler.targets import PORTABLE, current
from onnxseq.compiler.tensor import Variable, placeholder
from tests import numpy_optimizers
from tests.value_check import floatx

ROWS, WIDTH = 600, 450
RANDOM = np.random.RandomState(3)
TABLE, START = RANDOM.randn(ROWS, WIDTH) * 0.1, RANDOM.randn(WIDTH) * 0.1
# The same position in one batch and in several, at both ends of the table, and none twice.
BATCHES = [[[5, 5], [599, 0]], [[7, 5], [5, 5]], [[1, 2], [3, 4]], [[0, 0], [0, 0]], [[5, 599], [599, 7]]]
GOAL = RANDOM.randn(2, 2, WIDTH)


def problem():
    """Return the positions to be fed, a table and a row beside it, and a loss of what is picked."""
    positions = K.placeholder((None, 2), dtype="int32")
    params = [K.variable(TABLE, name="table"), K.variable(START, name="row")]
    loss = K.sum(K.sin(K.gather(params[0], positions)) * K.constant(GOAL) * params[1])
    return positions, params, loss


def gradients_by_batch():
    """Return the same gradients, batch after batch, in NumPy."""
    batches = itertools.cycle(BATCHES)

    def gradients(params):
        table, row = params
        positions = np.array(next(batches))
        of_table = np.zeros_like(table)
        np.add.at(of_table, positions, np.cos(table[positions]) * GOAL * row)
        return [of_table, (np.sin(table[positions]) * GOAL).sum((0, 1))]

    return gradients


def kinds(updates, inputs, target=None):
    """Return the ops that work on a whole table in a lowered model, sorted."""
    model = Function(inputs, [], updates, target=target).onnx_model()
    sizes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}
    sizes.update({v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.output})
    return sorted(node.op_type for node in model.graph.node if sizes.get(node.output[0]) == [ROWS, WIDTH])


SETTINGS = {
    "SGD": ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"clipvalue": 0.5}),
    "RMSprop": ({}, {"clipnorm": 1.0}, {"decay": 0.1}),
    "Adagrad": ({}, {"clipnorm": 1.0, "clipvalue": 0.2}),
    "Adadelta": ({},),
    "Adam": ({}, {"decay": 0.1}, {"clipnorm": 1.0}, {"clipvalue": 0.01}),
    "Adamax": ({},),
    "Nadam": ({},),
}
CASES = [(name, settings) for name, found in SETTINGS.items() for settings in found]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, settings", CASES, ids=str)
def test_every_optimizer_as_in_numpy(name, settings, dtype):
    with floatx(dtype):
        optimizer = getattr(optimizers, name)(**settings)
        positions, params, loss = problem()
        updates = optimizer.get_updates(loss=loss, params=params)
        step = K.function([positions], [loss], updates=updates)
        assert "ScatterND" in kinds(updates, [positions])
        for batch in BATCHES * 2:
            step([np.array(batch, "int32")])
        found = [*K.batch_get_value(params), *optimizer.get_weights()]
    kept, slots = numpy_optimizers.run(name, settings, [TABLE, START], gradients_by_batch(), 2 * len(BATCHES))
    tolerance = 3e-5 if dtype == "float32" else 1e-9
    for value, wanted in zip(found, [*kept, *slots], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=tolerance, atol=tolerance / 10)


def lowered_for(name, **settings):
    positions, params, loss = problem()
    updates = getattr(optimizers, name)(**settings).get_updates(loss=loss, params=params)
    return kinds(updates, [positions], current().without("gated_add"))


def test_what_is_done_to_the_whole_table():
    assert lowered_for("RMSprop") == ["Mul", "ScatterND", "ScatterND"]
    assert lowered_for("Adagrad") == ["ScatterND", "ScatterND"]
    assert lowered_for("Adam") == ["Add", "Div", *["Mul"] * 3, "ScatterND", "ScatterND", "Sqrt", "Sub"]


def put_in_place(outputs, updates, inputs):
    found = pipeline.compile(inputs, outputs, updates, 1, current())
    passes_rows.PutInPlace(found.writes, found.before)(found.model)
    return found


def table_of(*dims, seed=0):
    return Variable(np.random.RandomState(seed).randn(*dims).astype("float32"), f"table{seed}")


def gradient(table, positions, more=1.0):
    """The gradient of picked rows by a table."""
    g = placeholder("float32", (*positions.dims, *table.dims[1:]), "g")
    return g, gather.gather_grad_op(g * more, positions, shape.shape_of(table), axis=0)


POSITIONS = placeholder("int64", (3,), "positions")


def test_a_new_value_is_put_together_in_the_memory_of_the_variable():
    table = table_of(ROWS, WIDTH)
    g, put = gradient(table, POSITIONS)
    decayed = table * 0.9
    found = put_in_place([], [(table, decayed - put)], [POSITIONS, g])
    assert [(v is table, name) for v, name in found.before] == [(True, "table0/updated/before")]
    assert [y.name for y in found.model.graph.outputs] == ["table0/updated", "table0/updated/before"]
    assert len(pipeline.build([POSITIONS, g], [], [(table, decayed - put)], 1, current()).before) == 1


def test_a_model_that_is_handed_out_has_its_outputs_alone():
    table = table_of(ROWS, WIDTH)
    g, put = gradient(table, POSITIONS)
    model = Function([POSITIONS, g], [], [(table, table * 0.9 - put)]).onnx_model()
    assert [y.name for y in model.graph.output] == ["table0/updated"]
    assert "ScatterND" in [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("label", ["reads it too", "is the value itself", "no variable"])
def test_what_something_else_reads_has_memory_of_its_own(label):
    table = table_of(ROWS, WIDTH)
    g, put = gradient(table, POSITIONS)
    decayed = table * 0.9
    new = {"reads it too": decayed - put, "is the value itself": table - put, "no variable": decayed - put}[label]
    outputs = [reduction.sum(math.exp(decayed))] if label == "reads it too" else []
    updates = [(table, new)] if label != "no variable" else []
    found = put_in_place([*outputs, *([] if updates else [new])], updates, [POSITIONS, g])
    assert "ScatterND" in [node.op_type for node in found.model.graph]
    assert found.before == []


def test_steps_in_the_variables_own_memory_give_the_same_values():
    table, other = table_of(ROWS, WIDTH), table_of(ROWS, WIDTH, seed=1)
    start = [K.get_value(v) for v in (table, other)]
    g, put = gradient(table, POSITIONS)
    mean = other * 0.5 + put
    step = Function([POSITIONS, g], [reduction.sum(table)], [(other, mean), (table, table * 0.25 - mean)])
    for batch in ([0, 3, 0], [599, 598, 597], [3, 3, 3]):
        rows_ = np.random.RandomState(batch[0]).randn(3, WIDTH).astype("float32")
        (total,) = step([np.array(batch), rows_])
        np.testing.assert_allclose(total, start[0].sum(), rtol=1e-4)
        start[1] = start[1] * np.float32(0.5)
        np.add.at(start[1], batch, rows_)
        start[0] = start[0] * np.float32(0.25) - start[1]
        for variable, wanted in zip((table, other), start, strict=True):
            np.testing.assert_allclose(K.get_value(variable), wanted, rtol=1e-5, atol=1e-6)


UNTOUCHED = {
    # label: (dims of the table, dims of the positions, axis, dtype)
    "a small table": ((40, 30), (3,), 0, "float32"),
    "more rows than there are": ((ROWS, WIDTH), (ROWS + 1,), 0, "float32"),
    "half precision": ((ROWS, WIDTH), (3,), 0, "float16"),
    "columns": ((WIDTH, ROWS), (3,), 1, "float32"),
    "a vector": ((ROWS * WIDTH,), (3,), 0, "float32"),
    "no rows": ((ROWS, WIDTH), (0,), 0, "float32"),
}


@pytest.mark.parametrize("label", UNTOUCHED)
def test_what_is_left_alone(label):
    dims, count, axis, dtype = UNTOUCHED[label]
    positions = placeholder("int64", count, "positions")
    g = placeholder(dtype, (*dims[:axis], *count, *dims[axis + 1 :]), "g")
    put = gather.gather_grad_op(g, positions, shape.ints(dims), axis=axis)
    model = Function([g, positions], [put]).onnx_model()
    assert "ScatterND" not in [node.op_type for node in model.graph.node]


def test_other_targets_are_left_alone():
    table = table_of(ROWS, WIDTH)
    g, put = gradient(table, POSITIONS)
    cuda = current().__class__(provider="CUDAExecutionProvider", features=PORTABLE.features)
    found = pipeline.compile([POSITIONS, g], [], [(table, table * 0.9 - put)], 1, cuda)
    assert "ScatterND" not in [node.op_type for node in found.model.graph]


@pytest.mark.parametrize("count", [0, 1, 7, 600])
def test_a_batch_of_any_size(count):
    table = table_of(ROWS, WIDTH)
    wanted = K.get_value(table)
    positions = placeholder("int32", ("n",), "positions")
    g, put = gradient(table, positions, 2.0)
    batch = np.random.RandomState(0).randint(-ROWS, ROWS, count).astype("int32")
    brought = np.random.RandomState(1).randn(count, WIDTH).astype("float32")
    Function([positions, g], [], [(table, table * 1.5 - put)])([batch, brought])
    wanted *= 1.5
    np.subtract.at(wanted, batch, 2 * brought)
    np.testing.assert_allclose(K.get_value(table), wanted, rtol=1e-5, atol=1e-5)


def test_one_table_picked_from_twice():
    table = table_of(ROWS, WIDTH)
    wanted = K.get_value(table)
    others = placeholder("int32", (2, 2), "others")
    (g, put), (h, put_too) = gradient(table, POSITIONS), gradient(table, others)
    batches = [np.array([4, 4, 9]), np.array([[9, 1], [4, 1]], "int32")]
    brought = [np.random.RandomState(i).randn(*b.shape, WIDTH).astype("float32") for i, b in enumerate(batches)]
    step = Function([POSITIONS, g, others, h], [], [(table, table * 0.5 - (put + put_too) * 3.0)])
    step([batches[0], brought[0], batches[1], brought[1]])
    wanted *= 0.5
    for batch, brought_ in zip(batches, brought, strict=True):
        np.subtract.at(wanted, batch, 3 * brought_)
    np.testing.assert_allclose(K.get_value(table), wanted, rtol=1e-5, atol=1e-5)


def test_distinct_positions_and_their_sums():
    positions = placeholder("int64", (6,), "positions")
    g = placeholder("float32", (6, 2), "g")
    found, sums = Function([positions, g], list(rows.summed(g, positions, (9, 2))))(
        [np.array([3, -1, 3, 8, 0, 3]), np.arange(12, dtype="float32").reshape(6, 2)]
    )
    by_place = {int(p) % 9: tuple(s) for p, s in zip(found, sums, strict=True)}
    assert len(found) == 3
    assert by_place == {0: (8.0, 9.0), 3: (14.0, 17.0), 8: (8.0, 10.0)}


def test_a_planted_fault_is_found(monkeypatch):
    def lost(*arguments):
        found, sums = summed(*arguments)
        return found, sums * 0.5

    summed = rows.summed
    monkeypatch.setattr(rows, "summed", lost)
    with pytest.raises(AssertionError, match="Mismatched"):
        test_one_table_picked_from_twice()


def test_memory_shared_with_a_reader_is_found(monkeypatch):
    monkeypatch.setattr(passes_rows, "_is_behind", lambda node, other: True)
    with pytest.raises(AssertionError):
        test_what_something_else_reads_has_memory_of_its_own("reads it too")
