"""Optimizers that follow the gradient itself: SGD, and RMSprop, Adagrad and Adadelta, which rescale each entry."""

from typing import Any

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.optimizers.base import Optimizer


@registry.register("optimizer", "sgd")
class SGD(Optimizer):
    """Gradient descent, with momentum: ``v = momentum * v - lr * g``, ``p = p + v``.

    With Nesterov momentum ``p = p + momentum * v - lr * g``, v being the new one.

    Arguments:
        lr: learning rate.
        momentum: share of the last step that is made again.
        decay: the learning rate of step t is ``lr / (1 + decay * t)``.
        nesterov: whether to look ahead.

    Source: Sutskever et al. 2013, http://proceedings.mlr.press/v28/sutskever13.html
    """

    _slots = ("moment",)
    _counts = True

    def __init__(self, lr: float = 0.01, momentum: float = 0.0, decay: float = 0.0, nesterov: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._count()
        self._hyper(lr=lr, momentum=momentum, decay=decay)
        self.initial_decay = decay
        self.nesterov = nesterov

    def _scalars(self) -> tuple[Any, ...]:
        return (self._rate(), self.momentum)

    def _step(self, p: Any, g: Any, moment: Any, rate: Any, momentum: Any) -> tuple[Any, ...]:
        descent = rate * g
        velocity = momentum * moment - descent
        return (p + momentum * velocity - descent if self.nesterov else p + velocity), velocity

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "momentum", "decay"), "nesterov": self.nesterov}


@registry.register("optimizer", "rmsprop")
class RMSprop(Optimizer):
    """Steps divided by a running root mean square.

    ``a = rho * a + (1 - rho) * g**2``, ``p -= lr * g / (sqrt(a) + epsilon)``.

    Arguments:
        lr: learning rate.
        rho: how much of the running mean is kept.
        epsilon: keeps the division finite.
        decay: the learning rate of step t is ``lr / (1 + decay * t)``.

    Source: Tieleman and Hinton 2012, http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
    """

    _slots = ("accumulator",)

    def __init__(self, lr: float = 0.001, rho: float = 0.9, epsilon: float = 1e-8, decay: float = 0.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hyper(lr=lr, rho=rho, decay=decay)
        self._count()
        self.epsilon = epsilon
        self.initial_decay = decay

    def _scalars(self) -> tuple[Any, ...]:
        return (self._rate(), self.rho, 1.0 - self.rho)

    def _step(self, p: Any, g: Any, a: Any, rate: Any, rho: Any, rest: Any) -> tuple[Any, ...]:
        new = rho * a + rest * K.square(g)
        return p - rate * g / (K.root(new) + self.epsilon), new

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "rho", "decay"), "epsilon": self.epsilon}


@registry.register("optimizer", "adagrad")
class Adagrad(Optimizer):
    """Steps divided by the root of all squares so far: ``a += g**2``, ``p -= lr * g / (sqrt(a) + epsilon)``.

    Arguments:
        lr: learning rate.
        epsilon: keeps the division finite.
        decay: the learning rate of step t is ``lr / (1 + decay * t)``.

    Source: Duchi et al. 2011, http://www.jmlr.org/papers/v12/duchi11a.html
    """

    _slots = ("accumulator",)

    def __init__(self, lr: float = 0.01, epsilon: float = 1e-8, decay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hyper(lr=lr, decay=decay)
        self._count()
        self.epsilon = epsilon
        self.initial_decay = decay

    def _scalars(self) -> tuple[Any, ...]:
        return (self._rate(),)

    def _step(self, p: Any, g: Any, a: Any, rate: Any) -> tuple[Any, ...]:
        new = a + K.square(g)
        return p - rate * g / (K.root(new) + self.epsilon), new

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "decay"), "epsilon": self.epsilon}


@registry.register("optimizer", "adadelta")
class Adadelta(Optimizer):
    """Steps scaled by the ratio of two running means, of past steps and of gradients.

    ``a = rho * a + (1 - rho) * g**2``, ``u = g * sqrt(d + epsilon) / sqrt(a + epsilon)``, ``p -= lr * u``,
    ``d = rho * d + (1 - rho) * u**2``.

    Arguments:
        lr: learning rate.
        rho: how much of the running means is kept.
        epsilon: keeps the ratio finite.
        decay: the learning rate of step t is ``lr / (1 + decay * t)``.

    Source: Zeiler 2012, https://arxiv.org/abs/1212.5701
    """

    _slots = ("accumulator", "delta")

    def __init__(self, lr: float = 1.0, rho: float = 0.95, epsilon: float = 1e-8, decay: float = 0.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hyper(lr=lr, decay=decay)
        self._count()
        self.rho = rho
        self.epsilon = epsilon
        self.initial_decay = decay

    def _scalars(self) -> tuple[Any, ...]:
        return (self._rate(),)

    def _step(self, p: Any, g: Any, a: Any, d: Any, rate: Any) -> tuple[Any, ...]:
        new = self.rho * a + (1.0 - self.rho) * K.square(g)
        update = g * K.root((d + self.epsilon) / (new + self.epsilon))  # one root over the ratio instead of two
        return p - rate * update, new, self.rho * d + (1.0 - self.rho) * K.square(update)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr"), "rho": self.rho, **self._values("decay"),
                "epsilon": self.epsilon}
