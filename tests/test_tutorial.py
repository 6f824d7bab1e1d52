"""docs/tutorial.md: every command in it runs as it stands, one after the other; the help's tutorial has the same ones."""

import html
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import fiona
import pytest
import rasterio

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")


def commands():
    return [line for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def shell(tmp_path):
    """Runs a line in a folder of its own, with ``python`` and ``changescribe`` as an install of the plugin's folder gives them."""
    spec = importlib.util.spec_from_file_location("ci_plugin", ROOT / ".ci" / "plugin.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.link(tmp_path / "plugins")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, start in (("python", ""), ("changescribe", "-m changescribe.engine")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {start} "$@"\n')
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(tmp_path / "plugins")}
    (tmp_path / "work").mkdir()

    def run(line):
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path / "work", env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    run.folder = tmp_path / "work" / "demo"
    return run


@pytest.mark.slow
def test_every_command_of_the_tutorial_runs(shell):
    said = {line: shell(line) for line in commands()}
    assert [line.split()[1] for line in said] == ["-m", "caption", "report", "convert"]
    assert "of 20 tiles changed" in next(iter(said.values()))
    with fiona.open(shell.folder / "changes.gpkg") as layer:
        assert len(layer) == 20 and any(row["properties"]["changed"] for row in layer)
    with rasterio.open(shell.folder / "before.tif") as before, rasterio.open(shell.folder / "heat.tif") as heat:
        assert (before.width, before.height) == (heat.width, heat.height) == (1280, 1024)
    assert "<h2>Totals</h2>" in (shell.folder / "report.html").read_text("utf-8")
    with fiona.open(shell.folder / "changes.geojson") as layer:
        assert len(layer) == 20


def test_the_helps_tutorial_has_the_same_commands():
    page = (ROOT / "resources" / "help" / "tutorial.html").read_text("utf-8")
    assert [html.unescape(text) for text in re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)] == commands()


def test_pictures_of_the_tutorial_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TUTORIAL)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / "docs" / picture).is_file()] == []
