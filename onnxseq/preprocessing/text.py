"""Texts as numbers of words."""

import collections
import zlib

import numpy as np

from onnxseq.errors import describe
from onnxseq.errors import text as message

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "freq", "tfidf")


def text_to_word_sequence(text, filters=FILTERS, lower=True, split=" "):
    """Return the words of a text.

    Arguments:
        text: The text.
        filters: Characters that part words as `split` does.
        lower: Whether to make it small letters.
        split: What parts words.
    """
    text = text.lower() if lower else text
    text = text.translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def one_hot(text, n, filters=FILTERS, lower=True, split=" "):
    """Return for each word of a text a number from 1 below n, by hashing: the same word has the same number always.

    Arguments:
        text: The text.
        n: Numbers to choose from, 0 included, which is no word; different words may share one.
        filters, lower, split: As text_to_word_sequence takes them.

    Raises:
        ZeroDivisionError: n leaves no number.
    """
    if n == 1:
        raise ZeroDivisionError(message("one_hot", "n is 1, which leaves no number but 0", "at least 2"))
    words = text_to_word_sequence(text, filters, lower, split)
    return [zlib.crc32(word.encode("utf-8")) % (n - 1) + 1 for word in words]


class Tokenizer:
    """Numbers of the words of texts, from 1, the most frequent first; and texts as rows of a matrix.

    Arguments:
        num_words: Only numbers below this are given out; None gives all.
        filters, lower, split: As text_to_word_sequence takes them.
        char_level: Whether each character is a word; a list of words is taken as it is then.
    """

    def __init__(self, num_words=None, filters=FILTERS, lower=True, split=" ", char_level=False):
        self.num_words = num_words
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.word_counts = collections.OrderedDict()
        self.word_docs = {}
        self.word_index = None
        self.index_docs = {}
        self.document_count = 0

    def fit_on_texts(self, texts):
        """Count the words of texts, beside those of earlier calls, and number them.

        Arguments:
            texts: Texts in a list or from a generator; `document_count` is their number alone.
        """
        self.document_count = 0
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] = self.word_docs.get(word, 0) + 1
        by_count = sorted(self.word_counts, key=self.word_counts.get, reverse=True)
        self.word_index = {word: number for number, word in enumerate(by_count, start=1)}
        self.index_docs = {self.word_index[word]: count for word, count in self.word_docs.items()}

    def fit_on_sequences(self, sequences):
        """Count in how many sequences each number occurs, for 'tfidf' where there were no texts."""
        self.document_count = len(sequences)
        self.index_docs = dict(collections.Counter(number for sequence in sequences for number in set(sequence)))

    def texts_to_sequences(self, texts):
        """Return a list of numbers for each text; words without a number are left out."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts):
        """Yield a list of numbers for each text; words without a number are left out."""
        for text in texts:
            numbers = [self._index().get(word) for word in self._words(text)]
            limit = float("inf") if not self.num_words else self.num_words
            yield [number for number in numbers if number is not None and number < limit]

    def texts_to_matrix(self, texts, mode="binary"):
        """Return a row of numbers for each text, as sequences_to_matrix does."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """Return a row for each sequence and a column for each number.

        Arguments:
            sequences: Lists of numbers.
            mode: What stands there of a number that occurs c times: 'binary' 1; 'count' c; 'freq' c by the sequence's
                length; 'tfidf' (1 + ln c) ln(1 + documents / (1 + documents with it)).

        Returns: A float64 array of shape (sequences, num_words); columns for all numbers where num_words is None.

        Raises:
            ValueError: The mode is unknown, or 'tfidf' and nothing was counted.
            AttributeError: num_words is None and no texts were counted.
        """
        if mode not in MODES:
            known = ", ".join(map(repr, MODES))
            raise ValueError(message("Tokenizer", f"mode is {describe(mode)}", f"one of {known}"))
        num_words = self.num_words or len(self._index()) + 1
        if mode == "tfidf" and not self.document_count:
            raise ValueError(
                message("Tokenizer", "mode is 'tfidf' and no documents were counted", "counts of them",
                        "Call fit_on_texts() or fit_on_sequences() first.")
            )  # fmt: skip
        matrix = np.zeros((len(sequences), num_words))
        for row, sequence in zip(matrix, sequences, strict=True):
            for number, count in collections.Counter(sequence).items():
                if number < num_words:
                    row[number] = self._weight(mode, number, count, len(sequence))
        return matrix

    def _weight(self, mode, number, count, length):
        if mode == "count":
            return count
        if mode == "freq":
            return count / length
        if mode == "binary":
            return 1
        documents = self.document_count / (1 + self.index_docs.get(number, 0))
        return (1 + np.log(count)) * np.log(1 + documents)

    def _words(self, text):
        return text if self.char_level else text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _index(self):
        if self.word_index is None:
            raise AttributeError(
                message("Tokenizer", "no texts were counted, so that words have no numbers", "texts",
                        "Call fit_on_texts() first, or set num_words where there are only sequences.")
            )  # fmt: skip
        return self.word_index
