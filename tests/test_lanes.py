"""Batches of a prediction that run side by side."""

import re

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import training_loop
from onnxseq.compiler import runner
from onnxseq.compiler.ops import law
from onnxseq.data_feeds import Feed

SAMPLES = 29


def stepper_of(lanes, batch_size, build):
    x = K.placeholder((None, 3))
    function = K.function([x], build(x))
    array = np.arange(SAMPLES * 3, dtype="float32").reshape(SAMPLES, 3)
    stepper = training_loop.Stepper(function, [Feed("predict", array, "float32")])
    stepper.runner(batch_size)[0].program.lanes = lanes
    return array, stepper


@pytest.mark.parametrize("lanes", [1, 2, 3, 40])
@pytest.mark.parametrize("batch_size", [1, 4, 29])
def test_every_batch_lands_in_its_rows(lanes, batch_size):
    array, stepper = stepper_of(lanes, batch_size, lambda x: [x * 2.0, K.sum(x, axis=1)])
    with stepper:
        doubled, sums = training_loop.predict("predict", stepper, batch_size)
    np.testing.assert_array_equal(doubled, array * 2)
    np.testing.assert_allclose(sums, array.sum(1))


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_a_fault_in_one_lane_is_raised(lanes):
    _, stepper = stepper_of(lanes, 4, lambda x: [K.sum(x, axis=0)])
    with stepper, pytest.raises(ValueError, match="one row for each sample"):
        training_loop.predict("predict", stepper, 4)


def test_what_is_not_in_memory_is_read_by_one_thread():
    class File:
        shape = (SAMPLES, 3)

        def __getitem__(self, rows):
            return np.zeros(self.shape, "float32")[rows]

    _, stepper = stepper_of(3, 4, lambda x: [x])
    assert stepper.lanes(4) == 3
    stepper.feeds = [Feed("predict", File(), "float32")]
    assert stepper.lanes(4) == 1


@pytest.mark.parametrize("lanes", [1, 3])
def test_progress_is_shown_in_order(lanes, capsys):
    _, stepper = stepper_of(lanes, 4, lambda x: [x])
    with stepper:
        training_loop.predict("predict", stepper, 4, verbose=1)
    shown = [int(done) for done in re.findall(rf"(\d+)/{SAMPLES}", capsys.readouterr().out)]
    assert shown == sorted(shown) and shown[0] == 4  # what comes soon after is not drawn


def test_what_draws_keeps_its_order():
    drawing = {name for (domain, name), op in law.TABLE.items() if op.random and not domain}
    assert drawing <= set(runner._DRAWING)
