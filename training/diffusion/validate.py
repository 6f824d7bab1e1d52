"""Validation by decoding: captions of the diffusion captioners from cached conditions or images, and their scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.contract.tiles import UNCHANGED_TEXT
from engine.evaluation.metrics import area_under_curve, score
from engine.models.diffusion.denoiser import DiffusionNet
from engine.models.diffusion.discrete import sample_ddim
from engine.models.diffusion.karras import karras_grid
from engine.models.diffusion.samplers import RowNoise, sample_dpmpp_2m
from engine.words.text import Vocabulary, is_well_formed

from ..datasets import PairRow

STEPS = 10  # evaluations of a validation's captions
TEMPERATURE = 0.0  # of their noise: the likeliest caption of each pair, so that chance does not choose between two validations


@torch.inference_mode()
def sample_texts(net: DiffusionNet, vocabulary: Vocabulary, condition: Tensor, seeds: Sequence[int], steps: int = STEPS) -> list[str]:
    """A caption of each condition (N, 196, C): DPM-Solver++(2M) of KD-RSCC, DDIM of Diffusion-RSCC."""
    noise, memory = RowNoise(seeds, [TEMPERATURE] * len(seeds)), net.denoiser.fusion.project(condition)
    chain = net.chain(net.likely_lengths(condition))
    x = noise(condition.new_zeros(len(condition), net.config.length, net.config.latent))
    if net.config.family == "discrete":
        found = sample_ddim(net.diffusion.respaced(steps), chain, x, memory, noise)
    else:
        grid = karras_grid(steps, net.config.sigma_min, net.config.sigma_max)
        found = sample_dpmpp_2m(chain, grid[0].to(x) * x, grid, memory, noise)
    return [vocabulary.decode(ids) for ids in net.text.round(found).tolist()]


def validate(
    net: DiffusionNet,
    vocabulary: Vocabulary,
    conditions: Iterator[Tensor],
    rows: Sequence[PairRow],
    steps: int = STEPS,
    no_change: Sequence[str] = (UNCHANGED_TEXT,),
) -> dict[str, float]:
    """Scores of ``rows``, whose conditions come in batches: of all captions, of the changed pairs' alone, and of the change flag.

    A network with a flag is scored as it is used: with the flag's own sentence where it says no. ``val_objective`` is CIDEr-D of all pairs and of
    the changed ones, × 100, each / 200, and the flag's AUC (0..1). no_change : the data set's sentences for no change, most frequent first.
    """
    net.eval()
    texts: list[str] = []
    flags: list[float] = []
    for condition in conditions:
        texts += sample_texts(net, vocabulary, condition, range(len(texts), len(texts) + len(condition)), steps)
        if net.flag is not None:
            with torch.inference_mode():
                flags += net.flag(condition).tolist()
    shown = [no_change[0] if flags and flag < 0 else text for text, flag in zip(texts, flags or [1.0] * len(texts), strict=True)]
    found = {"val_well_formed": float(np.mean([is_well_formed(text) for text in texts]))}
    if flags:
        found["val_flag_auc"] = area_under_curve(flags, [row.changed == 1 for row in rows])
    found |= caption_scores(shown, rows) | {f"{name}_changed": value for name, value in caption_scores(texts, rows, changed=True).items()}
    found["val_objective"] = (found["val_cider"] + found["val_cider_changed"]) / 200 + float(np.nan_to_num(found.get("val_flag_auc", 0.0)))
    return {name: round(float(value), 4) for name, value in found.items()}


def caption_scores(texts: Sequence[str], rows: Sequence[PairRow], changed: bool = False) -> dict[str, float]:
    """BLEU-4 and CIDEr-D, × 100; with ``changed`` of the pairs that changed alone."""
    pairs = [(text, row) for text, row in zip(texts, rows, strict=True) if row.changed or not changed]
    if not pairs:
        return {"val_bleu4": 0.0, "val_cider": 0.0}
    references = {row.id: [" ".join(caption) for caption in row.captions] for _, row in pairs}
    found = score({row.id: text for text, row in pairs}, references, meteor=False)
    return {"val_bleu4": found["BLEU-4"], "val_cider": found["CIDEr-D"]}
