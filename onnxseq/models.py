"""Sequential, a stack of layers, and models read from configurations."""

import copy

from onnxseq import config as configs
from onnxseq import registry, training_generators
from onnxseq.errors import describe, place, text
from onnxseq.layers.base import Layer, Node
from onnxseq.layers.graph import get_source_inputs
from onnxseq.layers.input import Input
from onnxseq.layers.node import unique
from onnxseq.layers.weights import assign_weights
from onnxseq.saving.config import model_from_config, model_from_json, model_from_yaml
from onnxseq.saving.model_file import load_model, save_model
from onnxseq.training import Model

__all__ = [
    "Model",
    "Sequential",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]


@registry.register("layer")
class Sequential(Model):
    """A stack of layers, each with one input and one output.

    The first layer is told the shape of its input, by `input_shape`, `batch_input_shape` or, for some, `input_dim`.

    Arguments:
        layers: Layers to add.
        name: Name of the model.
    """

    def __init__(self, layers=None, name=None):
        self._trainable = True
        self._graph_model = None
        self.layers = []
        self.inputs = []
        self.outputs = []
        self._outputs_so_far = []
        Layer.__init__(self, name=name)
        self._scope, self._dtype = self.name, None
        self._forget_training()
        for layer in layers or []:
            self.add(layer)

    # The stack.

    def add(self, layer):
        """Put a layer on top of the stack.

        Arguments:
            layer: The layer.

        Raises:
            TypeError: It is no layer, or it returns several tensors.
            ValueError: It is the first and knows no input shape, returns several tensors or is connected elsewhere.
        """
        if not isinstance(layer, Layer):
            raise TypeError(
                text(f"{self._who}.add", describe(layer), "an instance of Layer", "Call the class, e.g. Dense(10).")
            )
        if self.layers:
            output = layer(self.outputs[0])
            if isinstance(output, list | tuple):
                raise TypeError(_several_outputs(self._who, layer, len(output)))
        else:
            output = self._first_output(layer)
            self.inputs = get_source_inputs(output)
            Node(self, [], [], [], self.inputs, [output])
        self.layers.append(layer)
        self._outputs_so_far.append(output)
        self._stack_changed()

    def _first_output(self, layer):
        if not layer._inbound_nodes:
            shape = getattr(layer, "_batch_input_shape", None)
            if shape is None:
                raise ValueError(
                    text(
                        f"{self._who}.add",
                        f"the first layer, {layer._who}, has no input shape",
                        "one with a known input",
                        "Give it input_shape=(...) without the batch axis, or batch_input_shape=(...) with it.",
                    )
                )
            layer(Input(batch_shape=shape, dtype=layer.dtype, name=f"{layer.name}_input"))
        nodes = layer._inbound_nodes
        if len(nodes) != 1:
            raise ValueError(
                text(
                    f"{self._who}.add",
                    f"the first layer, {layer._who}, is connected at {len(nodes)} places",
                    "one that is not connected elsewhere",
                    "Make a new layer.",
                )
            )
        if len(nodes[0].output_tensors) != 1:
            raise ValueError(_several_outputs(self._who, layer, len(nodes[0].output_tensors)))
        return nodes[0].output_tensors[0]

    def pop(self):
        """Take the top layer off the stack.

        Raises:
            TypeError: The stack is empty.
        """
        if not self.layers:
            raise TypeError(text(f"{self._who}.pop", "the model has no layers", "at least one"))
        self.layers.pop()
        self._outputs_so_far.pop()
        if not self.layers:
            self.inputs = []
            self._forget_connections()
        else:
            self.layers[-1]._outbound_nodes = []
        self._stack_changed()

    def _stack_changed(self):
        self.outputs = self._outputs_so_far[-1:]
        if self.outputs:
            own = self._inbound_nodes[0]
            own.output_tensors = self.outputs
            own.output_shapes = [tuple(tensor.get_shape().as_list()) for tensor in self.outputs]
        self.built = False
        self._graph_model = None
        self._forget_training()

    def build(self, input_shape=None):
        """Make the graph of the stack; done when needed.

        Raises:
            TypeError: The stack is empty.
        """
        if not self.layers:
            raise TypeError(text(f"{self._who}.build", "the model has no layers", "at least one", "Add layers first."))
        if self._graph_model is None:
            self._graph_model = Model(self.inputs, self.outputs, name=self.name)
            self._graph_model.trainable = self._trainable
        self.built = True

    @property
    def model(self):
        """The stack as a graph of layers, the input layer included."""
        self.build()
        return self._graph_model

    @property
    def is_sequential(self):
        """Whether the model is a plain stack of layers."""
        return True

    @property
    def trainable(self):
        """Whether training changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value
        if self._graph_model is not None:
            self._graph_model.trainable = value

    # The graph of the stack answers for it.

    def get_layer(self, name=None, index=None):
        """Return a layer by its name, or by its index among all layers, the input layer included."""
        return self.model.get_layer(name, index)

    def call(self, inputs, mask=None):
        """Compute the outputs for other inputs."""
        return self.model.call(inputs, mask)

    def compute_mask(self, inputs, mask=None):
        """Compute the masks of the outputs for other inputs."""
        return self.model.compute_mask(inputs, mask)

    def _compute_output_shape(self, input_shape):
        return self.model._compute_output_shape(input_shape)

    def get_weights(self):
        """Return the values of all weights, a list of arrays."""
        return self.model.get_weights()

    def set_weights(self, weights):
        """Set all weights, a list of arrays as `get_weights` returns it."""
        assign_weights(self._who, [weight for layer in self.model.layers for weight in layer.weights], weights)
        self._weights_replaced()

    def count_params(self):
        """Return the number of scalars in the weights."""
        return self.model.count_params()

    def _trained_weights(self):
        # As in Keras, the graph decides, in which the layers of a model that stands first are layers of its own: to
        # keep these from training, freeze them one by one.
        return self.model.trainable_weights

    def get_losses_for(self, inputs):
        """Return the losses that the layers add for inputs, or those that depend on none."""
        return self.model.get_losses_for(inputs)

    def get_updates_for(self, inputs):
        """Return the updates that the layers make for inputs, or those that depend on none."""
        return self.model.get_updates_for(inputs)

    @property
    def losses(self):
        """The losses that the layers add."""
        return self.model.losses

    @property
    def updates(self):
        """The updates that the layers make in training."""
        return self.model.updates

    @property
    def state_updates(self):
        """The updates of stateful layers, made in testing and predicting too."""
        return self.model.state_updates

    @property
    def uses_learning_phase(self):
        """Whether training and testing compute differently."""
        return self.model.uses_learning_phase

    @property
    def scope_name(self):
        """The prefix of the names of what the model computes where it was called.

        Raises:
            ValueError: The model was not called on a tensor: its own stack has no scope around it.
        """
        if len(self._inbound_nodes) < 2:
            raise ValueError(
                text(
                    self._who,
                    "scope_name was asked for before the first call",
                    "a model that was called on a tensor",
                    "Ask a layer for its own.",
                )
            )
        return self.name

    @property
    def regularizers(self):
        """The regularizers of the layers, for code that asks for them; they act through `losses`."""
        self.build()
        return unique(
            regularizer for layer in self.layers for _, regularizer in getattr(layer, "_weight_regularizers", [])
        )

    # Training, with this class's own documented arguments.

    def compile(self, optimizer, loss, metrics=None, sample_weight_mode=None, weighted_metrics=None, **kwargs):
        """Decide how to train.

        Arguments:
            optimizer: Optimizer, or its name.
            loss: Loss function, or its name.
            metrics: List of metrics, e.g. ['accuracy'].
            sample_weight_mode: 'temporal' for weights per step, None for weights per sample.
            weighted_metrics: List of metrics under sample and class weights.
            **kwargs: Further arguments of Model.compile, and for K.function.

        Raises:
            TypeError: The model has no layers, or an argument is of another type.
            ValueError: Something unknown.
        """
        self.build()
        super().compile(
            optimizer,
            loss,
            metrics=metrics,
            sample_weight_mode=sample_weight_mode,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    def fit(
        self,
        x,
        y,
        batch_size=32,
        epochs=10,
        verbose=1,
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
    ):
        """Train for a number of epochs; arguments, returns and raises as for Model.fit."""
        return super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
        )

    def evaluate(self, x, y, batch_size=32, verbose=1, sample_weight=None):
        """Return the loss and the metrics on data; arguments, returns and raises as for Model.evaluate."""
        return super().evaluate(x, y, batch_size=batch_size, verbose=verbose, sample_weight=sample_weight)

    def predict(self, x, batch_size=32, verbose=0):
        """Return the output for inputs; arguments, returns and raises as for Model.predict."""
        self.build()
        return super().predict(x, batch_size=batch_size, verbose=verbose)

    def _make_predict_function(self):
        self.build()
        super()._make_predict_function()

    def predict_on_batch(self, x):
        """Return the output for one batch of inputs."""
        self.build()
        return super().predict_on_batch(x)

    def train_on_batch(self, x, y, class_weight=None, sample_weight=None):
        """Make one update on one batch; arguments as for `fit`.

        Returns: The loss; a list of it and the metrics where there are any.
        """
        return super().train_on_batch(x, y, sample_weight=sample_weight, class_weight=class_weight)

    def predict_proba(self, x, batch_size=32, verbose=1):
        """Return `predict`'s output, which is to be read as probabilities of classes."""
        with place(f"{self._who}.predict_proba"):
            return self.predict(x, batch_size, verbose)

    def predict_classes(self, x, batch_size=32, verbose=1):
        """Return the class predicted for each sample.

        The index of the largest output; for a single output, 1 where it is above 0.5, else 0.
        """
        with place(f"{self._who}.predict_classes"):
            outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
        return outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")

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
        initial_epoch=0,
        **kwargs,
    ):
        """Train on batches from a generator; arguments, returns and raises as for Model.fit_generator."""
        queue = training_generators.queue_options("fit_generator", max_queue_size, workers, use_multiprocessing, kwargs)
        return super().fit_generator(
            generator,
            steps_per_epoch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            **queue,
        )

    # Configuration.

    def get_config(self):
        """Return the layers' classes and configurations, a list."""
        return copy.deepcopy(
            [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self.layers]
        )

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a model from what `get_config` returned.

        Arguments:
            config: List of layers' classes and configurations.
            custom_objects: Classes and functions that it names, by name.
        """
        model = cls()
        for layer in config:
            model.add(configs.deserialize("layer", layer, custom_objects=custom_objects))
        return model

    def _copy_layers(self, memo):
        twin = type(self)(name=self.name)
        for layer in self.layers:
            twin.add(copy.deepcopy(layer, memo))
        return twin


def _of_graph(name):
    return property(lambda self: getattr(self.model, name), doc=f"`{name}` of the graph of the stack.")


for _name in (
    "input_names",
    "output_names",
    "internal_input_shapes",
    "internal_output_shapes",
    "_feed_input_names",
    "_feed_inputs",
    "_feed_input_shapes",
    "_input_layers",
    "_output_layers",
    "_input_coordinates",
    "_output_coordinates",
    "_nodes_by_depth",
    "_layers_by_depth",
    "_network_nodes",
):
    setattr(Sequential, _name, _of_graph(_name))


def _several_outputs(who, layer, number):
    return text(
        f"{who}.add",
        f"{layer._who} returns {number} tensors",
        "a layer that returns one",
        "Use Model for layers with several outputs.",
    )
