"""The captioned pairs of ../shared/data: LEVIR-CC pairs and seven further sources, joined by name."""

from __future__ import annotations

from pathlib import Path

from .rows import PairRow, build_rows, delta_array


def read(root: Path) -> list[PairRow]:
    """All pairs of ``levir_cc/pairs.json`` and ``pairs/pairs.json`` under ``root``."""
    levir = root / "levir_cc"
    rows = build_rows(levir / "pairs.json", lambda entry: _row(levir / "images" / entry["levir_split"], "lcc", entry))
    return rows + build_rows(root / "pairs" / "pairs.json", lambda entry: _row(root / "pairs", entry["source"], entry))


def _row(folder: Path, source: str, entry: dict) -> PairRow:
    name = entry["filename"]
    flag, delta = entry.get("changeflag"), entry.get("delta")
    if flag == 0 and delta is None:
        delta = {}
    captions = tuple(tuple(sentence["tokens"]) for sentence in entry.get("sentences", ()))
    mask = folder / "label" / Path(name).with_suffix(".png") if entry.get("mask") else None
    known = None if delta is None else delta_array(delta)
    return PairRow(name, source, entry["place"], entry["split"], folder / "A" / name, folder / "B" / name, mask, flag, known, captions)
