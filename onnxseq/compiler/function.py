"""Function: where build and run meet. The one door from recorded tensors to numbers."""

import collections
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from onnxseq import shapes
from onnxseq.compiler import pipeline, state
from onnxseq.compiler.ops.phase import phase
from onnxseq.compiler.runner import Program, Runner, Shapes
from onnxseq.compiler.targets import Target, current
from onnxseq.compiler.tensor import Tensor, Variable, constant_value, numpy_dtype
from onnxseq.sparse import dense

# A step is built for its very batch size: sizes known to the compiler make the gradients of convolutions 1.5 times
# faster. The first shape is taken for the one to come, another one only when it has come so often.
_SPECIAL, _OFTEN = 2, 32

class Function:
    """Computes outputs from inputs and updates variables, all in one run of one model.

    Every output sees the variables as they were before the updates. Functions that share variables always
    show one another the latest values. Calls from several threads are safe.

    Arguments:
        inputs: tensors to feed. Where the learning phase is among them both phases are kept, and the value fed picks.
        outputs: tensors to compute.
        updates: pairs of a variable and the tensor that becomes its value.
        learning_phase: the phase to build for where it is not fed: 1 for training, 0 for testing.
        name: what errors and the model call it.
        freeze: whether to build the variables in as constants, rebuilt when one of them has changed: faster
            per run, slower to start.
        target: the runtime to compile for; the installed one by default.

    Raises:
        ValueError: where an output depends on a placeholder which is not fed, or an update does not fit its variable.
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        updates: Sequence[tuple[Variable, Tensor]] = (),
        learning_phase: int = 0,
        name: str = "function",
        freeze: bool = False,
        target: Target | None = None,
    ):
        self.inputs, self.outputs, self.name = list(inputs), list(outputs), name
        self.updates = [self._checked(v, t) for v, t in dict(updates).items()]
        self._phase_index = next((i for i, x in enumerate(self.inputs) if x is phase()), None)
        self._fed = [x for x in self.inputs if x is not phase()]
        self._phase, self._freeze, self._target = int(bool(learning_phase)), freeze, target
        self._programs: dict[tuple[int, bool], Program] = {}
        self._special: dict[tuple[int, Shapes], Program] = {}
        self._leases: collections.Counter[tuple[int, Shapes]] = collections.Counter()
        self._stamps: dict[tuple[int, bool], list[tuple[Variable, Any]]] = {}
        self._lock = threading.RLock()

    def _checked(self, variable: Variable, value: Tensor) -> tuple[Variable, Tensor]:
        if value.element_type != variable.element_type or len(value.dims) != len(variable.dims):
            raise ValueError(
                f"function {self.name!r}: the update of {variable.name!r} has shape {shapes.to_keras(value.dims)} "
                f"and dtype {value.dtype_name}; expected {shapes.to_keras(variable.dims)} and {variable.dtype_name}."
            )
        return variable, value

    def _program(self, phase_value: int, empty: bool) -> Program:
        """Return the program for all shapes but those of empty inputs, or the one for these."""
        key = (phase_value, empty)
        program = self._programs.get(key)
        if program is not None and not (self._freeze and self._is_stale(key)):
            return program
        with self._lock:
            program = self._programs.get(key)
            if program is None or (self._freeze and self._is_stale(key)):
                program = self._programs[key] = self._build(phase_value, empty=empty)
            return program

    def _special_program(self, phase_value: int, input_shapes: Shapes) -> Program | None:
        """Return the program for these very shapes, or None where the one for all shapes is to run."""
        key = (phase_value, input_shapes)
        program = self._special.get(key)
        if program is not None or not self.updates:
            return program
        with self._lock:
            self._leases[key] += 1
            if key not in self._special:
                kept = [k for k in self._special if k[0] == phase_value]
                wanted = not (kept or (phase_value, False) in self._programs) or self._leases[key] == _OFTEN
                if wanted and len(kept) < _SPECIAL:
                    sizes = self._sizes(input_shapes)
                    self._special[key] = self._build(phase_value, sizes)
            return self._special.get(key)

    def _sizes(self, input_shapes: Shapes) -> dict[str, int]:
        pairs = [pair for x, s in zip(self._fed, input_shapes, strict=True) for pair in zip(x.dims, s, strict=True)]
        return {dim: size for dim, size in pairs if isinstance(dim, str) and size}

    def _build(self, phase_value: int, sizes: dict[str, int] | None = None, empty: bool = False) -> Program:
        if self._freeze:
            variables = pipeline.variables_of(self.outputs, self._fed)
            self._stamps[phase_value, empty] = [(v, state.stamp(v)) for v in variables]
        target = self._target or current()
        return pipeline.build(
            self._fed,
            self.outputs,
            self.updates,
            phase_value,
            # A recurrent op which is given no row or no step ends the process.
            target.without("recurrent") if empty else target,
            self._freeze,
            self.name,
            sizes,
            self._sibling(phase_value),
        )

    def _sibling(self, phase_value: int) -> Program | None:
        """Return a program of the same phase built before."""
        built = [*self._programs.items(), *self._special.items()]
        return next((program for (chosen, _), program in built if chosen == phase_value), None)

    def _is_stale(self, key: tuple[int, bool]) -> bool:
        return any(state.stamp(v) != token for v, token in self._stamps[key])

    def runner(self, input_shapes: Sequence[Sequence[int]], learning_phase: int | None = None) -> Runner:
        """Lease a runner for concrete shapes of the inputs (the phase not counted): ``with f.runner(...) as r``."""
        chosen = self._phase if learning_phase is None else int(bool(learning_phase))
        wanted = tuple(tuple(s) for s in input_shapes)
        empty = any(0 in shape for shape in wanted)
        program = (None if empty else self._special_program(chosen, wanted)) or self._program(chosen, empty)
        return program.lease(wanted)

    def __call__(self, inputs: Sequence[Any]) -> list[np.ndarray]:
        """Run once and return the outputs as arrays.

        Raises:
            ValueError: for a wrong number of inputs, a shape that does not fit, or values that are no numbers.
            TypeError: for anything but a list or a tuple of inputs.
        """
        if not isinstance(inputs, list | tuple) or len(inputs) != len(self.inputs):
            arrived = len(inputs) if isinstance(inputs, list | tuple) else repr(type(inputs).__name__)
            raise (ValueError if isinstance(inputs, list | tuple) else TypeError)(
                f"function {self.name!r}: received {arrived} inputs; expected a list of {len(self.inputs)} arrays."
            )
        values, chosen = list(inputs), self._phase
        if self._phase_index is not None:
            chosen = int(bool(values.pop(self._phase_index)))
        arrays = [self._array(x, value) for x, value in zip(self._fed, values, strict=True)]
        self._agree(arrays)
        if not self.outputs and not self.updates:
            return []
        with self.runner([a.shape for a in arrays], chosen) as runner:
            for own, array in zip(runner.inputs, arrays, strict=True):
                np.copyto(own, array)
            runner.run()
            return [np.array(y) for y in runner.outputs]

    def _array(self, x: Tensor, value: Any) -> np.ndarray:
        array = np.asarray(dense(value))
        dtype = numpy_dtype(x.element_type)
        if array.dtype != dtype:
            if array.dtype.kind not in "biufc" and array.dtype.name != "bfloat16":
                raise ValueError(
                    f"function {self.name!r}: input {x.name!r} received values of dtype {array.dtype}; "
                    f"expected {dtype}."
                )
            array = array.astype(dtype)
        if array.ndim != x.rank or any(isinstance(d, int) and d != s for d, s in zip(x.dims, array.shape, strict=True)):
            raise ValueError(
                f"function {self.name!r}: input {x.name!r} received an array of shape {array.shape}; "
                f"expected {shapes.to_keras(x.dims)}."
            )
        return array

    def _agree(self, arrays: Sequence[np.ndarray]) -> None:
        """Raise where one free dimension would have two sizes."""
        sizes: dict[str, tuple[int, Tensor]] = {}
        for x, array in zip(self._fed, arrays, strict=True):
            for dim, size in zip(x.dims, array.shape, strict=True):
                if isinstance(dim, str):
                    first = sizes.setdefault(dim, (size, x))
                    if first[0] != size:
                        raise ValueError(
                            f"function {self.name!r}: dimension {dim!r} is {first[0]} in input {first[1].name!r} and "
                            f"{size} in input {x.name!r}; expected one size."
                        )

    def onnx_model(self, learning_phase: int | None = None) -> Any:
        """Return the lowered ONNX model, an ``onnx.ModelProto``, for a look in Netron or for another runtime.

        Variables are inputs by their names, or constants where the function is frozen.
        """
        chosen = self._phase if learning_phase is None else int(bool(learning_phase))
        return pipeline.model(
            self._fed, self.outputs, self.updates, chosen, self._target or current(), self._freeze, self.name
        )


def evaluate(tensor: Tensor) -> np.ndarray:
    """Return a tensor's value, which must depend on no placeholder."""
    if isinstance(tensor, Variable):
        return state.read(tensor)
    known = constant_value(tensor)
    return np.array(known) if known is not None else Function([], [tensor], name="eval")([])[0]


def get_value(variable: Variable) -> np.ndarray:
    """Return a copy of a variable's value on the host."""
    return state.read(variable)


def set_value(variable: Variable, value: Any) -> None:
    """Give a variable a new value.

    Raises:
        ValueError: where the shape is not the variable's.
    """
    array = np.asarray(value, dtype=numpy_dtype(variable.element_type))
    if array.shape != tuple(variable.dims):
        raise ValueError(f"{variable.name!r} received a value of shape {array.shape}; expected {tuple(variable.dims)}.")
    state.write(variable, array)
