"""CCExpert's difference-aware integration module (arXiv 2411.11360, section 3.2).

Tokens of both images at several layers of the vision tower go in; tokens of each image that know of the change come out, one grid an image.
The released code says more than the paper; where they differ, ``image_update`` chooses.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention whose keys and values carry different sums: positions and flags are added to the keys only."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(N, T, C), (N, M, C), (N, M, C) → (N, T, C)."""
        heads = [x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (self.q_proj(query), self.k_proj(key), self.v_proj(value))]
        return self.out_proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class ChangeInit(nn.Module):
    """The first guess of the change: s1 = σ(W[F1;F2]), s2 = σ(W[F2;F1]), Δ = P[F1⊙s1; F2⊙s2; F1⊙s1 − F2⊙s2]."""

    def __init__(self, width: int):
        super().__init__()
        self.gate = nn.Linear(2 * width, width)
        self.project = nn.Linear(3 * width, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, T, C) of each image → Δ (N, T, C)."""
        gated_a = a * self.gate(torch.cat((a, b), dim=-1)).sigmoid()
        gated_b = b * self.gate(torch.cat((b, a), dim=-1)).sigmoid()
        return self.project(torch.cat((gated_a, gated_b, gated_a - gated_b), dim=-1))


class Tokens(NamedTuple):
    """Tokens (N, T, C) of image A, image B and the change between them."""

    a: Tensor
    b: Tensor
    change: Tensor


class ChangeAwareLayer(nn.Module):
    """One change-aware transformer layer: the change looks at itself, then at [A‖B‖change]; each image looks at [itself‖change].

    Queries and keys carry 2-D positions and a learned flag of what they belong to, values do not. A and B share the last attention.
    ``image_update`` says how an image's tokens x take up what they have seen, y: "paper" LN(x + y); "released", which the authors'
    weights need, x + position + flag + y without a norm.
    """

    def __init__(self, width: int, heads: int, mlp: int, image_update: str):
        super().__init__()
        self.self_attention = Attention(width, heads)
        self.change_attention = Attention(width, heads)
        self.image_attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.image_norm = nn.LayerNorm(width) if image_update == "paper" else None
        # Of images A and B and of the change; unit variance, as the published code draws them.
        self.flags = nn.ParameterList(nn.Parameter(torch.randn(1, width)) for _ in range(3))

    def forward(self, tokens: Tokens, positions: Tensor) -> Tokens:
        """The layer over (N, T, C) tokens with positions (T, C)."""
        a, b, change = tokens
        place_a, place_b, place_change = (positions + flag for flag in self.flags)
        at = change + positions
        change = self.norms[0](change + self.self_attention(at, at, change))
        keys = torch.cat((a + place_a, b + place_b, change + place_change), dim=1)
        change = self.norms[1](change + self.change_attention(change + place_change, keys, torch.cat((a, b, change), dim=1)))
        change = self.norms[2](change + self.mlp(change))
        return Tokens(self.update(a, place_a, change, place_change), self.update(b, place_b, change, place_change), change)

    def update(self, image: Tensor, place: Tensor, change: Tensor, place_change: Tensor) -> Tensor:
        """What an image's tokens become after they have looked at themselves and at the change."""
        at = image + place
        seen = self.image_attention(at, torch.cat((at, change + place_change), dim=1), torch.cat((image, change), dim=1))
        return at + seen if self.image_norm is None else self.image_norm(image + seen)


class AdaptiveAdjustment(nn.Module):
    """A scalar gate a level, σ(Linear(GELU(Linear(mean over tokens of [A;B;Δ])))); the levels' normalised weighted sum."""

    def __init__(self, width: int):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1), nn.Sigmoid())

    def weights(self, levels: Tokens) -> Tensor:
        """(B, L), each row of sum 1; tokens are (B, L, T, C)."""
        gates = self.gate(torch.cat(levels, dim=-1).mean(2))[..., 0]
        return gates / gates.sum(1, keepdim=True)

    def forward(self, levels: Tokens) -> tuple[Tensor, Tensor]:
        """(B, L, T, C) → A and B, each (B, T, C)."""
        weights = self.weights(levels)[..., None, None]
        return (levels.a * weights).sum(1), (levels.b * weights).sum(1)


class DifferenceModule(nn.Module):
    """Diff Expert, with its weights shared over the levels, and adaptive adjustment; the last level's features are added at the end.

    As in the released code, each layer makes its own first guess of the change from the images as they are by then, and from the second
    layer on adds it to the change that it was given.
    """

    def __init__(self, width: int, heads: int, mlp: int, layers: int = 2, image_update: str = "paper"):
        super().__init__()
        self.init = ChangeInit(width)
        self.layers = nn.ModuleList(ChangeAwareLayer(width, heads, mlp, image_update) for _ in range(layers))
        self.adjustment = AdaptiveAdjustment(width)
        self.apply(_reset)

    def expert(self, a: Tensor, b: Tensor) -> Tokens:
        """Diff Expert over one level's tokens, (N, T, C) each; T is a square."""
        positions = sine_positions(math.isqrt(a.shape[1]), a.shape[2], a.device).to(a.dtype)
        change = torch.zeros_like(a)
        for layer in self.layers:
            a, b, change = layer(Tokens(a, b, change + self.init(a, b)), positions)
        return Tokens(a, b, change)

    def forward(self, levels_a: Tensor, levels_b: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, T, C) of each image, the last level at the end → (B, T, C) of each."""
        batch, count = levels_a.shape[:2]
        levels = Tokens(*(x.unflatten(0, (batch, count)) for x in self.expert(levels_a.flatten(0, 1), levels_b.flatten(0, 1))))
        a, b = self.adjustment(levels)
        return a + levels_a[:, -1], b + levels_b[:, -1]


def _reset(module: nn.Module) -> None:
    """The published initialisation."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


def sine_positions(side: int, channels: int, device: torch.device | None = None) -> Tensor:
    """2-D sine positions, (side², channels) float32, of a grid scaled to 0..2π (Carion et al. 2020): half the channels rows, half columns.

    Unlike ``layers.sine_positions`` sines and cosines alternate and the places are those of the tokens' centres, as the published weights
    were trained with.
    """
    half = channels // 2
    places = (torch.arange(side, dtype=torch.float32, device=device) + 0.5) / side * 2 * math.pi
    wavelengths = 10000 ** (torch.arange(0, half, 2, dtype=torch.float32, device=device) / half)
    angles = places[:, None] / wavelengths
    along = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)
    grid = torch.cat((along[:, None].expand(-1, side, -1), along[None].expand(side, -1, -1)), dim=2)
    return grid.reshape(side * side, channels)
