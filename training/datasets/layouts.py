"""Which data set a folder holds, and its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import InputError

from . import captions, dubai_cc, levir_cc, shared_pairs
from .rows import PairRow


@dataclass(frozen=True)
class Layout:
    """A data set's folder: the paths by which it is known, and what reads its rows."""

    name: str
    markers: tuple[str, ...]
    read: Callable[[Path], list[PairRow]]


LAYOUTS = (
    Layout("captioned pairs", ("levir_cc/pairs.json", "pairs/pairs.json"), shared_pairs.read),
    Layout("LEVIR-CC", (levir_cc.CAPTIONS_FILE,), levir_cc.read),
    Layout("Dubai-CC", (dubai_cc.CAPTIONS_FOLDER,), dubai_cc.read),
)


def detect(root: Path) -> Layout:
    """The layout of ``root``.

    Raises
    ------
    InputError
        None fits, or ``root`` is no folder.
    """
    for layout in LAYOUTS:
        if all((root / marker).exists() for marker in layout.markers):
            return layout
    got = f"no data set in {root}" if root.is_dir() else f"no folder {root}"
    needed = "; or ".join(f"{layout.name}: {' and '.join(layout.markers)}" for layout in LAYOUTS)
    raise InputError(got, needed, "name the folder that holds these with --data")


def read_rows(root: Path) -> list[PairRow]:
    """All pairs of the data set in ``root`` with the project's captions, without looking whether their files are there."""
    return captions.merge_captions(detect(root).read(root), captions.CAPTIONS)


def load_rows(root: Path) -> list[PairRow]:
    """All pairs of the data set in ``root`` with the project's captions, every file of theirs there.

    Raises
    ------
    InputError
        No data set; a captions file is wrong; a file of a pair is missing, which is named.
    """
    rows = read_rows(root)
    missing = [path for row in rows for path in files(row) if not path.is_file()]
    if missing:
        do = f"restore {root} or remove their rows; python -m training.datasets check --data {root} lists all"
        raise InputError(f"{len(missing)} files of pairs are missing, the first: {missing[0]}", "every file that a pair names", do)
    return rows


def files(row: PairRow) -> list[Path]:
    """Before, after and, where there is one, the mask."""
    return [path for path in (row.before, row.after, row.mask) if path is not None]
