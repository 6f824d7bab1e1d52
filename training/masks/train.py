"""Train the change mask of ``scribe-s`` over its frozen encoder, for a given time.

    python -m training.masks.train --data ../shared/data --init resources/weights/scribe-s.safetensors --out runs/mask --minutes 50

Resumes by itself. ``out/last.pt`` holds the latest state, ``out/log.csv`` losses and the F1 of building change on validation pairs.
``--cache`` names the folder of the features (about 2 MB a pair and variant); it may be deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.contract.objects import OBJECT_KINDS
from engine.models.efficientnet import EfficientNetLite
from engine.models.mask import MASK_STAGES, MaskConfig, MaskDecoder
from engine.models.onednn import fused
from engine.models.scribe import read_checkpoint

from ..datasets import PairRow, check_leakage, load_rows, training_rows
from ..scribe.optimization import Ema
from ..scribe.train import schedule
from ..shared.run_log import append_row
from .cache import FeatureCache
from .losses import mask_losses
from .norms import NormedConv
from .samples import BUILDING_ADDED, BUILDING_REMOVED, SWAPPED, UNKNOWN, named_kinds

WEIGHTS = {"change": 1.0, "dice": 0.5, "sign": 0.5, "land": 0.3, "named": 0.05}
FIELDS = ("minutes", "steps", *WEIGHTS, "val_f1", "val_threshold")
LEVIR_LIKE = frozenset({"lcc", "lva", "lev"})
THRESHOLDS = np.arange(0.3, 0.71, 0.05)


@dataclass(frozen=True)
class MaskTraining:
    """How to train.

    minutes : of the whole schedule. quarters : share of it in which some of the steps, ``quarter_share``, are on quarters of tiles, ``quarter_batch``
    at once; then all are on whole ones. dropped : chance of a channel of the features to be left out of a step. variants : of a pair kept
    in the cache. save_minutes : between saves.
    """

    minutes: float = 50.0
    batch_size: int = 8
    quarters: float = 0.75
    quarter_share: float = 0.6
    dropped: float = 0.1
    quarter_batch: int = 14
    variants: int = 4
    lr: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.03
    ema: float = 0.998
    save_minutes: float = 5.0
    seed: int = 1


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--init", type=Path, default=Path("resources/weights/scribe-s.safetensors"), help="whose encoder the mask is read from")
    parser.add_argument("--out", type=Path, default=Path("runs/mask"))
    parser.add_argument("--cache", type=Path, help="folder of the features; OUT/cache by default")
    parser.add_argument("--minutes", type=float, default=MaskTraining.minutes)
    parser.add_argument("--smoke", action="store_true", help="a minute on a few pairs: does it run?")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = load_rows(args.data)
    train_rows = training_rows(rows)
    check_leakage(train_rows, [row for row in rows if row.split != "train"])
    val_rows = [row for row in rows if row.split == "val" and row.source == "lcc"]
    options = MaskTraining(args.minutes)
    if args.smoke:
        train_rows, val_rows, options = train_rows[:40], val_rows[:8], MaskTraining(1.0, save_minutes=0.3)
    encoder = read_checkpoint(str(args.init))[0].encoder
    train([row for row in train_rows if draws(row)], val_rows, encoder, args.out, args.cache or args.out / "cache", options)


def draws(row: PairRow) -> float:
    """How often a pair is drawn, next to others: those like the pairs that buildings are judged on, and changed ones, more often; 0 never."""
    told = row.mask is not None or not np.isnan(named_kinds(row)).all()
    if not told:
        return 0.0
    built = row.changed != 0 and row.mask is not None
    if row.source in LEVIR_LIKE:
        return (2.0 if row.source == "lcc" else 1.2) if built else 0.6
    return 0.8 if built else 0.4


def train(rows: Sequence[PairRow], val_rows: Sequence[PairRow], encoder: EfficientNetLite, out: Path, cache: Path, options: MaskTraining) -> None:
    """Train on ``rows`` until the schedule ends; resumes from ``out/last.pt``."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    encoder = encoder.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    channels = stage_channels(encoder)
    config = MaskConfig(channels, len(OBJECT_KINDS))
    (out / "settings.json").write_text(json.dumps({"train": asdict(options), "config": asdict(config), "pairs": len(rows)}, indent=1), "utf-8")
    faster = fused(encoder)
    store = FeatureCache(rows, faster, channels, cache / "train", options.variants, options.seed)
    held = FeatureCache(val_rows, faster, channels, cache / "val", 1, options.seed)
    run = Run(config, out, options)
    chance = np.array([draws(row) for row in rows])
    rng = np.random.default_rng((options.seed, run.steps))
    saved = time.time()
    while run.minutes() < options.minutes:
        cut = run.minutes() < options.quarters * options.minutes and rng.random() < options.quarter_share
        order = rng.choice(len(rows), options.quarter_batch if cut else options.batch_size, replace=False, p=chance / chance.sum())
        run.step(store.read([store.choose(int(i), rng) for i in order], rng if cut else None), rng)
        if time.time() - saved > 60 * options.save_minutes:
            saved = time.time()
            run.save(validate(run.ema, config, held))
    run.save(validate(run.ema, config, held))


class Run:
    """The decoder, its optimizer and its moving average; taken up from ``out/last.pt`` where that is there."""

    def __init__(self, config: MaskConfig, out: Path, options: MaskTraining):
        self.out, self.options = out, options
        self.net = MaskDecoder(config, NormedConv).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        nn.init.constant_(self.net.head.bias, -3.0)  # most cells show nothing
        matrices, vectors = ([p for p in self.net.parameters() if (p.ndim > 1) is large] for large in (True, False))
        groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, options.lr)
        self.ema, self.spent, self.steps = Ema(self.net, options.ema), 0.0, 0
        self.sums, self.count, self.started = dict.fromkeys(WEIGHTS, 0.0), 0, time.time()
        if (out / "last.pt").is_file():
            self._resume()
        self.net.train()

    def minutes(self) -> float:
        """Trained so far, those before a resume included."""
        return self.spent + (time.time() - self.started) / 60

    def step(self, read: tuple, rng: np.random.Generator) -> None:
        """One step on what ``FeatureCache.read`` gives."""
        progress = round(1e4 * self.minutes() / self.options.minutes)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.lr * max(0.02, schedule(progress, round(1e4 * self.options.warmup), 10000))
        losses = step_losses(self.net, read, rng, self.options.dropped)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack([WEIGHTS[name] * value for name, value in losses.items()]).sum().backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.ema.update(self.net)
        self.steps, self.count = self.steps + 1, self.count + 1
        for name, value in losses.items():
            self.sums[name] += float(value.detach())

    def save(self, validated: tuple[float, float]) -> None:
        """Write ``last.pt`` and a line of ``log.csv``; ``validated`` is what ``validate`` gives."""
        minutes = min(self.minutes(), self.options.minutes)
        state = {"net": self.net.state_dict(), "ema": self.ema.shadow, "ema_steps": self.ema.steps, "optimizer": self.optimizer.state_dict()}
        torch.save(state | {"minutes": minutes, "steps": self.steps}, self.out / "last.part")
        (self.out / "last.part").replace(self.out / "last.pt")
        means = {name: round(value / max(1, self.count), 4) for name, value in self.sums.items()}
        row = {"minutes": round(minutes, 1), "steps": self.steps, **means, "val_f1": round(validated[0], 4), "val_threshold": round(validated[1], 2)}
        append_row(self.out / "log.csv", row, FIELDS)
        self.sums, self.count = dict.fromkeys(WEIGHTS, 0.0), 0

    def _resume(self) -> None:
        state = torch.load(self.out / "last.pt", map_location="cpu", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.ema.shadow, self.ema.steps = state["ema"], state["ema_steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.spent, self.steps = state["minutes"], state["steps"]


def step_losses(net: MaskDecoder, read: tuple, rng: np.random.Generator, dropped: float) -> dict[str, Tensor]:
    """Loss terms of a batch, half of the time with its dates swapped and what was added removed; some channels of its features ``dropped``."""
    before, after, cells, changed, named = read
    for level in range(1, len(before)):  # the finest has few channels
        kept = torch.empty(*before[level].shape[:2], 1, 1).bernoulli_(1 - dropped) / (1 - dropped)
        before[level], after[level] = before[level] * kept, after[level] * kept
    if rng.random() < 0.5:
        before, after, cells, named = after, before, cells[:, SWAPPED], named[:, SWAPPED]
    return mask_losses(net(before, after), cells, changed, named)


def validate(ema: Ema, config: MaskConfig, held: FeatureCache) -> tuple[float, float]:
    """F1 of building change of either sign over all cells of the validation pairs, and the threshold that gives it."""
    net = MaskDecoder(config, NormedConv)
    net.load_state_dict(ema.shadow)
    net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    hits, found, there = np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS)), 0
    with torch.inference_mode():
        for first in range(0, len(held.rows), 4):
            before, after, _, changed, _ = held.read([(i, 0) for i in range(first, min(first + 4, len(held.rows)))])
            known, truth = (changed != UNKNOWN).numpy(), (changed >= 100).numpy() & (changed != UNKNOWN).numpy()
            probability = net(before, after)[:, [BUILDING_ADDED, BUILDING_REMOVED]].sigmoid().amax(1).numpy()
            there += truth.sum()
            for i, threshold in enumerate(THRESHOLDS):
                seen = (probability >= threshold) & known
                hits[i] += (seen & truth).sum()
                found[i] += seen.sum()
    f1 = 2 * hits / np.maximum(1, found + there)
    return float(f1.max()), float(THRESHOLDS[f1.argmax()])


def stage_channels(encoder: EfficientNetLite) -> tuple[int, ...]:
    """Channels of the stages that the mask is read from."""
    return tuple(encoder.stages[i][-1].project.out_channels for i in MASK_STAGES)  # type: ignore[index]


if __name__ == "__main__":
    main()
