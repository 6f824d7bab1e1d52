"""What one pair of a data set is, and its pixels. Every loader of this package gives ``PairRow``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

DELTA_SIGNS = "+-~"  # added, removed, altered: the order of engine.models.scribe.DELTAS


@dataclass(frozen=True)
class PairRow:
    """One pair: files, labels and captions.

    changed : 1, 0 or None (unknown). delta : (3, 7) of 0/1 by sign and class, or None (unknown).
    captions : tuples of words; empty where there are none. mask : building-change mask, or None.
    """

    name: str
    source: str
    place: str
    split: str
    before: Path
    after: Path
    mask: Path | None
    changed: int | None
    delta: np.ndarray | None
    captions: tuple[tuple[str, ...], ...]


def training_rows(rows: list[PairRow]) -> list[PairRow]:
    """Rows to train on. A place of a validation or test row is in none of them.

    Raises
    ------
    ValueError
        A place occurs in train and in an evaluation split.
    """
    held_out = {row.place for row in rows if row.split != "train"}
    train = [row for row in rows if row.split == "train"]
    leaked = sorted({row.place for row in train} & held_out)
    if leaked:
        raise ValueError(f"places {leaked[:5]} are in train and in an evaluation split: split by place")
    return train


def captioned(rows: list[PairRow], split: str, source: str | None = None) -> list[PairRow]:
    return [row for row in rows if row.split == split and row.captions and (source is None or row.source == source)]


def read_pair(row: PairRow) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """(before, after) uint8 (3, 256, 256) and the mask uint8 0/1 (256, 256) or None."""
    before, after = (_read_rgb(path) for path in (row.before, row.after))
    if row.mask is None:
        return before, after, None
    mask = np.asarray(Image.open(row.mask).convert("L").resize((256, 256), Image.Resampling.NEAREST)) > 127
    return before, after, mask.astype(np.uint8)


def read_batch(rows: Sequence[PairRow]) -> tuple[np.ndarray, np.ndarray]:
    """Before and after images of several pairs, uint8 (N, 3, 256, 256) each."""
    pairs = [read_pair(row) for row in rows]
    return np.stack([before for before, _, _ in pairs]), np.stack([after for _, after, _ in pairs])


def _read_rgb(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB"))
    if rgb.shape != (256, 256, 3):
        raise ValueError(f"{path} is {rgb.shape[1]}×{rgb.shape[0]}; pairs are 256×256")
    return rgb.transpose(2, 0, 1).copy()
