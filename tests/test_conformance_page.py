"""The Sequential page as a checklist: each statement has cases, each documented name and default a row."""

import inspect
import json

import pytest

from conformance import __main__ as command_line
from conformance import cases, page  # noqa: F401  (importing the cases registers them)
from conformance.case import CASES
from conformance.judge import Judgement, Verdict
from onnxseq.models import Sequential

SURFACE = {"properties": ["losses"], "methods": {"fit": {"arguments": [["x"], ["epochs", 10]], "rest": ["kwargs"]}}}
TABLE = [
    page.Row("properties.losses", "property", "What is added.", ["page/losses"]),
    page.Row("fit", "method", "Trains.", ["page/fit_*"]),
    page.Row("fit.arguments.x", "argument", "Inputs.", ["page/fit_*", "page/losses"]),
    page.Row("fit.arguments.epochs", "argument", "How often.", ["page/fit_epochs"]),
    page.Row("fit.arguments.kwargs", "argument", "More.", ["page/fit_epochs"]),
    page.Row("fit.defaults.epochs", "default", "Ten.", ["page/fit_epochs"]),
    page.Row("fit.returns", "returns", "A History.", ["page/fit_x"]),
]
NAMES = ["page/losses", "page/fit_x", "page/fit_epochs"]


def test_every_statement_has_its_cases():
    assert page.faults(page.rows(), page.surface(), list(CASES)) == []


def test_the_page_is_there_as_a_whole():
    table = page.rows()
    assert len(table) >= 400 and {row.kind for row in table} == set(page.KINDS)
    assert page.faults(TABLE, SURFACE, NAMES) == []


def without(index):
    return TABLE[:index] + TABLE[index + 1 :]


def changed(index, **fields):
    return TABLE[:index] + [TABLE[index]._replace(**fields)] + TABLE[index + 1 :]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (changed(1, cases=[]), "fit: no case checks it"),
        (changed(1, cases=["page/fit_y"]), "fit: there is no case 'page/fit_y'"),
        (changed(1, cases=["page/fit_x", "other/*"]), "fit: there is no case 'other/*'"),
        (without(0), "properties.losses: the documented property has no row"),
        (without(1), "fit: the documented method has no row"),
        (without(2), "fit.arguments.x: the documented argument has no row"),
        (without(4), "fit.arguments.kwargs: the documented argument has no row"),
        (without(5), "fit.defaults.epochs: the documented default has no row"),
        (changed(5, kind="note"), "fit.defaults.epochs: the documented default has no row"),
        ([*TABLE, page.Row("fit.arguments.y", "argument", "Targets.", NAMES)],
         "fit.arguments.y: no argument of that name is documented"),
        ([*TABLE, TABLE[6]], "fit.returns: 2 rows; expected one"),
        (changed(6, kind="return"),
         f"fit.returns: kind 'return'; expected one of {', '.join(page.KINDS)}"),
        (changed(6, says=""), "fit.returns: says ''; expected a sentence"),
    ],
)  # fmt: skip
def test_a_fault_of_the_table_is_named(table, message):
    assert page.faults(table, SURFACE, NAMES) == [message]


@pytest.mark.parametrize("method", page.surface()["methods"])
def test_the_documented_surface_is_that_of_the_class(method):
    parameters = dict(inspect.signature(getattr(Sequential, method)).parameters)
    parameters.pop("self", None)
    for place, (name, *default) in enumerate(page.surface()["methods"][method]["arguments"]):
        assert list(parameters)[place] == name
        assert not default or parameters[name].default == default[0]


def test_every_property_is_one_of_the_class():
    for name in page.surface()["properties"]:
        assert isinstance(inspect.getattr_static(Sequential, name), property), name


class Ran:
    label = "ours"


def judged(**outcomes):
    verdicts = {f"page/{name}": Verdict(f"page/{name}", outcome, ()) for name, outcome in outcomes.items()}
    return [(Ran, Judgement(verdicts, [], [], {}))]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"fit_x": "agree", "fit_epochs": "agree"}, "agree"),
        ({"fit_x": "agree", "fit_epochs": "declared"}, "declared"),
        ({"fit_x": "declared", "fit_epochs": "not built"}, "not built"),
        ({"fit_x": "deviate", "fit_epochs": "not built"}, "deviate"),
        ({"fit_x": "deviate", "fit_epochs": "failed"}, "failed"),
        ({"fit_x": "absent", "fit_epochs": "agree"}, "absent"),
        ({"fit_x": "agree"}, "not run"),
        ({}, "not run"),
    ],
)
def test_a_statement_holds_where_all_its_cases_do(outcomes, expected):
    data = page.as_data(TABLE, NAMES, judged(**outcomes))
    assert data[1]["outcomes"] == {"ours": expected} and data[1]["cases"] == ["page/fit_epochs", "page/fit_x"]


def test_the_text_counts_statements():
    lines = page.as_lines(page.as_data(TABLE, NAMES, judged(losses="agree", fit_x="agree", fit_epochs="deviate")))
    assert lines[0] == "agree     properties.losses: What is added. [page/losses]"
    assert lines[-2:] == [
        "7 statements: 1 property, 1 method, 3 argument, 1 default, 1 returns, 0 raises, 0 note, 0 example",
        "ours: 2 agree, 5 deviate",
    ]


def test_the_command_lists_the_page(capsys):
    assert command_line.main(["page"]) == 0
    assert capsys.readouterr().out.startswith("class: A Sequential is a stack of layers in a line. [")
    assert command_line.main(["page", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(page.rows())
