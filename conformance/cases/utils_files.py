"""Family `utils_files`: get_file from local addresses, HDF5Matrix, and data sets read from local files."""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import zipfile

import numpy as np

from ..case import EXACT, FORWARD, Absent, as_text, case, outcome_of
from .helpers import normal, seed_weights, sequential
from .places import folder, names_in, read, write

try:
    import h5py
except ImportError:
    h5py = None

TEXT = "what is to be fetched\n"


@contextlib.contextmanager
def quiet():
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@contextlib.contextmanager
def source(content=TEXT):
    """(address of a local file, the file, an empty cache folder)."""
    with folder() as place, quiet():
        path = write(os.path.join(place, "origin.txt"), content)
        os.mkdir(os.path.join(place, "cache"))
        yield "file://" + path, path, os.path.join(place, "cache")


@case("utils_files/get_file", EXACT)
def get_file(keras, random):
    """Fetched once; afterwards the cached copy is it, whatever happens at the address."""
    with source() as (address, path, cache):
        first = keras.utils.get_file("kept.txt", address, cache_dir=cache)
        fields = {"content": read(first), "place": os.path.relpath(first, cache)}
        write(path, "changed")
        fields["again"] = read(keras.utils.get_file("kept.txt", address, cache_dir=cache))
        other = keras.utils.get_file("kept.txt", address, cache_dir=cache, cache_subdir="else/where")
        fields["other"] = as_text([os.path.relpath(other, cache), read(other)])
        fields["names"] = as_text(names_in(cache))
    return fields


@case("utils_files/get_file_hash", EXACT)
def get_file_hash(keras, random):
    """A cached file whose hash is right stays; one whose hash is wrong is fetched anew."""
    md5, sha = (hashlib.new(kind, TEXT.encode("utf-8")).hexdigest() for kind in ("md5", "sha256"))
    fields = {}
    for label, options in (
        ("md5_hash", {"md5_hash": md5}),
        ("file_hash_sha256", {"file_hash": sha}),
        ("file_hash_md5", {"file_hash": md5, "hash_algorithm": "md5"}),
        ("auto_md5", {"file_hash": md5}),
        ("sha256", {"file_hash": sha, "hash_algorithm": "sha256"}),
    ):
        with source() as (address, path, cache):
            kept = keras.utils.get_file("kept.txt", address, cache_dir=cache, **options)
            write(kept, "spoilt")
            fields[label + "_spoilt"] = read(keras.utils.get_file("kept.txt", address, cache_dir=cache, **options))
            os.remove(path)
            fields[label + "_right"] = read(keras.utils.get_file("kept.txt", address, cache_dir=cache, **options))
    return fields


@case("utils_files/get_file_wrong_hash", EXACT)
def get_file_wrong_hash(keras, random):
    """A fetched file whose hash is not the one given."""
    with source() as (address, _, cache):
        return {
            "raises": outcome_of(keras.utils.get_file, "kept.txt", address, cache_dir=cache, file_hash="0" * 64),
        }


@case("utils_files/get_file_missing", EXACT)
def get_file_missing(keras, random):
    """Nothing at the address: an exception, and nothing left in the cache."""
    with source() as (address, _, cache):
        return {
            "raises": outcome_of(keras.utils.get_file, "kept.txt", address + "x", cache_dir=cache),
            "names": as_text(names_in(cache)),
        }


@case("utils_files/get_file_archives", EXACT)
def get_file_archives(keras, random):
    """tar and zip, unpacked beside the archive or, by untar, under its name."""
    fields = {}
    with folder() as place, quiet():
        inner = write(os.path.join(place, "inner.txt"), TEXT)
        with tarfile.open(os.path.join(place, "a.tar.gz"), "w:gz") as archive:
            archive.add(inner, "pack/inner.txt")
        with zipfile.ZipFile(os.path.join(place, "a.zip"), "w") as archive:
            archive.write(inner, "pack/inner.txt")
        for label, name, fname, options in (
            ("untar", "a.tar.gz", "pack", {"untar": True}),
            ("extract_tar", "a.tar.gz", "a.tar.gz", {"extract": True}),
            ("extract_zip", "a.zip", "a.zip", {"extract": True}),
            ("format_zip", "a.zip", "a.zip", {"extract": True, "archive_format": "zip"}),
            ("format_none", "a.zip", "a.zip", {"extract": True, "archive_format": None}),
            ("not_extracted", "a.zip", "a.zip", {}),
        ):
            cache = os.path.join(place, "cache_" + label)
            os.mkdir(cache)
            path = keras.utils.get_file(fname, "file://" + os.path.join(place, name), cache_dir=cache, **options)
            fields[label] = as_text([os.path.relpath(path, cache), names_in(cache)])
    return fields


@case("utils_files/get_file_absolute", EXACT)
def get_file_absolute(keras, random):
    """A name that is a whole path is where the file goes."""
    with source() as (address, path, cache):
        target = os.path.join(os.path.dirname(path), "target.txt")
        found = keras.utils.get_file(target, address, cache_dir=cache)
        return {"same": as_text(found == target), "content": read(target)}


# -- HDF5Matrix -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def matrix_file(x, y):
    if h5py is None:
        raise Absent("h5py")
    with folder() as place:
        path = os.path.join(place, "data.h5")
        with h5py.File(path, "w") as stream:
            stream["x"], stream["y"] = x, y
        yield path


@case("utils_files/HDF5Matrix", FORWARD)
def hdf5_matrix(keras, random):
    """Rows by number, slice and list; start, end and a normalizer; shape, dtype, ndim, size and length."""
    Matrix = keras.utils.HDF5Matrix
    x = normal(random, 8, 3)
    with matrix_file(x, x) as path:
        whole = Matrix(path, "x")
        part = Matrix(path, "x", start=2, end=6)
        doubled = Matrix(path, "x", start=1, normalizer=lambda value: value * 2.0)
        return {
            "whole": whole[0:8],
            "row": whole[3],
            "part": part[0:4],
            "part_row": part[1],
            "part_list": part[[0, 2]],
            "part_array": part[np.array([1, 3])],
            "doubled": doubled[0:3],
            "open_slice": whole[:],
            "shapes": as_text([whole.shape, part.shape, len(part), int(part.size), part.ndim, part.dtype.name]),
            "past_the_end": outcome_of(lambda: part[0:5]),
            "row_past_the_end": outcome_of(lambda: part[4]),
            "text": outcome_of(lambda: part["a"]),
            "no_dataset": outcome_of(Matrix, path, "z"),
        }


@case("utils_files/HDF5Matrix_in_training", FORWARD)
def hdf5_in_training(keras, random):
    """fit, evaluate and predict read their batches from the file."""
    L = keras.layers
    model = sequential(keras, [L.Dense(2, input_shape=(3,))])
    seed_weights(model, random)
    model.compile("sgd", "mse")
    with matrix_file(normal(random, 12, 3), normal(random, 12, 2)) as path:
        x, y = (keras.utils.HDF5Matrix(path, name, start=2) for name in "xy")
        history = model.fit(x, y, epochs=2, batch_size=4, verbose=0, shuffle=False)
        return {
            "losses": np.array(history.history["loss"]),
            "evaluated": np.array(model.evaluate(x, y, batch_size=4, verbose=0)),
            "predicted": model.predict(x, batch_size=4),
        }


# -- data sets from local files -------------------------------------------------------------------------------


@contextlib.contextmanager
def home():
    """A folder that stands for the user's own while a data set looks for its cache."""
    before = os.environ.get("HOME")
    with folder() as place, quiet():
        os.mkdir(os.path.join(place, ".keras"))
        os.environ["HOME"] = place
        try:
            yield place
        finally:
            if before is None:
                del os.environ["HOME"]
            else:
                os.environ["HOME"] = before


@case("utils_files/mnist_load_data", EXACT)
def mnist(keras, random):
    with home() as place:
        path = os.path.join(place, "mnist.npz")
        parts = {
            "x_train": random.randint(0, 256, size=(6, 4, 4)).astype("uint8"),
            "y_train": np.arange(6).astype("uint8"),
            "x_test": random.randint(0, 256, size=(2, 4, 4)).astype("uint8"),
            "y_test": np.array([8, 9], dtype="uint8"),
        }
        np.savez(path, **parts)
        (x, y), (x_test, y_test) = keras.datasets.mnist.load_data(path=path)
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test}


def _reviews(place, random, **options):
    path = os.path.join(place, "words.npz")
    np.savez(
        path,
        x_train=random.randint(1, 9, size=(5, 4)),
        y_train=np.array([0, 1, 0, 1, 1]),
        x_test=random.randint(1, 9, size=(3, 4)),
        y_test=np.array([1, 0, 0]),
        x=random.randint(1, 9, size=(8, 4)),
        y=np.arange(8),
    )
    return path


@case("utils_files/imdb_load_data", EXACT)
def imdb(keras, random):
    """The shuffle by seed, and what is made of words outside num_words and skip_top."""
    fields = {}
    with home() as place:
        path = _reviews(place, random)
        for label, options in (
            ("default", {}),
            ("num_words", {"num_words": 8}),
            ("skip_top", {"skip_top": 6, "num_words": 10}),
            ("no_start", {"start_char": None}),
            ("index_from_0", {"index_from": 0, "start_char": None, "num_words": 6}),
            ("no_oov", {"oov_char": None, "num_words": 9}),
            ("seed", {"seed": 7}),
            ("maxlen", {"maxlen": 9}),
        ):
            (x, y), (x_test, y_test) = keras.datasets.imdb.load_data(path=path, **options)
            fields[label] = as_text([[[int(word) for word in row] for row in part] for part in (x, x_test)])
            fields[label + "_labels"] = as_text([[int(value) for value in part] for part in (y, y_test)])
        fields["maxlen_too_short"] = outcome_of(keras.datasets.imdb.load_data, path=path, maxlen=2)
    return fields


@case("utils_files/reuters_load_data", EXACT)
def reuters(keras, random):
    fields = {}
    with home() as place:
        path = _reviews(place, random)
        for label, options in (("default", {}), ("split", {"test_split": 0.5, "num_words": 7, "seed": 3})):
            (x, y), (x_test, y_test) = keras.datasets.reuters.load_data(path=path, **options)
            fields[label] = as_text([[[int(word) for word in row] for row in part] for part in (x, x_test)])
            fields[label + "_labels"] = as_text([[int(value) for value in part] for part in (y, y_test)])
    return fields


@case("utils_files/word_index", EXACT)
def word_index(keras, random):
    with home() as place:
        path = write(os.path.join(place, "index.json"), json.dumps({"the": 1, "cat": 2}))
        return {
            "imdb": as_text(keras.datasets.imdb.get_word_index(path=path)),
            "reuters": as_text(keras.datasets.reuters.get_word_index(path=path)),
        }
