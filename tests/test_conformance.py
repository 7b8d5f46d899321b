"""The suite that judges backends is judged itself: what it must notice, what it lets pass, what it keeps on disk."""

import numpy as np
import pytest

from conformance import cases, declared, judge, results, store  # noqa: F401  (importing the cases registers them)
from conformance.case import ABSENT, CASES, FAILED, Case, Outcome, Tolerance, as_text, matching, outcome_of, seed_of
from conformance.compare import Deviation, exact_differences
from conformance.compare import deviations as compare

NAME = "family/case"
TENTH = Tolerance(0.0, 0.1, "a reason")


@pytest.fixture(autouse=True)
def one_case(monkeypatch):
    monkeypatch.setitem(CASES, NAME, Case(NAME, None, {"near_*": TENTH}))


FAULTS = {
    "a value": ({"a": np.array([1.0, 2.0])}, {"a": np.array([1.0, 2.5])}),
    "a value past its tolerance": ({"near_a": np.array([1.0])}, {"near_a": np.array([1.2])}),
    "one NaN": ({"near_a": np.array([1.0, np.nan])}, {"near_a": np.array([1.0, 2.0])}),
    "a NaN that is gone": ({"near_a": np.array([1.0])}, {"near_a": np.array([np.nan])}),
    "an infinity": ({"near_a": np.array([np.inf])}, {"near_a": np.array([1.0])}),
    "a transposed shape": ({"a": np.ones((2, 3))}, {"a": np.ones((3, 2))}),
    "a scalar for a row": ({"a": np.float32(1)}, {"a": np.ones(1, "float32")}),
    "a dtype": ({"a": np.ones(2, "float64")}, {"a": np.ones(2, "float32")}),
    "whole numbers for reals": ({"a": np.ones(2, "int32")}, {"a": np.ones(2, "float32")}),
    "a text": ({"a": "one\ntwo"}, {"a": "one\ntoo"}),
    "a longer text": ({"a": "one\ntwo"}, {"a": "one"}),
    "a text for an array": ({"a": "1.0"}, {"a": np.array(1.0)}),
    "an array for a text": ({"a": np.array(1.0)}, {"a": "1.0"}),
    "a missing field": ({}, {"a": np.array(1.0)}),
    "a field too many": ({"a": np.array(1.0)}, {}),
    "a swallowed exception": ({"a": Outcome(())}, {"a": Outcome(["ValueError", "Exception"])}),
    "an exception too many": ({"a": Outcome(["ValueError"])}, {"a": Outcome(())}),
    "another exception": ({"a": Outcome(["TypeError", "Exception"])}, {"a": Outcome(["ValueError", "Exception"])}),
    "an ancestor of the exception": ({"a": Outcome(["Exception"])}, {"a": Outcome(["ValueError", "Exception"])}),
    "a value for an exception": ({"a": np.array(1.0)}, {"a": Outcome(["ValueError"])}),
    "a failure": ({FAILED: "Traceback"}, {"a": np.array(1.0)}),
    "an absence": ({ABSENT: "layers.LSTM"}, {"a": np.array(1.0)}),
    "no record": ({"a": np.array(1.0)}, None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault):
    measured, recorded = FAULTS[fault]
    assert len(compare(NAME, measured, recorded)) == 1


@pytest.mark.parametrize(
    ("measured", "recorded"),
    [
        (np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf])),
        (np.array([1.05]), np.array([1.0])),
        ("one\ntwo", "one\ntwo"),
        (Outcome(["ShapeError", "ValueError", "Exception"]), Outcome(["ValueError", "Exception"])),
        (Outcome(()), Outcome(())),
    ],
)
def test_what_agrees_passes(measured, recorded):
    assert compare(NAME, {"near_a": measured}, {"near_a": recorded}) == []


def test_the_message_names_place_values_and_reason():
    (found,) = compare(
        NAME, {"near_a": np.array([[1.0, 2.0], [3.0, 9.0]])}, {"near_a": np.array([[1.0, 2.0], [3.0, 4.0]])}
    )
    assert found == Deviation(
        NAME, "near_a", "1 of 4 differ; most at (1, 1): 9.0, recorded 4.0 (allowed 0.1 + 0 of it: a reason)"
    )


def test_recordings_are_compared_to_the_last_bit():
    first = {"a": np.float32([0.1]), "b": "text", "c": Outcome(["ValueError"]), "d": np.array([np.nan])}
    second = {
        "a": np.float32([0.1]) + np.float32(1e-8),
        "b": "text",
        "c": Outcome(["TypeError"]),
        "d": np.array([np.nan]),
    }
    assert exact_differences(first, second) == ["a", "c"]


def test_results_come_back_from_disk(tmp_path):
    fields = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array(2.0, "float32"),
        "c": "two\nlines",
        "d": Outcome(["ValueError"]),
    }
    results.save(tmp_path / "family", {NAME: fields}, {"recorded by": "a test"})
    loaded, facts = results.load(tmp_path / "family")
    assert facts == {"recorded by": "a test"} and exact_differences(loaded[NAME], fields) == []


def test_results_are_arrays_and_text_only(tmp_path):
    with pytest.raises(TypeError) as raised:
        results.save(tmp_path / "family", {NAME: {"a": [None]}})
    assert str(raised.value) == (
        "family/case: field 'a' is [None]; expected numbers, a text or an outcome. Give it through as_text()."
    )


def test_outcomes_and_texts():
    assert outcome_of(int, "x").names == ["ValueError", "Exception", "BaseException"]
    assert outcome_of(int, "3").names == []
    assert as_text({"b": np.float32(0.5), "a": (1, None)}) == '{\n "a": [\n  1,\n  null\n ],\n "b": 0.5\n}'


def test_declared_deviations_are_strict():
    row = declared.Declared("onnxseq", NAME, "a", "9.0", "a reason", "a source")
    recorded = {NAME: {"a": np.array(1.0), "b": np.array(1.0)}}

    def judged(rows, a, b):
        return judge.judge("onnxseq", {NAME: {"a": np.array(a), "b": np.array(b)}}, recorded, rows)

    as_declared, another = judged([row], 9.0, 1.0), judged([row], 9.0, 9.0)
    assert (as_declared.verdicts[NAME].outcome, as_declared.status) == ("declared", 0)
    assert (another.verdicts[NAME].outcome, another.status) == ("deviate", 1)
    assert [(found.case, found.field) for found in another.undeclared] == [(NAME, "b")]
    none = judged([row], 1.0, 1.0)
    assert (none.verdicts[NAME].outcome, none.gone, none.status) == ("agree", [row], 1)
    assert judged([row._replace(case="elsewhere/*")], 1.0, 1.0).gone == []
    assert judged([row._replace(table="not_built_layers")], 9.0, 1.0).verdicts[NAME].outcome == "not built"


def test_a_row_is_not_gone_where_some_of_its_cases_did_not_run():
    (first, *rest) = matching("losses/*")
    row = declared.Declared("onnxseq", "losses/*", "a", "9.0", "a reason", "a source")
    assert declared.gone([row], [first], []) == []
    assert declared.gone([row], [first, *rest], []) == [row]


@pytest.mark.parametrize(("backend", "status"), [("onnxseq", 1), ("tf14", 1), ("keras3", 0)])
def test_absent_is_an_outcome_of_its_own(backend, status):
    judgement = judge.judge(backend, {NAME: {ABSENT: "layers.LSTM"}}, {NAME: {"a": np.array(1.0)}}, [])
    assert (judgement.verdicts[NAME].outcome, judgement.status) == ("absent", status)


def test_each_declared_deviation_has_cases_a_reason_and_a_source():
    for table in declared.FOLDER.glob("*.json"):
        for row in declared.read(table):
            assert matching(row.case) and row.gives and row.reason.endswith(".") and row.source, row


def test_every_case_is_recorded_and_every_record_has_its_case(one_case):
    names = set(CASES) - {NAME}
    recorded = {name for family in {name.split("/")[0] for name in names} for name in store.load_family(family)[0]}
    assert recorded == names


def test_seeds_belong_to_names():
    assert seed_of("losses/hinge") == 1220648321 and len({seed_of(name) for name in CASES}) == len(CASES)
