"""Activations, losses and normalization."""

import math

import numpy as np

from onnxseq.backend import defaults
from onnxseq.backend.math import clip
from onnxseq.backend.reductions import axes_of
from onnxseq.backend.tensors import as_tensor, int_shape
from onnxseq.compiler.ops import cross_entropy, law, reduction
from onnxseq.compiler.ops import gather as gather_ops
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import nn as nn_ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import FLOATS, attribute, numpy_dtype
from onnxseq.errors import text

# -- activations ----------------------------------------------------------------------------------------------


def relu(x, alpha=0.0, max_value=None):
    """Return x where it is positive and ``alpha * x`` elsewhere, at most ``max_value``.

    Arguments:
        x: a tensor.
        alpha: the slope below 0, a number or a tensor.
        max_value: the greatest value, None for no limit.
    """
    x = as_tensor(x)
    is_plain = isinstance(alpha, int | float)
    if is_plain and alpha and max_value is None:
        return nn_ops.leaky_relu(x, alpha)
    y = ops.relu(x) if x.element_type in FLOATS else ops.maximum(x, 0)
    if max_value is not None:
        y = ops.minimum(y, max_value)
    return y if is_plain and not alpha else y - alpha * ops.relu(-x)


def elu(x, alpha=1.0):
    """Return x where it is positive and ``alpha * (exp(x) - 1)`` elsewhere.

    Source: Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2015.
    """
    x = as_tensor(x)
    return (
        nn_ops.elu(x, alpha) if isinstance(alpha, int | float) else ops.relu(x) + alpha * (nn_ops.elu(x) - ops.relu(x))
    )


def softmax(x):
    """Return exp(x) / sum(exp(x)) over the last axis."""
    return nn_ops.softmax(as_tensor(x))


def softplus(x):
    """Return log(1 + exp(x))."""
    return ops.softplus(as_tensor(x))


def softsign(x):
    """Return x / (1 + |x|)."""
    return nn_ops.softsign(as_tensor(x))


def sigmoid(x):
    """Return 1 / (1 + exp(-x))."""
    return ops.sigmoid(as_tensor(x))


def hard_sigmoid(x):
    """Return ``0.2 * x + 0.5`` limited to [0, 1]."""
    x = as_tensor(x)
    if x.element_type not in FLOATS:
        raise TypeError(text("hard_sigmoid", f"a tensor of dtype {x.dtype_name!r} arrived", "floats", "Use K.cast()."))
    if x.dtype_name == "float64":
        return clip(0.2 * x + 0.5, 0.0, 1.0)  # the attributes of the op are float32
    return ops.hard_sigmoid(x, alpha=0.2, beta=0.5)


def tanh(x):
    """Return the hyperbolic tangent."""
    return ops.tanh(as_tensor(x))


def l2_normalize(x, axis=None):
    """Return x divided by the root of the sum of its squares over axes, kept from 0.

    Arguments:
        x: a tensor.
        axis: the axes to sum over, None for all.
    """
    x = as_tensor(x)
    total = reduction.sum(x * x, axes_of(axis), keepdims=True)
    # 1e-12, as far as the dtype holds it: float16 has nothing between 0 and 6e-8.
    least = max(1e-12, float(np.finfo(numpy_dtype(x.element_type)).smallest_subnormal))
    return x / ops.sqrt(ops.maximum(total, least))


# -- losses ---------------------------------------------------------------------------------------------------


def categorical_crossentropy(target, output, from_logits=False):
    """Return the cross entropy ``-sum(target * log(output))`` over the last axis.

    Shapes: both ``[*a, classes]``, the result ``[*a]``.

    Arguments:
        target: the true probability of each class.
        output: the predicted ones, which are brought to a sum of 1 and kept ``epsilon()`` away from 0 and 1.
        from_logits: whether the output goes through a softmax first.

    Raises:
        ValueError: for shapes that differ.
    """
    target, output = as_tensor(target, output), as_tensor(output)
    if from_logits:
        return nn_ops.softmax_cross_entropy(target, output)
    logits = _behind("Softmax", output)
    if logits is not None:
        return cross_entropy.of_softmax(logits, target, *_limits())
    output = _inside(output / reduction.sum(output, -1, keepdims=True))
    return -reduction.sum(target * ops.log(output), -1)


def sparse_categorical_crossentropy(target, output, from_logits=False):
    """Return the cross entropy ``-log(output[target])``, the output brought to a sum of 1 over its last axis.

    Shapes: target ``[*a]`` or ``[*a, 1]``, output ``[*a, classes]``, the result ``[*a]``.

    Arguments:
        target: the number of the true class, from 0 on.
        output: the predicted probability of each class, kept ``epsilon()`` away from 0 and 1.
        from_logits: whether the output goes through a softmax first.

    Raises:
        ValueError: for an output of rank 0 or a free number of classes.
    """
    target, output = as_tensor(target), as_tensor(output)
    if not output.rank or not isinstance(output.dims[-1], int):
        raise ValueError(
            text("sparse_categorical_crossentropy", f"the output has shape {int_shape(output)}", "a known last size")
        )
    classes = output.dims[-1]
    labels = ops.cast(shape_ops.reshape(target, [-1]), "int64")
    # A negative label would count from the back; the one after the last is refused when the model runs.
    labels = ops.where(ops.less(labels, 0), classes, labels)
    rows = shape_ops.reshape(output, [-1, classes])
    if not from_logits:
        rows = _inside(rows)
    chosen = gather_ops.gather_elements(rows, shape_ops.unsqueeze(labels, [1]), 1)
    if from_logits:
        total, chosen = reduction.logsumexp(rows, 1), shape_ops.squeeze(chosen, [1])
        losses = total - chosen
    else:
        losses = ops.log(reduction.sum(rows, 1)) - ops.log(shape_ops.squeeze(chosen, [1]))
    if output.rank < 3:
        return losses
    return shape_ops.reshape(
        losses, [d if isinstance(d, int) else shape_ops.dim_of(output, i) for i, d in enumerate(output.dims[:-1])]
    )


def binary_crossentropy(target, output, from_logits=False):
    """Return the cross entropy ``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Arguments:
        target: the true probabilities.
        output: the predicted ones, kept ``epsilon()`` away from 0 and 1.
        from_logits: whether the output goes through a sigmoid first.

    Raises:
        ValueError: for shapes that differ.
    """
    target, output = as_tensor(target, output), as_tensor(output)
    if target.rank != output.rank or any(
        isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(target.dims, output.dims, strict=True)
    ):
        raise ValueError(
            text("binary_crossentropy", f"shapes {int_shape(target)} and {int_shape(output)} arrived", "equal shapes")
        )
    if from_logits:
        return nn_ops.sigmoid_cross_entropy(target, output)
    logits = _behind("Sigmoid", output)
    if logits is not None:
        low, high = np.array(_limits(), numpy_dtype(output.element_type))
        # As logits of the limits that the dtype holds; in float16 the upper one is 1, which has none.
        low, high = (math.inf if p >= 1 else math.log(p / (1 - p)) for p in map(float, (low, high)))
        return cross_entropy.of_sigmoid(logits, target, low, high)
    output = _inside(output)
    return -(target * ops.log(output) + (1 - target) * ops.log(1 - output))


def _limits():
    return defaults.epsilon(), 1 - defaults.epsilon()


def _inside(probability):
    return clip(probability, *_limits())


def _behind(name, output):
    """Return what a softmax over the last axis, or a sigmoid, was given that a tensor is the result of, else None."""
    while law.is_node(output, "Identity"):
        output = output.producer().inputs[0]
    if not law.is_node(output, name):
        return None
    node = output.producer()
    return None if attribute(node, "axis", output.rank - 1) != output.rank - 1 else node.inputs[0]


def in_top_k(predictions, targets, k):
    """Return whether each target is among the k classes predicted highest; ties count as in.

    Shapes: predictions ``[batch, classes]``, targets ``[batch]``, the result ``[batch]``, of bool.

    Arguments:
        predictions: a score for each class.
        targets: the number of the true class, as integers.
        k: how many classes count.

    Raises:
        TypeError: for targets that are no integers.
    """
    targets = as_tensor(targets)
    if targets.dtype_name not in ("int32", "int64"):
        raise TypeError(
            text("in_top_k", f"targets of dtype {targets.dtype_name!r} arrived", "'int32' or 'int64'", "Use K.cast().")
        )
    return gather_ops.in_top_k(as_tensor(predictions), targets, k)
