"""Static shapes and dtypes as code of the time reads them: ``x.shape[1].value``, ``x.dtype.name`` and their kin.

onnx_ir has shapes and dtypes of its own, which are what a graph's values show. A tensor that is in no graph is one that
users hold, and shows these.
"""

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as ir


class Size(int):
    """A size that is known: an int with a ``value``, whose arithmetic gives sizes."""

    @property
    def value(self) -> int:
        return int(self)


class FreeSize:
    """The size of a free dimension: ``value`` is None, it equals None, and arithmetic with it gives a free size."""

    value = None

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, FreeSize)

    def __hash__(self) -> int:
        return hash(None)

    def __repr__(self) -> str:
        return "None"

    def __int__(self) -> int:
        raise TypeError("the size of a free dimension is not known; expected a known one. Use K.shape(x)[axis].")

    __index__ = __int__


FREE = FreeSize()


def _sized(operate: Callable[[int, int], int], reflected: bool) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, FreeSize) or isinstance(self, FreeSize):
            return FREE if other is None or isinstance(other, int | FreeSize) else NotImplemented
        if not isinstance(other, int):
            return NotImplemented
        return Size(operate(int(other), int(self)) if reflected else operate(int(self), int(other)))

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    for _class in (Size, FreeSize):
        setattr(_class, f"__{_name}__", _sized(getattr(operator, _name), reflected=False))
        setattr(_class, f"__r{_name}__", _sized(getattr(operator, _name), reflected=True))


class TensorShape(tuple):
    """A static shape: a tuple of sizes, with the methods that shapes had."""

    @classmethod
    def of(cls, sizes: Iterable[int | None], free: Any = FREE) -> "TensorShape":
        """Return the shape of sizes, ``free`` standing for None."""
        return cls(free if size is None or isinstance(size, FreeSize) else Size(size) for size in sizes)

    @property
    def ndims(self) -> int:
        return len(self)

    @property
    def dims(self) -> list[Any]:
        return list(self)

    def as_list(self) -> list[int | None]:
        """Return the sizes as plain ints, None for free ones."""
        return [int(size) if isinstance(size, int) else None for size in self]

    def is_fully_defined(self) -> bool:
        """Tell whether every size is known."""
        return None not in self.as_list()

    def num_elements(self) -> int | None:
        """Return the number of elements; None where a size is free."""
        return math.prod(int(size) for size in self) if self.is_fully_defined() else None

    def is_compatible_with(self, other: Iterable[Any]) -> bool:
        """Tell whether some sizes for the free ones make the shapes equal."""
        theirs = TensorShape.of(other).as_list()
        pairs = zip(self.as_list(), theirs, strict=False)
        return len(self) == len(theirs) and all(a is None or b is None or a == b for a, b in pairs)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | list) and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def __str__(self) -> str:
        shown = ["?" if size is None else str(size) for size in self.as_list()]
        return f"({', '.join(shown)}{',' if len(shown) == 1 else ''})"


class DType(int):
    """A tensor's dtype under the name that Keras gives it; equal to onnx_ir's dtype, whose attributes it has too."""

    _ir: ir.DataType
    name: str

    @classmethod
    def of(cls, dtype: ir.DataType, name: str) -> "DType":
        made = cls(int(dtype))
        made._ir, made.name = dtype, name
        return made

    @property
    def base_dtype(self) -> "DType":
        return self

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy type of its values."""
        if self._ir == ir.DataType.STRING:
            return np.object_
        return ml_dtypes.bfloat16 if self._ir == ir.DataType.BFLOAT16 else self._ir.numpy().type

    @property
    def is_floating(self) -> bool:
        return "float" in self.name

    @property
    def is_integer(self) -> bool:
        return "int" in self.name

    @property
    def is_bool(self) -> bool:
        return self.name == "bool"

    @property
    def size(self) -> int:
        """The number of bytes of one value."""
        return np.dtype(self.as_numpy_dtype).itemsize

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._ir, name)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return int(self) == int(other)
        if isinstance(other, str):
            return self.name == other
        return other is self.as_numpy_dtype or (isinstance(other, np.dtype) and other.name == self.name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__

    def __repr__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return DType.of, (self._ir, self.name)
