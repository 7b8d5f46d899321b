"""Sequences of words and the like."""

import random

import numpy as np

from onnxseq.errors import describe, text

EULER = 0.577
"""Euler's constant, to the digits that TensorFlow 1.4 takes it to."""


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """Bring sequences to one length: longer ones are cut, shorter ones filled up.

    Shapes: n sequences of samples of any one shape -> (n, maxlen, *shape).

    Arguments:
        sequences: A list of sequences.
        maxlen: The length; that of the longest sequence where None.
        dtype: Of the result; values are cast to it.
        padding: 'pre' or 'post', where to fill up.
        truncating: 'pre' or 'post', where to cut.
        value: What to fill up with.

    Raises:
        ValueError: `sequences` is no list of sequences, the samples' shapes differ, or a word is unknown.
    """
    who = "pad_sequences"
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(text(who, f"{name} is {describe(word)}", "'pre' or 'post'"))
    if not hasattr(sequences, "__len__") or not len(sequences):
        raise ValueError(text(who, f"sequences is {describe(sequences)}", "a list of sequences"))
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(text(who, f"sequences holds {describe(sequence)}", "sequences", "Put it in a list."))
    maxlen = max(map(len, sequences)) if maxlen is None else maxlen
    shape = next((np.asarray(sequence).shape[1:] for sequence in sequences if len(sequence)), ())
    padded = np.full((len(sequences), maxlen, *shape), value, dtype="float64").astype(dtype)
    for row, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        kept = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype=dtype)
        if kept.shape[1:] != shape:
            raise ValueError(
                text(who, f"the samples of sequence {row} have shape {kept.shape[1:]}", f"{shape}, as those before it")
            )
        if padding == "post":
            padded[row, : len(kept)] = kept
        else:
            padded[row, maxlen - len(kept) :] = kept
    return padded


def make_sampling_table(size, sampling_factor=1e-5):
    """Return for each rank of a word how probably it is to be kept by skipgrams.

    p = min(1, sqrt(sampling_factor / f)), where f = 1 / (r (ln r + γ) + 1/2 - 1/(12 r)) is the frequency of the word of
    rank r by Zipf's law; rank 0 counts as 1.

    Arguments:
        size: Number of ranks.
        sampling_factor: The frequency from which on words are dropped.

    Returns: A float64 array of shape (size,).

    Source: Mikolov et al., Distributed Representations of Words and Phrases and their Compositionality (2013).
    """
    rank = np.maximum(np.arange(size), 1).astype("float64")
    inverse = rank * (np.log(rank) + EULER) + 0.5 - 1.0 / (12.0 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse))


def skipgrams(
    sequence,
    vocabulary_size,
    window_size=4,
    negative_samples=1.0,
    shuffle=True,
    categorical=False,
    sampling_table=None,
    seed=None,
):
    """Turn a sequence of words into pairs of words, and whether the second occurs near the first.

    Arguments:
        sequence: Ranks of words; 0 is no word.
        vocabulary_size: One more than the largest rank.
        window_size: Words to either side that are near.
        negative_samples: Number of random pairs, as a share of the real ones.
        shuffle: Whether to mix the pairs.
        categorical: Whether labels are [0, 1] for a real pair and [1, 0] for a random one, in place of 1 and 0.
        sampling_table: How probably each word is kept, as make_sampling_table returns it; None keeps all.
        seed: Seeds the shuffling; drawn where None.

    Returns: A tuple (couples, labels) of lists. What is random is drawn from Python's own generator.
    """
    real, other = ([0, 1], [1, 0]) if categorical else (1, 0)
    couples = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near = range(max(0, place - window_size), min(len(sequence), place + window_size + 1))
        couples += [[word, sequence[i]] for i in near if i != place and sequence[i]]
    labels = [real] * len(couples)
    if negative_samples > 0:
        words = [word for word, _ in couples]
        random.shuffle(words)
        num_random = int(len(labels) * negative_samples)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(num_random)]
        labels += [other] * num_random
    if shuffle:
        seed = random.randint(0, 10_000_000) if seed is None else seed
        for part in (couples, labels):
            random.seed(seed)
            random.shuffle(part)
    return couples, labels
