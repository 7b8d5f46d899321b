"""get_file, archives, data sets in HDF5 files, drawings, kernels turned around."""

import functools
import hashlib
import http.server
import io
import os
import shutil
import stat
import tarfile
import threading
import zipfile

import h5py
import numpy as np
import pytest

from onnxseq.layers import Conv1D, Conv2D, Dense, Flatten, Input, SeparableConv2D
from onnxseq.models import Model, Sequential
from onnxseq.utils import HDF5Matrix, convert_all_kernels_in_model, data_utils, get_file, plot_model, vis_utils

CONTENT = b"what is to be fetched\n" * 40000
SHA, MD5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path):
    """(address, what was asked for) of a server on this machine, with one file and one that breaks off."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.bin").write_bytes(CONTENT)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/broken.bin":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"only this")
            else:
                super().do_GET()

        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}", asked
        made.shutdown()
        thread.join()


def names(folder):
    return sorted(os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")
                  for place, _, files in os.walk(folder) for name in files)


@pytest.mark.parametrize("options", [
    {}, {"file_hash": SHA}, {"md5_hash": MD5}, {"file_hash": SHA.upper(), "hash_algorithm": "sha256"},
    {"file_hash": MD5, "hash_algorithm": "md5"},
], ids=["none", "sha256", "md5", "upper", "named"])  # fmt: skip
def test_fetched_once(tmp_path, server, capsys, options):
    address, asked = server
    for _ in range(2):
        path = get_file("kept.bin", f"{address}/a.bin", cache_dir=tmp_path / "cache", **options)
        assert path == str(tmp_path / "cache" / "datasets" / "kept.bin")
        with open(path, "rb") as file:
            assert file.read() == CONTENT
    assert asked == ["/a.bin"]
    out = capsys.readouterr().out
    assert out.startswith(f"Downloading data from {address}/a.bin\n") and f"{len(CONTENT)}/{len(CONTENT)} [====" in out
    assert names(tmp_path / "cache") == ["datasets/kept.bin"]


def test_a_spoilt_copy_is_fetched_anew(tmp_path, server):
    path = tmp_path / "datasets" / "kept.bin"
    path.parent.mkdir()
    path.write_bytes(b"spoilt")
    get_file("kept.bin", f"{server[0]}/a.bin", cache_dir=tmp_path, file_hash=SHA)
    assert path.read_bytes() == CONTENT


FAILURES = [
    ("a.bin", {"file_hash": "0" * 64}, ValueError, "get_file: what is at '{address}/a.bin' has the hash " + SHA +
     "; expected " + "0" * 64 + ". It was removed. Do not use it: the file was changed, or spoilt on its way."),
    ("none.bin", {}, OSError, "get_file: '{address}/none.bin' could not be fetched (HTTP Error 404: File not found); "
     "expected a file there. Check the address and the network."),
    ("broken.bin", {}, OSError, "get_file: '{address}/broken.bin' could not be fetched (9 of 1000 bytes came); "
     "expected a file there. Check the address and the network."),
    ("a.bin", {"hash_algorithm": "crc"}, ValueError,
     "get_file: hash_algorithm is 'crc'; expected one of 'auto', 'sha256', 'md5'."),
    ("a.bin", {"archive_format": "rar"}, ValueError,
     "get_file: archive_format is 'rar'; expected of 'auto', 'tar', 'zip', None."),
]  # fmt: skip


@pytest.mark.parametrize("name, options, kind, message", FAILURES, ids=[message[:60] for *_, message in FAILURES])
def test_what_is_refused_leaves_nothing(tmp_path, server, name, options, kind, message):
    with pytest.raises(kind) as error:
        get_file("kept.bin", f"{server[0]}/{name}", cache_dir=tmp_path / "cache", **options)
    assert error.value.args[0] == message.format(address=server[0])
    assert names(tmp_path / "cache") == []


def test_what_is_refused_leaves_the_old_file(tmp_path, server):
    path = get_file("kept.bin", f"{server[0]}/a.bin", cache_dir=tmp_path / "cache")
    with pytest.raises(ValueError):
        get_file("kept.bin", f"{server[0]}/a.bin", cache_dir=tmp_path / "cache", file_hash="1" * 32)
    with open(path, "rb") as file:
        assert file.read() == CONTENT


def test_other_schemes():
    with pytest.raises(ValueError) as error:
        get_file("a", "data:,text")
    assert error.value.args[0] == "get_file: origin is 'data:,text'; expected an address of https, http, ftp, file."


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(data_utils.tempfile, "tempdir", str(tmp_path))
    (tmp_path / ".keras").mkdir()
    path = get_file("b", (tmp_path / "file").as_uri(), cache_dir=tmp_path / "file")
    assert path == str(tmp_path / ".keras" / "datasets" / "b")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners")
def test_a_cache_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(data_utils.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(data_utils.os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(OSError) as error:
        get_file("b", (tmp_path / "file").as_uri(), cache_dir=tmp_path / "file")
    assert error.value.args[0] == (
        f"get_file: the cache cannot be written, and {str(tmp_path / '.keras')!r} is not your own; expected a folder "
        "for files. Give cache_dir."
    )


# -- archives -------------------------------------------------------------------------------------------------


def tar(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, kind, value in members:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            if kind == tarfile.REGTYPE:
                entry.size = len(value)
                archive.addfile(entry, io.BytesIO(value))
            else:
                entry.linkname = value
                archive.addfile(entry)
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind, value in members:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (kind | 0o644) << 16
            archive.writestr(entry, value)
    return path


GOOD = [("pack/a.txt", b"a"), ("pack/deep/b.txt", b"b")]


@pytest.mark.parametrize("options", [
    {"extract": True}, {"extract": True, "archive_format": "tar"}, {"extract": True, "archive_format": ["zip", "tar"]},
], ids=["auto", "tar", "list"])  # fmt: skip
def test_tar(tmp_path, options):
    origin = tar(tmp_path / "a.tar.gz", [(name, tarfile.REGTYPE, value) for name, value in GOOD]).as_uri()
    for _ in range(2):  # again over what is there
        get_file("a.tar.gz", origin, cache_dir=tmp_path / "cache", **options)
        assert names(tmp_path / "cache") == [f"datasets/{name}" for name in ("a.tar.gz", "pack/a.txt",
                                                                             "pack/deep/b.txt")]


def test_untar_once(tmp_path):
    origin = tar(tmp_path / "a.tar.gz", [(name, tarfile.REGTYPE, value) for name, value in GOOD]).as_uri()
    path = get_file("pack", origin, untar=True, cache_dir=tmp_path / "cache")
    assert names(path) == ["a.txt", "deep/b.txt"]
    os.unlink(os.path.join(path, "a.txt"))
    assert names(get_file("pack", origin, untar=True, cache_dir=tmp_path / "cache")) == ["deep/b.txt"]


def test_zip(tmp_path):
    origin = zipped(tmp_path / "a.zip", [(name, stat.S_IFREG, value) for name, value in GOOD]).as_uri()
    get_file("a.zip", origin, extract=True, cache_dir=tmp_path / "cache")
    assert names(tmp_path / "cache" / "datasets" / "pack") == ["a.txt", "deep/b.txt"]


EVIL_TARS = [
    [("../out.txt", tarfile.REGTYPE, b"x")],
    [("a/../../out.txt", tarfile.REGTYPE, b"x")],
    [("link", tarfile.SYMTYPE, "../.."), ("link/out.txt", tarfile.REGTYPE, b"x")],
    [("link", tarfile.SYMTYPE, "/"), ("link/out.txt", tarfile.REGTYPE, b"x")],
    [("hard", tarfile.LNKTYPE, "../../secret")],
    [("pipe", tarfile.FIFOTYPE, "")],
    [("device", tarfile.CHRTYPE, "")],
]
EVIL_ZIPS = [
    [("../out.txt", stat.S_IFREG, b"x")],
    [("a/../../out.txt", stat.S_IFREG, b"x")],
    [("/out.txt", stat.S_IFREG, b"x")],
    [("..\\out.txt", stat.S_IFREG, b"x")],
    [("link", stat.S_IFLNK, b"../..")],
]


@pytest.mark.parametrize("make, members", [(tar, rows) for rows in EVIL_TARS] + [(zipped, rows) for rows in EVIL_ZIPS],
                         ids=lambda value: getattr(value, "__name__", None) or value[0][0])  # fmt: skip
def test_nothing_leaves_its_folder(tmp_path, make, members):
    (tmp_path / "secret").write_text("mine")
    origin = make(tmp_path / "evil", [("good.txt", *GOOD_KIND[make]), *members]).as_uri()
    with pytest.raises(ValueError, match="Do not use it"):
        get_file("evil", origin, extract=True, cache_dir=tmp_path / "cache")
    assert names(tmp_path) == ["cache/datasets/evil", "evil", "secret"]


GOOD_KIND = {tar: (tarfile.REGTYPE, b"x"), zipped: (stat.S_IFREG, b"x")}


def test_absolute_names_in_tars_stay_inside(tmp_path):
    origin = tar(tmp_path / "evil", [("/out/a.txt", tarfile.REGTYPE, b"x")]).as_uri()
    get_file("evil", origin, extract=True, cache_dir=tmp_path / "cache")
    assert names(tmp_path / "cache") == ["datasets/evil", "datasets/out/a.txt"]


def test_a_link_that_is_there_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache" / "datasets").mkdir(parents=True)
    (tmp_path / "cache" / "datasets" / "pack").symlink_to(tmp_path / "elsewhere")
    origin = tar(tmp_path / "a.tar.gz", [(name, tarfile.REGTYPE, value) for name, value in GOOD]).as_uri()
    get_file("a.tar.gz", origin, extract=True, cache_dir=tmp_path / "cache")
    assert names(tmp_path / "elsewhere") == []


# -- HDF5 -----------------------------------------------------------------------------------------------------

ROWS = np.arange(24.0).reshape(8, 3)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as stream:
        stream["deep/x"] = ROWS
        stream["y"] = ROWS[:, :1].astype("float32")
    return path


KEYS = [3, -1, np.int64(2), slice(None), slice(1, 4), slice(None, None, 2), slice(4, 1, -1), slice(2, 2), [0, 3],
        [3, 0, 3], np.array([2, 1]), np.array([], dtype=int), np.arange(5) > 2]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_rows(file, key):
    matrix = HDF5Matrix(file, "deep/x", start=2, end=7)
    np.testing.assert_array_equal(matrix[key], ROWS[2:7][key])
    np.testing.assert_array_equal(HDF5Matrix(file, "deep/x", 2, 7, normalizer=np.negative)[key], -ROWS[2:7][key])


def test_measures(file):
    matrix = HDF5Matrix(file, "deep/x", start=2)
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size, matrix.dtype) == (6, (6, 3), 2, 18, np.float64)


MATRIX_ERRORS = [
    (lambda path: HDF5Matrix(path, "deep/x")[8], IndexError, "HDF5Matrix: the rows 8 were asked for; expected rows "
     "below 8, by a number, a slice, a list or an array."),
    (lambda path: HDF5Matrix(path, "deep/x", end=3)[:4], IndexError, "HDF5Matrix: the rows 3 were asked for; expected "
     "rows below 3, by a number, a slice, a list or an array."),
    (lambda path: HDF5Matrix(path, "y")["a"], IndexError, "HDF5Matrix: the rows 'a' were asked for; expected rows "
     "below 8, by a number, a slice, a list or an array."),
    (lambda path: HDF5Matrix(path, "deep"), KeyError,
     "HDF5Matrix: {path!r} has no data set 'deep'; expected the name of one; there are ['deep', 'y']."),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", MATRIX_ERRORS, ids=["row", "stop", "text", "group"])
def test_matrix_errors(file, call, kind, message):
    with pytest.raises(kind) as error:
        call(file)
    assert error.value.args[0] == message.format(path=file)


def test_no_hdf5_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="HDF5Matrix: .* cannot be read"):
        HDF5Matrix(tmp_path / "none.h5", "x")


@pytest.mark.parametrize("shuffle", [False, "batch", True])
def test_training_from_a_file(file, shuffle):
    weights, losses = None, []
    for data in ((ROWS / 24, ROWS[:, :1].astype("float32")), None):
        model = Sequential([Dense(1, input_shape=(3,))])
        model.compile("sgd", "mse")
        weights = model.get_weights() if weights is None else weights
        model.set_weights(weights)
        x, y = data or (HDF5Matrix(file, "deep/x", normalizer=lambda rows: rows / 24), HDF5Matrix(file, "y"))
        np.random.seed(5)
        losses.append(model.fit(x, y, batch_size=3, epochs=2, shuffle=shuffle, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


# -- models ---------------------------------------------------------------------------------------------------


def test_kernels_turned_around():
    model = Sequential([Conv2D(2, (2, 3), input_shape=(5, 5, 2)), SeparableConv2D(2, 2), Flatten(), Dense(2)])
    before = model.get_weights()
    convert_all_kernels_in_model(model)
    after = model.get_weights()
    np.testing.assert_array_equal(after[0], before[0][::-1, ::-1])
    for kept, changed in zip(before[1:], after[1:], strict=True):
        np.testing.assert_array_equal(kept, changed)
    line = Sequential([Conv1D(2, 3, input_shape=(5, 2))])
    kernel = line.get_weights()[0]
    convert_all_kernels_in_model(line)
    np.testing.assert_array_equal(line.get_weights()[0], kernel[::-1])


def branches():
    x = Input((3,), name="x")
    shared = Dense(3, name="shared")
    return Model(x, [shared(shared(x)), Dense(1, name="end")(x)])


def test_plot_of_the_graph_itself(tmp_path):
    path = tmp_path / "model.dot"
    plot_model(branches(), str(path), show_shapes=True, rankdir="LR")
    drawn = path.read_text()
    assert "rankdir=LR" in drawn
    assert '"x: InputLayer|{input:|output:}|{{(None, 3)}|{(None, 3)}}"' in drawn
    assert '"end: Dense|{input:|output:}|{{(None, 3)}|{(None, 1)}}"' in drawn
    assert drawn.count("->") == 3 and drawn.count("shared: Dense") == 1
    plot_model(Sequential([Dense(1, input_shape=(2,))]), str(path), show_layer_names=False)
    assert '"Dense"' in path.read_text() and "layer0 -> layer1" in path.read_text()


@pytest.mark.skipif(shutil.which("dot") is not None, reason="graphviz is installed")
def test_plot_without_graphviz(tmp_path):
    with pytest.raises(ImportError) as error:
        plot_model(branches(), str(tmp_path / "model.png"))
    assert error.value.args[0] == (
        "plot_model: the program 'dot' was not found; expected graphviz on the path. Install graphviz, or write the "
        "graph itself: to_file='model.dot'."
    )


def test_plot_without_pydot(monkeypatch):
    monkeypatch.setitem(vis_utils.pydot.__dict__, "_module", "pydot_nowhere")
    monkeypatch.delitem(vis_utils.pydot.__dict__, "_loaded", raising=False)
    with pytest.raises(ImportError, match=r'what the extra .plot. installs. Run: pip install "onnxseq\[plot\]"'):
        plot_model(branches())


PLOT_ERRORS = [
    (lambda: plot_model(branches(), rankdir="UP"),
     "plot_model: rankdir is 'UP'; expected one of 'TB', 'BT', 'LR', 'RL'."),
    (lambda: plot_model(Sequential()), "plot_model: the model has no inputs yet; expected a model with inputs and "
     "outputs. Add layers; give the first an input_shape."),
]  # fmt: skip


@pytest.mark.parametrize("call, message", PLOT_ERRORS, ids=["rankdir", "empty"])
def test_plot_errors(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert error.value.args[0] == message
