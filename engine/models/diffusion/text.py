"""Text as points of a continuous space: embedding and rounding (Li et al. 2022, arXiv 2205.14217, sections 4.1 and 4.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TextSpace(nn.Module):
    """Embedding, and rounding back by a linear head whose weight is the embedding itself, with a bias.

    Parameters
    ----------
    rms : where given, every word's embedding is scaled to this root mean square. KD-RSCC's preconditioning assumes that of σ_d,
        but its embeddings start at N(0, 1) and drift.
    """

    def __init__(self, vocabulary: int, width: int, rms: float | None = None):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(vocabulary, width))
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.rms = rms

    def table(self) -> Tensor:
        """Points of all words (V, E)."""
        if self.rms is None:
            return self.embedding
        return self.embedding * (self.rms * self.embedding.square().mean(1, keepdim=True).clamp(min=1e-12).rsqrt())

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (N, L) int64 → x0 (N, L, E)."""
        return F.embedding(ids, self.table())

    def logits(self, x: Tensor) -> Tensor:
        """(N, L, E) → (N, L, V), the tied lm_head."""
        return F.linear(x, self.table(), self.bias)

    def round(self, x: Tensor) -> Tensor:
        """Most probable ids (N, L) of x (N, L, E)."""
        return self.logits(x).argmax(-1)
