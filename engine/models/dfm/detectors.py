"""Frozen change detectors that give DFM its prior P (eq 9), behind one small interface.

Adding one: a subclass of ``FrozenDetector``, its row in ``DETECTORS``, and its weights in ``training.dfm.weights``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..diffusion.encoder import RESNETS, SIDE, ImageDifferenceEncoder
from ..scribe import ChangeState, ScribeConfig, ScribeNet
from .joint import PRIOR_SIDE

# Layers of scribe's change branch that can serve as P: the merged levels at three strides, or the refined tokens that its flag is read from.
CD_LAYERS = ("stride8", "stride16", "stride32", "prior")


class Prior(NamedTuple):
    """What a frozen change detector finds: the tokens P (N, 256, width), and of a detector that names changes its own ``ChangeState``."""

    state: ChangeState | None
    tokens: Tensor


class FrozenDetector(nn.Module):
    """A change detector that is never trained and always in evaluation mode. width : of its tokens."""

    width: int

    def freeze(self) -> None:
        """To be called when all modules are there."""
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> FrozenDetector:
        return super().train(False)

    def look(self, before: Tensor, after: Tensor) -> Prior:
        raise NotImplementedError

    @torch.no_grad()
    def forward(self, before: Tensor, after: Tensor) -> Prior:
        """uint8 or float (N, 3, 256, 256), 0..255, each."""
        return self.look(before, after)


class ChangeDetector(FrozenDetector):
    """Encoder and change branch of a trained ``scribe-s``; names classes and draws a heat map too."""

    def __init__(self, config: Mapping[str, Any], layer: str):
        super().__init__()
        sizes = ScribeConfig(**config)
        net = ScribeNet(sizes, vocabulary=4)  # its captioning half is left out
        self.encoder, self.branch, self.layer, self.width = net.encoder, net.prior, layer, sizes.prior_width
        self.freeze()

    def look(self, before: Tensor, after: Tensor) -> Prior:
        n = len(before)
        features = self.encoder(torch.cat((before, after)))
        dates = [f[:n] for f in features], [f[n:] for f in features]
        seen = self.branch.look(*dates)
        state = self.branch.state(seen)
        if self.layer == "prior":
            return Prior(state, state.prior)
        level = seen.levels[CD_LAYERS.index(self.layer)]
        return Prior(state, F.adaptive_avg_pool2d(level, PRIOR_SIDE).flatten(2).transpose(1, 2))


class DifferenceDetector(FrozenDetector):
    """|F(after) − F(before)| of a ResNet to layer3, trained for change detection or for anything else; it names no classes."""

    def __init__(self, kind: str):
        super().__init__()
        self.encoder = ImageDifferenceEncoder(kind)
        self.width = self.encoder.channels
        self.freeze()

    def look(self, before: Tensor, after: Tensor) -> Prior:
        grid = self.encoder(before, after).abs().transpose(1, 2).unflatten(2, (SIDE, SIDE))
        grid = F.interpolate(grid, (PRIOR_SIDE, PRIOR_SIDE), mode="bilinear", align_corners=False)
        return Prior(None, grid.flatten(2).transpose(1, 2))


DETECTORS = ("scribe", *RESNETS)


def build_detector(kind: str, config: Mapping[str, Any], layer: str) -> FrozenDetector:
    """A detector with random weights. config, layer : of "scribe"."""
    return ChangeDetector(config, layer) if kind == "scribe" else DifferenceDetector(kind)


def detector_width(kind: str, config: Mapping[str, Any]) -> int:
    """Width of a detector's tokens, without building it."""
    return ScribeConfig(**config).prior_width if kind == "scribe" else 1024
