"""How convolution, pooling and batch normalization run in the blocked layout, the CPU provider's fastest.

The provider's own ops of the domain ``com.microsoft.nchwc`` take tensors [N, C, H, W] whose memory holds ``block``
channels of one pixel together. The compiler sees the same memory as [N, C/block, H, W, block], so that other ops may
work on it; changing the view costs nothing. The planes of a volume [N, D, C/block, H, W, block] are so many images.
Measured on two AVX-512 cores against channels first, in ms:
3x3 convolution 32 -> 64 of 128 images of 26x26: 12.1 to 16, its input gradient 13.2 to 18.7; a 2x2 maximum with its
gradient 8 to 20; a number per channel multiplied and another added (as a depthwise convolution) 0.11 to 0.6.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import gather, index, math, reduction, shape, windows
from onnxseq.compiler.ops.law import Op
from onnxseq.compiler.ops.windows import BLOCKED, LAST
from onnxseq.compiler.tensor import Tensor, attribute, constant
from onnxseq.shapes import Dims

DOMAIN = "com.microsoft.nchwc"
FLOAT = ir.DataType.FLOAT


def _types(inputs: Sequence[Tensor], attributes: Any) -> list:
    x = inputs[0]
    return [(x.element_type, (x.dims[0], *(shapes.fresh_name() for _ in range(3))))]


conv_op = Op("Conv", _types, domain=DOMAIN)
max_pool_op = Op("MaxPool", _types, domain=DOMAIN)
global_average_op = Op("GlobalAveragePool", _types, domain=DOMAIN)
reorder_input_op = Op("ReorderInput", _types, domain=DOMAIN)
reorder_output_op = Op("ReorderOutput", _types, domain=DOMAIN)


def is_blocked(node: ir.Node) -> bool:
    """Tell whether a node works in the blocked layout."""
    return windows.node_layout(node)[0] == BLOCKED


# -- the two views of one memory, and other layouts ------------------------------------------------------------


def wide(x: Tensor) -> Tensor:
    """See [N, C/b, H, W, b] as the provider's [N, C, H, W]."""
    return shape.reshape(x, _wide_dims(x.dims))


def narrow(y: Tensor, dims: Dims) -> Tensor:
    """See the provider's result as [N, C/b, H, W, b], which are the given dims."""
    return shape.with_dims(shape.reshape(shape.with_dims(y, _wide_dims(dims)), dims), dims)


def _wide_dims(dims: Dims) -> Dims:
    *images, divided, height, width, block = dims
    return (shapes.product(images), shapes.multiply(divided, block), height, width)  # type: ignore[arg-type]


def lower_relayout(node: ir.Node, target: Any) -> Tensor | None:
    """The provider's own reordering, into and out of blocks; a single block lies as channels last do."""
    (x,), y = node.inputs, node.outputs[0]
    source, to = attribute(node, "source"), attribute(node, "to")
    if BLOCKED not in (source, to) or x.element_type != FLOAT or {x.rank, y.rank} != {4, 5}:
        return None
    block = attribute(node, "block")
    _, spatial, channels = windows.split(x.dims, source, block)
    if all(d == 1 for d in spatial) or (channels == block and LAST in (source, to)):
        return shape.with_dims(shape.reshape(x, y.dims), y.dims)
    if to == BLOCKED:
        return narrow(reorder_input_op(x, channels_last=int(source == LAST)), y.dims)
    reordered = reorder_output_op(wide(x), channels=channels, channels_last=int(to == LAST))
    return shape.with_dims(reordered, y.dims)


# -- convolution -----------------------------------------------------------------------------------------------


def _blocked_kernel(w: Tensor, block: int) -> Tensor:
    """Turn [kh, kw, C, M] into [M/b, C/b, kh, kw, b of C, b of M]; few channels stay [M/b, C, kh, kw, b of M]."""
    height, width, depth, filters = w.dims
    if depth < block:  # type: ignore[operator]
        apart = shape.reshape(w, (height, width, depth, filters // block, block))  # type: ignore[operator]
        turned = shape.transpose(apart, (3, 2, 0, 1, 4))
    else:
        apart = shape.reshape(w, (height, width, depth // block, block, filters // block, block))  # type: ignore[operator]
        turned = shape.transpose(apart, (4, 2, 0, 1, 3, 5))
    return shape.reshape(turned, (filters, depth, height, width))


def lower_conv(node: ir.Node, target: Any) -> Tensor | None:
    """A third input is a bias; the attribute ``activation`` is applied to the sum."""
    if not is_blocked(node):
        return None
    x, w, *bias = node.inputs
    y = conv_op(
        x if attribute(node, "stem") else wide(x),
        _blocked_kernel(w, attribute(node, "block")),
        *bias,
        kernel_shape=w.dims[:2],
        strides=attribute(node, "strides"),
        dilations=attribute(node, "dilations"),
        pads=attribute(node, "pads"),
        group=1,
        activation=attribute(node, "activation"),
    )
    return narrow(y, node.outputs[0].dims)


# -- per channel -----------------------------------------------------------------------------------------------


def channel_means(x: Tensor) -> Tensor:
    """Return the means over the pixels of each image, or plane: [N, C]."""
    seen = wide(x)
    means = shape.with_dims(global_average_op(seen), (*seen.dims[:2], 1, 1))
    return shape.reshape(means, seen.dims[:2])


def channel_sum(x: Tensor) -> Tensor:
    """Return the sum over images and pixels: [C]."""
    return reduction.sum(channel_means(x), [0]) * float(x.dims[-3] * x.dims[-2])  # type: ignore[operator, return-value]


def affine(x: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """Return x * scale + offset, one number of each per channel, in one pass: a depthwise convolution."""
    return _depthwise(x, shape.reshape(scale, (scale.dims[0], 1, 1, 1)), (1, 1), x.dims, offset)


def _depthwise(x: Tensor, kernel: Tensor, strides: Sequence[int], dims: Dims, offset: Tensor | None = None) -> Tensor:
    seen = wide(x)
    y = conv_op(
        seen,
        kernel,
        *([] if offset is None else [offset]),
        kernel_shape=kernel.dims[2:],
        strides=strides,
        dilations=(1, 1),
        pads=(0, 0, 0, 0),
        group=seen.dims[1],
    )
    return narrow(y, dims)


def _batch_share(x: Tensor) -> Tensor:
    """Return 1 / (images * pixels)."""
    axes = (0, *windows.spatial_axes(x.rank, BLOCKED))
    count = shapes.product(x.dims[a] for a in axes)
    if isinstance(count, int):
        return math.scalar(1 / max(count, 1), x)
    return math.reciprocal(math.cast(reduction.count_of(x, axes), FLOAT))


def lower_batch_norm(node: ir.Node, target: Any) -> list[Tensor] | None:
    """Normalize in the blocked layout: sums per channel, then one affine map."""
    if not is_blocked(node) or not shapes.is_static(node.inputs[0].dims[1:]):
        return None
    x, gamma, beta = node.inputs
    share = _batch_share(x)
    mean = channel_sum(x) * share
    centred = affine(x, shape.ones_like(mean), math.neg(mean))
    variance = channel_sum(centred * centred) * share
    scale = gamma * math.reciprocal(math.sqrt(variance + attribute(node, "epsilon")))
    return [affine(centred, scale, beta), mean, variance]


def lower_batch_norm_grad(node: ir.Node, target: Any) -> list[Tensor] | None:
    """The gradient of normalization in the blocked layout."""
    if not is_blocked(node) or not shapes.is_static(node.inputs[0].dims[1:]):
        return None
    x, dy, gamma, mean, variance = node.inputs
    share = _batch_share(x)
    inverse = math.reciprocal(math.sqrt(variance + attribute(node, "epsilon")))
    # Centred first: sum(dy * x) - mean * sum(dy) would cancel where the mean is large beside the deviation.
    centred = affine(x, shape.ones_like(mean), math.neg(mean))
    d_beta, d_gamma = channel_sum(dy), channel_sum(dy * centred) * inverse
    factor = gamma * inverse
    on_x = math.neg(factor * inverse * d_gamma * share)
    dx = affine(dy, factor) + affine(centred, on_x, math.neg(factor * d_beta * share))
    return [dx, d_gamma, d_beta]


# -- maximum ---------------------------------------------------------------------------------------------------


def halves(node: ir.Node) -> bool:
    """Tell whether windows of 2x2, in volumes of one or two planes, stand side by side."""
    size, strides, pads = (tuple(attribute(node, name)) for name in ("size", "strides", "pads"))
    _, spatial, _ = windows.split(node.inputs[0].dims, *windows.node_layout(node))
    plain = size == strides and size[-2:] == (2, 2) and set(size[:-2]) <= {1, 2} and not any(pads)
    return plain and shapes.is_static(spatial)


def covered(node: ir.Node) -> Dims:
    """Return the dims of that part of a blocked input to which windows side by side reach."""
    dims = list(node.inputs[0].dims)
    for axis, size in zip(windows.spatial_axes(len(dims), BLOCKED), attribute(node, "size"), strict=True):
        dims[axis] = dims[axis] // size * size  # type: ignore[operator]
    return tuple(dims)


def quarters(x: Tensor) -> list[Tensor]:
    """Return the elements at each of the four places of all 2x2 windows, picked by depthwise one-hot kernels."""
    *images, divided, height, width, block = x.dims
    dims = (*images, divided, height // 2, width // 2, block)  # type: ignore[operator]
    parts = []
    for i, j in np.ndindex(2, 2):
        kernel = np.zeros((divided, i + 1, j + 1, block), np.float32)  # type: ignore[type-var]
        kernel[:, i, j] = 1
        kernel = kernel.reshape(-1, 1, i + 1, j + 1)  # the provider reads it block by block
        parts.append(_depthwise(x, constant(kernel), (2, 2), dims))
    return parts


def planes_of(node: ir.Node) -> int:
    """Return how many planes a window has: 1 in images."""
    return attribute(node, "size")[0] if len(attribute(node, "size")) > 2 else 1


def beside(x: Tensor, planes: int) -> Tensor:
    """See so many planes after one another as channels beside one another."""
    if planes == 1:
        return x
    batch, depth, divided, *image = x.dims
    return shape.reshape(x, (batch, depth // planes, planes * divided, *image))  # type: ignore[operator]


def _whole_windows(node: ir.Node) -> Tensor:
    """Return x without what windows leave at the ends, the planes of one window beside one another."""
    x, dims = node.inputs[0], covered(node)
    if dims != x.dims:
        axes = windows.spatial_axes(x.rank, BLOCKED)
        x = index.slice(x, [0] * len(axes), [dims[a] for a in axes], axes)  # type: ignore[misc]
    return beside(x, planes_of(node))


def _by_planes(parts: Sequence[Tensor], planes: int) -> list[Tensor]:
    """Return the largest of the four parts in each plane of the windows."""
    a, b, c, d = parts
    top = math.maximum(math.maximum(a, b), math.maximum(c, d))
    return shape.split(top, [top.dims[-4] // planes] * planes, top.rank - 4)  # type: ignore[operator]


def largest(parts: Sequence[Tensor], planes: int) -> Tensor:
    """Return the maximum of each window, whose one or two planes lie beside one another in the four parts."""
    first, *second = _by_planes(parts, planes)
    return math.maximum(first, *second) if second else first


def lower_max_pool(node: ir.Node, wants_places: bool) -> Tensor | None:
    """The provider's own pooling; with a gradient to come, the maximum of the quarters which that compares."""
    if not is_blocked(node) or (wants_places and not halves(node)):
        return None
    if not wants_places:
        return _pool_planes(node)
    return largest(quarters(_whole_windows(node)), planes_of(node))


def _pool_planes(node: ir.Node) -> Tensor | None:
    """The largest element of each window in its planes, and the largest of these over the planes."""
    x, dims = node.inputs[0], node.outputs[0].dims
    size, strides, pads = (attribute(node, name) for name in ("size", "strides", "pads"))
    rank = len(size)
    y = max_pool_op(
        wide(x),
        kernel_shape=size[-2:],
        strides=strides[-2:],
        pads=(*pads[rank - 2 : rank], *pads[-2:]),
    )
    y = narrow(y, (*x.dims[:-4], *dims[-4:]))
    if rank == 2:
        return y
    # A border before or after a window's planes is none of them again.
    places = np.arange(dims[1])[:, None] * strides[0] + np.arange(size[0]) - pads[0]  # type: ignore[arg-type]
    first, *others = (gather.gather(y, places, 1) for places in places.clip(0, x.dims[1] - 1).T)  # type: ignore[operator]
    for other in others:
        first = math.maximum(first, other)
    return first


def _at_least(a: Tensor, b: Tensor) -> Tensor:
    """Return 1 where a >= b, else 0."""
    return math.hard_sigmoid(a - b, alpha=3e38, beta=1.0)


def lower_max_pool_grad(node: ir.Node, target: Any) -> Tensor | None:
    """Each window's cotangent goes down a tree of comparisons, which the earlier of two equal elements wins."""
    if not is_blocked(node) or not halves(node):
        return None
    x = _whole_windows(node)
    dx = merged(shares(node.inputs[2], quarters(x), planes_of(node)), x.dims)
    dx = shape.reshape(dx, covered(node))
    left = [n - k if n != k else 0 for n, k in zip(node.inputs[0].dims, dx.dims, strict=True)]  # type: ignore[operator]
    return shape.pad(dx, [(0, n) for n in left])


def shares(dy: Tensor, parts: Sequence[Tensor], planes: int = 1) -> list[Tensor]:
    """Return what of each window's cotangent goes to each of its quarters, whose planes lie beside one another."""
    if planes > 1:
        first, second = _by_planes(parts, planes)
        earlier = dy * _at_least(first, second)
        dy = shape.concat([earlier, dy - earlier], dy.rank - 4)
    a, b, c, d = parts
    upper = dy * _at_least(math.maximum(a, b), math.maximum(c, d))
    lower = dy - upper
    left, under = upper * _at_least(a, b), lower * _at_least(c, d)
    return [left, upper - left, under, lower - under]


def merged(parts: Sequence[Tensor], dims: Dims, strides: Sequence[int] = (2, 2)) -> Tensor:
    """Return the tensor of given dims of which each part has the pixels that lie strides apart, row by row."""
    *images, divided, height, width, block = parts[0].dims
    rows = (shapes.product(images), divided * height)  # type: ignore[operator]
    apart = [shape.reshape(p, (rows[0], rows[1] * width, 1, block)) for p in parts]  # type: ignore[operator]
    lines = [shape.concat(apart[i : i + strides[1]], 2) for i in range(0, len(apart), strides[1])]
    lines = [shape.reshape(line, (*rows, 1, strides[1] * width * block)) for line in lines]  # type: ignore[operator]
    return shape.with_dims(shape.reshape(shape.concat(lines, 2), dims), dims)
