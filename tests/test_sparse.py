"""Sparse tensors and sparse data: what they give is what the same data gives densely, a batch at a time."""

import numpy as np
import pytest
from scipy import sparse

import onnxseq
from onnxseq import backend as K
from onnxseq import layers as L
from onnxseq.data_feeds import Feed
from onnxseq.models import Model, Sequential, load_model, model_from_json

RANDOM = np.random.RandomState(5)
DENSE = np.where(RANDOM.uniform(size=(10, 6)) < 0.3, RANDOM.normal(size=(10, 6)), 0).astype("float32")
TARGETS = RANDOM.normal(size=(10, 2)).astype("float32")
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def small(sparse_input=True):
    x = L.Input((6,), sparse=sparse_input, name="x")
    model = Model(x, L.Dense(2, kernel_initializer=onnxseq.initializers.Constant(0.5), name="dense")(x))
    model.compile(onnxseq.optimizers.SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix, sparse.coo_array])
@pytest.mark.parametrize("sparse_input", [True, False])
def test_a_placeholder_takes_matrices_and_arrays(kind, sparse_input):
    x = K.placeholder((None, 6), sparse=sparse_input)
    assert K.is_sparse(x) is sparse_input
    doubled = K.function([x], [x * 2.0])
    np.testing.assert_array_equal(doubled([kind(DENSE)])[0], DENSE * 2)
    np.testing.assert_array_equal(doubled([DENSE])[0], DENSE * 2)


def test_what_stays_sparse():
    x, dense = K.placeholder((None, 6), sparse=True), K.placeholder((None, 6))
    assert K.is_sparse(K.variable(sparse.csr_matrix(DENSE)))
    assert K.is_sparse(K.concatenate([x, x]))
    assert not any(map(K.is_sparse, (K.concatenate([x, dense]), K.to_dense(x), K.dot(x, K.ones((6, 2))), dense)))


def test_a_constant_is_dense():
    with pytest.raises(TypeError) as raised:
        K.constant(sparse.csr_matrix((2, 2)))
    assert str(raised.value).endswith("arrived; expected dense values. Use K.variable() for it.")
    assert str(raised.value).startswith("constant: <")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sparse_input", [True, False])
def test_a_model_is_trained_as_on_dense_data(form, sparse_input):
    x, results = sparse.csr_matrix(DENSE).asformat(form), []
    for data in (x, DENSE):
        model = small(sparse_input)
        np.random.seed(3)
        logs = model.fit(data, TARGETS, batch_size=4, epochs=2, validation_split=0.3, verbose=0).history
        results.append(
            [logs["loss"], logs["val_loss"], model.evaluate(data, TARGETS, batch_size=4, verbose=0),
             model.train_on_batch(data, TARGETS), model.predict(data, batch_size=3), model.predict(data, steps=2),
             *model.get_weights()]
        )  # fmt: skip
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_sparse_targets_with_class_weights():
    labels = np.eye(2, dtype="float32")[RANDOM.randint(2, size=10)]
    losses = []
    for y in (sparse.coo_matrix(labels), labels):
        model = small()
        losses.append(model.train_on_batch(DENSE, y, class_weight={0: 1.0, 1: 3.0}))
    assert losses[0] == losses[1]


def test_a_vector_is_one_value_for_each_sample():
    model = Sequential([L.Dense(1, input_shape=(1,), kernel_initializer="ones")])
    vector = sparse.coo_array(np.array([0.0, 2.0, 0.0], "float32"))
    np.testing.assert_array_equal(model.predict(vector), [[0], [2], [0]])


def test_a_shape_that_does_not_fit():
    with pytest.raises(ValueError) as raised:
        small().predict(sparse.csr_matrix((3, 5), dtype="float32"))
    assert "input 'x' has shape (3, 5); expected shape (None, 6)." in str(raised.value)


def test_no_more_than_a_batch_is_made_dense():
    rows, columns = 10**7, 10**5  # 4 TB as float32
    data = sparse.csr_matrix((np.ones(3, "float32"), ([0, 5, rows - 1], [1, 2, columns - 1])), (rows, columns))
    feed, out = Feed("test", data, np.dtype("float32")), np.empty((2, columns), "float32")
    assert len(feed) == rows and feed.item_shape == (columns,)
    feed.gather(np.array([rows - 1, 5]), out)
    assert np.argwhere(out).tolist() == [[0, columns - 1], [1, 2]]
    feed.copy(0, 2, out)
    assert np.argwhere(out).tolist() == [[0, 1]]


def test_a_sparse_input_in_files(tmp_path):
    model, path = small(), tmp_path / "model.h5"
    model.save(path)
    for again in (load_model(path), model_from_json(model.to_json())):
        assert K.is_sparse(again.inputs[0]) and again.get_config() == model.get_config()
    x = sparse.csr_matrix(DENSE)
    np.testing.assert_array_equal(load_model(path).predict(x), model.predict(x))
