"""The compiler on one page: the ordered passes from recorded tensors to a session."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq.compiler.extract import Extract, Mask, extract
from onnxseq.compiler.passes.bind import Bind
from onnxseq.compiler.passes.columns import Columns
from onnxseq.compiler.passes.convolutions import FuseConvolutions, FuseTransposed
from onnxseq.compiler.passes.directions import JoinDirections
from onnxseq.compiler.passes.finish import Finish
from onnxseq.compiler.passes.fold import Fold
from onnxseq.compiler.passes.fuse import FuseProducts, SinkRelu
from onnxseq.compiler.passes.gated import GateSums
from onnxseq.compiler.passes.hoist import Hoist
from onnxseq.compiler.passes.layout import Layout
from onnxseq.compiler.passes.lower import Lower
from onnxseq.compiler.passes.masks import HostMasks
from onnxseq.compiler.passes.phase import ResolvePhase
from onnxseq.compiler.passes.pooled import NormalizeAfterPooling
from onnxseq.compiler.passes.quarters import ConvolveQuarters
from onnxseq.compiler.passes.rows import PutInPlace, UpdateRows
from onnxseq.compiler.passes.scale import Scales
from onnxseq.compiler.passes.share import Share
from onnxseq.compiler.passes.sink import SinkBelowMaxima
from onnxseq.compiler.passes.unused import RemoveUnused
from onnxseq.compiler.passes.verify import verify
from onnxseq.compiler.runner import Program
from onnxseq.compiler.session import Session
from onnxseq.compiler.targets import Target
from onnxseq.compiler.tensor import Tensor, Variable
from onnxseq.compiler.threads import worth


def passes(phase: int, target: Target, masks: list[Mask]) -> list[ir.passes.InPlacePass]:
    """Return the passes in their order."""
    return [
        ResolvePhase(phase),
        RemoveUnused(),
        Fold(),
        Share(),
        SinkRelu(),
        SinkBelowMaxima(),
        Columns(target),
        Share(),
        Layout(target),
        *([HostMasks(masks)] if target.has("host_masks") else []),
        Share(),
        RemoveUnused(),
        Scales(target),
        NormalizeAfterPooling(),
        ConvolveQuarters(),
        UpdateRows(target),
        FuseTransposed(),
        Lower(target),
        JoinDirections(),
        Fold(),
        Hoist(),
        RemoveUnused(),
        FuseConvolutions(target),
        FuseProducts(),
        GateSums(target),
        Share(),
        RemoveUnused(),
        Finish(),
    ]


def compile(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    phase: int,
    target: Target,
    frozen: bool = False,
    name: str = "function",
    sizes: Mapping[str, int] | None = None,
) -> Extract:
    """Return the lowered graph of some outputs and updates, with what belongs to which of its inputs and outputs.

    Arguments:
        frozen: whether variables become constants.
        sizes: free dimensions which have one size only in this graph.
    """
    result = extract(inputs, outputs, updates, frozen, name)
    if sizes:
        result.model = Bind(sizes)(result.model).model
    for step in passes(phase, target, result.masks):
        result.model = step(result.model).model
        verify(result.model, type(step).__name__)
    return result


def model(*arguments: Any) -> Any:
    """Return the lowered graph as an ``onnx.ModelProto``; arguments as for ``compile``."""
    return ir.to_proto(compile(*arguments).model)


def build(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    phase: int,
    target: Target,
    frozen: bool = False,
    name: str = "function",
    sizes: Mapping[str, int] | None = None,
    sibling: Program | None = None,
) -> Program:
    """Compile and make a session of it; a sibling is a program of the same function for other sizes."""
    extracted = compile(inputs, outputs, updates, phase, target, frozen, name, sizes)
    if target.on_cpu:
        # How we run it, and no part of what the graph means: a model that is handed out has its outputs alone.
        extracted.model = PutInPlace(extracted.writes, extracted.before)(extracted.model).model
    threads = worth(extracted.model, target.provider)
    session = Session(ir.to_proto(extracted.model).SerializeToString(), target.provider, threads)
    return Program(extracted, session, inputs, outputs, sibling)


def variables_of(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Variable]:
    """Return the variables which outputs depend on, not looking behind the inputs."""
    return [variable for variable, _ in extract(inputs, outputs, ()).reads]
