"""The seven optimizers in NumPy, float64: each maps a parameter, its gradients' source and settings to a trajectory.

``run(name, settings, params, gradients, num_steps)`` returns the parameters and the slots after the last step, the
slots in the order in which Keras lists them. ``gradients(params)`` returns the gradient of each parameter.
"""
import numpy as np


def _clip(gradients, settings):
    norm = settings.get("clipnorm", 0)
    if norm > 0:
        total = np.sqrt(sum(np.sum(g ** 2) for g in gradients))
        gradients = [g * norm / total if total >= norm else g for g in gradients]
    value = settings.get("clipvalue", 0)
    if value > 0:
        gradients = [np.clip(g, -value, value) for g in gradients]
    return gradients


def _sgd(settings, p, g, slots, lr, t):
    momentum, nesterov = settings.get("momentum", 0.0), settings.get("nesterov", False)
    velocity = momentum * slots[0] - lr * g
    return (p + momentum * velocity - lr * g if nesterov else p + velocity), [velocity]


def _rmsprop(settings, p, g, slots, lr, t):
    rho = settings.get("rho", 0.9)
    a = rho * slots[0] + (1 - rho) * g ** 2
    return p - lr * g / (np.sqrt(a) + settings.get("epsilon", 1e-8)), [a]


def _adagrad(settings, p, g, slots, lr, t):
    a = slots[0] + g ** 2
    return p - lr * g / (np.sqrt(a) + settings.get("epsilon", 1e-8)), [a]


def _adadelta(settings, p, g, slots, lr, t):
    rho, epsilon = settings.get("rho", 0.95), settings.get("epsilon", 1e-8)
    a = rho * slots[0] + (1 - rho) * g ** 2
    update = g * np.sqrt(slots[1] + epsilon) / np.sqrt(a + epsilon)
    return p - lr * update, [a, rho * slots[1] + (1 - rho) * update ** 2]


def _adam(settings, p, g, slots, lr, t):
    b1, b2 = settings.get("beta_1", 0.9), settings.get("beta_2", 0.999)
    m = b1 * slots[0] + (1 - b1) * g
    v = b2 * slots[1] + (1 - b2) * g ** 2
    rate = lr * np.sqrt(1 - b2 ** t) / (1 - b1 ** t)
    return p - rate * m / (np.sqrt(v) + settings.get("epsilon", 1e-8)), [m, v]


def _adamax(settings, p, g, slots, lr, t):
    b1, b2 = settings.get("beta_1", 0.9), settings.get("beta_2", 0.999)
    m = b1 * slots[0] + (1 - b1) * g
    u = np.maximum(b2 * slots[1], np.abs(g))
    return p - lr / (1 - b1 ** t) * m / (u + settings.get("epsilon", 1e-8)), [m, u]


def _nadam(settings, p, g, slots, lr, t):
    b1, b2 = settings.get("beta_1", 0.9), settings.get("beta_2", 0.999)
    momenta = [b1 * (1 - 0.5 * 0.96 ** (i * settings.get("schedule_decay", 0.004))) for i in range(1, t + 2)]
    now, ahead = np.prod(momenta[:-1]), np.prod(momenta)
    m = b1 * slots[0] + (1 - b1) * g
    v = b2 * slots[1] + (1 - b2) * g ** 2
    mean = (1 - momenta[-2]) * g / (1 - now) + momenta[-1] * m / (1 - ahead)
    return p - lr * mean / (np.sqrt(v / (1 - b2 ** t)) + settings.get("epsilon", 1e-8)), [m, v]


# name -> (formula, number of slots per parameter, default learning rate, whether the step count leads the weights)
OPTIMIZERS = {
    "SGD": (_sgd, 1, 0.01, True),
    "RMSprop": (_rmsprop, 1, 0.001, False),
    "Adagrad": (_adagrad, 1, 0.01, False),
    "Adadelta": (_adadelta, 2, 1.0, False),
    "Adam": (_adam, 2, 0.001, True),
    "Adamax": (_adamax, 2, 0.002, True),
    "Nadam": (_nadam, 2, 0.002, True),
}


def run(name, settings, params, gradients, num_steps, constraint=None):
    formula, num_slots, lr, counts = OPTIMIZERS[name]
    params = [np.asarray(p, "float64") for p in params]
    slots = [[np.zeros_like(p) for _ in range(num_slots)] for p in params]
    for step in range(num_steps):
        rate = settings.get("lr", lr)
        if settings.get("decay", 0) > 0:
            rate = rate / (1 + settings["decay"] * step)
        clipped = _clip(gradients(params), settings)
        for i, g in enumerate(clipped):
            params[i], slots[i] = formula(settings, params[i], g, slots[i], rate, step + 1)
            if constraint is not None:
                params[i] = constraint(params[i])
    listed = [slots[i][k] for k in range(num_slots) for i in range(len(params))]
    return params, ([np.asarray(num_steps)] if counts else []) + listed


# The settings under which every optimizer is held against its formula.
VARIANTS = [(name, {}) for name in OPTIMIZERS]
VARIANTS += [(name, {"clipnorm": 0.8}) for name in OPTIMIZERS]
VARIANTS += [(name, {"clipvalue": 0.3}) for name in OPTIMIZERS]
VARIANTS += [(name, {"clipnorm": 0.9, "clipvalue": 0.2, "lr": 0.05}) for name in OPTIMIZERS]
VARIANTS += [(name, {"decay": 0.1}) for name in OPTIMIZERS if name != "Nadam"]
VARIANTS += [(name, {"epsilon": 0.1}) for name in OPTIMIZERS if name != "SGD"]
VARIANTS += [
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.7, "nesterov": True, "decay": 0.2, "clipnorm": 0.5}),
    ("SGD", {"nesterov": True, "lr": 0.1}),
    ("RMSprop", {"rho": 0.5, "lr": 0.01, "decay": 0.3}),
    ("Adadelta", {"rho": 0.5, "lr": 0.3}),
    ("Adam", {"beta_1": 0.5, "beta_2": 0.6, "lr": 0.1, "decay": 0.05}),
    ("Adamax", {"beta_1": 0.5, "beta_2": 0.6, "lr": 0.1}),
    ("Nadam", {"beta_1": 0.5, "beta_2": 0.6, "lr": 0.1, "schedule_decay": 0.5}),
]
