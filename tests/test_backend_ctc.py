"""Connectionist temporal classification against all alignments, written out."""

import itertools

import numpy as np
import pytest

from onnxseq import backend as K

STEPS, CLASSES = 4, 3
P = np.random.RandomState(3).dirichlet(np.ones(CLASSES), (2, STEPS)).astype("float32")


def spelled(alignment):
    merged = [c for c, before in zip(alignment, (None, *alignment), strict=False) if c != before]
    return tuple(c for c in merged if c != CLASSES - 1)


def chances(p, steps):
    """Return the probability of every spelling."""
    found = {}
    for alignment in itertools.product(range(CLASSES), repeat=steps):
        chance = np.prod([p[t, c] for t, c in enumerate(alignment)])
        found[spelled(alignment)] = found.get(spelled(alignment), 0) + chance
    return found


def test_cost():
    labels, steps, counts = np.array([[0, 1], [1, 1]]), np.array([[4], [3]]), np.array([[2], [1]])
    arguments = [K.constant(x, dtype="int32") for x in (labels, steps, counts)]
    given = K.placeholder((None, STEPS, CLASSES))
    cost = K.ctc_batch_cost(arguments[0], given, *arguments[1:])
    (slope,) = K.gradients(K.sum(cost), [given])
    function = K.function([given], [cost, slope])
    value, gradient = function([P])
    expected = [-np.log(chances(P[0], 4)[(0, 1)]), -np.log(chances(P[1], 3)[(1,)])]
    np.testing.assert_allclose(value[:, 0], expected, rtol=1e-5)
    move = np.random.RandomState(0).uniform(-1, 1, P.shape).astype("float32") * 1e-2
    difference = (function([P + move])[0] - function([P - move])[0]).sum() / 2
    np.testing.assert_allclose((gradient * move).sum(), difference, rtol=1e-2)
    assert not gradient[1, 3].any()


def test_best_path():
    paths, _ = K.ctc_decode(K.constant(P), K.constant([4, 3], dtype="int32"))
    found = K.eval(paths[0])
    for row, p, steps in zip(found, P, (4, 3), strict=True):
        assert tuple(c for c in row if c >= 0) == spelled(p[:steps].argmax(1))


def test_beam():
    paths, scores = K.ctc_decode(
        K.constant(P), K.constant([4, 4], dtype="int32"), greedy=False, beam_width=60, top_paths=2
    )
    scores = K.eval(scores)
    for index, p in enumerate(P):
        likeliest = sorted(chances(p, STEPS).items(), key=lambda item: -item[1])
        best = np.log([likeliest[0][1], likeliest[1][1]]) - np.log(p.max(1)).sum()
        np.testing.assert_allclose(scores[index], best, atol=1e-4)
        merged = tuple(c for c, before in zip(likeliest[0][0], (None, *likeliest[0][0]), strict=False) if c != before)
        assert tuple(c for c in K.eval(paths[0])[index] if c >= 0) == merged


def test_sparse_labels():
    labels = K.ctc_label_dense_to_sparse(K.constant([[1, 2], [3, 4]], dtype="int32"), K.constant([1, 2], dtype="int32"))
    assert K.is_sparse(labels)
    np.testing.assert_array_equal(K.eval(K.to_dense(labels)), [[1, 0], [3, 4]])


MESSAGES = [
    (lambda: K.ctc_batch_cost(K.zeros((2, 3, 1)), K.zeros((2, 4, 3)), K.zeros((2, 1)), K.zeros((2, 1))),
     "ctc_batch_cost: y_true has shape (2, 3, 1); expected rank 2."),
    (lambda: K.ctc_decode(K.zeros((2, 3)), K.zeros((2,))), "ctc_decode: y_pred has shape (2, 3); expected rank 3."),
    (lambda: K.ctc_decode(K.zeros((2, 3, 4)), K.zeros((2,)), greedy=False, beam_width=2, top_paths=3),
     "ctc_decode: top_paths=3 of beam_width=2; expected one path or more, and no more than the beam is wide."),
]  # fmt: skip


@pytest.mark.parametrize(("act", "message"), MESSAGES)
def test_message(act, message):
    with pytest.raises(ValueError) as error:
        act()
    assert str(error.value) == message
