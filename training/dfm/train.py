"""Train DFM.

    python -m training.shared.sentence_embeddings --fetch
    changescribe train dfm --data LEVIR-CC --encoder-weights FOLDER_OF_CLIP --out runs/dfm      as published
    changescribe train dfm --preset compact                                                   ours, on EfficientNet-lite
    changescribe export runs/dfm -o my-dfm.safetensors --id my-dfm

Adam, learning rate and batch of RSCaMa, one of the captions at random; the epoch is chosen on the validation split. All sentences are embedded before
the first step. Resumes from last.pt.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.evaluation.metrics import score
from engine.models.captioner import ModelCard
from engine.models.device import choose, mixed_precision
from engine.models.dfm import DECODERS, PRESETS, DfmCaptioner, DfmConfig, DfmNet
from engine.models.dfm.detectors import CD_LAYERS, DETECTORS
from engine.models.dfm.joint import FUSIONS
from engine.models.dfm.spatiotemporal import EXTRACTIONS
from engine.models.vit import ENCODERS, PUBLISHED, CnnEncoder
from engine.words.text import NO_CHANGE, Vocabulary

from ..datasets import STRICT, PairRow, SplitOptions, captioned, check_leakage, load_rows, training_rows, unchanged_sentences
from ..scribe.depthwise import freeze_depthwise
from ..scribe.validate import NEUTRAL, auc, predict
from ..shared.run_log import RunFolder
from ..shared.sentence_embeddings import CACHE, MODEL_FOLDER, SentenceTable, training_sentences
from ..shared.sentence_embeddings import ENCODERS as SENTENCE_ENCODERS
from ..shared.tgcl import GATINGS, TextGuidedContrast
from .batches import UNCHANGED_SENTENCES, DfmBatch, DfmPairs
from .losses import LossWeights, dfm_losses
from .options import RECIPES, DfmOptions
from .weights import Detector, encoder_weights, load_detector

CPU = torch.device("cpu")
FIELDS = ("epoch", "seconds", "caption", "flag", "contrast", "val_flag_accuracy", "val_flag_auc", "val_cider_changed", "val_objective")


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    options = options_of(args)
    detector = None if args.no_prior or args.dry_run else load_detector(args.change_detector, args.detector)
    encoder = args.encoder or PRESETS[args.preset].encoder
    sizes, encoder_state = (PUBLISHED[encoder], None) if args.dry_run else encoder_weights(encoder, args.encoder_weights)
    switches = {name: value for name in ("extraction", "extraction_layers", "decoder") if (value := getattr(args, name)) is not None}
    config = replace(
        PRESETS[args.preset],
        encoder=encoder,
        encoder_sizes=dict(sizes),
        fusion=args.fusion,
        cd_prior=not args.no_prior,
        cd_layer=args.cd_layer,
        detector=args.change_detector,
        cd_config=PRESETS[args.preset].cd_config if detector is None or detector.kind != "scribe" else detector.config,
        **switches,
    )
    if args.dry_run:
        rows = training_rows(load_rows(args.data), SplitOptions.of(args))
        print(json.dumps({"options": asdict(options), "config": asdict(config), "parameters": parameter_counts(config, options, rows)}, indent=1))
        return
    device = torch.device(choose(args.device).name)
    table = table_of(options.sentence_encoder, args.sentences, args.sentence_weights, args.encoder_weights)
    limit = 32 if args.smoke else None
    train(args.data, args.out, options, config, encoder_state, detector, table, device, limit, SplitOptions.of(args))


def options_of(args: argparse.Namespace) -> DfmOptions:
    """The preset's options with what the command line changes."""
    recipe = RECIPES[args.preset]
    weights = {"caption": args.caption_weight, "contrast": args.contrast_weight, "flag": args.flag_weight, "detached_flag": args.detached_flag}
    given: dict[str, Any] = {name: value for name, value in weights.items() if value is not None}
    names = ("epochs", "batch_size", "lr", "gating", "clip", "augment", "unchanged_captions", "sentence_encoder", "seed")
    changed: dict[str, Any] = {name: value for name in names if (value := getattr(args, name)) is not None}
    if changed.get("clip") == 0:
        changed["clip"] = None
    options = replace(recipe, weights=replace(recipe.weights, **given), **changed)
    return replace(options, epochs=1, batch_size=8, validate_every=1) if args.smoke else options


def table_of(kind: str, path: Path | None, folder: Path | None, clip: Path | None) -> SentenceTable:
    """Embeddings by an encoder; without a folder MPNet's is that of its download, CLIP's that of the image encoder."""
    default = MODEL_FOLDER if kind == "mpnet" else clip or Path("no folder of CLIP")
    cache = CACHE if kind == "mpnet" else CACHE.with_name(f"{CACHE.stem}_{kind}.safetensors")
    return SentenceTable(path or cache, folder or default, kind)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="changescribe train dfm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/dfm"))
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="default of every option below (default: paper)")
    parser.add_argument("--encoder", choices=ENCODERS, help="of the images")
    parser.add_argument("--encoder-weights", type=Path, help="folder of CLIP's or DINOv2's weights; CLIP needs one, the others are fetched")
    parser.add_argument("--change-detector", choices=DETECTORS, default="scribe", help="frozen change detector that gives the prior")
    parser.add_argument("--detector", type=Path, help="its weights (default: the bundled scribe-s)")
    parser.add_argument("--no-prior", action="store_true", help="without the change-detection prior")
    parser.add_argument("--cd-layer", choices=CD_LAYERS, default="prior", help="where in scribe's change branch the prior is taken")
    parser.add_argument("--extraction", choices=EXTRACTIONS, help="how the features F are made (eq 7)")
    parser.add_argument("--extraction-layers", type=int)
    parser.add_argument("--fusion", choices=FUSIONS, default="full")
    parser.add_argument("--decoder", choices=DECODERS, help="the joint features stand before the words, or the words attend to them")
    parser.add_argument("--gating", choices=(*GATINGS, "off"), help="of the text-guided contrast; off: without it")
    parser.add_argument("--caption-weight", type=float, help="λ1")
    parser.add_argument("--contrast-weight", type=float, help="λ2")
    parser.add_argument("--flag-weight", type=float, help="of the change flag's cross-entropy, which is ours")
    parser.add_argument("--detached-flag", action=argparse.BooleanOptionalAction, help="the flag's head alone learns from its loss")
    parser.add_argument("--sentence-encoder", choices=SENTENCE_ENCODERS, help="frozen text encoder of the contrast")
    parser.add_argument("--sentence-weights", type=Path, help="its folder (default: the downloaded MPNet's, or --encoder-weights for CLIP)")
    parser.add_argument("--sentences", type=Path, help=f"file that its embeddings are read from and kept in (default: {CACHE} for MPNet)")
    parser.add_argument("--unchanged-captions", action=argparse.BooleanOptionalAction, help="pairs without a change are captioned too")
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction, help="turn, mirror, recolour, shift and exchange")
    parser.add_argument("--clip", metavar="NORM", type=float, help="largest norm of the gradient; 0: not clipped")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--seed", type=int)
    SplitOptions.add_options(parser)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--smoke", action="store_true", help="one epoch on 32 pairs")
    parser.add_argument("--dry-run", action="store_true", help="print options, configuration and parameter counts, and stop")
    return parser


def build(
    config: DfmConfig,
    options: DfmOptions,
    vocabulary: Vocabulary,
    encoder_state: dict | None,
    detector: Detector | None,
    text_width: int = 768,
) -> tuple[DfmNet, TextGuidedContrast | None]:
    """Network and contrast over sentence embeddings of ``text_width``; encoder blocks that are not trained, and the detector, are frozen."""
    torch.manual_seed(options.seed)
    net = DfmNet(config, len(vocabulary))
    if encoder_state is not None:
        net.encoder.model.load_state_dict(encoder_state)
    if net.detector is not None and detector is not None:
        net.detector.load_state_dict(detector.state)
    net.encoder.freeze(config.trained_blocks)
    if isinstance(net.encoder, CnnEncoder):
        freeze_depthwise(net.encoder.model)
    contrast = None if options.gating == "off" else TextGuidedContrast(net.encoder.width, text_width, gating=options.gating)
    return net, contrast


def parameter_counts(config: DfmConfig, options: DfmOptions, rows: Sequence[PairRow]) -> dict[str, dict[str, int]]:
    """Trained and frozen parameters of each part."""
    net, contrast = build(config, options, build_vocabulary(rows, options), None, None)
    parts: dict[str, nn.Module | None] = {"encoder": net.encoder, "detector": net.detector, "joint features": net.heads.joint, "flag": net.heads.flag}
    parts |= {"features": net.heads.extraction, "decoder": net.heads.decoder, "contrast": contrast}

    def count(module: nn.Module, trained: bool) -> int:
        return sum(p.numel() for p in module.parameters() if p.requires_grad is trained)

    found = {name: {"trained": count(part, True), "frozen": count(part, False)} for name, part in parts.items() if part is not None}
    return found | {"all": {kind: sum(part[kind] for part in found.values()) for kind in ("trained", "frozen")}}


def build_vocabulary(rows: Sequence[PairRow], options: DfmOptions) -> Vocabulary:
    spoken = [row for row in rows if row.changed or options.unchanged_captions]
    return Vocabulary.build((caption for row in spoken for caption in row.captions), options.min_count)


def train(
    data: Path,
    out: Path,
    options: DfmOptions,
    config: DfmConfig,
    encoder_state: dict | None,
    detector: Detector | None,
    table: SentenceTable,
    device: torch.device = CPU,
    limit: int | None = None,
    apart: SplitOptions = STRICT,
) -> None:
    """Train in ``out``, from where ``last.pt`` stopped; keep the best epoch by validation."""
    folder = RunFolder(out, FIELDS)
    rows = load_rows(data)
    train_rows = [row for row in training_rows(rows, apart) if row.captions][:limit]
    val_rows = captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"], apart)
    vocabulary, no_change = build_vocabulary(train_rows, options), unchanged_sentences(train_rows)
    text_width = 0 if options.gating == "off" else embed_all(table, train_rows, options)
    net, contrast = build(config, options, vocabulary, encoder_state, detector, text_width)
    for module in (net, contrast):
        if module is not None:
            module.to(device)
    trained = [p for module in (net, contrast) if module is not None for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=options.lr)
    settings = {"train": asdict(options), "config": asdict(config), "vocabulary": vocabulary.words, "pairs": len(train_rows)}
    thresholds = NEUTRAL["class_thresholds"] if detector is None else detector.class_thresholds
    folder.begin("dfm", data, **settings, no_change=list(no_change), class_thresholds=thresholds)
    pairs = DfmPairs(train_rows, vocabulary, config.max_length, options.augment, options.unchanged_captions)
    state = _resume(folder, net, contrast, optimizer)
    for epoch in range(state["epoch"], options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout draws the same after a resume
        start_s, shown = time.perf_counter(), pairs.epoch(options.batch_size, (options.seed, epoch))
        means = train_epoch(net, contrast, optimizer, shown, table, options.weights, options.clip)
        record = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - start_s), **means}
        if (epoch + 1) % options.validate_every == 0 or epoch + 1 == options.epochs:
            scores = validate(net, vocabulary, val_rows, no_change)
            record |= scores
            if scores["val_objective"] > state["best"]:
                state["best"] = scores["val_objective"]
                folder.keep_best({"state": net.state_dict(), "scores": scores, "epoch": epoch + 1})
        state["epoch"] = epoch + 1
        saved = {"net": net.state_dict(), "contrast": {} if contrast is None else contrast.state_dict(), "optimizer": optimizer.state_dict()}
        folder.keep_last(saved | state)
        folder.log(record)


def embed_all(table: SentenceTable, rows: Sequence[PairRow], options: DfmOptions) -> int:
    """Embed every sentence that training will ask for, so that a missing text encoder stops the run before its first step; the embeddings' width.

    Exchanged dates turn some captions into others, which are embedded when they come.
    """
    plain = {" ".join(caption) for row in rows for caption in row.captions}
    table.add(plain | {*UNCHANGED_SENTENCES} | (training_sentences(rows) if options.augment else set()), report=True)
    return table.width


def train_epoch(
    net: DfmNet,
    contrast: TextGuidedContrast | None,
    optimizer: torch.optim.Optimizer,
    batches,
    table: SentenceTable,
    weights: LossWeights,
    clip: float | None = 1.0,
) -> dict[str, float]:
    """One pass over ``batches``; mean of each loss term."""
    net.train()
    sums: dict[str, float] = {}
    count = 0
    for batch in batches:
        losses = batch_losses(net, contrast, batch, table, weights)
        optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        if clip is not None:
            nn.utils.clip_grad_norm_((p for group in optimizer.param_groups for p in group["params"]), clip)
        optimizer.step()
        count += 1
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    return {name: round(value / max(1, count), 4) for name, value in sums.items() if name != "total"}


def batch_losses(net: DfmNet, contrast: TextGuidedContrast | None, batch: DfmBatch, table: SentenceTable, weights: LossWeights) -> dict:
    """``dfm_losses`` of a batch of images."""
    device = _device(net)
    sentences = None if contrast is None else table(batch.sentences).to(device)
    with mixed_precision(device):
        before, after, prior = net.encode(batch.before.to(device), batch.after.to(device))
        tokens = None if prior is None else prior.tokens
        return dfm_losses(net.heads, contrast, (before, after), tokens, batch.changed.to(device), batch.ids.to(device), sentences, weights)


def validate(net: DfmNet, vocabulary: Vocabulary, rows: Sequence[PairRow], no_change: Sequence[str] = tuple(NO_CHANGE)) -> dict[str, float]:
    """Flag accuracy at 0.5 and AUC, CIDEr-D of the changed pairs; ``val_objective`` is AUC (0..1) + CIDEr-D (× 100) / 200."""
    scores, _, texts = predict(captioner_of(net, vocabulary, no_change=no_change), rows)  # type: ignore[arg-type]
    flag = np.array([row.changed for row in rows])
    references = {row.name: [" ".join(c) for c in row.captions] for row in rows if row.changed}
    cider = score({name: texts[name] for name in references}, references, meteor=False)["CIDEr-D"] if references else 0.0
    found = {"val_flag_accuracy": float(((scores >= 0.5) == flag).mean()), "val_flag_auc": auc(scores, flag), "val_cider_changed": cider}
    found["val_objective"] = np.nan_to_num(found["val_flag_auc"]) + cider / 200
    return {name: round(float(value), 4) for name, value in found.items()}


def captioner_of(
    net: DfmNet, vocabulary: Vocabulary, card: ModelCard | None = None, calibration: dict = NEUTRAL, no_change: Sequence[str] = tuple(NO_CHANGE)
) -> DfmCaptioner:
    card = card or ModelCard("dfm", f"DFM on {net.config.encoder}", memory_mb=2500)
    return DfmCaptioner(net, vocabulary, card, calibration, _device(net), no_change)


def _device(net: nn.Module) -> torch.device:
    return next(net.parameters()).device


def _resume(folder: RunFolder, net: DfmNet, contrast: nn.Module | None, optimizer: torch.optim.Optimizer) -> dict:
    saved = folder.last()
    if saved is None:
        return {"epoch": 0, "best": -math.inf}
    net.load_state_dict(saved["net"])
    if contrast is not None:
        contrast.load_state_dict(saved["contrast"])
    optimizer.load_state_dict(saved["optimizer"])
    return {"epoch": saved["epoch"], "best": saved["best"]}


if __name__ == "__main__":
    main()
