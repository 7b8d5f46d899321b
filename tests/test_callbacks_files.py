"""Callbacks that write: checkpoints, CSV, a server, TensorBoard's event files; and what reduces the learning rate."""

import http.server
import json
import struct
import threading
import urllib.parse

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from onnxseq import backend as K
from onnxseq.callbacks import CSVLogger, ModelCheckpoint, ReduceLROnPlateau, RemoteMonitor, TensorBoard
from onnxseq.callbacks.tensorboard import as_image, tensorboard_x
from onnxseq.layers import Conv2D, Dense, Dropout, Embedding, Flatten
from onnxseq.models import Sequential, load_model
from onnxseq.optimizers import SGD

X = np.arange(40, dtype="float32").reshape(10, 4) / 40
Y = X.sum(axis=1, keepdims=True)


def small(lr=0.01):
    model = Sequential([Dense(3, input_shape=(4,), name="first"), Dropout(0.5, name="drop"), Dense(1, name="last")])
    model.compile(SGD(lr=lr), "mse")
    return model


def texts(error):
    return error.value.args[0]


# -- checkpoints ----------------------------------------------------------------------------------------------


def test_checkpoints_hold_the_model_of_their_epoch(tmp_path):
    model = small()
    path = str(tmp_path / "{epoch}-{loss:.9f}.h5")
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[ModelCheckpoint(path)])
    names = [f"{epoch}-{loss:.9f}.h5" for epoch, loss in enumerate(history.history["loss"])]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    loaded = load_model(tmp_path / names[-1])
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert K.get_value(loaded.optimizer.iterations) == K.get_value(model.optimizer.iterations)


def test_a_checkpoint_that_cannot_be_written_ends_training(tmp_path):
    with pytest.raises(OSError, match="cannot be written"):
        small().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint(str(tmp_path / "nowhere" / "model.h5"))])


def test_a_name_that_the_logs_lack():
    callback = ModelCheckpoint("{val_loss}.h5")
    with pytest.raises(KeyError) as error:
        callback.on_epoch_end(0, {"loss": 1.0})
    assert texts(error) == (
        "ModelCheckpoint: filepath '{val_loss}.h5' has the field 'val_loss'; expected 'epoch' or a name in the logs, "
        "['loss']."
    )


def test_what_is_warned_of():
    with pytest.warns(UserWarning, match="ModelCheckpoint: mode is 'up'; expected 'auto', 'min' or 'max'. Using"):
        ModelCheckpoint("a.h5", mode="up")
    with pytest.warns(UserWarning, match=r"ModelCheckpoint: monitor is 'val_loss', which the logs lack; expected one"):
        ModelCheckpoint("a.h5", save_best_only=True).on_epoch_end(0, {"loss": 1.0})
    with pytest.warns(UserWarning, match=r"ReduceLROnPlateau: monitor is 'val_loss', which the logs lack"):
        small().fit(X, Y, verbose=0, callbacks=[ReduceLROnPlateau()])


def test_fmeasure_is_better_when_larger():
    assert ModelCheckpoint("a.h5", monitor="fmeasure").best == -np.inf


# -- the learning rate ----------------------------------------------------------------------------------------

REDUCTIONS = [  # losses, options, rates after each epoch from 1.0
    ([1, 1, 1, 1], {"patience": 1, "factor": 0.5}, [1, 1, 0.5, 0.25]),
    ([1, 1, 1, 1], {"patience": 0, "factor": 0.5, "min_lr": 0.4}, [1, 0.5, 0.4, 0.4]),
    ([1, 1, 1, 1, 1], {"patience": 0, "factor": 0.5, "cooldown": 2}, [1, 0.5, 0.5, 0.25, 0.25]),
    ([1, 0.9, 0.8, 0.7], {"patience": 0, "factor": 0.5}, [1, 1, 1, 1]),
    ([1, 0.9, 0.8, 0.7], {"patience": 0, "factor": 0.5, "mode": "max"}, [1, 0.5, 0.25, 0.125]),
]


@pytest.mark.parametrize("losses, options, rates", REDUCTIONS)
def test_reduction(losses, options, rates):
    callback = ReduceLROnPlateau("loss", **options)
    callback.set_model(small(lr=1.0))
    callback.on_train_begin()
    seen = []
    for epoch, loss in enumerate(losses):
        logs = {"loss": loss}
        callback.on_epoch_end(epoch, logs)
        seen.append(float(K.get_value(callback.model.optimizer.lr)))
    np.testing.assert_allclose(seen, rates, rtol=1e-6)


def test_factor():
    with pytest.raises(ValueError) as error:
        ReduceLROnPlateau(factor=1.0)
    assert texts(error) == "ReduceLROnPlateau: factor is 1.0; expected a number below 1."


# -- CSV ------------------------------------------------------------------------------------------------------


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    for expected in (3, 6):  # what is appended has no titles of its own
        history = small().fit(X, Y, epochs=2, verbose=0, validation_split=0.2, callbacks=[CSVLogger(path, append=True)])
        rows = [line.split(",") for line in path.read_text().splitlines()]
        assert rows[0] == ["epoch", "loss", "val_loss"]
        assert len(rows) == (3 if expected == 3 else 5)
        assert [float(row[1]) for row in rows[-2:]] == history.history["loss"]


def test_csv_names_what_is_missing(tmp_path):
    callback = CSVLogger(tmp_path / "log.csv")
    callback.set_model(small())
    callback.model.stop_training = False
    callback.on_train_begin()
    callback.on_epoch_end(0, {"a": 1, "b": 2})
    with pytest.raises(KeyError) as error:
        callback.on_epoch_end(1, {"a": 1})
    assert texts(error) == "CSVLogger: the logs of epoch 1 lack 'b'; expected the columns ['a', 'b']."


# -- a server -------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    """(address, what was posted) of a server on this machine."""
    posted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, dict(self.headers), urllib.parse.parse_qs(body.decode())))
            self.send_response(500 if self.path == "/broken/" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}", posted
        made.shutdown()
        thread.join()


def test_remote_monitor(server):
    address, posted = server
    history = small().fit(X, Y, epochs=2, verbose=0, callbacks=[RemoteMonitor(address, headers={"X-Run": "7"})])
    assert [path for path, _, _ in posted] == ["/publish/epoch/end/"] * 2
    assert posted[0][1]["X-Run"] == "7"
    sent = [json.loads(form["data"][0]) for _, _, form in posted]
    assert sent == [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(history.history["loss"])]


def test_what_a_server_thinks_of_it_does_not_matter(server):
    RemoteMonitor(server[0], path="/broken/", field="logs").on_epoch_end(0, {"a": np.float32(0.5), "b": object})
    assert "logs" in server[1][0][2]


def test_no_server():
    with pytest.warns(UserWarning, match="RemoteMonitor: 'http://127.0.0.1:9/x' cannot be reached"):
        RemoteMonitor("http://127.0.0.1:9", path="/x").on_epoch_end(0, {})
    with pytest.raises(ValueError) as error:
        RemoteMonitor("file://", path="/etc").on_epoch_end(0, {})
    assert texts(error) == "RemoteMonitor: the address is 'file:///etc'; expected one of http or https."


# -- TensorBoard ----------------------------------------------------------------------------------------------


def events(folder):
    """The events of the one file of a folder."""
    (path,) = folder.glob("events.out.tfevents.*")
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        found.append(Event.FromString(content[at + 12 : at + 12 + length]))
        at += 16 + length
    return found


def values(folder, kind):
    return {(value.tag, event.step): getattr(value, kind) for event in events(folder) for value in event.summary.value
            if value.WhichOneof("value") == kind}


def test_scalars(tmp_path):
    history = small().fit(X, Y, epochs=3, verbose=0, validation_split=0.2, callbacks=[TensorBoard(tmp_path / "logs")])
    expected = {(name, epoch): value for name in history.history for epoch, value in enumerate(history.history[name])}
    found = values(tmp_path / "logs", "simple_value")
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[key] for key in expected], list(expected.values()), rtol=1e-6)


def test_the_graph_is_the_onnx_graph(tmp_path):
    model = small()
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    (graph,) = [event.graph_def for event in events(tmp_path) if event.graph_def]
    assert b"Gemm" in graph or b"MatMul" in graph
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "none", write_graph=False)])
    assert not any(event.graph_def for event in events(tmp_path / "none"))


def test_histograms(tmp_path):
    model = small()
    board = TensorBoard(tmp_path, histogram_freq=2, batch_size=4, write_grads=True, write_images=True)
    model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[board])
    found = values(tmp_path, "histo")
    weights = ["first/kernel_0", "first/bias_0", "last/kernel_0", "last/bias_0"]
    outputs = {"first_out": 30, "drop_out": 30, "last_out": 10}
    assert {tag for tag, _ in found} == {*weights, *(f"{tag}_grad" for tag in weights), *outputs}
    assert {step for _, step in found} == {0, 2}
    for tag, num in outputs.items():
        assert found[tag, 2].num == num
    for weight, tag in zip(model.get_weights(), weights, strict=True):
        histogram = found[tag, 2]
        np.testing.assert_allclose([histogram.sum, histogram.min, histogram.max], [weight.sum(), weight.min(),
                                                                                   weight.max()], rtol=1e-5)
    # the gradient by the last bias, of the loss over all of the data as in testing
    np.testing.assert_allclose(found["last/bias_0_grad", 2].sum, 2 * np.mean(model.predict(X) - Y), rtol=1e-4)
    assert {tag for tag, _ in values(tmp_path, "image")} == {f"{tag}/image" for tag in weights}


def test_images_of_kernels():
    kernel = np.arange(24.0).reshape(2, 3, 2, 2)
    image = as_image(kernel)
    assert image.shape == (4, 6)
    np.testing.assert_allclose(image[2:, 3:] * 23, kernel[:, :, 1, 1])
    assert as_image(np.ones((2, 5))).tolist() == [[0.0] * 5] * 2
    assert as_image(np.ones((5, 2))).shape == (2, 5)
    assert as_image(np.zeros((4, 3, 2))).shape == (3, 8)
    assert as_image(np.zeros((1,) * 5)) is None


def test_histograms_of_convolutions(tmp_path):
    model = Sequential([Conv2D(2, 3, input_shape=(5, 5, 1), name="c"), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((6, 5, 5, 1)), np.ones((6, 1))
    board = TensorBoard(tmp_path, histogram_freq=1, write_grads=True, write_images=True)
    model.fit(x, y, verbose=0, validation_data=(x, y), callbacks=[board])
    assert ("c/kernel_0_grad", 0) in values(tmp_path, "histo")


def words():
    model = Sequential([Embedding(5, 3, input_length=4, name="words"), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    return model, np.arange(8).reshape(2, 4) % 5, np.ones((2, 1))


def test_embeddings(tmp_path):
    (tmp_path / "labels.tsv").write_text("a\nb\nc\nd\ne\n")
    model, x, y = words()
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    model.fit(x, y, epochs=2, verbose=0, callbacks=[board])
    rows = (tmp_path / "00001" / "words" / "tensors.tsv").read_text().splitlines()
    written = [[float(value) for value in row.split("\t")] for row in rows]
    np.testing.assert_allclose(written, model.get_weights()[0], rtol=1e-5)
    assert (tmp_path / "00001" / "words" / "metadata.tsv").read_text().split() == ["a", "b", "c", "d", "e"]
    assert "words" in (tmp_path / "projector_config.pbtxt").read_text()


def no_data(path):
    small().fit(X, Y, verbose=0, callbacks=[TensorBoard(path, histogram_freq=1)])


def wrong_layer(path):
    model, x, y = words()
    board = TensorBoard(path, embeddings_freq=1, embeddings_layer_names=["word"])
    model.fit(x, y, verbose=0, callbacks=[board])


def wrong_labels(path):
    model, x, y = words()
    (path / "labels.tsv").write_text("a\nb\n")
    board = TensorBoard(path, embeddings_freq=1, embeddings_metadata="labels.tsv")
    model.fit(x, y, verbose=0, callbacks=[board])


@pytest.mark.parametrize("run, message", [
    (no_data, "TensorBoard: histogram_freq is 1 and there is no validation data; expected validation data in arrays. "
              "Give fit validation_data=(x, y) or validation_split; a generator will not do."),
    (wrong_layer, "TensorBoard: embeddings_layer_names has 'word'; expected names of Embedding layers: ['words']."),
    (wrong_labels, "TensorBoard: 'labels.tsv' has 2 labels; expected 5, one for each row of 'words'."),
])  # fmt: skip
def test_tensorboard_refuses(tmp_path, run, message):
    with pytest.raises(ValueError) as error:
        run(tmp_path)
    assert texts(error) == message


def test_without_tensorboard_x(tmp_path, monkeypatch):
    monkeypatch.setitem(tensorboard_x.__dict__, "_module", "tensorboardX.nowhere")
    tensorboard_x.__dict__.pop("_loaded", None)
    with pytest.raises(ImportError) as error:
        small().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert texts(error) == (
        "TensorBoard: the module 'tensorboardX.nowhere' cannot be imported (No module named 'tensorboardX.nowhere'); "
        "expected what the extra 'tensorboard' installs. Run: pip install \"onnxseq[tensorboard]\""
    )
