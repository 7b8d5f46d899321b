"""Pickles of arrays and plain containers, read without running anything that they name.

What a pickle may name is a closed list: how NumPy puts an array, a dtype or a number together again. And not even these
are called, since NumPy believes what they are told; stand-ins of ours check it and make the arrays.
"""

import io
import math
import pickle
import re

import numpy as np

from onnxseq.errors import text

PLAIN = re.compile(r"[biuf][1248]|b1|O8?")
"""Dtypes that may occur: booleans, numbers and objects, these being what else is read here."""

FAULTS = (pickle.UnpicklingError, ValueError, TypeError, AttributeError, LookupError, EOFError, MemoryError,
          OverflowError, RecursionError, ImportError)  # fmt: skip
"""What reading a broken or hostile pickle may raise."""


def read(who, content, encoding="ASCII"):
    """Return what a pickle holds: arrays, numbers, texts, bytes, and lists, tuples and dicts of these.

    Arguments:
        who: What is read, for messages.
        content: The bytes.
        encoding: Of texts that Python 2 wrote; 'bytes' leaves them as they are.

    Raises:
        ValueError: It is broken, or names anything else. Nothing was run.
    """
    try:
        return _finished(_Reader(io.BytesIO(content), encoding=encoding).load())
    except FAULTS as error:
        raise ValueError(
            text(who, f"it cannot be read ({type(error).__name__}: {error})", "a pickle of arrays and plain containers",
                 "Nothing in it was run. Do not use it.")
        ) from error  # fmt: skip


class _Reader(pickle.Unpickler):
    def find_class(self, module, name):
        make = _MAKERS.get((module.replace("numpy._core", "numpy.core"), name))
        if make is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _Maker(make)


class _Maker:
    """What a pickle is given for a name: it can be called, and nothing else can be done with it."""

    __slots__ = ("_make",)

    def __init__(self, make):
        self._make = make

    def __call__(self, *arguments):
        return self._make(*arguments)

    def __setstate__(self, state):
        raise pickle.UnpicklingError("it sets the state of a function")


class _DType:
    """Stands for a dtype until its byte order is told."""

    __slots__ = ("dtype",)

    def __init__(self, name, align=0, copy=1):
        name = name.decode("ascii") if isinstance(name, bytes) else name
        if not isinstance(name, str) or not PLAIN.fullmatch(name):
            raise pickle.UnpicklingError(f"it has an array of dtype {name!r}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state):
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("it has an array of records")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for an array until its content is told."""

    __slots__ = ("value",)

    def __init__(self, kind, shape, code):
        self.value = None

    def __setstate__(self, state):
        _, shape, dtype, in_columns, content = state
        if not all(isinstance(size, int) and size >= 0 for size in shape) or not isinstance(dtype, _DType):
            raise pickle.UnpicklingError("it has an array of no shape or dtype")
        order = "F" if in_columns else "C"
        if dtype.dtype.hasobject:
            if not isinstance(content, list) or len(content) != math.prod(shape):
                raise pickle.UnpicklingError("it has an array of objects that are not there")
            flat = np.empty(len(content), dtype=object)
            flat[:] = [_finished(element) for element in content]
        else:
            content = content.encode("latin1") if isinstance(content, str) else content
            flat = np.frombuffer(content, dtype=dtype.dtype).copy()
        self.value = flat.reshape(shape, order=order)


def _no_call(*_):
    raise pickle.UnpicklingError("it makes an array out of nothing")


def _scalar(dtype, content):
    content = content.encode("latin1") if isinstance(content, str) else content
    if dtype.dtype.hasobject:
        raise pickle.UnpicklingError("it has a number that is an object")
    (value,) = np.frombuffer(content, dtype=dtype.dtype)
    return value


def _bytes_of(characters, encoding):
    """How Python 3 wrote bytes for Python 2 to read."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it has bytes in the encoding {encoding!r}")
    return characters.encode("latin1")


def _no_bytes():
    """How Python 3 wrote no bytes at all for Python 2 to read."""
    return b""


_MAKERS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): _no_call,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _bytes_of,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
}


_LEAVES = {bool, int, float, str, bytes, type(None)}
"""What holds nothing further: lists of these, of which there are many, are taken as they are."""


def _finished(value):
    """Return a value with arrays in place of what stood for them, at the top and in a dict or a list there."""
    if isinstance(value, _Array):
        if value.value is None:
            raise pickle.UnpicklingError("it has an array without content")
        return value.value
    if isinstance(value, _Maker | _DType):
        raise pickle.UnpicklingError("it holds a function or a dtype")
    if isinstance(value, dict):
        return {key: _finished(part) for key, part in value.items()}
    if isinstance(value, list | tuple) and not _LEAVES.issuperset(map(type, value)):
        return type(value)([_finished(part) for part in value])
    return value
