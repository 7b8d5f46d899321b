"""Functions: state that several of them share, phases, freezing, threads, and what they refuse."""

import gc
import threading

import numpy as np
import onnx
import pytest

from onnxseq.compiler.function import Function, evaluate, get_value, set_value
from onnxseq.compiler.ops import math, reduction
from onnxseq.compiler.ops.phase import phase, select
from onnxseq.compiler.tensor import Tensor, Variable, constant, placeholder


def vector(name="x"):
    return placeholder("float32", ("batch", 3), name)


def variable(value=1.0, name="w"):
    return Variable(np.full((1, 3), value, np.float32), name)


def ones(rows=2):
    return np.ones((rows, 3), np.float32)


def counter():
    """A function that adds the sum of its input to a variable and returns the value from before."""
    x, w = vector(), variable(0.0)
    return Function([x], [w * 1.0], [(w, w + reduction.sum(x, [0], keepdims=True))], name="counter"), w, x


def test_outputs_see_the_values_before_the_updates():
    step, w, _ = counter()
    for turn in range(5):
        np.testing.assert_array_equal(step([ones()])[0], np.full((1, 3), 2.0 * turn))
        np.testing.assert_array_equal(get_value(w), np.full((1, 3), 2.0 * turn + 2))


def test_functions_that_share_a_variable_show_the_latest_value():
    step, w, x = counter()
    read = Function([x], [x + w])
    double = Function([], [], [(w, w * 2.0)])
    for expected in (2.0, 6.0, 14.0, 30.0):
        step([ones()])
        np.testing.assert_array_equal(read([ones()])[0], ones() + expected)
        assert get_value(w)[0, 0] == expected
        double([])
        np.testing.assert_array_equal(read([ones()])[0], ones() + 2 * expected)


def test_a_value_set_from_outside_is_seen_by_all():
    step, w, x = counter()
    read = Function([x], [x + w])
    step([ones()]), step([ones()])
    set_value(w, np.full((1, 3), 100))
    np.testing.assert_array_equal(read([ones()])[0], ones() + 100)
    step([ones()])
    assert get_value(w)[0, 0] == 102
    np.testing.assert_array_equal(read([ones()])[0], ones() + 102)


def test_get_value_is_a_copy_and_set_value_copies():
    _, w, _ = counter()
    get_value(w)[:] = 7
    assert get_value(w)[0, 0] == 0
    given = np.full((1, 3), 5, np.float32)
    set_value(w, given)
    given[:] = 9
    assert get_value(w)[0, 0] == 5


def test_batches_of_changing_size_continue_one_state():
    step, w, _ = counter()
    for rows in (1, 4, 1, 2, 4):
        step([ones(rows)])
    assert get_value(w)[0, 0] == 12


def test_a_frozen_function_follows_its_variables():
    step, w, x = counter()
    frozen = Function([x], [x + w], freeze=True)
    for turn in range(3):
        np.testing.assert_array_equal(frozen([ones()])[0], ones() + 2 * turn)
        step([ones()])
    set_value(w, np.zeros((1, 3)))
    np.testing.assert_array_equal(frozen([ones()])[0], ones())
    names = [i.name for i in frozen.onnx_model().graph.input]
    assert names == ["x"]


def test_the_phase_is_fixed_at_build_or_picked_by_the_value_fed():
    x = vector()
    y = select(phase(), x * 2.0, x * 3.0)
    assert Function([x], [y])([ones()])[0][0, 0] == 3
    assert Function([x], [y], learning_phase=1)([ones()])[0][0, 0] == 2
    both = Function([x, phase()], [y])
    assert [both([ones(), value])[0][0, 0] for value in (0, 1, True, False)] == [3, 2, 2, 3]
    assert not any(n.op_type == "Where" for n in both.onnx_model(learning_phase=1).graph.node)


def test_any_tensor_may_be_fed():
    x = vector()
    hidden = math.exp(x)
    assert Function([hidden], [hidden + 1.0])([ones()])[0][0, 0] == 2


def test_an_output_may_be_an_input_a_variable_a_constant_or_named_twice():
    x, w = vector(), variable(4.0)
    y = x + w
    values = Function([x], [x, w, constant(7.0), y, y])([ones()])
    assert [float(v.flat[0]) for v in values] == [1, 4, 7, 5, 5]


def test_the_model_passes_the_full_check_with_names_a_person_reads():
    step, _, _ = counter()
    model = step.onnx_model()
    onnx.checker.check_model(model, full_check=True)
    assert [i.name for i in model.graph.input] == ["x", "w"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert model.graph.output[1].name == "w/updated"


def test_evaluate_and_dtypes():
    for dtype in ("float16", "float32", "float64"):
        w = Variable(np.array([1, 2, 3], dtype), "w")
        value = evaluate(w * 2.0)
        assert value.dtype == dtype and value.tolist() == [2, 4, 6]


# -- threads --------------------------------------------------------------------------------------------------


def run_all(workers):
    failures = []

    def guarded(work):
        try:
            work()
        except BaseException as fault:  # handed to the test's own thread
            failures.append(fault)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(t.is_alive() for t in threads)
    if failures:
        raise failures[0]


def test_eight_threads_each_get_their_own_answer():
    x, w = vector(), variable(2.0)
    f = Function([x], [x * w])

    def caller(number):
        def work():
            for turn in range(200):
                sample = np.full((1 + number % 3, 3), number * 1000 + turn, np.float32)
                np.testing.assert_array_equal(f([sample])[0], sample * 2)

        return work

    run_all([caller(number) for number in range(8)])


def test_readers_see_the_state_after_a_whole_step_while_another_thread_writes():
    x = placeholder("float32", ("batch", 1), "x")
    a = Variable(np.zeros((512, 64), np.float32), "a")
    b = Variable(np.zeros((512, 64), np.float32), "b")
    step = Function([x], [], [(a, a + reduction.sum(x)), (b, b + reduction.sum(x))])
    spread = Function([], [reduction.max(a - b), reduction.max(a), reduction.min(a)])
    one = np.ones((1, 1), np.float32)

    def write():
        for _ in range(400):
            step([one])

    def read():
        for _ in range(300):
            difference, high, low = spread([])
            assert difference == 0 and high == low

    def copy():
        for _ in range(300):
            value = get_value(a)
            assert (value == value[0, 0]).all()

    run_all([write, read, read, copy])
    assert get_value(a)[0, 0] == 400


def test_two_threads_that_update_the_same_variable_lose_no_step():
    step, w, x = counter()
    other = Function([x], [], [(w, w + reduction.sum(x, [0], keepdims=True))])

    def repeat(f):
        def work():
            for _ in range(200):
                f([ones(1)])

        return work

    run_all([repeat(step), repeat(other), repeat(step)])
    assert get_value(w)[0, 0] == 600


# -- refusals -------------------------------------------------------------------------------------------------

REFUSED = {
    "too few inputs": (
        lambda f: f([]),
        ValueError,
        "function 'f': received 0 inputs; expected a list of 1 arrays.",
    ),
    "no list": (
        lambda f: f(np.ones((2, 3))),
        TypeError,
        "function 'f': received 'ndarray' inputs; expected a list of 1 arrays.",
    ),
    "wrong shape": (
        lambda f: f([np.ones((2, 4))]),
        ValueError,
        "function 'f': input 'x' received an array of shape (2, 4); expected (None, 3).",
    ),
    "wrong rank": (
        lambda f: f([np.ones(3)]),
        ValueError,
        "function 'f': input 'x' received an array of shape (3,); expected (None, 3).",
    ),
    "words": (
        lambda f: f([np.array([["a", "b", "c"]])]),
        ValueError,
        "function 'f': input 'x' received values of dtype <U1; expected float32.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_calls_change_nothing(case):
    call, kind, text = REFUSED[case]
    x, w = vector(), variable()
    f = Function([x], [x + w], [(w, w + 1.0)], name="f")
    with pytest.raises(kind) as fault:
        call(f)
    assert str(fault.value) == text
    assert get_value(w)[0, 0] == 1


def test_refused_functions():
    x, y, w = vector(), vector("y"), variable()
    with pytest.raises(ValueError, match="depend on <Tensor 'y' shape=\\(None, 3\\) dtype=float32>, which is not fed"):
        Function([x], [x + y])([ones()])
    with pytest.raises(ValueError, match="the update of 'w' has shape \\(\\) and dtype float32; expected \\(1, 3\\)"):
        Function([x], [], [(w, reduction.sum(x))])
    with pytest.raises(ValueError, match="'w' received a value of shape \\(3,\\); expected \\(1, 3\\)"):
        set_value(w, np.ones(3))
    with pytest.raises(ValueError, match="dimension 'batch' is 2 in input 'x' and 3 in input 'y'"):
        Function([x, y], [x + y])([ones(2), ones(3)])


def test_what_is_forgotten_is_freed():
    def use():
        x, w = vector(), variable()
        y = select(phase(), x * w, x + w)
        Function([x], [y], [(w, w * 2.0)], learning_phase=1)([ones()])

    def alive():
        gc.collect()
        return sum(isinstance(o, Tensor | Function) for o in gc.get_objects())

    use()
    before = alive()
    for _ in range(3):
        use()
    assert alive() == before
