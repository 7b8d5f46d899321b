"""The user's data made into checked arrays: inputs, targets, sample and class weights, and batches of them.

Everything here happens before the first batch runs, so that bad data changes nothing. Arrays are left as they are:
they are converted to what the function takes when they are fed.
"""

import warnings

import numpy as np

from onnxseq.errors import describe, text
from onnxseq.sparse import by_rows, dense, is_sparse

SAME_SHAPE_LOSSES = ("mean_squared_error", "binary_crossentropy", "categorical_crossentropy")
"""Losses that broadcasting would compute without a fault, but wrongly, for targets of another shape."""

NUMBERS = "biuf"
"""NumPy's kinds of bool, integer and floating arrays."""


def standardize(who, what, data, names, shapes):
    """Return the user's data as a list of arrays, one for each name.

    Arguments:
        who: The method at work, for messages.
        what: 'input' or 'target'.
        data: An array, or a list or dict of arrays; nested lists of numbers where one array is expected.
        names: Names of the arrays expected.
        shapes: For each, the expected shape with None for free sizes, or None where any shape will do. The first
            axis, the batch, is not compared.

    Raises:
        ValueError: A number of arrays, a shape, or values that do not fit.
        TypeError: Data that is neither array, list nor dict.
    """
    if len(names) == 1 and type(data) is np.ndarray and data.dtype.kind in NUMBERS and data.ndim > 1 and len(data):
        if shapes[0] is None or _fits(data.shape, shapes[0]):  # the way of most data, and of single samples in a hurry
            return [data]
    arrays = _listed(who, what, data, names)
    result = []
    for name, array, shape in zip(names, arrays, shapes, strict=True):
        array = _numeric(who, what, name, array)
        if len(array.shape) == 1:
            array = np.expand_dims(array, 1)
        if shape is not None and not _fits(array.shape, shape):
            raise ValueError(
                text(
                    who,
                    f"{what} {name!r} has shape {tuple(array.shape)}",
                    f"shape {tuple(shape)}",
                    _shape_advice(what, array.shape, shape),
                )
            )
        if array.shape[0] == 0:
            raise ValueError(text(who, f"{what} {name!r} has shape {tuple(array.shape)}", "at least one sample"))
        result.append(array)
    return result


def _listed(who, what, data, names):
    if not names:
        if data is not None and len(data):
            raise ValueError(text(who, f"{what} data {describe(data)}", "none, as the model is fed no such data"))
        return []
    if data is None:
        raise ValueError(text(who, f"no {what} data", f"arrays for {_listing(names)}"))
    if isinstance(data, dict) and not is_sparse(data):  # one form of sparse matrix is a dict of its elements
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(
                text(who, f"the {what} dict has keys {_listing(data)} but lacks {_listing(missing)}", _listing(names))
            )
        return [data[name] for name in names]
    if isinstance(data, list):
        if len(data) == len(names) and (not data or _is_array(data[0]) or len(names) > 1):
            return list(data)
        if len(names) == 1 and data and not _is_array(data[0]):
            return [data]
        shown = f"a list of {len(data)} arrays" if data and _is_array(data[0]) else f"a list of {len(data)} items"
        raise ValueError(
            text(
                who,
                f"{what} data is {shown}",
                f"{len(names)} array(s) for {_listing(names)}",
                _list_advice(data, names),
            )
        )
    if not hasattr(data, "shape"):
        raise TypeError(text(who, f"{what} data is {describe(data)}", "an array, or a list or dict of arrays"))
    if len(names) > 1:
        raise ValueError(
            text(
                who,
                f"{what} data is one array of shape {tuple(data.shape)}",
                f"a list of {len(names)} arrays for {_listing(names)}",
            )
        )
    return [data]


def _is_array(value):
    return hasattr(value, "shape")


def _listing(names):
    return ", ".join(repr(name) for name in names) or "none"


def _list_advice(data, names):
    if len(names) == 1 and data:
        return "A Sequential model has one input and one output: pass one array, or join several into one."
    return "Pass one array for each name."


def _shape_advice(what, arrived, expected):
    if what == "target" and expected[-1] == 1 and len(arrived) == len(expected):
        return "Pass one integer label per sample for a sparse loss, or give the last layer as many units."
    if len(arrived) != len(expected):
        return f"Reshape the array to {len(expected)} axes, the first of them the samples."
    return "Change the array or the layer that it meets."


def _fits(arrived, expected):
    if len(arrived) != len(expected):
        return False
    return all(want is None or want == have for have, want in zip(arrived[1:], expected[1:], strict=True))


def _numeric(who, what, name, data):
    """Return an array of numbers; sparse matrices and arrays that are read from a file by pieces stay what they are."""
    data = by_rows(data) if is_sparse(data) else data
    if not isinstance(data, np.ndarray):
        if (
            hasattr(data, "shape")
            and hasattr(data, "dtype")
            and hasattr(data, "__getitem__")
            and not hasattr(data, "iloc")
        ):
            return data
        try:
            data = np.asarray(data)
        except ValueError as error:  # rows of different lengths
            raise ValueError(text(who, f"{what} {name!r} is {describe(data)}", "rows of one length")) from error
    if data.dtype.kind in NUMBERS or data.dtype.name == "bfloat16":
        return data if data.ndim else data.reshape(1)
    if data.dtype.kind in "OSU":
        try:
            return data.astype(np.float64)
        except (TypeError, ValueError):
            pass
    raise ValueError(
        text(
            who,
            f"{what} {name!r} has dtype {data.dtype} and values such as {_sample(data)}",
            "numbers",
            "Encode it as numbers first, e.g. by Tokenizer or to_categorical.",
        )
    )


def _sample(array):
    return describe(array.reshape(-1)[0].item()) if array.size else "none"


def check_lengths(who, inputs, targets, weights=()):
    """Raise ValueError unless all arrays hold the same number of samples."""
    for what, arrays in (("input", inputs), ("target", targets)):
        lengths = {array.shape[0] for array in arrays}
        if len(lengths) > 1:
            raise ValueError(
                text(
                    who,
                    f"{what} arrays have shapes {[tuple(a.shape) for a in arrays]}",
                    "one number of samples in all of them",
                )
            )
    if inputs and targets and inputs[0].shape[0] != targets[0].shape[0]:
        raise ValueError(
            text(
                who,
                f"{inputs[0].shape[0]} input samples and {targets[0].shape[0]} target samples",
                "as many targets as inputs",
            )
        )
    for weight in weights:
        if weight is not None and targets and weight.shape[0] != targets[0].shape[0]:
            raise ValueError(
                text(who, f"{weight.shape[0]} sample weights for {targets[0].shape[0]} samples", "one for each sample")
            )


def check_targets(who, targets, loss_names, output_shapes):
    """Raise ValueError where a loss would take a target for something that it is not.

    A target of another shape would broadcast against the output; a label beyond the classes would be read elsewhere.
    """
    for target, name, shape in zip(targets, loss_names, output_shapes, strict=True):
        if name == "categorical_crossentropy" and target.shape[-1] == 1:
            raise ValueError(
                text(
                    who,
                    f"target has shape {tuple(target.shape)} and the loss is 'categorical_crossentropy'",
                    "one column per class",
                    "Encode integer labels by utils.to_categorical, or use 'sparse_categorical_crossentropy'.",
                )
            )
        if name == "sparse_categorical_crossentropy" and isinstance(target, np.ndarray) and shape[-1] is not None:
            low, high = target.min(), target.max()
            if not (low >= 0 and high < shape[-1]):
                raise ValueError(
                    text(
                        who,
                        f"target has labels from {low.item()!r} to {high.item()!r} and the output {shape[-1]} classes",
                        f"labels from 0 to {shape[-1] - 1}",
                    )
                )
        if name in SAME_SHAPE_LOSSES and not _fits(target.shape, (None, *shape[1:])):
            raise ValueError(
                text(
                    who,
                    f"target has shape {tuple(target.shape)}, the output {tuple(shape)} and the loss is {name!r}",
                    "one shape for both",
                )
            )


def check_stateful(who, inputs, batch_size):
    """Raise ValueError unless the samples fill all batches, as layers that carry state need."""
    samples = inputs[0].shape[0]
    if samples % batch_size:
        raise ValueError(
            text(
                who,
                f"{samples} samples in batches of {batch_size} for a stateful model",
                "a number of samples that the batch size divides",
            )
        )


def by_output(who, what, given, names):
    """Return sample or class weights as a list, one for each output, None for those without."""
    if given is None or (hasattr(given, "__len__") and len(given) == 0):
        return [None] * len(names)
    if len(names) == 1:
        if isinstance(given, list) and len(given) == 1:
            return given
        if isinstance(given, dict) and names[0] in given:
            return [given[names[0]]]
        return [given]
    if isinstance(given, list):
        if len(given) != len(names):
            raise ValueError(
                text(who, f"{what} is a list of {len(given)}", f"one for each output of {_listing(names)}")
            )
        return given
    if isinstance(given, dict):
        return [given.get(name) for name in names]
    raise TypeError(text(who, f"{what} is {describe(given)}", f"a list or dict for the outputs {_listing(names)}"))


def sample_weights(who, target, given, class_weight=None, mode=None):
    """Return the weight of each sample, or of each step of each sample, or None where all weigh one.

    Arguments:
        who: The method at work, for messages.
        target: The targets that are weighted.
        given: The user's sample weights, or None. They go before class weights.
        class_weight: A dict from class to weight, or None.
        mode: None for one weight per sample, 'temporal' for one per step.

    Raises:
        ValueError: A shape that does not fit, weights that are negative or no numbers, a class without weight.
    """
    if mode == "temporal" and len(target.shape) < 3 and (given is not None or class_weight is not None):
        raise ValueError(
            text(
                who,
                f"sample_weight_mode is 'temporal' and the target has shape {tuple(target.shape)}",
                "a target of at least 3 axes, the second of them the steps",
            )
        )
    if given is not None:
        return _given_weights(who, target, given, mode)
    if class_weight is None:
        return None
    if not isinstance(class_weight, dict):
        warnings.warn(
            text(who, f"class_weight is {describe(class_weight)}", "a dict from class to weight", "It is ignored."),
            stacklevel=4,
        )
        return None
    return _checked_weights(who, "class_weight", _class_weights(who, target, class_weight))


def _given_weights(who, target, given, mode):
    weights = np.asarray(given)
    rank = 2 if mode == "temporal" else 1
    if weights.ndim != rank:
        advice = (
            "Compile with sample_weight_mode='temporal' to weight steps." if rank == 1 else "Give one weight per step."
        )
        raise ValueError(
            text(who, f"sample_weight has shape {weights.shape}", f"{rank} axes in sample_weight_mode {mode!r}", advice)
        )
    if tuple(target.shape[:rank]) != weights.shape:
        raise ValueError(
            text(
                who,
                f"sample_weight has shape {weights.shape} and the target {tuple(target.shape)}",
                f"sample_weight of shape {tuple(target.shape[:rank])}",
            )
        )
    return _checked_weights(who, "sample_weight", weights)


def _checked_weights(who, what, weights):
    try:
        weights = weights.astype(np.float64, copy=False) if weights.dtype.kind not in NUMBERS else weights
    except (TypeError, ValueError) as error:
        raise ValueError(text(who, f"{what} has dtype {weights.dtype}", "numbers")) from error
    bad = ~(weights >= 0) | np.isinf(weights)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        place = f" at {where[0] if len(where) == 1 else where}" if what == "sample_weight" else ""
        raise ValueError(
            text(who, f"{what} holds {float(weights[where])!r}{place}", "weights that are finite and not negative")
        )
    return weights


def _class_weights(who, target, class_weight):
    if len(target.shape) > 2:
        raise ValueError(
            text(
                who,
                f"class_weight was given for a target of shape {tuple(target.shape)}",
                "a target of 2 axes",
                "Use sample_weight with sample_weight_mode='temporal'.",
            )
        )
    labels = np.asarray(dense(target[:]))
    labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels.reshape(-1)
    classes, index = np.unique(labels, return_inverse=True)
    missing = [label.item() for label in classes if label.item() not in class_weight]
    if missing:
        raise ValueError(
            text(
                who,
                f"the targets have classes {missing} and class_weight has {list(class_weight)}",
                "a weight for every class",
            )
        )
    return np.array([class_weight[label.item()] for label in classes])[index.reshape(-1)]


def split_at(arrays, position):
    """Return the arrays cut in two at a sample; None stays None."""
    first = [None if array is None else array[:position] for array in arrays]
    return first, [None if array is None else array[position:] for array in arrays]


def batch_bounds(samples, batch_size):
    """Return the first and one past the last sample of each batch."""
    return [(start, min(samples, start + batch_size)) for start in range(0, samples, batch_size)]


def shuffle_index(index, how, batch_size):
    """Return the order of samples for the next epoch, shuffled by NumPy's global generator.

    Arguments:
        index: The order of the last epoch; may be changed in place.
        how: False for no change, 'batch' to shuffle whole batches, anything else true to shuffle samples.
        batch_size: Samples per batch. With 'batch' the incomplete batch stays last.
    """
    if how == "batch":
        whole = len(index) // batch_size * batch_size
        batches = index[:whole].reshape(-1, batch_size)
        np.random.shuffle(batches)
        return np.append(batches.reshape(-1), index[whole:])
    if how:
        np.random.shuffle(index)
    return index


class Feed:
    """One array of samples, from which batches are written into the array that a function reads.

    Arguments:
        who: The method at work, for messages.
        data: The samples.
        dtype: What the function takes.
    """

    def __init__(self, who, data, dtype):
        self.who = who
        if isinstance(data, np.ndarray):
            # take() copies an array that does not lie in order, whole, at each call; and where the conversion does
            # not make the data larger, it is done once for all epochs.
            if data.dtype != dtype and data.dtype.itemsize >= np.dtype(dtype).itemsize:
                data = data.astype(dtype)
            data = np.require(data, requirements="CA")
        self.data = data
        self.direct = isinstance(data, np.ndarray) and data.dtype == dtype
        self.item_shape = tuple(data.shape[1:])

    def __len__(self):
        return self.data.shape[0]

    def gather(self, index, out):
        """Write the samples of an index array into `out`."""
        if self.direct:
            self.data.take(index, 0, out, "clip")
        elif isinstance(self.data, np.ndarray):
            out[...] = self.data.take(index, 0)
        else:
            out[...] = dense(self._read(index.tolist()))

    def copy(self, start, stop, out):
        """Write the samples from `start` to `stop` into `out`."""
        out[...] = dense(self.data[start:stop])

    def _read(self, index):
        try:
            return self.data[index]
        except TypeError as error:  # a file that reads rows in rising order only
            raise TypeError(
                text(
                    self.who,
                    f"{type(self.data).__name__} could not read samples in the order {index[:5]}...",
                    "samples that can be read in any order",
                    "Pass shuffle='batch' for data in HDF5 files.",
                )
            ) from error
