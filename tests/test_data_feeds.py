"""The user's data made into arrays: forms that are taken, weights, batches, feeds."""

import numpy as np
import pytest

from onnxseq import data_feeds
from onnxseq.data_feeds import Feed, batch_bounds, by_output, sample_weights, shuffle_index, split_at, standardize

X = np.arange(12.0).reshape(4, 3)
LABELS = np.array([[0], [2], [1], [2]])


class Frame:
    """What data frames look like: an array is made of them by NumPy, their rows by position only through `iloc`."""

    shape = X.shape
    iloc = None
    dtype = X.dtype

    def __array__(self, dtype=None, copy=None):
        return X

    def __getitem__(self, column):
        raise KeyError(column)


class File:
    """An array that is read piece by piece."""

    shape = X.shape
    dtype = X.dtype

    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        return X[index]


# form: (data, names, what comes of it)
FORMS = {
    "array": (X, ["a"], [X]),
    "list of one": ([X], ["a"], [X]),
    "nested lists": (X.tolist(), ["a"], [X]),
    "dict": ({"a": X, "other": 0}, ["a"], [X]),
    "several": ([X, X + 1], ["a", "b"], [X, X + 1]),
    "several in a dict": ({"b": X + 1, "a": X}, ["a", "b"], [X, X + 1]),
    "list of nested lists": ([X.tolist(), X.tolist()], ["a", "b"], [X, X]),
    "data frame": (Frame(), ["a"], [X]),
    "numbers as text": (X.astype(str), ["a"], [X]),
    "numbers as objects": (X.astype(object), ["a"], [X]),
    "bools": (X > 5, ["a"], [X > 5]),
    "nothing for no names": (None, [], []),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    data, names, expected = FORMS[form]
    found = standardize("who", "input", data, names, [(None, 3)] * len(names))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert type(a) is np.ndarray
        np.testing.assert_array_equal(a, b)


def test_one_axis_becomes_two():
    assert standardize("who", "target", np.arange(4), ["a"], [(None, 1)])[0].shape == (4, 1)
    assert standardize("who", "target", [1.0, 2.0], ["a"], [(None, 1)])[0].shape == (2, 1)


def test_files_are_left_as_they_are():
    file = File()
    assert standardize("who", "input", file, ["a"], [(None, 3)]) == [file]


def test_any_shape_will_do_where_none_is_named():
    assert standardize("who", "target", X, ["a"], [None])[0] is X


FAULTS = {
    "data for a model that is fed none": (
        lambda: standardize("who", "input", [X], [], []), ValueError,
        "who: input data a list of 1 arrays of shapes (4, 3); expected none, as the model is fed no such data.",
    ),
    "one array for two": (
        lambda: standardize("who", "input", X, ["a", "b"], [None, None]), ValueError,
        "who: input data is one array of shape (4, 3); expected a list of 2 arrays for 'a', 'b'.",
    ),
    "three for two": (
        lambda: standardize("who", "input", [X, X, X], ["a", "b"], [None, None]), ValueError,
        "who: input data is a list of 3 arrays; expected 2 array(s) for 'a', 'b'. Pass one array for each name.",
    ),
    "inputs of different lengths": (
        lambda: data_feeds.check_lengths("who", [X, X[:2]], []), ValueError,
        "who: input arrays have shapes [(4, 3), (2, 3)]; expected one number of samples in all of them.",
    ),
    "sample weights of different lengths": (
        lambda: data_feeds.check_lengths("who", [X], [X], [np.ones(3)]), ValueError,
        "who: 3 sample weights for 4 samples; expected one for each sample.",
    ),
    "samples that do not fill batches": (
        lambda: data_feeds.check_stateful("who", [X], 3), ValueError,
        "who: 4 samples in batches of 3 for a stateful model; "
        "expected a number of samples that the batch size divides.",
    ),
    "weights for fewer outputs": (
        lambda: by_output("who", "sample_weight", [1], ["a", "b"]), ValueError,
        "who: sample_weight is a list of 1; expected one for each output of 'a', 'b'.",
    ),
    "weights for several outputs in one array": (
        lambda: by_output("who", "sample_weight", np.ones(3), ["a", "b"]), TypeError,
        "who: sample_weight is an array of shape (3,) and dtype float64; "
        "expected a list or dict for the outputs 'a', 'b'.",
    ),
    "class weights for steps": (
        lambda: sample_weights("who", np.zeros((4, 3, 2)), None, {0: 1.0}), ValueError,
        "who: class_weight was given for a target of shape (4, 3, 2); expected a target of 2 axes. "
        "Use sample_weight with sample_weight_mode='temporal'.",
    ),
    "weights in words": (
        lambda: sample_weights("who", LABELS, np.array(["a"] * 4)), ValueError,
        "who: sample_weight has dtype <U1; expected numbers.",
    ),
    "an infinite weight": (
        lambda: sample_weights("who", np.zeros((2, 2, 1)), np.array([[1, 1], [1, np.inf]]), mode="temporal"),
        ValueError,
        "who: sample_weight holds inf at (1, 1); expected weights that are finite and not negative.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name):
    call, kind, message = FAULTS[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_weights_by_output():
    first, second = np.ones(3), np.zeros(3)
    assert by_output("who", "w", None, ["a", "b"]) == [None, None]
    assert by_output("who", "w", [], ["a"]) == [None]
    assert by_output("who", "w", [first], ["a"])[0] is first
    assert by_output("who", "w", first, ["a"])[0] is first
    assert by_output("who", "w", {"a": first}, ["a"])[0] is first
    assert by_output("who", "w", {0: 1.0}, ["a"]) == [{0: 1.0}]
    assert by_output("who", "w", {"b": second}, ["a", "b"])[0] is None
    assert by_output("who", "w", [first, second], ["a", "b"])[1] is second


def test_class_weights_by_label_and_by_row():
    by_class = {0: 1.0, 1: 5.0, 2: 0.5, 7: 9.0}
    expected = [1.0, 0.5, 5.0, 0.5]
    np.testing.assert_array_equal(sample_weights("who", LABELS, None, by_class), expected)
    np.testing.assert_array_equal(sample_weights("who", LABELS * 1.0, None, by_class), expected)
    np.testing.assert_array_equal(sample_weights("who", np.eye(3)[LABELS[:, 0]], None, by_class), expected)
    assert sample_weights("who", LABELS, None) is None


def test_batches_and_splits():
    assert batch_bounds(5, 2) == [(0, 2), (2, 4), (4, 5)]
    assert batch_bounds(2, 5) == [(0, 2)]
    first, second = split_at([X, None], 3)
    assert (len(first[0]), len(second[0]), first[1], second[1]) == (3, 1, None, None)


@pytest.mark.parametrize("how", [True, False, "batch"])
def test_shuffling_keeps_every_sample(how):
    np.random.seed(0)
    index = shuffle_index(np.arange(11), how, 4)
    assert sorted(index) == list(range(11))
    if how == "batch":
        assert index[8:].tolist() == [8, 9, 10]
        assert all((index[start : start + 4] - index[start] == np.arange(4)).all() for start in (0, 4))
    assert (index.tolist() == list(range(11))) is (how is False)


SOURCES = {
    "as it is": np.arange(20, dtype="float32").reshape(10, 2),
    "doubles": np.arange(20.0).reshape(10, 2),
    "bytes": np.arange(20, dtype="uint8").reshape(10, 2),
    "longs": np.arange(20).reshape(10, 2),
    "columns first": np.asfortranarray(np.arange(20, dtype="float32").reshape(10, 2)),
    "every second": np.arange(40, dtype="float32").reshape(20, 2)[::2],
}


@pytest.mark.parametrize("name", SOURCES)
def test_feeds_gather_and_copy(name):
    source = SOURCES[name]
    feed = Feed("who", source, "float32")
    out = np.empty((3, 2), "float32")
    feed.gather(np.array([4, 0, 9]), out)
    np.testing.assert_array_equal(out, source[[4, 0, 9]])
    feed.copy(2, 5, out)
    np.testing.assert_array_equal(out, source[2:5])
    assert len(feed) == 10
    assert feed.item_shape == (2,)


def test_a_conversion_that_would_need_more_memory_is_made_batch_by_batch():
    assert Feed("who", SOURCES["bytes"], "float32").data.dtype == np.uint8
    assert Feed("who", SOURCES["doubles"], "float32").data.dtype == np.float32
    assert Feed("who", SOURCES["as it is"], "float32").data is SOURCES["as it is"]
