"""Contact sheets: before | after | caption and reference, to be read before a score is believed.

python -m training.figures.contact_sheet --data ../shared/data --split val --count 50 --out runs/sheets
python -m training.figures.contact_sheet --split test --source lcc --wrong test.json --count 30   (an evaluation's mistakes, most confident first)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from engine.models.captioner import CaptionOptions
from engine.registry import load

from ..datasets import PairRow, captioned, load_rows, read_pair

ROWS, CELL, WIDTH = 8, 262, 1100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val", choices=("train", "val", "test"))
    parser.add_argument("--source", help="one source only: lcc, msh, fot, clc, geh …")
    parser.add_argument("--model", default="scribe-s")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--wrong", metavar="JSON", type=Path, help="an evaluation of these pairs: show those whose flag is wrong, most confident first"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/sheets"))
    args = parser.parse_args()
    rows = captioned(load_rows(args.data), args.split, args.source)
    if args.wrong:
        rows = confident_mistakes(rows, json.loads(args.wrong.read_text("utf-8"))["captions"])
        chosen = rows[: args.count]
    else:
        chosen = [rows[i] for i in np.random.default_rng(args.seed).permutation(len(rows))[: args.count]]
    captioner = load(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(0, len(chosen), ROWS):
        sheet = draw_sheet(captioner, chosen[number : number + ROWS])
        path = args.out / f"{args.split}_{number // ROWS:02d}.png"
        sheet.save(path)
        print(path)


def confident_mistakes(rows: Sequence[PairRow], captions: dict[str, dict]) -> list[PairRow]:
    """Pairs whose change flag an evaluation got wrong, those first whose score lies farthest from even.

    Parameters
    ----------
    captions : what `changescribe evaluate --json` has under "captions", by a pair's name or id
    """
    told = [(row, captions.get(row.name) or captions.get(row.id)) for row in rows]
    wrong = [(abs(found["change_score"] - 0.5), row) for row, found in told if found and found["changed"] != bool(row.changed)]
    return [row for _, row in sorted(wrong, key=lambda pair: -pair[0])]


def draw_sheet(captioner, rows) -> Image.Image:
    """One picture: a row a pair, its caption first, then what people wrote."""
    sheet = Image.new("RGB", (WIDTH, CELL * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, row in enumerate(rows):
        before, after, _ = read_pair(row)
        caption = captioner.caption(before[None], after[None], CaptionOptions())[0]
        for j, image in enumerate((before, after)):
            sheet.paste(Image.fromarray(image.transpose(1, 2, 0)), (j * CELL, i * CELL))
        right = caption.changed == bool(row.changed)
        deltas = " ".join(
            f"{sign}{','.join(names)}" for sign, names in zip("+-~", (caption.added, caption.removed, caption.altered), strict=True) if names
        )
        lines = [row.name, f"> {caption.text}", f"  {caption.change_score:.2f} {deltas} {'' if right else 'FLAG WRONG'}", ""]
        lines += [" ".join(words) for words in row.captions[:5]]
        for k, line in enumerate(lines):
            draw.text((2 * CELL + 4, i * CELL + 4 + 18 * k), line[:90], fill="black" if k != 1 else "darkred")
    return sheet


if __name__ == "__main__":
    main()
