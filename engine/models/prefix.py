"""The autoregressive decoder of DFM: the joint features stand before the words, as a prefix that every word sees whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Attention, Cache, feed_forward


class PrefixAttention(Attention):
    """Attention under a mask; True: this key is seen."""

    def attend_masked(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        y = F.scaled_dot_product_attention(self._split(self.query(x)), key, value, attn_mask=mask)
        return self.out(y.transpose(1, 2).flatten(2))


class PrefixLayer(nn.Module):
    """Pre-norm transformer layer: self-attention and feed-forward."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = PrefixAttention(width, heads)
        self.feed_forward = feed_forward(width, hidden, dropout)
        self.dropout = nn.Dropout(dropout)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the tokens x (N, L, width)."""
        return self.attention.project(self.norms[0](x))

    def forward(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.dropout(self.attention.attend_masked(self.norms[0](x), key, value, mask))
        return x + self.dropout(self.feed_forward(self.norms[1](x)))


class PrefixDecoder(nn.Module):
    """Token ids (N, L) and prefix Z (N, M, width) → logits (N, L, vocabulary); sinusoidal positions, tied embeddings.

    Words see the whole prefix and the words before them; the prefix sees itself alone, so its keys and values are computed once a pair.
    Stands in for ``layers.CaptionDecoder`` in ``beam.decode``.
    """

    shares_memory = False  # each row of ids has its own row of memory
    positions: Tensor

    def __init__(self, vocabulary: int, width: int, heads: int, hidden: int, layers: int, max_length: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.register_buffer("positions", sinusoids(max_length, width), persistent=False)
        self.layers = nn.ModuleList(PrefixLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.dropout = nn.Dropout(dropout)
        self.scale = math.sqrt(width)
        self.max_length = max_length

    def project_memory(self, memory: Tensor) -> Cache:
        """Keys and values of the prefix in every layer."""
        cache: Cache = []
        for number, layer in enumerate(self.layers):
            cache.append(layer.project(memory))  # type: ignore[operator]
            if number + 1 < len(self.layers):  # nobody reads what the last layer would write into the prefix
                memory = layer(memory, *cache[-1])
        return cache

    def forward(self, ids: Tensor, memory: Cache, past: Cache | None = None) -> tuple[Tensor, Cache]:
        start = past[0][0].shape[2] if past else 0
        x = self.dropout(self.embedding(ids) * self.scale + self.positions[start : start + ids.shape[1]])
        mask = _prefix_mask(memory[0][0].shape[2], start, ids.shape[1], ids.device)
        present = []
        for number, layer in enumerate(self.layers):
            key, value = layer.project(x)  # type: ignore[operator]
            if past:
                key, value = _append(past[number], key, value)
            present.append((key, value))
            x = layer(x, *_append(memory[number], key, value), mask)
        return F.linear(self.norm(x), self.embedding.weight, self.bias), present


def _append(before: tuple[Tensor, Tensor], key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    return torch.cat((before[0], key), dim=2), torch.cat((before[1], value), dim=2)


def _prefix_mask(prefix: int, past: int, words: int, device: torch.device) -> Tensor:
    """(words, prefix + past + words): True for the prefix, the past, and of the new words those up to the own one."""
    causal = torch.ones(words, words, dtype=torch.bool, device=device).tril()
    return torch.cat((causal.new_ones(words, prefix + past), causal), dim=1)


def sinusoids(length: int, width: int) -> Tensor:
    """Sinusoidal positions, (length, width) (Vaswani et al. 2017, section 3.5); sines and cosines lie in halves."""
    frequencies = torch.exp(-math.log(10000.0) * torch.arange(width // 2) / (width // 2))
    angles = torch.arange(length)[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)
