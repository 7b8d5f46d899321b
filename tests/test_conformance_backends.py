"""What the adapters of the other Kerases do without them: a module's absent names, and the tables of renamed things."""

import inspect
import types

import pytest

from conformance.backends import renames
from conformance.backends.surface import Surface
from conformance.case import Absent


def _module(**names):
    module = types.ModuleType("keras")
    vars(module).update(names)
    return module


@pytest.fixture
def surface():
    layers = _module(Dense=1, Old=2)
    return Surface(_module(layers=layers), {"layers.Old": None, "layers.Made": 3, "backend.function": 4})


def test_a_surface_forwards_and_replaces(surface):
    assert (surface.layers.Dense, surface.layers.Made, surface.backend.function) == (1, 3, 4)


@pytest.mark.parametrize("path", ["optimizers", "layers.LSTM", "layers.Old", "backend.gradients"])
def test_what_a_surface_lacks_is_absent(surface, path):
    with pytest.raises(Absent) as raised:
        for name in path.split("."):
            surface = getattr(surface, name)
    assert str(raised.value) == path


def test_options_are_renamed_or_absent():
    names = {"lr": "learning_rate", "schedule_decay": None}
    assert renames.renamed({"lr": 0.1, "momentum": 0.9}, names, "O") == {"learning_rate": 0.1, "momentum": 0.9}
    with pytest.raises(Absent) as raised:
        renames.renamed({"schedule_decay": 0.1}, names, "optimizers.Nadam")
    assert str(raised.value) == "optimizers.Nadam(schedule_decay=)"


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("accuracy", "acc"), ("mse", "mean_squared_error"), ("hinge", "hinge"), ("logcosh", "log_cosh"), (len, len)],
)
def test_metrics_are_named_as_they_are_reported(identifier, name):
    assert renames.metric_name(identifier) == name


def test_a_loss_with_another_meaning_is_absent():
    with pytest.raises(Absent):
        renames.each(lambda name: renames.function_name(name, "losses"), {"out": ["mse", "cosine_proximity"]})


@pytest.mark.parametrize(
    ("loss", "num_outputs", "name"),
    [
        ("mse", 1, "binary_accuracy"),
        ("binary_crossentropy", 4, "binary_accuracy"),
        ("sparse_categorical_crossentropy", 4, "sparse_categorical_accuracy"),
        ("mse", 4, "categorical_accuracy"),
        (len, 4, "categorical_accuracy"),
    ],
)
def test_which_accuracy_a_name_stands_for(loss, num_outputs, name):
    assert renames.accuracy_of(loss, num_outputs) == name


def test_what_is_reported_is_known_from_compile_on():
    names = renames.reported_names(["acc", "mse", len], {"out": ["mae"]})
    assert names == ["loss", "acc", "mean_squared_error", "len", "weighted_mean_absolute_error"]
    assert renames.reported_names(None, None) == ["loss"]


def test_a_constructor_reads_its_options_through_the_table():
    class Optimizer:
        def __init__(self, rate, slow=False):
            self.made = (rate, slow)

    renames.with_arguments(Optimizer, lambda options: renames.renamed(options, {"lr": "rate"}, "O"))
    assert Optimizer(lr=3).made == (3, False) and Optimizer(3, slow=True).made == (3, True)


def test_documented_members_that_a_class_lacks_are_absent():
    class Layer:
        kept = 1

    renames.absent_members(Layer, "Layer", ("kept", "updates"))
    assert Layer().kept == 1 and not hasattr(Layer(), "other")
    for owner in (Layer, Layer()):
        with pytest.raises(Absent) as raised:
            owner.updates  # noqa: B018
        assert str(raised.value) == "Layer.updates"


def test_methods_of_old_can_be_called_and_have_no_signature():
    class Model:
        def fit(self, x, epochs=1):
            return (x, epochs)

    renames.added(Model, fit_generator=lambda self, x: self.fit(x, 2))
    renames.changed(Model, "fit", lambda original: lambda self, x, epochs=3: original(self, x, epochs))
    assert Model().fit_generator(1) == (1, 2) and Model().fit(1) == (1, 3)
    assert inspect.signature(Model.fit).parameters["epochs"].default == 1
    with pytest.raises(Absent):
        inspect.signature(Model.fit_generator)


def test_an_absent_slot_is_one_and_the_same():
    assert renames.not_kept("SGD", 1) is renames.not_kept("SGD", 1)
    assert str(renames.not_kept("SGD", 1)) == "optimizers.SGD: weight 1"
