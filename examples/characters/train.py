"""A network learns the characters of a book, one after the other, and then writes some of its own.

    python examples/characters/train.py                                    # on onnxseq
    python3.6 examples/characters/train.py --keras tensorflow.python.keras # on TensorFlow 1.4, from the same weights

The syntax is the one that Python 3.6 reads: the program is as code of TensorFlow 1.x is, and runs on both.
"""

import argparse
import importlib
import os
import re

import numpy as np

TEXT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "opticks.txt")
LENGTH = 40
STRIDE = 3
BATCH = 128


def read_text(path=TEXT):
    """Return the text in small letters, its lines joined."""
    with open(path) as file:
        return re.sub(r"\s+", " ", file.read().lower())


def windows(text, characters):
    """Return pieces of text and the character behind each, as ones among zeros: [pieces, 40, characters] and [pieces,
    characters].
    """
    place = {character: index for index, character in enumerate(characters)}
    numbers = np.array([place[character] for character in text])
    starts = np.arange(0, len(numbers) - LENGTH, STRIDE)
    ones = np.eye(len(characters), dtype="float32")
    return ones[numbers[starts[:, None] + np.arange(LENGTH)]], ones[numbers[starts + LENGTH]]


def build(keras, num_characters, units=128):
    """Return the compiled network: an LSTM that reads forty characters, and a softmax over the next one."""
    layers, optimizers = keras.layers, keras.optimizers
    model = keras.models.Sequential()
    model.add(layers.LSTM(units, input_shape=(LENGTH, num_characters)))
    model.add(layers.Dense(num_characters, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=optimizers.RMSprop(lr=0.005))
    return model


def first_weights(model, random):
    """Set weights that are the same wherever the program runs: the network's own would differ by its generator."""
    values = []
    for old in model.get_weights():
        scale = np.sqrt(2.0 / sum(old.shape)) if old.ndim > 1 else 0.0
        values.append(random.normal(scale=scale, size=old.shape).astype("float32") if scale else old)
    model.set_weights(values)


def write(model, characters, seed, count, temperature, random):
    """Return text that the network writes, character by character, behind a seed of forty.

    Arguments:
        temperature: what the logarithms of the probabilities are divided by; the lower, the less is dared.
    """
    place = {character: index for index, character in enumerate(characters)}
    seen = np.zeros((1, LENGTH, len(characters)), dtype="float32")
    seen[0, np.arange(LENGTH), [place[character] for character in seed]] = 1
    written = []
    for _ in range(count):
        probabilities = model.predict_on_batch(seen)[0].astype("float64") ** (1 / temperature)
        drawn = random.choice(len(characters), p=probabilities / probabilities.sum())
        written.append(characters[drawn])
        seen = np.roll(seen, -1, axis=1)
        seen[0, -1] = np.eye(len(characters))[drawn]
    return "".join(written)


def main(arguments=None):
    """Train, print the loss of each epoch and a piece of text; return the losses."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--keras", default="onnxseq", help="the module that is Keras (default: onnxseq)")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the text (default: 20)")
    parser.add_argument("--characters", type=int, default=None, help="how much of the text to read (default: all)")
    parser.add_argument("--verbose", type=int, default=1, choices=[0, 1, 2], help="as for fit (default: 1)")
    options = parser.parse_args(arguments)
    keras = importlib.import_module(options.keras)
    np.random.seed(1)
    text = read_text()[: options.characters]
    characters = sorted(set(text))
    x, y = windows(text, characters)
    print(f"{len(x)} pieces of a text of {len(characters)} different characters")
    model = build(keras, len(characters))
    first_weights(model, np.random.RandomState(2))
    history = model.fit(x, y, batch_size=BATCH, epochs=options.epochs, verbose=options.verbose)
    losses = history.history["loss"]
    print("loss by epoch: " + " ".join(f"{loss:.4f}" for loss in losses))
    seed = text[:LENGTH]
    print(seed + write(model, characters, seed, 300, 0.5, np.random.RandomState(3)))
    return losses


if __name__ == "__main__":
    main()
