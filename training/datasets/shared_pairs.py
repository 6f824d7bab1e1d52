"""The captioned pairs of ../shared/data: LEVIR-CC pairs, seven further sources, and pairs from all over the world; joined by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from .rows import PairRow, build_rows, delta_array, words

# Their masks show another change than that of buildings: of cropland (CLCD), of anything urban (OSCD's Sentinel-2 pairs).
LAND_MASKS = frozenset({"clc", "sen"})
SEEN_CHANGE = 0.01  # share of a tile from which such a mask says that the tile has changed; an empty one does not say that it has not


def read(root: Path) -> list[PairRow]:
    """All pairs of ``levir_cc/pairs.json`` and ``pairs/pairs.json`` under ``root``, and of ``world/pairs.json`` where it is there."""
    levir = root / "levir_cc"
    rows = build_rows(levir / "pairs.json", lambda entry: _row(levir / "images" / entry["levir_split"], "lcc", entry))
    for folder in (root / "pairs", root / "world"):
        if folder.name == "pairs" or (folder / "pairs.json").is_file():
            rows += build_rows(folder / "pairs.json", partial(_sourced, folder))
    return rows


def _sourced(folder: Path, entry: dict) -> PairRow:
    return _row(folder, entry["source"], entry)


def _row(folder: Path, source: str, entry: dict) -> PairRow:
    name = entry["filename"]
    flag, delta = entry.get("changeflag"), entry.get("delta")
    if flag == 0 and delta is None:
        delta = {}
    if flag is None and source in LAND_MASKS and entry.get("mask_fraction", 0) >= SEEN_CHANGE:
        flag = 1
    captions = tuple(words(" ".join(sentence["tokens"])) for sentence in entry.get("sentences", ()))  # some tokens of world/ end in a comma
    mask = folder / "label" / Path(name).with_suffix(".png") if entry.get("mask") and source not in LAND_MASKS else None
    known = None if delta is None else delta_array(delta)
    return PairRow(
        name,
        source,
        entry["place"],
        entry["split"],
        folder / "A" / name,
        folder / "B" / name,
        mask,
        flag,
        known,
        captions,
        sure=2 if entry.get("sure") is None else entry["sure"],
        gsd_m=entry.get("gsd"),
        colour=not (entry.get("grey") or entry.get("false_colour")),
    )
