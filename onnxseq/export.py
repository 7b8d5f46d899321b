"""Models as ONNX files for inference."""

import os
import pathlib
import tempfile
from typing import Any

import onnx
from onnx import version_converter

from onnxseq.compiler.function import Function
from onnxseq.compiler.targets import OPSET, PORTABLE

FORMATS = ("onnx",)


def inference_model(model: Any, opset_version: int | None = None) -> onnx.ModelProto:
    """Return a network's inference graph as an ONNX model with its weights inside.

    Arguments:
        model: a built network with inputs and outputs.
        opset_version: the version of the standard operators; None for the library's own.

    Returns:
        A model of standard operators alone, checked; its first axis is the free dimension ``batch``, and so is every
        other axis without a size. Layers that are LSTM, GRU or RNN as ONNX has them become that op, others a Scan. ONNX
        Runtime's LSTM and GRU end the process where they are given no row, and GRU where it is given no step.

    Raises:
        ValueError: for an opset version to which the graph cannot be converted.
    """
    function = Function(model.inputs, model.outputs, name=model.name, freeze=True, target=PORTABLE)
    proto = function.onnx_model()
    if opset_version is not None and opset_version != OPSET:
        try:
            proto = version_converter.convert_version(proto, opset_version)
        except (RuntimeError, version_converter.ConvertError) as fault:
            raise ValueError(
                f"export: opset_version={opset_version!r} cannot hold model {model.name!r} ({fault}); "
                f"expected a version near {OPSET}. Leave opset_version out for {OPSET}."
            ) from fault
    onnx.checker.check_model(proto, full_check=True)
    return proto


def export(model: Any, path: str | os.PathLike, format: str = "onnx", opset_version: int | None = None) -> None:
    """Write a network as a file that any ONNX runtime runs.

    Arguments:
        model: a built network.
        path: the file to write; an existing one is replaced once the new one is whole.
        format: ``"onnx"``, the inference graph.
        opset_version: the version of the standard operators; None for the library's own.

    Raises:
        ValueError: for an unknown format or an opset version that cannot hold the model.
        OSError: where the file cannot be written; an existing one is as it was.
    """
    if format not in FORMATS:
        raise ValueError(f"export: format={format!r}; expected one of {', '.join(map(repr, FORMATS))}.")
    if opset_version is not None and (isinstance(opset_version, bool) or not isinstance(opset_version, int)):
        raise ValueError(f"export: opset_version={opset_version!r}; expected a whole number or None.")
    data = inference_model(model, opset_version).SerializeToString()
    target = pathlib.Path(path)
    # Written beside and renamed, so that a reader sees the old file or the new one, never half of it.
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as beside:
        try:
            beside.write(data)
            beside.flush()
            os.fsync(beside.fileno())
        except BaseException:
            os.unlink(beside.name)
            raise
    os.chmod(beside.name, 0o666 & ~_umask())
    os.replace(beside.name, target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
