"""How convolutions of volumes and their gradients run as those of planes.

The planes that a window sees along its first axis are taken for channels beside one another: one convolution of images
then does a volume's work, and its gradients are those of the images' convolution. With 3x3x3 kernels on two AVX-512
cores, ms (stock runtime / training build); channels first with their changes of layout:

=====================  =================  =================  =====================  ==================
case                   op                 planes, in blocks  planes, first         the runtime's own
=====================  =================  =================  =====================  ==================
16 of 7x15x15,         convolution        1.9 / 1.8                                 3.0 / 3.2
C 16 -> 32             by the input       2.0 / 2.0          11 / 10                12 / 49
                       by the kernel      2.3 / 2.2          6.9 / 8.2              5.1 / 7.3
16 of 16x32x32,        convolution        0.8 / 0.8                                 1.5 / 1.5
C 1 -> 16              by the input                          15 / 14                9.2 / 46
                       by the kernel      2.6 / 2.7          12 / 11                8.8 / 10
8 of 10x20x20, C 8     by the input                          7.5 / 7.4              6.9 / 36
=====================  =================  =================  =====================  ==================

So out of blocks only gradients by the input run so. The gradient by a kernel of the last column is that of
``conv_kernel_grad``.
"""

import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import gather, index, law, shape, windows
from onnxseq.compiler.ops.relayout import relayout
from onnxseq.compiler.ops.windows import BLOCKED, FIRST
from onnxseq.compiler.tensor import Tensor, attribute

_BETWEEN = (0, 2, 1, 3, 4)  # from channels before planes to planes before channels, and back


def fits(node: ir.Node) -> bool:
    """Tell whether a node is a convolution of volumes without groups, or a gradient of one, their planes counted."""
    if len(attribute(node, "strides")) != 3 or attribute(node, "groups") != 1:
        return False
    other = node.inputs[1] if node.op_type == "ConvKernelGrad" else node.outputs[0]
    held = [(node.inputs[0], windows.held_layout(node)), (other, windows.node_layout(node))]
    return all(isinstance(windows.split(x.dims, *layout)[1][0], int) for x, layout in held)


def lower_conv(node: ir.Node) -> Tensor:
    """Return the convolution of images whose channels are the planes that a window sees."""
    x, w = node.inputs
    seen = _seen(x, *windows.held_layout(node), _places(node, w.dims[0], node.outputs[0]), attribute(node, "pads"))
    return _volumes(law.of(node)(seen, _kernel(w), **_of_planes(node)), node)


def lower_input_grad(node: ir.Node) -> Tensor:
    """Return what every window gives to the planes that it sees, summed for each plane."""
    dy, w, *sizes = node.inputs
    places = _places(node, w.dims[0], dy)
    spatial = windows.decode_dims(attribute(node, "spatial"))
    cotangents = _together(_planes(dy, *windows.node_layout(node)))
    given = law.of(node)(
        cotangents,
        _kernel(w),
        *(index.slice(size, [1], [3], [0]) for size in sizes),
        spatial=windows.encode_dims(spatial[1:]),
        **_of_planes(node),
    )
    batch, size = dy.dims[0], places.size
    apart = shape.reshape(given, (batch, size, given.dims[1] // places.shape[1], *given.dims[2:]))  # type: ignore[operator]
    if not np.array_equal(places.ravel(), np.arange(attribute(node, "pads")[0], spatial[0])):  # type: ignore[arg-type]
        parts, before = shape.split(apart, [1] * size, 1), attribute(node, "pads")[0]
        planes = [[parts[i] for i in np.flatnonzero(places == before + d)] for d in range(spatial[0])]  # type: ignore[arg-type]
        apart = shape.concat([_sum(terms) if terms else shape.zeros_like(parts[0]) for terms in planes], 1)
    return _volumes(_together(apart), node)


def lower_kernel_grad(node: ir.Node) -> Tensor:
    """Return the gradient of the convolution of images by its kernel."""
    x, dy = node.inputs
    size, *kernel = attribute(node, "kernel")
    seen = _seen(x, *windows.held_layout(node), _places(node, size, dy), attribute(node, "pads"))
    cotangents = _together(_planes(dy, *windows.node_layout(node)))
    found = law.of(node)(seen, cotangents, kernel=kernel, **_of_planes(node))
    apart = shape.reshape(found, (*kernel, size, *node.outputs[0].dims[-2:]))
    return shape.transpose(apart, (2, 0, 1, 3, 4))


def _places(node: ir.Node, size: int, windowed: Tensor) -> np.ndarray:
    """Return which planes, counted with the border before them, each window sees: [windows, size]."""
    count = windows.split(windowed.dims, *windows.node_layout(node))[1][0]
    stride, dilation = attribute(node, "strides")[0], attribute(node, "dilations")[0]
    return np.arange(count)[:, None] * stride + np.arange(size) * dilation  # type: ignore[arg-type]


def _planes(x: Tensor, layout: str, block: int) -> Tensor:
    """Return [N, planes, channels, rows, columns], in blocks where x is."""
    if layout == BLOCKED:
        return x
    x = relayout(x, layout, FIRST)
    batch, channels, *spatial = x.dims
    if channels == 1:  # moves for free
        return shape.reshape(x, (batch, spatial[0], 1, *spatial[1:]))
    return shape.transpose(x, _BETWEEN)


def _together(x: Tensor) -> Tensor:
    """See the planes of all volumes as images."""
    return shape.reshape(x, (shapes.product(x.dims[:2]), *x.dims[2:]))


def _seen(x: Tensor, layout: str, block: int, places: np.ndarray, pads: tuple[int, ...]) -> Tensor:
    """Return what each window sees as images, its planes as channels."""
    planes = shape.pad(_planes(x, layout, block), [(0, 0), (pads[0], pads[3]), *[(0, 0)] * (x.rank - 2)])
    count, size = places.shape
    if not np.array_equal(places.ravel(), np.arange(planes.dims[1])):  # type: ignore[arg-type]
        planes = gather.gather(planes, places, 1)
    batch, channels, *image = x.dims[0], *planes.dims[-4 if layout == BLOCKED else -3 :]
    return shape.reshape(planes, (shapes.multiply(batch, count), channels * size, *image))  # type: ignore[operator]


def _kernel(w: Tensor) -> Tensor:
    """Turn [planes, kh, kw, C, M] into [kh, kw, planes * C, M]."""
    size, *kernel, depth, filters = w.dims
    return shape.reshape(shape.transpose(w, (1, 2, 0, 3, 4)), (*kernel, size * depth, filters))  # type: ignore[operator]


def _of_planes(node: ir.Node) -> dict[str, object]:
    """Return the attributes of the convolution of images: the rule of the other two axes, and the layout."""
    pads, (layout, block) = attribute(node, "pads"), windows.node_layout(node)
    return {
        "strides": attribute(node, "strides")[1:],
        "dilations": attribute(node, "dilations")[1:],
        "pads": (*pads[1:3], *pads[4:]),
        "groups": 1,
        "layout": BLOCKED if layout == BLOCKED else FIRST,
        "block": block if layout == BLOCKED else None,
        "stem": attribute(node, "stem"),
    }


def _volumes(images: Tensor, node: ir.Node) -> Tensor:
    """See images as the planes of a node's result."""
    (layout, _), y = windows.node_layout(node), node.outputs[0]
    batch, spatial, _ = windows.split(y.dims, *windows.node_layout(node))
    apart = shape.reshape(images, (batch, spatial[0], *images.dims[1:]))
    whole = apart if layout == BLOCKED else relayout(shape.transpose(apart, _BETWEEN), FIRST, layout)
    return shape.with_dims(whole, y.dims)


def _sum(terms: list[Tensor]) -> Tensor:
    total, *others = terms
    for term in others:
        total = total + term
    return total
