"""Layers of CuDNN in files are LSTM and GRU here, and give what tf_keras gives where it converts the same weights.

The files are made by files/cudnn/make.py, those of older versions, which convert them alike, by make_old.py.
"""

import json
import pathlib

import h5py
import numpy as np
import pytest

from onnxseq import layers as L
from onnxseq.models import Model, Sequential, load_model, model_from_json

FOLDER = pathlib.Path(__file__).parent / "files" / "cudnn"
NAMES = ("lstm", "gru", "both_ways", "nested")
TOLERANCE = 1e-6
LSTM = {"recurrent_activation": "sigmoid"}
GRU = {"recurrent_activation": "sigmoid", "reset_after": True}


def recorded(name):
    """Return the input of a model and its outputs, a list."""
    with np.load(FOLDER / "expected.npz") as arrays:
        outputs = [arrays[key] for key in sorted(arrays.files) if key.startswith(f"{name}/output")]
        return arrays[f"{name}/input"], outputs


def check(name, model):
    x, expected = recorded(name)
    outputs = model.predict(x)
    for output, known in zip(outputs if isinstance(outputs, list) else [outputs], expected, strict=True):
        np.testing.assert_allclose(output, known, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_a_model(name, tmp_path):
    model = load_model(FOLDER / f"{name}.h5", compile=False)
    check(name, model)
    model.save(tmp_path / "again.h5")
    check(name, load_model(tmp_path / "again.h5", compile=False))


@pytest.mark.filterwarnings("ignore:load_model. the file does not say how the model was compiled")
@pytest.mark.parametrize("version", ["keras-2.2.4", "keras-2.3.1", "tf.keras-1.15"])
def test_a_model_of_an_older_version(version):
    with np.load(FOLDER / f"{version}.npz") as arrays:
        x, expected = arrays["input"], arrays["output"]
    np.testing.assert_allclose(load_model(FOLDER / f"{version}.h5").predict(x), expected, rtol=0, atol=TOLERANCE)


def lstm(**options):
    shape = {"return_sequences": True, "input_shape": (5, 3), "name": "cu_dnnlstm"}
    return Sequential([
        L.LSTM(4, **shape, **options), L.LSTM(2, go_backwards=True, name="cu_dnnlstm_1", **options),
        L.Dense(2, name="dense"),
    ])  # fmt: skip


def gru(**options):
    return Sequential([
        L.GRU(4, return_sequences=True, input_shape=(5, 3), **options), L.GRU(2, go_backwards=True, **options),
        L.Dense(2),
    ])  # fmt: skip


def both_ways():
    return Sequential([
        L.Bidirectional(L.LSTM(3, return_sequences=True, **LSTM), input_shape=(5, 3)),
        L.Bidirectional(L.GRU(2, **GRU), merge_mode="sum"),
    ])  # fmt: skip


def nested():
    x = L.Input((5, 3))
    y = L.BatchNormalization()(L.GRU(2, return_sequences=True, **GRU)(x))
    inner = Model(x, L.TimeDistributed(L.Dense(2))(y))
    x = L.Input((5, 3))
    return Model(x, [inner(x), L.LSTM(2, **LSTM)(x)])


@pytest.mark.parametrize("name, make, by_name", [
    ("lstm", lambda: lstm(**LSTM), False), ("lstm", lambda: lstm(**LSTM), True), ("gru", lambda: gru(**GRU), False),
    ("both_ways", both_ways, False), ("nested", nested, False),
])  # fmt: skip
def test_weights_for_a_model_made_by_code(name, make, by_name):
    model = make()
    model.load_weights(FOLDER / f"{name}.h5", by_name=by_name)
    check(name, model)


def test_a_layer_that_computes_something_else():
    model = lstm()
    with pytest.warns(UserWarning) as caught:
        model.load_weights(FOLDER / "lstm.h5")
    assert [str(each.message) for each in caught] == [
        f"{model._who}.load_weights: LSTM {name!r}: the file's weights are of CuDNN, which computes activation='tanh' "
        "and recurrent_activation='sigmoid'; this layer computes others: outputs will differ. Make the layer with "
        "these." for name in ("cu_dnnlstm", "cu_dnnlstm_1")
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"use_bias": False}])
def test_a_gru_without_place_for_two_biases(options):
    with pytest.raises(ValueError, match="Load into the model that was saved"):
        gru(recurrent_activation="sigmoid", **options).load_weights(FOLDER / "gru.h5")


def test_a_kernel_that_does_not_fit():
    model = Sequential([L.LSTM(4, input_shape=(5, 7), return_sequences=True, **LSTM), L.LSTM(2, **LSTM), L.Dense(2)])
    with pytest.raises(ValueError, match=r"holds shape \(3, 16\) for weight 'lstm.*kernel:0'; expected \(7, 16\)"):
        model.load_weights(FOLDER / "lstm.h5")


def test_configurations():
    text = json.dumps({"class_name": "Sequential", "config": [
        {"class_name": "CuDNNGRU", "config": {
            "name": "fast", "units": 2, "return_sequences": True, "batch_input_shape": [None, 5, 3]}},
        {"class_name": "Bidirectional", "config": {
            "name": "both", "layer": {"class_name": "CuDNNLSTM", "config": {"name": "inner", "units": 2}}}},
    ]})  # fmt: skip
    first, second = model_from_json(text).layers
    assert type(first) is L.GRU and first.reset_after and first.get_config()["recurrent_activation"] == "sigmoid"
    assert type(second.forward_layer) is L.LSTM
    assert second.backward_layer.get_config()["recurrent_activation"] == "sigmoid"


def test_the_caller_s_own_class_is_taken():
    class Own(L.LSTM):
        def __init__(self, *args, time_major=False, **kwargs):
            super().__init__(*args, **kwargs)

    with pytest.warns(UserWarning, match="outputs will differ"):
        model = load_model(FOLDER / "lstm.h5", custom_objects={"CuDNNLSTM": Own}, compile=False)
    assert [type(layer) for layer in model.layers if layer.weights] == [Own, Own, L.Dense]


@pytest.mark.filterwarnings("default")
def test_the_state_of_training_starts_anew(tmp_path):
    model, path = lstm(**LSTM), tmp_path / "model.h5"
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 5, 3)), np.ones((2, 2)))
    model.save(path)
    with h5py.File(path, "r+") as file:
        for group in ("model_weights", "optimizer_weights"):
            arrays = {}
            file[group].visititems(lambda name, item, arrays=arrays: arrays.update({name: getattr(item, "shape", ())}))
            for name in [name for name, shape in arrays.items() if shape in [(16,), (8,)]]:
                value = file[group][name][()]
                del file[group][name]
                file[group][name] = np.concatenate([value, value])
    with pytest.warns(UserWarning, match="The optimizer starts anew"):
        load_model(path)
