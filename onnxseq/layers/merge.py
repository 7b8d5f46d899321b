"""Layers that make one tensor of several: Add, Multiply, Average, Maximum, Concatenate, Dot and their functions."""

import functools

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import describe, text
from onnxseq.layers.base import Layer, to_list


def _broadcast(who, shapes):
    """Return the shape that elementwise work on tensors of the shapes gives, None standing for free sizes.

    The batch axes belong together; of the others, those of shapes of lower rank belong to the last ones of the others.

    Raises:
        ValueError: where two sizes differ and none of them is 1.
    """
    batches = {shape[0] for shape in shapes} - {None}
    rank = max(len(shape) for shape in shapes)
    rows = [(1,) * (rank - len(shape)) + tuple(shape[1:]) for shape in shapes]
    columns = [[size for size in sizes if size != 1] for sizes in zip(*rows, strict=True)]
    if len(batches) > 1 or any(len(set(column) - {None}) > 1 for column in columns):
        raise ValueError(
            text(who, f"inputs of shapes {_shown(shapes)} arrived", "sizes that are equal or 1, from the last axis on",
                 "Bring the inputs to one shape first.")
        )  # fmt: skip
    # A free size beside a known one may turn out to be 1 or that one.
    sizes = [(None if None in column else column[0]) if column else 1 for column in columns]
    return (next(iter(batches)) if len(batches) == 1 and all(s[0] is not None for s in shapes) else None, *sizes)


def _shown(shapes):
    return ", ".join(str(tuple(shape)) for shape in shapes)


class Merge(Layer):
    """The base of layers that take a list of tensors."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _check_list(self, shapes):
        """Raise ValueError where the inputs, or their shapes, are no list of two or more."""
        if isinstance(shapes, list) and len(shapes) > 1:
            return
        arrived = "an empty list" if isinstance(shapes, list) and not shapes else "one tensor"
        raise ValueError(
            text(self._who, f"{arrived} arrived", "a list of at least two tensors",
                 f"Call the layer on a list: {type(self).__name__}(…)([first, second]).")
        )  # fmt: skip

    def compute_mask(self, inputs, mask=None):
        """Return where every mask of an input that has one says True, or None where none has."""
        masks = [each for each in to_list(mask) if each is not None]
        if not masks:
            return None
        return K.all(K.stack(masks), axis=0)


class Elementwise(Merge):
    """The base of layers whose output has, at each place, what one function makes of the inputs there."""

    def _merge(self, inputs):
        raise NotImplementedError(
            text(f"{type(self).__name__}._merge", "it is not defined", "a function of a list of tensors",
                 "Define it in the subclass.")
        )  # fmt: skip

    def build(self, input_shape):
        self._check_list(input_shape)
        _broadcast(self._who, input_shape)
        self.built = True

    def call(self, inputs):
        self._check_list(to_list(inputs))
        dtypes = list(dict.fromkeys(K.dtype(tensor) for tensor in inputs))
        if len(dtypes) > 1:
            raise ValueError(
                text(self._who, f"inputs of dtypes {', '.join(map(repr, dtypes))} arrived", "one dtype",
                     "Convert them with K.cast() in a Lambda layer.")
            )  # fmt: skip
        rank = max(K.ndim(tensor) for tensor in inputs)
        return self._merge([_raised(tensor, rank) for tensor in inputs])

    def _compute_output_shape(self, input_shape):
        self._check_list(input_shape)
        return _broadcast(self._who, input_shape)


def _raised(tensor, rank):
    """Return a tensor with axes of size 1 put behind its batch axis up to a rank."""
    for _ in range(rank - K.ndim(tensor)):
        tensor = K.expand_dims(tensor, 1)
    return tensor


@registry.register("layer")
class Add(Elementwise):
    """Adds tensors: ``inputs[0] + inputs[1] + …``.

    Shapes:
        inputs (batch, …), a list; axes of size 1, and those that are missing behind the batch axis, are repeated.

    Raises:
        ValueError: for fewer than two inputs, or shapes that do not fit.
    """

    def _merge(self, inputs):
        return functools.reduce(lambda x, y: x + y, inputs)


@registry.register("layer")
class Multiply(Elementwise):
    """Multiplies tensors elementwise: ``inputs[0] * inputs[1] * …``.

    Shapes:
        inputs (batch, …), a list; axes of size 1, and those that are missing behind the batch axis, are repeated.

    Raises:
        ValueError: for fewer than two inputs, or shapes that do not fit.
    """

    def _merge(self, inputs):
        return functools.reduce(lambda x, y: x * y, inputs)


@registry.register("layer")
class Average(Elementwise):
    """Takes the mean of tensors, elementwise: ``(inputs[0] + inputs[1] + …) / len(inputs)``.

    Shapes:
        inputs (batch, …), a list; axes of size 1, and those that are missing behind the batch axis, are repeated.

    Raises:
        ValueError: for fewer than two inputs, or shapes that do not fit.
    """

    def _merge(self, inputs):
        return functools.reduce(lambda x, y: x + y, inputs) / len(inputs)


@registry.register("layer")
class Maximum(Elementwise):
    """Takes the greatest of tensors, elementwise.

    Shapes:
        inputs (batch, …), a list; axes of size 1, and those that are missing behind the batch axis, are repeated.

    Raises:
        ValueError: for fewer than two inputs, or shapes that do not fit.
    """

    def _merge(self, inputs):
        return functools.reduce(K.maximum, inputs)


@registry.register("layer")
class Concatenate(Merge):
    """Puts tensors one behind the other along an axis.

    Shapes:
        inputs (batch, …), a list; equal on every other axis. The output's size on the axis is the sum of theirs.

    Arguments:
        axis: the axis.

    Raises:
        ValueError: where no list arrives, or shapes differ on another axis.
        IndexError: where the inputs have no such axis.
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape):
        self._check_list(input_shape)
        self._joined(input_shape)
        self.built = True

    def _joined(self, shapes):
        """Return the output's shape for a list of shapes."""
        rank = len(shapes[0])
        if all(len(shape) == rank for shape in shapes) and not -rank <= self.axis < rank:
            raise IndexError(
                text(self._who, f"axis={self.axis!r} and inputs of shapes {_shown(shapes)}",
                     f"an axis from {-rank} to {rank - 1}")
            )  # fmt: skip
        axis = self.axis % rank
        others = [tuple(shape[:axis]) + tuple(shape[axis + 1 :]) for shape in shapes]
        if any(len(shape) != rank for shape in shapes) or not all(map(_agree, zip(*others, strict=True))):
            raise ValueError(
                text(self._who, f"inputs of shapes {_shown(shapes)} arrived", f"equal sizes on all axes but {axis}",
                     "Bring the inputs to one shape first, or choose another axis.")
            )  # fmt: skip
        sizes = [shape[axis] for shape in shapes]
        return (*shapes[0][:axis], None if None in sizes else sum(sizes), *shapes[0][axis + 1 :])

    def call(self, inputs):
        self._check_list(to_list(inputs))
        return K.concatenate(list(inputs), axis=self.axis)

    def _compute_output_shape(self, input_shape):
        self._check_list(input_shape)
        return self._joined(input_shape)

    def compute_mask(self, inputs, mask=None):
        """Return the masks put behind one another as the inputs are; an input without one counts as unmasked."""
        masks = to_list(mask)
        if all(each is None for each in masks):
            return None
        found = []
        for tensor, each in zip(inputs, masks, strict=True):
            if each is None:
                each = K.ones_like(tensor, dtype="bool")
            elif K.ndim(each) < K.ndim(tensor):
                # One decision for all features; repeated, so that it can stand beside features that have their own.
                each = K.cast(K.ones_like(tensor, dtype="int32") * K.cast(K.expand_dims(each), "int32"), "bool")
            found.append(each)
        return K.all(K.concatenate(found, axis=self.axis), axis=-1)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


def _agree(sizes):
    return len(set(sizes) - {None}) <= 1


@registry.register("layer")
class Dot(Merge):
    """Multiplies two tensors sample by sample, summing over an axis of each.

    Shapes:
        inputs (batch, *a, n) and (batch, n, *b), where the axes are the last and the first; output (batch, *a, *b),
        and (batch, 1) for two vectors.

    Arguments:
        axes: the axis of the first and that of the second tensor to sum over, or one number for both.
        normalize: whether to bring both tensors to length 1 along their axis first, for the cosine between them.

    Raises:
        TypeError: where ``axes`` is neither a number nor a pair.
        ValueError: where it is a pair of anything but whole numbers, there are not two inputs, or sizes differ.
        IndexError: where an input has no such axis.
    """

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        expected = "one whole number or a pair of them"
        if not isinstance(axes, int) and not isinstance(axes, list | tuple):
            raise TypeError(text(self._who, f"axes={describe(axes)}", expected))
        if not isinstance(axes, int) and (len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)):
            raise ValueError(text(self._who, f"axes={describe(axes)}", expected))
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, shapes):
        """Return the two axes, counted from 0, for two shapes that they fit."""
        self._check_list(shapes)
        if len(shapes) != 2:
            raise ValueError(text(self._who, f"{len(shapes)} inputs arrived", "two", "Multiply the first two first."))
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for axis, shape in zip(pair, shapes, strict=True):
            if axis >= len(shape):
                raise IndexError(
                    text(self._who, f"axes={self.axes!r} and inputs of shapes {_shown(shapes)}",
                         f"axes below {len(shape)}, the batch axis being 0")
                )  # fmt: skip
        found = tuple(axis % len(shape) for axis, shape in zip(pair, shapes, strict=True))
        first, second = (shape[axis] for shape, axis in zip(shapes, found, strict=True))
        if None not in (first, second) and first != second:
            raise ValueError(
                text(self._who, f"inputs of shapes {_shown(shapes)} with sizes {first} and {second} on axes {found}",
                     "equal sizes on the axes to sum over", "Choose other axes.")
            )  # fmt: skip
        return found

    def build(self, input_shape):
        self._axes_of(input_shape)
        self.built = True

    def call(self, inputs):
        axes = self._axes_of([K.int_shape(tensor) for tensor in to_list(inputs)])
        if self.normalize:
            inputs = [K.l2_normalize(tensor, axis=axis) for tensor, axis in zip(inputs, axes, strict=True)]
        return K.batch_dot(inputs[0], inputs[1], axes)

    def _compute_output_shape(self, input_shape):
        axes = self._axes_of(input_shape)
        first, second = (list(shape) for shape in input_shape)
        del first[axes[0]], second[axes[1]]
        sizes = (*first, *second[1:])
        return sizes if len(sizes) > 1 else (*sizes, 1)

    def compute_mask(self, inputs, mask=None):
        """Return None: the summed axis takes the steps with it."""

    def get_config(self):
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def add(inputs, **kwargs):
    """Return the sum of a list of tensors; see ``Add``, whose keyword arguments it takes."""
    return Add(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """Return the elementwise product of a list of tensors; see ``Multiply``."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """Return the elementwise mean of a list of tensors; see ``Average``."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """Return the elementwise maximum of a list of tensors; see ``Maximum``."""
    return Maximum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """Return a list of tensors joined along an axis; see ``Concatenate``."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes, normalize=False, **kwargs):
    """Return the product of two tensors over an axis of each; see ``Dot``."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
