"""Writes models with layers of CuDNN, which need no GPU to be saved: `python make.py FOLDER`.

The file of each model is written by tf_keras 2.21 (tensorflow-cpu==2.21.0 tf-keras==2.21.0), in the layout of
tf.keras 1 and of Keras 2.1 to 2.3. A twin with LSTM and GRU in their place, to which tf_keras converts the weights,
says what the model gives: `expected.npz` holds inputs and outputs.
"""

import functools
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
from tf_keras.src.layers.rnn.cudnn_gru import CuDNNGRU  # noqa: E402
from tf_keras.src.layers.rnn.cudnn_lstm import CuDNNLSTM  # noqa: E402

LSTM = {"recurrent_activation": "sigmoid"}
GRU = {"recurrent_activation": "sigmoid", "reset_after": True}


def layers(fast):
    """The two kinds, of CuDNN or as anywhere."""
    L = tf_keras.layers
    if fast:
        return CuDNNLSTM, CuDNNGRU
    return functools.partial(L.LSTM, **LSTM), functools.partial(L.GRU, **GRU)


def stack(*layers):
    return tf_keras.Sequential(list(layers))


def lstm(fast):
    lstm, _ = layers(fast)
    L = tf_keras.layers
    return stack(lstm(4, return_sequences=True, input_shape=(5, 3)), lstm(2, go_backwards=True), L.Dense(2))


def gru(fast):
    _, gru = layers(fast)
    L = tf_keras.layers
    return stack(gru(4, return_sequences=True, input_shape=(5, 3)), gru(2, go_backwards=True), L.Dense(2))


def both_ways(fast):
    (lstm, gru), L = layers(fast), tf_keras.layers
    return stack(
        L.Bidirectional(lstm(3, return_sequences=True), input_shape=(5, 3)), L.Bidirectional(gru(2), merge_mode="sum")
    )


def nested(fast):
    (lstm, gru), L = layers(fast), tf_keras.layers
    x = L.Input((5, 3))
    inner = tf_keras.Model(x, L.TimeDistributed(L.Dense(2))(L.BatchNormalization()(gru(2, return_sequences=True)(x))))
    x = L.Input((5, 3))
    return tf_keras.Model(x, [inner(x), lstm(2)(x)])


def nothing(self, inputs, initial_state):
    """In place of CuDNN's own computation, which a machine without a GPU refuses."""
    zeros = tf.zeros_like(inputs[..., :1]) * tf.ones((1, 1, self.units))
    return zeros if self.return_sequences else zeros[:, 0], initial_state


def main(folder):
    CuDNNLSTM._process_batch = CuDNNGRU._process_batch = nothing
    keep = {}
    for make in (lstm, gru, both_ways, nested):
        name, random = make.__name__, np.random.RandomState(len(make.__name__))
        model = make(True)
        values = [random.normal(size=value.shape) * 0.5 for value in model.get_weights()]
        names = [weight.name for weight in model.weights]
        model.set_weights([np.abs(value) if "variance" in name else value
                           for name, value in zip(names, values, strict=True)])
        path = os.path.join(folder, name + ".h5")
        model.save(path)
        model.save_weights(os.path.join(folder, "twin.h5"))
        twin = make(False)
        twin.load_weights(os.path.join(folder, "twin.h5"))
        os.remove(os.path.join(folder, "twin.h5"))
        x = random.normal(size=(3, 5, 3)).astype("float32")
        outputs = twin.predict(x)
        keep[name + "/input"] = x
        for index, output in enumerate(outputs if isinstance(outputs, list) else [outputs]):
            keep[f"{name}/output_{index}"] = output
    np.savez_compressed(os.path.join(folder, "expected.npz"), **keep)


if __name__ == "__main__":
    main(sys.argv[1])
