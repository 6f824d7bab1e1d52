"""A few faults of the suite; ``make faults`` injects three hundred."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_run_survives_a_fault_of_most_kinds():
    """In a process of its own, because it forks before any thread is started."""
    command = [sys.executable, "-m", "tests.faults", "--count", "20", "--seed", "7", "--jobs", "3"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert "20 faults, seed 7: 20 survived" in done.stdout


def test_a_kind_that_does_not_exist_is_said():
    command = [sys.executable, "-m", "tests.faults", "--only", "earthquake"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode and "no kind of fault is called 'earthquake'" in done.stderr
