"""Files whose models do here what they did not where they were written: an error or a warning says so of each."""

import json

import h5py
import numpy as np
import pytest

from onnxseq import layers as L
from onnxseq.models import Sequential, load_model, model_from_json
from onnxseq.saving.bytecode import PYTHON
from tests.saving_hostile import layers_of, with_config, write
from tests.test_saving_versions import whole


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def warnings_of(run, *arguments, **options):
    """Return the texts of all warnings that a call gives, and what it returns."""
    with pytest.warns(UserWarning) as caught:
        found = run(*arguments, **options)
    return [str(each.message) for each in caught], found


# -- optimizers -----------------------------------------------------------------------------------------------

RMSPROP = (
    "load_model: optimizer 'RMSprop': the file's adds epsilon=1e-07 inside of the root, that of r1.4 behind it: "
    "training goes on with steps that differ where squared gradients are not far above epsilon. Predictions are "
    "the same."
)
NADAM = (
    "load_model: optimizer 'Nadam': the file's takes its schedule further once for each weight, that of r1.4 once for "
    "each step: training goes on with steps that differ. Predictions are the same."
)
ADAGRAD = (
    "load_model: optimizer 'Adagrad': the file's starts its sums at 0.1 and holds none, those of r1.4 start at 0: "
    "first steps differ. Predictions are the same."
)


@pytest.mark.parametrize("version", ["tf.keras-2.15", "tf_keras-2.21", "keras-3", "keras-3-h5"])
def test_rmsprop_with_epsilon_inside(version):
    said, _ = warnings_of(load_model, whole(version, "convolutional"))
    assert said == [RMSPROP]


@pytest.mark.parametrize("version", ["tf.keras-2.15", "tf_keras-2.21"])
def test_nadam_with_its_schedule_counted_by_weights(version):
    said, _ = warnings_of(load_model, whole(version, "functional"))
    assert said == [NADAM]


def test_rmsprop_is_no_matter_where_nothing_is_compiled():
    load_model(whole("keras-3", "convolutional"), compile=False)


def test_adagrad_without_its_state():
    def change(file):
        config = json.loads(file.attrs["training_config"])
        config["optimizer_config"] = {"class_name": "Adagrad", "config": {
            "name": "Adagrad", "learning_rate": 0.01, "epsilon": 1e-7, "initial_accumulator_value": 0.1}}  # fmt: skip
        file.attrs["training_config"] = json.dumps(config)
        del file["optimizer_weights"]

    write("model.h5", change)
    said, _ = warnings_of(load_model, "model.h5")
    assert said == [ADAGRAD]


# -- TensorFlow 1.4 -------------------------------------------------------------------------------------------


def of_tf14(path):
    """Make a file one of TensorFlow 1.4, which names no other writer."""
    with h5py.File(path, "r+") as file:
        group = file["model_weights"] if "model_weights" in file else file
        group.attrs.pop("written_by", None)


def transposed(filters):
    return Sequential([L.Conv3DTranspose(filters, 2, input_shape=(3, 3, 3, 2), name="up")], name="net")


TRANSPOSED = (
    "Conv3DTranspose 'up': TensorFlow 1.4, which wrote the file, computes a plain Conv3D here; this is the "
    "transposed convolution that is documented: outputs will differ. Load the weights into a Conv3D for what the "
    "file's model gave."
)


def test_conv3d_transpose_of_tf14():
    model = transposed(2)
    model.save("model.h5")
    model.save_weights("weights.h5")
    load_model("model.h5", compile=False)
    model.load_weights("weights.h5")
    of_tf14("model.h5")
    of_tf14("weights.h5")
    assert warnings_of(load_model, "model.h5", compile=False)[0] == [f"load_model: {TRANSPOSED}"]
    assert warnings_of(model.load_weights, "weights.h5")[0] == [f"Sequential 'net'.load_weights: {TRANSPOSED}"]


def test_conv3d_transpose_of_tf14_with_another_number_of_filters():
    Sequential([L.Conv3D(4, 2, input_shape=(3, 3, 3, 2), name="plain")], name="net").save_weights("weights.h5")
    of_tf14("weights.h5")
    with pytest.raises(ValueError) as caught:
        transposed(4).load_weights("weights.h5")
    assert str(caught.value) == (
        "Sequential 'net'.load_weights: Conv3DTranspose 'up': the file holds shape (2, 2, 2, 2, 4) for weight "
        "'up/kernel:0'; expected (2, 2, 2, 4, 2). Load into the model that was saved."
    )


# -- code -----------------------------------------------------------------------------------------------------

# `lambda x: K.relu(x)`, as written by other versions of Python.
CODE_OF = {
    "3.6": "4wEAAAAAAAAAAQAAAAIAAABDAAAAcwoAAAB0AGoBfACDAVMAKQFOKQLaAUtaBHJlbHUpAdoBeKkAcgMAAADaCDxzdHJpbmc+2gg8"
           "bGFtYmRhPgEAAABzAAAAAA==",
    "3.11": "4wEAAAAAAAAAAAAAAAMAAAADAAAA8zYAAACXAHQAAAAAAAAAAAAAAKABAAAAAAAAAAAAAAAAAAAAAAAAAAB8AKYBAACrAQAAAAAA"
            "AAAAUwApAU4pAtoBS9oEcmVsdSkB2gF4cwEAAAAg+gg8c3RyaW5nPvoIPGxhbWJkYT5yBgAAAAEAAABzEAAAAIAAjSGPJoomkBGJ"
            "KYwpgADzAAAAAA==",
    "3.13": "4wEAAAAAAAAAAAAAAAMAAAADAAAA8ywAAACVAFsAAAAAAAAAAABSAwAAAAAAAAAAAAAAAAAAAAAAAFUANQEAAAAAAAAkACkBTikC"
            "2gFL2gRyZWx1KQHaAXhzAQAAACDaCDxzdHJpbmc+2gg8bGFtYmRhPnIGAAAAAQAAAHMMAAAAgACMIY8miSaQEYwp8wAAAAA=",
    "nothing": "",
    "no code": "aGVsbG8=",
}  # fmt: skip
RUNS = (
    "load_model: layer 'mine': code of the file runs as its function, as safe_mode=False allows. It can do whatever "
    f"you can, and is right only if Python {PYTHON} wrote it."
)


def with_code(code):
    arguments = {"name": "mine", "function": [code, None, None], "function_type": "lambda", "arguments": {}}
    layer = {"class_name": "Lambda", "config": arguments}
    write("model.h5", with_config(lambda config: layers_of(config).append(layer)))


@pytest.mark.parametrize("version", sorted(set(CODE_OF) - {PYTHON}))
def test_code_of_another_python(version):
    with_code(CODE_OF[version])
    with pytest.raises(ValueError) as caught:
        load_model("model.h5", safe_mode=False, compile=False)
    assert str(caught.value) == (
        "load_model: layer 'mine': its function is bytecode that this version of Python does not run; expected that of "
        f"Python {PYTHON}. Pass the function itself in custom_objects, under the layer's name."
    )


def test_code_that_runs():
    Sequential([L.Lambda(lambda x: x * 2 if x is not None else 0, input_shape=(3,), name="mine")]).save("model.h5")
    said, model = warnings_of(load_model, "model.h5", safe_mode=False, compile=False)
    assert said == [RUNS]
    np.testing.assert_array_equal(model.predict(np.ones((1, 3))), [[2, 2, 2]])


def test_the_caller_s_function_is_taken_before_code():
    with_code("no code at all")
    model = load_model("model.h5", custom_objects={"mine": lambda x: x * 0}, safe_mode=False, compile=False)
    np.testing.assert_array_equal(model.predict(np.ones((1, 3))), [[0, 0]])


# -- Theano ---------------------------------------------------------------------------------------------------

UNMEASURED = {
    "strides": L.Conv2D(2, 3, strides=2, padding="same", input_shape=(6, 6, 1), name="it"),
    "dilation": L.Conv2D(2, 2, dilation_rate=3, padding="same", input_shape=(6, 6, 1), name="it"),
    "a window of 4": L.Conv2D(2, 4, padding="same", input_shape=(6, 6, 1), name="it"),
    "one axis": L.Conv1D(2, 2, padding="same", input_shape=(6, 1), name="it"),
    "three axes": L.Conv3D(2, 2, padding="same", input_shape=(4, 4, 4, 1), name="it"),
    "maxima": L.MaxPooling2D(2, padding="same", input_shape=(6, 6, 1), name="it"),
    "maxima of one axis": L.MaxPooling1D(2, padding="same", input_shape=(6, 1), name="it"),
    "means over 3": L.AveragePooling2D(3, padding="same", input_shape=(6, 6, 1), name="it"),
    "means at stride 1": L.AveragePooling2D(2, 1, padding="same", input_shape=(6, 6, 1), name="it"),
    "means of three axes": L.AveragePooling3D(2, padding="same", input_shape=(4, 4, 4, 1), name="it"),
}
REFUSED = {
    "separable": L.SeparableConv2D(2, 2, padding="same", input_shape=(6, 6, 1), name="it"),
    "transposed": L.Conv2DTranspose(2, 3, strides=2, padding="same", input_shape=(6, 6, 1), name="it"),
    "transposed in three axes": L.Conv3DTranspose(2, 2, padding="same", input_shape=(4, 4, 4, 1), name="it"),
    "recurrent": L.ConvLSTM2D(2, 2, padding="same", input_shape=(3, 6, 6, 1), name="it"),
}
MEASURED = {
    "an even window": L.Conv2D(2, (3, 2), padding="same", input_shape=(6, 6, 1), name="it"),
    "means over 2": L.AveragePooling2D(2, padding="same", input_shape=(6, 6, 1), name="it"),
    "odd windows": L.Conv2D(2, 5, padding="same", input_shape=(6, 6, 1), name="it"),
    "odd dilated windows": L.Conv2D(2, 3, dilation_rate=2, padding="same", input_shape=(6, 6, 1), name="it"),
    "maxima of odd windows": L.MaxPooling2D(3, 1, padding="same", input_shape=(6, 6, 1), name="it"),
    "valid": L.Conv2D(2, 4, strides=2, input_shape=(6, 6, 1), name="it"),
}


def of_theano(layer):
    """Return a model's text as Keras 2 on Theano writes it."""
    return json.dumps({**json.loads(Sequential([layer]).to_json()), "backend": "theano", "keras_version": "2.0.8"})


@pytest.mark.parametrize("name", UNMEASURED)
def test_padding_of_theano_that_no_file_showed(name):
    said, _ = warnings_of(model_from_json, of_theano(UNMEASURED[name]))
    assert said == [
        "model_from_json: layer 'it': padding='same' of a model on Theano, at a window or strides that were compared "
        "with no file of Theano's: outputs may differ. Compare them with those that Theano gave."
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_padding_of_theano_that_is_not_there(name):
    with pytest.raises(ValueError) as caught:
        model_from_json(of_theano(REFUSED[name]))
    assert str(caught.value) == (
        "model_from_json: layer 'it': padding='same' as Theano pads, which differs from that of r1.4 for even windows "
        "and for strides; expected odd windows at stride 1. Build the model by code and give it the file's weights by "
        "load_weights()."
    )


@pytest.mark.parametrize("name", MEASURED)
def test_padding_of_theano_that_is_known(name):
    model_from_json(of_theano(MEASURED[name]))
