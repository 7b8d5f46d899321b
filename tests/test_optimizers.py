"""Optimizers: trajectories against NumPy in every variant, state, configs, subclasses, messages."""

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq import constraints, optimizers, registry, utils
from tests import numpy_optimizers
from tests.numpy_optimizers import OPTIMIZERS, VARIANTS
from tests.value_check import floatx

RANDOM = np.random.RandomState(0)
START = [RANDOM.randn(3, 2), RANDOM.randn(4)]
GOAL = [RANDOM.randn(3, 2), RANDOM.randn(4)]
NUM_STEPS = 12
TOLERANCE = {"float32": 3e-5, "float64": 1e-9}

CONFIGS = {
    "SGD": {"lr": 0.01, "momentum": 0.0, "decay": 0.0, "nesterov": False},
    "RMSprop": {"lr": 0.001, "rho": 0.9, "decay": 0.0, "epsilon": 1e-8},
    "Adagrad": {"lr": 0.01, "decay": 0.0, "epsilon": 1e-8},
    "Adadelta": {"lr": 1.0, "rho": 0.95, "decay": 0.0, "epsilon": 1e-8},
    "Adam": {"lr": 0.001, "beta_1": 0.9, "beta_2": 0.999, "decay": 0.0, "epsilon": 1e-8},
    "Adamax": {"lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "decay": 0.0, "epsilon": 1e-8},
    "Nadam": {"lr": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "schedule_decay": 0.004},
}
# What is a variable, and so comes back as float32 holds it.
VARIABLES = {"SGD": ("lr", "momentum", "decay"), "Adadelta": ("lr", "decay"), "RMSprop": ("lr", "rho", "decay")}


def make_problem():
    """Return two variables, and a loss that is neither quadratic nor symmetric in them."""
    params = [K.variable(value, name=name) for value, name in zip(START, ("dense/kernel", "dense/bias"), strict=True)]
    loss = K.sum(K.square(params[0] - GOAL[0]) * GOAL[0] ** 2) + K.sum(K.sin(params[1]) * GOAL[1])
    return params, loss


def gradients(params):
    return [2 * (params[0] - GOAL[0]) * GOAL[0] ** 2, np.cos(params[1]) * GOAL[1]]


def train(optimizer, num_steps=NUM_STEPS, params=None, loss=None):
    if params is None:
        params, loss = make_problem()
    function = K.function([], [loss], updates=optimizer.get_updates(loss=loss, params=params))
    for _ in range(num_steps):
        function([])
    return K.batch_get_value(params)


def check_trajectory(name, settings, dtype="float32"):
    """Train for some steps, and compare weights and state with the formula in NumPy."""
    with floatx(dtype):
        optimizer = getattr(optimizers, name)(**settings)
        got = train(optimizer)
        state = optimizer.get_weights()
    want, want_state = numpy_optimizers.run(name, settings, START, gradients, NUM_STEPS)
    assert [a.shape for a in state] == [a.shape for a in want_state]
    for a, b in zip(got + state, want + want_state, strict=True):
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] / 10)


@pytest.mark.parametrize("name, settings", VARIANTS)
def test_trajectories(name, settings):
    check_trajectory(name, settings)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectories_in_float64(name):
    check_trajectory(name, {"clipnorm": 0.9}, "float64")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float16_trains(name):
    with floatx("float16"):
        epsilon = {} if name == "SGD" else {"epsilon": 1e-3}
        got = train(getattr(optimizers, name)(lr=0.01, **epsilon))
    assert all(a.dtype == "float16" and np.isfinite(a).all() for a in got)
    assert any((a != b.astype("float16")).any() for a, b in zip(got, START, strict=True))


def test_the_check_sees_a_wrong_formula(monkeypatch):
    formula, *rest = OPTIMIZERS["Adam"]
    monkeypatch.setitem(OPTIMIZERS, "Adam", (lambda s, p, g, slots, lr, t: formula(s, p, g, slots, lr, t + 1), *rest))
    with pytest.raises(AssertionError):
        check_trajectory("Adam", {})


def test_every_optimizer_has_a_row():
    assert {entry.__name__ for entry in registry.entries("optimizer")} == set(OPTIMIZERS) == set(CONFIGS)
    assert {name for name, _ in VARIANTS} == set(OPTIMIZERS)
    assert set(registry.names("optimizer")) == set(OPTIMIZERS) | {name.lower() for name in OPTIMIZERS}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_constraints_act_after_the_step(name):
    params, loss = make_problem()
    for p in params:
        p.constraint = constraints.MaxNorm(0.5)
    got = train(getattr(optimizers, name)(lr=0.1), params=params, loss=loss)
    want, _ = numpy_optimizers.run(
        name, {"lr": 0.1}, START, gradients, NUM_STEPS,
        lambda w: w * np.minimum(np.sqrt(np.sum(w**2, 0, keepdims=True)), 0.5)
        / (1e-7 + np.sqrt(np.sum(w**2, 0, keepdims=True))))
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_goes_from_one_optimizer_to_another(name):
    first = getattr(optimizers, name)(lr=0.05)
    assert first.get_weights() == []
    params, loss = make_problem()
    train(first, 5, params, loss)
    values, state = K.batch_get_value(params), first.get_weights()
    second = getattr(optimizers, name)(lr=0.05)
    function = K.function([], [loss], updates=second.get_updates(loss=loss, params=params))
    second.set_weights(state)
    for a, b in zip(second.get_weights(), state, strict=True):
        np.testing.assert_array_equal(a, b)
    K.batch_set_value(list(zip(params, values, strict=True)))
    function([])
    if OPTIMIZERS[name][3] and name != "Nadam":  # the others do not keep the step count, Nadam not its schedule
        want, _ = numpy_optimizers.run(name, {"lr": 0.05}, START, gradients, 6)
        for a, b in zip(K.batch_get_value(params), want, strict=True):
            np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_learning_rate_can_change_between_steps(name):
    params, loss = make_problem()
    optimizer = getattr(optimizers, name)()
    function = K.function([], [loss], updates=optimizer.get_updates(loss=loss, params=params))
    function([])
    K.set_value(optimizer.lr, 0.0)
    before = K.batch_get_value(params)
    function([])
    if name != "SGD":
        for a, b in zip(K.batch_get_value(params), before, strict=True):
            np.testing.assert_array_equal(a, b)
    assert optimizer.get_config()["lr"] == 0
    assert K.get_value(optimizer.iterations) == 2


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name):
    cls = getattr(optimizers, name)
    optimizer = cls(clipnorm=2.0)
    config = optimizer.get_config()
    assert set(config) == {*CONFIGS[name], "clipnorm"}
    for key, value in CONFIGS[name].items():
        is_variable = key in VARIABLES.get(name, ("lr", "beta_1", "beta_2", "decay"))
        assert config[key] == (float(np.float32(value)) if is_variable else value)
        assert type(config[key]) is type(value)
    assert config["clipnorm"] == 2.0
    written = optimizers.serialize(optimizer)
    assert written == {"class_name": name, "config": config}
    for identifier in (written, {**written, "class_name": name.lower()}):
        built = optimizers.get(identifier)
        assert type(built) is cls
        assert built.get_config() == config
    assert cls.from_config(config).get_config() == config


def test_by_name_in_any_case_and_by_object():
    for name in OPTIMIZERS:
        for spelt in (name, name.lower(), name.upper()):
            assert type(optimizers.get(spelt)) is getattr(optimizers, name)
        assert getattr(optimizers, name.lower()) is getattr(optimizers, name)
    own = optimizers.SGD()
    assert optimizers.get(own) is own


def test_state_is_named_by_number_within_its_scope():
    for adam in ("Adam", "Adam_1"):
        optimizer = optimizers.Adam()
        params, loss = make_problem()
        with K.name_scope("training") as scope:
            optimizer.get_updates(loss, params)
        names = [f"{adam}/iterations:0", *[f"{scope}Adam/Variable{n}:0" for n in ("", "_1", "_2", "_3")]]
        assert [variable.name for variable in optimizer.weights] == names
        assert (optimizer.lr.name, optimizer.decay.name) == (f"{adam}/lr:0", f"{adam}/decay:0")
    assert scope == "training_1/"


class Descent(optimizers.Optimizer):
    """A user's optimizer, as the documentation of the time shows one."""

    def __init__(self, lr=0.1, **kwargs):
        super().__init__(**kwargs)
        self.lr = K.variable(lr, name="lr")

    def get_updates(self, loss, params):
        self.updates = []
        for p, g in zip(params, self.get_gradients(loss, params), strict=True):
            new_p = p - self.lr * g
            self.updates.append(K.update(p, new_p))
        return self.updates

    def get_config(self):
        return {"lr": float(K.get_value(self.lr)), **super().get_config()}


class OlderDescent(Descent):
    """The same with the arguments of an older time."""

    def get_updates(self, params, constraints, loss):
        self.updates = []
        for p, g in zip(params, self.get_gradients(loss, params), strict=True):
            new_p = p - self.lr * g
            if p in constraints:
                new_p = constraints[p](new_p)
            self.updates.append((p, new_p))
        return self.updates


@pytest.mark.parametrize("cls", [Descent, OlderDescent])
def test_the_users_own_class(cls):
    got = train(cls(clipvalue=0.3))
    want, _ = numpy_optimizers.run("SGD", {"lr": 0.1, "clipvalue": 0.3}, START, gradients, NUM_STEPS)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    name = cls.__name__
    with utils.custom_object_scope({name: cls}):
        assert type(optimizers.get(name)) is cls
        built = optimizers.get({"class_name": name, "config": {"lr": 0.5, "clipvalue": 1.0}})
    assert built.get_config() == {"lr": 0.5, "clipvalue": 1.0}


def test_the_older_form_is_given_the_constraints():
    params, loss = make_problem()
    params[1].constraint = constraints.NonNeg()
    optimizer = OlderDescent()
    got = train(optimizer, params=params, loss=loss)
    assert got[0].min() < 0
    assert got[1].min() >= 0
    assert len(optimizer.get_updates(loss, params)) == len(optimizer.get_updates(params=params, loss=loss)) == 2


def test_gradients_of_what_the_loss_does_not_reach_are_none():
    params, loss = make_problem()
    outside = K.variable([1.0], name="outside")
    found = optimizers.SGD().get_gradients(loss, [params[0], outside])
    assert found[0] is not None
    assert found[1] is None


def _without_path(optimizer):
    params, loss = make_problem()
    optimizer.get_updates(loss, [*params, K.variable([1.0], name="dense_7/kernel")])


def _state(weights):
    optimizer = optimizers.SGD()
    params, loss = make_problem()
    optimizer.get_updates(loss, params)
    optimizer.set_weights(weights)


NO_PATH = ("no gradient for 'dense_7/kernel:0'; expected a loss that depends, through differentiable functions, on "
           "every trainable weight. Set trainable=False on its layer, or use the layer's output in the loss.")
RAISED = [
    (lambda: optimizers.SGD(foo=1), TypeError,
     "SGD: unknown keyword argument 'foo'; expected its documented arguments, 'clipnorm' or 'clipvalue'."),
    (lambda: optimizers.Adam.from_config({"lr": 1, "momentum": 2}), TypeError,
     "Adam: unknown keyword argument 'momentum'; expected its documented arguments, 'clipnorm' or 'clipvalue'."),
    (lambda: optimizers.get("adams"), ValueError,
     "optimizer: unknown name 'adams'; expected the name of a known optimizer. Did you mean 'Adam'?"),
    (lambda: optimizers.get("Optimizer"), ValueError,
     "optimizer: unknown name 'optimizer'; expected the name of a known optimizer. "
     "Pass your own optimizer in custom_objects."),
    (lambda: optimizers.get(None), ValueError,
     "optimizer: None; expected an optimizer, the name of one or a config. Build the class first, as in SGD()."),
    (lambda: optimizers.get(optimizers.SGD), ValueError,
     "optimizer: <class 'onnxseq.optimizers.descent.SGD'>; expected an optimizer, the name of one or a config. "
     "Build the class first, as in SGD()."),
    (lambda: _without_path(optimizers.Adam()), ValueError, "Adam: " + NO_PATH),
    (lambda: _without_path(optimizers.SGD(clipnorm=1.0)), ValueError, "SGD: " + NO_PATH),
    (lambda: optimizers.Optimizer().get_updates(None, []), NotImplementedError,
     "Optimizer: an optimizer without get_updates; expected a subclass that overrides get_updates(loss, params)."),
    (lambda: _state([np.array(1)]), ValueError,
     "SGD: 1 arrays of state; expected 3. State exists once the model was compiled and its training step was made."),
    (lambda: _state([np.array(1), np.zeros((3, 2)), np.zeros(3)]), ValueError,
     "SGD: an array of shape (3,) for state 'SGD_1/Variable_1:0'; expected shape (4,)."),
]


@pytest.mark.parametrize("call, kind, message", RAISED)
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
