"""What is missing or broken in a data set: every file opened, every caption counted, splits held apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich import box
from rich.console import Group
from rich.table import Table

from engine.contract.errors import InputError

from .captions import CAPTIONS_PER_PAIR
from .duplicates import near_duplicates
from .layouts import files
from .rows import IMAGE_PX, PairRow, is_excluded, read_rgb

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Problem:
    """One thing to mend: its kind, the pair's id and what was found."""

    kind: str
    pair: str
    found: str


def find_problems(rows: Sequence[PairRow]) -> list[Problem]:
    """All problems of a data set's rows (``layouts.read_rows``): files, captions, and the same ground in two splits.

    Near-duplicates are looked for among pairs that can be read, and not among those that ``EXCLUDED`` keeps from the training.
    """
    broken = list(_broken_files(rows))
    unreadable = {problem.pair for problem in broken}
    usable = [row for row in rows if row.id not in unreadable and not is_excluded(row)]
    return [*broken, *_captions(rows), *_repeated(rows), *_places(rows), *_near_duplicates(usable)]


def _broken_files(rows: Sequence[PairRow]) -> Iterator[Problem]:
    for row in rows:
        missing = [path for path in files(row) if not path.is_file()]
        yield from (Problem("missing mask" if path == row.mask else "missing partner", row.id, str(path)) for path in missing)
        for path in (row.before, row.after):
            if path not in missing:
                try:
                    read_rgb(path, row.stored_px)
                except InputError as error:
                    yield Problem("unreadable or odd-sized image", row.id, error.got)
        if row.mask is not None and row.mask not in missing:
            found = _mask_problem(row.mask)
            if found:
                yield Problem("unreadable or odd-sized mask", row.id, found)


def _mask_problem(path: Path) -> str:
    try:
        with Image.open(path) as image:
            image.load()
            return "" if image.size == (IMAGE_PX, IMAGE_PX) else f"{path} is {image.width}×{image.height}"
    except (OSError, SyntaxError) as error:
        return f"{path} cannot be read ({error})"


def _captions(rows: Sequence[PairRow]) -> Iterator[Problem]:
    for row in rows:
        if row.captions and len(row.captions) != CAPTIONS_PER_PAIR:
            yield Problem("number of captions", row.id, f"{len(row.captions)} instead of {CAPTIONS_PER_PAIR}")
        if not all(row.captions):
            yield Problem("empty caption", row.id, f"sentence {row.captions.index(()) + 1}")
        if row.captions and row.changed is None:
            yield Problem("captions without change flag", row.id, "changeflag is not known")
        if row.split not in SPLITS:
            yield Problem("unknown split", row.id, f"{row.split} instead of {', '.join(SPLITS)}")


def _repeated(rows: Sequence[PairRow]) -> Iterator[Problem]:
    for pair, count in Counter(row.id for row in rows).items():
        if count > 1:
            yield Problem("pair listed twice", pair, f"{count} rows")


def _places(rows: Sequence[PairRow]) -> Iterator[Problem]:
    splits = defaultdict(set)
    for row in rows:
        splits[row.place].add(row.split)
    for row in rows:
        if len(splits[row.place]) > 1:
            yield Problem("place in two splits", row.id, f"{row.place} is in {', '.join(sorted(splits[row.place]))}")


def _near_duplicates(rows: Sequence[PairRow]) -> Iterator[Problem]:
    by_split = [[row for row in rows if row.split == split] for split in SPLITS]
    for i, seen in enumerate(by_split):
        later = [row for split in by_split[i + 1 :] for row in split]
        for pair in near_duplicates(seen, later):
            yield Problem("near-duplicate in two splits", pair.train, f"{pair.held_out}, correlation {pair.similarity:.2f}")


def report(rows: Sequence[PairRow], problems: Sequence[Problem], shown: int = 20) -> Group:
    """Counts by source and split, then the first ``shown`` problems of each kind."""
    parts: list = [_counts(rows)]
    by_kind: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_kind[problem.kind].append(problem)
    for kind, found in by_kind.items():
        table = Table(title=f"{kind}: {len(found)}", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("pair")
        table.add_column("found", overflow="fold")
        for problem in found[:shown]:
            table.add_row(problem.pair, problem.found)
        if len(found) > shown:
            table.add_row("…", f"{len(found) - shown} more")
        parts.append(table)
    parts.append(f"{len(problems)} problems" if problems else "no problems")
    return Group(*parts)


def _counts(rows: Sequence[PairRow]) -> Table:
    table = Table(title=f"{len(rows)} pairs", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("source")
    table.add_column("split")
    for column in ("pairs", "places", "changed", "un-\nchanged", "no cap-\ntions", "no\nmask", "no\nclasses", "ex-\ncluded"):
        table.add_column(column, justify="right")
    groups = defaultdict(list)
    for row in rows:
        groups[row.source, row.split].append(row)
    for (source, split), group in sorted(groups.items()):
        numbers = (
            len(group),
            len({row.place for row in group}),
            sum(row.changed == 1 for row in group),
            sum(row.changed == 0 for row in group),
            sum(not row.captions for row in group),
            sum(row.mask is None for row in group),
            sum(row.delta is None for row in group),
            sum(is_excluded(row) for row in group),
        )
        table.add_row(source, split, *map(str, numbers))
    return table
