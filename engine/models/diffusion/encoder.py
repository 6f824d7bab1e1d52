"""Image-difference encoder of Diffusion-RSCC and KD-RSCC: F(before) − F(after) as 14×14 tokens (arXiv 2405.12875).

F is a ResNet (He et al. 2016, arXiv 1512.03385) to its third stage, or EfficientNet-lite. The parameters of ``ResNet`` carry
torchvision's names, so torchvision's checkpoints load as they are; those of ``transformers`` are renamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...contract.errors import InputError, ModelError
from ..efficientnet import EfficientNetLite

SIDE = 14
RESNETS = {"resnet50": (3, 4, 6), "resnet101": (3, 4, 23)}
EFFICIENTNETS = {"efficientnet-lite0": "lite0", "efficientnet-lite2": "lite2"}
ENCODERS = (*RESNETS, *EFFICIENTNETS)
# Mean and standard deviation of a pixel in 0..1, of ImageNet and of LEVIR-CC.
PIXELS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "levir-cc": ((0.39073, 0.38623, 0.32989), (0.15329, 0.14628, 0.13648)),
}
LITE_SIZE = 4.0  # about the root mean square of differences of EfficientNet-lite's features, which has no norms; ResNet's are below 1
FROZEN_STAGES = 2  # of EfficientNet-lite: as ResNet's layer1, they end at stride 4
# transformers' names of a bottleneck's convolutions and norms; the digit counts from 0 there and from 1 in torchvision.
_TRANSFORMERS_BLOCK = re.compile(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|shortcut)\.(convolution|normalization)\.(\w+)")
_TRANSFORMERS_STEM = {"embedder.embedder.convolution.": "conv1.", "embedder.embedder.normalization.": "bn1."}


class Bottleneck(nn.Module):
    """1×1, 3×3 (which carries the stride), 1×1 to four times the width, with a shortcut."""

    def __init__(self, in_channels: int, width: int, stride: int):
        super().__init__()
        out = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(in_channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or in_channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(in_channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + shortcut)


class ResNet(nn.Module):
    """Bottleneck ResNet to layer3: normalised images (N, 3, H, W) → (N, 16 · width, H / 16, W / 16)."""

    def __init__(self, depths: tuple[int, int, int], width: int = 64):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, depths[0], 1)
        self.layer2 = _stage(4 * width, 2 * width, depths[1], 2)
        self.layer3 = _stage(8 * width, 4 * width, depths[2], 2)

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)
        return self.layer3(self.layer2(self.layer1(x)))

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load a checkpoint of torchvision or ``transformers``; its fourth stage and classifier are left out.

        Raises
        ------
        ModelError
            Weights are missing or of other shapes.
        """
        named = {resnet_name(name): value for name, value in state.items()}
        wanted = self.state_dict()
        for name, value in wanted.items():
            # Old checkpoints of torchvision have no count of batches, which nothing reads.
            if name not in named and name.endswith("num_batches_tracked"):
                named[name] = value
            if name not in named or named[name].shape != value.shape:
                got = f"{name} is {'missing' if name not in named else 'of shape ' + str(tuple(named[name].shape))}"
                raise ModelError(got, f"weights of a ResNet with {name} of shape {tuple(value.shape)}", "choose the checkpoint of the same ResNet")
        self.load_state_dict({name: named[name] for name in wanted})


class ImageDifferenceEncoder(nn.Module):
    """uint8 or float RGB pairs (N, 3, 256, 256) in 0..255 → condition (N, 196, channels).

    The stem and the first stage (conv1, bn1, layer1) never train: no gradient, and their batch norms keep their statistics.

    Parameters
    ----------
    kind : one of ``ENCODERS``. pixels : one of ``PIXELS``; EfficientNet-lite has its own. width : of ResNet's stem.

    Raises
    ------
    InputError
        Another kind or other pixels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, kind: str, pixels: str = "imagenet", width: int = 64):
        super().__init__()
        for name, value, known in (("encoder", kind, ENCODERS), ("pixels", pixels, PIXELS)):
            if value not in known:
                raise InputError(f"{name} {value!r}", "one of " + ", ".join(known), "correct the configuration")
        self.model: ResNet | EfficientNetLite
        if kind in EFFICIENTNETS:
            self.model = EfficientNetLite(EFFICIENTNETS[kind])
            self.channels = sum(self.model.channels)
            self.frozen = [self.model.stem, *self.model.stages[:FROZEN_STAGES]]
        else:
            self.model = ResNet(RESNETS[kind], width)
            self.channels = 16 * width
            self.frozen = [self.model.conv1, self.model.bn1, self.model.layer1]
        for module in self.frozen:
            module.requires_grad_(False)
        mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in PIXELS[pixels])
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def train(self, mode: bool = True) -> ImageDifferenceEncoder:
        super().train(mode)
        for module in self.frozen:
            module.train(False)
        return self

    def tokens(self, images: Tensor) -> Tensor:
        """Features of one date, row by row: (N, 196, channels)."""
        if isinstance(self.model, EfficientNetLite):
            fine, middle, coarse = (features / LITE_SIZE for features in self.model(images))
            coarse = F.interpolate(coarse, middle.shape[2:], mode="bilinear", align_corners=False)
            grids = [fine, torch.cat((middle, coarse), dim=1)]
        else:
            grids = [self.model((images.to(self.mean.dtype) - self.mean) / self.std)]
        pooled = torch.cat([F.adaptive_avg_pool2d(grid, SIDE) for grid in grids], dim=1)
        return pooled.flatten(2).transpose(1, 2)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """F(before) − F(after): swapping the dates negates it."""
        first, second = self.tokens(torch.cat((before, after))).chunk(2)
        return first - second


def resnet_name(name: str) -> str:
    """torchvision's name of a weight of torchvision or ``transformers``; others come back as they are."""  # noqa: D403 (the name is lower case)
    name = name.removeprefix("resnet.")
    for theirs, ours in _TRANSFORMERS_STEM.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    found = _TRANSFORMERS_BLOCK.fullmatch(name)
    if not found:
        return name
    stage, block, layer, kind, member = found.groups()
    norm = kind == "normalization"
    module = f"downsample.{int(norm)}" if layer is None else f"{'bn' if norm else 'conv'}{int(layer) + 1}"
    return f"layer{int(stage) + 1}.{block}.{module}.{member}"


def _stage(in_channels: int, width: int, depth: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Bottleneck(in_channels, width, stride), *(Bottleneck(4 * width, width, 1) for _ in range(depth - 1)))
