"""Connectionist temporal classification: its cost, its decoding by the best path, and the labels it takes."""

import numpy as np

from onnxseq.backend.tensors import int_shape, mark_sparse, require_tensor
from onnxseq.compiler.ops import gather, loop, reduction
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import constant, placeholder
from onnxseq.errors import text

_OFFSET = 1e-8  # what is added to probabilities before their logarithm
_NEVER = -1e30  # the logarithm of what does not happen: finite, so that no gradient is lost in inf - inf


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """Return what it costs each sample that its steps spell its labels, in any alignment.

    ``cost[b] = -log sum over alignments a of prod over steps t of y_pred[b, t, a[t]]``, where an alignment is the
    labels in their order, each at one step or more, with any number of blanks, the last class, between them.

    Shapes: y_true [batch, labels], y_pred [batch, steps, classes], both lengths and the result [batch, 1].

    Arguments:
        y_true: the labels, whole numbers.
        y_pred: the probabilities of the classes at each step, as softmax gives them.
        input_length: how many steps count.
        label_length: how many labels count.

    Raises:
        ValueError: for other ranks.

    Source: Graves et al., Connectionist temporal classification (2006).
    """
    for name, x, rank in (("y_true", y_true, 2), ("y_pred", y_pred, 3)):
        if require_tensor("ctc_batch_cost", x).rank != rank:
            raise ValueError(text("ctc_batch_cost", f"{name} has shape {int_shape(x)}", f"rank {rank}"))
    logits = ops.log(shape_ops.transpose(y_pred, [1, 0, 2]) + _OFFSET)
    likely = logits - reduction.logsumexp(logits, [2], keepdims=True)
    labels, blank = ops.cast(y_true, "int64"), ops.cast(shape_ops.dim_of(y_pred, 2) - 1, "int64")
    spelled = _with_blanks(labels, blank)
    # What every position of a spelling costs at every step.
    emitted = gather.gather_elements(
        likely,
        shape_ops.expand(shape_ops.unsqueeze(spelled, [0]), _sizes([(y_pred, 1), (spelled, 0), (spelled, 1)])),
        2,
    )
    before = shape_ops.concat([spelled[:, :1] * 0 - 1, spelled[:, :1] * 0 - 1, spelled[:, :-2]], 1)
    skips = ops.logical_and(ops.not_equal(spelled, blank), ops.not_equal(spelled, before))
    positions = shape_ops.arange(0, shape_ops.dim_of(spelled, 1), 1, "int64")
    begun = ops.where(ops.equal(positions, 0), constant(np.float32(0)), constant(np.float32(_NEVER)))
    begun = shape_ops.expand(shape_ops.unsqueeze(begun, [0]), _sizes([(spelled, 0), (spelled, 1)]))
    counts = ops.less(_step_numbers(y_pred), ops.cast(shape_ops.reshape(input_length, (1, -1)), "int64"))
    reached = _reached(begun, emitted, shape_ops.unsqueeze(counts, [2]), skips)
    last = ops.cast(shape_ops.reshape(label_length, (-1, 1)), "int64") * 2
    ends = ops.logical_or(ops.equal(positions, last), ops.equal(positions, last - 1))
    return ops.neg(reduction.logsumexp(ops.where(ends, reached, constant(np.float32(_NEVER))), [1], keepdims=True))


def _reached(begun, emitted, counts, skips):
    """Return the logarithm of the probability of every position of a spelling after the last step that counts."""
    state, cost, counted = (
        placeholder(x.element_type, dims)
        for x, dims in ((begun, begun.dims), (emitted, emitted.dims[1:]), (counts, counts.dims[1:]))
    )
    never = state[:, :1] * 0 + _NEVER
    by_one = shape_ops.concat([never, state[:, :-1]], 1)
    by_two = ops.where(skips, shape_ops.concat([never, never, state[:, :-2]], 1), constant(np.float32(_NEVER)))
    ways = shape_ops.concat([shape_ops.unsqueeze(way, [2]) for way in (state, by_one, by_two)], 2)
    new = ops.where(counted, reduction.logsumexp(ways, [2]) + cost, state)
    finals, _, _ = loop.loop([(state, begun)], [(cost, emitted), (counted, counts)], [new], [])
    return finals[0]


def _with_blanks(labels, blank):
    """Return labels with a blank before, between and behind them."""
    column = shape_ops.unsqueeze(labels, [2])
    pairs = shape_ops.concat([column * 0 + blank, column], 2)
    flat = shape_ops.reshape(pairs, [*_sizes([(labels, 0)]), -1])
    return shape_ops.concat([flat, flat[:, :1]], 1) if labels.dims[1] else labels


def _sizes(places):
    return [x.dims[axis] if isinstance(x.dims[axis], int) else shape_ops.dim_of(x, axis) for x, axis in places]


def _step_numbers(y_pred):
    """Return the numbers of the steps as a column."""
    return shape_ops.unsqueeze(shape_ops.arange(0, shape_ops.dim_of(y_pred, 1), 1, "int64"), [1])


def ctc_label_dense_to_sparse(labels, label_lengths):
    """Return labels up to each row's length, marked as sparse; ``to_dense`` gives zeros for the rest.

    Shapes: labels and the result [batch, longest], label_lengths [batch].

    Arguments:
        labels: the labels.
        label_lengths: how many of each row count.
    """
    require_tensor("ctc_label_dense_to_sparse", labels)
    places = shape_ops.arange(0, shape_ops.dim_of(labels, 1), 1, "int64")
    held = ops.less(shape_ops.unsqueeze(places, [0]), ops.cast(shape_ops.reshape(label_lengths, (-1, 1)), "int64"))
    return mark_sparse(ops.where(held, labels, ops.scalar(0, labels)))
