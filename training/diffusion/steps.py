"""One training step of Diffusion-RSCC or KD-RSCC: noise drawn, losses, exponential moving average."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from engine.models.diffusion.denoiser import DiffusionNet
from engine.models.diffusion.karras import SIGMA_DENSITIES, stratified_uniform
from engine.models.diffusion.samplers import Condition
from engine.words.text import PAD, SPECIAL

from .batches import DiffusionBatch
from .losses import discrete_losses, karras_losses

PAD_ID = SPECIAL.index(PAD)
Tensors = Union[list[Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Objective:
    """What is minimised. density : of σ, one of ``SIGMA_DENSITIES`` (KD-RSCC). ce_reads, weighting : as ``diffusion_losses``.

    flag_weight, length_weight : of the cross-entropies of change flag and length, in networks that have them.
    estimate_chance : how often the network is given its own estimate (self-conditioning).
    """

    density: str = "cosine"
    ce_reads: str = "noised"
    weighting: str = "soft-min-snr"
    flag_weight: float = 0.5
    length_weight: float = 0.1
    estimate_chance: float = 0.5


@dataclass(frozen=True)
class Draws:
    """What is random in a step, for M captions.

    levels : (M,) t, int64, of Diffusion-RSCC or σ of KD-RSCC. noises : (2, M, L, latent) standard normal. use_estimate : of self-conditioning.
    """

    levels: Tensor
    noises: Tensor
    use_estimate: bool

    @classmethod
    def of(cls, net: DiffusionNet, captions: int, objective: Objective, generator: torch.Generator) -> Draws:
        """Uniform t, or stratified σ of the objective's density; ``generator`` on the CPU, so that every device trains alike."""
        if net.config.family == "discrete":
            levels = torch.randint(len(net.diffusion), (captions,), generator=generator)
        else:
            # In a random order: the captions of one pair stand in succession, and would get neighbouring levels.
            u = stratified_uniform(captions, generator)[torch.randperm(captions, generator=generator)]
            levels = SIGMA_DENSITIES[objective.density](u).float()
        noises = torch.randn(2, captions, net.config.length, net.config.latent, generator=generator)
        return cls(levels, noises, bool(torch.rand((), generator=generator) < objective.estimate_chance))

    def split(self, captions: Sequence[int]) -> list[Draws]:
        """The draws in parts of so many captions."""
        parts = zip(self.levels.split(captions), self.noises.split(captions, 1))
        return [Draws(levels, noises, self.use_estimate) for levels, noises in parts]


def step_losses(net: DiffusionNet, batch: DiffusionBatch, draws: Draws, objective: Objective) -> dict[str, Tensor]:
    """Means of the loss terms by name; "total" is what to go down on."""
    device = net.text.embedding.device
    condition = net.encoder(*(dates.to(device) for dates in batch.source)) if isinstance(batch.source, tuple) else batch.source.to(device)
    memory = net.denoiser.fusion.project(condition)
    ids, levels, noises = batch.ids.to(device), draws.levels.to(device), draws.noises.to(device)
    lengths = (ids != PAD_ID).sum(1) if net.length is not None else None
    predict = conditioned(net, batch.style.to(device) if net.config.styles else None, draws.use_estimate, lengths)
    if net.config.family == "discrete":
        losses = discrete_losses(net.text, predict, net.diffusion, ids, levels, (noises[0], noises[1]), memory, objective.ce_reads)
    else:
        reads = objective.ce_reads, objective.weighting
        losses = karras_losses(net.text, predict, net.preconditioning, ids, levels, noises[0], memory, *reads)
    if net.length is not None and lengths is not None:
        logits = net.length(condition).repeat_interleave(len(ids) // len(condition), dim=0)
        losses |= {"length": objective.length_weight * F.cross_entropy(logits, lengths, reduction="none")}
        losses["total"] = losses["total"] + losses["length"].mean()
    means = {name: value.mean() for name, value in losses.items()}
    if net.flag is not None:
        # The flag says that nothing changed, so that the denoiser need not learn the five sentences that say so: they would be its likeliest.
        told = batch.changed.to(device).repeat_interleave(len(ids) // len(batch.changed))
        means = {name: (value * told).mean() for name, value in losses.items() if name != "total"}
        means["total"] = torch.stack(list(means.values())).sum()
    if net.flag is not None and objective.flag_weight:
        means["flag"] = F.binary_cross_entropy_with_logits(net.flag(condition), batch.changed.to(device))
        means["total"] = means["total"] + objective.flag_weight * means["flag"]
    return means


def conditioned(
    net: DiffusionNet, style: Tensor | None, use_estimate: bool, length: Tensor | None = None
) -> Callable[[Tensor, Tensor, Condition], Tensor]:
    """The denoiser with a style, a length and, for self-conditioning, its own estimate.

    No gradient goes through the estimate (Chen et al. 2023, algorithm 1).
    """

    def predict(x: Tensor, time: Tensor, condition: Condition) -> Tensor:
        estimate = None
        if net.config.self_conditioning and use_estimate:
            with torch.no_grad():
                estimate = clean_estimate(net, net.denoiser(x, time, condition, style=style, length=length), x, time)
        return net.denoiser(x, time, condition, estimate, style, length)

    return predict


def clean_estimate(net: DiffusionNet, output: Tensor, x: Tensor, time: Tensor) -> Tensor:
    """x̂0 of the network's output, given what it was fed: c_in·x and ln(σ)/4 in KD-RSCC."""
    if net.config.family == "discrete":
        return output
    levels, sigma = net.preconditioning, (4 * time).exp()[:, None, None]
    return levels.c_skip(sigma) * x / levels.c_in(sigma) + levels.c_out(sigma) * output


def moving_average(net: DiffusionNet, largest: float, power: float | None) -> AveragedModel:
    """Exponential moving average of the weights; with a power its decay grows as 1 − (1 + n)^−power up to ``largest``."""

    @torch.no_grad()
    def average(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
        decay = largest if power is None else min(largest, 1 - (1 + float(count)) ** -power)
        torch._foreach_lerp_(averaged, current, 1 - decay)

    return AveragedModel(net, multi_avg_fn=average)
