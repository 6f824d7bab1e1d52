"""The encoder's frozen first stages as inference runs them: no graph, every convolution fused with what follows it."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.models.efficientnet import FEATURE_STAGES, EfficientNetLite, normalised
from engine.models.onednn import FusedEfficientNetLite, fused


def run_frozen_stages_fused(encoder: EfficientNetLite, stages: int) -> None:
    """Let the encoder's ``forward`` run its stem and first ``stages`` stages, which must be frozen, through oneDNN's fused calls."""
    faster = fused(encoder)
    if not isinstance(faster, FusedEfficientNetLite):
        return
    frozen, stem = [faster.stages[i] for i in range(stages)], faster.stem

    def forward(images: Tensor) -> list[Tensor]:
        features = []
        with torch.no_grad():
            x = stem(normalised(images, torch.float32))
            for number, stage in enumerate(frozen):
                x = stage(x)
                if number in FEATURE_STAGES:
                    features.append(x)
        for number in range(stages, len(encoder.stages)):
            x = encoder.stages[number](x)
            if number in FEATURE_STAGES:
                features.append(x)
        return features

    encoder.forward = forward  # type: ignore[method-assign, assignment]
