"""Loops over steps: rnn, foldl, foldr, map_fn."""

from onnxseq import shapes
from onnxseq.backend.tensors import int_shape, require_tensor
from onnxseq.compiler.ops import index, loop
from onnxseq.compiler.ops import math as ops
from onnxseq.compiler.ops import shape as shape_ops
from onnxseq.compiler.tensor import Tensor, placeholder
from onnxseq.errors import describe, text


def rnn(step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False):
    """Compute a function of every step of a sequence, which hands states on to the next step.

    At a masked step the states stay as they are, and the output is the first state. Unrolled, the output there is
    that of the step before it, zero at the first.

    Shapes: inputs [batch, steps, …], mask [batch, steps] or [batch, steps, 1], outputs [batch, steps, …].

    Arguments:
        step_function: ``step_function(x, states)`` returns the output of a step and the list of new states. x is
            the input at the step; ``states`` holds the states and behind them the constants.
        inputs: the sequences.
        initial_states: the states before the first step, a list.
        go_backwards: whether to begin with the last step; outputs come in the order in which they are computed.
        mask: which steps count.
        constants: tensors handed to every step.
        unroll: whether to record every step by itself, which needs a known number of steps.

    Returns:
        The last output, the outputs of all steps, and the list of the states behind the last step.

    Raises:
        ValueError: for inputs without an axis of steps, a number of steps that is not known where ``unroll``, a mask
            without states, states that change their number or shape, and, where there is a mask and no ``unroll``, an
            output of another shape than that of the first state.
        TypeError: for states in another form than a list or tuple.
    """
    require_tensor("rnn", inputs)
    if inputs.rank < 3:
        raise ValueError(text("rnn", f"inputs have shape {int_shape(inputs)}", "three axes or more: batch, steps, …"))
    if isinstance(initial_states, Tensor):
        raise TypeError(
            text("rnn", f"one tensor, of shape {int_shape(initial_states)}, arrived for the initial states",
                 "a list of tensors")
        )  # fmt: skip
    states = [require_tensor("rnn", state, "initial state") for state in initial_states]
    constants = list(constants or [])
    if unroll and not isinstance(inputs.dims[1], int):
        raise ValueError(
            text("rnn", f"unroll=True and inputs of shape {int_shape(inputs)} arrived", "a known number of steps",
                 "Give the input its length, or leave unroll out.")
        )  # fmt: skip
    if mask is not None:
        if not states and not unroll:
            raise ValueError(
                text("rnn", "a mask and no initial states arrived", "a state, which masked steps give as output")
            )
        mask = _steps_first(ops.cast(require_tensor("rnn", mask, "mask"), "bool"))
        mask = shape_ops.unsqueeze(mask, [2]) if mask.rank == 2 else mask
    steps = _steps_first(inputs)
    if go_backwards:
        steps = index.reverse(steps, [0])
        mask = None if mask is None else index.reverse(mask, [0])
    run = _unrolled if unroll else _looped
    last, outputs, states = run(step_function, steps, states, mask, constants)
    return last, _steps_first(outputs), states


def _steps_first(x):
    """Swap the axes of batch and steps."""
    return shape_ops.transpose(x, [1, 0, *range(2, x.rank)])


def _chosen(mask, new, old):
    return ops.where(shape_ops.unsqueeze(mask, range(mask.rank, new.rank)) if mask.rank < new.rank else mask, new, old)


def _unrolled(step_function, steps, states, mask, constants):
    outputs = []
    for i in range(steps.dims[0]):
        output, new_states = step_function(index.getitem(steps, i), [*states, *constants])
        if mask is not None:
            kept = index.getitem(mask, i)
            output = _chosen(kept, output, outputs[-1] if outputs else shape_ops.zeros_like(output))
            new_states = [_chosen(kept, new, old) for new, old in zip(new_states, states, strict=True)]
        outputs.append(output)
        states = list(new_states)
    return outputs[-1], shape_ops.stack(outputs, 0), states


def _looped(step_function, steps, states, mask, constants):
    element = _element(steps)
    inner = [placeholder(state.element_type, state.dims) for state in states]
    output, new_states = step_function(element, [*inner, *constants])
    if isinstance(new_states, Tensor):
        raise TypeError(
            text("rnn", f"step_function returned one tensor, of shape {int_shape(new_states)}, for the states",
                 "a list of tensors")
        )  # fmt: skip
    new_states = list(new_states)
    if len(new_states) != len(states):
        raise ValueError(text("rnn", f"step_function returned {len(new_states)} states", f"{len(states)}, as it began"))
    uses_phase = getattr(output, "_uses_learning_phase", False)
    sequences, is_state = [(element, steps)], bool(new_states) and output is new_states[0]
    if mask is not None:
        kept = _element(mask)
        sequences.append((kept, mask))
        new_states = [_chosen(kept, new, old) for new, old in zip(new_states, inner, strict=True)]
        output = new_states[0] if is_state else _chosen(kept, _as_the_state(output, inner[0]), inner[0])
    pairs = list(zip(inner, states, strict=True))
    finals, (outputs,), _ = loop.loop(pairs, sequences, new_states, [output])
    last = finals[0] if is_state else index.getitem(outputs, -1)
    outputs._uses_learning_phase = last._uses_learning_phase = uses_phase
    return last, outputs, finals


def _as_the_state(output, state):
    """Return the output; ValueError where it has another shape than the state which takes its place at masked steps."""
    shape, wanted = int_shape(output), int_shape(state)
    if len(shape) != len(wanted) or any(a != b and None not in (a, b) for a, b in zip(shape, wanted, strict=True)):
        raise ValueError(
            text("rnn", f"a mask arrived and the output of a step has shape {shape}",
                 f"{wanted}, the shape of the first state, which masked steps give as output",
                 "Say unroll=True, which repeats the output of the step before instead.")
        )  # fmt: skip
    return output


def _element(sequence):
    """Return what stands for one element of a sequence."""
    return placeholder(sequence.element_type, sequence.dims[1:])


def foldl(fn, elems, initializer=None, name=None):
    """Combine the elements of the first axis, from the first to the last: ``total = fn(total, element)``.

    Arguments:
        fn: a function of the total so far and an element; it returns the new total.
        elems: a tensor.
        initializer: the total to begin with; the first element where None.
        name: for callers of the time; not used.
    """
    return _folded("foldl", fn, elems, initializer, False)


def foldr(fn, elems, initializer=None, name=None):
    """Combine the elements of the first axis, from the last to the first: ``total = fn(total, element)``.

    Arguments:
        fn: a function of the total so far and an element; it returns the new total.
        elems: a tensor.
        initializer: the total to begin with; the last element where None.
        name: for callers of the time; not used.
    """
    return _folded("foldr", fn, elems, initializer, True)


def _folded(who, fn, elems, initializer, backwards):
    _require_axis(who, elems)
    if initializer is None:
        initializer = index.getitem(elems, -1 if backwards else 0)
        elems = index.getitem(elems, slice(None, -1) if backwards else slice(1, None))
    total, element = placeholder(initializer.element_type, initializer.dims), _element(elems)
    finals, _, _ = loop.loop([(total, initializer)], [(element, elems)], [fn(total, element)], [], backwards=backwards)
    return finals[0]


def map_fn(fn, elems, name=None, dtype=None):
    """Return a function's values for every element of the first axis, stacked.

    Arguments:
        fn: a function of an element; of a list of elements where ``elems`` is a list.
        elems: a tensor, or a list of tensors of equal length.
        name: for callers of the time; not used.
        dtype: the dtype of the values, where it is another than that of the elements.
    """
    several = isinstance(elems, list | tuple)
    sequences = list(elems) if several else [elems]
    for x in sequences:
        _require_axis("map_fn", x)
    elements = [_element(x) for x in sequences]
    value = fn(type(elems)(elements) if several else elements[0])
    values = list(value) if isinstance(value, list | tuple) else [value]
    dtypes = dtype if isinstance(dtype, list | tuple) else [dtype] * len(values)
    for v, wanted in zip(values, dtypes, strict=True):
        expected = wanted or sequences[0].dtype_name
        if require_tensor("map_fn", v, "result of fn").dtype_name != str(expected):
            raise TypeError(text("map_fn", f"fn gives {v.dtype_name}", f"{expected}", f"Say dtype={v.dtype_name!r}."))
    _, outputs, _ = loop.loop([], list(zip(elements, sequences, strict=True)), [], values)
    return outputs if isinstance(value, list | tuple) else outputs[0]


def _require_axis(who, x):
    if not isinstance(x, Tensor) or not x.rank:
        raise (ValueError if isinstance(x, Tensor) else AttributeError)(
            text(who, f"{describe(x)} arrived", "a tensor with an axis to go along")
        )


def split(x, count, axis=-1):
    """Return a tensor cut into ``count`` tensors of equal size along an axis; ours, for gates side by side.

    Arguments:
        x: a tensor.
        count: how many parts; it divides the size of the axis.
        axis: the axis.
    """
    require_tensor("split", x)
    axis = shapes.normalize_axis(axis, x.rank, "split")
    return shape_ops.split(x, [x.dims[axis] // count] * count, axis)
