"""Weights of a trained ``scribe``, calibrated on the validation split: ``changescribe export RUN``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from engine.contract.tiles import CLASSES
from engine.evaluation.sources import balanced_weights, fit_platt
from engine.models.scribe import DELTAS, ScribeCaptioner, read_checkpoint

from ..datasets import PairRow, read_batch
from ..shared.exported import Built, Wanted, figures_of, packed
from ..shared.run_log import read_settings
from .optimization import blended
from .timed import INIT
from .train import load_run
from .validate import NEUTRAL


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--blend", type=float, default=1.0, help="of a fine-tuning: share of the way from the weights it began with to its own")


def build(wanted: Wanted, target: Path) -> Built:
    """Weights of a run's best epoch, its change score and classes calibrated on the validation pairs as they will be read."""
    net, vocabulary, best = load_run(wanted.run, "final.pt" if (wanted.run / "final.pt").is_file() else "best.pt")
    if wanted.options.blend < 1:
        best["state"] = blended(read_checkpoint(str(wanted.run / INIT))[0].state_dict(), best["state"], wanted.options.blend)
    rows = wanted.validation_rows()
    state, read = packed(best["state"], wanted.packing)
    net.load_state_dict(read)
    captioner = ScribeCaptioner(net, vocabulary, wanted.card(rows, 900), NEUTRAL, torch.device("cpu"))
    captioner.calibration = calibrate(*logits(captioner, rows), rows)
    parameters = sum(tensor.numel() for tensor in best["state"].values())
    settings, metadata = read_settings(wanted.run), captioner.save_metadata()
    return Built("scribe", state, metadata, figures_of(best["scores"]), f"epoch {best['epoch']}", parameters, settings)


def logits(captioner: ScribeCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw flag (N,) and class (N, 3, 7) logits, as the captioner that users get finds them."""
    flags, classes = [], []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            before, after = (torch.from_numpy(images) for images in read_batch(rows[start : start + batch_size]))
            change = captioner.find_change(before, after)[2]
            flags.append(change.flag)
            classes.append(change.classes)
    return torch.cat(flags), torch.cat(classes)


def calibrate(flag: torch.Tensor, classes: torch.Tensor, rows: Sequence[PairRow]) -> dict:
    """Temperature and bias of the change score (Platt 1999), and the probability from which each class is named (best F1), on validation.

    Changed and unchanged pairs weigh the same in the fit: how many tiles of a user's area have changed is not known, and of the validation pairs far
    more have than of most areas. Pairs whose flag is doubtful are left out.
    """
    known = [i for i, row in enumerate(rows) if row.delta is not None]
    labels = np.array([row.delta for row in rows if row.delta is not None]).reshape(-1, len(DELTAS), len(CLASSES))
    probabilities = torch.sigmoid(classes[known]).numpy()
    limits = [[_best_limit(probabilities[:, s, c], labels[:, s, c]) for c in range(len(CLASSES))] for s in range(len(DELTAS))]
    sure = np.array([row.sure > 0 for row in rows])
    truth = np.array([row.changed == 1 for row in rows])
    temperature, bias = fitted(flag[torch.from_numpy(sure)], truth[sure])
    return {"temperature": temperature, "bias": bias, "class_thresholds": limits}


def fitted(flag: torch.Tensor, truth: np.ndarray) -> tuple[float, float]:
    """Temperature and bias of logits (N,) that say best which pairs have changed (``truth``, bool), both kinds weighted alike."""
    slope, bias = fit_platt(flag.double().numpy(), truth, balanced_weights(truth, np.zeros(len(truth))))
    return round(1 / slope, 4), round(bias, 4)


def _best_limit(probability: np.ndarray, label: np.ndarray, fewest: int = 5) -> float:
    """Threshold of best F1; 0.5 where fewer than ``fewest`` examples could choose one."""
    if label.sum() < fewest:
        return 0.5
    grid = np.arange(0.2, 0.81, 0.05)
    f1 = [2 * ((probability >= t) & (label > 0)).sum() / ((probability >= t).sum() + label.sum()) for t in grid]
    return round(float(grid[int(np.argmax(f1))]), 2)
