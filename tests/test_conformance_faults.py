"""Planted faults: a real backend with one thing wrong, in its own process, is caught in the cases named here."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance import judge, runner, store
from tests.planted_backend import FAULTS
from tests.test_conformance_runner import Quiet

BACKEND = "tests.planted_backend"

# fault -> {case that catches it: a field in which it shows}
CAUGHT = {
    "wrong_default": {
        "configs/layer_BatchNormalization": "config",
        "layers_core/batch_normalization_training_rank_2": "weight_3",
    },
    "transposed_kernel": {
        "layers_spatial/conv2d_valid": "output",
        "layers_spatial/conv2d_strides": "gradient_1",
    },
    "wrong_epsilon": {"trajectories_optimizers/adam_clipnorm": "weight_00"},
    "swallowed_exception": {
        "errors/compile_loss_name": "raises",
        "errors/compile_optimizer_name": "raises",
    },
    "nan": {"backend/softplus": "value", "activations/at_zero": "softplus_gradient"},
}
# Beside the faults, and touched by none: a verdict is about a case, not about a backend.
UNTOUCHED = ("activations/tanh", "layers_spatial/conv2d_kernel_2_4_same")
NAMES = sorted({name for cases in CAUGHT.values() for name in cases} | set(UNTOUCHED))
UNPLANTED = "none"


@pytest.fixture(scope="module")
def judgements():
    """Every case under every fault, and under none."""

    def judged(fault):
        setup = runner.setup_of(BACKEND, provider=None if fault == UNPLANTED else fault)
        measured = runner.run_cases(setup, NAMES, Quiet())
        return fault, judge.judge(BACKEND, measured.results, store.load(NAMES), [])

    with ThreadPoolExecutor(2) as threads:
        return dict(threads.map(judged, [*FAULTS, UNPLANTED]))


def test_without_a_fault_every_case_agrees(judgements):
    assert judgements[UNPLANTED].counts() == {"agree": len(NAMES)} and judgements[UNPLANTED].status == 0


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_fault_is_caught_where_it_shows_and_there_alone(judgements, fault):
    judgement = judgements[fault]
    assert judgement.status == 1
    deviating = {name for name, verdict in judgement.verdicts.items() if verdict.outcome != "agree"}
    assert deviating == set(CAUGHT[fault])
    fields = {(deviation.case, deviation.field) for deviation in judgement.undeclared}
    assert set(CAUGHT[fault].items()) <= fields


def test_every_fault_is_caught():
    assert set(CAUGHT) == set(FAULTS)
