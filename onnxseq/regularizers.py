"""Regularizers: penalties on weights or activations that are added to the loss."""

from typing import Any

from onnxseq import backend as K
from onnxseq import config as configs
from onnxseq import registry


class Regularizer:
    """What maps a tensor to a scalar penalty; the base adds none. Subclasses define ``__call__`` and ``get_config``."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Regularizer":
        """Return a regularizer with the arguments of a config."""
        return cls(**config)


@registry.register("regularizer")
class L1L2(Regularizer):
    """Penalty on size: ``l1 * sum(abs(x)) + l2 * sum(x**2)``.

    Arguments:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = float(K.cast_to_floatx(l1))
        self.l2 = float(K.cast_to_floatx(l2))

    def __call__(self, x: Any) -> Any:
        """Return the penalty of a tensor, a scalar."""
        penalty = None
        if self.l1:
            penalty = self.l1 * K.sum(K.abs(x))
        if self.l2:
            squares = self.l2 * K.sum(K.square(x))
            penalty = squares if penalty is None else penalty + squares
        return K.constant(0.0) if penalty is None else penalty

    def get_config(self) -> dict[str, float]:
        """Return the arguments that build the same regularizer."""
        return {"l1": self.l1, "l2": self.l2}


@registry.register("regularizer")
def l1(l: float = 0.01) -> L1L2:  # noqa: E741 - the documented argument name
    """Return the penalty ``l * sum(abs(x))``.

    Arguments:
        l: its factor.
    """
    return L1L2(l1=l)


@registry.register("regularizer")
def l2(l: float = 0.01) -> L1L2:  # noqa: E741 - the documented argument name
    """Return the penalty ``l * sum(x**2)``.

    Arguments:
        l: its factor.
    """
    return L1L2(l2=l)


@registry.register("regularizer")
def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Return the penalty ``l1 * sum(abs(x)) + l2 * sum(x**2)``.

    Arguments:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.
    """
    return L1L2(l1=l1, l2=l2)


def serialize(regularizer: Any) -> Any:
    """Return the config of a regularizer, the name of a function, or None for None.

    Raises:
        ValueError: it has neither a config nor a name.
    """
    return configs.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the regularizer of a config.

    Arguments:
        config: a dictionary with ``class_name`` and ``config``, or a name.
        custom_objects: the user's own classes and functions, by name.

    Raises:
        ValueError: the config is malformed or names nothing that is known.
    """
    return configs.deserialize("regularizer", config, custom_objects)


def get(identifier: Any) -> Any:
    """Return the regularizer that an argument stands for.

    Arguments:
        identifier: None, a name, a config, a class or a callable.

    Returns:
        None, or a callable from a tensor to a scalar penalty.

    Raises:
        ValueError: it is none of these, or is unknown.
    """
    return None if identifier is None else configs.get("regularizer", identifier)
