"""Family `trajectories_optimizers`: each optimizer: plain, decay, clipnorm, clipvalue, and its other options."""

from ..case import TRAINED, register
from .helpers import cycle, normal, one_hot, seed_weights, sequential, train

RATES = (
    ("SGD", 0.1),
    ("RMSprop", 0.01),
    ("Adagrad", 0.05),
    ("Adadelta", 1.0),
    ("Adam", 0.01),
    ("Adamax", 0.01),
    ("Nadam", 0.01),
)
SHARED_OPTIONS = (
    ("plain", {}),
    ("decay", {"decay": 0.1}),
    ("clipnorm", {"clipnorm": 0.1}),
    ("clipvalue", {"clipvalue": 0.01}),
    ("all", {"decay": 0.05, "clipnorm": 0.2, "clipvalue": 0.02}),
)
OWN_OPTIONS = (
    ("SGD", "momentum", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", "nesterov", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", "nesterov_decay", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "decay": 0.1}),
    ("RMSprop", "rho", {"lr": 0.01, "rho": 0.5, "epsilon": 1e-3}),
    ("Adagrad", "epsilon", {"lr": 0.05, "epsilon": 1e-2}),
    ("Adadelta", "rho", {"lr": 0.5, "rho": 0.8, "epsilon": 1e-4}),
    ("Adam", "betas", {"lr": 0.01, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Adamax", "betas", {"lr": 0.01, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    ("Nadam", "betas", {"lr": 0.01, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3, "schedule_decay": 0.01}),
)


def _trained_by(make_optimizer):
    def function(keras, random):
        L = keras.layers
        model = sequential(keras, [L.Dense(10, activation="tanh", input_shape=(8,)), L.Dense(4, activation="softmax")])
        seed_weights(model, random)
        model.compile(make_optimizer(keras), "categorical_crossentropy", metrics=["accuracy"])
        return train(model, cycle(normal(random, 64, 8), one_hot(random, 4, 64)))

    return function


def _optimizer(name, options):
    return lambda keras: getattr(keras.optimizers, name)(**options)


for _name, _rate in RATES:
    for _label, _options in SHARED_OPTIONS:
        if _name == "Nadam" and "decay" in _options:
            continue  # Nadam has a schedule of its own and takes no decay
        _made = _trained_by(_optimizer(_name, dict(_options, lr=_rate)))
        register("trajectories_optimizers/{}_{}".format(_name.lower(), _label), _made, TRAINED)
    register(
        "trajectories_optimizers/{}_by_name".format(_name.lower()),
        _trained_by(lambda keras, name=_name: name.lower()),
        TRAINED,
    )

for _name, _label, _options in OWN_OPTIONS:
    register(
        "trajectories_optimizers/{}_{}".format(_name.lower(), _label), _trained_by(_optimizer(_name, _options)), TRAINED
    )


def _changed_rate(keras, random):
    """A learning rate set between steps acts from the next step on, and the slots stay."""
    L, K = keras.layers, keras.backend
    model = sequential(keras, [L.Dense(10, activation="tanh", input_shape=(8,)), L.Dense(4, activation="softmax")])
    seed_weights(model, random)
    model.compile(keras.optimizers.Adam(lr=0.05), "categorical_crossentropy")
    batches = cycle(normal(random, 64, 8), one_hot(random, 4, 64))
    fields = {"losses_before": train(model, batches, steps=10)["losses"]}
    K.set_value(model.optimizer.lr, 0.001)
    fields.update(train(model, batches, steps=10))
    fields["rate"] = K.get_value(model.optimizer.lr)
    return fields


def _restored_state(keras, random):
    """get_weights and set_weights of an optimizer carry its whole state to another model's."""
    L = keras.layers
    batches = cycle(normal(random, 64, 8), one_hot(random, 4, 64))
    models = []
    for _ in range(2):
        model = sequential(keras, [L.Dense(10, activation="tanh", input_shape=(8,)), L.Dense(4, activation="softmax")])
        model.compile(keras.optimizers.Adam(lr=0.05), "categorical_crossentropy")
        models.append(model)
    seed_weights(models[0], random)
    train(models[0], batches, steps=8)
    train(models[1], batches, steps=1)
    models[1].set_weights(models[0].get_weights())
    models[1].optimizer.set_weights(models[0].optimizer.get_weights())
    return train(models[1], batches, steps=12)


register("trajectories_optimizers/rate_changed", _changed_rate, TRAINED)
register("trajectories_optimizers/state_restored", _restored_state, TRAINED)
