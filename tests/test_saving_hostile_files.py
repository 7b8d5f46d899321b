"""Hostile structures of files: what leads elsewhere, is none of Keras's, or is not there; nothing is left half done."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

from onnxseq.backend import names
from onnxseq.models import load_model
from tests.saving_hostile import check_refused, stack, write

FIRST = "model_weights/first"
KERNEL = f"{FIRST}/first/kernel:0"
BIAS = "model_weights/second/second/bias:0"


def instead(path, put):
    """Return a change of a file that puts something in the place of what is there."""
    def change(file):
        del file[path]
        put(file)

    return change


def _array(path, *arguments, **options):
    return instead(path, lambda file: file.create_dataset(path, *arguments, **options))


def _link(path, link):
    return instead(path, lambda file: file.__setitem__(path, link))


def _attribute(path, name, value, dtype=None):
    return lambda file: file[path].attrs.create(name, value, dtype=dtype)


def _circle(file):
    file[FIRST]["again"] = file["model_weights"]
    file["model_weights"].attrs["layer_names"] = ["first/again/first/again/first", "second"]


def _reference(file):
    file.attrs.create("model_config", file[FIRST].ref, dtype=h5py.ref_dtype)


def _user_block(path):
    stack().save(path)
    content = path.read_bytes()
    path.write_bytes(bytes(512) + content)


def archive(path, *members):
    """Write a zip archive of members: (name, content), the content a dict where it is JSON."""
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": []}}
    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    usual = {"config.json": config, "metadata.json": {"keras_version": "3.0.0"}, "model.weights.h5": weights.getvalue()}
    for name, content in members:
        if content is None:
            del usual[name]
    with zipfile.ZipFile(path, "w") as made:
        for name, content in [*usual.items(), *((name, content) for name, content in members if content is not None)]:
            made.writestr(name, json.dumps(content) if isinstance(content, dict | list) else content)


def _store(fill):
    """Return a maker of an archive whose weights are filled by a function."""
    def make(path):
        weights = io.BytesIO()
        with h5py.File(weights, "w") as file:
            fill(file)
        archive(path, ("model.weights.h5", None), ("model.weights.h5", weights.getvalue()))

    return make


def _hold_each_other(file):
    file.create_group("layers/dense")
    file["layers/dense/again"] = file["layers"]


def _doubling(file):
    group = file
    for _ in range(50):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner


def _encrypted(path):
    archive(path)
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    path.write_bytes(content)


PLACES = {
    "a soft link to a layer": _link(FIRST, h5py.SoftLink("/model_weights/second")),
    "an external link to a layer": _link(FIRST, h5py.ExternalLink("/etc/passwd", "x")),
    "a soft link to all weights": _link("model_weights", h5py.SoftLink("/elsewhere")),
    "an external link to all weights": _link("model_weights", h5py.ExternalLink("other.h5", "model_weights")),
    "a link to the state of training": _link("optimizer_weights", h5py.ExternalLink("other.h5", "x")),
    "a reference as an attribute": _reference,
    "a record as an attribute": _attribute("/", "model_config", np.zeros((), [("a", "f4"), ("b", "i8")])),
    "a list as the configuration": _attribute("/", "model_config", [b"{}", b"{}"]),
    "numbers as names": _attribute("model_weights", "layer_names", np.arange(3)),
    "a name that is no UTF-8": _attribute("model_weights", "layer_names", np.array([b"\xff\xfe", b"second"])),
    "names of nothing": _attribute("model_weights", "layer_names", [b"nobody", b"second"]),
    "a path to elsewhere": _attribute(FIRST, "weight_names", [b"../second/second/kernel:0", b"first/bias:0"]),
    "a path from the root": _attribute(FIRST, "weight_names", [b"/etc/passwd", b"first/bias:0"]),
    "names left out": lambda file: file[FIRST].attrs.__delitem__("weight_names"),
    "an array as a layer": instead(FIRST, lambda file: file.create_dataset(FIRST, (3,), "f4")),
    "a group as an array": instead(KERNEL, lambda file: file.create_group(KERNEL)),
    "no weights": lambda file: file.__delitem__("model_weights"),
    "an array in chunks": _array(KERNEL, data=np.zeros((3, 4), "f4"), chunks=(1, 1)),
    "an array that can grow": _array(KERNEL, (3, 4), "f4", maxshape=(None, 4)),
    "a checksum": _array(KERNEL, data=np.zeros((3, 4), "f4"), fletcher32=True),
    "numbers packed in few bits": _array(KERNEL, data=np.zeros((3, 4), "i4"), scaleoffset=0),
    "texts as numbers": _array(KERNEL, data=np.full((3, 4), b"1")),
    "texts of any length": _array(KERNEL, data=np.full((3, 4), "1", object), dtype=h5py.string_dtype()),
    "complex numbers": _array(KERNEL, data=np.zeros((3, 4), "c8")),
    "lists of numbers": _array(KERNEL, (3, 4), h5py.vlen_dtype(np.float32)),
    "an array of no shape": _array(KERNEL, data=h5py.Empty("f4")),
    "more axes": _array(KERNEL, data=np.zeros((3, 4, 1), "f4")),
    "axes exchanged": _array(KERNEL, data=np.zeros((4, 3), "f4")),
    "a larger array": _array(KERNEL, data=np.zeros((3000, 4), "f4")),
    "an array of nothing": _array(KERNEL, data=np.zeros((3, 0), "f4")),
}  # fmt: skip

WHOLE_FILES = {
    "a block before": _user_block,
    "an empty file": lambda path: path.write_bytes(b""),
    "a text": lambda path: path.write_text("model"),
    "a member that is a path": lambda path: archive(path, ("config.json", None), ("../config.json", {})),
    "a member from the root": lambda path: archive(path, ("config.json", None), ("/etc/config.json", {})),
    "a member twice": lambda path: archive(path, ("config.json", {"class_name": "Popen", "config": {}})),
    "no configuration": lambda path: archive(path, ("config.json", None)),
    "no stored weights": lambda path: archive(path, ("model.weights.h5", None)),
    "no JSON": lambda path: archive(path, ("config.json", None), ("config.json", "x")),
    "no text": lambda path: archive(path, ("config.json", None), ("config.json", b"\xff\xfe\xfd")),
    "no HDF5": lambda path: archive(path, ("model.weights.h5", None), ("model.weights.h5", b"x" * 100)),
    "an encrypted member": _encrypted,
    "groups that hold each other": _store(_hold_each_other),
    "groups in two places": _store(_doubling),
    "an archive cut off": lambda path: (archive(path), path.write_bytes(path.read_bytes()[:-30])),
}  # fmt: skip
PINNED = {
    "groups that hold each other": (
        OSError,
        "load_model: 'model.h5': 'model.weights.h5': '/layers/dense/again' is in another place too; expected a tree of "
        "groups and arrays. Take a copy that is whole, from where you trust."),
    "groups in two places": (
        OSError,
        "load_model: 'model.h5': 'model.weights.h5': '/b' is in another place too; expected a tree of groups and "
        "arrays. Take a copy that is whole, from where you trust."),
    "a soft link to a layer": (
        OSError,
        "load_model: 'model.h5': '/model_weights/first' is a soft link; expected groups and arrays of the file "
        "itself. Links are refused: they lead to places that the file should not choose."),
    "an external link to a layer": (
        OSError,
        "load_model: 'model.h5': '/model_weights/first' is an external link; expected groups and arrays of the "
        "file itself. Links are refused: they lead to places that the file should not choose."),
    "a soft link to all weights": (
        OSError,
        "load_model: 'model.h5': '/model_weights' is a soft link; expected groups and arrays of the file itself. "
        "Links are refused: they lead to places that the file should not choose."),
    "an external link to all weights": (
        OSError,
        "load_model: 'model.h5': '/model_weights' is an external link; expected groups and arrays of the file "
        "itself. Links are refused: they lead to places that the file should not choose."),
    "a link to the state of training": (
        OSError,
        "load_model: 'model.h5': '/optimizer_weights' is an external link; expected groups and arrays of the file"
        " itself. Links are refused: they lead to places that the file should not choose."),
    "a reference as an attribute": (
        OSError,
        "load_model: 'model.h5': attribute 'model_config' of '/' is of a type that is neither numbers nor text "
        "(HDF5 class 7, 8 bytes); expected numbers or text. Take a copy that is whole, from where you trust."),
    "a record as an attribute": (
        OSError,
        "load_model: 'model.h5': attribute 'model_config' of '/' is of a type that is neither numbers nor text "
        "(HDF5 class 6, 12 bytes); expected numbers or text. Take a copy that is whole, from where you trust."),
    "a list as the configuration": (
        ValueError,
        "load_model: attribute 'model_config' holds ['{}', '{}']; expected a text in JSON."),
    "numbers as names": (
        ValueError,
        "load_model: attribute 'layer_names' holds no names; expected a list of texts."),
    "a name that is no UTF-8": (
        OSError,
        "load_model: 'model.h5': text that is no UTF-8: b'\\xff\\xfe'; expected a whole HDF5 file as Keras writes "
        "it. Take a copy that is whole, from where you trust."),
    "names of nothing": (
        KeyError,
        "\"load_model: 'model.h5': there is no 'nobody' in '/model_weights'; expected it, as the file names it.\""),
    "a path to elsewhere": (
        KeyError,
        "\"load_model: 'model.h5': there is no '../second/second/kernel:0' in '/model_weights/first'; expected it,"
        " as the file names it.\""),
    "a path from the root": (
        KeyError,
        "\"load_model: 'model.h5': there is no '/etc/passwd' in '/model_weights/first'; expected it, as the file "
        "names it.\""),
    "names left out": (
        KeyError,
        "\"load_model: layer 'first': no attribute 'weight_names' at '/model_weights/first'; expected it, as Keras"
        " writes it.\""),
    "an array as a layer": (
        OSError,
        "load_model: 'model.h5': an array of shape (3,) that the file does not hold at '/model_weights/first'; "
        "expected its content. Take a copy that is whole, from where you trust."),
    "a group as an array": (
        OSError,
        "load_model: 'model.h5': '/model_weights/first/first/kernel:0' is a group; expected an array. Take a copy"
        " that is whole, from where you trust."),
    "no weights": (
        KeyError,
        "\"load_model: 'model.h5': there is no 'model_weights' in '/'; expected it, as the file names it.\""),
    "an array in chunks": (
        OSError,
        "load_model: 'model.h5': an array in chunks or compressed at '/model_weights/first/first/kernel:0'; "
        "expected arrays in one piece, as Keras writes them. Rewrite a file that you trust by: h5repack -l CONTI "
        "-f NONE old.h5 new.h5"),
    "an array that can grow": (
        OSError,
        "load_model: 'model.h5': an array in chunks or compressed at '/model_weights/first/first/kernel:0'; "
        "expected arrays in one piece, as Keras writes them. Rewrite a file that you trust by: h5repack -l CONTI "
        "-f NONE old.h5 new.h5"),
    "a checksum": (
        OSError,
        "load_model: 'model.h5': an array in chunks or compressed at '/model_weights/first/first/kernel:0'; "
        "expected arrays in one piece, as Keras writes them. Rewrite a file that you trust by: h5repack -l CONTI "
        "-f NONE old.h5 new.h5"),
    "numbers packed in few bits": (
        OSError,
        "load_model: 'model.h5': an array in chunks or compressed at '/model_weights/first/first/kernel:0'; "
        "expected arrays in one piece, as Keras writes them. Rewrite a file that you trust by: h5repack -l CONTI "
        "-f NONE old.h5 new.h5"),
    "texts as numbers": (
        ValueError,
        "load_model: layer 'first': weight '/model_weights/first/first/kernel:0' of dtype |S1; expected numbers."),
    "texts of any length": (
        OSError,
        "load_model: 'model.h5': an array of texts of any length at '/model_weights/first/first/kernel:0'; "
        "expected an array of numbers. Take a copy that is whole, from where you trust."),
    "complex numbers": (
        OSError,
        "load_model: 'model.h5': array '/model_weights/first/first/kernel:0' is of a type that is neither numbers"
        " nor text (HDF5 class 6, 8 bytes); expected numbers or text. Take a copy that is whole, from where you "
        "trust."),
    "lists of numbers": (
        OSError,
        "load_model: 'model.h5': array '/model_weights/first/first/kernel:0' is of a type that is neither numbers"
        " nor text (HDF5 class 9, 16 bytes); expected numbers or text. Take a copy that is whole, from where you "
        "trust."),
    "an array of no shape": (
        ValueError,
        "load_model: Dense 'first': weight 'bias' of shape (4,), with those before it, is larger than all weights"
        " of the file; expected a configuration that its weights fit. Take a copy that is whole, from where you "
        "trust."),
    "more axes": (
        ValueError,
        "load_model: Dense 'first': the file holds shape (3, 4, 1) for weight 'first/kernel:0'; expected (3, "
        "4). Load into the model that was saved."),
    "axes exchanged": (
        ValueError,
        "load_model: Dense 'first': the file holds shape (4, 3) for weight 'first/kernel:0'; expected (3, 4). "
        "Load into the model that was saved."),
    "a larger array": (
        ValueError,
        "load_model: Dense 'first': the file holds shape (3000, 4) for weight 'first/kernel:0'; expected (3, "
        "4). Load into the model that was saved."),
    "an array of nothing": (
        ValueError,
        "load_model: Dense 'first': weight 'bias' of shape (4,), with those before it, is larger than all weights"
        " of the file; expected a configuration that its weights fit. Take a copy that is whole, from where you "
        "trust."),
    "a block before": (
        OSError,
        "load_model: 'model.h5': not an HDF5 file; expected a file that begins as HDF5 files do. Pass a file that"
        " save() or save_weights() wrote."),
    "an empty file": (
        OSError,
        "load_model: 'model.h5': not an HDF5 file; expected a file that begins as HDF5 files do. Pass a file that"
        " save() or save_weights() wrote."),
    "a text": (
        OSError,
        "load_model: 'model.h5': not an HDF5 file; expected a file that begins as HDF5 files do. Pass a file that"
        " save() or save_weights() wrote."),
    "a member that is a path": (
        ValueError,
        "load_model: 'model.h5': the archive holds 0 members 'config.json'; expected one."),
    "a member from the root": (
        ValueError,
        "load_model: 'model.h5': the archive holds 0 members 'config.json'; expected one."),
    "a member twice": (
        ValueError,
        "load_model: 'model.h5': the archive holds 2 members 'config.json'; expected one."),
    "no configuration": (
        ValueError,
        "load_model: 'model.h5': the archive holds 0 members 'config.json'; expected one."),
    "no stored weights": (
        ValueError,
        "load_model: 'model.h5': the archive holds 0 members 'model.weights.h5'; expected one."),
    "no JSON": (
        ValueError,
        "load_model: 'model.h5': config.json is no JSON (Expecting value: line 1 column 1 (char 0)); expected a "
        "text in JSON."),
    "no text": (
        ValueError,
        "load_model: 'model.h5': config.json is no JSON ('utf-16-le' codec can't decode byte 0xfd in position 2: "
        "truncated data); expected a text in JSON."),
    "no HDF5": (
        OSError,
        "load_model: 'model.h5': 'model.weights.h5': not an HDF5 file; expected a file that begins as HDF5 files "
        "do. Pass a file that save() or save_weights() wrote."),
    "an encrypted member": (
        OSError,
        "load_model: 'model.h5': the archive cannot be read (File <ZipInfo filename='config.json' "
        "filemode='?rw-------' file_size=67> is encrypted, password required for extraction); expected an archive"
        " of Keras 3 that is whole. Take a copy that is whole, from where you trust."),
    "an archive cut off": (
        OSError,
        "load_model: 'model.h5': the archive cannot be read (File is not a zip file); expected an archive of "
        "Keras 3 that is whole. Take a copy that is whole, from where you trust."),
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", PLACES)
def test_structure(name, folder):
    write("model.h5", PLACES[name])
    check_refused("model.h5", *PINNED[name])
    assert os.listdir(folder) == ["model.h5"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", WHOLE_FILES)
def test_whole_file(name, folder):
    WHOLE_FILES[name](folder / "model.h5")
    check_refused("model.h5", *PINNED[name])
    assert os.listdir(folder) == ["model.h5"]


# What the model itself does not rule out, and what only a model of its own would show.
ONLY_WHOLE = ("a link to the state of training", "a list as the configuration", "a record as an attribute",
              "a reference as an attribute")  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PLACES if name not in ONLY_WHOLE])
@pytest.mark.parametrize("by_name", [False, True])
def test_refused_weights_change_nothing(name, by_name):
    model = stack()
    before = [value.copy() for value in model.get_weights()]
    state = [value.copy() for value in model.optimizer.get_weights()]
    names.forget_variable_names()  # so that the file's are those of the table
    write("model.h5", PLACES[name])
    if name == "names of nothing" and by_name:
        return
    with pytest.raises((OSError, ValueError, KeyError)):
        model.load_weights("model.h5", by_name=by_name)
    for old, new in zip([*before, *state], [*model.get_weights(), *model.optimizer.get_weights()], strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_last_array_that_does_not_fit_changes_nothing():
    write("model.h5", _array(BIAS, data=np.zeros(3, "f4")))
    model = stack()
    before = [value.copy() for value in model.get_weights()]
    with pytest.raises(ValueError, match=r"the file holds shape \(3,\) for weight"):
        model.load_weights("model.h5")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_group_that_holds_itself_has_an_end():
    write("model.h5", _circle)
    assert load_model("model.h5").predict(np.ones((1, 3))).shape == (1, 2)


def test_what_is_left_over_does_no_harm():
    def change(file):
        file.create_dataset("other", data=np.arange(3), chunks=(1,))
        file["away"] = h5py.ExternalLink("/etc/passwd", "x")
        file[FIRST]["away"] = h5py.SoftLink("/nowhere")
        file.attrs.create("other", file[FIRST].ref, dtype=h5py.ref_dtype)

    write("model.h5", change)
    assert load_model("model.h5").predict(np.ones((1, 3))).shape == (1, 2)
