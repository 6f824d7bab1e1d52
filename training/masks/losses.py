"""Losses of the mask: buildings from masks, the other kinds from what is known of single cells and of whole pairs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .samples import BUILDING_ADDED, BUILDING_REMOVED, FULL, UNKNOWN

BUILDINGS = [BUILDING_ADDED, BUILDING_REMOVED]
TOP_SHARE = 0.01  # of a pair's cells: those that must show a kind that the pair is said to show
DICE_SMOOTH = 50.0  # cells


def mask_losses(logits: Tensor, cells: Tensor, changed: Tensor, named: Tensor) -> dict[str, Tensor]:
    """Loss terms by name, of logits (N, K, 128, 128) and what ``FeatureCache.read`` gives of the same pairs."""
    union, off = _either(logits[:, BUILDINGS])
    seen = changed != UNKNOWN
    target = changed.float().clamp(max=FULL) / FULL
    entropy = -(target * union + (1 - target) * off)
    probability = union.exp() * seen
    overlap = 2 * (probability * target).sum() + DICE_SMOOTH
    dice = 1 - overlap / ((probability**2).sum() + (target**2 * seen).sum() + DICE_SMOOTH)
    others = [kind for kind in range(logits.shape[1]) if kind not in BUILDINGS]
    return {
        "change": (entropy * seen).sum() / seen.sum().clamp(min=1),
        "dice": dice,
        "sign": _known_cells(logits[:, BUILDINGS], cells[:, BUILDINGS]),
        "land": _known_cells(logits[:, others], cells[:, others]),
        "named": _named(logits, named),
    }


def _either(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the probability that either kind is there, and that neither is: (N, 2, h, w) → (N, h, w) each."""
    off = -F.softplus(logits).sum(1)
    return torch.log(-torch.expm1(off.clamp(max=-1e-6))), off


def _known_cells(logits: Tensor, cells: Tensor) -> Tensor:
    """Mean cross-entropy over the cells whose share is known."""
    known = cells != UNKNOWN
    entropy = F.binary_cross_entropy_with_logits(logits, cells.float().clamp(max=FULL) / FULL, reduction="none")
    return (entropy * known).sum() / known.sum().clamp(min=1)


def _named(logits: Tensor, named: Tensor) -> Tensor:
    """Of each kind that a pair is said to show, its most likely cells must be likely (multiple instances, Ilse et al. 2018 name the setting)."""
    there = named == 1
    if not bool(there.any()):
        return logits.sum() * 0.0
    chosen = logits[there].flatten(1)
    top = chosen.topk(max(1, int(TOP_SHARE * chosen.shape[1])), dim=1).values
    return F.softplus(-top).mean()
