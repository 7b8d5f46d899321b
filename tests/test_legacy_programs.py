"""What the guides and examples of Keras 2.0.8 teach, in programs of our own with TensorFlow 1.4's numbers for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from onnxseq import backend as K
from onnxseq import callbacks, constraints, initializers, losses, optimizers, regularizers
from onnxseq import layers as L
from onnxseq import metrics as M
from onnxseq.models import Model, Sequential

X = np.random.RandomState(0).randn(16, 6).astype("float32")
Y1 = np.random.RandomState(1).randn(16, 1).astype("float32")
Y3 = np.eye(3)[np.random.RandomState(2).randint(0, 3, 16)].astype("float32")


def seeded(model):
    """Give a model weights that any backend can be given."""
    random = np.random.RandomState(5)
    model.set_weights([random.randn(*weight.shape) * 0.3 for weight in model.get_weights()])
    return model


def classifier(**options):
    hidden = L.Dense(4, activation="tanh", input_shape=(6,), **options)
    return seeded(Sequential([hidden, L.Dense(3, activation="softmax")]))


def trained(model, x=X, y=Y3, steps=3):
    return [np.ravel(model.train_on_batch(x, y)) for _ in range(steps)]


def with_optimizer(optimizer, steps=3):
    model = classifier()
    model.compile(optimizer, "categorical_crossentropy")
    return trained(model, steps=steps)


def with_loss(loss, metrics=None, steps=1):
    model = classifier()
    model.compile("sgd", loss, metrics=metrics)
    return trained(model, steps=steps)


def with_parts(**options):
    model = classifier(**options)
    model.compile("sgd", "categorical_crossentropy")
    return trained(model)


# -- layers of one's own --------------------------------------------------------------------------------------


class Antirectifier(L.Layer):
    """Both signs of what is centred and of length one, side by side."""

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        shape[-1] *= 2
        return tuple(shape)

    def call(self, inputs):
        inputs -= K.mean(inputs, axis=1, keepdims=True)
        inputs = K.l2_normalize(inputs, axis=1)
        return K.concatenate([K.relu(inputs), K.relu(-inputs)], axis=1)


def antirectifier():
    model = seeded(Sequential([
        L.Dense(4, input_shape=(6,)), Antirectifier(), L.Dropout(0.0), L.Dense(3), L.Activation("softmax"),
    ]))  # fmt: skip
    assert model.layers[1].output_shape == (None, 8)
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    return trained(model)


class OwnKernel(L.Layer):
    """A variable that is put among the weights by hand."""

    def build(self, input_shape):
        self.W = K.variable(np.ones((input_shape[1], 3)) * 0.1, name="W")
        self.trainable_weights = [self.W]
        super().build(input_shape)

    def call(self, x, mask=None):
        return K.dot(x, self.W)


def weights_by_hand():
    model = seeded(Sequential([OwnKernel(input_shape=(6,))]))
    assert len(model.get_weights()) == 1
    model.compile("sgd", "mse")
    return trained(model)


class StepCounter(L.Layer):
    """Counts the batches that went through, in predicting too."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stateful = True

    def build(self, input_shape):
        self.count = self.add_weight("count", (), initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, x):
        self.add_update([K.update_add(self.count, 1)], x)
        return x + 0.0 * self.count

    def reset_states(self):
        K.set_value(self.count, 0.0)


def stateful_counter():
    counter = StepCounter(batch_input_shape=(4, 6))
    model = Sequential([counter])
    model.predict(X[:8], batch_size=4)
    counted = K.get_value(counter.count)
    model.reset_states()
    return [counted, K.get_value(counter.count)]


class CenterLoss(L.Layer):
    """Distances from the centres of classes, which follow at each step."""

    def build(self, input_shape):
        self.centers = self.add_weight(
            name="centers", shape=(3, int(input_shape[0][-1])), initializer="uniform", trainable=False
        )
        super().build(input_shape)

    def call(self, x, mask=None):
        features, labels = x
        pull = K.dot(K.transpose(labels), K.dot(labels, self.centers) - features)
        count = K.sum(K.transpose(labels), axis=1, keepdims=True) + 1
        self.add_update((self.centers, self.centers - 0.5 * pull / count), x)
        self.result = K.sum((features - K.dot(labels, self.centers)) ** 2, axis=1, keepdims=True)
        return self.result

    def compute_output_shape(self, input_shape):
        return K.int_shape(self.result)


def center_loss():
    """The first step only: TensorFlow 1.4 drops an update that is a pair, which Keras 2.0.8 and this library make."""
    x, labels = L.Input((6,)), L.Input((3,))
    features = L.Dense(2)(x)
    outputs = [L.Dense(3, activation="softmax")(features), CenterLoss()([features, labels])]
    model = seeded(Model([x, labels], outputs))
    model.compile("sgd", ["categorical_crossentropy", lambda y_true, y_pred: y_pred], loss_weights=[1, 0.1])
    before = K.get_value(model.layers[-1].centers)
    result = trained(model, [X, Y3], [Y3, np.zeros((16, 1))], steps=1)
    assert not np.allclose(before, K.get_value(model.layers[-1].centers))
    return result


# -- the variational autoencoder, in both ways --------------------------------------------------------------------


def encoder():
    x = L.Input(shape=(6,))
    hidden = L.Dense(5, activation="relu")(x)
    mean, log_variance = L.Dense(2)(hidden), L.Dense(2)(hidden)

    def sampling(args):
        center, spread = args
        noise = K.random_normal(shape=(K.shape(center)[0], 2), mean=0.0, stddev=1e-7)
        return center + K.exp(spread / 2) * noise

    z = L.Lambda(sampling, output_shape=(2,))([mean, log_variance])
    decoded = L.Dense(6, activation="sigmoid")(L.Dense(5, activation="relu")(z))

    def vae_loss(x, decoded):
        entropy = 6 * losses.binary_crossentropy(x, decoded)
        divergence = -0.5 * K.sum(1 + log_variance - K.square(mean) - K.exp(log_variance), axis=-1)
        return entropy + divergence

    return x, decoded, vae_loss


def vae_by_loss_function():
    x, decoded, vae_loss = encoder()
    model = seeded(Model(x, decoded))
    model.compile(optimizer="rmsprop", loss=vae_loss)
    return trained(model, np.abs(X), np.abs(X))


def vae_by_layer():
    x, decoded, vae_loss = encoder()

    class LossLayer(L.Layer):
        def __init__(self, **kwargs):
            self.is_placeholder = True
            super().__init__(**kwargs)

        def call(self, inputs):
            self.add_loss(K.mean(vae_loss(*inputs)), inputs=inputs)
            return inputs[0]

    model = Model(x, LossLayer()([x, decoded]))
    model.compile(optimizer="rmsprop", loss=None)
    seeded(model)
    data = np.abs(X)
    history = model.fit(
        data, shuffle=False, epochs=3, batch_size=8, validation_data=(data, None), verbose=0
    ).history  # fmt: skip
    return [history["loss"], history["val_loss"]]


def siamese():
    def distance(vectors):
        left, right = vectors
        return K.sqrt(K.maximum(K.sum(K.square(left - right), axis=1, keepdims=True), K.epsilon()))

    def contrastive(y_true, y_pred):
        return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))

    base = Sequential()
    base.add(L.Dense(5, input_shape=(6,), activation="relu"))
    base.add(L.Dropout(0.0))
    base.add(L.Dense(4, activation="relu"))
    left, right = L.Input(shape=(6,)), L.Input(shape=(6,))
    apart = L.Lambda(distance, output_shape=lambda shapes: (shapes[0][0], 1))([base(left), base(right)])
    model = seeded(Model([left, right], apart))
    model.compile(loss=contrastive, optimizer=optimizers.RMSprop())
    return trained(model, [X, X[::-1].copy()], (Y1 > 0).astype("float32"))


# -- looking into models --------------------------------------------------------------------------------------


def filters():
    """Ascend the gradient of a filter's mean by the picture."""
    model = seeded(Sequential([L.Conv2D(4, 3, input_shape=(8, 8, 1), activation="relu"), L.Conv2D(3, 3, name="last")]))
    loss = K.mean(model.get_layer("last").output[:, :, :, 1])
    gradient = K.gradients(loss, model.input)[0]
    gradient /= K.sqrt(K.mean(K.square(gradient))) + 1e-5
    iterate = K.function([model.input], [loss, gradient])
    picture, found = np.ones((1, 8, 8, 1)) * 0.2, []
    for _ in range(3):
        value, step = iterate([picture])
        picture += step
        found.append(value)
    return found


def intermediate():
    model = Sequential([L.Dense(4, input_shape=(6,), name="a"), L.Dropout(0.5), L.Dense(2, name="b")])
    seeded(model)
    first = Model(inputs=model.input, outputs=model.get_layer("a").output).predict(X[:1])
    through = K.function([model.layers[0].input, K.learning_phase()], [model.layers[2].output])
    assert_allclose(K.function([model.input], [model.layers[0].output])([X[:1]])[0], first)
    return np.concatenate([first[0], through([X[:1], 0])[0][0]])


def rates_by_callback():
    class Schedule(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            K.set_value(self.model.optimizer.lr, 0.1 / (epoch + 1))

        def on_epoch_end(self, epoch, logs=None):
            logs["lr"] = K.get_value(self.model.optimizer.lr)

    model = Sequential([L.Dense(1, input_dim=6)])
    model.compile("sgd", "mse")
    return model.fit(X, Y1, epochs=3, verbose=0, callbacks=[Schedule()]).history["lr"]


def gan():
    """A discriminator frozen within the stack only, by being compiled before."""
    generator = seeded(Sequential([L.Dense(6, input_shape=(2,))]))
    discriminator = Sequential([L.Dense(4, input_shape=(6,)), L.LeakyReLU(0.2), L.Dense(1, activation="sigmoid")])
    seeded(discriminator).compile("sgd", "binary_crossentropy")
    discriminator.trainable = False
    z = L.Input((2,))
    stack = Model(z, discriminator(generator(z)))
    stack.compile("sgd", "binary_crossentropy")
    found = []
    for _ in range(2):
        found.append(discriminator.train_on_batch(X, np.ones((16, 1))))
        before = discriminator.get_weights()[0]
        found.append(stack.train_on_batch(X[:, :2], np.ones((16, 1))))
        assert_allclose(discriminator.get_weights()[0], before)
    return found


# -- parts of one's own ---------------------------------------------------------------------------------------


class Adaptive(optimizers.Optimizer):
    def __init__(self, lr=0.1, **kwargs):
        super().__init__(**kwargs)
        self.lr = K.variable(lr, name="lr")
        self.iterations = K.variable(0, dtype="int64", name="iterations")

    def get_updates(self, loss, params):
        gradients = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        self.weights = [K.zeros(K.int_shape(p)) for p in params]
        for p, g, a in zip(params, gradients, self.weights, strict=True):
            total = a + K.square(g)
            self.updates.append(K.update(a, total))
            self.updates.append(K.update(p, p - self.lr * g / (K.sqrt(total) + K.epsilon())))
        return self.updates


class OlderSignature(optimizers.Optimizer):
    def get_updates(self, params, constraints, loss):
        return [(p, p - 0.1 * g) for p, g in zip(params, self.get_gradients(loss, params), strict=True)]


class OtherOrder(optimizers.Optimizer):
    def get_updates(self, params, loss):
        return [K.update_sub(p, 0.1 * g) for p, g in zip(params, self.get_gradients(loss, params), strict=True)]


class Accumulating(optimizers.Optimizer):
    """Steps with the sum of two batches' gradients."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.iterations = K.variable(0, dtype="int64")

    def get_updates(self, loss, params):
        self.updates = [K.update_add(self.iterations, 1)]
        first = K.equal(self.iterations % 2, 0)
        for p, g in zip(params, self.get_gradients(loss, params), strict=True):
            kept = K.zeros(K.int_shape(p))
            total = K.switch(first, g, kept + g)
            self.updates += [K.update(kept, total), K.update(p, K.switch(first, p, p - 0.1 * total))]
        return self.updates


def focal(y_true, y_pred):
    y_pred = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
    return -K.sum(y_true * K.pow(1 - y_pred, 2.0) * K.log(y_pred), axis=-1)


def dice(y_true, y_pred):
    both = K.sum(K.flatten(y_true) * K.flatten(y_pred))
    return 1 - (2.0 * both + 1) / (K.sum(y_true) + K.sum(y_pred) + 1)


def class_weighted(y_true, y_pred):
    y_pred /= K.sum(y_pred, axis=-1, keepdims=True)
    y_pred = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
    return -K.sum(y_true * K.log(y_pred) * np.array([1.0, 2.0, 0.5], "float32"), -1)


def best_of_two(y_true, y_pred):
    return M.top_k_categorical_accuracy(y_true, y_pred, k=2)


class Orthogonal(regularizers.Regularizer):
    def __call__(self, w):
        return 0.1 * K.sum(K.square(K.dot(K.transpose(w), w) - K.eye(K.int_shape(w)[1])))


class Within(constraints.Constraint):
    def __call__(self, w):
        return K.clip(w, -0.1, 0.1)


class Filled(initializers.Initializer):
    def __call__(self, shape, dtype=None, partition_info=None):
        return np.full(shape, 0.2, "float32")


# name -> (program, TensorFlow 1.4's numbers)
PROGRAMS = {
    "antirectifier": (antirectifier, [[1.12, 0.3125], [1.11, 0.3125], [1.11, 0.3125]]),
    "weights by hand": (weights_by_hand, [[0.803], [0.792], [0.782]]),
    "stateful counter": (stateful_counter, [2, 0]),
    "center loss": (center_loss, [[1.17, 1.11, 0.68]]),
    "vae by a loss function": (vae_by_loss_function, [[4.91], [4.86], [4.83]]),
    "vae by a layer": (vae_by_layer, [[4.89, 4.83, 4.78], [4.84, 4.79, 4.76]]),
    "siamese": (siamese, [[0.333], [0.323], [0.317]]),
    "filters": (filters, [-0.407, 1.3, 3.85]),
    "intermediate": (intermediate, [1.292, 1.8293, -0.8655, -0.3591, 0.503, 0.0122]),
    "rates by a callback": (rates_by_callback, [0.1, 0.05, 0.0333]),
    "gan": (gan, [0.656, 0.693, 0.652, 0.69]),
    "optimizer": (lambda: with_optimizer(Adaptive()), [[1.11], [1.01], [0.941]]),
    "optimizer of the older signature": (lambda: with_optimizer(OlderSignature()), [[1.11], [1.1], [1.09]]),
    "optimizer by keyword": (lambda: with_optimizer(OtherOrder()), [[1.11], [1.1], [1.09]]),
    "optimizer of two batches": (
        lambda: with_optimizer(Accumulating(), 5), [[1.11], [1.11], [1.09], [1.09], [1.07]],
    ),
    "focal loss": (lambda: with_loss(focal), [[0.503]]),
    "dice as loss and metric": (lambda: with_loss(dice, [dice]), [[0.646, 0.646]]),
    "loss weighted by class": (lambda: with_loss(class_weighted), [[1.24]]),
    "metric": (lambda: with_loss("categorical_crossentropy", [best_of_two, "acc"]), [[1.11, 0.75, 0.375]]),
    "regularizer function": (lambda: with_parts(kernel_regularizer=lambda w: 0.01 * K.sum(K.abs(w))), [[1.17]] * 3),
    "regularizer": (lambda: with_parts(kernel_regularizer=Orthogonal()), [[1.31]] * 3),
    "constraint function": (
        lambda: with_parts(kernel_constraint=lambda w: w / K.sqrt(K.sum(K.square(w), axis=0, keepdims=True))),
        [[1.11], [1.11], [1.1]],
    ),
    "constraint": (lambda: with_parts(kernel_constraint=Within()), [[1.11]] * 3),
    "initializer": (lambda: [Sequential([
        L.Dense(3, input_shape=(6,), kernel_initializer=Filled())]).get_weights()[0].sum()], [3.6]),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    program, expected = PROGRAMS[name]
    assert_allclose(np.array(program()), expected, rtol=6e-3)
