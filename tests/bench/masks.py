"""What the change mask costs: tiles a second of processor time with and without it, turn by turn, at a share of changed tiles.

    python -m tests.bench.masks --data ../shared/data

The captioner alone, on one thread: reading, polygons and writing come on top.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from engine import registry
from engine.models.captioner import CaptionOptions
from training.datasets import load_rows, read_batch

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="scribe-s")
    parser.add_argument("--tiles", type=int, default=96)
    parser.add_argument("--changed", type=float, default=0.4, help="share of the tiles that are captioned and drawn")
    parser.add_argument("--turns", type=int, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    captioner = registry.load(args.model)
    rows = [row for row in load_rows(args.data) if row.split == "val" and row.source == "lcc"][: args.tiles]
    before, after = read_batch(rows)
    scores = [caption.change_score for caption in captioner.caption(before, after, CaptionOptions(threshold=1.1))]
    threshold = float(np.quantile(scores, 1 - args.changed))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(args.turns):
        for objects, spent in seconds.items():
            start, changed = time.process_time(), 0
            for first in range(0, len(rows), BATCH):
                options = CaptionOptions(threshold=threshold, objects=objects)
                changed += sum(caption.changed for caption in captioner.caption(before[first : first + BATCH], after[first : first + BATCH], options))
            spent.append(time.process_time() - start)
    rates = {objects: round(len(rows) / float(np.median(spent)), 2) for objects, spent in seconds.items()}
    share = {"tiles": len(rows), "changed": changed, "tiles a second": rates[False], "with masks": rates[True]}
    print(json.dumps(share | {"ratio": round(rates[True] / rates[False], 3)}))


if __name__ == "__main__":
    main()
