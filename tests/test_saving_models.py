"""Models in files: what is loaded computes and trains as what was saved, here and in TF 1.4."""

import pathlib

import numpy as np
import pytest

import onnxseq
from conformance import round_trip
from onnxseq import backend as K
from onnxseq import registry
from onnxseq.layers import Dense, Input
from onnxseq.models import Model, Sequential, load_model
from onnxseq.network import Network

# Written by TF 1.4: python -m conformance.round_trip make tf14 tests/files/tf14 NAME ...
TF14 = sorted((pathlib.Path(__file__).parent / "files" / "tf14").glob("*.h5"))


@pytest.mark.parametrize("path", TF14, ids=lambda path: path.stem)
def test_file_of_tf14(path):
    outputs, losses = round_trip.compare(onnxseq, str(path))
    assert outputs <= round_trip.OUTPUT_TOLERANCE
    assert losses <= round_trip.LOSS_TOLERANCE


# The table that goes both ways between us and TF 1.4.
MODELS = {name: (model, shapes) for name, model, shapes in round_trip.make_models(onnxseq)}


@pytest.mark.parametrize("name", MODELS)
def test_goes_on_from_its_file(name, tmp_path):
    model, shapes = MODELS[name]
    inputs, targets = round_trip.data_of(model, shapes)
    inputs, targets = round_trip._single(inputs), round_trip._single(targets)
    for _ in range(3):
        model.train_on_batch(inputs, targets)
    path = str(tmp_path / "model.h5")
    model.save(path)
    loaded = load_model(path, custom_objects=round_trip.OWN)
    model.reset_states()  # which no file holds
    assert [layer.get_config() for layer in loaded.layers] == [layer.get_config() for layer in model.layers]
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(model.optimizer.get_weights(), loaded.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.predict(inputs), loaded.predict(inputs))
    for _ in range(3):
        assert np.array_equal(model.train_on_batch(inputs, targets), loaded.train_on_batch(inputs, targets))


def test_every_layer_and_optimizer_is_in_the_table():
    seen = {type(layer) for model, _ in MODELS.values() for layer in model.layers}
    kept = {thing for thing in registry.entries("layer") if not issubclass(thing, Network)}
    assert kept - seen == set()
    optimizers = {type(model.optimizer) for model, _ in MODELS.values()}
    assert set(registry.entries("optimizer")) - optimizers == set()


def compiled(**options):
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,), name="first"), Dense(2, name="second")])
    model.compile("sgd", "mse", **options)
    return model


X, Y = np.linspace(-1, 1, 15).reshape(5, 3), np.linspace(0, 1, 10).reshape(5, 2)


def test_compile_state(tmp_path):
    model = compiled(metrics=["mae"], sample_weight_mode=None, weighted_metrics=["mse"])
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    assert (loaded.loss, loaded.metrics, loaded.weighted_metrics) == ("mse", ["mae"], ["mse"])
    assert loaded.metrics_names == model.metrics_names
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_without_the_optimizer(tmp_path):
    compiled().save(tmp_path / "model.h5", include_optimizer=False)
    message = ("load_model: the file does not say how the model was compiled, as it does in a file saved after "
               "compile(). Call compile() before training.")
    with pytest.warns(UserWarning) as caught:
        loaded = load_model(tmp_path / "model.h5")
    assert [str(each.message) for each in caught] == [message]
    assert loaded.optimizer is None


def test_not_compiled_on_loading(tmp_path):
    compiled().save(tmp_path / "model.h5")
    assert load_model(tmp_path / "model.h5", compile=False).optimizer is None


@pytest.mark.parametrize("name, attribute", [("RMSprop", "iterations"), ("Nadam", "m_schedule")])
def test_state_that_keras_forgets(name, attribute, tmp_path):
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile(getattr(onnxseq.optimizers, name)(), "mse")
    for _ in range(3):
        model.train_on_batch(X, Y)
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    ours, theirs = (K.get_value(getattr(each.optimizer, attribute)) for each in (model, loaded))
    assert ours == theirs


def test_nested_models_of_equal_names(tmp_path):
    def inner(name):
        return Sequential([Dense(3, input_shape=(3,), name="same"), Dense(3, name="other")], name=name)

    start = Input((3,))
    pair = Model(start, inner("right")(inner("left")(start)), name="pair")
    model = Sequential([pair, Dense(2)])
    model.save_weights(tmp_path / "weights.h5")
    before = model.get_weights()
    model.set_weights([np.zeros_like(each) for each in before])
    model.load_weights(tmp_path / "weights.h5")
    for ours, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_names_larger_than_an_attribute(tmp_path):
    layers = [Dense(1, name=f"layer_{number:02}_" + "x" * 900) for number in range(80)]
    model = Sequential([Dense(1, input_shape=(1,)), *layers])
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5", compile=False)
    np.testing.assert_array_equal(model.predict(np.ones((1, 1))), loaded.predict(np.ones((1, 1))))


def test_by_name(tmp_path):
    compiled().save_weights(tmp_path / "weights.h5")
    model = Sequential([Dense(4, input_shape=(3,), name="first"), Dense(5, name="new"), Dense(2, name="third")])
    before = model.get_weights()
    model.load_weights(tmp_path / "weights.h5", by_name=True)
    changed = [not np.array_equal(ours, theirs) for ours, theirs in zip(before, model.get_weights(), strict=True)]
    assert changed == [True, False, False, False, False, False]  # biases are zeros in both
