"""How DFM is trained: its options, and those of each preset."""

from __future__ import annotations

from dataclasses import dataclass, field

from .losses import LossWeights


@dataclass(frozen=True)
class DfmOptions:
    """How to train.

    gating : of the contrast, or "off" for none of it. clip : largest norm of the gradient; None: not clipped. augment : images and captions.
    unchanged_captions : pairs without a change are captioned too (L_AR of all pairs, as published); else the decoder learns from changed pairs alone.
    sentence_encoder : of the contrast's sentences, one of ``sentence_embeddings.ENCODERS``. min_count : of a word, to be in the vocabulary.
    """

    epochs: int = 40
    batch_size: int = 64
    lr: float = 1e-4
    gating: str = "both"
    weights: LossWeights = field(default_factory=LossWeights)
    min_count: int = 1
    seed: int = 1
    validate_every: int = 2
    clip: float | None = 1.0
    augment: bool = True
    unchanged_captions: bool = False
    sentence_encoder: str = "mpnet"


# "paper": as the baseline is trained (models.md §3 and its audit); the flag reads Z without training it, so that eq 6 alone trains the rest.
RECIPES = {
    "paper": DfmOptions(epochs=80, weights=LossWeights(detached_flag=True), validate_every=1, clip=None, augment=False, unchanged_captions=True),
    "compact": DfmOptions(),
}
