"""Packages that only some functions need: imported when first used, and asked for in one sentence where missing."""

import functools
import importlib

from onnxseq.errors import text


class Package:
    """A module of an optional package, which is imported when one of its names is first asked for.

    Arguments:
        module: Dotted name of the module.
        extra: The extra of this package that installs it.
        who: Whoever needs it, for messages.

    Raises:
        ImportError: On first use, where it is not installed.
    """

    def __init__(self, module, extra, who):
        self._module = module
        self._extra = extra
        self._who = who

    def __getattr__(self, name):
        if name.startswith("__"):  # what copying and inspection look for is no name of the package
            raise AttributeError(name)
        return getattr(self._loaded, name)

    @functools.cached_property
    def _loaded(self):
        try:
            return importlib.import_module(self._module)
        except ImportError as error:
            raise ImportError(
                text(self._who, f"the module {self._module!r} cannot be imported ({error})",
                     f"what the extra {self._extra!r} installs", f'Run: pip install "onnxseq[{self._extra}]"')
            ) from error  # fmt: skip
