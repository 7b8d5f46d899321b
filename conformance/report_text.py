"""A run as text: a table of families by outcome, then what is undeclared; several runs: a table of families by run."""

from .case import FAILED, family_of
from .compare import UNRECORDED
from .judge import OUTCOMES

FULL_TRACEBACKS = 3
LETTERS = {"declared": "d", "not built": "n", "absent": "a", "deviate": "x", "failed": "f"}


def _lines(rows):
    """Rows as aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    ]


def _row(title, counts):
    return [title, str(sum(counts.values()))] + [str(counts[outcome] or ".") for outcome in OUTCOMES]


def table(judgement):
    """Families by outcome, with totals."""
    rows = [["family", "cases", *OUTCOMES]]
    rows += [_row(family, judgement.counts(family)) for family in judgement.families]
    return _lines(rows + [_row("all", judgement.counts())])


def _cell(counts):
    """'34' where all agree; otherwise the other outcomes behind it, each with its letter; '' where there are none."""
    if not counts:
        return ""
    others = [f"{counts[outcome]}{letter}" for outcome, letter in LETTERS.items() if counts[outcome]]
    return " ".join([str(counts["agree"]), *others])


def _families(judged):
    return sorted({family for _, judgement in judged for family in judgement.families})


def _cells(judged):
    """The matrix: families by run."""
    rows = [["family"] + [run.label for run, _ in judged]]
    for family in _families(judged):
        rows.append([family] + [_cell(judgement.counts(family)) for _, judgement in judged])
    return rows + [["all"] + [_cell(judgement.counts()) for _, judgement in judged]]


KEY = "agree alone; " + ", ".join(f"{letter} {outcome}" for outcome, letter in LETTERS.items())


def undeclared(judgement):
    """Each undeclared deviation; of many failures the last line alone."""
    lines, num_tracebacks, num_shortened, unrecorded = [], 0, 0, {}
    for deviation in judgement.undeclared:
        what = deviation.what
        if deviation.field == UNRECORDED:
            unrecorded.setdefault(family_of(deviation.case), []).append(deviation.case.partition("/")[2])
            continue
        if deviation.field == FAILED and "\n" in what:
            num_tracebacks += 1
            if num_tracebacks > FULL_TRACEBACKS:
                what, num_shortened = what.split("\n")[-1], num_shortened + 1
        lines.append(f"{deviation.case}: {deviation.field} {what}")
    for family, names in unrecorded.items():
        lines.append(f"{family}: {len(names)} cases are not recorded; record them first: {', '.join(names)}")
    if num_shortened:
        lines.append(f"({num_shortened} failures are given by their last line; --output and `report` give the whole)")
    for row in judgement.gone:
        lines.append(
            f"{row.case}: {row.field} is declared to give {row.gives!r} and no longer does; take the row out"
            + (f" of {row.table}.json" if row.table else "")
        )
    return lines


def summary(run, judgement):
    """One line: how many cases came to what."""
    counts = judgement.counts()
    parts = [f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome] or outcome == "agree"]
    return f"{len(judgement.verdicts)} cases: {', '.join(parts)} ({run.described})"


def of_run(run, judgement):
    """What `run` and `compare` print."""
    parts = [table(judgement), undeclared(judgement), [summary(run, judgement)]]
    return "\n\n".join("\n".join(part) for part in parts if part)


def report(judged):
    """What `report --format text` gives for one run or several."""
    if len(judged) == 1:
        return of_run(*judged[0]) + "\n"
    parts = [_lines(_cells(judged)), [f"({KEY})"]]
    for run, judgement in judged:
        parts.append([f"== {run.label}", summary(run, judgement), *undeclared(judgement)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def markdown(judged):
    """The matrix alone, as a table of Markdown."""
    header, *rows = _cells(judged)
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines += ["", KEY + ".", ""]
    lines += [f"- {run.label}: {run.described}" for run, _ in judged]
    return "\n".join(lines) + "\n"
