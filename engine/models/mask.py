"""The change mask of ``scribe-s``: a light decoder over the first stages of its encoder, at 2 pixels.

    both dates' features at strides 2, 4, 8, 16 → (before, after, |difference|) mixed at each stride
                                                → from coarse to fine: upsampled, summed, depthwise separable blocks → a logit a kind of change

The stages that it reads stay as they are when the captions are trained again (``training.scribe.timed``), and so does the mask.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..contract.errors import ModelError
from ..contract.objects import OBJECT_KINDS
from ..registry.weights import unpack
from .efficientnet import EfficientNetLite

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


Kinds = tuple[tuple[str, str], ...]


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


class MaskFile(NamedTuple):
    """What a file of ``training.masks.export`` holds. kinds : of the decoder's logits. encoder : ``fingerprint`` of the encoder that it reads."""

    decoder: MaskDecoder
    kinds: Kinds
    encoder: str


def read_mask(path: str) -> MaskFile:
    """Decoder (float32), its kinds and the fingerprint of its encoder.

    Raises
    ------
    ModelError
        Not a file of ``training.masks.export``.
    """
    try:
        with safe_open(path, "pt") as stream:
            metadata = stream.metadata() or {}
            state = unpack({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118 (no mapping)
        sizes: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(metadata["config"]).items()}
        config = MaskConfig(**sizes)
        kinds = tuple((name, change) for name, change in json.loads(metadata["kinds"]))
        if len(kinds) != config.kinds or not set(kinds) <= set(OBJECT_KINDS):
            raise ValueError(f"kinds {kinds}")
        decoder = MaskDecoder(config)
        decoder.load_state_dict(state)
        return MaskFile(decoder, kinds, metadata["encoder"])
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        need, do = "the mask weights of scribe-s (safetensors)", "reinstall the plugin, or see `changescribe models verify`"
        raise ModelError(f"{path} cannot be loaded ({error})", need, do) from error


def mask_metadata(config: MaskConfig, kinds: Kinds, encoder: EfficientNetLite) -> dict[str, str]:
    """The metadata that ``read_mask`` reads; ``encoder`` in float32."""
    return {"config": json.dumps(asdict(config)), "kinds": json.dumps(kinds), "encoder": fingerprint(encoder)}


def fingerprint(encoder: EfficientNetLite) -> str:
    """sha256 of the stages that a mask is read from, in half precision: other weights, another mask."""
    digest = hashlib.sha256()
    for parameter in encoder.frozen_parameters(MASK_STAGES[-1] + 1):
        digest.update(parameter.detach().to("cpu", torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()


def percentages(logits: Tensor) -> np.ndarray:
    """Logits (N, K, h, w) at 2 pixels as uint8 percentages (N, K, 2 h, 2 w)."""
    fine = F.interpolate(torch.sigmoid(logits.float()), scale_factor=2.0, mode="bilinear")
    return (100 * fine).round_().to(torch.uint8).cpu().numpy()
