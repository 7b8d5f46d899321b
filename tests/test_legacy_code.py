"""Programs as users of Keras 2.0.8 and TensorFlow 1.4 wrote them, run as they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.models import Model, Sequential

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(16, 6).astype("float32")
Y = np.eye(3)[RANDOM.randint(0, 3, 16)].astype("float32")


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


def network(model_class=Sequential):
    if model_class is Sequential:
        return Sequential([L.Dense(4, activation="tanh", input_shape=(6,)), L.Dense(3, activation="softmax")])
    x = L.Input((6,))
    return Model(x, L.Dense(3, activation="softmax")(L.Dense(4, activation="tanh")(x)))


@pytest.mark.parametrize("model_class", [Sequential, Model])
def test_functions_are_made_ahead_of_threads(model_class):
    model = network(model_class)
    assert model._make_predict_function() is None
    with pytest.raises(RuntimeError, match="the model was not compiled"):
        model._make_test_function()
    model.compile("sgd", "mse")
    assert model._make_train_function() is model._make_test_function() is model._make_predict_function() is None


@pytest.mark.parametrize("model_class", [Sequential, Model])
def test_gradients_of_what_training_is_fed(model_class):
    """The lengths of gradients, by a function over inputs, targets, sample weights and the phase."""
    model = network(model_class)
    model.compile("sgd", "categorical_crossentropy")
    gradients = model.optimizer.get_gradients(model.total_loss, model.trainable_weights)
    feeds = [*model.inputs, *model._feed_targets, *model._feed_sample_weights, K.learning_phase()]
    values = K.function(feeds, gradients)([X, Y, np.ones(16), 0])
    before = model.get_weights()
    model.train_on_batch(X, Y)
    for value, first, then in zip(values, before, model.get_weights(), strict=True):
        assert_allclose(first - 0.01 * value, then, atol=1e-6)
    assert model._feed_output_names == model.output_names and model._feed_output_shapes == [(None, 3)]
    assert model._feed_loss_fns == model.loss_functions and model._feed_outputs == model.outputs
