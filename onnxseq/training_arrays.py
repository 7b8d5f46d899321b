"""fit, evaluate and predict on arrays: the user's data checked for a model, its function chosen, the loop run."""

import operator

import numpy as np

from onnxseq import backend as K
from onnxseq import data_feeds, training_loop
from onnxseq.data_feeds import Feed
from onnxseq.errors import describe, text
from onnxseq.sparse import dense

DEFAULT_BATCH_SIZE = 32


# -- checking ---------------------------------------------------------------------------------------------------


def check_inputs(model, who, x):
    """Return the user's inputs as a list of arrays that fit the model."""
    return data_feeds.standardize(who, "input", x, model._feed_input_names, model._feed_input_shapes)


def check_data(model, who, x, y, sample_weight=None, class_weight=None, batch_size=None):
    """Return inputs, targets and, for each target, weights or None; lists that fit a compiled model."""
    heads = model.objective.fed
    names = [head.name for head in heads]
    inputs = check_inputs(model, who, x)
    targets = data_feeds.standardize(who, "target", y, names, [head.target_shape for head in heads])
    given = data_feeds.by_output(who, "sample_weight", sample_weight, names)
    classes = data_feeds.by_output(who, "class_weight", class_weight, names)
    weights = [
        data_feeds.sample_weights(who, target, own, by_class, head.weight_mode)
        for head, target, own, by_class in zip(heads, targets, given, classes, strict=True)
    ]
    data_feeds.check_lengths(who, inputs, targets, weights)
    data_feeds.check_targets(who, targets, [head.loss_name for head in heads], [head.shape for head in heads])
    for head, target in zip(heads, targets, strict=True):
        head.accept(who, target.shape)
    if batch_size is not None and inputs:
        _check_batches(model, who, inputs, batch_size)
    return inputs, targets, weights


def _check_batches(model, who, inputs, batch_size):
    samples = inputs[0].shape[0]
    if model.stateful:
        data_feeds.check_stateful(who, inputs, batch_size)
    sizes = {stop - start for start, stop in data_feeds.batch_bounds(samples, batch_size)}
    for name, shape in zip(model._feed_input_names, model._feed_input_shapes, strict=True):
        if shape[0] is not None and sizes != {shape[0]}:
            raise ValueError(
                text(
                    who,
                    f"{samples} samples in batches of {batch_size}",
                    f"batches of {shape[0]}, the fixed batch size of input {name!r}",
                )
            )


def validation_arrays(model, data):
    """Return checked validation data as callbacks are shown it."""
    inputs, targets, weights = data
    phase = [0.0] if model.uses_learning_phase and K.is_tensor(K.learning_phase()) else []
    return [*inputs, *targets, *_with_ones(model, targets, weights), *phase]


def _with_ones(model, targets, weights):
    """Return weights with ones in place of None."""
    return [
        np.ones(target.shape[: 2 if head.weight_mode else 1], K.floatx()) if own is None else own
        for head, target, own in zip(model.objective.fed, targets, weights, strict=True)
    ]


def _integer(who, name, value):
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(text(who, f"{name} is {describe(value)}", "an integer")) from error


def _batch_size(who, batch_size):
    if batch_size is None:
        return DEFAULT_BATCH_SIZE
    size = _integer(who, "batch_size", batch_size)
    if size < 1:
        raise ValueError(text(who, f"batch_size is {size}", "at least 1"))
    return size


def _refuse_both(who, batch_size, name, steps):
    if batch_size is not None:
        raise ValueError(text(who, f"batch_size is {batch_size!r} and {name} {steps!r}", "one of them"))


# -- running ----------------------------------------------------------------------------------------------------


def _step_of(model, make, data):
    """Return the function for checked data and the arrays to feed it; `make` is a method of the model's Functions."""
    inputs, targets, weights = data
    weighted = model._functions.needs_weights or any(own is not None for own in weights)
    return make(weighted), [*inputs, *targets, *(_with_ones(model, targets, weights) if weighted else [])]


def _stepper(who, function, arrays):
    feeds = [Feed(who, array, K.dtype(x)) for array, x in zip(arrays, function.inputs, strict=True)]
    return training_loop.Stepper(function, feeds)


def _run(function, arrays):
    """Run a function once; returns its outputs, scalars as NumPy scalars, which belong to the caller."""
    with function.runner([array.shape for array in arrays]) as runner:
        for array, own in zip(arrays, runner.inputs, strict=True):
            own[...] = dense(array)
        runner.run()
        return [output.copy() if output.ndim else output[()] for output in runner.outputs]


def _unpack(values):
    return values[0] if len(values) == 1 else values


def train_on_batch(model, who, x, y, sample_weight=None, class_weight=None):
    """Make one update of a compiled model; see Model.train_on_batch."""
    data = check_data(model, who, x, y, sample_weight, class_weight)
    model._functions.weights_changed()
    return _unpack(_run(*_step_of(model, model._functions.train, data)))


def test_on_batch(model, who, x, y, sample_weight=None):
    """Evaluate a compiled model on one batch; see Model.test_on_batch."""
    data = check_data(model, who, x, y, sample_weight)
    return _unpack(_run(*_step_of(model, model._functions.test, data)))


def predict_on_batch(model, who, x):
    """Predict one batch; see Model.predict_on_batch."""
    inputs = check_inputs(model, who, x)
    samples = inputs[0].shape[0] if inputs else 1
    return _unpack(_run(model._get_functions().predict(samples), inputs))


# -- whole data sets --------------------------------------------------------------------------------------------


def fit(
    model,
    who,
    x,
    y,
    batch_size,
    epochs,
    verbose,
    callbacks,
    validation_split,
    validation_data,
    shuffle,
    class_weight,
    sample_weight,
    initial_epoch,
    steps_per_epoch,
    validation_steps,
):
    """Train a compiled model; see Model.fit."""
    epochs, initial_epoch = _integer(who, "epochs", epochs), _integer(who, "initial_epoch", initial_epoch)
    callbacks = training_loop.check_callbacks(who, callbacks)
    if steps_per_epoch is not None or validation_steps:
        data = x, y, batch_size
        return _fit_steps(
            model, who, data, epochs, verbose, callbacks, initial_epoch, steps_per_epoch, validation_steps
        )
    batch_size = _batch_size(who, batch_size)
    data = check_data(model, who, x, y, sample_weight, class_weight, batch_size)
    data, held_out = _hold_out(model, who, data, validation_split, validation_data, batch_size)

    functions = model._functions
    functions.weights_changed()
    names = training_loop.unique_names(model.metrics_names)
    samples = data[0][0].shape[0]
    validate, shown_arrays = None, []
    with _stepper(who, *_step_of(model, functions.train, data)) as stepper:
        if held_out is not None:
            tester = _stepper(who, *_step_of(model, functions.test, held_out))
            shown_arrays = validation_arrays(model, held_out)

            def validate():
                with tester:
                    return training_loop.evaluate(tester, batch_size)

            if verbose:
                print(f"Train on {samples} samples, validate on {len(tester)} samples")
        stepper.runner(min(samples, batch_size))  # compiles, so that nothing can fail but the data from here on
        params = {
            "batch_size": batch_size,
            "epochs": epochs,
            "steps": None,
            "samples": samples,
            "verbose": verbose,
            "do_validation": held_out is not None,
            "metrics": training_loop.shown_names(names, held_out is not None),
        }
        history, callbacks = training_loop.begin(model, callbacks, params, "samples", shown_arrays)
        training_loop.train(stepper, names, callbacks, model, batch_size, epochs, initial_epoch, shuffle, validate)
        callbacks.on_train_end()
    return history


def _hold_out(model, who, data, validation_split, validation_data, batch_size):
    """Return the data to train on and the data to validate on, or None for the latter."""
    if validation_data is not None and not isinstance(validation_data, (list, tuple)):
        raise ValueError(text(who, f"validation_data is {describe(validation_data)}", "a tuple (x_val, y_val)"))
    if validation_data:
        if len(validation_data) not in (2, 3):
            raise ValueError(
                text(
                    who,
                    f"validation_data has {len(validation_data)} items",
                    "2, (x_val, y_val), or 3, (x_val, y_val, val_sample_weights)",
                )
            )
        return data, check_data(model, who, *validation_data, batch_size=batch_size)
    if not validation_split or not 0.0 < validation_split < 1.0:
        return data, None
    samples = data[0][0].shape[0]
    position = int(samples * (1.0 - validation_split))
    if position == 0:
        raise ValueError(
            text(
                who,
                f"validation_split is {validation_split!r} with {samples} samples",
                "a share that leaves samples to train on",
            )
        )
    parts = [data_feeds.split_at(arrays, position) for arrays in data]
    train, held_out = [part[0] for part in parts], [part[1] for part in parts]
    for part in (train, held_out):
        _check_batches(model, who, part[0], batch_size)
    return train, held_out


def _fit_steps(model, who, data, epochs, verbose, callbacks, initial_epoch, steps_per_epoch, validation_steps):
    x, y, batch_size = data
    if steps_per_epoch is None:
        raise ValueError(
            text(who, f"validation_steps is {validation_steps!r} without steps_per_epoch", "both, or neither")
        )
    _refuse_both(who, batch_size, "steps_per_epoch", steps_per_epoch)
    data = check_data(model, who, x, y)
    train = _step_of(model, model._functions.train, data)
    names = training_loop.unique_names(model.metrics_names)
    validate = None
    if validation_steps:
        test = _step_of(model, model._functions.test, data)

        def validate():
            return training_loop.evaluate_steps(lambda: _run(*test), validation_steps)

    params = {
        "batch_size": None,
        "epochs": epochs,
        "steps": steps_per_epoch,
        "samples": None,
        "verbose": verbose,
        "do_validation": validate is not None,
        "metrics": training_loop.shown_names(names, validate is not None),
    }
    history, callbacks = training_loop.begin(model, callbacks, params, "steps", [])
    training_loop.train_steps(
        lambda: _run(*train), names, callbacks, model, steps_per_epoch, epochs, initial_epoch, validate
    )
    callbacks.on_train_end()
    return history


def evaluate(model, who, x, y, batch_size, verbose, sample_weight, steps):
    """Evaluate a compiled model; see Model.evaluate."""
    if steps is not None:
        _refuse_both(who, batch_size, "steps", steps)
        step = _step_of(model, model._functions.test, check_data(model, who, x, y, sample_weight))
        return _unpack(training_loop.evaluate_steps(lambda: _run(*step), steps, verbose))
    batch_size = _batch_size(who, batch_size)
    data = check_data(model, who, x, y, sample_weight, batch_size=batch_size)
    with _stepper(who, *_step_of(model, model._functions.test, data)) as stepper:
        return _unpack(training_loop.evaluate(stepper, batch_size, verbose))


def predict(model, who, x, batch_size, verbose, steps):
    """Predict with a model; see Model.predict."""
    functions = model._get_functions()
    if steps is not None:
        _refuse_both(who, batch_size, "steps", steps)
        inputs = check_inputs(model, who, x)
        function = functions.predict(batches=steps)
        return _unpack(training_loop.predict_steps(lambda: _run(function, inputs), steps, verbose))
    batch_size = _batch_size(who, batch_size)
    inputs = check_inputs(model, who, x)
    if not inputs:
        raise ValueError(text(who, "the model is fed nothing and steps is None", "the number of steps"))
    data_feeds.check_lengths(who, inputs, [])
    samples = inputs[0].shape[0]
    _check_batches(model, who, inputs, min(samples, batch_size))
    with _stepper(who, functions.predict(samples, -(-samples // batch_size)), inputs) as stepper:
        return _unpack(training_loop.predict(who, stepper, batch_size, verbose))
