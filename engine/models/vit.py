"""Image encoders that DFM can stand on: vision transformers of the ``transformers`` library, and EfficientNet-lite.

All map uint8 or float RGB (N, 3, H, W) in 0..255 to ``Features``: one summary vector and a grid of tokens.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..contract.errors import InputError, ModelError
from .efficientnet import STAGES, EfficientNetLite

IMAGENET_PX = 224
# Mean and standard deviation of a pixel in 0..1: CLIP (Radford et al. 2021), and ImageNet's for DINOv2 (Oquab et al. 2023).
PIXELS = {
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "dinov2": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
# What transformers' configurations are given; the published sizes of CLIP ViT-B/32 and DINOv2-small.
PUBLISHED: dict[str, dict[str, Any]] = {
    "clip": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 224, "patch_size": 32},
    "dinov2": {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6, "image_size": 518, "patch_size": 14},
    "efficientnet": {"variant": "lite0"},
}


class Features(NamedTuple):
    """cls : (N, width), the [CLS] token or, of a CNN, the mean token. grid : (N, side · side, width), row by row."""

    cls: Tensor
    grid: Tensor


class VitEncoder(nn.Module):
    """transformers' ``CLIPVisionModel`` ("clip") or ``Dinov2Model`` ("dinov2") at 224 px: [CLS] and patch tokens after the last norm."""

    mean: Tensor
    std: Tensor

    def __init__(self, kind: str, sizes: Mapping[str, Any]):
        super().__init__()
        transformers = _transformers()
        self.kind = kind
        if kind == "clip":
            self.model = transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**sizes))
            self.px = self.model.config.image_size
        else:
            self.model = transformers.Dinov2Model(transformers.Dinov2Config(**sizes))
            self.px = min(IMAGENET_PX, self.model.config.image_size)  # its positions are interpolated
        self.width: int = self.model.config.hidden_size
        self.side: int = self.px // self.model.config.patch_size
        mean, std = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in PIXELS[kind])
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, images: Tensor) -> Features:
        x = F.interpolate(images.to(self.mean.dtype), (self.px, self.px), mode="bicubic", antialias=True, align_corners=False)
        tokens = self.model(pixel_values=(x - self.mean) / self.std).last_hidden_state
        if self.kind == "clip":  # transformers norms only the pooled token, which would leave the two on different scales
            tokens = self.model.vision_model.post_layernorm(tokens)
        return Features(tokens[:, 0], tokens[:, 1:])

    def freeze(self, trained_blocks: int) -> None:
        """Keep all but the last ``trained_blocks`` transformer blocks and the norm behind them as they are."""
        if self.kind == "clip":
            blocks, norm = self.model.vision_model.encoder.layers, self.model.vision_model.post_layernorm
        else:
            blocks, norm = self.model.encoder.layer, self.model.layernorm
        self.requires_grad_(False)
        for module in (*blocks[len(blocks) - min(trained_blocks, len(blocks)) :], *([norm] if trained_blocks else [])):
            module.requires_grad_(True)


class CnnEncoder(nn.Module):
    """EfficientNet-lite: strides 16 and 32 side by side as 64 tokens at stride 32; the mean token stands for [CLS]."""

    side = 8

    def __init__(self, sizes: Mapping[str, Any]):
        super().__init__()
        self.model = EfficientNetLite(**sizes)
        self.width: int = sum(self.model.channels[1:])

    def forward(self, images: Tensor) -> Features:
        _, middle, coarse = self.model(images)
        grid = torch.cat((F.avg_pool2d(middle, 2), coarse), dim=1).flatten(2).transpose(1, 2)
        return Features(grid.mean(1), grid)

    def freeze(self, trained_blocks: int) -> None:
        """Keep all but the last ``trained_blocks`` stages as they are."""
        for parameter in self.model.frozen_parameters(max(0, len(STAGES) - trained_blocks)):
            parameter.requires_grad_(False)


Encoder = VitEncoder | CnnEncoder
ENCODERS = tuple(PUBLISHED)


def build_encoder(kind: str, sizes: Mapping[str, Any]) -> Encoder:
    """An encoder with random weights; ``sizes`` as in ``PUBLISHED``.

    Raises
    ------
    InputError
        An unknown kind, or ``transformers`` is not installed.
    """
    if kind not in ENCODERS:
        raise InputError(f"unknown encoder {kind!r}", "one of " + ", ".join(ENCODERS), "correct the configuration")
    return CnnEncoder(sizes) if kind == "efficientnet" else VitEncoder(kind, sizes)


def load_vit(kind: str, folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Sizes and weights of a vision transformer in a folder of the Hugging Face layout; nothing is fetched.

    A folder of a whole CLIP model serves as well as one of its vision half.

    Returns
    -------
    sizes, for ``build_encoder`` (what differs from the defaults of transformers), and the state of ``VitEncoder.model``

    Raises
    ------
    ModelError
        No such model in the folder.
    """
    transformers = _transformers()
    loader = transformers.CLIPVisionModel if kind == "clip" else transformers.Dinov2Model
    need = f"config.json and model.safetensors of a {loader.__name__}"
    do = "download openai/clip-vit-base-patch32 (or its like) and name its folder"
    if not (folder / "config.json").is_file():
        raise ModelError(f"no config.json in {folder}", need, do)
    try:
        model, report = loader.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be loaded ({error})", need, do) from error
    missing = [name for name in report["missing_keys"] if "position_ids" not in name]
    if missing:
        raise ModelError(f"{folder} lacks {len(missing)} weights, among them {missing[0]}", need, do)
    known = inspect.signature(type(model.config).__init__).parameters
    return {name: value for name, value in model.config.to_diff_dict().items() if name in known}, model.state_dict()


def _transformers():
    try:
        import transformers
    except ImportError as error:
        raise InputError("transformers is not installed", "the package transformers", "pip install 'transformers>=4.56,<5'") from error
    return transformers
