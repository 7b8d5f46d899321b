"""A run of the conformance suite: several processes, noise, deaths, time, Ctrl-C, and how far it is."""

import io
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from conformance import runner
from conformance.backends import Refused
from conformance.case import ABSENT, FAILED
from conformance.compare import exact_differences
from conformance.progress import Progress

BACKEND = "tests.odd_backend"
ROOT = pathlib.Path(__file__).resolve().parent.parent


class Quiet:
    """A progress that keeps what it is told."""

    def __init__(self):
        self.finished = []

    def begun(self, name):
        pass

    def done(self, name, failed):
        self.finished.append((name, failed))

    def wait(self):
        pass

    def end(self):
        self.finished.append("end")


def run(names, jobs=1, seconds=60.0, **options):
    names = ["odd/" + name for name in names]
    measured = runner.run_cases(runner.setup_of(BACKEND, seconds=seconds, **options), names, Quiet(), jobs)
    assert list(measured.results) == list(measured.seconds) == names
    return {name.partition("/")[2]: fields for name, fields in measured.results.items()}


DEADLY = ("dies", "aborts", "exits", "leaves_a_child")
RAISING = ("raises", "no_numbers", "kept_name")
ODD = ("plain", "noise", "reads", "lacks", *DEADLY, *RAISING)


@pytest.fixture(scope="module")
def alone():
    """Each odd case in turn in one worker, with a plain one behind them all."""
    return run((*ODD[1:], "plain"))


def test_noise_is_no_answer(alone):
    assert alone["noise"]["value"] == 1.0
    assert alone["reads"]["read"] == "nothing"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dies", "the backend's process ended here with status 3\nthe last words"),
        ("aborts", f"the backend's process ended here with status {-signal.SIGSEGV}"),
        ("exits", "the backend's process ended here with status 1\nenough"),
        ("leaves_a_child", "the backend's process ended here with status 0"),
        ("raises", "ValueError: no such thing"),
        ("no_numbers", "TypeError: odd/no_numbers: field 'value' is array([None], dtype=object); expected numbers, a "
         "text or an outcome. Give it through as_text()."),
        ("kept_name", "ValueError: odd/kept_name: a field is named 'failed', which is kept for cases without results"),
    ],
)  # fmt: skip
def test_a_case_without_results_says_why(alone, name, told):
    assert list(alone[name]) == [FAILED] and alone[name][FAILED].strip().endswith(told)


def test_what_is_lacking_is_absent(alone):
    assert alone["lacks"] == {ABSENT: "layers.Abacus"}


def test_the_cases_behind_a_death_run(alone):
    assert alone["plain"]["text"] == "two\nlines"


def test_several_processes_give_the_same_in_the_same_order(alone):
    several = run(ODD, jobs=3)
    assert list(several) == list(ODD)
    assert [name for name in ODD if exact_differences(several[name], alone[name])] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sleeps", "OutOfTime: the case took more than 0.3 seconds"),
        ("stuck", "the case took more than 0.3 seconds and could not be interrupted"),
    ],
)
def test_time_runs_out(monkeypatch, name, told):
    monkeypatch.setattr(runner, "SECONDS_TO_STOP", 0.5)
    measured = run([name, "plain"], seconds=0.3)
    assert measured[name][FAILED].strip().endswith(told)
    assert measured["plain"]["text"] == "two\nlines"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"python": "/no/such/python"}, "/no/such/python cannot be run as the Python of 'tests.odd_backend'"),
        ({"provider": "gpu"}, "backend 'tests.odd_backend' has no providers to choose from; leave out --provider."),
    ],
)
def test_a_run_that_cannot_begin(options, told):
    with pytest.raises(Refused) as raised:
        run(["plain"], jobs=2, **options)
    assert str(raised.value).startswith(told)


def _is_running(pid):
    status = pathlib.Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not pathlib.Path("/proc").exists(), reason="processes are counted where Linux lists them")
def test_interruption_ends_the_workers(tmp_path):
    program = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job ignores it
        "from conformance import runner\nfrom conformance.progress import Progress\n"
        f"runner.run_cases(runner.setup_of({BACKEND!r}), ['odd/sleeps'], Progress(1))\n"
    )
    told = tmp_path / "pid"
    environment = dict(os.environ, ODD_PID_FILE=str(told), PYTHONPATH=str(ROOT))
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (told.exists() and told.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int(told.read_text())
    assert _is_running(worker)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in printed and not _is_running(worker)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress_of(stream, seconds):
    """What is printed when case after case takes so many seconds."""
    now = [0.0]
    progress = Progress(len(seconds), stream, lambda: now[0])
    for index, each in enumerate(seconds):
        progress.begun(f"odd/{index}")
        now[0] += each
        progress.wait()
        progress.done(f"odd/{index}", index == 1)
    progress.end()
    return stream.getvalue()


def test_lines_now_and_then_where_there_is_no_terminal():
    assert progress_of(io.StringIO(), [0.1] * 15) == ""
    assert progress_of(io.StringIO(), [11.0, 1.0, 25.0]) == (
        "conformance: 0/3 cases, 11 s (now odd/0)\n"
        "conformance: 2/3 cases, 1 failed, 37 s (now odd/2)\n"
    )
    assert progress_of(io.StringIO(), [1.0] * 6).split("\n")[1] == "conformance: 3/6 cases, 1 failed, 4 s (now odd/3)"


def test_one_changing_line_on_a_terminal():
    printed = progress_of(Terminal(), [0.1] * 3)
    assert "\n" not in printed and printed.endswith("\r\033[K") and "3/3 cases, 1 failed, 0 s  odd/2" in printed
