"""Packages that only some functions need: not imported with this one, and asked for in one sentence where missing."""

import subprocess
import sys

import pytest

from onnxseq.optional import Package

OPTIONAL = ["PIL", "pydot", "requests", "scipy", "sklearn", "tensorboardX"]


def in_another_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_none_is_imported_with_the_package():
    code = f"import sys, onnxseq; print(*[name for name in {OPTIONAL} if name in sys.modules])"
    assert in_another_process(code) == []


def test_the_package_works_without_them():
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({OPTIONAL}));"
        "import numpy as np; from onnxseq.preprocessing.image import ImageDataGenerator;"
        "x = np.ones((2, 5, 5, 1)); print(next(ImageDataGenerator(rotation_range=30).flow(x)).shape)"
    )
    assert in_another_process(code) == ["(2,", "5,", "5,", "1)"]


def test_a_package_is_imported_when_a_name_of_it_is_asked_for():
    module = Package("colorsys", "none", "test")
    sys.modules.pop("colorsys", None)
    assert not hasattr(module, "__wrapped__") and "colorsys" not in sys.modules
    assert module.rgb_to_hsv(1.0, 0.0, 0.0) == (0.0, 1.0, 1.0)
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018


def test_a_package_that_is_missing():
    with pytest.raises(ImportError) as error:
        Package("no_such_package", "some", "somebody").name  # noqa: B018
    assert error.value.args[0] == (
        "somebody: the module 'no_such_package' cannot be imported (No module named 'no_such_package'); expected what "
        "the extra 'some' installs. Run: pip install \"onnxseq[some]\""
    )
