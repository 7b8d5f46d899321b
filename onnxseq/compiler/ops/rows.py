"""Rows of a table, each of which is written once however often its position occurs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import gather, math, shape
from onnxseq.compiler.ops.law import Op, same_dtype
from onnxseq.compiler.tensor import Tensor, constant

INT32, INT64 = ir.DataType.INT32, ir.DataType.INT64


def _nonzero_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    return [(INT64, (inputs[0].rank, shapes.fresh_name()))]


def _scatter_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, positions, updates = inputs
    if positions.element_type != INT64:
        raise TypeError(f"the positions have dtype {positions.dtype_name}; expected int64. Use K.cast().")
    return [(same_dtype((x, updates)), x.dims)]


nonzero_op = Op("NonZero", _nonzero_types)
# Positions must be distinct: the runtime writes several rows at once.
scatter_nd_op = Op("ScatterND", _scatter_types)


def put(x: Tensor, positions: Tensor, rows: Tensor) -> Tensor:
    """Return x with other rows at distinct positions along its first axis."""
    column = math.cast(shape.unsqueeze(positions, [1]), INT64)
    return scatter_nd_op(x, column, rows)


def summed(g: Tensor, positions: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the distinct ones among the positions of rows, and for each of them the sum of its rows.

    Every position is noted in a list with one place per row of the table, where the last one stays; whose place holds
    another one is added to that one. So only what occurs again is added element by element: for 2560 positions among
    20,000, rows of 128, 0.3 ms where adding to zeros takes 1.8 and making these 0.5.

    Arguments:
        g: rows, (*positions, *row).
        positions: whole numbers from minus the number of the table's rows up to this number.
        dims: the table's shape.
    """
    line = shape.reshape(positions, (-1,))
    updates = shape.reshape(g, (-1, *dims[1:]))
    order = _numbers(line)
    noted = shape.expand(constant(np.zeros((), np.int32)), [dims[0]])
    last = gather.gather(gather.scatter_elements_op(noted, line, order, axis=0), line)
    is_last = math.equal(last, order)
    again = _places(math.logical_not(is_last))
    added = gather.add_to_rows(updates, gather.gather(last, again), gather.gather(updates, again))
    chosen = _places(is_last)
    return gather.gather(line, chosen), gather.gather(added, chosen)


def _numbers(line: Tensor) -> Tensor:
    size = line.dims[0] if isinstance(line.dims[0], int) else shape.dim_of(line, 0)
    return math.cast(shape.arange(size), INT32)


def _places(marked: Tensor) -> Tensor:
    return shape.squeeze(nonzero_op(marked), [0])
