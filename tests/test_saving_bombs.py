"""Files and texts that ask for far more time or memory than they take are refused in bounded time and memory."""

import json
import os
import subprocess
import sys

import pytest

from onnxseq.backend import names
from tests.saving_bombs import FILES, TEXTS

MOST_BYTES = 512 << 20
"""What a refusal may take of memory beside what the imported library takes; the process has no more."""

MOST_SECONDS = 20
"""Processor time, which shows a hang and nothing finer: each is refused within a second."""

READS_ALL = f"""
import json, resource, signal, sys, warnings
from onnxseq.models import load_model, model_from_json, model_from_yaml
warnings.simplefilter("ignore")
readers = {{"file": load_model, "json": model_from_json, "yaml": model_from_yaml}}
with open("texts.json") as file:
    cases = json.load(file)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {MOST_BYTES}, used + {MOST_BYTES}))
for name, (language, text) in cases.items():
    signal.setitimer(signal.ITIMER_PROF, {MOST_SECONDS})
    try:
        readers[language](text)
        found = ["nothing", ""]
    except Exception as error:
        found = [type(error).__name__, str(error)]
    print(json.dumps([name, *found]), flush=True)
"""

FEWER_CALLS = "it calls layers more than 50000 times, those of models within it included; expected fewer."
PINNED = {
    "many_texts": (
        "OSError", "load_model: 'many_texts': its structure takes more than 26235392 bytes to follow; expected a whole "
        "HDF5 file as Keras writes it. Take a copy that is whole, from where you trust."),
    "path_in_circles": (
        "OSError", "load_model: 'path_in_circles': a path of 100002 names at '/model_weights/first'; expected up to "
        "100. Take a copy that is whole, from where you trust."),
    "empty_lists": (
        "ValueError", "load_model: attribute 'model_config' of more than 1000000 values; expected fewer."),
    "long_text": (
        "ValueError", "load_model: attribute 'model_config' of 9000002 characters; expected up to 8388608."),
    "models_in_models": ("ValueError", f"load_model: layer 'a': {FEWER_CALLS}"),
    "wrappers_in_wrappers": ("ValueError", f"load_model: the model: {FEWER_CALLS}"),
    "many_layers": ("ValueError", "load_model: a model of more than 5000 layers; expected fewer."),
    "many_inputs": ("ValueError", f"load_model: layer 'graph': {FEWER_CALLS}"),
    "many_metrics": ("ValueError", "load_model: training_config of more than 10000 values; expected fewer."),
    "huge_weights": (
        "ValueError", "load_model: Dense 'first': weight 'kernel' of shape (3, 2147483647), with those before it, is "
        "larger than all weights of the file; expected a configuration that its weights fit. Take a copy that is "
        "whole, from where you trust."),
    "no_rows": (
        "ValueError", "load_model: Dense 'first': weight 'bias' of shape (4,), with those before it, is larger than "
        "all weights of the file; expected a configuration that its weights fit. Take a copy that is whole, from where "
        "you trust."),
    "zip_bomb": ("ValueError", "load_model: 'zip_bomb': model.weights.h5 of 67108864 bytes; expected up to 16777216."),
    "zip_liar": (
        "OSError", "load_model: 'zip_liar': the archive cannot be read (Bad CRC-32 for file 'model.weights.h5'); "
        "expected an archive of Keras 3 that is whole. Take a copy that is whole, from where you trust."),
    "zip_config": ("ValueError", "load_model: 'zip_config': config.json of 67108864 bytes; expected up to 8388608."),
    "yaml laughs": ("ValueError", "model_from_yaml: a text that stands for more than 1000000 values; expected fewer."),
    "yaml merges": ("ValueError", "model_from_yaml: a text that stands for more than 1000000 values; expected fewer."),
    "yaml that holds itself": (
        "ValueError", "model_from_yaml: a value that holds itself; expected YAML of plain data."),
    "yaml, deep": (
        "ValueError", "model_from_yaml: the text is nested too deeply; expected what to_yaml() writes."),
    "yaml, long": ("ValueError", "model_from_yaml: a text of 4000000 characters; expected up to 2097152."),
    "yaml, a huge number": (
        "ValueError", "model_from_yaml: a value that cannot be read (Exceeds the limit (4300 digits) for integer "
        "string conversion: value has 100000 digits; use sys.set_int_max_str_digits() to increase the limit); expected "
        "YAML of plain data."),
    "yaml, no date": (
        "ValueError", "model_from_yaml: a value that cannot be read (month must be in 1..12); expected YAML of plain "
        "data."),
    "yaml, a key that is a number": (
        "ValueError", "model_from_yaml: the text has the key 1; expected texts as keys."),
    "json, deep": ("ValueError", "model_from_json: the text is nested too deeply; expected up to 100 levels."),
    "json, dicts in dicts": (
        "ValueError", "model_from_json: the text is nested too deeply; expected up to 100 levels."),
    "json, a huge number": (
        "ValueError", "model_from_json: the text is no JSON (Exceeds the limit (4300 digits) for integer string "
        "conversion: value has 100000 digits; use sys.set_int_max_str_digits() to increase the limit); expected a text "
        "in JSON."),
    "json, wide": (
        "ValueError", "model_from_json: Dense 'd': weight 'kernel' of shape (50000, 50000), with those before it, is "
        "larger than 268435456 numbers; expected a smaller model. Where you trust it, pass what json.loads() returns "
        "to model_from_config()."),
    "json, models in models": ("ValueError", f"model_from_json: layer 'a': {FEWER_CALLS}"),
    "json, a long class": (
        "ValueError", "model_from_json: the model: class_name is '" + "x" * 56 + "...; expected up to 1000 "
        "characters."),
}  # fmt: skip


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """What a child process of little memory says of each, in their order."""
    folder = tmp_path_factory.mktemp("bombs")
    cases = {}
    for name, make in FILES.items():
        names.forget_variable_names()
        make(folder / name)
        cases[name] = ("file", name)
    for name, (language, make) in TEXTS.items():
        cases[name] = (language, make())
    (folder / "texts.json").write_text(json.dumps(cases))
    child = subprocess.run(
        [sys.executable, "-c", READS_ALL], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    found = {name: (kind, message) for name, kind, message in map(json.loads, child.stdout.splitlines())}
    assert child.returncode == 0, f"the process ended after {list(found)[-1:]}: {child.stderr}"
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Limits of a process's memory are Linux's.")
@pytest.mark.parametrize("name", [*FILES, *TEXTS])
def test_refused_in_bounds(name, refusals):
    assert refusals[name] == PINNED[name]
