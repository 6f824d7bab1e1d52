"""EfficientNet-lite as a feature encoder, batch norms folded into the convolutions.

EfficientNet: Tan & Le 2019 (arXiv 1905.11946); the lite variants drop squeeze-and-excitation and use ReLU6. Weights were
trained under TensorFlow's "same" padding, which pads the lower right first where the stride is 2; ``SameConv`` keeps that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# kernel, repeats, out channels, expansion, stride of the seven stages of B0.
STAGES = ((3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2), (3, 1, 320, 6, 1))
# width and depth factors; the lite variants keep the first and the last stage's depth at 1.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
# Stages whose outputs are features: strides 8, 16 and 32.
FEATURE_STAGES = (2, 4, 6)
# The weights were trained on (x - 127) / 128.
PIXEL_MEAN, PIXEL_STD = 127.0, 128.0


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding for even inputs; with a bias, since batch norms are folded in."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1):
        symmetric = (kernel - 1) // 2 if stride == 1 else 0
        super().__init__(in_channels, out_channels, kernel, stride, symmetric, groups=groups)
        total = kernel - stride
        self.same_pad = (total // 2, total - total // 2) * 2 if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.same_pad) if self.same_pad else x)


class MBConv(nn.Module):
    """Mobile inverted bottleneck: expand 1×1, depthwise k×k, project 1×1, residual where shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = in_channels * expansion
        self.expand = SameConv(in_channels, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SameConv(hidden, out_channels, 1)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand(x), inplace=True) if self.expand is not None else x
        y = self.project(F.relu6(self.depthwise(y), inplace=True))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """uint8 or float RGB (N, 3, H, W) in 0..255 → features at strides 8, 16 and 32.

    H and W must be multiples of 32. ``channels`` holds the features' channel counts, (40, 112, 320) for lite0.
    """

    def __init__(self, variant: str = "lite0"):
        super().__init__()
        width, depth = VARIANTS[variant]
        self.stem = SameConv(3, 32, 3, 2)
        self.stages = nn.ModuleList()
        channels, outputs = 32, []
        for number, (kernel, repeats, out, expansion, stride) in enumerate(STAGES):
            out = _round_channels(out * width)
            repeats = repeats if number in (0, len(STAGES) - 1) else -int(-repeats * depth // 1)
            blocks = [MBConv(channels if i == 0 else out, out, kernel, stride if i == 0 else 1, expansion) for i in range(repeats)]
            self.stages.append(nn.Sequential(*blocks))
            channels = out
            outputs.append(out)
        self.channels: tuple[int, ...] = tuple(outputs[i] for i in FEATURE_STAGES)

    def forward(self, images: Tensor, stages: Sequence[int] = FEATURE_STAGES) -> list[Tensor]:
        """Outputs of some stages, in ascending order; those beyond the last of them are not computed."""
        x = F.relu6(self.stem(normalised(images, self.stem.weight.dtype)), inplace=True)
        return outputs(x, self.stages, stages)

    def frozen_parameters(self, stages: int) -> list[nn.Parameter]:
        """Parameters of the stem and the first ``stages`` stages, which training keeps as they are."""
        modules = [self.stem, *self.stages[:stages]]
        return [parameter for module in modules for parameter in module.parameters()]


def outputs(x: Tensor, modules: Iterable[nn.Module], wanted: Sequence[int]) -> list[Tensor]:
    """What the ``wanted`` ones (ascending) of a row of modules give, ``x`` going into the first."""
    found = []
    for number, module in enumerate(islice(modules, wanted[-1] + 1)):
        x = module(x)
        if number in wanted:
            found.append(x)
    return found


def normalised(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Pixels 0..255 as the first convolution takes them: of the weights' type, channels last."""
    x = images.contiguous(memory_format=torch.channels_last).to(dtype if dtype != torch.float16 else torch.float32)
    return (x - PIXEL_MEAN) / PIXEL_STD


def _round_channels(channels: float, divisor: int = 8) -> int:
    """Nearest multiple of 8, never below 90 % (Tan & Le's rule)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
