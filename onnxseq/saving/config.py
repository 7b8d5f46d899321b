"""A model's configuration as text, and back.

Nothing in the text is trusted: JSON and YAML become plain data only, and classes come from the closed registry and
the caller's `custom_objects`. Keras wrote YAML with tags that name Python objects; the few that stand for plain data
(tuples, strings, NumPy numbers) are read as that data and every other one is an error.
"""

import json

import numpy as np

from onnxseq import config as configs
from onnxseq.errors import describe, text
from onnxseq.saving.legacy import upgrade
from onnxseq.saving.safety import Check, read_json

try:
    import yaml
except ImportError:
    yaml = None

KERAS_VERSION = "2.0.8-tf"
"""The release whose configurations these are; readers decide by it how to take them."""

WEIGHT_LAYOUT = "tensorflow"
"""The backend whose layout of kernels the weights follow; readers of other backends turn kernels around by it."""


def model_config(model):
    """Return a model's class and configuration, with the versions that readers ask for."""
    return {
        "class_name": type(model).__name__,
        "config": model.get_config(),
        "keras_version": KERAS_VERSION,
        "backend": WEIGHT_LAYOUT,
    }


def to_json(model, **kwargs):
    """Return a model's configuration as JSON.

    Arguments:
        model: The model.
        **kwargs: For json.dumps.
    """
    kwargs.setdefault("default", _plain)
    return json.dumps(model_config(model), **kwargs)


def to_yaml(model, **kwargs):
    """Return a model's configuration as YAML, without any tag that only Python reads.

    Arguments:
        model: The model.
        **kwargs: For yaml.dump.

    Raises:
        ImportError: PyYAML is not installed.
    """
    _require_yaml("to_yaml")
    # What JSON can hold, YAML can hold without tags.
    plain = json.loads(json.dumps(model_config(model), default=_plain))
    kwargs.setdefault("default_flow_style", False)
    return yaml.safe_dump(plain, **kwargs)


def model_from_config(config, custom_objects=None):
    """Return a model, not compiled, from its class and configuration.

    Arguments:
        config: A dict with 'class_name' and 'config'.
        custom_objects: Classes and functions that it names, by name.

    Raises:
        TypeError: A list, which is the configuration that Sequential.from_config takes.
        ValueError: It names something unknown.
    """
    if not isinstance(config, dict):
        raise TypeError(
            text(
                "model_from_config",
                f"config is {describe(config)}",
                "a dict with 'class_name' and 'config'",
                "Use Sequential.from_config for a list of layers." if isinstance(config, list) else "",
            )
        )
    return configs.deserialize("layer", config, custom_objects=custom_objects)


def _checked(who, config, custom_objects):
    """Return the model of a configuration that came as text, of whatever version, after all checks."""
    if isinstance(config, dict):
        config = upgrade.model(who, config, custom_objects)
        Check(who, custom_objects).model(config)
    return model_from_config(config, custom_objects)


def model_from_json(json_string, custom_objects=None):
    """Return a model, not compiled, from what `to_json` wrote.

    Raises:
        ValueError: The text is no JSON, or it names something unknown.
        TypeError: The text holds no dict.
    """
    return _checked("model_from_json", read_json("model_from_json", json_string, "the text"), custom_objects)


def model_from_yaml(yaml_string, custom_objects=None):
    """Return a model, not compiled, from what `to_yaml`, ours or that of Keras, wrote.

    Raises:
        ImportError: PyYAML is not installed.
        ValueError: The text is no YAML, holds a tag other than those of plain data, or names something unknown.
        TypeError: The text holds no dict.
    """
    _require_yaml("model_from_yaml")
    try:
        configuration = yaml.load(yaml_string, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        raise ValueError(
            text(
                "model_from_yaml",
                _yaml_problem(error),
                "YAML of plain data",
                "Text that makes other Python objects is refused, as reading it could run any code.",
            )
        ) from error
    return _checked("model_from_yaml", configuration, custom_objects)


def _yaml_problem(error):
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"{error.problem}, in line {mark.line + 1}"


def _require_yaml(who):
    if yaml is None:
        raise ImportError(f"{who}: PyYAML is not installed; expected the module 'yaml'. Run: pip install pyyaml")


def _plain(value):
    """Return what JSON writes for objects that it does not know: NumPy numbers, arrays, functions and classes."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if hasattr(value, "__name__"):
        return value.__name__
    raise TypeError(
        text(
            "to_json",
            f"a configuration holds {describe(value)}",
            "numbers, strings, lists, dicts, functions or classes",
        )
    )


if yaml is not None:
    _PYTHON = "tag:yaml.org,2002:python/"

    class _PlainLoader(yaml.SafeLoader):
        """Reads plain data, and the tags that Keras's files hold for plain data."""

    def _tuple(loader, node):
        return tuple(loader.construct_sequence(node, deep=True))

    def _numpy_dtype(loader, node):
        values = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else {}
        arguments = values.get("args") or (loader.construct_sequence(node, deep=True) if not values else [])
        try:
            dtype = np.dtype(arguments[0])
        except (IndexError, TypeError) as error:
            raise yaml.constructor.ConstructorError(None, None, f"no dtype: {arguments!r}", node.start_mark) from error
        state = values.get("state") or ()
        order = state[1] if len(state) > 1 and state[1] in ("<", ">") else "="
        return dtype.newbyteorder(order)

    def _numpy_scalar(loader, node):
        arguments = loader.construct_sequence(node, deep=True)
        if len(arguments) == 2 and isinstance(arguments[0], np.dtype) and isinstance(arguments[1], bytes):
            dtype, content = arguments
            if dtype.kind in "biuf" and len(content) == dtype.itemsize:
                return np.frombuffer(content, dtype)[0].item()
        raise yaml.constructor.ConstructorError(None, None, f"no number: {arguments!r}", node.start_mark)

    _PlainLoader.add_constructor(_PYTHON + "tuple", _tuple)
    _PlainLoader.add_constructor(_PYTHON + "list", yaml.SafeLoader.construct_yaml_seq)
    _PlainLoader.add_constructor(_PYTHON + "dict", yaml.SafeLoader.construct_yaml_map)
    for _name, _construct in (
        ("str", yaml.SafeLoader.construct_yaml_str),
        ("unicode", yaml.SafeLoader.construct_yaml_str),
        ("none", yaml.SafeLoader.construct_yaml_null),
        ("bool", yaml.SafeLoader.construct_yaml_bool),
        ("int", yaml.SafeLoader.construct_yaml_int),
        ("long", yaml.SafeLoader.construct_yaml_int),
        ("float", yaml.SafeLoader.construct_yaml_float),
    ):
        _PlainLoader.add_constructor(_PYTHON + _name, _construct)
    for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        _PlainLoader.add_constructor(f"{_PYTHON}object/apply:{_module}.scalar", _numpy_scalar)
    _PlainLoader.add_constructor(_PYTHON + "object/apply:numpy.dtype", _numpy_dtype)
