"""How the diffusion captioners are trained: options, those of each preset, and the learning rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .steps import Objective


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    pairs, captions : a step's pairs, and captions of each, every one under a noise of its own. accumulate : parts that a step is computed in.
    linear : learning rate falls to 0 at the last step. ema, ema_power : as ``diffusion_steps.moving_average``. clip : largest norm of the gradient.
    bf16 : autocast where the device computes in it. unchanged_share, mirror : as ``diffusion_batches``.
    augment : images, where the encoder is trained. text_steps : the first steps, on LEVIR-CC's training sentences without pictures.
    """

    steps: int
    pairs: int
    captions: int = 1
    accumulate: int = 1
    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    linear: bool = True
    warmup: int = 0
    ema: float = 0.9999
    ema_power: float | None = None
    clip: float | None = None
    bf16: bool = False
    min_count: int = 1
    unchanged_share: float | None = None
    mirror: bool = False
    augment: bool = False
    text_steps: int = 0
    objective: Objective = field(default_factory=Objective)
    validate_every: int = 5000
    seed: int = 1


_COMPACT: dict[str, Any] = {
    "steps": 11000,
    "pairs": 12,
    "captions": 4,
    "lr": 1e-3,
    "betas": (0.9, 0.98),
    "weight_decay": 0.01,
    "warmup": 200,
    "ema": 0.999,
    "ema_power": 0.75,
    "clip": 1.0,
    "bf16": True,
    "min_count": 2,
    "unchanged_share": 0.2,
    "augment": True,
    "text_steps": 2500,
    "validate_every": 500,
}
# As published; KD-RSCC does not say how long it was trained, and the weight decay of 1e-3 that it names reaches no module in its code.
OPTIONS = {
    "diffusion-rscc": TrainOptions(600_000, 32),
    "kd-rscc": TrainOptions(200_000, 64, lr=5e-5, betas=(0.9, 0.95), linear=False, ema_power=0.75, clip=1.0, bf16=True),
    "diffusion-rscc-compact": TrainOptions(**_COMPACT, objective=Objective(ce_reads="denoised")),
    "kd-rscc-compact": TrainOptions(**_COMPACT, objective=Objective("text", "denoised", "uniform")),
}


def learning_rate(options: TrainOptions, step: int) -> float:
    rate = options.lr * (1 - step / options.steps if options.linear else 1.0)
    return rate * min(1.0, (step + 1) / options.warmup) if options.warmup else rate
