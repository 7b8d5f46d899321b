"""The compiler on one page: the ordered passes from recorded tensors to a session."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from onnxseq.compiler import shards
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
from onnxseq.compiler.session import Session, available_cores
from onnxseq.compiler.sharded import ShardedSession
from onnxseq.compiler.targets import Target
from onnxseq.compiler.tensor import Tensor, Variable
from onnxseq.compiler.threads import worth, worth_shards


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
    return _lowered(extract(inputs, outputs, updates, frozen, name), phase, target, sizes)


def _lowered(result: Extract, phase: int, target: Target, sizes: Mapping[str, int] | None) -> Extract:
    steps = passes(phase, target, result.masks)
    for step in [Bind(sizes), *steps] if sizes else steps:
        result.model = step(result.model).model
        verify(result.model, type(step).__name__)
    result.drop_unread()
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
    if target.on_cpu and sizes and not frozen:
        cut = shards.cut(inputs, outputs, updates, phase, sizes, available_cores())
        program = None if cut is None else _sharded(cut, inputs, outputs, updates, phase, target, name, sizes, sibling)
        if program is not None:
            return program
    extracted = compile(inputs, outputs, updates, phase, target, frozen, name, sizes)
    session = _session(extracted, target, worth(extracted.model, target.provider))
    return Program(extracted, session, inputs, outputs, sibling)


def _session(extracted: Extract, target: Target, threads: int = 0, **options: Any) -> Session:
    if target.on_cpu:
        # How we run it, and no part of what the graph means: a model that is handed out has its outputs alone.
        extracted.model = PutInPlace(extracted.writes, extracted.before)(extracted.model).model
    serialized = ir.to_proto(extracted.model).SerializeToString()
    return Session(serialized, target.provider, threads, **options)


def _sharded(
    cut: shards.Cut,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    updates: Sequence[tuple[Variable, Tensor]],
    phase: int,
    target: Target,
    name: str,
    sizes: Mapping[str, int],
    sibling: Program | None,
) -> Program | None:
    """Compile a step that is cut, stage by stage (see shards.py); None where that is not worth it."""
    shard = shards.of_shard(cut, inputs, name)
    # Masks are drawn for the whole batch, so that they do not depend on how it is cut.
    for step in (ResolvePhase(phase), RemoveUnused(), HostMasks(shard.masks, least=0)):
        shard.model = step(shard.model).model
    shard = _lowered(shard, phase, target, {**sizes, cut.batch: cut.size})
    if not worth_shards(shard.model, cut.count):
        return None
    early = _lowered(shards.of_early(cut, inputs, name), phase, target, sizes)
    join, given = shards.of_join(cut, inputs, outputs, updates, name)
    join = _lowered(join, phase, target, sizes)
    whole, wires = shards.wired(cut, inputs, sizes, (early, shard, join), given)
    session = ShardedSession(
        _session(early, target, threads=1) if cut.early else None,
        _session(shard, target, threads=1, together=cut.count),
        _session(join, target, yields=True),
        wires,
    )
    whole.before = join.before
    return Program(whole, session, inputs, outputs, sibling)


def variables_of(outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Variable]:
    """Return the variables which outputs depend on, not looking behind the inputs."""
    return [variable for variable, _ in extract(inputs, outputs, ()).reads]
