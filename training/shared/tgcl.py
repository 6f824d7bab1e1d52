"""Text-guided contrastive learning of DFM (ICME 2026, eqs 1–6): the visual difference of a pair is drawn to its sentence's embedding."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.contract.errors import InputError

# both: no-change pairs are neither queries nor candidates. rows: they ask nothing, but stand among the candidates of the others.
# none: they take part like any other pair.
GATINGS = ("both", "rows", "none")
EPSILON = 1e-6
SHORTEST = 1e-3  # differences of this length or less are not made unit: those of identical dates would get a huge gradient
FIRST_TEMPERATURE = 1 / 0.07  # CLIP's start (Radford et al. 2021)


class TextGuidedContrast(nn.Module):
    """L_TGCL of a batch.

    Parameters
    ----------
    visual_width : width of the differences d_i. text_width : of the sentence embeddings, 768 of all-MPNet-base-v2.
    gating : one of ``GATINGS``; the paper gates, and which side it elides.
    """

    def __init__(self, visual_width: int, text_width: int = 768, gating: str = "both"):
        super().__init__()
        if gating not in GATINGS:
            raise InputError(f"gating {gating!r}", "one of " + ", ".join(GATINGS), "correct the options")
        self.gating = gating
        self.project = nn.Linear(text_width, visual_width)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(FIRST_TEMPERATURE)))

    def forward(self, difference: Tensor, sentences: Tensor, changed: Tensor) -> Tensor:
        """Mean of the two contrastive losses.

        Parameters
        ----------
        difference : (N, visual_width), d_i = [CLS] after − [CLS] before
        sentences : (N, text_width), frozen embeddings of a sentence of each pair
        changed : (N,) bool
        """
        gate = torch.ones_like(changed) if self.gating == "none" else changed
        # Pairs left out altogether are taken out of the graph, so that their gradient is exactly zero.
        kept = gate if self.gating == "both" else torch.ones_like(changed)
        return contrastive_loss(self.similarity(difference[kept], sentences[kept]), gate[kept].float())

    def similarity(self, difference: Tensor, sentences: Tensor) -> Tensor:
        """S_ij = τ⟨d_i, c_j⟩ (eq 1) of unit vectors, (N, N); τ is learned as its logarithm, which keeps it positive."""
        visual, text = F.normalize(difference, dim=1, eps=SHORTEST), F.normalize(self.project(sentences), dim=1)
        return self.log_temperature.exp() * visual @ text.T


def contrastive_loss(similarity: Tensor, gate: Tensor) -> Tensor:
    """(L_i2t + L_t2i) / 2 (eqs 2–5): cross-entropies over rows and over columns, each sample gated, divided by Σg + ε; 0 where none is gated in."""
    rows = -F.log_softmax(similarity, dim=1).diagonal()
    columns = -F.log_softmax(similarity, dim=0).diagonal()
    return 0.5 * (gate * (rows + columns)).sum() / (gate.sum() + EPSILON)
