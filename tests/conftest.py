"""What every test starts from."""

import pytest

from onnxseq.backend import names


@pytest.fixture(autouse=True)
def fresh_names():
    """Names of weights count what was made before; a test reads the same alone and behind any other."""
    names.forget_variable_names()
