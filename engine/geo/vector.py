"""Names of vector files and their layers, and what keeps a file from being read."""

from __future__ import annotations

import os
import re
import sqlite3
import zipfile
from contextlib import closing
from urllib.parse import quote

import fiona

_OPTION = re.compile(r"\w+=", re.A)
# GDAL reads it; fiona leaves it off its list because it cannot write all of it.
fiona.drvsupport.supported_drivers.setdefault("KML", "r")
LOCKED = ("a file that no other program holds", "end the editing or close the file there, then run again")


def split_layer(source: str) -> tuple[str, dict[str, str]]:
    """File and options of a source as QGIS writes it: ``path|layername=NAME``.

    A file's name may hold ``|`` itself: the longest beginning of the source that is there is the file.
    """
    parts = source.split("|")
    there = (count for count in range(len(parts), 0, -1) if os.path.exists("|".join(parts[:count])))
    options = next((i for i in range(1, len(parts)) if all(_OPTION.match(part) for part in parts[i:])), len(parts))
    count = next(there, options)
    return "|".join(parts[:count]), {key.lower(): value for key, _, value in (part.partition("=") for part in parts[count:])}


def as_gdal_has_it(file: str) -> str:
    """The name that GDAL opens: of a KMZ, which is a ZIP, the KML inside.

    Raises
    ------
    OSError
        The KMZ holds no KML or is none.
    """
    if not file.lower().endswith(".kmz") or file.startswith("/vsi"):
        return file
    try:
        with zipfile.ZipFile(file) as packed:
            inside = sorted(
                (name for name in packed.namelist() if name.lower().endswith(".kml")), key=lambda name: (name.count("/"), name != "doc.kml")
            )
    except zipfile.BadZipFile as error:
        raise OSError(f"{error}") from error
    if not inside:
        raise OSError("no KML inside")
    return f"/vsizip/{os.path.abspath(file)}/{inside[0]}"


def reason(file: str, error: BaseException) -> str:
    """Why a file cannot be read, in place of GDAL's word for it where that says nothing."""
    if file.startswith("/vsi") or "://" in file:
        return str(error)
    if not os.path.exists(file):
        return "there is no such file"
    stem, suffix = os.path.splitext(file)
    if suffix.lower() == ".shp" and not any(os.path.exists(stem + index) for index in (".shx", ".SHX")):
        return f"{os.path.basename(stem)}.shx, which belongs to it, is missing; a Shapefile is several files: copy all of them"
    return str(error)


def is_locked(path: str | os.PathLike, writing: bool = False) -> bool:
    """Whether another program keeps a GeoPackage from being read, or from being written."""
    if not os.path.isfile(path):
        return False
    mode, ask = ("rw", "BEGIN IMMEDIATE") if writing else ("ro", "SELECT 1 FROM sqlite_master LIMIT 1")
    try:
        with closing(sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode={mode}", uri=True, timeout=0)) as database:
            database.execute(ask).fetchone()
            database.rollback()
        with open(path, "rb"):
            return False
    except sqlite3.Error as error:
        return "locked" in str(error) or "busy" in str(error)
    except OSError as error:
        return getattr(error, "winerror", None) in (32, 33)  # Windows: sharing and lock violations
