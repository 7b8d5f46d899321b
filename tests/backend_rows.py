"""The table of backend functions: how each is called, what it is fed, and what NumPy makes of it.

Floating arrays are fed in the float type under test, integers as int32, booleans as they are. The table is written
so that any other implementation of the same functions can be held against it.
"""

import numpy as np

ROWS = []


class Row:
    """One use of a backend function.

    Arguments:
        name: the function.
        build: ``build(K, *tensors)``.
        feeds: the arrays.
        reference: the same in NumPy, in float64.
        label: what distinguishes the row from others of its function.
        dtype: the dtype of the result; None for that of the floats fed.
        free: which sizes may be free: 'all' of them, the first one of each tensor ('batch'), 'none', or axes of
            the first tensor alone.
        loose: how many times the usual tolerance it takes, for sums over many elements.
    """

    def __init__(self, name, build, feeds, reference, label="", dtype=None, free="all", loose=1):
        self.name, self.build, self.feeds, self.reference = name, build, feeds, reference
        self.label, self.dtype, self.free, self.loose = label, dtype, free, loose

    def __repr__(self):
        return "-".join([self.name] + ([self.label] if self.label else []))


def row(name, build, feeds, reference, **options):
    ROWS.append(Row(name, build, feeds, reference, **options))


def draw(*shape):
    """Numbers from -2 to 2, eighths, so that all float types hold them; the same for the same shape."""
    generator = np.random.RandomState(sum(shape) + len(shape))
    return generator.randint(-16, 17, shape) / 8.0


def positive(*shape):
    return np.abs(draw(*shape)) + 0.5


def whole(*shape, **limits):
    generator = np.random.RandomState(sum(shape))
    return generator.randint(limits.get("low", 0), limits.get("high", 4), shape).astype("int32")


def truth(*shape):
    return np.random.RandomState(sum(shape)).rand(*shape) < 0.5


def shares(*shape):
    """Positive numbers whose last axis adds up to 1."""
    x = positive(*shape)
    return x / x.sum(-1, keepdims=True)


# -- elementwise ----------------------------------------------------------------------------------------------

for name, reference in (
    ("abs", np.abs), ("square", np.square), ("exp", np.exp), ("sin", np.sin), ("cos", np.cos), ("round", np.round),
    ("sign", np.sign), ("tanh", np.tanh), ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ("softplus", lambda x: np.log1p(np.exp(x))), ("softsign", lambda x: x / (1 + np.abs(x))),
    ("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1)), ("relu", lambda x: np.maximum(x, 0)),
    ("elu", lambda x: np.where(x > 0, x, np.expm1(x))), ("sqrt", lambda x: np.sqrt(np.maximum(x, 0))),
):  # fmt: skip
    row(name, lambda K, x, name=name: getattr(K, name)(x), [draw(3, 5) * 2], reference)
row("log", lambda K, x: K.log(x), [positive(3, 4)], np.log)
row("root", lambda K, x: K.root(x), [positive(3, 4)], np.sqrt)
row("abs", lambda K, x: K.abs(x), [whole(3, 4, low=-3)], np.abs, label="integers", dtype="int32")
row("square", lambda K, x: K.square(x), [whole(3, 4)], np.square, label="integers", dtype="int32")
row("round", lambda K, x: K.round(x), [whole(3, 4)], lambda x: x, label="integers", dtype="int32")
row("pow", lambda K, x: K.pow(x, 3), [draw(3, 4)], lambda x: x**3)
row("pow", lambda K, x: K.pow(x, 2), [draw(3, 4)], lambda x: x**2, label="square")
row("pow", lambda K, x, y: K.pow(x, y), [positive(3, 4), draw(3, 4)], np.power, label="tensor")
row("clip", lambda K, x: K.clip(x, -0.5, 1), [draw(3, 4)], lambda x: np.clip(x, -0.5, 1))
row("clip", lambda K, x: K.clip(x, 0, None), [draw(3, 4)], lambda x: np.maximum(x, 0), label="open")
row("clip", lambda K, x: K.clip(x, 1, 0), [draw(3, 4)], lambda x: np.ones((3, 4)), label="crossed")
row("clip", lambda K, x: K.clip(x, 1, 2), [whole(3, 4)], lambda x: np.clip(x, 1, 2), label="integers", dtype="int32")
row("maximum", lambda K, x, y: K.maximum(x, y), [draw(3, 4), draw(3, 1)], np.maximum)
row("minimum", lambda K, x, y: K.minimum(x, y), [draw(3, 4), draw(1, 4)], np.minimum)
row("maximum", lambda K, x: K.maximum(x, 0.5), [draw(3, 4)], lambda x: np.maximum(x, 0.5), label="number")
for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"):
    row(name, lambda K, x, y, name=name: getattr(K, name)(x, y), [whole(3, 4), whole(1, 4)],
        getattr(np, name), dtype="bool")  # fmt: skip
    row(name, lambda K, x, name=name: getattr(K, name)(x, 0.5), [draw(3, 4)],
        lambda x, name=name: getattr(np, name)(x, 0.5), label="number", dtype="bool")  # fmt: skip
row("cast", lambda K, x: K.cast(x, "int32"), [draw(3, 4)], np.trunc, dtype="int32")
row("cast", lambda K, x: K.cast(x, "bool"), [whole(3, 4)], lambda x: x != 0, label="bool", dtype="bool")
row("identity", lambda K, x: K.identity(x), [draw(3, 4)], lambda x: x)
row("stop_gradient", lambda K, x: K.stop_gradient(x), [draw(3, 4)], lambda x: x)
row("print_tensor", lambda K, x: K.print_tensor(x, "x: "), [draw(3, 4)], lambda x: x)
row("to_dense", lambda K, x: K.to_dense(x), [draw(3, 4)], lambda x: x)
row("relu", lambda K, x: K.relu(x, 0.25), [draw(3, 4)], lambda x: np.maximum(x, 0.25 * x), label="slope")
row("relu", lambda K, x: K.relu(x, -0.5), [draw(3, 4)], lambda x: np.where(x > 0, x, -0.5 * x), label="negative_slope")
row("relu", lambda K, x: K.relu(x, 0.25, 1), [draw(3, 4)], lambda x: np.minimum(np.maximum(x, 0.25 * x), 1),
    label="slope_and_limit")  # fmt: skip
row("relu", lambda K, x: K.relu(x, max_value=1), [draw(3, 4)], lambda x: np.clip(x, 0, 1), label="limit")
row("relu", lambda K, x, a: K.relu(x, a), [draw(3, 4), positive(4)], lambda x, a: np.where(x > 0, x, a * x),
    label="tensor")  # fmt: skip
row("relu", lambda K, x: K.relu(x), [whole(3, 4, low=-3)], lambda x: np.maximum(x, 0), label="integers", dtype="int32")
row("elu", lambda K, x: K.elu(x, 0.5), [draw(3, 4)], lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)), label="alpha")

# -- reductions -----------------------------------------------------------------------------------------------

for name in ("sum", "prod", "max", "min", "mean", "var", "std"):
    for label, options in (
        ("all", {}), ("axis", {"axis": 1}), ("last", {"axis": -1, "keepdims": True}), ("axes", {"axis": [0, 2]}),
        ("tuple", {"axis": (0, -1), "keepdims": True}), ("none", {"axis": []}),
    ):  # fmt: skip
        axes = {
            **options,
            "axis": None if options.get("axis") is None else tuple(np.atleast_1d(options["axis"]).astype(int)),
        }
        row(
            name,
            lambda K, x, name=name, options=options: getattr(K, name)(x, **options),
            [draw(3, 4, 2)],
            lambda x, name=name, axes=axes: getattr(np, name)(x, **axes),
            label=label,
        )
for name in ("sum", "prod", "max", "min"):
    row(name, lambda K, x, name=name: getattr(K, name)(x, axis=0), [whole(3, 4)],
        lambda x, name=name: getattr(np, name)(x, axis=0), label="integers", dtype="int32")  # fmt: skip
row("mean", lambda K, x: K.mean(x, axis=1), [whole(3, 4)], lambda x: x.sum(1) // 4, label="integers", dtype="int32")
row("mean", lambda K, x: K.mean(x, axis=1), [truth(3, 4)], lambda x: x.mean(1), label="bool", dtype="floatx")
row("var", lambda K, x: K.var(x, axis=1), [truth(3, 4)], lambda x: x.var(1), label="bool", dtype="floatx")
for name in ("any", "all"):
    row(name, lambda K, x, name=name: getattr(K, name)(x, axis=1), [truth(4, 3)],
        lambda x, name=name: getattr(np, name)(x, axis=1), dtype="bool")  # fmt: skip
    row(name, lambda K, x, name=name: getattr(K, name)(x), [draw(3, 4)],
        lambda x, name=name: getattr(np, name)(x != 0), label="numbers", dtype="bool")  # fmt: skip
for name in ("argmax", "argmin"):
    row(name, lambda K, x, name=name: getattr(K, name)(x), [draw(3, 4, 2)],
        lambda x, name=name: getattr(np, name)(x, axis=-1), dtype="int64")  # fmt: skip
    row(name, lambda K, x, name=name: getattr(K, name)(x, axis=0), [whole(6, 4)],
        lambda x, name=name: getattr(np, name)(x, axis=0), label="ties", dtype="int64")  # fmt: skip

# -- shapes ---------------------------------------------------------------------------------------------------

row("shape", lambda K, x: K.shape(x), [draw(3, 4, 2)], lambda x: np.array([3, 4, 2]), dtype="int32")
row("reshape", lambda K, x: K.reshape(x, (-1, 4)), [draw(3, 4, 2)], lambda x: x.reshape(-1, 4))
row("reshape", lambda K, x: K.reshape(x, (4, 3, 2)), [draw(3, 4, 2)], lambda x: x.reshape(4, 3, 2), label="known")
row("reshape", lambda K, x: K.reshape(x, (K.shape(x)[0], 2, -1)), [draw(3, 4, 2)], lambda x: x.reshape(3, 2, 4),
    label="of_shape")  # fmt: skip
row("reshape", lambda K, x: K.reshape(x, K.concatenate([K.shape(x)[1:2], K.constant([-1, 2], "int32")])),
    [draw(3, 4, 2)], lambda x: x.reshape(4, 3, 2), label="tensor")  # fmt: skip
row("reshape", lambda K, x, y: K.reshape(x, K.shape(y)), [draw(3, 4), draw(2, 6)], lambda x, y: x.reshape(2, 6),
    label="like", free="none")  # fmt: skip
row("flatten", lambda K, x: K.flatten(x), [draw(3, 4, 2)], np.ravel)
row("batch_flatten", lambda K, x: K.batch_flatten(x), [draw(3, 4, 2)], lambda x: x.reshape(3, 8))
row("transpose", lambda K, x: K.transpose(x), [draw(3, 4, 2)], np.transpose)
row("permute_dimensions", lambda K, x: K.permute_dimensions(x, (0, 2, 1)), [draw(3, 4, 2)], lambda x: x.swapaxes(1, 2))
row("expand_dims", lambda K, x: K.expand_dims(x), [draw(3, 4)], lambda x: x[..., None])
row("expand_dims", lambda K, x: K.expand_dims(x, 1), [draw(3, 4)], lambda x: x[:, None], label="axis")
row("squeeze", lambda K, x: K.squeeze(x, 1), [draw(3, 1, 2)], lambda x: x[:, 0])
row("squeeze", lambda K, x: K.squeeze(x, -1), [draw(3, 1)], lambda x: x[:, 0], label="last")
row("concatenate", lambda K, x, y: K.concatenate([x, y]), [draw(3, 4), draw(3, 2)], lambda x, y: np.hstack([x, y]))
row("concatenate", lambda K, x, y: K.concatenate([x, y], axis=1), [draw(3, 1, 2), draw(3, 4, 2)],
    lambda x, y: np.concatenate([x, y], 1), label="axis")  # fmt: skip
row("stack", lambda K, x, y: K.stack([x, y]), [draw(3, 4), positive(3, 4)], lambda x, y: np.stack([x, y]))
row("stack", lambda K, x, y: K.stack([x, y], axis=-1), [draw(3, 4), positive(3, 4)], lambda x, y: np.stack([x, y], -1),
    label="last")  # fmt: skip
row("repeat", lambda K, x: K.repeat(x, 4), [draw(3, 2)], lambda x: np.repeat(x[:, None], 4, 1))
row("repeat_elements", lambda K, x: K.repeat_elements(x, 3, 1), [draw(3, 4, 2)], lambda x: np.repeat(x, 3, 1),
    free="batch")  # fmt: skip
row(
    "repeat_elements",
    lambda K, x: K.repeat_elements(x, 2, -1),
    [draw(3, 4)],
    lambda x: np.repeat(x, 2, -1),
    label="last",
)
row("reverse", lambda K, x: K.reverse(x, 1), [draw(3, 4, 2)], lambda x: x[:, ::-1])
row("reverse", lambda K, x: K.reverse(x, [0, -1]), [draw(3, 4, 2)], lambda x: x[::-1, :, ::-1], label="axes")
row("gather", lambda K, x, i: K.gather(x, i), [draw(4, 3), whole(2, 5)], lambda x, i: x[i])
row("gather", lambda K, x: K.gather(x, [2, 0]), [draw(4, 3)], lambda x: x[[2, 0]], label="list")
row("one_hot", lambda K, i: K.one_hot(i, 3), [np.array([[0, 2], [-1, 3]], "int32")],
    lambda i: (i[..., None] == np.arange(3)) * 1.0, dtype="float32")  # fmt: skip
row("temporal_padding", lambda K, x: K.temporal_padding(x, (1, 2)), [draw(3, 4, 2)],
    lambda x: np.pad(x, [(0, 0), (1, 2), (0, 0)], "constant"))  # fmt: skip
row(
    "arange",
    lambda K, x: K.arange(2, 9, 3) + K.cast(x, "int32"),
    [draw(1)],
    lambda x: np.arange(2, 9, 3) + np.trunc(x),
    dtype="int32",
)
row("zeros_like", lambda K, x: K.zeros_like(x), [draw(3, 4)], np.zeros_like)
row("ones_like", lambda K, x: K.ones_like(x), [draw(3, 4)], np.ones_like)
row("ones_like", lambda K, x: K.ones_like(x, dtype="int32"), [draw(3, 4)], np.ones_like, label="dtype", dtype="int32")

# -- products -------------------------------------------------------------------------------------------------

for left, right, label in (
    ((3, 4), (4, 2), "matrices"), ((3, 5, 4), (4, 2), "rank_3"), ((3, 4), (5, 4, 2), "rank_2_3"),
    ((2, 3, 4), (5, 4, 2), "rank_3_3"),
):  # fmt: skip
    row("dot", lambda K, x, y: K.dot(x, y), [draw(*left), draw(*right)], np.dot, label=label)
for left, right, axes, reference, label in (
    ((3, 4), (3, 4), 1, lambda x, y: (x * y).sum(1)[:, None], "vectors"),
    ((3, 4), (3, 4), 0, lambda x, y: (x * y).sum(0)[:, None], "vectors_axis_0"),
    ((3, 3), (3, 3), (0, 1), lambda x, y: (x.T * y).sum(1)[:, None], "vectors_crossed"),
    ((3, 4), (3, 4, 2), (1, 1), lambda x, y: np.einsum("ni,nij->nj", x, y), "vector_matrix"),
    ((3, 4), (3, 2, 4), (1, 2), lambda x, y: np.einsum("ni,nji->nj", x, y), "vector_matrix_last"),
    ((3, 4, 2), (3, 4), (1, 1), lambda x, y: np.einsum("nij,ni->nj", x, y), "matrix_vector"),
    ((3, 2, 4), (3, 4), (2, 1), lambda x, y: np.einsum("nji,ni->nj", x, y), "matrix_vector_last"),
    ((3, 5, 4), (3, 4, 2), None, lambda x, y: np.matmul(x, y), "matrices"),
    ((3, 5, 4), (3, 4, 2), (2, 1), lambda x, y: np.matmul(x, y), "matrices_axes"),
    ((3, 4, 5), (3, 4, 2), 1, lambda x, y: np.einsum("nij,nik->njk", x, y), "matrices_axis_1"),
    ((3, 5, 4), (3, 2, 4), 2, lambda x, y: np.einsum("nji,nki->njk", x, y), "matrices_axis_2"),
    ((3, 4, 5), (3, 2, 4), (1, 2), lambda x, y: np.einsum("nij,nki->njk", x, y), "matrices_crossed"),
    ((3, 2, 5, 4), (3, 2, 6, 4), 3, lambda x, y: np.einsum("nabi,naci->nabc", x, y), "rank_4"),
    ((3, 2, 4, 5), (3, 2, 4, 6), 2, lambda x, y: np.einsum("naib,naic->nabc", x, y), "rank_4_axis_2"),
    ((3, 2, 5, 4), (3, 2, 4), (3, 2), lambda x, y: np.einsum("naij,naj->nai", x, y), "rank_4_3"),
):  # fmt: skip
    row("batch_dot", lambda K, x, y, axes=axes: K.batch_dot(x, y, axes), [draw(*left), draw(*right)], reference,
        label=label, free="batch")  # fmt: skip

# -- choices --------------------------------------------------------------------------------------------------

row("switch", lambda K, c, x, y: K.switch(K.any(c), x, y), [truth(4), draw(3, 2), positive(3, 2)],
    lambda c, x, y: x if c.any() else y)  # fmt: skip
row("switch", lambda K, c, x, y: K.switch(K.all(c), lambda: x, lambda: y), [truth(4), draw(3, 2), positive(3, 2)],
    lambda c, x, y: x if c.all() else y, label="functions")  # fmt: skip
row("switch", lambda K, x, y: K.switch(K.sum(x) > 100, x, y), [draw(3, 2), positive(3, 2)], lambda x, y: y,
    label="comparison")  # fmt: skip
row("in_train_phase", lambda K, x, y: K.in_train_phase(x, y, training=1), [draw(3, 2), positive(3, 2)], lambda x, y: x)
row("in_train_phase", lambda K, x, y: K.in_train_phase(x, lambda: y, training=False), [draw(3, 2), positive(3, 2)],
    lambda x, y: y, label="fixed")  # fmt: skip
row(
    "in_train_phase",
    lambda K, x, y: K.in_train_phase(x, y),
    [draw(3, 2), positive(3, 2)],
    lambda x, y: y,
    label="phase",
)
row(
    "in_train_phase",
    lambda K, c, x, y: K.in_train_phase(x, y, training=K.any(c)),
    [truth(4), draw(3, 2), positive(3, 2)],
    lambda c, x, y: x if c.any() else y,
    label="tensor",
)
row("in_test_phase", lambda K, x, y: K.in_test_phase(x, y), [draw(3, 2), positive(3, 2)], lambda x, y: x)

# -- activations over an axis, losses -------------------------------------------------------------------------


def softmax(x):
    y = np.exp(x - x.max(-1, keepdims=True))
    return y / y.sum(-1, keepdims=True)


def norm(x, axis):
    return x / np.sqrt(np.maximum(np.square(x).sum(axis, keepdims=True), 1e-12))


row("softmax", lambda K, x: K.softmax(x), [draw(3, 4)], softmax)
row("softmax", lambda K, x: K.softmax(x), [draw(3, 4, 2)], softmax, label="rank_3")
row("l2_normalize", lambda K, x: K.l2_normalize(x), [draw(3, 4)], lambda x: norm(x, None))
row("l2_normalize", lambda K, x: K.l2_normalize(x, axis=-1), [draw(3, 4) * [[0], [1], [1]]], lambda x: norm(x, -1),
    label="axis")  # fmt: skip
row("categorical_crossentropy", lambda K, t, y: K.categorical_crossentropy(t, y), [shares(3, 4), positive(3, 4)],
    lambda t, y: -(t * np.log(y / y.sum(-1, keepdims=True))).sum(-1))  # fmt: skip
row("categorical_crossentropy", lambda K, t, y: K.categorical_crossentropy(t, y, from_logits=True),
    [shares(3, 5, 4), draw(3, 5, 4)], lambda t, y: -(t * np.log(softmax(y))).sum(-1), label="logits")  # fmt: skip
row("categorical_crossentropy", lambda K, t, y: K.categorical_crossentropy(t, y),
    [np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])],
    lambda t, y: -np.log(np.array([1e-7, 1 - 1e-7])), label="clipped")  # fmt: skip
row(
    "sparse_categorical_crossentropy",
    lambda K, t, y: K.sparse_categorical_crossentropy(t, y),
    [whole(3, 1), shares(3, 4) * 0.5],
    lambda t, y: np.log(y.sum(-1)) - np.log(y[range(3), t[:, 0]]),
    free="batch",
)
row("sparse_categorical_crossentropy", lambda K, t, y: K.sparse_categorical_crossentropy(t, y),
    [whole(3, 5, 1), shares(3, 5, 4)],
    lambda t, y: -np.log(np.take_along_axis(y, t.astype(int), -1)[..., 0]), label="steps", free="batch")  # fmt: skip
row("sparse_categorical_crossentropy", lambda K, t, y: K.sparse_categorical_crossentropy(t, y, from_logits=True),
    [whole(3), draw(3, 4)], lambda t, y: -np.log(softmax(y)[range(3), t]), label="logits", free="batch")  # fmt: skip
row("binary_crossentropy", lambda K, t, y: K.binary_crossentropy(t, y), [shares(3, 4), shares(3, 4)],
    lambda t, y: -t * np.log(y) - (1 - t) * np.log(1 - y))  # fmt: skip
row(
    "binary_crossentropy",
    lambda K, t, y: K.binary_crossentropy(t, y, from_logits=True),
    [shares(3, 4), draw(3, 4) * 9],
    lambda t, y: np.log1p(np.exp(-np.abs(y))) + np.maximum(y, 0) - t * y,
    label="logits",
)
row("in_top_k", lambda K, y, t: K.in_top_k(y, t, 2),
    [np.array([[1.0, 2, 2, 3], [1, 1, 1, 1], [0, 0.5, 1, 2], [3, 2, 1, 0]]), np.array([1, 3, 0, 1], "int32")],
    lambda y, t: np.array([True, True, False, True]), dtype="bool", free="batch")  # fmt: skip
