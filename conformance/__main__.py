"""The command line: `python -m conformance list | page | run | compare | report | record`."""

import argparse
import json
import pathlib
import sys

from . import (  # noqa: F401
    backends,
    cases,
    compare,
    declared,
    judge,
    matrix,
    page,
    report_html,
    report_json,
    report_junit,
    report_text,
    runner,
    runs,
    store,
)
from .case import ABSENT, CASES, FAILED, matching
from .progress import Progress
from .worker import SECONDS_PER_CASE

REPORTS = {
    "text": report_text.report,
    "markdown": report_text.markdown,
    "json": report_json.report,
    "junit": report_junit.report,
    "html": report_html.report,
    "docs": matrix.page,
}
USAGE = 2
INTERRUPTED = 130


class Usage(Exception):
    """The command cannot be carried out as given."""


def _chosen(patterns):
    names = matching(patterns or ["*"])
    if not names:
        raise Usage(f"no case fits {' or '.join(map(repr, patterns))}; expected a glob such as 'losses/*'. See `list`.")
    return names


def _write(text):
    sys.stdout.write(text + "\n")


def _rows(backend, options):
    return declared.declared(backend, options.declared or ())


def list_cases(options):
    """Each case's name and, where it has one, its first line of explanation."""
    for name in _chosen(options.cases):
        explanation = (CASES[name].function.__doc__ or "").strip().split("\n")[0]
        _write(f"{name}  {explanation}".rstrip())
    return 0


def _measure(backend, names, options):
    setup = runner.setup_of(backend, options.python, getattr(options, "provider", None), options.timeout)
    return runner.run_cases(setup, names, Progress(len(names)), options.jobs)


def run(options):
    """Compares a backend with the record, field by field."""
    if options.update and not options.output:
        raise Usage("--update: there is no run to be updated; expected its folder. Name it by --output.")
    older = runs.load(options.output) if options.update else None
    measured = _measure(options.backend, _chosen(options.cases), options)
    label = options.label or (older.label if older else options.backend)
    result = runs.Run(
        label, options.backend, options.provider, measured.versions, runs.now(), measured.seconds, measured.results
    )
    if older:
        result = runs.updated(older, result)
    if options.output:
        runs.save(options.output, result)
    expected = store.load(list(result.results))
    judgement = judge.judge(options.backend, result.results, expected, _rows(options.backend, options))
    _write(report_text.of_run(result, judgement))
    return judgement.status


def compare_runs(options):
    """Compares two runs, or the record and a run, field by field: what the second gives against the first."""
    first, second = runs.load(options.first), runs.load(options.second)
    chosen = set(_chosen(options.cases))
    expected, measured = (
        {name: fields for name, fields in each.results.items() if name in chosen} for each in (first, second)
    )
    shared = {name: fields for name, fields in measured.items() if name in expected}
    for each, other, results in ((first, second, expected), (second, first, measured)):
        alone = len(results) - len(shared)
        if alone:
            _write(f"{alone} cases of {each.label} are not among those of {other.label} and are left out")
    if not shared:
        raise Usage(f"{options.first} and {options.second} have no case in common.")
    # Rows are about what TensorFlow 1.4 gives: between two other backends everything that differs counts.
    rows = _rows(second.backend, options) if first.backend == runs.ORACLE else []
    judgement = judge.judge(second.backend, shared, expected, rows)
    _write(f"{second.label} against {first.label} ({first.described})\n")
    _write(report_text.of_run(second, judgement))
    return judgement.status


def _judged(options):
    """Each run of the folders with its judgement, under a label of its own."""
    loaded = [runs.load(folder) for folder in options.folders]
    labels = [each.label for each in loaded]
    judged = []
    for folder, each in zip(options.folders, loaded, strict=True):
        if labels.count(each.label) > 1:
            each = each._replace(label=pathlib.Path(folder).name)
        expected = store.load(list(each.results))
        judged.append((each, judge.judge(each.backend, each.results, expected, _rows(each.backend, options))))
    return judged


def list_page(options):
    """Each statement of the Sequential page with its cases and, after runs, whether it holds there."""
    data = page.as_data(page.rows(), list(CASES), _judged(options))
    _write(json.dumps(data, indent=1) if options.format == "json" else "\n".join(page.as_lines(data)))
    return 0


def report(options):
    """One report about one run or several: text, a Markdown table, JSON, JUnit XML or a page of HTML."""
    judged = _judged(options)
    content = REPORTS[options.format](judged)
    if options.output:
        pathlib.Path(options.output).write_text(content, encoding="utf-8")
    else:
        sys.stdout.write(content)
    return 0


def _refusal(first, second):
    """Why the two runs of a case are not to be stored, or None."""
    for alone in (FAILED, ABSENT):
        if alone in first or alone in second:
            return f"{alone} {first.get(alone) or second[alone]}"
    differing = compare.exact_differences(first, second)
    return "two runs differ in " + ", ".join(differing) if differing else None


def record(options):
    """Runs the oracle twice and stores what both runs agree on, to the last bit."""
    names = _chosen(options.cases)
    if options.check:
        return check(names, options)
    first, second = (_measure(runs.ORACLE, names, options) for _ in range(2))
    refused = {name: _refusal(first.results[name], second.results[name]) for name in names}
    refused = {name: why for name, why in refused.items() if why}
    for name, why in refused.items():
        _write(f"{name} refused: {why}")
    store.save({name: first.results[name] for name in names if name not in refused}, first.versions)
    _write(f"{len(names) - len(refused)} of {len(names)} cases recorded")
    return 1 if refused else 0


def check(names, options):
    """Runs the oracle again and says whether it gives what is recorded, to the last bit."""
    measured, recorded = _measure(runs.ORACLE, names, options), store.load(names)
    differing = {name: compare.exact_differences(measured.results[name], recorded.get(name, {})) for name in names}
    for name, fields in differing.items():
        for field in fields:
            _write(f"{name}: {field} {compare.distance(name, field, measured.results[name], recorded.get(name, {}))}")
    versions = store.versions(names)
    if versions != measured.versions:
        _write(f"recorded by {versions}; run by {measured.versions}")
    num_same = sum(not fields for fields in differing.values())
    _write(f"{num_same} of {len(names)} cases are reproduced to the last bit")
    return 0 if num_same == len(names) else 1


def _whole_number(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number from 1 on")
    return int(text)


def _add_cases(command):
    command.add_argument(
        "--cases", action="append", metavar="GLOB", help="which cases, by name; may be given again (default: all)"
    )


def _add_process(command, python_help):
    command.add_argument("--python", help=python_help)
    command.add_argument("--jobs", type=_whole_number, default=1, metavar="N", help="how many processes (default: 1)")
    command.add_argument(
        "--timeout",
        type=float,
        default=SECONDS_PER_CASE,
        metavar="SECONDS",
        help=f"what one case may take (default: {SECONDS_PER_CASE})",
    )


def _add_declared(command):
    command.add_argument(
        "--declared", action="append", metavar="FILE", help="a table of declared deviations beside those kept here"
    )


def _parser():
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name, function):
        command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        command.set_defaults(function=function)
        return command

    _add_cases(add("list", list_cases))

    command = add("page", list_page)
    command.add_argument("folders", nargs="*", metavar="FOLDER", help="what `run --output` wrote")
    command.add_argument("--format", choices=("text", "json"), default="text")
    _add_declared(command)

    command = add("run", run)
    _add_cases(command)
    command.add_argument("--backend", required=True, help=f"{', '.join(backends.NAMES)}, or one from outside")
    command.add_argument("--provider", help="what the backend is to compute on, where it offers a choice")
    _add_process(command, "the Python that has the backend (default: CONFORMANCE_PYTHON_<BACKEND>, else this one)")
    command.add_argument("--output", metavar="FOLDER", help="where to keep the results, for `compare` and `report`")
    command.add_argument("--update", action="store_true", help="keep the other cases of the run in that folder")
    command.add_argument("--label", help="what reports call this run (default: the backend's name)")
    _add_declared(command)

    command = add("compare", compare_runs)
    _add_cases(command)
    command.add_argument("first", help=f"the folder of a run, or {runs.RECORD!r}: what is expected")
    command.add_argument("second", help="the folder of a run")
    _add_declared(command)

    command = add("report", report)
    command.add_argument("folders", nargs="+", metavar="FOLDER", help="what `run --output` wrote")
    command.add_argument("--format", choices=sorted(REPORTS), default="text")
    command.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    _add_declared(command)

    command = add("record", record)
    _add_cases(command)
    _add_process(command, "a Python 3.6 that has TensorFlow 1.4 (default: CONFORMANCE_PYTHON_TF14)")
    command.add_argument("--check", action="store_true", help="store nothing: say whether the record is reproduced")
    return parser


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        return options.function(options)
    except (Usage, backends.Refused, runs.OtherRun, FileNotFoundError, FileExistsError) as fault:
        sys.stderr.write(f"conformance: {fault}\n")
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("conformance: interrupted\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
