"""Weights in a quarter of the room: large tensors as bytes with one scale a row, the rest in half precision."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = "/scale"
SMALLEST = 4096  # elements; smaller tensors are worth no error
STEPS = 127


def pack(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """int8 and a float32 scale for each row of the large matrices and kernels, rounded to the nearest; float16 for everything else."""
    packed = {}
    for name, tensor in state.items():
        if tensor.ndim < 2 or tensor.numel() < SMALLEST:
            packed[name] = tensor.half().contiguous()
            continue
        scale = tensor.float().flatten(1).abs().amax(1).clamp(min=1e-12) / STEPS
        rows = scale.reshape(-1, *[1] * (tensor.ndim - 1))
        packed[name] = (tensor.float() / rows).round().to(torch.int8).contiguous()
        packed[name + SCALE] = scale
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """float32 tensors by name; files without scales are read as they are."""
    state = {}
    for name, tensor in packed.items():
        if name.endswith(SCALE):
            continue
        value = tensor.float()
        scale = packed.get(name + SCALE)
        state[name] = value if scale is None else value * scale.reshape(-1, *[1] * (tensor.ndim - 1))
    return state
