"""Runs cases in a backend's own process: `python -m conformance.worker BACKEND FOLDER [--provider P] [--seconds S]`.

The runner asks for one case a line on standard input; each answer is one marked line of JSON on what was standard
output when the process began. Whatever the backend prints, from Python or from C, goes to standard error instead. Each
finished case is one pair of files in the folder, so that a process which dies takes no finished case with it.
"""

import argparse
import json
import os
import signal
import sys
import time
import traceback

import numpy as np

from . import backends, cases, results  # noqa: F401  (importing the cases registers them)
from .case import ABSENT, CASES, FAILED, Absent, Outcome, seed_of

MARK = "@conformance "
SECONDS_PER_CASE = 120


class OutOfTime(BaseException):
    """The case took too long. No `Exception`, so that no case takes it for an outcome."""


def _checked(name, fields):
    """The fields as results can hold them."""
    for alone in (ABSENT, FAILED):
        if alone in fields:
            raise ValueError("{}: a field is named {!r}, which is kept for cases without results".format(name, alone))
    if fields and all(isinstance(value, Absent) for value in fields.values()):
        raise next(iter(fields.values()))
    kept = (str, Outcome, Absent)
    fields = {field: value if isinstance(value, kept) else np.asarray(value) for field, value in fields.items()}
    results.split({name: fields})
    return fields


def run_case(backend, name):
    """The case's fields, or one field alone: `failed` with a traceback, or `absent` with what the backend lacks."""
    seed = seed_of(name)
    try:
        backend.fresh()
        np.random.seed(seed)
        try:
            fields = CASES[name].function(backend.keras, np.random.RandomState(seed))
        finally:
            backend.release()
        return _checked(name, fields)
    except Absent as lacking:
        return {ABSENT: str(lacking)}
    except (Exception, OutOfTime):
        return {FAILED: traceback.format_exc()}


def _watch(seconds):
    """Ends a case that waits for ever, where the system has alarms; 0 ends the watch."""

    def out_of_time(number, frame):
        raise OutOfTime("the case took more than {:g} seconds".format(seconds))

    if hasattr(signal, "SIGALRM"):
        if seconds:
            signal.signal(signal.SIGALRM, out_of_time)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _private_streams():
    """(requests, answers): the runner's two pipes, out of reach of whatever else reads or prints in this process."""
    requests, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _load(name, provider):
    """The backend on the provider that was asked for."""
    backend = backends.load(name)
    if provider:
        if not hasattr(backend, "use_provider"):
            raise backends.Refused("backend {!r} has no providers to choose from; leave out --provider.".format(name))
        try:
            backend.use_provider(provider)
        except ValueError as fault:
            raise backends.Refused(str(fault)) from fault
    return backend


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m conformance.worker", description=__doc__)
    parser.add_argument("backend")
    parser.add_argument("folder")
    parser.add_argument("--provider")
    parser.add_argument("--seconds", type=float, default=SECONDS_PER_CASE)
    options = parser.parse_args(arguments)
    requests, answers = _private_streams()

    def answer(**content):
        answers.write("\n" + MARK + json.dumps(content) + "\n")
        answers.flush()

    try:
        backend = _load(options.backend, options.provider)
    except backends.Refused as refusal:
        answer(refused=str(refusal))
        return
    answer(versions=backend.versions())
    for line in iter(requests.readline, ""):
        request = json.loads(line)
        started = time.time()
        _watch(options.seconds)
        fields = run_case(backend, request["case"])
        _watch(0)
        results.save(os.path.join(options.folder, request["stem"]), {request["case"]: fields})
        answer(done=request["case"], seconds=round(time.time() - started, 4))


if __name__ == "__main__":
    main(sys.argv[1:])
