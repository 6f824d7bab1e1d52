"""How well the change mask draws buildings that came or went, on pairs with masks.

    python -m training.masks.evaluate --data ../shared/data --split val
    python -m training.masks.evaluate --data ../shared/data --split test

Prints, as JSON, of all LEVIR-CC pairs of the split: F1, precision, recall and IoU of building change by pixel, over all pairs together; F1 of objects
at IoU 0.5; false objects a pair that has no change. Once as users get them, empty where a tile's change score is under the threshold (``gated``), and
once with every tile drawn. Objects are regions of pixels of 50 % and more that touch at sides or corners, without those under ``--min-pixels``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rasterio.features import rasterize, shapes
from torch import Tensor

from engine import registry
from engine.models.captioner import Captioner, CaptionOptions
from engine.models.efficientnet import EfficientNetLite
from engine.models.mask import MASK_STAGES, Kinds, MaskDecoder, percentages
from engine.models.onednn import fused

from ..datasets import PairRow, load_rows, read_batch, read_pair

THRESHOLDS = np.arange(20, 81, 2)  # percent
MIN_PIXELS = 60
IOU = 0.5


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--split", default="val", choices=("val", "test"))
    parser.add_argument("--model", default="scribe-s")
    parser.add_argument("--min-pixels", type=int, default=MIN_PIXELS, help=f"smallest object (default {MIN_PIXELS})")
    args = parser.parse_args(argv)
    rows = [row for row in load_rows(args.data) if row.split == args.split and row.source == "lcc" and row.mask is not None]
    print(json.dumps({"split": args.split, "pairs": len(rows), **evaluate(registry.load(args.model), rows, args.min_pixels)}, indent=1))


def evaluate(captioner: Captioner, rows: Sequence[PairRow], min_pixels: int = MIN_PIXELS) -> dict[str, dict]:
    """Figures of ``main``, "gated" and "every tile"."""
    drawn, gated = drawn_masks(captioner, rows)
    truth = np.stack([building_mask(row) for row in rows])
    unchanged = np.array([row.changed == 0 for row in rows])
    shown = np.where(gated[:, None, None], drawn, 0)
    return {name: figures(masks >= 50, truth, unchanged, min_pixels) for name, masks in (("gated", shown), ("every tile", drawn))}


def drawn_masks(captioner: Captioner, rows: Sequence[PairRow], batch_size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Building change of either sign, uint8 percentages (N, 256, 256), of every pair; and whether its change score reaches the model's threshold."""
    buildings = [i for i, (name, _) in enumerate(captioner.card.objects) if name == "building"]
    masks, changed = [], []
    for start in range(0, len(rows), batch_size):
        before, after = read_batch(rows[start : start + batch_size])
        for caption in captioner.caption(before, after, CaptionOptions(threshold=0.0, decoding="greedy", objects=True)):
            masks.append(caption.mask[buildings].max(0))
            changed.append(caption.change_score >= captioner.card.threshold)
    return np.stack(masks), np.array(changed)


def figures(found: np.ndarray, truth: np.ndarray, unchanged: np.ndarray, min_pixels: int) -> dict[str, float]:
    """Of masks bool (N, 256, 256): pixels, objects, and false objects a pair that is ``unchanged`` (N,)."""
    regions = [objects_of(mask, min_pixels) for mask in found]
    wanted = [objects_of(mask, min_pixels) for mask in truth]
    matched = sum(matches(*pair) for pair in zip(regions, wanted, strict=True))
    count, there = (sum(int(labels.max()) for labels in several) for several in (regions, wanted))
    false = sum(int(labels.max()) for labels, same in zip(regions, unchanged, strict=True) if same)
    kept = np.stack(regions) > 0
    hits, seen, real = int((kept & truth).sum()), int(kept.sum()), int(truth.sum())
    return {
        "pixel F1": round(2 * hits / max(1, seen + real), 4),
        "precision": round(hits / max(1, seen), 4),
        "recall": round(hits / max(1, real), 4),
        "IoU": round(hits / max(1, seen + real - hits), 4),
        "object F1": round(2 * matched / max(1, count + there), 4),
        "objects": count,
        "objects of the truth": there,
        "false objects an unchanged pair": round(false / max(1, int(unchanged.sum())), 4),
    }


def objects_of(mask: np.ndarray, min_pixels: int) -> np.ndarray:
    """Regions of a mask (H, W), numbered from 1; 0 elsewhere and where a region is too small."""
    regions = [region for region, _ in shapes(mask.astype(np.uint8), mask=mask, connectivity=8)]
    if not regions:
        return np.zeros(mask.shape, int)
    labels = rasterize([(region, number) for number, region in enumerate(regions, start=1)], mask.shape, dtype="int32")
    large = np.flatnonzero(np.bincount(labels.ravel())[1:] >= min_pixels) + 1
    numbers = np.zeros(len(regions) + 1, int)
    numbers[large] = np.arange(1, len(large) + 1)
    return numbers[labels]


def matches(found: np.ndarray, wanted: np.ndarray) -> int:
    """Regions found that are one of those wanted: IoU over 0.5, of which each has at most one partner."""
    if not found.max() or not wanted.max():
        return 0
    shared = np.zeros((int(found.max()) + 1, int(wanted.max()) + 1), int)
    np.add.at(shared, (found.ravel(), wanted.ravel()), 1)
    areas = shared.sum(1)[1:, None] + shared.sum(0)[None, 1:] - shared[1:, 1:]
    return int((shared[1:, 1:] > IOU * areas).sum())


def building_mask(row: PairRow) -> np.ndarray:
    """Building change of a pair, bool (256, 256)."""
    mask = read_pair(row)[2]
    assert mask is not None  # rows without a mask are not evaluated
    return mask > 0


def pair_probabilities(decoder: MaskDecoder, encoder: EfficientNetLite, kinds: Kinds, rows: Sequence[PairRow]) -> tuple[np.ndarray, np.ndarray]:
    """Percentages of building change of either sign, and the masks, (N, 256, 256) each, of a decoder in float32."""
    buildings = [i for i, (name, _) in enumerate(kinds) if name == "building"]
    faster = fused(encoder.eval().to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    decoder.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    found = []
    with torch.inference_mode():
        for row in rows:
            features: list[Tensor] = faster(torch.cat([torch.from_numpy(images) for images in read_batch([row])]), MASK_STAGES)
            found.append(percentages(decoder([f[:1] for f in features], [f[1:] for f in features]))[0, buildings].max(0))
    return np.stack(found), np.stack([building_mask(row) for row in rows])


def best_threshold(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Probability from which pixels count, of best F1 over all pairs, and that F1."""
    f1 = [2 * ((found >= t) & truth).sum() / ((found >= t).sum() + truth.sum()) for t in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmax(f1))]) / 100, float(np.max(f1))


if __name__ == "__main__":
    main()
