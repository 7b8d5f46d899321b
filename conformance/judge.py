"""What a run comes to: an outcome for each case, what is undeclared, and which declared rows no longer happen."""

import collections
from typing import NamedTuple

from . import compare
from . import declared as tables
from .case import ABSENT, FAILED, family_of

AGREE, DECLARED, NOT_BUILT, DEVIATE = "agree", "declared", "not built", "deviate"
OUTCOMES = (AGREE, DECLARED, NOT_BUILT, ABSENT, DEVIATE, FAILED)


class Verdict(NamedTuple):
    """One case: its outcome and its deviations, each with the row that declares it or None."""

    case: str
    outcome: str
    deviations: tuple


class Judgement(NamedTuple):
    """A whole run: verdicts and what was expected by case, undeclared deviations, declared rows that did not happen."""

    verdicts: dict
    undeclared: list
    gone: list
    expected: dict

    @property
    def status(self):
        """0 where all is as recorded or as declared, and every declared row happened; else 1."""
        return 1 if self.undeclared or self.gone else 0

    def counts(self, family=None):
        """How many cases of a family, or of all, came to each outcome."""
        return collections.Counter(
            verdict.outcome for verdict in self.verdicts.values() if family in (None, family_of(verdict.case))
        )

    @property
    def families(self):
        return sorted(set(map(family_of, self.verdicts)))


def _outcome(pairs):
    open_ones = [deviation for deviation, row in pairs if row is None]
    for alone in (FAILED, ABSENT):
        if any(deviation.field == alone for deviation in open_ones):
            return alone
    if open_ones:
        return DEVIATE
    if any(row.is_not_built for _, row in pairs):
        return NOT_BUILT
    return DECLARED if pairs else AGREE


def judge(backend, measured, expected, rows):
    """Holds each measured case against what is expected of it, and each deviation against the declared rows."""
    verdicts, undeclared, found = {}, [], []
    for name, fields in measured.items():
        deviations = compare.deviations(name, fields, expected.get(name))
        pairs = tuple((deviation, tables.row_for(rows, deviation)) for deviation in deviations)
        verdicts[name] = Verdict(name, _outcome(pairs), pairs)
        found.extend(deviations)
        undeclared.extend(
            deviation for deviation, row in pairs if row is None and not tables.is_excused(backend, deviation)
        )
    return Judgement(verdicts, undeclared, tables.gone(rows, list(measured), found), expected)
