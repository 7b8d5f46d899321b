"""Tensors: making placeholders, constants and variables, and asking what a tensor is."""

import numpy as np

from onnxseq import shapes
from onnxseq.backend import defaults, names
from onnxseq.compiler import tensor as recorded
from onnxseq.compiler.function import evaluate
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import Tensor, Variable
from onnxseq.errors import describe, text
from onnxseq.sparse import dense
from onnxseq.sparse import is_sparse as is_matrix

# -- what a tensor is -----------------------------------------------------------------------------------------


def is_tensor(x):
    """Return whether x is symbolic: a placeholder, a constant, a variable or the result of an operation."""
    return isinstance(x, Tensor)


def is_variable(x):
    """Return whether x is a variable."""
    return isinstance(x, Variable)


def is_placeholder(x):
    """Return whether x is a tensor that must be fed."""
    return isinstance(x, Tensor) and not isinstance(x, Variable) and not x.is_constant and x.producer() is None


def is_sparse(tensor):
    """Return whether a tensor stands for a sparse one, which is fed matrices of SciPy; all are computed densely."""
    return getattr(tensor, "_is_sparse", False)


def to_dense(tensor):
    """Return a tensor as a dense one."""
    return identity(tensor) if is_sparse(tensor) else tensor


def mark_sparse(tensor):
    """Return a tensor that from now on stands for a sparse one."""
    tensor._is_sparse = True
    return tensor


def require_tensor(who, x, what="tensor"):
    """Return x; AttributeError where it is not symbolic, as where an array is asked for its graph."""
    if not isinstance(x, Tensor):
        raise AttributeError(text(who, f"{describe(x)} arrived", f"a symbolic {what}", "Wrap values in K.constant()."))
    return x


def as_tensor(x, like=None):
    """Return numbers and arrays as constants, of the dtype of ``like`` where given; tensors as they are."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, list | tuple) and any(isinstance(entry, Tensor) for entry in x):
        entries = [as_tensor(entry, like) for entry in x]
        return shape_ops.concat([shape_ops.unsqueeze(entry, [0]) for entry in entries], 0)
    return recorded.constant(x) if like is None else ops.like(x, like)


def int_shape(x):
    """Return the static shape as a tuple, None for free dimensions.

    Arguments:
        x: a tensor.

    Raises:
        AttributeError: where x is not symbolic.
    """
    return shapes.to_keras(require_tensor("int_shape", x).dims)


def ndim(x):
    """Return the number of axes of a tensor; AttributeError where x is not symbolic."""
    return require_tensor("ndim", x).rank


def dtype(x):
    """Return the dtype of a tensor as a word, such as 'float32'; AttributeError where x is not symbolic."""
    return require_tensor("dtype", x).dtype_name


def shape(x):
    """Return the shape that a tensor has when it is computed, as an int32 vector."""
    return ops.cast(shape_ops.shape_of(as_tensor(x)), "int32")


def count_params(x):
    """Return the number of elements of a tensor whose shape is known.

    Raises:
        TypeError: where a dimension is free.
    """
    count = shapes.product(require_tensor("count_params", x).dims)
    if not isinstance(count, int):
        raise TypeError(text("count_params", f"the shape is {int_shape(x)}", "known sizes"))
    return count


# -- making tensors -------------------------------------------------------------------------------------------


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """Return a tensor to be fed.

    Shapes: as given; a first axis without size is the dimension ``batch``, any other one gets a name of its own. One
    name means one size in any run.

    Arguments:
        shape: a size, None, or the name of a free dimension, for each axis.
        ndim: the number of axes, all free, where no shape is given.
        dtype: the dtype, the default float type by default.
        sparse: whether it stands for a sparse tensor. A matrix of SciPy may be fed to any placeholder; it is made dense
            when it is fed.
        name: a name for the model's input.

    Raises:
        ValueError: where neither shape nor ndim is given.
    """
    if shape is None and ndim is None:
        raise ValueError(text("placeholder", "neither shape nor ndim arrived", "one of them"))
    sizes = [None] * ndim if shape is None else [getattr(size, "value", size) for size in shape]
    dims = [size if size is None or isinstance(size, str) else int(size) for size in sizes]
    if dims and dims[0] is None:
        dims[0] = "batch"
    x = recorded.placeholder(dtype or defaults.floatx(), dims, name)
    x._uses_learning_phase = False
    return mark_sparse(x) if sparse else x


def constant(value, dtype=None, shape=None, name=None):
    """Return a tensor with fixed values.

    Arguments:
        value: a number, an array or nested lists.
        dtype: the dtype, the default float type by default.
        shape: the shape to lay the values out in, row by row; the last value fills what is left.
        name: a name for it.

    Raises:
        ValueError: where there are more values than the shape has elements.
        TypeError: where the value is itself symbolic.
    """
    if isinstance(value, Tensor):
        raise TypeError(text("constant", f"{value!r} arrived", "values", "Use K.identity() or K.cast() for tensors."))
    if is_matrix(value):
        raise TypeError(text("constant", f"{describe(value)} arrived", "dense values", "Use K.variable() for it."))
    array = np.asarray(value, _numpy_dtype(dtype))
    if shape is not None:
        shape = tuple(int(size) for size in (shape if isinstance(shape, list | tuple) else [shape]))
        count, flat = int(np.prod(shape, dtype=np.int64)), array.reshape(-1)
        if flat.size > count or (not flat.size and count):
            raise ValueError(text("constant", f"{flat.size} values arrived", f"1 to {count} for a shape of {shape}"))
        array = np.concatenate([flat, np.full(count - flat.size, flat[-1] if flat.size else 0, flat.dtype)])
        array = array.reshape(shape)
    return recorded.constant(array, name=name)


def variable(value, dtype=None, name=None, constraint=None):
    """Return a variable: a tensor with a value of its own, which functions read and update.

    Arguments:
        value: its first value: a number, an array, nested lists, or a tensor, which is computed once. A matrix of SciPy
            gives a sparse tensor with fixed values, of the matrix's dtype.
        dtype: the dtype, the default float type by default.
        name: its name, put into the present name scope and numbered where taken.
        constraint: a function that optimizers apply after each update.

    Raises:
        ValueError: where the value is a tensor with a free dimension or one that must be fed.
    """
    if is_matrix(value):
        return mark_sparse(recorded.constant(dense(value), name=name))
    if isinstance(value, Tensor):
        if not shapes.is_static(value.dims):
            raise ValueError(text("variable", f"a tensor of shape {int_shape(value)} arrived", "known sizes"))
        value = evaluate(value)
    array = np.asarray(value, _numpy_dtype(dtype))
    x = Variable(array, name=names.variable_name(name), constraint=constraint)
    x._uses_learning_phase = False
    return x


def _numpy_dtype(dtype):
    return recorded.numpy_dtype(recorded.as_dtype(dtype or defaults.floatx()))


def zeros(shape, dtype=None, name=None):
    """Return a variable of zeros.

    Arguments:
        shape: known sizes.
        dtype: the dtype, the default float type by default.
        name: its name.

    Raises:
        TypeError: where a size is None.
    """
    return variable(np.zeros(_known_sizes("zeros", shape), _numpy_dtype(dtype)), dtype, name)


def ones(shape, dtype=None, name=None):
    """Return a variable of ones; the arguments are those of ``zeros``."""
    return variable(np.ones(_known_sizes("ones", shape), _numpy_dtype(dtype)), dtype, name)


def eye(size, dtype=None, name=None):
    """Return a variable with the identity matrix of ``size`` rows."""
    return variable(np.eye(size, dtype=_numpy_dtype(dtype)), dtype, name)


def _known_sizes(who, shape):
    sizes = tuple(getattr(size, "value", size) for size in (shape if isinstance(shape, list | tuple) else [shape]))
    if any(size is None or isinstance(size, Tensor) for size in sizes):
        raise TypeError(text(who, f"the shape {sizes} arrived", "known sizes", f"Use K.{who}_like() of a tensor."))
    return tuple(int(size) for size in sizes)


def zeros_like(x, dtype=None, name=None):
    """Return zeros of the shape of a tensor, in its dtype or the one given."""
    return ops.cast(shape_ops.zeros_like(as_tensor(x)), dtype or as_tensor(x).element_type)


def ones_like(x, dtype=None, name=None):
    """Return ones of the shape of a tensor, in its dtype or the one given."""
    return ops.cast(shape_ops.ones_like(as_tensor(x)), dtype or as_tensor(x).element_type)


def identity(x):
    """Return a tensor with the same values that is another object."""
    y = shape_ops.identity(as_tensor(x))
    y._uses_learning_phase = getattr(x, "_uses_learning_phase", False)
    return y


def cast(x, dtype):
    """Return a tensor in another dtype; the tensor itself where it has it already.

    Floats become integers by dropping the fraction, and booleans by comparing with 0.

    Arguments:
        x: a tensor.
        dtype: such as 'float32', 'int32', 'bool'.

    Raises:
        TypeError: for a dtype that is none.
    """
    return ops.cast(as_tensor(x), dtype)
