"""A few faults of the suite, and engines that it must find out; ``make faults`` injects three hundred."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The suite, its kinds replaced by these: a run of an engine that ``careless`` has changed is interrupted once 12 tiles are told.
CARELESS = """
import signal, sys
import tests.faults.__main__ as suite
from engine.output.writer import GridWriter
from ends import interrupted
from kinds import STOPPED, Kind, error

close = GridWriter.__exit__

def deletes():
    def careless(self, *exception):
        close(self, *exception)
        self.path.unlink()
    GridWriter.__exit__ = careless

def keeps_back():
    GridWriter.commit = lambda self: None
    GridWriter.__exit__ = lambda self, *exception: self._lock.release()

def begins_anew():
    def careless(self, resume):
        self.path.unlink()
        self._create()
    GridWriter._continue = careless

def interrupting(careless=None):
    def inject(case):
        child = case.start(inside=careless)
        case.until_told(child, 12)
        return interrupted(case, child, signal.SIGTERM)
    return inject

def then_begins_anew(case):
    begins_anew()
    return interrupting()(case)

KINDS = (
    Kind("a good one", interrupting(), "survived", 1, STOPPED),
    Kind("deletes", interrupting(deletes), "lost", 1, STOPPED),
    Kind("keeps back", interrupting(keeps_back), "lost", 1, STOPPED),
    Kind("another code", interrupting(), "failed", 1, {}),
    Kind("another message", interrupting(), "failed", 1, error(3, "what nobody writes")),
)
suite.KINDS = (Kind("begins anew", then_begins_anew, "lost", 1, STOPPED),) if sys.argv[1] == "resume" else KINDS
suite.VARIANTS = ("",)
sys.argv = ["faults", "--count", str(len(suite.KINDS))]
sys.exit(suite.main())
"""


@pytest.mark.slow
def test_a_run_survives_a_fault_of_most_kinds():
    """In a process of its own, because it forks before any thread is started."""
    command = [sys.executable, "-m", "tests.faults", "--count", "20", "--seed", "7", "--jobs", "3"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert "20 faults, seed 7: 20 survived" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("which", ["fault", "resume"])
def test_an_engine_that_breaks_a_promise_is_found_out(which):
    """What must be found out is the kind's ``follows``, in the report's second column; the outcomes are those after."""
    done = subprocess.run([sys.executable, "-c", CARELESS, which], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("| ")]
    names, kinds = rows[0][3:], rows[1:-1]
    assert len(kinds) == (5 if which == "fault" else 1), done.stdout[-6000:] + done.stderr[-6000:]
    for name, expected, _, *counts in kinds:
        assert dict(zip(names, counts))[expected] == "1", (name, done.stdout[-3000:] + done.stderr[-6000:])
    assert done.returncode == 1


def test_a_kind_that_does_not_exist_is_said():
    command = [sys.executable, "-m", "tests.faults", "--only", "earthquake"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode and "no kind of fault is called 'earthquake'" in done.stderr
