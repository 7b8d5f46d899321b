"""A compiled model with its variables' buffers: leases runners, which run one step after another.

The hot path is ``Runner.run``: take the writer's lock, pick the binding for the live halves of the double
buffers, run, turn. Everything else happens once per shape or after a variable was set from outside.
"""

import threading
from collections.abc import Sequence

import numpy as np

from onnxseq import shapes
from onnxseq.compiler import state
from onnxseq.compiler.extract import Extract
from onnxseq.compiler.passes import rewrite
from onnxseq.compiler.session import Binding, Buffer, Session, aligned, available_cores
from onnxseq.compiler.sharded import ShardedBinding, ShardedSession
from onnxseq.compiler.tensor import Tensor, Variable, numpy_dtype

Shapes = tuple[tuple[int, ...], ...]

_DRAWING = ("Dropout", "RandomUniformLike", "RandomNormalLike", "RandomUniform", "RandomNormal", "Multinomial")
_POOLED = 8  # idle runners kept per shape


def _zeros(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    array = aligned(shape, dtype)
    array.fill(0)
    return array


class Program:
    """A session, the variables it reads and writes, and the runners that are idle.

    Attributes:
        lanes: how many runs at once make use of all cores.

    Arguments:
        extract: how the graph's inputs and outputs belong to tensors and variables.
        session: the compiled model, ready to run.
        inputs, outputs: the tensors fed and computed.
        sibling: a program that writes the same variables; both share one flip and one stream of random numbers.
    """

    def __init__(
        self,
        extract: Extract,
        session: Session | ShardedSession,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        sibling: "Program | None" = None,
    ):
        self.session = session
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.fed, self.output_names = extract.fed, extract.outputs
        self.reads: list[tuple[Variable, str]] = extract.reads
        self.writes: list[tuple[Variable, str]] = extract.writes
        self.before: list[tuple[Variable, str]] = extract.before
        shared = sibling.flip if sibling is not None else None
        self.flip: state.Flip | None = (shared or state.Flip()) if self.writes else None
        self.masks = extract.masks
        seeds = [mask.seed for mask in self.masks]
        self.random: Randomness = sibling.random if sibling is not None else Randomness(seeds)
        # Runs that write or draw something have an order.
        nodes = [node for graph in rewrite.graphs(extract.model.graph) for node in graph]
        ordered = self.writes or self.masks or any(node.op_type in _DRAWING for node in nodes)
        self.lanes = available_cores() if session.threads == 1 and not ordered else 1
        self._idle: dict[Shapes, list[Runner]] = {}
        self._lock = threading.Lock()

    def lease(self, input_shapes: Shapes) -> "Runner":
        """Return a runner for concrete input shapes; give it back with ``release``.

        Raises:
            ValueError: for a shape that an input cannot have.
        """
        with self._lock:
            idle = self._idle.get(input_shapes)
            if idle:
                return idle.pop()
        for x, sizes in zip(self.inputs, input_shapes, strict=True):
            if len(sizes) != x.rank or any(isinstance(d, int) and d != s for d, s in zip(x.dims, sizes, strict=True)):
                raise ValueError(
                    f"input {x.name!r} received an array of shape {sizes}; expected {shapes.to_keras(x.dims)}."
                )
        return Runner(self, input_shapes)

    def release(self, runner: "Runner") -> None:
        with self._lock:
            idle = self._idle.setdefault(runner.shapes, [])
            if len(idle) < _POOLED:
                idle.append(runner)


class Randomness:
    """Fills masks from one fast generator; the sequence follows from the seeds alone."""

    def __init__(self, seeds: Sequence[int]):
        self._bits = np.random.SFC64(list(seeds)) if seeds else None
        self._lock = threading.Lock()

    def fill(self, masks: Sequence[tuple[np.ndarray, np.generic]]) -> None:
        """Make each element of each array true where a random number reaches the array's threshold."""
        with self._lock:
            for mask, threshold in masks:
                words = -(-mask.size * threshold.itemsize // 8)
                drawn = self._bits.random_raw(words).view(threshold.dtype)[: mask.size]  # type: ignore[union-attr]
                np.greater_equal(drawn.reshape(mask.shape), threshold, out=mask)


def _threshold(rate: float) -> np.generic:
    """Return the number below which elements are dropped, of one byte where that is exact, else of two."""
    return np.uint8(rate * 256) if (rate * 256).is_integer() else np.uint16(round(rate * 65536))


class Runner:
    """One thread's view of a program at fixed input shapes.

    Attributes:
        inputs: arrays to write the batch into before ``run``.
        outputs: arrays with the results, valid until the next ``run``.
    """

    def __init__(self, program: Program, input_shapes: Shapes):
        self.program, self.shapes = program, input_shapes
        device = program.session.device
        self.inputs = [
            _zeros(shape, numpy_dtype(x.element_type)) for x, shape in zip(program.inputs, input_shapes, strict=True)
        ]
        sizes: dict[str, int] = {}
        for x, shape in zip(program.inputs, input_shapes, strict=True):
            sizes.update((dim, size) for dim, size in zip(x.dims, shape, strict=True) if isinstance(dim, str))
        self.outputs: list[np.ndarray | None] = []
        for y in program.outputs:
            known = [shapes.evaluate(d, sizes) for d in y.dims]
            fixed = [d for d in known if d is not None and d >= 0]
            self.outputs.append(_zeros(fixed, numpy_dtype(y.element_type)) if len(fixed) == y.rank else None)
        self._masks: list[tuple[np.ndarray, np.generic]] = []
        self._mask_feeds: dict[str, Buffer] = {}
        for mask in program.masks:
            array = aligned([shapes.evaluate(d, sizes) or 0 for d in mask.dims], np.dtype(bool))
            self._masks.append((array, _threshold(mask.rate)))
            self._mask_feeds[mask.name] = device.buffer(array)
        self._host = device.is_host
        self._own_inputs = list(self.inputs)
        self._dynamic = [i for i, y in enumerate(self.outputs) if y is None]
        self._feeds = [device.buffer(x) for x in self.inputs]
        self._results = [None if y is None else self._result_buffer(y) for y in self.outputs]
        self._bindings: dict[tuple[int, ...], tuple[Binding | ShardedBinding, dict[str, Buffer]]] = {}
        self._ready: dict[tuple[int, ...], Binding | ShardedBinding] = {}
        self._foreign: list[state.Flip] = []
        self._changes = -1

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *exception: object) -> None:
        self.inputs = list(self._own_inputs)
        # The caller's arrays are let go at once: they may be slices of a whole data set.
        for i, array in enumerate(self._own_inputs):
            if self._feeds[i].array is not array and self._host:
                self._feeds[i] = self.program.session.device.buffer(array)
                self._rebind_input(i)
        self.program.release(self)

    def _result_buffer(self, array: np.ndarray) -> Buffer:
        device = self.program.session.device
        return device.buffer(array) if device.is_host else device.empty(array.shape, array.dtype)

    def set_input(self, index: int, array: np.ndarray) -> None:
        """Use a C-contiguous array of the input's dtype and shape as it lies, without a copy."""
        self.inputs[index] = array
        if self._host:
            self._feeds[index] = self.program.session.device.buffer(array)
            self._rebind_input(index)

    def _rebind_input(self, index: int) -> None:
        name, buffer = self.program.fed[index], self._feeds[index]
        if name is not None:
            for binding, bound in self._bindings.values():
                binding.input(name, buffer)
                bound[name] = buffer

    def run(self) -> None:
        """Run one step: read the inputs and variables, write the outputs and the variables' next values."""
        own = self.program.flip
        if self._masks:
            self.program.random.fill(self._masks)
        if not self._host:
            self._upload()
        if own is None:
            self._step(None)
        else:
            with own.lock:
                done = self._step(own)
            while not done:  # a variable was set or moved: look again where everything is, outside the lock
                self._settle()
                with own.lock:
                    done = self._step(own)
        if not self._host or self._dynamic:
            self._download()

    def _step(self, own: state.Flip | None) -> bool:
        while True:
            foreign = self._foreign
            key = tuple([flip.enter() for flip in foreign])
            try:
                if self._changes == state.STORE.changes:
                    if own is not None:
                        own.await_spare()
                        key = (own.parity, *key)
                    binding = self._ready.get(key) or self._bind(key)
                    self._last = binding
                    binding.run()
                    if own is not None:
                        own.turn()
                    return True
            finally:
                for flip, parity in zip(foreign, key[-len(foreign) :] if foreign else (), strict=True):
                    flip.leave(parity)
            if own is not None:
                return False
            self._settle()

    def _settle(self) -> None:
        program = self.program
        with state.STORE.lock:
            self._foreign = state.settle(
                [v for v, _ in program.reads], [v for v, _ in program.writes], program.flip, program.session.device
            )
            self._ready.clear()
            self._changes = state.STORE.changes

    def _bind(self, key: tuple[int, ...]) -> Binding | ShardedBinding:
        program = self.program
        if key not in self._bindings:
            binding = program.session.binding()
            for name, buffer in zip(program.output_names, self._results, strict=True):
                if buffer is None:
                    binding.allocate(name)
                else:
                    binding.output(name, buffer)
            self._bindings[key] = (binding, {})
        binding, bound = self._bindings[key]
        own = program.flip
        parities = dict(zip(([own] if own else []) + self._foreign, key, strict=True))
        wanted: dict[str, Buffer] = {n: b for n, b in zip(program.fed, self._feeds, strict=True) if n is not None}
        wanted.update(self._mask_feeds)
        for variable, name in program.reads:
            home = variable.state
            wanted[name] = home.pair[parities[home.flip] if home.flip is not None else 0]  # type: ignore[index]
        for name, buffer in wanted.items():
            if bound.get(name) is not buffer:
                binding.input(name, buffer)
                bound[name] = buffer
        for variable, name in (*program.writes, *program.before):
            spare = variable.state.pair[1 - parities[own]]  # type: ignore[index]
            if bound.get(name) is not spare:
                binding.output(name, spare)
                bound[name] = spare
        for name, buffer in zip(program.output_names, self._results, strict=True):
            if buffer is not None and bound.get(name) is not buffer:
                binding.output(name, buffer)
                bound[name] = buffer
        self._ready[key] = binding
        return binding

    def _upload(self) -> None:
        device = self.program.session.device
        for i, array in enumerate(self.inputs):
            self._feeds[i] = device.buffer(np.ascontiguousarray(array))
            self._rebind_input(i)

    def _download(self) -> None:
        for i, buffer in enumerate(self._results):
            if buffer is None:
                self.outputs[i] = self._last.result(i)
            elif not self._host:
                np.copyto(self.outputs[i], buffer.read())  # type: ignore[arg-type]
