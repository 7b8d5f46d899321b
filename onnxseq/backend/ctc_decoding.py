"""Connectionist temporal classification: from probabilities of steps to labels."""

import numpy as np

from onnxseq.backend.tensors import int_shape, require_tensor
from onnxseq.compiler.ops import gather, loop, reduction
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import constant, placeholder
from onnxseq.errors import text

_OFFSET = 1e-8
_NEVER = -1e30


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """Return the labels that the steps of each sample most likely spell.

    Greedily, the labels are those of the best class of each step, repeats merged and blanks, the last class, left out.
    Otherwise the likeliest beginnings are followed through the steps, alignments of one spelling summed; equal labels
    side by side in the result are merged, as tf.keras does.

    Shapes: y_pred [batch, steps, classes], input_length [batch], each path [batch, longest] with -1 behind its end,
    scores [batch, paths].

    Arguments:
        y_pred: the probabilities of the classes at each step, as softmax gives them.
        input_length: how many steps count.
        greedy: whether to take the best class of each step.
        beam_width: how many beginnings to follow.
        top_paths: how many paths to return, the likeliest first; one where greedy.

    Returns:
        A list of paths, and their scores: for a greedy path the negative sum of its logarithms of probabilities, else
        the logarithm of the probability with each step's best class counted as 1.

    Raises:
        ValueError: for another rank, or more paths than beginnings.
    """
    if require_tensor("ctc_decode", y_pred).rank != 3:
        raise ValueError(text("ctc_decode", f"y_pred has shape {int_shape(y_pred)}", "rank 3"))
    if not greedy and not 0 < top_paths <= beam_width:
        raise ValueError(text("ctc_decode", f"top_paths={top_paths!r} of beam_width={beam_width!r}",
                              "one path or more, and no more than the beam is wide"))  # fmt: skip
    likely = ops.log(y_pred + _OFFSET)
    length = ops.cast(shape_ops.reshape(input_length, (-1, 1)), "int64")
    steps = shape_ops.arange(0, shape_ops.dim_of(y_pred, 1), 1, "int64")
    counts = ops.less(shape_ops.unsqueeze(steps, [0]), length)
    blank = shape_ops.reshape(shape_ops.dim_of(y_pred, 2) - 1, ())
    if greedy:
        best = reduction.argmax(likely, 2)
        score = reduction.sum(ops.where(counts, reduction.max(likely, [2]), constant(np.float32(0))), [1], True)
        return [_dense(best, ops.logical_and(counts, ops.not_equal(best, blank)))], ops.neg(score)
    prefixes, lengths, totals = _beams(likely, counts, blank, beam_width)
    order = shape_ops.arange(0, shape_ops.dim_of(prefixes, 2), 1, "int64")
    paths = []
    for path in range(top_paths):
        held = ops.less(shape_ops.unsqueeze(order, [0]), lengths[:, path : path + 1])
        paths.append(_dense(prefixes[:, path], held))
    return paths, totals[:, :top_paths]


def _dense(labels, kept):
    """Return the labels that are kept, without repeats of the one before, close together, -1 behind them."""
    differs = ops.not_equal(labels[:, 1:], labels[:, :-1])
    first = ops.equal(labels[:, :1], labels[:, :1])
    kept = ops.logical_and(kept, shape_ops.concat([first, differs], 1))
    counted = ops.cast(kept, "int64")
    places = reduction.cumsum(counted, 1) - 1
    width = shape_ops.dim_of(labels, 1)
    longest = shape_ops.reshape(reduction.max(reduction.sum(counted, [1])), (1,))
    empty = shape_ops.concat([labels * 0 - 1, labels[:, :1] * 0 - 1], 1)
    filled = gather.scatter_elements(empty, ops.where(kept, places, width), labels, 1)
    return filled[:, :longest]


def _beams(likely, counts, blank, width):
    """Follow the likeliest beginnings; return them [batch, width, steps], their lengths and scores, the best first."""
    num_classes = shape_ops.dim_of(likely, 2)
    row = likely[:, 0, :1] * 0  # [batch, 1]
    slots = constant(np.zeros((1, width), np.float32))
    first = constant(np.where(np.arange(width) == 0, 0, _NEVER).astype(np.float32)[None])
    by_blank, by_label = row + first, row + slots + _NEVER
    labels = (
        shape_ops.unsqueeze(ops.cast(row + slots, "int64"), [2])
        * shape_ops.unsqueeze(ops.cast(likely[:, :, 0] * 0, "int64"), [1])
        - 1
    )
    begun = [by_blank, by_label, labels, ops.cast(row + slots, "int64")]
    states = [placeholder(x.element_type, x.dims) for x in begun]
    given = [shape_ops.transpose(likely, [1, 0, 2]), shape_ops.unsqueeze(shape_ops.transpose(counts, [1, 0]), [2])]
    cost, counted = (placeholder(x.element_type, x.dims[1:]) for x in given)
    new = _advance(cost, *states, blank, num_classes, width)
    kept = [
        ops.where(shape_ops.unsqueeze(counted, [2]) if x.rank == 3 else counted, x, old)
        for x, old in zip(new, states, strict=True)
    ]
    pairs = list(zip(states, begun, strict=True))
    (by_blank, by_label, labels, lengths), _, _ = loop.loop(
        pairs, list(zip((cost, counted), given, strict=True)), kept, []
    )
    return labels, lengths, _either(by_blank, by_label)


def _either(a, b):
    """Return the logarithm of the sum of two probabilities."""
    most = ops.maximum(a, b)
    return most + ops.log(1.0 + ops.exp(ops.minimum(a, b) - most))


def _picked(x, chosen):
    """Return the slots of a beam with some numbers."""
    return gather.gather_elements(x, chosen, 1)


def _advance(cost, by_blank, by_label, labels, lengths, blank, num_classes, width):
    """One step: every beginning stays as it is or grows by one label; the best ones remain."""
    cost = cost - reduction.max(cost, [1], keepdims=True)
    total = _either(by_blank, by_label)
    places = shape_ops.arange(0, shape_ops.dim_of(labels, 2), 1, "int64")
    at_end = ops.equal(places, shape_ops.unsqueeze(lengths - 1, [2]))
    last = reduction.sum(ops.where(at_end, labels, constant(np.int64(0))), [2])
    last = ops.where(ops.equal(lengths, 0), constant(np.int64(-1)), last)
    classes = shape_ops.arange(0, shape_ops.reshape(num_classes, ()), 1, "int64")
    # Growing by the last label once more needs a blank in between.
    repeats = ops.equal(shape_ops.unsqueeze(last, [2]), classes)
    grown = ops.where(repeats, shape_ops.unsqueeze(by_blank, [2]), shape_ops.unsqueeze(total, [2]))
    grown = grown + shape_ops.unsqueeze(cost, [1])
    grown = ops.where(ops.equal(classes, blank), constant(np.float32(_NEVER)), grown)
    # A beginning that grows into another one that is followed adds to it, instead of being one more.
    parent = ops.where(at_end, constant(np.int64(-1)), labels)
    is_parent = ops.logical_not(
        reduction.any(ops.not_equal(shape_ops.unsqueeze(labels, [2]), shape_ops.unsqueeze(parent, [1])), [3])
    )
    alive = ops.greater(total, _NEVER / 2)
    has_parent = ops.logical_and(ops.greater(lengths, 0), alive)
    is_parent = ops.logical_and(is_parent, shape_ops.unsqueeze(has_parent, [1]))
    is_parent = ops.logical_and(is_parent, shape_ops.unsqueeze(alive, [2]))  # [batch, from, to]
    onto = ops.equal(shape_ops.unsqueeze(last, [2]), classes)  # [batch, to, classes]
    joins = ops.logical_and(shape_ops.unsqueeze(is_parent, [3]), shape_ops.unsqueeze(onto, [1]))
    arrives = ops.where(joins, shape_ops.unsqueeze(grown, [2]), constant(np.float32(_NEVER)))
    arrives = reduction.max(reduction.max(arrives, [3]), [1])
    grown = ops.where(reduction.any(joins, [2]), constant(np.float32(_NEVER)), grown)
    of_last = gather.gather_elements(cost, ops.maximum(last, constant(np.int64(0))), 1)
    stays_blank = total + cost[:, -1:]
    stays_label = ops.where(ops.equal(lengths, 0), constant(np.float32(_NEVER)), by_label + of_last)
    stays_label = _either(stays_label, arrives)
    flat = shape_ops.reshape(grown, [*_batch(grown), -1])
    candidates = shape_ops.concat([_either(stays_blank, stays_label), flat], 1)
    _, chosen = gather.top_k(candidates, width, 1)
    stays = ops.less(chosen, width)
    number = ops.maximum(chosen - width, constant(np.int64(0)))
    count = shape_ops.reshape(num_classes, ())
    source = ops.where(stays, ops.minimum(chosen, constant(np.int64(width - 1))), ops.div(number, count))
    label = number - ops.div(number, count) * count
    never = constant(np.float32(_NEVER))
    new_blank = ops.where(stays, _picked(stays_blank, source), never)
    new_label = ops.where(stays, _picked(stays_label, source), _picked(flat, number))
    old_lengths = _picked(lengths, source)
    spread = shape_ops.expand(shape_ops.unsqueeze(source, [2]), [1, 1, shape_ops.dim_of(labels, 2)])
    old_labels = _picked(labels, spread)
    here = ops.logical_and(
        ops.equal(places, shape_ops.unsqueeze(old_lengths, [2])), ops.logical_not(shape_ops.unsqueeze(stays, [2]))
    )
    new_labels = ops.where(here, shape_ops.unsqueeze(label, [2]), old_labels)
    return new_blank, new_label, new_labels, old_lengths + ops.cast(ops.logical_not(stays), "int64")


def _batch(x):
    return [x.dims[0] if isinstance(x.dims[0], int) else shape_ops.dim_of(x, 0)]
