"""``scribe-s-quick``: scribe-s with a first look at a quarter of the pixels, which passes over what has plainly not changed.

A cascade of two classifiers (Viola & Jones 2001, doi 10.1109/CVPR.2001.990517): a small network sees every pair at half the resolution, and
scribe-s only those that it does not rule out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from .efficientnet import EfficientNetLite
from .scribe import ChangePrior, ChangeState


@dataclass(frozen=True)
class FirstLookConfig:
    """encoder : EfficientNet-lite variant. width : of the change branch. shrink : pixels of a side averaged into one."""

    encoder: str = "lite0"
    width: int = 48
    shrink: int = 2


class FirstLook(nn.Module):
    """The change branch of scribe-s on a smaller encoder; pairs (N, 3, 256, 256) come shrunk."""

    def __init__(self, config: FirstLookConfig):
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite(config.encoder)
        self.prior = ChangePrior(self.encoder.channels, config.width, class_attention=False)

    def forward(self, before: Tensor, after: Tensor) -> ChangeState:
        return self.prior(self.encoder(shrunk(before, self.config.shrink)), self.encoder(shrunk(after, self.config.shrink)))


def shrunk(images: Tensor, factor: int) -> Tensor:
    """Images (N, 3, H, W), 0..255, at a side of H / factor: the mean of each square of pixels."""
    return F.avg_pool2d(images if images.is_floating_point() else images.float(), factor)
