"""Keras 3, on the engine that KERAS_BACKEND names before this module is imported (see keras3_jax and its like)."""

import functools
import gc
import importlib
import os
import platform
import warnings

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", JAX_PLATFORMS="cpu")
warnings.filterwarnings("ignore")

import keras as keras3  # noqa: E402
import numpy as np  # noqa: E402

from . import keras3_backend, keras3_models, renames  # noqa: E402
from .surface import Surface  # noqa: E402

ENGINE = keras3.backend.backend()
FUNCTIONS_OF = ("losses", "metrics")


def _function_first(found, get):
    """`metrics.get`, which gives the function of a name, as r1.4 has metrics, and not an object that adds up."""

    def read(identifier):
        path = "metrics.{}".format(renames.METRIC_NAMES.get(identifier, identifier))
        return found[path] if isinstance(identifier, str) and path in found else get(identifier)

    return read


def _replaced():
    found = {"backend": keras3_backend.surface(), "optimizers.Optimizer": None}
    found["activations.relu"] = keras3_models.relu
    for owner in FUNCTIONS_OF:
        module = getattr(keras3, owner)
        found.update(renames.reading_names(module, owner))
        for name in dir(module):
            function = getattr(module, name)
            if name[0].islower() and callable(function) and name not in ("get", "serialize", "deserialize"):
                found["{}.{}".format(owner, name)] = functools.wraps(function)(keras3_backend.recorded(function))
        if owner == "metrics":
            found["metrics.get"] = _function_first(found, found["metrics.get"])
        for old, new in renames.FUNCTION_NAMES.items():
            if hasattr(module, new):
                found["{}.{}".format(owner, old)] = found["{}.{}".format(owner, new)]
    return found


def _record_parts():
    """Regularizers and constraints are called by the cases on what is symbolic, as r1.4 called them."""
    for module in (keras3.regularizers, keras3.constraints):
        for kind in {each for each in vars(module).values() if isinstance(each, type)}:
            if "__call__" in vars(kind):
                kind.__call__ = keras3_backend.recorded(kind.__call__)


keras3_models.adapt()
_record_parts()
keras = Surface(keras3, _replaced())


def _engine_settings():
    if ENGINE == "torch":
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True, warn_only=True)
    if ENGINE == "tensorflow":
        tensorflow = importlib.import_module("tensorflow")
        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)


_engine_settings()


def fresh():
    keras3.backend.clear_session()
    keras3.utils.get_custom_objects().clear()
    keras3.config.set_floatx("float32")
    keras3.config.set_epsilon(1e-7)
    keras3.config.set_image_data_format("channels_last")
    keras3_backend._phase[0] = None
    keras3.utils.set_random_seed(0)
    # clear_session has collected the last garbage: what is left, imports and caches, need not be looked at again.
    gc.freeze()


def release():
    """Nothing is held between cases."""


def versions():
    engine = importlib.import_module(ENGINE)
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "keras": keras3.__version__,
        ENGINE: engine.__version__,
    }
