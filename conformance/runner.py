"""Starts a backend's process, follows it, and starts it again behind a case on which it died."""

import os
import pathlib
import subprocess
import sys
import tempfile

from . import results
from .worker import FAILED

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _run_once(python, backend, names, folder, progress):
    """Runs the cases in one process; gives the names in the order in which they were begun, and the exit status."""
    path = [str(ROOT)] + [folder for folder in [os.environ.get("PYTHONPATH")] if folder]
    process = subprocess.Popen(
        [python, "-m", "conformance.worker", backend, folder],
        cwd=str(ROOT),
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
    )
    process.stdin.write("\n".join(names))
    process.stdin.close()
    begun = []
    for line in process.stdout:
        if line.rstrip("\n") in names:
            begun.append(line.rstrip("\n"))
            progress(begun[-1])
    process.stdout.close()
    return begun, process.wait()


def run_cases(python, backend, names, progress):
    """({case: fields}, versions) from the backend under that Python; a case on which the process died says so."""
    measured, versions, remaining = {}, {}, list(names)
    while remaining:
        with tempfile.TemporaryDirectory() as folder:
            begun, status = _run_once(python, backend, remaining, folder, progress)
            for index, name in enumerate(begun):
                stem = os.path.join(folder, "{:05d}".format(index))
                if os.path.exists(stem + ".json"):
                    measured.update(results.load(stem)[0])
                else:
                    measured[name] = {FAILED: "the backend's process ended here with status {}".format(status)}
            if not os.path.exists(os.path.join(folder, "versions.json")):
                raise RuntimeError(
                    "conformance: {} ended with status {} before its first case; expected it to load the backend {!r}. "
                    "Install what the message above asks for.".format(python, status, backend)
                )
            versions = results.load(os.path.join(folder, "versions"))[1]
        remaining = remaining[len(begun) :]
    return measured, versions


def progress_line(total):
    """A printer of one changing line on a terminal, of nothing elsewhere."""
    done = [0]

    def show(name):
        done[0] += 1
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K{}/{} {}".format(done[0], total, name))
            if done[0] == total:
                sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    return show
