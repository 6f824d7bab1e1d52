"""Pairs of rasters for a batch, from a table or a folder. Pure functions over paths and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from ...engine.errors import InputError
from ...engine.schema import CaptionRequest

NAME = "{name}"
SETTINGS = {member.name for member in fields(CaptionRequest)} - {"before", "after", "aoi"}


@dataclass(frozen=True)
class Job:
    """One pair. name : of its output, unique in the batch. problem : why it cannot run, or an empty text."""

    name: str
    before: str
    after: str
    aoi: str = ""
    problem: str = ""


def jobs_from_rows(rows: Iterable[dict], folder: Path) -> list[Job]:
    """Jobs from table rows with the columns before, after and, if wished, output and aoi: a table of ``changescribe batch``.

    Parameters
    ----------
    folder : Path
        What relative paths are relative to: the table's folder.

    Raises
    ------
    InputError
        No rows, a missing column, or a column of settings, which are the same for all pairs here.
    """
    jobs = []
    for number, original in enumerate(rows, 1):
        values = {str(key).strip().lower(): "" if value is None else str(value).strip() for key, value in original.items()}
        _check_columns(values)
        empty = [name for name in ("before", "after") if not values[name]]
        before, after, aoi = (_absolute(values.get(name, ""), folder) for name in ("before", "after", "aoi"))
        name = values.get("output") or f"{Path(before).stem}_{Path(after).stem}"
        name = name[: -len(".gpkg")] if name.lower().endswith(".gpkg") else name
        jobs.append(Job(safe_name(name), before, after, aoi, f"row {number} names no {' and no '.join(empty)} raster" if empty else ""))
    if not jobs:
        raise InputError("a table without rows", "one row a pair", "choose another table")
    return unique(jobs)


def _check_columns(values: dict[str, str]) -> None:
    missing = [name for name in ("before", "after") if name not in values]
    if missing:
        raise InputError(f"a table without the column {' and '.join(missing)}", "columns before and after (output and aoi if wished)", "rename them")
    settings = [name for name in values if name in SETTINGS and values[name]]
    if settings:
        do = "set the parameter and remove the column, or use the command `changescribe batch`"
        raise InputError(f"a table with the column {settings[0]}", "the same settings for all pairs", do)


def jobs_from_folder(folder: Path, before_pattern: str, after_pattern: str) -> list[Job]:
    """Jobs from the files below ``folder`` whose relative paths fit the patterns; ``{name}`` is what the two of a pair share.

    A file without its partner becomes a job with a problem.

    Raises
    ------
    InputError
        A pattern without ``{name}``, two equal patterns, or no file that fits.
    """
    for pattern in (before_pattern, after_pattern):
        if pattern.count(NAME) != 1:
            raise InputError(f"the pattern {pattern!r}", f"{NAME} once, for what the two files of a pair share", f"write it as {NAME}_before.tif")
    if before_pattern == after_pattern:
        raise InputError(f"the same pattern {before_pattern!r} for both dates", "two patterns", "correct one of them")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [_matches(files, folder, pattern) for pattern in (before_pattern, after_pattern)]
    if not found[0] and not found[1]:
        do = "correct the patterns; a subfolder is written before a slash: A/{name}.png"
        raise InputError(f"no file in {folder} fits {before_pattern} or {after_pattern}", "pairs of rasters", do)
    jobs = []
    for name in sorted(found[0].keys() | found[1].keys()):
        before, after = (str(matches.get(name, "")) for matches in found)
        problem = "" if before and after else f"{before or after} has no partner ({after_pattern if before else before_pattern})"
        jobs.append(Job(safe_name(name), before, after, "", problem))
    return unique(jobs)


def _matches(files: list[Path], folder: Path, pattern: str) -> dict[str, Path]:
    head, tail = pattern.replace("\\", "/").split(NAME)
    regex = re.compile(f"{re.escape(head)}([^/]+){re.escape(tail)}")
    return {match[1]: path for path in files if (match := regex.fullmatch(path.relative_to(folder).as_posix()))}


def _absolute(path: str, folder: Path) -> str:
    """A local relative path made absolute; what GDAL reads from elsewhere stays as it is."""
    if not path or path.startswith("/vsi") or "://" in path or Path(path).is_absolute():
        return path
    return str(folder / path)


def safe_name(name: str) -> str:
    """A file's name from any text."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "pair"


def unique(jobs: list[Job]) -> list[Job]:
    """The same jobs.

    Raises
    ------
    InputError
        Two would write the same output.
    """
    seen: dict[str, Job] = {}
    for job in jobs:
        # Case-insensitive, as file names are on Windows and macOS.
        other = seen.setdefault(job.name.lower(), job)
        if other is not job:
            raise InputError(
                f"two pairs of the name {job.name}", "a name of its own for every pair", "give the table a column output, or rename the files"
            )
    return jobs
