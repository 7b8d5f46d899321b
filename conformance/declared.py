"""The declared deviations: where a backend is known to differ from TensorFlow 1.4, how, and why that is right.

The tables in `deviations/` are strict in both directions: a deviation that no row declares fails a run, and so does a
row whose deviation no longer happens. Tables named `not_built*` hold what a backend is yet to have: their rows leave as
it is built. A backend from outside brings a table of its own.
"""

import fnmatch
import json
import pathlib
from typing import NamedTuple

from .case import ABSENT, CASES, matching

FOLDER = pathlib.Path(__file__).resolve().parent / "deviations"
NOT_BUILT = "not_built"

# The backends that are to have all that is documented: what they lack is a deviation unless it is declared.
WHOLE = ("onnxseq", "tf14")


class Declared(NamedTuple):
    """One row: which backend, case and field (globs), what the deviation's text holds, why, and by what source."""

    backend: str
    case: str
    field: str
    gives: str
    reason: str
    source: str
    table: str = ""

    @property
    def is_not_built(self):
        return self.table.startswith(NOT_BUILT)


def read(path):
    """The rows of one table."""
    path = pathlib.Path(path)
    return [Declared(table=path.stem, **row) for row in json.loads(path.read_text(encoding="utf-8"))]


def declared(backend, tables=()):
    """The rows of one backend, from every table here and from those given."""
    rows = [row for table in sorted(FOLDER.glob("*.json")) + list(tables) for row in read(table)]
    return [row for row in rows if fnmatch.fnmatchcase(backend, row.backend)]


def row_for(rows, deviation):
    """The first row that declares a deviation, or None."""
    for row in rows:
        if (
            fnmatch.fnmatchcase(deviation.case, row.case)
            and fnmatch.fnmatchcase(deviation.field, row.field)
            and row.gives in deviation.what
        ):
            return row
    return None


def is_excused(backend, deviation):
    """Whether a deviation needs no row: a backend may lack what it never claimed to have."""
    return deviation.field == ABSENT and backend not in WHOLE


def gone(rows, names, found):
    """The rows of which nothing was found, among those all of whose cases ran; a row about no case waits for all."""
    names, happened = set(names), set()
    for deviation in found:
        happened.update(row for row in rows if row_for([row], deviation))
    return [row for row in rows if row not in happened and names.issuperset(matching(row.case) or CASES)]
