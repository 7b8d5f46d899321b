"""The command line: `python -m conformance list | record | run`."""

import argparse
import sys

from . import backends, cases, compare, declared, runner, store  # noqa: F401  (importing the cases registers them)
from .case import CASES, matching
from .worker import FAILED


def _chosen(pattern):
    names = matching(pattern)
    if not names:
        raise SystemExit(
            "conformance: no case fits {!r}; expected a glob such as 'losses/*'. See `list`.".format(pattern)
        )
    return names


def _write(text):
    sys.stdout.write(text + "\n")


def list_cases(options):
    """Each case's name and, where it has one, its first line of explanation."""
    for name in _chosen(options.cases):
        explanation = (CASES[name].function.__doc__ or "").strip().split("\n")[0]
        _write("{}  {}".format(name, explanation).rstrip())
    return 0


def _refusal(first, second):
    """Why the two runs of a case are not to be stored, or None."""
    if FAILED in first or FAILED in second:
        return first.get(FAILED) or second[FAILED]
    differing = compare.exact_differences(first, second)
    return "two runs differ in " + ", ".join(differing) if differing else None


def record(options):
    """Runs the oracle twice and stores what both runs agree on, to the last bit."""
    names = _chosen(options.cases)
    runs = [runner.run_cases(options.python, "tf14", names, runner.progress_line(len(names))) for _ in range(2)]
    (first, versions), (second, _) = runs
    refused = {name: _refusal(first[name], second[name]) for name in names}
    refused = {name: why for name, why in refused.items() if why}
    for name, why in refused.items():
        _write("{} refused: {}".format(name, why))
    store.save({name: first[name] for name in names if name not in refused}, versions)
    _write("{} of {} cases recorded".format(len(names) - len(refused), len(names)))
    return 1 if refused else 0


def run(options):
    """Compares a backend with the record, field by field."""
    names = _chosen(options.cases)
    measured, versions = runner.run_cases(options.python, options.backend, names, runner.progress_line(len(names)))
    recorded = store.load(names)
    found = [deviation for name in names for deviation in compare.deviations(name, measured[name], recorded.get(name))]
    undeclared = declared.undeclared(options.backend, found)
    gone = declared.gone(options.backend, names, found)
    for deviation in undeclared:
        _write("{}: {} {}".format(*deviation))
    for row in gone:
        _write(
            "{}: {} is declared to give {!r} and no longer does; take the row out".format(
                row.case, row.field, row.gives
            )
        )
    _write(
        "{} cases: {} agree, {} deviate as declared, {} deviate otherwise ({} on {})".format(
            len(names),
            len(names) - len({deviation.case for deviation in found}),
            len({deviation.case for deviation in found} - {deviation.case for deviation in undeclared}),
            len({deviation.case for deviation in undeclared}),
            options.backend,
            ", ".join("{} {}".format(*item) for item in sorted(versions.items())),
        )
    )
    return 1 if undeclared or gone else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.required = True
    for function, name in ((list_cases, "list"), (record, "record"), (run, "run")):
        command = commands.add_parser(name, help=function.__doc__, description=function.__doc__)
        command.set_defaults(function=function)
        command.add_argument("--cases", default="*", metavar="GLOB", help="which cases, by name (default: all)")
        if name == "record":
            command.add_argument("--python", required=True, help="a Python 3.6 that has TensorFlow 1.4")
        if name == "run":
            command.add_argument("--backend", required=True, choices=backends.NAMES)
            command.add_argument(
                "--python", default=sys.executable, help="the Python that has the backend (default: this one)"
            )
    options = parser.parse_args(arguments)
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
