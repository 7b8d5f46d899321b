"""A step in stages as one session: what is early, then shards of the batch side by side, then what joins them.

The arrays that go from stage to stage are made once; steps follow one another, since they write variables.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

from onnxseq.compiler.session import Binding, Buffer, Session


@dataclass(frozen=True)
class Crossing:
    """A value that one stage computes and later ones read.

    Attributes:
        output: its name where it is computed.
        is_early: whether that is the first stage; else each shard computes a part of its own.
        dims, dtype: of what the last stage reads.
        of_shard: its name in a shard, None where shards do not read it.
        of_join: its names in the last stage: one for all, or where it is a sum one for each shard; None where unread.
    """

    output: str
    is_early: bool
    dims: tuple[int, ...]
    dtype: np.dtype
    of_shard: str | None
    of_join: Sequence[str | None]


@dataclass
class Wires:
    """What belongs together of a session's inputs and those of its stages.

    Attributes:
        count: how many shards there are.
        names: for each stage its names by those of the whole.
        divided: names of the whole of which a shard reads its samples alone.
        crossings: what goes from stage to stage.
    """

    count: int
    names: tuple[dict[str, str], ...] = field(default_factory=lambda: ({}, {}, {}))
    divided: set[str] = field(default_factory=set)
    crossings: list[Crossing] = field(default_factory=list)


class ShardedSession:
    """Three sessions that are bound and run like one.

    Arguments:
        early: of the first stage, None where there is nothing to do.
        shard, join: of the others.
    """

    def __init__(self, early: Session | None, shard: Session, join: Session, wires: Wires):
        self.early, self.shard, self.join, self.wires = early, shard, join, wires
        self.device, self.threads = join.device, join.threads
        self.pool = ThreadPoolExecutor(wires.count - 1, "onnxseq-shard")
        self.running: Sequence[Future] = ()
        self.crossings = [[self.device.empty(c.dims, c.dtype) for _ in c.of_join] for c in wires.crossings]

    def binding(self) -> "ShardedBinding":
        """Return an empty binding of this session's inputs and outputs."""
        return ShardedBinding(self)


class ShardedBinding:
    """Inputs and outputs of all stages, bound once and run many times; see ``Binding``."""

    def __init__(self, session: ShardedSession):
        self._session, self._wires = session, session.wires
        self._early = [session.early.binding()] if session.early is not None else []
        self._shards = [session.shard.binding() for _ in range(session.wires.count)]
        self._join = session.join.binding()
        for crossing, buffers in zip(session.wires.crossings, session.crossings, strict=True):
            if crossing.is_early:
                self._early[0].output(crossing.output, buffers[0])
            else:
                for i, shard in enumerate(self._shards):
                    shard.output(crossing.output, buffers[i] if len(buffers) > 1 else self._part(buffers[0], i))
            for name, buffer in zip(crossing.of_join, buffers, strict=True):
                _bind([self._join], name, buffer)
            self._bind_shards(crossing.of_shard, buffers[0], is_divided=False)

    def _part(self, buffer: Buffer, index: int) -> Buffer:
        """Return the samples of a shard, where they lie."""
        size = buffer.shape[0] // self._wires.count
        return self._session.device.buffer(buffer.array[index * size : (index + 1) * size])  # type: ignore[index]

    def _bind_shards(self, name: str | None, buffer: Buffer, is_divided: bool) -> None:
        if name is not None:
            for i, shard in enumerate(self._shards):
                # A value of its own for each, also of the same memory: the runtime counts the users of a value.
                shard.input(name, self._part(buffer, i) if is_divided else self._session.device.buffer(buffer.array))  # type: ignore[arg-type]

    def input(self, name: str, buffer: Buffer) -> None:
        early, shard, join = (names.get(name) for names in self._wires.names)
        _bind(self._early, early, buffer)
        _bind([self._join], join, buffer)
        self._bind_shards(shard, buffer, name in self._wires.divided)

    def output(self, name: str, buffer: Buffer) -> None:
        self._join.output(name, buffer)

    def allocate(self, name: str) -> None:
        self._join.allocate(name)

    def run(self) -> None:
        session, (first, *others) = self._session, self._shards
        wait(session.running)  # what an interrupt has left behind
        for early in self._early:
            early.run()
        session.running = [session.pool.submit(shard.run) for shard in others]
        try:
            first.run()
        finally:
            wait(session.running)
        for shard in session.running:
            shard.result()
        session.running = ()
        self._join.run()

    def result(self, position: int) -> np.ndarray:
        return self._join.result(position)


def _bind(bindings: Sequence[Binding], name: str | None, buffer: Buffer) -> None:
    if name is not None:
        for binding in bindings:
            binding.input(name, buffer)
