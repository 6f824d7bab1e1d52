"""Losses of Diffusion-RSCC (arXiv 2405.12875; Li et al. 2022, arXiv 2205.14217, eq 2) and KD-RSCC (doi 10.1109/LGRS.2025.3608489).

Pure functions: steps, noise levels and noise are arguments. Terms by name, each (N,), and the mean of their sum as "total", a scalar.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from engine.contract.errors import InputError
from engine.models.diffusion.discrete import DiscreteDiffusion, Predict
from engine.models.diffusion.karras import Network, Preconditioning
from engine.models.diffusion.samplers import Condition
from engine.models.diffusion.text import TextSpace

# What the cross-entropy reads: the denoised estimate, or the noised embedding as in the authors' codes, which trains the embedding alone.
CE_READS = ("denoised", "noised")
# Weight of KD-RSCC's loss: soft min-SNR as published, or that of an unweighted loss on x̂0, which learns more where there is most noise.
WEIGHTINGS = ("soft-min-snr", "uniform")


def discrete_losses(
    text: TextSpace,
    predict: Predict,
    diffusion: DiscreteDiffusion,
    ids: Tensor,
    t: Tensor,
    noises: tuple[Tensor, Tensor],
    condition: Condition,
    ce_reads: str = "noised",
) -> dict[str, Tensor]:
    """Mean square error of x̂0, rounding cross-entropy and the prior's mean square at T of Diffusion-RSCC.

    Parameters
    ----------
    ids : (N, L), pads included, which the model must write as well. t : (N,) int64.
    noises : two of (N, L, E), for x_start and for x_t. ce_reads : x_start ("noised", as published) or x̂0.

    Raises
    ------
    InputError
        Another ``ce_reads``.
    """
    _verify("ce_reads", ce_reads, CE_READS)
    start_noise, step_noise = noises
    embedded = text.embed(ids)
    x_start = embedded + _level((1 - diffusion.alpha_bar[0]).sqrt(), embedded) * start_noise
    estimate = predict(diffusion.q_sample(x_start, t, step_noise), diffusion.network_time(t), condition)
    # The last step must land on the embedding itself, not on the noised start that all others aim at.
    target = x_start.where((t > 0)[:, None, None], embedded)
    mse = (target - estimate).square().mean((1, 2))
    prior = (_level(diffusion.alpha_bar[-1], embedded) * x_start.square()).mean((1, 2))
    ce = rounding_loss(text, x_start if ce_reads == "noised" else estimate, ids)
    return _with_total({"mse": mse, "ce": ce, "prior": prior})


def karras_losses(
    text: TextSpace,
    network: Network,
    preconditioning: Preconditioning,
    ids: Tensor,
    sigma: Tensor,
    noise: Tensor,
    condition: Condition,
    ce_reads: str = "denoised",
    weighting: str = "soft-min-snr",
) -> dict[str, Tensor]:
    """Weighted sum c_weight·[mean (F − target)² + CE] of KD-RSCC, target = (x0 − c_skip·x) / c_out.

    Parameters
    ----------
    ids : (N, L), pads included. sigma : (N,) > 0. noise : (N, L, E) standard normal. ce_reads, weighting : one of ``CE_READS`` and of ``WEIGHTINGS``.

    Raises
    ------
    InputError
        Another ``ce_reads`` or ``weighting``.
    """
    _verify("ce_reads", ce_reads, CE_READS)
    _verify("weighting", weighting, WEIGHTINGS)
    rows = sigma[:, None, None]
    c_skip, c_out = preconditioning.c_skip(rows), preconditioning.c_out(rows)
    x0 = text.embed(ids)
    x = x0 + rows * noise
    output = network(preconditioning.c_in(rows) * x, preconditioning.c_noise(sigma), condition)
    mse = (output - (x0 - c_skip * x) / c_out).square().mean((1, 2))
    ce = rounding_loss(text, x if ce_reads == "noised" else c_skip * x + c_out * output, ids)
    if weighting == "uniform":  # (D − x0)² is c_out²·(F − target)²; divided by σ_d² it is of the cross-entropy's size
        return _with_total({"mse": (c_out[:, 0, 0] / preconditioning.sigma_data) ** 2 * mse, "ce": ce})
    weight = preconditioning.weight(sigma)
    return _with_total({"mse": weight * mse, "ce": weight * ce})


def rounding_loss(text: TextSpace, x: Tensor, ids: Tensor) -> Tensor:
    """Cross-entropy of the tied lm_head over all positions: (N,)."""
    return F.cross_entropy(text.logits(x).transpose(1, 2), ids, reduction="none").mean(1)


def _level(value: Tensor, like: Tensor) -> Tensor:
    """A float64 scalar of the CPU in the type and on the device of ``like``; rounded here, since not every device knows float64."""
    return value.to(like.dtype).to(like.device)


def _verify(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name} {value!r}", "one of " + ", ".join(known), "correct the training options")


def _with_total(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return terms | {"total": sum(terms.values()).mean()}  # type: ignore[union-attr]
