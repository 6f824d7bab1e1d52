"""Contact sheets of change masks: before | after with the outlines of what was drawn, and of the pair's own mask in white.

python -m training.figures.outlines --data ../shared/data --split val --count 40 --out runs/outlines
python -m training.figures.outlines --split val --source geh --kinds "vegetation removed" "water added"   (pairs said to show these)
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.contract.objects import OBJECT_KINDS
from engine.models.captioner import Captioner, CaptionOptions
from engine.registry import load

from ..datasets import PairRow, load_rows, read_pair
from ..masks.samples import named_kinds

COLUMNS, ROWS, CELL, TEXT = 2, 5, 258, 28
PERCENT = 50
# One colour a class, bright for added and dark for removed.
COLOURS = {
    "building": ((255, 40, 40), (255, 160, 0)),
    "vegetation": ((120, 255, 120), (190, 0, 255)),
    "water": ((0, 200, 255), (0, 70, 255)),
    "road": ((255, 255, 0), (150, 150, 0)),
    "bareland": ((255, 190, 140), (150, 90, 40)),
    "parking": ((255, 120, 220), (130, 0, 90)),
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val", choices=("train", "val", "test"))
    parser.add_argument("--source", help="one source only: lcc, msh, fot, clc, geh …")
    parser.add_argument("--kinds", nargs="+", default=[], help='only pairs said to show one of these, such as "water added"')
    parser.add_argument("--model", default="scribe-s")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/outlines"))
    args = parser.parse_args(argv)
    rows = [row for row in load_rows(args.data) if row.split == args.split and row.changed and args.source in (None, row.source)]
    wanted = [OBJECT_KINDS.index((name, change)) for name, change in (kind.split() for kind in args.kinds)]
    if wanted:
        rows = [row for row in rows if (named_kinds(row)[wanted] == 1).any()]
    chosen = [rows[i] for i in np.random.default_rng(args.seed).permutation(len(rows))[: args.count]]
    captioner = load(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(0, len(chosen), COLUMNS * ROWS):
        path = args.out / f"{args.split}_{number // (COLUMNS * ROWS):02d}.png"
        draw_sheet(captioner, chosen[number : number + COLUMNS * ROWS]).save(path)
        print(path)


def draw_sheet(captioner: Captioner, rows: Sequence[PairRow]) -> Image.Image:
    """One picture of up to ten pairs."""
    sheet = Image.new("RGB", (COLUMNS * 2 * CELL, ROWS * (CELL + TEXT)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        before, after, mask = read_pair(row)
        (caption,) = captioner.caption(before[None], after[None], CaptionOptions(threshold=0.0, objects=True))
        left, top = i % COLUMNS * 2 * CELL, i // COLUMNS * (CELL + TEXT)
        outlined = outline(after, caption.mask, captioner.card.objects, mask)
        for j, image in enumerate((before.transpose(1, 2, 0), outlined)):
            sheet.paste(Image.fromarray(image), (left + j * CELL, top))
        for k, line in enumerate((f"{row.name} {caption.change_score:.2f}", caption.text)):
            draw.text((left + 2, top + CELL - 2 + 13 * k), line[:84], fill="black")
    return sheet


def outline(image: np.ndarray, percentages: np.ndarray, kinds: Sequence[tuple[str, str]], truth: np.ndarray | None) -> np.ndarray:
    """The image (3, H, W) as (H, W, 3) with the edges of each kind's region, and of the ``truth`` in white."""
    drawn = image.transpose(1, 2, 0).copy()
    if truth is not None:
        drawn[edge(truth > 0)] = 255
    for (name, change), percent in zip(kinds, percentages, strict=True):
        drawn[edge(percent >= PERCENT)] = COLOURS[name][change == "removed"]
    return drawn


def edge(region: np.ndarray) -> np.ndarray:
    """Pixels of a region (H, W) with a neighbour outside it."""
    padded = np.pad(region, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return region & ~inner


if __name__ == "__main__":
    main()
