"""The only importer of onnxruntime: which wheel is installed, sessions, bindings and device buffers."""

import importlib.metadata
import math
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

# Each flavour's wheel installs the same import name, so at most one may be there.
WHEELS = {
    "onnxruntime": "cpu",
    "onnxruntime-training-cpu": "training",
    "onnxruntime-training": "training-cuda",
    "onnxruntime-gpu": "gpu",
}


def installed_wheels() -> list[str]:
    """Return which of the known ONNX Runtime wheels this environment has."""
    found = []
    for wheel in WHEELS:
        try:
            importlib.metadata.version(wheel)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(wheel)
    return found


def wheel_fault(wheels: Sequence[str], importable: bool) -> str | None:
    """Return what is wrong with the installed runtime wheels and which command mends it, or None."""
    if len(wheels) > 1:
        names = " and ".join(wheels)
        return (
            f"onnxseq: {names} are installed together; expected one of them, since they overwrite each other's files. "
            f"Run: pip uninstall -y {' '.join(wheels)} && pip install \"onnxseq[{WHEELS[wheels[0]]}]\""
        )
    if not importable:
        return (
            "onnxseq: no ONNX Runtime is installed; expected one runtime flavour. "
            'Run: pip install "onnxseq[cpu]"  (or [training], [training-cuda], [gpu])'
        )
    return None


try:
    import onnxruntime as ort
except ModuleNotFoundError as fault:
    raise ImportError(wheel_fault(installed_wheels()[:1], importable=False)) from fault

_fault = wheel_fault(installed_wheels(), importable=True)
if _fault:
    raise ImportError(_fault)

# Sessions log nothing but errors: warnings about unusual graphs are for the compiler's developers.
ort.set_default_logger_severity(3)

_LEVELS = {
    "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}

def runtime_version() -> str:
    """Return the installed ONNX Runtime's version."""
    return ort.__version__


def providers() -> list[str]:
    """Return the execution providers which the installed runtime offers, best first."""
    return list(ort.get_available_providers())


# A cache line, and the widest vector register: kernels are up to twice as slow on arrays that straddle it.
ALIGNMENT = 64


def aligned(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Return an array of undefined values whose memory starts at a cache line."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


class Device:
    """Where buffers live: the host's memory, which NumPy sees without a copy, or a CUDA device's."""

    def __init__(self, kind: str = "cpu", index: int = 0):
        self.kind, self.index = kind, index

    @property
    def is_host(self) -> bool:
        return self.kind == "cpu"

    def buffer(self, array: np.ndarray) -> "Buffer":
        """Return a buffer with an array's values; on the host it shares the array's memory."""
        return Buffer(ort.OrtValue.ortvalue_from_numpy(array, self.kind, self.index), array if self.is_host else None)

    def copy(self, array: np.ndarray) -> "Buffer":
        """Return a buffer of its own with an array's values."""
        if not self.is_host:
            return self.buffer(array)
        own = aligned(array.shape, array.dtype)
        np.copyto(own, array)
        return self.buffer(own)

    def empty(self, shape: Sequence[int], dtype: np.dtype) -> "Buffer":
        """Return a buffer with undefined values."""
        if self.is_host:
            return self.buffer(aligned(shape, dtype))
        return Buffer(ort.OrtValue.ortvalue_from_shape_and_type(list(shape), dtype.type, self.kind, self.index), None)


class Buffer:
    """A tensor's memory on a device; on the host ``array`` is the same memory."""

    __slots__ = ("array", "value")

    def __init__(self, value: Any, array: np.ndarray | None):
        self.value, self.array = value, array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape if self.array is not None else tuple(self.value.shape())

    def read(self) -> np.ndarray:
        """Return a copy of the values on the host."""
        return self.array.copy() if self.array is not None else self.value.numpy()

    def write(self, array: np.ndarray) -> None:
        """Overwrite the values from the host."""
        if self.array is not None:
            np.copyto(self.array, array)
        else:
            self.value.update_inplace(np.ascontiguousarray(array))


def available_cores(topology: str = "/sys/devices/system/cpu") -> int:
    """Return how many physical cores this process may use; processors where the system does not tell cores apart."""
    processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = set()
    for number in processors:
        try:
            siblings = pathlib.Path(topology, f"cpu{number}", "topology", "thread_siblings_list").read_text()
        except OSError:
            siblings = str(number)
        cores.add(siblings)
    return max(len(cores), 1)


class Session:
    """A model made ready to run.

    Arguments:
        model: the serialized ONNX model.
        provider: the execution provider, such as 'CPUExecutionProvider'.
        threads: threads within an op; 0 for one per core that the process may use.
        level: the runtime's own graph optimizations: 'none', 'basic', 'extended' or 'all'.
        yields: whether threads sleep as soon as a run ends, since others need the cores then.
        together: how many runs are made side by side.
    """

    def __init__(
        self,
        model: bytes,
        provider: str,
        threads: int = 0,
        level: str = "all",
        yields: bool = False,
        together: int = 1,
    ):
        options = ort.SessionOptions()
        options.add_session_config_entry("session.force_spinning_stop", str(int(yields)))
        options.graph_optimization_level = _LEVELS[level]
        # The runtime's own choice pins its threads to cores, beside which this thread finds no place: 38 ms for 29.
        self.threads = threads or available_cores()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
        # The stock build drops a Dropout in training mode too where nothing reads its mask; the training build makes
        # zeros before a pooling its padding, which is no zero to a maximum and does not count in an average.
        disabled = ["EliminateDropout", "Pad_Fusion"]
        try:
            self._session = ort.InferenceSession(model, options, providers=providers, disabled_optimizers=disabled)
        except ort.capi.onnxruntime_pybind11_state.NotImplemented:
            # The training build fuses transposed products of doubles into an op that it has for float32 alone.
            disabled = [*disabled, "MatmulTransposeFusion"]
            self._session = ort.InferenceSession(model, options, providers=providers, disabled_optimizers=disabled)
        self.device = Device("cuda" if provider == "CUDAExecutionProvider" else "cpu")
        # From the first run the runtime learns how large one block for all values must be, and takes it in the second
        # beside all that the first has taken, which nothing uses again: 611 MB for 345, of 1,000 steps of an LSTM.
        self._first = iter([_giving_back()] * together if self.device.is_host else [])

    def binding(self) -> "Binding":
        """Return an empty binding of this session's inputs and outputs."""
        return Binding(self._session, self.device, self._first)

    def run(self, feeds: dict[str, np.ndarray], outputs: list[str] | None = None) -> list[np.ndarray]:
        """Run once with arrays by name; for checks and single calls."""
        return self._session.run(outputs, feeds)


def _giving_back() -> Any:
    """Return the options of a run behind which the runtime gives the host's memory that is not in use back."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


class Binding:
    """Inputs and outputs of a session, bound once and run many times.

    Arguments:
        first: the options of the session's runs to come, as long as they are other than the usual ones.
    """

    def __init__(self, session: Any, device: Device, first: Iterator[Any]):
        self._session, self._device, self._first = session, device, first
        self._binding = session.io_binding()

    def input(self, name: str, buffer: Buffer) -> None:
        self._binding.bind_ortvalue_input(name, buffer.value)

    def output(self, name: str, buffer: Buffer) -> None:
        self._binding.bind_ortvalue_output(name, buffer.value)

    def allocate(self, name: str) -> None:
        """Let the runtime allocate an output whose shape is known only after the run."""
        self._binding.bind_output(name, self._device.kind, self._device.index)

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding, next(self._first, None))

    def result(self, position: int) -> np.ndarray:
        """Return a copy of an output that the runtime allocated; ``position`` counts bound outputs."""
        return self._binding.get_outputs()[position].numpy()


def optimized(model: bytes, path: str) -> None:
    """Write the model as the runtime rewrites it for this machine; for probing what it can do."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = path
    options.log_severity_level = 4
    ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def loads(model: bytes) -> bool:
    """Tell whether the runtime accepts a model."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:  # the runtime raises types of its own for a missing kernel
        return False
    return True

