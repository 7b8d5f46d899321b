"""Symbolic tensors and variables on onnx_ir, and the recording of nodes.

A tensor is an ``onnx_ir.Value`` with a static shape and arithmetic; calling an op records an
``onnx_ir.Node`` that belongs to no graph and is never changed again. A ``Function`` later clones what it
reaches. Three kinds of tensor have no producer: placeholders, constants (``const_value`` is set) and variables.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import onnx_ir as ir

from onnxseq import shapes
from onnxseq.compiler.readings import DType, TensorShape
from onnxseq.shapes import Dim, Dims

# Arithmetic is installed here by the op families, which lie above this module.
OPERATORS: dict[str, Callable[..., Any]] = {}

_scope = threading.local()
_serial = itertools.count()

DTYPES = {
    "float16": ir.DataType.FLOAT16,
    "bfloat16": ir.DataType.BFLOAT16,
    "float32": ir.DataType.FLOAT,
    "float64": ir.DataType.DOUBLE,
    "int8": ir.DataType.INT8,
    "int16": ir.DataType.INT16,
    "int32": ir.DataType.INT32,
    "int64": ir.DataType.INT64,
    "uint8": ir.DataType.UINT8,
    "uint16": ir.DataType.UINT16,
    "uint32": ir.DataType.UINT32,
    "uint64": ir.DataType.UINT64,
    "bool": ir.DataType.BOOL,
    "string": ir.DataType.STRING,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_SHOWN = {dtype: DType.of(dtype, name) for name, dtype in DTYPES.items()}
FLOATS = frozenset({ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.FLOAT, ir.DataType.DOUBLE})


def as_dtype(dtype: Any) -> ir.DataType:
    """Return the onnx_ir dtype of a name, a NumPy dtype or an onnx_ir dtype; TypeError for anything else."""
    if isinstance(dtype, ir.DataType):
        return dtype
    if isinstance(dtype, DType):
        dtype = dtype.name
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in DTYPES:
        raise TypeError(f"dtype: {dtype!r} is not a tensor type; expected one of {', '.join(DTYPES)}.")
    return DTYPES[name]


def numpy_dtype(dtype: ir.DataType) -> np.dtype:
    """Return the NumPy dtype which holds values of an onnx_ir dtype."""
    return np.dtype(ml_dtypes.bfloat16) if dtype == ir.DataType.BFLOAT16 else dtype.numpy()


# What code for TensorFlow asks of its tensors, and what it should use here.
_ELSEWHERE = {
    "eval": "K.eval(x)",
    "assign": "K.set_value(variable, value), or K.update(variable, tensor) in a function's updates",
    "assign_add": "K.update_add(variable, increment) in a function's updates",
    "assign_sub": "K.update_sub(variable, decrement) in a function's updates",
    "load": "K.set_value(variable, value)",
    "op": "x.name, or x._keras_history[0] for the layer that it comes from",
    "initializer": "K.get_value(variable): variables have their first values at once",
    "read_value": "K.identity(variable)",
    "initialized_value": "K.identity(variable)",
}


class Tensor(ir.Value):
    """A symbolic tensor: what an op will compute, with its dtype and static shape.

    Attributes:
        dims: the static shape; a free dimension is its name.
    """

    def __init__(self, dtype: ir.DataType, dims: Dims, name: str | None = None, const_value: Any = None):
        super().__init__(
            name=name,
            shape=ir.Shape([d if isinstance(d, int) else ir.SymbolicDim(d) for d in dims]),
            type=ir.TensorType(dtype),
            const_value=const_value,
        )
        self.dims: Dims = tuple(dims)
        self.serial = next(_serial)  # creation order: a topological order of whatever was recorded

    @property
    def dtype_name(self) -> str:
        """The dtype as a word, such as 'float32'."""
        return _NAMES[self.element_type]

    @property
    def element_type(self) -> ir.DataType:
        """The dtype, which every tensor of ours has."""
        dtype = super().dtype
        if dtype is None:
            raise TypeError(f"tensor {self.name!r} has no dtype")
        return dtype

    @property
    def dtype(self) -> Any:
        """The dtype: as users read it, and onnx_ir's own for a value of a graph."""
        return _SHOWN[self.element_type] if self.graph is None else self.element_type

    @dtype.setter
    def dtype(self, value: ir.DataType) -> None:
        ir.Value.dtype.fset(self, value)

    @property
    def shape(self) -> Any:
        """The static shape: as users read it, and onnx_ir's own for a value of a graph."""
        return self.get_shape() if self.graph is None else super().shape

    @shape.setter
    def shape(self, value: ir.Shape | None) -> None:
        ir.Value.shape.fset(self, value)

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def is_constant(self) -> bool:
        return self.const_value is not None

    def get_shape(self) -> TensorShape:
        """Return the static shape, each entry with a ``value``, which is None for free dimensions."""
        return TensorShape.of(shapes.to_keras(self.dims))

    def set_shape(self, shape: Sequence[Any]) -> None:
        """State sizes of free dimensions that the one who asks knows better; ValueError where a known one differs."""
        sizes = TensorShape.of(shape).as_list()
        if not self.get_shape().is_compatible_with(sizes):
            raise ValueError(
                f"{self!r}: set_shape was given {tuple(sizes)}; expected sizes that agree with the known ones."
            )
        self.dims = tuple(dim if size is None else size for dim, size in zip(self.dims, sizes, strict=True))
        self.shape = ir.Shape([d if isinstance(d, int) else ir.SymbolicDim(d) for d in self.dims])

    @property
    def _keras_shape(self) -> TensorShape:
        """The static shape as Keras of the time keeps it: with None for free dimensions. Setting it states sizes."""
        return TensorShape.of(shapes.to_keras(self.dims), free=None)

    @_keras_shape.setter
    def _keras_shape(self, shape: Sequence[Any]) -> None:
        self.set_shape(shape)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<{kind} {self.name!r} shape={shapes.to_keras(self.dims)} dtype={self.dtype_name}>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} is symbolic and has no truth value while the graph is recorded. "
            "Use K.switch() to choose by a tensor, or `is None` to test for presence."
        )

    def __iter__(self) -> Iterator["Tensor"]:
        if not self.dims or not isinstance(self.dims[0], int):
            raise TypeError(f"{self!r} cannot be iterated: its first axis has no known size.")
        return (self[i] for i in range(self.dims[0]))

    def __len__(self) -> int:
        raise TypeError(f"{self!r} is symbolic and has no len(). Use K.shape() or K.int_shape().")

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(f"{self!r} is symbolic and holds no values. Use K.eval() or K.get_value() to compute them.")

    def __getattr__(self, name: str) -> Any:
        if name not in _ELSEWHERE:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise AttributeError(
            f"{self!r}: {name!r} was asked for, which TensorFlow's tensors have; expected what Keras has. "
            f"Use {_ELSEWHERE[name]}."
        )

    if TYPE_CHECKING:  # installed below

        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __neg__(self) -> "Tensor": ...
        def __getitem__(self, key: Any) -> "Tensor": ...

    # NumPy leaves binary operators with a tensor on the right to the tensor.
    __array_ufunc__ = None


def _operator(name: str, reflected: bool = False) -> Callable[..., Any]:
    def method(self: Tensor, *others: Any) -> Tensor:
        operate = OPERATORS[name]
        return operate(*others, self) if reflected else operate(self, *others)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or"):
    setattr(Tensor, f"__{_name}__", _operator(_name))
    setattr(Tensor, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("neg", "abs", "lt", "le", "gt", "ge", "getitem", "invert"):
    setattr(Tensor, f"__{_name}__", _operator(_name))


class VariableState:
    """Where a variable's value lives; state.py says who may read and write it when.

    ``array`` is the value while no function has taken it to the device; then ``pair`` holds the two halves of its
    double buffer and ``flip`` tells which is live. ``version`` grows when the value is set from outside.
    """

    __slots__ = ("array", "flip", "pair", "version")

    def __init__(self, array: np.ndarray):
        self.array: np.ndarray | None = array
        self.pair: tuple[Any, Any] | None = None
        self.flip: Any = None
        self.version = 0


class Variable(Tensor):
    """A tensor with a value of its own that functions read and update.

    Arguments:
        value: the first value, an array; its dtype and shape are the variable's for good.
        name: its name, as weight files and ONNX models show it.
        trainable: whether optimizers may be handed it; information only.
        constraint: a function of the variable, applied by optimizers after each update.
    """

    def __init__(
        self,
        value: np.ndarray,
        name: str | None = None,
        trainable: bool = True,
        constraint: Callable[[Tensor], Tensor] | None = None,
    ):
        # A scalar stays 0-d, which ascontiguousarray alone would not keep.
        array = np.array(value, order="C", copy=True)
        super().__init__(as_dtype(array.dtype), array.shape, name=name or f"variable_{next(_serial)}")
        self.trainable = trainable
        self.constraint = constraint
        self.state = VariableState(array)


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Name the nodes recorded inside: ``with scope("dense_1")`` gives ``dense_1/MatMul``."""
    outer = current_scope()
    _scope.path = f"{outer}/{name}" if outer and not name.startswith("/") else name.lstrip("/")
    try:
        yield
    finally:
        _scope.path = outer


def current_scope() -> str:
    """Return the scope that nodes recorded now are named in."""
    return getattr(_scope, "path", "")


def record(
    domain: str,
    op_type: str,
    inputs: Sequence[Tensor | None],
    attributes: Mapping[str, Any],
    types: Sequence[tuple[ir.DataType, Dims]],
) -> tuple[Tensor, ...]:
    """Record a node without a graph and return its outputs."""
    path = current_scope()
    outputs = [Tensor(dtype, dims) for dtype, dims in types]
    ir.Node(
        domain,
        op_type,
        inputs,
        attributes=ir.convenience.convert_attributes({k: v for k, v in attributes.items() if v is not None}),
        outputs=outputs,
        name=f"{path}/{op_type}" if path else op_type,
    )
    return tuple(outputs)


def constant(value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Return a tensor with fixed values. Python floats become float32 and ints int32 where no dtype is given."""
    if dtype is None and not isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        dtype = {"f": np.float32, "i": np.int32}.get(array.dtype.kind, array.dtype)
    array = np.array(value, dtype=None if dtype is None else numpy_dtype(as_dtype(dtype)), order="C")
    return Tensor(as_dtype(array.dtype), array.shape, name=name, const_value=ir.Tensor(array))


def constant_value(tensor: Any) -> np.ndarray | None:
    """Return a constant tensor's values, or None for a tensor that is not constant."""
    return tensor.const_value.numpy() if tensor is not None and tensor.const_value is not None else None


def placeholder(dtype: Any, dims: Sequence[Dim | None], name: str | None = None) -> Tensor:
    """Return a tensor to be fed. A free dimension (None) gets a name of its own."""
    named = tuple(shapes.fresh_name() if d is None else d for d in dims)
    return Tensor(as_dtype(dtype), named, name=name or f"placeholder_{next(_serial)}")


def attribute(node: ir.Node, name: str, default: Any = None) -> Any:
    """Return the Python value of a node's attribute."""
    found = node.attributes.get(name)
    if found is None:
        return default
    return tuple(found.value) if isinstance(found.value, list | tuple) else found.value
