"""Losses of ``scribe-s``. Targets that are unknown are NaN and carry no loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from engine.models.scribe import ScribeNet
from engine.words.text import SPECIAL

from ..shared.batches import Batch
from ..shared.tgcl import TextGuidedContrast

PAD_ID, UNKNOWN_ID = SPECIAL.index("<pad>"), SPECIAL.index("<unk>")


def known_bce(logits: Tensor, target: Tensor, smoothing: float = 0.0, positive_weight: float = 1.0) -> Tensor:
    """Mean binary cross-entropy over the targets that are not NaN; 0 where none is known."""
    known = ~target.isnan()
    if not bool(known.any()):
        return logits.sum() * 0.0
    target = target[known] * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[known], target, pos_weight=logits.new_tensor(positive_weight))


def caption_loss(logits: Tensor, ids: Tensor, smoothing: float = 0.1) -> Tensor:
    """Cross-entropy of the next token (label smoothing); pads and unknown words carry none."""
    target = ids[:, 1:].masked_fill(ids[:, 1:] == UNKNOWN_ID, PAD_ID)
    return F.cross_entropy(logits.float().flatten(0, 1), target.flatten(), ignore_index=PAD_ID, label_smoothing=smoothing)


def scribe_losses(net: ScribeNet, batch: Batch, contrast: TextGuidedContrast) -> dict[str, Tensor]:
    """Loss terms of a batch by name: caption, flag, mask, classes, contrast. The decoder learns from changed pairs only (the cascade)."""
    before, after = net.encode(batch.before, batch.after)
    change = net.prior(before, after)
    losses = {
        "flag": known_bce(change.flag, batch.flag, smoothing=0.05),
        "mask": known_bce(change.mask, batch.mask, positive_weight=2.0),
        "classes": known_bce(change.classes, batch.classes, positive_weight=2.0),
    }
    told = ~batch.meaning[:, 0].isnan()
    difference = (after[2] - before[2]).mean((2, 3)).float()
    losses["contrast"] = contrast(difference, batch.meaning.nan_to_num(), told)
    if len(batch.ids):
        memory = net.with_style(net.memory(before, after, change)[batch.owner], batch.style)
        logits, _ = net.decoder(batch.ids[:, :-1], net.decoder.project_memory(memory))
        losses["caption"] = caption_loss(logits, batch.ids)
    else:
        losses["caption"] = change.flag.sum() * 0.0
    return losses
