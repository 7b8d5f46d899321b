"""What was recorded beside what was measured, of one field, in as much detail as a page has room for."""

import difflib
import re
from typing import NamedTuple

import numpy as np

from .case import CASES, Outcome, tolerance_of

# XML and HTML have no way to write these, escaped or not.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def writable(text):
    """The text with a mark in place of each character that a document cannot hold."""
    return UNWRITABLE.sub("\ufffd", text)


class Detail(NamedTuple):
    """How much is shown of a case and of each of its fields.

    Fields:
        fields: So many of a case's deviating fields are shown, the others named.
        elements: An array of at most so many is shown in full.
        places: Of a larger one, so many places where it is furthest off.
        lines: So many lines of a text's difference or of a traceback.
    """

    fields: int
    elements: int
    places: int
    lines: int


class Places(NamedTuple):
    """Rows (place, measured, recorded, difference, agrees) of two arrays, and what they leave out."""

    facts: list
    rows: list


def _places(measured, recorded, tolerance, detail):
    left, right = measured.astype("float64"), recorded.astype("float64")
    agrees = np.isclose(left, right, rtol=tolerance.relative, atol=tolerance.absolute, equal_nan=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The same infinity on both sides is no distance, and neither is a NaN on both.
        distance = np.where(agrees & ~np.isfinite(right), 0.0, np.abs(left - right))
        relative = np.where(distance == 0, 0.0, distance / np.abs(right))
    facts = [
        f"{np.count_nonzero(~agrees)} of {agrees.size} differ",
        f"largest absolute difference {_number(np.nanmax(distance, initial=0.0))}",
        f"largest relative difference {_number(np.nanmax(relative, initial=0.0))}",
        f"allowed {tolerance.absolute:g} + {tolerance.relative:g} of it: {tolerance.reason}",
    ]
    flat = np.arange(agrees.size)
    if agrees.size > detail.elements:
        order = np.argsort(-np.nan_to_num(np.where(agrees, -1.0, distance), nan=np.inf), axis=None, kind="stable")
        flat = order[: min(detail.places, np.count_nonzero(~agrees))]
    rows = []
    for index in flat:
        place = tuple(int(part) for part in np.unravel_index(index, agrees.shape))
        rows.append(
            (str(place), measured[place].item(), recorded[place].item(), float(distance[place]), bool(agrees[place]))
        )
    return Places(facts, [(place, *map(_number, (a, b, difference)), same) for place, a, b, difference, same in rows])


def _number(value):
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _excerpt(array, detail):
    """A few rows of an array as text; its corners where it is large."""
    if not detail.elements:
        return ""
    edge = 2 if array.ndim > 1 else 3
    return np.array2string(array, precision=6, threshold=detail.elements, edgeitems=edge, separator=", ")


def kind_of(array):
    return f"{array.dtype.name} of shape {array.shape}"


def of_arrays(name, field, measured, recorded, detail):
    """(facts, rows, excerpts): rows where the arrays lie side by side, excerpts where they cannot or are large."""
    measured, recorded = np.asarray(measured), np.asarray(recorded)
    facts = [kind_of(recorded)]
    if kind_of(measured) != kind_of(recorded):
        facts = [f"measured {kind_of(measured)}", f"recorded {kind_of(recorded)}"]
    places = Places([], [])
    if measured.shape == recorded.shape:
        places = _places(measured, recorded, tolerance_of(CASES[name], field), detail)
    excerpts = []
    if measured.shape != recorded.shape or measured.size > detail.elements:
        excerpts = [("measured", _excerpt(measured, detail)), ("recorded", _excerpt(recorded, detail))]
    return facts + places.facts, places.rows, [pair for pair in excerpts if pair[1]]


def _shortened(lines, detail):
    if len(lines) <= detail.lines:
        return lines
    return lines[: detail.lines] + [f"... {len(lines) - detail.lines} more lines"]


def of_texts(measured, recorded, detail):
    """The lines that differ, each with - for recorded or + for measured, among a line of their surroundings."""
    lines = difflib.unified_diff(recorded.split("\n"), measured.split("\n"), "recorded", "measured", lineterm="", n=1)
    return _shortened(list(lines), detail)


def of_traceback(text, detail):
    """Its last lines, where the exception stands."""
    lines = text.strip().split("\n")
    left_out = len(lines) - detail.lines
    return lines if left_out <= 0 else [f"... {left_out} lines before"] + lines[-detail.lines :]


def shown(value):
    """What stands where no array or text is laid beside another."""
    if isinstance(value, Outcome):
        return " < ".join(value.names) or "no exception"
    if isinstance(value, str):
        return value if len(value) < 300 else value[:300] + " ..."
    return f"{kind_of(np.asarray(value))}: {np.array2string(np.asarray(value), precision=6, threshold=12, edgeitems=2)}"
