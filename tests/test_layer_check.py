"""The check of layers finds faults: each is planted in a layer and must be told."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import registry
from tests.layer_check import Case, check_layer, drawn


class Right(L.Layer):
    """Multiplies by a weight, by a factor of its config and adds a bias where asked."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.weight = self.add_weight("weight", (input_shape[-1],), initializer="ones")
        self.built = True

    def call(self, inputs):
        return inputs * self.weight * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class WrongValue(Right):
    def call(self, inputs):
        return super().call(inputs) * 1.001


class WrongShape(Right):
    def _compute_output_shape(self, input_shape):
        return (input_shape[0], 1)


class ForgetsItsConfig(Right):
    def get_config(self):
        return L.Layer.get_config(self)


class NoGradientOfInputs(Right):
    def call(self, inputs):
        return K.stop_gradient(inputs) * self.weight * self.factor + 0.0 * inputs


class NoGradientOfWeights(Right):
    def call(self, inputs):
        return inputs * K.stop_gradient(self.weight) * self.factor + 0.0 * self.weight


class WrongWeightName(Right):
    def __init__(self, factor, **kwargs):
        super().__init__(factor, **kwargs)
        self.weight = K.variable(np.ones(4), name="elsewhere/weight")  # outside of build, whose scope would name it

    def build(self, input_shape):
        self.trainable_weights = [self.weight]
        self.built = True


class MovesWhilePredicting(Right):
    def call(self, inputs):
        return K.in_train_phase(super().call(inputs), inputs * 0.5)


FAULTS = [
    (WrongValue, "values"), (WrongShape, "inferred shape"), (ForgetsItsConfig, "values of the layer read back"),
    (NoGradientOfInputs, "gradient 0"), (NoGradientOfWeights, "gradient 1"), (WrongWeightName, "names of weights"),
    (MovesWhilePredicting, "values"),
]  # fmt: skip


def row(kind):
    return Case(kind.__name__, lambda: kind(2.0), drawn(3, 4), lambda x, weight: x * weight * 2.0)


def test_a_right_layer_passes():
    with registry.custom_object_scope({"Right": Right}):
        check_layer(row(Right))


@pytest.mark.parametrize("kind, told", FAULTS, ids=[kind.__name__ for kind, _ in FAULTS])
def test_a_fault_is_told(kind, told):
    with registry.custom_object_scope({kind.__name__: kind}), pytest.raises(AssertionError, match=told):
        check_layer(row(kind))
