"""Ablations of DFM at a size that trains in minutes on one core: frozen image features, everything behind them trained.

    python -m training.shared.sentence_embeddings --fetch
    python -m training.dfm.frozen_features --encoder dinov2
    python -m training.dfm.ablation

Each run is kept in its own file and not repeated; the table compares each variant with the whole model on the validation pairs.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from engine.contract.errors import InputError
from engine.contract.tiles import UNCHANGED_TEXT
from engine.models.beam import decode
from engine.models.dfm import DfmConfig, DfmHeads
from engine.models.prefix import PrefixLayer
from engine.models.vit import Features
from engine.words.text import END, PAD, START, UNKNOWN, Vocabulary

from ..augment import apply_symmetry, random_symmetry
from ..shared.sentence_embeddings import CACHE, SentenceTable
from ..shared.tgcl import TextGuidedContrast
from .ablation_report import write_report
from .batches import targets
from .frozen_features import FOLDER, SIDE, FrozenSplit, read_split
from .losses import LossWeights, dfm_losses


@dataclass(frozen=True)
class Variant:
    """One row of the table: what differs from the whole model."""

    name: str
    gating: str = "both"
    fusion: str = "full"
    cd_prior: bool = True


VARIANTS = {
    "full": Variant("whole model (TGCL gated, full JFM, CD prior)"),
    "no-tgcl": Variant("without TGCL", gating="off"),
    "tgcl-ungated": Variant("TGCL ungated", gating="none"),
    "tgcl-rows": Variant("TGCL gated on rows alone", gating="rows"),
    "gate": Variant("gate fusion", fusion="gate"),
    "bilinear": Variant("bilinear fusion", fusion="bilinear"),
    "concat": Variant("concatenation", fusion="concat"),
    "weighted": Variant("weighted sum", fusion="weighted"),
    "no-prior": Variant("full JFM without CD prior", cd_prior=False),
}


@dataclass(frozen=True)
class AblationOptions:
    """Sizes and training of every run; nothing of it is chosen by variant, and the last epoch is taken."""

    width: int = 96
    heads: int = 4
    hidden: int = 192
    decoder_layers: int = 1
    max_length: int = 32
    dropout: float = 0.15
    epochs: int = 20
    batch_size: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.02
    contrast_weight: float = LossWeights.contrast
    smoothing: float = 0.1
    min_count: int = 2


class TrainedBlock(nn.Module):
    """Stands for the image encoder's trained blocks: a projection and one transformer layer over [CLS] and grid of one date.

    Without it the contrast would reach nothing that the captions are written from.
    """

    def __init__(self, encoder_width: int, options: AblationOptions):
        super().__init__()
        self.project = nn.Sequential(nn.LayerNorm(encoder_width), nn.Linear(encoder_width, options.width))
        self.layer = PrefixLayer(options.width, options.heads, options.hidden, options.dropout)

    def forward(self, features: Features) -> Features:
        tokens = self.project(torch.cat((features.cls[:, None], features.grid), dim=1))
        tokens = self.layer(tokens, *self.layer.project(tokens))
        return Features(tokens[:, 0], tokens[:, 1:])


class FrozenDfm(nn.Module):
    """DFM on frozen features: trained block, joint features, flag and decoder."""

    def __init__(self, variant: Variant, options: AblationOptions, encoder_width: int, prior_width: int, vocabulary: int):
        super().__init__()
        config = DfmConfig(
            fusion=variant.fusion,
            cd_prior=variant.cd_prior,
            cd_config=DfmConfig().cd_config | {"prior_width": prior_width},
            width=options.width,
            heads=options.heads,
            hidden=options.hidden,
            decoder_layers=options.decoder_layers,
            max_length=options.max_length,
            dropout=options.dropout,
        )
        self.block = TrainedBlock(encoder_width, options)
        self.heads = DfmHeads(config, options.width, SIDE, vocabulary, prior_side=SIDE)
        self.contrast = None if variant.gating == "off" else TextGuidedContrast(options.width, gating=variant.gating)
        self.cd_prior = variant.cd_prior

    def dates(self, split: FrozenSplit, indexes: list[int]) -> tuple[Features, Features, Tensor | None]:
        before, after = split.dates(indexes)
        return before, after, split.prior[indexes].float() if self.cd_prior else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--features", type=Path, default=FOLDER)
    parser.add_argument("--sentences", type=Path, default=CACHE)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--epochs", type=int, default=AblationOptions.epochs)
    parser.add_argument("--report", type=Path, default=Path("docs/ablation.md"), help="table; its figures also go to the same name with .json")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    splits = {split: read_split(args.features, args.data, split) for split in ("train", "val")}
    options, table = AblationOptions(epochs=args.epochs), SentenceTable(args.sentences)
    for seed in args.seeds:
        for name in args.variants:
            path = args.out / f"{name}-{seed}.json"
            if not _is_done(path, options):
                found = run(VARIANTS[name], options, splits["train"], splits["val"], table, seed)
                path.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
                print(json.dumps({"variant": name, "seed": seed, "seconds": found["seconds"]}), flush=True)
    write_report(args.report, args.out, {name: VARIANTS[name].name for name in args.variants}, args.seeds, splits["val"].rows)


def _is_done(path: Path, options: AblationOptions) -> bool:
    """Whether the run is there.

    Raises
    ------
    InputError
        It was made with other options.
    """
    if not path.is_file():
        return False
    if json.loads(path.read_text("utf-8"))["options"] != asdict(options):
        raise InputError(f"{path} was made with other options", "one set of options for all runs", "name another folder with --out")
    return True


def run(variant: Variant, options: AblationOptions, train: FrozenSplit, val: FrozenSplit, table: SentenceTable, seed: int) -> dict:
    """Train one variant; captions and change scores of the validation pairs by id."""
    torch.manual_seed(seed)
    start_s = time.perf_counter()
    vocabulary = Vocabulary.build((c for row in train.rows if row.changed for c in row.captions), options.min_count)
    net = FrozenDfm(variant, options, train.cls.shape[-1], train.prior.shape[-1], len(vocabulary))
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr, weight_decay=options.weight_decay, betas=(0.9, 0.98))
    weights = LossWeights(contrast=options.contrast_weight, smoothing=options.smoothing)
    batches, total = 0, options.epochs * -(-len(train.rows) // options.batch_size)
    means: dict[str, float] = {}
    for epoch in range(options.epochs):
        sums: dict[str, list[float]] = {}
        net.train()
        for batch in frozen_epoch(train, vocabulary, options, (seed, epoch)):
            for group in optimizer.param_groups:
                group["lr"] = options.lr * min(1.0, (batches + 1) / 100) * 0.5 * (1 + math.cos(math.pi * batches / total))
            losses = _losses(net, train, batch, table, weights)
            optimizer.zero_grad(set_to_none=True)
            losses["total"].backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            batches += 1
            for name, value in losses.items():
                sums.setdefault(name, []).append(float(value.detach()))
        means = {name: round(float(np.mean(values)), 4) for name, values in sums.items()}
        print(json.dumps({"epoch": epoch + 1, "elapsed_s": round(time.perf_counter() - start_s), **means}), flush=True)
    return {
        "variant": asdict(variant),
        "options": asdict(options),
        "encoder": train.encoder,
        "seed": seed,
        "parameters": sum(p.numel() for p in net.parameters()),
        "seconds": round(time.perf_counter() - start_s),
        "loss": means,
        "captions": caption(net, val, vocabulary),
    }


class FrozenBatch(NamedTuple):
    """indexes : of the pairs. order : (N, tokens) in which a mirrored or turned pair shows its tokens. Targets as in ``DfmBatch``."""

    indexes: list[int]
    order: Tensor
    changed: Tensor
    ids: Tensor
    sentences: list[str]


def frozen_epoch(split: FrozenSplit, vocabulary: Vocabulary, options: AblationOptions, seed: tuple[int, int]) -> Iterator[FrozenBatch]:
    """Batches of one epoch, each pair mirrored or turned with its captions.

    A mirrored grid of features is not quite the grid of the mirrored image, but near enough to train on.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(split.rows))
    cells = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    for start in range(0, len(order), options.batch_size):
        indexes = order[start : start + options.batch_size].tolist()
        orders, chosen = [], []
        for row in (split.rows[i] for i in indexes):
            *symmetry, captions = random_symmetry(row.captions if row.changed else (), rng)
            orders.append(apply_symmetry(cells, *symmetry).ravel())
            chosen.append(targets(captions, bool(row.changed), vocabulary, options.max_length, rng))
        changed, ids = [float(bool(split.rows[i].changed)) for i in indexes], [tokens for tokens, _ in chosen]
        sentences = [sentence for _, sentence in chosen]
        yield FrozenBatch(indexes, torch.from_numpy(np.stack(orders)), torch.tensor(changed), torch.tensor(ids), sentences)


def _losses(net: FrozenDfm, split: FrozenSplit, batch: FrozenBatch, table: SentenceTable, weights: LossWeights) -> dict[str, Tensor]:
    before, after, prior = net.dates(split, batch.indexes)
    rows = torch.arange(len(batch.indexes))[:, None]
    sentences = None if net.contrast is None else table(batch.sentences)
    # In single precision: matrices of this size take seven times longer in bfloat16.
    dates = (net.block(before._replace(grid=before.grid[rows, batch.order])), net.block(after._replace(grid=after.grid[rows, batch.order])))
    prior = None if prior is None else prior[rows, batch.order]
    return dfm_losses(net.heads, net.contrast, dates, prior, batch.changed, batch.ids, sentences, weights)


@torch.inference_mode()
def caption(net: FrozenDfm, split: FrozenSplit, vocabulary: Vocabulary, batch_size: int = 32) -> dict[str, dict]:
    """Change score of each pair, and its caption if it changed (``text``) and behind the flag at 0.5 (``shown``)."""
    net.eval()
    ids = vocabulary.ids
    found = {}
    for start in range(0, len(split.rows), batch_size):
        indexes = list(range(start, min(start + batch_size, len(split.rows))))
        before, after, prior = net.dates(split, indexes)
        joint, flag = net.heads(net.block(before), net.block(after), prior)
        texts = decode(net.heads.decoder, joint, ids[START], ids[END], beams=3, banned=(ids[PAD], ids[START], ids[UNKNOWN]))
        for i, logit, (tokens, _) in zip(indexes, flag.tolist(), texts, strict=True):
            text = vocabulary.decode(tokens)
            score = 1 / (1 + math.exp(-logit))
            found[split.rows[i].id] = {"score": round(score, 4), "text": text, "shown": text if score >= 0.5 else UNCHANGED_TEXT}
    return found


if __name__ == "__main__":
    main()
