"""Weights of a trained first look, its cut fitted on the validation split: ``changescribe export RUN``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from engine import registry
from engine.contract.request import DEFAULT_MODEL
from engine.models.quick import FirstLook, FirstLookConfig, read_first_look
from engine.models.scribe import ScribeCaptioner
from engine.registry import checkpoint

from ..scribe.export import fitted, logits
from ..shared.exported import Built, Wanted, figures_of, packed
from ..shared.run_log import read_best
from .train import flag_logits

KEPT = 0.95  # share that must not be passed over of the changed validation pairs that scribe-s finds


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--kept", type=float, default=KEPT, help="share of the changed pairs that scribe-s finds which are not passed over")
    parser.add_argument("--again", metavar="FILE", help="fit the cut and the score of this weights file again, to a new scribe-s")


def build(wanted: Wanted, target: Path) -> Built:
    """A run's best first look with its cut and score, and what the cut passes over among the figures."""
    settings, best = read_best(wanted.run, "training.quick.train")
    if wanted.options.again:
        look, state = read_first_look(wanted.options.again)[0], load_file(wanted.options.again)
    else:
        look = FirstLook(FirstLookConfig(**settings["config"]))
        state, read = packed(best["state"], wanted.packing)
        look.load_state_dict(read)  # calibrated as it will be read
    rows = wanted.validation_rows()
    looks, changed = flag_logits(look.eval(), rows), np.array([row.changed == 1 for row in rows])
    scribe = registry.load(DEFAULT_MODEL)
    assert isinstance(scribe, ScribeCaptioner)
    found = changed & (logits(scribe, rows)[0] / scribe.calibration["temperature"] + scribe.calibration["bias"] >= 0).numpy()
    cut = float(np.quantile(looks[found], 1 - wanted.options.kept, method="lower"))
    temperature, bias = fitted(torch.from_numpy(looks), changed)
    calibration = {"cut": round(cut, 4), "look_temperature": temperature, "look_bias": bias}
    metadata = checkpoint.metadata(look.config, scribe.vocabulary, wanted.card(rows, 900), calibration)
    passed = looks < cut
    told = {"unchanged_passed_over": float(passed[~changed].mean()), "found_by_scribe_passed_over": float((passed & found).sum() / found.sum())}
    figures = figures_of(best["scores"]) | {name: round(value, 4) for name, value in told.items()}
    parameters = sum(parameter.numel() for parameter in look.parameters())
    return Built("scribe-quick", state, metadata, figures, f"epoch {best['epoch']}", parameters, settings)
