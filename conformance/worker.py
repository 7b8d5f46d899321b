"""Runs cases in a backend's own process: `python -m conformance.worker BACKEND FOLDER` with the cases' names on standard input.

Each finished case is one pair of files in the folder, so that a process which dies takes no finished case with it.
"""

import os
import sys
import traceback

import numpy as np

from . import backends, cases, results  # noqa: F401  (importing the cases registers them)
from .case import CASES, seed_of

FAILED = "failed"


def run_case(backend, name):
    """The case's fields, or, if it raised where it should not have, the one field `failed` with the traceback."""
    backend.fresh()
    seed = seed_of(name)
    np.random.seed(seed)
    try:
        fields = CASES[name].function(backend.keras, np.random.RandomState(seed))
    except Exception:
        return {FAILED: traceback.format_exc()}
    finally:
        backend.release()
    return {field: value if isinstance(value, str) or hasattr(value, "names") else np.asarray(value) for field, value in fields.items()}


def main(arguments):
    backend_name, folder = arguments
    backend = backends.load(backend_name)
    results.save(os.path.join(folder, "versions"), {}, backend.versions())
    for index, line in enumerate(sys.stdin.read().split()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        results.save(os.path.join(folder, "{:05d}".format(index)), {line: run_case(backend, line)})


if __name__ == "__main__":
    main(sys.argv[1:])
