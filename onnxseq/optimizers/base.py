"""What all optimizers share: gradients, clipping, decay, the step count, constraints and the order of state.

One of ours adds its slots and its formula. Work on scalars is done once per step and shared by all weights; a formula
is written with as few passes over a whole weight as its rounding allows.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import text

_CLIPS = ("clipnorm", "clipvalue")


class Optimizer:
    """What turns gradients into updates of the weights. The base knows no formula.

    A subclass of one's own overrides ``get_updates(loss, params)`` and returns a list of updates, made by ``K.update``,
    ``K.update_add`` or as pairs (variable, new value); an override that takes ``(params, constraints, loss)``, as
    older code has it, works too and is given the constraints by weight.

    Arguments:
        clipnorm: gradients are scaled down together so that their joint length is at most this.
        clipvalue: each entry of a gradient is limited to plus or minus this.

    Raises:
        TypeError: any other keyword is given.
    """

    _slots: tuple[str, ...] = ()
    _counts = False  # whether the step count stands before the slots in ``weights``

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("get_updates")
        if own is not None and "constraints" in inspect.signature(own).parameters:
            cls.get_updates = _with_constraints(own)  # type: ignore[method-assign]

    def __init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _CLIPS:
                raise TypeError(text(type(self).__name__, f"unknown keyword argument {name!r}",
                                     "its documented arguments, 'clipnorm' or 'clipvalue'"))
        self.__dict__.update(kwargs)
        self.updates: list[Any] = []
        self.weights: list[Any] = []
        self._path: str | None = None

    def get_gradients(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        """Return the gradient of the loss by each weight, clipped as the arguments say.

        Arguments:
            loss: scalar tensor.
            params: variables.

        Returns:
            A list of tensors; None where no path leads from the weight to the loss.
        """
        gradients = K.gradients(loss, params)
        norm, value = (vars(self).get(name) or 0 for name in _CLIPS)
        if norm > 0 or value > 0:
            self._refuse_missing(params, gradients)
        if norm > 0 and gradients:
            length = K.sqrt(functools.reduce(lambda a, b: a + b, [K.sum(K.square(g)) for g in gradients]))
            # A length that is no number compares as false and leaves the gradients as they are.
            factor = K.switch(length >= norm, norm / length, K.constant(1.0, dtype=K.dtype(length)))
            gradients = [g * factor for g in gradients]
        if value > 0:
            gradients = [K.clip(g, -value, value) for g in gradients]
        return gradients

    def get_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        """Return the updates of one step: of the weights, of the slots and of the step count.

        Arguments:
            loss: scalar tensor.
            params: the variables to train.

        Returns:
            A list of updates for ``K.function``.

        Raises:
            ValueError: the loss does not depend on one of the weights.
            NotImplementedError: the class has no formula.
        """
        if type(self)._step is Optimizer._step:
            raise NotImplementedError(text(type(self).__name__, "an optimizer without get_updates",
                                           "a subclass that overrides get_updates(loss, params)"))
        # State is named as in TensorFlow 1.4, 'training/Adam/Variable_1:0', since weight files hold these names.
        with K.name_scope(type(self).__name__):
            self._rows = [[K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params] for _ in self._slots]
        self.weights = [self.iterations] * self._counts + [variable for row in self._rows for variable in row]
        return self._make_updates(loss, params)

    @property
    def can_share_state(self) -> bool:
        """Whether steps for several losses can go on with one state; not where a subclass makes state itself."""
        return type(self).get_updates is Optimizer.get_updates

    def get_updates_again(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        """Return the updates of one step for another loss, on the state that the last ``get_updates`` made.

        Arguments:
            loss: scalar tensor.
            params: the same variables as in the last ``get_updates``.
        """
        return self._make_updates(loss, params)

    def _make_updates(self, loss: Any, params: Sequence[Any]) -> list[Any]:
        gradients = self.get_gradients(loss, params)
        self._refuse_missing(params, gradients)
        self.updates = [K.update_add(self.iterations, 1)]
        with K.node_scope(type(self).__name__):
            scalars = self._scalars()
            for i, (p, gradient) in enumerate(zip(params, gradients, strict=True)):
                own = [row[i] for row in self._rows]
                new, *states = self._step(p, gradient, *own, *scalars)
                self.updates += [K.update(variable, state) for variable, state in zip(own, states, strict=True)]
                constraint = getattr(p, "constraint", None)
                self.updates.append(K.update(p, new if constraint is None else constraint(new)))
        return self.updates

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the optimizer's state.

        Arguments:
            weights: arrays as ``get_weights`` returns them.

        Raises:
            ValueError: their number or a shape differs from the state's.
        """
        who = type(self).__name__
        if len(weights) != len(self.weights):
            raise ValueError(text(who, f"{len(weights)} arrays of state", f"{len(self.weights)}",
                                  "State exists once the model was compiled and its training step was made."))
        pairs = list(zip(self.weights, [np.asarray(w) for w in weights], strict=True))
        for variable, value in pairs:
            if K.int_shape(variable) != value.shape:
                raise ValueError(text(who, f"an array of shape {value.shape} for state {variable.name!r}",
                                      f"shape {K.int_shape(variable)}"))
        K.batch_set_value(pairs)

    def get_weights(self) -> list[np.ndarray]:
        """Return the optimizer's state: the step count where it belongs to it, then slot by slot, in weight order.

        Returns:
            A list of arrays; empty before the training step was made.
        """
        return K.batch_get_value(self.weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {name: vars(self)[name] for name in _CLIPS if name in vars(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Optimizer":
        """Return an optimizer with the arguments of a config."""
        return cls(**config)

    def _scalars(self) -> tuple[Any, ...]:
        """Return the scalar tensors of a step that its formula shares over all weights."""
        return ()

    def _step(self, p: Any, g: Any, *slots_and_scalars: Any) -> tuple[Any, ...]:
        """Return the new value of a weight, then of each of its slots."""
        raise NotImplementedError

    def _count(self) -> None:
        """Make the step count; it is no argument, so it lies beside the variables of the arguments."""
        with self._own_scope():
            self.iterations = K.variable(0, dtype="int64", name="iterations")

    def _hyper(self, **values: float) -> None:
        """Hold arguments as variables, so that their values can change between steps."""
        with self._own_scope():
            for name, value in values.items():
                setattr(self, name, K.variable(value, name=name))

    def _own_scope(self) -> K.name_scope:
        """Return the name scope of the optimizer's variables, the same one each time."""
        if self._path is None:
            with K.name_scope(type(self).__name__) as self._path:
                pass
        return K.name_scope(self._path)

    def _values(self, *names: str) -> dict[str, float]:
        return {name: float(K.get_value(getattr(self, name))) for name in names}

    def _rate(self) -> Any:
        """Return the learning rate of this step, after decay."""
        if not self.initial_decay > 0:
            return self.lr
        return self.lr * (1.0 / (1.0 + self.decay * K.cast(self.iterations, K.dtype(self.decay))))

    def _number(self) -> Any:
        """Return the number of this step, from one, as a float."""
        return K.cast(self.iterations, K.floatx()) + 1.0

    def _refuse_missing(self, params: Sequence[Any], gradients: Sequence[Any]) -> None:
        missing = [p.name for p, g in zip(params, gradients, strict=True) if g is None]
        if missing:
            raise ValueError(text(type(self).__name__, f"no gradient for {', '.join(map(repr, missing))}",
                                  "a loss that depends, through differentiable functions, on every trainable weight",
                                  "Set trainable=False on its layer, or use the layer's output in the loss."))


def _with_constraints(own: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Return get_updates(loss, params) that calls an override of the older form (params, constraints, loss)."""

    @functools.wraps(own)
    def get_updates(self: Optimizer, loss: Any, params: Sequence[Any]) -> list[Any]:
        constraints = {p: p.constraint for p in params if getattr(p, "constraint", None) is not None}
        return own(self, params=params, constraints=constraints, loss=loss)

    del get_updates.__wrapped__  # type: ignore[attr-defined]  # its signature is the new one
    return get_updates
