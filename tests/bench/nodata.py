"""What pixels without data do to change scores: ``python -m tests.bench.nodata --data ../shared/data``.

Real pairs of the validation splits (never test) get strips, wedges and clouds without data. False alarms are unchanged pairs called changed; recall
is of changed pairs whose labelled change lies in what is left, beside the recall of the same pairs whole. Results of each model and fill gather in
docs/joint-mask.json, from which docs/joint-mask.md is written.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine import registry
from engine.contract.request import DEFAULT_MODEL
from engine.evaluation.pairs import open_rgb
from engine.models.captioner import Captioner

from .nodata_fills import FILLS, Fill
from .nodata_page import write_page

SIDE_PX = 256
STRIPS = (32, 64, 96, 120)
SOURCES = ("levir_cc", "pairs", "world")
LEAST_LABEL_PX = 64
KEPT_LABEL = 0.95  # of a changed pair's labelled pixels, which must stay in sight
BATCH = 16


@dataclass
class ValPair:
    """A pair of a validation split: uint8 (3, 256, 256) each; label bool (256, 256) of changed pixels, or None."""

    name: str
    source: str
    changed: bool
    before: np.ndarray
    after: np.ndarray
    label: np.ndarray | None
    whole: bool = False  # whether the model calls the whole pair changed


def read(data: Path, limit: int | None) -> list[ValPair]:
    """Judged pairs of the validation splits; with a limit so many of each source and kind."""
    pairs, taken = [], Counter[tuple[str, bool]]()
    for source in SOURCES:
        for row in json.loads((data / source / "pairs.json").read_text("utf-8"))["images"]:
            if row["split"] != "val" or row.get("changeflag") is None or row.get("sure", 2) < 1:
                continue
            changed = bool(row["changeflag"])
            if limit is not None and taken[source, changed] >= limit:
                continue
            folder = data / source / "images" / row["levir_split"] if source == "levir_cc" else data / source
            dates = [np.asarray(open_rgb(folder / side / row["filename"])).transpose(2, 0, 1).copy() for side in "AB"]
            label = folder / "label" / f"{Path(row['filename']).stem}.png"
            drawn = np.asarray(Image.open(label).convert("L")) > 0 if row.get("mask") and label.is_file() else None
            if changed and (drawn is None or drawn.sum() < LEAST_LABEL_PX):
                continue
            taken[source, changed] += 1
            pairs.append(ValPair(row["filename"], source, changed, dates[0], dates[1], drawn))
    return pairs


def gaps() -> dict[str, list[np.ndarray]]:
    """Pixels with data, bool (256, 256), by kind of gap: strips at each side, wedges as of turned rasters, clouds."""
    row, col = np.mgrid[:SIDE_PX, :SIDE_PX]
    found = {}
    for width in STRIPS:
        found[f"strip {width}"] = [col >= width, col < SIDE_PX - width, row >= width, row < SIDE_PX - width]
    corners = [(row, col), (SIDE_PX - 1 - row, col), (row, SIDE_PX - 1 - col), (SIDE_PX - 1 - row, SIDE_PX - 1 - col)]
    found["wedge"] = [0.4 * across + down > 90 if i % 2 else across + down > 150 for i, (down, across) in enumerate(corners)]
    found["clouds"] = [_clouds(row, col, seed) for seed in range(4)]
    return found


def _clouds(row: np.ndarray, col: np.ndarray, seed: int) -> np.ndarray:
    rng, valid = np.random.default_rng(seed), np.ones(row.shape, bool)
    for _ in range(3 + 2 * seed):
        (y, x), (high, wide) = rng.uniform(0, SIDE_PX, 2), rng.uniform(14, 34, 2)
        valid &= ((row - y) / high) ** 2 + ((col - x) / wide) ** 2 >= 1
    return valid


def flags(captioner: Captioner, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Which pairs the model calls changed, bool (N,)."""
    scores = []
    with torch.inference_mode():
        for first in range(0, len(pairs), BATCH):
            before, after = (torch.from_numpy(np.stack(dates)) for dates in zip(*pairs[first : first + BATCH]))
            scores.append(captioner.encode(before, after).change_score)
    return np.concatenate(scores) >= captioner.card.threshold


def measure(captioner: Captioner, pairs: list[ValPair], fill: Fill, masks: list[np.ndarray]) -> dict[str, int]:
    """Counts over pairs and masks: ``unchanged`` pairs, ``alarms``, ``new`` ones that the whole pair does not raise, ``whole_alarms``; those of
    LEVIR-CC alone with ``levir_``; ``changed`` pairs whose change is left, ``found`` of them, and ``whole_found``.
    """
    count: Counter[str] = Counter()
    for valid in masks:
        shown = [pair for pair in pairs if not pair.changed or (pair.label is not None and _kept(pair.label, valid))]
        found = flags(captioner, [fill(pair.before, pair.after, valid) for pair in shown])
        for pair, flag in zip(shown, found.tolist()):
            if pair.changed:
                count.update(changed=1, found=flag, whole_found=pair.whole)
                continue
            count.update(unchanged=1, alarms=flag, whole_alarms=pair.whole, new=flag and not pair.whole)
            if pair.source == "levir_cc":
                count.update(levir_unchanged=1, levir_alarms=flag, levir_whole_alarms=pair.whole)
    return dict(count)


def _kept(label: np.ndarray, valid: np.ndarray) -> bool:
    return bool((label & valid).sum() >= KEPT_LABEL * label.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", nargs="+", default=[DEFAULT_MODEL])
    parser.add_argument("--fill", nargs="+", choices=FILLS, default=["engine"])
    parser.add_argument("--limit", type=int, help="pairs of each source and kind (default: all)")
    parser.add_argument("--sides", type=int, default=4, help="gaps of each kind (default: all four)")
    parser.add_argument("--json", type=Path, default=Path("docs/joint-mask.json"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pairs = read(args.data, args.limit)
    found = json.loads(args.json.read_text("utf-8")) if args.json.is_file() else {}
    for model in args.model:
        captioner, start_s = registry.load(model, "cpu"), time.perf_counter()
        for pair, flag in zip(pairs, flags(captioner, [(pair.before, pair.after) for pair in pairs]).tolist()):
            pair.whole = flag
        for fill in args.fill:
            kinds = {kind: measure(captioner, pairs, FILLS[fill], masks[: args.sides]) for kind, masks in gaps().items()}
            entry = {
                "sha256": registry.row(model)["sha256"],
                "sides": args.sides,
                "pairs": dict(Counter(pair.source for pair in pairs)),
                "kinds": kinds,
            }
            found.setdefault(model, {})[fill] = entry
            args.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            print(f"{model}, {fill}: {time.perf_counter() - start_s:.0f} s", json.dumps(kinds), flush=True)
    write_page(found, args.json.with_suffix(".md"))


if __name__ == "__main__":
    main()
