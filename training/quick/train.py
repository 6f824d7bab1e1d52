"""Train the first look of ``scribe-s-quick`` on ../shared/data.

    python -m training.quick.train --data ../shared/data --out runs/first-look            (resumes by itself)

It learns the change flag and the map of building change from the augmented pairs of scribe-s's training, and later also scribe-s's own flag on them
(distillation, Hinton et al. 2015, arXiv 1503.02531). Stops before the first step where a training pair shows the ground of a held-out one. Chooses
the epoch on the validation split.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from engine import registry
from engine.contract.request import DEFAULT_MODEL
from engine.models.quick import FirstLook, FirstLookConfig
from engine.models.scribe import ScribeCaptioner

from ..datasets import STRICT, PairRow, SplitOptions, captioned, check_leakage, load_rows, read_batch, training_rows
from ..scribe.depthwise import freeze_depthwise
from ..scribe.losses import known_bce
from ..scribe.optimization import Ema
from ..scribe.train import train_epoch
from ..scribe.validate import auc
from ..shared.batches import AugmentOptions, Batch, PairStore, batches, epoch_order
from ..shared.pretrained import fetch_efficientnet, load_efficientnet
from ..shared.run_log import RunFolder

FIELDS = ("epoch", "seconds", "flag", "mask", "val_flag_auc", "val_passed_at_recall_99", "val_passed_at_recall_97")


@dataclass(frozen=True)
class FirstLookOptions:
    """How to train. lr is of the change branch, encoder_lr of the encoder; the mask's loss counts ``mask_weight``.

    teacher_from : epochs without a teacher; from then on half of the flag's loss is against scribe-s's probability of change.
    """

    epochs: int = 12
    batch_size: int = 32
    lr: float = 1e-3
    encoder_lr: float = 3e-4
    weight_decay: float = 0.02
    warmup: int = 100
    frozen_stages: int = 1
    ema: float = 0.998
    mask_weight: float = 1.0
    teacher_from: int = 6
    seed: int = 1


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/first-look"))
    parser.add_argument("--epochs", type=int, default=FirstLookOptions.epochs)
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few pairs")
    SplitOptions.add_options(parser)
    args = parser.parse_args(argv)
    options = FirstLookOptions(epochs=2 if args.smoke else args.epochs)
    train(args.data, args.out, options, FirstLookConfig(), 64 if args.smoke else None, SplitOptions.of(args))


def train(data: Path, out: Path, options: FirstLookOptions, config: FirstLookConfig, limit: int | None = None, apart: SplitOptions = STRICT) -> None:
    """Train, validate, keep the best epoch by validation in ``out/best.pt``; resumes from ``out/last.pt``."""
    folder = RunFolder(out, FIELDS)
    torch.manual_seed(options.seed)
    rows = load_rows(data)
    train_rows, val_rows = training_rows(rows, apart)[:limit], captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"], apart)
    store = PairStore(train_rows)
    net = FirstLook(config)
    load_efficientnet(net.encoder, fetch_efficientnet(config.encoder))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = _optimizer(net, options)
    folder.begin("scribe-quick", data, train=asdict(options), config=asdict(config), pairs=len(store))
    steps = len(epoch_order(store, options.batch_size, np.random.default_rng(0)))
    ema, first, best = Ema(net, options.ema), 0, -math.inf
    if (saved := folder.last()) is not None:
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        ema.shadow, ema.steps, first, best = saved["ema"], saved["ema_steps"], saved["epoch"], saved["best"]
    scribe = registry.load(DEFAULT_MODEL)
    assert isinstance(scribe, ScribeCaptioner)
    for epoch in range(first, options.epochs):
        seed, start_s = options.seed * 1000 + epoch, time.perf_counter()
        torch.manual_seed(seed)
        order = epoch_order(store, options.batch_size, np.random.default_rng((options.seed, epoch)))
        loader = batches(store, order, scribe.vocabulary, 32, AugmentOptions(captions=1), seed)
        losses_of = partial(losses, net, teacher=scribe if epoch >= options.teacher_from else None)
        weights = {"flag": 1.0, "mask": options.mask_weight}
        means = train_epoch(net, losses_of, weights, ema, optimizer, loader, epoch * steps, options.warmup, options.epochs * steps)
        record = {"epoch": epoch + 1, **means}
        scores = validate(averaged(ema, config), val_rows)
        if scores["val_flag_auc"] > best:
            best = scores["val_flag_auc"]
            folder.keep_best({"state": ema.shadow, "scores": scores, "epoch": epoch + 1})
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "ema": ema.shadow, "ema_steps": ema.steps}
        folder.keep_last(state | {"epoch": epoch + 1, "best": best})
        folder.log(record | {"seconds": round(time.perf_counter() - start_s), **scores})


def averaged(ema: Ema, config: FirstLookConfig) -> FirstLook:
    net = FirstLook(config)
    net.load_state_dict(ema.shadow)
    return net.eval()


def losses(net: FirstLook, batch: Batch, teacher: ScribeCaptioner | None) -> dict[str, torch.Tensor]:
    """Cross-entropies of the flag, half of it against the teacher's where there is one, and of the building map at the side that the net's has."""
    found = net(batch.before, batch.after)
    flag = known_bce(found.flag, batch.flag, smoothing=0.05)
    if teacher is not None:
        with torch.inference_mode():
            told = torch.sigmoid(teacher.find_change(batch.before, batch.after)[2].flag)
        flag = (flag + F.binary_cross_entropy_with_logits(found.flag, told.clone())) / 2
    side = batch.mask.shape[-1] // found.mask.shape[-1]
    return {"flag": flag, "mask": known_bce(found.mask, F.avg_pool2d(batch.mask, side), positive_weight=2.0)}


def _optimizer(net: FirstLook, options: FirstLookOptions) -> torch.optim.AdamW:
    freeze_depthwise(net.encoder)
    for parameter in net.encoder.frozen_parameters(options.frozen_stages):
        parameter.requires_grad_(False)
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    groups = [
        {"params": encoder, "peak_lr": options.encoder_lr, "weight_decay": 0.0},
        {"params": list(net.prior.parameters()), "peak_lr": options.lr, "weight_decay": options.weight_decay},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))


def flag_logits(net: FirstLook, rows: Sequence[PairRow], batch_size: int = 32) -> np.ndarray:
    """Logit of the change flag of every pair."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            before, after = read_batch(rows[start : start + batch_size])
            found.append(net(torch.from_numpy(before), torch.from_numpy(after)).flag.numpy())
    return np.concatenate(found)


def validate(net: FirstLook, rows: Sequence[PairRow]) -> dict[str, float]:
    """AUC of the flag, and the share of the unchanged pairs that is passed over where 99 % or 97 % of the changed ones are kept."""
    logits, flag = flag_logits(net, rows), np.array([row.changed == 1 for row in rows])
    scores = {"val_flag_auc": auc(logits, flag)}
    for recall in (99, 97):
        cut = np.quantile(logits[flag], 1 - recall / 100)
        scores[f"val_passed_at_recall_{recall}"] = float((logits[~flag] < cut).mean())
    return {name: round(value, 4) for name, value in scores.items()}


if __name__ == "__main__":
    main()
