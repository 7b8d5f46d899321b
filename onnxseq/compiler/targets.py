"""What each runtime and provider can run: the tiers above standard ONNX, probed from what is installed."""

import functools
import pathlib
import tempfile
from dataclasses import dataclass, field, replace

import numpy as np
import onnx_ir as ir

from onnxseq.compiler import session

OPSET = 18  # both the last training build and today's runtimes run all forms of it
DOMAINS = {"com.microsoft": 1, "com.microsoft.nchwc": 1}


@dataclass(frozen=True)
class Target:
    """A runtime, its provider and the features lowerings may use.

    Features:
        onnx: standard ops, which every target has.
        recurrent: the standard recurrent ops, for sequences of one step or more and batches of one row or more.
        nchwc: the CPU provider's convolution and pooling in a blocked layout, ``block`` channels together.
        host_masks: dropout's masks are drawn on the host and fed.
        marks_nan: the recurrent ops give numbers where they read NaN; what they give is to be marked.
        fast_scan: Scan is faster than some recurrent ops.
        gated_add: the stock runtime's GatedAdd, ``x + y * gate``.
    """

    provider: str = "CPUExecutionProvider"
    features: frozenset[str] = field(default_factory=lambda: frozenset({"onnx", "recurrent"}))
    block: int = 0

    def has(self, feature: str) -> bool:
        return feature in self.features

    @property
    def on_cpu(self) -> bool:
        return self.provider == "CPUExecutionProvider"

    def without(self, feature: str) -> "Target":
        """Return the same target without a feature."""
        return replace(self, features=self.features - {feature})


PORTABLE = Target()


_chosen: list[str] = []


def use(provider: str | None) -> None:
    """Compile for a provider of the installed runtime from now on, or for the best of them again.

    Arguments:
        provider: the provider's name, such as 'CPUExecutionProvider'; None for the best.

    Raises:
        ValueError: the installed runtime has no such provider.
    """
    if provider is not None and provider not in session.providers():
        offered = ", ".join(map(repr, session.providers()))
        raise ValueError(
            f"targets.use: provider is {provider!r}; expected one that the installed ONNX Runtime offers: {offered}. "
            "Choose one of these, or install the runtime that has it."
        )
    _chosen[:] = [] if provider is None else [provider]


def current() -> Target:
    """Return the target for the installed runtime and the chosen provider, which is its best unless said otherwise."""
    return _target(_chosen[0] if _chosen else _best())


@functools.cache
def _best() -> str:
    return "CUDAExecutionProvider" if "CUDAExecutionProvider" in session.providers() else "CPUExecutionProvider"


@functools.cache
def _target(provider: str) -> Target:
    features, block = {"onnx"}, 0
    if provider == "CPUExecutionProvider":
        features |= {"recurrent", "host_masks", "fast_scan", "marks_nan"}
        block = _probe_block()
        if block:
            features.add("nchwc")
        if _probe_gated_add():
            features.add("gated_add")
    return Target(provider, frozenset(features), block)


def _value(name: str, shape: list[int]) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.FLOAT))


def _model(nodes: list[ir.Node], inputs: list[ir.Value], initializers: list[ir.Value]) -> bytes:
    graph = ir.Graph(
        inputs,
        list(nodes[-1].outputs),
        nodes=nodes,
        initializers=initializers,
        opset_imports={"": OPSET, **DOMAINS},
        name="probe",
    )
    return ir.to_proto(ir.Model(graph, ir_version=9)).SerializeToString()


def _probe_block() -> int:
    """Return how many channels the runtime blocks together: 16 with AVX-512, 8 with AVX2, 0 for no such kernels.

    24 output channels are padded to 32 where blocks hold 16 and stay 24 where they hold 8.
    """
    weights = _value("w", [24, 16, 3, 3])
    weights.const_value = ir.Tensor(np.ones((24, 16, 3, 3), np.float32))
    x = _value("x", [1, 16, 8, 8])
    node = ir.Node("", "Conv", [x, weights], num_outputs=1)
    node.outputs[0].name, node.outputs[0].type = "y", ir.TensorType(ir.DataType.FLOAT)
    node.outputs[0].shape = ir.Shape([1, 24, 6, 6])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "optimized.onnx")
        session.optimized(_model([node], [x], [weights]), str(path))
        graph = ir.load(path).graph
        for found in graph:
            if found.domain == "com.microsoft.nchwc" and found.op_type == "Conv":
                blocked = found.inputs[1]
                if blocked is not None and blocked.shape is not None:
                    return {32: 16, 24: 8}.get(int(blocked.shape[0]), 0)
    return 0


def _probe_gated_add() -> bool:
    x, gate = _value("x", [2, 3]), _value("gate", [2, 1])
    node = ir.Node("com.microsoft", "GatedAdd", [x, x, gate], num_outputs=1)
    node.outputs[0].name, node.outputs[0].type = "y", ir.TensorType(ir.DataType.FLOAT)
    node.outputs[0].shape = ir.Shape([2, 3])
    return session.loads(_model([node], [x, gate], []))
