"""Family `sparse`: sparse tensors of the backend, and models whose input is sparse, fed matrices of SciPy."""

import numpy as np

from ..case import EXACT, FORWARD, GRADIENT, LOSS, WEIGHT, Absent, as_text, case, outcome_of
from .helpers import normal

try:
    from scipy import sparse
except ImportError:
    sparse = None


def matrix(random, rows, columns, format="csr"):
    if sparse is None:
        raise Absent("SciPy")
    kept = random.uniform(size=(rows, columns)) < 0.4
    return sparse.csr_matrix(np.where(kept, normal(random, rows, columns), 0).astype("float32")).asformat(format)


@case("sparse/variable", EXACT)
def variable(keras, random):
    """A matrix of SciPy makes a sparse tensor of its dtype."""
    K = keras.backend
    found = {}
    for dtype in ("float32", "float64"):
        x = K.variable(matrix(random, 4, 3).astype(dtype))
        found[dtype] = as_text([bool(K.is_sparse(x)), K.dtype(x), K.ndim(x), list(K.int_shape(x))])
        found["eval_" + dtype] = K.eval(x)
        found["dense_" + dtype] = K.eval(K.to_dense(x))
    return found


@case("sparse/placeholder", EXACT)
def placeholder(keras, random):
    """A sparse placeholder takes matrices of any format."""
    K = keras.backend
    x = K.placeholder(shape=(None, 5), sparse=True)
    dense = K.function([x], [K.to_dense(x)])
    found = {"is": as_text([bool(K.is_sparse(x)), K.dtype(x), K.ndim(x)])}
    for name in ("csr", "coo", "lil"):
        found[name] = dense([matrix(random, 3, 5, format=name)])[0]
    found["ndim"] = as_text(K.ndim(K.placeholder(ndim=2, sparse=True)))
    return found


@case("sparse/concatenate", EXACT)
def concatenate(keras, random):
    """Sparse tensors joined are sparse; with a dense one among them the result is dense."""
    K = keras.backend
    x, y = (K.placeholder(shape=(None, 4), sparse=True) for _ in range(2))
    dense = K.variable(normal(random, 3, 4))
    joined = [K.concatenate([x, y], axis=0), K.concatenate([x, y], axis=1), K.concatenate([x, y])]
    mixed = K.concatenate([x, dense], axis=1)
    values = K.function([x, y], [K.to_dense(one) for one in joined] + [mixed])(
        [matrix(random, 3, 4), matrix(random, 3, 4)]
    )
    return {
        "rows": values[0], "columns": values[1], "last": values[2], "mixed": values[3],
        "is_sparse": as_text([bool(K.is_sparse(one)) for one in joined + [mixed]]),
    }


@case("sparse/dot", {"gradient*": GRADIENT, "*": FORWARD})
def dot(keras, random):
    """A sparse tensor times a dense one is dense, and has a gradient by the dense one."""
    K = keras.backend
    x, weights = K.placeholder(shape=(None, 6), sparse=True), K.variable(normal(random, 6, 3))
    product = K.dot(x, weights)
    gradient = K.gradients(K.sum(K.square(product)), [weights])[0]
    values = K.function([x], [product, gradient])([matrix(random, 5, 6)])
    constant = matrix(random, 4, 6)
    return {
        "product": values[0], "gradient": values[1], "of_variable": K.eval(K.dot(K.variable(constant), weights)),
        "is_sparse": as_text(bool(K.is_sparse(product))), "shape": as_text(list(K.int_shape(product))),
    }


def _model(keras, random):
    """A model whose first layer multiplies what is sparse by a dense kernel."""
    K, L = keras.backend, keras.layers

    class Product(L.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel", shape=(6, 4), initializer=keras.initializers.Constant(0.5), trainable=True
            )
            self.built = True

        def call(self, inputs):
            return K.dot(inputs, self.kernel)

        def _compute_output_shape(self, input_shape):
            return (None, 4)

    x = L.Input((6,), sparse=True, name="x")
    model = keras.models.Model(x, L.Dense(2)(L.Activation("tanh")(Product()(x))))
    model.set_weights([normal(random, 6, 4), normal(random, 4, 2), normal(random, 2)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return model


@case("sparse/model", {"weight*": WEIGHT, "loss*": LOSS, "*": FORWARD})
def model(keras, random):
    """A model with a sparse input is trained, evaluated and asked batch by batch."""
    net = _model(keras, random)
    x, y = matrix(random, 8, 6), normal(random, 8, 2)
    found = {"before": net.predict_on_batch(x), "whole": net.predict(x, batch_size=3)}
    found["losses"] = np.array([net.train_on_batch(x, y) for _ in range(10)])
    found["loss_of_test"] = net.test_on_batch(x, y)
    for index, value in enumerate(net.get_weights()):
        found["weight_%d" % index] = value
    return found


@case("sparse/fit", {"weight*": WEIGHT, "loss*": LOSS, "*": FORWARD})
def fit(keras, random):
    """fit, evaluate and predict cut batches out of a sparse matrix; a part of it is held out."""
    net = _model(keras, random)
    x, y = matrix(random, 10, 6), normal(random, 10, 2)
    logs = net.fit(x, y, batch_size=3, epochs=4, shuffle=False, validation_split=0.3, verbose=0).history
    found = {"loss": np.array(logs["loss"]), "loss_val": np.array(logs["val_loss"])}
    found["loss_evaluated"] = net.evaluate(x, y, batch_size=4, verbose=0)
    found["predicted"] = net.predict(x, batch_size=4)
    for index, value in enumerate(net.get_weights()):
        found["weight_%d" % index] = value
    return found


@case("sparse/generator", {"loss*": LOSS, "*": FORWARD})
def generator(keras, random):
    """A generator yields sparse matrices."""
    net = _model(keras, random)
    batches = [(matrix(random, 4, 6), normal(random, 4, 2)) for _ in range(3)]

    def forever():
        while True:
            for batch in batches:
                yield batch

    logs = net.fit_generator(forever(), steps_per_epoch=3, epochs=2, verbose=0).history
    return {"loss": np.array(logs["loss"]), "predicted": net.predict_on_batch(batches[0][0])}


@case("sparse/config", EXACT)
def config(keras, random):
    """The configuration says that an input is sparse, and a model made again of it takes sparse data."""
    L, K = keras.layers, keras.backend
    layer = L.InputLayer(input_shape=(4,), sparse=True, name="sparse_input")
    again = L.InputLayer.from_config(layer.get_config())
    return {
        "config": as_text(layer.get_config()), "again": as_text(again.get_config()),
        "is_sparse": as_text([bool(K.is_sparse(layer.output)), bool(K.is_sparse(again.output))]),
        "default": as_text(L.InputLayer(input_shape=(4,), name="dense_input").get_config()),
        "constant": outcome_of(K.constant, matrix(random, 2, 2)),
    }
