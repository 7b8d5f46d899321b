"""Medians, ratios, tables in markdown, and a plot."""

import importlib
import importlib.util
import statistics

from benchmarks.cases import CASES
from benchmarks.peers import OURS, PEERS, leaves_out
from benchmarks.rounds import TIMED_VERBS

# Highest ratio, ours over the fastest peer, that is aimed at.
BARS = {("tiny", "train"): 0.5, **{(name, "train"): 1.2 for name in ("separable", "transpose", "conv3d", "local")}}
DEFAULT_BAR = 1.0
FIRST_STEP_BARS_SECONDS = {"lstm": 3.0, "textgen": 3.0, "gru": 3.0}
DEFAULT_FIRST_STEP_BAR_SECONDS = 1.0
IMPORT_BAR_SECONDS = 0.8
MEMORY_BAR_MEGABYTES = 10
TITLES = {"train": "Training, ms per step through `fit`", "predict": "Inference, ms per batch through `predict`",
          "latency": "One sample through `predict_on_batch`, ms"}


def medians(measured, verb):
    """{model: {peer: median milliseconds}} of one verb."""
    table = {}
    for model, entry in measured["models"].items():
        row = {name: statistics.median(result[verb]) * 1e3 for name, result in entry["results"].items()
               if result.get(verb)}
        if row:
            table[model] = row
    return table


def ratio(measured, model, verb, ours):
    """Median over rounds of (ours / fastest peer), both taken from the same round; None where either is missing.

    The fastest peer is the one with the lowest median of those that compute all of the model. Pairing by round cancels
    what disturbed the whole machine.
    """
    row = medians(measured, verb).get(model, {})
    others = rivals(model, verb, row)
    if ours not in row or not others:
        return None
    fastest = min(others, key=others.get)
    results = measured["models"][model]["results"]
    pairs = zip(results[ours][verb], results[fastest][verb], strict=False)
    return statistics.median(mine / theirs for mine, theirs in pairs), fastest


def rivals(model, verb, row):
    """The other peers of a row that compute all of the model."""
    return {name: value for name, value in row.items()
            if name not in OURS and not leaves_out(name, CASES[model], verb)}


def peers_of(table):
    """The peers of a table, in their usual order."""
    return [name for name in PEERS if any(name in row for row in table.values())]


def verb_table(measured, verb):
    """Lines of one verb's table: peers as columns, then our ratios."""
    table = medians(measured, verb)
    if not table:
        return []
    columns = peers_of(table)
    ours = [name for name in OURS if name in columns]
    lines = [f"### {TITLES[verb]}", "", "| model | " + " | ".join(columns) + " | "
             + "".join(f"{name} / fastest peer | " for name in ours) + "bar |",
             "|" + "---|" * (len(columns) + len(ours) + 2)]
    for model, row in table.items():
        marks = {name: "*" if leaves_out(name, CASES[model], verb) else "" for name in row}
        cells = [f"{row[name]:.3g}{marks[name]}" if name in row else "-" for name in columns]
        for name in ours:
            found = ratio(measured, model, verb, name)
            cells.append("-" if found is None else f"**{found[0]:.2f}** ({found[1]})")
        lines.append(f"| {model} | " + " | ".join(cells) + f" | {BARS.get((model, verb), DEFAULT_BAR)} |")
    if any(leaves_out(name, CASES[model], verb) for model, row in table.items() for name in row):
        lines += ["", "\\* leaves out a part of the model (`peers.py`), and is not counted as its fastest peer."]
    return [*lines, ""]


def check_table(measured):
    """Lines of the table of single checks: first step, import, memory."""
    lines = []
    for model, entry in measured["models"].items():
        bar = FIRST_STEP_BARS_SECONDS.get(model, DEFAULT_FIRST_STEP_BAR_SECONDS)
        for name, result in entry["results"].items():
            if name in OURS:
                lines.append(
                    f"| first step of {model} after compile, {name} | {result['first_step']:.2f} s | {bar} s |"
                )
            if "memory" in result:
                lines.append(f"| growth over 10,000 steps of {model}, {name} | {result['memory']:.1f} MB "
                             f"| {MEMORY_BAR_MEGABYTES} MB |")
    for name, seconds in measured["import"].items():
        lines.append(f"| import, {name} | {seconds:.2f} s | {IMPORT_BAR_SECONDS} s |")
    return ["### Checks", "", "| what | measured | bar |", "|---|---|---|", *lines, ""] if lines else []


def markdown(measured):
    """All tables as one text."""
    lines = [line for verb in TIMED_VERBS for line in verb_table(measured, verb)] + check_table(measured)
    versions = {name: result["version"] for entry in measured["models"].values()
                for name, result in entry["results"].items()}
    lines.append("Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".")
    absent = sorted({name for entry in measured["models"].values() for name in entry["missing"]})
    if absent:
        lines.append(f"Not measured (not installed, or failed): {', '.join(absent)}.")
    return "\n".join(lines) + "\n"


def plot(measured, path):
    """Bars relative to the fastest peer, one panel a verb; False where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        return False
    importlib.import_module("matplotlib").use("Agg")
    pyplot = importlib.import_module("matplotlib.pyplot")
    verbs = [verb for verb in TIMED_VERBS if medians(measured, verb)]
    figure, panels = pyplot.subplots(len(verbs), 1, figsize=(10, 3.2 * len(verbs)), squeeze=False)
    for panel, verb in zip(panels[:, 0], verbs, strict=True):
        table = medians(measured, verb)
        columns = peers_of(table)
        width = 0.8 / len(columns)
        for index, name in enumerate(columns):
            heights = []
            for model, row in table.items():
                others = rivals(model, verb, row)
                heights.append(row[name] / min(others.values()) if name in row and others else 0)
            positions = [place + index * width for place in range(len(table))]
            panel.bar(positions, heights, width, label=name)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_yscale("log")
        panel.set_xticks([place + 0.4 - width / 2 for place in range(len(table))], list(table))
        panel.set_title(TITLES[verb].replace("`", "") + ", relative to the fastest peer (lower is better)", fontsize=9)
    panels[0, 0].legend(fontsize=7, ncol=5)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    return True
