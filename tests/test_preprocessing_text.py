"""Sequences and texts: padding, skipgrams, tokens; the numbers of TensorFlow 1.4 are in the conformance suite."""

import numpy as np
import pytest

from onnxseq.preprocessing.sequence import make_sampling_table, pad_sequences, skipgrams
from onnxseq.preprocessing.text import Tokenizer, one_hot, text_to_word_sequence

RAGGED = [[1, 2, 3], [4], []]

PADDED = [  # options, rows
    ({}, [[1, 2, 3], [0, 0, 4], [0, 0, 0]]),
    ({"padding": "post"}, [[1, 2, 3], [4, 0, 0], [0, 0, 0]]),
    ({"maxlen": 2}, [[2, 3], [0, 4], [0, 0]]),
    ({"maxlen": 2, "truncating": "post", "value": 7}, [[1, 2], [7, 4], [7, 7]]),
]


@pytest.mark.parametrize("options, rows", PADDED)
def test_pad_sequences(options, rows):
    found = pad_sequences(RAGGED, **options)
    assert found.tolist() == rows and found.dtype == "int32"


def test_padding_of_vectors():
    assert pad_sequences([[[1.5, 2]], []], dtype="float32", value=-1).tolist() == [[[1.5, 2]], [[-1, -1]]]


def test_skipgrams_are_near():
    sequence = list(range(1, 20))
    couples, labels = skipgrams(sequence, 20, window_size=2, negative_samples=0.5, seed=1)
    real = [abs(a - b) for (a, b), label in zip(couples, labels, strict=True) if label]
    assert set(real) == {1, 2} and len(real) == 2 * (18 + 17)
    assert len(labels) == len(real) + len(real) // 2


def test_sampling_table_falls():
    table = make_sampling_table(100000)
    assert (np.diff(table) >= 0).all() and table[0] < 0.01 and table[-1] == 1


def test_words():
    assert text_to_word_sequence("Ab,  cd!Ef") == ["ab", "cd", "ef"]
    assert text_to_word_sequence("Ab--cd.Ef", filters=".", lower=False, split="--") == ["Ab", "cd", "Ef"]


def test_one_hot_is_the_same_in_every_process():
    assert one_hot("the cat the", 1000) == [274, 470, 274]


def test_tokenizer_numbers_by_frequency():
    tokenizer = Tokenizer(num_words=3)
    tokenizer.fit_on_texts(["b a b c", "b a d"])
    assert tokenizer.word_index == {"b": 1, "a": 2, "c": 3, "d": 4}
    assert tokenizer.texts_to_sequences(["d c a b x"]) == [[2, 1]]
    assert tokenizer.texts_to_matrix(["b b a", "d"], "freq").tolist() == [[0, 2 / 3, 1 / 3], [0, 0, 0]]


def fitted():
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["a b"])
    return tokenizer


ERRORS = [
    (lambda: pad_sequences([1, 2]), ValueError,
     "pad_sequences: sequences holds 1; expected sequences. Put it in a list."),
    (lambda: pad_sequences(3), ValueError, "pad_sequences: sequences is 3; expected a list of sequences."),
    (lambda: pad_sequences([]), ValueError, "pad_sequences: sequences is []; expected a list of sequences."),
    (lambda: pad_sequences(RAGGED, padding="mid"), ValueError,
     "pad_sequences: padding is 'mid'; expected 'pre' or 'post'."),
    (lambda: pad_sequences(RAGGED, truncating=1), ValueError,
     "pad_sequences: truncating is 1; expected 'pre' or 'post'."),
    (lambda: pad_sequences([[[1, 2]], [[3]]]), ValueError, "pad_sequences: the samples of sequence 1 have shape (1,); "
     "expected (2,), as those before it."),
    (lambda: one_hot("a", 1), ZeroDivisionError, "one_hot: n is 1, which leaves no number but 0; expected at least 2."),
    (lambda: fitted().texts_to_matrix(["a"], mode="x"), ValueError,
     "Tokenizer: mode is 'x'; expected one of 'binary', 'count', 'freq', 'tfidf'."),
    (lambda: Tokenizer(num_words=3).sequences_to_matrix([[1]], mode="tfidf"), ValueError, "Tokenizer: mode is 'tfidf' "
     "and no documents were counted; expected counts of them. Call fit_on_texts() or fit_on_sequences() first."),
    (lambda: Tokenizer().sequences_to_matrix([[1]]), AttributeError, "Tokenizer: no texts were counted, so that words "
     "have no numbers; expected texts. Call fit_on_texts() first, or set num_words where there are only sequences."),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=[message for *_, message in ERRORS])
def test_errors(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert error.value.args[0] == message
