"""Lambda: a user's function as a layer, and how it is written down without running what a file says."""

import marshal

import numpy as np

from onnxseq import backend as K
from onnxseq import config as configuration
from onnxseq import registry
from onnxseq.errors import place, text
from onnxseq.layers.base import Layer, has_argument, to_list


class _Written:
    """Mixes into a written function the live one, so that a config that never left the process can be read."""

    function = None

    @classmethod
    def of(cls, value, function):
        written = cls(value)
        written.function = function
        return written


class _WrittenName(_Written, str):
    """The name of a function."""


class _WrittenCode(_Written, list):
    """A function without a name, as Keras writes it: its code, defaults and closure. Never run again by us."""


def written_code(value, function):
    """Return what a config holds for a function without a name, with the function itself in it."""
    return _WrittenCode.of(value, function)


@registry.register("layer")
class Lambda(Layer):
    """Applies a function of the user's, written in ``K``, to the input.

    Arguments:
        function: takes the input (and ``mask``, where it has an argument of this name) and returns the output.
        mask: the output's mask: a function of input and mask, or a tensor.
        arguments: further keyword arguments of the function, a dictionary.
        output_shape: accepted for old code and not needed: the shape follows from the function.

    A config holds the function by name. A function without a name, a ``lambda``, is written as code, which is
    never run on reading: to read such a config, pass the function in ``custom_objects`` under the name of the
    layer.
    """

    def __init__(self, function, mask=None, arguments=None, **kwargs):
        kwargs.pop("output_shape", None)
        super().__init__(**kwargs)
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None

    def call(self, inputs, mask=None):
        if not callable(self.function):
            raise TypeError(text(self._who, f"function={self.function!r}", "a function"))
        arguments = dict(self.arguments)
        if _takes_mask(self.function):
            arguments["mask"] = mask
        return self.function(inputs, **arguments)

    def _compute_output_shape(self, input_shape):
        # Only the function knows: it is recorded on a tensor that nothing else uses.
        many = isinstance(input_shape, list)
        tensors = [K.placeholder(shape, dtype=self.dtype) for shape in (input_shape if many else [input_shape])]
        outputs = self.call(tensors if many else tensors[0])
        shapes = [K.int_shape(tensor) for tensor in to_list(outputs)]
        return shapes if isinstance(outputs, list | tuple) else shapes[0]

    def compute_mask(self, inputs, mask=None):
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        name = getattr(self.function, "__name__", type(self.function).__name__)
        if name == "<lambda>":
            function, function_type = _WrittenCode.of(_code_of(self.function), self.function), "lambda"
        else:
            function, function_type = _WrittenName.of(name, self.function), "function"
        return {
            **super().get_config(),
            "function": function,
            "function_type": function_type,
            "arguments": {name: _written_argument(value) for name, value in self.arguments.items()},
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Return a layer made from what ``get_config`` returned.

        Arguments:
            config: the dictionary.
            custom_objects: functions by name; one without a name goes by that of the layer.

        Raises:
            ValueError: where the function is not known, or is code.
            TypeError: for an unknown ``function_type``.
        """
        config = dict(config)
        function, function_type = config.pop("function"), config.pop("function_type", "function")
        for key in ("output_shape", "output_shape_type"):  # written by Keras, and not needed
            config.pop(key, None)
        who = f"{cls.__name__} {config.get('name')!r}"
        if function_type not in ("function", "lambda"):
            raise TypeError(text(who, f"function_type={function_type!r}", "'function' or 'lambda'"))
        config["function"] = _read_function(who, config.get("name"), function, function_type, custom_objects)
        config["arguments"] = {
            name: _read_argument(value) for name, value in (config.get("arguments") or {}).items()
        }  # fmt: skip
        return cls(**config)


def _read_function(who, layer_name, function, function_type, custom_objects):
    if isinstance(function, _Written):
        return function.function
    replacement = registry.find(layer_name, None, custom_objects)
    if replacement is not None:
        return replacement
    if function_type == "lambda":
        raise ValueError(
            text(who, "the config holds its function as bytecode, which is never run",
                 "the function itself", f"Pass custom_objects={{{layer_name!r}: function}}.")
        )  # fmt: skip
    with place(who):
        return configuration.deserialize_from(function, registry.table("activation"), custom_objects, "function")


def _takes_mask(function):
    try:
        return has_argument(function, "mask")
    except ValueError:  # some builtins have no signature
        return False


def _code_of(function):
    closure = tuple(cell.cell_contents for cell in function.__closure__) if function.__closure__ else None
    return [marshal.dumps(function.__code__).decode("raw_unicode_escape"), function.__defaults__, closure]


def _written_argument(value):
    return {"type": "ndarray", "value": value.tolist()} if isinstance(value, np.ndarray) else value


def _read_argument(value):
    if isinstance(value, dict) and value.get("type") == "ndarray":
        return np.array(value["value"])
    return value
