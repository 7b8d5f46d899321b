"""How later versions wrote down optimizers, losses and metrics, and in which order the state of an optimizer lies."""

import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.optimizers import Nadam

EPSILON = 1e-7
"""What epsilon=None means."""

MOST_STEPS = 10_000
"""Steps after which Nadam's schedule is zero for any momentum below one, in float32."""

# Arguments of later optimizers, with the values that mean what r1.4 does; None stands for any value.
_NEUTRAL = {
    "name": None, "jit_compile": None, "is_legacy_optimizer": None, "ema_momentum": None,
    "ema_overwrite_frequency": None, "initial_accumulator_value": None, "weight_decay": (None, 0.0),
    "use_ema": (False,), "amsgrad": (False,), "centered": (False,), "clipnorm": (None,), "clipvalue": (None,),
    "global_clipnorm": (None,), "loss_scale_factor": (None,), "gradient_accumulation_steps": (None,),
}  # fmt: skip

_FUNCTIONS = {
    "MeanSquaredError": "mean_squared_error", "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error", "Hinge": "hinge", "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge", "LogCosh": "logcosh", "KLDivergence": "kullback_leibler_divergence",
    "Poisson": "poisson", "BinaryCrossentropy": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy", "BinaryAccuracy": "binary_accuracy",
    "CategoricalAccuracy": "categorical_accuracy", "SparseCategoricalAccuracy": "sparse_categorical_accuracy",
    "TopKCategoricalAccuracy": "top_k_categorical_accuracy",
}  # fmt: skip
_OPTIONS = {
    "name": None, "dtype": None, "reduction": ("auto", "sum_over_batch_size", "sum_over_batch_size_v2", None),
    "from_logits": (False,), "label_smoothing": (0, 0.0), "axis": (-1,), "threshold": (0.5,), "k": (5,),
    "ignore_class": (None,), "fn": None,
}  # fmt: skip
_NAMES = {"log_cosh": "logcosh", "kl_divergence": "kullback_leibler_divergence"}


def training(who, config):
    """Return the configuration of a model's training in r1.4's form.

    Raises:
        ValueError: It says something that r1.4 does not have.
    """
    if not isinstance(config, dict):
        return config
    found = dict(config)
    for unused in ("run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"):
        found.pop(unused, None)
    if "optimizer" in found and "optimizer_config" not in found:
        found["optimizer_config"] = found.pop("optimizer")
    if isinstance(found.get("optimizer_config"), dict):
        found["optimizer_config"] = _optimizer(who, found["optimizer_config"])
    found["loss"] = _functions(who, found.get("loss"))
    for key in ("metrics", "weighted_metrics"):
        found[key] = _metrics(_functions(who, found.get(key)))
    return found


def warn(who, config, custom_objects, has_state):
    """Warn where the optimizer of a file takes other steps here than it took there.

    Arguments:
        who: Whoever asked, for messages.
        config: The configuration of training, as it stands in the file.
        custom_objects: The caller's own classes, by name.
        has_state: Whether the file holds the optimizer's state.
    """
    config = config if isinstance(config, dict) else {}
    optimizer = config.get("optimizer_config", config.get("optimizer"))
    name = optimizer.get("class_name") if isinstance(optimizer, dict) else None
    arguments = optimizer.get("config") if isinstance(optimizer, dict) else None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return
    name = name.removeprefix("Custom>")
    if registry.find(name, None, custom_objects) is not None:
        return
    start = arguments.get("initial_accumulator_value")
    if name == "RMSprop" and "use_ema" in arguments:  # of Keras 2.11 and later
        found = (f"the file's adds epsilon={arguments.get('epsilon')!r} inside of the root, that of r1.4 behind it: "
                 "training goes on with steps that differ where squared gradients are not far above epsilon.")
    elif name == "Nadam" and "is_legacy_optimizer" in arguments:  # of Keras 2.11 to 2.15
        found = ("the file's takes its schedule further once for each weight, that of r1.4 once for each step: "
                 "training goes on with steps that differ.")
    elif name == "Adagrad" and start and not has_state:
        found = f"the file's starts its sums at {start!r} and holds none, those of r1.4 start at 0: first steps differ."
    else:
        return
    warnings.warn(f"{who}: optimizer {name!r}: {found} Predictions are the same.", stacklevel=4)


def _metrics(metrics):
    """Return metrics without the lists that later versions put around those of each output."""
    if isinstance(metrics, list) and metrics and all(isinstance(each, list) for each in metrics):
        if all(each == metrics[0] for each in metrics):
            return metrics[0]
    return metrics


def _functions(who, value):
    if isinstance(value, list):
        return [_functions(who, item) for item in value]
    if not isinstance(value, dict):
        return _NAMES.get(value, value) if isinstance(value, str) else value
    if "class_name" not in value:
        return {key: _functions(who, item) for key, item in value.items()}
    name, config = value["class_name"], value.get("config")
    if name in ("MeanMetricWrapper", "LossFunctionWrapper") and isinstance(config, dict):
        name = config.get("fn")
    elif name in _FUNCTIONS and isinstance(config, dict):
        for key, item in config.items():
            neutral = _OPTIONS.get(key, ())
            if neutral is not None and item not in neutral:
                raise ValueError(text(f"{who}: {name}", f"{key}={item!r}, which r1.4 does not have", "its default",
                                      "Load with compile=False, and compile anew."))
        name = _FUNCTIONS[name]
    else:
        return value
    return _NAMES.get(name, name)


def _optimizer(who, config):
    name, arguments = config.get("class_name"), config.get("config")
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return config
    place = f"{who}: optimizer {name!r}"
    name = name.removeprefix("Custom>")
    found = dict(arguments)
    is_later = "learning_rate" in found
    if is_later:
        found["lr"] = found.pop("learning_rate")
        if isinstance(found["lr"], bool) or not isinstance(found["lr"], int | float):
            raise _lacks(place, "learning_rate", found["lr"])
    if found.get("epsilon", 0) is None:
        found["epsilon"] = EPSILON
    if is_later and "name" in found:  # tf.keras: its clipnorm is of each gradient, ours of all together
        found["global_clipnorm"], joint = None, found.get("global_clipnorm")
        if found.get("clipnorm") is not None:
            raise _lacks(place, "clipnorm", found["clipnorm"])
        found["clipnorm"] = joint
    if name == "Nadam" and is_later and "name" in found:
        found["schedule_decay"] = 1.0 if "use_ema" in found else found.pop("decay", 0.004)
    if name == "RMSprop" and found.get("momentum") == 0:
        del found["momentum"]
    clips = {key: found[key] for key in ("clipnorm", "clipvalue") if found.get(key) is not None}
    for key in list(found):
        if key in _NEUTRAL:
            value = found.pop(key)
            if key not in clips and _NEUTRAL[key] is not None and value not in _NEUTRAL[key]:
                raise _lacks(place, key, value)
    return {**config, "class_name": name, "config": {**found, **clips}}


def _lacks(place, key, value):
    return ValueError(text(place, f"{key}={describe(value)}, which r1.4 does not have", "an optimizer of r1.4",
                           "Load with compile=False, and compile anew."))


# State.

_SLOTS = {
    "m": ("m",), "v": ("v",), "u": ("u", "v"), "moment": ("momentum", "m"), "delta": ("accum_var",
                                                                                     "accumulated_delta_var"),
    "accumulator": ("rms", "velocity", "accumulator", "accum_grad", "accumulated_grad"),
}  # fmt: skip
_STEPS = ("iter", "iteration", "iterations")
_RATES = ("learning_rate", "current_learning_rate", "lr")


def state(optimizer, arrays, by_weight=False):
    """Return which array each variable of an optimizer's state takes: a list of pairs, or None where they do not fit.

    r1.4 keeps the number of steps, for some optimizers, and then slot by slot. Later versions always keep it, name
    slots, may keep them weight by weight, and keep more than one scalar.

    Arguments:
        optimizer: The optimizer, its state made.
        arrays: Of the file, with names in `path` and shapes, in the file's order.
        by_weight: Whether slots lie weight by weight, as in Keras 3, whatever their names.
    """
    own = optimizer.weights
    if not by_weight and [array.shape for array in arrays] == [tuple(K.int_shape(variable)) for variable in own]:
        return list(zip(own, arrays, strict=True))
    scalars, rest = [], []
    for array in arrays:
        (scalars if array.shape == () else rest).append(array)
    slots = [variable for variable in own if K.int_shape(variable) != ()]
    if by_weight:
        rows = getattr(optimizer, "_rows", [])
        pairs = _by_order([variable for of_weight in zip(*rows, strict=True) for variable in of_weight], rest)
    else:
        pairs = _by_slot(optimizer, rest) or _by_order(slots, rest)
    if pairs is None and not (rest == [] and getattr(optimizer, "nesterov", None) is False):
        return None
    return [*_scalars(optimizer, scalars), *(pairs or [])]


def _scalars(optimizer, arrays):
    pairs = []
    for index, array in enumerate(arrays):
        name = _parts(array)[-1]
        if (name in _STEPS or (index == 0 and array.dtype.kind in "iu")) and hasattr(optimizer, "iterations"):
            pairs.append((optimizer.iterations, array))
        elif name in ("momentum_cache", "m_schedule") and hasattr(optimizer, "m_schedule"):
            pairs.append((optimizer.m_schedule, array))
    return pairs


def infer_schedule(optimizer):
    """Bring the schedule of a Nadam to its number of steps, where a file holds the one and not the other.

    The schedule is the product of the momentum of all steps so far, which follows from their number.
    """
    if isinstance(optimizer, Nadam):
        steps = np.arange(1, min(int(K.get_value(optimizer.iterations)), MOST_STEPS) + 1)
        momentum = K.get_value(optimizer.beta_1) * (1.0 - 0.5 * 0.96 ** (steps * optimizer.schedule_decay))
        K.set_value(optimizer.m_schedule, np.prod(momentum))


def _parts(array):
    return array.path.rpartition(":")[0].split("/")


def _by_order(slots, arrays):
    shapes = [tuple(K.int_shape(variable)) for variable in slots]
    found = [array.shape for array in arrays]
    if found[: len(shapes)] != shapes or any(shape != (1,) for shape in found[len(shapes) :]):
        return None  # Keras 2.1 to 2.3 kept arrays of one zero behind Adam's, for its variant amsgrad
    return list(zip(slots, arrays, strict=False))


def _by_slot(optimizer, arrays):
    pairs = []
    rows = getattr(optimizer, "_rows", [])
    for slot, row in zip(getattr(optimizer, "_slots", ()), rows, strict=False):
        for name in _SLOTS.get(slot, ()):
            # 'Adam/dense/kernel/m:0' or 'Adam/m/dense/kernel:0', below the group's own path
            found = [array for array in arrays if _parts(array)[-1] == name] or [
                array for array in arrays if len(_parts(array)) > 3 and _parts(array)[3] == name]
            if found and [array.shape for array in found] == [tuple(K.int_shape(variable)) for variable in row]:
                pairs += zip(row, found, strict=True)
                break
        else:
            return None
    return pairs
