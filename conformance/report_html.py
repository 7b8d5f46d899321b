"""Runs as one page of HTML that needs nothing beside itself: families by runs, and down to the arrays that differ.

What a page says, it says without its script: that only filters. All text is escaped, and the page forbids itself every
outside resource.
"""

import html
import pathlib

from . import evidence
from .case import ABSENT, CASES, FAILED, Outcome, family_of
from .evidence import Detail
from .judge import AGREE, DECLARED, DEVIATE, NOT_BUILT, OUTCOMES

HERE = pathlib.Path(__file__).resolve().parent
STYLE, SCRIPT = HERE / "report_page.css", HERE / "report_page.js"

LARGEST = 5 * 10**6
DETAILS = (Detail(99, 24, 6, 60), Detail(6, 12, 3, 20), Detail(3, 6, 2, 8), Detail(2, 0, 1, 4), Detail(1, 0, 0, 2))

SIGNS = {AGREE: "\u2713", DECLARED: "d", NOT_BUILT: "n", ABSENT: "a", DEVIATE: "\u2260", FAILED: "!"}
MEANINGS = {
    AGREE: "gives what TensorFlow 1.4 gave",
    DECLARED: "deviates as declared, for a reason",
    NOT_BUILT: "declared, and yet to be built",
    ABSENT: "the backend has nothing of that name",
    DEVIATE: "deviates, undeclared",
    FAILED: "gave no results: an exception, a dead process or too much time",
}


def _text(value):
    return html.escape(evidence.writable(str(value)), quote=True)


def _class(outcome):
    return "is-" + outcome.replace(" ", "-")


def _tag(name, content, **attributes):
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{content}</{name}>"


def _counts(counts):
    """Each outcome that occurs, as sign and number."""
    return " ".join(
        _tag("span", f"{SIGNS[outcome]}&#8239;{counts[outcome]}", class_=_class(outcome), title=outcome)
        for outcome in OUTCOMES
        if counts[outcome]
    )


def _bar(counts):
    total = sum(counts.values())
    parts = "".join(
        f'<i class="{_class(outcome)}" style="width:{100 * counts[outcome] / total:.2f}%"></i>'
        for outcome in OUTCOMES
        if counts[outcome]
    )
    return f'<div class="bar" aria-hidden="true">{parts}</div>'


def _runs(judged):
    rows = []
    for run, judgement in judged:
        told = f"{len(judgement.undeclared)} undeclared deviations" if judgement.undeclared else "nothing undeclared"
        if judgement.gone:
            told += f", {len(judgement.gone)} declared rows no longer happen"
        facts = [run.described, run.when, f"{len(judgement.verdicts)} cases", told]
        cells = "".join(_tag("td", _text(fact)) for fact in facts)
        rows.append(_tag("tr", _tag("th", _text(run.label), scope="row") + cells))
    return _tag("table", "".join(rows), class_="runs")


def _legend():
    items = (
        f"{_tag('dt', f'{SIGNS[outcome]} {outcome}', class_=_class(outcome))}{_tag('dd', _text(MEANINGS[outcome]))}"
        for outcome in OUTCOMES
    )
    return _tag("dl", "".join(items), class_="legend")


def _families(judged):
    return sorted({family for _, judgement in judged for family in judgement.families})


def _matrix_row(title, link, judged, family):
    cells = [_tag("th", _tag("a", _text(title), href=link), scope="row")]
    for index, (_, judgement) in enumerate(judged):
        counts = judgement.counts(family)
        if not counts:
            cells.append("<td></td>")
            continue
        inside = _bar(counts) + _counts(counts)
        cells.append(_tag("td", _tag("a", inside, href=link, data_run=index), class_="cell"))
    return _tag("tr", "".join(cells))


def _matrix(judged):
    labels = "".join(_tag("th", _text(run.label), scope="col") for run, _ in judged)
    rows = [_matrix_row(family, f"#family-{family}", judged, family) for family in _families(judged)]
    rows.append(_matrix_row("all", "#families", judged, None))
    head = f"<thead><tr><th>family</th>{labels}</tr></thead>"
    return _tag("div", _tag("table", f"{head}<tbody>{''.join(rows)}</tbody>", class_="matrix"), class_="scroll")


def _lines(lines):
    return _tag("pre", _text("\n".join(lines))) if lines else ""


def _places(rows):
    if not rows:
        return ""
    head = "<tr><th>place</th><th>measured</th><th>recorded</th><th>difference</th></tr>"
    body = "".join(
        _tag("tr", "".join(_tag("td", _text(part)) for part in row[:4]), class_="same" if row[4] else "off")
        for row in rows
    )
    return f'<table class="places">{head}{body}</table>'


def _is_array(value):
    return value is not None and not isinstance(value, (str, Outcome))


def _evidence(name, field, measured, recorded, detail):
    if field == FAILED and FAILED in measured:
        return _lines(evidence.of_traceback(measured[FAILED], detail))
    left, right = measured.get(field), recorded.get(field)
    if _is_array(left) and _is_array(right):
        facts, rows, excerpts = evidence.of_arrays(name, field, left, right, detail)
        beside = "".join(_tag("div", _tag("h5", title) + _lines([text])) for title, text in excerpts)
        told = _tag("p", _text(" \u00b7 ".join(facts)), class_="facts")
        return told + _places(rows) + _tag("div", beside, class_="beside")
    if isinstance(left, str) and isinstance(right, str):
        return _lines(evidence.of_texts(left, right, detail))
    sides = [("measured", left), ("recorded", right)]
    return _tag(
        "ul",
        "".join(_tag("li", f"{title}: " + _text(evidence.shown(value))) for title, value in sides if value is not None),
    )


def _deviation(deviation, row, measured, recorded, detail):
    field, both = deviation.field, (measured.get(deviation.field), (recorded or {}).get(deviation.field))
    # Of two arrays the facts below say all that the message does.
    what = "" if all(map(_is_array, both)) else deviation.what.split("\n")[-1][:400]
    title = _tag("h4", _tag("code", _text(field)) + " " + _text(what))
    declared = ""
    if row is not None:
        declared = _tag("p", f"{_text(row.reason)} {_tag('cite', _text(row.source))}", class_="reason")
    return title + declared + _evidence(deviation.case, field, measured, recorded or {}, detail)


def _groups(name, judged):
    """[(indices of runs, their shared verdict)] of the runs that do not agree; alike is what reads alike."""
    groups = {}
    for index, (_, judgement) in enumerate(judged):
        verdict = judgement.verdicts.get(name)
        if verdict is None or verdict.outcome == AGREE:
            continue
        key = (verdict.outcome, tuple((d.field, d.what.split("\n")[-1], row) for d, row in verdict.deviations))
        groups.setdefault(key, []).append(index)
    return [(indices, judged[indices[0]][1].verdicts[name]) for indices in groups.values()]


def _more(name, judged, detail):
    """What deviates in one case, run by run."""
    parts = []
    for indices, verdict in _groups(name, judged):
        run, judgement = judged[indices[0]]
        labels = ", ".join(judged[index][0].label for index in indices)
        outcome = _tag("span", f"{SIGNS[verdict.outcome]} {verdict.outcome}", class_=_class(verdict.outcome))
        body = "".join(
            _deviation(deviation, row, run.results[name], judgement.expected.get(name), detail)
            for deviation, row in verdict.deviations[: detail.fields]
        )
        others = ", ".join(deviation.field for deviation, _ in verdict.deviations[detail.fields :])
        if others:
            body += _tag("p", "These fields deviate too: " + _text(others))
        parts.append(_tag("section", _tag("h3", f"{_text(labels)}: {outcome}") + body))
    return "".join(parts)


def _case(name, judged, detail):
    """The row of one case and, where a run does not agree, a second one with what deviates."""
    cells = []
    for _, judgement in judged:
        verdict = judgement.verdicts.get(name)
        if verdict is None:
            cells.append("<td></td>")
        else:
            outcome = verdict.outcome
            cells.append(f'<td class="{_class(outcome)}" title="{outcome}">{SIGNS[outcome]}</td>')
    explanation = (CASES[name].function.__doc__ or "").strip().split("\n")[0]
    more = _more(name, judged, detail)
    told = f" <small>{_text(explanation)}</small>" if explanation else ""
    if more:
        told = f"<details><summary>{_text(name)}{told}</summary>{more}</details>"
    else:
        told = _text(name) + told
    return f'<tr id="{_text(name)}"><th scope="row">{told}</th>{"".join(cells)}</tr>'


def _family(family, judged, detail):
    names = [name for name in CASES if family_of(name) == family and any(name in j.verdicts for _, j in judged)]
    labels = "".join(_tag("th", _text(run.label), scope="col") for run, _ in judged)
    rows = "\n".join(_case(name, judged, detail) for name in names)
    counts = " ".join(
        _tag("span", f"{_text(run.label)} {_counts(judgement.counts(family))}", class_="of")
        for run, judgement in judged
        if judgement.counts(family)
    )
    return (
        f'<details class="family" id="family-{_text(family)}"><summary><b>{_text(family)}</b> {counts}</summary>'
        f'<table class="cases"><thead><tr><th>case</th>{labels}</tr></thead><tbody>\n{rows}\n</tbody></table></details>'
    )


def _gone(judged):
    rows = [(run, row) for run, judgement in judged for row in judgement.gone]
    if not rows:
        return ""
    items = "".join(
        _tag("li", _text(f"{run.label}: {row.case}: {row.field} is declared to give {row.gives!r} and no longer does"))
        for run, row in rows
    )
    return _tag("h2", "Declared deviations that no longer happen") + _tag("ul", items)


def _filter(judged):
    boxes = "".join(
        f'<label class="{_class(outcome)}"><input type="checkbox" name="outcome" value="{_class(outcome)}" checked>'
        f"{SIGNS[outcome]} {outcome}</label>"
        for outcome in OUTCOMES
    )
    options = "".join(_tag("option", _text(run.label), value=index) for index, (run, _) in enumerate(judged))
    return (
        '<form id="filter" hidden>'
        '<label>Show <input type="search" placeholder="part of a case, field or message"></label>'
        f'<label>in <select><option value="">any run</option>{options}</select></label>{boxes}'
        '<output aria-live="polite"></output></form>'
    )


def _page(judged, detail):
    title = "Conformance with tf.keras r1.4: " + ", ".join(run.label for run, _ in judged)
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    families = "\n".join(_family(family, judged, detail) for family in _families(judged))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>\n{STYLE.read_text(encoding='utf-8')}</style></head><body>\n"
        f"<h1>Conformance with tf.keras r1.4</h1>\n{_runs(judged)}\n{_legend()}\n{_matrix(judged)}\n{_gone(judged)}\n"
        f'<h2 id="families">Cases</h2>\n{_filter(judged)}\n{families}\n'
        f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script></body></html>\n"
    )


def report(judged, largest=LARGEST):
    """The page, in the most detail that its size allows."""
    for detail in DETAILS:
        page = _page(judged, detail)
        if len(page.encode("utf-8")) <= largest:
            break
    return page
