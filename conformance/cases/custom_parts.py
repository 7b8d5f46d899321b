"""Family `custom_parts`: one part at a time of the users' own: optimizer, regularizer, constraint, and so on."""

import numpy as np

from ..case import EXACT, FORWARD, LOSS, SLOT, WEIGHT, as_text, case, outcome_of, register
from .helpers import normal, one_hot, seed_weights, sequential, slots_of, train, weights_of

FIELDS = {"losses": LOSS, "metric_*": LOSS, "weight_*": WEIGHT, "slot_*": SLOT, "*": FORWARD}


def classifier(keras, random, **options):
    """Two layers, the first with the given options; data of 16 samples."""
    L = keras.layers
    model = sequential(
        keras, [L.Dense(5, activation="tanh", input_shape=(4,), **options), L.Dense(3, activation="softmax")]
    )
    seed_weights(model, random)
    return model, normal(random, 16, 4), one_hot(random, 3, 16)


# -- optimizers -----------------------------------------------------------------------------------------------


def signed(keras):
    """No state but the count of steps; decays."""
    K = keras.backend

    class Signed(keras.optimizers.Optimizer):
        def __init__(self, lr=0.01, decay=0.0, **kwargs):
            super(Signed, self).__init__(**kwargs)
            self.iterations = K.variable(0.0, name="iterations")
            self.lr = K.variable(lr, name="lr")
            self.decay = K.variable(decay, name="decay")

        def get_updates(self, loss, params):
            gradients = self.get_gradients(loss, params)
            self.updates = [K.update_add(self.iterations, 1.0)]
            lr = self.lr / (1.0 + self.decay * self.iterations)
            for param, gradient in zip(params, gradients):
                self.updates.append(K.update(param, param - lr * K.sign(gradient)))
            return self.updates

        def get_config(self):
            config = {"lr": float(K.get_value(self.lr)), "decay": float(K.get_value(self.decay))}
            return dict(super(Signed, self).get_config(), **config)

    return Signed


def heavy(keras):
    """A slot for each parameter, kept in `weights`; constraints as the package's own optimizers apply them."""
    K = keras.backend

    class Heavy(keras.optimizers.Optimizer):
        def __init__(self, lr=0.05, momentum=0.8, **kwargs):
            super(Heavy, self).__init__(**kwargs)
            self.lr, self.momentum = K.variable(lr), K.variable(momentum)

        def get_updates(self, loss, params):
            gradients = self.get_gradients(loss, params)
            speeds = [K.zeros(K.int_shape(param)) for param in params]
            self.weights = speeds
            self.updates = []
            for param, gradient, speed in zip(params, gradients, speeds):
                new_speed = self.momentum * speed - self.lr * gradient
                self.updates.append(K.update(speed, new_speed))
                new_param = param + new_speed
                if getattr(param, "constraint", None) is not None:
                    new_param = param.constraint(new_param)
                self.updates.append(K.update(param, new_param))
            return self.updates

        def get_config(self):
            config = {"lr": float(K.get_value(self.lr)), "momentum": float(K.get_value(self.momentum))}
            return dict(super(Heavy, self).get_config(), **config)

    return Heavy


def averaged(keras):
    """Several slots for each parameter, and powers by the count of steps."""
    K = keras.backend

    class Averaged(keras.optimizers.Optimizer):
        def __init__(self, lr=0.01, **kwargs):
            super(Averaged, self).__init__(**kwargs)
            self.iterations = K.variable(0.0)
            self.lr = K.variable(lr)

        def get_updates(self, loss, params):
            gradients = self.get_gradients(loss, params)
            self.updates = [K.update_add(self.iterations, 1)]
            t = self.iterations + 1
            rate = self.lr * K.sqrt(1.0 - K.pow(0.99, t)) / (1.0 - K.pow(0.9, t))
            firsts = [K.zeros(K.int_shape(param), dtype=K.dtype(param)) for param in params]
            seconds = [K.zeros(K.int_shape(param), dtype=K.dtype(param)) for param in params]
            self.weights = [self.iterations] + firsts + seconds
            for param, gradient, first, second in zip(params, gradients, firsts, seconds):
                new_first = 0.9 * first + 0.1 * gradient
                new_second = 0.99 * second + 0.01 * K.square(gradient)
                self.updates.append(K.update(first, new_first))
                self.updates.append(K.update(second, new_second))
                self.updates.append(K.update(param, param - rate * new_first / (K.sqrt(new_second) + 1e-3)))
            return self.updates

        def get_config(self):
            return dict(super(Averaged, self).get_config(), lr=float(K.get_value(self.lr)))

    return Averaged


def _optimizer(make, **options):
    def run(keras, random):
        """Twenty steps, and the configuration afterwards."""
        constraint = {"kernel_constraint": "max_norm"} if make is heavy else {}
        model, x, y = classifier(keras, random, **constraint)
        model.compile(make(keras)(**options), "categorical_crossentropy")
        fields = train(model, lambda step: (x, y))
        fields["config"] = as_text(model.optimizer.get_config())
        return fields

    return run


for _make in (signed, heavy, averaged):
    register("custom_parts/optimizer_" + _make.__name__, _optimizer(_make), FIELDS)
register("custom_parts/optimizer_signed_decay", _optimizer(signed, lr=0.05, decay=0.5), FIELDS)
register("custom_parts/optimizer_heavy_clipnorm", _optimizer(heavy, clipnorm=0.1), FIELDS)
register("custom_parts/optimizer_averaged_clipvalue", _optimizer(averaged, clipvalue=0.05), FIELDS)


@case("custom_parts/optimizer_get_and_set_weights", FIELDS)
def optimizer_weights(keras, random):
    """State taken from one and given to another goes on where the first stopped."""
    cls = heavy(keras)
    model, x, y = classifier(keras, random)
    model.compile(cls(), "categorical_crossentropy")
    for _ in range(3):
        model.train_on_batch(x, y)
    weights, slots = model.get_weights(), model.optimizer.get_weights()
    other, _, _ = classifier(keras, random)
    other.set_weights(weights)
    other.compile(cls(), "categorical_crossentropy")
    other.train_on_batch(x, y)
    other.set_weights(weights)
    other.optimizer.set_weights(slots)
    fields = {"losses": np.array([[each.train_on_batch(x, y) for each in (model, other)] for _ in range(3)])}
    fields.update(weights_of(other), **slots_of(other))
    return fields


@case("custom_parts/optimizer_by_config", EXACT)
def optimizer_by_config(keras, random):
    """serialize, deserialize and get, with custom_objects and within a scope; unknown arguments are refused."""
    O, cls = keras.optimizers, signed(keras)
    config = O.serialize(cls(lr=0.25, clipnorm=2.0))
    with keras.utils.CustomObjectScope({"Signed": cls}):
        scoped = O.get(config).get_config()
    own = cls()
    return {
        "config": as_text(config),
        "custom": as_text(O.deserialize(config, custom_objects={"Signed": cls}).get_config()),
        "scoped": as_text(scoped),
        "same": as_text(O.get(own) is own),
        "unknown": outcome_of(O.deserialize, config),
        "argument": outcome_of(cls, no_such_argument=1),
        "get_number": outcome_of(O.get, 3),
    }


@case("custom_parts/optimizer_errors", EXACT)
def optimizer_errors(keras, random):
    K = keras.backend

    class Bare(keras.optimizers.Optimizer):
        pass

    x, y = K.variable(1.0), K.variable(2.0)
    return {
        "no_updates": outcome_of(Bare().get_updates, K.square(x), [x]),
        "no_gradient": outcome_of(Bare().get_gradients, K.square(x), [x, y]),
        "weights_many": outcome_of(Bare().set_weights, [np.zeros(2)]),
        "weights": as_text(Bare().get_weights()),
        "config": as_text([Bare().get_config(), Bare(clipvalue=0.5).get_config()]),
    }


# -- parts of a layer -----------------------------------------------------------------------------------------


def parts_of(keras):
    """A class of each kind, with a configuration of its own."""
    K = keras.backend

    class Quartic(keras.regularizers.Regularizer):
        def __init__(self, factor=0.1):
            self.factor = factor

        def __call__(self, x):
            return self.factor * K.sum(K.pow(x, 4))

        def get_config(self):
            return {"factor": self.factor}

    class Between(keras.constraints.Constraint):
        def __init__(self, limit=0.5):
            self.limit = limit

        def __call__(self, w):
            return K.clip(w, -self.limit, self.limit)

        def get_config(self):
            return {"limit": self.limit}

    class Ramp(keras.initializers.Initializer):
        def __init__(self, step=0.1):
            self.step = step

        def __call__(self, shape, dtype=None, partition_info=None):
            shape = [int(size) for size in shape]
            return K.constant(np.arange(np.prod(shape)).reshape(shape) * self.step, dtype=dtype or "float32")

        def get_config(self):
            return {"step": self.step}

    return {"Quartic": Quartic, "Between": Between, "Ramp": Ramp}


@case("custom_parts/classes_in_a_layer", FIELDS)
def classes_in_a_layer(keras, random):
    """Initial values, penalty and limits of classes that users wrote; then twenty steps."""
    parts = parts_of(keras)
    layer = keras.layers.Dense(
        3, input_shape=(4,), kernel_initializer=parts["Ramp"](), kernel_regularizer=parts["Quartic"](),
        kernel_constraint=parts["Between"](0.4), bias_initializer=parts["Ramp"](0.5),
    )  # fmt: skip
    model = sequential(keras, [layer])
    first = {"first_{}".format(index): value for index, value in enumerate(model.get_weights())}
    model.compile(keras.optimizers.SGD(lr=0.1), "mse")
    x, y = normal(random, 8, 4), normal(random, 8, 3)
    fields = train(model, lambda step: (x, y))
    fields.update(first)
    return fields


@case("custom_parts/classes_in_a_config", EXACT)
def classes_in_a_config(keras, random):
    """The layer's config names them; it is read with custom_objects or a scope, and refused without."""
    parts = parts_of(keras)
    L = keras.layers
    layer = L.Dense(
        3, input_shape=(4,), name="mine", kernel_initializer=parts["Ramp"](0.2),
        kernel_regularizer=parts["Quartic"](0.3), kernel_constraint=parts["Between"](0.7),
    )  # fmt: skip
    model = sequential(keras, [layer])
    text = model.to_json()
    again = keras.models.model_from_json(text, custom_objects=parts)
    with keras.utils.CustomObjectScope(parts):
        scoped = L.Dense.from_config(layer.get_config())
    names = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
    found = [[type(getattr(each, name)).__name__ for name in names] for each in (again.layers[0], scoped)]
    return {
        "config": as_text(layer.get_config()),
        "found": as_text(found),
        "values": as_text([scoped.kernel_regularizer.factor, scoped.kernel_constraint.limit]),
        "unknown": outcome_of(keras.models.model_from_json, text),
    }


def _named(kind, name, function, give):
    def run(keras, random):
        """By get with a function, by name within a scope, by name in the dictionary of all; unknown otherwise."""
        module, utils = getattr(keras, kind), keras.utils
        bound = lambda *arguments: function(keras.backend, *arguments)  # noqa: E731
        bound.__name__ = name
        found = [module.get(bound) is bound]
        with utils.custom_object_scope({name: bound}):
            found.append(module.get(name) is bound)
        utils.get_custom_objects()[name] = bound
        found.append(module.get(name) is bound)
        used = give(keras, random, name)
        del utils.get_custom_objects()[name]
        return {
            "found": as_text(found),
            "value": used,
            "unknown": outcome_of(module.get, name),
            "none": as_text([module.get(None) is None if kind != "activations" else module.get(None).__name__]),
            "number": outcome_of(module.get, 3),
        }

    return run


def _as_activation(keras, random, name):
    model = sequential(keras, [keras.layers.Dense(3, activation=name, input_shape=(4,))])
    seed_weights(model, random)
    return model.predict(normal(random, 5, 4))


def _as_loss(keras, random, name):
    model = sequential(keras, [keras.layers.Dense(3, input_shape=(4,))])
    seed_weights(model, random)
    model.compile("sgd", name)
    return np.array([model.train_on_batch(normal(random, 5, 4), normal(random, 5, 3)) for _ in range(3)])


register(
    "custom_parts/activation_by_name",
    _named("activations", "bent", lambda K, x: K.tanh(x) + 0.1 * x, _as_activation),
    FORWARD,
)
register(
    "custom_parts/loss_by_name",
    _named("losses", "cubed", lambda K, y, p: K.mean(K.pow(K.abs(y - p), 3), axis=-1), _as_loss),
    FORWARD,
)


@case("custom_parts/metrics_by_name", FIELDS)
def metrics_by_name(keras, random):
    """A user's metric beside the package's own, by name and as a function; how each is called in the logs."""
    K = keras.backend

    def surest(y_true, y_pred):
        return K.max(y_pred, axis=-1)

    def summed(y_true, y_pred):
        return K.sum(y_true * y_pred)

    model, x, y = classifier(keras, random)
    with keras.utils.CustomObjectScope({"summed": summed}):
        model.compile("sgd", "mse", metrics=[surest, "summed", "acc", keras.metrics.mean_absolute_error])
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False, validation_data=(x, y))
    fields = {"keys": as_text(sorted(history.history)), "names": as_text(model.metrics_names)}
    fields["values"] = np.array([history.history["surest"], history.history["val_summed"]])
    return fields


@case("custom_parts/metrics_unknown", EXACT)
def metrics_unknown(keras, random):
    model, _, _ = classifier(keras, random)
    return {
        "name": outcome_of(model.compile, "sgd", "mse", metrics=["no_such_metric"]),
        "config": as_text(keras.metrics.serialize(keras.metrics.mean_squared_error)),
    }


@case("custom_parts/callback", FIELDS)
def callback(keras, random):
    """A callback that changes the learning rate by batches, reads weights and stops."""
    K = keras.backend

    class Warming(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seen, self.rates = [], []

        def on_batch_begin(self, batch, logs=None):
            K.set_value(self.model.optimizer.lr, 0.01 * (1 + batch))

        def on_batch_end(self, batch, logs=None):
            self.rates.append(float(K.get_value(self.model.optimizer.lr)))
            self.seen.append(float(np.abs(self.model.layers[0].get_weights()[0]).sum()))

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model, x, y = classifier(keras, random)
    model.compile("sgd", "mse")
    watcher = Warming()
    history = model.fit(x, y, epochs=5, batch_size=4, verbose=0, shuffle=False, callbacks=[watcher])
    fields = {"losses": np.array(history.history["loss"]), "rates": np.array(watcher.rates)}
    fields["seen"] = np.array(watcher.seen)
    fields.update(weights_of(model))
    return fields


@case("custom_parts/callback_with_validation_data", FORWARD)
def callback_with_validation(keras, random):
    """What a callback computes of its validation_data joins the logs and the History."""

    class Scored(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            predicted = self.model.predict(self.validation_data[0])
            logs["val_own"] = float((predicted.argmax(-1) == self.validation_data[1].argmax(-1)).mean())

    model, x, y = classifier(keras, random)
    model.compile("sgd", "categorical_crossentropy")
    stop = keras.callbacks.EarlyStopping(monitor="val_own", mode="max", patience=1)
    history = model.fit(
        x, y, epochs=6, verbose=0, shuffle=False, validation_data=(x[:8], y[:8]), callbacks=[Scored(), stop]
    )
    return {"scores": np.array(history.history["val_own"]), "epochs": as_text(history.epoch)}
