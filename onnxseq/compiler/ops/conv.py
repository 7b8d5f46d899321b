"""Convolution over any number of spatial axes and its two gradients, each the derivative of the others.

Convolution is linear in its input x and in its kernel w, so ``Conv(x, w)``, ``ConvInputGrad(dy, w)`` (its adjoint
in x, also known as transposed convolution) and ``ConvKernelGrad(x, dy)`` (its adjoint in w) are closed under
differentiation.
Kernels are held as Keras holds them, [*kernel, C/groups, M], in every layout of the other tensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.ops import conv_lowerings, known, shape, windows
from onnxseq.compiler.ops.law import COMPOUND, Op, same_dtype
from onnxseq.compiler.tensor import Tensor
from onnxseq.errors import place
from onnxseq.shapes import Dim, Dims

GEOMETRY = ("strides", "dilations", "pads", "groups")


def _check_kernel(kernel: Dims, rank: int) -> tuple[int, ...]:
    if len(kernel) != rank or not shapes.is_static(kernel):
        raise ValueError(
            f"the kernel has shape {shapes.to_keras(kernel)}; expected {rank} known sizes: spatial ones, "
            f"input channels in a group, output channels."
        )
    return tuple(int(d) for d in kernel)


def _check_channels(arrived: Dim, expected: int, what: str) -> None:
    if arrived != expected:
        raise ValueError(
            f"the input has {shapes.to_keras((arrived,))[0]!r} {what}; expected {expected}, as the kernel has."
        )


def _windows(spatial: Dims, kernel: Sequence[int], attributes: Mapping[str, Any]) -> Dims:
    return windows.window_dims(
        spatial, kernel, attributes["strides"], attributes["dilations"], attributes["pads"]
    )


def _conv_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, w = inputs
    windows.check_floating(x)
    layout = windows.layout_of(attributes)
    batch, spatial, channels = windows.split(x.dims, *windows.input_layout(attributes))
    *kernel, depth, filters = _check_kernel(w.dims, len(spatial) + 2)
    groups = attributes["groups"]
    _check_channels(channels, depth * groups, "channels")
    if filters % groups:
        raise ValueError(f"the kernel has {filters} filters; expected a multiple of the {groups} groups.")
    return [(same_dtype(inputs), windows.join(batch, _windows(spatial, kernel, attributes), filters, *layout))]


def _input_grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    dy, w = inputs[:2]
    layout = windows.layout_of(attributes)
    batch, arrived, channels = windows.split(dy.dims, *layout)
    *kernel, depth, filters = _check_kernel(w.dims, len(arrived) + 2)
    _check_channels(channels, filters, "channels")
    spatial = windows.decode_dims(attributes["spatial"])
    windows.check_same(arrived, _windows(spatial, kernel, attributes))
    return [(same_dtype((dy, w)), windows.join(batch, spatial, depth * attributes["groups"], *layout))]


def _kernel_grad_types(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> list:
    x, dy = inputs
    layout = windows.layout_of(attributes)
    _, spatial, channels = windows.split(x.dims, *windows.input_layout(attributes))
    _, arrived, filters = windows.split(dy.dims, *layout)
    kernel = tuple(attributes["kernel"])
    windows.check_same(arrived, _windows(spatial, kernel, attributes))
    return [(same_dtype(inputs), (*kernel, shapes.floor_divide(channels, attributes["groups"]), filters))]


def _geometry(node: ir.Node) -> dict[str, Any]:
    return windows.attributes_of(node, *GEOMETRY)


def _conv_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    x, w = node.inputs
    return [_input_grad(g, w, x, _geometry(node)), conv_kernel_grad_op(x, g, kernel=w.dims[:-2], **_geometry(node))]


def _input_grad_vjp(node: ir.Node, g: Tensor) -> list[Tensor | None]:
    dy, w = node.inputs[0], node.inputs[1]
    rule = _geometry(node)
    return [conv_op(g, w, **rule), conv_kernel_grad_op(g, dy, kernel=w.dims[:-2], **rule), None][: len(node.inputs)]


def _kernel_grad_vjp(node: ir.Node, g: Tensor) -> list[Tensor]:
    x, dy = node.inputs
    return [_input_grad(dy, g, x, _geometry(node)), conv_op(x, g, **_geometry(node))]


conv_op = Op(
    "Conv",  # (x, w) -> y
    _conv_types,
    _conv_vjp,
    domain=COMPOUND,
    expand=conv_lowerings.expand_conv,
    lowerings=conv_lowerings.CONV,
    zero=(0, 1),
)
conv_input_grad_op = Op(
    "ConvInputGrad",  # (dy, w, the spatial sizes of dx where they follow from nothing else) -> dx
    _input_grad_types,
    _input_grad_vjp,
    domain=COMPOUND,
    expand=conv_lowerings.expand_input_grad,
    lowerings=conv_lowerings.INPUT_GRAD,
    zero=(0, 1),
)
conv_kernel_grad_op = Op(
    "ConvKernelGrad",  # (x, dy) -> dw
    _kernel_grad_types,
    _kernel_grad_vjp,
    domain=COMPOUND,
    expand=conv_lowerings.expand_kernel_grad,
    lowerings=conv_lowerings.KERNEL_GRAD,
    zero=(0, 1),
)


def _input_grad(dy: Tensor, w: Tensor, x: Tensor, rule: dict[str, Any]) -> Tensor:
    """Record the gradient by a convolution's input x, of which only the sizes matter."""
    layout = windows.layout_of(rule)
    _, spatial, _ = windows.split(x.dims, *layout)
    _, arrived, _ = windows.split(dy.dims, *layout)
    natural = windows.natural_dims(arrived, w.dims[:-2], rule["strides"], rule["dilations"], rule["pads"])  # type: ignore[arg-type]
    sizes = [] if windows.told_by(natural, spatial) else [windows.spatial_sizes(x, layout[0])]
    return conv_input_grad_op(dy, w, *sizes, spatial=windows.encode_dims(spatial), **rule)


# -- constructors ----------------------------------------------------------------------------------------------


def _rule(w: Tensor, spatial: Dims, strides: Any, dilations: Any, padding: Any, groups: int) -> dict[str, Any]:
    rank = len(spatial)
    strides, dilations = windows.per_axis(strides, rank), windows.per_axis(dilations, rank)
    kernel = _check_kernel(w.dims, rank + 2)[:-2]
    pads = windows.resolve_padding(padding, spatial, kernel, strides, dilations)
    return {"strides": strides, "dilations": dilations, "pads": pads, "groups": groups}


def conv(
    x: Tensor,
    w: Tensor,
    strides: int | Sequence[int] = 1,
    dilations: int | Sequence[int] = 1,
    padding: str | Sequence[tuple[int, int]] = "valid",
    groups: int = 1,
) -> Tensor:
    """Return the correlation of x with a kernel, channels last.

    Shapes: x [N, *spatial, C], w [*kernel, C/groups, M] -> [N, *windows, M].

    Arguments:
        strides, dilations: one number, or one per spatial axis.
        padding: 'valid', 'same', 'causal' (before the first axis alone) or a (before, after) pair per axis.
        groups: into how many groups channels and filters are divided.

    Raises:
        ValueError: where shapes do not fit, or 'same' padding depends on a free size.
    """
    with place("Conv"):
        rule = _rule(w, x.dims[1:-1], strides, dilations, padding, groups)
    return conv_op(x, w, **rule)


def _size(entry: Dim | Tensor) -> Dim | None:
    """Return the size or the name of a size that an entry stands for, where it is known."""
    if not isinstance(entry, Tensor):
        return entry
    found = known.entries(entry)
    return found[0] if found else None


def conv_transpose(
    x: Tensor,
    w: Tensor,
    spatial: Sequence[Dim | Tensor],
    strides: int | Sequence[int] = 1,
    dilations: int | Sequence[int] = 1,
    padding: str | Sequence[tuple[int, int]] = "valid",
    groups: int = 1,
) -> Tensor:
    """Return the transposed convolution: what ``conv``, from a tensor of the given spatial sizes to x, has as gradient.

    Shapes: x [N, *windows, M], w [*kernel, C/groups, M] -> [N, *spatial, C].

    Arguments:
        spatial: the sizes of the result, one per axis: numbers, or one-element integer tensors where they are free.
    """
    dims = tuple(shapes.fresh_name() if (d := _size(s)) is None else d for s in spatial)
    with place("ConvInputGrad"):
        rule = _rule(w, dims, strides, dilations, padding, groups)
    natural = windows.natural_dims(x.dims[1:-1], w.dims[:-2], rule["strides"], rule["dilations"], rule["pads"])  # type: ignore[arg-type]
    sizes = [] if windows.told_by(natural, dims) else [shape.vector(spatial)]  # type: ignore[arg-type]
    return conv_input_grad_op(x, w, *sizes, spatial=windows.encode_dims(dims), **rule)
