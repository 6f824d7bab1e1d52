"""tests/quick.txt, the files of `make quick`: they exist, hold tests of every part, and are not most of the suite."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LISTED = [line for line in (ROOT / "tests" / "quick.txt").read_text("utf-8").splitlines() if line and not line.startswith("#")]
PARTS = ("tests/", "tests/engine/", "tests/engine/geo/", "tests/engine/models/", "tests/training/", "tests/plugin/")


def functions_of(path):
    return [node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


@pytest.mark.parametrize("name", LISTED)
def test_a_listed_file_has_tests(name):
    assert functions_of(ROOT / name), f"{name} has no test"


def test_every_part_is_touched_and_no_file_twice():
    assert {f"{Path(name).parent.as_posix()}/" for name in LISTED} == set(PARTS)
    assert len(set(LISTED)) == len(LISTED)


def test_the_set_keeps_its_size():
    """Functions, of which many have several cases; the time itself is held by .ci/quick."""
    assert 150 <= sum(len(functions_of(ROOT / name)) for name in LISTED) <= 500
