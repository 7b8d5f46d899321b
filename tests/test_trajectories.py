"""Training as TensorFlow 1.4 trains: whole models, twenty steps each, held against the record.

The conformance suite runs these and all other cases; here they stand for it where the tests alone are run.
"""

import pytest

from conformance import cases, store  # noqa: F401  (importing the cases registers them)
from conformance.backends import onnxseq as backend
from conformance.case import matching
from conformance.compare import deviations
from conformance.worker import run_case

NAMES = matching("trajectories/*")


@pytest.fixture(scope="module")
def recorded():
    return store.load(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trajectory(name, recorded):
    found = deviations(name, run_case(backend, name), recorded.get(name))
    assert not found, "\n".join(f"{deviation.field}: {deviation.what}" for deviation in found)
