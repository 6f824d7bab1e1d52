"""The change mask of ``scribe-s``: a light decoder over the first stages of its encoder, at 2 pixels.

    both dates' features at strides 2, 4, 8, 16 → (before, after, |difference|) mixed at each stride
                                                → from coarse to fine: upsampled, summed, depthwise separable blocks → a logit a kind of change

The stages that it reads stay as they are when the captions are trained again (``training.scribe.timed``), and so does the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Stages of the encoder that the mask is read from: strides 2, 4, 8 and 16.
MASK_STAGES = (0, 1, 2, 4)


@dataclass(frozen=True)
class MaskConfig:
    """Sizes of the decoder, from fine to coarse; saved in the weights' metadata.

    channels : of the encoder's stages. widths, blocks, kernels : of the decoder at each stride. kinds : logits a pixel.
    """

    channels: tuple[int, ...]
    kinds: int
    widths: tuple[int, ...] = (24, 48, 96, 128)
    blocks: tuple[int, ...] = (2, 2, 3, 3)
    kernels: tuple[int, ...] = (3, 3, 5, 5)


class MaskBlock(nn.Module):
    """Depthwise and pointwise convolution with a shortcut."""

    def __init__(self, width: int, kernel: int, pointwise: Callable[[int, int], nn.Module]):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.pointwise = pointwise(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.pointwise(self.depthwise(x)), inplace=True)


class MaskDecoder(nn.Module):
    """Features of both dates at strides 2, 4, 8, 16, (N, c, h, w) each → logits (N, kinds, H/2, W/2).

    ``pointwise`` makes the 1×1 convolutions; training puts a norm behind each (``training.masks.norms``), which export folds into it.
    """

    def __init__(self, config: MaskConfig, pointwise: Callable[[int, int], nn.Module] = lambda c, out: nn.Conv2d(c, out, 1)):
        super().__init__()
        self.mix = nn.ModuleList(pointwise(3 * c, width) for c, width in zip(config.channels, config.widths))
        self.down = nn.ModuleList(pointwise(coarse, fine) for coarse, fine in zip(config.widths[1:], config.widths))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(MaskBlock(width, kernel, pointwise) for _ in range(count)))
            for width, count, kernel in zip(config.widths, config.blocks, config.kernels)
        )
        self.head = nn.Conv2d(config.widths[0], config.kinds, 1)

    def forward(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> Tensor:
        x: Tensor | None = None
        for level in reversed(range(len(self.mix))):
            b, a = before[level], after[level]
            y = self.mix[level](torch.cat((b, a, (a - b).abs()), dim=1))
            if x is not None:
                y = y + F.interpolate(self.down[level](x), scale_factor=2.0, mode="bilinear")
            x = self.blocks[level](F.relu(y, inplace=True))
        return self.head(x)
