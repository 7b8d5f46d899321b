"""How convolution and its gradients run.

Expansions are written for the layout ``last`` in shifts and matrix products, for any floating dtype and any number
of axes; lowerings use the runtime's convolutions, which know float32 only on the CPU provider.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import (
    blocked,
    blocked_input_grad,
    blocked_kernel_grad,
    conv_kernel_grad,
    depthwise,
    index,
    law,
    linalg,
    math,
    reduction,
    shape,
    volumes,
    windows,
)
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.ops.windows import FIRST, LAST
from onnxseq.compiler.tensor import Tensor, attribute
from onnxseq.shapes import Dims

FLOAT = ir.DataType.FLOAT
HALVES = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)
GEOMETRY = ("strides", "dilations", "pads", "groups", "spatial", "kernel", "size")


# -- changing the layout or the dtype around a node ------------------------------------------------------------


def again(node: ir.Node, inputs: Sequence[Tensor | None], **changed: object) -> Tensor:
    """Record a node's op once more, on other inputs and with changed attributes."""
    attributes = windows.attributes_of(node, *GEOMETRY)
    return law.of(node)(*inputs, **{**attributes, **changed})


def in_layout(node: ir.Node, layout: str, carriers: Sequence[int], result: bool = True) -> Tensor:
    """Record a node's op in another layout, its carriers (inputs with spatial axes) and its result converted."""
    source, block = windows.node_layout(node)
    inputs = [
        relayout(x, *_between(windows.held_layout(node, i), layout)) if i in carriers else x
        for i, x in enumerate(node.inputs)
    ]
    y = again(node, inputs, layout=layout, block=None)
    return relayout(y, layout, source, block) if result else y


def _between(held: tuple[str, int], layout: str) -> tuple[str, str, int]:
    return held[0], layout, held[1]


def in_float32(node: ir.Node) -> Tensor:
    """Record a node's op in float32 between casts."""
    inputs = [
        None if x is None else math.cast(x, FLOAT) if x.element_type in HALVES else x for x in node.inputs
    ]
    return math.cast(again(node, inputs), node.outputs[0].element_type)


# -- expansions ------------------------------------------------------------------------------------------------


def _taps(x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Iterator[Tensor]:
    """Yield for each place in the window what it sees of a padded x in layout last: [N, *windows, C]."""
    axes = range(1, x.rank - 1)
    for place in np.ndindex(*kernel):
        starts = [k * d for k, d in zip(place, dilations, strict=True)]
        # Ends are counted from the back, which works for free sizes as well.
        back = [d * (size - 1 - k) for k, d, size in zip(place, dilations, kernel, strict=True)]
        ends = [-b if b else index.END for b in back]
        yield index.slice(x, starts, ends, axes, strides)


def _pad(x: Tensor, before: Sequence[Size], after: Sequence[Size]) -> Tensor:
    return shape.pad(x, [(0, 0), *zip(before, after, strict=True), (0, 0)])


def _grouped(x: Tensor, groups: int) -> Tensor:
    """Turn [..., C] into [..., groups, 1, C/groups], so that a matrix product works within each group."""
    return shape.reshape(x, (*x.dims[:-1], groups, 1, x.dims[-1] // groups))  # type: ignore[operator]


def _kernels(w: Tensor, groups: int) -> list[Tensor]:
    """Return a kernel's matrices, one per place in the window: [C/groups, M], or [groups, C/groups, M/groups]."""
    *kernel, depth, filters = w.dims
    places = int(np.prod(kernel))  # type: ignore[arg-type]
    flat = shape.reshape(w, (places, depth, filters))
    matrices = [shape.squeeze(index.slice(flat, [i], [i + 1], [0]), [0]) for i in range(places)]
    if groups == 1:
        return matrices
    return [shape.transpose(shape.reshape(m, (depth, groups, filters // groups)), (1, 0, 2)) for m in matrices]  # type: ignore[operator]


def _sum_of_products(taps: Iterator[Tensor], matrices: Sequence[Tensor], groups: int) -> Tensor:
    total = None
    depthwise = groups > 1 and matrices[0].dims[1:] == (1, 1)
    for tap, matrix in zip(taps, matrices, strict=True):
        if depthwise:
            term = tap * shape.reshape(matrix, (groups,))
            total = term if total is None else total + term
            continue
        term = linalg.matmul(_grouped(tap, groups) if groups > 1 else tap, matrix)
        total = term if total is None else total + term
    if groups > 1 and not depthwise:
        total = shape.reshape(total, (*total.dims[:-3], groups * total.dims[-1]))  # type: ignore[arg-type, union-attr]
    return total  # type: ignore[return-value]


def expand_conv(node: ir.Node) -> Tensor:
    """y = sum over the window of (x shifted) @ w[place]."""
    if windows.node_layout(node)[0] != LAST:
        return in_layout(node, LAST, carriers=(0,))
    x, w = node.inputs
    rank, groups, pads = x.rank - 2, attribute(node, "groups"), attribute(node, "pads")
    padded = _pad(x, pads[:rank], pads[rank:])
    taps = _taps(padded, w.dims[:-2], attribute(node, "strides"), attribute(node, "dilations"))
    return _sum_of_products(taps, _kernels(w, groups), groups)


def expand_input_grad(node: ir.Node) -> Tensor:
    """The convolution of dy, spread by the strides and padded, with the kernel turned around."""
    if windows.node_layout(node)[0] != LAST:
        return in_layout(node, LAST, carriers=(0,))
    dy, w = node.inputs[0], node.inputs[1]
    rank, groups = dy.rank - 2, attribute(node, "groups")
    kernel, dilations, pads = w.dims[:-2], attribute(node, "dilations"), attribute(node, "pads")
    spread = _spread(dy, attribute(node, "strides"))
    before = [d * (k - 1) - p for d, k, p in zip(dilations, kernel, pads[:rank], strict=True)]
    after = [d * (k - 1) - p for d, k, p in zip(dilations, kernel, pads[rank:], strict=True)]
    spread = _pad(spread, before, [e + a for a, e in zip(after, left_over(node), strict=True)])
    axes = (0, 2, 1) if groups > 1 else (1, 0)
    turned = [shape.transpose(m, axes) for m in reversed(_kernels(w, groups))]
    taps = _taps(spread, kernel, (1,) * rank, dilations)
    return _sum_of_products(taps, turned, groups)


def _spread(dy: Tensor, strides: Sequence[int]) -> Tensor:
    """Put ``stride - 1`` zeros between neighbours on each spatial axis of a tensor in layout last."""
    for axis, stride in enumerate(strides, start=1):
        if stride == 1:
            continue
        apart = shape.unsqueeze(dy, [axis + 1])
        apart = shape.pad(apart, [(0, stride - 1 if i == axis + 1 else 0) for i in range(apart.rank)])
        dims = (*dy.dims[:axis], shapes.multiply(dy.dims[axis], stride), *dy.dims[axis + 1 :])
        dy = index.slice(shape.reshape(apart, dims), [0], [1 - stride], [axis])
    return dy


def left_over(node: ir.Node) -> list[Size]:
    """Return by how much dx is longer than its windows need on each axis: the remainder that the strides leave."""
    dy, w = node.inputs[0], node.inputs[1]
    layout, block = windows.node_layout(node)
    _, arrived, _ = windows.split(dy.dims, layout, block)
    rule = [attribute(node, name) for name in ("strides", "dilations", "pads")]
    natural = windows.natural_dims(arrived, w.dims[:-2], *rule)
    _, wanted, _ = windows.split(node.outputs[0].dims, layout, block)
    first = 1 if layout == LAST else 2
    extra: list[Size] = []
    for i, (have, want) in enumerate(zip(natural, wanted, strict=True)):
        if isinstance(have, int) and isinstance(want, int):
            extra.append(want - have)
        elif have == want:
            extra.append(0)
        else:
            strides, dilations, pads = rule
            reach = dilations[i] * (w.dims[i] - 1) + 1 - pads[i] - pads[i + len(natural)]
            needed = (shape.dim_of(dy, first + i) - 1) * strides[i] + reach
            extra.append(index.slice(node.inputs[2], [i], [i + 1], [0]) - needed)
    return extra


def expand_kernel_grad(node: ir.Node) -> Tensor:
    """dw[place] = (x shifted, as a matrix of its positions)^T @ (dy likewise)."""
    if windows.node_layout(node)[0] != LAST:
        return in_layout(node, LAST, carriers=(0, 1), result=False)
    x, dy = node.inputs
    rank, groups, pads = x.rank - 2, attribute(node, "groups"), attribute(node, "pads")
    kernel = attribute(node, "kernel")
    depth, filters = node.outputs[0].dims[-2:]
    padded = _pad(x, pads[:rank], pads[rank:])
    if depth == 1 and groups > 1:
        return _depthwise_kernel_grad(node, padded, dy)
    right = shape.reshape(dy, (-1, groups, filters // groups))
    right = shape.transpose(right, (1, 0, 2))
    products = []
    for tap in _taps(padded, kernel, attribute(node, "strides"), attribute(node, "dilations")):
        left = shape.transpose(shape.reshape(tap, (-1, groups, depth)), (1, 2, 0))
        products.append(shape.transpose(linalg.matmul(left, right), (1, 0, 2)))
    return shape.reshape(shape.concat(products, 0), (*kernel, depth, filters))


def _depthwise_kernel_grad(node: ir.Node, padded: Tensor, dy: Tensor) -> Tensor:
    """With one channel in each group dw[place] is a sum over pixels of elementwise products."""
    groups, kernel, filters = attribute(node, "groups"), attribute(node, "kernel"), node.outputs[0].dims[-1]
    apart = shape.reshape(dy, (*dy.dims[:-1], groups, filters // groups))
    sums = []
    for tap in _taps(padded, kernel, attribute(node, "strides"), attribute(node, "dilations")):
        products = tap * dy if filters == groups else shape.unsqueeze(tap, [tap.rank]) * apart
        sums.append(reduction.sum(shape.reshape(products, (-1, filters)), [0], keepdims=True))
    return shape.reshape(shape.concat(sums, 0), node.outputs[0].dims)


# -- the runtime's convolutions --------------------------------------------------------------------------------


def by_runtime(name: str, domain: str = "") -> law.Op:
    """An op of lowered graphs alone: it has no gradient, and its spatial sizes are given with each call."""

    def types(inputs: Sequence[Tensor], attributes: Any) -> list:
        x = inputs[0]
        return [(x.element_type, (x.dims[0], *(shapes.fresh_name() for _ in x.dims[1:])))]

    return law.Op(name, types, domain=domain)


onnx_conv = by_runtime("Conv")
onnx_conv_transpose = by_runtime("ConvTranspose")


def _unsupported(node: ir.Node, target: Any) -> bool:
    return target.on_cpu and node.outputs[0].element_type != FLOAT


def _pointwise(node: ir.Node, kernel: Dims) -> bool:
    """Tell whether a convolution looks at single positions, so that it is a matrix product."""
    plain = set(kernel) == {1} and set(attribute(node, "strides")) == {1} and not any(attribute(node, "pads"))
    return plain and attribute(node, "groups") == 1 and windows.node_layout(node)[0] == LAST


def to_first(x: Tensor, layout: str, block: int = 0) -> Tensor:
    """Return a tensor in layout first."""
    return relayout(x, layout, FIRST, block)


def kernel_first(w: Tensor) -> Tensor:
    """Turn Keras's [*kernel, C/groups, M] into ONNX's [M, C/groups, *kernel]."""
    rank = w.rank - 2
    return shape.transpose(w, (rank + 1, rank, *range(rank)))


def wrapped(node: ir.Node, y: Tensor) -> Tensor:
    """Bring a result in layout first into the node's own."""
    return shape.with_dims(relayout(y, FIRST, *windows.node_layout(node)), node.outputs[0].dims)


def dims_first(node: ir.Node) -> Dims:
    """Return the dims of a node's result in layout first."""
    return windows.join(*windows.split(node.outputs[0].dims, *windows.node_layout(node)), FIRST)


def _lower_conv(node: ir.Node, target: Any) -> Tensor | None:
    if node.outputs[0].element_type in HALVES and target.on_cpu:
        return in_float32(node)
    if _unsupported(node, target):
        return None
    x, w = node.inputs
    if _pointwise(node, w.dims[:-2]):
        return linalg.matmul(x, shape.reshape(w, w.dims[-2:]))
    y = onnx_conv(
        to_first(x, *windows.held_layout(node)),
        kernel_first(w),
        strides=attribute(node, "strides"),
        dilations=attribute(node, "dilations"),
        pads=attribute(node, "pads"),
        group=attribute(node, "groups"),
    )
    return wrapped(node, shape.with_dims(y, dims_first(node)))


def _lower_input_grad(node: ir.Node, target: Any) -> Tensor | None:
    if node.outputs[0].element_type in HALVES and target.on_cpu:
        return in_float32(node)
    if _unsupported(node, target):
        return None
    dy, w = node.inputs[0], node.inputs[1]
    if _pointwise(node, w.dims[:-2]):
        return linalg.matmul(dy, shape.transpose(shape.reshape(w, w.dims[-2:]), (1, 0)))
    if target.on_cpu and volumes.fits(node):
        return volumes.lower_input_grad(node)
    if _turns(node):
        return _by_turned_kernel(node, dy, w)
    extra, pads = left_over(node), attribute(node, "pads")
    rank, known = len(extra), all(isinstance(e, int) for e in extra)
    y = onnx_conv_transpose(
        to_first(dy, *windows.node_layout(node)),
        kernel_first(w),
        strides=attribute(node, "strides"),
        dilations=attribute(node, "dilations"),
        pads=pads if known else (*pads[:rank], *(0 for _ in extra)),
        output_padding=extra if known else None,
        group=attribute(node, "groups"),
    )
    if not known:  # what padding would have cut off at the end is cut or added when the size is known
        y = shape.pad(y, [(0, 0), (0, 0), *((0, e - p) for e, p in zip(extra, pads[rank:], strict=True))])
    return wrapped(node, shape.with_dims(y, dims_first(node)))


def _turns(node: ir.Node) -> bool:
    """Tell whether the input gradient is faster as a convolution: for single channels, and for windows of one pixel.

    32x32x32x32, 3x3, one filter for each channel: 3.2 ms against 4.6 (training build 4.7 against 8.5).
    """
    groups, (depth, filters) = attribute(node, "groups"), node.inputs[1].dims[-2:]
    single = groups > 1 and depth == 1 and filters == groups
    point = groups == 1 and set(node.inputs[1].dims[:-2]) == {1} and not any(attribute(node, "pads"))
    rule = [attribute(node, name) for name in ("dilations", "pads")]
    reach = [d * (k - 1) for d, k in zip(rule[0], node.inputs[1].dims[:-2], strict=True)]
    inside = all(p <= r for p, r in zip(rule[1], reach * 2, strict=True))
    return (single or point) and inside and set(attribute(node, "strides")) == {1}


def _by_turned_kernel(node: ir.Node, dy: Tensor, w: Tensor) -> Tensor:
    kernel, dilations, pads = w.dims[:-2], attribute(node, "dilations"), attribute(node, "pads")
    reach = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]  # type: ignore[operator]
    rank, groups = len(kernel), attribute(node, "groups")
    turned = index.reverse(kernel_first(w), [i + 2 for i, k in enumerate(kernel) if k > 1])  # type: ignore[operator]
    y = onnx_conv(
        to_first(dy, *windows.node_layout(node)),
        turned if groups > 1 else shape.transpose(turned, (1, 0, *range(2, rank + 2))),
        strides=(1,) * rank,
        dilations=dilations,
        pads=[r - p for r, p in zip(reach * 2, pads, strict=True)],
        group=groups,
    )
    return wrapped(node, shape.with_dims(y, dims_first(node)))


def _lower_kernel_grad(node: ir.Node, target: Any) -> Tensor | None:
    if node.outputs[0].element_type in HALVES and target.on_cpu:
        return in_float32(node)
    return None if _unsupported(node, target) else conv_kernel_grad.lower(node, onnx_conv)


def _blocked(mixing: law.Lowering, single: law.Lowering, deep: Callable[[ir.Node], Tensor]) -> law.Lowering:
    """Return the lowering to the runtime's blocked ops: of images, mixed or single channels, and of volumes."""

    def lower(node: ir.Node, target: Any) -> Sequence[Tensor] | Tensor | None:
        if blocked.is_blocked(node) and volumes.fits(node):
            return deep(node)
        return (mixing if attribute(node, "groups") == 1 else single)(node, target)

    return lower


CONV = {
    "nchwc": _blocked(blocked.lower_conv, depthwise.lower_conv, volumes.lower_conv),
    "onnx": _lower_conv,
}
INPUT_GRAD = {
    "nchwc": _blocked(blocked_input_grad.lower, depthwise.lower_input_grad, volumes.lower_input_grad),
    "onnx": _lower_input_grad,
}
KERNEL_GRAD = {
    "nchwc": _blocked(blocked_kernel_grad.lower, depthwise.lower_kernel_grad, volumes.lower_kernel_grad),
    "onnx": _lower_kernel_grad,
}
