"""The checks that a configuration from a file passes before anything is made of it.

1. Text: no longer than ``MAX_TEXT``, of no more than ``MAX_VALUES`` values, and no deeper than ``MAX_DEPTH``.
2. Classes: in the registry or the caller's own objects; ``module`` keys, which would name code to import, are refused.
3. Code: bytecode of functions is refused wherever it stands, unless the caller gave leave or the function itself.
4. Layers: up to ``MAX_LAYERS``, called up to ``MAX_CALLS`` times, where a model called within another one counts as
   all that it holds; names are texts, no paths, and differ within a model; sizes are numbers up to ``MAX_SIZE``.
5. Connections: nodes lead from layers that are there, in no circle.

How large weights may be follows from what the file holds of them: see ``layers.planned``.
"""

import contextlib
import json

from onnxseq import registry
from onnxseq.errors import describe, suggestion, text
from onnxseq.network import Network

MAX_TEXT = 1 << 23
"""Bytes of a configuration: the largest of well-known models take one million."""

MAX_VALUES = 1_000_000
"""Values in a configuration, lists and dicts included."""

MAX_TRAINING = 10_000
"""Values in the configuration of training."""

MAX_DEPTH = 100
"""Lists and dicts within each other in a configuration."""

MAX_LAYERS = 5_000
"""Layers of a model, those of nested models included."""

MAX_CALLS = 50_000
"""Calls of layers that making a model takes: few lines, models within models, can ask for any number of them."""

MAX_SIZE = (1 << 31) - 1
"""The largest number of units, filters, steps, …"""

MAX_NAME = 1000
MAX_AXES = 32

SIZES = frozenset((
    "units", "filters", "kernel_size", "strides", "dilation_rate", "pool_size", "size", "padding", "cropping", "n",
    "input_dim", "output_dim", "input_length", "input_shape", "batch_input_shape", "batch_shape", "target_shape",
    "dims", "axis", "batch_size", "depth_multiplier",
))  # fmt: skip
"""Arguments of layers that are whole numbers, or lists of these; None and, for ``padding``, words stand there too."""

_KINDS = {"initializer": "initializer", "regularizer": "regularizer", "constraint": "constraint"}
_CODE_KEYS = ("function_type", "output_shape_type", "mask_type")


def read_json(who, value, name):
    """Return what a text in JSON holds.

    Raises:
        ValueError: It is too long or too deep, or no JSON.
    """
    if not isinstance(value, str | bytes):
        raise ValueError(text(who, f"{name} holds {describe(value)}", "a text in JSON"))
    if len(value) > MAX_TEXT:
        raise ValueError(text(who, f"{name} of {len(value)} characters", f"up to {MAX_TEXT}"))
    try:
        found = json.loads(value)
    except RecursionError as error:
        raise ValueError(text(who, f"{name} is nested too deeply", f"up to {MAX_DEPTH} levels")) from error
    except ValueError as error:
        raise ValueError(text(who, f"{name} is no JSON ({error})", "a text in JSON")) from error
    check_depth(who, found, name)
    return found


@contextlib.contextmanager
def only_documented(who, *further):
    """Turn what a broken configuration may raise on its way through the library into ValueError."""
    try:
        yield
    except (
        LookupError, ArithmeticError, AssertionError, AttributeError, RecursionError, MemoryError, *further
    ) as error:  # fmt: skip
        raise ValueError(
            text(who, f"the configuration cannot be followed ({type(error).__name__}: {error})", "one from save()")
        ) from error


def check_depth(who, value, name, most=MAX_VALUES):
    """Refuse lists and dicts that are nested deeper than ``MAX_DEPTH`` or hold too much, and keys that are no texts."""
    level, count = [value], 0
    for _ in range(MAX_DEPTH):
        inner = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
                odd = next((key for key in item if not isinstance(key, str)), None)
                if odd is not None:
                    raise ValueError(text(who, f"{name} has the key {describe(odd)}", "texts as keys"))
            elif isinstance(item, list | tuple):
                inner.extend(item)
            count += len(item) if isinstance(item, dict | list | tuple) else 0
            if count > most:
                raise ValueError(text(who, f"{name} of more than {most} values", "fewer"))
        level = [item for item in inner if isinstance(item, dict | list | tuple)]
        if not level:
            return
    raise ValueError(text(who, f"{name} is nested too deeply", f"up to {MAX_DEPTH} levels"))


class Check:
    """Checks the configuration of a model, in the form that r1.4 has.

    Arguments:
        who: Whoever asked, for messages.
        custom_objects: The caller's own classes and functions, by name.
        allow_code: Whether functions as bytecode are let through.
    """

    def __init__(self, who, custom_objects=None, allow_code=False):
        self._who = who
        self._custom = custom_objects or {}
        self._allow_code = allow_code
        self._num_layers = 0
        self._num_calls = 0

    def model(self, config):
        """Check a whole model; ValueError where something is wrong with it."""
        check_depth(self._who, config, "the configuration")
        self._layer(config, "the model")

    def objects(self, config, name):
        """Check what training or a layer names: losses, metrics, an optimizer."""
        check_depth(self._who, config, name, MAX_TRAINING)
        self._nested(config, name, "")

    def _fault(self, place, arrived, expected, action=""):
        return ValueError(text(f"{self._who}: {place}", arrived, expected, action))

    def _layer(self, config, place):
        """Check a layer; return how many calls of layers one call of it takes."""
        self._num_layers += 1
        if self._num_layers > MAX_LAYERS:
            raise ValueError(text(self._who, f"a model of more than {MAX_LAYERS} layers", "fewer"))
        if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
            raise self._fault(place, describe(config), "a dict with 'class_name' and 'config'")
        arguments = config["config"]
        place = _place(config, place)
        thing = self._known(config, "layer", place)
        if isinstance(arguments, list):
            num_calls = self._stack(arguments, place)
        elif not isinstance(arguments, dict):
            raise self._fault(place, f"its config is {describe(arguments)}", "a dict")
        elif isinstance(arguments.get("layers"), list) and isinstance(thing, type) and issubclass(thing, Network):
            num_calls = self._graph(arguments, place)
        else:
            # A wrapper may call its layer more than once: for each direction, and for its shape.
            return 1 + 2 * self._arguments(arguments, place)
        self._num_calls += num_calls
        if self._num_calls > MAX_CALLS:
            raise self._fault(place, f"it calls layers more than {MAX_CALLS} times, those of models within it included",
                              "fewer")
        return num_calls

    def _known(self, config, kind, place):
        name = config["class_name"]
        if isinstance(name, str) and len(name) > MAX_NAME:
            raise self._fault(place, f"class_name is {describe(name)}", f"up to {MAX_NAME} characters")
        for key in ("module", "registered_name", "package"):
            if config.get(key) is not None:
                raise self._fault(place, f"the key {key!r} with {describe(config[key])}", "names of classes alone",
                                  "Code is never imported because a file says so. Pass classes in custom_objects.")
        if not isinstance(name, str):
            raise self._fault(place, f"class_name is {describe(name)}", "a text")
        if name.startswith("__"):
            raise self._fault(place, f"an object of class {name!r}, which stands for code", "data",
                              "Pass the function in custom_objects.")
        thing = registry.lookup(kind, name, self._custom)
        if thing is None and kind == "optimizer":
            thing = registry.lookup(kind, name.lower(), self._custom)
        if thing is None:
            near = suggestion(name, [*registry.names(kind), *self._custom, *registry.get_custom_objects()])
            raise self._fault(place, f"unknown {kind} {name!r}", f"{_a(kind)} that is known",
                              near or "Pass your own in custom_objects.")
        return thing

    def _stack(self, layers, place):
        self._names(layers, place)
        return sum(self._layer(layer, f"{place}, layer {index}") for index, layer in enumerate(layers))

    def _names(self, layers, place):
        seen = set()
        for index, layer in enumerate(layers):
            name = _name(layer)
            if name is None:
                continue
            self._name(name, f"{place}, layer {index}")
            if name in seen:
                raise self._fault(place, f"two layers are named {name!r}", "names that differ")
            seen.add(name)

    def _name(self, name, place):
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            raise self._fault(place, f"its name is {describe(name)}", f"a text of up to {MAX_NAME} characters")
        if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or not name.isprintable():
            raise self._fault(place, f"its name is {name!r}", "a name that is no path to elsewhere")

    def _graph(self, config, place):
        self._names(config["layers"], place)
        num_calls = 0
        for index, layer in enumerate(config["layers"]):
            if not isinstance(_name(layer), str):
                raise self._fault(place, f"layer {index} has no name", "a name for each layer")
            of_one = self._layer(layer, f"{place}, layer {index}")
            nodes = layer.get("inbound_nodes")
            if isinstance(nodes, list):
                # Merging many tensors takes as many steps.
                num_calls += of_one * sum(len(node) if isinstance(node, list) else 1 for node in nodes)
        Connections(self._who, place, config, self._custom).check()
        return num_calls

    def _arguments(self, arguments, place):
        """Check the arguments of a layer or another object; return the calls that layers in them take."""
        if "name" in arguments and arguments["name"] is not None:
            self._name(arguments["name"], place)
        if not self._allow_code and not self._has_replacement(arguments):
            for key in _CODE_KEYS:
                if arguments.get(key) in ("lambda", "raw_lambda"):
                    what = key.replace("_type", "")
                    raise self._fault(
                        place, f"its {what} is bytecode, which is not run", "the function itself",
                        f"Pass custom_objects={{{arguments.get('name')!r}: function}}; or safe_mode=False, which runs "
                        "the code of the file, if you would run the file as a program.",
                    )  # fmt: skip
        num_calls = 0
        for key, value in arguments.items():
            if key in SIZES:
                self._sizes(value, f"{place}: {key}", 0)
            elif isinstance(value, dict | list):
                num_calls += self._nested(value, f"{place}: {key}", key)
            elif isinstance(value, str):
                self._function(value, key, arguments, place)
        return num_calls

    def _function(self, name, key, arguments, place):
        """Check an argument that names a function or an object."""
        kind = "activation" if key.endswith("activation") else _kind(key)
        if key == "function" and arguments.get("function_type") == "function" and not self._has_replacement(arguments):
            kind = "activation"  # these, and the caller's own, are the functions of a Lambda that have a name
        if kind is not None and kind != "layer" and registry.lookup(kind, name, self._custom) is None:
            near = suggestion(name[:MAX_NAME], [*registry.names(kind), *self._custom, *registry.get_custom_objects()])
            raise self._fault(f"{place}: {key}", f"unknown {'function' if key == 'function' else kind} "
                              f"{describe(name)}", "the name of one that is known",
                              near or "Pass your own in custom_objects.")

    def _has_replacement(self, arguments):
        name = arguments.get("name")
        return isinstance(name, str) and registry.find(name, None, self._custom) is not None

    def _sizes(self, value, place, depth):
        if isinstance(value, list | tuple) and depth < 3 and len(value) <= MAX_AXES:
            for item in value:
                self._sizes(item, place, depth + 1)
        elif isinstance(value, bool) or not isinstance(value, int | str | None):
            raise self._fault(place, describe(value), "whole numbers")
        elif isinstance(value, int) and abs(value) > MAX_SIZE:
            raise self._fault(place, f"{value}", f"up to {MAX_SIZE}")

    def _nested(self, value, place, key):
        """Check a value in which objects may stand: initializers, wrapped layers, losses, …"""
        if isinstance(value, list):
            return sum(self._nested(item, place, key) for item in value if isinstance(item, dict | list))
        if "class_name" in value:
            return self._object(value, place, key)
        return sum(self._nested(item, f"{place}: {inner}", inner) for inner, item in value.items()
                   if isinstance(item, dict | list))

    def _object(self, config, place, key):
        kind = _kind(key)
        if kind == "layer":
            return self._layer(config, place)
        if kind is not None:
            self._known(config, kind, place)
            if not isinstance(config.get("config"), dict):
                raise self._fault(place, f"its config is {describe(config.get('config'))}", "a dict")
            return self._arguments(config["config"], place)
        found = self._any_kind(config["class_name"])
        if found == "layer":
            return self._layer(config, place)
        self._known(config, found, place)
        return self._nested({name: item for name, item in config.items() if name != "class_name"}, place, "")

    def _any_kind(self, name):
        """Return the kind of object that a name stands for; 'layer' where it stands for none."""
        kinds = [kind for kind in registry.KINDS
                 if isinstance(name, str) and registry.lookup(kind, name, self._custom) is not None]
        return kinds[0] if kinds else "layer"


def _kind(key):
    for ending, kind in _KINDS.items():
        if key.endswith(ending):
            return kind
    if key in ("layer", "layers", "cell", "cells") or key.endswith("_layer"):
        return "layer"
    return "optimizer" if key == "optimizer_config" else None


def _a(kind):
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _name(layer):
    if not isinstance(layer, dict):
        return None
    arguments = layer.get("config")
    inner = arguments.get("name") if isinstance(arguments, dict) else None
    return layer.get("name", inner)


def _place(config, place):
    name = _name(config)
    return f"layer {name!r}" if isinstance(name, str) else place


class Connections:
    """Checks how the layers of a graph are connected.

    Arguments:
        who, place: For messages.
        config: The configuration of the graph, its layers checked.
        custom_objects: The caller's own classes.
    """

    def __init__(self, who, place, config, custom_objects):
        self._who, self._place = who, place
        self._config = config
        # A nested network's own graph is its node 0; an input layer's is there without a call.
        self._first = {}
        self._calls = {}
        for layer in config["layers"]:
            thing = registry.lookup("layer", layer["class_name"], custom_objects)
            is_network = isinstance(thing, type) and issubclass(thing, Network)
            self._first[_name(layer)] = 1 if is_network else 0
            self._calls[_name(layer)] = layer.get("inbound_nodes", [])

    def check(self):
        """Raise ValueError where a node leads from nowhere or in a circle."""
        needs = {}
        for name, calls in self._calls.items():
            place = f"layer {name!r}"
            if not isinstance(calls, list):
                raise self._fault(place, f"inbound_nodes is {describe(calls)}", "a list")
            for number, call in enumerate(calls):
                if not isinstance(call, list) or not call:
                    raise self._fault(place, f"node {number} is {describe(call)}", "a list of inputs")
                node = (name, self._first[name] + number)
                needs[node] = [self._origin(entry, place, 4) for entry in call]
                if number:
                    needs[node].append((name, node[1] - 1))
        for key in ("input_layers", "output_layers"):
            ends = self._config.get(key)
            if not isinstance(ends, list) or not ends:
                raise self._fault(self._place, f"{key} is {describe(ends)}", "a list of ends of the graph")
            for entry in ends:
                self._origin(entry, f"{self._place}, {key}", 3)
        self._refuse_circles(needs)

    def _fault(self, place, arrived, expected):
        return ValueError(text(f"{self._who}: {place}", arrived, expected))

    def _origin(self, entry, place, most):
        """Return the node that an entry leads from."""
        if not isinstance(entry, list) or not 3 <= len(entry) <= most or (len(entry) == 4 and not
                                                                         isinstance(entry[3], dict)):
            raise self._fault(place, f"an input is {describe(entry)}", "[layer, node, tensor]")
        name, node, tensor = entry[:3]
        if not isinstance(name, str) or name not in self._calls:
            raise self._fault(place, f"an input comes from layer {describe(name)}", "a layer of the model")
        for number in (node, tensor):
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_LAYERS:
                raise self._fault(place, f"an input is {describe(entry)}", "[layer, node, tensor] with indices")
        last = self._first[name] + max(len(self._calls[name]), 1 - self._first[name]) - 1
        if node > last:
            raise self._fault(place, f"an input comes from node {node} of layer {name!r}", f"a node up to {last}")
        return name, node

    def _refuse_circles(self, needs):
        waiting = {node: len(origins) for node, origins in needs.items()}
        users = {}
        for node, origins in needs.items():
            for origin in origins:
                users.setdefault(origin, []).append(node)
        ready = [node for node in users if node not in needs]
        while ready:
            for user in users.get(ready.pop(), ()):
                waiting[user] -= 1
                if not waiting[user]:
                    ready.append(user)
        stuck = sorted({name for (name, _), count in waiting.items() if count})
        if stuck:
            raise self._fault(self._place, f"the inputs of {', '.join(map(repr, stuck[:5]))} are never made",
                              "a graph without circles")
