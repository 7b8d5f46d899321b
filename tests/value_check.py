"""The generic check of a function of tensors: its values, computed by a Function, against NumPy in float64."""

import contextlib

import numpy as np

from onnxseq import backend as K

TOLERANCE = {"float16": 4e-3, "float32": 3e-6, "float64": 1e-12}


@contextlib.contextmanager
def floatx(dtype):
    """Compute in another floating-point type inside a ``with`` block."""
    before = K.floatx()
    K.set_floatx(dtype)
    try:
        yield
    finally:
        K.set_floatx(before)


def compute(function, *arrays):
    """Return what a function of tensors gives for arrays, in floatx, the first axis left free."""
    inputs = [K.placeholder(shape=(None, *np.shape(a)[1:])) for a in arrays]
    return K.function(inputs, [function(*inputs)])([np.asarray(a, K.floatx()) for a in arrays])[0]


def check_values(function, reference, arrays, dtype="float32"):
    """Compare a function of tensors with its NumPy reference, which is given the arrays as the dtype holds them."""
    with floatx(dtype):
        held = [np.asarray(a, dtype).astype("float64") for a in arrays]
        want = np.asarray(reference(*held))
        got = compute(function, *held)
    assert got.dtype == dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got.astype("float64"), want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
