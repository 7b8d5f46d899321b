"""The functions of a model: one training step, one test step, one prediction; each made when first asked for."""

import math
import threading

from onnxseq import backend as K
from onnxseq.layers.recurrent_base import Recurrent
from onnxseq.layers.wrappers import Bidirectional

FREEZE_AFTER = 2e9
"""Work done with unchanged weights, in multiplications, from which on it pays to make these constants of the model.

Making a model takes about as long as these multiplications do (5 to 25 ms), so that doing both costs at most twice the
better of the two.
"""

WEIGHT_WORK = 30
"""What reading a weight and laying it out costs, once a batch, in multiplications; constants are laid out once."""


class Functions:
    """The functions of a model, of which each comes in two variants.

    Training and testing: with sample weights fed, or without, where all weigh one. Both train the same weights with
    the same state of the optimizer. Predicting: with weights as they are, or as constants, which runs faster and is
    made anew after each change of the weights.

    Arguments:
        model: The model; its `objective` and `optimizer` are there where it is compiled.
        arguments: Further keyword arguments for K.function.
    """

    def __init__(self, model, arguments=None):
        self._model = model
        self._arguments = dict(arguments or {})
        # What is trained was decided by compile: layers frozen later are frozen from the next compile on.
        self.trainable_weights = list(model._trained_weights())
        self._made = {}
        self._lock = threading.RLock()
        self._work = 0
        self._work_per_sample, self._work_per_batch = _work_of(model)

    @property
    def needs_weights(self):
        """Whether training has only the variant that is fed weights.

        An optimizer of the user's own makes its state along with its updates, so these are made once only.
        """
        return not self._model.optimizer.can_share_state

    def train(self, weighted):
        """The training step: takes inputs, targets and, if `weighted`, weights; returns the objective's values."""
        return self._get(("train", weighted), lambda: self._make_train(weighted))

    def test(self, weighted):
        """The test step, with inputs and outputs as those of the training step."""
        return self._get(("test", weighted), lambda: self._make_test(weighted))

    def predict(self, samples=1, batches=1):
        """The prediction: takes inputs, returns the model's outputs.

        Arguments:
            samples: Number of samples that it is asked for.
            batches: Number of batches that they come in.
        """
        self._work += samples * self._work_per_sample + batches * self._work_per_batch
        freeze = self._work > FREEZE_AFTER and not self._model.state_updates
        return self._get(("predict", freeze), lambda: self._make_predict(freeze))

    def weights_changed(self):
        """Count the work of predictions from zero again."""
        self._work = 0

    def _get(self, key, make):
        function = self._made.get(key)
        if function is None:
            with self._lock:
                function = self._made.get(key)
                if function is None:
                    function = self._made[key] = make()
        return function

    def _feeds(self, weighted):
        heads = self._model.objective.fed
        weights = [head.weights for head in heads] if weighted else []
        return [*self._model._feed_inputs, *(head.target for head in heads), *weights]

    def _make_train(self, weighted):
        model = self._model
        values = model.objective.values(weighted)
        optimizer = model.optimizer
        again = ("train", not weighted) in self._made
        get_updates = optimizer.get_updates_again if again else optimizer.get_updates
        # The state's names count the scopes, so the second function, which makes no state, opens none.
        with K.node_scope("training") if again else K.name_scope("training"):
            steps = get_updates(loss=values[0][1], params=self.trainable_weights)
        return K.function(
            self._feeds(weighted),
            [value for _, value in values],
            updates=[*model.updates, *steps],
            learning_phase=1,
            name="train_function",
            **self._arguments,
        )

    def _make_test(self, weighted):
        return K.function(
            self._feeds(weighted),
            [value for _, value in self._model.objective.values(weighted)],
            updates=self._model.state_updates,
            learning_phase=0,
            name="test_function",
            **self._arguments,
        )

    def _make_predict(self, freeze):
        model = self._model
        return K.function(
            list(model._feed_inputs),
            list(model.outputs),
            updates=model.state_updates,
            learning_phase=0,
            name="predict_function",
            freeze=freeze,
            **self._arguments,
        )


def _work_of(model):
    """Return roughly how many multiplications a sample takes, and what the weights cost each batch besides."""
    per_sample = weights = 0
    for layer in model.layers:
        shapes = [K.int_shape(weight) for weight in layer.weights]
        size = sum(math.prod(shape) for shape in shapes)
        if size and shapes[0]:
            per_sample += size * _places(layer, shapes[0][-1])
        weights += size
    return per_sample, weights * WEIGHT_WORK


def _places(layer, width):
    """Return how many places each weight meets: steps of the input, pixels or steps of the output, or just one."""
    if isinstance(layer, Recurrent | Bidirectional):
        steps = layer.get_input_shape_at(0)
        return (steps[0] if isinstance(steps, list) else steps)[1] or 1
    elements = math.prod(size or 1 for size in _output_shape(layer)[1:])
    return max(1, elements // width)


def _output_shape(layer):
    shape = layer.get_output_shape_at(0)
    return shape if isinstance(shape, tuple) else shape[0]
