"""Pairs of rasters for a batch, from a table or a folder. Pure functions over paths and rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from ...engine.contract.batch_table import beside
from ...engine.contract.errors import InputError
from ...engine.contract.request import CaptionRequest
from ..i18n import tr

NAME, DATE = "{name}", "{date}"
CONSECUTIVE, FIRST_LAST = "consecutive", "first-last"
PAIRINGS = (CONSECUTIVE, FIRST_LAST)
# Year, or year and month, or a day; with or without the same separator between the parts.
DATE_REGEX = r"(?:19|20)\d\d(?:(?P<_sep>[-_.]?)(?:0[1-9]|1[0-2])(?:(?P=_sep)(?:0[1-9]|[12]\d|3[01]))?)?"
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
        jobs.append(
            Job(
                safe_name(name),
                before,
                after,
                aoi,
                tr("row {number} names no raster for {columns}", number=number, columns=", ".join(empty)) if empty else "",
            )
        )
    if not jobs:
        raise InputError(tr("a table without rows"), tr("one row per pair"), tr("choose another table"))
    return unique(jobs)


def _check_columns(values: dict[str, str]) -> None:
    missing = [name for name in ("before", "after") if name not in values]
    if missing:
        raise InputError(
            tr("a table without the column {columns}", columns=" and ".join(missing)),
            tr("columns before and after (optional: output and aoi)"),
            tr("rename them"),
        )
    settings = [name for name in values if name in SETTINGS and values[name]]
    if settings:
        do = tr("set the parameter and remove the column, or use the command `changescribe batch`")
        raise InputError(tr("a table with the column {column}", column=settings[0]), tr("the same settings for all pairs"), do)


def check_patterns(before_pattern: str, after_pattern: str) -> None:
    """Check the name patterns of a folder of pairs.

    Raises
    ------
    InputError
        A pattern without ``{name}``, or two equal ones.
    """
    for pattern in (before_pattern, after_pattern):
        if pattern.count(NAME) != 1:
            raise InputError(
                tr("the pattern {pattern!r}", pattern=pattern),
                tr("{name} once, for what the two files of a pair share", name=NAME),
                tr("write it as {name}_before.tif", name=NAME),
            )
    if before_pattern == after_pattern:
        raise InputError(
            tr("the same pattern {before_pattern!r} for both dates", before_pattern=before_pattern),
            tr("two patterns"),
            tr("correct one, or give a pattern with {date}"),
        )


def jobs_from_folder(folder: Path, before_pattern: str, after_pattern: str) -> list[Job]:
    """Jobs from the files below ``folder`` whose relative paths fit the patterns; ``{name}`` is what the two of a pair share.

    A file without its partner becomes a job with a problem.

    Raises
    ------
    InputError
        As check_patterns, or no file that fits.
    """
    check_patterns(before_pattern, after_pattern)
    files = files_below(folder)
    found = [_matches(files, folder, pattern) for pattern in (before_pattern, after_pattern)]
    if not found[0] and not found[1]:
        do = tr("correct the patterns; a subfolder is written before a slash: A/{name}.png")
        raise InputError(
            tr(
                "no file in {folder} fits {before_pattern} or {after_pattern}",
                folder=folder,
                before_pattern=before_pattern,
                after_pattern=after_pattern,
            ),
            tr("pairs of rasters"),
            do,
        )
    jobs = []
    for name in sorted(found[0].keys() | found[1].keys()):
        before, after = (str(matches.get(name, "")) for matches in found)
        partner = after_pattern if before else before_pattern
        problem = "" if before and after else tr("{path} has no partner ({pattern})", path=before or after, pattern=partner)
        jobs.append(Job(safe_name(name), before, after, "", problem))
    return unique(jobs)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def series_regex(pattern: str) -> re.Pattern:
    """Pattern of a series' names: ``{date}`` once, and any further names in braces, which together say the place.

    Raises
    ------
    InputError
        No ``{date}`` or two, or a name twice.
    """
    names = re.findall(r"\{(\w*)\}", pattern)
    if names.count("date") != 1 or len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        raise InputError(
            tr("the pattern {pattern!r}", pattern=pattern),
            tr("{date} once, and a name for each other part that varies"),
            tr("write it as {place}_{date}.tif"),
        )
    parts = re.split(r"\{(\w+)\}", pattern.replace("\\", "/"))
    found = [f"(?P<date>{DATE_REGEX})" if name == "date" else f"(?P<{name}>[^/]+?)" for name in parts[1::2]]
    return re.compile("".join(re.escape(text) + group for text, group in zip(parts[::2], [*found, ""])))


def jobs_from_series(folder: Path, pattern: str, pairing: str) -> list[Job]:
    """Jobs from the files below ``folder`` whose relative paths fit a pattern with ``{date}``, such as ``{place}_{date}.tif``.

    Parameters
    ----------
    pairing : "consecutive" pairs each date of a place with the next; "first-last" only the first with the last.

    A place with a single date, or with years and months side by side, becomes a job with a problem.

    Raises
    ------
    InputError
        As series_regex, two files of one place and date, or no file that fits.
    """
    regex = series_regex(pattern)
    places: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in files_below(folder):
        match = regex.fullmatch(path.relative_to(folder).as_posix())
        if match is None:
            continue
        place = "_".join(value for name, value in match.groupdict().items() if name not in ("date", "_sep"))
        date = re.sub(r"\D", "", match["date"])
        if date in places[place]:
            raise InputError(
                tr("two files of {place} of {date}", place=place or tr("the series"), date=match["date"]),
                tr("one per date"),
                tr("rename {other} or {path}", other=places[place][date], path=path),
            )
        places[place][date] = path
    if not places:
        do = tr("correct the pattern; a date is 2021, 202106, 20210630, 2021-06 or 2021-06-30, a subfolder is written before a slash")
        raise InputError(tr("no file in {folder} fits {pattern}", folder=folder, pattern=pattern), tr("rasters of several dates"), do)
    return unique([job for place in sorted(places) for job in _series_jobs(place, places[place], pairing)])


def _series_jobs(place: str, dated: dict[str, Path], pairing: str) -> list[Job]:
    dates = sorted(dated)
    what = place or tr("the series")
    alone = ""  # why there is no pair
    if len(dates) == 1:
        alone = tr("{path} is the only date of {place}", path=dated[dates[0]], place=what)
    elif len({len(date) for date in dates}) > 1:  # whether 2020 is before or after 2020-06 nobody can say
        alone = tr("{place} has the dates {dates}, not all of one form", place=what, dates=", ".join(dates))
    if alone:
        return [Job(safe_name(f"{place}_{dates[0]}"), str(dated[dates[0]]), "", "", alone)]
    pairs = list(zip(dates, dates[1:])) if pairing == CONSECUTIVE else [(dates[0], dates[-1])]
    return [Job(safe_name(f"{place}_{before}_{after}"), str(dated[before]), str(dated[after])) for before, after in pairs]


def _matches(files: list[Path], folder: Path, pattern: str) -> dict[str, Path]:
    head, tail = pattern.replace("\\", "/").split(NAME)
    regex = re.compile(f"{re.escape(head)}([^/]+){re.escape(tail)}")
    return {match[1]: path for path in files if (match := regex.fullmatch(path.relative_to(folder).as_posix()))}


def _absolute(path: str, folder: Path) -> str:
    """A local relative path made absolute, also inside what GDAL opens otherwise; a URL stays as it is."""
    return beside(folder, path) if path else path


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
                tr("two pairs named {name}", name=job.name),
                tr("a different name for each pair"),
                tr("give the table a column output, or rename the files"),
            )
    return jobs
