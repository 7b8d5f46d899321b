"""What importing says where no ONNX Runtime is installed, or two at once."""

import subprocess
import sys
import textwrap

from onnxseq.compiler.session import wheel_fault

NONE = (
    "onnxseq: no ONNX Runtime is installed; expected one runtime flavour. "
    'Run: pip install "onnxseq[cpu]"  (or [training], [training-cuda], [gpu])'
)
TWO = (
    "onnxseq: onnxruntime and onnxruntime-training-cpu are installed together; expected one of them, since they "
    "overwrite each other's files. Run: pip uninstall -y onnxruntime onnxruntime-training-cpu && "
    'pip install "onnxseq[cpu]"'
)


def test_messages():
    assert wheel_fault([], importable=False) == NONE
    assert wheel_fault(["onnxruntime", "onnxruntime-training-cpu"], importable=True) == TWO
    assert wheel_fault(["onnxruntime"], importable=True) is None
    assert wheel_fault([], importable=True) is None  # a runtime built from source has no wheel's name


def import_after(preparation):
    code = textwrap.dedent(preparation) + "\nimport onnxseq.compiler.session\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def test_importing_without_a_runtime():
    hidden = """
        import sys
        sys.modules["onnxruntime"] = None
    """
    assert import_after(hidden) == f"ImportError: {NONE}"


def test_importing_with_two_runtimes():
    doubled = """
        import importlib.metadata
        known = {"onnxruntime", "onnxruntime-training-cpu"}
        real = importlib.metadata.version
        def version(name):
            if name in known:
                return "1"
            if name.startswith("onnxruntime"):
                raise importlib.metadata.PackageNotFoundError(name)
            return real(name)
        importlib.metadata.version = version
    """
    assert import_after(doubled) == f"ImportError: {TWO}"
