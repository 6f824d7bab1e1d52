"""EfficientNet-lite on a CPU: every convolution takes its ReLU6, or the sum with its shortcut, along in one call of oneDNN.

The calls are those that torch.compile makes on a CPU; here no compiler is needed. Called one by one, each ReLU6 and each sum reads and writes
tens of megabytes once more.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .efficientnet import FEATURE_STAGES, EfficientNetLite, MBConv, SameConv, normalised, outputs

PROOF_PX = 64
TOLERANCE = 0.05
log = logging.getLogger(__name__)


class FusedConv(nn.Module):
    """A ``SameConv`` and what follows it: "relu6", "add" (onto the second input, in place) or "none"."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, conv: SameConv, then: str):
        super().__init__()
        weight, pad = conv.weight.detach(), conv.padding[0]
        if conv.same_pad:
            # oneDNN pads both sides alike, "same" the lower right by one more: a row and a column of zeros before the kernel make up for that.
            weight, pad = F.pad(weight, (1, 0, 1, 0)), conv.same_pad[0] + 1
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", conv.bias.detach() if conv.bias is not None else None)
        self.then, self.geometry = then, ([pad, pad], list(conv.stride), [1, 1], conv.groups)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        calls = torch.ops.mkldnn
        if self.then == "add":
            return calls._convolution_pointwise_.binary(other, x, self.weight, self.bias, *self.geometry, "add", 1.0, None, [], None)
        attribute, scalars = ("hardtanh", [0.0, 6.0]) if self.then == "relu6" else ("none", [])
        return calls._convolution_pointwise(x, self.weight, self.bias, *self.geometry, attribute, scalars, "")


class FusedBlock(nn.Module):
    """An ``MBConv``; where it has a shortcut, its input is overwritten."""

    def __init__(self, block: MBConv):
        super().__init__()
        self.expand = FusedConv(block.expand, "relu6") if block.expand is not None else None
        self.depthwise = FusedConv(block.depthwise, "relu6")
        self.project = FusedConv(block.project, "add" if block.residual else "none")

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x) if self.expand is not None else x
        return self.project(self.depthwise(y), x)


class FusedEfficientNetLite(nn.Module):
    """As ``EfficientNetLite``, for inference alone."""

    def __init__(self, net: EfficientNetLite):
        super().__init__()
        self.stem = FusedConv(net.stem, "relu6")
        self.stages = nn.ModuleList(nn.Sequential(*(FusedBlock(block) for block in stage.children())) for stage in net.stages)  # type: ignore[arg-type]

    def forward(self, images: Tensor, stages: Sequence[int] = FEATURE_STAGES) -> list[Tensor]:
        return outputs(self.stem(normalised(images, self.stem.weight.dtype)), self.stages, stages)


def fused(net: EfficientNetLite) -> nn.Module:
    """The fused network where this PyTorch has oneDNN's calls and they compute what the network itself does, else the network itself."""
    if not torch.backends.mkldnn.is_available():
        return net
    images = torch.randint(0, 256, (1, 3, PROOF_PX, PROOF_PX), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with torch.inference_mode():
        try:
            faster = FusedEfficientNetLite(net).eval()
            found, expected = faster(images), net(images)
        except (RuntimeError, AttributeError, TypeError, NotImplementedError) as error:  # these calls are no promise of PyTorch's
            log.info("convolutions are not fused: %s", error)
            return net
    if all(_close(one, other) for one, other in zip(found, expected)):
        return faster
    log.warning("fused convolutions compute something else on this processor; they are not used")
    return net


def _close(one: Tensor, other: Tensor) -> bool:
    """Equal up to what rounding to bfloat16 in another order does, a few parts in a hundred of the size."""
    return bool((one - other).float().norm() < TOLERANCE * other.float().norm())
