"""Family `page_configs`: get_config, from_config, to_json, to_yaml and summary with all their arguments."""

import json
import sys

import numpy as np

from ..case import EXACT, FORWARD, as_text, case
from .helpers import normal, sequential
from .page_methods import plain
from .page_properties import mixed, told


@case("page_configs/get_config", EXACT)
def get_config(keras, random):
    """A list, one entry a layer, of class and config; a copy that changes nothing."""
    model = mixed(keras, random)
    config = model.get_config()
    config[0]["config"]["units"] = 99
    return {
        "kind": type(config).__name__,
        "classes": as_text([entry["class_name"] for entry in config]),
        "keys": as_text([sorted(entry) for entry in config]),
        "kept": model.get_config()[0]["config"]["units"],
        "empty": as_text(keras.models.Sequential().get_config()),
    }


@case("page_configs/from_config", EXACT)
def from_config(keras, random):
    """The same layers under the same names, fresh weights, nothing compiled."""
    model = mixed(keras, random)
    model.compile("sgd", "mse")
    again = keras.models.Sequential.from_config(model.get_config())
    x, y = normal(random, 4, 4), np.zeros((4, 3), "float32")
    return {
        "names": as_text([[layer.name for layer in each.layers] for each in (model, again)]),
        "kind": type(again).__name__,
        "other": again is model,
        "shapes": as_text([again.input_shape, again.output_shape, again.count_params()]),
        "equal": as_text(again.get_config()) == as_text(model.get_config()),
        "fit": told(again.fit, x, y, verbose=0),
    }


@case("page_configs/from_config_custom_objects", FORWARD)
def from_config_custom_objects(keras, random):
    """Found by the argument, not without it."""
    L, Sequential = keras.layers, keras.models.Sequential

    class Doubled(L.Layer):
        def call(self, inputs):
            return inputs * 2.0

    model = sequential(keras, [Doubled(input_shape=(3,))])
    again = Sequential.from_config(model.get_config(), custom_objects={"Doubled": Doubled})
    return {
        "output": again.predict(np.ones((2, 3), "float32")),
        "without": told(lambda: Sequential.from_config(model.get_config()) is None),
        "by_position": told(lambda: len(Sequential.from_config(model.get_config(), {"Doubled": Doubled}).layers)),
    }


@case("page_configs/from_config_wrong", EXACT)
def from_config_wrong(keras, random):
    Sequential = keras.models.Sequential
    return {
        "empty": told(lambda: len(Sequential.from_config([]).layers)),
        "nothing": told(Sequential.from_config, None),
        "no_class": told(Sequential.from_config, [{"config": {}}]),
        "argument": told(Sequential.from_config, [{"class_name": "Dense", "config": {"number": 3}}]),
    }


@case("page_configs/to_json", EXACT)
def to_json(keras, random):
    """A string; what it says; keyword arguments are json.dumps's own."""
    model = plain(keras, random)
    text = model.to_json()
    return {
        "kind": isinstance(text, str),
        "classes": as_text([json.loads(text)["class_name"], json.loads(text)["keras_version"]]),
        "keys": as_text(sorted(json.loads(text))),
        "indent": model.to_json(indent=2, sort_keys=True),
        "separators": model.to_json(sort_keys=True, separators=(",", ":")),
        "unknown": told(model.to_json, none_such=3),
    }


@case("page_configs/to_json_and_back", FORWARD)
def to_json_and_back(keras, random):
    model = plain(keras, random)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    x = normal(random, 3, 4)
    return {"model": model.predict(x), "again": again.predict(x), "name": as_text(again.layers[0].name)}


@case("page_configs/to_yaml", EXACT)
def to_yaml(keras, random):
    """A string that says what the JSON says; keyword arguments are yaml.dump's own."""
    model = plain(keras, random)
    text = model.to_yaml()
    wide = model.to_yaml(default_flow_style=False, width=200)
    again = keras.models.model_from_yaml(wide)
    return {
        "kind": isinstance(text, str),
        "lines": bool(len(wide.split("\n")) > 10),
        "again": as_text(again.get_config()) == as_text(model.get_config()),
        "unknown": told(model.to_yaml, none_such=3),
    }


@case("page_configs/to_yaml_without_yaml", EXACT)
def to_yaml_without_yaml(keras, random):
    """Where no module holds yaml, as if it were not installed."""
    model = plain(keras, random)
    model.to_yaml()
    yaml = sys.modules["yaml"]
    holders = [module for module in list(sys.modules.values()) if vars(module).get("yaml") is yaml]
    for module in holders:
        module.yaml = None
    try:
        raised = told(model.to_yaml)
    finally:
        for module in holders:
            module.yaml = yaml
    return {"raises": raised, "afterwards": isinstance(model.to_yaml(), str)}


@case("page_configs/to_yaml_and_back", FORWARD)
def to_yaml_and_back(keras, random):
    model = plain(keras, random)
    again = keras.models.model_from_yaml(model.to_yaml(), custom_objects={})
    again.set_weights(model.get_weights())
    x = normal(random, 3, 4)
    return {"model": model.predict(x), "again": again.predict(x)}


def _lines(model, **options):
    lines = []
    returned = model.summary(print_fn=lines.append, **options)
    return lines, returned


@case("page_configs/summary_print_fn", EXACT)
def summary_print_fn(keras, random):
    """Called once a line, each a string; nothing is returned."""
    lines, returned = _lines(mixed(keras, random))
    return {
        "lines": "\n".join(lines),
        "calls": len(lines),
        "returned": as_text(returned),
        "kinds": as_text(sorted({type(line).__name__ for line in lines})),
    }


@case("page_configs/summary_line_length", EXACT)
def summary_line_length(keras, random):
    model = mixed(keras, random)
    return {str(length): "\n".join(_lines(model, line_length=length)[0]) for length in (65, 30, 120)}


@case("page_configs/summary_positions", EXACT)
def summary_positions(keras, random):
    """Shares of the line, or columns."""
    model = mixed(keras, random)
    return {
        "shares": "\n".join(_lines(model, positions=[0.4, 0.8, 1.0])[0]),
        "columns": "\n".join(_lines(model, line_length=70, positions=[25, 55, 70])[0]),
        "default": "\n".join(_lines(model, line_length=80, positions=[0.33, 0.55, 0.67, 1.0])[0]),
    }


@case("page_configs/summary_frozen", EXACT)
def summary_frozen(keras, random):
    """The totals of what is trained and what is not."""
    model = mixed(keras, random)
    model.layers[0].trainable = False
    one = "\n".join(_lines(model)[0])
    model.trainable = False
    return {"one": one, "all": "\n".join(_lines(model)[0])}


@case("page_configs/summary_by_position", EXACT)
def summary_by_position(keras, random):
    lines = []
    plain(keras, random).summary(50, None, lines.append)
    return {"lines": "\n".join(lines)}
