"""Convolution and pooling as NumPy loops over windows, channels last."""

import numpy as np


def convolve(x, w, strides, dilations, pads, groups=1):
    rank = x.ndim - 2
    padded = np.pad(x, [(0, 0), *((pads[i], pads[rank + i]) for i in range(rank)), (0, 0)])
    kernel = w.shape[:rank]
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    out = [(padded.shape[1 + i] - reach[i]) // strides[i] + 1 for i in range(rank)]
    y = np.zeros((x.shape[0], *out, w.shape[-1]))
    depth, filters = x.shape[-1] // groups, w.shape[-1] // groups
    for place in np.ndindex(*kernel):
        cut = tuple(
            slice(p * d, p * d + (n - 1) * s + 1, s)
            for p, d, n, s in zip(place, dilations, out, strides, strict=True)
        )
        seen = padded[(slice(None), *cut)]
        for g in range(groups):
            mine = slice(g * filters, (g + 1) * filters)
            y[..., mine] += seen[..., g * depth : (g + 1) * depth] @ w[place][:, mine]
    return y


def convolve_transposed(dy, w, spatial, strides, pads):
    """The gradient of a convolution by its input, from one convolution of each unit input."""
    dims = (dy.shape[0], *spatial, w.shape[-2])
    result = np.zeros(dims)
    ones = (1,) * len(spatial)
    for place in np.ndindex(*dims[1:]):
        unit = np.zeros((1, *dims[1:]))
        unit[(0, *place)] = 1
        seen = convolve(unit, w, strides, ones, pads)
        result[(slice(None), *place)] = np.tensordot(dy, seen[0], dy.ndim - 1)
    return result


def _windows(x, size, strides, pads):
    """Yield each window's place in the result, its place in x, and its elements as [batch, elements, channels]."""
    rank = x.ndim - 2
    sizes = x.shape[1:-1]
    out = [(sizes[i] + pads[i] + pads[rank + i] - size[i]) // strides[i] + 1 for i in range(rank)]
    for place in np.ndindex(*out):
        starts = [p * s - before for p, s, before in zip(place, strides, pads[:rank], strict=True)]
        cut = tuple(slice(max(a, 0), min(a + k, n)) for a, k, n in zip(starts, size, sizes, strict=True))
        where = (slice(None), *cut)
        yield (slice(None), *place), where, x[where].reshape(x.shape[0], -1, x.shape[-1]), out


def _pooled(x, size, strides, pads, reduce):
    y = None
    for place, _, seen, out in _windows(x, size, strides, pads):
        y = np.zeros((x.shape[0], *out, x.shape[-1])) if y is None else y
        y[place] = reduce(seen)
    return y


def max_pool(x, size, strides, pads):
    return _pooled(x, size, strides, pads, lambda seen: seen.max(1))


def average_pool(x, size, strides, pads):
    return _pooled(x, size, strides, pads, lambda seen: seen.mean(1))


def max_pool_grad(x, dy, size, strides, pads):
    """The whole of each cotangent goes to the first element that attains its window's maximum."""
    dx = np.zeros(x.shape)
    for place, where, seen, _ in _windows(x, size, strides, pads):
        shares = np.zeros(seen.shape)
        np.put_along_axis(shares, seen.argmax(1)[:, None], dy[place][:, None], 1)
        dx[where] += shares.reshape(dx[where].shape)
    return dx
