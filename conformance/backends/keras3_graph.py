"""`K.function`, `K.gradients` and `K.variable` for the engines of Keras 3, which have no graph of their own.

Keras 3 records what is done to a symbolic KerasTensor. What is recorded is run again on the engine's own arrays, and
where a gradient is asked for, the engine's own differentiation runs it: nothing is computed but by Keras 3 and its
engine.
"""

import importlib
import inspect

import keras
import numpy as np
from keras.src.backend.common.stateless_scope import StatelessScope

from ..case import Absent

# Keras 3 names each engine by the module that has its differentiation: jax, torch, tensorflow.
_engine = importlib.import_module(keras.backend.backend())


class Held(keras.KerasTensor):
    """A `K.variable`: symbolic to what is written with it, with a value that functions read and write."""

    def __init__(self, value, dtype, name=None):
        self.value = np.asarray(value, dtype=dtype)
        super().__init__(self.value.shape, dtype=dtype, name=name or "variable")


class Gradient(keras.KerasTensor):
    """The gradient of a recorded scalar by one of the sources, which are computed together."""

    def __init__(self, scalar, sources, index):
        super().__init__(tuple(sources[index].shape), dtype=sources[index].dtype, name="gradient")
        self.scalar, self.sources, self.index = scalar, sources, index


class StateOf:
    """Stands in a list of updates for whatever state a layer or a model changes as it is called."""

    def __init__(self, owner):
        self.owner = owner


class Phase:
    """The learning phase as a value to be fed."""


PHASE = Phase()

# Under which name a layer that draws keeps the state of its generator.
SEED = "seed_generator_state"


def is_symbolic(value):
    return isinstance(value, keras.KerasTensor)


def as_array(value):
    return np.asarray(keras.ops.convert_to_numpy(value))


def _history(tensor):
    history = getattr(tensor, "_keras_history", None)
    if history is None or history.operation is None:
        return None
    node = history.operation._inbound_nodes[history.node_index]
    return None if node.is_input else node


def reaches(tensor, source, seen=None):
    """Whether the tensor was made with the source, a tensor or a weight."""
    seen = set() if seen is None else seen
    if tensor is source:
        return True
    if id(tensor) in seen:
        return False
    seen.add(id(tensor))
    if isinstance(tensor, Gradient):
        return any(reaches(each, source, seen) for each in [tensor.scalar] + list(tensor.sources))
    node = _history(tensor)
    if node is None:
        return False
    owned = getattr(node.operation, "variables", None) or ()
    if any(variable is source for variable in owned):
        return True
    return any(reaches(each, source, seen) for each in node.arguments.keras_tensors)


def _follows_the_phase(operation, options):
    """Whether a layer's `training` was left open: recorded is then nothing, or the default of its `call`."""
    if not getattr(operation, "_call_has_training_arg", False):
        return False
    given = options.get("training")
    default = inspect.signature(operation.call).parameters.get("training")
    return given is None or (default is not None and given is default.default)


class Run:
    """One run of recorded tensors: `given` holds engine arrays by the identity of what they stand for."""

    def __init__(self, given, training):
        self.given, self.training = dict(given), training
        self._known = dict(given)
        self._gradients = {}
        self.seeds = {}
        # What torch draws by itself is to be the same where a gradient runs the recorded steps again.
        self._drawn = _engine.random.get_rng_state() if _engine.__name__ == "torch" else None

    def value(self, tensor):
        if not is_symbolic(tensor):
            return tensor.value if isinstance(tensor, keras.Variable) else tensor
        if id(tensor) not in self._known:
            self._compute(tensor)
        return self._known[id(tensor)]

    def _compute(self, tensor):
        if isinstance(tensor, Held):
            self._known[id(tensor)] = keras.ops.convert_to_tensor(tensor.value)
            return
        if isinstance(tensor, Gradient):
            key = (id(tensor.scalar), tuple(map(id, tensor.sources)))
            if key not in self._gradients:
                self._gradients[key] = self._differentiate(tensor.scalar, tensor.sources)
            self._known[id(tensor)] = self._gradients[key][tensor.index]
            return
        node = _history(tensor)
        if node is None:
            raise ValueError("a placeholder {!r} has been given no value".format(tensor.name))
        for argument in node.arguments.keras_tensors:
            self.value(argument)
        arguments, options = node.arguments.fill_in(self._known)
        if _follows_the_phase(node.operation, options):
            options = dict(options, training=self.training)
        for variable in getattr(node.operation, "variables", None) or ():
            if variable.name == SEED:
                self.seeds[id(variable)] = variable
        outputs = node.operation(*arguments, **options)
        for symbol, output in zip(node.outputs, keras.tree.flatten(outputs)):
            self._known[id(symbol)] = output

    def _differentiate(self, scalar, sources):
        def function(arrays):
            if self._drawn is not None:
                _engine.random.set_rng_state(self._drawn)
            given = dict(self.given)
            given.update((id(source), array) for source, array in zip(sources, arrays) if is_symbolic(source))
            mapping = [(source, array) for source, array in zip(sources, arrays) if isinstance(source, keras.Variable)]
            with StatelessScope(state_mapping=mapping):
                return keras.ops.sum(Run(given, self.training).value(scalar))

        return _gradient(function, [self.value(source) for source in sources])


def _gradient_of_jax(function, arrays):
    return _engine.grad(function)(list(arrays))


def _gradient_of_torch(function, arrays):
    arrays = [array if array.requires_grad else array.detach().requires_grad_() for array in arrays]
    value = function(arrays)
    if not value.requires_grad:
        return [_engine.zeros_like(array) for array in arrays]
    found = _engine.autograd.grad(value, arrays, create_graph=True, allow_unused=True)
    return [_engine.zeros_like(array) if each is None else each for each, array in zip(found, arrays)]


def _gradient_of_tensorflow(function, arrays):
    arrays = [_engine.convert_to_tensor(array) for array in arrays]
    with _engine.GradientTape() as tape:
        for array in arrays:
            tape.watch(array)
        value = function(arrays)
    found = tape.gradient(value, arrays, unconnected_gradients=_engine.UnconnectedGradients.ZERO)
    return [_engine.convert_to_tensor(each) for each in found]


_gradient = {"jax": _gradient_of_jax, "torch": _gradient_of_torch, "tensorflow": _gradient_of_tensorflow}[
    keras.backend.backend()
]


def gradients(loss, variables):
    """A symbolic gradient for each of the variables; None where no path leads to it."""
    if not is_symbolic(loss):
        raise Absent("backend.gradients of what has been computed already")
    variables = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    reached = [source for source in variables if reaches(loss, source)]
    places = {id(source): index for index, source in enumerate(reached)}
    return [Gradient(loss, reached, places[id(each)]) if id(each) in places else None for each in variables]


class Function:
    """`K.function`: runs what was recorded; layers change no state unless the updates ask for it."""

    def __init__(self, inputs, outputs, updates, phase):
        self.inputs, self.outputs, self.updates, self.phase = inputs, outputs, updates, phase

    def __call__(self, values):
        given, training = {}, bool(self.phase)
        for symbol, value in zip(self.inputs, values):
            if symbol is PHASE:
                training = bool(value)
            else:
                given[id(symbol)] = keras.ops.convert_to_tensor(np.asarray(value), dtype=symbol.dtype)
        run = Run(given, training)
        with StatelessScope() as scope:
            found = [as_array(run.value(output)) for output in self.outputs]
            pairs = [update for update in self.updates if not isinstance(update, StateOf)]
            written = [(target, as_array(run.value(value))) for target, value in pairs]
        for target, value in written:
            if isinstance(target, keras.Variable):
                target.assign(value)
            else:
                target.value = np.broadcast_to(value, target.value.shape).astype(target.value.dtype)
        for variable in run.seeds.values():
            value = scope.get_current_value(variable)
            if value is not None:
                variable.assign(value)
        for update in self.updates:
            for variable in update.owner.non_trainable_variables if isinstance(update, StateOf) else ():
                value = scope.get_current_value(variable)
                if value is not None:
                    variable.assign(value)
        return found
