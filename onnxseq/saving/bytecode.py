"""Functions that a file holds as bytecode, made to run: only for callers who asked by ``safe_mode=False``.

Keras writes a function without a name as the code of the Python that ran it. Such code can do whatever its caller can
do, and runs on that version of Python alone: the file must come from the same minor version as runs here (3.13 is not
3.12). It does not say from which, so what can be told from the code is an error: no code in the form of this version,
instructions that it does not have, or that do not fit what the code holds. What passes is run, with a warning.
This is the one module of the library that reads it.
"""

import base64
import binascii
import dis
import marshal
import struct
import sys
import types
import warnings

import numpy as np

from onnxseq import backend as K
from onnxseq import registry
from onnxseq.errors import text
from onnxseq.layers.lambdas import written_code

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The version whose bytecode runs here."""

_LAST = ("RETURN_VALUE", "RETURN_CONST", "RERAISE", "RAISE_VARARGS", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT",
         "JUMP_FORWARD")
"""Instructions that code ends in."""


def revive(who, config, custom_objects):
    """Return a configuration in which functions as bytecode are functions; warn of each.

    The code must be of this minor version of Python. A function in `custom_objects` under the layer's name stands for
    it, and then it is not read.

    Raises:
        ValueError: The code is of another version of Python, or is none.
    """
    if isinstance(config, list):
        return [revive(who, item, custom_objects) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: revive(who, item, custom_objects) for key, item in config.items()}
    if found.get("function_type") == "lambda" and not _has_replacement(found, custom_objects):
        place = f"{who}: layer {found.get('name')!r}"
        found["function"] = written_code(found.get("function"), _function(place, found.get("function"), custom_objects))
        warnings.warn(
            f"{place}: code of the file runs as its function, as safe_mode=False allows. It can do whatever you "
            f"can, and is right only if Python {PYTHON} wrote it.",
            stacklevel=2,
        )
    return found


def _has_replacement(arguments, custom_objects):
    name = arguments.get("name")
    return isinstance(name, str) and registry.find(name, None, custom_objects) is not None


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
    try:
        instructions = list(dis.get_instructions(code))
    except (LookupError, ValueError, TypeError, struct.error):  # it names constants or variables that it does not hold
        return False
    if not any(each.opname == "RESUME" for each in instructions[: 2 + len(code.co_cellvars)]):
        return False
    if instructions[-1].opname not in _LAST:
        return False
    # Where an instruction keeps room behind it for another version, that room reads as instructions CACHE.
    if any(each.opname.startswith("<") or each.opname == "CACHE" for each in instructions):
        return False
    starts = {each.offset for each in instructions}
    if any(each.opcode in dis.hasjrel and each.argval not in starts for each in instructions):
        return False
    return all(_runs_here(each) for each in code.co_consts if isinstance(each, types.CodeType))
