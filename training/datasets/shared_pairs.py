"""The captioned pairs of ../shared/data: LEVIR-CC pairs and seven further sources, joined by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.schema import CLASSES

from .rows import DELTA_SIGNS, PairRow


def load_rows(root: Path) -> list[PairRow]:
    """All pairs of ``levir_cc/pairs.json`` and ``pairs/pairs.json`` under ``root``.

    Raises
    ------
    FileNotFoundError
        A partner of a pair is missing; names it.
    """
    rows = [_row(entry, root / "levir_cc" / "images" / entry["levir_split"], "lcc") for entry in _images(root / "levir_cc")]
    rows += [_row(entry, root / "pairs", entry["source"]) for entry in _images(root / "pairs")]
    missing = [str(path) for row in rows for path in (row.before, row.after, row.mask) if path is not None and not path.is_file()]
    if missing:
        raise FileNotFoundError(f"{len(missing)} files of pairs are missing, the first: {missing[0]}; restore {root} or remove their rows")
    return rows


def _images(folder: Path) -> list[dict]:
    return json.loads((folder / "pairs.json").read_text("utf-8"))["images"]


def _row(entry: dict, folder: Path, source: str) -> PairRow:
    name = entry["filename"]
    flag, delta = entry.get("changeflag"), entry.get("delta")
    known = None
    if delta is not None:
        known = np.array([[delta.get(c, "") == sign for c in CLASSES] for sign in DELTA_SIGNS], dtype=np.float32)
    elif flag == 0:
        known = np.zeros((len(DELTA_SIGNS), len(CLASSES)), dtype=np.float32)
    captions = tuple(tuple(s["tokens"]) for s in entry.get("sentences", ()))
    mask = folder / "label" / Path(name).with_suffix(".png") if entry.get("mask") else None
    return PairRow(name, source, entry["place"], entry["split"], folder / "A" / name, folder / "B" / name, mask, flag, known, captions)
