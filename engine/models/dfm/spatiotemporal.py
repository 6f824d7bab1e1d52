"""Feature extraction of DFM (eq 7): the encoder's tokens of both dates → spatiotemporal features.

The baseline RSCaMa (Liu et al. 2024, arXiv 2404.18895) stacks state-space layers: in space, where each date is scanned in both directions and gated
by its difference to the other, and in time, where the tokens of both dates take turns. "attention" has the same shape, with attention in place of
scans.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers import Attention


class SelectiveScan(nn.Module):
    """Selective state space (Gu & Dao 2023, arXiv 2312.00752, algorithm 2): (N, L, inner) → (N, L, inner), each token sees those before it.

    h_t = exp(Δ_t A) h_{t−1} + Δ_t B_t x_t; y_t = C_t h_t + D x_t, with Δ, B and C computed from x.
    """

    def __init__(self, inner: int, state: int = 16, kernel: int = 4):
        super().__init__()
        self.rank, self.state = max(1, inner // 32), state
        self.conv = nn.Conv1d(inner, inner, kernel, padding=kernel - 1, groups=inner)
        self.select = nn.Linear(inner, self.rank + 2 * state, bias=False)
        self.step = nn.Linear(self.rank, inner)
        self.decay_log = nn.Parameter(torch.arange(1, state + 1).float().log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        # Steps of 0.001 to 0.1 at the start, as published: softplus(bias) is drawn log-uniformly from there.
        first = torch.exp(torch.rand(inner) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
        self.step.bias.data = first + torch.log(-torch.expm1(-first))

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[1]
        x = F.silu(self.conv(x.transpose(1, 2))[..., :length].transpose(1, 2))
        step, to_state, from_state = self.select(x).split((self.rank, self.state, self.state), dim=2)
        step = F.softplus(self.step(step)).float()
        decay = torch.exp(step[..., None] * -self.decay_log.float().exp())
        entering = (step * x.float())[..., None] * to_state.float()[:, :, None]
        hidden, found = torch.zeros_like(entering[:, 0]), []
        for t in range(length):
            hidden = decay[:, t] * hidden + entering[:, t]
            found.append((hidden * from_state[:, t, None].float()).sum(2))
        return torch.stack(found, dim=1).to(x.dtype) + x * self.skip


class StateSpace(nn.Module):
    """Tokens (N, L, width) scanned forwards and, with ``both``, backwards, times SiLU of a gate, which is computed from ``gate`` (N, L, width)."""

    def __init__(self, width: int, both: bool):
        super().__init__()
        self.enter, self.gate, self.leave = nn.Linear(width, 2 * width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.scans = nn.ModuleList(SelectiveScan(2 * width) for _ in range(1 + both))

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        entered = self.enter(x)
        seen = self.scans[0](entered)
        if len(self.scans) > 1:
            seen = seen + self.scans[1](entered.flip(1)).flip(1)
        return self.leave(seen * F.silu(self.gate(gate)))


class StateSpaceLayer(nn.Module):
    """One layer in space and in time by state spaces; pre-norms and residuals."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.space, self.time = StateSpace(width, both=True), StateSpace(width, both=False)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        first, second = self.norms[0](torch.cat((before, after))).chunk(2)
        gates = torch.cat((second - first, first - second))
        before, after = (torch.cat((before, after)) + self.space(torch.cat((first, second)), gates)).chunk(2)
        turns = torch.stack((before, after), dim=2).flatten(1, 2)  # before and after of the first token, of the second, …
        normed = self.norms[1](turns)
        turns = (turns + self.time(normed, normed)).unflatten(1, (-1, 2))
        return turns[:, :, 0], turns[:, :, 1]


class AttentionLayer(nn.Module):
    """One layer in space and in time by attention: among the tokens of a date, then between the two dates at each place."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.space, self.time = Attention(width, heads), Attention(width, heads)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))

    def forward(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat((before, after))
        normed = self.norms[0](both)
        before, after = (both + self.space(normed, normed)).chunk(2)
        dates = torch.stack((before, after), dim=2).flatten(0, 1)
        normed = self.norms[1](dates)
        dates = (dates + self.time(normed, normed)).unflatten(0, before.shape[:2])
        return dates[:, :, 0], dates[:, :, 1]


LAYERS = {"state-space": StateSpaceLayer, "attention": AttentionLayer}
EXTRACTIONS = ("linear", *LAYERS)  # linear: F is made of the encoder's tokens directly


class SpatioTemporal(nn.Module):
    """Layers of one kind over the tokens (N, T, width) of both dates; exchanged dates give exchanged features in space, not in time."""

    def __init__(self, kind: str, width: int, heads: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(LAYERS[kind](width, heads) for _ in range(layers))

    def forward(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.layers:
            before, after = layer(before, after)
        return before, after
