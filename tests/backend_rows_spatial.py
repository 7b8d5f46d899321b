"""The table of backend functions of sequences, images and volumes, and of normalization; see backend_rows."""

import itertools

import numpy as np

from tests.backend_rows import Row, draw, positive

ROWS = []


def row(name, build, feeds, reference, **options):
    ROWS.append(Row(name, build, feeds, reference, **options))


# -- references: channels last, written for plainness ---------------------------------------------------------


def first(reference):
    """The reference of a function in 'channels_first' from the one in 'channels_last'."""

    def turned(x, *others):
        return np.moveaxis(reference(np.moveaxis(x, 1, -1), *others), -1, 1)

    return turned


def same_pads(sizes, kernel, strides, dilations):
    pads = []
    for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def windows(x, kernel, strides, dilations, padding, fill):
    """For each place in the window, the elements of x that it meets, and how the result is laid out."""
    rank = len(kernel)
    pads = [(0, 0)] * rank
    if padding == "same":
        pads = same_pads(x.shape[1:-1], kernel, strides, dilations)
    elif padding == "causal":
        pads = [(d * (k - 1), 0) for k, d in zip(kernel, dilations, strict=True)]
    x = np.pad(x, [(0, 0)] + pads + [(0, 0)], "constant", constant_values=fill)
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[1:-1], kernel, strides, dilations, strict=True)]
    for place in itertools.product(*map(range, kernel)):
        spans = tuple(
            slice(p * d, p * d + (n - 1) * s + 1, s) for p, d, n, s in zip(place, dilations, out, strides, strict=True)
        )
        yield place, x[(slice(None),) + spans]


def convolved(strides=1, padding="valid", dilations=1):
    def reference(x, w):
        rank = w.ndim - 2
        args = [v if isinstance(v, tuple) else (v,) * rank for v in (strides, dilations)]
        return sum(part.dot(w[place]) for place, part in windows(x, w.shape[:-2], args[0], args[1], padding, 0.0))

    return reference


def pooled(size, strides, padding, mode):
    def reference(x):
        def parts(array, fill):
            found = windows(array, size, strides, (1,) * len(size), padding, fill)
            return np.stack([part for _, part in found])

        if mode == "max":
            return parts(x, -np.inf).max(0)
        return parts(x, 0.0).sum(0) / parts(np.ones_like(x), 0.0).sum(0)

    return reference


def separable(x, depth, point):
    channels, multiplier = depth.shape[2:]
    parts = [convolved()(x[..., c : c + 1], depth[:, :, c : c + 1, :]) for c in range(channels)]
    return np.concatenate(parts, -1).dot(point[0, 0])


def spread(x, w, spatial, strides, padding):
    """The gradient of a convolution by its input."""
    kernel, out = w.shape[:-2], x.shape[1:-1]
    pads = [(0, 0)] * len(kernel)
    if padding == "same":
        pads = same_pads(spatial, kernel, strides, (1,) * len(kernel))
    full = np.zeros((x.shape[0],) + tuple(n + a + b for n, (a, b) in zip(spatial, pads, strict=True)) + w.shape[-2:-1])
    for place in itertools.product(*map(range, kernel)):
        cut = tuple(slice(p, p + (n - 1) * s + 1, s) for p, n, s in zip(place, out, strides, strict=True))
        full[(slice(None), *cut)] += x.dot(w[place].T)
    return full[(slice(None), *(slice(a, a + n) for n, (a, _) in zip(spatial, pads, strict=True)))]


def depthwise(x, kernel):
    parts = [convolved()(x[..., c : c + 1], kernel[:, :, c : c + 1, :]) for c in range(x.shape[-1])]
    return np.concatenate(parts, -1)


def local(size, strides, channels_first=False):
    """Each window times a matrix of its own."""

    def reference(x, kernel):
        last = np.moveaxis(x, 1, -1) if channels_first else x
        counts = [(n - k) // s + 1 for n, k, s in zip(last.shape[1:-1], size, strides, strict=True)]
        y = np.zeros((x.shape[0], *counts, kernel.shape[-1]))
        for matrix, place in zip(kernel, itertools.product(*map(range, counts)), strict=True):
            cut = tuple(slice(p * s, p * s + k) for p, k, s in zip(place, size, strides, strict=True))
            seen = last[(slice(None), *cut)]
            seen = np.moveaxis(seen, -1, 1) if channels_first else seen
            y[(slice(None), *place)] = seen.reshape(len(x), -1).dot(matrix)
        return np.moveaxis(y, -1, 1) if channels_first else y

    return reference


SPATIAL = {"channels_last": (0, 1, 2), "channels_first": (0, 2, 3)}  # the axes that may be free

# -- convolution ----------------------------------------------------------------------------------------------

for strides, padding, dilation in ((1, "valid", 1), (2, "same", 1), (1, "same", 2), (1, "causal", 2), (2, "causal", 1)):
    row("conv1d", lambda K, x, w, a=(strides, padding), d=dilation: K.conv1d(x, w, a[0], a[1], dilation_rate=d),
        [draw(2, 7, 3), draw(3, 3, 4)], convolved(strides, padding, dilation), free=(0, 1), loose=10,
        label=f"{padding}_{strides}_{dilation}")  # fmt: skip
row("conv1d", lambda K, x, w: K.conv1d(x, w, padding="valid", data_format="channels_first"),
    [draw(2, 3, 7), draw(3, 3, 4)], first(convolved()), free=(0, 2), loose=10, label="first")  # fmt: skip
for strides, padding, dilation in (((1, 1), "valid", (1, 1)), ((2, 1), "same", (1, 1)), ((1, 1), "same", (1, 2))):
    for form in ("channels_last", "channels_first"):
        arguments = {"strides": strides, "padding": padding, "dilation_rate": dilation, "data_format": form}
        reference = convolved(strides, padding, dilation)
        row("conv2d", lambda K, x, w, a=arguments: K.conv2d(x, w, **a),
            [draw(2, 6, 7, 3) if form == "channels_last" else draw(2, 3, 6, 7), draw(3, 2, 3, 4)],
            reference if form == "channels_last" else first(reference), free=SPATIAL[form], loose=10,
            label=f"{padding}_{strides[0]}{dilation[1]}_{form}")  # fmt: skip
row("conv3d", lambda K, x, w: K.conv3d(x, w, (1, 2, 1), "same"), [draw(2, 4, 5, 3, 2), draw(2, 3, 2, 2, 3)],
    convolved((1, 2, 1), "same"), free=(0, 1, 2, 3), loose=10)  # fmt: skip
row("separable_conv2d", lambda K, x, d, p: K.separable_conv2d(x, d, p),
    [draw(2, 5, 6, 3), draw(2, 3, 3, 2), draw(1, 1, 6, 4)], separable, free=(0, 1, 2), loose=20)  # fmt: skip
for strides, padding, spatial, size in (
    ((1, 1), "valid", (6, 7), (4, 6)), ((2, 2), "same", (6, 7), (3, 4)), ((2, 3), "valid", (8, 8), (3, 3)),
):  # fmt: skip
    row("conv2d_transpose",
        lambda K, x, w, a=((2,) + spatial + (3,), strides, padding): K.conv2d_transpose(x, w, *a),
        [draw(2, *(size + (4,))), draw(3, 2, 3, 4)],
        lambda x, w, a=(spatial, strides, padding): spread(x, w, *a), free="none", loose=20,
        label=f"{padding}_{strides[0]}{strides[1]}")  # fmt: skip
row("conv2d_transpose",
    lambda K, x, w: K.conv2d_transpose(x, w, (2, 3, 6, 7), (2, 2), "same", "channels_first"),
    [draw(2, 4, 3, 4), draw(3, 2, 3, 4)], first(lambda x, w: spread(x, w, (6, 7), (2, 2), "same")), free="none",
    loose=20, label="first")  # fmt: skip

for padding, sizes in (("same", (5, 8)), ("valid", (7, 9))):
    row("conv2d_transpose",
        lambda K, x, w, a=(padding, sizes[0] - 6): K.conv2d_transpose(
            x, w, (2, K.shape(x)[1] * 2 + a[1], K.shape(x)[2] * 2 + (a[0] == "valid"), 3), (2, 2), a[0]),
        [draw(2, 3, 4, 4), draw(3, 2, 3, 4)], lambda x, w, a=(sizes, padding): spread(x, w, a[0], (2, 2), a[1]),
        free=(1, 2), loose=20, label=f"free_{padding}")  # fmt: skip
row("conv3d_transpose",
    lambda K, x, w: K.conv3d_transpose(x, w, (2, None, None, None, 3), (2, 1, 2), "same"),
    [draw(2, 2, 3, 2, 4), draw(2, 2, 3, 3, 4)], lambda x, w: spread(x, w, (4, 3, 4), (2, 1, 2), "same"),
    free=(0, 1, 2, 3), loose=20)  # fmt: skip
row("depthwise_conv2d", lambda K, x, w: K.depthwise_conv2d(x, w), [draw(2, 5, 6, 3), draw(2, 3, 3, 2)], depthwise,
    free=(0, 1, 2), loose=20)  # fmt: skip
row("local_conv1d", lambda K, x, w: K.local_conv1d(x, w, (3,), (2,)), [draw(2, 7, 3), draw(3, 9, 4)],
    local((3,), (2,)), free=(0,), loose=10)  # fmt: skip
row("local_conv2d", lambda K, x, w: K.local_conv2d(x, w, (3, 2), (1, 2), (2, 3)), [draw(2, 4, 6, 3), draw(6, 18, 5)],
    local((3, 2), (1, 2)), free=(0,), loose=10)  # fmt: skip
row("local_conv2d", lambda K, x, w: K.local_conv2d(x, w, (3, 2), (1, 2), (2, 3), "channels_first"),
    [draw(2, 3, 4, 6), draw(6, 18, 5)], local((3, 2), (1, 2), True), free=(0,), loose=10, label="first")  # fmt: skip

# -- pooling, resizing, padding -------------------------------------------------------------------------------

for mode in ("max", "avg"):
    for size, strides, padding in (((2, 2), (2, 2), "valid"), ((3, 2), (2, 1), "same"), ((3, 3), (1, 2), "valid")):
        for form in ("channels_last", "channels_first"):
            reference = pooled(size, strides, padding, mode)
            row("pool2d", lambda K, x, a=(size, strides, padding, form, mode): K.pool2d(x, *a),
                [draw(2, 6, 7, 3) if form == "channels_last" else draw(2, 3, 6, 7)],
                reference if form == "channels_last" else first(reference), free=SPATIAL[form],
                label=f"{mode}_{size[0]}{padding}_{form}")  # fmt: skip
    row("pool3d", lambda K, x, m=mode: K.pool3d(x, (2, 2, 2), (2, 1, 2), "same", pool_mode=m), [draw(2, 4, 5, 3, 2)],
        pooled((2, 2, 2), (2, 1, 2), "same", mode), free=(0, 1, 2, 3), label=mode)  # fmt: skip
row("resize_images", lambda K, x: K.resize_images(x, 2, 3, "channels_last"), [draw(2, 3, 4, 2)],
    lambda x: x.repeat(2, 1).repeat(3, 2), free=(0, 1, 2, 3))  # fmt: skip
row("resize_images", lambda K, x: K.resize_images(x, 2, 3, "channels_first"), [draw(2, 3, 4, 2)],
    lambda x: x.repeat(2, 2).repeat(3, 3), free=(0, 1, 2, 3), label="first")  # fmt: skip
row("resize_volumes", lambda K, x: K.resize_volumes(x, 2, 3, 1, "channels_last"), [draw(2, 3, 4, 2, 3)],
    lambda x: x.repeat(2, 1).repeat(3, 2), free=(0, 2, 4))  # fmt: skip


def padded(*pairs):
    return lambda x: np.pad(x, pairs, "constant")


row("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, ((1, 2), (0, 3))), [draw(2, 3, 4, 2)],
    padded((0, 0), (1, 2), (0, 3), (0, 0)))  # fmt: skip
row("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, ((1, 2), (0, 3)), "channels_first"), [draw(2, 3, 4, 2)],
    padded((0, 0), (0, 0), (1, 2), (0, 3)), label="first")  # fmt: skip
row("spatial_3d_padding", lambda K, x: K.spatial_3d_padding(x), [draw(2, 3, 4, 2, 3)],
    padded((0, 0), (1, 1), (1, 1), (1, 1), (0, 0)))  # fmt: skip

# -- biases and normalization ---------------------------------------------------------------------------------

for dims, bias, form, sizes in (
    ((3, 4), (4,), "channels_last", (4,)), ((3, 4), (4,), "channels_first", (4,)),
    ((3, 5, 4), (4,), "channels_last", (4,)), ((3, 4, 5), (4,), "channels_first", (4, 1)),
    ((3, 5, 4), (5, 4), "channels_last", (5, 4)), ((3, 4, 5), (5, 4), "channels_first", (4, 5)),
    ((3, 5, 2, 4), (4,), "channels_last", (4,)), ((3, 4, 5, 2), (4,), "channels_first", (4, 1, 1)),
    ((3, 5, 2, 4), (5, 2, 4), "channels_last", (5, 2, 4)), ((3, 4, 5, 2), (5, 2, 4), "channels_first", (4, 5, 2)),
    ((3, 5, 2, 2, 4), (4,), "channels_last", (4,)), ((3, 4, 5, 2, 2), (4,), "channels_first", (4, 1, 1, 1)),
    ((3, 4, 5, 2, 2), (5, 2, 2, 4), "channels_first", (4, 5, 2, 2)),
):  # fmt: skip
    row("bias_add", lambda K, x, b, f=form: K.bias_add(x, b, f), [draw(*dims), draw(*bias)],
        lambda x, b, s=sizes: x + b.reshape(s), free=(0,),
        label=f"rank_{len(dims)}_{len(bias)}_{form}")  # fmt: skip


def normalized(x, mean, variance, beta, gamma, epsilon):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


row("batch_normalization", lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g, epsilon=0.01),
    [draw(3, 4, 2), draw(2), positive(2), draw(2), positive(2)],
    lambda x, m, v, b, g: normalized(x, m, v, b, g, 0.01), loose=4)  # fmt: skip
row(
    "batch_normalization",
    lambda K, x, m, v: K.batch_normalization(x, m, v, None, None),
    [draw(3, 4), draw(4), positive(4)],
    lambda x, m, v: normalized(x, m, v, 0, 1, 1e-3),
    label="plain",
    loose=4,
)
for dims, axes, kept in (
    ((3, 4), [0], 4),
    ((3, 5, 4), [0, 1], 4),
    ((3, 4, 5), [0, 2], 4),
    ((2, 5, 3, 4), [0, 1, 2], 4),
    ((2, 4, 5, 3), [0, 2, 3], 4),
):

    def of_batch(x, gamma, beta, axes=tuple(axes)):
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        gamma, beta = gamma.reshape(mean.shape), beta.reshape(mean.shape)
        return normalized(x, mean, variance, beta, gamma, 1e-3), mean.ravel(), variance.ravel()

    row("normalize_batch_in_training", lambda K, x, g, b, a=axes: K.normalize_batch_in_training(x, g, b, a),
        [draw(*dims) + 1, positive(kept), draw(kept)], of_batch, label=f"rank_{len(dims)}_{len(axes)}_{axes[-1]}",
        free=(0,), loose=20)  # fmt: skip
row(
    "normalize_batch_in_training",
    lambda K, x: K.normalize_batch_in_training(x, None, None, [0], 0.01)[0],
    [draw(5, 4)],
    lambda x: (x - x.mean(0)) / np.sqrt(x.var(0) + 0.01),
    label="plain",
    loose=20,
)
row("normalize_batch_in_training", lambda K, x, g: K.normalize_batch_in_training(x, g, None, [0])[0],
    [draw(6, 4, 2), positive(4, 2)], lambda x, g: g * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), label="two_kept",
    free="batch", loose=20)  # fmt: skip
