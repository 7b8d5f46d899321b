"""The learning phase, and choosing between two tensors."""

import numbers

from onnxseq import shapes
from onnxseq.backend.tensors import as_tensor, int_shape, is_tensor
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import phase as phase_ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.errors import describe, text


class _Phase:
    fixed = None


_phase = _Phase()


def learning_phase():
    """Return the learning phase: a symbolic scalar bool, or the number that ``set_learning_phase`` fixed."""
    return phase_ops.phase() if _phase.fixed is None else _phase.fixed


def set_learning_phase(value):
    """Fix the learning phase for all that is recorded from now on.

    Arguments:
        value: 0 for testing, 1 for training.

    Raises:
        ValueError: for anything else.
    """
    if value not in (0, 1):
        raise ValueError(text("set_learning_phase", f"{value!r} arrived", "0 (testing) or 1 (training)"))
    _phase.fixed = int(value)


def free_learning_phase():
    """Make the learning phase symbolic again."""
    _phase.fixed = None


def in_train_phase(x, alt, training=None):
    """Return x while training and alt otherwise.

    Arguments:
        x, alt: tensors of one dtype, or functions without arguments that return them.
        training: 0 or False, 1 or True, a scalar tensor, or None for the learning phase.

    Raises:
        ValueError: where the two differ in dtype or rank.
    """
    chosen = learning_phase() if training is None else training
    if not is_tensor(chosen):
        return _value(x if chosen else alt)
    if chosen is not phase_ops.phase():
        return switch(chosen, x, alt)
    x, alt = as_tensor(_value(x)), as_tensor(_value(alt))
    # One tensor for both phases needs no choice; the mark says that it stands for one all the same.
    y = shape_ops.identity(x) if x is alt else _same_kind("in_train_phase", x, alt, phase_ops.select, chosen)
    y._uses_learning_phase = True
    return y


def in_test_phase(x, alt, training=None):
    """Return x while testing and alt otherwise; the arguments are those of ``in_train_phase``."""
    return in_train_phase(alt, x, training=training)


def switch(condition, then_expression, else_expression):
    """Return one of two tensors, as a condition says: all of it, or element by element.

    Shapes: a condition of rank 0 chooses one of the tensors; one of rank n chooses for each index of the first n axes.

    Arguments:
        condition: a tensor (not 0 is true), or a number.
        then_expression, else_expression: tensors of one dtype, or functions without arguments that return them.

    Raises:
        ValueError: where dtypes or ranks differ, or the condition has more axes than the tensors.
    """
    if not is_tensor(condition):
        if not isinstance(condition, numbers.Number) and getattr(condition, "ndim", None) != 0:
            raise AttributeError(text("switch", f"the condition is {describe(condition)}", "a tensor"))
        return _value(then_expression if condition else else_expression)
    condition = ops.cast(condition, "bool")
    a, b = as_tensor(_value(then_expression)), as_tensor(_value(else_expression))
    rank = max(a.rank, b.rank)
    if condition.rank > rank:
        raise ValueError(
            text("switch", f"the condition has shape {int_shape(condition)}, the tensors have {int_shape(a)} and "
                 f"{int_shape(b)}", "a condition of no higher rank")
        )  # fmt: skip
    if condition.rank:
        condition = shape_ops.unsqueeze(condition, range(condition.rank, rank))
    return _same_kind("switch", a, b, ops.where, condition)


def _same_kind(who, a, b, choose, condition):
    if a.element_type != b.element_type:
        raise ValueError(
            text(who, f"the tensors have dtypes {a.dtype_name!r} and {b.dtype_name!r}", "one dtype", "Use K.cast().")
        )
    if a.rank != b.rank:
        raise ValueError(
            text(who, f"the tensors have shapes {shapes.to_keras(a.dims)} and {shapes.to_keras(b.dims)}", "one rank")
        )
    return choose(condition, a, b)


def _value(expression):
    return expression() if callable(expression) else expression
