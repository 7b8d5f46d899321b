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
program for TensorFlow 1 runs there, with eager execution switched off; Keras 3 on JAX runs with float64 switched on.
"""


# What a finding is about, by the first symbol of its source; the rest is of the functions by themselves.
TOPICS = (
    ("Training and models", ("Sequential", "Model", "losses", "metrics", "optimizers", "Optimizer", "regularizers")),
    ("Layers", ("layers", "Layer", "custom layers")),
    ("Callbacks", ("callbacks",)),
    ("Files and configurations", ("models", "Sequential.get_config", "Layer.get_config", "Optimizer.get_config")),
    ("Functions", ()),
    ("What is refused", ("Raises of the functions that the cases name", "the method that is called")),
)
HEADER = "| what | in | cases | for example | documented in |"
FILES = ("get_config", "save", "load_model", "load_weights", "to_yaml", "serialize")


def _topic(source):
    symbol = source.split(", ", 1)[-1].split(":")[0].split(",")[0].strip()
    if symbol.split(".")[-1].startswith(FILES):
        return "Files and configurations"
    for title, owners in TOPICS:
        if symbol in owners or symbol.split(".")[0] in owners:
            return title
    return "Functions"


def _found(judged):
    """{(reason, source): {label: names of the cases}} of every declared row about a backend that need not have all."""
    found = {}
    for run, judgement in judged:
        for verdict in judgement.verdicts.values():
            for _, row in verdict.deviations:
                if row is not None and not any(fnmatch.fnmatchcase(name, row.backend) for name in WHOLE):
                    labels = found.setdefault((row.reason, row.source), {})
                    labels.setdefault(run.label, []).append(verdict.case)
    return found


def findings(judged):
    """What was found in the others: a table for each topic, what shows in most cases first."""
    topics = {title: [] for title, _ in TOPICS}
    for (reason, source), labels in _found(judged).items():
        num_cases = max(len(set(names)) for names in labels.values())
        example = min(name for names in labels.values() for name in names)
        cells = (reason, ", ".join(sorted(labels)), str(num_cases), "`" + example + "`", source)
        topics[_topic(source)].append((-num_cases, cells))
    lines = []
    for title, entries in topics.items():
        if entries:
            lines += ["### " + title, "", HEADER, "|---|---|---:|---|---|"]
            for _, cells in sorted(entries):
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            lines.append("")
    return lines


def coverage(judged):
    """Which backends were asked for fewer cases than others: their numbers are of a part of the suite."""
    counts = {run.label: len(judgement.verdicts) for run, judgement in judged}
    fewer = [f"{label} {count}" for label, count in counts.items() if count < max(counts.values())]
    if not fewer:
        return []
    return [f"Of {max(counts.values())} cases some backends were asked for a part only: {', '.join(fewer)}.\n"]


def page(judged):
    """The whole page."""
    found = findings(judged)
    parts = [INTRODUCTION, report_text.markdown(judged), *coverage(judged), ADAPTERS]
    if found:
        parts.append("## What it found\n\n" + "\n".join(found).rstrip() + "\n")
    return "\n".join(parts)
