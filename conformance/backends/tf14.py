"""The oracle: TensorFlow 1.4's own tf.keras, with the order of a training step made certain.

In TensorFlow 1.4 a step's assignments wait for the loss, but not for one another's right-hand sides: a kernel may be
written while the gradient of an earlier layer has yet to read it, and the count of iterations while a learning rate has
yet to. What is documented is the step that computes loss and all gradients from one state and then writes; so each
assignment here is made to wait for every right-hand side. Session threads are one, so that sums are added in the same
order each time.

`layers.Conv3DTranspose` of TensorFlow 1.4 computes a plain Conv3D: its class stands on the wrong one of two classes of
`tf.layers`. It is put on the right one here, so that what is recorded is the layer that is documented.
"""

import logging
import os
import platform
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore", message="compiletime version")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.python.keras._impl.keras import backend as K  # noqa: E402
from tensorflow.python.keras._impl.keras.layers import serialization  # noqa: E402

keras = tf.keras
logging.getLogger("tensorflow").setLevel(logging.ERROR)

_unordered_function = K.function


_ASSIGN = {"Assign": tf.assign, "AssignAdd": tf.assign_add, "AssignSub": tf.assign_sub}


def _parts(update):
    """(how, variable, right-hand side) of an update: an assignment, its output, or a pair (variable, new value)."""
    if isinstance(update, tuple):
        return (tf.assign,) + update
    operation = update if isinstance(update, tf.Operation) else update.op
    if operation.type not in _ASSIGN:
        raise TypeError(
            "tf14 oracle: an update is {!r} of type {}; expected an assignment, whose order can be made "
            "certain.".format(operation.name, operation.type)
        )
    return _ASSIGN[operation.type], operation.inputs[0], operation.inputs[1]


def _reached_from(tensors):
    """Every operation on which the given tensors wait."""
    reached, open_ones = set(), [tensor.op for tensor in tensors]
    while open_ones:
        operation = open_ones.pop()
        if operation not in reached:
            reached.add(operation)
            open_ones.extend(tensor.op for tensor in operation.inputs)
            open_ones.extend(operation.control_inputs)
    return reached


def ordered_function(inputs, outputs, updates=None, **options):
    """K.function whose assignments all wait for every output and every right-hand side.

    The assignments are made anew: a session that has run once keeps the old ones as they were, whatever is added.
    """
    parts = [_parts(update) for update in updates or []]
    sources = list(outputs) + [value for _, _, value in parts]
    if any(operation.type in _ASSIGN for operation in _reached_from(sources)):
        raise ValueError(
            "tf14 oracle: the right-hand side of an update waits for an assignment; expected old values only."
        )
    with tf.control_dependencies(sources):
        ordered = [assign(variable, value) for assign, variable, value in parts]
    return _unordered_function(inputs, outputs, updates=ordered, **options)


K.function = ordered_function


class Conv3DTranspose(keras.layers.Conv3DTranspose, tf.layers.Conv3DTranspose):
    """The arguments and the configuration of the first, the computation of the second."""


for _module in (keras.layers, serialization):
    _module.Conv3DTranspose = Conv3DTranspose
keras.layers.Convolution3DTranspose = serialization.Convolution3DTranspose = Conv3DTranspose


def fresh():
    keras.backend.clear_session()
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)
    keras.backend.set_image_data_format("channels_last")
    threads = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    keras.backend.set_session(tf.Session(config=threads))
    # The graph's own seed: initial weights that a case leaves to the layers come out the same in each recording.
    tf.set_random_seed(int(np.random.RandomState(0).randint(1 << 30)))


def release():
    keras.backend.get_session().close()


def versions():
    return {"python": platform.python_version(), "numpy": np.__version__, "tensorflow": tf.__version__}
