"""How long the desktop stands still: gaps between the ticks of a timer in the event loop."""

import time
from dataclasses import dataclass
from pathlib import Path

from qgis.PyQt.QtCore import QObject, Qt, QTimer

TICK_MS = 10
SHORT_S = 0.02
# Linux only; its second number is for how many nanoseconds this thread was ready to run and another program had the processor.
SCHEDULER = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True, order=True)
class Gap:
    """No event was served for ``length_s``, from ``at_s`` on.

    own_s : processor time of the main thread. queued_s : how long it waited for the processor; the rest it waited for files, locks or the display.
    """

    length_s: float
    own_s: float
    queued_s: float
    at_s: float

    def __str__(self):
        parts = f"{1000 * self.own_s:.0f} ms of own work, {1000 * self.queued_s:.0f} ms waiting for the processor"
        return f"{1000 * self.length_s:.0f} ms ({parts}) after {self.at_s:.2f} s"


class Watch(QObject):
    """Context manager; counts while the event loop runs. ``gaps`` are those of more than SHORT_S."""

    def __init__(self):
        super().__init__()
        self.gaps, self.ticks = [], 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def __enter__(self):
        self._begun, *_ = self._last = self._now()
        self._timer.start()
        return self

    def __exit__(self, *_exc):
        self._timer.stop()

    @property
    def longest(self):
        return max(self.gaps, default=Gap(SHORT_S, 0.0, 0.0, 0.0))

    @property
    def longest_own_s(self):
        """Of the main thread's own work, which another program does not make longer."""
        return max((gap.own_s for gap in self.gaps), default=0.0)

    @property
    def longest_unqueued_s(self):
        """Longest gap on a machine that does nothing else, as near as this one can tell."""
        return max((gap.length_s - gap.queued_s for gap in self.gaps), default=SHORT_S)

    def report(self, count=3):
        worst = f"{1000 * self.longest_unqueued_s:.0f} ms without waiting for the processor, {1000 * self.longest_own_s:.0f} ms of own work"
        return "\n  ".join([f"{self.ticks} ticks; longest {worst}; longest gaps:", *map(str, sorted(self.gaps, reverse=True)[:count])])

    @staticmethod
    def _now():
        queued_ns = int(SCHEDULER.read_text().split()[1]) if SCHEDULER.exists() else 0
        return time.perf_counter(), time.thread_time(), queued_ns / 1e9

    def _tick(self):
        now = self._now()
        length_s, own_s, queued_s = (new - old for new, old in zip(now, self._last))
        if length_s > SHORT_S:
            self.gaps.append(Gap(length_s, own_s, queued_s, self._last[0] - self._begun))
        self.ticks += 1
        self._last = now
