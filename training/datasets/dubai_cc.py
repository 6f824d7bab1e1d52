"""Dubai-CC as it is published: 500 pairs of Landsat tiles, 50×50 pixels, of 2000 and 2010 (Hoxha et al., TGRS 2022); see ``engine.words.dubai``.

The tiles are not to be had here: that they are 8-bit RGB is taken from public code that reads them. The captions have been read as they are.
"""

from __future__ import annotations

from pathlib import Path

from engine.words.dubai import AFTER, BEFORE, CAPTIONS_FILES, CAPTIONS_FOLDER, GSD_M, TILE_PX, is_changed

from .rows import PairRow, build_rows, delta_array


def read(root: Path) -> list[PairRow]:
    """All pairs of the three captions files. Tiles do not overlap: each is a place of its own."""
    rows = []
    for split, name in CAPTIONS_FILES.items():
        rows += build_rows(root / CAPTIONS_FOLDER / name, lambda entry, split=split: _row(root, split, entry))  # type: ignore[misc]
    return rows


def _row(root: Path, split: str, entry: dict) -> PairRow:
    name = entry["filename"]
    captions = tuple(tuple(sentence["tokens"]) for sentence in entry["sentences"])  # with capitals and full stops, as published
    flag = int(is_changed(sentence["raw"] for sentence in entry["sentences"]))
    return PairRow(
        name,
        "dcc",
        f"dubai_{Path(name).stem}",
        split,
        root / BEFORE / name,
        root / AFTER / name,
        None,
        flag,
        None if flag else delta_array({}),
        captions,
        TILE_PX,
        gsd_m=GSD_M,
    )
