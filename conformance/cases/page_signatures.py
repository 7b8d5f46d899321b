"""Family `page_signatures`: the arguments of each method of the Sequential page, in order, with defaults."""

import inspect
import json
import os

from ..case import EXACT, as_text, register

SURFACE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "page_surface.json")


def surface():
    """{"properties": names, "methods": {name: {"arguments": [name] or [name, default], "rest": catch-alls}}}."""
    with open(SURFACE) as file:
        return json.load(file)


def _signature(method, documented):
    """What is written of the documented arguments: each at its place, and its default where one is documented."""

    def function(keras, random):
        parameters = list(inspect.signature(getattr(keras.models.Sequential, method)).parameters.values())
        named = [each for each in parameters if each.name != "self" and each.kind == each.POSITIONAL_OR_KEYWORD]
        found = []
        for place, argument in enumerate(documented["arguments"]):
            each = named[place] if place < len(named) else None
            has_default = each is not None and each.default is not each.empty
            shown = [each.default] if has_default and len(argument) > 1 else []
            found.append([None if each is None else each.name] + shown)
        kinds = [each.kind for each in parameters]
        rest = [kind in kinds for kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)]
        return {"arguments": as_text(found), "rest": as_text(rest if documented["rest"] else [])}

    return function


for _method, _documented in sorted(surface()["methods"].items()):
    register("page_signatures/" + _method, _signature(_method, _documented), EXACT)
