"""Exported models: standard operators, a free batch, the weights inside, and predict's numbers in a fresh session."""

import numpy as np
import onnx
import pytest

from onnxseq import backend as K
from onnxseq.compiler.session import Session
from onnxseq.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalMaxPooling1D,
    Lambda,
    MaxPooling2D,
    UpSampling2D,
)
from onnxseq.models import Sequential


def mlp():
    return [Dense(8, activation="relu", input_shape=(5,)), Dropout(0.5), Dense(3, activation="softmax")]


def cnn():
    return [
        Conv2D(32, 3, padding="same", strides=2, activation="relu", input_shape=(13, 11, 3)),
        BatchNormalization(),
        Conv2D(16, (2, 3), dilation_rate=2, padding="same"),
        Activation("elu"),
        MaxPooling2D(3, 2),
        UpSampling2D(2),
        AveragePooling2D(2, 1, padding="same"),
        Flatten(),
        Dense(4),
    ]


def channels_first():
    return [Conv2D(16, 3, data_format="channels_first", input_shape=(2, 8, 8)), Flatten(), Dense(2)]


def text():
    return [
        Embedding(30, 6, input_length=12),
        Conv1D(9, 3, activation="tanh"),
        GlobalMaxPooling1D(),
        Lambda(lambda x: K.exp(x) - 1.0),
        Dense(1, activation="sigmoid"),
    ]


MODELS = {"mlp": mlp, "cnn": cnn, "channels first": channels_first, "text": text}


def built(name, rows=7):
    model = Sequential(MODELS[name]())
    model.compile("adam", "mse")
    random = np.random.RandomState(0)
    shape = (rows, *model.input_shape[1:])
    x = random.randint(0, 30, shape) if name == "text" else random.rand(*shape).astype("float32")
    model.train_on_batch(x, random.rand(rows, *model.output_shape[1:]))
    return model, x


@pytest.mark.parametrize("opset", [None, 18, 19, 21])
@pytest.mark.parametrize("name", MODELS)
def test_an_export_predicts_the_same_at_any_batch_size(name, opset, tmp_path):
    model, x = built(name)
    path = tmp_path / "model.onnx"
    model.export(path, opset_version=opset)
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert {node.domain for node in proto.graph.node} == {""}
    assert {entry.version for entry in proto.opset_import if entry.domain == ""} == {opset or 18}
    (entry,) = proto.graph.input
    assert entry.type.tensor_type.shape.dim[0].dim_param == "batch"
    session = Session(path.read_bytes(), "CPUExecutionProvider")
    for rows in (1, 3, len(x)):
        (exported,) = session.run({entry.name: x[:rows].astype("float32")})
        assert np.abs(exported - model.predict(x[:rows])).max() <= 1e-5


def test_an_export_replaces_a_file_only_when_whole(tmp_path):
    model, _ = built("mlp")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ValueError) as fault:
        model.export(path, format="tf")
    assert str(fault.value) == "export: format='tf'; expected one of 'onnx'."
    with pytest.raises(ValueError, match="export: opset_version='18'; expected a whole number or None."):
        model.export(path, opset_version="18")
    assert path.read_bytes() == b"old"
    with pytest.raises(OSError):
        model.export(tmp_path / "missing" / "model.onnx")
    model.export(str(path))
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(onnx.load(path))
