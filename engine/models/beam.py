"""Greedy and beam decoding of autoregressive captioners, batched, with cached keys and values."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .layers import Cache, CaptionDecoder

# Length normalisation of Wu et al. 2016 (arXiv 1609.08144), eq 14.
LENGTH_PENALTY = 1.2


def decode(
    decoder: CaptionDecoder, memory: Tensor, start: int, end: int, beams: int = 1, max_length: int = 40, banned: tuple[int, ...] = ()
) -> list[tuple[list[int], float]]:
    """Token ids and mean token probability of the best caption of each row.

    Parameters
    ----------
    memory : (N, M, width)
    beams : 1 is greedy.
    banned : ids never written (padding, unknown, start).

    Returns
    -------
    N × (ids without start and end, score in 0..1: exp of the mean log-probability)
    """
    rows, device = memory.shape[0], memory.device
    cross = [tuple(t.repeat_interleave(beams, dim=0) for t in pair) for pair in decoder.project_memory(memory)]
    ids = torch.full((rows * beams, 1), start, dtype=torch.long, device=device)
    total = torch.full((rows, beams), float("-inf"), device=device)
    total[:, 0] = 0.0
    finished = torch.zeros(rows, beams, dtype=torch.bool, device=device)
    lengths = torch.zeros(rows, beams, device=device)
    past: Cache = []
    for _ in range(min(max_length, decoder.max_length - 1)):
        logits, past = decoder(ids[:, -1:], cross, past)
        log_p = _next_log_probabilities(logits[:, -1], ids, banned, end).view(rows, beams, -1)
        # A finished beam may only go on with end, at no cost.
        log_p = log_p.masked_fill(finished[..., None], float("-inf"))
        log_p[..., end] = torch.where(finished, torch.zeros_like(log_p[..., end]), log_p[..., end])
        candidates = total[..., None] + log_p
        # Ranking by normalised score, so that a short finished caption competes fairly with a longer one.
        next_lengths = (lengths + (~finished).float())[..., None]
        ranked = candidates / _penalty(next_lengths)
        _, best = ranked.flatten(1).topk(beams, dim=1)
        origin, token = best // log_p.shape[-1], best % log_p.shape[-1]
        total = candidates.flatten(1).gather(1, best)
        lengths = next_lengths.squeeze(-1).gather(1, origin)
        finished = finished.gather(1, origin) | (token == end)
        flat = (origin + torch.arange(rows, device=device)[:, None] * beams).flatten()
        ids = torch.cat((ids[flat], token.flatten()[:, None]), dim=1)
        past = [(key[flat], value[flat]) for key, value in past]
        if bool(finished.all()):
            break
    best_beam = (total / _penalty(lengths)).argmax(dim=1)
    chosen = ids.view(rows, beams, -1)[torch.arange(rows, device=device), best_beam, 1:].tolist()
    score = (total / lengths.clamp(min=1)).gather(1, best_beam[:, None]).exp().flatten().tolist()
    return [(_until(row, end), value) for row, value in zip(chosen, score)]


def _next_log_probabilities(logits: Tensor, ids: Tensor, banned: tuple[int, ...], end: int) -> Tensor:
    """Log-probabilities of the next token; never a banned one, never the previous word again, never a word pair twice running."""
    log_p = F.log_softmax(logits.float(), dim=-1)
    log_p[:, list(banned)] = float("-inf")
    length = ids.shape[1]
    if length > 1:
        repeat = ids[:, -1:]
        log_p.scatter_(1, torch.where(repeat == end, torch.zeros_like(repeat), repeat), float("-inf"))
    if length > 3:
        stutter = ids[:, -3] == ids[:, -1]
        column = torch.where(stutter, ids[:, -2], torch.zeros_like(ids[:, -2]))
        log_p.scatter_(1, column[:, None], float("-inf"))
    return log_p


def _penalty(lengths: Tensor) -> Tensor:
    return ((5.0 + lengths) / 6.0) ** LENGTH_PENALTY


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids
