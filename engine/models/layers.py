"""Attention and the small autoregressive decoder that captioners share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Cache = list[tuple[Tensor, Tensor]]


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, eq 1) whose keys and values can be computed once and reused."""

    def __init__(self, width: int, heads: int, memory_width: int | None = None):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(memory_width or width, 2 * width)
        self.out = nn.Linear(width, width)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """(N, M, memory_width) → keys and values, each (N, heads, M, width / heads)."""
        key, value = self.key_value(memory).chunk(2, dim=-1)
        return self._split(key), self._split(value)

    def attend(self, x: Tensor, key: Tensor, value: Tensor, causal: bool = False) -> Tensor:
        y = F.scaled_dot_product_attention(self._split(self.query(x)), key, value, is_causal=causal)
        return self.out(y.transpose(1, 2).flatten(2))

    def attend_shared(self, x: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """As ``attend``, of (N · B, L, width) over keys of N rows, each of which B successive rows share (the beams of a tile)."""
        return self.attend(x.reshape(len(key), -1, x.shape[-1]), key, value).view(x.shape)

    def forward(self, x: Tensor, memory: Tensor, causal: bool = False) -> Tensor:
        return self.attend(x, *self.project(memory), causal=causal)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def feed_forward(width: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))


class DecoderLayer(nn.Module):
    """Pre-norm decoder layer: causal self-attention, cross-attention to the memory, feed-forward."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = Attention(width, heads)
        self.cross_attention = Attention(width, heads)
        self.feed_forward = feed_forward(width, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One layer over (N · B, L, width) and a memory of N rows; with ``past`` keys and values, L is 1 and the new ones are appended."""
        normed = self.norms[0](x)
        key, value = self.self_attention.project(normed)
        if past is not None:
            key, value = torch.cat((past[0], key), dim=2), torch.cat((past[1], value), dim=2)
        x = x + self.dropout(self.self_attention.attend(normed, key, value, causal=past is None))
        x = x + self.dropout(self.cross_attention.attend_shared(self.norms[1](x), *memory))
        x = x + self.dropout(self.feed_forward(self.norms[2](x)))
        return x, (key, value)


class CaptionDecoder(nn.Module):
    """Autoregressive decoder with tied embeddings.

    Token ids (N, L) and memory tokens (N, M, width) → logits (N, L, vocabulary). B successive rows of ids may share a row of memory.
    """

    shares_memory = True

    def __init__(self, vocabulary: int, width: int, heads: int, hidden: int, layers: int, max_length: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.positions = nn.Parameter(torch.randn(max_length, width) * 0.02)
        self.layers = nn.ModuleList(DecoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(dropout)
        self.scale = math.sqrt(width)
        self.max_length = max_length

    def project_memory(self, memory: Tensor) -> Cache:
        """Cross-attention keys and values of every layer, computed once a pair."""
        return [layer.cross_attention.project(memory) for layer in self.layers]  # type: ignore[union-attr, operator]

    def forward(self, ids: Tensor, memory: Cache, past: Cache | None = None) -> tuple[Tensor, Cache]:
        start = past[0][0].shape[2] if past else 0
        x = self.embedding(ids) * self.scale + self.positions[start : start + ids.shape[1]]
        x = self.dropout(x)
        present = []
        for number, layer in enumerate(self.layers):
            x, pair = layer(x, memory[number], past[number] if past else None)
            present.append(pair)
        return F.linear(self.norm(x), self.embedding.weight, self.bias), present


def sine_positions(height: int, width: int, channels: int) -> Tensor:
    """2-D sine positions, (height · width, channels): half the channels for rows, half for columns (Carion et al. 2020)."""
    quarter = channels // 4
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(quarter) / quarter)

    def encode(length: int) -> Tensor:
        angles = torch.arange(length)[:, None] * frequencies
        return torch.cat((angles.sin(), angles.cos()), dim=1)

    rows, cols = encode(height), encode(width)
    grid = torch.cat((rows[:, None].expand(-1, width, -1), cols[None].expand(height, -1, -1)), dim=2)
    return grid.reshape(height * width, channels)
