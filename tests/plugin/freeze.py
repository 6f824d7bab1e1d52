"""How long the desktop stands still: gaps between the ticks of a timer in the event loop."""

import time

from qgis.PyQt.QtCore import QObject, Qt, QTimer

TICK_MS = 10
SHORT_S = 0.02


class Watch(QObject):
    """Context manager; runs while the event loop does.

    Attributes
    ----------
    gaps : list of (gap_s, cpu_s, at_s)
        All gaps of more than SHORT_S: how long no event was served, the processor time that the main thread itself spent in it (the rest it
        waited, for another program too), and when.
    ticks : int
    """

    def __init__(self):
        super().__init__()
        self.gaps, self.ticks = [], 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def __enter__(self):
        self._begun = self._last = time.perf_counter()
        self._cpu = time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_exc):
        self._timer.stop()

    @property
    def longest_s(self):
        return max((gap for gap, _, _ in self.gaps), default=SHORT_S)

    @property
    def longest_cpu_s(self):
        """Of the main thread's own work, which another program does not make longer."""
        return max((cpu for _, cpu, _ in self.gaps), default=SHORT_S)

    def report(self, count=5):
        lines = [f"{self.ticks} ticks; longest gap {1000 * self.longest_s:.0f} ms, of own work {1000 * self.longest_cpu_s:.0f} ms"]
        for gap, cpu, at in sorted(self.gaps, reverse=True)[:count]:
            lines.append(f"  {1000 * gap:.0f} ms ({1000 * cpu:.0f} ms of own work) after {at:.2f} s")
        return "\n".join(lines)

    def _tick(self):
        now, cpu = time.perf_counter(), time.thread_time()
        if now - self._last > SHORT_S:
            self.gaps.append((now - self._last, cpu - self._cpu, self._last - self._begun))
        self.ticks += 1
        self._last, self._cpu = now, cpu
