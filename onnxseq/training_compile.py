"""What `compile` makes of losses and metrics: one scalar to minimize and the values shown beside it.

For each output: value = loss(target, output) per sample; times the mask over the mask's mean; averaged down to the
axes of the sample weights; times the weights over the share of weights that are not zero; averaged. The total is the
sum of the outputs' values, each times its loss weight, and of the layers' own losses.
"""

import re
import warnings

from onnxseq import backend as K
from onnxseq import losses, metrics
from onnxseq.errors import describe, text

WHO = "compile"


class Head:
    """One output of a model with what training compares it to.

    Attributes:
        name: Name of the output.
        output: Its tensor.
        shape: Its shape, None for free sizes.
        loss: Its loss function, or None where it is not trained.
        loss_weight: Factor of its loss in the total.
        target: Placeholder or tensor that it is compared to.
        is_fed: Whether the target is a placeholder.
        weights: Placeholder of the sample weights, or None where there are none.
        weight_mode: None for one weight per sample, 'temporal' for one per step.
        mask: Mask of the output, or None.
        metrics, weighted_metrics: Metric functions or names.
    """

    def __init__(self, name, output, loss, mask):
        self.name = name
        self.output = output
        self.shape = tuple(K.int_shape(output))
        self.loss = loss
        self.mask = mask
        self.loss_weight = 1.0
        self.target = None
        self.is_fed = False
        self.weights = None
        self.weight_mode = None
        self.metrics = []
        self.weighted_metrics = []
        self._accepted_shapes = set()

    @property
    def loss_name(self):
        """Name of the loss function."""
        return getattr(self.loss, "__name__", None)

    @property
    def target_shape(self):
        """Shape that the user's targets must have, or None where a loss of the user's own decides."""
        if self.loss_name == "sparse_categorical_crossentropy":
            return (*self.shape[:-1], 1)
        return self.shape if getattr(losses, self.loss_name or "", None) is not None else None

    def make_target(self, given):
        """Compare to a given tensor, or to a new placeholder."""
        self.is_fed = given is None or K.is_placeholder(given)
        if given is None:
            dims = [dim if isinstance(dim, int) or re.fullmatch(r"\w+", dim) else None for dim in self.output.dims]
            shape = self.target_shape
            if shape is None:  # a loss of the user's own may take targets of any size
                # One that the model computes itself, a scalar, comes with a column of targets that nobody reads.
                dims = [dims[0], *[None] * (len(dims) - 1)] if dims else ["batch", None]
            elif dims:
                dims[-1] = dims[-1] if shape == self.shape else 1
            given = K.placeholder(shape=dims, dtype=K.dtype(self.output), name=f"{self.name}_target")
        self.target = given

    def accept(self, who, shape):
        """Raise ValueError where a loss of the user's own can not take targets of a shape; the loss itself tells."""
        item = tuple(shape[1:])
        if self.target_shape is None and item not in self._accepted_shapes:
            target = K.placeholder(shape=(self.target.dims[0], *item), dtype=K.dtype(self.target))
            try:
                self.loss(target, self.output)
            except ValueError as error:
                raise ValueError(
                    text(
                        who,
                        f"target of {self.name!r} has shape {tuple(shape)}, the output {self.shape} and loss "
                        f"{self.loss_name!r} fails on them ({error})",
                        "a target that the loss takes",
                    )
                ) from error
            self._accepted_shapes.add(item)

    def make_weights(self, mode):
        """Take sample weights, one per sample or, in mode 'temporal', one per step."""
        self.weight_mode = "temporal" if mode == "temporal" else None
        dims = list(self.target.dims[: 2 if self.weight_mode else 1])
        if self.weight_mode and len(dims) < 2:
            dims.append(None)
        self.weights = K.placeholder(shape=dims, name=f"{self.name}_sample_weights")

    def accuracy(self):
        """The metric that 'accuracy' stands for, which depends on the loss and the output's shape."""
        if self.shape[-1] == 1 or self.loss is losses.binary_crossentropy:
            return metrics.binary_accuracy
        if self.loss is losses.sparse_categorical_crossentropy:
            return metrics.sparse_categorical_accuracy
        return metrics.categorical_accuracy


class Objective:
    """The heads of a model and what is computed from them.

    Arguments:
        heads: The heads, one for each output.
        layer_losses: Scalars that the layers add to the loss.

    Raises:
        ValueError: There is nothing to minimize.
    """

    def __init__(self, heads, layer_losses):
        self.heads = heads
        self.layer_losses = list(layer_losses)
        self.trained = [head for head in heads if head.loss is not None]
        self.fed = [head for head in self.trained if head.is_fed]
        self._values = {}
        if not self.trained and not self.layer_losses:
            raise ValueError(
                text(WHO, "loss is None and no layer adds a loss", "something to minimize", "Name a loss, e.g. 'mse'.")
            )
        with_weights = self.values(weighted=True)
        self.names = ["loss", *(name for name, _ in with_weights[1:])]

    def values(self, weighted):
        """Return (name, scalar tensor) pairs: the total loss, then what is shown beside it.

        Arguments:
            weighted: Whether sample weights are fed; otherwise all samples weigh one.
        """
        if weighted not in self._values:
            self._values[weighted] = self._record(weighted)
        return self._values[weighted]

    def _record(self, weighted):
        several = len(self.heads) > 1
        total, shown = None, []
        with K.name_scope("loss"):
            for head in self.trained:
                with K.name_scope(f"{head.name}_loss"):
                    value = self._score(head, head.loss, head.weights if weighted else None)
                if several:
                    shown.append((f"{head.name}_loss", value))
                term = value if head.loss_weight == 1 else head.loss_weight * value
                total = term if total is None else total + term
            for value in self.layer_losses:
                total = value if total is None else total + value
        with K.name_scope("metrics"):
            for head in self.trained:
                prefix = f"{head.name}_" if several else ""
                for name, function in head.metrics:
                    with K.name_scope(name):
                        shown.append((prefix + name, self._score(head, function, None)))
                for name, function in head.weighted_metrics:
                    # A head whose target is a tensor of the user's takes no weights, nor does its metrics' name.
                    name = f"weighted_{name}" if head.weights is not None else name
                    with K.name_scope(name):
                        shown.append((prefix + name, self._score(head, function, head.weights if weighted else None)))
        return [("loss", total), *shown]

    @staticmethod
    def _score(head, function, weights):
        score = function(head.target, head.output)
        if score is None:
            name = getattr(function, "__name__", type(function).__name__)
            raise AttributeError(
                text(WHO, f"{name!r} returned None", "a loss or metric that returns a tensor", "Add its return.")
            )
        return weighted_score(score, weights, head.mask)


def weighted_score(score, weights=None, mask=None):
    """Return the average of a score under sample weights and a mask, a scalar tensor; see the module's formula.

    Arguments:
        score: Values per sample, per step, or a scalar.
        weights: Weights of the first axes, or None.
        mask: Ones and zeros of the score's shape, or None.
    """
    if mask is not None:
        mask = K.cast(mask, K.floatx())
        score = score * mask / K.mean(mask)
    if weights is not None:
        inner = list(range(K.ndim(weights), K.ndim(score)))
        if inner:
            score = K.mean(score, axis=inner)
        score = score * weights / K.mean(K.cast(K.not_equal(weights, 0), K.floatx()))
    return K.mean(score) if K.ndim(score) else score


def _metric(head, metric):
    if metric in ("accuracy", "acc"):
        return "acc", head.accuracy()
    function = metrics.get(metric)
    return getattr(function, "__name__", type(function).__name__), function


def make_objective(
    model, loss, metrics=None, loss_weights=None, sample_weight_mode=None, weighted_metrics=None, target_tensors=None
):
    """Return the Objective that compile's arguments describe for a model's outputs.

    Raises:
        ValueError: Names of outputs that the model lacks, lists of another length, unknown losses or metrics.
        TypeError: Arguments of other types.
    """
    names = list(model.output_names)
    masks = [getattr(output, "_keras_mask", None) for output in model.outputs]
    functions = _losses(loss or {}, names)
    heads = [Head(*parts) for parts in zip(names, model.outputs, functions, masks, strict=True)]
    factors = _loss_weights(loss_weights, names)
    targets = _target_tensors(target_tensors, names)
    modes = _weight_modes(sample_weight_mode, heads)
    shown = _nested_metrics("metrics", metrics, names)
    shown_weighted = _nested_metrics("weighted_metrics", weighted_metrics, names)
    for i, head in enumerate(heads):
        head.loss_weight = factors[i]
        # Names are looked up here, once: what is recorded later may be so outside of a custom_object_scope.
        is_trained = head.loss is not None
        head.metrics = [_metric(head, metric) for metric in shown[i]] if is_trained else []
        head.weighted_metrics = [_metric(head, metric) for metric in shown_weighted[i]] if is_trained else []
        if head.loss is not None:
            head.make_target(targets[i])
            if head.is_fed:
                head.make_weights(modes[i])
    return Objective(heads, model.losses)


def _losses(loss, names):
    if isinstance(loss, dict):
        _check_names("loss", loss, names)
        for name in names:
            if loss and name not in loss:
                warnings.warn(
                    f"{WHO}: loss lacks the output {name!r}; expected an entry. The output is not trained.",
                    stacklevel=4,
                )
        return [None if loss.get(name) is None else losses.get(loss[name]) for name in names]
    if isinstance(loss, list):
        _check_length("loss", loss, names)
        return [None if entry is None else losses.get(entry) for entry in loss]
    return [losses.get(loss)] * len(names)


def _loss_weights(given, names):
    if given is None:
        return [1.0] * len(names)
    if isinstance(given, dict):
        _check_names("loss_weights", given, names)
        return [given.get(name, 1.0) for name in names]
    if isinstance(given, list):
        _check_length("loss_weights", given, names)
        return given
    raise TypeError(text(WHO, f"loss_weights is {describe(given)}", "a list or dict of numbers"))


def _target_tensors(given, names):
    if given is None:
        return [None] * len(names)
    if isinstance(given, dict):
        _check_names("target_tensors", given, names)
        return [given.get(name) for name in names]
    if isinstance(given, list):
        _check_length("target_tensors", given, names)
        return given
    raise TypeError(text(WHO, f"target_tensors is {describe(given)}", "a list or dict of tensors"))


def _weight_modes(given, heads):
    names = [head.name for head in heads]
    if isinstance(given, dict):
        _check_names("sample_weight_mode", given, names)
        missing = [head.name for head in heads if head.loss is not None and head.name not in given]
        if missing:
            raise ValueError(
                text(WHO, f"sample_weight_mode lacks the output {missing[0]!r}", "an entry for each output")
            )
        modes = [given.get(name) for name in names]
    elif isinstance(given, list):
        _check_length("sample_weight_mode", given, names)
        modes = given
    else:
        modes = [given] * len(names)
    for mode in modes:
        if mode not in (None, "temporal"):
            raise ValueError(text(WHO, f"sample_weight_mode is {mode!r}", "None or 'temporal'"))
    return modes


def _nested_metrics(what, given, names):
    if not given:
        return [[] for _ in names]
    if isinstance(given, list):
        return [list(given) for _ in names]
    if isinstance(given, dict):
        entries = [given.get(name, []) for name in names]
        return [entry if isinstance(entry, list) else [entry] for entry in entries]
    raise TypeError(text(WHO, f"{what} is {describe(given)}", "a list, or a dict by output", "Write ['accuracy']."))


def _check_names(what, given, names):
    for name in given:
        if name not in names:
            raise ValueError(
                text(WHO, f"{what} has the key {name!r}", f"outputs of the model: {', '.join(map(repr, names))}")
            )


def _check_length(what, given, names):
    if len(given) != len(names):
        raise ValueError(
            text(
                WHO,
                f"{what} is a list of {len(given)}",
                f"{len(names)}, one for each output: {', '.join(map(repr, names))}",
            )
        )
