"""Wrapper and TimeDistributed: what goes through to the inner layer, and what does not."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq import models, regularizers
from tests.layer_check import drawn

SEQUENCES = drawn(3, 4, 5)


def test_a_model_at_each_step_of_any_number_of_samples():
    last = L.Dense(2, kernel_regularizer="l2")
    inner = models.Sequential([L.Dense(6, "tanh", input_shape=(5,)), L.Dropout(0.5), last])
    model = models.Sequential([L.TimeDistributed(inner, input_shape=(None, 5))])
    assert model.output_shape == (None, None, 2)
    assert model.uses_learning_phase and len(model.losses) == 1
    for steps in (4, 2):
        x = SEQUENCES[:, :steps]
        by_hand = inner.predict(x.reshape(-1, 5)).reshape(3, steps, 2)
        np.testing.assert_allclose(model.predict(x), by_hand, rtol=1e-6, atol=1e-7)
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.train_on_batch(SEQUENCES, np.zeros((3, 4, 2), "float32"))
    assert all(np.any(new != old) for new, old in zip(inner.get_weights(), before, strict=True))
    again = models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(SEQUENCES), again.predict(SEQUENCES))


def test_statistics_are_of_all_steps():
    layer = L.BatchNormalization(momentum=0.0)
    model = models.Sequential([L.TimeDistributed(layer, input_shape=(4, 5))])
    model.compile("sgd", "mse")
    model.train_on_batch(SEQUENCES, SEQUENCES)
    np.testing.assert_allclose(K.get_value(layer.moving_mean), SEQUENCES.mean((0, 1)), rtol=1e-5, atol=1e-6)
    assert len(model.updates) == 2 and len(model.layers[0].updates) == 2
    nested = models.Sequential([models.Sequential([L.TimeDistributed(layer, input_shape=(4, 5))])])
    assert len(nested.updates) == 2


def test_the_training_argument_reaches_the_inner_layer():
    x = L.Input((4, 5))
    found = K.function([x], [L.TimeDistributed(L.Dropout(0.5))(x, training=True), L.TimeDistributed(L.Dense(2))(x)])
    dropped = found([np.ones((3, 4, 5))])[0]
    assert set(np.unique(dropped)) == {0.0, 2.0}


def test_names_of_weights_hold_both_scopes():
    K.clear_session()
    model = models.Sequential([L.TimeDistributed(L.Dense(3), input_shape=(4, 5)), L.TimeDistributed(L.Dense(2))])
    names = ["time_distributed/dense/kernel:0", "time_distributed/dense/bias:0"]
    assert [weight.name for weight in model.weights[:2]] == names


def test_names_of_weights_hide_a_wrapper_inside():
    K.clear_session()
    layer = L.TimeDistributed(L.TimeDistributed(L.TimeDistributed(L.Dense(3)), name="inner"), name="outer")
    layer(L.Input((4, 3, 5, 2)))
    assert [weight.name for weight in layer.weights] == ["outer/dense/kernel:0", "outer/dense/bias:0"]


def test_what_a_wrapper_shares_with_the_inner_layer():
    class Doubled(L.Wrapper):
        def build(self, input_shape):
            self.layer.build(input_shape)
            self.layer.built = True
            self.scale = self.add_weight("scale", (1,), initializer="ones", trainable=False)
            super().build()

        def call(self, inputs):
            return self.layer.call(inputs) * 2.0 * self.scale

        def compute_output_shape(self, input_shape):
            return self.layer.compute_output_shape(input_shape)

    wrapper = Doubled(L.Dense(3, kernel_regularizer="l2"), input_shape=(5,))
    model = models.Sequential([wrapper])
    assert [len(group) for group in (wrapper.weights, wrapper.trainable_weights, wrapper.losses)] == [3, 2, 1]
    wrapper.layer.trainable = False
    assert wrapper.trainable_weights == [] and len(wrapper.non_trainable_weights) == 3
    twin = Doubled.from_config(wrapper.get_config())
    assert wrapper.constraints == {}
    bounded = L.TimeDistributed(L.Dense(3, kernel_constraint="non_neg"), input_shape=(4, 5))
    models.Sequential([bounded])
    assert list(bounded.constraints) == [bounded.layer.kernel]
    assert twin.get_config() == wrapper.get_config() and twin.layer is not wrapper.layer
    x = drawn(2, 5)
    np.testing.assert_allclose(model.predict(x), 2 * (x @ model.get_weights()[0]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda squares: L.Dense(2, activity_regularizer=squares, kernel_initializer="ones"),
        lambda squares: L.TimeDistributed(L.Dense(2, activity_regularizer=squares, kernel_initializer="ones")),
    ],
)
@pytest.mark.parametrize(("rows", "loss"), [(None, 0), (2, 0.1 * 2 * 4 * 3 * 2 * 5**2)])
def test_the_inner_activity_regularizer_counts_where_the_samples_are_counted(make, rows, loss):
    x = L.Input(batch_shape=(rows, 4, 3, 5))
    model = models.Model(x, L.TimeDistributed(make(regularizers.l2(0.1)))(x))
    model.compile("sgd", "mse")
    ones = np.ones((2, 4, 3, 5))
    np.testing.assert_allclose(model.evaluate(ones, model.predict(ones), verbose=0), loss, rtol=1e-6)


def test_the_mask_goes_on():
    words = L.Input((4,))
    output = L.TimeDistributed(L.Dense(2))(L.Embedding(3, 5, mask_zero=True)(words))
    found = K.function([words], [output._keras_mask])([np.array([[1, 0, 2, 0]])])[0]
    np.testing.assert_array_equal(found, [[True, False, True, False]])


MESSAGES = [
    (lambda: L.TimeDistributed(3, name="t"), AttributeError,
     "TimeDistributed 't': 3; expected a layer. Make it first, e.g. Dense(10)."),
    (lambda: L.TimeDistributed(L.Dense(3), name="t")(L.Input((4,))), AssertionError,
     "TimeDistributed 't': input has shape (None, 4); expected (batch, steps, …), rank 3 at least. Put Reshape() or "
     "RepeatVector() before it, or use the layer without TimeDistributed."),
    (lambda: L.TimeDistributed(L.Conv2D(3, 2, name="c"), name="t")(L.Input((4, 5, 6))), ValueError,
     "TimeDistributed 't': Conv2D 'c': input 0 has shape (None, 5, 6), which is rank 3; expected rank 4, the batch "
     "axis included. Put Reshape() before it to add the axes that are missing."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "kind", "message"), MESSAGES)
def test_message(act, kind, message):
    with pytest.raises(kind) as error:
        act()
    assert str(error.value) == message
