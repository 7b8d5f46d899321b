"""The data sets from local files, from a cache, and from hostile files; nothing of a pickle is ever run."""

import codecs
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from onnxseq import backend as K
from onnxseq.datasets import boston_housing, cifar10, cifar100, closed_pickle, files, imdb, mnist, reuters
from onnxseq.datasets.cifar import load_batch

random = np.random.RandomState(0)
PIXELS = random.randint(0, 256, size=(6, 3072)).astype("uint8")


def objects(rows):
    made = np.empty(len(rows), dtype=object)
    made[:] = rows
    return made


# -- pickles --------------------------------------------------------------------------------------------------

HARMLESS = [
    {"a": [1, 2.5, "text", b"bytes", None, True], "b": (1, (2, 3))},
    PIXELS,
    {b"data": PIXELS, b"labels": [0, 1]},
    np.arange(6, dtype=">i4").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array([True, False]),
    np.zeros((0, 3), "float16"),
    objects([[1, 2], [3], []]),
    [np.float32(1.5), np.int64(7)],
    [2**70, -(2**70)],
]


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("value", HARMLESS, ids=[f"row{i}" for i in range(len(HARMLESS))])
def test_what_is_read(value, protocol):
    found = closed_pickle.read("a pickle", pickle.dumps(value, protocol))
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
    assert str(found) == str(value)


def test_what_python_2_wrote():
    """The start of a batch as it is on the net: protocol 2, texts of bytes, names of numpy.core."""
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
        b"\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x02\x07\x08tbU\x06labels]q\x08(K\x03K\x04eu."
    )
    found = closed_pickle.read("a batch", content, encoding="bytes")
    assert found[b"data"].tolist() == [[7, 8]] and found[b"labels"] == [3, 4]


class Calls:
    """Pickled, it calls a function with arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def record(dtype):
    return np.zeros(1, dtype=dtype)


def raw(text):
    return text.encode("latin1")


MULTIARRAY = "cnumpy.core.multiarray\n"


def told(shape, dtype, content):
    """The pickle of an array that is told to be of this shape and dtype, with this content."""
    made = MULTIARRAY + "_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    return raw(f"{made}(I1\n{shape}cnumpy\ndtype\n(S'{dtype}'\nI0\nI1\ntRI00\n{content}tb.")


HOSTILE = {
    "system": pickle.dumps(Calls(os.system, "touch TOUCHED")),
    "eval": pickle.dumps(Calls(eval, "open('TOUCHED', 'w')")),
    "open": pickle.dumps(Calls(open, "TOUCHED", "w")),
    "getattr": pickle.dumps(Calls(getattr, "text", "upper")),
    "numpy.load": raw("cnumpy\nload\n(S'TOUCHED'\ntR."),
    "numpy.core.load": raw("cnumpy.core.multiarray\nfromfile\n(S'TOUCHED'\ntR."),
    "our own names": raw("conr\nread\n."),
    "protocol 4 names": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0dtouch TOUCHED\x85R.",
    "nested in an array": pickle.dumps(objects([Calls(os.system, "touch TOUCHED")])),
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.view\x93.",
    "instance": raw("(inumpy\nndarray\n."),
    "new object": b"\x80\x02cnumpy\nndarray\n)\x81.",
    "records": pickle.dumps(record([("a", "i4")])),
    "records that hide objects": raw(
        "cnumpy\ndtype\n(S'i8'\nI0\nI1\ntR(I3\nS'|'\nN(S'a'\nt(dS'a'\n(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI0\ntsI8\n"
        "I1\nI0\ntb."
    ),
    "dates": pickle.dumps(np.array(["2020-01-01"], "M8[D]")),
    "texts": pickle.dumps(np.array(["text"])),
    "state of a function": raw(MULTIARRAY + "_reconstruct\n(dS'a'\nI1\nsb."),
    "too few bytes": told("(I9\nt", "u1", "S'abc'\n"),
    "negative": told("(I-1\nt", "u1", "S'abc'\n"),
    "objects as bytes": told("(I1\nt", "O8", "S'aaaaaaaa'\n"),
    "objects as few": told("(I3\nt", "O8", "(lI1\na"),
    "no content": told("(I3\nt", "u1", "N"),
    "a number that is an object": raw(MULTIARRAY + "scalar\n(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntRS'aaaaaaaa'\ntR."),
    "a codec": pickle.dumps(Calls(codecs.encode, "text", "rot13"), 2),
    "a function": raw(MULTIARRAY + "_reconstruct\n."),
    "a dtype": pickle.dumps(np.dtype("f4")),
    "an array without content": raw(MULTIARRAY + "_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR."),
    "persistent": raw("Pname\n."),
    "extension": b"\x80\x02\x82\x01.",
    "cut off": pickle.dumps(PIXELS)[:-9],
    "empty": b"",
    "no pickle": b"this is a text",
    "huge length": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
    "deep": b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b".",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="Nothing in it was run. Do not use it."):
        closed_pickle.read("a pickle", HOSTILE[name])
    assert not list(tmp_path.iterdir())


def test_nothing_of_ours_is_changed_by_what_is_read():
    before = dict(closed_pickle._MAKERS), sorted(vars(closed_pickle._Array)), sorted(vars(closed_pickle._Maker))
    with pytest.raises(ValueError):
        closed_pickle.read("a pickle", HOSTILE["state of a function"])
    assert before == (dict(closed_pickle._MAKERS), sorted(vars(closed_pickle._Array)),
                      sorted(vars(closed_pickle._Maker)))


def test_the_message():
    with pytest.raises(ValueError) as error:
        closed_pickle.read("load_batch: 'x'", HOSTILE["system"])
    assert error.value.args[0] == (
        f"load_batch: 'x': it cannot be read (UnpicklingError: it names {os.system.__module__}.system); expected a "
        "pickle of arrays and plain containers. Nothing in it was run. Do not use it."
    )


# -- .npz files -----------------------------------------------------------------------------------------------

WORDS = [[1, 2, 3], [4], [5, 6], [7, 8], [9]]


def npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def reviews(path):
    train, test = (objects(WORDS), np.arange(5) % 2), (objects(WORDS[:2]), np.array([1, 0]))
    return npz(path, x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])


def test_arrays_of_lists_are_read_without_numpy_running_them(tmp_path):
    (found,) = files.read_arrays("words", reviews(tmp_path / "a.npz"), ["x_train"])
    assert found.tolist() == WORDS


def test_a_hostile_archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = npz(tmp_path / "a.npz", x=objects([Calls(os.system, "touch TOUCHED")]), y=np.arange(1))
    with pytest.raises(ValueError, match="it names .*system"):
        reuters.load_data(path=path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.npz"]


def test_an_archive_that_lies(tmp_path):
    header, body = io.BytesIO(), pickle.dumps([1, 2])
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (2,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + body)
    with pytest.raises(ValueError, match="it holds something else than it says"):
        files.read_arrays("words", str(tmp_path / "a.npz"), ["x"])


def broken(path):
    path.write_bytes(b"no archive")
    return str(path)


ARCHIVE_ERRORS = [
    (lambda path: mnist.load_data(npz(path, x=PIXELS)),
     "mnist.load_data: {path!r} cannot be read (\"There is no item named 'x_train.npy' in the archive\"); expected "
     "an .npz file with the arrays x_train, y_train, x_test, y_test."),
    (lambda path: boston_housing.load_data(broken(path)), "boston_housing.load_data: {path!r} cannot be read (File is "
     "not a zip file); expected an .npz file with the arrays x, y."),
    (lambda path: boston_housing.load_data(test_split=2),
     "boston_housing.load_data: test_split is 2; expected a number from 0, below 1."),
    (lambda path: imdb.load_data(reviews(path), maxlen=2),
     "imdb.load_data: maxlen is 2, which no text is shorter than; expected a number above the shortest text."),
    (lambda path: cifar100.load_data("rough"),
     "cifar100.load_data: label_mode is 'rough'; expected 'fine' or 'coarse'."),
]  # fmt: skip


@pytest.mark.parametrize("call, message", ARCHIVE_ERRORS, ids=[message[:30] for _, message in ARCHIVE_ERRORS])
def test_errors(tmp_path, call, message):
    path = tmp_path / "a.npz"
    with pytest.raises(ValueError) as error:
        call(path)
    assert error.value.args[0] == message.format(path=str(path))


def test_boston_housing(tmp_path):
    path = npz(tmp_path / "a.npz", x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))
    (x, y), (x_test, y_test) = boston_housing.load_data(path)
    assert (x.shape, x_test.shape) == ((8, 2), (2, 2))
    np.testing.assert_array_equal(np.concatenate([x, x_test])[:, 0] / 2, np.concatenate([y, y_test]))
    assert sorted(np.concatenate([y, y_test])) == list(range(10))
    np.random.seed(113)
    order = np.arange(10)
    np.random.shuffle(order)
    np.testing.assert_array_equal(y, order[:8])


def test_words_of_ragged_texts(tmp_path):
    (x, y), (x_test, _) = imdb.load_data(reviews(tmp_path / "a.npz"), num_words=8)
    assert x.dtype == object and x_test.shape == (2,)
    whole = {row[0] + 3: [word + 3 for word in row] for row in WORDS}
    for row in x:
        assert row[0] == 1
    assert sorted(len(row) for row in x) == [2, 2, 3, 3, 4]
    assert {word for row in x for word in row} == {1, 2, 4, 5, 6, 7}
    assert whole[4] == [4, 5, 6] and sorted(y) == [0, 0, 0, 1, 1]


def test_reading_leaves_the_global_generator_alone(tmp_path):
    np.random.seed(4)
    expected = np.random.random(2)
    np.random.seed(4)
    found = [np.random.random()]
    imdb.load_data(reviews(tmp_path / "a.npz"))
    assert [*found, np.random.random()] == expected.tolist()


def test_word_index(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"the": 1}))
    assert imdb.get_word_index(str(tmp_path / "a.json")) == {"the": 1}
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ValueError, match="holds a list; expected words and their numbers"):
        reuters.get_word_index(str(tmp_path / "a.json"))


# -- the cache ------------------------------------------------------------------------------------------------


def test_a_cached_file_must_be_the_one_meant(tmp_path, monkeypatch):
    """The name alone is one in the cache: another file of that name is not taken for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(files, "ORIGIN", (tmp_path / "origin").as_uri() + "/")
    (tmp_path / ".keras" / "datasets").mkdir(parents=True)
    cached = npz(tmp_path / ".keras" / "datasets" / "mnist.npz", x_train=PIXELS)
    (tmp_path / "origin").mkdir()
    npz(tmp_path / "origin" / "mnist.npz", x_train=PIXELS)
    with pytest.raises(ValueError, match="has the hash"):
        files.located("mnist.npz", "mnist.npz", mnist.HASH, files.ORIGIN)
    assert os.path.exists(cached)


# -- CIFAR ----------------------------------------------------------------------------------------------------


def batch(path, **parts):
    path.write_bytes(pickle.dumps({key.encode(): value for key, value in parts.items()}, 2))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar(tmp_path, data_format):
    for i in range(5):
        batch(tmp_path / f"data_batch_{i + 1}", data=PIXELS[i : i + 1], labels=[i])
    batch(tmp_path / "test_batch", data=PIXELS[5:], labels=[9])
    batch(tmp_path / "train", data=PIXELS[:5], fine_labels=[5, 6, 7, 8, 99], coarse_labels=[1, 1, 2, 2, 19])
    batch(tmp_path / "test", data=PIXELS[5:], fine_labels=[0], coarse_labels=[3])
    before = K.image_data_format()
    K.set_image_data_format(data_format)
    try:
        ten, hundred = cifar10.load_data(tmp_path), cifar100.load_data(path=tmp_path)
        groups = cifar100.load_data("coarse", path=tmp_path)
    finally:
        K.set_image_data_format(before)
    pixels = PIXELS.reshape(6, 3, 32, 32)
    pixels = pixels.transpose(0, 2, 3, 1) if data_format == "channels_last" else pixels
    for (x, _), (x_test, _) in (ten, hundred, groups):
        np.testing.assert_array_equal(np.concatenate([x, x_test]), pixels)
        assert x.dtype == np.uint8
    assert ten[0][1].tolist() == [[0], [1], [2], [3], [4]] and ten[1][1].tolist() == [[9]]
    assert hundred[0][1].ravel().tolist() == [5, 6, 7, 8, 99] and groups[0][1].ravel().tolist() == [1, 1, 2, 2, 19]


@pytest.mark.parametrize("parts", [
    {}, {"data": PIXELS}, {"data": PIXELS, "labels": [1]}, {"data": PIXELS[:, :9], "labels": [1] * 6},
    {"data": "text", "labels": [1]}, {"data": PIXELS.astype("int32"), "labels": [1] * 6},
], ids=["nothing", "no labels", "few labels", "small", "text", "int32"])  # fmt: skip
def test_other_batches(tmp_path, parts):
    batch(tmp_path / "a", **parts)
    with pytest.raises(ValueError, match="it holds something else; expected pictures under 'data' and as many"):
        load_batch(tmp_path / "a")
