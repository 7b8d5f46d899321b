"""Matrix products against NumPy."""

import numpy as np
import pytest

from onnxseq.compiler.ops import linalg
from onnxseq.compiler.tensor import constant, placeholder
from tests.op_check import Case, Feed, check, name_of, variants


def product(label, a, b, **more):
    return Case("MatMul", linalg.matmul, [Feed(a), Feed(b)], np.matmul, label=label, **more)


def keras_dot(x, y):
    return np.tensordot(x, y, ([x.ndim - 1], [max(y.ndim - 2, 0)]))


def gemm(**attributes):
    def build(a, b, *c):
        return linalg.gemm(a, b, *c, **attributes)

    def reference(a, b, c=0.0):
        a = a.T if attributes.get("transA") else a
        b = b.T if attributes.get("transB") else b
        return attributes.get("alpha", 1.0) * a @ b + attributes.get("beta", 1.0) * c

    return build, reference


def gemm_row(label, a, b, *c, **attributes):
    build, reference = gemm(**attributes)
    return Case("Gemm", build, [Feed(s) for s in (a, b, *c)], reference, label=label)


def batched(axes):
    """Keras's batch_dot, entry by entry of the batch."""

    def reference(x, y):
        of_x, of_y = axes
        rows = [np.tensordot(a, b, ([of_x - 1], [of_y - 1])) for a, b in zip(x, y, strict=True)]
        result = np.stack(rows)
        return result[:, None] if result.ndim == 1 else result

    return reference


def batch_row(label, a, b, axes, given=None):
    return Case(
        "Mul" if len(a) == len(b) == 2 else "MatMul",
        lambda x, y: linalg.batch_dot(x, y, given),
        [Feed(a), Feed(b)],
        batched(axes),
        label=f"batch dot {label}",
    )


CASES = [
    product("matrices", (2, 3), (3, 4), dtypes=("float32", "float16")),
    product("batches", (5, 2, 3), (5, 3, 4)),
    product("one matrix for all", (5, 2, 3), (3, 4)),
    product("one matrix for all of more", (2, 5, 2, 3), (3, 4)),
    product("one matrix before", (2, 3), (5, 3, 4)),
    product("broadcast batches", (5, 1, 2, 3), (6, 3, 4)),
    product("broadcast both", (5, 1, 2, 3), (1, 6, 3, 4)),
    product("vectors", (3,), (3,)),
    product("row", (3,), (3, 4)),
    product("column", (2, 3), (3,)),
    product("row and batches", (3,), (5, 3, 4)),
    product("batches and column", (5, 2, 3), (3,)),
    product("thin", (1, 3), (3, 1)),
    product("empty", (0, 3), (3, 2), order=0),
    Case("MatMul", lambda x: x @ x, [Feed((3, 3))], lambda x: x @ x, label="itself"),
    Case("MatMul", linalg.dot, [Feed((2, 3)), Feed((3, 4))], keras_dot, label="dot"),
    Case("MatMul", linalg.dot, [Feed((2, 5, 3)), Feed((3, 4))], keras_dot, label="dot of rank 3"),
    Case("MatMul", linalg.dot, [Feed((2, 5, 3)), Feed((6, 3, 4))], keras_dot, label="dot of ranks 3"),
    Case("MatMul", linalg.dot, [Feed((2, 3)), Feed((5, 2, 3, 4))], keras_dot, label="dot of ranks 2 and 4"),
    batch_row("matrices", (5, 2, 3), (5, 3, 4), (2, 1)),
    batch_row("last axes", (5, 2, 3), (5, 4, 3), (2, 2), 2),
    batch_row("first axes", (5, 3, 2), (5, 3, 4), (1, 1), (1, 1)),
    batch_row("crossed", (5, 3, 2), (5, 4, 3), (1, 2), [1, 2]),
    batch_row("vectors", (5, 3), (5, 3), (1, 1), 1),
    batch_row("row", (5, 3), (5, 3, 4), (1, 1), 1),
    batch_row("row, last axis", (5, 3), (5, 4, 3), (1, 2), (1, 2)),
    batch_row("column", (5, 2, 3), (5, 3), (2, 1), (2, 1)),
    gemm_row("plain", (2, 3), (3, 4)),
    gemm_row("with a row", (2, 3), (3, 4), (4,)),
    gemm_row("with a column", (2, 3), (3, 4), (2, 1), beta=-0.5),
    gemm_row("transposed left", (3, 2), (3, 4), (2, 4), transA=1, alpha=2.0),
    gemm_row("transposed right", (2, 3), (4, 3), (), transB=1, beta=3.0),
    gemm_row("transposed both", (3, 2), (4, 3), (4,), transA=1, transB=1, alpha=0.5, beta=0.0),
]


@pytest.mark.parametrize("run", variants(CASES), ids=name_of)
def test_op(run):
    check(*run)


def test_static_shape_of_a_product_of_free_sizes():
    x = placeholder("float32", ("batch", "steps", 3), "x")
    assert (x @ constant(np.zeros((3, 7), "float32"))).dims == ("batch", "steps", 7)


def zeros(*dims):
    return constant(np.zeros(dims))


MESSAGES = [
    (
        lambda: zeros(2, 3) @ zeros(4, 5),
        "MatMul: inputs have shapes (2, 3) and (4, 5); "
        "expected equal sizes on the axes that are summed over, not 3 and 4.",
    ),
    (
        lambda: zeros() @ zeros(4),
        "MatMul: an input is a scalar; expected tensors of rank 1 or more. Use * for scaling.",
    ),
    (lambda: linalg.matmul_op(zeros(2), zeros(2, 3)), "MatMul: inputs have ranks 1 and 2; expected at least 2 each."),
    (lambda: linalg.gemm(zeros(2, 3), zeros(1, 3, 4)), "Gemm: inputs have ranks 2 and 3; expected matrices."),
    (
        lambda: linalg.gemm(zeros(2, 3), zeros(3, 4), zeros(1, 2, 4)),
        "Gemm: c has shape (1, 2, 4); expected one that broadcasts to a matrix.",
    ),
]


@pytest.mark.parametrize("call, text", MESSAGES, ids=range(len(MESSAGES)))
def test_message(call, text):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == text
