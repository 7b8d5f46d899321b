"""Training as TensorFlow 1.4 trains: every recorded trajectory, run here and held against the record."""

import pytest

from conformance import cases, store  # noqa: F401  (importing the cases registers them)
from conformance.backends import onnxseq as backend
from conformance.case import matching
from conformance.compare import deviations
from conformance.worker import run_case

NAMES = matching("trajectories*")


@pytest.fixture(scope="module")
def recorded():
    return store.load(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trajectory(name, recorded):
    found = deviations(name, run_case(backend, name), recorded.get(name))
    assert not found, "\n".join(f"{deviation.field}: {deviation.what}" for deviation in found)


def test_every_recorded_trajectory_has_its_case():
    families = sorted({name.split("/")[0] for name in NAMES})
    recorded = {name for family in families for name in store.load_family(family)[0]}
    assert recorded == set(NAMES)
