"""Batch norm behind the decoder's 1×1 convolutions while it is trained; folded into them for inference."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORM = ".norm."


class NormedConv(nn.Conv2d):
    """1×1 convolution and batch norm; its weight and bias are named as those of the plain convolution that ``folded`` makes of both."""

    def __init__(self, channels: int, out: int):
        super().__init__(channels, out, 1)
        self.norm = nn.BatchNorm2d(out, momentum=0.05)
        self.norm.num_batches_tracked = torch.tensor(0.0)  # a float, as a moving average of the state needs

    def forward(self, x: Tensor) -> Tensor:
        # As a matrix product over channels last, which on one thread takes two thirds of the time of PyTorch's convolution.
        return self.norm(F.linear(x.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2))


def folded(state: Mapping[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """The state of a network of ``NormedConv`` as that of the same network of plain convolutions."""
    found = {name: value.clone() for name, value in state.items() if NORM not in name}
    for name in state:
        if not name.endswith(NORM + "weight"):
            continue
        conv = name.removesuffix(NORM + "weight")
        mean, variance = state[conv + NORM + "running_mean"], state[conv + NORM + "running_var"]
        gain = state[name] * torch.rsqrt(variance + eps)
        found[conv + ".weight"] = state[conv + ".weight"] * gain[:, None, None, None]
        found[conv + ".bias"] = (state[conv + ".bias"] - mean) * gain + state[conv + NORM + "bias"]
    return found
