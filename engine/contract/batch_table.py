"""Tables of jobs as people and spreadsheets save them: any separator, capitals and blanks in the head, UTF-8 or UTF-16, decimal commas.

And names of rasters in them, which are relative to the table, also inside what GDAL opens otherwise (``NETCDF:"a.nc":var``).
Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import InputError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# DRIVER:… of GDAL, vrt:// and its like. A drive (C:) has one letter.
_DRIVER = re.compile(r"[A-Za-z]\w+:(?!//)")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def read_rows(table: Path, required: Sequence[str], known: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells, by column and without blanks around, of each row that is not empty; empty cells are left out.

    Parameters
    ----------
    required, known : names of columns that must, and of all that may be there

    Raises
    ------
    InputError
        The table cannot be read, or its head or a row of it is wrong.
    """
    try:
        text = _decoded(table.read_bytes())
    except OSError as error:
        raise InputError(f"{table} cannot be read ({error})", "a CSV table", "check the path") from error
    except UnicodeError as error:
        raise InputError(
            f"{table} cannot be read ({error})", "a CSV table in UTF-8", 'save it as "CSV UTF-8", or change its encoding in a text editor'
        ) from error
    lines = text.splitlines(keepends=True)
    skipped = 0
    while skipped < len(lines) and not lines[skipped].strip():
        skipped += 1
    separator = None
    if skipped < len(lines) and (told := re.fullmatch(r'"?sep=(.)"?', lines[skipped].strip("\r\n"))):  # Excel's own
        separator, skipped = told.group(1), skipped + 1
    head = lines[skipped] if skipped < len(lines) else ""
    separator = separator or _separator(head, known)
    rows = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), delimiter=separator, skipinitialspace=True)
    try:
        columns = _columns(table, next(rows, []), separator, required, known)
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield skipped + rows.line_num, _row(f"{table}, line {skipped + rows.line_num}", columns, cells, separator)
    except csv.Error as error:
        raise InputError(f"{table}, line {skipped + rows.line_num} cannot be read ({error})", "a CSV table", "check its quotes") from error


def _decoded(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8")


def _separator(head: str, known: Sequence[str]) -> str:
    """The separator that gives the head the most names of columns; commas where none is better."""
    return max(SEPARATORS, key=lambda mark: len({cell.strip(' "\r\n').lower() for cell in head.split(mark)} & set(known)))


def _columns(table: Path, head: Sequence[str], separator: str, required: Sequence[str], known: Sequence[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in head]
    missing = [name for name in required if name not in columns]
    unknown = [cell.strip() for cell, name in zip(head, columns) if name and name not in known]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    faults = (("no column", missing), ("unknown columns", unknown), ("twice the columns", twice))
    if missing or unknown or twice:
        got = " and ".join(f"{what} {', '.join(names)}" for what, names in faults if names)
        optional = ", ".join(name for name in known if name not in required)
        do = f"correct the first line (its columns were taken to be separated by {SEPARATORS.get(separator, repr(separator))})"
        raise InputError(f"{table} has {got}", f"{' and '.join(required)}, and if wanted {optional}", do)
    return columns


def _row(where: str, columns: Sequence[str], cells: Sequence[str], separator: str) -> dict[str, str]:
    found = {}
    for number, cell in enumerate(map(str.strip, cells)):
        if not cell:
            continue
        if number >= len(columns):
            of = SEPARATORS.get(separator, repr(separator))
            raise InputError(f"{where}: more cells than columns", "one cell a column", f"quote cells that hold {of}")
        if not columns[number]:
            raise InputError(f"{where}: {cell!r} in column {number + 1}, which has no name", "a name for each column", "name it, or empty its cells")
        found[columns[number]] = cell
    return found


def with_points(text: str, kind: str) -> str:
    """A number's text with a point where it has a decimal comma; ``kind`` is the option's."""
    if kind in ("real", "resolution"):
        return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
    if kind == "extent":
        parts = [part for part in re.split(r"[;\s]+", text) if part]
        if len(parts) == 4 and all(_DECIMAL_COMMA.fullmatch(part) or "," not in part for part in parts):
            return ";".join(part.replace(",", ".") for part in parts)
    return text


def beside(folder: Path, path: str) -> str:
    """A local path of a table, which is relative to the table's folder; URLs and what names no file there stay as they are."""
    if _exists(folder, path):
        return str(folder / path)
    if path.startswith("/vsi"):
        kind, _, rest = path[1:].partition("/")
        inside = next((n for n in _ends(rest, "/") if _exists(folder, rest[:n])), None)
        return f"/{kind}/{folder / rest[:inside]}{rest[inside:]}" if inside else path
    if path.lower().startswith("vrt://"):
        file, mark, options = path[6:].partition("?")
        return f"vrt://{folder / file}{mark}{options}" if _exists(folder, file) else path
    if not _DRIVER.match(path):
        return path if ":" in path else str(folder / path)
    quoted = re.search(r'"([^"]+)"', path)
    start = path.index(":") + 1
    spans = [quoted.span(1)] if quoted else [(a, b) for a in _starts(path, start) for b in _ends(path, ":") if b > a]
    for first, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if _exists(folder, path[first:end]):
            return f"{path[:first]}{folder / path[first:end]}{path[end:]}"
    return path


def _starts(path: str, least: int) -> list[int]:
    return [least, *(found.end() for found in re.finditer(":", path) if found.end() > least)]


def _ends(path: str, mark: str) -> list[int]:
    """Where a part of the path may end that is followed by the mark, or by nothing."""
    return [*(found.start() for found in re.finditer(re.escape(mark), path) if found.start()), len(path)]


def _exists(folder: Path, name: str) -> bool:
    try:
        return bool(name.strip()) and (folder / name).exists()
    except (OSError, ValueError):  # too long, or no name at all
        return False
