"""Reports on runs: the text table, JSON as documented, JUnit XML by its schema, a page that needs nothing else."""

import html.parser
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from conformance import judge, matrix, report_html, report_json, report_junit, report_text
from conformance.case import ABSENT, CASES, FAILED, GRADIENT, Case, Outcome
from conformance.declared import Declared
from conformance.runs import Run

HOSTILE = "<script>alert('&')</script>"
TRACEBACK = f'Traceback (most recent call last):\n  File "x.py", line 3\n\x1b[31m\x00{HOSTILE}\nValueError: {HOSTILE}\n'

RECORDED = {
    "odd/agree": {"value": np.ones(2, "float32")},
    "odd/array": {"gradient": np.linspace(0, 1, 6, dtype="float32").reshape(2, 3), "same": np.ones(3)},
    "odd/large": {"output": np.zeros((9, 9, 9), "float32")},
    "odd/nan": {"output": np.ones(3, "float32")},
    "odd/shape": {"output": np.ones((2, 3), "float32")},
    "odd/text": {"config": "one\ntwo\nthree"},
    "odd/raises": {"raises": Outcome(["ValueError", "Exception"])},
    "odd/dead": {"value": np.ones(1)},
    "strange/lacks": {"value": np.ones(1)},
    "strange/declared": {"value": np.ones(1)},
    "strange/unbuilt": {"value": np.ones(1)},
}
MEASURED = {
    "odd/agree": {"value": np.ones(2, "float32")},
    "odd/array": {"gradient": np.array([[0, 0.2, 0.4], [0.6, 9.5, 1.0]], "float32"), "same": np.ones(3)},
    "odd/large": {"output": np.eye(81, 9, dtype="float32").reshape(9, 9, 9) * 7},
    "odd/nan": {"output": np.array([1, np.nan, np.inf], "float32")},
    "odd/shape": {"output": np.ones((3, 2), "float32")},
    "odd/text": {"config": f"one\n{HOSTILE}\nthree"},
    "odd/raises": {"raises": Outcome(())},
    "odd/dead": {FAILED: TRACEBACK},
    "strange/lacks": {ABSENT: "layers.<LSTM>"},
    "strange/declared": {"value": np.zeros(1)},
    "strange/unbuilt": {FAILED: "AttributeError: no attribute 'save'"},
}
ROWS = [
    Declared("mine", "strange/declared", "value", "recorded 1.0", "A <good> reason.", "A & B", "mine"),
    Declared("mine", "strange/unbuilt", "*", "'save'", "Not built yet.", "r1.4", "not_built_mine"),
]
GONE = Declared("mine", "odd/agree", "value", "<2.0>", "A reason.", "A source", "mine")
COUNTS = {"agree": 1, "declared": 1, "not built": 1, "absent": 1, "deviate": 6, "failed": 1}


def run_of(label, backend, measured):
    versions, seconds = {"numpy": "1.0", HOSTILE: "2"}, {"odd/agree": 0.25}
    return Run(label, backend, "P", versions, "2020-01-01T00:00:00", seconds, measured)


def _explained(keras, random):
    """Shows <nothing>."""


@pytest.fixture
def judged(monkeypatch):
    """One run with everything in it, another of a backend that agrees in all but what failed too."""
    for name in RECORDED:
        monkeypatch.setitem(CASES, name, Case(name, _explained, {"*": GRADIENT}))
    other = dict(RECORDED, **{"odd/dead": MEASURED["odd/dead"]})
    return [
        (run_of(f"mine {HOSTILE}", "mine", MEASURED), judge.judge("mine", MEASURED, RECORDED, [*ROWS, GONE])),
        (run_of("other", "other", other), judge.judge("other", other, RECORDED, [])),
    ]


def test_text_of_one_run(judged):
    text = report_text.report(judged[:1])
    assert text.startswith(
        "family   cases  agree  declared  not built  absent  deviate  failed\n"
        "odd          8      1         .          .       .        6       1\n"
        "strange      3      .         1          1       1        .       .\n"
        "all         11      1         1          1       1        6       1\n\n"
        "odd/array: gradient 1 of 6 differ; most at (1, 1): 9.5, recorded 0.800000011920929 "
    )
    assert "\nodd/raises: raises no exception; recorded ValueError\n" in text
    assert "odd/agree: value is declared to give '<2.0>' and no longer does; take the row out of mine.json\n" in text
    assert "11 cases: 1 agree, 1 declared, 1 not built, 1 absent, 6 deviate, 1 failed (mine with P on " in text


def test_text_of_several_runs(judged):
    lines = report_text.report(judged).split("\n")
    assert [line.rsplit("  ", 1)[-1] for line in lines[:4]] == ["other", "7 1f", "3", "10 1f"]
    assert lines[3].startswith("all") and "1 1d 1n 1a 6x 1f" in lines[3]
    assert "(agree alone; d declared, n not built, a absent, x deviate, f failed)" in lines


def test_markdown_is_a_table(judged):
    lines = report_text.markdown(judged).split("\n")
    assert lines[1] == "|---|---:|---:|" and lines[4] == "| all | 1 1d 1n 1a 6x 1f | 10 1f |"


def test_the_page_of_the_docs_says_what_was_found_and_what_was_not_asked(judged):
    whole = matrix.page(judged)
    assert f"| A <good> reason. | mine {HOSTILE} | 1 | `strange/declared` | A & B |" in whole
    assert "a part only" not in whole
    some = {"odd/agree": RECORDED["odd/agree"]}
    part = (run_of("part", "part", some), judge.judge("part", some, RECORDED, []))
    assert "\nOf 11 cases some backends were asked for a part only: part 1.\n" in matrix.page([*judged, part])


def test_of_many_tracebacks_the_last_lines_are_printed(judged):
    failures = {name: {FAILED: f"Traceback\nin the middle\nValueError: {name}"} for name in RECORDED}
    lines = report_text.undeclared(judge.judge("mine", failures, RECORDED, []))
    assert [line.count("\n") for line in lines] == [2] * 3 + [0] * 9
    assert lines[-1] == "(8 failures are given by their last line; --output and `report` give the whole)"


def test_unrecorded_cases_are_named_together(judged):
    lines = report_text.undeclared(judge.judge("mine", MEASURED, {}, []))
    assert lines[1] == "strange: 3 cases are not recorded; record them first: lacks, declared, unbuilt"


def test_json_holds_what_is_documented(judged):
    content = json.loads(report_json.report(judged))
    assert content["schema"] == 1 and [run["label"] for run in content["runs"]] == [f"mine {HOSTILE}", "other"]
    run = content["runs"][0]
    assert set(run) == {
        "label", "backend", "provider", "versions", "when", "status", "counts", "families", "cases", "gone",
    }  # fmt: skip
    assert (run["status"], run["counts"]) == (1, COUNTS)
    assert run["families"]["strange"] == dict.fromkeys(COUNTS, 0) | {"declared": 1, "not built": 1, "absent": 1}
    assert run["cases"]["odd/agree"] == {"outcome": "agree", "seconds": 0.25, "deviations": []}
    row = {"case": "strange/declared", "field": "value", "gives": "recorded 1.0", "reason": "A <good> reason.",
           "source": "A & B", "table": "mine"}  # fmt: skip
    (deviation,) = run["cases"]["strange/declared"]["deviations"]
    assert (deviation["field"], deviation["declared"]) == ("value", row)
    assert [each["case"] for each in run["gone"]] == ["odd/agree"]


# What the schema of JUnit's Ant task allows: attributes that must be there, those that may, children in their order.
JUNIT = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, r"(testsuite )*"),
    "testsuite": (
        {"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"},
        {"skipped"},
        r"properties (testcase )*system-out system-err ",
    ),
    "properties": (set(), set(), r"(property )*"),
    "property": ({"name", "value"}, set(), r""),
    "testcase": ({"name", "classname", "time"}, set(), r"(skipped |error |failure )?"),
    "error": ({"type"}, {"message"}, r""),
    "failure": ({"type"}, {"message"}, r""),
    "skipped": (set(), {"message"}, r""),
    "system-out": (set(), set(), r""),
    "system-err": (set(), set(), r""),
}


def test_junit_is_as_its_schema_wants_it(judged):
    document = ET.fromstring(report_junit.report(judged))
    for element in document.iter():
        required, optional, children = JUNIT[element.tag]
        assert required <= set(element.attrib) <= required | optional, element.attrib
        assert re.fullmatch(children, "".join(child.tag + " " for child in element))
    for suite in document:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")) and float(suite.get("time")) >= 0
        for attribute, tag in (("tests", ""), ("failures", "/failure"), ("errors", "/error"), ("skipped", "/skipped")):
            assert int(suite.get(attribute)) == len(suite.findall("testcase" + tag)), attribute


def test_junit_says_what_came_of_each_case(judged):
    document = ET.fromstring(report_junit.report(judged))
    mine = f"mine {HOSTILE}"
    assert [suite.get("name") for suite in document] == [
        f"{mine}.odd", f"{mine}.strange", f"{mine}.declared", "other.odd", "other.strange",
    ]  # fmt: skip
    tests = [test for test in document.iter("testcase") if test.get("classname").startswith("mine")]
    tests = {test.get("name"): list(test) for test in tests}
    assert tests["agree"] == []
    (declared,), (lacks,), (dead,), (array,) = (tests[name] for name in ("declared", "lacks", "dead", "array"))
    assert declared.tag == "skipped" and "declared: A <good> reason. (A & B)" in declared.text
    assert (lacks.tag, lacks.get("message")) == ("skipped", "absent: absent: layers.<LSTM>")
    assert (dead.tag, dead.get("message")) == ("error", f"ValueError: {HOSTILE}")
    assert "\ufffd[31m\ufffd" in dead.text and "\x1b" not in dead.text
    assert array.tag == "failure" and array.get("message").startswith("gradient: 1 of 6 differ")
    assert tests["odd/agree: value"][0].get("type") == "gone"


VOID = {"meta", "input", "br"}


class Page(html.parser.HTMLParser):
    """A page's tags, texts and what it refers to; refuses tags that do not close."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.references, self.ids, self.texts = [], [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.references += [value for name, value in attributes if name in ("src", "href", "action", "srcset", "data")]
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


@pytest.fixture
def page(judged):
    return report_html.report(judged)


def test_the_page_is_whole_and_needs_nothing_else(page):
    parsed = Page(page)
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {reference.lstrip("#") for reference in parsed.references} <= set(parsed.ids)
    assert all(reference.startswith("#") for reference in parsed.references)
    assert not re.search(r"url\(|@import|https?:|fetch\(|XMLHttpRequest|\bimport\b", page)
    policies = [dict(a)["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"]


def test_the_page_escapes_everything(page):
    assert [raw for raw in (HOSTILE, "<LSTM>", "<nothing>", "<good>", "\x00") if raw in page] == []
    text = "".join(Page(page).texts)
    assert f"mine {HOSTILE}" in text and f"ValueError: {HOSTILE}" in text and f"+{HOSTILE}" in text


def test_the_page_goes_down_to_the_arrays_that_differ(page):
    text = " ".join(Page(page).texts)
    for told in (
        "float32 of shape (2, 3) \u00b7 1 of 6 differ \u00b7 largest absolute difference 8.7",
        "(1, 1) 9.5 0.8 8.7",
        "float32 of shape (9, 9, 9) \u00b7 9 of 729 differ \u00b7 largest absolute difference 7 "
        "\u00b7 largest relative difference inf",
        "(2,) inf 1 inf",
        "(1,) nan 1 nan",
        "measured float32 of shape (3, 2) \u00b7 recorded float32 of shape (2, 3)",
        "-two",
        "measured: no exception",
        "recorded: ValueError < Exception",
        "A <good> reason.  A & B",
        "Declared deviations that no longer happen",
    ):
        assert told in text, told
    assert "same" not in [attributes.get("class") for tag, attributes in Page(page).tags if tag == "code"]


def test_outcomes_are_told_without_colour(page):
    cells = [attributes for tag, attributes in Page(page).tags if tag == "td" and "title" in attributes]
    assert {cell["title"] for cell in cells} == set(judge.OUTCOMES)
    assert len(set(report_html.SIGNS.values())) == len(judge.OUTCOMES)


def test_what_reads_alike_stands_there_once(page):
    assert "".join(Page(page).texts).count('File "x.py", line 3') == 1


def test_a_page_too_large_leaves_out_detail(judged, page):
    smaller = report_html.report(judged, largest=len(page.encode()) - 1)
    assert len(smaller) < len(page) and "1 of 6 differ" in smaller
    assert Page(report_html.report(judged, largest=1)).ids == Page(page).ids
