"""News agency reports: 11,228 texts of 46 topics."""

import numpy as np

from onnxseq.datasets.files import located, read_arrays, read_words
from onnxseq.datasets.words import as_rows, cut, shuffled

HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
INDEX_HASH = "4d44cc38712099c9e383dc6e5f11a921"


def load_data(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Return the data set, fetched at the first time.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own with x and y.
        test_split: Share of the texts that are kept for testing.
        num_words, skip_top, maxlen, seed, start_char, oov_char, index_from: As imdb.load_data takes them.

    Returns: ``(x_train, y_train), (x_test, y_test)``: x arrays of lists of numbers, y topics from 0 to 45.

    Raises:
        ValueError: The file is broken or not the one meant, or no text is shorter than maxlen.
        OSError: It cannot be fetched.

    Source: Lewis, Reuters-21578 text categorization collection (1987).
    """
    who = "reuters.load_data"
    x, y = shuffled(seed, *read_arrays(who, located(path, "reuters.npz", HASH), ("x", "y")))
    texts, labels = cut(who, x, y, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    split = int(len(texts) * (1 - test_split))
    return (as_rows(texts[:split]), np.array(labels[:split])), (as_rows(texts[split:]), np.array(labels[split:]))


def get_word_index(path="reuters_word_index.json"):
    """Return a dict of words and their ranks, without index_from; fetched at the first time.

    Arguments:
        path: Name in the cache, or the whole path of a file of one's own.
    """
    return read_words("reuters.get_word_index", located(path, "reuters_word_index.json", INDEX_HASH))
