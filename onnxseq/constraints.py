"""Constraints: what a weight is projected onto after each step of the optimizer."""

from typing import Any

from onnxseq import backend as K
from onnxseq import config as configs
from onnxseq import registry


class Constraint:
    """What maps an updated weight to an allowed one; the base allows all. Subclasses define ``__call__``."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same constraint."""
        return {}


def _norms(w: Any, axis: Any) -> Any:
    return K.sqrt(K.sum(K.square(w), axis=axis, keepdims=True))


@registry.register("constraint", "max_norm")
class MaxNorm(Constraint):
    """Scale down what is longer than ``max_value``: ``w * clip(norm, 0, max_value) / (epsilon + norm)``.

    Arguments:
        max_value: the largest allowed length.
        axis: the axis, or list of axes, along which the length of one incoming weight vector is taken: 0 for Dense,
            [0, 1, 2] for channels-last Conv2D.

    Source: Srivastava et al. 2014, http://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projected weight."""
        norms = _norms(w, self.axis)
        return w * (K.clip(norms, 0, self.max_value) / (K.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same constraint."""
        return {"max_value": self.max_value, "axis": self.axis}


@registry.register("constraint", "non_neg")
class NonNeg(Constraint):
    """Set negative weights to zero: ``max(w, 0)``."""

    def __call__(self, w: Any) -> Any:
        """Return the projected weight."""
        return K.relu(w)


@registry.register("constraint", "unit_norm")
class UnitNorm(Constraint):
    """Scale to length one: ``w / (epsilon + norm)``.

    Arguments:
        axis: the axis, or list of axes, along which the length of one incoming weight vector is taken.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projected weight."""
        return w / (K.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same constraint."""
        return {"axis": self.axis}


@registry.register("constraint", "min_max_norm")
class MinMaxNorm(Constraint):
    """Move the length towards a range: ``w * (rate * clip(norm, min, max) + (1 - rate) * norm) / (epsilon + norm)``.

    Arguments:
        min_value: the smallest allowed length.
        max_value: the largest allowed length.
        rate: how much of the way is gone at each step; 1 projects strictly.
        axis: the axis, or list of axes, along which the length of one incoming weight vector is taken.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projected weight."""
        norms = _norms(w, self.axis)
        desired = self.rate * K.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (K.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same constraint."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm


def serialize(constraint: Any) -> Any:
    """Return the config of a constraint, the name of a function, or None for None.

    Raises:
        ValueError: it has neither a config nor a name.
    """
    return configs.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the constraint of a config.

    Arguments:
        config: a dictionary with ``class_name`` and ``config``, or a name.
        custom_objects: the user's own classes and functions, by name.

    Raises:
        ValueError: the config is malformed or names nothing that is known.
    """
    return configs.deserialize("constraint", config, custom_objects)


def get(identifier: Any) -> Any:
    """Return the constraint that an argument stands for.

    Arguments:
        identifier: None, a name, a config, a class or a callable.

    Returns:
        None, or a callable from a weight to a weight.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    return None if identifier is None else configs.get("constraint", identifier)
