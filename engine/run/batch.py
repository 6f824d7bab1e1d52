"""Many runs from a table: one row a pair of rasters or an area; a row that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..cli.options import table_columns
from ..contract.batch_table import beside, read_rows, with_points
from ..contract.errors import EXIT_DONE, Cancelled, ChangeScribeError, InputError, OutputError
from ..contract.request import OPTIONS, CaptionRequest
from ..models.captioner import Captioner
from . import pipeline

REQUIRED = ("before", "after")
COLUMNS = table_columns()
# Columns that may stand in the table in place of the command line's options.
ROWS = {name: OPTIONS[name] for name in COLUMNS if name in OPTIONS and name not in REQUIRED}
PATHS = tuple(row.name for row in OPTIONS.values() if row.kind == "path")


@dataclass(frozen=True)
class Job:
    """One row: what to caption and where to write it."""

    line: int
    request: CaptionRequest
    output: Path


def read_jobs(table: Path, folder: Path, defaults: dict) -> list[Job]:
    """Read and verify a table of jobs; opens no raster.

    Parameters
    ----------
    table : CSV with columns before, after and any of COLUMNS, in any usual form (``batch_table``); relative paths are relative to it
    folder : where outputs go; without a column ``output`` they are named BEFORE_AFTER.gpkg
    defaults : request members that the table does not give

    Raises
    ------
    InputError
        The table, or a row of it, is wrong; the line is named.
    """
    jobs = [_job(line, cells, table, folder, defaults) for line, cells in read_rows(table, REQUIRED, COLUMNS)]
    if not jobs:
        raise InputError(f"{table} has no rows", "one row a pair of rasters", f"columns: {', '.join(COLUMNS)}")
    lines: dict[Path, int] = {}
    for job in jobs:
        if job.output in lines:
            got = f"{table}: lines {lines[job.output]} and {job.line} both write {job.output}"
            raise InputError(got, "an output of its own for each row", "add a column output with different names")
        lines[job.output] = job.line
    return jobs


def _job(line: int, cells: dict[str, str], table: Path, folder: Path, defaults: dict) -> Job:
    members = dict(defaults)
    try:
        for name, text in cells.items():
            if name in ROWS:
                members[name] = _read_cell(name, text)
        members |= {name: cells.get(name, "") for name in REQUIRED}
        for name in PATHS:
            if members.get(name) and (name in cells):
                members[name] = beside(table.parent, members[name])
        request = CaptionRequest.from_json(members)
    except InputError as error:
        raise InputError(f"{table}, line {line}: {error.got}", error.need, error.do) from error
    name = cells.get("output") or f"{_stem(request.before)}_{_stem(request.after)}"
    return Job(line, request, folder / (name if name.lower().endswith(".gpkg") else f"{name}.gpkg"))


def _read_cell(name: str, text: str) -> object:
    try:
        return ROWS[name].read(with_points(text, ROWS[name].kind))
    except ValueError:
        raise InputError(f"{name} = {text!r}", ROWS[name].need, f"correct {name}") from None


def _stem(path: str) -> str:
    return Path(path.replace("\\", "/")).stem


def run(
    jobs: Sequence[Job],
    resume: bool,
    captioner: Captioner,
    on_event: Callable[[Job, dict], None],
    cancelled: Callable[[], bool] = pipeline.never,
) -> tuple[list[dict], int]:
    """Run the jobs in order with one loaded model.

    Returns
    -------
    One result a job ({"line", "output", then "result" or "error"}), and the exit code: that of the worst failure, 0 without one.

    Raises
    ------
    Cancelled
        By the user; ends all jobs.
    """
    results, exit_code = [], EXIT_DONE
    for job in jobs:
        answer: dict = {"line": job.line, "output": str(job.output)}
        try:
            job.output.parent.mkdir(parents=True, exist_ok=True)
            answer["result"] = pipeline.run(job.request, str(job.output), resume, captioner, partial(on_event, job), cancelled).to_json()
        except Cancelled:
            raise
        except ChangeScribeError as error:
            answer["error"] = error.to_json()
        except OSError as error:
            failure = OutputError(f"{job.output.parent} cannot be made ({error})", "a writable folder", "choose another output folder")
            answer["error"] = failure.to_json()
        if "error" in answer:
            exit_code = max(exit_code, answer["error"]["exit_code"])
            on_event(job, {"type": "log", "level": "error", "message": f"line {job.line}: {answer['error']['message']}"})
        results.append(answer)
    return results, exit_code
