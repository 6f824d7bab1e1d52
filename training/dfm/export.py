"""Weights of a trained DFM, its change score calibrated on the validation split: ``changescribe export RUN``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from engine.contract.tiles import CLASSES
from engine.models.dfm import DfmConfig, DfmNet
from engine.models.scribe import DELTAS
from engine.words.text import NO_CHANGE, Vocabulary

from ..datasets import PairRow, read_batch
from ..scribe.export import calibrate
from ..scribe.validate import NEUTRAL
from ..shared.exported import Built, Wanted, figures_of, packed
from ..shared.run_log import read_best
from .train import captioner_of


def add_options(parser: argparse._ArgumentGroup) -> None:
    """DFM has none of its own."""


def build(wanted: Wanted, target: object) -> Built:
    """Weights of a run's best epoch; the classes' thresholds are the change detector's."""
    settings, best = read_best(wanted.run, "training.dfm.train")
    vocabulary = Vocabulary(settings["vocabulary"])
    net = DfmNet(DfmConfig(**settings["config"]), len(vocabulary))
    state, read = packed(best["state"], wanted.packing)
    net.load_state_dict(read)
    net.eval()
    rows = wanted.validation_rows()
    unknown = torch.zeros(len(rows), len(DELTAS), len(CLASSES))
    thresholds = settings.get("class_thresholds", NEUTRAL["class_thresholds"])
    calibration = calibrate(flag_logits(net, rows), unknown, rows) | {"class_thresholds": thresholds}
    parameters = sum(parameter.numel() for parameter in net.parameters())
    card = wanted.card(rows, 2500 + 4 * parameters // 10**6)
    captioner = captioner_of(net, vocabulary, card, calibration, settings.get("no_change") or tuple(NO_CHANGE))
    return Built("dfm", state, captioner.save_metadata(), figures_of(best["scores"]), f"epoch {best['epoch']}", parameters, settings)


@torch.inference_mode()
def flag_logits(net: DfmNet, rows: Sequence[PairRow], batch_size: int = 16) -> torch.Tensor:
    """Logit (N,) of the change flag of every pair."""
    device, found = next(net.parameters()).device, []
    for start in range(0, len(rows), batch_size):
        before, after, prior = net.encode(*(torch.from_numpy(images).to(device) for images in read_batch(rows[start : start + batch_size])))
        found.append(net.heads(before, after, None if prior is None else prior.tokens)[1].float().cpu())
    return torch.cat(found)
