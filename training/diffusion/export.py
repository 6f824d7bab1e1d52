"""Weights of a trained diffusion captioner, calibrated on the validation split: ``changescribe export RUN``.

A network of a published preset samples as published by default. The others draw at temperature 0 in 20 steps. ``--faithful`` and ``--no-faithful``
choose, and the options behind them change single members.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.models.diffusion.captioner import FAITHFUL, SAMPLERS_OF, DiffusionCaptioner, Sampling
from engine.models.diffusion.denoiser import PRESETS, DiffusionConfig, DiffusionNet
from engine.models.diffusion.discrete import VARIANCES
from engine.words.text import NO_CHANGE, Vocabulary

from ..datasets import PairRow, read_batch
from ..scribe.export import calibrate
from ..shared.exported import Built, Wanted, figures_of, packed
from ..shared.run_log import read_best
from .train import ARCHITECTURES

SAMPLINGS = {"discrete": Sampling("ddim", 20, temperature=0.0), "karras": Sampling("dpmpp-2m", 20, temperature=0.0)}
UNCALIBRATED = {"temperature": 1.0, "bias": 0.0}


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--faithful", action=argparse.BooleanOptionalAction, help="samples as published by default (default: a published preset)")
    parser.add_argument("--sampler", choices=sorted({name for names in SAMPLERS_OF.values() for name in names}), help="default of the checkpoint")
    parser.add_argument("--steps", type=int, help="likewise")
    parser.add_argument("--samples", type=int, help="likewise")
    parser.add_argument("--temperature", type=float, help="likewise")
    parser.add_argument("--variance", choices=VARIANCES, help="likewise, of ddpm's steps")


def build(wanted: Wanted, target: Path) -> Built:
    """The averaged network of a run's best validation, with its default sampling; a change flag is calibrated as it will be read."""
    net, vocabulary, step = load_run(wanted.run)
    settings, best = read_best(wanted.run, "training.diffusion.train")
    given = {name: getattr(wanted.options, name) for name in ("sampler", "steps", "samples", "temperature", "variance")}
    sampling = sampling_of(net.config, wanted.options.faithful, **given)
    rows = wanted.validation_rows()
    state, read = packed(net.state_dict(), wanted.packing)
    net.load_state_dict(read)
    parameters = sum(p.numel() for p in net.parameters())
    card = wanted.card(rows, 1200 + 4 * parameters // 10**6, stochastic=True)
    captioner = DiffusionCaptioner(net, vocabulary, card, UNCALIBRATED, sampling, torch.device("cpu"), settings.get("no_change") or NO_CHANGE)
    if net.flag is not None:
        captioner.calibration = calibrated(captioner, rows)
    architecture = ARCHITECTURES[net.config.family]
    return Built(architecture, state, captioner.save_metadata(), figures_of(best["record"]), f"step {step}", parameters, settings)


def sampling_of(config: DiffusionConfig, faithful: bool | None = None, **given: Any) -> Sampling:
    """Default sampling of a checkpoint: as published where ``faithful``, by default of the published configurations, whatever their encoder.

    ``given`` : members of ``Sampling`` in place of these; None: not given.
    """
    if faithful is None:
        published = PRESETS[ARCHITECTURES[config.family]]
        faithful = replace(config, encoder=published.encoder) == published
    default = (FAITHFUL if faithful else SAMPLINGS)[config.family]
    return replace(default, **{name: value for name, value in given.items() if value is not None})


def load_run(run: Path) -> tuple[DiffusionNet, Vocabulary, int]:
    """The averaged network of the best validation, its vocabulary and its step.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    settings, best = read_best(run, "training.diffusion.train")
    vocabulary = Vocabulary(settings["vocabulary"])
    net = DiffusionNet(DiffusionConfig(**settings["config"]), len(vocabulary))
    net.load_state_dict(best["state"])
    return net, vocabulary, best["record"]["step"]


def calibrated(captioner: DiffusionCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> dict[str, float]:
    """Temperature and bias of the change score, as ``export.calibrate`` fits them."""
    flag = captioner.net.flag
    assert flag is not None
    logits = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            tokens = captioner.encode(*(torch.from_numpy(images) for images in read_batch(rows[start : start + batch_size]))).state
            logits.append(flag(tokens.float()))
    found = calibrate(torch.cat(logits), torch.zeros(len(rows), 3, 7), rows)
    return {name: found[name] for name in UNCALIBRATED}
