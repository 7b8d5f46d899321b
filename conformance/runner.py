"""Runs cases in a backend's own processes: one queue of cases, several workers, each started again where it dies."""

import collections
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

from . import results
from .backends import Refused, python_variable
from .case import FAILED
from .worker import MARK, SECONDS_PER_CASE

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS_TO_START = 300
SECONDS_TO_STOP = 5  # what a worker has, past the time of its case, to say that it ran out of time

Setup = collections.namedtuple("Setup", "backend python provider seconds")
Measured = collections.namedtuple("Measured", "results versions seconds")

_ENDED = object()


def setup_of(backend, python=None, provider=None, seconds=SECONDS_PER_CASE):
    """How a backend is run; its Python is the one given, the one that its variable names, or this one."""
    return Setup(backend, python or os.environ.get(python_variable(backend)) or sys.executable, provider, seconds)


class _Silent(Exception):
    """The worker gave no answer in time."""


class _Worker:
    """One process of the backend, in a process group of its own: what it started ends with it."""

    def __init__(self, setup, folder, number):
        self.seconds, self.log_path = setup.seconds, os.path.join(folder, f"worker-{number}.log")
        self._answers, self._log_start = queue.Queue(), 0
        command = [setup.python, "-m", "conformance.worker", setup.backend, folder, "--seconds", str(setup.seconds)]
        path = [str(ROOT)] + [paths for paths in [os.environ.get("PYTHONPATH")] if paths]
        try:
            with open(self.log_path, "wb") as log:
                self._process = subprocess.Popen(
                    command + (["--provider", setup.provider] if setup.provider else []),
                    cwd=str(ROOT),
                    env=dict(os.environ, PYTHONPATH=os.pathsep.join(path)),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as fault:
            raise Refused(f"{setup.python} cannot be run as the Python of {setup.backend!r}: {fault}.") from fault
        self._ended = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._process.stdout:
            _, marked, content = line.decode("utf-8", "replace").partition(MARK)
            if marked:
                self._answers.put(json.loads(content))
        self._answers.put(_ENDED)

    def _answer(self, seconds):
        """The next answer, or None of a process that ended; a child that it left behind may hold its pipe open."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                if self._process.poll() is not None and self._answers.empty():
                    return None
                continue
            return None if answer is _ENDED else answer
        raise _Silent

    def versions(self):
        """What the backend says of itself once it is loaded."""
        try:
            answer = self._answer(SECONDS_TO_START)
        except _Silent:
            raise Refused(f"the backend was not ready after {SECONDS_TO_START} seconds.") from None
        if answer is None:
            raise Refused(f"its process ended with status {self._process.wait()} before the first case.\n{self.tail()}")
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer["versions"]

    def run(self, name, stem):
        """(fields, seconds) of one case; fields is a text where the process is to be replaced, saying why."""
        self._log_start = os.path.getsize(self.log_path)
        try:
            self._process.stdin.write(json.dumps({"case": name, "stem": os.path.basename(stem)}).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._answer(self.seconds + SECONDS_TO_STOP)
        except BrokenPipeError:
            answer = None
        except _Silent:
            return f"the case took more than {self.seconds:g} seconds and could not be interrupted", self.seconds
        if answer is None:
            return f"the backend's process ended here with status {self._process.wait()}\n{self.tail()}".strip(), 0.0
        return results.load(stem)[0][name], answer["seconds"]

    def tail(self):
        """The last that the process printed since its last case began."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode("utf-8", "replace").split("\n")[-25:]).strip()

    def end(self):
        """Ends the process and all that it started, at once."""
        if self._ended:
            return
        self._ended = True
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except AttributeError:  # a system without process groups
            self._process.kill()
        except ProcessLookupError:
            pass
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except (BrokenPipeError, ValueError):
                pass


class _Run:
    """The queue that the workers share, and what they have given so far."""

    def __init__(self, setup, names, folder):
        self.setup, self.folder, self.open = setup, folder, queue.SimpleQueue()
        self.events, self.stopped, self.workers = queue.Queue(), threading.Event(), {}
        for number, name in enumerate(names):
            self.open.put((number, name))

    def follow(self, lane):
        """One worker's thread: cases from the queue, until it is empty or the run is stopped."""
        worker = None
        try:
            while not self.stopped.is_set():
                try:
                    number, name = self.open.get_nowait()
                except queue.Empty:
                    break
                if worker is None:
                    worker = self.workers[lane] = _Worker(self.setup, self.folder, lane)
                    if self.stopped.is_set():
                        break
                    self.events.put(("versions", worker.versions()))
                self.events.put(("begun", name))
                fields, seconds = worker.run(name, os.path.join(self.folder, f"{number:05d}"))
                if isinstance(fields, str):
                    worker.end()
                    worker, fields = None, {FAILED: fields}
                self.events.put(("done", (name, fields, seconds)))
            self.events.put(("end", None))
        except Exception as fault:
            self.events.put(("fault", fault))
        finally:
            if worker is not None:
                worker.end()

    def stop(self):
        self.stopped.set()
        for worker in list(self.workers.values()):
            worker.end()


def run_cases(setup, names, progress, jobs=1):
    """What the backend gives for each case, in the order of the names; its versions; the seconds of each case.

    A case on which the process died or did not end says so in its `failed`. Ctrl-C ends every process.
    """
    measured, seconds, versions = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        run = _Run(setup, names, folder)
        lanes = [threading.Thread(target=run.follow, args=(lane,)) for lane in range(min(jobs, len(names)))]
        for lane in lanes:
            lane.start()
        try:
            working = len(lanes)
            while working:
                try:
                    kind, content = run.events.get(timeout=0.5)
                except queue.Empty:
                    progress.wait()
                    continue
                if kind == "fault":
                    raise content
                if kind == "versions":
                    versions = content
                elif kind == "begun":
                    progress.begun(content)
                elif kind == "done":
                    name, measured[name], seconds[name] = content[0], content[1], content[2]
                    progress.done(name, FAILED in measured[name])
                else:
                    working -= 1
        finally:
            run.stop()
            for lane in lanes:
                lane.join()
            progress.end()
    return Measured({name: measured[name] for name in names}, versions, {name: seconds[name] for name in names})
