"""Blocks of one size, so that a tile's numbers do not depend on the batch that it comes in.

A processor multiplies matrices by another routine where their size is another, and so does PyTorch, which rounds the last bits another way; where
two words are nearly as likely, the other one is then written. What is always computed in blocks of one size, on one number of threads, is always
computed by the same routine.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

GPU_BLOCK = 32


def block_size(device: torch.device, on_cpu: int) -> int:
    """Rows of a block: ``on_cpu`` of them, more on a GPU, which takes as long for one as for many."""
    return on_cpu if device.type == "cpu" else GPU_BLOCK


def in_blocks(call: Callable[..., tuple[Tensor, ...]], size: int, *rows: Tensor) -> tuple[Tensor, ...]:
    """What ``call`` makes of tensors of as many rows (N > 0 each), called with exactly ``size`` rows at a time.

    The last block is filled up with copies of its last row. ``call`` must give tensors whose rows are those of its arguments.
    """
    count = len(rows[0])
    parts = [call(*(filled(x[first : first + size], size) for x in rows)) for first in range(0, count, size)]
    return tuple(part[:count] for part in parts[0]) if len(parts) == 1 else tuple(torch.cat(part)[:count] for part in zip(*parts))


def filled(x: Tensor, size: int) -> Tensor:
    """Rows (N, …), 0 < N ≤ size, filled up with copies of the last one: (size, …)."""
    missing = size - len(x)
    return torch.cat((x, x[-1:].expand(missing, *x.shape[1:]))) if missing else x
