"""The loss of DFM: λ1·L_AR + λ2·L_TGCL (eq 6), and the change flag's, which is ours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.models.dfm import DfmHeads
from engine.models.vit import Features

from ..scribe.losses import PAD_ID, caption_loss
from ..shared.tgcl import TextGuidedContrast


@dataclass(frozen=True)
class LossWeights:
    """caption : λ1. contrast : λ2. The paper elides both; λ2 leaves L_TGCL, a few nats at first, a tenth of L_AR's size.

    flag : weight of the change flag's cross-entropy. smoothing : of the next word's. detached_flag : the flag's head alone learns from it.
    """

    caption: float = 1.0
    contrast: float = 0.1
    flag: float = 1.0
    smoothing: float = 0.0
    detached_flag: bool = False


def dfm_losses(
    heads: DfmHeads,
    contrast: TextGuidedContrast | None,
    dates: tuple[Features, Features],
    prior: Tensor | None,
    changed: Tensor,
    ids: Tensor,
    sentences: Tensor | None,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Terms by name, and their weighted sum as "total".

    Parameters
    ----------
    dates : features before and after. prior : (N, 256, prior_width) or None.
    changed : (N,) float, 0 or 1. ids : (N, L), pads alone where there is nothing to say.
    sentences : (N, text width) embeddings; needed where there is a ``contrast`` of a weight above 0, else it is left out
    """
    before, after = dates
    joint, flag = heads(before, after, prior)
    if weights.detached_flag:
        flag = heads.judge(joint.detach())
    told = ids[:, 1] != PAD_ID
    losses = {"caption": flag.sum() * 0.0, "flag": F.binary_cross_entropy_with_logits(flag.float(), changed)}
    if bool(told.any()):
        words = ids[told]
        words = words[:, : int((words != PAD_ID).sum(1).max())]
        logits, _ = heads.decoder(words[:, :-1], heads.decoder.project_memory(joint[told]))
        losses["caption"] = caption_loss(logits, words, weights.smoothing)
    total = weights.caption * losses["caption"] + weights.flag * losses["flag"]
    if contrast is not None and sentences is not None and weights.contrast > 0:
        # In single precision: the temperature multiplies rounding errors by a hundred.
        with torch.autocast(after.cls.device.type, enabled=False):
            losses["contrast"] = contrast(after.cls.float() - before.cls.float(), sentences, changed > 0.5)
        total = total + weights.contrast * losses["contrast"]
    return losses | {"total": total}
