"""The package keeps the rules of the house, and each rule finds the fault it is there for."""

from pathlib import Path

import pytest

from tests import structure_check
from tests.structure_check import RULES, Source, cycles, floors, read_package, size

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = read_package(ROOT, "onnxseq")

# rule, module, source, the fault that it must find
PLANTED = [
    ("only_the_backend_below", "onnxseq.layers.core", "from onnxseq.compiler import ops",
     "onnxseq.layers.core:1 imports onnxseq.compiler past the backend"),
    ("only_the_backend_below", "onnxseq.losses", "import onnxseq.compiler.tensor",
     "onnxseq.losses:1 imports onnxseq.compiler.tensor past the backend"),
    ("owners", "onnxseq.compiler.function", "import onnxruntime as ort",
     "onnxseq.compiler.function:1 imports onnxruntime, which is not its own"),
    ("owners", "onnxseq.models", "from yaml import safe_load",
     "onnxseq.models:1 imports yaml, which is not its own"),
    ("owners", "onnxseq.compiler.session", "import torch",
     "onnxseq.compiler.session:1 imports torch, which is not its own"),
    ("owners", "onnxseq.layers.core", "scipy = Package('scipy.ndimage', 'image', 'Dense')",
     "onnxseq.layers.core:1 imports scipy, which is not its own"),
    ("relative_or_star_imports", "onnxseq.models", "from onnxseq.layers import *", "onnxseq.models:1 imports *"),
    ("relative_or_star_imports", "onnxseq.models", "from . import layers", "onnxseq.models:1 imports relatively"),
    ("imports_inside", "onnxseq.models", "def load():\n    import yaml", "onnxseq.models:2 imports inside load"),
    ("imports_inside", "onnxseq.models", "class A:\n    from onnxseq import layers",
     "onnxseq.models:2 imports inside A"),
    ("asserts", "onnxseq.models", "def f(x):\n    assert x", "onnxseq.models:2 asserts"),
    ("size", "onnxseq.models", "x = 1\n" * 601, "onnxseq.models:601 has more than 600 lines"),
    ("untrusted", "onnxseq.saving.config", "x = pickle.load(f)", "onnxseq.saving.config:1 uses pickle.load"),
    ("untrusted", "onnxseq.saving.config", "from marshal import loads",
     "onnxseq.saving.config:1 imports marshal.loads"),
    ("untrusted", "onnxseq.saving.config", "x = eval('1')", "onnxseq.saving.config:1 calls eval"),
    ("untrusted", "onnxseq.saving.config", "x = yaml.load(f)",
     "onnxseq.saving.config:1 calls yaml.load without a safe loader"),
    ("untrusted", "onnxseq.saving.config", "x = yaml.load(f, Loader=yaml.FullLoader)",
     "onnxseq.saving.config:1 calls yaml.load without a safe loader"),
    ("hidden_channels", "onnxseq.models", "import os\nx = os.environ['X']",
     "onnxseq.models:2 reads the environment"),
    ("hidden_channels", "onnxseq.models", "def f(x, *, y=[]):\n    return y", "onnxseq.models:1 has a mutable default"),
    ("class_name_dispatch", "onnxseq.models", "x = layer.__class__.__name__ == 'Dense'",
     "onnxseq.models:1 compares the name of a class"),
    ("class_name_dispatch", "onnxseq.models", "x = type(layer).__name__ in ('LSTM', 'GRU')",
     "onnxseq.models:1 compares the name of a class"),
    ("state_by_hasattr", "onnxseq.models", "def f(self):\n    return hasattr(self, 'x')",
     "onnxseq.models:2 asks hasattr(self, ...)"),
    ("docstrings", "onnxseq.models", "x = 1", "onnxseq.models:1 has no docstring"),
    ("docstrings", "onnxseq.models", "'''Models.'''\ndef f():\n    pass", "onnxseq.models:2 f has no docstring"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule):
    assert [fault for source in PACKAGE.values() for fault in rule(source)] == []


def test_imports_go_down_only():
    assert floors(PACKAGE) == []


def test_no_cycles():
    assert cycles(PACKAGE) == []


@pytest.mark.parametrize("folder", ["tests", "conformance", "benchmarks", "examples"])
def test_sizes_beside_the_package(folder):
    sources = read_package(ROOT, folder).values()
    assert [fault for source in sources for fault in size(source)] == []


@pytest.mark.parametrize("rule, module, text, fault", PLANTED)
def test_planted_fault(rule, module, text, fault):
    assert fault in getattr(structure_check, rule)(Source(module, text))


def test_every_rule_has_a_planted_fault():
    assert {rule.__name__ for rule in RULES} == {row[0] for row in PLANTED}


def plant(**texts):
    """Return a package of the given modules; double underscores stand for dots."""
    names = {name.replace("__", "."): text for name, text in texts.items()}
    return {name: Source(name, text) for name, text in names.items()}


def test_planted_import_from_above():
    package = plant(onnxseq__errors="from onnxseq import models", onnxseq__models="from onnxseq import errors",
                    onnxseq__compiler__ops__math="from onnxseq.compiler.function import Function",
                    onnxseq__compiler__function="", onnxseq__utils="", onnxseq__utils__layer_utils="")
    package["onnxseq.utils"] = Source("onnxseq.utils", "import onnxseq.utils.layer_utils")
    assert floors(package) == [
        "onnxseq.errors:1 imports onnxseq.models from a floor above",
        "onnxseq.compiler.ops.math:1 imports onnxseq.compiler.function from a floor above",
        "onnxseq.utils:1 imports onnxseq.utils.layer_utils from a floor above",
    ]


def test_planted_module_without_a_floor():
    assert floors(plant(onnxseq__helpers="")) == ["onnxseq.helpers:1 stands on no floor"]


def test_planted_cycle():
    package = plant(onnxseq__errors="from onnxseq.shapes import x", onnxseq__shapes="from onnxseq import config",
                    onnxseq__config="import onnxseq.errors", onnxseq__registry="")
    assert cycles(package) == ["onnxseq.config -> onnxseq.errors -> onnxseq.shapes -> onnxseq.config"]
    assert cycles(plant(onnxseq__errors="", onnxseq__shapes="import onnxseq.errors")) == []
