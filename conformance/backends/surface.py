"""A backend's modules as the cases see them: a name that a module lacks makes the case absent, not failed."""

import types

from ..case import Absent


class Surface(object):
    """A module whose names, and those of its submodules, are forwarded; `replaced` gives others in their place.

    Arguments:
        module: The backend's own module.
        replaced: What stands at a dotted path instead, such as {"layers.Dense": adapted}; None makes the path absent.
        path: The module's own dotted path below `keras`.
    """

    def __init__(self, module, replaced=None, path=""):
        self._module, self._replaced, self._path = module, replaced or {}, path

    def __getattr__(self, name):
        path = self._path + name
        if path in self._replaced:
            value = self._replaced[path]
        elif any(known.startswith(path + ".") for known in self._replaced) and not hasattr(self._module, name):
            value = types.ModuleType(path)
        else:
            value = getattr(self._module, name, None)
        if value is None:
            raise Absent(path)
        if isinstance(value, (types.ModuleType, Surface)):
            return Surface(value, self._replaced, path + ".")
        return value
