"""tf_keras: Keras 2 as it is kept alive beside TensorFlow 2, run as a program written for TensorFlow 1 runs it.

`tf.compat.v1.disable_eager_execution()` is the documented way to run such a program: `K.function`, `K.gradients` and
the learning phase exist there only, and so do the optimizers' `lr` and `decay`, in `optimizers.legacy`.
"""

import gc
import logging
import os
import platform
import warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_USE_LEGACY_KERAS="1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

logging.getLogger("tensorflow").setLevel(logging.ERROR)
logging.getLogger("absl").setLevel(logging.ERROR)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.compat.v1.disable_eager_execution()
# Without it the gradient of a recurrent loop that K.gradients is asked for cannot be built.
tf.compat.v1.experimental.output_all_intermediates(True)

import tf_keras  # noqa: E402
from tf_keras.src.engine import base_layer_v1, training_v1  # noqa: E402

from . import renames  # noqa: E402
from .surface import Surface  # noqa: E402

OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")

# What every model becomes where there is no eager execution.
_Model = training_v1.Model


# Under which names an optimizer keeps its slots, in r1.4's order.
SLOTS = {
    "SGD": ("momentum",),
    "RMSprop": ("rms",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accum_grad", "accum_var"),
    "Adam": ("m", "v"),
    "Adamax": ("m", "v"),
    "Nadam": ("m", "v"),
}


def _weighted(model, loss):
    """Weighted metrics, reported with r1.4's prefix."""

    def named(identifier):
        name = renames.metric_name(identifier)
        if not isinstance(name, str):
            return name
        known = renames.accuracy_of(loss, model.output_shape[-1]) if name == "acc" and model.built else name
        return tf_keras.metrics.MeanMetricWrapper(tf_keras.metrics.get(known), name="weighted_" + name)

    return named


def _state(optimizer):
    """The optimizer's variables in r1.4's order; None for a slot that it does not keep."""
    kind = type(optimizer).__name__
    found = [optimizer.iterations] if renames.SLOTS[kind][0] else []
    kept = list(optimizer._slots.values())
    num = len(kept or getattr(optimizer, "trained", ()))
    for slot in SLOTS[kind]:
        found.extend([slots.get(slot) for slots in kept] or [None] * num)
    return found


def _get_optimizer_weights(self):
    kind, variables = type(self).__name__, _state(self)
    kept = [variable for variable in variables if variable is not None]
    values = iter(tf_keras.backend.batch_get_value(kept))
    return [
        renames.not_kept(kind, index) if variable is None else next(values) for index, variable in enumerate(variables)
    ]


def _set_optimizer_weights(original):
    def run(self, values):
        variables = _state(self)
        if len(values) == len(self.weights) != len(variables):
            return original(self, values)  # what a file holds, read by tf_keras itself
        if len(variables) != len(values):
            raise ValueError("{} arrays for {} weights of the optimizer".format(len(values), len(variables)))
        pairs = [(variable, value) for variable, value in zip(variables, values) if variable is not None]
        for variable, value in pairs:
            if tuple(variable.shape) != np.shape(value):
                raise ValueError("an array of shape {} for one of {}".format(np.shape(value), tuple(variable.shape)))
        tf_keras.backend.batch_set_value(pairs)

    return run


def _compile(original):
    """`compile` with identifiers under their new names."""

    def compile_as_documented(
        self, optimizer, loss, metrics=None, sample_weight_mode=None, weighted_metrics=None, **options
    ):
        original(
            self,
            optimizer,
            renames.each(lambda name: renames.function_name(name, "losses"), loss),
            metrics=renames.each(renames.metric_name, metrics),
            sample_weight_mode=sample_weight_mode,
            weighted_metrics=renames.each(_weighted(self, loss), weighted_metrics),
            **options,
        )
        self.optimizer.trained = list(self.trainable_weights)

    return compile_as_documented


def _predict_proba(self, x, batch_size=32, verbose=1):
    return self.predict(x, batch_size, verbose)


def _predict_classes(self, x, batch_size=32, verbose=1):
    """What the notes on its removal say to write instead."""
    found = self.predict(x, batch_size, verbose)
    return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def _train_on_batch(original):
    """r1.4's order of arguments; the engine itself calls this method too, with weights third."""

    def in_the_old_order(self, x, y=None, *rest, **options):
        if len(rest) > 1 or (rest and isinstance(rest[0], dict)):
            options.update(zip(("class_weight", "sample_weight"), rest))
            rest = ()
        return original(self, x, y, *rest, **options)

    return in_the_old_order


def _fit_generator(original):
    """r1.4's order of arguments: validation_freq came later, between the old ones; a Sequential has no shuffle."""

    def run(self, generator, *arguments, **options):
        rest = ["class_weight", "max_queue_size", "workers", "use_multiprocessing", "shuffle", "initial_epoch"]
        if isinstance(self, tf_keras.Sequential):
            rest.remove("shuffle")
        options.update(zip(rest, arguments[6:]))
        return original(self, generator, *arguments[:6], **options)

    return run


def _evaluate_generator(original):
    """r1.4's order of arguments: callbacks came later, between the old ones."""

    def run(self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False):
        return original(
            self,
            generator,
            steps,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )

    return run


def _predict_generator(original):
    def run(self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0):
        return original(
            self,
            generator,
            steps,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            verbose=verbose,
        )

    return run


def _evaluate(original):
    """Averages as r1.4 hands them over: Python's numbers, not NumPy's."""

    def run(self, *arguments, **options):
        found = original(self, *arguments, **options)
        return [float(value) for value in found] if isinstance(found, list) else float(found)

    return run


def _add_update(original):
    def run(self, updates, inputs=None):
        return original(self, updates)

    return run


def _uses_learning_phase(self):
    """Whether a layer behaves otherwise in training: its `call` asks for `training`."""
    return any(getattr(layer, "_expects_training_arg", False) for layer in self._flatten_layers(include_self=False))


def _of_gru(options):
    return dict(options, reset_after=options.get("reset_after", False))


def _adapt():
    renames.changed(base_layer_v1.Layer, "add_update", _add_update)
    renames.changed(_Model, "compile", _compile)
    renames.changed(_Model, "evaluate", _evaluate)
    renames.changed(_Model, "fit_generator", _fit_generator)
    renames.changed(_Model, "evaluate_generator", _evaluate_generator)
    renames.changed(_Model, "evaluate_generator", _evaluate)
    renames.changed(_Model, "predict_generator", _predict_generator)
    renames.changed(_Model, "train_on_batch", _train_on_batch)
    renames.added(tf_keras.Sequential, predict_proba=_predict_proba, predict_classes=_predict_classes)
    tf_keras.Model.uses_learning_phase = property(_uses_learning_phase)
    renames.with_arguments(tf_keras.layers.GRU, _of_gru)
    optimizer = tf_keras.optimizers.legacy.Optimizer
    renames.changed(optimizer, "get_weights", lambda original: _get_optimizer_weights)
    renames.changed(optimizer, "set_weights", _set_optimizer_weights)
    renames.absent_members(tf_keras.layers.Layer, "Layer", renames.LAYER_MEMBERS)
    renames.absent_members(tf_keras.Model, "Model", renames.MODEL_MEMBERS)
    renames.absent_members(tf_keras.callbacks.Callback, "Callback", ("validation_data",))


_adapt()

_replaced = {"optimizers." + name: getattr(tf_keras.optimizers.legacy, name) for name in OPTIMIZERS}
# An optimizer of one's own is written otherwise: there is no get_updates to be overridden.
_replaced["optimizers.Optimizer"] = None
for _owner in ("losses", "metrics"):
    _replaced.update(renames.reading_names(getattr(tf_keras, _owner), _owner))
keras = Surface(tf_keras, _replaced)


def fresh():
    tf.compat.v1.reset_default_graph()
    tf_keras.backend.clear_session()
    tf_keras.backend.set_floatx("float32")
    tf_keras.backend.set_epsilon(1e-7)
    tf_keras.backend.set_image_data_format("channels_last")
    tf.compat.v1.set_random_seed(int(np.random.RandomState(0).randint(1 << 30)))
    # clear_session has collected the last garbage: what is left, imports and caches, need not be looked at again.
    gc.freeze()


def release():
    """The next case's graph replaces this one."""


def versions():
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tensorflow": tf.__version__,
        "tf_keras": tf_keras.__version__,
    }
