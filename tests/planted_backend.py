"""This project's package as a backend with a fault planted in it: the faults are its providers.

Each fault is one that a real backend had or could have, small enough to pass a glance at the numbers.
"""

import onnxseq
from conformance.backends.onnxseq import fresh, keras, release, versions
from onnxseq import backend as K

__all__ = ["fresh", "keras", "release", "use_provider", "versions"]


def _with_default(function, name, value):
    """Changes one default of a function in place."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = dict(zip(reversed(names), reversed(function.__defaults__), strict=False))
    function.__defaults__ = tuple(value if each == name else defaults[each] for each in names if each in defaults)


def wrong_default():
    """A batch normalization that forgets ten times as fast unless it is told otherwise."""
    _with_default(onnxseq.layers.BatchNormalization.__init__, "momentum", 0.9)


def transposed_kernel():
    """Rows for columns in the kernel of each convolution of images."""
    convolve = K.conv2d

    def transposed(x, kernel, *arguments, **options):
        height, width = K.int_shape(kernel)[:2]
        if height == width:
            kernel = K.permute_dimensions(kernel, (1, 0, 2, 3))
        return convolve(x, kernel, *arguments, **options)

    K.conv2d = transposed


def wrong_epsilon():
    """Adam with 1e-7 beneath the fraction, and 1e-8 in its configuration as before."""
    updates = onnxseq.optimizers.Adam.get_updates

    def with_another(self, *arguments, **options):
        own, self.epsilon = self.epsilon, 1e-7 if self.epsilon == 1e-8 else self.epsilon
        try:
            return updates(self, *arguments, **options)
        finally:
            self.epsilon = own

    onnxseq.optimizers.Adam.get_updates = with_another


def swallowed_exception():
    """A compile that keeps quiet about what it cannot do."""
    compiled = onnxseq.models.Model.compile

    def quiet(self, *arguments, **options):
        try:
            return compiled(self, *arguments, **options)
        except ValueError:
            return None

    onnxseq.models.Model.compile = quiet


def nan():
    """A softplus that is right for what is above zero."""
    K.softplus = lambda x: K.log(K.exp(x) + 1.0) + 0.0 * K.log(x)


FAULTS = {
    fault.__name__: fault for fault in (wrong_default, transposed_kernel, wrong_epsilon, swallowed_exception, nan)
}


def use_provider(name):
    FAULTS[name]()
