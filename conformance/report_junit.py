"""Runs as JUnit XML, for services that show test results: a suite per run and family, a test per case.

What is declared, not built or absent is skipped, with its reason; a deviation is a failure; a case that gave no results
is an error. A declared row that no longer happens is a failure in a suite of its own.
"""

import xml.etree.ElementTree as ET

from .case import ABSENT, FAILED, family_of
from .evidence import writable
from .judge import AGREE, DEVIATE


def _add(parent, tag, text=None, **attributes):
    element = ET.SubElement(parent, tag, {key: writable(str(value)) for key, value in attributes.items()})
    element.text = None if text is None else writable(text)
    return element


def _suite(suites, run, name, tests, failures=0, errors=0, skipped=0, seconds=0.0):
    suite = _add(
        suites,
        "testsuite",
        id=len(suites),
        name=name,
        package=run.label,
        hostname="localhost",
        timestamp=run.when or "1970-01-01T00:00:00",
        tests=tests,
        failures=failures,
        errors=errors,
        skipped=skipped,
        time=f"{seconds:.3f}",
    )
    properties = _add(suite, "properties")
    for key, value in [("backend", run.backend), ("provider", run.provider or ""), *sorted(run.versions.items())]:
        _add(properties, "property", name=key, value=value)
    return suite


def _told(verdict):
    """Each deviation, and behind it the reason and source of the row that declares it."""
    lines = []
    for deviation, row in verdict.deviations:
        lines.append(f"{deviation.field}: {deviation.what}")
        if row is not None:
            lines.append(f"  declared: {row.reason} ({row.source})")
    return "\n".join(lines)


def _test(suite, run, verdict, is_undeclared):
    seconds = run.seconds.get(verdict.case) or 0.0
    name = verdict.case.partition("/")[2]
    test = _add(suite, "testcase", classname=suite.get("name"), name=name, time=f"{seconds:.3f}")
    if verdict.outcome == AGREE:
        return
    told = _told(verdict)
    first = told.split("\n")[0]
    if verdict.outcome == FAILED:
        _add(test, "error", told, type=FAILED, message=verdict.deviations[0][0].what.strip().split("\n")[-1])
    elif is_undeclared:
        _add(test, "failure", told, type=verdict.outcome, message=first)
    else:
        _add(test, "skipped", told, message=f"{verdict.outcome}: {first}")


def _suites_of(suites, run, judgement):
    undeclared = {deviation.case for deviation in judgement.undeclared}
    for family in judgement.families:
        verdicts = [verdict for verdict in judgement.verdicts.values() if family_of(verdict.case) == family]
        counts = judgement.counts(family)
        num_failures = counts[DEVIATE] + sum(v.outcome == ABSENT and v.case in undeclared for v in verdicts)
        suite = _suite(
            suites,
            run,
            f"{run.label}.{family}",
            tests=len(verdicts),
            failures=num_failures,
            errors=counts[FAILED],
            skipped=len(verdicts) - counts[AGREE] - num_failures - counts[FAILED],
            seconds=sum(run.seconds.get(verdict.case) or 0.0 for verdict in verdicts),
        )
        for verdict in verdicts:
            _test(suite, run, verdict, verdict.case in undeclared)
        _end(suite)
    if judgement.gone:
        suite = _suite(suites, run, f"{run.label}.declared", tests=len(judgement.gone), failures=len(judgement.gone))
        for row in judgement.gone:
            test = _add(suite, "testcase", classname=suite.get("name"), name=f"{row.case}: {row.field}", time="0.000")
            what = f"is declared to give {row.gives!r} and no longer does; take the row out of {row.table}.json"
            _add(test, "failure", what, type="gone", message=what)
        _end(suite)


def _end(suite):
    """What the schema wants to stand last in a suite."""
    _add(suite, "system-out")
    _add(suite, "system-err")


def report(judged):
    """One document over all runs."""
    suites = ET.Element("testsuites")
    for run, judgement in judged:
        _suites_of(suites, run, judgement)
    ET.indent(suites, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
