"""PROJ's database: that of another installation, which ``PROJ_LIB`` or ``PROJ_DATA`` often names (conda, OSGeo4W, QGIS, PostGIS), is left alone.

Our PROJ cannot read an older one, and every CRS would fail. The plugin starts its engine without these variables; here a program that was
started with them takes them out of its own environment, before PROJ has read them. Light module: standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

VARIABLES = ("PROJ_LIB", "PROJ_DATA")
DATABASE = "proj.db"
# Wheels bring a PROJ each, with its data inside the package.
PACKAGES = ("rasterio", "fiona")


def unset_foreign() -> list[str]:
    """Unset the variables that name no database our PROJ can read; notes of what was unset."""
    given = [name for name in VARIABLES if os.environ.get(name)]
    needed = [version for file in own_databases() if (version := layout(file))] if given else []
    notes = []
    for name in given:
        folders = os.environ[name]
        found = next((version for folder in folders.split(os.pathsep) if (version := layout(Path(folder) / DATABASE))), None)
        if needed and not all(is_readable(found, own) for own in needed):
            del os.environ[name]
            why = "holds no PROJ database" if found is None else "is of another installation's PROJ"
            notes.append(f"{name}={folders} {why} and is not used; unset it to be rid of this note")
    return notes


def own_databases() -> list[Path]:
    """Databases that came with our PROJ: inside the packages, or of the environment (conda) or system that Python belongs to."""
    found = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        found += [Path(folder) / "proj_data" / DATABASE for folder in (spec and spec.submodule_search_locations) or ()]
    shared = [Path(sys.prefix, *parts, "share", "proj", DATABASE) for parts in ((), ("Library",))]
    return [file for file in found if file.is_file()] or [file for file in shared if file.is_file()]


def layout(database: Path) -> tuple[int, int] | None:
    """Version of a database's tables, or None where there is none."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True)) as opened:
            rows = dict(opened.execute("SELECT key, value FROM metadata WHERE key LIKE 'DATABASE.LAYOUT.VERSION.%'"))
        return int(rows["DATABASE.LAYOUT.VERSION.MAJOR"]), int(rows["DATABASE.LAYOUT.VERSION.MINOR"])
    except (sqlite3.Error, KeyError, ValueError):
        return None


def is_readable(found: tuple[int, int] | None, own: tuple[int, int]) -> bool:
    """PROJ's own rule (``DatabaseContext::Private::checkDatabaseLayout``): the same major version, and no older a minor one."""
    return found is not None and found[0] == own[0] and found[1] >= own[1]
