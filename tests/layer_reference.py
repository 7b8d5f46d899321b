"""What layers compute, written plainly in NumPy float64: the other side of the layer checks."""

import numpy as np


def activation(name, x):
    """Return an activation of x."""
    return {
        None: lambda: x,
        "linear": lambda: x,
        "relu": lambda: np.maximum(x, 0),
        "tanh": lambda: np.tanh(x),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
    }[name]()


def padding(kind, length, size, stride, dilation):
    """Return how many elements a kind of padding adds before and after."""
    extent = dilation * (size - 1) + 1
    if kind == "valid":
        return 0, 0
    if kind == "causal":
        return extent - 1, 0
    total = max((-(-length // stride) - 1) * stride + extent - length, 0)
    return total // 2, total - total // 2


def windows(x, sizes, strides, kind, dilations, fill):
    """Yield (output position, window) of channels-last x; a window is (batch, *sizes, channels)."""
    spatial = x.shape[1:-1]
    pads = [padding(kind, *entry) for entry in zip(spatial, sizes, strides, dilations, strict=True)]
    padded = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    counts = [
        (length - dilation * (size - 1) - 1) // stride + 1
        for length, size, stride, dilation in zip(padded.shape[1:-1], sizes, strides, dilations, strict=True)
    ]
    for position in np.ndindex(*counts):
        index = tuple(
            slice(at * stride, at * stride + dilation * (size - 1) + 1, dilation)
            for at, size, stride, dilation in zip(position, sizes, strides, dilations, strict=True)
        )
        yield position, padded[(slice(None), *index)]


def assemble(results):
    """Return (batch, *counts, channels) from pairs (position, (batch, channels))."""
    results = list(results)
    counts = tuple(np.max([position for position, _ in results], axis=0) + 1)
    first = results[0][1]
    out = np.empty((first.shape[0], *counts, first.shape[-1]))
    for position, value in results:
        out[(slice(None), *position)] = value
    return out


def convolve(x, kernel, bias=0.0, strides=None, kind="valid", dilations=None):
    """Return the convolution of channels-last x with a kernel (*sizes, channels, filters)."""
    sizes = kernel.shape[:-2]
    ones = (1,) * len(sizes)
    flat = kernel.reshape(-1, kernel.shape[-1])
    found = windows(x, sizes, strides or ones, kind, dilations or ones, 0.0)
    return assemble((position, window.reshape(len(x), -1) @ flat) for position, window in found) + bias


def pool(x, sizes, strides=None, kind="valid", mode="max"):
    """Return the greatest or the mean of windows of channels-last x; what padding adds does not count."""
    ones, axes = (1,) * len(sizes), tuple(range(1, x.ndim - 1))
    reduce = (lambda w: w.max(axes)) if mode == "max" else (lambda w: np.nanmean(w, axes))
    fill = -np.inf if mode == "max" else np.nan
    return assemble((p, reduce(w)) for p, w in windows(x, sizes, strides or sizes, kind, ones, fill))


def channels_first(function):
    """Return a function of channels-first x from one of channels-last x."""

    def swapped(x, *weights):
        return np.moveaxis(function(np.moveaxis(x, 1, -1), *weights), -1, 1)

    return swapped


def normalize(x, gamma, beta, mean, variance, axis=-1, epsilon=1e-3):
    """Return x normalized along an axis by statistics."""
    shape = [1] * x.ndim
    shape[axis] = -1
    gamma, beta, mean, variance = (np.reshape(v, shape) for v in (gamma, beta, mean, variance))
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def normalize_batch(x, gamma, beta, axis=-1, epsilon=1e-3):
    """Return x normalized along an axis by its own statistics."""
    axes = tuple(a for a in range(x.ndim) if a != axis % x.ndim)
    return normalize(x, gamma, beta, x.mean(axes), x.var(axes), axis, epsilon)
