"""Cross-mode fusion, stacked self-attention and time embeddings of the condition denoiser (arXiv 2405.12875)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .samplers import Condition

Memory = tuple[Tensor, Tensor]
BERT_EPS = 1e-12  # of BERT's layer norms


class CrossModeFusion(nn.Module):
    """Text attends to the condition, then a feed-forward block with a residual from the attention's output, and a layer norm.

    As published nothing of the text query itself passes on: where all condition tokens are alike (no change), every word gets the same
    vector. ``query_residual`` adds the query to the attention's output and thereby mends it.

    attention_dropout : of the attention's probabilities, as published; None: ``dropout`` on the outputs of attention and feed-forward block.
    """

    def __init__(
        self,
        width: int,
        condition_width: int,
        inner: int,
        heads: int,
        hidden: int,
        dropout: float,
        query_residual: bool,
        attention_dropout: float | None = None,
    ):
        super().__init__()
        self.heads, self.query_residual, self.attention_dropout = heads, query_residual, attention_dropout or 0.0
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(condition_width, inner)
        self.value = nn.Linear(condition_width, inner)
        self.out = nn.Linear(inner, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.dropout = nn.Dropout(dropout if attention_dropout is None else 0.0)
        self.norm = nn.LayerNorm(width)

    def project(self, condition: Tensor) -> Memory:
        """Condition tokens (N, M, condition_width) → keys and values, each (N, heads, M, inner / heads); the same in every step."""
        return self._split(self.key(condition)), self._split(self.value(condition))

    def forward(self, text: Tensor, condition: Condition) -> Tensor:
        """Text that has seen the condition: (N·K, L, width) → the same.

        Parameters
        ----------
        condition : tokens of N pairs, or what ``project`` made of them; ``text`` holds K samples of each in succession.
        """
        if condition is None:
            raise ValueError("cross-mode fusion needs a condition")
        key, value = self.project(condition) if isinstance(condition, Tensor) else condition
        # Words do not see one another here: the samples of one pair can stand in one row, without copies of its keys and values.
        query = self._split(self.query(text).reshape(len(key), -1, self.query.out_features))
        dropped = self.attention_dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(query, key, value, dropout_p=dropped).transpose(1, 2).flatten(2)
        x = self.dropout(self.out(attended.reshape(*text.shape[:2], -1)))
        if self.query_residual:
            x = x + text
        return self.norm(x + self.dropout(self.feed_forward(x)))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def stacked_self_attention(width: int, heads: int, hidden: int, layers: int, dropout: float, attention_dropout: float | None = None) -> nn.Sequential:
    """BERT layers (Devlin et al. 2019): post-norm, GELU, both directions, no padding mask, so that pads are written too.

    attention_dropout : of the attention's probabilities, with ``dropout`` of hidden states where BERT has it; None: ``dropout`` everywhere.
    """
    stack = [nn.TransformerEncoderLayer(width, heads, hidden, dropout, "gelu", layer_norm_eps=BERT_EPS, batch_first=True) for _ in range(layers)]
    if attention_dropout is not None:
        for layer in stack:
            layer.self_attn.dropout = attention_dropout
            layer.dropout.p = 0.0  # BERT drops nothing between the two layers of the feed-forward block
    return nn.Sequential(*stack)


class SinusoidTime(nn.Module):
    """Sinusoid of the step (Vaswani et al. 2017), then Linear, SiLU, Linear: (N,) → (N, width)."""

    frequencies: Tensor

    def __init__(self, width: int, sinusoids: int = 128, hidden: int = 512):
        super().__init__()
        half = sinusoids // 2
        self.register_buffer("frequencies", torch.exp(-math.log(10000.0) * torch.arange(half) / half), persistent=False)
        self.mlp = nn.Sequential(nn.Linear(2 * half, hidden), nn.SiLU(), nn.Linear(hidden, width))

    def forward(self, time: Tensor) -> Tensor:
        angles = time[:, None].to(self.frequencies.dtype) * self.frequencies
        return self.mlp(torch.cat((angles.cos(), angles.sin()), dim=1))


class FourierTime(nn.Module):
    """Random Fourier features of the noise level with fixed Gaussian frequencies (Tancik et al. 2020), then Linear: (N,) → (N, width)."""

    frequencies: Tensor

    def __init__(self, width: int, bias: bool = True):
        super().__init__()
        self.register_buffer("frequencies", torch.randn(width // 2))
        self.linear = nn.Linear(width, width, bias=bias)

    def forward(self, time: Tensor) -> Tensor:
        angles = 2 * math.pi * time[:, None].to(self.frequencies.dtype) * self.frequencies
        return self.linear(torch.cat((angles.cos(), angles.sin()), dim=1))
