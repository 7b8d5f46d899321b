"""Broken files and configurations end in a documented way: some of each kind here, any number of them by the script."""

import ast
import collections
import faulthandler
import json
import pathlib
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onnxseq.models import model_from_config, model_from_json, model_from_yaml
from tests import fuzz_saving
from tests.fuzz_saving import DOCUMENTED

COUNT = 200
ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Children by fork, with limits of their memory.")
def test_broken_files():
    # A process of its own: a fork of this one would have the runtime's locks without its threads.
    command = [sys.executable, "-m", "tests.fuzz_saving", "--count", str(COUNT)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcomes = ast.literal_eval(re.search(r"{.*}", ended.stdout.splitlines()[-1]).group())
    assert sum(outcomes.values()) == COUNT
    # All of it would say nothing if everything were refused at the door.
    assert outcomes["loaded"] > COUNT // 20


def test_what_is_undocumented_is_found(tmp_path, monkeypatch):
    def fail(number, random, folder):
        raise AssertionError("a fault")

    monkeypatch.setattr(fuzz_saving, "READERS", (fail,))
    with pytest.raises(fuzz_saving.Undocumented, match=r"^case 7 \(fail\): AssertionError: a fault$"):
        fuzz_saving.run_case(7, tmp_path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Children by fork, with limits of their memory.")
@pytest.mark.parametrize("what", ["dies", "hangs", "takes all memory"])
def test_a_process_that_ends_is_found(what, monkeypatch):
    def end(number, random, folder):
        if number == 2:
            if what == "dies":
                faulthandler.disable()  # this death is meant, and needs no report
                fuzz_saving.os.abort()
            while what == "hangs":
                pass
            bytearray(2 * fuzz_saving.MOST_BYTES)

    monkeypatch.setattr(fuzz_saving, "READERS", (end,))
    if what == "hangs":
        monkeypatch.setattr(fuzz_saving, "MOST_SECONDS", 0.3)
    outcomes, findings, _ = fuzz_saving.run(4, report=lambda line: None)
    if what == "takes all memory":
        assert findings == ["UNDOCUMENTED case 2 (end): MemoryError:"]
    else:
        assert [finding.partition(" status ")[0] for finding in findings] == ["case 2: the process ended with"]
        assert outcomes == collections.Counter(loaded=3, DIED=1)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["Dense", "Sequential", "Model", "InputLayer", "relu", "i", "d", "float32"])
KEYS = st.text(max_size=5) | st.sampled_from([
    "class_name", "config", "name", "layers", "inbound_nodes", "input_layers", "output_layers", "units", "activation",
    "batch_input_shape", "dtype", "module", "kernel_initializer", "build_input_shape",
])  # fmt: skip
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
LAYERS = st.fixed_dictionaries(
    {"class_name": st.sampled_from(["Dense", "InputLayer", "Activation", "Sequential", "Model", "Reshape"]) | TREES,
     "config": st.dictionaries(KEYS, SCALARS | TREES, max_size=5) | TREES},
    optional={"name": st.sampled_from(["i", "d"]) | TREES, "inbound_nodes": TREES},
)  # fmt: skip
ENDS = st.just([["d", 0, 0]]) | st.just([["i", 0, 0]]) | TREES
MODELS = st.fixed_dictionaries({
    "class_name": st.sampled_from(["Sequential", "Model", "Functional"]),
    "config": st.lists(LAYERS, max_size=3) | st.fixed_dictionaries(
        {"name": TREES, "layers": st.lists(LAYERS, max_size=3), "input_layers": ENDS, "output_layers": ENDS}),
})  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(MODELS | LAYERS | TREES)
def test_configurations(config):
    for read, value in ((model_from_json, json.dumps(config)), (model_from_yaml, json.dumps(config)),
                        (model_from_config, config)):  # fmt: skip
        try:
            read(value)
        except DOCUMENTED as error:
            assert str(error)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=200) | st.text(alphabet="{}[]&*!<>:-, \n'\"ab01|?", max_size=60))
def test_texts(text):
    for read in (model_from_json, model_from_yaml):
        try:
            read(text)
        except DOCUMENTED as error:
            assert str(error)
