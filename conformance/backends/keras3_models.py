"""Layers, models and optimizers of Keras 3, taught the names and the order of arguments of r1.4."""

import inspect

import keras
import numpy as np

from ..case import Absent
from . import keras3_backend, renames
from .keras3_graph import StateOf

OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam")

# Under which names an optimizer keeps its slots, in r1.4's order.
SLOTS = {
    "SGD": ("momentums",),
    "RMSprop": ("_velocities",),
    "Adagrad": ("_accumulators",),
    "Adadelta": ("_accumulated_grads", "_accumulated_delta_vars"),
    "Adam": ("_momentums", "_velocities"),
    "Adamax": ("_m", "_u"),
    "Nadam": ("_momentums", "_velocities"),
}
ADD_WEIGHT = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")


def relu(x, alpha=0.0, max_value=None):
    return keras.activations.relu(x, negative_slope=alpha, max_value=max_value)


# -- optimizers -------------------------------------------------------------------------------------------------


def _of_optimizer(kind):
    """`lr` is now learning_rate; `decay` is now a schedule, of the same documented formula."""
    default = inspect.signature(kind.__init__).parameters["learning_rate"].default
    names = dict(renames.OPTIMIZER_ARGUMENTS, schedule_decay=None)

    def change(options):
        options = renames.renamed(options, names, "optimizers." + kind.__name__)
        decay = options.pop("decay", 0.0)
        if decay:
            rate = options.get("learning_rate", default)
            options["learning_rate"] = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
        return options

    return change


def _state(optimizer):
    """The optimizer's variables in r1.4's order; None for a slot that it does not keep."""
    kind = type(optimizer).__name__
    found = [optimizer._iterations] if renames.SLOTS[kind][0] else []
    num = len(optimizer._trainable_variables)
    for slot in SLOTS[kind]:
        found.extend(getattr(optimizer, slot, None) or [None] * num)
    return found


def _get_weights(self):
    found = []
    for index, variable in enumerate(_state(self)):
        if variable is None:
            found.append(renames.not_kept(type(self).__name__, index))
            continue
        value = np.asarray(variable.numpy())
        found.append(value.astype("int64") if variable is self._iterations else value)
    return found


def _set_weights(original):
    def run(self, values):
        variables = _state(self)
        if len(values) == len(self.variables) != len(variables):
            return original(self, values)  # what a file holds, read by Keras 3 itself
        if len(variables) != len(values):
            raise ValueError("{} arrays for {} weights of the optimizer".format(len(values), len(variables)))
        for variable, value in zip(variables, values):
            if variable is not None:
                variable.assign(value)

    return run


def _adapt_optimizers():
    for name in OPTIMIZERS:
        kind = getattr(keras.optimizers, name)
        renames.with_arguments(kind, _of_optimizer(kind))
    base = keras.optimizers.Optimizer
    renames.added(base, get_weights=_get_weights, set_weights=_set_weights(base.set_weights))
    base.weights = property(_state)
    base.lr = property(lambda self: self.learning_rate, lambda self, value: setattr(self, "learning_rate", value))
    renames.absent_members(base, "Optimizer", renames.OPTIMIZER_MEMBERS)


# -- layers -----------------------------------------------------------------------------------------------------


def _of_layer(original):
    def constructor(self, *arguments, **options):
        batch_shape, batch_size = options.pop("batch_input_shape", None), options.pop("batch_size", None)
        if batch_shape is None and batch_size is not None and "input_shape" in options:
            batch_shape = (batch_size,) + tuple(options.pop("input_shape"))
        original(self, *arguments, **options)
        if batch_shape is not None:
            self._first_batch_shape = tuple(batch_shape)

    constructor.__signature__ = inspect.signature(original)
    return constructor


def _takes_first_shape(kind):
    """Whether a layer's constructor hands on the shape of the first layer's input."""
    kinds = [parameter.kind for parameter in inspect.signature(kind.__init__).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def _kept_first_shape(original):
    """For layers whose constructor takes no further options: the shape of a first layer's input is kept aside."""

    def constructor(self, *arguments, **options):
        shape, batch_shape = options.pop("input_shape", None), options.pop("batch_input_shape", None)
        original(self, *arguments, **options)
        if shape is not None:
            self._input_shape_arg = tuple(shape)
        if batch_shape is not None:
            self._first_batch_shape = tuple(batch_shape)

    constructor.__signature__ = inspect.signature(original)
    return constructor


def _states_in_a_list(original):
    """A recurrent layer called on [inputs, states...]: the states are an argument of their own now."""

    def run(self, inputs, *arguments, **options):
        if isinstance(inputs, (list, tuple)):
            inputs, options["initial_state"] = inputs[0], list(inputs[1:])
        return original(self, inputs, *arguments, **options)

    return run


def _reset_layer_states(self, states=None):
    if states is not None:
        raise Absent("RNN.reset_states(states=)")
    self.reset_state()


def _of_embedding(options):
    """The length of its input is the shape of its input; without it, any length is taken."""
    options = dict(options)
    length = options.pop("input_length", None)
    if not {"input_shape", "input_dim", "batch_input_shape"} & set(options):
        options["input_shape"] = tuple(length) if isinstance(length, (list, tuple)) else (length,)
    return options


def _of_recurrent(options):
    options = dict(options)
    options.pop("implementation", None)
    length, size = options.pop("input_length", None), options.pop("input_dim", None)
    if size is not None:
        options["input_shape"] = (length, size)
    return options


def _of_gru(options):
    """The GRU of r1.4 resets its state before the recurrent product."""
    return dict(_of_recurrent(options), reset_after=options.get("reset_after", False))


def _add_weight(original):
    def run(self, *arguments, **options):
        if arguments and (arguments[0] is None or isinstance(arguments[0], str)):
            options.update(zip(ADD_WEIGHT, arguments))
            arguments = ()
        return original(self, *arguments, **options)

    return run


def _absence_first(original):
    """A Lambda whose function asks for what is absent says that its shape cannot be told, whatever was raised."""

    def run(self, input_shape):
        try:
            return original(self, input_shape)
        except NotImplementedError as fault:
            if isinstance(fault.__context__, Absent):
                raise fault.__context__ from None
            raise

    return run


def _at_node(part, shape):
    """What a layer's call number `node_index` was given or gave."""

    def run(self, node_index):
        if not 0 <= node_index < len(self._inbound_nodes):
            raise ValueError("there is no node {}".format(node_index))
        node = self._inbound_nodes[node_index]
        tensors = node.arguments.keras_tensors if part == "input" else node.outputs
        found = [tuple(each.shape) if shape else each for each in tensors]
        return found[0] if len(found) == 1 else found

    return run


def _shape_of(part):
    def read(self):
        tensors = getattr(self, part)
        return [tuple(each.shape) for each in tensors] if isinstance(tensors, list) else tuple(tensors.shape)

    return property(read)


def _mask_of(part):
    def read(self):
        tensors = getattr(self, part)
        masks = [getattr(each, "_keras_mask", None) for each in (tensors if isinstance(tensors, list) else [tensors])]
        return masks if isinstance(tensors, list) and len(masks) > 1 else masks[0]

    return property(read)


def _add_loss(original):
    def run(self, losses, inputs=None):
        return original(self, losses)

    return run


def _adapt_layers():
    layers, base = keras.layers, keras.layers.Layer
    base.__init__ = _of_layer(base.__init__)
    renames.changed(base, "add_weight", _add_weight)
    renames.changed(base, "add_variable", _add_weight)
    renames.changed(base, "add_loss", _add_loss)
    base.output_shape, base.input_shape = _shape_of("output"), _shape_of("input")
    base.output_mask, base.input_mask = _mask_of("output"), _mask_of("input")
    base.updates = property(lambda self: [StateOf(self)] if self.non_trainable_variables else [])
    base.inbound_nodes = property(lambda self: list(self._inbound_nodes))
    base.outbound_nodes = property(lambda self: list(self._outbound_nodes))
    for part in ("input", "output"):
        name = "get_{}{}_at"
        renames.added(base, **{name.format(part, ""): _at_node(part, False)})
        renames.added(base, **{name.format(part, "_shape"): _at_node(part, True)})
    renames.changed(layers.Lambda, "compute_output_shape", _absence_first)
    renames.with_arguments(layers.Embedding, _of_embedding)
    for kind in ("SimpleRNN", "LSTM", "ConvLSTM2D"):
        renames.with_arguments(getattr(layers, kind), _of_recurrent)
    renames.with_arguments(layers.GRU, _of_gru)
    renames.changed(layers.RNN, "__call__", _states_in_a_list)
    renames.added(layers.RNN, reset_states=_reset_layer_states)
    for kind in {each for each in vars(layers).values() if isinstance(each, type) and issubclass(each, base)}:
        if not _takes_first_shape(kind):
            kind.__init__ = _kept_first_shape(kind.__init__)
    renames.absent_members(base, "Layer", renames.LAYER_MEMBERS)


# -- models -----------------------------------------------------------------------------------------------------


def _own(function):
    """A user's loss or metric, in which a K.variable is a number: it runs inside of Keras 3's own step."""
    if not callable(function) or isinstance(function, (type, keras.losses.Loss, keras.metrics.Metric)):
        return function

    def within(y_true, y_pred):
        with keras3_backend.training_step():
            return function(y_true, y_pred)

    within.__name__ = getattr(function, "__name__", "function")
    return within


def _weighted(model, loss):
    """Weighted metrics, reported with r1.4's prefix."""

    def named(identifier):
        name = renames.metric_name(identifier)
        if not isinstance(name, str):
            return _own(name)
        known = renames.accuracy_of(loss, model.output_shape[-1]) if name == "acc" and model.built else name
        metric = keras.metrics.get(known)
        if isinstance(metric, keras.metrics.Metric):
            return type(metric).from_config(dict(metric.get_config(), name="weighted_" + name))
        return keras.metrics.MeanMetricWrapper(metric, name="weighted_" + name)

    return named


def _compile(original):
    def run(self, optimizer, loss=None, metrics=None, sample_weight_mode=None, weighted_metrics=None, **options):
        original(
            self,
            optimizer,
            renames.each(lambda each: _own(renames.function_name(each, "losses")), loss),
            metrics=renames.each(lambda each: _own(renames.metric_name(each)), metrics),
            weighted_metrics=renames.each(_weighted(self, loss), weighted_metrics),
            **options,
        )
        self._names_of_compile = tuple(renames.reported_names(metrics, weighted_metrics))

    return run


def _as_numpy(values):
    """What a batch came to as r1.4 hands it over: NumPy's numbers, not Python's."""
    number = np.dtype(keras.config.floatx()).type
    return [number(value) for value in values] if isinstance(values, list) else number(values)


def _on_batch(original, trains):
    """One batch's own loss and metrics, which in Keras 3 are averages since the last reset."""

    def train(self, x, y, class_weight=None, sample_weight=None):
        if self.compiled:
            self.reset_metrics()
        return _as_numpy(original(self, x, y, sample_weight=sample_weight, class_weight=class_weight))

    def test(self, x, y, sample_weight=None):
        if self.compiled:
            self.reset_metrics()
        return _as_numpy(original(self, x, y, sample_weight=sample_weight))

    return train if trains else test


def _metrics_names(self):
    if self.compiled and not getattr(self._compile_metrics, "built", True):
        return list(self._names_of_compile)
    names = []
    for metric in self.metrics:
        names.extend([each.name for each in metric.metrics] if hasattr(metric, "metrics") else [metric.name])
    return names


def _fit_generator(self, generator, steps_per_epoch, epochs=1, verbose=1, callbacks=None, validation_data=None,
                   validation_steps=None, class_weight=None, max_queue_size=10, workers=1, use_multiprocessing=False,
                   initial_epoch=0, shuffle=True):  # fmt: skip
    return self.fit(
        generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks,
        validation_data=validation_data, validation_steps=validation_steps, class_weight=class_weight,
        initial_epoch=initial_epoch, shuffle=shuffle)  # fmt: skip


def _evaluate_generator(self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False):
    return self.evaluate(generator, steps=steps, verbose=0)


def _predict_generator(self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0):
    if hasattr(generator, "__next__"):
        generator = (each if isinstance(each, tuple) else (each,) for each in generator)
    return self.predict(generator, steps=steps, verbose=verbose)


def _predict(original):
    def run(self, x, batch_size=None, verbose=0, steps=None, callbacks=None):
        return original(self, x, batch_size=batch_size, verbose=verbose, steps=steps, callbacks=callbacks)

    return run


def _predict_proba(self, x, batch_size=32, verbose=1):
    return self.predict(x, batch_size, verbose)


def _predict_classes(self, x, batch_size=32, verbose=1):
    """What the notes on its removal say to write instead."""
    found = self.predict(x, batch_size, verbose)
    return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def _add(original):
    def run(self, layer, rebuild=True):
        first = getattr(layer, "_first_batch_shape", None)
        if not self._layers and first is not None:
            original(self, keras.layers.InputLayer(batch_shape=first))
        return original(self, layer, rebuild=rebuild)

    return run


def _reset_states(self):
    for layer in self.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()


def _named_second(original):
    """`Sequential(layers, name)`, in that order."""

    def constructor(self, layers=None, name=None, **options):
        original(self, layers, name=name, **options)

    constructor.__signature__ = inspect.signature(original)
    return constructor


def _uses_learning_phase(self):
    """Whether a layer behaves otherwise in training: its `call` asks for `training`."""
    return any(
        getattr(layer, "_call_has_training_arg", False) and not isinstance(layer, keras.Model)
        for layer in self._flatten_layers(include_self=False)
    )


def _one_of(part):
    """The model's own tensor, which Keras 3 gives in a list of one."""

    def read(self):
        if self._functional is None:
            raise ValueError("model {!r} is not built".format(self.name))
        tensors = getattr(self, part)
        return tensors[0] if len(tensors) == 1 else tensors

    return property(read)


def _adapt_models():
    model, sequential = keras.Model, keras.Sequential
    renames.changed(model, "compile", _compile)
    renames.changed(model, "train_on_batch", lambda original: _on_batch(original, True))
    renames.changed(model, "test_on_batch", lambda original: _on_batch(original, False))
    renames.changed(model, "predict", _predict)
    renames.changed(sequential, "add", _add)
    model.metrics_names = property(_metrics_names)
    model.uses_learning_phase = property(_uses_learning_phase)
    model.stateful = property(lambda self: any(getattr(layer, "stateful", False) for layer in self.layers))
    renames.added(
        model,
        fit_generator=_fit_generator,
        evaluate_generator=_evaluate_generator,
        predict_generator=_predict_generator,
    )
    sequential.__init__ = _named_second(sequential.__init__)
    renames.added(model, reset_states=_reset_states)
    renames.added(sequential, predict_proba=_predict_proba, predict_classes=_predict_classes)
    sequential.input, sequential.output = _one_of("inputs"), _one_of("outputs")
    sequential.input_names = property(lambda self: [layer.name for layer in self._layers[:1]])
    sequential.output_names = property(lambda self: [layer.name for layer in self.layers[-1:]])
    # A graph of layers has its output_names by itself, and on tensorflow asks for them before it does.
    renames.absent_members(model, "Model", [name for name in renames.MODEL_MEMBERS if name != "output_names"])
    renames.absent_members(keras.callbacks.Callback, "Callback", ("validation_data",))
    renames.absent_members(keras.Variable, "Variable", ("get_shape",))


def adapt():
    _adapt_optimizers()
    _adapt_layers()
    _adapt_models()
