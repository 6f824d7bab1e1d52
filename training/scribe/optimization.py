"""What the trainings of ``scribe-s`` share: which weights move, how fast, and their moving average."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from engine.models.scribe import ScribeNet

from ..shared.tgcl import TextGuidedContrast
from .depthwise import freeze_depthwise


class Ema:
    """Exponential moving average of the trained weights, which is what is validated and exported."""

    def __init__(self, net: nn.Module, decay: float):
        self.decay, self.steps = decay, 0
        self.shadow = {name: p.detach().clone() for name, p in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in net.state_dict().items():
            self.shadow[name].lerp_(value, 1 - decay)


def blended(init: Mapping[str, Tensor], tuned: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights a ``share`` of the way from those that a fine-tuning began with to its own (Wortsman et al. 2022, arXiv 2109.01903).

    Rows that the fine-tuning has added (new words) are its own.
    """
    found = {}
    for name, value in tuned.items():
        before = init[name]
        found[name] = value.clone()
        rows = tuple(slice(0, size) for size in before.shape)
        found[name][rows] = before + share * (value[rows] - before)
    return found


def scribe_optimizer(
    net: ScribeNet, contrast: TextGuidedContrast, lr: float, encoder_lr: float, weight_decay: float, frozen_stages: int
) -> torch.optim.AdamW:
    """AdamW over what is trained, its groups with a "peak_lr"; freezes the encoder's depthwise kernels and first stages."""
    freeze_depthwise(net.encoder)
    for parameter in net.encoder.frozen_parameters(frozen_stages):
        parameter.requires_grad_(False)
    encoder = [p for p in net.encoder.parameters() if p.requires_grad]
    heads = [p for name, p in net.named_parameters() if not name.startswith("encoder.")] + list(contrast.parameters())
    groups = [
        {"params": encoder, "peak_lr": encoder_lr, "weight_decay": 0.0},
        {"params": [p for p in heads if p.ndim > 1], "peak_lr": lr, "weight_decay": weight_decay},
        {"params": [p for p in heads if p.ndim <= 1], "peak_lr": lr, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98))
