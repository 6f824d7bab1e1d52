"""docs/features.md: what is ticked names tests and pictures that exist, and what is not ticked names none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "features.md").read_text("utf-8")
ITEMS = re.findall(r"- \[([x ])\] (.*?)(?=\n *(?:\d+\. )?- \[|\n\n|\Z)", TEXT, re.DOTALL)


@cache
def functions(path):
    return {node.name for node in ast.walk(ast.parse((ROOT / "tests" / path).read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("tick", "text"), ITEMS, ids=[text.split(".")[0][:50] for _, text in ITEMS])
def test_a_tick_has_something_to_show(tick, text):
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    pictures = re.findall(r"`(docs/img/\S+?)`", text)
    assert bool(tests or pictures) == (tick == "x")
    assert [f"{path}::{name}" for path, name in tests if name not in functions(path)] == []
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_all_items_are_read():
    assert len(ITEMS) == TEXT.count("- [")
