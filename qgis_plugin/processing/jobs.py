"""Pairs of rasters for a batch, from a table or a folder. Pure functions over paths and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import InputError

NAME = "{name}"


@dataclass(frozen=True)
class Job:
    """One pair. name : of its output, unique in the batch. problem : why it cannot run, or an empty text."""

    name: str
    before: str
    after: str
    aoi: str = ""
    problem: str = ""


def jobs_from_rows(rows: Iterable[dict], folder: Path) -> list[Job]:
    """Jobs from table rows with the columns before, after and, if wished, name and aoi.

    Parameters
    ----------
    folder : Path
        What relative paths are relative to: the table's folder.

    Raises
    ------
    InputError
        No rows, or a column is missing.
    """
    jobs = []
    for number, original in enumerate(rows, 1):
        values = {str(key).strip().lower(): "" if value is None else str(value).strip() for key, value in original.items()}
        missing = [name for name in ("before", "after") if name not in values]
        if missing:
            raise InputError(
                f"a table without the column {' and '.join(missing)}", "columns before and after (and name, aoi if wished)", "rename them"
            )
        empty = [name for name in ("before", "after") if not values[name]]
        before, after, aoi = (_absolute(values.get(name, ""), folder) for name in ("before", "after", "aoi"))
        name = values.get("name") or (f"{number:04d}_{Path(after).stem}" if after else f"{number:04d}")
        jobs.append(Job(safe_name(name), before, after, aoi, f"row {number} names no {' and no '.join(empty)} raster" if empty else ""))
    if not jobs:
        raise InputError("a table without rows", "one row a pair", "choose another table")
    return unique(jobs)


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
                f"two pairs of the name {job.name}", "a name of its own for every pair", "give the table a column name, or rename the files"
            )
    return jobs
