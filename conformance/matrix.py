"""The matrix of backends as a page of documentation: families by backend, and what was found in which of them.

Made by `python -m conformance report --format docs --output docs/conformance.md FOLDERS`, and never written by hand.
"""

import fnmatch

from . import report_text
from .declared import WHOLE

INTRODUCTION = """# What agrees with tf.keras r1.4

Every case of the conformance suite asks a backend for one thing that is documented, and holds what it gives against
what TensorFlow 1.4 itself gave. How to run it, and how to put a backend of one's own on trial, is in
[conformance/README.md](../conformance/README.md).

This page is made by the tool:

```
python -m conformance run --backend BACKEND --python PYTHON --label LABEL --output FOLDER      # for each backend
python -m conformance report --format docs --output docs/conformance.md FOLDERS
```
"""

ADAPTERS = """## How to read it

- *declared*: the backend gives something else, which is known and explained below or in `conformance/deviations/`.
- *absent*: the backend has nothing by which the case could be expressed. Such a case counts for nothing.
- *failed*: the case could not be carried through: something that is documented raises.

The newer Kerases are asked through adapters (`conformance/backends/`). An adapter renames: `lr` is `learning_rate`,
`decay` is the schedule of the same formula, `fit_generator` is `fit`, the functions of `keras.backend` are those of
`keras.ops`, an optimizer's state is read in the documented order, a batch's own loss is asked for by resetting the
averages first. It computes nothing, so where the same name means something else, the case shows it. tf_keras runs as a
program for TensorFlow 1 runs there, with eager execution switched off.
"""


def _happened(judged, row):
    """(the labels of the runs in which the row's deviation happened, how many cases in the most of any)."""
    labels, most = [], 0
    for run, judgement in judged:
        num_cases = sum(any(found == row for _, found in each.deviations) for each in judgement.verdicts.values())
        if num_cases:
            labels.append(run.label)
            most = max(most, num_cases)
    return labels, most


def _rows(judged):
    """Every declared row about a backend that is not held to have all that is documented, in the tables' order."""
    found = {}
    for _, judgement in judged:
        for verdict in judgement.verdicts.values():
            for _, row in verdict.deviations:
                if row is not None and not any(fnmatch.fnmatchcase(name, row.backend) for name in WHOLE):
                    found.setdefault(row)
    return list(found)


def findings(judged):
    """What was found in the others, most cases first: a table for each group of backends."""
    groups = {}
    for row in _rows(judged):
        labels, num_cases = _happened(judged, row)
        groups.setdefault(row.table, {}).setdefault((row.reason, row.source), []).append((row, labels, num_cases))
    lines = []
    for table, reasons in sorted(groups.items()):
        lines += ["### " + table, "", "| what | in | cases | for example | documented in |", "|---|---|---:|---|---|"]
        entries = []
        for (reason, source), parts in reasons.items():
            labels = sorted({label for _, labels, _ in parts for label in labels})
            entries.append((-sum(num for _, _, num in parts), reason, labels, parts[0][0].case, source))
        for num_cases, reason, labels, case, source in sorted(entries):
            cells = (reason, ", ".join(labels), str(-num_cases), "`" + case + "`", source)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return lines


def page(judged):
    """The whole page."""
    found = findings(judged)
    parts = [INTRODUCTION, report_text.markdown(judged), ADAPTERS]
    if found:
        parts.append("## What it found\n\n" + "\n".join(found).rstrip() + "\n")
    return "\n".join(parts)
