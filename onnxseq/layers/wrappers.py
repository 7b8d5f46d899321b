"""Layers around another layer: Wrapper, to be built on, and TimeDistributed."""

from onnxseq import backend as K
from onnxseq import config as configuration
from onnxseq import registry
from onnxseq.errors import describe, place, text
from onnxseq.layers.base import Layer, has_argument
from onnxseq.layers.node import unique
from onnxseq.layers.spec import check_inputs


class Wrapper(Layer):
    """The base of layers that work through another layer, whose weights, losses and updates are theirs too.

    A subclass defines ``build(input_shape)``, which builds the inner layer where it is not built yet, and ``call``.

    Arguments:
        layer: the inner layer, ``self.layer`` from then on.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        self.built = True

    @property
    def trainable_weights(self):
        """The inner layer's variables which training changes, then those of the wrapper itself."""
        return unique([*self.layer.trainable_weights, *super().trainable_weights])

    @property
    def non_trainable_weights(self):
        """The inner layer's variables which training leaves alone, then those of the wrapper itself."""
        return unique([*self.layer.non_trainable_weights, *super().non_trainable_weights])

    @property
    def losses(self):
        """The loss tensors of the inner layer and of the wrapper itself."""
        return unique([*self.layer.losses, *super().losses])

    @property
    def updates(self):
        """The updates that the inner layer and the wrapper itself make at each training step."""
        return unique([*self.layer.updates, *super().updates])

    def get_losses_for(self, inputs):
        """Return the losses added for these inputs, the inner layer's too; those that depend on none for None."""
        return unique([*self.layer.get_losses_for(inputs), *super().get_losses_for(inputs)])

    def get_updates_for(self, inputs):
        """Return the updates added for these inputs, the inner layer's too; those that depend on none for None."""
        return unique([*self.layer.get_updates_for(inputs), *super().get_updates_for(inputs)])

    def get_config(self):
        return {**super().get_config(), "layer": configuration.serialize(self.layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a wrapper made from what ``get_config`` returned.

        Arguments:
            config: the dictionary.
            custom_objects: classes and functions of the caller's own by name.
        """
        config = dict(config)
        inner = configuration.deserialize("layer", config.pop("layer"), custom_objects)
        return cls(inner, **config)


@registry.register("layer")
class TimeDistributed(Wrapper):
    """Applies a layer, or a whole model, to each step of a sequence, with the same weights at each.

    ``output[b, t] = layer(inputs[b, t])``: steps and samples go through the layer together, as one larger batch, so
    what the layer takes over its batch, such as BatchNormalization's statistics, it takes over all steps.

    Shapes:
        input (batch, steps, …), output (batch, steps, …) with what the layer makes of (batch, …) behind the steps.

    Arguments:
        layer: the layer. An activity regularizer of its own is not applied; give it to the wrapper.

    Raises:
        AttributeError: where the layer is none.
        AssertionError: where the input has fewer than three axes.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True
        if not isinstance(layer, Layer):
            raise AttributeError(text(self._who, describe(layer), "a layer", "Make it first, e.g. Dense(10)."))

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise AssertionError(
                text(self._who, f"input has shape {tuple(input_shape)}", "(batch, steps, …), rank 3 at least",
                     "Put Reshape() or RepeatVector() before it, or use the layer without TimeDistributed.")
            )  # fmt: skip
        self.built = True

    def call(self, inputs, mask=None, training=None):
        sizes = [_size(inputs, axis) for axis in range(K.ndim(inputs))]
        steps = K.reshape(inputs, [-1, *sizes[2:]])
        arguments = {} if training is None or not has_argument(self.layer.call, "training") else {"training": training}
        outputs = self._call_inner(steps, arguments)
        # Updates made for the reshaped tensor are updates for the one that arrived.
        self.add_update(self.layer.get_updates_for(steps), inputs)
        by_phase = getattr(outputs, "_uses_learning_phase", False) or getattr(self.layer, "uses_learning_phase", False)
        first = [-1, sizes[1]] if isinstance(sizes[1], int) else sizes[:2]
        outputs = K.reshape(outputs, [*first, *(_size(outputs, axis) for axis in range(1, K.ndim(outputs)))])
        outputs._uses_learning_phase = by_phase
        return outputs

    def _call_inner(self, steps, arguments):
        with K.layer_scope(self.layer.name, self.layer._open_scope()), place(self.layer._who):
            check_inputs(self.layer._who, self.layer.input_spec, [steps])
            if not self.layer.built:
                self.layer.build(steps._keras_shape)
                self.layer.built = True
                check_inputs(self.layer._who, self.layer.input_spec, [steps])
            return self.layer.call(steps, **arguments)

    def _compute_output_shape(self, input_shape):
        batch, steps, *sizes = tuple(input_shape)
        return (batch, steps, *tuple(self.layer.compute_output_shape((batch, *sizes)))[1:])


def _size(tensor, axis):
    """Return the size of an axis, as a tensor where it is free."""
    size = K.int_shape(tensor)[axis]
    return K.shape(tensor)[axis] if size is None else size
