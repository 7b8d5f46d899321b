"""What a case is: a function of `keras` and a seeded NumPy RandomState, and the tolerances that its fields are held to.

A case returns a dictionary. Its values are arrays or numbers, texts (a string, or anything that JSON can hold, given
through `as_text`), or what `outcome_of` says of a call that should raise. It asks for nothing but NumPy and the `keras`
that it is given.
"""

import collections
import fnmatch
import json
import zlib

import numpy as np

CASES = collections.OrderedDict()

# The one field of a case that gave no results: a traceback, or what the backend lacks.
FAILED = "failed"
ABSENT = "absent"

Case = collections.namedtuple("Case", "name function tolerances")


class Tolerance(collections.namedtuple("Tolerance", "relative absolute reason")):
    """|measured - recorded| <= absolute + relative * |recorded|, and why no tighter bound is asked for."""


EXACT = Tolerance(0.0, 0.0, "counts, shapes, labels and copied values do not round")
FORWARD = Tolerance(1e-5, 1e-6, "float32 sums of a few hundred terms, added in another order")
GRADIENT = Tolerance(1e-4, 1e-5, "float32 sums of products of sums, added in another order")
LOSS = Tolerance(1e-4, 1e-6, "twenty float32 steps, each on the rounding of those before it")
WEIGHT = Tolerance(0.0, 1e-4, "twenty float32 steps, each on the rounding of those before it")
SLOT = Tolerance(1e-3, 1e-5, "squares of gradients double their relative error")

SHARE = Tolerance(0.0, 0.0626, "a prediction on the very edge may fall to its other side: one of the 16 of a batch")

TRAINED = {"losses": LOSS, "metric_*acc*": SHARE, "slot_*": SLOT, "weight_*": WEIGHT, "*": LOSS}


class Outcome(object):
    """What a call came to: the names of the raised exception's class and its ancestors, nearest first, or none."""

    def __init__(self, names):
        self.names = list(names)

    def agrees_with(self, recorded):
        """A subclass of the recorded exception is caught by whoever catches that one, so it agrees."""
        if not recorded.names or not self.names:
            return recorded.names == self.names
        return recorded.names[0] in self.names

    def __repr__(self):
        return self.names[0] if self.names else "no exception"


class Absent(BaseException):
    """What is asked for has no counterpart in this backend. No `Exception`, so that no case takes it for an outcome.

    Raised, it makes the case absent. As the value of a field it leaves that field out of the comparison: an adapter
    gives it where a backend keeps no such value, such as a slot of an optimizer.
    """


def outcome_of(function, *arguments, **options):
    """Calls the function; says which exception it raised, if any."""
    try:
        function(*arguments, **options)
    except Exception as error:
        return Outcome(kind.__name__ for kind in type(error).__mro__ if kind is not object)
    return Outcome(())


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError("as_text: {!r} is not something that JSON can hold".format(value))


def as_text(value):
    """Configurations, names and shapes as JSON with sorted keys: the same text for the same value."""
    return json.dumps(value, default=_plain, sort_keys=True, indent=1)


def register(name, function, tolerances=FORWARD):
    """Adds a case named '<family>/<what it shows>'; the tolerance is one for all fields, or a dictionary by pattern."""
    if name in CASES:
        raise ValueError("register: there are two cases named {!r}; expected one. Rename one of them.".format(name))
    if isinstance(tolerances, Tolerance):
        tolerances = {"*": tolerances}
    CASES[name] = Case(name, function, tolerances)


def case(name, tolerances=FORWARD):
    """The decorator form of `register`."""

    def add(function):
        register(name, function, tolerances)
        return function

    return add


def tolerance_of(entry, field):
    """The tolerance of the first pattern, in the case's order, that fits the field's name."""
    for pattern, tolerance in entry.tolerances.items():
        if fnmatch.fnmatchcase(field, pattern):
            return tolerance
    return EXACT


def seed_of(name):
    """A seed of the case's own: a case gives the same numbers alone, in any order and beside any other."""
    return zlib.crc32(name.encode("utf-8")) & 0x7FFFFFFF


def family_of(name):
    return name.split("/", 1)[0]


def matching(patterns):
    """The names of the cases that any of the globs takes, in the order in which they are written."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return [name for name in CASES if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
