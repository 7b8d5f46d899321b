"""Reviews of films: 50,000 texts, of which half praise."""

import numpy as np

from onnxseq.datasets.files import located, read_arrays, read_words
from onnxseq.datasets.words import as_rows, cut, shuffled

HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
INDEX_HASH = "bfafd718b763782e994055a2d397834f"


def load_data(
    path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2, index_from=3
):
    """Return the data set, fetched at the first time.

    Words are numbers by frequency: the most frequent one is index_from + 1.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own with x_train, y_train, x_test and y_test.
        num_words: Numbers from this one on become oov_char; the largest number where None.
        skip_top: Numbers below this one become oov_char.
        maxlen: Texts of this length on are left out; None keeps all.
        seed: Of the shuffling.
        start_char: What each text begins with; None for nothing.
        oov_char: What stands for words left out; None for nothing.
        index_from: Added to all words' ranks.

    Returns: ``(x_train, y_train), (x_test, y_test)``: x arrays of lists of numbers, y 1 for praise and 0 for blame.

    Raises:
        ValueError: The file is broken or not the one meant, or no text is shorter than maxlen.
        OSError: It cannot be fetched.

    Source: Maas et al., Learning Word Vectors for Sentiment Analysis (2011).
    """
    who = "imdb.load_data"
    names = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = read_arrays(who, located(path, "imdb.npz", HASH), names)
    x_train, y_train = shuffled(seed, x_train, y_train)
    x_test, y_test = shuffled(seed * 2, x_test, y_test)
    texts, labels = cut(
        who, [*x_train, *x_test], [*y_train, *y_test], num_words, skip_top, maxlen, start_char, oov_char, index_from
    )
    split = len(x_train)
    return (as_rows(texts[:split]), np.array(labels[:split])), (as_rows(texts[split:]), np.array(labels[split:]))


def get_word_index(path="imdb_word_index.json"):
    """Return a dict of words and their ranks, without index_from; fetched at the first time.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own.
    """
    return read_words("imdb.get_word_index", located(path, "imdb_word_index.json", INDEX_HASH))
