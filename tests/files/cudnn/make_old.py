"""Writes one model with layers of CuDNN as an older Keras does: `python make_old.py FILE.h5`, without a GPU.

Under Keras 2.2.4 or 2.3.1 and tensorflow 1.15.0, or with `--tf-keras` under the tf.keras of that. A twin with LSTM and
GRU, to which that Keras itself converts the weights, says what the model gives: FILE.npz holds the input and output.
"""

import importlib
import os
import sys

import numpy as np
import tensorflow as tf

LSTM = {"recurrent_activation": "sigmoid"}
GRU = {"recurrent_activation": "sigmoid", "reset_after": True}


def nothing(self, inputs, initial_state):
    """In place of CuDNN's own computation, which a machine without a GPU refuses."""
    zeros = tf.zeros_like(inputs[..., :1]) * tf.ones((1, 1, self.units))
    return zeros if self.return_sequences else zeros[:, 0], initial_state


def stack(keras, lstm, gru):
    L = keras.layers
    return keras.models.Sequential([L.Bidirectional(lstm, input_shape=(5, 3)), gru])


def main(path, *options):
    keras = tf.keras if "--tf-keras" in options else importlib.import_module("keras")
    L, random, parts = keras.layers, np.random.RandomState(0), path + ".weights"
    L.CuDNNLSTM._process_batch = L.CuDNNGRU._process_batch = nothing
    model = stack(keras, L.CuDNNLSTM(3, return_sequences=True), L.CuDNNGRU(2))
    model.set_weights([random.normal(size=value.shape) * 0.5 for value in model.get_weights()])
    model.save(path)
    model.save_weights(parts, **({"save_format": "h5"} if keras is tf.keras else {}))
    twin = stack(keras, L.LSTM(3, return_sequences=True, **LSTM), L.GRU(2, **GRU))
    os.rename(parts, parts + ".h5")
    twin.load_weights(parts + ".h5")
    os.remove(parts + ".h5")
    x = random.normal(size=(2, 5, 3)).astype("float32")
    np.savez_compressed(os.path.splitext(path)[0] + ".npz", input=x, output=twin.predict(x))


if __name__ == "__main__":
    main(*sys.argv[1:])
