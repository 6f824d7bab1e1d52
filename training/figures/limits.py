"""What scribe-s gets wrong, on drawn tiles that can be shown freely: the picture of its model card.

python -m training.figures.limits --out docs/img/scribe-s-limits.png
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.demo.render import SKIES, render
from engine.demo.scene import BEFORE, Block, Patch, Road, Scene, plan, rectangle
from engine.models.captioner import Captioner
from engine.registry import load

TILE = 256
GRAIN_SEEDS = (0, 1)
SEASON = 0.5


def _nothing(after: Scene) -> None:
    """The sun and the film differ at the two dates in every row."""


def _shed(after: Scene) -> None:
    after.blocks.append(Block(900, 130, 22, 14, 0.3, (150, 152, 150), 5.0))


def _pond(after: Scene) -> None:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    shore = tuple((640 + 62 * np.cos(t) * (1 + 0.15 * np.sin(3 * t)), 640 + 46 * np.sin(t)) for t in angles)
    after.patches.append(Patch("water", shore, 2.0))


def _felled(after: Scene) -> None:
    after.trees = [tree for tree in after.trees if not (900 < tree.x < 1024 and 512 < tree.y < 768)]
    after.patches.append(Patch("bare", rectangle(962, 640, 124, 256), 6.0))


def _ploughed(after: Scene) -> None:
    after.patches.append(Patch("field", rectangle(640, 640, 330, 330), 5.0))


def _pool(after: Scene) -> None:
    after.paved.append(rectangle(76, 52, 28, 18))
    after.lines.append((((66, 52), (86, 52)), (92, 170, 190), 10))


def _widened(after: Scene) -> None:
    main = next(road for road in after.roads if road.marked)
    after.roads.append(Road(main.points, main.width_px * 1.9, marked=True))


# What was changed, the tile's row and column, and how.
CASES: tuple[tuple[str, int, int, Callable[[Scene], None]], ...] = (
    ("a shed of 11 by 7 m among trees", 0, 3, _shed),
    ("a pond on a meadow", 2, 2, _pond),
    ("half of the trees felled, nothing built", 2, 3, _felled),
    ("a meadow ploughed", 2, 2, _ploughed),
    ("a swimming pool in a garden", 0, 0, _pool),
    ("a road widened to almost twice", 1, 3, _widened),
    ("nothing", 0, 1, _nothing),
)


def draw(captioner: Captioner) -> Image.Image:
    """A row a case: before, after, what was changed, what the model says."""
    sheet = Image.new("RGB", (2 * (TILE + 6) + 520, len(CASES) * (TILE + 6)), "white")
    pen = ImageDraw.Draw(sheet)
    scene = plan()[BEFORE]
    first = render(scene, SKIES[0], SEASON, GRAIN_SEEDS[0])
    for number, (change, row, col, make) in enumerate(CASES):
        after = copy.deepcopy(scene)
        make(after)
        second = render(after, SKIES[1], SEASON, GRAIN_SEEDS[1])
        tiles = [image[:, row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE] for image in (first, second)]
        told = captioner.caption(tiles[0][None], tiles[1][None])[0]
        print(f"{change}: {told.text} ({told.change_score:.2f})")
        top = number * (TILE + 6)
        for place, tile in enumerate(tiles):
            sheet.paste(Image.fromarray(tile.transpose(1, 2, 0)), (place * (TILE + 6), top))
        left = 2 * (TILE + 6) + 8
        pen.text((left, top + 80), f"drawn: {change}", fill="black", font_size=17)
        pen.text((left, top + 110), f"{captioner.card.id}: {told.text}", fill="darkred", font_size=17)
        pen.text((left, top + 140), f"change score {told.change_score:.2f}", fill="gray", font_size=17)
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="scribe-s")
    parser.add_argument("--out", type=Path, default=Path("docs/img/scribe-s-limits.png"))
    args = parser.parse_args()
    draw(load(args.model)).quantize(128).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
