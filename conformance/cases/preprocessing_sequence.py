"""Family `preprocessing_sequence`: pad_sequences, skipgrams and make_sampling_table."""

import random as python_random

import numpy as np

from ..case import EXACT, FORWARD, as_text, case, outcome_of, register

RAGGED = [[1, 2, 3, 4, 5], [6], [], [7, 8, 9]]
VECTORS = [[[1, 2], [3, 4], [5, 6]], [[7, 8]]]

PADDED = (
    ("default", RAGGED, {}),
    ("maxlen", RAGGED, {"maxlen": 3}),
    ("maxlen_longer", RAGGED, {"maxlen": 7}),
    ("padding_post", RAGGED, {"padding": "post"}),
    ("truncating_post", RAGGED, {"maxlen": 2, "truncating": "post"}),
    ("post_post", RAGGED, {"maxlen": 3, "padding": "post", "truncating": "post"}),
    ("value", RAGGED, {"value": -1.0, "maxlen": 4}),
    ("dtype", [[0.5, 1.5], [2.5]], {"dtype": "float32", "value": 0.25}),
    ("dtype_int32_of_floats", [[0.5, 1.5], [2.5]], {}),
    ("dtype_int64", RAGGED, {"dtype": "int64"}),
    ("vectors", VECTORS, {}),
    ("vectors_maxlen_post", VECTORS, {"maxlen": 2, "padding": "post", "value": 9}),
    ("arrays", [np.array([1, 2, 3]), np.array([4])], {}),
    ("tuples", ((1, 2), (3,)), {"maxlen": 3}),
    ("maxlen_1", RAGGED, {"maxlen": 1}),
    ("empty_rows", [[], []], {"maxlen": 2}),
)


def _padded(sequences, options):
    def run(keras, random):
        return {"value": keras.preprocessing.sequence.pad_sequences(sequences, **options)}

    return run


for _label, _sequences, _options in PADDED:
    register("preprocessing_sequence/pad_sequences_" + _label, _padded(_sequences, _options), EXACT)


@case("preprocessing_sequence/pad_sequences_errors", EXACT)
def pad_errors(keras, random):
    pad = keras.preprocessing.sequence.pad_sequences
    return {
        "number": outcome_of(pad, 3),
        "numbers": outcome_of(pad, [1, 2, 3]),
        "padding": outcome_of(pad, RAGGED, padding="middle"),
        "truncating": outcome_of(pad, RAGGED, maxlen=2, truncating="middle"),
        "shapes": outcome_of(pad, [[[1, 2]], [[3, 4, 5]]]),
    }


@case("preprocessing_sequence/pad_sequences_leaves_the_input", EXACT)
def pad_leaves(keras, random):
    given = [[1, 2, 3], [4]]
    keras.preprocessing.sequence.pad_sequences(given, maxlen=2)
    return {"given": as_text(given)}


@case("preprocessing_sequence/make_sampling_table", FORWARD)
def sampling_table(keras, random):
    make = keras.preprocessing.sequence.make_sampling_table
    return {"default": make(20), "factor": make(10, sampling_factor=1e-3), "one": make(1)}


WORDS = [1, 4, 2, 0, 3, 5, 1, 2]

GRAMS = (
    ("default", {"seed": 3}),
    ("window_1", {"window_size": 1, "seed": 3}),
    ("no_negatives", {"negative_samples": 0.0, "shuffle": False}),
    ("no_negatives_window_2", {"negative_samples": 0.0, "shuffle": False, "window_size": 2}),
    ("half_negatives", {"negative_samples": 0.5, "seed": 1}),
    ("two_negatives", {"negative_samples": 2.0, "seed": 1, "window_size": 1}),
    ("categorical", {"categorical": True, "negative_samples": 0.0, "shuffle": False, "window_size": 1}),
    ("unshuffled", {"shuffle": False, "window_size": 1}),
    ("sampling_table", {"sampling_table": np.linspace(0.0, 1.0, 6), "negative_samples": 0.0, "shuffle": False}),
)


def _grams(options):
    def run(keras, random):
        """Python's own generator draws, so that the pairs agree one by one."""
        python_random.seed(17)
        couples, labels = keras.preprocessing.sequence.skipgrams(WORDS, 6, **options)
        return {"couples": as_text([[int(a), int(b)] for a, b in couples]), "labels": as_text(labels)}

    return run


for _label, _options in GRAMS:
    register("preprocessing_sequence/skipgrams_" + _label, _grams(_options), EXACT)
