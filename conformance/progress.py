"""How far a run is: one changing line on a terminal, a line now and then elsewhere."""

import sys
import time

SECONDS_BETWEEN_LINES = 10
SHARE_BETWEEN_LINES = 0.1


class Progress:
    """Told of each case that begins and ends.

    Arguments:
        total: How many cases there are.
        stream: Where to write; standard error by default.
        clock: What tells the seconds.
    """

    def __init__(self, total, stream=None, clock=time.monotonic):
        self._total, self._stream, self._clock = total, stream or sys.stderr, clock
        self._terminal = self._stream.isatty()
        self._num_done = self._num_failed = 0
        self._running, self._start = [], clock()
        self._last_time, self._last_done = self._start, 0

    def begun(self, name):
        self._running.append(name)
        self._show(name)

    def done(self, name, failed):
        if name in self._running:
            self._running.remove(name)
        self._num_done += 1
        self._num_failed += failed
        self._show(name)

    def wait(self):
        """Called while nothing happens, so that a case which takes long is seen to run."""
        self._show(self._running[0] if self._running else "the backend is being loaded")

    def end(self):
        if self._terminal:
            self._write("\r\033[K")

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()

    def _counts(self):
        failed = f", {self._num_failed} failed" if self._num_failed else ""
        return f"{self._num_done}/{self._total} cases{failed}, {self._clock() - self._start:.0f} s"

    def _show(self, name):
        if self._terminal:
            return self._write(f"\r\033[K{self._counts()}  {name}"[:160])
        since, more = self._clock() - self._last_time, self._num_done - self._last_done
        if since < SECONDS_BETWEEN_LINES and (since < 2 or more < SHARE_BETWEEN_LINES * self._total):
            return None
        self._last_time, self._last_done = self._clock(), self._num_done
        return self._write(f"conformance: {self._counts()} (now {name})\n")
