"""Runs cases in a backend's own process: `python -m conformance.worker BACKEND FOLDER`, their names on standard input.

Each finished case is one pair of files in the folder, so that a process which dies takes no finished case with it.
"""

import os
import signal
import sys
import traceback

import numpy as np

from . import backends, cases, results  # noqa: F401  (importing the cases registers them)
from .case import CASES, Absent, Outcome, seed_of

FAILED = "failed"
ABSENT = "absent"
SECONDS_PER_CASE = 120


def _out_of_time(number, frame):
    raise RuntimeError("the case took more than {} seconds".format(SECONDS_PER_CASE))


def run_case(backend, name):
    """The case's fields, or one field alone: `failed` with a traceback, or `absent` with what the backend lacks."""
    backend.fresh()
    seed = seed_of(name)
    np.random.seed(seed)
    try:
        fields = CASES[name].function(backend.keras, np.random.RandomState(seed))
    except Absent as lacking:
        return {ABSENT: str(lacking)}
    except Exception:
        return {FAILED: traceback.format_exc()}
    finally:
        backend.release()
    return {field: value if isinstance(value, (str, Outcome)) else np.asarray(value) for field, value in fields.items()}


def _watch(seconds):
    """Ends a case that waits for ever, where the system has alarms; 0 ends the watch."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _out_of_time)
        signal.alarm(seconds)


def main(arguments):
    backend_name, folder = arguments
    backend = backends.load(backend_name)
    results.save(os.path.join(folder, "versions"), {}, backend.versions())
    for index, line in enumerate(sys.stdin.read().split()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        _watch(SECONDS_PER_CASE)
        fields = run_case(backend, line)
        _watch(0)
        results.save(os.path.join(folder, "{:05d}".format(index)), {line: fields})


if __name__ == "__main__":
    main(sys.argv[1:])
