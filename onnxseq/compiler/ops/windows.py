"""What convolution and pooling share: memory layouts, window geometry and its checks.

A tensor with spatial axes is held in one of three layouts: ``last`` [N, *spatial, C] is what is recorded,
``first`` [N, C, *spatial] is what ONNX's own ops take, and ``blocked`` [N, C/block, H, W, block] is a view of how
the runtime's convolutions for one processor hold it; a volume in blocks [N, D, C/block, H, W, block] is its planes one
after the other. Windows are given by ``strides`` and ``dilations`` (one number per spatial axis) and ``pads`` (all
paddings before, then all after, as ONNX orders them).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import shape
from onnxseq.compiler.ops.shape import Size
from onnxseq.compiler.tensor import FLOATS, Tensor, attribute
from onnxseq.shapes import Dim, Dims

LAST, FIRST, BLOCKED = "last", "first", "blocked"


def split(dims: Dims, layout: str, block: int = 0) -> tuple[Dim, Dims, Dim]:
    """Return the batch size, the spatial sizes and the number of channels of a shape in a layout."""
    if len(dims) < (5 if layout == BLOCKED else 3):
        raise ValueError(f"an input has shape {shapes.to_keras(dims)}; expected a batch, spatial and a channels axis.")
    if layout == LAST:
        return dims[0], dims[1:-1], dims[-1]
    if layout == FIRST:
        return dims[0], dims[2:], dims[1]
    return dims[0], (*dims[1:-4], *dims[-3:-1]), shapes.multiply(dims[-4], block)


def join(batch: Dim, spatial: Dims, channels: Dim, layout: str, block: int = 0) -> Dims:
    """Return the shape in a layout."""
    if layout == LAST:
        return (batch, *spatial, channels)
    if layout == FIRST:
        return (batch, channels, *spatial)
    if not isinstance(channels, int) or channels % block:
        raise ValueError(f"there are {channels!r} channels; expected a multiple of the block of {block}.")
    return (batch, *spatial[:-2], channels // block, *spatial[-2:], block)


def layout_of(attributes: Mapping[str, Any]) -> tuple[str, int]:
    """Return the layout and the block among a node's attributes."""
    return attributes.get("layout", LAST), attributes.get("block", 0)


def input_layout(attributes: Mapping[str, Any]) -> tuple[str, int]:
    """Return the layout and the block of the input x among a node's attributes.

    A ``stem`` takes too few channels for a block and reads them as layout ``first`` has them.
    """
    return (FIRST, 0) if attributes.get("stem") else layout_of(attributes)


def node_layout(node: ir.Node) -> tuple[str, int]:
    """Return the layout and the block of a node."""
    return attribute(node, "layout", LAST), attribute(node, "block", 0)


def held_layout(node: ir.Node, position: int = 0) -> tuple[str, int]:
    """Return the layout and the block of one of a node's inputs with spatial axes."""
    layout, block = node_layout(node)
    return (FIRST if position == 0 and attribute(node, "stem") else layout), block


def attributes_of(node: ir.Node, *names: str) -> dict[str, Any]:
    """Return the named attributes of a node, those that it has."""
    return {name: attribute(node, name) for name in (*names, "layout", "block") if name in node.attributes}


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """Return one number for each spatial axis."""
    return (int(value),) * rank if isinstance(value, int) else tuple(int(v) for v in value)


def resolve_padding(
    padding: str | Sequence[tuple[int, int]],
    spatial: Dims,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> tuple[int, ...]:
    """Return explicit pads for 'valid', 'same', 'causal' (first axis before only) or (before, after) pairs."""
    if not isinstance(padding, str):
        pairs = [(int(a), int(b)) for a, b in padding]
    elif padding == "valid":
        pairs = [(0, 0)] * len(spatial)
    elif padding == "causal":
        pairs = [(d * (k - 1), 0) for k, d in zip(kernel, dilations, strict=True)]
    elif padding == "same":
        pairs = [_same(*axis) for axis in zip(spatial, kernel, strides, dilations, strict=True)]
    else:
        raise ValueError(f"padding is {padding!r}; expected 'valid', 'same' or 'causal'.")
    return tuple(before for before, _ in pairs) + tuple(after for _, after in pairs)


def _same(size: Dim, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    if isinstance(size, int):
        return shapes.same_padding(size, kernel, stride, dilation)
    if stride == 1:
        amount = dilation * (kernel - 1)
        return amount // 2, amount - amount // 2
    if kernel == 1:
        return 0, 0
    raise ValueError(
        f"padding 'same' with stride {stride} met a free size; expected a known size, on which the padding depends. "
        f"Give the input its full shape or use padding 'valid'."
    )


def window_dims(
    spatial: Dims,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> Dims:
    """Return how many windows fit on each axis; ValueError where the input is too small for one."""
    rank = len(spatial)
    if not len(kernel) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        raise ValueError(
            f"the input has {rank} spatial axes, the window {tuple(kernel)}, strides {tuple(strides)}, dilations "
            f"{tuple(dilations)} and pads {tuple(pads)}; expected one of each per axis (two pads)."
        )
    if min(*kernel, *strides, *dilations) < 1:
        raise ValueError(
            f"the window is {tuple(kernel)}, strides {tuple(strides)}, dilations {tuple(dilations)}; "
            f"expected numbers of at least 1."
        )
    result = []
    for i, dim in enumerate(spatial):
        before, after = pads[i], pads[rank + i]
        out = shapes.window(dim, kernel[i], strides[i], dilations[i], before, after)
        if isinstance(out, int) and out < 1:
            raise ValueError(
                f"the input has spatial shape {shapes.to_keras(spatial)}; expected at least "
                f"{dilations[i] * (kernel[i] - 1) + 1 - before - after} on axis {i} for a window of {tuple(kernel)}. "
                f"Use padding 'same', a smaller window or a larger input."
            )
        result.append(out)
    return tuple(result)


def check_same(arrived: Dims, expected: Dims) -> None:
    """Raise ValueError where sizes differ that are both known."""
    if any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(arrived, expected, strict=True)):
        raise ValueError(
            f"an input has sizes {shapes.to_keras(arrived)}; expected {shapes.to_keras(expected)}, one for each window."
        )


def natural_dims(
    spatial: Dims,
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> Dims:
    """Return the smallest sizes that have so many windows: the inverse of ``window_dims``."""
    rank = len(spatial)
    return tuple(
        shapes.add(
            shapes.multiply(shapes.add(dim, -1), strides[i]),
            dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[rank + i],
        )
        for i, dim in enumerate(spatial)
    )


def encode_dims(dims: Dims) -> tuple[int, ...] | tuple[str, ...]:
    """Return sizes as a node's attribute can hold them: all numbers, or all words where one is free."""
    if all(isinstance(d, int) for d in dims):
        return tuple(int(d) for d in dims)
    return tuple(str(d) for d in dims)


def decode_dims(encoded: Sequence[int | str]) -> Dims:
    """Return what ``encode_dims`` was given."""
    return tuple(int(d) if isinstance(d, int) or d.isdecimal() else d for d in encoded)


def check_floating(x: Tensor) -> None:
    """Raise TypeError for an input that is not floating."""
    if x.element_type not in FLOATS:
        raise TypeError(f"the input has dtype {x.dtype_name}; expected a floating dtype. Use K.cast().")


def told_by(natural: Dims, wanted: Dims) -> bool:
    """Tell whether sizes are known before the run: given, or the natural ones."""
    return all(a == b or (isinstance(a, int) and isinstance(b, int)) for a, b in zip(natural, wanted, strict=True))


def spatial_axes(rank: int, layout: str) -> tuple[int, ...]:
    """Return where the spatial axes of a tensor of a rank stand in a layout."""
    if layout == BLOCKED:
        return (*range(1, rank - 4), rank - 3, rank - 2)
    return tuple(range(1, rank - 1) if layout == LAST else range(2, rank))


def sizes_of(x: Tensor, layout: str) -> list[Size]:
    """Return the spatial sizes of a tensor, computed where they are free."""
    return [d if isinstance(d := x.dims[i], int) else shape.dim_of(x, i) for i in spatial_axes(x.rank, layout)]


def spatial_sizes(x: Tensor, layout: str) -> Tensor:
    """Return the spatial sizes of a tensor as an int64 vector."""
    return shape.vector(sizes_of(x, layout))
