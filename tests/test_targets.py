"""Which provider programs are compiled for."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.compiler import session, targets


@pytest.fixture(autouse=True)
def the_best_again():
    yield
    targets.use(None)


@pytest.mark.parametrize("provider", session.providers())
def test_every_offered_provider_can_be_chosen(provider):
    targets.use(provider)
    assert targets.current().provider == provider
    np.testing.assert_allclose(K.eval(K.dot(K.ones((2, 3)), K.ones((3, 2)))), np.full((2, 2), 3.0))


def test_the_choice_is_taken_back():
    best = targets.current()
    targets.use(session.providers()[-1])
    targets.use(None)
    assert targets.current() is best


def test_a_provider_that_is_not_there():
    offered = ", ".join(map(repr, session.providers()))
    with pytest.raises(ValueError) as raised:
        targets.use("AbacusExecutionProvider")
    assert str(raised.value) == (
        "targets.use: provider is 'AbacusExecutionProvider'; expected one that the installed ONNX Runtime offers: "
        f"{offered}. Choose one of these, or install the runtime that has it."
    )
