"""The ground floor: registry, configs, custom objects, and how messages are put together."""

import numpy as np
import pytest

from onnxseq import config, constraints, errors, losses, registry, utils


class Margin:
    """A user's object with a config."""

    def __init__(self, size=1.0):
        self.size = size

    def get_config(self):
        return {"size": self.size}


class Built(Margin):
    """One that builds itself."""

    @classmethod
    def from_config(cls, config):
        built = cls(**config)
        built.known = sorted(utils.get_custom_objects())
        return built


class Nested(Margin):
    """One that builds others from its config and so asks for the custom objects."""

    @classmethod
    def from_config(cls, config, custom_objects=None):
        nested = cls(**config)
        nested.known = sorted(custom_objects)
        return nested



RAISED = [
    ("unknown kind", lambda: registry.register("lossy"), ValueError,
     "register: kind 'lossy'; expected one of layer, activation, initializer, regularizer, constraint, loss, metric, "
     "optimizer."),
    ("name taken", lambda: registry.register("constraint", "MaxNorm")(constraints.NonNeg), ValueError,
     "register: constraint 'MaxNorm' already stands for <class 'onnxseq.constraints.MaxNorm'>; "
     "expected a name of its own."),
    ("not serializable", lambda: config.serialize(3), ValueError,
     "serialize: 3; expected an object with get_config() or a function. Give the class a get_config method."),
    ("unknown name", lambda: config.deserialize("loss", "nothing like it"), ValueError,
     "loss: unknown name 'nothing like it'; expected the name of a known loss. "
     "Pass your own loss in custom_objects."),
    ("misspelt name", lambda: config.deserialize("loss", "hinges"), ValueError,
     "loss: unknown name 'hinges'; expected the name of a known loss. Did you mean 'hinge'?"),
    ("config without class", lambda: config.deserialize("loss", {"config": {}, "name": "x"}), ValueError,
     "loss: a config with the keys ['config', 'name']; expected the keys 'class_name' and 'config'."),
    ("neither name nor config", lambda: config.deserialize("loss", 3), TypeError,
     "loss: 3; expected the name of a loss, or a config with class_name and config."),
    ("neither name, config nor callable", lambda: config.get("constraint", 3), ValueError,
     "constraint: 3; expected the name of a constraint, a config or a callable."),
    ("function without a name", lambda: config.name_of("loss", 3), AttributeError,
     "loss: 3; expected a function with a name."),
    ("unknown in given objects", lambda: utils.deserialize_keras_object("f", {"g": 1}, None, "thing"), ValueError,
     "thing: unknown name 'f'; expected the name of a known thing. Pass your own thing in custom_objects."),
]


@pytest.mark.parametrize("call, kind, message", [row[1:] for row in RAISED], ids=[row[0] for row in RAISED])
def test_message(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == message


SERIALIZED = [
    (None, None),
    (losses.mse, "mean_squared_error"),
    (Margin(2.0), {"class_name": "Margin", "config": {"size": 2.0}}),
    (constraints.max_norm(3), {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}}),
]


@pytest.mark.parametrize("thing, written", SERIALIZED)
def test_serialize(thing, written):
    assert config.serialize(thing) == written
    assert utils.serialize_keras_object(thing) == written


def test_configs_go_back_through_each_kind_of_class():
    objects = {"Margin": Margin, "Built": Built, "Nested": Nested}
    for name, cls in objects.items():
        built = config.deserialize("layer", {"class_name": name, "config": {"size": 3}}, objects)
        assert type(built) is cls
        assert built.size == 3
        if cls is not Margin:
            assert built.known == ["Built", "Margin", "Nested"]
    assert utils.get_custom_objects() == {}


def test_given_objects_go_before_the_scope_and_the_scope_before_ours():
    def first(y_true, y_pred):
        return y_pred

    def second(y_true, y_pred):
        return y_true

    assert config.deserialize("loss", "hinge") is losses.hinge
    with utils.custom_object_scope({"hinge": first}, {"own": second}):
        assert config.deserialize("loss", "hinge") is first
        assert config.deserialize("loss", "own") is second
        assert config.deserialize("loss", "hinge", {"hinge": second}) is second
        assert utils.deserialize_keras_object("hinge", {"hinge": second}) is first
    assert config.deserialize("loss", "hinge") is losses.hinge


def test_a_scope_undoes_what_happens_inside_even_after_an_error():
    utils.get_custom_objects()["kept"] = 1
    try:
        with pytest.raises(KeyError), utils.CustomObjectScope({"own": 2}):
            utils.get_custom_objects()["more"] = 3
            assert set(utils.get_custom_objects()) == {"kept", "own", "more"}
            raise KeyError("anything")
        assert utils.get_custom_objects() == {"kept": 1}
    finally:
        utils.get_custom_objects().clear()


def test_every_registered_object_is_found_by_its_own_name_and_aliases():
    for kind in registry.KINDS:
        for name in registry.names(kind):
            thing = registry.lookup(kind, name)
            assert registry.lookup(kind, thing.__name__) is thing
        assert len(registry.entries(kind)) == len({id(thing) for thing in registry.table(kind).values()})


DESCRIBED = [
    (np.zeros((2, 3)), "an array of shape (2, 3) and dtype float64"),
    ([np.zeros(2), np.zeros((1, 4))], "a list of 2 arrays of shapes (2,), (1, 4)"),
    ((np.zeros(2),), "a tuple of 1 arrays of shapes (2,)"),
    ([], "[]"),
    ("text", "'text'"),
    (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16..."),
]


@pytest.mark.parametrize("value, account", DESCRIBED)
def test_describe(value, account):
    assert errors.describe(value)[:57] == account[:57]
    assert len(errors.describe(value)) <= 60


def test_suggestion():
    assert errors.suggestion("Relu", ["relu", "elu"]) == "Did you mean 'relu'?"
    assert errors.suggestion("swish", ["relu", "elu"]) == ""


@pytest.mark.parametrize("kind", [ValueError, TypeError, RuntimeError, AttributeError, IndexError, NotImplementedError])
def test_place_names_the_place_once_and_keeps_the_type(kind):
    with pytest.raises(kind) as caught, errors.place("outer"), errors.place("inner"), errors.place("inner"):
        raise kind("fault")
    assert str(caught.value) == "outer: inner: fault"
    assert str(caught.value.__cause__.__cause__) == "fault"


def test_place_leaves_other_errors_alone():
    class Own(ValueError):
        def __init__(self, first, second):
            super().__init__(first)

    for error in (KeyError("key"), Own("a", "b"), StopIteration()):
        with pytest.raises(type(error)) as caught, errors.place("outer"):
            raise error
        assert caught.value is error
