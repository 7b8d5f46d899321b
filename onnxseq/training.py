"""Model: a network that can be trained."""

from onnxseq import optimizers, registry, training_arrays, training_generators, training_state
from onnxseq.errors import text
from onnxseq.export import export as export_model
from onnxseq.network import Network
from onnxseq.saving import config as saved_config
from onnxseq.saving import weights as saved_weights
from onnxseq.saving.model_file import save_model
from onnxseq.training_compile import make_objective
from onnxseq.training_functions import Functions
from onnxseq.utils.layer_utils import print_summary


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
        # For functions of one's own over what training is fed: model.inputs + model._feed_targets + …
        self._feed_targets = [head.target for head in objective.fed]
        self._feed_sample_weights = [head.weights for head in objective.fed]
        self._feed_outputs = [head.output for head in objective.fed]
        self._feed_output_names = [head.name for head in objective.fed]
        self._feed_output_shapes = [head.target_shape for head in objective.fed]
        self._feed_loss_fns = [head.loss for head in objective.fed]
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
        self._functions.train(weighted=self._functions.needs_weights)

    def _make_test_function(self):
        """Make the test step, which `evaluate` otherwise makes."""
        self._require_compiled("evaluate")
        self._functions.test(weighted=self._functions.needs_weights)

    def _make_predict_function(self):
        """Make the prediction, as code does before it hands a model to threads."""
        self._get_functions().predict()

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
        return training_arrays.fit(
            self,
            self._require_compiled("fit"),
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
        )

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
        return training_arrays.evaluate(
            self, self._require_compiled("evaluate"), x, y, batch_size, verbose, sample_weight, steps
        )

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
        return training_arrays.predict(self, f"{self._who}.predict", x, batch_size, verbose, steps)

    # Single batches.

    def train_on_batch(self, x, y, sample_weight=None, class_weight=None):
        """Make one update on one batch; arguments as for `fit`.

        Returns: The loss; a list of it and the metrics where there are any.
        """
        who = self._require_compiled("train_on_batch")
        return training_arrays.train_on_batch(self, who, x, y, sample_weight, class_weight)

    def test_on_batch(self, x, y, sample_weight=None):
        """Return the loss and the metrics on one batch; arguments as for `evaluate`."""
        who = self._require_compiled("test_on_batch")
        return training_arrays.test_on_batch(self, who, x, y, sample_weight)

    def predict_on_batch(self, x):
        """Return the outputs for one batch of inputs."""
        return training_arrays.predict_on_batch(self, f"{self._who}.predict_on_batch", x)

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
        self._weights_replaced()

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
        """Write the model to an HDF5 file, with the state of its training; see models.save_model."""
        save_model(self, filepath, overwrite=overwrite, include_optimizer=include_optimizer)

    def save_weights(self, filepath, overwrite=True):
        """Write the weights to an HDF5 file.

        Arguments:
            filepath: Where to. A file that is there is replaced in one step.
            overwrite: Whether to replace a file without asking at the terminal.

        Raises:
            ImportError: h5py is not installed.
            OSError: The file cannot be written; what was there is left as it was.
        """
        saved_weights.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath, by_name=False):
        """Take the weights of an HDF5 file, one of weights or one of a model; all of them, or none on an error.

        Arguments:
            filepath: The file.
            by_name: Whether layers take the weights of the file's layers of their names, those without one keeping
                theirs; otherwise the layers with weights take them in order.

        Raises:
            OSError: There is no such file, or it is no HDF5 file that is whole, or what it names lies elsewhere.
            KeyError: It names weights or attributes that it does not hold.
            ValueError: Its weights do not fit the model's.
        """
        saved_weights.load_weights(self, filepath, by_name=by_name)

    def _weights_replaced(self):
        if self._functions is not None:
            self._functions.weights_changed()

    def _copy_layers(self, memo):
        """Return a model of the same graph with layers of its own."""
        return Network.__deepcopy__(self, memo)

    def __reduce__(self):
        return training_state.restore, (training_state.capture(self),)

    def __copy__(self):
        """Return a model that shares its layers, weights and training with this one."""
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def __deepcopy__(self, memo):
        twin = training_state.copy_model(self, memo)
        memo[id(self)] = twin
        return twin
