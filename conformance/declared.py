"""The declared deviations: where a backend is known to differ from TensorFlow 1.4, how, and why that is right.

The tables in `deviations/` are strict in both directions: a deviation that no row declares fails a run, and so does a row
whose deviation no longer happens. `not_built.json` holds what a backend is yet to have: its rows leave as it is built.
"""

import collections
import fnmatch
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "deviations"

Declared = collections.namedtuple("Declared", "backend case field gives reason source")


def declared(backend):
    """The rows of one backend, from every table."""
    rows = []
    for table in sorted(FOLDER.glob("*.json")):
        rows.extend(Declared(**row) for row in json.loads(table.read_text(encoding="utf-8")))
    return [row for row in rows if row.backend == backend]


def _declares(row, deviation):
    return (
        fnmatch.fnmatchcase(deviation.case, row.case)
        and fnmatch.fnmatchcase(deviation.field, row.field)
        and row.gives in deviation.what
    )


def undeclared(backend, found):
    """Those of the deviations that no row declares."""
    rows = declared(backend)
    return [deviation for deviation in found if not any(_declares(row, deviation) for row in rows)]


def gone(backend, names, found):
    """The rows about cases among the names of which nothing was found."""
    rows = [row for row in declared(backend) if fnmatch.filter(names, row.case)]
    return [row for row in rows if not any(_declares(row, deviation) for deviation in found)]
