"""Work of a loop's single steps done for all steps at once, outside the loop.

A value of one step has a *sequence*: the same value of every step, stacked along a new first axis. An op can be
lifted where sequences of its inputs give the sequence of its output by ops as large as all steps together.
"""

from collections.abc import Callable, Collection, Sequence

import onnx_ir as ir

from onnxseq.compiler.ops import law, linalg, math, reduction, shape
from onnxseq.compiler.tensor import FLOATS, Tensor, attribute, constant_value

Sequences = Callable[[Tensor], Tensor]


def can_lift(node: ir.Node, varying: Collection[Tensor]) -> bool:
    """Tell whether an op can be lifted; the values that vary from step to step have sequences."""
    op = law.of(node)
    if op.random:
        return False
    if op.elementwise:
        rank = node.outputs[0].rank
        return all(x is None or x.rank <= rank for x in node.inputs)
    if node.domain:
        return False
    if node.op_type == "MatMul":
        a, b = node.inputs
        return a.rank == 2 and b.rank == 2 and a in varying
    if node.op_type in ("Split", "Squeeze", "Unsqueeze"):
        return node.inputs[0] in varying and all(constant_value(x) is not None for x in node.inputs[1:])
    if node.op_type == "Concat":
        return all(x in varying for x in node.inputs)
    return node.op_type == "Transpose"


def lift(node: ir.Node, varying: Collection[Tensor], sequence: Sequences) -> Sequence[Tensor]:
    """Return the sequences of a node's outputs."""
    inputs = [sequence(x) if x in varying else x for x in node.inputs]
    if law.of(node).elementwise:
        rank = node.outputs[0].rank
        if node.op_type == "Add" and rank == 2:
            for x, row in ((0, 1), (1, 0)):
                # A bias is added to the rows of a product, of which it becomes a part.
                if node.inputs[row] not in varying and inputs[row].dims in (y := node.outputs[0].dims[1:], (1, *y)):
                    if law.is_node(inputs[x], "Reshape") and inputs[x].producer().inputs[0].rank == 2:
                        return [_as_steps(math.add(inputs[x].producer().inputs[0], inputs[row]), inputs[x])]
        for i, x in enumerate(node.inputs):
            if x in varying and x.rank < rank:
                inputs[i] = shape.unsqueeze(inputs[i], range(1, 1 + rank - x.rank))
        return law.again(node, inputs)
    if node.op_type == "MatMul":
        a, b = inputs
        if node.inputs[1] in varying:
            return [linalg.matmul_op(a, b)]
        rows = linalg.matmul_op(shape.reshape(a, (-1, a.dims[-1])), b)
        return [_as_steps(rows, a)]
    if node.op_type == "Transpose":
        perm = attribute(node, "perm") or tuple(reversed(range(node.inputs[0].rank)))
        return [shape.transpose(inputs[0], [0, *(p + 1 for p in perm)])]
    if node.op_type in ("Squeeze", "Unsqueeze"):
        change = shape.squeeze if node.op_type == "Squeeze" else shape.unsqueeze
        rank = node.inputs[0].rank if node.op_type == "Squeeze" else node.outputs[0].rank
        return [change(inputs[0], [a % rank + 1 for a in _numbers(node.inputs[1])])]
    return law.again(node, inputs, axis=attribute(node, "axis", 0) % node.inputs[0].rank + 1)


def _numbers(x: Tensor) -> list[int]:
    value = constant_value(x)
    return [] if value is None else [int(v) for v in value]


def _as_steps(rows: Tensor, like: Tensor) -> Tensor:
    """Return rows of all steps and entries as [steps, entries, columns]."""
    sizes = [d if isinstance(d, int) else shape.dim_of(like, i) for i, d in enumerate(like.dims[:2])]
    return shape.with_dims(shape.reshape(rows, [*sizes, rows.dims[1]]), (*like.dims[:2], rows.dims[1]))


class Total:
    """The sum over all steps of a value that each step has.

    Attributes:
        parts: the values whose sequences it is made from.
        build: makes it, given the sequences.
    """

    def __init__(self, parts: Sequence[Tensor], build: Callable[[Sequences], Tensor]):
        self.parts, self.build = list(parts), build


def total(value: Tensor, varying: Collection[Tensor], ends: Collection[Tensor]) -> Total:
    """Plan the sum over all steps: of products as one product with the steps side by side, of sums as one sum."""
    node = value.producer()
    if node is not None and value in varying and value not in ends and not node.domain:
        inputs = node.inputs
        if node.op_type == "Add" and all(x in varying and x.dims == value.dims for x in inputs):
            a, b = (total(x, varying, ends) for x in inputs)
            return Total([*a.parts, *b.parts], lambda sequence: a.build(sequence) + b.build(sequence))
        if node.op_type == "MatMul" and all(x in varying and x.rank == 2 for x in inputs):
            left, turned = _plain(inputs[0], varying, ends)
            return Total(
                [left, inputs[1]], lambda s: linalg.matmul_op(_side_by_side(s(left), turned), _rows(s(inputs[1])))
            )
        if node.op_type == "ReduceSum" and inputs[0].rank == 2 and reduction.reduced_axes(node) == (0,):
            kept = bool(attribute(node, "keepdims", 1))
            return Total([inputs[0]], lambda sequence: reduction.sum(_rows(sequence(inputs[0])), [0], keepdims=kept))
        if node.op_type in ("Squeeze", "Transpose") and inputs[0] in varying:
            inner = total(inputs[0], varying, ends)
            return Total(inner.parts, lambda s: law.again(node, [inner.build(s), *inputs[1:]])[0])
    return Total([value], lambda sequence: reduction.sum(sequence(value), [0]))


def _plain(x: Tensor, varying: Collection[Tensor], ends: Collection[Tensor]) -> tuple[Tensor, bool]:
    if x not in ends and law.is_node(x, "Transpose") and x.producer().inputs[0] in varying:
        return x.producer().inputs[0], True
    return x, False


def _rows(x: Tensor) -> Tensor:
    """[steps, entries, columns] as [steps*entries, columns]."""
    return shape.reshape(x, (-1, x.dims[-1]))


def _side_by_side(x: Tensor, turned: bool) -> Tensor:
    """The matrices of all steps, turned over or not, side by side."""
    if turned:
        return shape.transpose(_rows(x), [1, 0])
    flat = shape.transpose(x, [1, 0, 2])
    return shape.reshape(flat, (x.dims[1] if isinstance(x.dims[1], int) else shape.dim_of(x, 1), -1))


def constant_sequence(value: Tensor, num_steps: Tensor) -> Tensor:
    """Return the sequence of a value which is the same at every step."""
    return shape.expand(shape.unsqueeze(value, [0]), [num_steps, *[1] * value.rank])


def is_float(x: Tensor) -> bool:
    """Tell whether a gradient can flow through a value."""
    return x.element_type in FLOATS
