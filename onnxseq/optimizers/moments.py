"""Optimizers that follow a running mean of gradients: Adam, Adamax and Nadam."""

from typing import Any

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.optimizers.base import Optimizer


@registry.register("optimizer", "adam")
class Adam(Optimizer):
    """Steps along a running mean of gradients, divided by the root of a running mean of their squares.

    ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * g**2``,
    ``p -= lr * sqrt(1 - b2**t) / (1 - b1**t) * m / (sqrt(v) + epsilon)``, t counted from one.

    Arguments:
        lr: learning rate.
        beta_1: how much of the mean is kept.
        beta_2: how much of the mean square is kept.
        epsilon: keeps the division finite.
        decay: the learning rate of step t, counted from zero, is ``lr / (1 + decay * t)``.

    Source: Kingma and Ba 2014, https://arxiv.org/abs/1412.6980v8
    """

    _slots = ("m", "v")
    _counts = True

    def __init__(self, lr: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
                 decay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._count()
        self._hyper(lr=lr, beta_1=beta_1, beta_2=beta_2, decay=decay)
        self.epsilon = epsilon
        self.initial_decay = decay

    def _scalars(self) -> tuple[Any, ...]:
        t = self._number()
        rate = self._rate() * (K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t)))
        return (rate, self.beta_1, 1.0 - self.beta_1, self.beta_2, 1.0 - self.beta_2)

    def _step(self, p: Any, g: Any, m: Any, v: Any, rate: Any, keep_1: Any, rest_1: Any, keep_2: Any,
              rest_2: Any) -> tuple[Any, ...]:
        mean = keep_1 * m + rest_1 * g
        square = keep_2 * v + rest_2 * K.square(g)
        return p - rate * mean / (K.root(square) + self.epsilon), mean, square

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "beta_1", "beta_2", "decay"), "epsilon": self.epsilon}


@registry.register("optimizer", "adamax")
class Adamax(Optimizer):
    """Adam with the largest absolute gradient, slowly forgotten, in place of the root mean square.

    ``m = b1 * m + (1 - b1) * g``, ``u = max(b2 * u, abs(g))``, ``p -= lr / (1 - b1**t) * m / (u + epsilon)``.

    Arguments:
        lr: learning rate.
        beta_1: how much of the mean is kept.
        beta_2: how much of the largest value is kept.
        epsilon: keeps the division finite.
        decay: the learning rate of step t, counted from zero, is ``lr / (1 + decay * t)``.

    Source: Kingma and Ba 2014, section 7, https://arxiv.org/abs/1412.6980v8
    """

    _slots = ("m", "u")
    _counts = True

    def __init__(self, lr: float = 0.002, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
                 decay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._count()
        self._hyper(lr=lr, beta_1=beta_1, beta_2=beta_2, decay=decay)
        self.epsilon = epsilon
        self.initial_decay = decay

    def _scalars(self) -> tuple[Any, ...]:
        rate = self._rate() / (1.0 - K.pow(self.beta_1, self._number()))
        return (rate, self.beta_1, 1.0 - self.beta_1, self.beta_2)

    def _step(self, p: Any, g: Any, m: Any, u: Any, rate: Any, keep_1: Any, rest_1: Any,
              keep_2: Any) -> tuple[Any, ...]:
        mean = keep_1 * m + rest_1 * g
        largest = K.maximum(keep_2 * u, K.abs(g))
        return p - rate * mean / (largest + self.epsilon), mean, largest

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "beta_1", "beta_2", "decay"), "epsilon": self.epsilon}


@registry.register("optimizer", "nadam")
class Nadam(Optimizer):
    """Adam with Nesterov momentum, whose strength grows by a schedule.

    ``b(t) = b1 * (1 - 0.96**(t * schedule_decay) / 2)``, ``s(t) = b(1) * ... * b(t)``, m and v as in Adam,
    ``p -= lr * ((1 - b(t)) * g / (1 - s(t)) + b(t+1) * m / (1 - s(t+1))) / (sqrt(v / (1 - b2**t)) + epsilon)``.

    Arguments:
        lr: learning rate.
        beta_1: how much of the mean is kept.
        beta_2: how much of the mean square is kept.
        epsilon: keeps the division finite.
        schedule_decay: how fast the momentum grows.

    Source: Dozat 2016, http://cs229.stanford.edu/proj2015/054_report.pdf
    """

    _slots = ("m", "v")
    _counts = True

    def __init__(self, lr: float = 0.002, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
                 schedule_decay: float = 0.004, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._count()
        self._hyper(m_schedule=1.0, lr=lr, beta_1=beta_1, beta_2=beta_2)
        self.epsilon = epsilon
        self.schedule_decay = schedule_decay

    def _scalars(self) -> tuple[Any, ...]:
        t = self._number()
        base = K.constant(0.96)
        now = self.beta_1 * (1.0 - 0.5 * K.pow(base, t * self.schedule_decay))
        ahead = self.beta_1 * (1.0 - 0.5 * K.pow(base, (t + 1.0) * self.schedule_decay))
        schedule = self.m_schedule * now
        self.updates.append(K.update(self.m_schedule, schedule))
        # sqrt(v / c) + epsilon = (sqrt(v) + epsilon * sqrt(c)) / sqrt(c): the root of c goes into the scalars.
        root = K.sqrt(1.0 - K.pow(self.beta_2, t))
        of_gradient = self.lr * root * (1.0 - now) / (1.0 - schedule)
        of_mean = self.lr * root * ahead / (1.0 - schedule * ahead)
        return (of_gradient, of_mean, root * self.epsilon, self.beta_1, 1.0 - self.beta_1, self.beta_2,
                1.0 - self.beta_2)

    def _step(self, p: Any, g: Any, m: Any, v: Any, of_gradient: Any, of_mean: Any, epsilon: Any, keep_1: Any,
              rest_1: Any, keep_2: Any, rest_2: Any) -> tuple[Any, ...]:
        mean = keep_1 * m + rest_1 * g
        square = keep_2 * v + rest_2 * K.square(g)
        return p - (of_gradient * g + of_mean * mean) / (K.root(square) + epsilon), mean, square

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that build the same optimizer; values as they are now."""
        return {**super().get_config(), **self._values("lr", "beta_1", "beta_2"), "epsilon": self.epsilon,
                "schedule_decay": self.schedule_decay}
