"""Runs as JSON; README.md says what it holds."""

import json

from .judge import OUTCOMES

SCHEMA = 1


def _counts(counts):
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _row(row):
    return {key: value for key, value in row._asdict().items() if key != "backend"}


def _case(run, verdict):
    return {
        "outcome": verdict.outcome,
        "seconds": run.seconds.get(verdict.case),
        "deviations": [
            {"field": deviation.field, "what": deviation.what, "declared": None if row is None else _row(row)}
            for deviation, row in verdict.deviations
        ],
    }


def _run(run, judgement):
    return {
        "label": run.label,
        "backend": run.backend,
        "provider": run.provider,
        "versions": run.versions,
        "when": run.when,
        "status": judgement.status,
        "counts": _counts(judgement.counts()),
        "families": {family: _counts(judgement.counts(family)) for family in judgement.families},
        "cases": {name: _case(run, verdict) for name, verdict in judgement.verdicts.items()},
        "gone": [_row(row) for row in judgement.gone],
    }


def report(judged):
    """All that the judgements hold, arrays left out."""
    return json.dumps({"schema": SCHEMA, "runs": [_run(*each) for each in judged]}, indent=1) + "\n"
