"""Backend functions against NumPy in float64: values, dtypes and static shapes, sizes known and free."""

import numpy as np
import pytest

from onnxseq import backend as K
from tests import backend_rows, backend_rows_spatial
from tests.value_check import TOLERANCE, floatx

ROWS = backend_rows.ROWS + backend_rows_spatial.ROWS

# Functions that a table of values cannot hold; each has a test of its own.
ELSEWHERE = {
    "Update",
    "backend",
    "batch_get_value",
    "batch_set_value",
    "cast_to_floatx",
    "clear_session",
    "constant",
    "count_params",
    "ctc_batch_cost",
    "ctc_decode",
    "ctc_label_dense_to_sparse",
    "dropout",
    "dtype",
    "epsilon",
    "eval",
    "eye",
    "floatx",
    "foldl",
    "foldr",
    "function",
    "get_session",
    "get_uid",
    "get_value",
    "gradients",
    "image_data_format",
    "int_shape",
    "is_placeholder",
    "is_sparse",
    "is_tensor",
    "is_variable",
    "layer_scope",
    "learning_phase",
    "manual_variable_initialization",
    "map_fn",
    "moving_average_update",
    "name_scope",
    "ndim",
    "new_layer_scope",
    "next_seed",
    "node_scope",
    "ones",
    "placeholder",
    "random_binomial",
    "random_normal",
    "random_normal_variable",
    "random_uniform",
    "random_uniform_variable",
    "reset_uids",
    "rnn",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_learning_phase",
    "set_session",
    "set_value",
    "split",
    "truncated_normal",
    "update",
    "update_add",
    "update_sub",
    "variable",
    "zeros",
}


def run(row, dtype, free):
    """Compute a row in a float type, with sizes known or free, and hold all that it says against NumPy."""
    arrays = [np.asarray(a, dtype if np.asarray(a).dtype.kind == "f" else None) for a in row.feeds]
    named = {"none": (), "batch": (0,), "all": range(9)}.get(free, free)  # the axes with a name of their own
    others = () if isinstance(free, tuple) else named
    shapes = [
        tuple(f"size_{i}_{axis}" if axis in (others if i else named) else size for axis, size in enumerate(a.shape))
        for i, a in enumerate(arrays)
    ]
    inputs = [K.placeholder(s, dtype=str(a.dtype)) for s, a in zip(shapes, arrays, strict=True)]
    result = row.build(K, *inputs)
    results = list(result) if isinstance(result, tuple) else [result]
    values = K.function(inputs, results)(arrays)
    wide = [a.astype("float64") if a.dtype.kind == "f" else a for a in arrays]
    wanted = row.reference(*wide)
    wanted = list(wanted) if isinstance(wanted, tuple) else [wanted]
    assert len(values) == len(wanted)
    for tensor, value, want in zip(results, values, wanted, strict=True):
        expected = dtype if row.dtype in (None, "floatx") else row.dtype
        assert (K.dtype(tensor), value.dtype) == (expected, np.dtype(expected))
        assert (
            value.shape
            == np.shape(want)
            == tuple(
                size if known is None else known for known, size in zip(K.int_shape(tensor), value.shape, strict=True)
            )
        )
        tolerance = TOLERANCE.get(expected, 0) * row.loose
        np.testing.assert_allclose(value.astype("float64"), np.asarray(want, "float64"), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("row", ROWS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_sizes_known(row, dtype):
    if dtype == "float16" and row.label == "clipped":
        pytest.skip("float16 holds no 1 - 1e-7")
    with floatx(dtype):
        run(row, dtype, "none")


@pytest.mark.parametrize("row", [r for r in ROWS if r.free in ("all", "batch")], ids=repr)
def test_batch_free(row):
    run(row, "float32", "batch")


@pytest.mark.parametrize("row", [r for r in ROWS if r.free not in ("none", "batch")], ids=repr)
def test_many_sizes_free(row):
    run(row, "float32", row.free)


def test_every_function_has_a_row():
    assert set(K.__all__) - {row.name for row in ROWS} == ELSEWHERE
