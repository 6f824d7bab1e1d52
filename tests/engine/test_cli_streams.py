"""The command line in other locales, with readers that leave, and with another installation's PROJ and packages."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.geo import proj_data

ROOT = Path(__file__).resolve().parents[2]
NAME = "Straße 日本 é.gpkg"
LOCALES = {
    "C": {"LC_ALL": "C"},
    "POSIX without UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "strict ascii": {"PYTHONIOENCODING": "ascii:strict"},
}


def run(*arguments, code="", **env):
    start = ["-c", code] if code else ["-m", "engine"]
    return subprocess.run([sys.executable, *start, *arguments], cwd=ROOT, env={**os.environ, **env}, capture_output=True, timeout=120)


@pytest.mark.parametrize("locale", LOCALES)
def test_no_locale_ends_in_a_traceback(tmp_path, locale):
    """A name that the locale cannot write is said escaped, with the documented exit code; JSON holds it whole."""
    encoding = LOCALES[locale].get("PYTHONIOENCODING", "utf-8").split(":")[0]
    path = tmp_path / NAME
    told = run("convert", str(path), "-o", str(tmp_path / "a.fgb"), **LOCALES[locale])
    assert told.returncode == 2 and b"Traceback" not in told.stderr
    text = told.stderr.decode(encoding)
    assert "no file" in text and ("Stra" in text and ".gpkg" in text)
    said = run("convert", str(path), "-o", str(tmp_path / "a.fgb"), "--json", **LOCALES[locale])
    assert said.returncode == 2 and said.stderr == b""
    assert str(path) in json.loads(said.stdout.decode(encoding if encoding == "utf-16" else "utf-8"))["got"]


@pytest.mark.parametrize("locale", ["POSIX without UTF-8 mode", "ascii"])
def test_help_is_written_in_any_locale(locale):
    told = run("caption", "--help", **LOCALES[locale])
    assert told.returncode == 0 and b"--resolution" in told.stdout


def test_files_with_such_names_are_found_without_utf8_mode(tmp_path):
    (tmp_path / NAME).write_bytes(b"no GeoPackage")
    told = run("convert", str(tmp_path / NAME), "-o", str(tmp_path / "a.fgb"), "--json", **LOCALES["POSIX without UTF-8 mode"])
    assert told.returncode == 2 and "no layer change_captions" in json.loads(told.stdout)["message"]


def test_a_reader_that_leaves_ends_it_quietly_and_another_pipe_is_told(tmp_path):
    """Exit code 3 is for whoever closed our stdout alone (`| head`); any other broken pipe is a failure."""
    leaves = f'"{sys.executable}" -m engine models --json | true; exit ${{PIPESTATUS[0]}}'
    for _ in range(3):  # `true` may end before or after the first line
        told = subprocess.run(["bash", "-c", f"(sleep 0.2; {leaves})"], cwd=ROOT, capture_output=True, timeout=120)
        assert told.returncode in (0, 3) and b"Traceback" not in told.stderr
    broken = "def listing(): raise BrokenPipeError(32, 'Broken pipe')"
    code = f"import sys; from engine import cli; from engine.registry import files\n{broken}\nfiles.listing = listing; sys.exit(cli.main(['models']))"
    told = run(code=code)
    assert told.returncode == 4 and b"BrokenPipeError" in told.stderr


def database(folder, major, minor):
    folder.mkdir()
    with sqlite3.connect(folder / proj_data.DATABASE) as made:
        made.execute("CREATE TABLE metadata (key, value)")
        made.executemany("INSERT INTO metadata VALUES (?, ?)", [(f"DATABASE.LAYOUT.VERSION.{k}", v) for k, v in (("MAJOR", major), ("MINOR", minor))])
    made.close()
    return str(folder)


@pytest.mark.parametrize("variable", proj_data.VARIABLES)
def test_another_installations_proj_is_not_used(tmp_path, monkeypatch, variable):
    own = max(proj_data.layout(file) for file in proj_data.own_databases())
    (tmp_path / "empty").mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / proj_data.DATABASE).write_bytes(b"no database" * 100)
    for folder, why in (
        (database(tmp_path / "older", own[0], own[1] - 1), "another installation's PROJ"),
        (database(tmp_path / "major", own[0] + 1, own[1]), "another installation's PROJ"),
        (str(tmp_path / "empty"), "holds no PROJ database"),
        (str(tmp_path / "nowhere"), "holds no PROJ database"),
        (str(damaged), "holds no PROJ database"),
    ):
        monkeypatch.setenv(variable, folder)
        (note,) = proj_data.unset_foreign()
        assert note.startswith(f"{variable}={folder}") and why in note and variable not in os.environ
    for folder in (
        database(tmp_path / "same", *own),
        database(tmp_path / "newer", own[0], own[1] + 3),
        os.pathsep.join([str(tmp_path / "empty"), str(tmp_path / "same")]),
    ):
        monkeypatch.setenv(variable, folder)
        assert proj_data.unset_foreign() == [] and os.environ[variable] == folder


def test_a_crs_is_known_whatever_proj_lib_says(tmp_path):
    code = (
        "from engine.geo.ground import pixel_size_m; from affine import Affine; print(pixel_size_m('EPSG:32631', Affine(.5,0,5e5,0,-.5,54e5), 9, 9))"
    )
    for value in (database(tmp_path / "old", 1, 0), str(tmp_path / "nowhere")):
        told = run(code=code, PROJ_LIB=value, PROJ_DATA=value)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith(b"(0.5")
    told = run("convert", "nowhere.gpkg", "-o", str(tmp_path / "a.fgb"), "--json", PROJ_LIB=value)
    first, second = map(json.loads, told.stdout.splitlines())
    assert (first["type"], first["level"]) == ("log", "info") and "PROJ_LIB" in first["message"] and second["type"] == "error"


def test_another_installations_packages_come_after_ours(tmp_path):
    """PYTHONPATH of QGIS's Python put its attrs before ours, and rasterio's Affine failed."""
    foreign, own = tmp_path / "dist-packages", tmp_path / "mine"
    for folder in (foreign, own):
        folder.mkdir()
    (foreign / "attr.py").write_text("raise ImportError('of another installation')", "utf-8")
    (foreign / "only_there.py").write_text("", "utf-8")
    (own / "numbered.py").write_text("", "utf-8")
    code = (
        "import sys; from engine.cli import main; sys.argv = ['changescribe', 'models']; main(); "
        "import attr, only_there, numbered; from affine import Affine; print(~Affine.identity()); print([p for p in sys.path if {tmp!r} in p])"
    )
    told = run(code=code.format(tmp=str(tmp_path)), PYTHONPATH=os.pathsep.join([str(foreign), str(own)]))
    assert told.returncode == 0, told.stderr
    assert told.stdout.decode().splitlines()[-1] == str([str(own), str(foreign)])
