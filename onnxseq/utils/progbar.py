"""The progress bar that `fit`, `evaluate` and `predict` draw on standard output."""

import sys
import time

SMALLEST_FIXED_POINT = 1e-3
"""Averages up to this size are written with an exponent."""


class Progbar:
    """Draw how much of a known amount of work is done, and running averages beside it.

    Arguments:
        target: Amount of work in units (samples or steps); None where it is not known.
        width: Characters between the brackets.
        verbose: 1 draws a moving bar, 2 writes one line once the target is reached, 0 draws nothing.
        interval: Least time between two drawings, in seconds.
    """

    def __init__(self, target, width=30, verbose=1, interval=0.05):
        self.target = -1 if target is None else target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.sum_values = {}
        self.unique_values = []
        self.start = time.time()
        self.last_update = 0
        self.total_width = 0
        self.seen_so_far = 0

    def update(self, current, values=None, force=False):
        """Report that `current` units are done.

        Arguments:
            current: Units done so far.
            values: Pairs of a name and its value over the units done since the last report; the bar shows
                the average of each name, weighted by units.
            force: Draw even where the last drawing is more recent than the interval.
        """
        done = current - self.seen_so_far
        self.seen_so_far = current
        for name, value in values or ():
            entry = self.sum_values.get(name)
            if entry is None:
                self.sum_values[name] = [float(value) * done, done]
                self.unique_values.append(name)
            else:
                entry[0] += float(value) * done
                entry[1] += done
        now = time.time()
        if self.verbose == 1:
            if not force and now - self.last_update < self.interval:
                return
            self._draw(current, now)
        elif self.verbose == 2 and current >= self.target:
            line = f"{int(now - self.start)}s" + "".join(self._averages(signed=False))
            sys.stdout.write(line + "\n")
        self.last_update = now

    def add(self, n, values=None):
        """Report that `n` more units are done; `values` as in `update`."""
        self.update(self.seen_so_far + n, values)

    def _draw(self, current, now):
        # The old drawing is taken back by backspaces and a return, so that logs of terminals that ignore either stay
        # readable; a shorter drawing is padded over what remains of a longer one.
        known = self.target != -1
        bar = self._bar(current) if known else ""
        elapsed = now - self.start
        if known and current < self.target:
            remaining = elapsed / current * (self.target - current) if current else 0
            info = f" - ETA: {int(remaining)}s"
        else:
            info = f" - {int(elapsed)}s"
        info += "".join(self._averages(signed=True))
        previous_width, self.total_width = self.total_width, len(bar) + len(info)
        padding = " " * max(0, previous_width - self.total_width)
        end = "\n" if current >= self.target else ""
        sys.stdout.write("\b" * previous_width + "\r" + bar + info + padding + end)
        sys.stdout.flush()

    def _bar(self, current):
        filled = int(self.width * current / self.target) if self.target else self.width
        done, target = int(current), int(self.target)  # steps may be a share of samples by batch size
        digits = len(str(target))
        head = ""
        if filled > 0:
            head = "=" * (filled - 1) + (">" if current < self.target else "=")
        return f"{done:{digits}d}/{target} [{head}{'.' * (self.width - filled)}]"

    def _averages(self, signed):
        for name in self.unique_values:
            total, count = self.sum_values[name]
            average = total / max(1, count)
            size = abs(average) if signed else average
            form = ".4f" if size > SMALLEST_FIXED_POINT else ".4e"
            yield f" - {name}: {average:{form}}"
