"""Plot of a run's log: losses, and the validation's scores, over the steps.

    python -m training.diffusion.log runs/kd-rscc-compact

writes log.png beside log.csv.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from engine.contract.errors import InputError

PANELS = (("total", "mse", "ce", "flag"), ("val_cider", "val_cider_changed", "val_bleu4"), ("val_flag_auc", "val_well_formed"))
COLOURS = ("#1b6ca8", "#c8553d", "#4d8b31", "#7b5ea7")
WIDTH, HEIGHT, MARGIN = 640, 220, 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of training.diffusion.train")
    args = parser.parse_args()
    path = args.run / "log.png"
    plot(read_log(args.run / "log.csv")).save(path)
    print(path)


def read_log(path: Path) -> list[dict[str, float]]:
    """Numbers of each line; empty cells are left out.

    Raises
    ------
    InputError
        No such file, or no line in it.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", "the log of a run", "name the folder of a run of training.diffusion.train") from error
    if not rows:
        raise InputError(f"{path} is empty", "a line for each validation", "train longer")
    return rows


def plot(rows: Sequence[dict[str, float]]) -> Image.Image:
    """One panel above the other, each with its own scale from 0."""
    image = Image.new("RGB", (WIDTH, HEIGHT * len(PANELS)), "white")
    draw = ImageDraw.Draw(image)
    for number, names in enumerate(PANELS):
        present = [name for name in names if any(name in row for row in rows)]
        _panel(draw, number * HEIGHT, rows, present)
    return image


def _panel(draw: ImageDraw.ImageDraw, top: int, rows: Sequence[dict[str, float]], names: Sequence[str]) -> None:
    last = max(row["step"] for row in rows)
    highest = max((row[name] for row in rows for name in names if name in row), default=1.0) or 1.0
    left, bottom, width, height = MARGIN, top + HEIGHT - MARGIN // 2, WIDTH - 2 * MARGIN, HEIGHT - MARGIN
    draw.line([(left, bottom - height), (left, bottom), (left + width, bottom)], fill="#888888")
    draw.text((4, bottom - height), f"{highest:.3g}", fill="black")
    draw.text((left + width - 40, bottom + 4), f"step {last:.0f}", fill="black")
    for i, name in enumerate(names):
        points = [(left + width * row["step"] / last, bottom - height * row[name] / highest) for row in rows if name in row]
        draw.line(points, fill=COLOURS[i], width=2)
        draw.text((left + 10 + 140 * i, bottom - height - 14), name, fill=COLOURS[i])


if __name__ == "__main__":
    main()
