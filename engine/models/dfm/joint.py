"""Joint feature modelling of DFM (ICME 2026, eqs 7–10) and the simpler fusions that it is compared with.

Sources are token grids (N, T, width): the raw difference D, the features F of both dates and, with a change-detection prior, P.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers import Attention, feed_forward, sine_positions
from ..vit import Features

PRIOR_SIDE = 16


def raw_difference(before: Features, after: Features) -> Tensor:
    """D, the difference of the encoder's embeddings (eq 8): (N, T, encoder width)."""
    return after.grid - before.grid


class GateFusion(nn.Module):
    """Each channel of each token weighs the sources against each other, softmax(W [S_1; S_2; …])."""

    def __init__(self, width: int, sources: int):
        super().__init__()
        self.gate = nn.Linear(sources * width, sources * width)

    def forward(self, *sources: Tensor) -> Tensor:
        weights = self.gate(torch.cat(sources, dim=2)).unflatten(2, (len(sources), -1)).softmax(2)
        return (weights * torch.stack(sources, dim=2)).sum(2)


class BilinearFusion(nn.Module):
    """Low-rank bilinear pooling by the Hadamard product (Kim et al. 2017, arXiv 1610.04325, eq 8), for two sources or three."""

    def __init__(self, width: int, sources: int):
        super().__init__()
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(sources))
        self.out = nn.Linear(width, width)

    def forward(self, *sources: Tensor) -> Tensor:
        product = torch.ones_like(sources[0])
        for linear, source in zip(self.inner, sources):
            product = product * torch.tanh(linear(source))
        return self.out(product)


class ConcatFusion(nn.Module):
    """W [S_1; S_2; …]."""

    def __init__(self, width: int, sources: int):
        super().__init__()
        self.mix = nn.Linear(sources * width, width)

    def forward(self, *sources: Tensor) -> Tensor:
        return self.mix(torch.cat(sources, dim=2))


class WeightedFusion(nn.Module):
    """Σ softmax(w)_k S_k with one learned weight a source, the last step of eq 10."""

    def __init__(self, width: int, sources: int):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(sources))

    def forward(self, *sources: Tensor) -> Tensor:
        return sum(weight * source for weight, source in zip(self.weights.softmax(0), sources))


SIMPLE_FUSIONS = {"gate": GateFusion, "bilinear": BilinearFusion, "concat": ConcatFusion, "weighted": WeightedFusion}
FUSIONS = (*SIMPLE_FUSIONS, "full")


class JointAttention(nn.Module):
    """The whole of JFM: D' and F' attend to P, a bidirectional self-attention refines both, Z is their learned weighted sum (eq 10).

    Without a prior the cross-attentions fall away. The paper says no more of each step than its kind; residuals, pre-norms and the
    feed-forward block behind the self-attention are ours.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, prior: bool):
        super().__init__()
        self.cross = nn.ModuleList(Attention(width, heads) for _ in range(2 if prior else 0))
        self.cross_norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 if prior else 0))
        self.both = Attention(width, heads)
        self.feed_forward = feed_forward(width, hidden, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.weighted = WeightedFusion(width, 2)

    def forward(self, difference: Tensor, joint: Tensor, prior: Tensor | None = None) -> Tensor:
        if prior is not None:
            difference = difference + self.cross[0](self.cross_norms[0](difference), prior)
            joint = joint + self.cross[1](self.cross_norms[1](joint), prior)
        both = torch.cat((difference, joint), dim=1)
        normed = self.norms[0](both)
        both = both + self.both(normed, normed)
        both = both + self.feed_forward(self.norms[1](both))
        return self.weighted(*both.chunk(2, dim=1))


class JointFeatures(nn.Module):
    """Features of both dates and, where ``prior_width`` is given, the prior's tokens → Z (N, side · side, width).

    The prior is (N, prior_side · prior_side, prior_width), row by row.
    """

    positions: Tensor
    prior_positions: Tensor

    def __init__(
        self,
        encoder_width: int,
        side: int,
        prior_width: int | None,
        width: int,
        heads: int,
        hidden: int,
        dropout: float,
        fusion: str,
        prior_side: int = PRIOR_SIDE,
    ):
        super().__init__()
        self.side, self.prior_side, self.fusion_name = side, prior_side, fusion
        self.difference = nn.Linear(encoder_width, width)
        self.joint = nn.Linear(2 * encoder_width, width)
        self.prior = None if prior_width is None else nn.Linear(prior_width, width)
        sources = 2 if prior_width is None else 3
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(sources))
        if fusion == "full":
            self.fusion: nn.Module = JointAttention(width, heads, hidden, dropout, prior_width is not None)
        else:
            self.fusion = SIMPLE_FUSIONS[fusion](width, sources)
        self.register_buffer("positions", sine_positions(side, side, width), persistent=False)
        self.register_buffer("prior_positions", sine_positions(prior_side, prior_side, width), persistent=False)

    def forward(self, before: Features, after: Features, prior: Tensor | None = None, extracted: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Z. extracted : spatiotemporal features of both dates (eq 7), each (N, T, encoder_width); None: the encoder's tokens serve."""
        grids = (before.grid, after.grid) if extracted is None else extracted
        difference = self.norms[0](self.difference(raw_difference(before, after))) + self.positions
        joint = self.norms[1](self.joint(torch.cat(grids, dim=2))) + self.positions
        if self.prior is None or prior is None:
            return self.fusion(difference, joint)
        tokens = self.norms[2](self.prior(prior)) + self.prior_positions
        if self.fusion_name != "full":  # these combine token by token, so P comes onto the grid of D and F
            grid = tokens.transpose(1, 2).unflatten(2, (self.prior_side, self.prior_side))
            tokens = F.adaptive_avg_pool2d(grid, self.side).flatten(2).transpose(1, 2)
        return self.fusion(difference, joint, tokens)
