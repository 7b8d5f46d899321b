"""Files that real versions of Keras wrote: each model loads and computes what its writer computed.

The files, and what their writers' models gave, are made by files/keras_versions/make.py.
"""

import json
import pathlib

import numpy as np
import pytest

from onnxseq.models import Sequential, load_model, model_from_json, model_from_yaml

FOLDER = pathlib.Path(__file__).parent / "files" / "keras_versions"
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if (path / "expected.npz").exists())
MODELS = ("convolutional", "functional", "gru", "lstm", "mlp", "nested", "regularized", "simple_rnn", "text")
TOLERANCE = 1e-6

# Those of later versions take other steps, and say so: tests/test_saving_differences.py.
pytestmark = pytest.mark.filterwarnings("ignore:load_model. optimizer '(RMSprop|Nadam)'")


def files(kind):
    """Return rows of version and model for whose file of a kind there is one."""
    return [(version, name) for version in VERSIONS for name in MODELS if (FOLDER / version / (name + kind)).exists()]


def whole(version, name):
    """Return the path of a whole model."""
    return next(path for path in (FOLDER / version).glob(f"{name}.*") if path.suffix in (".h5", ".keras")
                and ".weights." not in path.name)


def recorded(version, name):
    """Return inputs, outputs and weights of a model as its writer gave them."""
    with np.load(FOLDER / version / "expected.npz") as arrays:
        found = {key.split("/")[1]: arrays[key] for key in arrays.files if key.startswith(name + "/")}
    inputs = [found[key] for key in sorted(found) if key.startswith("input")]
    weights = [found[key] for key in sorted(found) if key.startswith("weight")]
    return inputs if len(inputs) > 1 else inputs[0], found["output"], weights


def agrees(model, version, name):
    inputs, expected, _ = recorded(version, name)
    np.testing.assert_allclose(model.predict(inputs), expected, rtol=0, atol=TOLERANCE)


def test_all_models_of_all_versions_are_there():
    assert len(VERSIONS) == 13
    assert all(whole(version, name) for version in VERSIONS for name in MODELS)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("version", VERSIONS)
def test_whole_model(version, name):
    model = load_model(whole(version, name))
    agrees(model, version, name)
    inputs, outputs, _ = recorded(version, name)
    targets = np.eye(3)[outputs.argmin(axis=1)]
    before = model.get_weights()
    assert np.isfinite(model.train_on_batch(inputs, targets)).all()
    after = model.get_weights()
    assert np.isfinite(np.concatenate([each.ravel() for each in after])).all()
    assert not any(np.array_equal(*pair) for pair in zip(before, after, strict=True) if pair[0].ndim > 1)


@pytest.mark.parametrize("version, name", files(".weights.h5"))
def test_weights_alone(version, name):
    model = load_model(whole(version, name), compile=False)
    fresh = type(model).from_config(model.get_config())
    assert not np.allclose(fresh.get_weights()[0], model.get_weights()[0])
    fresh.load_weights(FOLDER / version / f"{name}.weights.h5")
    for ours, theirs in zip(fresh.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    agrees(fresh, version, name)


@pytest.mark.parametrize("version", ["keras-1.2.2-theano", "keras-2.0.8-theano"])
def test_weights_of_theano_where_it_pads_otherwise(version):
    like = load_model(whole(version.removesuffix("-theano"), "convolutional"), compile=False)
    channels_first = load_model(whole(version, "convolutional"), compile=False).get_config()
    for layer, same in zip(channels_first, like.get_config(), strict=True):
        layer["config"].update({"padding": same["config"]["padding"]} if "padding" in same["config"] else {})
    model = Sequential.from_config(channels_first)
    with pytest.warns(UserWarning) as caught:
        model.load_weights(FOLDER / version / "convolutional.weights.h5")
    said = [str(each.message).split(":")[1].split(" otherwise")[0] for each in caught]
    before = " the weights are of a model on Theano, which pads "
    assert said == [f"{before}{layer._who}" for layer in (model.layers[0], model.layers[6])]


@pytest.mark.parametrize("form, read", [(".json", model_from_json), (".yaml", model_from_yaml)], ids=["json", "yaml"])
def test_configuration_as_text(form, read):
    rows = files(form)
    assert rows
    for version, name in rows:
        model = read((FOLDER / version / (name + form)).read_text())
        loaded = load_model(whole(version, name), compile=False)
        assert [type(layer) for layer in model.layers] == [type(layer) for layer in loaded.layers]
        model.set_weights(loaded.get_weights())
        agrees(model, version, name)


def test_files_say_who_wrote_them():
    for version in VERSIONS:
        about = json.loads((FOLDER / version / "version.json").read_text())
        assert about["wrote"] and about["backend"] in ("tensorflow", "theano", "jax")
