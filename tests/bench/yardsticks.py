"""What the engine is measured against, in the same process: matrix products, the encoder that published captioners pay for, raw reading."""

from __future__ import annotations

import time
from collections.abc import Callable

import rasterio
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.flop_counter import FlopCounterMode

from engine.geo.pair import RasterPair
from engine.models.diffusion.encoder import RESNETS, Bottleneck, ResNet

MATRIX = 2048
BATCH = 8


def product(dtype: torch.dtype) -> Callable[[], int]:
    """A product of two square matrices; its items are floating-point operations."""
    a, b = (torch.rand(MATRIX, MATRIX).to(dtype) for _ in range(2))

    def run() -> int:
        for _ in range(4):
            torch.mm(a, b)
        return 4 * 2 * MATRIX**3

    return run


def resnet(dtype: torch.dtype) -> nn.Module:
    """ResNet-101 to layer3 with random weights, as fast as PyTorch runs it without a compiler: batch norms folded in, channels last."""
    torch.manual_seed(0)
    net = ResNet(RESNETS["resnet101"]).eval()
    net.conv1, net.bn1 = fuse_conv_bn_eval(net.conv1, net.bn1), nn.Identity()
    for block in (module for module in net.modules() if isinstance(module, Bottleneck)):
        for conv, norm in (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")):
            setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
            setattr(block, norm, nn.Identity())
        if block.downsample is not None:
            block.downsample = nn.Sequential(fuse_conv_bn_eval(*block.downsample))
    return net.to(dtype=dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def encode_pairs(net: nn.Module, images: Tensor, batch: int = BATCH) -> Callable[[], int]:
    """Features of both images of N / 2 pairs (images: (N, 3, 256, 256)); its items are pairs."""
    dtype = next(net.parameters()).dtype
    images = images.to(dtype).contiguous(memory_format=torch.channels_last)

    def run() -> int:
        with torch.inference_mode():
            for start in range(0, len(images), 2 * batch):
                net(images[start : start + 2 * batch])
        return len(images) // 2

    return run


def flops_a_pair(net: Callable, images: Tensor) -> float:
    """Floating-point operations (two a multiplication) of a network on two images."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        net(images[:2])
    return float(counter.get_total_flops())


def raw_reading(pair: RasterPair, windows: list) -> Callable[[], int]:
    """Both rasters read window by window with rasterio alone; its items are pairs of windows."""
    paths = pair.before.path, pair.after.path

    def run() -> int:
        for path in paths:
            with rasterio.open(path) as raster:
                for ref in windows:
                    raster.read((1, 2, 3), window=rasterio.windows.Window(ref.col_off, ref.row_off, ref.width, ref.height))
        return len(windows)

    return run


class Stopwatch:
    """Processor seconds of modules by kind, through hooks; on one thread."""

    def __init__(self, net: nn.Module, kind: Callable[[nn.Module], str | None]):
        self.seconds: dict[str, float] = {}
        self._begun = 0.0
        self._hooks = []
        for module in net.modules():
            name = kind(module)
            if name is not None:
                self._hooks += [module.register_forward_pre_hook(self._begin), module.register_forward_hook(self._ended(name))]

    def _begin(self, *_: object) -> None:
        self._begun = time.thread_time()

    def _ended(self, name: str) -> Callable:
        def hook(*_: object) -> None:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.thread_time() - self._begun

        return hook

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
