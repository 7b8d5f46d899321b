"""Values and runs: reading and writing variables, updates, gradients, functions."""

from typing import NamedTuple

import numpy as np

from onnxseq.backend import names, phase
from onnxseq.backend.tensors import as_tensor, identity, int_shape, is_tensor, is_variable
from onnxseq.compiler import autodiff
from onnxseq.compiler import function as functions
from onnxseq.compiler.function import Function
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.tensor import FLOATS, Tensor, Variable, numpy_dtype
from onnxseq.errors import describe, text


class Update(NamedTuple):
    """What a function does to a variable: ``value`` becomes its value when the run is done."""

    variable: Variable
    value: Tensor


# -- values ---------------------------------------------------------------------------------------------------


def eval(x):
    """Return the value of a tensor that needs nothing fed, as an array.

    Raises:
        AttributeError: where x is not symbolic.
        ValueError: where x depends on a placeholder.
    """
    if not is_tensor(x):
        raise AttributeError(text("eval", f"{describe(x)} arrived", "a symbolic tensor"))
    return functions.evaluate(x)


def get_value(x):
    """Return the value of a variable (or of a tensor that needs nothing fed) as an array."""
    if not is_tensor(x):
        raise AttributeError(text("get_value", f"{describe(x)} arrived", "a variable"))
    return functions.evaluate(x)


def batch_get_value(tensors):
    """Return the values of a list of variables as a list of arrays."""
    return [get_value(x) for x in tensors]


def set_value(x, value):
    """Give a variable a new value.

    Arguments:
        x: a variable.
        value: an array of its shape, or what NumPy makes one of.

    Raises:
        AttributeError: where x is not a variable.
        ValueError: where the shape is not the variable's.
    """
    _assign("set_value", [(x, value)])


def batch_set_value(tuples):
    """Give several variables new values: all of them or, where one does not fit, none.

    Arguments:
        tuples: pairs of a variable and an array.
    """
    _assign("batch_set_value", tuples)


def _assign(who, pairs):
    checked = []
    for x, value in pairs:
        _require_variable(who, x)
        array = np.asarray(value, numpy_dtype(x.element_type))
        if array.shape != int_shape(x):
            raise ValueError(
                text(who, f"a value of shape {array.shape} arrived for {x.name!r}", f"shape {int_shape(x)}")
            )
        checked.append((x, array))
    for x, array in checked:
        functions.set_value(x, array)


def _require_variable(who, x):
    if not is_variable(x):
        raise AttributeError(text(who, f"{describe(x)} arrived", "a variable", "Make one with K.variable()."))


# -- updates --------------------------------------------------------------------------------------------------


def update(x, new_x):
    """Return the update that gives a variable the value of a tensor.

    Raises:
        AttributeError: where x is not a variable.
        ValueError: where the shapes differ.
    """
    return _update("update", x, new_x, lambda value: value)


def update_add(x, increment):
    """Return the update that adds a tensor to a variable."""
    return _update("update_add", x, increment, lambda value: x + value)


def update_sub(x, decrement):
    """Return the update that subtracts a tensor from a variable."""
    return _update("update_sub", x, decrement, lambda value: x - value)


def moving_average_update(x, value, momentum):
    """Return the update ``x = x * momentum + value * (1 - momentum)``.

    Arguments:
        x: a variable.
        value: a tensor of its shape.
        momentum: the share of the old value, from 0 to 1.
    """
    return _update("moving_average_update", x, value, lambda value: x - (x - value) * (1.0 - momentum))


def _update(who, x, value, combine):
    _require_variable(who, x)
    value = as_tensor(value, x)
    sizes = zip(x.dims, value.dims, strict=False)
    if value.rank != x.rank or any(isinstance(b, int) and a != b for a, b in sizes):
        raise ValueError(
            text(who, f"a tensor of shape {int_shape(value)} arrived for {x.name!r}", f"shape {int_shape(x)}")
        )
    return Update(x, combine(value))


# -- gradients ------------------------------------------------------------------------------------------------


def gradients(loss, variables):
    """Return the gradients of a loss by variables.

    Arguments:
        loss: a floating tensor; where it is no scalar, the gradient is that of its sum.
        variables: a variable (or any tensor), or a list of them.

    Returns:
        A list of tensors, None where the loss does not depend on a variable.

    Raises:
        ValueError: where an operation in between has no gradient.
        TypeError: where the loss is boolean, or a variable is not symbolic.
    """
    loss = as_tensor(loss)
    variables = list(variables) if isinstance(variables, list | tuple) else [variables]
    for x in variables:
        if not is_tensor(x):
            raise TypeError(text("gradients", f"{describe(x)} arrived among the variables", "a symbolic tensor"))
    if loss.dtype_name == "bool":
        raise TypeError(text("gradients", f"the loss is {loss!r}", "a floating tensor", "Use K.cast()."))
    if loss.element_type not in FLOATS:
        return [None] * len(variables)
    return autodiff.gradients(loss, variables)


def stop_gradient(variables):
    """Return tensors as they are, through which no gradient flows.

    Arguments:
        variables: a tensor, or a list of them (a list is returned then).
    """
    if isinstance(variables, list | tuple):
        return [ops.stop_gradient(as_tensor(x)) for x in variables]
    return ops.stop_gradient(as_tensor(variables))


# -- functions ------------------------------------------------------------------------------------------------


def function(inputs, outputs, updates=None, learning_phase=None, name=None, freeze=False, **kwargs):
    """Return a function from arrays to arrays, compiled to one ONNX model when it is first called.

    Arguments:
        inputs: tensors to feed. With ``K.learning_phase()`` among them the value fed chooses the phase.
        outputs: tensors to compute, with the variables as they were before the updates. An output that is itself an
            updated variable is shown as it is afterwards.
        updates: what ``K.update`` and its kin return, or pairs of a variable and a tensor. Several steps of one
            variable, as ``K.update_add`` and ``K.moving_average_update`` make them, add up.
        learning_phase: the phase where it is not fed: 0 for testing (the default), 1 for training.
        name: what messages and the model call it.
        freeze: whether variables become constants of the model, which is made again when they changed: faster
            runs where variables rarely change.

    Returns:
        A ``Function``: called with a list of arrays it returns a list of arrays.

    Raises:
        TypeError: where inputs, outputs or updates are no lists, or hold anything but tensors.
        ValueError: for keyword arguments that mean nothing here, and, when first called, where the outputs depend on a
            placeholder that is not among the inputs.
    """
    for key in kwargs:
        raise ValueError(
            text("function", f"the argument {key}={kwargs[key]!r} arrived", "learning_phase, name or freeze")
        )
    for what, values in (("inputs", inputs), ("outputs", outputs), ("updates", () if updates is None else updates)):
        if not isinstance(values, list | tuple):
            raise TypeError(text("function", f"{what} is {describe(values)}", "a list or a tuple"))
    for what, values in (("input", inputs), ("output", outputs)):
        for x in values:
            if not is_tensor(x):
                raise TypeError(text("function", f"an {what} is {describe(x)}", "a symbolic tensor"))
    values = {}
    for variable, value in map(_pair, updates or ()):
        values[variable] = _together(variable, values.get(variable), value)
    shown = [values.get(x, x) for x in outputs]
    return Function(list(inputs), shown, list(values.items()), int(bool(learning_phase)), name or "function", freeze)


def _pair(entry):
    if not (isinstance(entry, list | tuple) and len(entry) == 2 and is_variable(entry[0])):
        raise TypeError(text("function", f"an update is {describe(entry)}", "a pair of a variable and a tensor"))
    variable, value = entry
    return variable, as_tensor(value, variable)


def _together(variable, earlier, value):
    """Return what several updates of one variable come to: steps from its value add up, of others the last counts.

    A layer that is called on two inputs moves its averages by what it sees in either.
    """
    if earlier is None or value is earlier or not (_is_step(variable, earlier) and _is_step(variable, value)):
        return value
    return variable + ((earlier - variable) + (value - variable))


def _is_step(variable, value):
    producer = value.producer()
    if producer is None:
        return False
    if producer.op_type == "PhaseSelect":
        return all(branch is variable or _is_step(variable, branch) for branch in producer.inputs[1:])
    return producer.op_type in ("Add", "Sub") and producer.inputs[0] is variable


def print_tensor(x, message=""):
    """Return x unchanged.

    A compiled model has no console to print to: fetch a tensor with ``K.function`` to look at it.

    Arguments:
        x: a tensor.
        message: what would stand before the values.
    """
    return identity(x)


# -- sessions -------------------------------------------------------------------------------------------------


def clear_session():
    """Forget counters of names and a fixed learning phase; models that exist keep working."""
    names.reset_uids()
    names.forget_variable_names()
    phase.free_learning_phase()


def get_session():
    """Raise NotImplementedError: there is no session to hand out."""
    raise NotImplementedError(
        text("get_session", "a TensorFlow session was asked for", "no use of sessions",
             "Use K.function(), K.eval(), K.get_value() and K.set_value().")
    )  # fmt: skip


def set_session(session):
    """Raise NotImplementedError: there is no session to replace."""
    raise NotImplementedError(
        text("set_session", f"{describe(session)} arrived", "no use of sessions",
             "Drop the call: ONNX Runtime's sessions are made and kept by each K.function().")
    )  # fmt: skip


class _Initialization:
    manual = False


_initialization = _Initialization()


def manual_variable_initialization(value):
    """Take note of whether the user initializes variables; here they have their first values from the start.

    Arguments:
        value: a bool.
    """
    _initialization.manual = bool(value)
