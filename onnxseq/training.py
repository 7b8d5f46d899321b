"""Model: a network that can be trained."""

import operator

import numpy as np

from onnxseq import backend as K
from onnxseq import data_feeds, optimizers, registry, training_generators, training_loop, training_state
from onnxseq.data_feeds import Feed
from onnxseq.errors import describe, text
from onnxseq.export import export as export_model
from onnxseq.network import Network
from onnxseq.saving import config as saved_config
from onnxseq.training_compile import make_objective
from onnxseq.training_functions import Functions
from onnxseq.utils.layer_utils import print_summary

DEFAULT_BATCH_SIZE = 32


@registry.register("layer")
class Model(Network):
    """A graph of layers that can be trained: from input tensors to output tensors.

    Arguments:
        inputs: Tensor that Input() returned, or a list of them.
        outputs: Tensor that layers computed from the inputs, or a list of them.
        name: Name of the model.
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(inputs, outputs, name=name)
        self._forget_training()

    def _forget_training(self):
        """Be a model that was never compiled."""
        self.objective = None
        self.optimizer = None
        self.stop_training = False
        self._compiled_with = None
        self._functions = None

    # Compiling.

    def compile(
        self,
        optimizer,
        loss,
        metrics=None,
        loss_weights=None,
        sample_weight_mode=None,
        weighted_metrics=None,
        target_tensors=None,
        **kwargs,
    ):
        """Decide how to train.

        Arguments:
            optimizer: Optimizer, or its name.
            loss: Loss function or name; for several outputs also a list, or a dict by output.
            metrics: List of metrics, or a dict by output.
            loss_weights: Factors of the outputs' losses in the total, a list or a dict by output.
            sample_weight_mode: 'temporal' for weights per step; for several outputs also a list or dict.
            weighted_metrics: As `metrics`, for metrics under sample and class weights.
            target_tensors: Tensors to use as targets in place of fed arrays, a list or a dict by output.
            **kwargs: For K.function.

        Raises:
            ValueError: Something unknown, or named for an output that is not there.
            TypeError: An argument of another type.
        """
        chosen = optimizers.get(optimizer)
        objective = make_objective(
            self, loss, metrics, loss_weights, sample_weight_mode, weighted_metrics, target_tensors
        )
        self._compiled_with = {
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "sample_weight_mode": sample_weight_mode,
            "weighted_metrics": weighted_metrics,
            **kwargs,
        }
        self.optimizer = chosen
        self.objective = objective
        self.loss = loss or {}
        self.metrics = metrics
        self.loss_weights = loss_weights
        self.sample_weight_mode = sample_weight_mode
        self.weighted_metrics = weighted_metrics
        self.metrics_names = list(objective.names)
        values = objective.values(weighted=True)
        self.total_loss = values[0][1]
        self.metrics_tensors = [value for _, value in values[1:]]
        self.loss_functions = [head.loss for head in objective.heads]
        self.targets = [head.target for head in objective.heads]
        self.sample_weights = [head.weights for head in objective.heads]
        self.sample_weight_modes = [head.weight_mode for head in objective.heads]
        self._functions = Functions(self, kwargs)

    def _trained_weights(self):
        """Return the weights that training is to change, as things stand."""
        return self.trainable_weights

    def _require_compiled(self, method):
        """Return the name of a method for messages, where the model was compiled; RuntimeError where it was not."""
        who = f"{self._who}.{method}"
        if self.objective is None:
            raise RuntimeError(
                text(who, "the model was not compiled", "a compiled model", "Call compile(optimizer, loss) first.")
            )
        return who

    def _get_functions(self):
        if self._functions is None:  # prediction needs no compile
            self._functions = Functions(self)
        return self._functions

    def _make_train_function(self):
        """Make the training step, and with it the optimizer's state."""
        self._require_compiled("fit")
        return self._functions.train(weighted=self._functions.needs_weights)

    # Checking data.

    def _checked_inputs(self, who, x):
        return data_feeds.standardize(who, "input", x, self._feed_input_names, self._feed_input_shapes)

    def _checked(self, who, x, y, sample_weight=None, class_weight=None, batch_size=None):
        """Return inputs, targets and, for each target, weights or None."""
        heads = self.objective.fed
        names = [head.name for head in heads]
        inputs = self._checked_inputs(who, x)
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
            self._check_batches(who, inputs, batch_size)
        return inputs, targets, weights

    def _check_batches(self, who, inputs, batch_size):
        samples = inputs[0].shape[0]
        if self.stateful:
            data_feeds.check_stateful(who, inputs, batch_size)
        sizes = {stop - start for start, stop in data_feeds.batch_bounds(samples, batch_size)}
        for name, shape in zip(self._feed_input_names, self._feed_input_shapes, strict=True):
            if shape[0] is not None and sizes != {shape[0]}:
                raise ValueError(
                    text(
                        who,
                        f"{samples} samples in batches of {batch_size}",
                        f"batches of {shape[0]}, the fixed batch size of input {name!r}",
                    )
                )

    def _with_ones(self, targets, weights):
        """Return weights with ones in place of None."""
        heads = self.objective.fed
        return [
            np.ones(target.shape[: 2 if head.weight_mode else 1], K.floatx()) if own is None else own
            for head, target, own in zip(heads, targets, weights, strict=True)
        ]

    def _needs_weights(self, weights):
        return self._functions.needs_weights or any(own is not None for own in weights)

    def _stepper(self, who, make, inputs, targets, weights):
        """Return a Stepper over checked data; `make` is the method of Functions that makes the step."""
        weighted = self._needs_weights(weights)
        function = make(weighted)
        arrays = [*inputs, *targets, *(self._with_ones(targets, weights) if weighted else [])]
        return training_loop.Stepper(function, _feeds(who, arrays, function))

    # Whole data sets.

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
    ):
        """Train for a number of epochs.

        Arguments:
            x: Inputs: an array, a list of arrays or a dict by input.
            y: Targets: an array, a list of arrays or a dict by output.
            batch_size: Samples per update; 32 where None.
            epochs: Epoch to stop before.
            verbose: 0 prints nothing, 1 a progress bar, 2 a line per epoch.
            callbacks: List of callbacks.
            validation_split: Share of the samples, from the end, to validate on instead of training.
            validation_data: (x, y) or (x, y, sample_weight) to validate on.
            shuffle: Whether to shuffle samples before each epoch; 'batch' shuffles whole batches.
            class_weight: Dict from class to the weight of its samples.
            sample_weight: Weights of the samples or, in mode 'temporal', of their steps.
            initial_epoch: Epoch to start with.
            steps_per_epoch: Updates per epoch, where targets and inputs are tensors and nothing is fed.
            validation_steps: Steps to validate for, in that case.

        Returns: History, whose `history` holds a list over epochs for each name.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: Data that does not fit the model.
        """
        who = self._require_compiled("fit")
        epochs, initial_epoch = _integer(who, "epochs", epochs), _integer(who, "initial_epoch", initial_epoch)
        if steps_per_epoch is not None or validation_steps:
            return self._fit_steps(
                who, x, y, batch_size, epochs, verbose, callbacks, initial_epoch, steps_per_epoch, validation_steps
            )
        batch_size = _batch_size(who, batch_size)
        data = self._checked(who, x, y, sample_weight, class_weight, batch_size)
        data, held_out = self._hold_out(who, data, validation_split, validation_data, batch_size)
        callbacks = training_loop.check_callbacks(who, callbacks)

        functions = self._functions
        functions.weights_changed()
        names = training_generators.unique_names(self.metrics_names)
        samples = data[0][0].shape[0]
        with self._stepper(who, functions.train, *data) as stepper:
            validate, validation_arrays, shown = None, [], list(names)
            if held_out is not None:
                tester = self._stepper(who, functions.test, *held_out)
                validation_arrays = self._validation_arrays(held_out)
                shown += [f"val_{name}" for name in names]

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
                "metrics": shown,
            }
            history, callbacks = training_loop.begin(self, callbacks, params, "samples", validation_arrays)
            training_loop.train(stepper, names, callbacks, self, batch_size, epochs, initial_epoch, shuffle, validate)
            callbacks.on_train_end()
        return history

    def _fit_steps(
        self, who, x, y, batch_size, epochs, verbose, callbacks, initial_epoch, steps_per_epoch, validation_steps
    ):
        if steps_per_epoch is None:
            raise ValueError(
                text(who, f"validation_steps is {validation_steps!r} without steps_per_epoch", "both, or neither")
            )
        if batch_size is not None:
            raise ValueError(
                text(who, f"batch_size is {batch_size!r} and steps_per_epoch {steps_per_epoch!r}", "one of them")
            )
        inputs, targets, weights = self._checked(who, x, y)
        train = self._runs(self._functions.train, inputs, targets, weights)
        names = training_generators.unique_names(self.metrics_names)
        validate = None
        if validation_steps:
            test = self._runs(self._functions.test, inputs, targets, weights)

            def validate():
                return training_loop.evaluate_steps(test, validation_steps)

        params = {
            "batch_size": None,
            "epochs": epochs,
            "steps": steps_per_epoch,
            "samples": None,
            "verbose": verbose,
            "do_validation": validate is not None,
            "metrics": names + ([f"val_{name}" for name in names] if validate else []),
        }
        history, callbacks = training_loop.begin(self, training_loop.check_callbacks(who, callbacks), params, "steps")
        training_loop.train_steps(train, names, callbacks, self, steps_per_epoch, epochs, initial_epoch, validate)
        callbacks.on_train_end()
        return history

    def _runs(self, make, inputs, targets, weights):
        """Return a function without arguments that runs one step on the same data each time."""
        weighted = self._needs_weights(weights)
        function = make(weighted)
        arrays = [*inputs, *targets, *(self._with_ones(targets, weights) if weighted else [])]
        return lambda: _run(function, arrays)

    def _hold_out(self, who, data, validation_split, validation_data, batch_size):
        """Return the data to train on and the data to validate on, or None for the latter."""
        if validation_data:
            if len(validation_data) not in (2, 3):
                raise ValueError(
                    text(
                        who,
                        f"validation_data has {len(validation_data)} items",
                        "2, (x_val, y_val), or 3, (x_val, y_val, val_sample_weights)",
                    )
                )
            return data, self._checked(who, *validation_data, batch_size=batch_size)
        if validation_split and 0.0 < validation_split < 1.0:
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
                self._check_batches(who, part[0], batch_size)
            return train, held_out
        return data, None

    def _validation_arrays(self, data):
        """Return validation data as callbacks are shown it."""
        inputs, targets, weights = data
        phase = [0.0] if self.uses_learning_phase and K.is_tensor(K.learning_phase()) else []
        return [*inputs, *targets, *self._with_ones(targets, weights), *phase]

    def evaluate(self, x, y, batch_size=None, verbose=1, sample_weight=None, steps=None):
        """Return the loss and the metrics on data.

        Arguments:
            x, y: As for `fit`.
            batch_size: Samples per batch; 32 where None.
            verbose: 1 prints a progress bar.
            sample_weight: As for `fit`.
            steps: Steps to run where nothing is fed.

        Returns: The loss; a list of it and the metrics, named by `metrics_names`, where there are any.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: Data that does not fit the model.
        """
        who = self._require_compiled("evaluate")
        if steps is not None:
            _refuse_both(who, batch_size, steps)
            data = self._checked(who, x, y, sample_weight)
            return _unpack(training_loop.evaluate_steps(self._runs(self._functions.test, *data), steps, verbose))
        batch_size = _batch_size(who, batch_size)
        data = self._checked(who, x, y, sample_weight, batch_size=batch_size)
        with self._stepper(who, self._functions.test, *data) as stepper:
            return _unpack(training_loop.evaluate(stepper, batch_size, verbose))

    def predict(self, x, batch_size=None, verbose=0, steps=None):
        """Return the outputs for inputs.

        Arguments:
            x: Inputs, as for `fit`.
            batch_size: Samples per batch; 32 where None.
            verbose: 1 prints a progress bar.
            steps: Steps to run where nothing is fed.

        Returns: An array, or a list of arrays for several outputs.

        Raises:
            ValueError: Data that does not fit the model.
        """
        who = f"{self._who}.predict"
        if steps is not None:
            _refuse_both(who, batch_size, steps)
            inputs = self._checked_inputs(who, x)
            function = self._get_functions().predict(steps)
            return _unpack(training_loop.predict_steps(lambda: _run(function, inputs), steps, verbose))
        batch_size = _batch_size(who, batch_size)
        inputs = self._checked_inputs(who, x)
        if not inputs:
            raise ValueError(text(who, "the model is fed nothing and steps is None", "the number of steps"))
        data_feeds.check_lengths(who, inputs, [])
        samples = inputs[0].shape[0]
        self._check_batches(who, inputs, min(samples, batch_size))
        function = self._get_functions().predict(-(-samples // batch_size))
        with training_loop.Stepper(function, _feeds(who, inputs, function)) as stepper:
            return _unpack(training_loop.predict(who, stepper, batch_size, verbose))

    # Single batches.

    def train_on_batch(self, x, y, sample_weight=None, class_weight=None):
        """Make one update on one batch; arguments as for `fit`.

        Returns: The loss; a list of it and the metrics where there are any.
        """
        who = self._require_compiled("train_on_batch")
        data = self._checked(who, x, y, sample_weight, class_weight)
        self._functions.weights_changed()
        return _unpack(self._runs(self._functions.train, *data)())

    def test_on_batch(self, x, y, sample_weight=None):
        """Return the loss and the metrics on one batch; arguments as for `evaluate`."""
        who = self._require_compiled("test_on_batch")
        return _unpack(self._runs(self._functions.test, *self._checked(who, x, y, sample_weight))())

    def predict_on_batch(self, x):
        """Return the outputs for one batch of inputs."""
        inputs = self._checked_inputs(f"{self._who}.predict_on_batch", x)
        return _unpack(_run(self._get_functions().predict(), inputs))

    # Generators.

    def fit_generator(
        self,
        generator,
        steps_per_epoch,
        epochs=1,
        verbose=1,
        callbacks=None,
        validation_data=None,
        validation_steps=None,
        class_weight=None,
        max_queue_size=10,
        workers=1,
        use_multiprocessing=False,
        shuffle=True,
        initial_epoch=0,
        **kwargs,
    ):
        """Train on batches from a generator, which runs ahead in workers.

        Arguments:
            generator: Iterator of (x, y) or (x, y, sample_weight), without end; or a Sequence of them.
            steps_per_epoch: Batches per epoch.
            epochs, verbose, callbacks, class_weight, initial_epoch: As for `fit`.
            validation_data: A generator, a Sequence, (x, y) or (x, y, sample_weight).
            validation_steps: Batches to validate on, where validation_data is a generator or a Sequence.
            max_queue_size: Batches that may wait.
            workers: Threads or processes that fetch.
            use_multiprocessing: Whether workers are processes.
            shuffle: Whether to shuffle the batches of a Sequence before each epoch.
            **kwargs: Older names: max_q_size, pickle_safe.

        Returns: History, as `fit`.

        Raises:
            RuntimeError: The model was not compiled.
            ValueError: The generator yields something else; also whatever the generator itself raises.
        """
        queue = training_generators.queue_options("fit_generator", max_queue_size, workers, use_multiprocessing, kwargs)
        return training_generators.fit(
            self,
            generator,
            steps_per_epoch,
            epochs,
            verbose,
            callbacks,
            validation_data,
            validation_steps,
            class_weight,
            shuffle,
            initial_epoch,
            queue,
        )

    def evaluate_generator(self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False, **kwargs):
        """Return the loss and the metrics over batches from a generator; arguments as for `fit_generator`."""
        queue = training_generators.queue_options(
            "evaluate_generator", max_queue_size, workers, use_multiprocessing, kwargs
        )
        return training_generators.evaluate(self, generator, steps, queue)

    def predict_generator(
        self, generator, steps, max_queue_size=10, workers=1, use_multiprocessing=False, verbose=0, **kwargs
    ):
        """Return the outputs for batches from a generator of inputs; targets that it yields too are ignored."""
        queue = training_generators.queue_options(
            "predict_generator", max_queue_size, workers, use_multiprocessing, kwargs
        )
        return training_generators.predict(self, generator, steps, verbose, queue)

    # Writing down and copying.

    def set_weights(self, weights):
        """Set all weights, a list of arrays as `get_weights` returns it."""
        super().set_weights(weights)
        if self._functions is not None:
            self._functions.weights_changed()

    def summary(self, line_length=None, positions=None, print_fn=None):
        """Print the layers as a table; arguments as for utils.layer_utils.print_summary."""
        print_summary(self, line_length=line_length, positions=positions, print_fn=print_fn)

    @property
    def is_sequential(self):
        """Whether the model is a plain stack of layers."""
        return False

    def to_json(self, **kwargs):
        """Return the configuration as JSON; arguments for json.dumps."""
        return saved_config.to_json(self, **kwargs)

    def to_yaml(self, **kwargs):
        """Return the configuration as YAML; arguments for yaml.dump."""
        return saved_config.to_yaml(self, **kwargs)

    def export(self, path, format="onnx", opset_version=None):
        """Write the model for inference as an ONNX file; see onnxseq.export."""
        export_model(self, path, format=format, opset_version=opset_version)

    def save(self, filepath, overwrite=True, include_optimizer=True):
        """Not there yet: models in HDF5 files."""
        self._refuse_files("save")

    def save_weights(self, filepath, overwrite=True):
        """Not there yet: weights in HDF5 files."""
        self._refuse_files("save_weights")

    def load_weights(self, filepath, by_name=False):
        """Not there yet: weights in HDF5 files."""
        self._refuse_files("load_weights")

    def _refuse_files(self, method):
        raise NotImplementedError(
            text(
                f"{self._who}.{method}",
                "HDF5 files are not supported yet",
                "weights kept in another way",
                "Use get_weights() and set_weights() with numpy.savez, pickle, or export() for ONNX.",
            )
        )

    def _copy_layers(self, memo):
        """Return a model of the same graph with layers of its own."""
        return Network.__deepcopy__(self, memo)

    def __reduce__(self):
        return training_state.restore, (training_state.capture(self),)

    def __deepcopy__(self, memo):
        twin = training_state.copy_model(self, memo)
        memo[id(self)] = twin
        return twin


def _run(function, arrays):
    """Run a function once; returns its outputs, scalars as NumPy scalars, which belong to the caller."""
    with function.runner([array.shape for array in arrays]) as runner:
        for array, own in zip(arrays, runner.inputs, strict=True):
            own[...] = array
        runner.run()
        return [output.copy() if output.ndim else output[()] for output in runner.outputs]


def _feeds(who, arrays, function):
    return [Feed(who, array, K.dtype(x)) for array, x in zip(arrays, function.inputs, strict=True)]


def _unpack(values):
    return values[0] if len(values) == 1 else values


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


def _refuse_both(who, batch_size, steps):
    if batch_size is not None:
        raise ValueError(text(who, f"batch_size is {batch_size!r} and steps {steps!r}", "one of them"))
