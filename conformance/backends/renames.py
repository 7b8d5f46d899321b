"""What the newer Kerases call by another name: tables and pure functions, shared by the adapters.

An adapter renames and never computes: where a newer Keras means something else by the same name, the case shows it.
"""

import functools
import inspect

from ..case import Absent

# Arguments of the r1.4 constructors under the names that they have now; None: there is nothing left to say it with.
OPTIMIZER_ARGUMENTS = {"lr": "learning_rate"}

# Identifiers of losses and metrics, in `compile` and in `get`, that have been renamed with the meaning kept.
FUNCTION_NAMES = {
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "logcosh": "log_cosh",
}

# r1.4 reports a metric under its full name, whichever alias `compile` was given; both accuracies as 'acc'.
METRIC_NAMES = {
    "accuracy": "acc",
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
}

# Losses of r1.4 that later Kerases took away: their successor, cosine_similarity, is a sum and no mean.
REMOVED_FUNCTIONS = ("cosine", "cosine_proximity")

# The state of each optimizer in r1.4: whether the count of steps comes first, and how many kinds of slots follow.
SLOTS = {
    "SGD": (True, 1),
    "RMSprop": (False, 1),
    "Adagrad": (False, 1),
    "Adadelta": (False, 2),
    "Adam": (True, 2),
    "Adamax": (True, 2),
    "Nadam": (True, 2),
}

# Members of layers and models that are documented in r1.4 and may be gone: asking for one makes a case absent.
LAYER_MEMBERS = (
    "apply",
    "add_update",
    "get_input_at",
    "get_input_mask_at",
    "get_input_shape_at",
    "get_losses_for",
    "get_output_at",
    "get_output_mask_at",
    "get_output_shape_at",
    "get_updates_for",
    "graph",
    "inbound_nodes",
    "input_mask",
    "outbound_nodes",
    "output_mask",
    "output_shape",
    "scope_name",
    "updates",
)
MODEL_MEMBERS = LAYER_MEMBERS + (
    "container_nodes",
    "from_yaml",
    "input_layers",
    "input_names",
    "legacy_from_config",
    "output_layers",
    "output_names",
    "predict_classes",
    "predict_proba",
    "regularizers",
    "run_internal_graph",
    "sample_weight_mode",
    "state_updates",
    "to_yaml",
    "uses_learning_phase",
)
OPTIMIZER_MEMBERS = ("get_gradients", "get_updates", "get_weights", "lr", "set_weights", "updates", "weights")


def renamed(options, names, owner):
    """The options under their new names; one whose new name is None makes the case absent."""
    found = {}
    for name, value in options.items():
        new = names.get(name, name)
        if new is None:
            raise Absent("{}({}=)".format(owner, name))
        found[new] = value
    return found


def function_name(identifier, owner):
    """A loss's or metric's identifier of r1.4 as the newer Kerases read it; anything but a string is itself."""
    if not isinstance(identifier, str):
        return identifier
    if identifier in REMOVED_FUNCTIONS:
        raise Absent("{}.{}".format(owner, identifier))
    return FUNCTION_NAMES.get(identifier, identifier)


def metric_name(identifier):
    """As `function_name`, and spelled so that it is reported under the name of r1.4."""
    identifier = function_name(identifier, "metrics")
    return METRIC_NAMES.get(identifier, identifier) if isinstance(identifier, str) else identifier


def reported_names(metrics, weighted_metrics):
    """What `metrics_names` says from compile on, before anything has run."""

    def names(structure, prefix):
        if isinstance(structure, dict):
            structure = list(structure.values())
        if isinstance(structure, (list, tuple)):
            return [name for part in structure for name in names(part, prefix)]
        name = metric_name(structure)
        return [prefix + (name if isinstance(name, str) else getattr(name, "name", None) or name.__name__)]

    return ["loss"] + names(metrics or [], "") + names(weighted_metrics or [], "weighted_")


def accuracy_of(loss, num_outputs):
    """Which accuracy the name 'acc' stands for, by the loss and the width of the output, as r1.4 documents it."""
    loss = loss if isinstance(loss, str) else getattr(loss, "__name__", "")
    if num_outputs == 1 or loss == "binary_crossentropy":
        return "binary_accuracy"
    return "sparse_categorical_accuracy" if loss == "sparse_categorical_crossentropy" else "categorical_accuracy"


@functools.lru_cache(maxsize=None)
def not_kept(kind, index):
    """One and the same absence for a slot that an optimizer does not keep, so that two readings of it are equal."""
    return Absent("optimizers.{}: weight {}".format(kind, index))


def each(function, structure):
    """The structure of `compile`'s losses and metrics (one, a list, a dictionary, nested) with each leaf mapped."""
    if isinstance(structure, (list, tuple)):
        return [each(function, part) for part in structure]
    if isinstance(structure, dict):
        return {key: each(function, part) for key, part in structure.items()}
    return function(structure)


def reading_names(module, owner):
    """`get` and `deserialize` of losses or metrics, reading r1.4's identifiers: what a Surface puts in their place."""

    def reader(read):
        return lambda identifier, *rest: read(function_name(identifier, owner), *rest)

    return {"{}.{}".format(owner, verb): reader(getattr(module, verb)) for verb in ("get", "deserialize")}


def with_arguments(kind, change):
    """Makes the class's constructor read its keyword options through `change(options)`; the class stays itself."""
    original = kind.__init__

    @functools.wraps(original)
    def constructor(self, *arguments, **options):
        original(self, *arguments, **change(options))

    constructor.__signature__ = inspect.signature(original)
    kind.__init__ = constructor


class Missing:
    """A member that a class no longer has: asking the class or an object for it makes a case absent."""

    def __init__(self, path):
        self.path = path

    def __get__(self, instance, owner=None):
        raise Absent(self.path)


def absent_members(kind, label, names):
    """Makes those of the names that the class lacks an absence."""
    for name in names:
        found = [vars(base)[name] for base in kind.__mro__ if name in vars(base)]
        if not found:
            setattr(kind, name, Missing("{}.{}".format(label, name)))


class Added:
    """A method of r1.4 under its old name, which the class does not have: it can be called, but has no signature."""

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self.function, instance)

    def __call__(self, *arguments, **options):
        return self.function(*arguments, **options)

    @property
    def __signature__(self):
        raise Absent("{}: signature".format(self.function.__name__.strip("_")))


def added(kind, **functions):
    """Adds methods of r1.4 that the class lacks."""
    for name, function in functions.items():
        setattr(kind, name, Added(function))


def changed(kind, name, make):
    """Puts `make(method)` in the method's place; whoever looks at its signature sees the method's own."""
    original = getattr(kind, name)
    setattr(kind, name, functools.wraps(original)(make(original)))
