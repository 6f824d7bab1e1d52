"""Clocks: several things run in turn, several times over, so that what else the machine does disturbs all of them alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

POLL_S = 0.1


@dataclass
class Timing:
    """Seconds by the clock and of the processor (all threads) of each round of something that handles ``items`` things a round."""

    items: int
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Items a second by the clock, of the median round."""
        return self.items / statistics.median(self.wall_s)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor an item, of the median round."""
        return 1000 * statistics.median(self.cpu_s) / self.items

    def times_as_fast_as(self, other: Timing) -> float:
        """Median over the rounds of the ratio of both rates by the clock."""
        return statistics.median((self.items / mine) / (other.items / theirs) for mine, theirs in zip(self.wall_s, other.wall_s, strict=True))

    def cpu_times_as_fast_as(self, other: Timing) -> float:
        """As ``times_as_fast_as``, of processor time."""
        return statistics.median((self.items / mine) / (other.items / theirs) for mine, theirs in zip(self.cpu_s, other.cpu_s, strict=True))

    def to_json(self) -> dict:
        return {"per_s": round(self.per_s, 2), "cpu_ms": round(self.cpu_ms, 2), "rounds": len(self.wall_s)}


def alternated(rounds: int, runs: Mapping[str, Callable[[], int]], warm: bool = False) -> dict[str, Timing]:
    """Each run says how many items it has handled; all once to warm up, unless they are ``warm``, then all in turn ``rounds`` times."""
    timings = {name: Timing(0 if warm else run()) for name, run in runs.items()}
    for _ in range(rounds):
        for name, run in runs.items():
            start_s, cpu_s = time.perf_counter(), time.process_time()
            timings[name].items = run()
            timings[name].wall_s.append(time.perf_counter() - start_s)
            timings[name].cpu_s.append(time.process_time() - cpu_s)
    return timings


def wait_for(process: subprocess.Popen) -> tuple[int, int]:
    """Exit status of a child process and its largest resident memory, MB.

    Read while it runs, because what the system says after its end counts the parent's memory at the fork.
    """
    status, peak_kb = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        with suppress(OSError, StopIteration):
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
            peak_kb = int(line.split()[1])
        time.sleep(POLL_S)
    return process.returncode, round(peak_kb / 1024)
