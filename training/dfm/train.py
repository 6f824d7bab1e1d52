"""Train DFM.

    python -m training.shared.sentence_embeddings --fetch
    python -m training.dfm.train --preset paper --encoder-weights FOLDER_OF_CLIP
    python -m training.dfm.train --preset compact

Adam, learning rate and batch of RSCaMa, one of the captions at random; the epoch is chosen on the validation split. Resumes from
last.pt; writes dfm.safetensors, which engine.models.dfm loads.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from engine.contract.tiles import CLASSES
from engine.evaluation.metrics import score
from engine.models.captioner import ModelCard
from engine.models.device import choose, cpu_has_bf16
from engine.models.dfm import CD_LAYERS, PRESETS, DfmCaptioner, DfmConfig, DfmNet
from engine.models.joint import FUSIONS
from engine.models.scribe import DELTAS
from engine.models.vit import ENCODERS, PUBLISHED, CnnEncoder
from engine.registry import weights_path
from engine.words.text import Vocabulary

from ..datasets import PairRow, captioned, check_leakage, load_rows, read_batch, training_rows
from ..scribe.depthwise import freeze_depthwise
from ..scribe.export import calibrate
from ..scribe.validate import NEUTRAL, auc, predict
from ..shared.run_log import append_row
from ..shared.sentence_embeddings import CACHE, SentenceTable
from ..shared.tgcl import GATINGS, TextGuidedContrast
from .batches import DfmBatch, DfmPairs
from .losses import LossWeights, dfm_losses
from .weights import Detector, encoder_weights, read_detector

CPU = torch.device("cpu")
FIELDS = ("epoch", "seconds", "caption", "flag", "contrast", "val_flag_accuracy", "val_flag_auc", "val_cider_changed", "val_objective")


@dataclass(frozen=True)
class DfmOptions:
    """How to train. gating : of the contrast, or "off" for none of it. min_count : of a word, to be in the vocabulary."""

    epochs: int = 40
    batch_size: int = 64
    lr: float = 1e-4
    gating: str = "both"
    weights: LossWeights = field(default_factory=LossWeights)
    min_count: int = 1
    seed: int = 1
    validate_every: int = 2


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    options = DfmOptions(args.epochs, args.batch_size, args.lr, args.gating, LossWeights(contrast=args.contrast_weight), seed=args.seed)
    if args.smoke:
        options = replace(options, epochs=1, batch_size=8, validate_every=1)
    detector = None if args.no_prior else read_detector(args.detector or weights_path("scribe-s"))
    encoder = args.encoder or PRESETS[args.preset].encoder
    sizes, encoder_state = (PUBLISHED[encoder], None) if args.dry_run else encoder_weights(encoder, args.encoder_weights)
    config = replace(
        PRESETS[args.preset],
        encoder=encoder,
        encoder_sizes=dict(sizes),
        fusion=args.fusion,
        cd_prior=detector is not None,
        cd_layer=args.cd_layer,
        cd_config=PRESETS[args.preset].cd_config if detector is None else detector.config,
    )
    if args.dry_run:
        rows = training_rows(load_rows(args.data))
        print(json.dumps({"options": asdict(options), "config": asdict(config), "parameters": parameter_counts(config, options, rows)}, indent=1))
        return
    device = torch.device(choose(args.device).name)
    train(args.data, args.out, options, config, encoder_state, detector, SentenceTable(args.sentences), device, limit=32 if args.smoke else None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/dfm"))
    parser.add_argument("--preset", choices=PRESETS, default="compact")
    parser.add_argument("--encoder", choices=ENCODERS, help="in place of the preset's")
    parser.add_argument("--encoder-weights", type=Path, help="folder of CLIP's or DINOv2's weights; CLIP needs one, the others are fetched")
    parser.add_argument("--detector", type=Path, help="scribe-s weights, whose change branch is the frozen prior (default: the bundled ones)")
    parser.add_argument("--no-prior", action="store_true", help="without the change-detection prior")
    parser.add_argument("--cd-layer", choices=CD_LAYERS, default="prior")
    parser.add_argument("--fusion", choices=FUSIONS, default="full")
    parser.add_argument("--gating", choices=(*GATINGS, "off"), default=DfmOptions.gating, help="of the text-guided contrast; off: without it")
    parser.add_argument("--contrast-weight", type=float, default=LossWeights.contrast, help="λ2")
    parser.add_argument("--sentences", type=Path, default=CACHE, help="embeddings written by training.shared.sentence_embeddings")
    parser.add_argument("--epochs", type=int, default=DfmOptions.epochs)
    parser.add_argument("--batch-size", type=int, default=DfmOptions.batch_size)
    parser.add_argument("--lr", type=float, default=DfmOptions.lr)
    parser.add_argument("--seed", type=int, default=DfmOptions.seed)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--smoke", action="store_true", help="one epoch on 32 pairs")
    parser.add_argument("--dry-run", action="store_true", help="print options, configuration and parameter counts, and stop")
    return parser


def build(
    config: DfmConfig, options: DfmOptions, vocabulary: Vocabulary, encoder_state: dict | None, detector: Detector | None
) -> tuple[DfmNet, TextGuidedContrast | None]:
    """Network and contrast; encoder blocks that are not trained, and the detector, are frozen."""
    torch.manual_seed(options.seed)
    net = DfmNet(config, len(vocabulary))
    if encoder_state is not None:
        net.encoder.model.load_state_dict(encoder_state)
    if net.detector is not None and detector is not None:
        net.detector.load_state_dict(detector.state)
    net.encoder.freeze(config.trained_blocks)
    if isinstance(net.encoder, CnnEncoder):
        freeze_depthwise(net.encoder.model)
    contrast = None if options.gating == "off" else TextGuidedContrast(net.encoder.width, gating=options.gating)
    return net, contrast


def parameter_counts(config: DfmConfig, options: DfmOptions, rows: Sequence[PairRow]) -> dict[str, dict[str, int]]:
    """Trained and frozen parameters of each part."""
    net, contrast = build(config, options, build_vocabulary(rows, options), None, None)
    parts: dict[str, nn.Module | None] = {"encoder": net.encoder, "detector": net.detector, "joint features": net.heads.joint, "flag": net.heads.flag}
    parts |= {"decoder": net.heads.decoder, "contrast": contrast}

    def count(module: nn.Module, trained: bool) -> int:
        return sum(p.numel() for p in module.parameters() if p.requires_grad is trained)

    found = {name: {"trained": count(part, True), "frozen": count(part, False)} for name, part in parts.items() if part is not None}
    return found | {"all": {kind: sum(part[kind] for part in found.values()) for kind in ("trained", "frozen")}}


def build_vocabulary(rows: Sequence[PairRow], options: DfmOptions) -> Vocabulary:
    return Vocabulary.build((caption for row in rows if row.changed for caption in row.captions), options.min_count)


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
) -> None:
    """Train in ``out``, from where ``last.pt`` stopped; keep the best epoch by validation, and export it."""
    out.mkdir(parents=True, exist_ok=True)
    rows = load_rows(data)
    train_rows = [row for row in training_rows(rows) if row.captions][:limit]
    val_rows = captioned(rows, "val")[:limit]
    check_leakage(train_rows, [row for row in rows if row.split != "train"])
    vocabulary = build_vocabulary(train_rows, options)
    net, contrast = build(config, options, vocabulary, encoder_state, detector)
    for module in (net, contrast):
        if module is not None:
            module.to(device)
    trained = [p for module in (net, contrast) if module is not None for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=options.lr)
    settings = {"train": asdict(options), "config": asdict(config), "vocabulary": vocabulary.words, "pairs": len(train_rows)}
    (out / "settings.json").write_text(json.dumps(settings, indent=1), "utf-8")
    pairs = DfmPairs(train_rows, vocabulary, config.max_length)
    state = _resume(out / "last.pt", net, contrast, optimizer)
    for epoch in range(state["epoch"], options.epochs):
        torch.manual_seed(options.seed * 1000 + epoch)  # dropout draws the same after a resume
        start_s = time.perf_counter()
        means = train_epoch(net, contrast, optimizer, pairs.epoch(options.batch_size, (options.seed, epoch)), table, options.weights)
        record = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - start_s), **means}
        if (epoch + 1) % options.validate_every == 0 or epoch + 1 == options.epochs:
            scores = validate(net, vocabulary, val_rows)
            record |= scores
            if scores["val_objective"] > state["best"]:
                state["best"] = scores["val_objective"]
                torch.save({"state": net.state_dict(), "scores": scores, "epoch": epoch + 1}, out / "best.pt")
        state["epoch"] = epoch + 1
        _save(out / "last.pt", net, contrast, optimizer, state)
        _log(out / "log.csv", record)
    export(out, net, vocabulary, val_rows, detector)


def train_epoch(
    net: DfmNet, contrast: TextGuidedContrast | None, optimizer: torch.optim.Optimizer, batches, table: SentenceTable, weights: LossWeights
) -> dict[str, float]:
    """One pass over ``batches``; mean of each loss term."""
    net.train()
    sums: dict[str, float] = {}
    count = 0
    for batch in batches:
        losses = batch_losses(net, contrast, batch, table, weights)
        optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        nn.utils.clip_grad_norm_((p for group in optimizer.param_groups for p in group["params"]), 1.0)
        optimizer.step()
        count += 1
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
    return {name: round(value / max(1, count), 4) for name, value in sums.items() if name != "total"}


def batch_losses(net: DfmNet, contrast: TextGuidedContrast | None, batch: DfmBatch, table: SentenceTable, weights: LossWeights) -> dict:
    """``dfm_losses`` of a batch of images."""
    device = _device(net)
    sentences = None if contrast is None else table(batch.sentences).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or (device.type == "cpu" and cpu_has_bf16())):
        before, after, prior = net.encode(batch.before.to(device), batch.after.to(device))
        tokens = None if prior is None else prior.tokens
        return dfm_losses(net.heads, contrast, (before, after), tokens, batch.changed.to(device), batch.ids.to(device), sentences, weights)


def validate(net: DfmNet, vocabulary: Vocabulary, rows: Sequence[PairRow]) -> dict[str, float]:
    """Flag accuracy at 0.5 and AUC, CIDEr-D of the changed pairs; ``val_objective`` is AUC (0..1) + CIDEr-D (× 100) / 200."""
    scores, _, texts = predict(_captioner(net, vocabulary), rows)  # type: ignore[arg-type]
    flag = np.array([row.changed for row in rows])
    references = {row.name: [" ".join(c) for c in row.captions] for row in rows if row.changed}
    cider = score({name: texts[name] for name in references}, references, meteor=False)["CIDEr-D"] if references else 0.0
    found = {"val_flag_accuracy": float(((scores >= 0.5) == flag).mean()), "val_flag_auc": auc(scores, flag), "val_cider_changed": cider}
    found["val_objective"] = np.nan_to_num(found["val_flag_auc"]) + cider / 200
    return {name: round(float(value), 4) for name, value in found.items()}


def export(out: Path, net: DfmNet, vocabulary: Vocabulary, val_rows: Sequence[PairRow], detector: Detector | None) -> Path:
    """Write the best epoch as ``dfm.safetensors``, its change score calibrated on the validation pairs."""
    net.load_state_dict(torch.load(out / "best.pt", map_location="cpu", weights_only=True)["state"])
    net.eval()
    flags = []
    with torch.inference_mode():
        for start in range(0, len(val_rows), 16):
            flags.append(_flag_logits(net, val_rows[start : start + 16]))
    unknown = torch.zeros(len(val_rows), len(DELTAS), len(CLASSES))
    calibration = calibrate(torch.cat(flags), unknown, val_rows) | {"class_thresholds": NEUTRAL["class_thresholds"]}
    if detector is not None:
        calibration["class_thresholds"] = detector.class_thresholds
    captioner = _captioner(net, vocabulary, calibration)
    path = out / "dfm.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in net.state_dict().items()}, path, metadata=captioner.save_metadata())
    print(json.dumps({"file": str(path), "temperature": calibration["temperature"], "bias": calibration["bias"]}), flush=True)
    return path


def _flag_logits(net: DfmNet, rows: Sequence[PairRow]) -> torch.Tensor:
    b, a, prior = net.encode(*(torch.from_numpy(images).to(_device(net)) for images in read_batch(rows)))
    return net.heads(b, a, None if prior is None else prior.tokens)[1].float().cpu()


def _captioner(net: DfmNet, vocabulary: Vocabulary, calibration: dict = NEUTRAL) -> DfmCaptioner:
    return DfmCaptioner(net, vocabulary, ModelCard("dfm", f"DFM on {net.config.encoder}", memory_mb=2500), calibration, _device(net))


def _device(net: nn.Module) -> torch.device:
    return next(net.parameters()).device


def _resume(path: Path, net: DfmNet, contrast: nn.Module | None, optimizer: torch.optim.Optimizer) -> dict:
    if not path.is_file():
        return {"epoch": 0, "best": -math.inf}
    saved = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(saved["net"])
    if contrast is not None:
        contrast.load_state_dict(saved["contrast"])
    optimizer.load_state_dict(saved["optimizer"])
    return {"epoch": saved["epoch"], "best": saved["best"]}


def _save(path: Path, net: DfmNet, contrast: nn.Module | None, optimizer: torch.optim.Optimizer, state: dict) -> None:
    found = {"net": net.state_dict(), "contrast": contrast.state_dict() if contrast is not None else {}, "optimizer": optimizer.state_dict()}
    part = path.with_suffix(".part")
    torch.save(found | state, part)
    part.replace(path)  # a run killed while it writes leaves the last whole state


def _log(path: Path, record: dict) -> None:
    append_row(path, record, FIELDS)


if __name__ == "__main__":
    main()
