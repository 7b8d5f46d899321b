"""Family `preprocessing_text`: Tokenizer in all its modes, one_hot's shape and range, text_to_word_sequence."""

from ..case import EXACT, FORWARD, as_text, case, outcome_of, register

TEXTS = ["The cat sat on the mat.", "The dog, the cat; and the MAT!", "", "one\ttwo\nthree  four"]

SPLIT = (
    ("default", {}),
    ("no_lower", {"lower": False}),
    ("filters", {"filters": "aeiou"}),
    ("no_filters", {"filters": ""}),
    ("split", {"split": "a"}),
)


def _split(options):
    def run(keras, random):
        split = keras.preprocessing.text.text_to_word_sequence
        return {"words": as_text([split(text, **options) for text in TEXTS])}

    return run


for _label, _options in SPLIT:
    register("preprocessing_text/text_to_word_sequence_" + _label, _split(_options), EXACT)


@case("preprocessing_text/one_hot", EXACT)
def one_hot(keras, random):
    """Numbers from 1 below n, one a word, the same for the same word: the hash itself is Python's, new each run."""
    found = keras.preprocessing.text.one_hot("a b c a b a", 50)
    return {
        "number": len(found),
        "range": as_text([min(found) >= 1, max(found) <= 49]),
        "same": as_text([found[0] == found[3] == found[5], found[1] == found[4]]),
        "least": as_text(keras.preprocessing.text.one_hot("a b c", 2)),
        "empty": as_text(keras.preprocessing.text.one_hot("", 5)),
    }


def _state(tokenizer):
    return as_text(
        {
            "word_index": sorted(tokenizer.word_index.items()),
            "word_counts": sorted(tokenizer.word_counts.items()),
            "word_docs": sorted(tokenizer.word_docs.items()),
            "document_count": tokenizer.document_count,
        }
    )


# Counts that all differ: words of one count are numbered in an order that is nowhere promised.
FITTED = ["a a a a b b b c c", "a b c d", "c c a b a"]

TOKENIZERS = (
    ("default", {}, FITTED),
    ("num_words", {"num_words": 3}, FITTED),
    ("lower_false", {"lower": False}, ["A A A a a B"]),
    ("filters", {"filters": "b"}, FITTED),
    ("split", {"split": ","}, ["x,x,y", "x,z z,z z"]),
    ("char_level", {"char_level": True}, ["aaaaa bbb cc", "aab"]),
)


def _fitted(options, texts):
    def run(keras, random):
        tokenizer = keras.preprocessing.text.Tokenizer(**options)
        tokenizer.fit_on_texts(texts)
        return {
            "state": _state(tokenizer),
            "sequences": as_text(tokenizer.texts_to_sequences(list(texts) + [texts[0][:3], ""])),
        }

    return run


for _label, _options, _texts in TOKENIZERS:
    register("preprocessing_text/Tokenizer_" + _label, _fitted(_options, _texts), EXACT)


@case("preprocessing_text/texts_to_matrix", FORWARD)
def texts_to_matrix(keras, random):
    """Every mode, with all words and with the most frequent ones."""
    fields = {}
    for label, options in (("all", {}), ("few", {"num_words": 3})):
        tokenizer = keras.preprocessing.text.Tokenizer(**options)
        tokenizer.fit_on_texts(FITTED)
        for mode in ("binary", "count", "freq", "tfidf"):
            fields["{}_{}".format(label, mode)] = tokenizer.texts_to_matrix(["a a b", "d", "nobody"], mode=mode)
    return fields


@case("preprocessing_text/sequences_to_matrix", FORWARD)
def sequences_to_matrix(keras, random):
    Tokenizer = keras.preprocessing.text.Tokenizer
    fitted = Tokenizer(num_words=5)
    fitted.fit_on_sequences([[1, 2, 2, 4], [2, 3], [3, 3, 3]])
    fields = {mode: fitted.sequences_to_matrix([[1, 2, 2], [9, 3], []], mode=mode) for mode in ("binary", "count")}
    fields["tfidf"] = fitted.sequences_to_matrix([[1, 2, 2], [3, 1]], mode="tfidf")
    fields["fresh"] = Tokenizer(num_words=4).sequences_to_matrix([[1, 1, 3]], mode="count")
    fields["documents"] = fitted.document_count
    fields["docs"] = as_text(sorted([int(key), value] for key, value in fitted.index_docs.items()))
    return fields


@case("preprocessing_text/texts_to_sequences_generator", EXACT)
def sequences_generator(keras, random):
    tokenizer = keras.preprocessing.text.Tokenizer()
    tokenizer.fit_on_texts(iter(FITTED))
    rows = tokenizer.texts_to_sequences_generator(["a b", "c a d"])
    return {"first": as_text(next(rows)), "rest": as_text(list(rows))}


@case("preprocessing_text/fit_twice", EXACT)
def fit_twice(keras, random):
    """Counts go on from one call to the next."""
    tokenizer = keras.preprocessing.text.Tokenizer()
    tokenizer.fit_on_texts(["a a a b"])
    tokenizer.fit_on_texts(["b b b b b c c c c"])
    return {"state": _state(tokenizer)}


@case("preprocessing_text/tokens_given_split", EXACT)
def split_given(keras, random):
    """Texts that are lists of tokens are taken as they are, for characters."""
    tokenizer = keras.preprocessing.text.Tokenizer(char_level=True)
    tokenizer.fit_on_texts([["New", "York", "New"], ["New"]])
    return {"state": _state(tokenizer), "sequences": as_text(tokenizer.texts_to_sequences([["York", "New", "x"]]))}


@case("preprocessing_text/errors", EXACT)
def errors(keras, random):
    Tokenizer = keras.preprocessing.text.Tokenizer
    fitted = Tokenizer()
    fitted.fit_on_texts(FITTED)
    return {
        "mode": outcome_of(fitted.texts_to_matrix, ["a"], mode="nothing"),
        "not_fitted": outcome_of(Tokenizer().sequences_to_matrix, [[1]]),
        "tfidf_not_fitted": outcome_of(Tokenizer(num_words=3).sequences_to_matrix, [[1]], mode="tfidf"),
    }


@case("preprocessing_text/with_pad_sequences", EXACT)
def with_padding(keras, random):
    """The usual pair: sequences of a Tokenizer, padded."""
    tokenizer = keras.preprocessing.text.Tokenizer(num_words=4)
    tokenizer.fit_on_texts(FITTED)
    padded = keras.preprocessing.sequence.pad_sequences(tokenizer.texts_to_sequences(FITTED), maxlen=5)
    return {"padded": padded}
