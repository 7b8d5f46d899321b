"""The conformance suite's command line on the backend of examples/: statuses, entry points, comparing, recording."""

import json
import pathlib
import sys
import tomllib

import numpy as np
import pytest

from conformance import declared, results, runs, store
from conformance.__main__ import main

EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "conformance_backend"
DEVIATIONS = str(EXAMPLE / "deviations.json")
CONSTRAINTS, IDENTITY = "parts/constraint_*", "parts/initializer_identity"


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """The example as if it were installed: its modules and its entry points on the path of the backend's process."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    facts = tmp_path / "site" / "plain_keras-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in members.items())
        for group, members in project["entry-points"].items()
    ]
    (facts / "entry_points.txt").write_text("\n".join(points))
    monkeypatch.setenv("PYTHONPATH", f"{EXAMPLE}:{facts.parent}".replace(":", ";" if sys.platform == "win32" else ":"))


def run(*arguments, backend="plain_keras", cases=(CONSTRAINTS,)):
    chosen = [part for pattern in cases for part in ("--cases", pattern)]
    return main(["run", "--backend", backend, *chosen, *arguments])


def test_agreeing_is_status_0(capsys):
    assert run("--jobs", "2") == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[:3] == [
        "family  cases  agree  declared  not built  absent  deviate  failed",
        "parts      10     10         .          .       .        .       .",
        "all        10     10         .          .       .        .       .",
    ]
    assert lines[4].startswith("10 cases: 10 agree (plain_keras on numpy ")


def test_what_is_undeclared_is_status_1(capsys):
    assert run(cases=["parts/*"]) == 1
    printed = capsys.readouterr().out
    assert "parts/initializer_identity: failed Traceback" in printed
    assert "41 cases: 12 agree, 28 absent, 1 failed (plain_keras on" in printed


def test_what_is_declared_is_status_0(capsys):
    assert run("--declared", DEVIATIONS, cases=["parts/*"]) == 0
    assert "41 cases: 12 agree, 1 declared, 28 absent (plain_keras on" in capsys.readouterr().out


def test_a_declared_deviation_that_is_gone_is_status_1(tmp_path, capsys):
    row = {"backend": "plain_keras", "case": CONSTRAINTS, "field": "*", "gives": "nan", "reason": "R.", "source": "S"}
    (tmp_path / "mine.json").write_text(json.dumps([row]))
    assert run("--declared", str(tmp_path / "mine.json")) == 1
    assert (
        f"{CONSTRAINTS}: * is declared to give 'nan' and no longer does; take the row out of mine.json"
        in capsys.readouterr().out
    )


ADD_ONE = (
    "A distribution adds a backend by an entry point in the group 'conformance.backends': see conformance/README.md."
)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--backend", "abacus"], "there is no backend 'abacus'; expected one of "),
        (["--backend", "abacus"], f"plain_keras, tf14, tf_keras, or a module's dotted name. {ADD_ONE}"),
        (["--backend", "plain_keras.abacus"], "there is no backend 'plain_keras.abacus'; expected one of "),
        (["--backend", "plain_keras.backend"], "backend 'plain_keras.backend' has no keras and no fresh and no release "
         "and no versions; expected keras, fresh, release, versions."),
        (["--backend", "tf14"], "backend 'tf14' cannot be imported by this Python: No module named 'tensorflow'. Say "
         "which Python has it, by --python or in the environment variable CONFORMANCE_PYTHON_TF14."),
        (["--backend", "plain_keras", "--provider", "float16"], "plain_keras: provider is 'float16'; expected one of "),
        (["--backend", "plain_keras", "--cases", "abacus/*"], "no case fits 'abacus/*'; expected a glob such as "
         "'losses/*'. See `list`."),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_status_2(monkeypatch, capsys, arguments, told):
    monkeypatch.delenv("CONFORMANCE_PYTHON_TF14", raising=False)
    assert main(["run", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("conformance: ") and told in printed.err and printed.out == ""


@pytest.mark.parametrize("arguments", [["run"], ["run", "--backend", "plain_keras", "--jobs", "0"], ["report"], []])
def test_wrong_usage_is_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2 and "usage: python -m conformance" in capsys.readouterr().err


def test_a_variable_names_the_python_of_a_backend(monkeypatch, capsys):
    monkeypatch.setenv("CONFORMANCE_PYTHON_PLAIN_KERAS", "/no/such/python")
    assert run() == 2
    assert "/no/such/python cannot be run as the Python of 'plain_keras'" in capsys.readouterr().err
    assert run("--python", sys.executable) == 0


def test_list_says_what_a_case_shows(capsys):
    assert main(["list", "--cases", "parts/initializer_orth*", "--cases", "losses/hinge"]) == 0
    assert capsys.readouterr().out == (
        "losses/hinge\n"
        "parts/initializer_orthogonal  What is sure of it: the product with its own transpose, tall, wide and beyond "
        "two axes.\n"
    )


def test_runs_are_compared(tmp_path, capsys):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert run("--output", first, cases=[CONSTRAINTS, IDENTITY]) == 1
    assert run("--output", second, "--provider", "float64", "--label", "in doubles") == 0
    capsys.readouterr()
    assert main(["compare", first, second]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 cases of plain_keras are not among those of in doubles and are left out\n")
    assert "10 cases: 10 agree (plain_keras with float64 on" in told
    assert main(["compare", "record", first]) == 1
    assert main(["compare", "record", first, "--declared", DEVIATIONS]) == 0

    changed = runs.load(second)
    changed.results["parts/constraint_non_neg"]["value"] = np.ones((4, 5), "float32")
    runs.save(second, changed)
    capsys.readouterr()
    assert main(["compare", first, second, "--cases", "*non_neg", "--cases", "*unit_norm"]) == 1
    assert "parts/constraint_non_neg: value 20 of 20 differ; most at" in capsys.readouterr().out
    assert main(["compare", first, second, "--cases", IDENTITY]) == 2
    assert main(["compare", first, str(tmp_path / "none")]) == 2
    assert "none holds no run; expected what `run --output` wrote, or 'record'." in capsys.readouterr().err


def test_a_run_is_not_written_over_other_files(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert run("--output", str(tmp_path)) == 2
    assert "holds files that are no run's" in capsys.readouterr().err and (tmp_path / "notes.txt").exists()


def test_a_run_is_updated(tmp_path, capsys):
    folder = str(tmp_path / "run")
    assert run("--output", folder, "--label", "mine", cases=["parts/constraint_non_neg", IDENTITY]) == 1
    older = runs.load(folder)
    older.results["parts/constraint_non_neg"]["value"] += 1
    runs.save(folder, older)
    capsys.readouterr()
    assert run("--output", folder, "--update", "--declared", DEVIATIONS, cases=[CONSTRAINTS]) == 0
    assert "11 cases: 10 agree, 1 declared (plain_keras on" in capsys.readouterr().out
    assert runs.load(folder).label == "mine" and set(runs.load(folder).seconds) == set(runs.load(folder).results)

    assert run("--output", folder, "--update", "--provider", "float64") == 2
    assert "has provider None and the new one 'float64'; expected the same" in capsys.readouterr().err
    assert run("--output", str(tmp_path / "none"), "--update") == 2
    assert "none holds no run" in capsys.readouterr().err
    assert run("--update") == 2
    assert "--update: there is no run to be updated" in capsys.readouterr().err


def test_recording_and_checking_the_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runs, "ORACLE", "plain_keras")
    monkeypatch.setattr(store, "FOLDER", tmp_path / "record")
    store.FOLDER.mkdir()
    command = ["record", "--cases", "parts/constraint_*norm", "--cases", IDENTITY, "--cases", "parts/regularizer_l1"]
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "parts/initializer_identity refused: failed Traceback" in printed
    assert "parts/regularizer_l1 refused: absent regularizers" in printed
    assert "3 of 5 cases recorded" in printed
    assert main([*command[:3], "--check"]) == 0
    assert capsys.readouterr().out == "3 of 3 cases are reproduced to the last bit\n"

    recorded, facts = store.load_family("parts")
    recorded["parts/constraint_max_norm"]["value"] += np.float32(1e-7)
    recorded["parts/constraint_unit_norm"]["value"] *= 2
    results.save(store.FOLDER / "parts", recorded, dict(facts, **{"recorded by": {"numpy": "0"}}))
    assert main([*command[:3], "--check"]) == 1
    printed = capsys.readouterr().out
    assert "parts/constraint_max_norm: value differs by 1.19209e-07 at most, within its tolerance" in printed
    assert "parts/constraint_unit_norm: value 20 of 20 differ; most at" in printed
    assert "recorded by {'numpy': '0'}; run by {" in printed
    assert printed.endswith("1 of 3 cases are reproduced to the last bit\n")


def test_the_tables_of_a_backend_are_its_own():
    assert declared.declared("plain_keras") == []
    (row,) = declared.declared("plain_keras", [DEVIATIONS])
    assert (row.case, row.table) == (IDENTITY, "deviations")
