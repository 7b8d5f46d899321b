"""The Sequential page as a checklist: every statement of it is a row that names the cases which check it.

`page.json` holds the statements, in our own words: id, kind, what it says, globs of its cases. `page_surface.json`
holds the documented properties, methods, arguments and defaults, to which the table is tied: each has its row. What is
on the page but not in a signature (returns, raises, notes, examples) has rows of those kinds.
"""

import collections
import fnmatch
import json
import pathlib
from typing import NamedTuple

from .case import ABSENT, FAILED
from .judge import AGREE, DECLARED, DEVIATE, NOT_BUILT

FOLDER = pathlib.Path(__file__).resolve().parent
KINDS = ("property", "method", "argument", "default", "returns", "raises", "note", "example")
NOT_RUN = "not run"
WORST_FIRST = (FAILED, DEVIATE, ABSENT, NOT_BUILT, DECLARED, NOT_RUN, AGREE)


class Row(NamedTuple):
    """A statement: its id, its kind, what it says, and the globs of the cases that check it."""

    id: str
    kind: str
    says: str
    cases: list


def rows():
    """Every statement, in the order of the page."""
    return [Row(**row) for row in json.loads((FOLDER / "page.json").read_text(encoding="utf-8"))]


def surface():
    """{"properties": names, "methods": {name: {"arguments": [name] or [name, default], "rest": catch-alls}}}."""
    return json.loads((FOLDER / "page_surface.json").read_text(encoding="utf-8"))


def documented(surface):
    """{id: kind} of what a signature documents."""
    found = {f"properties.{name}": "property" for name in surface["properties"]}
    for method, signature in surface["methods"].items():
        found[method] = "method"
        for argument in signature["arguments"]:
            found[f"{method}.arguments.{argument[0]}"] = "argument"
            if len(argument) > 1:
                found[f"{method}.defaults.{argument[0]}"] = "default"
        found.update({f"{method}.arguments.{name}": "argument" for name in signature["rest"]})
    return found


def faults(table, surface, names):
    """What is wrong with a table: rows without a case, cases that are not there, statements without a row."""
    found = []
    ids = collections.Counter(row.id for row in table)
    found.extend(f"{identifier}: {number} rows; expected one" for identifier, number in ids.items() if number > 1)
    for row in table:
        if row.kind not in KINDS:
            found.append(f"{row.id}: kind {row.kind!r}; expected one of {', '.join(KINDS)}")
        if not row.says.endswith("."):
            found.append(f"{row.id}: says {row.says!r}; expected a sentence")
        if not row.cases:
            found.append(f"{row.id}: no case checks it")
        found.extend(f"{row.id}: there is no case {glob!r}" for glob in row.cases if not fnmatch.filter(names, glob))
    kinds = {row.id: row.kind for row in table}
    expected = documented(surface)
    found.extend(f"{identifier}: the documented {kind} has no row" for identifier, kind in expected.items()
                 if kinds.get(identifier) != kind)  # fmt: skip
    found.extend(f"{identifier}: no {kind} of that name is documented" for identifier, kind in kinds.items()
                 if kind in ("property", "method", "argument", "default") and identifier not in expected)  # fmt: skip
    return found


def cases_of(row, names):
    """The names of a row's cases, each once."""
    return sorted({name for glob in row.cases for name in fnmatch.filter(names, glob)})


def outcome(row, verdicts, names):
    """What a run says of a row: the worst that any of its cases came to, and 'not run' where one was left out."""
    found = {verdicts[name].outcome if name in verdicts else NOT_RUN for name in cases_of(row, names)}
    return next(each for each in WORST_FIRST if each in found)


def as_data(table, names, judged):
    """The rows as plain data, with what each run says of them: for reports."""
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "says": row.says,
            "cases": cases_of(row, names),
            "outcomes": {run.label: outcome(row, judgement.verdicts, names) for run, judgement in judged},
        }
        for row in table
    ]


def as_lines(data):
    """The rows as text: id, what it says, its cases; the outcomes of runs before them; and totals."""
    lines = []
    for row in data:
        outcomes = "".join(f"{value:10}" for value in row["outcomes"].values())
        lines.append(f"{outcomes}{row['id']}: {row['says']} [{', '.join(row['cases'])}]")
    kinds = collections.Counter(row["kind"] for row in data)
    lines += ["", f"{len(data)} statements: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS)]
    for label in data[0]["outcomes"] if data else ():
        counts = collections.Counter(row["outcomes"][label] for row in data)
        lines.append(f"{label}: " + ", ".join(f"{counts[each]} {each}" for each in WORST_FIRST[::-1] if counts[each]))
    return lines
