"""What is known of a pair's pixels: building masks with their signs, and what its captions and colours say of the other classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.contract.objects import OBJECT_KINDS, reverse
from engine.contract.tiles import CLASSES

from ..augment import any_symmetry, apply_symmetry, hidden_for
from ..augment.geometry import zoom
from ..datasets import PairRow, read_pair
from ..shared.batches import class_targets

GRID = 128  # side of the targets: the mask is learnt at 2 pixels
FULL, UNKNOWN = 200, 255  # targets as bytes: 0 none, 200 all of the cell, 255 not known
ADDED, REMOVED = 0, 1  # rows of class_targets
SWAPPED = [OBJECT_KINDS.index(reverse(kind)) for kind in OBJECT_KINDS]
BUILDING_ADDED, BUILDING_REMOVED = OBJECT_KINDS.index(("building", "added")), OBJECT_KINDS.index(("building", "removed"))
LAND_SOURCE = "clc"  # its masks show change of cropland
TRUE_COLOURS = frozenset({"geh", "clc", "nai"})  # sources whose vegetation is green; elsewhere casts and seasons hide it
GREEN, NOT_GREEN = 0.09, 0.035  # excess green (2G - R - B) / (R + G + B) above which ground is vegetation, below which it is not
SMOOTH = 4  # cells of GRID over which colours are averaged


@dataclass
class MaskSample:
    """One pair for the decoder.

    before, after : uint8 (3, 256, 256). cells : uint8 (K, 128, 128), share of each kind in a cell, as FULL and UNKNOWN say. changed : the same of
    building change of either sign, (128, 128). named : (K,) 1 some of it is there, 0 none, NaN not known. hidden : bool (256, 256) or None.
    """

    before: np.ndarray
    after: np.ndarray
    cells: np.ndarray
    changed: np.ndarray
    named: np.ndarray
    hidden: np.ndarray | None = None


def named_kinds(row: PairRow) -> np.ndarray:
    """(K,) 1 where the pair is said to show such a change, 0 where not, NaN where nothing is known."""
    if row.changed == 0:
        return np.zeros(len(OBJECT_KINDS), np.float32)
    told = class_targets(row)
    found = np.full(len(OBJECT_KINDS), np.nan, np.float32)
    for kind, (name, change) in enumerate(OBJECT_KINDS):
        column = CLASSES.index(name)
        if told[2, column] == 1:  # altered: some of both signs, or neither
            continue
        found[kind] = told[ADDED if change == "added" else REMOVED, column]
    return found


def drawn(row: PairRow, variant: int, rng: np.random.Generator) -> MaskSample:
    """The pair as one of its variants: 0 turned or mirrored alone, others also zoomed in on or partly hidden."""
    before, after, mask = read_pair(row)
    land = read_land_mask(row)
    named, hidden = named_kinds(row), None
    if variant and rng.random() < 0.35:
        stacked = None if mask is None and land is None else mask if mask is not None else land
        before, after, stacked, _, holds = zoom(before, after, stacked, None if row.changed is None else bool(row.changed), rng)
        mask, land = (stacked, None) if mask is not None else (None, stacked if land is not None else None)
        if not holds:  # what was named may have left the picture
            named = np.where(named == 1, np.nan, named).astype(np.float32)
    *symmetry, _ = any_symmetry((), rng)
    before, after = (apply_symmetry(image, *symmetry) for image in (before, after))
    mask, land = (None if found is None else apply_symmetry(found, *symmetry) for found in (mask, land))
    if variant and rng.random() < 0.15:
        hidden = hidden_for(row.changed, mask, before.shape[-1], rng)
    green = (greenness(before), greenness(after)) if row.source in TRUE_COLOURS else None
    cells, changed = targets(mask, land, named, green)
    if hidden is not None:
        covered = share(hidden.astype(np.uint8)) > 0
        cells[:, covered], changed[covered] = 0, 0
        named = np.where(named == 1, np.nan, named).astype(np.float32)
    return MaskSample(before, after, cells, changed, named, hidden)


def read_land_mask(row: PairRow) -> np.ndarray | None:
    """Mask of cropland that has changed, uint8 0/1 (256, 256), of the source that has such masks."""
    path = row.before.parent.parent / "label" / f"{row.before.stem}.png"
    if row.source != LAND_SOURCE or not path.is_file():
        return None
    with Image.open(path) as image:
        return (np.asarray(image.convert("L").resize((256, 256), Image.Resampling.NEAREST)) > 127).astype(np.uint8)


def targets(
    mask: np.ndarray | None, land: np.ndarray | None, named: np.ndarray, green: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """``cells`` and ``changed`` of a sample; ``green`` is the greenness of both dates, where colours can be trusted."""
    cells = np.full((len(OBJECT_KINDS), GRID, GRID), UNKNOWN, np.uint8)
    cells[named == 0] = 0
    changed = np.full((GRID, GRID), UNKNOWN, np.uint8)
    if mask is not None:
        changed = share(mask)
        only = _only_sign(named)
        for kind in (BUILDING_ADDED, BUILDING_REMOVED):
            cells[kind] = np.where(changed == 0, 0, UNKNOWN) if only is None else changed if kind == only else 0
    elif named[BUILDING_ADDED] == 0 and named[BUILDING_REMOVED] == 0:
        changed = np.zeros_like(changed)
    _other_classes(cells, green, changed, land, named)
    return cells, changed


def _only_sign(named: np.ndarray) -> int | None:
    """The one kind that all of a building mask shows; None where that is not known."""
    signs = [kind for kind in (BUILDING_ADDED, BUILDING_REMOVED) if named[kind] == 1]
    return signs[0] if len(signs) == 1 else None


def _other_classes(
    cells: np.ndarray, green: tuple[np.ndarray, np.ndarray] | None, changed: np.ndarray, land: np.ndarray | None, named: np.ndarray
) -> None:
    """Cells of the other kinds that are known though only names are: where a building came or went, of cropland's masks, of plain colours."""
    built = (changed != 0) & (changed != UNKNOWN)
    for kind, (name, change) in enumerate(OBJECT_KINDS):
        if named[kind] == 0 or name == "building":
            continue
        if name == "vegetation" and green is not None:
            here, there = green if change == "removed" else green[::-1]  # the date that shows the class, and the other
            cells[kind][there > GREEN] = 0
            if named[kind] == 1:
                cells[kind][(here > GREEN) & (there < NOT_GREEN)] = FULL
        if (name, change) == ("vegetation", "removed") and land is not None:
            cells[kind][share(land) == FULL] = FULL
        elif name in ("road", "bareland", "parking"):
            cells[kind][built] = 0


def greenness(image: np.ndarray) -> np.ndarray:
    """Excess green of Woebbecke et al. (1995) over a few pixels, (128, 128): 0 of grey, beyond 0.09 of most vegetation."""
    red, green, blue = (_smooth(band.astype(np.float32)) for band in image)
    return (2 * green - red - blue) / (red + green + blue + 1)


def _smooth(band: np.ndarray) -> np.ndarray:
    coarse = band.reshape(GRID // SMOOTH, 2 * SMOOTH, GRID // SMOOTH, 2 * SMOOTH).mean((1, 3))
    return np.asarray(Image.fromarray(coarse).resize((GRID, GRID), Image.Resampling.BILINEAR))


def share(mask: np.ndarray) -> np.ndarray:
    """Share of a mask 0/1 (256, 256) in each cell, as bytes up to FULL."""
    step = mask.shape[0] // GRID
    return (mask.reshape(GRID, step, GRID, step).sum((1, 3), dtype=np.int32) * FULL // step**2).astype(np.uint8)
