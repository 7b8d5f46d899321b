"""A model's configuration as text, and back.

Nothing in the text is trusted: JSON and YAML become plain data only, and classes come from the closed registry and
the caller's `custom_objects`. Keras wrote YAML with tags that name Python objects; the few that stand for plain data
(tuples, strings, NumPy numbers) are read as that data and every other one is an error.
"""

import json

import numpy as np

from onnxseq import config as configs
from onnxseq.errors import describe, place, text
from onnxseq.layers.planned import values_up_to
from onnxseq.saving.legacy import upgrade
from onnxseq.saving.safety import MAX_VALUES, Check, check_depth, only_documented, read_json

try:
    import yaml
except ImportError:
    yaml = None

KERAS_VERSION = "2.0.8-tf"
"""The release whose configurations these are; readers decide by it how to take them."""

MAX_YAML = 1 << 21
"""Characters of a text in YAML, which takes a second for each million of them."""

MAX_WEIGHTS = 1 << 28
"""Numbers that the weights of a model from a text may take: one gigabyte."""

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
        ValueError: It names something unknown, or cannot be followed.
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
    with only_documented("model_from_config"):
        return configs.deserialize("layer", config, custom_objects=custom_objects)


def _checked(who, config, custom_objects):
    """Return the model of a configuration that came as text, of whatever version, after all checks."""
    if not isinstance(config, dict):
        return model_from_config(config, custom_objects)
    config = upgrade.model(who, config, custom_objects)
    Check(who, custom_objects).model(config)
    by_hand = "Where you trust it, pass what json.loads() returns to model_from_config()."
    with values_up_to(MAX_WEIGHTS, by_hand), place(who), only_documented(who):
        return configs.deserialize("layer", config, custom_objects=custom_objects)


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
    if hasattr(yaml_string, "read"):
        yaml_string = yaml_string.read(MAX_YAML + 1)
    if not isinstance(yaml_string, str | bytes):
        raise ValueError(text("model_from_yaml", f"yaml_string is {describe(yaml_string)}", "a text in YAML"))
    if len(yaml_string) > MAX_YAML:
        raise ValueError(text("model_from_yaml", f"a text of {len(yaml_string)} characters", f"up to {MAX_YAML}"))
    try:
        configuration = _read_yaml(yaml_string)
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


def _read_yaml(yaml_string):
    """Return the plain data of a text in YAML.

    In YAML a value can be given a name and be put at many places, so that a few lines stand for more than any memory
    holds; that is counted before anything is made of them.
    """
    who = "model_from_yaml"
    try:
        loader = _PlainLoader(yaml_string)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count_nodes(node, {})
            found = _data_of(loader, node)
        finally:
            loader.dispose()
    except RecursionError as error:
        raise ValueError(text(who, "the text is nested too deeply", "what to_yaml() writes")) from error
    check_depth(who, found, "the text")
    return found


def _data_of(loader, node):
    try:
        return loader.construct_document(node)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise ValueError(
            text("model_from_yaml", f"a value that cannot be read ({error})", "YAML of plain data")
        ) from error


def _count_nodes(node, known):
    """Return how many values a node stands for, those of repeated nodes each time."""
    count = known.get(node, 1)
    if count is None:
        raise ValueError(text("model_from_yaml", "a value that holds itself", "YAML of plain data"))
    if node in known or isinstance(node, yaml.ScalarNode):
        return count
    known[node] = None
    for item in node.value:
        count += sum(_count_nodes(inner, known) for inner in (item if isinstance(item, tuple) else (item,)))
    if count > MAX_VALUES:
        raise ValueError(text("model_from_yaml", f"a text that stands for more than {MAX_VALUES} values", "fewer"))
    known[node] = count
    return count


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
