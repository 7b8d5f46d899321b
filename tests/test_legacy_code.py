"""Programs as users of Keras 2.0.8 and TensorFlow 1.4 wrote them, run as they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.models import Model, Sequential


@pytest.mark.parametrize("position", [-1, 5])
def test_an_embedding_refuses_positions_on_both_sides(position):
    model = Sequential([L.Embedding(5, 2, input_length=2), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    for run in (model.predict, lambda x: model.train_on_batch(x, np.ones((1, 1)))):
        with pytest.raises(RuntimeError, match="indices element out of data bounds, idx=5"):
            run(np.array([[0, position]]))
    for array, later in zip(before, model.get_weights(), strict=True):
        assert_allclose(array, later)


def test_gather_counts_no_position_from_the_back():
    table = K.placeholder((None, 2))
    picked = K.function([table], [K.gather(table, K.constant([1, -1], dtype="int32"))])
    with pytest.raises(RuntimeError, match="idx=3 must be within"):
        picked([np.ones((3, 2))])
    one = K.function([table], [K.gather(table, K.constant(1, dtype="int32"))])
    assert one([np.eye(2)])[0].tolist() == [0, 1]


def test_a_loss_that_the_model_computes_itself_trains_and_predicts():
    """A scalar output stands for its batch: its targets are not read, and each row predicted shows it."""
    x = L.Input((4,))
    penalty = L.Lambda(lambda t: K.mean(K.square(t)))(L.Dense(2)(x))
    model = Model(x, penalty)
    model.compile("sgd", loss=lambda y_true, y_pred: y_pred)
    data = np.ones((6, 4), "float32")
    history = model.fit(data, np.zeros((6, 1)), epochs=3, batch_size=3, verbose=0)
    assert history.history["loss"][2] < history.history["loss"][0]
    rows = model.predict(data, batch_size=3)
    assert rows.shape == (6,) and rows[0] == rows[5] == model.predict_on_batch(data[:3])


class OlderOrder(L.Layer):
    """add_weight with the shape first, as in Keras 1."""

    def build(self, input_shape):
        self.W = self.add_weight((input_shape[1], 3), initializer="uniform", name=f"{self.name}_W")
        self.b = self.add_weight((3,), "zero", trainable=False)
        self.c = self.add_weight(shape=(1,), initializer="one")
        self.built = True

    def call(self, x, mask=None):
        return K.dot(x, self.W) + self.b * self.c


def test_add_weight_with_the_shape_first():
    model = Sequential([OlderOrder(input_shape=(6,), name="mine")])
    assert [weight.name for weight in model.weights] == ["mine/mine_W:0", "mine/weight_3:0", "mine/weight_2:0"]
    assert [K.int_shape(weight) for weight in model.weights] == [(6, 3), (1,), (3,)]
    assert len(model.trainable_weights) == 2
