"""Holds what a backend gave against what was recorded: one deviation for each field that does not agree."""

import collections

import numpy as np

from .case import ABSENT, CASES, FAILED, Absent, Outcome, tolerance_of

Deviation = collections.namedtuple("Deviation", "case field what")

UNRECORDED = "-"  # the field of a deviation which is that nothing is recorded


def _first_difference(measured, recorded):
    measured, recorded = measured.split("\n"), recorded.split("\n")
    for number, (left, right) in enumerate(zip(measured, recorded), 1):
        if left != right:
            return "line {} is {!r}; recorded {!r}".format(number, left, right)
    return "has {} lines; recorded {}".format(len(measured), len(recorded))


def _difference_of_arrays(measured, recorded, tolerance):
    if measured.shape != recorded.shape:
        return "has shape {}; recorded {}".format(measured.shape, recorded.shape)
    if measured.dtype.kind != recorded.dtype.kind or measured.dtype.itemsize != recorded.dtype.itemsize:
        return "is {}; recorded {}".format(measured.dtype.name, recorded.dtype.name)
    left, right = measured.astype("float64"), recorded.astype("float64")
    agrees = np.isclose(left, right, rtol=tolerance.relative, atol=tolerance.absolute, equal_nan=True)
    if agrees.all():
        return None
    distance = np.where(agrees, 0.0, np.nan_to_num(np.abs(left - right), nan=np.inf))
    place = np.unravel_index(np.argmax(distance), distance.shape)
    return "{} of {} differ; most at {}: {!r}, recorded {!r} (allowed {:g} + {:g} of it: {})".format(
        np.count_nonzero(~agrees),
        agrees.size,
        tuple(int(index) for index in place),
        float(left[place]),
        float(right[place]),
        tolerance.absolute,
        tolerance.relative,
        tolerance.reason,
    )


def _difference(measured, recorded, tolerance):
    if isinstance(recorded, Outcome):
        agrees = isinstance(measured, Outcome) and measured.agrees_with(recorded)
        return None if agrees else "{!r}; recorded {!r}".format(measured, recorded)
    if isinstance(recorded, str):
        if not isinstance(measured, str):
            return "is {!r}; recorded a text".format(measured)
        return None if measured == recorded else _first_difference(measured, recorded)
    if not isinstance(measured, (np.ndarray, np.generic)):
        return "is {!r}; recorded an array".format(measured)
    return _difference_of_arrays(np.asarray(measured), np.asarray(recorded), tolerance)


def _without_results(name, measured, recorded):
    """The deviation of a case that gave no results on one side or the other; None where both did."""
    for alone in (ABSENT, FAILED):
        if alone in measured:
            if alone in recorded and _last_line(measured[alone]) == _last_line(recorded[alone]):
                return []
            return [Deviation(name, alone, measured[alone].strip())]
    for alone in (ABSENT, FAILED):
        if alone in recorded:
            return [Deviation(name, alone, "gives results; recorded " + _last_line(recorded[alone]))]
    return None


def _last_line(text):
    return text.strip().split("\n")[-1]


def deviations(name, measured, recorded):
    """The deviations of one case, by field."""
    if recorded is None:
        return [Deviation(name, UNRECORDED, "nothing is recorded for this case; record it first")]
    found = _without_results(name, measured, recorded)
    if found is not None:
        return found
    found = []
    for field in sorted(set(measured) | set(recorded)):
        if field not in measured:
            what = "is missing"
        elif field not in recorded:
            what = "is not among the recorded fields"
        elif isinstance(measured[field], Absent):
            what = None  # the backend keeps no such value: the case is judged by its other fields
        else:
            what = _difference(measured[field], recorded[field], tolerance_of(CASES[name], field))
        if what:
            found.append(Deviation(name, field, what))
    return found


def exact_differences(first, second):
    """The fields that are not the same to the last bit, by name; used where nothing may differ at all."""
    differing = []
    for field in sorted(set(first) | set(second)):
        left, right = first.get(field), second.get(field)
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
            same = left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
        else:
            same = repr(left) == repr(right)
        if not same:
            differing.append(field)
    return differing


def distance(name, field, measured, recorded):
    """How far apart two values of a field are that are not the same to the last bit."""
    if field not in measured or field not in recorded:
        return "is missing" if field in recorded else "is not among the recorded fields"
    left, right = measured[field], recorded[field]
    what = _difference(left, right, tolerance_of(CASES[name], field))
    if what:
        return what
    if not isinstance(left, np.ndarray):
        return "{!r}; recorded {!r}".format(left, right)
    furthest = np.nanmax(np.abs(left.astype("float64") - right.astype("float64")))
    return "differs by {:g} at most, within its tolerance".format(furthest)
