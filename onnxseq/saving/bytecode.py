"""Functions that a file holds as bytecode, made to run: only for callers who asked by ``safe_mode=False``.

Keras writes a function without a name as the code of the Python that ran it. Such code can do whatever its caller can
do, and runs on that version of Python alone. This is the one module of the library that reads it.
"""

import base64
import binascii
import dis
import marshal
import sys
import types

import numpy as np

from onnxseq import backend as K
from onnxseq.errors import text
from onnxseq.layers.lambdas import written_code

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The version whose bytecode runs here."""


def revive(who, config, custom_objects):
    """Return a configuration in which functions as bytecode are functions.

    Raises:
        ValueError: The code is of another version of Python, or is none.
    """
    if isinstance(config, list):
        return [revive(who, item, custom_objects) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: revive(who, item, custom_objects) for key, item in config.items()}
    if found.get("function_type") == "lambda":
        place = f"{who}: layer {found.get('name')!r}"
        found["function"] = written_code(found["function"], _function(place, found.get("function"), custom_objects))
    return found


def _function(who, written, custom_objects):
    if not isinstance(written, list) or len(written) != 3 or not isinstance(written[0], str):
        raise ValueError(text(who, "its function is written in an unknown way", "[code, defaults, closure]"))
    content, defaults, closure = written
    code = _code(who, content)
    if len(code.co_freevars) != len(closure or []):
        raise ValueError(text(who, f"{len(closure or [])} values for the names {code.co_freevars}", "one for each"))
    known = {"K": K, "np": np, "numpy": np, "__builtins__": __builtins__, **custom_objects}
    cells = tuple(types.CellType(value) for value in closure) if closure else None
    return types.FunctionType(code, known, code.co_name, tuple(defaults) if defaults else None, cells)


def _code(who, content):
    for decode in (_base64, lambda value: value.encode("raw_unicode_escape")):
        try:
            code = marshal.loads(decode(content))
        except (ValueError, EOFError, TypeError, binascii.Error, UnicodeError):
            continue
        if isinstance(code, types.CodeType) and _runs_here(code):
            return code
    raise ValueError(
        text(who, "its function is bytecode that this version of Python does not run", f"that of Python {PYTHON}",
             "Pass the function itself in custom_objects, under the layer's name.")
    )  # fmt: skip


def _base64(content):
    return base64.b64decode("".join(content.split()), validate=True)


def _runs_here(code):
    """Tell whether code is made of this version's instructions; that of another could bring the process down."""
    instructions = list(dis.get_instructions(code))
    if not any(each.opname == "RESUME" for each in instructions[: 2 + len(code.co_cellvars)]):
        return False
    return all(not each.opname.startswith("<") for each in instructions) and all(
        _runs_here(each) for each in code.co_consts if isinstance(each, types.CodeType)
    )
