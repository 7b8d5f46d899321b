"""What the data sets of texts share: words as numbers, cut to a vocabulary."""

import numpy as np

from onnxseq.errors import text


def shuffled(seed, *arrays):
    """Return arrays in one random order."""
    order = np.random.RandomState(seed).permutation(len(arrays[0]))
    return [array[order] for array in arrays]


def as_rows(texts):
    """Return an array of lists."""
    rows = np.empty(len(texts), dtype=object)
    rows[:] = texts
    return rows


def cut(who, texts, labels, num_words, skip_top, maxlen, start_char, oov_char, index_from):
    """Return texts and labels as the options of `load_data` say.

    Words are ranks from 1, which become numbers from index_from + 1. Of these, what is below skip_top or not below
    num_words becomes oov_char, or is left out where that is None; where num_words is None, it is the largest number.

    Raises:
        ValueError: No text is shorter than maxlen.
    """
    head = [] if start_char is None else [start_char]
    texts = [head + [word + index_from for word in _as_list(row)] for row in texts]
    labels = list(labels)
    if maxlen:
        kept = [i for i, row in enumerate(texts) if len(row) < maxlen]
        texts, labels = [texts[i] for i in kept], [labels[i] for i in kept]
        if not kept:
            raise ValueError(
                text(who, f"maxlen is {maxlen!r}, which no text is shorter than", "a number above the shortest text")
            )
    num_words = num_words or max(max(row, default=0) for row in texts)
    if oov_char is None:
        return [[word for word in row if skip_top <= word < num_words] for row in texts], labels
    return [[word if skip_top <= word < num_words else oov_char for word in row] for row in texts], labels


def _as_list(row):
    return row if isinstance(row, list) else np.asarray(row).tolist()
